package builder

import "strings"

// ident quotes an identifier for use in SQL text that squirrel still renders:
// quotes are doubled as PostgreSQL asks ("Identifiers and Key Words"), and a
// question mark is doubled because squirrel takes a single one for a
// placeholder even within quotes. Only names that the catalog knows, or that
// this package makes, are ever given to it.
func ident(name string) string {
	return sqlText(`"` + strings.ReplaceAll(name, `"`, `""`) + `"`)
}

// sqlText makes finished SQL text (a type's name, a table's quoted name) safe
// for squirrel: each question mark becomes two.
func sqlText(s string) string {
	if strings.IndexByte(s, '?') < 0 {
		return s
	}
	return strings.ReplaceAll(s, "?", "??")
}
