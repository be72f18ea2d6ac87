package codec

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strconv"
)

// What the types here allow, for their errors.
const (
	wantBytea   = `a string of hexadecimal digits behind \x, as in "\\x00ff"; base64 is not read`
	wantChar    = `a string of one ASCII character, of none, or of \ and three octal digits`
	wantUUID    = "a string of 32 hexadecimal digits, as in a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
	wantInet    = "a string with an IPv4 or IPv6 address, with or without /bits"
	wantCIDR    = "a string with an IPv4 or IPv6 network, whose bits right of /bits are 0"
	wantNothing = "nothing: the type takes no argument"
)

// argText is any string. Numbers and booleans are refused: the drivers disagree
// about them (lib/pq stores 42 as text, pgx refuses).
func argText(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	return append(dst, s...), err
}

// argName refuses what the server would cut off without a word.
func argName(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	if len(s) > 63 {
		return dst, t.refuse(raw, "is longer than 63 bytes")
	}
	return append(dst, s...), nil
}

// argRefused is for types that a client cannot make a value of.
func argRefused(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	return dst, t.refuse(raw, "cannot be an argument")
}

// argBool takes true and false only; the server would take "yes" and "0" too.
func argBool(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	if raw[0] != 't' && raw[0] != 'f' {
		return dst, t.refuse(raw, "")
	}
	return append(dst, raw...), nil
}

// argBytea appends the hex form, which an array needs; Argument decodes it.
func argBytea(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	digits, ok := bytes.CutPrefix(s, []byte(`\x`))
	if !ok {
		return dst, t.refuse(raw, `does not begin with \x`)
	}
	if len(digits)%2 != 0 {
		return dst, t.refuse(raw, "has an odd number of digits")
	}
	for _, c := range digits {
		if unhex(c) == 0xff {
			return dst, t.refuse(raw, "has a character that is not a hexadecimal digit")
		}
	}
	return append(dst, bytes.ToLower(s)...), nil
}

// decodeHex decodes what argBytea made.
func decodeHex(text []byte) []byte {
	out := make([]byte, (len(text)-2)/2)
	_, _ = hex.Decode(out, text[2:]) // argBytea has checked every digit
	return out
}

// argChar is for "char", of which the server would keep the first byte only.
func argChar(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	octal := len(s) == 4 && s[0] == '\\' && '0' <= s[1] && s[1] <= '3' && s[2]-'0' < 8 && s[3]-'0' < 8
	if len(s) > 1 && !octal || len(s) == 1 && s[0] >= 0x80 {
		return dst, t.refuse(raw, "is more than one byte")
	}
	return append(dst, s...), nil
}

// argEnum checks the label, in its letter case.
func argEnum(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	if t.isLabel[string(s)] {
		return append(dst, s...), nil
	}
	refused := t.refuse(raw, "is not a label")
	if list := quotedList(t.labels); list != "" {
		refused.Allowed = "one of " + list
	}
	return dst, refused
}

// quotedList joins names for an error; "" where there are too many to help.
func quotedList(names []string) string {
	if len(names) == 0 || len(names) > 20 {
		return ""
	}
	var out []byte
	for i, name := range names {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = strconv.AppendQuote(out, name)
	}
	return string(out)
}

// argUUID takes what the server takes: hyphens after any group of four digits
// or none, braces around, either letter case.
func argUUID(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	if len(s) > 2 && s[0] == '{' && s[len(s)-1] == '}' {
		s = s[1 : len(s)-1]
	}
	// Digits are collected and printed again, so one UUID has one text.
	var id [16]byte
	n := 0
	for i, c := range s {
		d := unhex(c)
		switch {
		case c == '-' && n > 0 && n < 32 && n%4 == 0 && s[i-1] != '-':
			continue
		case d == 0xff || n == 32:
			return dst, t.refuse(raw, "is not a UUID")
		}
		id[n/2] = id[n/2]<<4 | d
		n++
	}
	if n != 32 {
		return dst, t.refuse(raw, "is not a UUID")
	}
	return appendUUID(dst, id[:]), nil
}

// argInet keeps the bits right of the mask: a host in its network.
func argInet(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argAddr(dst, raw, false) }

// argCIDR is a network.
func argCIDR(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argAddr(dst, raw, true) }

// argAddr refuses abbreviations (10.1), which the server reads in two ways for inet
// and cidr, and zones, which it does not have.
func (t *Type) argAddr(dst, raw []byte, network bool) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	host, mask, masked := bytes.Cut(s, []byte{'/'})
	addr, err := netip.ParseAddr(string(host))
	if err != nil || addr.Zone() != "" {
		return dst, t.refuse(raw, "is not an address")
	}
	b := addr.AsSlice()
	bits := 8 * len(b)
	if masked {
		n, err := strconv.ParseUint(string(mask), 10, 8)
		if err != nil || int(n) > bits || len(mask) > 1 && mask[0] == '0' {
			return dst, t.refuse(raw, "has a mask that is not a number of bits")
		}
		bits = int(n)
	}
	if network {
		for i := bits; i < 8*len(b); i++ {
			if b[i/8]>>(7-i%8)&1 != 0 {
				return dst, t.refuse(raw, "has bits set to the right of its mask")
			}
		}
	}
	dst = appendAddr(dst, b)
	if masked && bits != 8*len(b) || network {
		dst = strconv.AppendInt(append(dst, '/'), int64(bits), 10)
	}
	return dst, nil
}

// argMAC6 is macaddr.
func argMAC6(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argMAC(dst, raw, 6) }

// argMAC8 is macaddr8; a 6-byte address is refused, the server would widen it.
func argMAC8(t *Type, dst, raw []byte, _ int) ([]byte, error) { return t.argMAC(dst, raw, 8) }

// argMAC takes hexadecimal digits, whole or in equal groups with one separator
// (: - or .) between.
func (t *Type) argMAC(dst, raw []byte, size int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	var addr [8]byte
	group, n := bytes.IndexAny(s, ":-."), 0
	if group >= 0 && group < 2 {
		return dst, t.refuse(raw, "is not an address")
	}
	for i, c := range s {
		if group > 0 && i%(group+1) == group {
			if c != s[group] {
				return dst, t.refuse(raw, "is not an address")
			}
			continue
		}
		d := unhex(c)
		if d == 0xff || n == 2*size {
			return dst, t.refuse(raw, "is not an address")
		}
		addr[n/2] = addr[n/2]<<4 | d
		n++
	}
	if n != 2*size || group > 0 && n%group != 0 || unhex(s[len(s)-1]) == 0xff {
		return dst, t.refuse(raw, "is not an address")
	}
	return appendMAC(dst, addr[:size]), nil
}

// argBit leaves the length to the server, which knows the column's.
func argBit(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	for _, c := range s {
		if c != '0' && c != '1' {
			return dst, t.refuse(raw, "has a character other than 0 and 1")
		}
	}
	return append(dst, s...), nil
}

// argLSN is two hexadecimal numbers with a slash between.
func argLSN(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	high, low, ok := bytes.Cut(s, []byte{'/'})
	h, err1 := strconv.ParseUint(string(high), 16, 32)
	l, err2 := strconv.ParseUint(string(low), 16, 32)
	if !ok || err1 != nil || err2 != nil || len(high) > 8 || len(low) > 8 {
		return dst, t.refuse(raw, "is not a WAL position")
	}
	return appendUpperHex(append(appendUpperHex(dst, uint32(h)), '/'), uint32(l)), nil
}

// argTID is (block,offset).
func argTID(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	inner, open := bytes.CutPrefix(s, []byte{'('})
	inner, shut := bytes.CutSuffix(inner, []byte{')'})
	block, offset, _ := bytes.Cut(inner, []byte{','})
	b, err1 := strconv.ParseUint(string(block), 10, 32)
	o, err2 := strconv.ParseUint(string(offset), 10, 16)
	if !open || !shut || err1 != nil || err2 != nil {
		return dst, t.refuse(raw, "is not a row's place")
	}
	dst = strconv.AppendUint(append(dst, '('), b, 10)
	return append(strconv.AppendUint(append(dst, ','), o, 10), ')'), nil
}
