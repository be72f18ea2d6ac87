package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/server"
)

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
