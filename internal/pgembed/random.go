package pgembed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
)

// randomHex is a password of 128 random bits, safe in a URL as it is.
func randomHex() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return hex.EncodeToString(b[:])
}

// freePort is a port of 127.0.0.1 that nothing listens on right now.
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: a TCP listener on %v", l.Addr())
	}
	return addr.Port, nil
}
