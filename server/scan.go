package server

import (
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds lists and objects inside each other in a body, whoever reads it
// later: the scanner calls itself for each.
const maxDepth = 128

// scanner reads JSON (RFC 8259) that is valid UTF-8 and whole. It is stricter
// than encoding/json where leniency would let two readers see different
// requests: keys are exact, and what is not JSON is refused wherever it stands.
// It allocates for texts that are kept and for nothing else.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// next is the next byte that is no space, 0 at the end.
func (s *scanner) next() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// take moves past c if it is next.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.i++
	return true
}

// value moves past one value and returns it as it is written.
func (s *scanner) value(depth int) (raw []byte, ok bool) {
	s.space()
	start := s.i
	if !s.skip(depth) {
		return nil, false
	}
	return s.b[start:s.i], true
}

func (s *scanner) skip(depth int) bool {
	switch s.next() {
	case '{':
		return s.members(depth, func([]byte, bool) bool { return s.skip(depth - 1) })
	case '[':
		return s.elements(depth, func() bool { return s.skip(depth - 1) })
	case '"':
		_, _, ok := s.text()
		return ok
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

// members moves past an object and calls member after each key and colon. Key is
// as it is written between the quotes, escaped says whether it has escapes.
func (s *scanner) members(depth int, member func(key []byte, escaped bool) bool) bool {
	if depth <= 0 || !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		key, escaped, ok := s.text()
		if !ok || !s.take(':') || !member(key, escaped) {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// elements moves past a list and calls element before each of its values.
func (s *scanner) elements(depth int, element func() bool) bool {
	if depth <= 0 || !s.take('[') {
		return false
	}
	if s.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (s *scanner) literal(word string) bool {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return false
	}
	s.i += len(word)
	return true
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

func (s *scanner) number() bool {
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !s.digits() {
		return false
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !s.digits() {
			return false
		}
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		return s.digits()
	}
	return true
}

// text moves past a string. Its escapes are not judged beyond their form: see
// unquote.
func (s *scanner) text() (raw []byte, escaped, ok bool) {
	if !s.take('"') {
		return nil, false, false
	}
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1], escaped, true
		case c < ' ':
			return nil, false, false
		case c == '\\':
			escaped = true
			if !s.escape() {
				return nil, false, false
			}
		default:
			s.i++
		}
	}
	return nil, false, false
}

func (s *scanner) escape() bool {
	if len(s.b)-s.i < 2 {
		return false
	}
	c := s.b[s.i+1]
	s.i += 2
	if c == 'u' {
		if _, ok := hex4(s.b[s.i:]); !ok {
			return false
		}
		s.i += 4
		return true
	}
	return unescaped(c) != 0
}

// unescaped is what a backslash and c stand for, 0 if nothing.
func unescaped(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unquote is the text that raw, from scanner.text, is written for. Half of a
// surrogate pair is no text and not ok: to replace it would alter the request.
func unquote(raw []byte, escaped bool) (text string, ok bool) {
	if !escaped {
		return string(raw), true
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		if raw[i+1] != 'u' {
			out = append(out, unescaped(raw[i+1]))
			i += 2
			continue
		}
		r, _ := hex4(raw[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			if len(raw)-i < 6 || raw[i] != '\\' || raw[i+1] != 'u' {
				return "", false
			}
			low, _ := hex4(raw[i+2:])
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return "", false
			}
			i += 6
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out), true
}
