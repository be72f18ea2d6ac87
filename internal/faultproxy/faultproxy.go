// Package faultproxy is a TCP proxy in front of a PostgreSQL server that breaks
// connections at a chosen message: after the server committed, in the middle of
// a result, before the first byte. It is for tests.
//
// The proxy reads the message borders of protocol 3 (PostgreSQL documentation,
// "Message Formats"), so a fault falls between two messages and never by chance
// of timing. It must see plain text: it answers SSLRequest itself, with "no" or,
// with WithTLS, by ending TLS there.
package faultproxy

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// Proxy is a running proxy. Its methods are safe for concurrent use.
type Proxy struct {
	listener net.Listener
	network  string // of the server: "tcp" or "unix"
	address  string
	tls      *tls.Config

	mu       sync.Mutex
	links    map[*link]struct{}
	accepted int
	faults   []*Armed
	delay    time.Duration
	slice    int // see Pace
	gap      time.Duration
	linger   time.Duration
	hole     bool
	counts   map[string]int
	closed   bool
	done     chan struct{} // closed by Close: ends every wait
	wg       sync.WaitGroup
}

// Option changes a proxy when it starts.
type Option interface{ apply(*Proxy) }

type optionFunc func(*Proxy)

func (f optionFunc) apply(p *Proxy) { f(p) }

// WithTLS makes the proxy accept SSLRequest and end TLS itself with cfg; the way
// to the server stays plain. Default: SSLRequest is answered "no".
func WithTLS(cfg *tls.Config) Option { return optionFunc(func(p *Proxy) { p.tls = cfg }) }

// BlackHoled starts the proxy as a black hole (see BlackHole), so that not even
// the start-up of a connection is answered. Default: it forwards.
func BlackHoled() Option { return optionFunc(func(p *Proxy) { p.hole = true }) }

// Start listens on a free port of 127.0.0.1 and forwards to the server at
// address ("tcp", "127.0.0.1:5432" or "unix", "/run/.s.PGSQL.5432"). The server
// is dialed for each connection, not now. Close ends it.
func Start(network, address string, opts ...Option) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start fault proxy: %w", err)
	}
	p := &Proxy{
		listener: l, network: network, address: address,
		links: map[*link]struct{}{}, counts: map[string]int{}, done: make(chan struct{}),
	}
	for _, o := range opts {
		o.apply(p)
	}
	p.wg.Add(1)
	go p.accept()
	return p, nil
}

// Host is the address that clients dial, without the port.
func (p *Proxy) Host() string { return "127.0.0.1" }

// Port is the TCP port that clients dial.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Addr is Host and Port in one: "127.0.0.1:40123".
func (p *Proxy) Addr() string { return net.JoinHostPort(p.Host(), strconv.Itoa(p.Port())) }

// Accepted is how many connections clients have opened so far, cancel requests
// included.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Count is how many messages of one kind have passed: "Q" or "P" of the client,
// "server C" of the server, and "startup", "cancel" and "tls" (a finished
// handshake). A repeated statement shows here.
func (p *Proxy) Count(kind string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[kind]
}

// BlackHole turns the network off or on: while it is off every byte, both ways
// and on old and new connections, is read and thrown away, and nobody is told.
func (p *Proxy) BlackHole(on bool) {
	p.mu.Lock()
	p.hole = on
	p.mu.Unlock()
}

// Delay makes each message of the server wait for d before it is forwarded.
// Zero turns it off.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	p.delay = d
	p.mu.Unlock()
}

// Pace sends what the server says in slices of at most so many bytes, with a pause
// after each: a narrow line, or a network that cuts messages anywhere. 0 turns it off.
func (p *Proxy) Pace(slice int, gap time.Duration) {
	p.mu.Lock()
	p.slice, p.gap = slice, gap
	p.mu.Unlock()
}

// Linger keeps a client's connection open for d after the server has hung up.
func (p *Proxy) Linger(d time.Duration) {
	p.mu.Lock()
	p.linger = d
	p.mu.Unlock()
}

// paced is a client, written to at the proxy's pace.
type paced struct {
	p *Proxy
	w io.Writer
}

func (s *paced) Write(b []byte) (n int, err error) {
	for n < len(b) {
		s.p.mu.Lock()
		slice, gap := s.p.slice, s.p.gap
		s.p.mu.Unlock()
		end := len(b)
		if slice > 0 {
			end = min(end, n+slice)
		}
		m, err := s.w.Write(b[n:end])
		n += m
		if err != nil {
			return n, err
		}
		if slice > 0 {
			s.p.pause(gap)
		}
	}
	return n, nil
}

// Cut breaks every open connection now, in the given way.
func (p *Proxy) Cut(how Cut) {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.cut(how)
	}
}

// Close stops listening, breaks what is open and waits until nothing of the
// proxy runs any more.
func (p *Proxy) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	close(p.done)
	p.mu.Unlock()
	err := p.listener.Close()
	p.Cut(RST)
	p.wg.Wait()
	if err != nil {
		return fmt.Errorf("close fault proxy: %w", err)
	}
	return nil
}

func (p *Proxy) accept() {
	defer p.wg.Done()
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return // only Close ends the listener
		}
		l := &link{p: p, client: c}
		p.mu.Lock()
		p.accepted++
		if p.closed {
			p.mu.Unlock()
			l.cut(RST)
			continue
		}
		p.links[l] = struct{}{}
		p.wg.Add(1)
		p.mu.Unlock()
		go func() {
			defer p.wg.Done()
			l.serve()
			p.mu.Lock()
			delete(p.links, l)
			p.mu.Unlock()
		}()
	}
}

func (p *Proxy) count(kind string) {
	p.mu.Lock()
	p.counts[kind]++
	p.mu.Unlock()
}

func (p *Proxy) swallowing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hole
}

// wait is the delay of one server message; it ends early with the proxy.
func (p *Proxy) wait() {
	p.mu.Lock()
	d := p.delay
	p.mu.Unlock()
	p.pause(d)
}

// pause waits for d, or until the proxy is closed.
func (p *Proxy) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.done:
	}
}

// errCut ends the forwarding of a link that was broken on purpose.
var errCut = errors.New("cut")

// link is one client connection and its connection to the server.
type link struct {
	p      *Proxy
	mu     sync.Mutex
	client net.Conn // replaced by its TLS form after a handshake
	server net.Conn
	broken bool
}

// cut breaks the link. The server's side is simply closed: it has long answered.
func (l *link) cut(how Cut) {
	l.mu.Lock()
	if l.broken {
		l.mu.Unlock()
		return
	}
	l.broken = true
	client, server := l.client, l.server
	l.mu.Unlock()
	if t, ok := client.(*tls.Conn); ok {
		client = t.NetConn() // a crash sends no close_notify
	}
	tcp := client.(*net.TCPConn)
	switch how {
	case FIN:
		// Close with unread bytes would send RST, so the write side goes first
		// and what the client still sends is read until it hangs up too.
		_ = tcp.CloseWrite()
		l.p.wg.Go(func() {
			_ = tcp.SetReadDeadline(time.Now().Add(2 * time.Second))
			_, _ = io.Copy(io.Discard, tcp)
			_ = tcp.Close()
		})
	default:
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
	if server != nil {
		_ = server.Close()
	}
}

// serve forwards until one side ends.
func (l *link) serve() {
	client := bufio.NewReader(l.client)
	first, err := l.startup(&client)
	if err != nil {
		l.cut(RST)
		return
	}
	server, err := net.DialTimeout(l.p.network, l.p.address, 5*time.Second)
	if err != nil {
		l.cut(RST)
		return
	}
	l.mu.Lock()
	l.server = server
	broken := l.broken
	l.mu.Unlock()
	if broken {
		_ = server.Close()
		return
	}
	if _, err := server.Write(first); err != nil {
		l.cut(RST)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.forwardClient(client, server); !errors.Is(err, errCut) {
			_ = server.Close() // the client went away: so does its session
		}
	})
	if err := l.forwardServer(bufio.NewReader(server), l.client); !errors.Is(err, errCut) {
		l.p.mu.Lock()
		linger := l.p.linger
		l.p.mu.Unlock()
		l.p.pause(linger)
		l.cut(FIN) // the server hung up, as after pg_terminate_backend
	}
	wg.Wait()
}
