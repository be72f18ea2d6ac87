package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// systemSchema is where PostgreSQL's own types are.
const systemSchema = "pg_catalog"

// CamelCase turns a snake_case name into camelCase: it splits at '_', keeps
// leading underscores, drops empty segments, leaves the first segment as it is,
// raises the first letter of each later one, and touches nothing else.
//
//	user_name → userName    _user_name → _userName    USER_ID → USERID
//
// Two names may give one ("user_id2" and "user_id_2"): Load refuses a table
// whose columns do.
func CamelCase(name string) string {
	rest := strings.TrimLeft(name, "_")
	if !strings.Contains(rest, "_") {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	b.WriteString(name[:len(name)-len(rest)])
	first := true
	for segment := range strings.SplitSeq(rest, "_") {
		if segment == "" {
			continue
		}
		if first {
			first = false
			b.WriteString(segment)
			continue
		}
		r, size := utf8.DecodeRuneInString(segment)
		if r == utf8.RuneError && size == 1 {
			// Not UTF-8 (a SQL_ASCII database): a byte is no letter to raise.
			b.WriteString(segment)
			continue
		}
		b.WriteRune(unicode.ToUpper(r))
		b.WriteString(segment[size:])
	}
	return b.String()
}

// QuoteIdent is name as a quoted SQL identifier: say "hi" → "say ""hi""". It is
// quoted always, so reserved words and letter case need no thought.
func QuoteIdent(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// parseName splits a table name into schema ("" if not said) and name.
func parseName(s string) (qualified, error) {
	bad := &NameError{Name: s, Err: ErrName}
	var parts []string
	rest := s
	for {
		part, after, ok := cutPart(rest)
		if !ok || part == "" {
			return qualified{}, bad
		}
		parts = append(parts, part)
		if after == "" {
			break
		}
		if after[0] != '.' || len(parts) == 2 {
			return qualified{}, bad
		}
		rest = after[1:]
	}
	if len(parts) == 1 {
		return qualified{name: parts[0]}, nil
	}
	return qualified{parts[0], parts[1]}, nil
}

// cutPart takes one identifier off the front of s. Outside quotes every
// character but '.' and '"' stands for itself: "my table" needs no quotes.
func cutPart(s string) (part, after string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexAny(s, `."`)
		if i < 0 {
			return s, "", true
		}
		return s[:i], s[i:], s[i] == '.'
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}
