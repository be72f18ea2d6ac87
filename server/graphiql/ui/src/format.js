// Stands in for the JSON formatter of @graphiql/react (see build.mjs), which
// loads a whole JavaScript parser for it: 145 kB compressed. jsonc-parser is in
// the bundle anyway and keeps comments too.
import { applyEdits, format } from 'jsonc-parser';

export async function formatJSONC(content) {
  return applyEdits(content, format(content, undefined, { tabSize: 2, insertSpaces: true, insertFinalNewline: false }));
}
