// Runs the audits of graphql-http against the server at a URL, one line for each,
// and exits with 1 unless every one of them passes:
//
//	node audit.mjs http://127.0.0.1:8000/graphql
import { auditServer } from 'graphql-http';

// The number of audits of the pinned version: a package that lost some must not
// make the server look better.
const expected = 61;

const url = process.argv[2];
if (!url) {
  console.error('usage: node audit.mjs URL');
  process.exit(2);
}

let results;
try {
  results = await auditServer({ url });
} catch (err) {
  console.error(`audit: ${url}: ${err.cause?.message ?? err.message}`);
  process.exit(2);
}

let failed = 0;
for (const r of results) {
  if (r.status === 'ok') {
    console.log(`ok      ${r.id} ${r.name}`);
    continue;
  }
  failed++;
  const body = await r.response.text().catch(() => '');
  console.log(`${r.status.padEnd(7)} ${r.id} ${r.name}: ${r.reason} (${r.response.status}) ${body.slice(0, 200)}`);
}
console.log(`${results.length - failed} of ${results.length} audits pass`);
process.exit(failed === 0 && results.length === expected ? 0 : 1);
