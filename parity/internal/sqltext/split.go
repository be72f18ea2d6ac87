package sqltext

import "strings"

// Split cuts a text at the semicolons between its statements. A text that it can't be sure
// of (a function whose body is BEGIN ATOMIC … END) stays whole.
func Split(sql string) []string {
	var list []string
	var one []Lexeme
	depth := 0
	end := func() {
		for _, l := range one {
			if l.Sort != Comment {
				list = append(list, Join(one))
				break
			}
		}
		one = nil
	}
	for _, l := range Lex(sql) {
		switch l.Text {
		case "(":
			depth++
		case ")":
			depth--
		case ";":
			if depth == 0 {
				end()
				continue
			}
		}
		if n := len(one); n > 0 && l.Sort == Word && strings.EqualFold(l.Text, "atomic") && strings.EqualFold(one[n-1].Text, "begin") {
			return []string{sql}
		}
		one = append(one, l)
	}
	end()
	return list
}
