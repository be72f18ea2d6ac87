package suite

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// lostWrite sends one write in one way; the proxy loses the answer.
func lostWrite(t *testing.T, b backend.Backend, db *sql.DB, p *proxy, way, plain, withArgs, key string) error {
	t.Helper()
	ctx := t.Context()
	drain := func(r *sql.Rows, err error) error {
		if err != nil {
			return err
		}
		for r.Next() {
			continue
		}
		return errors.Join(r.Err(), r.Close())
	}
	switch way {
	case "exec":
		_, err := db.ExecContext(ctx, plain)
		return err
	case "exec with arguments":
		_, err := db.ExecContext(ctx, withArgs, key)
		return err
	case "query":
		return drain(db.QueryContext(ctx, plain))
	case "query with arguments":
		return drain(db.QueryContext(ctx, withArgs, key))
	case "wire":
		c := hold(t, db)
		defer func() { _ = c.Close() }()
		_, err := texts(ctx, b, c, plain)
		return err
	case "prepared":
		s, err := db.PrepareContext(ctx, withArgs)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		p.trigger.Store(key)
		_, err = s.ExecContext(ctx, key)
		return err
	case "commit":
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(ctx, "insert into t values ($1::text)", key); err != nil {
			t.Fatal(err)
		}
		p.trigger.Store("commit")
		if b.Name() == "pq" {
			p.trigger.Store("COMMIT")
		}
		return backend.WrapCommit(b, tx.Commit())
	}
	t.Fatalf("unknown way %q", way)
	return nil
}

// deadPort is a port on which nothing listens.
func deadPort(t *testing.T) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return uint16(ln.Addr().(*net.TCPAddr).Port)
}

func connectHosts(t *testing.T, b backend.Backend) {
	cfg := Config(t, pgtest.DB(t))
	good := cfg.Hosts[0]
	dead := backend.Host{Name: "127.0.0.1", Port: deadPort(t)}
	cfg.Hosts = []backend.Host{dead, {Name: "/nonexistent"}, good}
	if got := one(t, Open(t, b, cfg), "select 'third'"); got != "third" {
		t.Error(got)
	}
	cfg.LoadBalance = true
	if got := one(t, Open(t, b, cfg), "select 'any'"); got != "any" {
		t.Error(got)
	}
	cfg.Hosts = []backend.Host{dead, {Name: "/nonexistent"}}
	err := Open(t, b, cfg).PingContext(t.Context())
	if backend.CodeOf(err) != backend.CodeServiceUnavailable {
		t.Errorf("no host: %v", err)
	}
	var e *backend.Error
	if !errors.As(err, &e) || e.Op != "connect" || e.Backend != b.Name() || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("no host: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Open(t, b, cfg).PingContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	c, err := b.Connector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if c.Driver() == nil {
		t.Error("no driver")
	}
	if _, err := c.Connect(ctx); backend.CodeOf(err) != backend.CodeCanceled {
		t.Errorf("an ended context: %v", err)
	}
}

// connectAttrs tries target_session_attrs on a primary, writable or read-only.
func connectAttrs(t *testing.T, b backend.Backend) {
	cfg := Config(t, pgtest.DB(t))
	for _, k := range []struct {
		attrs    string
		readOnly string
		ok       bool
	}{
		{"any", "off", true},
		{"read-write", "off", true},
		{"read-write", "on", false},
		{"read-only", "off", false},
		{"read-only", "on", true},
		{"primary", "on", true},
		{"standby", "off", false},
		{"prefer-standby", "off", true},
	} {
		cfg.TargetSessionAttrs = k.attrs
		cfg.Session = map[string]string{"default_transaction_read_only": k.readOnly}
		err := Open(t, b, cfg).PingContext(t.Context())
		if (err == nil) != k.ok || (err != nil && !errors.Is(err, backend.ErrNotPreferred)) {
			t.Errorf("%s, read-only %s: %v", k.attrs, k.readOnly, err)
		}
		if err != nil && backend.CodeOf(err) != backend.CodeServiceUnavailable {
			t.Errorf("%s: %v", k.attrs, backend.CodeOf(err))
		}
	}
}

func connectRefused(t *testing.T, b backend.Backend) {
	base := Config(t, pgtest.DB(t))
	for _, k := range []struct {
		name   string
		change func(*backend.Config)
		code   backend.Code
		state  string
	}{
		{"wrong password", func(c *backend.Config) { c.Password = "hunter2" }, backend.CodeConfiguration, "28P01"},
		{"no such database", func(c *backend.Config) { c.Database = "nowhere" }, backend.CodeConfiguration, "3D000"},
		{"no such parameter", func(c *backend.Config) { c.Session = map[string]string{"no_such_parameter": "1"} }, backend.CodeConfiguration, "42704"},
		{"bad value of a parameter", func(c *backend.Config) { c.Session = map[string]string{"timezone": "Nowhere"} }, backend.CodeConfiguration, "22023"},
	} {
		cfg := base
		k.change(&cfg)
		err := Open(t, b, cfg).PingContext(t.Context())
		if backend.SQLStateOf(err) != k.state {
			t.Errorf("%s: SQLSTATE %q, %v", k.name, backend.SQLStateOf(err), err)
		}
		if backend.CodeOf(err) != k.code {
			t.Errorf("%s: code %v", k.name, backend.CodeOf(err))
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), string(base.Hosts[0].Password)+"@")) {
			t.Errorf("%s: the error holds the password", k.name)
		}
	}
	for name, change := range map[string]func(*backend.Config){
		"attributes": func(c *backend.Config) { c.TargetSessionAttrs = "best" },
		"sslmode":    func(c *backend.Config) { c.TLS.Mode = "maybe" },
		"pinned":     func(c *backend.Config) { c.Session = map[string]string{"DateStyle": "German"} },
		"parameter":  func(c *backend.Config) { c.Session = map[string]string{"binary_parameters": "yes"} },
	} {
		cfg := base
		change(&cfg)
		if _, err := b.Connector(cfg); backend.CodeOf(err) != backend.CodeConfiguration {
			t.Errorf("%s: %v", name, err)
		}
	}
}
