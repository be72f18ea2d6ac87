package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// patientListener gives the connections that it accepts patient deadlines.
type patientListener struct{ net.Listener }

// Accept implements net.Listener.
func (l patientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := &patientConn{Conn: c}
	p.read.set, p.write.set = c.SetReadDeadline, c.SetWriteDeadline
	return p, nil
}

// patientConn is a connection whose deadlines cost nothing while they are moved on:
// a request moves them half a dozen times. A deadline is noted, and the one that
// the system was told of stays as long as it is sooner; when that passes, it is
// found out whether it still holds.
type patientConn struct {
	net.Conn
	read, write patience
}

// Read implements net.Conn.
func (c *patientConn) Read(p []byte) (int, error) {
	for {
		if err := c.read.enter(); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p)
		if !c.read.leave(err) || n > 0 {
			return n, err
		}
	}
}

// Write implements net.Conn.
func (c *patientConn) Write(p []byte) (int, error) {
	for total := 0; ; {
		if err := c.write.enter(); err != nil {
			return total, err
		}
		n, err := c.Conn.Write(p[total:])
		total += n
		if !c.write.leave(err) {
			return total, err
		}
	}
}

// SetDeadline implements net.Conn.
func (c *patientConn) SetDeadline(t time.Time) error {
	return errors.Join(c.read.want(t), c.write.want(t))
}

// SetReadDeadline implements net.Conn.
func (c *patientConn) SetReadDeadline(t time.Time) error { return c.read.want(t) }

// SetWriteDeadline implements net.Conn.
func (c *patientConn) SetWriteDeadline(t time.Time) error { return c.write.want(t) }

// CloseWrite is what net/http does before it drops a client that has not sent all.
func (c *patientConn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// patience is the deadline of one direction.
type patience struct {
	set    func(time.Time) error // tells the system
	mu     sync.Mutex
	wanted time.Time // zero: none
	told   time.Time // to the system
	passed bool      // told has: what comes next would fail at once
	busy   int       // calls that wait under it
}

// want changes the deadline. Only a sooner one matters to who waits already.
func (d *patience) want(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.busy > 0 {
		return d.tell()
	}
	return nil
}

// enter begins a call.
func (d *patience) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.tell(); err != nil {
		return err
	}
	d.busy++
	return nil
}

// tell tells the system of a deadline that is sooner than what it knows.
func (d *patience) tell() error {
	sooner := !d.wanted.IsZero() && (d.told.IsZero() || d.wanted.Before(d.told))
	if !sooner && !d.passed {
		return nil
	}
	d.told, d.passed = d.wanted, false
	return d.set(d.wanted)
}

// leave ends a call that gave err, and reports whether it has to be made again: the
// deadline that passed had been moved on.
func (d *patience) leave(err error) (again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.passed = true
	return d.wanted.IsZero() || d.wanted.After(time.Now())
}
