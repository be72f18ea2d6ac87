package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// gate counts what is in flight and says when nothing new may begin.
type gate struct {
	n     atomic.Int64 // requests; and shutBit once it is shut
	empty chan struct{}
	once  sync.Once
}

const shutBit = 1 << 62

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// enter begins a request, which leave ends. It returns how many there are; that
// is shutBit or more where nothing may begin.
func (g *gate) enter() int64 { return g.n.Add(1) }

func (g *gate) leave() {
	if g.n.Add(-1) == shutBit {
		g.once.Do(func() { close(g.empty) })
	}
}

// shut refuses what is new from now on; empty is closed when the rest has left.
func (g *gate) shut() {
	if g.n.Or(shutBit) == 0 {
		g.once.Do(func() { close(g.empty) })
	}
}

func (g *gate) isShut() bool { return g.n.Load() >= shutBit }

func (g *gate) count() int64 { return g.n.Load() &^ shutBit }

type gateKey struct{}

// Draining says that the server of a request is shutting down. ctx is the
// context of a request of either listener of Serve; it is false for any other.
func Draining(ctx context.Context) bool {
	g, ok := ctx.Value(gateKey{}).(*gate)
	return ok && g.isShut()
}

// edge is what stands directly before net/http: it refuses requests while the
// gate is shut, and gives every write of an answer its own deadline.
type edge struct {
	next http.Handler
	o    *ListenOptions
	gate *gate // nil: never shut, and nothing is bounded
}

func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.gate != nil {
		n := e.gate.enter()
		defer e.gate.leave()
		switch {
		case n >= shutBit:
			w.Header().Set("Connection", "close")
			refuse(w, "the server is shutting down; try again")
			return
		case e.o.MaxInFlight > 0 && n > int64(e.o.MaxInFlight):
			refuse(w, "the server has too many requests; try again")
			return
		case e.o.RequestTimeout > 0:
			ctx, cancel := context.WithTimeout(r.Context(), e.o.RequestTimeout)
			defer cancel()
			r = r.WithContext(ctx)
		}
	}
	rw := &response{ResponseWriter: w, timeout: e.o.WriteTimeout, gate: e.gate, streams: r.ProtoMajor > 1}
	rw.deadline, _ = w.(writeDeadline)
	rw.rest()
	e.next.ServeHTTP(rw, r)
	rw.begin(http.StatusOK)
	rw.extend() // for the rest of the answer, which net/http sends after this
}

// refuse tells a client to come later.
func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Retry-After", "1")
	writeFailure(w, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", why)
}

// limitListener accepts while fewer than cap(free) connections are open.
type limitListener struct {
	net.Listener
	free   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newLimitListener(l net.Listener, n int) *limitListener {
	return &limitListener{Listener: l, free: make(chan struct{}, n), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &limitConn{Conn: c, free: l.free}, nil
}

// Close implements net.Listener.
func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitConn gives its place back once.
type limitConn struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

// CloseWrite is what net/http does before it drops a client that has not sent all.
func (c *limitConn) CloseWrite() error { return closeWrite(c.Conn) }

// Close implements net.Conn.
func (c *limitConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.free })
	return err
}
