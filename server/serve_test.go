package server_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

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
