//go:build unix

package pgembed

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// freePort is a port of 127.0.0.1 that nothing listens on right now, and what keeps it.
//
// On Linux it is kept until holder is closed: the socket is bound and does not listen, so
// that nobody who asks for any free port is given this one, while the server, which shares
// addresses as it does (SO_REUSEADDR), can listen and, after a halt, listen again. Other
// systems let nobody listen beside such a socket. There the port is let go (holder is nil),
// and another process can win it in between.
func freePort() (port int, holder *os.File, err error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	holder = os.NewFile(uintptr(fd), "port")
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var addr syscall.Sockaddr
	if err == nil {
		addr, err = syscall.Getsockname(fd)
	}
	at, ok := addr.(*syscall.SockaddrInet4)
	if err == nil && !ok {
		err = fmt.Errorf("a socket at %v", addr)
	}
	if err != nil {
		_ = holder.Close()
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	if runtime.GOOS != "linux" {
		return at.Port, nil, holder.Close()
	}
	return at.Port, holder, nil
}
