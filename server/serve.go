package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ListenOptions say where and how Serve listens. A zero member stands for its
// default.
type ListenOptions struct {
	// Addr is host:port of the public listener; port 0 picks a free one.
	// Default: 127.0.0.1:8000, which nobody outside of the machine reaches.
	Addr string
	// AdminAddr is host:port of the listener for operators, always in cleartext:
	// keep it where only they and the orchestrator are. "": none.
	AdminAddr string

	// TLSCert and TLSKey are PEM files. With them the public listener speaks TLS
	// 1.2 or later, and HTTP/2 to clients that ask for it. They are read again when
	// they have changed; a pair that can't be read leaves the old one in use.
	TLSCert, TLSKey string
	// H2C takes HTTP/2 without TLS too, from clients that begin with it (prior
	// knowledge), as proxies do. Upgrade: h2c is not spoken; RFC 9113 has dropped it.
	H2C bool

	ReadHeaderTimeout time.Duration // for the head of a request; default 5 s
	ReadTimeout       time.Duration // for head and body; default 15 s
	// WriteTimeout bounds each write of an answer, not the answer: a client has to
	// take every chunk within it. So it is independent of how long a statement
	// runs, a stream may last for hours, and a client that stopped reading is cut
	// off. Default 30 s.
	WriteTimeout   time.Duration
	IdleTimeout    time.Duration // between the requests of a connection; default 60 s
	MaxHeaderBytes int           // of the head of a request; default 64 KiB
	// MaxConns bounds the open connections of the public listener; more wait in the
	// backlog of the system. 0: no bound.
	MaxConns int

	// MaxInFlight bounds the requests that run at one time; more get 503 with
	// Retry-After. 0: no bound.
	MaxInFlight int
	// RequestTimeout ends the context of a request that runs longer. 0: no bound.
	RequestTimeout time.Duration

	// DrainDelay is how long new requests are refused with 503 before connections
	// are closed, even when nothing is in flight: as long as a load balancer needs
	// to see /readyz fail. Default 0.
	DrainDelay time.Duration
	// ShutdownTimeout bounds the shutdown, DrainDelay included; what is in flight
	// then is cut off. Default 30 s.
	ShutdownTimeout time.Duration

	// Logger is told of connections that fail. Default: slog.Default().
	Logger *slog.Logger
}

// withDefaults fills in the defaults and refuses what contradicts.
func (o ListenOptions) withDefaults() (ListenOptions, error) {
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return o, errors.New("listen: TLS needs both a certificate and a key")
	}
	if o.H2C && o.TLSCert != "" {
		return o, errors.New("listen: HTTP/2 cleartext and TLS exclude each other")
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:8000"
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&o.ReadHeaderTimeout, 5 * time.Second},
		{&o.ReadTimeout, 15 * time.Second},
		{&o.WriteTimeout, 30 * time.Second},
		{&o.IdleTimeout, time.Minute},
		{&o.ShutdownTimeout, 30 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	if o.MaxHeaderBytes <= 0 {
		o.MaxHeaderBytes = 64 << 10
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

// closeGrace is how long Serve waits for handlers whose connections it has
// closed, so that the caller may close the database behind them.
const closeGrace = time.Second

// Serve answers requests with h, and with admin on a listener of its own, until
// ctx ends. ready is called once with the addresses when both listen.
//
// Then it shuts down: Draining is true for every request, so /readyz fails; new
// requests, on open connections and on new ones, get 503 with Retry-After and
// Connection: close; those in flight end. After ShutdownTimeout their contexts
// are canceled and their connections closed, and Serve returns an error that
// says how many there were. A shutdown in time returns nil. Either way nothing of
// it runs any more, except a handler that ignores its context for a second.
func Serve(ctx context.Context, h, admin http.Handler, o ListenOptions, ready func(addr, adminAddr string)) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	s, err := listen(ctx, h, admin, o)
	if err != nil {
		return err
	}
	// Requests outlive ctx: its end is where their last seconds begin.
	requests, cut := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), gateKey{}, s.gate))
	defer cut()
	failed := s.start(requests)
	if ready != nil {
		ready(s.public.addr(), s.admin.addr())
	}
	select {
	case <-ctx.Done():
		err = s.shutdown(context.WithoutCancel(ctx), cut)
	case err = <-failed:
		cut()
	}
	s.close()
	return err
}

// listening is a server with its socket; nil where there is none.
type listening struct {
	http.Server
	net.Listener
}

func (l *listening) addr() string {
	if l == nil {
		return ""
	}
	return l.Listener.Addr().String()
}

// servers are both listeners.
type servers struct {
	o             ListenOptions
	gate          *gate
	public, admin *listening
	running       sync.WaitGroup
}

// listen opens the sockets, or none.
func listen(ctx context.Context, h, admin http.Handler, o ListenOptions) (*servers, error) {
	s := &servers{o: o, gate: newGate()}
	var pair *keyPair
	if o.TLSCert != "" {
		var err error
		if pair, err = loadKeyPair(o.TLSCert, o.TLSKey, o.Logger); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	var config net.ListenConfig
	socket, err := config.Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for requests: %w", err)
	}
	socket = patientListener{socket}
	if o.MaxConns > 0 {
		socket = newLimitListener(socket, o.MaxConns)
	}
	s.public = s.server(socket, &edge{next: h, o: &o, gate: s.gate})
	if pair != nil {
		s.public.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get}
		s.public.Protocols.SetHTTP2(true)
	}
	s.public.Protocols.SetUnencryptedHTTP2(o.H2C)
	if admin == nil || o.AdminAddr == "" {
		return s, nil
	}
	if socket, err = config.Listen(ctx, "tcp", o.AdminAddr); err != nil {
		_ = s.public.Listener.Close() // never served
		return nil, fmt.Errorf("listen for operators: %w", err)
	}
	s.admin = s.server(socket, &edge{next: admin, o: &o})
	return s, nil
}

// server is a server with the bounds that both have.
func (s *servers) server(socket net.Listener, h http.Handler) *listening {
	l := &listening{Listener: socket}
	l.Handler = h
	l.ReadHeaderTimeout, l.ReadTimeout, l.IdleTimeout = s.o.ReadHeaderTimeout, s.o.ReadTimeout, s.o.IdleTimeout
	l.WriteTimeout = s.o.WriteTimeout // of what net/http itself answers; edge sets it anew for handlers
	l.MaxHeaderBytes = s.o.MaxHeaderBytes
	l.ErrorLog = slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelWarn)
	l.Protocols = new(http.Protocols)
	l.Protocols.SetHTTP1(true)
	// A dead HTTP/2 peer is found by a ping, one that takes no bytes by WriteByteTimeout.
	l.HTTP2 = &http.HTTP2Config{SendPingTimeout: s.o.IdleTimeout, PingTimeout: s.o.WriteTimeout, WriteByteTimeout: s.o.WriteTimeout}
	return l
}

// start serves until a shutdown; what ends a server otherwise is in the channel.
func (s *servers) start(requests context.Context) <-chan error {
	failed := make(chan error, 2)
	for _, l := range []*listening{s.public, s.admin} {
		if l == nil {
			continue
		}
		l.BaseContext = func(net.Listener) context.Context { return requests }
		s.running.Go(func() {
			var err error
			if l.TLSConfig != nil {
				err = l.ServeTLS(l.Listener, "", "")
			} else {
				err = l.Serve(l.Listener)
			}
			if !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve: %w", err)
			}
		})
	}
	return failed
}

// shutdown lets what is in flight end.
func (s *servers) shutdown(ctx context.Context, cut context.CancelFunc) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.ShutdownTimeout)
	defer cancel()
	s.gate.shut()
	if s.o.DrainDelay > 0 {
		delay, stop := context.WithTimeout(ctx, s.o.DrainDelay)
		<-delay.Done()
		stop()
	}
	if !wait(ctx, s.gate.empty) || s.public.Shutdown(ctx) != nil {
		n := s.gate.count()
		cut()
		_ = s.public.Server.Close() // its error is the listener's, which is of no use any more
		grace, stop := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer stop()
		wait(grace, s.gate.empty)
		return fmt.Errorf("shut down: %d requests were cut off after %v", n, s.o.ShutdownTimeout)
	}
	return nil
}

// close ends what is left; the listener for operators goes last, so that they
// can see the shutdown.
func (s *servers) close() {
	for _, l := range []*listening{s.public, s.admin} {
		if l != nil {
			_ = l.Server.Close() // its error is the listener's, which is of no use any more
		}
	}
	s.running.Wait()
}

// wait says whether done came before ctx ended.
func wait(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
