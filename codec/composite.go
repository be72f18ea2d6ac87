package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errRecord = errors.New("not a composite literal")

// A composite on the binary wire is a count of fields, then for each the OID of
// its type, a length (-1 is NULL) and the value. In text it is (1,"a b",): members
// between commas, an empty one is NULL, quotes around what holds a delimiter or
// is the empty string, quotes and backslashes doubled inside. Dropped columns are
// in neither.

// compositeHead checks a binary composite's number of fields against the
// catalog's: a difference means that the type was altered since it was read.
func (t *Type) compositeHead(wire []byte) ([]byte, error) {
	if len(wire) < 4 {
		return nil, errShort
	}
	if n := binary.BigEndian.Uint32(wire); uint64(n) != uint64(len(t.fields)) {
		return nil, t.fieldCount(int(n))
	}
	return wire[4:], nil
}

// fieldCount is the error for n fields.
func (t *Type) fieldCount(n int) error {
	return fmt.Errorf("%d fields, the catalog has %d", n, len(t.fields))
}

// cutField takes one field: its type's OID, which the catalog knows, and value.
func cutField(wire []byte) (value, rest []byte, err error) {
	if len(wire) < 4 {
		return nil, nil, errShort
	}
	return cut(wire[4:])
}

// compositeBinaryJSON writes the object that to_json makes: every field, in order,
// without spaces.
func (t *Type) compositeBinaryJSON(dst, wire []byte, depth int) ([]byte, error) {
	wire, err := t.compositeHead(wire)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	for i := range t.fields {
		var value []byte
		if value, wire, err = cutField(wire); err != nil {
			return dst, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		f := &t.fields[i]
		dst = append(dst, f.key...)
		if value == nil {
			dst = append(dst, "null"...)
		} else if dst, err = f.typ.appendJSON(dst, value, Binary, depth+1); err != nil {
			return dst, fmt.Errorf("field %q: %w", f.name, err)
		}
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return append(dst, '}'), nil
}

// binComposite writes a composite literal: (1,"a b",).
func binComposite(t *Type, dst, wire []byte, depth int) ([]byte, error) {
	wire, err := t.compositeHead(wire)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '(')
	for i := range t.fields {
		var value []byte
		if value, wire, err = cutField(wire); err != nil {
			return dst, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		if value == nil {
			continue
		}
		mark := len(dst)
		if dst, err = t.fields[i].typ.appendText(dst, value, Binary, depth+1); err != nil {
			return dst, fmt.Errorf("field %q: %w", t.fields[i].name, err)
		}
		dst = quoteMember(dst, mark, forComposite)
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return append(dst, ')'), nil
}

// compositeTextJSON reads the composite literal. An empty member is NULL; the empty
// string stands in quotes.
func (t *Type) compositeTextJSON(dst, wire []byte, depth int) ([]byte, error) {
	if len(wire) < 2 || wire[0] != '(' {
		return dst, errRecord
	}
	// nextMember leaves the delimiter in wire, so it is never empty in the loop.
	wire, dst = wire[1:], append(dst, '{')
	for i := range t.fields {
		if i > 0 {
			if wire[0] != ',' {
				return dst, t.fieldCount(i)
			}
			wire, dst = wire[1:], append(dst, ',')
		}
		f := &t.fields[i]
		dst = append(dst, f.key...)
		value, rest, escaped, null, err := nextMember(wire, ",)")
		if err != nil {
			return dst, err
		}
		if null {
			dst = append(dst, "null"...)
		} else if dst, err = f.typ.jsonFromQuoted(dst, value, escaped, depth); err != nil {
			return dst, fmt.Errorf("field %q: %w", f.name, err)
		}
		if wire = rest; len(wire) == 0 {
			return dst, errRecord
		}
	}
	if len(wire) != 1 || wire[0] != ')' {
		return dst, errRecord
	}
	return append(dst, '}'), nil
}
