package backendtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
)

// suite is one run of the cases on one backend, in a database of its own.
type suite struct {
	b      backend.Backend
	base   backend.Config // as the caller's DSN says
	config backend.Config // of the suite's database
	limit  time.Duration
	known  map[string]string
	admin  *sql.DB // on the caller's database
	side   *sql.DB // on the suite's database: set-up, and looking on from outside
	shared *sql.DB // on the suite's database: for cases that leave nothing behind
	types  func() (*codec.Registry, error)
	tag    string // random; in the name of everything that is made in the cluster
	count  atomic.Int64
	has    map[string]bool // extensions that could be created
}

// open makes the suite's database. Everything goes through the backend under
// test: a backend that cannot do that much fails as a whole.
func open(ctx context.Context, b backend.Backend, dsn string, c config) (*suite, error) {
	base, err := backend.ParseDSN(dsn, os.Getenv)
	if err != nil {
		return nil, err
	}
	s := &suite{b: b, base: base, limit: c.limit, known: c.known, tag: random(), has: map[string]bool{}}
	if s.admin, err = s.pool(base); err != nil {
		return nil, err
	}
	s.admin.SetMaxOpenConns(1)
	s.config = base
	s.config.Database = "backendtest_" + s.tag
	if _, err := s.admin.ExecContext(ctx, "create database "+s.config.Database+" template template0 encoding 'UTF8'"); err != nil {
		return nil, errors.Join(fmt.Errorf("create a database for the suite: %w", err), s.admin.Close())
	}
	if s.side, err = s.pool(s.config); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.shared, err = s.pool(s.config); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.shared.SetMaxIdleConns(8)
	s.types = sync.OnceValues(func() (*codec.Registry, error) { return loadTypes(ctx, s.side) })
	s.side.SetMaxOpenConns(4)
	s.side.SetMaxIdleConns(4)
	for _, name := range []string{"citext", "hstore", "ltree"} {
		_, err := s.side.ExecContext(ctx, "create extension if not exists "+name)
		s.has[name] = err == nil
	}
	for _, q := range shared {
		if _, err := s.side.ExecContext(ctx, q); err != nil {
			return nil, errors.Join(fmt.Errorf("prepare the suite's database: %w", err), s.close())
		}
	}
	return s, nil
}

// shared are the objects in schema public that many cases look at and none changes.
var shared = []string{
	`create type mood as enum ('sad', 'ok', 'it''s "fine"')`,
	`create domain positive as int4 check (value > 0)`,
	`create domain label as text`,
	`create type pair as (n int4, t text)`,
	`grant all on schema public to public`,
}

func (s *suite) close() error {
	var errs []error
	for _, db := range []*sql.DB{s.side, s.shared} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := s.admin.ExecContext(ctx, "drop database if exists "+s.config.Database+" with (force)"); err != nil {
		errs = append(errs, fmt.Errorf("drop the suite's database: %w", err))
	}
	return errors.Join(append(errs, s.admin.Close())...)
}

func (s *suite) pool(c backend.Config) (*sql.DB, error) {
	connector, err := s.b.Connector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func random() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand documentation)
	return hex.EncodeToString(b[:])
}

// Env is what a case runs in: a backend, a database that other cases do not
// touch the same objects of, and ways to break things. It belongs to one case.
type Env struct {
	// Backend is the backend under test.
	Backend backend.Backend
	// Config leads to the suite's database, where the case has a schema of its own,
	// first in search_path.
	Config backend.Config

	s      *suite
	schema string
	made   bool // the schema is there
	failed bool // set before the clean-up
	mu     sync.Mutex
	undo   []func() error
	db     *sql.DB
}

// run runs one case, with its limit.
func (s *suite) run(ctx context.Context, c Case) Result {
	start := time.Now()
	r := Result{Case: c, Backend: backend.ModeOf(s.b), Known: s.known[c.ID]}
	e := s.env()
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- recovered(v)
			}
		}()
		done <- c.Run(ctx, e)
	}()
	// A driver that ignores its context must not hang the suite: after the limit
	// and a grace for those that obey, the server is told to end its sessions.
	hung := time.NewTimer(s.limit + 2*time.Second)
	defer hung.Stop()
	select {
	case r.Err = <-done:
	case <-hung.C:
		r.Err = errors.Join(fmt.Errorf("still running %v after the end of its context", 2*time.Second), e.end())
		return s.finish(r, start)
	}
	e.failed = r.Err != nil
	cancel() // a transaction that was left open holds its connection until then
	r.Err = errors.Join(r.Err, e.end())
	return s.finish(r, start)
}

func (s *suite) finish(r Result, start time.Time) Result {
	r.Took = time.Since(start)
	return r
}

// stopped is the panic by which a case's own checks end it early.
type stopped struct{ err error }

func recovered(v any) error {
	if s, ok := v.(stopped); ok {
		return s.err
	}
	return fmt.Errorf("panic: %v\n%s", v, debug.Stack())
}

func (s *suite) env() *Env {
	e := &Env{Backend: s.b, Config: s.config, s: s, schema: "c" + strconv.FormatInt(s.count.Add(1), 10)}
	e.Config.Session = maps.Clone(e.Config.Session)
	if e.Config.Session == nil {
		e.Config.Session = map[string]string{}
	}
	e.Config.Session["search_path"] = e.schema + ", public"
	e.Config.ApplicationName = "backendtest " + s.tag + " " + e.schema
	return e
}

// needSchema creates the case's schema the first time that something may want it.
func (e *Env) needSchema() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.made {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := e.s.side.ExecContext(ctx, "create schema "+e.schema); err != nil {
		return fmt.Errorf("create the case's schema: %w", err)
	}
	e.made = true
	return nil
}

// end undoes what the case made, last first. A session that will not end by
// itself is terminated, so that nothing waits for a lost driver.
func (e *Env) end() error {
	e.mu.Lock()
	undo := e.undo
	e.undo = nil
	e.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, u := range slices.Backward(undo) {
			errs = append(errs, u())
		}
		done <- errors.Join(errs...)
	}()
	wait := time.NewTimer(3 * time.Second)
	defer wait.Stop()
	select {
	case err := <-done:
		return err
	case <-wait.C:
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := e.Outside(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '"+e.Config.ApplicationName+"'")
	select {
	case err2 := <-done:
		return errors.Join(err, err2)
	case <-ctx.Done():
		return errors.Join(err, errors.New("closing its connections takes for ever"))
	}
}

// Cleanup runs f when the case has ended, last added first.
func (e *Env) Cleanup(f func() error) {
	e.mu.Lock()
	e.undo = append(e.undo, f)
	e.mu.Unlock()
}

// Open opens a pool with c, which is closed after the case. It does not dial.
func (e *Env) Open(c backend.Config) (*sql.DB, error) {
	if err := e.needSchema(); err != nil {
		return nil, err
	}
	db, err := e.s.pool(c)
	if err != nil {
		return nil, err
	}
	e.Cleanup(db.Close)
	return db, nil
}

// DB is the case's own pool on Config, opened when first asked for.
func (e *Env) DB() (*sql.DB, error) {
	if e.db == nil {
		db, err := e.Open(e.Config)
		if err != nil {
			return nil, err
		}
		e.db = db
	}
	return e.db, nil
}

// Outside runs SQL without arguments in the case's schema on a connection that no
// proxy and no setting of the case stands before: to prepare, to kill, to look.
func (e *Env) Outside(ctx context.Context, query string) error {
	_, err := e.outside(ctx, query)
	return err
}

// outside is Outside with the first value of the first row, as text.
func (e *Env) outside(ctx context.Context, query string) (string, error) {
	if err := e.needSchema(); err != nil {
		return "", err
	}
	conn, err := e.s.side.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "set search_path to "+e.schema+", public"); err != nil {
		return "", err
	}
	if first := strings.ToLower(strings.TrimSpace(query)); !strings.HasPrefix(first, "select") && !strings.HasPrefix(first, "show") {
		_, err := conn.ExecContext(ctx, query)
		return "", err
	}
	var v sql.NullString
	err = conn.QueryRowContext(ctx, query).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return v.String, err
}

// Proxy starts a fault proxy before the server and returns it with a Config that
// leads through it. It ends with the case.
func (e *Env) Proxy(opts ...faultproxy.Option) (*faultproxy.Proxy, backend.Config, error) {
	network, address := server(e.Config.Hosts)
	p, err := faultproxy.Start(network, address, opts...)
	if err != nil {
		return nil, backend.Config{}, err
	}
	e.Cleanup(p.Close)
	c := e.Config
	c.Hosts = []backend.Host{{Name: p.Host(), Port: uint16(p.Port()), Password: password(e.Config)}}
	c.TLS = backend.TLS{Mode: "disable"}
	return p, c, nil
}

// server is how the first host is dialed.
func server(hosts []backend.Host) (network, address string) {
	h := hosts[0]
	port := strconv.Itoa(int(h.Port))
	switch {
	case h.Addr != "":
		return "tcp", h.Addr + ":" + port
	case strings.HasPrefix(h.Name, "/"):
		return "unix", h.Name + "/.s.PGSQL." + port
	}
	return "tcp", h.Name + ":" + port
}

func password(c backend.Config) backend.Secret {
	if c.Password != "" {
		return c.Password
	}
	return c.Hosts[0].Password
}

// Role makes a superuser with the given settings ("client_encoding=LATIN1") and
// returns a Config that logs in as that role. It is dropped after the case.
func (e *Env) Role(ctx context.Context, settings ...string) (backend.Config, error) {
	name := "backendtest_" + e.s.tag + "_" + e.schema
	if err := e.Outside(ctx, "create role "+name+" superuser login password 'x"+e.s.tag+"'"); err != nil {
		return backend.Config{}, fmt.Errorf("create a role: %w", err)
	}
	e.Cleanup(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return errors.Join(
			e.Outside(ctx, "reassign owned by "+name+" to current_user"),
			e.Outside(ctx, "drop owned by "+name),
			e.Outside(ctx, "drop role "+name))
	})
	for _, set := range settings {
		key, value, _ := strings.Cut(set, "=")
		if err := e.Outside(ctx, "alter role "+name+" set "+key+" = '"+value+"'"); err != nil {
			return backend.Config{}, err
		}
	}
	c := e.Config
	c.User, c.Password = name, backend.Secret("x"+e.s.tag)
	return c, nil
}
