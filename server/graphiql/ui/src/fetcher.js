// The one way in which GraphiQL speaks to the server: GraphQL over HTTP, POST.

const accept = 'application/graphql-response+json, application/json;q=0.9';

let answer = '';
const listeners = new Set();

// lastAnswer describes the answer that came last; '' before there is one.
export const lastAnswer = () => answer;

// onAnswer calls fn after each answer, until the returned function is called.
export function onAnswer(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

function tell(text) {
  answer = text;
  for (const fn of listeners) fn();
}

// fetcher returns a GraphiQL fetcher that sends to endpoint. Whatever is JSON is
// shown as it is, whatever its status: a refused request has errors in it. What
// is not JSON came from something in between and is an error with its status.
export function fetcher(endpoint) {
  return async ({ query, operationName, variables }, { headers } = {}) => {
    // What GraphiQL itself asks for is not what the user waits for.
    const own = operationName === 'IntrospectionQuery';
    const started = performance.now();
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { accept, ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query, operationName: operationName ?? undefined, variables: variables ?? undefined }),
    });
    const text = await response.text();
    if (!own) {
      const ms = performance.now() - started;
      const bytes = new TextEncoder().encode(text).length;
      tell(`${response.status} ${response.statusText} · ${ms.toFixed(ms < 10 ? 1 : 0)} ms · ${size(bytes)}`);
    }
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`The server answered ${response.status} ${response.statusText}, and not in JSON: ${text.slice(0, 200)}`);
    }
  };
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
