// Package paritytest compares two drivers in the tests of a program:
//
//	func TestOrders(t *testing.T) {
//		db := paritytest.Open(t, os.Getenv("DATABASE_URL"), pq.New(), pgx.New())
//		db.Execute(`{"operation":"query","table":"orders","filters":{"total":{"gt":10}}}`)
//	}
//
// and, for code that uses database/sql and knows nothing of this library:
//
//	pool := paritytest.SQL(t, os.Getenv("DATABASE_URL"), &pq.Driver{}, stdlib.GetDefaultDriver())
//	NewStore(pool).Save(ctx, order)
//
// Each test works on two clones of the database, one for each driver, so writes are
// committed and nothing is left. A difference fails the test and shows itself; when
// the test ends the two databases are compared as well, whoever wrote to them.
// A test that compared nothing fails too.
package paritytest

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/clones"
	"github.com/fraiseql/fraiseql-go/parity/connector"
)

// DB runs operations on both drivers. It is an executor.Runner, and answers with
// what control says.
type DB struct {
	executor.Runner

	// Schema is what definitions are resolved by.
	Schema *builder.Schema
	// Harness has the counts.
	Harness *parity.Harness

	t testing.TB
}

// Option changes Open and SQL.
type Option interface{ apply(*options) }

type option func(*options)

func (o option) apply(c *options) { o(c) }

type options struct {
	harness []parity.Option
	state   []clones.Option
	noState bool
	strict  bool
}

// WithHarness adds options of the comparison, such as parity.WithIgnores.
func WithHarness(o ...parity.Option) Option {
	return option(func(c *options) { c.harness = append(c.harness, o...) })
}

// WithState adds options of the comparison of the two databases at the end.
func WithState(o ...clones.Option) Option {
	return option(func(c *options) { c.state = append(c.state, o...) })
}

// WithoutState leaves that comparison out.
func WithoutState() Option { return option(func(c *options) { c.noState = true }) }

// WithStrictTypes makes it a difference in SQL that the drivers give one value in
// two Go types, such as []byte and string: it is one for code that scans into any.
func WithStrictTypes() Option { return option(func(c *options) { c.strict = true }) }

// Open clones the database of dsn, a URL or keyword string, once for control and
// once for candidate. Nobody may be connected to it meanwhile. What goes wrong ends
// the test.
func Open(t testing.TB, dsn string, control, candidate backend.Backend, o ...Option) *DB {
	t.Helper()
	if control == nil || candidate == nil {
		t.Fatal("paritytest: a backend is nil: Open wants two, such as pq.New() and pgx.New()")
	}
	c := optionsOf(o)
	pair := clone(t, dsn, control)
	db := &DB{t: t, Harness: harness(t, c)}
	var sides [2]*executor.DB
	for i, side := range []struct {
		b   backend.Backend
		cfg backend.Config
	}{{control, pair.Control}, {candidate, pair.Candidate}} {
		var err error
		if sides[i], err = executor.Open(t.Context(), side.b, side.cfg, executor.WithMinIdle(0)); err != nil {
			t.Fatalf("paritytest: %v", err)
		}
	}
	cat, err := catalog.Load(t.Context(), sides[0].Pool())
	if err == nil {
		db.Schema, err = builder.NewSchema(cat, builder.SchemaOptions{})
	}
	if err != nil {
		t.Fatalf("paritytest: %v", err)
	}
	db.Runner = parity.NewSeparateRunner(db.Harness, sides[0], sides[1])
	atEnd(t, c, db.Harness, control, pair, func() error { return errors.Join(sides[0].Close(), sides[1].Close()) })
	return db
}

// Execute runs one definition on both and returns control's answer, which may be
// that of an error: {"data":…,"errors":…}.
func (db *DB) Execute(definition string) string {
	db.t.Helper()
	def, err := builder.ParseDefinition([]byte(definition))
	if err != nil {
		db.t.Fatalf("paritytest: %v", err)
	}
	var w bytes.Buffer
	err = executor.Execute(db.t.Context(), db.Runner, db.Schema, def, &w)
	if err != nil && !errors.As(err, new(*parity.MismatchError)) {
		db.t.Logf("paritytest: %v", err) // else a test that compared nothing doesn't say why
	}
	if err != nil && !errors.As(err, new(*parity.MismatchError)) && w.Len() == 0 {
		w.WriteString(`{"data":null,"errors":[`)
		w.Write(executor.AppendErrorObject(nil, err))
		w.WriteString("]}\n")
	}
	return w.String()
}

// SQL is a pool on control whose every statement candidate runs too, on a clone of
// its own: for code that takes a *sql.DB. Both drivers have to know DSNs of
// PostgreSQL.
func SQL(t testing.TB, dsn string, control, candidate driver.Driver, o ...Option) *sql.DB {
	t.Helper()
	if control == nil || candidate == nil {
		t.Fatal("paritytest: a driver is nil: SQL wants two, such as pq.Driver{} and the *stdlib.Driver of pgx")
	}
	c := optionsOf(o)
	reader := plain{control, dsn}
	pair := clone(t, dsn, reader)
	h := harness(t, c)
	co := []connector.Option{connector.WithWrites(connector.MirrorWrites)}
	if c.strict {
		co = append(co, connector.WithStrictTypes())
	}
	var sides [2]driver.Connector
	for i, side := range []struct {
		d        driver.Driver
		database string
	}{{control, pair.Control.Database}, {candidate, pair.Candidate.Database}} {
		var err error
		if sides[i], err = open(side.d, withDatabase(dsn, side.database)); err != nil {
			t.Fatalf("paritytest: %v", err)
		}
	}
	pool := sql.OpenDB(connector.New(sides[0], sides[1], h, co...))
	atEnd(t, c, h, reader, pair, pool.Close)
	return pool
}

func optionsOf(o []Option) *options {
	c := &options{}
	for _, opt := range o {
		if opt != nil {
			opt.apply(c)
		}
	}
	return c
}

// harness fails t where something differs.
func harness(t testing.TB, c *options) *parity.Harness {
	return parity.NewHarness(append([]parity.Option{parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		if r.Verdict == parity.Mismatch || r.Verdict == parity.Inconclusive {
			fail(t, r)
		}
	}))}, c.harness...)...)
}

// fail shows a report as a person would want to read it.
func fail(t testing.TB, r parity.Report) {
	t.Helper()
	var b strings.Builder
	for _, d := range r.Diffs {
		b.WriteString("\n  " + strings.ReplaceAll(d.String(), "\n", "\n  "))
	}
	if r.Reason != "" {
		b.WriteString("\n  " + r.Reason)
	}
	if r.Control.Backend != "" {
		t.Errorf("%s: %s (- %s, + %s)%s", r.Operation, r.Verdict, r.Control.Backend, r.Candidate.Backend, b.String())
		return
	}
	t.Errorf("%s: %s (- control, + candidate)%s", r.Operation, r.Verdict, b.String())
}

// clone makes the two databases.
func clone(t testing.TB, dsn string, b backend.Backend) *clones.Pair {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, os.Getenv)
	if err != nil {
		t.Fatalf("paritytest: %v", err)
	}
	pair, err := clones.Make(t.Context(), b, cfg)
	if err != nil {
		if dsn == "" { // a variable of the environment that is not set
			err = fmt.Errorf("the DSN is empty, which means a server on this machine: %w", err)
		}
		t.Fatalf("paritytest: %v", err)
	}
	return pair
}

// endTimeout bounds what is done when a test ends, whose context has ended.
const endTimeout = time.Minute

// atEnd compares what became of the databases, closes and drops them.
func atEnd(t testing.TB, c *options, h *parity.Harness, b backend.Backend, pair *clones.Pair, closeAll func() error) {
	began := time.Now()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
		defer cancel()
		if err := closeAll(); err != nil {
			t.Errorf("paritytest: close: %v", err)
		}
		if h.Summary().Operations == 0 {
			t.Error("paritytest: nothing was compared")
		}
		if !c.noState {
			compareStates(ctx, t, c, b, pair, began)
		}
		if err := pair.Drop(ctx); err != nil {
			t.Errorf("paritytest: %v", err)
		}
	})
}

func compareStates(ctx context.Context, t testing.TB, c *options, b backend.Backend, pair *clones.Pair, began time.Time) {
	var pools [2]*sql.DB
	for i, cfg := range []backend.Config{pair.Control, pair.Candidate} {
		conn, err := b.Connector(cfg)
		if err != nil {
			t.Errorf("paritytest: %v", err)
			return
		}
		pools[i] = sql.OpenDB(conn)
		defer func() { _ = pools[i].Close() }() // it was read from only
	}
	state, err := clones.Diff(ctx, pools[0], pools[1], append([]clones.Option{clones.Since(began)}, c.state...)...)
	if err != nil {
		t.Errorf("paritytest: %v", err)
		return
	}
	if r := state.Report(); !r.Verdict.Pass() {
		fail(t, r)
	}
}

// withDatabase is dsn with another database.
func withDatabase(dsn, database string) string {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		if u, err := url.Parse(dsn); err == nil {
			u.Path = "/" + database
			return u.String()
		}
	}
	return dsn + " dbname='" + database + "'" // the last one holds
}

// open is what sql.Open does.
func open(d driver.Driver, dsn string) (driver.Connector, error) {
	if c, ok := d.(driver.DriverContext); ok {
		return c.OpenConnector(dsn)
	}
	return named{d, dsn}, nil
}

// named is the Connector of a Driver that makes none.
type named struct {
	d   driver.Driver
	dsn string
}

func (n named) Connect(context.Context) (driver.Conn, error) { return n.d.Open(n.dsn) }
func (n named) Driver() driver.Driver                        { return n.d }

// plain makes a Backend of a bare driver, for what this package does beside the test.
type plain struct {
	d   driver.Driver
	dsn string
}

func (p plain) Name() string { return "control" }

func (p plain) Connector(cfg backend.Config) (driver.Connector, error) {
	return open(p.d, withDatabase(p.dsn, cfg.Database))
}

func (p plain) Bind(arg any) (any, error) { return arg, nil }
