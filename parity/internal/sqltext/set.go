package sqltext

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Change is what a statement makes of a run-time parameter of its session.
type Change struct {
	Name    string // in lower case; "" is all of them but role and session_authorization
	Value   string
	Reset   bool // to what it was when the session began
	Local   bool // for the transaction
	Unknown bool // to what, nobody knows here
}

// Changes are those that a statement makes with SET, RESET, DISCARD and set_config. args
// are its arguments as texts; nil stands for one that is not known. alone says that it
// does nothing else.
func Changes(sql string, args []*string) (list []Change, alone bool) {
	alone = true
	for _, text := range Split(sql) {
		s := slices.DeleteFunc(Lex(text), func(l Lexeme) bool { return l.Sort == Comment })
		c, only := changes(s, args)
		list = append(list, c...)
		alone = alone && only
	}
	return list, alone && list != nil
}

func changes(s []Lexeme, args []*string) ([]Change, bool) {
	switch word(s, 0) {
	case "set":
		if c, ok := set(s[1:]); ok {
			return c, true
		}
		return nil, false
	case "reset":
		list := []Change{{Name: parameter(s[1:]), Reset: true}}
		if list[0].Name == "session_authorization" { // which has no role of its own
			list = append(list, Change{Name: "role", Reset: true})
		}
		return list, true
	case "discard":
		if word(s, 1) == "all" {
			return []Change{{Reset: true}, {Name: "session_authorization", Reset: true}, {Name: "role", Reset: true}}, true
		}
		return nil, false
	}
	list, only := configs(s, args)
	if hidden(s) {
		list, only = append(list, Change{Name: "?", Unknown: true}), false
	}
	return list, only
}

// hidden says that a statement sets something where it is not read here: in a DO block, or
// through the view that lists parameters.
func hidden(s []Lexeme) bool {
	switch word(s, 0) {
	case "do":
		return slices.ContainsFunc(s, func(l Lexeme) bool {
			return l.Sort == String && setsInBody.MatchString(l.Text)
		})
	case "update":
		return slices.ContainsFunc(s, func(l Lexeme) bool { return strings.EqualFold(l.Text, "pg_settings") })
	}
	return false
}

// setsInBody finds what sets a parameter in the body of a block, and more.
var setsInBody = regexp.MustCompile(`(?i)\bset_config\b|\bdiscard\s+all\b|\breset\s+\w|(?:^|[;'$]|\b(?:begin|then|loop|else)\b)\s*set\s+\w`)

// word is the n-th lexeme as a keyword, "" where it is none.
func word(s []Lexeme, n int) string {
	if n < len(s) && s[n].Sort == Word && s[n].Text[0] != '"' {
		return strings.ToLower(s[n].Text)
	}
	return ""
}

// parameter is the name after RESET; "" is all.
func parameter(s []Lexeme) string {
	switch first, second := word(s, 0), word(s, 1); {
	case first == "all":
		return ""
	case first == "session" && second == "authorization":
		return "session_authorization"
	case first == "time" && second == "zone":
		return "timezone"
	}
	return strings.ToLower(dotted(&s))
}

// dotted takes a name from the front of s.
func dotted(s *[]Lexeme) string {
	var b strings.Builder
	for len(*s) > 0 {
		b.WriteString((*s)[0].Name())
		*s = (*s)[1:]
		if len(*s) < 2 || (*s)[0].Text != "." {
			break
		}
		b.WriteByte('.')
		*s = (*s)[1:]
	}
	return b.String()
}

// set reads what comes after SET; false where it sets no run-time parameter.
func set(s []Lexeme) ([]Change, bool) {
	var c Change
	switch word(s, 0) {
	case "local":
		if len(s) > 1 && s[1].Sort == Word && word(s, 1) != "to" {
			c.Local, s = true, s[1:]
		}
	case "session":
		switch next := word(s, 1); {
		case next == "characteristics":
			return characteristics(s[2:]), true
		case next != "authorization" && next != "to" && len(s) > 1 && s[1].Sort == Word:
			s = s[1:]
		}
	}
	switch first := word(s, 0); first {
	case "":
		if len(s) == 0 || s[0].Sort != Word {
			return nil, false
		}
	case "transaction", "constraints":
		return nil, false
	case "time":
		if word(s, 1) == "zone" {
			c.Name = "timezone"
			return []Change{c.to(s[2:])}, true
		}
	case "names", "schema", "role":
		if len(s) > 1 && s[1].Text == "=" || word(s, 1) == "to" {
			break
		}
		c.Name = map[string]string{"names": "client_encoding", "schema": "search_path", "role": "role"}[first]
		return []Change{c.to(s[1:])}, true
	case "session":
		if word(s, 1) == "authorization" {
			c.Name = "session_authorization"
			return []Change{c.to(s[2:]), {Name: "role", Reset: true, Local: c.Local}}, true
		}
	}
	c.Name = strings.ToLower(dotted(&s))
	if len(s) == 0 || s[0].Text != "=" && word(s, 0) != "to" {
		c.Unknown = true
		return []Change{c}, true
	}
	return []Change{c.to(s[1:])}, true
}

// characteristics are those of SET SESSION CHARACTERISTICS AS TRANSACTION.
func characteristics(s []Lexeme) (list []Change) {
	for i := range s {
		switch first, second := word(s, i), word(s, i+1); {
		case first == "read" && second == "only":
			list = append(list, Change{Name: "default_transaction_read_only", Value: "on"})
		case first == "read" && second == "write":
			list = append(list, Change{Name: "default_transaction_read_only", Value: "off"})
		case first == "isolation":
			level := word(s, i+2)
			if level == "repeatable" || level == "read" {
				level += " " + word(s, i+3)
			}
			list = append(list, Change{Name: "default_transaction_isolation", Value: level})
		case first == "deferrable":
			value := "on"
			if i > 0 && word(s, i-1) == "not" {
				value = "off"
			}
			list = append(list, Change{Name: "default_transaction_deferrable", Value: value})
		}
	}
	return list
}

// quotedLists are parameters whose value is a list of names, each quoted by itself.
var quotedLists = map[string]bool{"search_path": true, "temp_tablespaces": true, "session_preload_libraries": true, "local_preload_libraries": true}

// to is the change with the value that s spells.
func (c Change) to(s []Lexeme) Change {
	switch first := word(s, 0); {
	case len(s) == 1 && first == "default", len(s) == 0 && c.Name == "client_encoding", len(s) == 1 && first == "local" && c.Name == "timezone":
		c.Reset = true
		return c
	case c.Name == "timezone" && first == "interval":
		c.Unknown = true
		return c
	}
	var parts []string
	sign, signs := "", 0
	for i, l := range s {
		switch {
		case l.Text == "," && len(parts) > 0 && i+1 < len(s):
			continue
		case l.Sort == Operator && (l.Text == "-" || l.Text == "+") && sign == "" && i+1 < len(s) && s[i+1].Sort == Number:
			sign, signs = strings.TrimPrefix(l.Text, "+"), signs+1
			continue
		case l.Sort == String && (l.Text[0] == '\'' || l.Text[0]|0x20 == 'e') && !strings.Contains(l.Text, `\`):
			value := Unquote(l.Text)
			if quotedLists[c.Name] {
				value = `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
			}
			parts = append(parts, value)
		case l.Sort == Word && strings.LastIndexByte(l.Text, '"') > 0 && l.Text[0] != '"': // U&"…"
			c.Unknown = true
			return c
		case l.Sort == Word && quotedLists[c.Name]:
			parts = append(parts, `"`+strings.ReplaceAll(l.Name(), `"`, `""`)+`"`)
		case l.Sort == Word:
			parts = append(parts, l.Name())
		case l.Sort == Number:
			parts = append(parts, sign+l.Text)
		default:
			c.Unknown = true
			return c
		}
		sign = ""
	}
	if len(parts) == 0 || len(s) != 2*len(parts)-1+signs {
		c.Unknown = true
		return c
	}
	c.Value = strings.Join(parts, ", ")
	return c
}

// configs are the calls of set_config in a statement, and whether it is a SELECT of these
// only.
func configs(s []Lexeme, args []*string) (list []Change, only bool) {
	only = word(s, 0) == "select"
	for i := 1; i < len(s); i++ {
		if !strings.EqualFold(s[i].Text, "set_config") || i+1 >= len(s) || s[i+1].Text != "(" {
			schema := word(s, i) == "pg_catalog" && i+2 < len(s) && s[i+1].Text == "." && strings.EqualFold(s[i+2].Text, "set_config")
			only = only && (schema || s[i].Text == "." || s[i].Text == "," && len(list) > 0)
			continue
		}
		c, n := call(s[i+2:], args)
		list = append(list, c)
		i += 1 + n
		if word(s, i+1) == "as" { // a name for the column
			i += 2
		}
	}
	if !only {
		for i := range list {
			list[i].Unknown = true // it may not have run, or for every row
		}
	}
	return list, only && list != nil
}

// call reads the arguments of set_config, and how many lexemes they and the closing
// parenthesis are.
func call(s []Lexeme, args []*string) (c Change, n int) {
	var values []*string
	var one []Lexeme
	depth := 0
	for n < len(s) {
		l := s[n]
		n++
		switch l.Text {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth < 0 || depth == 0 && l.Text == "," {
			values = append(values, constant(one, args))
			one = nil
			if depth < 0 {
				break
			}
			continue
		}
		one = append(one, l)
	}
	if len(values) != 3 || values[0] == nil {
		return Change{Name: "?", Unknown: true}, n
	}
	c.Name = strings.ToLower(*values[0])
	if values[1] == nil || values[2] == nil {
		c.Unknown = true
		return c, n
	}
	c.Value = *values[1]
	c.Local = slices.Contains([]string{"t", "true", "1", "on", "yes"}, strings.ToLower(*values[2]))
	return c, n
}

// constant is the value of an argument that is written out or given, perhaps with a
// cast; nil where it is none.
func constant(s []Lexeme, args []*string) *string {
	if len(s) == 3 && s[1].Text == "::" {
		s = s[:1]
	}
	if len(s) != 1 {
		return nil
	}
	switch l := s[0]; l.Sort {
	case String:
		if l.Text[0] != '\'' {
			return nil
		}
		v := Unquote(l.Text)
		return &v
	case Param:
		if n, err := strconv.Atoi(l.Text[1:]); err == nil && n >= 1 && n <= len(args) {
			return args[n-1]
		}
	case Word:
		if w := word(s, 0); w == "true" || w == "false" {
			return &w
		}
	default: // an expression
	}
	return nil
}
