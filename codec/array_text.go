package codec

import (
	"bytes"
	"errors"
	"fmt"
)

var errLiteral = errors.New("not an array literal")

// arrayTextJSON turns the server's array literal into a list. Lower bounds have
// no place in JSON and vanish, as with to_json.
func (t *Type) arrayTextJSON(dst, wire []byte, depth int) ([]byte, error) {
	if len(wire) > 0 && wire[0] == '[' {
		eq := bytes.IndexByte(wire, '=')
		if eq < 0 {
			return dst, errLiteral
		}
		wire = wire[eq+1:]
	}
	open, fresh := 0, true // fresh: an element or a list may begin here
	comma := false         // and has to, after a delimiter
	for i := 0; i < len(wire); {
		switch c := wire[i]; {
		case c == '{':
			if !fresh || open == maxDims {
				return dst, errLiteral
			}
			open++
			dst, comma = append(dst, '['), false
			i++
		case c == '}':
			if open == 0 || comma {
				return dst, errLiteral
			}
			open--
			dst, fresh = append(dst, ']'), false
			if i++; open == 0 && i < len(wire) {
				return dst, errTrailing
			}
		case c == t.elem.delim: // ',' but for box, whose text holds commas
			if fresh || open == 0 {
				return dst, errLiteral
			}
			dst, fresh, comma = append(dst, ','), true, true
			i++
		case !fresh || open == 0:
			return dst, errLiteral
		case c == '"':
			end, escaped := closingQuote(wire, i+1)
			if end < 0 {
				return dst, errLiteral
			}
			var err error
			if dst, err = t.elem.jsonFromQuoted(dst, wire[i+1:end], escaped, depth); err != nil {
				return dst, err
			}
			fresh, comma, i = false, false, end+1
		default:
			end := i
			for end < len(wire) && wire[end] != '}' && wire[end] != t.elem.delim {
				end++
			}
			var err error
			if dst, err = t.elem.jsonFromWord(dst, wire[i:end], depth); err != nil {
				return dst, err
			}
			fresh, comma, i = false, false, end
		}
	}
	if open != 0 || fresh {
		return dst, errLiteral
	}
	return dst, nil
}

// jsonFromWord appends the JSON of an element that stood without quotes. Only
// there NULL is null; in quotes it is a text.
func (t *Type) jsonFromWord(dst, word []byte, depth int) ([]byte, error) {
	if string(word) == "NULL" {
		return append(dst, "null"...), nil
	}
	return t.appendJSON(dst, word, Text, depth+1)
}

// closingQuote finds the end of a quoted text that begins at i: the next double
// quote that is neither escaped nor doubled. -1: there is none.
func closingQuote(s []byte, i int) (end int, escaped bool) {
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			escaped = true
		case '"':
			if i+1 < len(s) && s[i+1] == '"' {
				i++
				escaped = true
				continue
			}
			return i, escaped
		}
	}
	return -1, escaped
}

// jsonFromQuoted appends the JSON of a text that stood between quotes. An
// escaped one is first made plain at the end of dst, read from there, and taken
// out again: no buffer of its own.
func (t *Type) jsonFromQuoted(dst, quoted []byte, escaped bool, depth int) ([]byte, error) {
	if !escaped {
		return t.appendJSON(dst, quoted, Text, depth+1)
	}
	mark := len(dst)
	dst = appendUnquoted(dst, quoted)
	end := len(dst)
	dst, err := t.appendJSON(dst, dst[mark:end:end], Text, depth+1)
	if err != nil {
		return dst[:mark], err
	}
	return moveDown(dst, mark, end), nil
}

// appendUnquoted takes backslashes and doubled quotes out of s.
func appendUnquoted(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if (s[i] == '\\' || s[i] == '"') && i+1 < len(s) {
			i++
		}
		dst = append(dst, s[i])
	}
	return dst
}

// vectorTextJSON: numbers separated by single spaces.
func (t *Type) vectorTextJSON(dst, wire []byte, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for i := 0; len(wire) > 0; i++ {
		var word []byte
		word, wire, _ = bytes.Cut(wire, []byte{' '})
		if len(word) == 0 {
			return dst, errors.New("not a list of numbers")
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = t.elem.appendJSON(dst, word, Text, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// nextMember takes one member from the text of a composite or range, up to one
// of the bytes in ends. null: nothing stood there, not even quotes.
func nextMember(s []byte, ends string) (member, rest []byte, escaped, null bool, err error) {
	if len(s) > 0 && s[0] == '"' {
		end, escaped := closingQuote(s, 1)
		if end < 0 {
			return nil, nil, false, false, errors.New("a quote is not closed")
		}
		return s[1:end], s[end+1:], escaped, false, nil
	}
	end := bytes.IndexAny(s, ends)
	if end < 0 {
		return nil, nil, false, false, fmt.Errorf("none of %s follows", ends)
	}
	return s[:end], s[end:], false, end == 0, nil
}
