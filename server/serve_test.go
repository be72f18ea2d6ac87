package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/server"
)

// serving is a running Serve.
type serving struct {
	addr, admin string
	stop        context.CancelFunc
	done        chan error // what Serve returned
}

// start runs h on a free port until the test ends.
func start(t *testing.T, h, admin http.Handler, o server.ListenOptions) *serving {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &serving{stop: stop, done: make(chan error, 1)}
	o.Addr, o.Logger = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	if admin != nil {
		o.AdminAddr = "127.0.0.1:0"
	}
	ready := make(chan struct{})
	go func() {
		s.done <- server.Serve(ctx, h, admin, o, func(addr, admin string) {
			s.addr, s.admin = addr, admin
			close(ready)
		})
	}()
	select {
	case <-ready:
	case err := <-s.done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		<-s.done // the test has read it, or it is nil
	})
	return s
}

// ended is what Serve returned.
func (s *serving) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-s.done:
		close(s.done)
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("Serve does not return")
		return nil
	}
}

// client has connections of its own, gone when the test ends.
func client(t *testing.T, p func(*http.Transport)) *http.Client {
	t.Helper()
	tr := &http.Transport{}
	if p != nil {
		p(tr)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// get returns status and body.
func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	status, _, body := fetch(t, c, http.MethodGet, url)
	return status, body
}

func fetch(t *testing.T, c *http.Client, method, url string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

// slow is a handler that answers /slow when it is let go, and says that it has begun.
type slow struct{ begun, let chan struct{} }

func newSlow() *slow { return &slow{make(chan struct{}), make(chan struct{})} }

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/slow" {
		close(s.begun)
		select {
		case <-s.let:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	io.WriteString(w, "ended")
}

// raw is a connection that the test writes to by hand.
type raw struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *raw {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{c, bufio.NewReader(c)}
}

// roundTrip sends a request without a body and reads the answer to its end.
func (c *raw) roundTrip(t *testing.T, request string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

const fastRequest = "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"

// TestShutdown: what is in flight ends; what is new, on a kept connection and on
// a new one, gets 503; /readyz says so; then everything is gone.
func TestShutdown(t *testing.T) {
	t.Parallel()
	h := newSlow()
	s := start(t, h, server.NewAdmin(server.AdminOptions{}), server.ListenOptions{})
	c := client(t, nil)
	kept := dial(t, s.addr)
	if res, body := kept.roundTrip(t, fastRequest); res.StatusCode != http.StatusOK || body != "ended" {
		t.Fatalf("before the shutdown: %d %s", res.StatusCode, body)
	}
	if status, body := get(t, c, "http://"+s.admin+"/readyz"); status != http.StatusOK {
		t.Fatalf("/readyz before the shutdown: %d %s", status, body)
	}
	inFlight := make(chan string, 1)
	go func() {
		res, err := c.Get("http://" + s.addr + "/slow")
		if err != nil {
			inFlight <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		inFlight <- fmt.Sprintf("%d %s %t", res.StatusCode, body, res.Close)
	}()
	<-h.begun
	s.stop()
	for { // until the shutdown has begun
		if status, body := get(t, c, "http://"+s.admin+"/readyz"); status == http.StatusServiceUnavailable {
			if diff := cmp.Diff(`{"status":"stopping"}`+"\n", body); diff != "" {
				t.Error(diff)
			}
			break
		}
	}
	for _, conn := range []*raw{kept, dial(t, s.addr)} {
		res, body := conn.roundTrip(t, fastRequest)
		got := []any{res.StatusCode, res.Header.Get("Retry-After"), res.Close, body}
		want := []any{503, "1", true, `{"data":null,"errors":[{"message":"the server is shutting down; try again","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("new request while draining, -want +got:\n%s", diff)
		}
		if _, err := conn.r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the connection is not closed: %v", err)
		}
	}
	select {
	case err := <-s.done:
		t.Fatalf("Serve returned %v with a request in flight", err)
	default:
	}
	close(h.let)
	if diff := cmp.Diff("200 ended true", <-inFlight); diff != "" {
		t.Errorf("request in flight, -want +got:\n%s", diff)
	}
	if err := s.ended(t); err != nil {
		t.Errorf("Serve: %v", err)
	}
	for _, addr := range []string{s.addr, s.admin} {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			t.Errorf("%s still listens", addr)
		}
	}
}

// TestShutdownTimeout: a request that does not end is cut off, its context
// canceled, and the error says so.
func TestShutdownTimeout(t *testing.T) {
	t.Parallel()
	h := newSlow()
	s := start(t, h, nil, server.ListenOptions{ShutdownTimeout: 50 * time.Millisecond})
	c := dial(t, s.addr)
	io.WriteString(c, strings.Replace(fastRequest, "/fast", "/slow", 1))
	<-h.begun
	s.stop()
	err := s.ended(t)
	if diff := cmp.Diff("shut down: 1 requests were cut off after 50ms", fmt.Sprint(err)); diff != "" {
		t.Error(diff)
	}
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("the connection got an answer")
	}
}

// TestDrainDelay: requests are refused for a while although nothing is in flight.
func TestDrainDelay(t *testing.T) {
	t.Parallel()
	s := start(t, newSlow(), nil, server.ListenOptions{DrainDelay: time.Minute, ShutdownTimeout: 300 * time.Millisecond})
	s.stop()
	for {
		res, _ := dial(t, s.addr).roundTrip(t, fastRequest)
		if res.StatusCode == http.StatusServiceUnavailable {
			break
		}
	}
	if err := s.ended(t); err != nil && !strings.Contains(err.Error(), "0 requests") {
		t.Error(err)
	}
}

// TestSlowHead: a client that never ends its header is cut off.
func TestSlowHead(t *testing.T) {
	t.Parallel()
	s := start(t, newSlow(), nil, server.ListenOptions{ReadHeaderTimeout: 100 * time.Millisecond})
	c := dial(t, s.addr)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-A: ")
	if b, err := io.ReadAll(c.r); err != nil || bytes.Contains(b, []byte("200 OK")) {
		t.Errorf("%q %v, want an end without an answer", b, err)
	}
}

// TestSlowBody: a body that does not come ends the request, not the server.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s := start(t, server.NewDefinitions(nil, server.DefinitionOptions{}), nil, server.ListenOptions{ReadTimeout: 100 * time.Millisecond})
	res, body := dial(t, s.addr).roundTrip(t, "POST /definitions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
	if res.StatusCode != http.StatusRequestTimeout || !res.Close || !strings.Contains(body, `"REQUEST_TIMEOUT"`) {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}
}

// TestHeaderBytes: a header at the limit is read, a larger one is 431.
func TestHeaderBytes(t *testing.T) {
	t.Parallel()
	s := start(t, newSlow(), nil, server.ListenOptions{})
	for size, want := range map[int]int{63 << 10: 200, 80 << 10: 431} {
		res, _ := dial(t, s.addr).roundTrip(t, "GET /fast HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("a", size)+"\r\n\r\n")
		if res.StatusCode != want {
			t.Errorf("header of %d bytes: %d, want %d", size, res.StatusCode, want)
		}
	}
}

// TestWriteTimeout: a stream lives longer than the write timeout while its client
// reads, also with pauses of the server, and is cut when the client stops.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	const timeout, pause, chunks = 200 * time.Millisecond, 250 * time.Millisecond, 4
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if r.URL.Path == "/endless" {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}
		for range chunks {
			time.Sleep(pause)
			io.WriteString(w, "x")
			rc.Flush()
		}
		time.Sleep(pause)
		io.WriteString(w, "end")
		time.Sleep(pause)
	})
	m := server.NewMetrics()
	for _, tc := range []struct {
		name string
		o    server.ListenOptions
		c    func(*http.Transport)
	}{
		{"HTTP/1.1", server.ListenOptions{}, nil},
		{"HTTP/2", server.ListenOptions{H2C: true}, h2c},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.o.WriteTimeout = timeout
			left := make(chan struct{}, 1)
			s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				m.Instrument("stream", h).ServeHTTP(w, r)
				if r.URL.Path == "/endless" {
					left <- struct{}{}
				}
			}), nil, tc.o)
			c := client(t, tc.c)
			if _, body := get(t, c, "http://"+s.addr+"/"); body != "xxxxend" {
				t.Errorf("stream: %q", body)
			}
			res, err := c.Get("http://" + s.addr + "/endless")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			select {
			case <-left:
			case <-time.After(10 * time.Second):
				t.Error("the handler still writes to a client that does not read")
			}
		})
	}
}

// TestLongHandler: the read timeout is for the request, not for its answer.
func TestLongHandler(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			io.WriteString(w, "canceled")
		case <-time.After(300 * time.Millisecond):
			io.WriteString(w, "ended")
		}
	})
	s := start(t, h, nil, server.ListenOptions{ReadTimeout: 100 * time.Millisecond})
	res, err := client(t, nil).Post("http://"+s.addr, "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "ended" {
		t.Errorf("%s %v", body, err)
	}
}

func h2c(tr *http.Transport) {
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetUnencryptedHTTP2(true)
}

// TestProtocols: HTTP/2 is spoken where it was asked for, and nowhere else.
func TestProtocols(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t, t.TempDir(), "one")
	proto := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	secure := server.ListenOptions{TLSCert: cert, TLSKey: key}
	trust := func(p func(*http.Protocols)) func(*http.Transport) {
		return func(tr *http.Transport) {
			tr.TLSClientConfig, tr.Protocols = &tls.Config{RootCAs: pool}, new(http.Protocols)
			p(tr.Protocols)
		}
	}
	for _, tc := range []struct {
		name, scheme string
		o            server.ListenOptions
		c            func(*http.Transport)
		want         string // "" for an error
	}{
		{"cleartext", "http", server.ListenOptions{}, nil, "HTTP/1.1"},
		{"h2c not asked for", "http", server.ListenOptions{}, h2c, ""},
		{"h2c", "http", server.ListenOptions{H2C: true}, h2c, "HTTP/2.0"},
		{"HTTP/1 beside h2c", "http", server.ListenOptions{H2C: true}, nil, "HTTP/1.1"},
		{"TLS", "https", secure, trust(func(p *http.Protocols) { p.SetHTTP1(true) }), "HTTP/1.1"},
		{"TLS, HTTP/2", "https", secure, trust(func(p *http.Protocols) { p.SetHTTP2(true) }), "HTTP/2.0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, proto, nil, tc.o)
			res, err := client(t, tc.c).Get(tc.scheme + "://" + s.addr)
			if tc.want == "" {
				if err == nil {
					t.Error("answered")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, _ := io.ReadAll(res.Body); string(body) != tc.want {
				t.Errorf("%s, want %s", body, tc.want)
			}
		})
	}
}

// TestCertificateRenewal: a new certificate is served without a restart; one that
// can't be read leaves the old one.
func TestCertificateRenewal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, _ := certificate(t, dir, "one")
	s := start(t, newSlow(), nil, server.ListenOptions{TLSCert: cert, TLSKey: key})
	name := func() string {
		c, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	until := func(want string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); name() != want; {
			if time.Now().After(end) {
				t.Fatalf("certificate %s, want %s", name(), want)
			}
		}
	}
	until("one")
	certificate(t, dir, "second")
	until("second")
	if err := os.WriteFile(cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); { // past the next check
		if got := name(); got != "second" {
			t.Fatalf("certificate %s", got)
		}
	}
	certificate(t, dir, "the third")
	until("the third")
}

// TestMaxConns: one connection more than allowed waits until another is closed.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	s := start(t, newSlow(), nil, server.ListenOptions{MaxConns: 1})
	first := dial(t, s.addr)
	first.roundTrip(t, fastRequest)
	second := dial(t, s.addr)
	io.WriteString(second, fastRequest)
	second.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := second.r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the second connection: %v", err)
	}
	first.Close()
	second.SetReadDeadline(time.Now().Add(10 * time.Second))
	if b, err := second.r.Peek(12); string(b) != "HTTP/1.1 200" {
		t.Errorf("%q %v", b, err)
	}
}

// TestMaxInFlight: one request more than may run is refused, not queued.
func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	h := newSlow()
	s := start(t, h, nil, server.ListenOptions{MaxInFlight: 1})
	c := dial(t, s.addr)
	io.WriteString(c, strings.Replace(fastRequest, "/fast", "/slow", 1))
	<-h.begun
	kept := dial(t, s.addr)
	if res, body := kept.roundTrip(t, fastRequest); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "1" || !strings.Contains(body, "too many requests") {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}
	close(h.let)
	if _, err := http.ReadResponse(c.r, nil); err != nil {
		t.Fatal(err)
	}
	for { // the slot is free once the handler has returned
		if res, _ := kept.roundTrip(t, fastRequest); res.StatusCode == http.StatusOK {
			break
		}
	}
}

// TestRequestTimeout: a request's context ends in time.
func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		fmt.Fprint(w, r.Context().Err())
	})
	s := start(t, h, nil, server.ListenOptions{RequestTimeout: 50 * time.Millisecond})
	if _, body := get(t, client(t, nil), "http://"+s.addr); body != context.DeadlineExceeded.Error() {
		t.Error(body)
	}
}

// TestListenErrors: what can't work is said, and nothing is left listening.
func TestListenErrors(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for _, tc := range []struct {
		name string
		o    server.ListenOptions
		want string
	}{
		{"certificate without key", server.ListenOptions{TLSCert: "a"}, "needs both"},
		{"no certificate", server.ListenOptions{TLSCert: "/nowhere/a", TLSKey: "/nowhere/b"}, "read the TLS certificate"},
		{"h2c with TLS", server.ListenOptions{TLSCert: "a", TLSKey: "b", H2C: true}, "exclude each other"},
		{"address in use", server.ListenOptions{Addr: taken.Addr().String()}, "listen for requests"},
		{"admin address in use", server.ListenOptions{Addr: "127.0.0.1:0", AdminAddr: taken.Addr().String()}, "listen for operators"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := server.Serve(t.Context(), newSlow(), newSlow(), tc.o, func(_, _ string) { t.Error("ready") })
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

// certificate writes a certificate of 127.0.0.1 into dir.
func certificate(t *testing.T, dir, name string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(file, kind string, der []byte) {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(cert, "CERTIFICATE", der)
	write(key, "PRIVATE KEY", keyDER)
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return cert, key, pool
}
