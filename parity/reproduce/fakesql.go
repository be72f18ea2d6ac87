package reproduce

import (
	"bytes"
	"encoding/hex"
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
			return tag + f.text(sqltext.Unquote(text), true) + tag
		}
	case 'b', 'B': // a bit or so is no more than true or false
		f.stuck = f.stuck || len(text) > len("B'1'")
		return text
	case 'x', 'X':
		return text[:1] + "'" + letters(text[2:], 0, 6)
	}
	old := sqltext.Unquote(text)
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

var (
	dayForm    = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	momentForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d`)
	offsetForm = regexp.MustCompile(`([+-]\d\d(:?\d\d)?|Z)$`)
)
