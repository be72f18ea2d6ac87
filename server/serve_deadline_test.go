package server_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/server"
)

// patientPipe is a connection of a listener with patient deadlines, and the client's side.
func patientPipe(t *testing.T) (conn, client net.Conn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = server.PatientListener(l)
	t.Cleanup(func() { l.Close() })
	if client, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if conn, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); client.Close() })
	return conn, client
}

// TestDeadlinesMove: a deadline that is moved on, back or away while a read waits, or
// between two, holds as net.Conn says.
func TestDeadlinesMove(t *testing.T) {
	t.Parallel()
	const soon, later = 50 * time.Millisecond, 250 * time.Millisecond
	for _, tc := range []struct {
		name     string
		set      func(net.Conn) // before the read
		during   func(net.Conn) // while it waits
		min, max time.Duration  // when it ends
	}{
		{"alone", func(c net.Conn) { _ = c.SetReadDeadline(time.Now().Add(soon)) }, nil, soon, later},
		{"both directions", func(c net.Conn) { _ = c.SetDeadline(time.Now().Add(soon)) }, nil, soon, later},
		{"moved on before", func(c net.Conn) {
			_ = c.SetReadDeadline(time.Now().Add(soon))
			_ = c.SetReadDeadline(time.Now().Add(later))
		}, nil, later, 10 * later},
		{
			"moved on while it waits", func(c net.Conn) { _ = c.SetReadDeadline(time.Now().Add(soon)) },
			func(c net.Conn) { _ = c.SetReadDeadline(time.Now().Add(later)) }, later, 10 * later,
		},
		{
			"moved back while it waits", func(c net.Conn) { _ = c.SetReadDeadline(time.Now().Add(time.Hour)) },
			func(c net.Conn) { _ = c.SetReadDeadline(time.Now().Add(soon)) }, soon, 10 * later,
		},
		{"ended while it waits", func(net.Conn) {}, func(c net.Conn) { _ = c.SetReadDeadline(time.Unix(1, 0)) }, 0, later},
		{"after one that has passed", func(c net.Conn) {
			_ = c.SetReadDeadline(time.Unix(1, 0))
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a deadline in the past: %v", err)
			}
			_ = c.SetReadDeadline(time.Now().Add(soon))
		}, nil, soon, 10 * later},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := patientPipe(t)
			began := time.Now()
			tc.set(c)
			if tc.during != nil {
				time.AfterFunc(soon/2, func() { tc.during(c) })
			}
			_, err := c.Read(make([]byte, 1))
			if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took < tc.min || took > tc.max {
				t.Errorf("%v after %v, want %v to %v", err, took, tc.min, tc.max)
			}
		})
	}
}

// TestDeadlineTakenAway: a read that waits under a deadline which is taken away goes
// on to wait, and gets what comes.
func TestDeadlineTakenAway(t *testing.T) {
	t.Parallel()
	c, client := patientPipe(t)
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	time.AfterFunc(10*time.Millisecond, func() { _ = c.SetReadDeadline(time.Time{}) })
	time.AfterFunc(150*time.Millisecond, func() { _, _ = client.Write([]byte("x")) })
	b := make([]byte, 1)
	if n, err := c.Read(b); n != 1 || err != nil || b[0] != 'x' {
		t.Errorf("%d, %v", n, err)
	}
}

// TestWritesMoveOn: a write that a slow reader holds up goes on where it was when its
// deadline had been moved on, and nothing is lost or sent twice.
func TestWritesMoveOn(t *testing.T) {
	t.Parallel()
	c, client := patientPipe(t)
	want := make([]byte, 32<<20)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	time.AfterFunc(20*time.Millisecond, func() { _ = c.SetWriteDeadline(time.Now().Add(time.Minute)) })
	read := make(chan []byte)
	time.AfterFunc(200*time.Millisecond, func() {
		got, _ := io.ReadAll(client)
		read <- got
	})
	n, err := c.Write(want)
	_ = c.Close()
	if got := <-read; n != len(want) || err != nil || string(got) != string(want) {
		t.Errorf("%d written, %v, %d read", n, err, len(got))
	}
	c, _ = patientPipe(t)
	_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Write(want); n == len(want) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nobody reads: %d, %v", n, err)
	}
}
