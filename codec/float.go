package codec

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// binFloat4 keeps to 32 bits: widened to a float8 it would print 1.100000023841858.
func binFloat4(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 4); err != nil {
		return dst, err
	}
	return appendFloat4(dst, math.Float32frombits(binary.BigEndian.Uint32(wire))), nil
}

// binFloat8 is an IEEE 754 double.
func binFloat8(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 8); err != nil {
		return dst, err
	}
	return appendFloat8(dst, math.Float64frombits(binary.BigEndian.Uint64(wire))), nil
}

// appendFloat8 appends the server's text of a float8: the shortest digits that
// read back, plain between 1e-4 and 1e15, else with an exponent of two digits
// or more.
func appendFloat8(dst []byte, v float64) []byte { return appendFloat(dst, v, 64, 15) }

// appendFloat4 is appendFloat8 for float4, where plain notation ends at 1e6.
func appendFloat4(dst []byte, v float32) []byte { return appendFloat(dst, float64(v), 32, 6) }

func appendFloat(dst []byte, v float64, size, plain int) []byte {
	switch {
	case v != v:
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	case v == 0:
		if math.Signbit(v) {
			dst = append(dst, '-')
		}
		return append(dst, '0')
	}
	if whole := int64(v); math.Abs(v) < 1e6 && float64(whole) == v {
		return strconv.AppendInt(dst, whole, 10)
	}
	mark := len(dst)
	dst = strconv.AppendFloat(dst, v, 'e', -1, size)
	switch text := dst[mark:]; {
	case onBound(text, v, size):
		dst = appendInside(dst[:mark], v, size)
	case onTie(text, v, size):
		dst = appendEven(dst, mark, v, size)
	}
	// d.ddde±xx is the right text already, unless plain notation is due.
	e := len(dst) - 1
	for dst[e] != 'e' {
		e--
	}
	exp, _ := strconv.Atoi(string(dst[e+1:])) // at most 4 bytes: stays on the stack
	if exp < -4 || exp >= plain {
		return dst
	}
	var buf [24]byte
	digits := buf[:0]
	for _, c := range dst[mark:e] {
		if c != '.' && c != '-' {
			digits = append(digits, c)
		}
	}
	dst = dst[:mark]
	if v < 0 {
		dst = append(dst, '-')
	}
	return appendPlain(dst, digits, exp)
}

// appendPlain writes digits, of which the first has the value 10^exp, without
// an exponent.
func appendPlain(dst, digits []byte, exp int) []byte {
	if exp < 0 {
		dst = append(dst, "0."...)
		for range -exp - 1 {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	whole := min(exp+1, len(digits))
	dst = append(dst, digits[:whole]...)
	for range exp + 1 - whole {
		dst = append(dst, '0')
	}
	if whole < len(digits) {
		dst = append(append(dst, '.'), digits[whole:]...)
	}
	return dst
}

// The server and Go find the same shortest digits but for two cases, both of
// them exact: the digits lie half way between two floats (onBound), or the float
// lies half way between two texts of that many digits (onTie).

// split is the decimal d·10^k that a text d.ddde±xx stands for, and the float
// m·2^e that v is.
func split(text []byte, v float64, size int) (d uint64, k int, m uint64, e int) {
	fraction, i := 0, 0
	for dot := false; text[i] != 'e'; i++ {
		switch c := text[i]; {
		case c == '.':
			dot = true
		case c != '-':
			d = d*10 + uint64(c-'0')
			if dot {
				fraction++
			}
		}
	}
	exp, _ := strconv.Atoi(string(text[i+1:]))
	raw, width, bias := math.Float64bits(v), 52, 1075
	if size == 32 {
		raw, width, bias = uint64(math.Float32bits(float32(v))), 23, 150
	}
	m = raw & (1<<width - 1)
	e = int(raw >> width & (1<<(size-1-width) - 1))
	if e == 0 {
		e = 1 // subnormal
	} else {
		m |= 1 << width
	}
	return d, exp - fraction, m, e - bias
}

// onBound says whether the text lies exactly half way between v and its
// neighbour. Such a text reads back as v only by round-half-even. Go takes it,
// the server does not (its Ryu has acceptBounds off: 1e23 prints as
// 9.999999999999999e+22).
//
// The bounds of m·2^e are (2m±1)·2^(e-1) with an odd first factor; so d·10^k is
// one only if the odd part of d·5^k is 2m±1, and only for k >= 0: a bound with a
// fraction has far more digits than a shortest text.
func onBound(text []byte, v float64, size int) bool {
	if v = math.Abs(v); v < 1<<24 || size == 64 && v < 1<<53 {
		return false
	}
	d, k, m, _ := split(text, v, size)
	if k < 0 || k > 27 {
		return false
	}
	odd := d >> bits.TrailingZeros64(d)
	for range k {
		hi, lo := bits.Mul64(odd, 5)
		if hi != 0 {
			return false
		}
		odd = lo
	}
	// Below a power of two the neighbour is half as far: bound (4m-1)·2^(e-2).
	return odd == 2*m+1 || odd == 2*m-1 || m&(m-1) == 0 && odd == 4*m-1
}

// onTie says whether v lies exactly half way between the text and another of as
// many digits, so that the exact value is one digit longer, a 5. Go rounds up
// there, the server to even (2^-12 as float4 is 0.00024414062).
//
// With m·2^e = o·2^t, o odd, the exact value ends at 10^t with a 5: always for
// t < 0, and for t >= 0 where 5^(t+1) divides o.
func onTie(text []byte, v float64, size int) bool {
	_, k, m, e := split(text, v, size)
	t := e + bits.TrailingZeros64(m)
	if k != t+1 {
		return false
	}
	odd := m >> bits.TrailingZeros64(m)
	for range max(0, t+1) {
		if odd%5 != 0 {
			return false
		}
		odd /= 5
	}
	return true
}

// appendEven replaces dst[mark:] by as many digits, rounded to even, if they
// still read back.
func appendEven(dst []byte, mark int, v float64, size int) []byte {
	digits := -1 // but for the first
	for _, c := range dst[mark:] {
		if c == 'e' {
			break
		}
		if c != '.' && c != '-' {
			digits++
		}
	}
	end := len(dst)
	dst = strconv.AppendFloat(dst, v, 'e', digits, size)
	if back, err := strconv.ParseFloat(string(dst[end:]), size); err != nil || back != v || onBound(dst[end:], v, size) {
		return dst[:end]
	}
	return moveDown(dst, mark, end)
}

// appendInside appends the shortest text of v that lies strictly inside its
// bounds: the nearest of ever more digits.
func appendInside(dst []byte, v float64, size int) []byte {
	mark := len(dst)
	for prec := 0; ; prec++ {
		dst = strconv.AppendFloat(dst[:mark], v, 'e', prec, size)
		back, err := strconv.ParseFloat(string(dst[mark:]), size)
		if prec >= 17 || err == nil && back == v && !onBound(dst[mark:], v, size) {
			return dst
		}
	}
}
