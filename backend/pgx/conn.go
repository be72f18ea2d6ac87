package pgx

import (
	"container/list"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	jackpgx "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/defaults"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
	"github.com/fraiseql/fraiseql-go/backend/internal/liveness"
)

// conn is a stdlib connection that never asks for a statement to be repeated. It
// embeds the driver's, so every optional interface of it stays.
type conn struct {
	*stdlib.Conn
	c     *connector
	gate  gate.Gate
	probe *liveness.Probe
	// notices are those that nobody has asked for yet.
	notices *gate.Notices
	epoch   uint64 // the connector's epoch when the cache was last dropped
	// statements are those that pieces were made of, by their text; order has them in
	// that of their use, the last first.
	statements map[string]*prepared
	order      list.List // of *prepared
	pieces     uint64    // made so far
	names      uint64    // given so far
	// outdated are the names of statements that the server has and nobody uses.
	outdated []string
	watch    watch
	level    defaults.Level // see autocommits
	// What is sent is put together here: a message is copied into pgx's buffer.
	bind    pgproto3.Bind
	execute pgproto3.Execute
	text    []byte // of arguments
}

var (
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.Validator          = (*conn)(nil)
)

// ready refuses a connection that can't be used; nothing was sent then, so
// driver.ErrBadConn is right.
func (c *conn) ready() error {
	if c.gate.Held() {
		return gate.ErrBusy
	}
	if c.Conn.Conn().IsClosed() {
		return driver.ErrBadConn
	}
	return nil
}

// explain makes pgx's error of a statement into one that says what happened and
// that database/sql does not answer by repeating the statement.
func (c *conn) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed) {
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
	return c.closeNow()
}

// interrupt makes whoever reads from the server fail now. It is the only thing
// that may be done from another goroutine.
func (c *conn) interrupt() { _ = c.Conn.Conn().PgConn().Conn().SetDeadline(time.Unix(1, 0)) }

// IsValid tells the pool to drop a closed connection, or one left in a transaction.
func (c *conn) IsValid() bool {
	return !c.gate.Held() && !c.Conn.Conn().IsClosed() && c.Conn.Conn().PgConn().TxStatus() == 'I'
}

// ResetSession is asked before the pool hands the connection out again.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.gate.Held() {
		return driver.ErrBadConn
	}
	c.notices.Take() // what was said to who had the connection before
	return c.Conn.ResetSession(ctx)
}

// Ping checks the connection; a dead one is driver.ErrBadConn, for nothing ran.
func (c *conn) Ping(ctx context.Context) error {
	if err := c.ready(); err != nil {
		return err
	}
	err := c.Conn.Ping(ctx)
	if err != nil && ctx.Err() != nil {
		return c.explain(ctx, err)
	}
	return err
}

// PrepareContext prepares a statement by name on the server.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	if gate.IsCopy(query) {
		return nil, gate.ErrCopy
	}
	c.level.Noticed(query)
	return c.Conn.PrepareContext(ctx, query)
}

// BeginTx starts a transaction: BEGIN with the isolation level and READ ONLY where
// asked for. READ WRITE is never said, so default_transaction_read_only holds.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	err := c.dropStale(ctx)
	var t driver.Tx
	if err == nil {
		t, err = c.Conn.BeginTx(ctx, opts)
	}
	if err != nil {
		if ctx.Err() == nil && c.Conn.Conn().IsClosed() {
			return nil, driver.ErrBadConn // BEGIN may be repeated
		}
		return nil, c.explain(ctx, err)
	}
	return &tx{t, ctx, c}, nil
}

// ExecContext runs one statement. It goes through pgx's Query, because Exec
// without arguments takes the simple protocol, which allows several statements and
// has the retry bug.
func (c *conn) ExecContext(ctx context.Context, query string, named []driver.NamedValue) (driver.Result, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	if gate.IsCopy(query) {
		return nil, gate.ErrCopy
	}
	if len(named) > gate.MaxArgs {
		return nil, gate.ErrTooManyArgs
	}
	c.level.Noticed(query)
	args := make([]any, len(named))
	for i := range named {
		args[i] = named[i].Value
	}
	rows, _, err := c.query(ctx, query, args)
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return driver.RowsAffected(rows.CommandTag().RowsAffected()), nil
}

// QueryContext runs one statement through stdlib, with the same care.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	if len(args) > gate.MaxArgs {
		return nil, gate.ErrTooManyArgs
	}
	if gate.IsCopy(query) {
		return nil, gate.ErrCopy
	}
	c.level.Noticed(query)
	if len(args) == 0 && c.c.base.DefaultQueryExecMode == jackpgx.QueryExecModeSimpleProtocol {
		args = []driver.NamedValue{{Ordinal: 1, Value: jackpgx.QueryExecModeExec}} // see first
	}
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if again, e := c.again(ctx, err); again {
		rows, err = c.Conn.QueryContext(ctx, query, args)
	} else {
		err = e
	}
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return rows, nil
}

// query runs one statement natively and reads as far as the first row, so that the
// columns are known and an early error is told here.
func (c *conn) query(ctx context.Context, query string, args []any) (rows jackpgx.Rows, more bool, err error) {
	if err := c.dropStale(ctx); err != nil { // BEGIN is the last time for it
		return nil, false, err
	}
	mode := c.c.base.DefaultQueryExecMode
	rows, more, err = first(ctx, c.Conn.Conn(), mode, query, args)
	if err != nil {
		var again bool
		if again, err = c.again(ctx, err); again {
			rows, more, err = first(ctx, c.Conn.Conn(), mode, query, args)
		}
	}
	return rows, more, err
}

func first(ctx context.Context, pc *jackpgx.Conn, mode jackpgx.QueryExecMode, query string, args []any) (jackpgx.Rows, bool, error) {
	if mode == jackpgx.QueryExecModeSimpleProtocol && !bound(args) {
		// The simple protocol takes several statements and runs them all. Without
		// arguments nothing is won by it: this asks the server for one.
		args = append([]any{jackpgx.QueryExecModeExec}, args...)
	}
	rows, err := pc.Query(ctx, query, args...)
	if err != nil {
		rows.Close()
		return nil, false, err
	}
	more := rows.Next()
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	return rows, more, nil
}

// bound reports whether args hold an argument, and not only options of pgx's.
func bound(args []any) bool {
	for _, a := range args {
		if _, option := a.(jackpgx.QueryResultFormatsByOID); !option {
			return true
		}
	}
	return false
}

// again decides about a failed statement. One that the server found stale did not
// start: outside a transaction it may run again (true); inside, the transaction is
// aborted and the error says so.
func (c *conn) again(ctx context.Context, err error) (bool, error) {
	if err == nil || !c.stale(err) {
		return false, err
	}
	c.c.epoch.Add(1)
	pc := c.Conn.Conn()
	if pc.IsClosed() || ctx.Err() != nil {
		return false, err
	}
	if pc.PgConn().TxStatus() != 'I' {
		return false, fmt.Errorf("%w: %w", backend.ErrStaleStatement, err)
	}
	if e := c.dropStale(ctx); e != nil {
		return false, e
	}
	return true, nil
}

// stale recognizes that the server refused a prepared statement before running it:
// by SQLSTATE and by the server's function that said so (the same in every
// language; utils/cache/plancache.c, commands/prepare.c, tcop/postgres.c,
// tcop/pquery.c), since a function of the user's may raise any SQLSTATE. A pooler
// that lost the statement names no function.
func (c *conn) stale(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "0A000":
		return e.Routine == "RevalidateCachedQuery"
	case "26000":
		return e.Routine == "FetchPreparedStatement" || e.Routine == "exec_bind_message" || e.Routine == ""
	case "08P01": // cache_describe: the formats are of a row that has changed
		return e.Routine == "PortalSetResultFormat"
	}
	return false
}

// dropStale empties the statement caches where any connection met a stale
// statement since this one last did.
func (c *conn) dropStale(ctx context.Context) error {
	now := c.c.epoch.Load()
	pc := c.Conn.Conn()
	if c.epoch == now || pc.PgConn().TxStatus() != 'I' {
		return nil
	}
	c.dropAll()
	if err := pc.DeallocateAll(ctx); err != nil {
		return fmt.Errorf("drop stale statements: %w", err)
	}
	c.epoch = now
	return nil
}

// tx ends a transaction, unless wire rows are still being read on its connection.
type tx struct {
	driver.Tx
	ctx context.Context //nolint:containedctx // database/sql gives Commit none, and stdlib uses this one
	c   *conn
}

// Commit commits. A transaction that the server rolled back instead is ErrTxAborted.
func (t *tx) Commit() error {
	if t.c.gate.Held() {
		return gate.ErrBusy
	}
	if t.c.Conn.Conn().IsClosed() {
		return driver.ErrBadConn // not sent
	}
	err := t.Tx.Commit()
	if errors.Is(err, jackpgx.ErrTxCommitRollback) {
		return &backend.Error{
			Op: "commit", Backend: "pgx", SQLState: "25P02", Code: backend.CodeInternal,
			Err: fmt.Errorf("%w: %w", backend.ErrTxAborted, err),
		}
	}
	return t.c.explain(t.ctx, err)
}

// Rollback rolls back. Where rows are open (database/sql rolls back from another
// goroutine when the context ends) the connection is given up instead, which the
// server answers with the same rollback.
func (t *tx) Rollback() error {
	if t.c.gate.Held() {
		t.c.interrupt()
		return driver.ErrBadConn
	}
	return t.Tx.Rollback()
}
