package codec

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Address families of a binary inet (utils/inet.h): they are the server's own.
const (
	familyIPv4 = 2
	familyIPv6 = 3
)

// An address prints as the server's inet_net_ntop does: lower-case, the first
// longest run of zero words shortened to ::, an embedded IPv4 address dotted. An
// inet leaves out a mask that covers the whole address, a cidr never does.

// binInet: family, mask bits, is-cidr, length, address.
func binInet(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if len(wire) < 4 {
		return dst, errShort
	}
	family, mask, isCIDR, addr := wire[0], int(wire[1]), wire[2] != 0, wire[4:]
	size := 4
	switch family {
	case familyIPv4:
	case familyIPv6:
		size = 16
	default:
		return dst, fmt.Errorf("unknown address family %d", family)
	}
	if int(wire[3]) != size || len(addr) != size || mask > 8*size {
		return dst, fmt.Errorf("address of %d bytes with a mask of %d bits", len(addr), mask)
	}
	dst = appendAddr(dst, addr)
	if isCIDR || mask != 8*size {
		dst = strconv.AppendInt(append(dst, '/'), int64(mask), 10)
	}
	return dst, nil
}

// appendAddr appends an IPv4 address (4 bytes) or IPv6 address (16 bytes).
func appendAddr(dst, addr []byte) []byte {
	if len(addr) == 4 {
		for i, b := range addr {
			if i > 0 {
				dst = append(dst, '.')
			}
			dst = strconv.AppendUint(dst, uint64(b), 10)
		}
		return dst
	}
	var words [8]uint16
	for i := range words {
		words[i] = binary.BigEndian.Uint16(addr[2*i:])
	}
	from, n := zeroRun(&words)
	for i := range words {
		if i >= from && i < from+n {
			if i == from {
				dst = append(dst, ':')
			}
			continue
		}
		if i > 0 {
			dst = append(dst, ':')
		}
		// An embedded IPv4 address: ::1.2.3.4 and ::ffff:1.2.3.4 (inet_net_ntop.c).
		if i == 6 && from == 0 && (n == 6 || n == 5 && words[5] == 0xffff) {
			return appendAddr(dst, addr[12:])
		}
		dst = strconv.AppendUint(dst, uint64(words[i]), 16)
	}
	if n > 0 && from+n == 8 {
		dst = append(dst, ':')
	}
	return dst
}

// zeroRun is the first longest run of two zero words or more.
func zeroRun(words *[8]uint16) (from, n int) {
	from = -1
	for i := 0; i < 8; {
		j := i
		for j < 8 && words[j] == 0 {
			j++
		}
		if j-i >= 2 && j-i > n {
			from, n = i, j-i
		}
		i = max(j, i+1)
	}
	return from, n
}
