package codec

import (
	"bytes"
	"fmt"
	"strconv"
)

// takesList says whether a JSON list is one value of t, not a dimension.
func (t *Type) takesList() bool {
	return t.kind.Has(KindJSON | KindJSONB | KindVector | KindArray | KindMultirange)
}

// An array literal is regular: every list of a dimension is of one length, and
// elements stand in the innermost lists only. The server says so with 22P02 and
// no place; here the error names the element.

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

// list writes one list of dimension dim, and those in it.
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
		// A list is the next dimension down, and its elements must not have been
		// met at this one.
		if elem[0] == '[' && a.nested {
			if a.leaf == dim+1 {
				return inside("element "+strconv.Itoa(i), a.t.refuse(elem, "stands where those before it are none"))
			}
			return inside("element "+strconv.Itoa(i), a.list(dst, elem, dim+1))
		}
		if a.leaf != 0 && a.leaf != dim+1 {
			return inside("element "+strconv.Itoa(i), a.t.refuse(elem, "stands where those before it are lists"))
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
		return a.t.refuse(raw, "is empty inside a list")
	case a.length[dim] == 0:
		a.length[dim] = n
	case a.length[dim] != n:
		return a.t.refuse(raw, fmt.Sprintf("has the length %d, and those before it in its dimension %d", n, a.length[dim]))
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
