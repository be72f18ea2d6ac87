package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// argument checks one JSON value, trimmed and not null, and appends its
// canonical text for the server.
type argument func(t *Type, dst, raw []byte, depth int) ([]byte, error)

// ArgumentError says why a JSON value is no argument of a type. It is safe to
// show to the caller who gave the value: of a large value it quotes the
// beginning only.
type ArgumentError struct {
	Type    string // the type's SQL name
	Reason  string // what was given, where in it, and what is wrong with it
	Allowed string // what the type takes
}

// Error is the reason, then what is allowed.
func (e *ArgumentError) Error() string {
	return "argument for " + e.Type + ": " + e.Reason + "; allowed: " + e.Allowed
}

// Argument turns one JSON value into what a driver is given: nil for null,
// []byte for bytea, else a string in the server's own syntax, checked and
// canonical, to be bound as $n::type with SQLName. So both drivers and every
// mode store the same value, and what the server would change without a word
// (a fraction cut, a name shortened, microseconds rounded) is refused instead.
//
// What the types take: numbers as JSON numbers (int8, numeric and the unsigned
// types also as strings of digits; float and numeric also "NaN", "Infinity",
// "-Infinity"); true and false; dates and times in ISO 8601, also with a space
// for the T, with " BC" behind, or "infinity" (a timestamptz or timetz without
// an offset is UTC, a timestamp with one is refused); bytea as "\x…" hex; json
// and jsonb any value, as written; arrays as lists (of lists, for more
// dimensions); composites as objects, where a missing member is NULL; hstore
// as an object; ranges as {"lower":1,"upper":5,"bounds":"[)"} or the server's
// text; multiranges as a list of ranges or the server's text; all others as
// strings. A NUL, invalid UTF-8 and half a surrogate pair are refused
// everywhere (NUL but in json, which may hold \u0000).
//
// The cost is linear in the size of raw. Every error is an *ArgumentError.
func (t *Type) Argument(raw []byte) (any, error) {
	raw = bytes.TrimSpace(raw)
	if err := checkJSON(raw); err != nil {
		return nil, t.argumentError(err)
	}
	if string(raw) == "null" {
		return nil, nil
	}
	text, err := t.arg(t, nil, raw, 0)
	if err != nil {
		return nil, t.argumentError(err)
	}
	if t.kind == KindBytes {
		return decodeHex(text), nil
	}
	return string(text), nil
}

// argumentError gives an error of an argument function the outermost type.
func (t *Type) argumentError(err error) error {
	var e *ArgumentError
	if errors.As(err, &e) {
		e.Type = t.String()
		return e
	}
	return &ArgumentError{Type: t.String(), Reason: err.Error(), Allowed: t.want}
}

// refuse is the error for raw. why may be "": then raw is of the wrong kind.
func (t *Type) refuse(raw []byte, why string) error {
	reason := describe(raw)
	if why != "" {
		reason += " " + why
	} else {
		reason += " is not of this type"
	}
	return &ArgumentError{Type: t.String(), Reason: reason, Allowed: t.want}
}

// inside puts the place of a nested value before the reason of its error.
func inside(place string, err error) error {
	var e *ArgumentError
	if errors.As(err, &e) {
		e.Reason = place + ": " + e.Reason
	}
	return err
}

// maxEcho is how many bytes of a refused value an error repeats.
const maxEcho = 60

// describe names the kind of a JSON value and its beginning.
func describe(raw []byte) string {
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '"':
		return "the string " + echo(raw)
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f', 'n':
		return echo(raw)
	}
	return "the number " + echo(raw)
}

func echo(raw []byte) string {
	if len(raw) <= maxEcho {
		return string(raw)
	}
	end := maxEcho - len("…")
	for end > 0 && !utf8.RuneStart(raw[end]) {
		end--
	}
	return string(raw[:end]) + "…"
}

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

// text is the content of a JSON string; another value, or a string with a NUL,
// is refused.
func (t *Type) text(raw []byte) ([]byte, error) {
	if raw[0] != '"' {
		return nil, t.refuse(raw, "")
	}
	s, err := unquote(raw)
	if err != nil {
		return nil, t.refuse(raw, err.Error())
	}
	return s, nil
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

func isNull(raw []byte) bool { return string(raw) == "null" }
