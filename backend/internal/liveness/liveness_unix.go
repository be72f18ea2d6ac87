//go:build unix

// Package liveness looks at an idle connection without asking the server.
package liveness

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// Quiet reports whether nothing has come from the server on an idle connection:
// neither its end nor a message, such as the FATAL of a server that shuts down. It
// costs one system call, reads nothing, and says true where it cannot look.
func Quiet(conn net.Conn) bool {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	// Control and not Read, which waits until nobody else reads: pgx leaves a
	// goroutine that reads behind where a write took long.
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
	})
	return err == nil && quiet
}
