package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
)

var errHStore = errors.New("not an hstore")

// The types here are collections with a text syntax of their own. In JSON a
// tsvector stays text; hstore is an object by its own cast to json, which to_json
// calls.

// binTSVector: a count; then each lexeme with a zero byte, and its positions,
// whose two high bits are the weight. Text: 'a':1A,2 'b'.
func binTSVector(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if len(wire) < 4 {
		return dst, errShort
	}
	n, wire := binary.BigEndian.Uint32(wire), wire[4:]
	for i := range n {
		end := bytes.IndexByte(wire, 0)
		if end < 0 || len(wire) < end+3 {
			return dst, errShort
		}
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, '\'')
		for _, c := range wire[:end] {
			if c == '\'' || c == '\\' {
				dst = append(dst, c)
			}
			dst = append(dst, c)
		}
		dst = append(dst, '\'')
		positions := int(binary.BigEndian.Uint16(wire[end+1:]))
		wire = wire[end+3:]
		if len(wire) < 2*positions {
			return dst, errShort
		}
		for j := range positions {
			p := binary.BigEndian.Uint16(wire[2*j:])
			dst = append(dst, pick(j == 0, ':', ','))
			dst = strconv.AppendUint(dst, uint64(p&0x3FFF), 10)
			if weight := p >> 14; weight > 0 {
				dst = append(dst, "DCBA"[weight])
			}
		}
		wire = wire[2*positions:]
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return dst, nil
}

// binHStore: a count; then keys and values with their lengths. Text:
// "a"=>"1", "b"=>NULL.
func binHStore(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	return walkHStore(dst, wire, func(dst, s []byte) []byte {
		mark := len(dst)
		return quoteTail(append(dst, s...), mark, '\\')
	}, "=>", "NULL")
}

// hstoreBinaryJSON is the object that hstore's cast to json gives, with a space
// after each colon and comma.
func hstoreBinaryJSON(dst, wire []byte) ([]byte, error) {
	dst, err := walkHStore(append(dst, '{'), wire, appendQuoted, ": ", "null")
	return append(dst, '}'), err
}

// walkHStore writes pairs with quote, arrow and null for what differs between
// hstore's text and its JSON.
func walkHStore(dst, wire []byte, quote func(dst, s []byte) []byte, arrow, null string) ([]byte, error) {
	if len(wire) < 4 {
		return dst, errShort
	}
	n, wire := binary.BigEndian.Uint32(wire), wire[4:]
	for i := range n {
		key, rest, err := cut(wire)
		if err != nil {
			return dst, err
		}
		if key == nil {
			return dst, errHStore
		}
		value, rest, err := cut(rest)
		if err != nil {
			return dst, err
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(quote(dst, key), arrow...)
		if value == nil {
			dst = append(dst, null...)
		} else {
			dst = quote(dst, value)
		}
		wire = rest
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return dst, nil
}

// textType lends jsonFromQuoted to values that have no type of their own.
var textType = &Type{oid: 25, name: "text", form: formText}

// hstoreTextJSON reads hstore's own text, which has exactly one space after a comma.
func hstoreTextJSON(dst, wire []byte) ([]byte, error) {
	dst = append(dst, '{')
	quoted := func() (err error) {
		if len(wire) == 0 || wire[0] != '"' {
			return errHStore
		}
		end, escaped := hstoreQuote(wire)
		if end < 0 {
			return errHStore
		}
		dst, err = textType.jsonFromQuoted(dst, wire[1:end], escaped, 0)
		wire = wire[end+1:]
		return err
	}
	for first := true; len(wire) > 0; first = false {
		if !first {
			if !bytes.HasPrefix(wire, []byte(", ")) {
				return dst, errHStore
			}
			wire, dst = wire[2:], append(dst, ", "...)
		}
		if err := quoted(); err != nil {
			return dst, err
		}
		if !bytes.HasPrefix(wire, []byte("=>")) {
			return dst, errHStore
		}
		wire, dst = wire[2:], append(dst, ": "...)
		if bytes.HasPrefix(wire, []byte("NULL")) {
			wire, dst = wire[4:], append(dst, "null"...)
		} else if err := quoted(); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// hstoreQuote is closingQuote for hstore, which doubles no quotes: in
// "a"=>"" the empty string ends at once.
func hstoreQuote(s []byte) (end int, escaped bool) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			escaped = true
		case '"':
			return i, escaped
		}
	}
	return -1, escaped
}
