package codec

import (
	"encoding/binary"
	"errors"
)

// A range on the binary wire is a byte of flags, then each bound that is neither
// infinite nor of an empty range, with its length. In text it is [1,5), where a
// missing bound is infinite; to_json makes a string of that.

// Flags of a binary range (rangetypes.h).
const (
	rangeEmpty          = 0x01
	rangeLowerInclusive = 0x02
	rangeUpperInclusive = 0x04
	rangeLowerInfinite  = 0x08
	rangeUpperInfinite  = 0x10
)

// binRange: flags, then each bound that is there. Text: [1,5), (,"2024-01-02 00:00:00"], empty.
func binRange(t *Type, dst, wire []byte, depth int) ([]byte, error) {
	if len(wire) == 0 {
		return dst, errShort
	}
	flags, wire := wire[0], wire[1:]
	if flags&rangeEmpty != 0 {
		return append(dst, "empty"...), exactly(wire, 0)
	}
	var err error
	dst = append(dst, pick(flags&rangeLowerInclusive != 0, '[', '('))
	if flags&rangeLowerInfinite == 0 {
		if dst, wire, err = t.rangeBound(dst, wire, depth); err != nil {
			return dst, err
		}
	}
	dst = append(dst, ',')
	if flags&rangeUpperInfinite == 0 {
		if dst, wire, err = t.rangeBound(dst, wire, depth); err != nil {
			return dst, err
		}
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return append(dst, pick(flags&rangeUpperInclusive != 0, ']', ')')), nil
}

// pick is a where first, else b.
func pick(first bool, a, b byte) byte {
	if first {
		return a
	}
	return b
}

// rangeBound writes one bound, quoted as range_out does.
func (t *Type) rangeBound(dst, wire []byte, depth int) (out, rest []byte, err error) {
	value, rest, err := cut(wire)
	if err != nil {
		return dst, nil, err
	}
	if value == nil {
		return dst, nil, errors.New("a bound is NULL")
	}
	mark := len(dst)
	if dst, err = t.elem.appendText(dst, value, Binary, depth+1); err != nil {
		return dst, nil, err
	}
	return quoteMember(dst, mark, forRange), rest, nil
}

// binMultirange: a count, then ranges. Text: {[1,2),[5,6)}.
func binMultirange(t *Type, dst, wire []byte, depth int) ([]byte, error) {
	if len(wire) < 4 {
		return dst, errShort
	}
	n, wire := binary.BigEndian.Uint32(wire), wire[4:]
	dst = append(dst, '{')
	for i := range n {
		value, rest, err := cut(wire)
		if err != nil {
			return dst, err
		}
		if value == nil {
			return dst, errors.New("a range is NULL")
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = t.elem.appendText(dst, value, Binary, depth+1); err != nil {
			return dst, err
		}
		wire = rest
	}
	if len(wire) > 0 {
		return dst, errTrailing
	}
	return append(dst, '}'), nil
}
