package pgembed

import (
	"crypto/rand"
	"encoding/hex"
)

// randomHex is a password of 128 random bits, safe in a URL as it is.
func randomHex() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return hex.EncodeToString(b[:])
}
