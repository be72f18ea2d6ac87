package suite

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// proxy stands between a backend and the server and breaks as it is told.
type proxy struct {
	ln      net.Listener
	network string
	address string
	hole    atomic.Bool   // swallow everything, answer nothing
	trigger atomic.Value  // string: after the client sent it, the answer is lost
	reset   atomic.Bool   // lose it by RST instead of FIN
	dials   atomic.Int32  // connections seen
	done    chan struct{} // closed when the proxy closes
	wg      sync.WaitGroup
	mu      sync.Mutex
	conns   []net.Conn
}

// through returns cfg going by a new proxy.
func through(t *testing.T, cfg backend.Config) (backend.Config, *proxy) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := cfg.Hosts[0]
	p := &proxy{ln: ln, network: "tcp", address: net.JoinHostPort(h.Name, strconv.Itoa(int(h.Port))), done: make(chan struct{})}
	if strings.HasPrefix(h.Name, "/") {
		p.network, p.address = "unix", h.Name+"/.s.PGSQL."+strconv.Itoa(int(h.Port))
	}
	p.trigger.Store("")
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		close(p.done)
		_ = ln.Close()
		p.cut()
		p.wg.Wait()
	})
	port := uint16(ln.Addr().(*net.TCPAddr).Port)
	cfg.Hosts = []backend.Host{{Name: "127.0.0.1", Port: port, Password: h.Password}}
	cfg.TLS.Mode = "disable"
	return cfg, p
}

func (p *proxy) serve() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.dials.Add(1)
		server, err := net.Dial(p.network, p.address)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		var lose atomic.Bool
		p.wg.Go(func() { p.pipe(server, client, &lose, true) })
		p.wg.Go(func() { p.pipe(client, server, &lose, false) })
	}
}

// cut closes every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func (p *proxy) pipe(dst, src net.Conn, lose *atomic.Bool, up bool) {
	defer func() { _, _ = dst.Close(), src.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		if p.hole.Load() {
			continue
		}
		if word := p.trigger.Load().(string); up && word != "" && bytes.Contains(buf[:n], []byte(word)) {
			p.trigger.Store("")
			lose.Store(true)
		}
		if !up && lose.Load() {
			if tcp, ok := dst.(*net.TCPConn); ok && p.reset.Load() {
				_ = tcp.SetLinger(0)
			}
			return // the answer has arrived here, so the server has committed
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
}

// networkLost loses the answer to a write that the server has committed: however
// it is sent, it is stored once.
func networkLost(t *testing.T, b backend.Backend) {
	dsn := pgtest.DB(t)
	cfg, p := through(t, Config(t, dsn))
	db := Open(t, b, cfg)
	exec(t, db, "create table t (a text)")
	for _, reset := range []bool{false, true} {
		p.reset.Store(reset)
		for _, way := range []string{"exec", "exec with arguments", "query", "query with arguments", "wire", "prepared", "commit"} {
			if err := db.PingContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			key := way + strconv.FormatBool(reset)
			plain, withArgs := "insert into t values ('"+key+"') returning a /* lost */", "insert into t values ($1::text) returning a /* lost */"
			if strings.HasPrefix(way, "exec") || strings.HasPrefix(way, "query") || way == "wire" {
				p.trigger.Store("lost")
			}
			err := lostWrite(t, b, db, p, way, plain, withArgs, key)
			p.trigger.Store("")
			err = backend.Wrap(b, way, err)
			want := backend.CodeServiceUnavailable
			if way == "commit" {
				want = backend.CodeCommitUnknown
			}
			if backend.CodeOf(err) != want {
				t.Errorf("%s, reset %v: %v %v", way, reset, backend.CodeOf(err), err)
			}
			if n := one(t, db, "select count(*)::text from t where a = $1::text", key); n != "1" && n != "0" {
				t.Errorf("%s, reset %v: stored %s times", way, reset, n)
			}
		}
	}
}

// networkCutIdle cuts an idle connection: a transaction of the pool starts anew.
func networkCutIdle(t *testing.T, b backend.Backend) {
	cfg, p := through(t, Config(t, pgtest.DB(t)))
	db := Open(t, b, cfg)
	db.SetMaxOpenConns(1)
	if got := one(t, db, "select 'ok'"); got != "ok" {
		t.Fatal(got)
	}
	p.cut()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}

// networkBlackHole stops all answers: every call ends with its context.
func networkBlackHole(t *testing.T, b backend.Backend) {
	cfg, p := through(t, Config(t, pgtest.DB(t)))
	db := Open(t, b, cfg)
	for _, way := range []string{"wire", "exec", "query", "begin", "ping", "prepare", "commit"} {
		p.hole.Store(false)
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		var commit func() error
		if way == "commit" {
			tx, err := c.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			commit = tx.Commit
		}
		p.hole.Store(true)
		start := time.Now()
		switch way {
		case "wire":
			_, err = query(ctx, b, c, "select 1")
		case "exec":
			_, err = c.ExecContext(ctx, "select 1")
		case "query":
			_, err = c.QueryContext(ctx, "select 1")
		case "begin":
			_, err = c.BeginTx(ctx, nil)
		case "ping":
			err = c.PingContext(ctx)
		case "prepare":
			_, err = c.PrepareContext(ctx, "select 1")
		case "commit":
			err = commit()
		}
		took := time.Since(start)
		cancel()
		if err == nil || took > 4*time.Second {
			t.Errorf("%s: %v after %v", way, err, took)
		}
		code := backend.CodeOf(backend.WrapCommit(b, err))
		if way != "ping" && way != "commit" && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", way, err)
		}
		if way == "commit" && code != backend.CodeCommitUnknown {
			t.Errorf("commit: %v: %v", code, err)
		}
		p.hole.Store(false)
		p.cut()
		_ = c.Close()
	}
}

// networkSilent connects to something that accepts and says nothing.
func networkSilent(t *testing.T, b backend.Backend) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	for _, k := range []struct {
		name    string
		mode    string
		timeout time.Duration // of connect
		ctx     time.Duration
	}{
		{"context, plain", "disable", 0, 200 * time.Millisecond},
		{"context, TLS", "prefer", 0, 200 * time.Millisecond},
		{"connect_timeout, plain", "disable", 200 * time.Millisecond, time.Minute},
		{"connect_timeout, TLS", "require", 200 * time.Millisecond, time.Minute},
	} {
		cfg := Config(t, "postgres://u@127.0.0.1/d?sslmode="+k.mode)
		cfg.Hosts[0].Port = uint16(ln.Addr().(*net.TCPAddr).Port)
		cfg.ConnectTimeout = k.timeout
		ctx, cancel := context.WithTimeout(t.Context(), k.ctx)
		start := time.Now()
		err := Open(t, b, cfg).PingContext(ctx)
		if code := backend.CodeOf(err); code != backend.CodeTimeout && code != backend.CodeServiceUnavailable {
			t.Errorf("%s: %v %v", k.name, code, err)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s: took %v", k.name, took)
		}
		cancel()
	}
}
