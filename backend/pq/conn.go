package pq

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	libpq "github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/defaults"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
	"github.com/fraiseql/fraiseql-go/backend/internal/liveness"
)

// inner is what lib/pq's connection can do.
type inner interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// conn wraps lib/pq's connection; what is not overridden is lib/pq's.
type conn struct {
	inner
	c     *connector
	a     backend.Attempt
	x     *wire
	cache *cache // nil: no named statements
	gate  gate.Gate
	probe *liveness.Probe
	// notices are those that nobody has asked for yet.
	notices *gate.Notices
	level   defaults.Level // see autocommits
	epoch   uint64         // the connector's epoch when the cache was last dropped
	used    time.Time      // when the pool last handed the connection out
	// calls counts those that were guarded and have ended.
	calls atomic.Uint32
	// broken: the context of a call ended, or rows were cut: not to be used again.
	broken atomic.Bool
}

var _ inner = (*conn)(nil)

// ready refuses a connection that can't be used; nothing was sent then, so
// driver.ErrBadConn is right.
func (c *conn) ready() error {
	if c.gate.Held() {
		return gate.ErrBusy
	}
	return c.alive()
}

// enter is ready for a call under ctx with so many arguments. lib/pq is given no
// context, and runs a statement whose context has ended long ago.
func (c *conn) enter(ctx context.Context, args int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if args > gate.MaxArgs {
		return gate.ErrTooManyArgs
	}
	return c.ready()
}

func (c *conn) alive() error {
	if c.broken.Load() || c.x.fatal != nil || !c.inner.IsValid() {
		return driver.ErrBadConn
	}
	return nil
}

// explain makes lib/pq's error of a statement into one that says what happened and
// that database/sql does not answer by repeating the statement.
func (c *conn) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	switch {
	case c.x.fatal != nil:
		err = c.x.fatal
	case errors.Is(err, driver.ErrBadConn):
		err = backend.ErrConnectionLost
	}
	return backend.WithContext(ctx, err)
}

// Close closes the connection, or leaves that to the rows that are open on it.
func (c *conn) Close() error {
	if !c.gate.Close() {
		c.interrupt()
		return nil
	}
	return c.inner.Close()
}

// IsValid tells the pool to drop a broken connection, or one left in a transaction.
func (c *conn) IsValid() bool { return c.ready() == nil && c.x.status == 'I' }

// idleCheck is the age from which an idle connection is tried before it is used
// again; pgx does the same.
const idleCheck = time.Second

// ResetSession is asked before the pool hands the connection out again.
func (c *conn) ResetSession(ctx context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	c.notices.Take() // what was said to who had the connection before
	now := time.Now()
	if now.Sub(c.used) > idleCheck || !c.probe.Quiet() {
		if err := c.Ping(ctx); err != nil {
			return driver.ErrBadConn
		}
	}
	c.used = now
	return nil
}

// Ping checks the connection; a dead one is driver.ErrBadConn, for nothing ran.
func (c *conn) Ping(ctx context.Context) error {
	if err := c.enter(ctx, 0); err != nil {
		return err
	}
	defer c.guard(ctx, true)()
	if err := c.inner.Ping(context.Background()); err != nil {
		if ctx.Err() != nil {
			return c.explain(ctx, err)
		}
		return driver.ErrBadConn
	}
	return nil
}

// BeginTx starts a transaction: BEGIN with the isolation level and READ ONLY where
// asked for. READ WRITE is never said, so default_transaction_read_only holds.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.enter(ctx, 0); err != nil {
		return nil, err
	}
	if err := c.dropStale(); err != nil {
		return nil, err
	}
	if sql.IsolationLevel(opts.Isolation) == sql.LevelSnapshot {
		// PostgreSQL's repeatable read is snapshot isolation; pgx maps it so too.
		opts.Isolation = driver.IsolationLevel(sql.LevelRepeatableRead)
	}
	defer c.guard(ctx, true)()
	c.x.trimMode = !opts.ReadOnly
	t, err := c.inner.BeginTx(context.Background(), opts)
	c.x.trimMode = false
	if err != nil {
		if ctx.Err() == nil && c.alive() != nil {
			return nil, driver.ErrBadConn // BEGIN may be repeated
		}
		return nil, c.explain(ctx, err)
	}
	return &tx{t, ctx, c}, nil
}

// PrepareContext prepares a statement that database/sql owns; the cache has no part
// in it.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.enter(ctx, 0); err != nil {
		return nil, err
	}
	if gate.IsCopy(query) {
		return nil, gate.ErrCopy
	}
	c.level.Noticed(query)
	defer c.guard(ctx, true)()
	s, err := c.inner.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return &stmt{s, c}, nil
}

// Prepare is PrepareContext without a context.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// Begin is BeginTx with the defaults.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// ExecContext runs one statement.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.enter(ctx, len(args)); err != nil {
		return nil, err
	}
	c.level.Noticed(query)
	defer c.guard(ctx, true)()
	var res driver.Result
	_, err := c.run(ctx, query, func(s *statement) (err error) {
		if s == nil {
			res, err = c.inner.ExecContext(context.Background(), query, args)
			return err
		}
		res, err = s.stmt.(driver.StmtExecContext).ExecContext(context.Background(), args) //nolint:forcetypeassert // lib/pq has one type of statement
		return err
	})
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return res, nil
}

// QueryContext runs one statement; its rows hold the values that lib/pq makes.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.enter(ctx, len(args)); err != nil {
		return nil, err
	}
	c.level.Noticed(query)
	release := c.guard(ctx, true)
	r, _, err := c.query(ctx, query, args, nil)
	if err != nil {
		release()
		return nil, c.explain(ctx, err)
	}
	return newDriverRows(ctx, c, r, release), nil
}

// query runs one statement through lib/pq, by its cached form where there is a
// cache, and returns lib/pq's rows and the columns. check (nil: none) is asked about a
// cached form before it is sent.
func (c *conn) query(ctx context.Context, query string, args []driver.NamedValue, check func(*statement) error) (r driver.Rows, columns []backend.Column, err error) {
	c.x.columns = nil
	s, err := c.run(ctx, query, func(s *statement) (err error) {
		if s != nil && check != nil {
			if err := check(s); err != nil {
				return err
			}
		}
		if s == nil {
			r, err = c.inner.QueryContext(context.Background(), query, args)
			return err
		}
		r, err = s.stmt.(driver.StmtQueryContext).QueryContext(context.Background(), args) //nolint:forcetypeassert // lib/pq has one type of statement
		return err
	})
	if s != nil {
		return r, s.columns, err
	}
	return r, c.x.columns, err
}

// run calls send with the prepared statement for query (nil where there is no
// cache), once more where the server found it stale outside a transaction.
func (c *conn) run(ctx context.Context, query string, send func(*statement) error) (*statement, error) {
	if gate.IsCopy(query) {
		return nil, gate.ErrCopy
	}
	if c.cache == nil {
		// Without arguments lib/pq would use the simple protocol, which takes several
		// statements and runs them all.
		c.x.single = true
		err := send(nil)
		c.x.single = false
		return nil, err
	}
	for again := false; ; again = true {
		s, cached, err := c.prepared(query)
		if err != nil {
			return nil, err
		}
		err = send(s)
		if err == nil || !cached || !stale(err) {
			if cached && dated(err) {
				c.cache.remove(s)
				_ = s.stmt.Close() // the statement's own error is the one to tell
			}
			return s, err
		}
		c.c.epoch.Add(1)
		if c.x.status != 'I' {
			c.cache.remove(s)
			return s, fmt.Errorf("%w: %w", backend.ErrStaleStatement, err)
		}
		if again || ctx.Err() != nil {
			return s, err
		}
		if err := c.dropStale(); err != nil {
			return s, err
		}
	}
}

// prepared finds or prepares the statement for query; cached says which.
func (c *conn) prepared(query string) (s *statement, cached bool, err error) {
	if s := c.cache.find(query); s != nil {
		return s, true, nil
	}
	c.x.columns, c.x.closing = nil, c.cache.room()
	st, err := c.inner.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, false, err
	}
	s = &statement{query: query, name: c.x.parsed, stmt: st, columns: c.x.columns}
	c.cache.add(s)
	return s, false, nil
}

// dated recognizes a failure that DDL can bring about in a sound cached statement
// (a column renamed, an operator gone): the next call prepares it anew.
func dated(err error) bool {
	state := backend.SQLStateOf(err)
	return len(state) == 5 && state[:2] == "42"
}

// dropStale empties the cache where any connection met a stale statement since
// this one last did.
func (c *conn) dropStale() error {
	now := c.c.epoch.Load()
	if c.cache == nil || c.epoch == now || c.x.status != 'I' {
		return nil
	}
	// One by one: DEALLOCATE ALL would take the statements of db.Prepare with it.
	for _, s := range c.cache.clear() {
		if err := s.stmt.Close(); err != nil {
			return fmt.Errorf("drop stale statements: %w", err)
		}
	}
	c.epoch = now
	return nil
}

// stale recognizes that the server refused a prepared statement before running it:
// by SQLSTATE and by the server's function that said so (the same in every
// language; utils/cache/plancache.c, commands/prepare.c, tcop/postgres.c), since a
// function of the user's may raise any SQLSTATE. A pooler that lost the statement
// names no function.
func stale(err error) bool {
	var e *libpq.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "0A000":
		return e.Routine == "RevalidateCachedQuery"
	case "26000":
		return e.Routine == "FetchPreparedStatement" || e.Routine == "exec_bind_message" || e.Routine == ""
	}
	return false
}
