// Package corpus is the form in which operations are kept: one JSON object a line,
// to be read, replayed on two backends, and compared.
//
// A line is a definition (see package builder),
//
//	{"operation": "query", "table": "users"}
//	{"title": "all users", "definition": {"operation": "query", "table": "users"}}
//
// or, with its version, what was captured of a running application:
//
//	{"v":1,"time":"2026-11-26T07:00:00Z","conn":"3","tx":7,"kind":"query","sql":"select * from users where id = $1","args":[{"go":"int64","text":"5"}],"outcome":"ok","rows":1}
//
// or what could not be captured:
//
//	{"v":1,"time":"2026-11-26T07:00:01Z","lost":{"the queue was full":12}}
//
// Empty lines and lines that begin with # are left out. The order of lines is kept
// within a connection; across connections it is the order in which they ended.
//
// ImportLog makes lines of PostgreSQL's log, ImportStatStatements of the extension
// pg_stat_statements; both count what could not be used, and why.
package corpus
