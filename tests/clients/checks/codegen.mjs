// graphql-codegen on the introspection of the server, its result compiled by
// tsc --strict, and what that makes run against the server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { generate } from '@graphql-codegen/cli';

import { documents, withUser } from '../schema.mjs';

const run = promisify(execFile);
const modules = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules');

// A program of a user: its types come from the documents alone. Each
// @ts-expect-error is an error by itself if the line below it compiles.
const program = `import { request } from 'graphql-request';
import { CreateDocument, UpdateDocument, UserByIdDocument } from './generated.js';

export async function rename(url: string, id: string, name: string): Promise<string | undefined> {
  const changed = await request(url, UpdateDocument, { id, input: { name } });
  const updated: string | undefined = changed.updateUser?.name;
  // @ts-expect-error the document does not ask for it
  void changed.updateUser?.email;
  // @ts-expect-error a name is a string
  void (() => request(url, UpdateDocument, { id, input: { name: 1 } }));
  // @ts-expect-error the column email takes no null and has no default
  void (() => request(url, CreateDocument, { input: { name } }));
  // @ts-expect-error the key has to be given
  void (() => request(url, UserByIdDocument, {}));
  const { user } = await request(url, UserByIdDocument, { id });
  const email: string | undefined = user?.email;
  return email === undefined ? undefined : updated;
}
`;

export default async function ({ url, schema, check }) {
  const dir = await mkdtemp(join(tmpdir(), 'fraiseql-codegen-'));
  try {
    await symlink(modules, join(dir, 'node_modules'));
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
    await writeFile(join(dir, 'program.ts'), program);
    const generated = await check('types from the introspection of the server', async () => {
      const files = await generate(
        {
          cwd: dir,
          silent: true,
          schema: url,
          documents: Object.values(documents(schema)),
          generates: {
            [join(dir, 'generated.ts')]: {
              plugins: ['typescript-operations', 'typed-document-node'],
              config: { strictScalars: true, scalars: scalars(schema), useTypeImports: true },
            },
          },
        },
        true,
      );
      assert.equal(files.length, 1);
      return true;
    });
    if (!generated) return;
    const compiled = await check('a program on them passes tsc --strict', async () => {
      const args = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', '--target', 'es2022'];
      args.push('--module', 'nodenext', '--moduleResolution', 'nodenext', '--types', '', '--outDir', dir, join(dir, 'program.ts'));
      try {
        await run(process.execPath, [join(modules, 'typescript', 'bin', 'tsc'), ...args], { cwd: dir });
      } catch (error) {
        throw new Error(error.stdout || error.message);
      }
      return true;
    });
    if (!compiled) return;
    await check('what tsc made of it runs', () =>
      withUser({ url, schema }, async (user) => {
        const { rename } = await import(pathToFileURL(join(dir, 'program.js')));
        assert.equal(await rename(url, user.id, 'After'), 'After');
      }),
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

// scalars maps each scalar of the schema that GraphQL does not define. They are
// strings, but for JSON; with strictScalars one left out would be an error.
function scalars(schema) {
  const own = Object.values(schema.getTypeMap()).filter((t) => t.astNode?.kind === 'ScalarTypeDefinition' || t.constructor.name === 'GraphQLScalarType');
  const builtIn = new Set(['Int', 'Float', 'String', 'Boolean', 'ID']);
  return Object.fromEntries(own.filter((t) => !builtIn.has(t.name)).map((t) => [t.name, /json/i.test(t.name) ? 'unknown' : 'string']));
}
