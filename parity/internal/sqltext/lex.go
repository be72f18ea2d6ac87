package sqltext

import "strings"

// Sort is what a Lexeme is.
type Sort uint8

// The sorts.
const (
	Word     Sort = iota // a keyword or an identifier, quoted or not
	String               // text in quotes: '…', E'…', B'…', X'…', N'…', U&'…', $tag$…$tag$
	Number               // 12, 1.5, 1e3
	Param                // $1
	Operator             // a run of operator characters
	Mark                 // ( ) [ ] , ; . :: and what is left
	Comment
)

// Lexeme is a part of a statement as it is written.
type Lexeme struct {
	Space string // what is before it
	Text  string
	Sort  Sort
}

// Lex divides sql; Join gives it back, but for white space at its end.
func Lex(sql string) []Lexeme {
	var list []Lexeme
	for i := 0; i < len(sql); {
		start := i
		for i < len(sql) && strings.IndexByte(" \t\r\n\f\v", sql[i]) >= 0 {
			i++
		}
		if i == len(sql) {
			break
		}
		n, sort := one(sql[i:])
		list = append(list, Lexeme{Space: sql[start:i], Text: sql[i : i+n], Sort: sort})
		i += n
	}
	return list
}

// Join is the text of lexemes.
func Join(list []Lexeme) string {
	var b strings.Builder
	for _, l := range list {
		b.WriteString(l.Space)
		b.WriteString(l.Text)
	}
	return strings.TrimLeft(b.String(), " \t\r\n\f\v")
}

// Without is list without n lexemes from at, with what divides the two that meet.
func Without(list []Lexeme, at, n int) []Lexeme {
	out := make([]Lexeme, 0, len(list)-n)
	out = append(out, list[:at]...)
	for i, l := range list[at+n:] {
		switch {
		case i > 0:
		case at > 0 && list[at-1].Sort == Comment:
			l.Space = "\n"
		case l.Space != "" || at > 0 && list[at-1].joins(l):
			l.Space = " "
		}
		out = append(out, l)
	}
	return out
}

// joins says whether l and next would be one lexeme, or others, with nothing between.
func (l Lexeme) joins(next Lexeme) bool {
	word := func(x Lexeme) bool { return x.Sort == Word || x.Sort == Number || x.Sort == Param || x.Sort == String }
	number := l.Sort == Number && next.Text == "." || l.Text == "." && next.Sort == Number
	return word(l) && word(next) || l.Sort == Operator && next.Sort == Operator || number || l.Sort == Mark && next.Sort == Mark && l.Text[0] == ':'
}

// Name is the identifier of a Word, as the server folds it.
func (l Lexeme) Name() string {
	if s, ok := strings.CutPrefix(l.Text, `"`); ok {
		return strings.ReplaceAll(strings.TrimSuffix(s, `"`), `""`, `"`)
	}
	return strings.ToLower(l.Text)
}

const operators = "+-*/<>=~!@#%^&|`?"

func one(s string) (int, Sort) {
	switch c := s[0]; {
	case strings.HasPrefix(s, "--"):
		if end := strings.IndexByte(s, '\n'); end >= 0 {
			return end, Comment
		}
		return len(s), Comment
	case strings.HasPrefix(s, "/*"):
		return comment(s), Comment
	case c >= '0' && c <= '9' || c == '.' && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
		return number(s), Number
	case c == '$':
		n := dollar(s)
		if n > 1 && s[1] >= '0' && s[1] <= '9' {
			return n, Param
		}
		return n, String
	case strings.HasPrefix(s, "::") || strings.HasPrefix(s, ":="):
		return 2, Mark
	case strings.IndexByte(operators, c) >= 0:
		n := 1
		for n < len(s) && strings.IndexByte(operators, s[n]) >= 0 && !strings.HasPrefix(s[n:], "--") && !strings.HasPrefix(s[n:], "/*") {
			n++
		}
		return n, Operator
	}
	n := lexeme(s)
	prefix := strings.IndexAny(s[:n], `'"`)
	switch {
	case prefix >= 0 && s[prefix] == '\'':
		return n, String
	case prefix >= 0 || letter(s[0]):
		return n, Word
	}
	return n, Mark
}

// number is the length of a numeric constant.
func number(s string) int {
	digits := func(i int) int {
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || letter(s[i]) && s[i]|0x20 != 'e' || s[i] == '_') {
			i++
		}
		return i
	}
	i := digits(0)
	if i < len(s) && s[i] == '.' && !strings.HasPrefix(s[i:], "..") {
		i = digits(i + 1)
	}
	if i+1 < len(s) && s[i]|0x20 == 'e' {
		j := i + 1
		if s[j] == '+' || s[j] == '-' {
			j++
		}
		if j < len(s) && s[j] >= '0' && s[j] <= '9' {
			return digits(j)
		}
	}
	return max(i, 1)
}
