package server_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/server"
)

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
