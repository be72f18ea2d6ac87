package codec

import (
	"bytes"
	"math"
	"strconv"
)

// What the numeric types allow, for their errors.
const (
	wantInt2    = "an integer from -32768 to 32767"
	wantInt4    = "an integer from -2147483648 to 2147483647"
	wantInt8    = "an integer from -9223372036854775808 to 9223372036854775807, also as a string"
	wantUint4   = "an integer from 0 to 4294967295, also as a string"
	wantUint8   = "an integer from 0 to 18446744073709551615, also as a string"
	wantReg     = "an object's name as a string, or its OID"
	wantFloat   = `a number in the type's range, "NaN", "Infinity" or "-Infinity"`
	wantNumeric = `a number of at most 131072 digits before and 16383 after the point, also as a string; "NaN", "Infinity" or "-Infinity"`
	wantMoney   = `a number with at most 2 digits after the point, or a string such as "-$1,234.56"`
)

// argInt2 and argInt4 take numbers alone; every JSON client can hold them.
func argInt2(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argInt(dst, raw, 16) }

func argInt4(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argInt(dst, raw, 32) }

// argInt8 takes strings as well: a JavaScript client has no other way to say
// integers above 2^53.
func argInt8(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.digits(raw)
	if err != nil {
		return dst, err
	}
	return t.argInt(dst, s, 64)
}

// digits unwraps a number that may stand in a string.
func (t *Type) digits(raw []byte) ([]byte, error) {
	if raw[0] != '"' {
		return raw, nil
	}
	s, err := t.text(raw)
	if err != nil {
		return nil, err
	}
	if !isJSONNumber(s) {
		return nil, t.refuse(raw, "is not a number")
	}
	return s, nil
}

// isInteger says why raw is not an integer in digits, or "".
func isInteger(raw []byte) string {
	switch {
	case !isJSONNumber(raw):
		return "is not a number"
	case bytes.ContainsAny(raw, ".eE"):
		return "has a fraction or an exponent"
	}
	return ""
}

// argInt refuses 5.5 and 1e2 alike: pgx would cut the one to 5.
func (t *Type) argInt(dst, raw []byte, size int) ([]byte, error) {
	if why := isInteger(raw); why != "" {
		return dst, t.refuse(raw, why)
	}
	v, err := strconv.ParseInt(string(raw), 10, size)
	if err != nil {
		return dst, t.refuse(raw, "is out of range")
	}
	return strconv.AppendInt(dst, v, 10), nil
}

// argUint4 takes strings as well: to_json writes OIDs so.
func argUint4(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argUint(dst, raw, 32) }

// argUint8 is xid8.
func argUint8(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argUint(dst, raw, 64) }

func (t *Type) argUint(dst, raw []byte, size int) ([]byte, error) {
	s, err := t.digits(raw)
	if err != nil {
		return dst, err
	}
	if why := isInteger(s); why != "" {
		return dst, t.refuse(raw, why)
	}
	v, err := strconv.ParseUint(string(s), 10, size)
	if err != nil {
		return dst, t.refuse(raw, "is out of range")
	}
	return strconv.AppendUint(dst, v, 10), nil
}

// argReg takes the name that the server looks up (its JSON form), or an OID.
func argReg(t *Type, dst, raw []byte, depth int) ([]byte, error) {
	if raw[0] != '"' {
		return argUint4(t, dst, raw, depth)
	}
	return argText(t, dst, raw, depth)
}

// argFloat4 rounds once, to 32 bits, as the server does.
func argFloat4(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argFloat(dst, raw, 32) }

// argFloat8 rounds to 64 bits.
func argFloat8(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argFloat(dst, raw, 64) }

// argFloat refuses what the server does: values beyond the type's range, and those
// that would become 0.
func (t *Type) argFloat(dst, raw []byte, size int) ([]byte, error) {
	if raw[0] == '"' {
		return t.special(dst, raw)
	}
	if !isJSONNumber(raw) {
		return dst, t.refuse(raw, "")
	}
	v, err := strconv.ParseFloat(string(raw), size)
	if err != nil || v == 0 && !isZero(raw) {
		return dst, t.refuse(raw, "is out of range")
	}
	if size == 32 {
		return appendFloat4(dst, float32(v)), nil
	}
	return appendFloat8(dst, v), nil
}

// special takes the three numbers that JSON has no literal for.
func (t *Type) special(dst, raw []byte) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	switch string(s) {
	case "NaN", "Infinity", "-Infinity":
		return append(dst, s...), nil
	}
	return dst, t.refuse(raw, "is not a number")
}

// isZero says whether a JSON number's digits are all 0.
func isZero(number []byte) bool {
	for _, c := range number {
		if c == 'e' || c == 'E' {
			break
		}
		if '1' <= c && c <= '9' {
			return false
		}
	}
	return true
}

// The server's limits on numeric (numeric.h).
const (
	maxNumericWhole = 131072
	maxNumericScale = 16383
)

// argNumeric keeps every digit and the scale: 1.50 stays 1.50. A small exponent
// is written out, as the server would.
func argNumeric(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s := raw
	if raw[0] == '"' {
		var err error
		if s, err = t.text(raw); err != nil {
			return dst, err
		}
		if !isJSONNumber(s) {
			return t.special(dst, raw)
		}
	}
	if !isJSONNumber(s) {
		return dst, t.refuse(raw, "")
	}
	n, ok := readDecimal(s)
	if !ok {
		return dst, t.refuse(raw, "has too many digits")
	}
	// 1e131071 written out is ten thousand times its own size; a list of such
	// numbers would be an attack. The server reads the exponent as well.
	if n.size() > len(s)+maxWrittenOut {
		return append(dst, s...), nil
	}
	return n.append(dst), nil
}

// maxWrittenOut is by how many digits an exponent may lengthen a number.
const maxWrittenOut = 64

// decimal is a JSON number without its exponent.
type decimal struct {
	negative        bool
	whole, fraction []byte // the digits as written
	first           int    // the first digit before the point that is not 0
	point           int    // how many digits stand before the point
	scale           int    // how many stand behind it
}

// readDecimal takes a JSON number apart; ok is false beyond numeric's limits.
func readDecimal(number []byte) (n decimal, ok bool) {
	if n.negative = number[0] == '-'; n.negative {
		number = number[1:]
	}
	mantissa, exp := number, 0
	if e := bytes.IndexAny(number, "eE"); e >= 0 {
		var err error
		if exp, err = strconv.Atoi(string(number[e+1:])); err != nil || exp > 2*maxNumericWhole || exp < -2*maxNumericWhole {
			return n, false
		}
		mantissa = number[:e]
	}
	n.negative = n.negative && !isZero(mantissa) // numeric has no -0
	n.whole, n.fraction, _ = bytes.Cut(mantissa, []byte{'.'})
	n.point = len(n.whole) + exp
	n.scale = max(0, len(n.fraction)-exp)
	written := len(n.whole) + len(n.fraction)
	for n.first < min(n.point, written) && n.digit(n.first) == '0' {
		n.first++
	}
	if n.first == written {
		n.first = max(n.first, n.point) // zero, whatever the exponent
	}
	return n, n.scale <= maxNumericScale && n.point-n.first <= maxNumericWhole
}

// digit is a digit by its place; the zeros that an exponent adds have none.
func (n *decimal) digit(i int) byte {
	switch {
	case i < 0 || i >= len(n.whole)+len(n.fraction):
		return '0'
	case i < len(n.whole):
		return n.whole[i]
	}
	return n.fraction[i-len(n.whole)]
}

// size is about how long append's text is.
func (n *decimal) size() int { return max(0, n.point-n.first) + n.scale + 3 }

// append writes the number without its exponent.
func (n *decimal) append(dst []byte) []byte {
	if n.negative {
		dst = append(dst, '-')
	}
	if n.first >= n.point {
		dst = append(dst, '0')
	}
	for i := n.first; i < n.point; i++ {
		dst = append(dst, n.digit(i))
	}
	if n.scale > 0 {
		dst = append(dst, '.')
		for i := range n.scale {
			dst = append(dst, n.digit(n.point+i))
		}
	}
	return dst
}

// argMoney takes the server's text as well, and hands over plain digits.
func argMoney(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s := raw
	if raw[0] == '"' {
		text, err := t.text(raw)
		if err != nil {
			return dst, err
		}
		if s, err = t.moneyDigits(raw, text); err != nil {
			return dst, err
		}
	}
	if !isJSONNumber(s) || bytes.ContainsAny(s, "eE") {
		return dst, t.refuse(raw, "is not an amount in plain digits")
	}
	number, negative := bytes.CutPrefix(s, []byte{'-'})
	whole, fraction, _ := bytes.Cut(number, []byte{'.'})
	if len(fraction) > 2 {
		return dst, t.refuse(raw, "has more than 2 digits after the point")
	}
	cents, err := strconv.ParseUint(string(whole)+(string(fraction) + "00")[:2], 10, 64)
	if err != nil || cents > math.MaxInt64 && (!negative || cents != 1<<63) {
		return dst, t.refuse(raw, "is out of range")
	}
	return append(dst, s...), nil
}

// moneyDigits takes the dollar sign and the commas out of -$1,234.56.
func (t *Type) moneyDigits(raw, text []byte) ([]byte, error) {
	number, negative := bytes.CutPrefix(text, []byte{'-'})
	number, _ = bytes.CutPrefix(number, []byte{'$'})
	whole, _, _ := bytes.Cut(number, []byte{'.'})
	if groups := bytes.Split(whole, []byte{','}); len(groups) > 1 {
		for i, g := range groups {
			if len(g) == 0 || len(g) > 3 || i > 0 && len(g) < 3 {
				return nil, t.refuse(raw, "has a comma in the wrong place")
			}
		}
	}
	out := bytes.ReplaceAll(number, []byte{','}, nil)
	if negative {
		out = append([]byte{'-'}, out...)
	}
	return out, nil
}
