package codec

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// What the range types allow, for their errors.
const (
	wantRange      = `{"lower":…,"upper":…,"bounds":"[)"}, or the server's text such as "[1,5)" or "empty"`
	wantMultirange = `a list of ranges, or the server's text such as "{[1,5),[7,9)}"`
)

// A range comes in as {"lower":1,"upper":5,"bounds":"[)"}, which needs no quoting
// by the client, or as the server's text, which is what JSON answers hold. Both
// go through argBound, so a bound is as strictly checked as a value of its own.

var errRange = errors.New("is not a range")

// argRange takes an object or the server's text. Each bound is checked as an
// argument of the subtype.
func argRange(t *Type, dst, raw []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, t.refuse(raw, "is nested too deeply")
	}
	switch raw[0] {
	case '"':
		s, err := t.text(raw)
		if err != nil {
			return dst, err
		}
		dst, rest, err := t.rangeText(dst, s, depth)
		if err == nil && len(rest) > 0 {
			err = errRange
		}
		if errors.Is(err, errRange) {
			err = t.refuse(raw, err.Error())
		}
		return dst, err
	case '{':
		return t.rangeObject(dst, raw, depth)
	}
	return dst, t.refuse(raw, "")
}

// rangeObject reads {"lower":…,"upper":…,"bounds":…}; bounds are "[)" if not given,
// as the server's range constructors have it.
func (t *Type) rangeObject(dst, raw []byte, depth int) ([]byte, error) {
	var lower, upper []byte
	bounds := "[)"
	err := t.eachMember(raw, func(key string, value []byte) error {
		switch key {
		case "lower":
			lower = value
		case "upper":
			upper = value
		case "bounds":
			switch s := string(value); s {
			case `"[)"`, `"[]"`, `"()"`, `"(]"`:
				bounds = s[1:3]
			default:
				return t.refuse(value, `is not "[)", "[]", "()" or "(]"`)
			}
		default:
			return t.refuse(raw, "has the unknown member "+echo([]byte(strconv.Quote(key))))
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	dst = append(dst, bounds[0])
	if dst, err = t.argBound(dst, lower, depth); err != nil {
		return dst, inside("lower", err)
	}
	if dst, err = t.argBound(append(dst, ','), upper, depth); err != nil {
		return dst, inside("upper", err)
	}
	return append(dst, bounds[1]), nil
}

// argBound appends one bound of a range; none for null.
func (t *Type) argBound(dst, raw []byte, depth int) ([]byte, error) {
	if raw == nil || isNull(raw) {
		return dst, nil
	}
	mark := len(dst)
	dst, err := t.elem.arg(t.elem, dst, raw, depth+1)
	if err != nil {
		return dst, err
	}
	return quoteMember(dst, mark, forRange), nil
}

// rangeText reads one range in the server's text and writes it again.
func (t *Type) rangeText(dst, s []byte, depth int) (out, rest []byte, err error) {
	if rest, ok := bytes.CutPrefix(s, []byte("empty")); ok {
		return append(dst, "empty"...), rest, nil
	}
	if len(s) == 0 || s[0] != '[' && s[0] != '(' {
		return dst, nil, errRange
	}
	dst, s = append(dst, s[0]), s[1:]
	for _, ends := range []string{",", ")]"} {
		member, rest, escaped, null, err := nextMember(s, ends)
		if err != nil || len(rest) == 0 || strings.IndexByte(ends, rest[0]) < 0 {
			return dst, nil, errRange
		}
		if escaped {
			member = appendUnquoted(nil, member)
		}
		// Nothing at all is no bound; "" in quotes is the empty string.
		if !null {
			if dst, err = t.argBound(dst, t.elem.asJSON(member), depth); err != nil {
				return dst, nil, err
			}
		}
		dst, s = append(dst, rest[0]), rest[1:]
	}
	return dst, s, nil
}

// asJSON is the JSON argument that the server's text of a bound stands for.
func (t *Type) asJSON(text []byte) []byte {
	if t.kind.Has(KindInt|KindFloat|KindNumeric) && isJSONNumber(text) {
		return text
	}
	return appendQuoted(nil, text)
}

// argMultirange takes a list of ranges or the server's text.
func argMultirange(t *Type, dst, raw []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, t.refuse(raw, "is nested too deeply")
	}
	switch raw[0] {
	case '[':
		dst = append(dst, '{')
		err := eachElement(raw, func(i int, elem []byte) (err error) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, err = argRange(t.elem, dst, elem, depth+1)
			return inside("element "+strconv.Itoa(i), err)
		})
		return append(dst, '}'), err
	case '"':
		s, err := t.text(raw)
		if err != nil {
			return dst, err
		}
		dst, err = t.multirangeText(dst, s, depth)
		if errors.Is(err, errRange) {
			err = t.refuse(raw, "is not a multirange")
		}
		return dst, err
	}
	return dst, t.refuse(raw, "")
}

// multirangeText reads ranges between braces.
func (t *Type) multirangeText(dst, s []byte, depth int) ([]byte, error) {
	if len(s) < 2 || s[0] != '{' {
		return dst, errRange
	}
	dst, s = append(dst, '{'), s[1:]
	for first := true; len(s) > 0 && s[0] != '}'; first = false {
		if !first {
			if s[0] != ',' {
				return dst, errRange
			}
			dst, s = append(dst, ','), s[1:]
		}
		var err error
		if dst, s, err = t.elem.rangeText(dst, s, depth+1); err != nil {
			return dst, err
		}
	}
	if string(s) != "}" {
		return dst, errRange
	}
	return append(dst, '}'), nil
}
