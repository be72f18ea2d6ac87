package reproduce

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// reading is how the constants of a text of SQL are understood where their place does
// not tell.
type reading struct {
	small bool // a number of two digits that nothing is compared with is a part of the statement
	vague bool // the name of a unit is
	near  int  // a number that no row has is the next smaller one that a row has, -1, or the next greater, 1
}

var readings = []reading{{}, {near: -1}, {near: 1}, {small: true}, {vague: true}, {small: true, vague: true}}

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
	}
	return lines
}

func (f *faker) argument(a corpus.Arg, base string) corpus.Arg {
	switch {
	case a.Text != nil:
		made := f.value(*a.Text, base)
		a.Text = &made
	case a.Hex != nil && a.Go == "string":
		made := f.bytes(*a.Hex)
		a.Hex = &made
	case a.Hex != nil:
		made := strings.TrimPrefix(f.leaf(`\x`+strings.ToLower(*a.Hex), "bytea", "bytea"), `\x`)
		if _, err := hex.DecodeString(made); err == nil {
			a.Hex = &made
		}
	}
	return a
}

// bytes is what stands for text that is not UTF-8, in hexadecimal: what makes it so stays
// in its places, and says nothing.
func (f *faker) bytes(old string) string {
	b, err := hex.DecodeString(old)
	if err != nil {
		f.stuck = true
		return old
	}
	made := []byte(letters(string(bytes.Map(func(c rune) rune {
		if c >= utf8.RuneSelf {
			return 1
		}
		return c
	}, b)), 0, 26))
	for i, c := range []byte(string(made)) {
		if c == 1 {
			made[i] = 0xff
		}
	}
	return hex.EncodeToString(made)
}

// value is what stands for the value of an argument.
func (f *faker) value(old, base string) string {
	if made, ok := f.known(old); ok {
		return made
	}
	if numTypes[base] || base == "" && decimalForm.MatchString(old) {
		if made, ok := f.near(old); ok {
			return made
		}
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
	at := places(list)
	for i := range list {
		l := &list[i]
		switch l.Sort {
		case sqltext.String:
			l.Text = f.quoted(l.Text, at[i], nested || i > 0 && list[0].Name() == "do")
		case sqltext.Number:
			l.Text = f.number(l.Text, at[i])
		case sqltext.Comment:
			l.Text = blank(l.Text)
		default: // names say what the values are of
		}
	}
	return sqltext.Join(list)
}

// blank is a comment of the same form that says nothing.
func blank(comment string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsMark(c) {
			return 'a'
		}
		if unicode.IsNumber(c) {
			return '1'
		}
		return c
	}, comment)
}

// quoted replaces the value of a constant as it is written.
func (f *faker) quoted(text string, at place, nested bool) string {
	switch text[0] {
	case '$':
		if nested && (at.before[0] == "as" || at.before[0] == "do") { // and not in what is quoted in it
			tag := text[:strings.IndexByte(text[1:], '$')+2]
			return tag + f.text(unquoted(text), true) + tag
		}
	case 'b', 'B': // a bit or so is no more than true or false
		f.stuck = f.stuck || len(text) > len("B'1'")
		return text
	case 'x', 'X':
		return text[:1] + "'" + letters(text[2:], 0, 6)
	}
	old := unquoted(text)
	if nested && isSQL(old) {
		return literal(f.statement(old))
	}
	made := f.constant(old, at)
	if made == old {
		return text
	}
	return literal(made)
}

// isSQL says whether a constant may be a statement, which EXECUTE takes.
func isSQL(text string) bool {
	list := sqltext.Lex(text)
	return len(list) >= 3 && list[0].Sort == sqltext.Word && smallerOf[list[0].Name()]
}

// statement replaces the constants in a constant that may be a statement, and its words
// too where they are neither the server's nor names of the world: it may be somebody's
// sentence.
func (f *faker) statement(text string) string {
	list := sqltext.Lex(f.text(text, true))
	for i := range list {
		l := &list[i]
		directs := i > 0 && strings.HasSuffix(list[i-1].Text, "%") && l.Space == "" && len(l.Text) == 1 // %I of format
		if l.Sort != sqltext.Word || directs || f.spoken[l.Name()] || f.names()[l.Name()] {
			continue
		}
		if f.renamed[l.Name()] == "" {
			f.renamed[l.Name()] = "w" + strconv.Itoa(len(f.renamed)+1)
		}
		l.Text = f.renamed[l.Name()]
	}
	return sqltext.Join(list)
}

// constant is what stands for a constant of a statement.
func (f *faker) constant(old string, at place) string {
	if silent(old) || at.speaks(old) || at.setting() && f.spoken[strings.ToLower(old)] {
		return old
	}
	if made, ok := f.known(old); ok {
		return made
	}
	if made, ok := f.bound(old, at); ok {
		return made
	}
	if kept[old] || f.name(old) || f.reading.vague && vague(old) {
		return old
	}
	if at.call == "format" && at.arg == 0 {
		return outside(old, directive, func(s string) string { return letters(s, 0, 26) })
	}
	if len(old) >= 3 { // a key, or another part of a value
		for _, base := range slices.Sorted(maps.Keys(f.made)) {
			for _, whole := range slices.Sorted(maps.Keys(f.made[base])) {
				made := f.made[base][whole]
				if i := strings.Index(whole, old); i >= 0 && len(whole) == len(made) && made[i:i+len(old)] != old {
					return made[i : i+len(old)]
				}
			}
		}
	}
	return f.value(old, baseOf(old))
}

var (
	dayForm    = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	momentForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d`)
	offsetForm = regexp.MustCompile(`([+-]\d\d(:?\d\d)?|Z)$`)
)

// baseOf is the type that a constant looks like one of.
func baseOf(v string) string {
	switch {
	case uuidForm.MatchString(v):
		return "uuid"
	case dayForm.MatchString(v):
		return "date"
	case momentForm.MatchString(v) && offsetForm.MatchString(v[10:]):
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

// name says whether v is the name of something, with all that is before it: nextval and
// regclass take it in quotes.
func (f *faker) name(v string) bool {
	list := sqltext.Lex(v)
	for i, l := range list {
		if i%2 == 1 && l.Text != "." || i%2 == 0 && (l.Sort != sqltext.Word || !f.names()[l.Name()]) || l.Space != "" {
			return false
		}
	}
	return len(list)%2 == 1
}

// names are those of the world.
func (f *faker) names() map[string]bool {
	if f.named != nil {
		return f.named
	}
	f.named = map[string]bool{}
	for i := range f.before.tables {
		t := &f.before.tables[i]
		f.named[t.name], f.named[t.schema] = true, true
		for _, c := range t.columns {
			f.named[c.name], f.named[c.typ] = true, true
		}
	}
	for _, t := range f.before.types {
		f.named[t.name], f.named[t.schema] = true, true
	}
	for _, o := range f.before.objects {
		f.named[o.name], f.named[o.schema] = true, true
	}
	for _, s := range f.before.sequences {
		f.named[s] = true
	}
	delete(f.named, "")
	return f.named
}

// number is what stands for a number of a statement.
func (f *faker) number(old string, at place) string {
	x, ok := new(big.Rat).SetString(old)
	switch {
	case kept[old], at.count() && len(old) < 5:
		return old
	case !ok: // 0x12 or 1_000
		return "1"
	}
	if made, ok := f.bound(old, at); ok {
		return strings.TrimPrefix(made, "-")
	}
	if !at.scales() {
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
	}
	if made, ok := f.near(old); ok {
		return strings.TrimPrefix(made, "-")
	}
	if f.reading.small && len(old) < 3 && !at.compared() {
		return old
	}
	made := f.other(numbering, "numeric", old, 0)
	for rank := 1; rank <= 20 && f.taken[made]; rank++ { // two numbers stay two
		made = f.other(numbering, "numeric", old, rank)
	}
	f.taken[made] = true
	f.remember("numeric", old, made)
	return made
}

// bound is what stands for a constant that a column is greater or less than: the nearest
// value of a row, so that the same rows are.
func (f *faker) bound(old string, at place) (string, bool) {
	base := f.columnType(at.before[1])
	up := at.before[0] == "<" || at.before[0] == ">="
	if !up && at.before[0] != ">" && at.before[0] != "<=" || !numTypes[base] && !clockTypes[base] {
		return "", false
	}
	if made, ok := f.made[base][old]; ok {
		return made, true
	}
	list := f.values(base)
	i, _ := slices.BinarySearchFunc(list, old, order)
	if up && i < len(list) {
		return f.made[base][list[i]], true
	}
	if !up && i > 0 {
		return f.made[base][list[i-1]], true
	}
	return "", false
}

// near is the number of a row that is next to old, as the reading has it.
func (f *faker) near(old string) (made string, ok bool) {
	var nearest string
	for _, base := range f.bases() {
		if f.reading.near == 0 || !numTypes[base] {
			continue
		}
		for _, v := range f.values(base) {
			if order(v, old) == f.reading.near && (!ok || order(v, nearest) == -f.reading.near) {
				nearest, made, ok = v, f.made[base][v], true
			}
		}
	}
	return made, ok
}

func numbering(_, old string, rank int) (string, bool) { return numbers(old, rank), true }
