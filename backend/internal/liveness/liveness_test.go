package liveness_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend/internal/liveness"
)

// TestQuiet: an idle connection is quiet until the other side says something, even
// that it is gone; looking takes nothing away.
func TestQuiet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		act  func(net.Conn) error
	}{
		{"message", func(c net.Conn) error { _, err := c.Write([]byte("E")); return err }},
		{"end", func(c net.Conn) error { return c.Close() }},
		{"reset", func(c net.Conn) error { _ = c.(*net.TCPConn).SetLinger(0); return c.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			for _, c := range []net.Conn{client, tls.Client(client, nil)} {
				if !liveness.Quiet(c) {
					t.Error("an idle connection is not quiet")
				}
			}
			if err := tt.act(server); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(5 * time.Second)
			for liveness.Quiet(client) {
				if time.Now().After(deadline) {
					t.Fatal("still quiet after 5s")
				}
			}
			if tt.name == "message" {
				b := make([]byte, 1)
				if _, err := client.Read(b); err != nil || b[0] != 'E' {
					t.Errorf("the message is %q (%v) after looking", b, err)
				}
			}
		})
	}
}
