package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// These functions walk over JSON that json.Valid has passed, without building
// values: numbers keep their digits, documents their spelling, and the cost is one
// pass for each level of nesting.

// checkJSON checks what every argument has to keep: one JSON value, UTF-8, and
// whole surrogate pairs. Go's decoder would put U+FFFD for the last two.
func checkJSON(raw []byte) error {
	if !utf8.Valid(raw) {
		return errors.New("the value is not valid UTF-8")
	}
	if !json.Valid(raw) {
		return errors.New("the value is not valid JSON, or nested too deeply")
	}
	for i := bytes.IndexByte(raw, '\\'); i >= 0 && i < len(raw); {
		if raw[i] != '\\' {
			next := bytes.IndexByte(raw[i:], '\\')
			if next < 0 {
				break
			}
			i += next
			continue
		}
		if raw[i+1] != 'u' {
			i += 2
			continue
		}
		_, n, err := surrogates(raw[i:])
		if err != nil {
			return err
		}
		i += n
	}
	return nil
}

// surrogates decodes the escape \uXXXX, or two of them for one character, at
// the beginning of valid JSON s.
func surrogates(s []byte) (r rune, n int, err error) {
	r = hex4(s[2:])
	switch {
	case r < 0xD800 || r > 0xDFFF:
		return r, 6, nil
	case r < 0xDC00 && len(s) >= 12 && s[6] == '\\' && s[7] == 'u':
		if low := hex4(s[8:]); low >= 0xDC00 && low <= 0xDFFF {
			return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, 12, nil
		}
	}
	return 0, 0, fmt.Errorf("the escape %s is half of a surrogate pair", s[:6])
}

// hex4 decodes four hexadecimal digits, which valid JSON has there.
func hex4(s []byte) (r rune) {
	for _, c := range s[:4] {
		r = r<<4 | rune(unhex(c))
	}
	return r
}

// unhex is the value of a hexadecimal digit, or 0xff.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

var errNUL = errors.New("has a NUL character, which PostgreSQL cannot store")

// unquote decodes a valid JSON string. Without escapes it is a part of raw.
func unquote(raw []byte) ([]byte, error) {
	s := raw[1 : len(raw)-1]
	i := bytes.IndexByte(s, '\\')
	if i < 0 {
		return s, nil
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for i < len(s) {
		if s[i] != '\\' {
			out = append(out, s[i])
			i++
			continue
		}
		if s[i+1] != 'u' {
			out = append(out, unescaped(s[i+1]))
			i += 2
			continue
		}
		r, n, err := surrogates(s[i:])
		if err != nil {
			return nil, err
		}
		if r == 0 {
			return nil, errNUL
		}
		out = utf8.AppendRune(out, r)
		i += n
	}
	return out, nil
}

// unescaped is the character of a short escape.
func unescaped(c byte) byte {
	switch c {
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
	return c
}

// valueEnd is the end of the value that begins at i in valid JSON.
func valueEnd(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		return stringEnd(raw, i)
	case '{', '[':
		for open := 0; i < len(raw); {
			switch raw[i] {
			case '"':
				i = stringEnd(raw, i)
				continue
			case '{', '[':
				open++
			case '}', ']':
				if open--; open == 0 {
					return i + 1
				}
			}
			i++
		}
		return i
	}
	for i < len(raw) && !isJSONSpace(raw[i]) && raw[i] != ',' && raw[i] != ']' && raw[i] != '}' {
		i++
	}
	return i
}

// stringEnd is the end of the string that begins at i.
func stringEnd(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// skipSpace is the first place from i on without white space.
func skipSpace(raw []byte, i int) int {
	for i < len(raw) && isJSONSpace(raw[i]) {
		i++
	}
	return i
}

// eachElement calls fn for each element of a list of valid JSON.
func eachElement(raw []byte, fn func(i int, elem []byte) error) error {
	at := skipSpace(raw, 1)
	for i := 0; at < len(raw) && raw[at] != ']'; i++ {
		end := valueEnd(raw, at)
		if err := fn(i, raw[at:end]); err != nil {
			return err
		}
		if at = skipSpace(raw, end); at < len(raw) && raw[at] == ',' {
			at = skipSpace(raw, at+1)
		}
	}
	return nil
}

// eachMember calls fn for each member of an object of valid JSON, its key
// decoded. A key that is there twice is an error.
func (t *Type) eachMember(raw []byte, fn func(key string, value []byte) error) error {
	seen := map[string]bool{}
	at := skipSpace(raw, 1)
	for at < len(raw) && raw[at] != '}' {
		end := stringEnd(raw, at)
		name, err := unquote(raw[at:end])
		if err != nil {
			return t.refuse(raw[at:end], err.Error())
		}
		key := string(name)
		if seen[key] {
			return t.refuse(raw, "has the key "+echo(raw[at:end])+" twice")
		}
		seen[key] = true
		at = skipSpace(raw, skipSpace(raw, end)+1) // over the colon
		end = valueEnd(raw, at)
		if err := fn(key, raw[at:end]); err != nil {
			return err
		}
		if at = skipSpace(raw, end); at < len(raw) && raw[at] == ',' {
			at = skipSpace(raw, at+1)
		}
	}
	return nil
}

// isNull says whether raw is the JSON literal null.
func isNull(raw []byte) bool { return string(raw) == "null" }
