package liveness_test

import (
	"crypto/tls"
	"net"
	"runtime"
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
				if !liveness.New(c).Quiet() {
					t.Error("an idle connection is not quiet")
				}
			}
			if err := tt.act(server); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(5 * time.Second)
			for liveness.New(client).Quiet() {
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

// TestQuietWhileSomebodyReads: a reader that waits for the server is not waited for.
func TestQuietWhileSomebodyReads(t *testing.T) {
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
	read := make(chan error)
	go func() {
		b := make([]byte, 1)
		if _, err := client.Read(b); err != nil { // it reads from here on
			read <- err
			return
		}
		read <- nil
		_, err := client.Read(b)
		read <- err
	}()
	if _, err := server.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	quiet := make(chan bool, 1)
	go func() {
		all := true
		for range 1000 { // some of them while the reader waits
			all = all && liveness.New(client).Quiet()
			runtime.Gosched()
		}
		quiet <- all
	}()
	select {
	case got := <-quiet:
		if !got {
			t.Error("not quiet although nothing came")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the reader")
	}
	_ = server.Close()
	if err := <-read; err == nil {
		t.Error("read something after the end")
	}
}
