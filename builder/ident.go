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

// camel is the output spelling of a column's name (D4): split at "_", leading
// underscores kept, empty segments dropped, the first segment as it is, the
// first letter of each later one raised, nothing else touched.
func camel(name string) string {
	if strings.IndexByte(name, '_') < 0 {
		return name
	}
	lead := len(name) - len(strings.TrimLeft(name, "_"))
	var b strings.Builder
	b.Grow(len(name))
	b.WriteString(name[:lead])
	first := true
	for seg := range strings.SplitSeq(name[lead:], "_") {
		switch {
		case seg == "":
		case first:
			b.WriteString(seg)
			first = false
		default:
			b.WriteString(strings.ToUpper(seg[:runeLen(seg)]))
			b.WriteString(seg[runeLen(seg):])
		}
	}
	return b.String()
}

// runeLen is the length in bytes of the first rune of s, which is not empty.
func runeLen(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}
