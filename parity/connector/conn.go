package connector

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// conn is a connection of the control. What it answers is the control's answer;
// beside that it tells its mirror and its recorder what happened.
//
// It has the methods that database/sql asks a connection for. Where the control's
// driver lacks one, the method does what database/sql does without it. Those whose
// mere presence changes something (SessionResetter, Validator, Execer, Queryer) are
// added by shape.
type conn struct {
	control driver.Conn
	of      *Connector
	id      uint64
	m       *side             // nil: nothing is mirrored
	start   map[string]string // what its first line in a record says of the session
	kept    []corpus.Line     // of a record, that found no room in the queue
	tx      txState
}

// txState is what is known of the control's transaction.
type txState struct {
	id         uint64 // 0 outside a transaction
	strict     bool   // REPEATABLE READ or above
	savepoints bool   // one was set: a snapshot can't be exported any more
	wrote      bool
}

var (
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
)

// Unwrap is the control's connection: what (*sql.Conn).Raw would give without the
// connector. What is done on it is seen by nobody, and counted as not compared.
func (c *conn) Unwrap() driver.Conn {
	c.m.raw()
	return c.control
}

// Close closes the control's connection; the candidate's goes without being waited
// for.
func (c *conn) Close() error {
	c.m.close()
	c.of.recorder.ended(c)
	return c.control.Close()
}

// CheckNamedValue converts an argument as the control wants it, and keeps what the
// caller gave.
func (c *conn) CheckNamedValue(nv *driver.NamedValue) error {
	original := *nv
	err := wrapArg(c.control, nil, nv)
	if err != nil && !errors.Is(err, driver.ErrRemoveArgument) && c.skips() {
		// Without ExecerContext database/sql would first prepare, and then ask the
		// statement: see refusal.
		*nv = original
		nv.Value = arg{original: original.Value, refused: err}
		return nil
	}
	return err
}

// skips says that the control's driver wants some statements prepared first.
func (c *conn) skips() bool {
	_, exec := c.control.(driver.ExecerContext)
	_, query := c.control.(driver.QueryerContext)
	return !exec || !query
}

// refusal is the error that CheckNamedValue has kept back.
func refusal(args []driver.NamedValue) error {
	for _, nv := range args {
		if a, ok := nv.Value.(arg); ok && a.refused != nil {
			name := fmt.Sprintf("$%d", nv.Ordinal)
			if nv.Name != "" {
				name = fmt.Sprintf("with name %q", nv.Name)
			}
			return fmt.Errorf("sql: converting argument %s type: %w", name, a.refused)
		}
	}
	return nil
}

func wrapArg(conn driver.Conn, stmt driver.Stmt, nv *driver.NamedValue) error {
	original := nv.Value
	if err := check(conn, stmt, nv); err != nil {
		return err
	}
	nv.Value = arg{original: original, control: nv.Value}
	return nil
}

// Ping asks the control.
func (c *conn) Ping(ctx context.Context) error {
	if p, ok := c.control.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// Begin starts a transaction.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx starts a transaction on the control.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	call := c.call(ctx, opBegin, beginText(o), nil)
	t, err := beginOn(ctx, c.control, o)
	call.took = time.Since(call.start)
	if err == nil {
		c.begin(call.text.Strict)
	}
	call.finish(err, func() { c.m.began(call, o, err) })
	if err != nil {
		return nil, err
	}
	return &tx{control: t, c: c, ctx: context.WithoutCancel(ctx)}, nil
}

// begin notes that the control is in a transaction.
func (c *conn) begin(strict bool) { c.tx = txState{id: c.of.txs.Add(1), strict: strict} }

// Prepare prepares a statement.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext prepares a statement on the control. The candidate prepares it
// when it is first run.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	call := c.call(ctx, opPrepare, c.of.parse(query), nil)
	s, err := prepareOn(ctx, c.control, query)
	call.took = time.Since(call.start)
	if err != nil {
		call.finish(err, func() { c.m.prepareFailed(call, err) })
		return nil, err
	}
	return shapeStmt(&stmt{control: s, c: c, text: call.text}), nil
}

// ExecContext runs a statement without rows.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	call := c.call(ctx, opExec, c.of.parse(query), args)
	return call.exec(func(args []driver.NamedValue) (driver.Result, error) {
		if err := refusal(call.args); err != nil && !lacks[driver.ExecerContext, driver.Execer](c.control) { //nolint:staticcheck // old drivers have it
			return nil, err
		}
		return execOn(ctx, c.control, query, args)
	})
}

// QueryContext runs a statement with rows.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	call := c.call(ctx, opQuery, c.of.parse(query), args)
	return call.query(func(args []driver.NamedValue) (driver.Rows, error) {
		if err := refusal(call.args); err != nil && !lacks[driver.QueryerContext, driver.Queryer](c.control) { //nolint:staticcheck // old drivers have it
			return nil, err
		}
		return queryOn(ctx, c.control, query, args)
	})
}

// lacks says that conn is neither an A nor a B.
func lacks[A, B any](conn driver.Conn) bool {
	_, a := conn.(A)
	_, b := conn.(B)
	return !a && !b
}

// beginText stands for a BEGIN that a driver makes of its options.
func beginText(o driver.TxOptions) *sqltext.Text {
	sql := "BEGIN"
	switch o.Isolation {
	case 1:
		sql += " ISOLATION LEVEL READ UNCOMMITTED"
	case 2:
		sql += " ISOLATION LEVEL READ COMMITTED"
	case 4, 5: // pgx takes snapshot for repeatable read
		sql += " ISOLATION LEVEL REPEATABLE READ"
	case 6, 7:
		sql += " ISOLATION LEVEL SERIALIZABLE"
	}
	if o.ReadOnly {
		sql += " READ ONLY"
	}
	return sqltext.Parse(sql)
}

// tx is a transaction of the control, with the candidate's beside it.
type tx struct {
	control driver.Tx
	c       *conn
	ctx     context.Context //nolint:containedctx // driver.Tx has no parameter for it
}

// Commit commits the control's transaction, then the candidate's.
func (t *tx) Commit() error { return t.end("COMMIT", opCommit, t.control.Commit) }

// Rollback rolls both back.
func (t *tx) Rollback() error { return t.end("ROLLBACK", opRollback, t.control.Rollback) }

func (t *tx) end(sql string, o op, control func() error) error {
	call := t.c.call(t.ctx, o, sqltext.Parse(sql), nil)
	err := control()
	call.took = time.Since(call.start)
	call.finish(err, func() { t.c.m.ended(call, err) })
	t.c.tx = txState{}
	return err
}
