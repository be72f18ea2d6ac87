// Package pgtest gives tests a real PostgreSQL: one cluster for a test binary,
// started when a test first asks, and an empty database of its own for every
// test that wants one.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		dsn := pgtest.DB(t)
//		…
//	}
//
// With DATABASE_URL set the tests run on that server instead, in databases of
// their own, and need a role with CREATEDB. The flag -keep leaves the database
// of a failed test, and the cluster under it, in place and prints its DSN.
//
// backend and backend/pgx are imported here, so their own tests that use this
// package must be external ones (package backend_test, package pgx_test).
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/sample"
)

var (
	keep   = flag.Bool("keep", os.Getenv("FRAISEQL_TEST_KEEP") == "true", "keep the database of a failed test and print its DSN")
	leaks  = flag.Bool("leaks", true, "fail if goroutines are left when all tests have ended")
	binary = &cluster{}
)

// startLimit bounds the start of a cluster; a first download may be slow.
const startLimit = 10 * time.Minute

// Main runs the tests of a package, stops what DB and its like have started,
// checks that no goroutine is left (flag -leaks), and exits. Call it from
// TestMain, as its only statement.
func Main(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	flag.Parse()
	// A panic of a test kills the process without coming through here; the
	// cluster then ends by itself (see pgembed).
	code = m.Run()
	if err := binary.close(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	if code == 0 && *leaks && !fuzzing() {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = 1
		}
	}
	return code
}

// fuzzing reports whether this process drives or serves a fuzz run, whose
// machinery has goroutines of its own.
func fuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" && f.Value.String() != "false" {
			return true
		}
	}
	return false
}

// cluster is the one server of a test binary with its template databases.
type cluster struct {
	once   sync.Once
	err    error
	server *pgembed.Server
	admin  *sql.DB // on the maintenance database
	prefix string  // of every database that this process makes
	major  int
	count  atomic.Int64
	kept   atomic.Bool
	empty  template
	sample template

	mu       sync.Mutex
	examples []string // databases of ExampleDSN
}

// template is a database that others are cloned from. Nobody is ever connected
// to it once it is made: CREATE DATABASE refuses a template in use.
type template struct {
	once sync.Once
	name string
	err  error
}

func (c *cluster) start() error {
	c.once.Do(func() { c.err = c.open() })
	return c.err
}

func (c *cluster) open() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	var err error
	c.server, err = pgembed.Provide(ctx, os.Getenv,
		pgembed.WithProgress(os.Stderr),
		// A vacuum worker in a template would make CREATE DATABASE wait for it.
		pgembed.WithSetting("autovacuum", "off"))
	if err != nil {
		return err
	}
	c.admin, err = open(c.server.DSN(""))
	if err != nil {
		return err
	}
	c.admin.SetMaxOpenConns(4)
	var version int
	if err := c.admin.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return fmt.Errorf("reach the test server: %w", err)
	}
	c.major = version / 10000
	c.prefix = fmt.Sprintf("fraiseql_test_%d_%d", os.Getpid(), time.Now().UnixMilli()%1_000_000_000)
	return nil
}

// close drops what was made on a server that stays, and stops one of our own.
func (c *cluster) close() error {
	if c.admin == nil {
		if c.server != nil {
			return c.server.Stop()
		}
		return nil
	}
	var errs []error
	if !c.server.Owned() {
		for _, t := range []*template{&c.empty, &c.sample} {
			if t.name != "" {
				errs = append(errs, c.drop(t.name))
			}
		}
		for _, name := range c.examples {
			errs = append(errs, c.drop(name))
		}
	}
	errs = append(errs, c.admin.Close())
	if c.kept.Load() && c.server.Owned() {
		stop, err := c.server.Keep()
		fmt.Fprintf(os.Stderr, "pgtest: the cluster stays; end it with: %s\n", stop)
		errs = append(errs, err)
	} else {
		errs = append(errs, c.server.Stop())
	}
	return errors.Join(errs...)
}

// make fills the template on first use: a new database, fill on it, closed.
func (c *cluster) make(t *template, suffix string, fill func(context.Context, *sql.DB) error) error {
	t.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		name := c.prefix + "_" + suffix
		// template0 allows any encoding whatever the server's default is.
		_, t.err = c.admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"+c.locale(ctx))
		if t.err != nil {
			return
		}
		t.name = name
		var db *sql.DB
		if db, t.err = open(c.server.DSN(name)); t.err != nil {
			return
		}
		if t.err = errors.Join(fill(ctx, db), db.Close()); t.err != nil {
			return
		}
		_, t.err = c.admin.ExecContext(ctx, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
	})
	if t.err != nil {
		return fmt.Errorf("make the template database %s: %w", suffix, t.err)
	}
	return nil
}

// locale asks for C rules where the server's default database is not UTF-8 and
// its locale therefore may not go with the encoding.
func (c *cluster) locale(ctx context.Context) string {
	var encoding string
	err := c.admin.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding)
	if err == nil && encoding == "UTF8" {
		return ""
	}
	return " LC_COLLATE 'C' LC_CTYPE 'C'"
}

// clone makes a new database from a template and returns its name.
func (c *cluster) clone(t *template) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	name := fmt.Sprintf("%s_%d", c.prefix, c.count.Add(1))
	stmt := "CREATE DATABASE " + name + " TEMPLATE " + t.name //nolint:gosec // the names are made here, of a prefix and numbers
	if c.major >= 15 && c.server.Owned() {
		// Copying files beats logging every page where nothing is synced.
		stmt += " STRATEGY file_copy"
	}
	if _, err := c.admin.ExecContext(ctx, stmt); err != nil {
		return "", fmt.Errorf("clone a test database: %w", err)
	}
	return name, nil
}

func (c *cluster) drop(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := c.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop a test database: %w", err)
	}
	return nil
}

// DB is the DSN (a URL) of a new, empty UTF-8 database, which is dropped when
// the test ends. It takes a few dozen milliseconds after the first.
func DB(t testing.TB) string {
	t.Helper()
	return database(t, false)
}

// Sample is the DSN of a new database with the sample data (sample.Small) and
// the extensions of contrib that the server has. Otherwise it is like DB.
func Sample(t testing.TB) string {
	t.Helper()
	return database(t, true)
}

// ExampleDSN is DB, or with sampled Sample, for an Example, which has no
// testing.TB: the database stays until Main ends, and what goes wrong panics,
// which fails the example.
func ExampleDSN(sampled bool) string {
	name, err := binary.database(sampled)
	if err != nil {
		panic(fmt.Errorf("pgtest: %w", err))
	}
	binary.mu.Lock()
	defer binary.mu.Unlock()
	binary.examples = append(binary.examples, name)
	return binary.server.DSN(name)
}

// database makes a new database, empty or sampled, and returns its name.
func (c *cluster) database(sampled bool) (string, error) {
	if err := c.start(); err != nil {
		return "", err
	}
	from, suffix, fill := &c.empty, "empty", func(context.Context, *sql.DB) error { return nil }
	if sampled {
		from, suffix, fill = &c.sample, "sample", func(ctx context.Context, db *sql.DB) error {
			return sample.Load(ctx, db, sample.Small)
		}
	}
	if err := c.make(from, suffix, fill); err != nil {
		return "", err
	}
	return c.clone(from)
}

func database(t testing.TB, sampled bool) string {
	t.Helper()
	name, err := binary.database(sampled)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	dsn := binary.server.DSN(name)
	t.Cleanup(func() {
		if t.Failed() && *keep {
			binary.kept.Store(true)
			t.Logf("pgtest: kept %s", dsn)
			return
		}
		if err := binary.drop(name); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Logf("pgtest: %v", err)
		}
	})
	return dsn
}

// Server is the server under the databases of DB. It may be one that is not
// ours (DATABASE_URL): use Dedicated to halt, restart or configure one.
func Server(t testing.TB) *pgembed.Server {
	t.Helper()
	if err := binary.start(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return binary.server
}

// Dedicated starts a server for this test alone, to halt it, restart it or
// give it settings, and stops it when the test ends. It takes about a second.
func Dedicated(t testing.TB, opts ...pgembed.Option) *pgembed.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	s, err := pgembed.Start(ctx, opts...)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("pgtest: log of the dedicated server:\n%s", s.Log())
		}
		if err := s.Stop(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return s
}

// Standby starts a streaming standby of primary (a Dedicated server with
// pgembed.Replicating) and stops it when the test ends. It takes about a second. A test skips for want of
// pg_basebackup, which comes with the server but not with its download.
func Standby(t testing.TB, primary *pgembed.Server, opts ...pgembed.Option) *pgembed.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	s, err := primary.Standby(ctx, opts...)
	if errors.Is(err, pgembed.ErrNoBasebackup) {
		t.Skip("pgtest:", err)
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("pgtest: log of the standby:\n%s", s.Log())
		}
		if err := s.Stop(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return s
}

// Open is a pool on dsn for what a test has to set up or look up, apart from
// what it tests. It is closed when the test ends.
func Open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := open(dsn)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Exec runs statements, each of which may be a script of several, on dsn. A
// script of several cannot hold transaction control or what refuses to run in
// a transaction, such as VACUUM: give these one by one.
func Exec(t testing.TB, dsn string, scripts ...string) {
	t.Helper()
	db := Open(t, dsn)
	defer db.Close()
	for _, script := range scripts {
		_, err := db.ExecContext(t.Context(), script)
		// The server's word for several statements in one (or a real mistake,
		// which then is one again).
		if backend.SQLStateOf(err) == "42601" {
			_, err = db.ExecContext(t.Context(), sample.OneStatement(script))
		}
		if err != nil {
			t.Fatalf("pgtest: %v\nin: %.300s", err, script)
		}
	}
}

// open makes a pool of the product's own pgx backend: what tests see through it
// was decided by the session settings that the product pins. The environment is
// left out, so that a PGOPTIONS or PGSERVICE of the developer changes nothing.
func open(dsn string) (*sql.DB, error) {
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		return nil, err
	}
	c, err := pgx.New().Connector(cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}
