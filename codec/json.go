package codec

import (
	"encoding/binary"
	"errors"
	"unicode"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string with exactly the escapes of the
// server's escape_json: the five short ones, \" and \\, and \u00xx for other
// bytes below space. DEL, slash and everything outside ASCII stay as they are.
func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		dst = appendEscaped(dst, s[n])
		s = s[n+1:]
	}
}

// AppendString appends s, which is UTF-8, as a JSON string that is escaped as the
// server's to_json does.
func AppendString(dst []byte, s string) []byte { return appendQuoted(dst, []byte(s)) }

// plainPrefix is the length of the part of s that needs no escape. It looks at
// eight bytes at once: a byte below 0x20, or equal to '"' or '\', leaves its
// high bit set in the mask (the usual SWAR test for a zero byte).
func plainPrefix(s []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		mask := (w - ones*0x20) &^ w
		mask |= (quote - ones) &^ quote
		mask |= (slash - ones) &^ slash
		if mask&highs != 0 {
			break // some byte of the eight; a borrow may name a later one, so look again
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// appendEscaped escapes one byte that plainPrefix stops at.
func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// escapeTail escapes dst[mark:] in place for the inside of a JSON string.
func escapeTail(dst []byte, mark int) []byte {
	n := plainPrefix(dst[mark:])
	if mark+n == len(dst) {
		return dst
	}
	// The tail goes once more behind itself, escaped, and is then moved down.
	end := len(dst)
	for _, c := range dst[mark+n : end] {
		if c < 0x20 || c == '"' || c == '\\' {
			dst = appendEscaped(dst, c)
		} else {
			dst = append(dst, c)
		}
	}
	return moveDown(dst, mark+n, end)
}

// moveDown removes dst[from:to].
func moveDown(dst []byte, from, to int) []byte {
	return dst[:from+copy(dst[from:], dst[to:])]
}

// appendNumber appends s as it is where it is a JSON number, else as a string:
// what to_json does with the text of a numeric type (NaN, Infinity).
func appendNumber(dst, s []byte) []byte {
	if isJSONNumber(s) {
		return append(dst, s...)
	}
	return appendQuoted(dst, s)
}

// quoteUnlessNumber does the same for text that binary decoding has left in
// dst[mark:]: there it is a number, or one of three words.
func quoteUnlessNumber(dst []byte, mark int) []byte {
	word := dst[mark:]
	if len(word) > 1 && word[0] == '-' {
		word = word[1:]
	}
	if len(word) == 0 || word[0] <= '9' {
		return dst
	}
	dst = append(dst, '"', '"')
	copy(dst[mark+1:len(dst)-1], dst[mark:])
	dst[mark] = '"'
	return dst
}

// isJSONNumber says whether s is one number of JSON's grammar.
func isJSONNumber(s []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return false
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}

// appendDocument appends a json or jsonb document: as it is, or with its keys
// rewritten.
func (t *Type) appendDocument(dst, doc []byte) ([]byte, error) {
	if len(doc) == 0 {
		return dst, errors.New("empty document")
	}
	if t.form == formJSONCamel {
		return appendCamelDocument(dst, doc), nil
	}
	return append(dst, doc...), nil
}

// appendCamelDocument copies a JSON document and rewrites the strings that a
// colon follows, which are its keys and nothing else.
func appendCamelDocument(dst, doc []byte) []byte {
	from := 0
	for i := 0; i < len(doc); {
		if doc[i] != '"' {
			i++
			continue
		}
		open := i
		for i++; i < len(doc) && doc[i] != '"'; i++ {
			if doc[i] == '\\' {
				i++
			}
		}
		if i >= len(doc) {
			break
		}
		shut := i
		for i++; i < len(doc) && isJSONSpace(doc[i]); i++ {
		}
		if i < len(doc) && doc[i] == ':' {
			dst = append(dst, doc[from:open+1]...)
			dst = appendCamel(dst, doc[open+1:shut])
			from = shut
		}
	}
	return append(dst, doc[from:]...)
}

// isJSONSpace knows JSON's four spaces; Unicode's others are not among them.
func isJSONSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// CamelKey is a snake_case name in camelCase: split at '_', leading underscores
// kept, empty segments dropped, the first segment as it is, the first letter of
// each later one raised, nothing else touched: created_at is createdAt, _id is
// _id, a__b_ is aB.
func CamelKey(name string) string { return string(appendCamel(nil, []byte(name))) }

// appendCamel is CamelKey on bytes. It may meet the escapes of a JSON key: they hold
// no underscore, and a backslash has no upper case.
func appendCamel(dst, name []byte) []byte {
	i := 0
	for i < len(name) && name[i] == '_' {
		i++
	}
	dst = append(dst, name[:i]...)
	raise := false
	for i < len(name) {
		if name[i] == '_' {
			raise = true
			i++
			continue
		}
		if !raise {
			dst = append(dst, name[i])
			i++
			continue
		}
		raise = false
		r, n := utf8.DecodeRune(name[i:])
		if r == utf8.RuneError && n <= 1 {
			dst = append(dst, name[i])
		} else {
			dst = utf8.AppendRune(dst, unicode.ToUpper(r))
		}
		i += n
	}
	return dst
}
