package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// exactly checks the length of a value of fixed size.
func exactly(wire []byte, n int) error {
	if len(wire) != n {
		return fmt.Errorf("%d bytes, want %d", len(wire), n)
	}
	return nil
}

// binInt2, binInt4 and binInt8 are big-endian two's complement, as every number on
// the wire.
func binInt2(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 2); err != nil {
		return dst, err
	}
	return strconv.AppendInt(dst, int64(int16(binary.BigEndian.Uint16(wire))), 10), nil
}

func binInt4(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 4); err != nil {
		return dst, err
	}
	return strconv.AppendInt(dst, int64(int32(binary.BigEndian.Uint32(wire))), 10), nil
}

func binInt8(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 8); err != nil {
		return dst, err
	}
	return strconv.AppendInt(dst, int64(binary.BigEndian.Uint64(wire)), 10), nil
}

// binUint4 is oid, xid and cid: unsigned, where int4 would turn negative.
func binUint4(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 4); err != nil {
		return dst, err
	}
	return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint32(wire)), 10), nil
}

// binUint8 is xid8.
func binUint8(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 8); err != nil {
		return dst, err
	}
	return strconv.AppendUint(dst, binary.BigEndian.Uint64(wire), 10), nil
}

// Signs of a binary numeric (numeric.c).
const (
	numericNegative    = 0x4000
	numericNaN         = 0xC000
	numericInfinity    = 0xD000
	numericNegInfinity = 0xF000
)

// binNumeric: ndigits, weight, sign, dscale, then base-10000 digits, of which
// the first has the value 10000^weight.
func binNumeric(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if len(wire) < 8 {
		return dst, errShort
	}
	n := int(binary.BigEndian.Uint16(wire))
	weight := int(int16(binary.BigEndian.Uint16(wire[2:])))
	sign := binary.BigEndian.Uint16(wire[4:])
	scale := int(binary.BigEndian.Uint16(wire[6:]) & 0x3FFF)
	digits := wire[8:]
	if err := exactly(digits, 2*n); err != nil {
		return dst, err
	}
	switch sign {
	case 0:
	case numericNegative:
		dst = append(dst, '-')
	case numericNaN:
		return append(dst, "NaN"...), nil
	case numericInfinity:
		return append(dst, "Infinity"...), nil
	case numericNegInfinity:
		return append(dst, "-Infinity"...), nil
	default:
		return dst, fmt.Errorf("unknown sign %#x", sign)
	}
	group := func(i int) (uint16, error) {
		if i < 0 || i >= n {
			return 0, nil
		}
		g := binary.BigEndian.Uint16(digits[2*i:])
		if g > 9999 {
			return 0, errors.New("a digit over 9999")
		}
		return g, nil
	}
	mark := len(dst)
	for i := 0; i <= weight; i++ {
		g, err := group(i)
		switch {
		case err != nil:
			return dst, err
		case len(dst) > mark:
			dst = appendPadded(dst, uint32(g), 4)
		case g > 0: // the first; the server never sends a zero before it
			dst = strconv.AppendUint(dst, uint64(g), 10)
		}
	}
	if len(dst) == mark {
		dst = append(dst, '0')
	}
	if scale == 0 {
		return dst, nil
	}
	dst = append(dst, '.')
	end := len(dst) + scale
	for i := weight + 1; len(dst) < end; i++ {
		g, err := group(i)
		if err != nil {
			return dst, err
		}
		dst = appendPadded(dst, uint32(g), 4)
	}
	return dst[:end], nil
}

// appendPadded appends v in decimal with at least width digits (up to 10).
func appendPadded(dst []byte, v uint32, width int) []byte {
	var buf [10]byte
	i := len(buf)
	for v > 0 || width > 0 {
		i--
		buf[i] = byte('0' + v%10)
		v /= 10
		width--
	}
	return append(dst, buf[i:]...)
}

// binMoney writes money as lc_monetary C does: $1,234.56, -$1.00.
func binMoney(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 8); err != nil {
		return dst, err
	}
	v := int64(binary.BigEndian.Uint64(wire))
	cents := uint64(v)
	if v < 0 {
		dst, cents = append(dst, '-'), -cents
	}
	var buf [32]byte
	whole := strconv.AppendUint(buf[:0], cents/100, 10)
	dst = append(dst, '$')
	for i, c := range whole {
		if left := len(whole) - i; i > 0 && left%3 == 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, c)
	}
	return appendPadded(append(dst, '.'), uint32(cents%100), 2), nil
}
