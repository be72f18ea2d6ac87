//go:build unix

// Package liveness looks at an idle connection without asking the server.
package liveness

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// Probe looks at one connection. It is for one goroutine at a time.
type Probe struct {
	raw   syscall.RawConn // nil: it can't be looked at
	quiet bool
	look  func(fd uintptr)
}

// New makes a Probe for conn.
func New(conn net.Conn) *Probe {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	p := &Probe{}
	if sc, ok := conn.(syscall.Conn); ok {
		p.raw, _ = sc.SyscallConn()
		p.look = p.peek
	}
	return p
}

// Quiet reports whether nothing has come from the server on an idle connection:
// neither its end nor a message, such as the FATAL of a server that shuts down. It
// costs one system call, reads nothing, and says true where it cannot look.
func (p *Probe) Quiet() bool {
	switch {
	case p.look == nil:
		return true
	case p.raw == nil:
		return false
	}
	p.quiet = false
	// Control and not Read, which waits until nobody else reads: pgx leaves a
	// goroutine that reads behind where a write took long.
	return p.raw.Control(p.look) == nil && p.quiet
}

func (p *Probe) peek(fd uintptr) {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	p.quiet = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
}
