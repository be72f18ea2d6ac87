package codec

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// What the types here allow, for their errors.
const (
	wantJSON       = "any JSON value, nested at most 1000 deep"
	wantJSONB      = `any JSON value, nested at most 1000 deep, without \u0000, its numbers within the limits of numeric`
	wantRange      = `{"lower":…,"upper":…,"bounds":"[)"}, or the server's text such as "[1,5)" or "empty"`
	wantMultirange = `a list of ranges, or the server's text such as "{[1,5),[7,9)}"`
)

// maxDocumentDepth keeps a document within the server's stack (max_stack_depth,
// 2 MB by default, is enough for several thousand levels).
const maxDocumentDepth = 1000

// argJSON hands a document over as it was written.
func argJSON(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	if err := t.checkDocument(raw, false); err != nil {
		return dst, err
	}
	return append(dst, raw...), nil
}

// argJSONB does too; the server brings it into its own form.
func argJSONB(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	if err := t.checkDocument(raw, true); err != nil {
		return dst, err
	}
	return append(dst, raw...), nil
}

// checkDocument checks what the server's json input does not take though it is
// JSON. strict adds what jsonb cannot hold: NUL, and numbers beyond numeric.
func (t *Type) checkDocument(raw []byte, strict bool) error {
	depth := 0
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '"':
			end := stringEnd(raw, i)
			if strict && hasNUL(raw[i:end]) {
				return t.refuse(raw, errNUL.Error())
			}
			i = end
			continue
		case c == '{' || c == '[':
			if depth++; depth > maxDocumentDepth {
				return t.refuse(raw, "is nested too deeply")
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || '0' <= c && c <= '9':
			end := valueEnd(raw, i)
			if strict && !isNumericRange(raw[i:end]) {
				return t.refuse(raw[i:end], "has too many digits")
			}
			i = end
			continue
		}
		i++
	}
	return nil
}

// isNumericRange says whether a JSON number fits numeric, without writing it out.
func isNumericRange(number []byte) bool {
	if len(number) < 8 {
		if bytes.IndexAny(number, "eE") < 0 {
			return true
		}
	}
	_, ok := appendNumericText(nil, number)
	return ok
}

func hasNUL(quoted []byte) bool {
	for i := 1; i < len(quoted)-1; i++ {
		if quoted[i] != '\\' {
			continue
		}
		if i++; quoted[i] == 'u' && string(quoted[i+1:i+5]) == "0000" {
			return true
		}
	}
	return false
}

// takesList says whether a JSON list is one value of t, not a dimension.
func (t *Type) takesList() bool {
	return t.kind.Has(KindJSON | KindJSONB | KindVector | KindArray | KindMultirange)
}

// argArray writes an array literal. A list in a list is a dimension, unless the
// element type itself takes lists.
func argArray(t *Type, dst, raw []byte, depth int) ([]byte, error) {
	if raw[0] != '[' {
		return dst, t.refuse(raw, "")
	}
	if depth > maxDepth {
		return dst, t.refuse(raw, "is nested too deeply")
	}
	if skipSpace(raw, 1) == len(raw)-1 {
		return append(dst, '{', '}'), nil
	}
	a := arrayArgument{t: t, raw: raw, depth: depth, nested: !t.elem.takesList()}
	err := a.list(&dst, raw, 0)
	return dst, err
}

// arrayArgument is one array literal in the making.
type arrayArgument struct {
	t      *Type
	raw    []byte
	depth  int
	nested bool         // lists in lists are dimensions
	length [maxDims]int // of the lists of each dimension, 0 until one is complete
	leaf   int          // dimension that holds the elements, plus 1; 0 until known
}

func (a *arrayArgument) list(dst *[]byte, raw []byte, dim int) error {
	if dim == maxDims {
		return a.t.refuse(a.raw, fmt.Sprintf("has more than %d dimensions", maxDims))
	}
	*dst = append(*dst, '{')
	n := 0
	err := eachElement(raw, func(i int, elem []byte) error {
		if n = i + 1; i > 0 {
			*dst = append(*dst, a.t.elem.delim)
		}
		if elem[0] == '[' && a.nested {
			if a.leaf == dim+1 {
				return a.t.refuse(a.raw, "has lists beside elements")
			}
			return a.list(dst, elem, dim+1)
		}
		if a.leaf != 0 && a.leaf != dim+1 {
			return a.t.refuse(a.raw, "has lists beside elements")
		}
		a.leaf = dim + 1
		if isNull(elem) {
			*dst = append(*dst, "NULL"...)
			return nil
		}
		mark := len(*dst)
		out, err := a.t.elem.arg(a.t.elem, *dst, elem, a.depth+1)
		if err != nil {
			return inside("element "+strconv.Itoa(i), err)
		}
		*dst = quoteElement(out, mark, a.t.elem.delim)
		return nil
	})
	switch {
	case err != nil:
		return err
	case n == 0:
		return a.t.refuse(a.raw, "has an empty list in a list")
	case a.length[dim] == 0:
		a.length[dim] = n
	case a.length[dim] != n:
		return a.t.refuse(a.raw, "has lists of different lengths in one dimension")
	}
	*dst = append(*dst, '}')
	return nil
}

// argVector is a list of numbers for int2vector and oidvector, which have a
// text form of their own and no NULLs.
func argVector(t *Type, dst, raw []byte, depth int) ([]byte, error) {
	if raw[0] != '[' {
		return dst, t.refuse(raw, "")
	}
	err := eachElement(raw, func(i int, elem []byte) (err error) {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if isNull(elem) {
			err = t.refuse(elem, "")
		} else {
			dst, err = t.elem.arg(t.elem, dst, elem, depth+1)
		}
		return inside("element "+strconv.Itoa(i), err)
	})
	return dst, err
}

// argNumbers is a vector of pgvector: [1,2.5,3], as a list or in a string.
func argNumbers(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	list := raw
	if raw[0] == '"' {
		s, err := t.text(raw)
		if err != nil {
			return dst, err
		}
		if list = bytes.TrimSpace(s); checkJSON(list) != nil {
			return dst, t.refuse(raw, "is not a list of numbers")
		}
	}
	if list[0] != '[' {
		return dst, t.refuse(raw, "")
	}
	dst = append(dst, '[')
	err := eachElement(list, func(i int, elem []byte) (err error) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if elem[0] == '"' || isNull(elem) {
			return inside("element "+strconv.Itoa(i), t.refuse(elem, "is not a number"))
		}
		dst, err = t.argFloat(dst, elem, 32)
		return inside("element "+strconv.Itoa(i), err)
	})
	return append(dst, ']'), err
}

// argComposite writes a composite literal from an object. A member that is
// missing is NULL; one that the type does not have is refused.
func argComposite(t *Type, dst, raw []byte, depth int) ([]byte, error) {
	if raw[0] != '{' {
		return dst, t.refuse(raw, "")
	}
	if depth > maxDepth {
		return dst, t.refuse(raw, "is nested too deeply")
	}
	values := make([][]byte, len(t.fields))
	err := t.eachMember(raw, func(key string, value []byte) error {
		for i := range t.fields {
			if t.fields[i].name == key {
				values[i] = value
				return nil
			}
		}
		err := t.refuse(raw, "has the unknown field "+echo([]byte(strconv.Quote(key))))
		names := make([]string, len(t.fields))
		for i := range t.fields {
			names[i] = t.fields[i].name
		}
		if list := quotedList(names); list != "" {
			err.(*ArgumentError).Allowed = "an object of " + list
		}
		return err
	})
	if err != nil {
		return dst, err
	}
	dst = append(dst, '(')
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if value == nil || isNull(value) {
			continue
		}
		f := &t.fields[i]
		mark := len(dst)
		if dst, err = f.typ.arg(f.typ, dst, value, depth+1); err != nil {
			return dst, inside("field "+strconv.Quote(f.name), err)
		}
		dst = quoteMember(dst, mark, forComposite)
	}
	return append(dst, ')'), nil
}

// argHStore writes "a"=>"1", "b"=>NULL from an object of strings and nulls.
func argHStore(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	if raw[0] != '{' {
		return dst, t.refuse(raw, "")
	}
	mark := len(dst)
	err := t.eachMember(raw, func(key string, value []byte) error {
		if len(dst) > mark {
			dst = append(dst, ", "...)
		}
		at := len(dst)
		dst = append(quoteTail(append(dst, key...), at, '\\'), "=>"...)
		if isNull(value) {
			dst = append(dst, "NULL"...)
			return nil
		}
		s, err := t.text(value)
		if err != nil {
			return inside("member "+strconv.Quote(key), err)
		}
		at = len(dst)
		dst = quoteTail(append(dst, s...), at, '\\')
		return nil
	})
	return dst, err
}

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
		if err != nil || len(rest) == 0 || bytes.IndexByte([]byte(ends), rest[0]) < 0 {
			return dst, nil, errRange
		}
		if escaped {
			member = appendUnquoted(nil, member)
		}
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
