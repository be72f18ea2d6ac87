package builder

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// echoMax bounds how much of the caller's own text a message repeats, in bytes.
const echoMax = 64

// key is the path of a member of p. It never shares p's spare capacity, so
// siblings can't overwrite each other.
func (p Path) key(name string) Path { return append(slices.Clip(p), name) }

// index is the path of an element of p.
func (p Path) index(i int) Path { return append(slices.Clip(p), i) }

// Child is the path of a member of p.
func (p Path) Child(name string) Path { return p.key(name) }

// Index is the path of an element of p.
func (p Path) Index(i int) Path { return p.index(i) }

// String prints p as $.filters.and[1].value. Keys that are not plain names
// are quoted and cut after 64 bytes: $["we ird"].
func (p Path) String() string {
	var b strings.Builder
	b.WriteByte('$')
	for _, step := range p {
		switch s := step.(type) {
		case int:
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s))
			b.WriteByte(']')
		case string:
			if plainKey(s) {
				b.WriteByte('.')
				b.WriteString(s)
			} else {
				b.WriteByte('[')
				b.WriteString(quoted(s))
				b.WriteByte(']')
			}
		}
	}
	return b.String()
}

// plainKey says that s reads well after a dot.
func plainKey(s string) bool {
	if s == "" || len(s) > echoMax {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// quoted is s in double quotes for a message, cut at echoMax bytes on a rune's
// edge. Control characters are escaped, so a message can't forge log lines.
func quoted(s string) string {
	if len(s) <= echoMax {
		return strconv.Quote(s)
	}
	i := echoMax
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	q := strconv.Quote(s[:i])
	return q[:len(q)-1] + `…"`
}
