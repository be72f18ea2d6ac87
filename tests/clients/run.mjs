// Runs every check against a server on the sample database, one line each:
//
//   node run.mjs http://127.0.0.1:8080/graphql
//
// The exit status is 0 if all passed, 1 if one did not, 2 for a wrong command
// line, 3 if there is no such server to check.
import { introspect } from './schema.mjs';

const checks = ['graphql-request', 'apollo', 'urql', 'relay', 'codegen'];

const url = process.argv[2];
if (process.argv.length !== 3 || !URL.canParse(url)) {
  console.error('clients: node run.mjs URL, with the URL of the GraphQL endpoint');
  process.exit(2);
}

let schema;
try {
  schema = await introspect(url);
} catch (error) {
  console.error(`clients: ${url} cannot be checked: ${reason(error)}`);
  process.exit(3);
}

let passed = 0;
let failed = 0;

// One check after another: each has the users that it makes to itself.
for (const name of checks) {
  const { default: check } = await import(`./checks/${name}.mjs`);
  const step = async (what, fn) => {
    const started = performance.now();
    try {
      const result = await fn();
      passed++;
      console.log(`ok    ${name}: ${what} (${Math.round(performance.now() - started)} ms)`);
      return result;
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name}: ${what}: ${reason(error)}`);
      return undefined;
    }
  };
  try {
    await check({ url, schema, check: step });
  } catch (error) {
    // What a check does around its steps, such as making and deleting its user.
    failed++;
    console.log(`FAIL  ${name}: ${reason(error)}`);
  }
}

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

// reason is the message of error and of its causes, in one line.
function reason(error) {
  const texts = [];
  for (let e = error; e; e = e.cause) texts.push(e.message || e.code || String(e));
  return texts.join(': ').replace(/\s+/g, ' ').slice(0, 600);
}
