package graphql

import "encoding/json"

// The reader of JSON text. It reads what RFC 8259 allows and nothing else; at
// the first mistake it sets broken, after which every call says no.

// peek passes over white space and answers the byte there, or 0 at the end.
func (v *values) peek() byte {
	for v.at < len(v.text) {
		switch c := v.text[v.at]; c {
		case ' ', '\n', '\r', '\t':
			v.at++
		default:
			return c
		}
	}
	return 0
}

func (v *values) fault() bool {
	v.broken = true
	return false
}

// open reads the beginning of a list or an object.
func (v *values) open(c byte) bool {
	if v.peek() != c {
		return v.fault()
	}
	v.at++
	return true
}

// close says whether a list or an object ends here, and reads the comma before
// its next element where it does not. It is true on broken text.
func (v *values) close(c byte, first bool) bool {
	if v.broken {
		return true
	}
	switch next := v.peek(); {
	case next == c:
		v.at++
		return true
	case first && next != 0:
		return false
	case next == ',':
		v.at++
		if after := v.peek(); after == c || after == 0 {
			return !v.fault()
		}
		return false
	}
	return !v.fault()
}

// word reads true, false or null.
func (v *values) word(w string) bool {
	if len(v.text)-v.at < len(w) || string(v.text[v.at:v.at+len(w)]) != w {
		return v.fault()
	}
	v.at += len(w)
	return true
}

// key reads the name of a member and the colon.
func (v *values) key() ([]byte, bool) {
	if v.peek() != '"' {
		return nil, v.fault()
	}
	key, ok := v.string()
	if !ok || !v.open(':') {
		return nil, false
	}
	v.peek()
	return key, true
}

// string reads a string and answers what it says.
func (v *values) string() (text []byte, ok bool) {
	start := v.at + 1
	escaped := false
	for i := start; i < len(v.text); i++ {
		switch c := v.text[i]; {
		case c == '"':
			v.at = i + 1
			if escaped {
				return v.unescape(v.text[start:i]), true
			}
			return v.text[start:i], true
		case c == '\\':
			n := escapeLength(v.text[i:])
			if n == 0 {
				return nil, v.fault()
			}
			escaped = true
			i += n - 1
		case c < ' ':
			return nil, v.fault()
		}
	}
	return nil, v.fault()
}

// escapeLength is the length of the escape at the beginning of b, 0 where it is
// none.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return 0
			}
		}
		return 6
	}
	return 0
}

// unescape is for keys and enums alone, whose names are ASCII letters, digits
// and underscores: an escape of anything else answers a byte that is in no name.
func (v *values) unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		n := escapeLength(b[i:])
		c := byte('?')
		if n == 6 && b[i+2] == '0' && b[i+3] == '0' {
			c = unhex(b[i+4])<<4 | unhex(b[i+5])
			if !isNameByte(c) {
				c = '?'
			}
		}
		out = append(out, c)
		i += n - 1
	}
	return out
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// number reads a number and says whether it has neither fraction nor exponent.
func (v *values) number() (whole, ok bool) {
	i, text := v.at, v.text
	digits := func() bool {
		from := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		return i > from
	}
	if i < len(text) && text[i] == '-' {
		i++
	}
	switch {
	case i < len(text) && text[i] == '0':
		i++
	case !digits():
		return false, v.fault()
	}
	whole = true
	if i < len(text) && text[i] == '.' {
		i++
		whole = false
		if !digits() {
			return false, v.fault()
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		i++
		whole = false
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if !digits() {
			return false, v.fault()
		}
	}
	v.at = i
	return whole, true
}

// skip reads any value that nests at most depth deep.
func (v *values) skip(depth int) bool {
	switch c := v.peek(); c {
	case '"':
		_, ok := v.string()
		return ok
	case 't', 'f':
		return v.word(boolWord(c))
	case 'n':
		return v.word("null")
	case '{', '[':
		if depth <= 0 {
			return v.fault()
		}
		return v.skipInside(c, depth-1)
	default:
		_, ok := v.number()
		return ok
	}
}

func (v *values) skipInside(c byte, depth int) bool {
	v.at++
	end := c + 2 // '{' and '}', '[' and ']' stand two apart
	for first := true; !v.close(end, first); first = false {
		if c == '{' {
			if _, ok := v.key(); !ok {
				return false
			}
		}
		if !v.skip(depth) {
			return false
		}
	}
	return !v.broken
}

// unquote is what a JSON string says. The text was read before.
func unquote(raw []byte) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return ""
	}
	return s
}
