// Builds ../assets from src and the packages that package-lock.json pins. The
// same input makes the same bytes, whatever the machine: names are hashes of
// content, and the compressor is a package too, not the one of this Node.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { gzipSync } from 'fflate';

const here = dirname(fileURLToPath(import.meta.url));
const assets = join(here, '..', 'assets');
const folder = 'graphiql/'; // below which the server serves the assets
const empty = { contents: '', loader: 'js' };

// What is left out or replaced, each for its size (docs/adr/0016-graphiql-assets.md).
const trim = {
  name: 'trim',
  setup(b) {
    const replaced = new Set();
    const replace = (path, resolve) => {
      replaced.add(path);
      return resolve;
    };
    // graphiql/style.css has all of Monaco's style; each module has its own again.
    b.onLoad({ filter: /monaco-editor[/\\]esm[/\\].*\.css$/ }, () => replace('css', empty));
    // Fonts in data URLs, of 18 files; the system's are used. Monaco's icons are one more and stay.
    b.onLoad({ filter: /graphiql[/\\]dist[/\\]style\.css$/ }, async ({ path }) => {
      const css = await readFile(path, 'utf8');
      const contents = css.replace(/@font-face\s*\{[^}]*font-family:\s*(Roboto|Fira Code)[^}]*\}/g, () => replace('fonts', ''));
      return { contents, loader: 'css' };
    });
    b.onResolve({ filter: /^\.\/editor\.all\.js$/ }, () => replace('editor', { path: join(here, 'src/editor.js') }));
    b.onResolve({ filter: /^\.\/standalone\/browser\/(iPadShowKeyboard|inspectTokens|referenceSearch|toggleHighContrast)\// }, ({ path }) =>
      replace('standalone', { path, namespace: 'empty' }),
    );
    b.onLoad({ filter: /.*/, namespace: 'empty' }, () => empty);
    // One copy of prettier's GraphQL: by its old name it is a second, in CommonJS.
    b.onResolve({ filter: /^prettier\/parser-graphql$/ }, ({ importer, resolveDir }) =>
      replace('prettier', b.resolve('prettier/plugins/graphql', { kind: 'dynamic-import', importer, resolveDir })),
    );
    b.onLoad({ filter: /@graphiql[/\\]react[/\\]dist[/\\]utility[/\\]jsonc\.js$/ }, async ({ path }) => {
      const js = await readFile(path, 'utf8');
      const contents = js.replace(/async function formatJSONC\(content\) \{[\s\S]*?\n\}\n/, () =>
        replace('jsonc', `import { formatJSONC } from ${JSON.stringify(join(here, 'src/format.js'))};\n`),
      );
      return { contents, loader: 'js' };
    });
    b.onEnd(() => {
      for (const name of ['css', 'fonts', 'editor', 'standalone', 'prettier', 'jsonc'])
        if (!replaced.has(name)) throw new Error(`build: nothing was trimmed by the rule "${name}": a package has changed`);
    });
  },
};

// One build of page and workers, so that they share what both need.
const result = await build({
  absWorkingDir: here,
  entryPoints: {
    main: 'src/main.js',
    editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
    json: 'monaco-editor/esm/vs/language/json/json.worker.js',
    graphql: 'monaco-graphql/esm/graphql.worker.js',
    favicon: 'src/favicon.svg',
  },
  bundle: true,
  splitting: true,
  format: 'esm',
  minify: true,
  legalComments: 'none', // THIRD_PARTY_LICENSES.txt has them whole
  target: ['chrome120', 'firefox121', 'safari17'],
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.svg': 'copy', '.ttf': 'file' },
  plugins: [trim],
  outdir: 'out',
  entryNames: '[name]-[hash]',
  chunkNames: 'chunk-[hash]',
  assetNames: '[name]-[hash]',
  metafile: true,
  write: false,
  logLevel: 'warning',
});

const files = new Map(result.outputFiles.map((f) => [basename(f.path), Buffer.from(f.contents)]));

// The icons of Monaco: out of the style sheet, where base64 takes a third more,
// and to a file, so that the page needs no fonts from data URLs.
for (const [name, content] of [...files]) {
  if (!name.startsWith('main-') || !name.endsWith('.css')) continue;
  let found = 0;
  const css = content.toString().replace(/url\("?data:font\/ttf;base64,([A-Za-z0-9+/=]+)"?\)/g, (_, data) => {
    found++;
    const font = Buffer.from(data, 'base64');
    const file = `codicon-${hash(font)}.ttf`;
    files.set(file, font);
    return `url(${file})`;
  });
  if (found !== 1 || css.includes('data:font')) throw new Error(`build: ${found} fonts in the style sheet, not one`);
  files.delete(name);
  files.set(`main-${hash(css)}.css`, Buffer.from(css));
}

const licences = await thirdParty(Object.keys(result.metafile.inputs));
files.set(`THIRD_PARTY_LICENSES-${hash(licences)}.txt`, Buffer.from(licences));

await rm(assets, { recursive: true, force: true });
await mkdir(assets, { recursive: true });
const page = (await readFile(join(here, 'src/page.html'), 'utf8')).replace(/ASSET\(([^)]+)\)/g, (_, name) => folder + hashed(name));
await writeFile(join(assets, 'page.html'), page);
let total = 0;
for (const name of [...files.keys()].sort()) {
  const packed = gzipSync(files.get(name), { level: 9, mtime: 0 });
  total += packed.length;
  await writeFile(join(assets, `${name}.gz`), packed);
}
await writeFile(join(here, '..', 'THIRD_PARTY_LICENSES.txt'), licences);
await writeFile(join(assets, 'source.sha256'), `${await sourceHash()}\n`);
console.log(`${files.size} files, ${total} bytes compressed`);

// hash names a file by its content, in the form that esbuild's names have.
function hash(content) {
  return createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase();
}

// hashed is the file that name became: main.js is main-HASH.js.
function hashed(name) {
  const [, stem, ext] = /^(.*)(\.[a-z]+)$/.exec(name);
  const found = [...files.keys()].filter((f) => f.startsWith(`${stem}-`) && f.endsWith(ext));
  if (found.length !== 1) throw new Error(`build: ${name} is ${found.join(', ') || 'nothing'}`);
  return found[0];
}

// sourceHash is over all that the assets are made of. A test compares it: who
// changes the source without a build is told.
async function sourceHash() {
  const sum = createHash('sha256');
  const source = (await readdir(join(here, 'src'))).map((f) => `src/${f}`);
  for (const file of [...source, 'build.mjs', 'package.json', 'package-lock.json'].sort()) {
    sum.update(`${file}\n`);
    sum.update(await readFile(join(here, file)));
  }
  return sum.digest('hex');
}

// thirdParty is the licence of every package of which a file is in the bundle.
async function thirdParty(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const at = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (at) packages.add(at[1]);
  }
  const parts = [];
  for (const dir of packages) {
    const about = JSON.parse(await readFile(join(here, dir, 'package.json'), 'utf8'));
    const names = (await readdir(join(here, dir))).filter((f) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(f)).sort();
    const texts = await Promise.all(names.map((f) => readFile(join(here, dir, f), 'utf8')));
    if (texts.length === 0) texts.push(`(The package has no licence file. Its author: ${author(about)}.)`);
    parts.push({ key: `${about.name} ${about.version}`, licence: about.license, text: texts.map((t) => t.replace(/\r\n/g, '\n').trim()).join('\n\n') });
  }
  parts.sort((a, b) => (a.key < b.key ? -1 : 1));
  const head = 'GraphiQL as fraiseql serves it holds parts of these packages of the npm registry.\n';
  return [head, ...parts.map((p) => `${'='.repeat(80)}\n${p.key} (${p.licence})\n\n${p.text}\n`)].join('\n');
}

function author({ author, contributors, name }) {
  const of = author ?? contributors?.[0] ?? `the authors of ${name}`;
  return typeof of === 'string' ? of : of.name;
}
