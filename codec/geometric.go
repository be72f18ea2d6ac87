package codec

import (
	"encoding/binary"
	"fmt"
	"math"
)

// appendPoints appends the points in wire: (x,y),(x,y).
func appendPoints(dst, wire []byte) []byte {
	for i := 0; i < len(wire); i += 16 {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '(')
		dst = append(appendFloatAt(dst, wire[i:]), ',')
		dst = append(appendFloatAt(dst, wire[i+8:]), ')')
	}
	return dst
}

// appendFloatAt appends the float8 at the beginning of wire.
func appendFloatAt(dst, wire []byte) []byte {
	return appendFloat8(dst, math.Float64frombits(binary.BigEndian.Uint64(wire)))
}

// binPoint: x, y.
func binPoint(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 16); err != nil {
		return dst, err
	}
	return appendPoints(dst, wire), nil
}

// binLseg: two points.
func binLseg(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 32); err != nil {
		return dst, err
	}
	return append(appendPoints(append(dst, '['), wire), ']'), nil
}

// binBox: the upper right corner, then the lower left.
func binBox(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 32); err != nil {
		return dst, err
	}
	return appendPoints(dst, wire), nil
}

// binLine: A, B and C of Ax + By + C = 0.
func binLine(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 24); err != nil {
		return dst, err
	}
	dst = append(appendFloatAt(append(dst, '{'), wire), ',')
	dst = append(appendFloatAt(dst, wire[8:]), ',')
	return append(appendFloatAt(dst, wire[16:]), '}'), nil
}

// binCircle: centre, radius.
func binCircle(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 24); err != nil {
		return dst, err
	}
	dst = append(appendPoints(append(dst, '<'), wire[:16]), ',')
	return append(appendFloatAt(dst, wire[16:]), '>'), nil
}

// binPath: a closed flag, then as a polygon.
func binPath(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if len(wire) < 1 {
		return dst, errShort
	}
	if wire[0] != 0 {
		return appendPointList(dst, wire[1:], '(', ')')
	}
	return appendPointList(dst, wire[1:], '[', ']')
}

// binPolygon: a list of points, closed by nature.
func binPolygon(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	return appendPointList(dst, wire, '(', ')')
}

// appendPointList: a count, then that many points.
func appendPointList(dst, wire []byte, open, shut byte) ([]byte, error) {
	if len(wire) < 4 {
		return dst, errShort
	}
	n, points := int64(int32(binary.BigEndian.Uint32(wire))), wire[4:]
	if n < 0 || int64(len(points)) != 16*n {
		return dst, fmt.Errorf("%d bytes for %d points", len(points), n)
	}
	return append(appendPoints(append(dst, open), points), shut), nil
}
