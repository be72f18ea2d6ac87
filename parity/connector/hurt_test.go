package connector_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
)

// bad is a candidate that misbehaves where the test says so.
type bad struct {
	driver.Connector
	how    atomic.Value // string: where
	let    chan struct{}
	opened atomic.Int64
	closed atomic.Int64
}

func newBad(c driver.Connector, how string) *bad {
	b := &bad{Connector: c, let: make(chan struct{})}
	b.how.Store(how)
	return b
}

func (b *bad) at(where string) error {
	how, _ := b.how.Load().(string)
	switch how {
	case "panic in " + where:
		panic("made up")
	case "error in " + where:
		return errors.New("made up")
	case "hang in " + where:
		<-b.let
	}
	return nil
}

func (b *bad) Connect(ctx context.Context) (driver.Conn, error) {
	if err := b.at("connect"); err != nil {
		return nil, err
	}
	c, err := b.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	b.opened.Add(1)
	return &badConn{c, b}, nil
}

type badConn struct {
	driver.Conn
	b *bad
}

func (c *badConn) Close() error { c.b.closed.Add(1); return c.Conn.Close() }

func (c *badConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.b.at("begin"); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c *badConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	if !strings.Contains(q, "default_transaction_read_only") {
		if err := c.b.at("exec"); err != nil {
			return nil, err
		}
	}
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, q, args)
}

func (c *badConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	own := strings.Contains(q, "pg_catalog.")
	if !own {
		if err := c.b.at("query"); err != nil {
			return nil, err
		}
	}
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, q, args)
	if err != nil || own {
		return rows, err
	}
	return &badRows{rows, c.b, 0}, nil
}

type badRows struct {
	driver.Rows
	b *bad
	n int
}

func (r *badRows) Next(dest []driver.Value) error {
	if r.n++; r.n == 2 {
		if err := r.b.at("rows"); err != nil {
			return err
		}
	}
	return r.Rows.Next(dest)
}

// TestCandidateCannotHurt: whatever the candidate does, the caller has the
// control's answers, in bounded time, and no connection is left.
func TestCandidateCannotHurt(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"panic", "error", "hang"} {
		for _, where := range []string{"connect", "query", "rows", "begin", "exec"} {
			how := kind + " in " + where
			t.Run(how, func(t *testing.T) {
				t.Parallel()
				control, candidate := twins(t, people)
				c := newBad(plain(t, "pgx", candidate), how)
				b := newBench(t, plain(t, "pq", control), c, connector.WithWrites(connector.MirrorWrites), connector.WithTimeout(300*time.Millisecond))
				b.SetMaxOpenConns(1)
				start := time.Now()
				rows, err := readAll(t, b, "select name from people order by id")
				if err != nil || len(rows) != 3 {
					t.Errorf("rows %v, %v", rows, err)
				}
				tx, err := b.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 3 {
					if _, err := tx.ExecContext(t.Context(), "insert into people (name) values ($1)", fmt.Sprint("n", i)); err != nil {
						t.Error(err)
					}
				}
				if rows, err := readAll(t, tx, "select name from people order by id"); err != nil || len(rows) != 6 {
					t.Errorf("rows %v, %v", rows, err)
				}
				if err := tx.Commit(); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("the caller waited %v", took)
				}
				seen := map[parity.Verdict]int{}
				for _, r := range b.take() {
					seen[r.Verdict]++
				}
				if seen[parity.Mismatch]+seen[parity.Inconclusive] == 0 {
					t.Errorf("nobody said so: %v", seen)
				}
				if got := names(t, control); got != "Ada Edsger Grace n0 n1 n2" {
					t.Errorf("the control has %s", got)
				}
				// It comes back by itself.
				c.how.Store("")
				close(c.let)
				var r parity.Report
				for wait := time.Now(); r.Verdict != parity.Equal && time.Since(wait) < 20*time.Second; time.Sleep(100 * time.Millisecond) {
					if _, err := readAll(t, b, "select 1"); err != nil {
						t.Error(err)
					}
					r = b.last(t)
				}
				if r.Verdict != parity.Equal {
					t.Errorf("afterwards: %v, %s", r.Verdict, r.Reason)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				if o, cl := c.opened.Load(), c.closed.Load(); o != cl {
					t.Errorf("%d connections of the candidate were opened and %d closed", o, cl)
				}
			})
		}
	}
}

// TestPublisherPanics: a publisher is no reason for a caller to fail either.
func TestPublisherPanics(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(context.Context, parity.Report) { panic("made up") })))
	db := sql.OpenDB(connector.New(plain(t, "pq", dsn), plain(t, "pgx", dsn), h))
	defer db.Close()
	for range 3 {
		if rows, err := readAll(t, db, "select 1 from generate_series(1, 300)"); err != nil || len(rows) != 300 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	}
}

// TestCallerLeaves: a canceled context ends the control's statement as it would
// without the connector, and nothing is said about the candidate.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	for _, d := range directions {
		dsn := pgtest.DB(t)
		b := newBench(t, plain(t, d[0], dsn), plain(t, d[1], dsn))
		ctx, cancel := context.WithCancel(t.Context())
		look, seen := pgtest.Open(t, dsn), make(chan error, 1)
		go func() { // a driver's cancel that comes before the statement finds nothing
			defer cancel()
			for active := false; !active; {
				const query = "select exists (select from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and query like 'select pg_sleep%')"
				if err := look.QueryRowContext(ctx, query).Scan(&active); err != nil {
					seen <- err
					return
				}
			}
			seen <- nil
		}()
		_, err := b.ExecContext(ctx, "select pg_sleep(300)")
		if err == nil || <-seen != nil {
			t.Errorf("%s: %v (%v)", d[0], err, backend.CodeOf(err))
		}
		if r := b.last(t); r.Verdict != parity.Inconclusive {
			t.Errorf("%s: %+v", d[0], r)
		}
		if _, err := readAll(t, b, "select 1"); err != nil {
			t.Error(err)
		}
		if r := b.last(t); r.Verdict != parity.Equal {
			t.Errorf("%s: afterwards %+v", d[0], r)
		}
	}
}

// TestManyRows: a result far larger than what is held goes through in step.
func TestManyRows(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for _, d := range directions {
		b := newBench(t, plain(t, d[0], dsn), plain(t, d[1], dsn), connector.WithMaxBytes(1<<20))
		n := 0
		rows, err := b.QueryContext(t.Context(), "select i, repeat('x', 1000) from generate_series(1, 50000) i")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			n++
		}
		if err := rows.Err(); err != nil || n != 50000 {
			t.Fatalf("%d rows, %v", n, err)
		}
		if r := b.last(t); r.Verdict != parity.Equal || r.Control.Rows != 50000 || r.Candidate.Rows != 50000 {
			t.Errorf("%+v", r)
		}
		// In another order they can't be held.
		if _, err := readAll(t, b, "select i, repeat('x', 100) from (select i from generate_series(1, 50000) i order by hashint8(i + pg_backend_pid())) s"); err != nil {
			t.Fatal(err)
		}
		if r := b.last(t); r.Verdict != parity.Inconclusive || !strings.Contains(r.Reason, "memory") {
			t.Errorf("%+v", r)
		}
	}
}

// hook is a candidate that something happens before.
type hook struct {
	driver.Connector
	before func()
}

func (h *hook) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := h.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &hookConn{Conn: c, h: h}, nil
}

type hookConn struct {
	driver.Conn
	h *hook
}

func (c *hookConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	if !strings.Contains(q, "pg_catalog.") {
		c.h.before()
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, q, args)
}

func (c *hookConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, q, args)
}

func (c *hookConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

// TestMissing: what a Connector lacks is the error of its connections, and no panic.
func TestMissing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	control, candidate := plain(t, "pq", dsn), plain(t, "pgx", dsn)
	h := parity.NewHarness()
	for want, c := range map[string]*connector.Connector{
		"":                                 connector.New(control, candidate, nil, nil),
		"the control is nil":               connector.New(nil, candidate, h),
		"there is no Writes(99)":           connector.New(control, candidate, h, connector.WithWrites(99)),
		"the writer of WithRecord is nil":  connector.New(control, nil, h, connector.WithRecord(nil, 0)),
		"the writer of WithReports is nil": connector.New(control, candidate, h, connector.WithReports(nil)),
	} {
		db := sql.OpenDB(c)
		err := db.PingContext(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
		_ = db.Driver()
		if err := db.Close(); err != nil {
			t.Errorf("%q: %v", want, err)
		}
	}
}
