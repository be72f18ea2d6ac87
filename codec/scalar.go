package codec

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// binCopy is for types whose binary form is their text.
func binCopy(_ *Type, dst, wire []byte, _ int) ([]byte, error) { return append(dst, wire...), nil }

// binVoid is the nothing that a function without a result returns.
func binVoid(_ *Type, dst, wire []byte, _ int) ([]byte, error) { return dst, exactly(wire, 0) }

// binVersioned is text behind a version byte: jsonb, jsonpath, ltree.
func binVersioned(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	text, err := versioned(wire)
	return append(dst, text...), err
}

// versioned takes the version byte off. A version that is not 1 is refused: its
// text may mean something else.
func versioned(wire []byte) ([]byte, error) {
	if len(wire) == 0 {
		return nil, errShort
	}
	if wire[0] != 1 {
		return nil, fmt.Errorf("unknown version %d", wire[0])
	}
	return wire[1:], nil
}

// documentBinary is the text in a binary json or jsonb value.
func (t *Type) documentBinary(wire []byte) ([]byte, error) {
	if t.kind == KindJSONB {
		return versioned(wire)
	}
	return wire, nil
}

// binBool writes the wire text; JSON has words of its own (appendBoolBinary).
func binBool(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 1); err != nil {
		return dst, err
	}
	if wire[0] != 0 {
		return append(dst, 't'), nil
	}
	return append(dst, 'f'), nil
}

// appendBoolBinary takes any byte but 0 for true, as the server's own receive does.
func appendBoolBinary(dst, wire []byte) ([]byte, error) {
	if err := exactly(wire, 1); err != nil {
		return dst, err
	}
	return strconv.AppendBool(dst, wire[0] != 0), nil
}

// appendBoolText refuses what the server never sends: a guess here would turn a
// wrong column into a wrong answer.
func appendBoolText(dst, wire []byte) ([]byte, error) {
	switch string(wire) {
	case "t":
		return append(dst, "true"...), nil
	case "f":
		return append(dst, "false"...), nil
	}
	return dst, errors.New("neither t nor f")
}

// binBytea writes bytea_output hex.
func binBytea(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	dst = append(dst, '\\', 'x')
	return hex.AppendEncode(dst, wire), nil
}

// binChar is the type "char": one byte, in octal above ASCII, nothing for zero.
// Servers before 15 send a byte above ASCII as it is; that is not UTF-8.
func binChar(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 1); err != nil {
		return dst, err
	}
	switch c := wire[0]; {
	case c == 0:
		return dst, nil
	case c < 0x80:
		return append(dst, c), nil
	default:
		return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7), nil
	}
}

// binUUID is the 16 bytes in order.
func binUUID(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 16); err != nil {
		return dst, err
	}
	return appendUUID(dst, wire), nil
}

// appendUUID writes groups of 8, 4, 4, 4 and 12 digits, lower-case.
func appendUUID(dst, b []byte) []byte {
	from := 0
	for _, to := range [...]int{4, 6, 8, 10, 16} {
		if from > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[from:to])
		from = to
	}
	return dst
}

// binTID is (block,offset).
func binTID(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 6); err != nil {
		return dst, err
	}
	dst = strconv.AppendUint(append(dst, '('), uint64(binary.BigEndian.Uint32(wire)), 10)
	dst = strconv.AppendUint(append(dst, ','), uint64(binary.BigEndian.Uint16(wire[4:])), 10)
	return append(dst, ')'), nil
}

// binLSN is two hexadecimal halves: 16/B374D848.
func binLSN(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 8); err != nil {
		return dst, err
	}
	dst = appendUpperHex(dst, binary.BigEndian.Uint32(wire))
	return appendUpperHex(append(dst, '/'), binary.BigEndian.Uint32(wire[4:])), nil
}

// appendUpperHex writes hexadecimal as %X does.
func appendUpperHex(dst []byte, v uint32) []byte {
	mark := len(dst)
	dst = strconv.AppendUint(dst, uint64(v), 16)
	for i := mark; i < len(dst); i++ {
		if dst[i] >= 'a' {
			dst[i] -= 'a' - 'A'
		}
	}
	return dst
}

// binSnapshot is xmin:xmax:xip,xip.
func binSnapshot(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if len(wire) < 20 {
		return dst, errShort
	}
	n := int64(int32(binary.BigEndian.Uint32(wire)))
	if n < 0 || int64(len(wire)) != 20+8*n {
		return dst, fmt.Errorf("%d bytes for %d transactions", len(wire), n)
	}
	dst = strconv.AppendUint(dst, binary.BigEndian.Uint64(wire[4:]), 10)
	dst = strconv.AppendUint(append(dst, ':'), binary.BigEndian.Uint64(wire[12:]), 10)
	dst = append(dst, ':')
	for i := 20; i < len(wire); i += 8 {
		if i > 20 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, binary.BigEndian.Uint64(wire[i:]), 10)
	}
	return dst, nil
}

// binBit is a count of bits, then the bits from the highest of each byte.
func binBit(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if len(wire) < 4 {
		return dst, errShort
	}
	n, data := int64(int32(binary.BigEndian.Uint32(wire))), wire[4:]
	if n < 0 || int64(len(data)) != (n+7)/8 {
		return dst, fmt.Errorf("%d bytes for %d bits", len(data), n)
	}
	for i := range int(n) {
		dst = append(dst, '0'+data[i/8]>>(7-i%8)&1)
	}
	return dst, nil
}

// binMAC is macaddr (6 bytes) and macaddr8.
func binMAC(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if len(wire) != 6 && len(wire) != 8 {
		return dst, fmt.Errorf("%d bytes, want 6 or 8", len(wire))
	}
	return appendMAC(dst, wire), nil
}

// appendMAC writes pairs of digits with colons between.
func appendMAC(dst, b []byte) []byte {
	for i := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, b[i:i+1])
	}
	return dst
}
