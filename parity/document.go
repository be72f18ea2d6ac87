package parity

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// sameDocument says whether two JSON texts differ in the order of the members of
// their objects only. Members of one name stay in their order, numbers are
// compared as they are spelled, and the texts must be equally long: what else has
// changed in one is not to be forgiven.
func sameDocument(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	x, err := sorted(a)
	if err != nil {
		return false
	}
	y, err := sorted(b)
	return err == nil && bytes.Equal(x, y)
}

// sorted is text with the members of each object in the order of their names.
func sorted(text string) ([]byte, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	out, err := sortedValue(nil, d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errDocument
	}
	return out, nil
}

var errDocument = errors.New("not one JSON value")

// documentDepth bounds the nesting that is looked into.
const documentDepth = 1000

type member struct {
	name  string
	value []byte
}

func sortedValue(dst []byte, d *json.Decoder, depth int) ([]byte, error) {
	token, err := d.Token()
	if err != nil {
		return dst, err
	}
	open, nested := token.(json.Delim)
	if !nested {
		text, err := json.Marshal(token)
		return append(dst, text...), err
	}
	if depth > documentDepth {
		return dst, errDocument
	}
	var members []member
	for i := 0; d.More(); i++ {
		var m member
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return dst, err
			}
			m.name, _ = name.(string) // the decoder accepts nothing else
		}
		if m.value, err = sortedValue(nil, d, depth+1); err != nil {
			return dst, err
		}
		members = append(members, m)
	}
	end, err := d.Token()
	if err != nil {
		return dst, err
	}
	if open == '{' {
		slices.SortStableFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	}
	dst = append(dst, byte(open))
	for _, m := range members {
		if open == '{' {
			name, err := json.Marshal(m.name)
			if err != nil {
				return dst, err
			}
			dst = append(append(dst, name...), ':')
		}
		dst = append(append(dst, m.value...), ',')
	}
	return append(dst, byte(end.(json.Delim))), nil //nolint:forcetypeassert // what ends a list or object
}
