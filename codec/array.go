package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// maxDims is the server's limit on an array's dimensions (MAXDIM).
const maxDims = 6

// cut takes one length-prefixed value from wire: nil for the length -1, NULL.
func cut(wire []byte) (value, rest []byte, err error) {
	if len(wire) < 4 {
		return nil, nil, errShort
	}
	n := int64(int32(binary.BigEndian.Uint32(wire)))
	wire = wire[4:]
	switch {
	case n == -1:
		return nil, wire, nil
	case n < 0:
		return nil, nil, fmt.Errorf("a length of %d", n)
	case n > int64(len(wire)):
		return nil, nil, errShort
	}
	return wire[:n:n], wire[n:], nil
}

// An array on the binary wire is a head (shape), then its elements in row-major
// order, each with a length (-1 is NULL). In text it is {1,NULL,"a b"}, with
// braces for each dimension and [0:2]= in front where a lower bound is not 1. JSON
// has no place for bounds: to_json leaves them out, AppendText keeps them.

// shape is the head of a binary array.
type shape struct {
	ndim    int
	count   int          // of elements
	strides [maxDims]int // elements below one member of each dimension, itself included
	lower   [maxDims]int32
	length  [maxDims]int32
	bounds  bool // some lower bound is not 1
}

// readShape reads the head: dimensions, a NULL flag, the element's OID, and a
// length and lower bound for each dimension. An element takes 4 bytes at least,
// which bounds what a lying head can ask for.
func readShape(wire []byte) (s shape, rest []byte, err error) {
	if len(wire) < 12 {
		return s, nil, errShort
	}
	ndim := binary.BigEndian.Uint32(wire)
	if ndim > maxDims {
		return s, nil, fmt.Errorf("%d dimensions", ndim)
	}
	wire = wire[12:]
	if len(wire) < int(ndim)*8 {
		return s, nil, errShort
	}
	s.ndim, s.count = int(ndim), 1
	for i := range s.ndim {
		s.length[i] = int32(binary.BigEndian.Uint32(wire))
		s.lower[i] = int32(binary.BigEndian.Uint32(wire[4:]))
		s.bounds = s.bounds || s.lower[i] != 1
		wire = wire[8:]
		if s.length[i] < 0 || int64(s.count)*int64(s.length[i]) > int64(len(wire)/4)+1 {
			return s, nil, errors.New("more elements than bytes")
		}
		s.count *= int(s.length[i])
	}
	if s.ndim == 0 {
		s.count = 0
	}
	stride := 1
	for i := s.ndim - 1; i >= 0; i-- {
		stride *= int(s.length[i])
		s.strides[i] = stride
	}
	return s, wire, nil
}

// before appends the brackets and the separator that stand before element i.
func (s *shape) before(dst []byte, i int, open, sep byte) []byte {
	if i > 0 {
		dst = append(dst, sep)
	}
	for d := range s.ndim {
		if i%s.strides[d] == 0 {
			dst = append(dst, open)
		}
	}
	return dst
}

// after appends the brackets that close behind element i.
func (s *shape) after(dst []byte, i int, shut byte) []byte {
	for d := range s.ndim {
		if (i+1)%s.strides[d] == 0 {
			dst = append(dst, shut)
		}
	}
	return dst
}

// arrayBinaryJSON writes nested lists, one level for each dimension.
func (t *Type) arrayBinaryJSON(dst, wire []byte, depth int) ([]byte, error) {
	s, wire, err := readShape(wire)
	if err != nil {
		return dst, err
	}
	if s.count == 0 {
		dst = append(dst, '[', ']')
	}
	for i := range s.count {
		var value []byte
		if value, wire, err = cut(wire); err != nil {
			return dst, err
		}
		dst = s.before(dst, i, '[', ',')
		if value == nil {
			dst = append(dst, "null"...)
		} else if dst, err = t.elem.appendJSON(dst, value, Binary, depth+1); err != nil {
			return dst, err
		}
		dst = s.after(dst, i, ']')
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return dst, nil
}

// binArray writes an array literal, with bounds where they are not all 1.
func binArray(t *Type, dst, wire []byte, depth int) ([]byte, error) {
	s, wire, err := readShape(wire)
	if err != nil {
		return dst, err
	}
	if s.count == 0 {
		dst = append(dst, '{', '}')
	} else if s.bounds {
		for i := range s.ndim {
			dst = strconv.AppendInt(append(dst, '['), int64(s.lower[i]), 10)
			dst = strconv.AppendInt(append(dst, ':'), int64(s.lower[i])+int64(s.length[i])-1, 10)
			dst = append(dst, ']')
		}
		dst = append(dst, '=')
	}
	for i := range s.count {
		var value []byte
		if value, wire, err = cut(wire); err != nil {
			return dst, err
		}
		dst = s.before(dst, i, '{', t.elem.delim)
		if value == nil {
			dst = append(dst, "NULL"...)
		} else {
			mark := len(dst)
			if dst, err = t.elem.appendText(dst, value, Binary, depth+1); err != nil {
				return dst, err
			}
			dst = quoteElement(dst, mark, t.elem.delim)
		}
		dst = s.after(dst, i, '}')
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return dst, nil
}

// binVector is the text of int2vector and oidvector: numbers and spaces.
func binVector(t *Type, dst, wire []byte, depth int) ([]byte, error) {
	s, wire, err := readShape(wire)
	if err != nil {
		return dst, err
	}
	for i := range s.count {
		var value []byte
		if value, wire, err = cut(wire); err != nil {
			return dst, err
		}
		if i > 0 {
			dst = append(dst, ' ')
		}
		if dst, err = t.elem.appendText(dst, value, Binary, depth+1); err != nil {
			return dst, err
		}
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return dst, nil
}

// AppendArrayElem appends one element, given as PostgreSQL's text, to an array
// literal for t's arrays, quoted where it has to be; a nil text is NULL. Braces
// and delimiters (Delim) are the caller's: {"a,b",NULL,c}.
func (t *Type) AppendArrayElem(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "NULL"...)
	}
	mark := len(dst)
	return quoteElement(append(dst, text...), mark, t.delim)
}

// Delim stands between the elements of an array literal of t's: a comma for
// every built-in type but box, which has a semicolon.
func (t *Type) Delim() byte { return t.delim }

// AppendArrayLiteral appends the one-dimensional array literal of texts, whose
// nil members are NULL: {"a,b",NULL,c}.
func (t *Type) AppendArrayLiteral(dst []byte, texts [][]byte) []byte {
	dst = append(dst, '{')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, t.delim)
		}
		dst = t.AppendArrayElem(dst, text)
	}
	return append(dst, '}')
}

// quoteElement quotes dst[mark:] in place as array_out does.
func quoteElement(dst []byte, mark int, delim byte) []byte {
	text := dst[mark:]
	if len(text) == 4 && bytes.EqualFold(text, []byte("null")) {
		return quoteTail(dst, mark, '\\')
	}
	for _, c := range text {
		if c == delim || special(c)&forArray != 0 {
			return quoteTail(dst, mark, '\\')
		}
	}
	if len(text) == 0 {
		return append(dst, '"', '"')
	}
	return dst
}

// quoteTail puts dst[mark:] between double quotes. Quotes and backslashes in it
// get escape before them, or are doubled where escape is 0.
func quoteTail(dst []byte, mark int, escape byte) []byte {
	end := len(dst)
	dst = append(dst, '"')
	for _, c := range dst[mark:end] {
		if c == '"' || c == '\\' {
			if escape == 0 {
				dst = append(dst, c)
			} else {
				dst = append(dst, escape)
			}
		}
		dst = append(dst, c)
	}
	return moveDown(append(dst, '"'), mark, end)
}

// Which output functions quote a text for a byte in it.
const (
	forArray = 1 << iota
	forComposite
	forRange
)

// special says which output functions quote a text that holds c.
func special(c byte) uint8 {
	switch c {
	case '"', '\\', ' ', '\t', '\n', '\v', '\f', '\r':
		return forArray | forComposite | forRange
	case '{', '}':
		return forArray
	case '(', ')', ',':
		return forComposite | forRange
	case '[', ']':
		return forRange
	}
	return 0
}

// quoteMember quotes dst[mark:] in place as record_out and range_out do.
func quoteMember(dst []byte, mark int, class uint8) []byte {
	if len(dst) == mark {
		return append(dst, '"', '"')
	}
	for _, c := range dst[mark:] {
		if special(c)&class != 0 {
			return quoteTail(dst, mark, 0)
		}
	}
	return dst
}
