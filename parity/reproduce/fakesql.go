package reproduce

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// reading is how the constants of a text of SQL are understood, where it could be either
// way.
type reading struct {
	rows bool // 'day' is a value that is in a row, and not the word of date_trunc
	ids  bool // 10 is a value that is in a row, and not the number of a LIMIT
	code bool // what views and functions say is code, but for the values of rows
}

var readings = []reading{{ids: true}, {ids: true, code: true}, {rows: true, ids: true}, {rows: true, ids: true, code: true}, {}, {code: true}, {rows: true}}

// program replaces the values in lines.
func (f *faker) program(lines []corpus.Line) []corpus.Line {
	lines = slices.Clone(lines)
	for i := range lines {
		l := &lines[i]
		types := f.parameters[l.SQL]
		l.SQL = f.text(l.SQL, false)
		l.Args = slices.Clone(l.Args)
		for j := range l.Args {
			base := ""
			if j < len(types) {
				base = types[j]
			}
			l.Args[j] = f.argument(l.Args[j], base)
		}
		l.Settings = maps.Clone(l.Settings)
		for name, v := range l.Settings {
			if strings.Contains(name, ".") { // the program's own: others take what the server knows
				l.Settings[name] = f.value(v, "")
			}
		}
	}
	return lines
}

func (f *faker) argument(a corpus.Arg, base string) corpus.Arg {
	switch {
	case a.Text != nil:
		made := f.value(*a.Text, base)
		a.Text = &made
	case a.Hex != nil && a.Go == "string": // not UTF-8: every byte may be the difference
		f.stuck = f.stuck || len(*a.Hex) > 8
	case a.Hex != nil:
		made := strings.TrimPrefix(f.leaf(`\x`+strings.ToLower(*a.Hex), "bytea", "bytea"), `\x`)
		if _, err := hex.DecodeString(made); err == nil {
			a.Hex = &made
		}
	}
	return a
}

// value is what stands for the value of an argument.
func (f *faker) value(old, base string) string {
	if made, ok := f.known(old); ok {
		return made
	}
	element, array := strings.CutSuffix(base, "[]")
	switch {
	case array && strings.HasPrefix(old, "{"):
		return labelForm.ReplaceAllStringFunc(old, func(e string) string {
			bare := strings.Trim(e, `"`)
			if e == "NULL" {
				return e
			}
			return strings.Replace(e, bare, f.leaf(bare, element, "text"), 1)
		})
	case base == "json", base == "jsonb":
		made, _ := shaped(base, old, 0)
		f.remember(base, old, made)
		return made
	case textTypes[base] || base == "":
		parts := strings.Split(old, "%") // a pattern
		for i, p := range parts {
			if p != "" {
				parts[i] = f.leaf(p, base, "text")
			}
		}
		return strings.Join(parts, "%")
	}
	return f.leaf(old, base, "text")
}

func (f *faker) remember(base, old, made string) {
	if f.made[base] == nil {
		f.made[base] = map[string]string{}
	}
	f.made[base][old] = made
}

// known is what stands for a value that is a row's.
func (f *faker) known(old string) (string, bool) {
	for _, base := range slices.Sorted(maps.Keys(f.made)) {
		if made, ok := f.made[base][old]; ok {
			return made, true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.enums)) {
		if made, ok := f.enums[name][old]; ok {
			return made, true
		}
	}
	return "", false
}

// text replaces the constants in SQL. nested is of a text that makes a function, whose
// body is SQL in quotes.
func (f *faker) text(sql string, nested bool) string {
	list := sqltext.Lex(sql)
	for i := range list {
		l := &list[i]
		switch l.Sort {
		case sqltext.String:
			l.Text = f.quoted(l.Text, nested || i > 0 && list[0].Name() == "do")
		case sqltext.Number:
			l.Text = f.number(l.Text)
		case sqltext.Comment:
			l.Text = letters(l.Text, 0, 26)
		default: // names say what the values are of
		}
	}
	return sqltext.Join(list)
}

// quoted replaces the value of a constant as it is written.
func (f *faker) quoted(text string, nested bool) string {
	old := unquoted(text)
	if nested && isSQL(old) && text[0] != '$' {
		return literal(f.text(old, true))
	}
	switch text[0] {
	case '$':
		if nested {
			tag := text[:strings.IndexByte(text[1:], '$')+2]
			return tag + f.text(old, true) + tag
		}
	case '\'', 'e', 'E':
	default: // B'…', X'…', U&'…': every sign is the value
		f.stuck = f.stuck || len(text) > 8
		return text
	}
	var made string
	if nested && f.reading.code {
		made = f.code(old)
	} else {
		made = f.constant(old)
	}
	if made == old {
		return text
	}
	return literal(made)
}

// isSQL says whether a constant is a statement, which EXECUTE takes.
func isSQL(text string) bool {
	list := sqltext.Lex(text)
	return len(list) >= 3 && list[0].Sort == sqltext.Word && smallerOf[list[0].Name()]
}

// code is a constant of a view or a function, without the values of rows that are in it.
func (f *faker) code(old string) string {
	if made, ok := f.known(old); ok {
		return made
	}
	for _, base := range slices.Sorted(maps.Keys(f.made)) {
		for _, whole := range slices.Sorted(maps.Keys(f.made[base])) {
			if len(whole) >= 5 {
				old = strings.ReplaceAll(old, whole, f.made[base][whole])
			}
		}
	}
	return old
}

// constant is what stands for a constant of a statement.
func (f *faker) constant(old string) string {
	if kept[old] || !f.reading.rows && f.structural(old) {
		return old
	}
	if made, ok := f.known(old); ok {
		return made
	}
	if f.structural(old) {
		return old
	}
	if len(old) >= 3 { // a key, or another part of a value
		for _, base := range slices.Sorted(maps.Keys(f.made)) {
			for _, whole := range slices.Sorted(maps.Keys(f.made[base])) {
				made := f.made[base][whole]
				if at := strings.Index(whole, old); at >= 0 && len(whole) == len(made) {
					return made[at : at+len(old)]
				}
			}
		}
	}
	return f.value(old, baseOf(old))
}

var (
	dayForm     = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	momentForm  = regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d`)
	zoneForm    = regexp.MustCompile(`([+-]\d\d(:?\d\d)?|Z)$`)
	patternForm = regexp.MustCompile(`^(?:(?:YYYY|YYY|YY|Y|IYYY|MM|MONTH|MON|DDD|DD|D|DAY|DY|HH24|HH12|HH|MI|SS|MS|US|TZH|TZM|TZ|OF|AM|PM|IW|WW|Q|FM|TM|T|Z|G|S|L|J|CC|[90.,: /_;"-])+)$`)
	spanForm    = regexp.MustCompile(`(?i)^(?:[+-]?\d{1,3} ?(?:microsecond|millisecond|second|sec|minute|min|hour|day|week|month|mon|year)s? ?)+$`)
	placeForm   = regexp.MustCompile(`^(?:[A-Z][A-Za-z_]+/[A-Z][A-Za-z_/]+|UTC|GMT|C|POSIX)$`)
)

// meaning are constants that are words of the server's.
var meaning = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`microseconds milliseconds second seconds minute minutes hour hours day days week weeks month months quarter year years decade century millennium
		epoch dow doy isodow isoyear timezone hex base64 escape utf8 UTF8 simple english key value public pg_catalog on off`) {
		m[w] = true
	}
	return m
}()

// baseOf is the type that a constant looks like one of.
func baseOf(v string) string {
	switch {
	case uuidForm.MatchString(v):
		return "uuid"
	case dayForm.MatchString(v):
		return "date"
	case momentForm.MatchString(v) && zoneForm.MatchString(v[10:]):
		return "timestamp with time zone"
	case momentForm.MatchString(v):
		return "timestamp without time zone"
	case decimalForm.MatchString(v):
		return "numeric"
	case (strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[")) && json.Valid([]byte(v)):
		return "jsonb"
	case strings.HasPrefix(v, "{") && strings.HasSuffix(v, "}"):
		return "text[]"
	}
	return "text"
}

// structural says whether a constant is a part of the statement rather than a value: the
// pattern of a date, a unit, a name.
func (f *faker) structural(v string) bool {
	if len(v) <= 1 || meaning[v] || spanForm.MatchString(v) || placeForm.MatchString(v) {
		return true
	}
	if patternForm.MatchString(strings.ToUpper(v)) && strings.ContainsAny(strings.ToUpper(v), "YMDHSGLFT9") && !decimalForm.MatchString(v) {
		return true
	}
	return f.names()[strings.Trim(v[strings.LastIndexByte(v, '.')+1:], `"`)]
}

// names are those of the world.
func (f *faker) names() map[string]bool {
	if f.named != nil {
		return f.named
	}
	f.named = map[string]bool{}
	for i := range f.before.tables {
		t := &f.before.tables[i]
		f.named[t.name] = true
		for _, c := range t.columns {
			f.named[c.name], f.named[c.typ] = true, true
		}
	}
	for _, t := range f.before.types {
		f.named[t.name] = true
	}
	for _, o := range f.before.objects {
		f.named[o.name] = true
	}
	return f.named
}

// number is what stands for a number of a statement.
func (f *faker) number(old string) string {
	x, ok := new(big.Rat).SetString(old)
	if !ok || kept[old] || !f.reading.ids && len(old) < 5 {
		return old
	}
	for _, base := range slices.Sorted(maps.Keys(f.made)) {
		if !numTypes[base] {
			continue
		}
		for _, o := range slices.Sorted(maps.Keys(f.made[base])) {
			if y, ok := new(big.Rat).SetString(o); ok && x.Cmp(y) == 0 {
				return strings.TrimPrefix(respelled(f.made[base][o], old), "-") // the sign is another lexeme
			}
		}
	}
	if len(old) < 5 {
		return old
	}
	made := numbers(old, 0)
	f.remember("numeric", old, made)
	return made
}
