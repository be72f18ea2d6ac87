package faultproxy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// through starts a proxy before a database of the test's own and returns a
// connection through it and one beside it.
func through(t *testing.T, opts ...faultproxy.Option) (p *faultproxy.Proxy, conn *sql.Conn, beside *sql.DB) {
	t.Helper()
	dsn := pgtest.DB(t)
	cfg, err := backend.ParseDSN(dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := all.Backends()
	if err != nil {
		t.Fatal(err)
	}
	b := set.All()[0]
	open := func(c backend.Config) *sql.DB {
		connector, err := b.Connector(c)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	beside = open(cfg)
	h := cfg.Hosts[0]
	p, err = faultproxy.Start("tcp", net.JoinHostPort(h.Name, strconv.Itoa(int(h.Port))), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg.Hosts = []backend.Host{{Name: p.Host(), Port: uint16(p.Port()), Password: h.Password}}
	if conn, err = open(cfg).Conn(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return p, conn, beside
}

func do(t *testing.T, conn *sql.Conn, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// TestForwards: without a fault the proxy is not noticed, whatever the size.
func TestForwards(t *testing.T) {
	t.Parallel()
	p, conn, _ := through(t)
	for _, size := range []int{0, 1, 65535, 65536, 1 << 20} {
		var n int
		if err := conn.QueryRowContext(t.Context(), "select length($1::text)", string(letters(size))).Scan(&n); err != nil || n != size {
			t.Errorf("a value of %d bytes arrives as %d (%v)", size, n, err)
		}
		var s string
		if err := conn.QueryRowContext(t.Context(), "select repeat('x', $1::int4)", strconv.Itoa(size)).Scan(&s); err != nil || len(s) != size {
			t.Errorf("a result of %d bytes arrives as %d (%v)", size, len(s), err)
		}
	}
	if p.Accepted() != 1 || p.Count("startup") != 1 || p.Count("server D") != 10 {
		t.Errorf("accepted %d, logins %d, rows %d: want 1, 1, 10", p.Accepted(), p.Count("startup"), p.Count("server D"))
	}
}

func letters(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a'
	}
	return b
}

// TestCutAtCommit: the server has committed, and the client does not know.
func TestCutAtCommit(t *testing.T) {
	t.Parallel()
	for _, how := range []faultproxy.Cut{faultproxy.FIN, faultproxy.RST} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			p, conn, beside := through(t)
			do(t, conn, "create table t (id int4)", "begin", "insert into t values (1)")
			fault := p.Arm(faultproxy.Fault{When: faultproxy.AtCommit, How: how})
			if _, err := conn.ExecContext(t.Context(), "commit"); err == nil {
				t.Error("the client is told that the commit succeeded")
			}
			if !fault.Struck() {
				t.Error("the fault did not strike")
			}
			<-fault.Fired()
			if n := count(t, beside, "select count(*) from t"); n != 1 {
				t.Errorf("%d rows stored, want the 1 that was committed", n)
			}
		})
	}
}

// TestHowItEnds: FIN is EOF for the client, RST is a reset; what came before the
// fault arrives.
func TestHowItEnds(t *testing.T) {
	t.Parallel()
	server := scripted(t, "first", "second")
	for how, want := range map[faultproxy.Cut]func(error) bool{
		faultproxy.FIN: func(err error) bool { return errors.Is(err, io.EOF) },
		faultproxy.RST: func(err error) bool { return err != nil && !errors.Is(err, io.EOF) },
	} {
		p, err := faultproxy.Start("tcp", server)
		if err != nil {
			t.Fatal(err)
		}
		p.Arm(faultproxy.Fault{When: faultproxy.AtComplete("second"), How: how})
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(startup()); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len("C....first."))
		if _, err := io.ReadFull(c, got); err != nil && how == faultproxy.FIN {
			t.Errorf("%v: what came before the fault: %v", how, err) // a reset may overtake it
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(got); !want(err) {
			t.Errorf("%v ends with %v", how, err)
		}
		_ = c.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func startup() []byte {
	b := binary.BigEndian.AppendUint32(nil, 8)
	return binary.BigEndian.AppendUint32(b, 3<<16)
}

// scripted is a server that sends one CommandComplete for each tag and waits.
func scripted(t *testing.T, tags ...string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := io.ReadFull(c, make([]byte, 8)); err != nil {
					return
				}
				for _, tag := range tags {
					b := binary.BigEndian.AppendUint32([]byte{'C'}, uint32(4+len(tag)+1))
					if _, err := c.Write(append(append(b, tag...), 0)); err != nil {
						return
					}
				}
				_, _ = io.Copy(io.Discard, c) // until the proxy hangs up
			}()
		}
	}()
	return l.Addr().String()
}

// TestFaultChoice: each way to pick a message picks that one, as often as asked.
func TestFaultChoice(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, why string
		fault     faultproxy.Fault
		rows      int // that arrive before the fault
	}{
		{"third row", "AtNth counts messages of one type", faultproxy.Fault{When: faultproxy.AtNth('D', 3)}, 2},
		{"first row", "from 1", faultproxy.Fault{When: faultproxy.AtNth('D', 1)}, 0},
		{"completion", "AtComplete compares the beginning of the tag", faultproxy.Fault{When: faultproxy.AtComplete("SELECT")}, 5},
		{"reset", "RST too", faultproxy.Fault{When: faultproxy.AtComplete("SELECT"), How: faultproxy.RST}, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, conn, _ := through(t)
			do(t, conn, "select 1")
			p.Disarm()
			p.Arm(tt.fault)
			rows, err := conn.QueryContext(t.Context(), "select g from generate_series(1, 5) g")
			n := 0
			if err == nil {
				for rows.Next() {
					n++
				}
				err = errors.Join(rows.Err(), rows.Close())
			}
			if err == nil {
				t.Errorf("%s: no error after %d rows", tt.why, n)
			}
			if tt.rows >= 0 && n > tt.rows {
				t.Errorf("%s: %d rows, want at most %d", tt.why, n, tt.rows)
			}
		})
	}
}

// TestDisarm: a fault that was taken away does not strike, and a spent one is spent.
func TestDisarm(t *testing.T) {
	t.Parallel()
	p, conn, _ := through(t)
	never := p.Arm(faultproxy.Fault{When: func(faultproxy.Message) bool { return true }})
	p.Disarm()
	do(t, conn, "select 1", "select 2")
	if never.Struck() {
		t.Error("a disarmed fault struck")
	}
}

// TestBlackHole: bytes vanish, nothing is closed, and the deadline is the way out.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	p, conn, beside := through(t)
	do(t, conn, "create table t (id int4)")
	p.BlackHole(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "insert into t values (1)"); err == nil {
		t.Error("an answer came out of a black hole")
	}
	if n := count(t, beside, "select count(*) from t"); n != 0 {
		t.Errorf("%d rows stored: the statement went through a black hole", n)
	}
}

// TestHole: one answer is lost in silence; the server has done its part.
func TestHole(t *testing.T) {
	t.Parallel()
	p, conn, beside := through(t)
	do(t, conn, "create table t (id int4)")
	fault := p.Arm(faultproxy.Fault{When: faultproxy.AtComplete("INSERT"), Hole: true})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "insert into t values (1)"); err == nil {
		t.Error("the lost answer arrived")
	}
	if !fault.Struck() {
		t.Error("the fault did not strike")
	}
	if n := count(t, beside, "select count(*) from t"); n != 1 {
		t.Errorf("%d rows stored, want 1", n)
	}
}

// TestDelay: messages of the server wait, and end early with the proxy.
func TestDelay(t *testing.T) {
	t.Parallel()
	p, conn, _ := through(t)
	do(t, conn, "select 1")
	p.Delay(20 * time.Millisecond)
	start := time.Now()
	do(t, conn, "select 2")
	if d := time.Since(start); d < 40*time.Millisecond {
		t.Errorf("two messages and more took %v", d)
	}
	p.Delay(time.Hour)
	go func() { _ = p.Close() }()
	if _, err := conn.ExecContext(t.Context(), "select 3"); err == nil {
		t.Error("an answer came an hour early")
	}
}

// TestCutNow breaks what is open, and only that.
func TestCutNow(t *testing.T) {
	t.Parallel()
	p, conn, _ := through(t)
	do(t, conn, "select 1")
	p.Cut(faultproxy.FIN)
	if _, err := conn.ExecContext(t.Context(), "select 2"); err == nil {
		t.Error("the connection outlived the cut")
	}
}

// TestTLS: the proxy ends TLS and still sees the messages.
func TestTLS(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	p, err := faultproxy.Start("tcp", scripted(t, "HELLO"), faultproxy.WithTLS(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 8), 80877103)
	answer := make([]byte, 1)
	if _, err := c.Write(ask); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, answer); err != nil || answer[0] != 'S' {
		t.Fatalf("SSLRequest is answered %q (%v)", answer, err)
	}
	secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	if _, err := secure.Write(startup()); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 11)
	if _, err := io.ReadFull(secure, got); err != nil || string(got[5:10]) != "HELLO" {
		t.Errorf("%q through TLS (%v)", got, err)
	}
	if p.Count("tls") != 1 {
		t.Errorf("%d handshakes", p.Count("tls"))
	}
	p.Cut(faultproxy.RST)
	if _, err := secure.Read(got); err == nil {
		t.Error("the TLS connection outlived the cut")
	}
}

// TestNotPostgres: what is no PostgreSQL client is hung up on.
func TestNotPostgres(t *testing.T) {
	t.Parallel()
	p, err := faultproxy.Start("tcp", scripted(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, bytes := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x04", "\xff\xff\xff\xff\x00\x00\x00\x00"} {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, bytes)
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%q is answered with %d bytes", bytes, n)
		} else if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q is left waiting", bytes)
		}
		_ = c.Close()
	}
}

// TestNoServer: a proxy before nothing hangs up, as a dead server would.
func TestNoServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	p, err := faultproxy.Start("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write(startup())
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("an answer from nowhere")
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
