package pq

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	libpq "github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
)

// tx ends a transaction, unless wire rows are still being read on its connection.
type tx struct {
	driver.Tx
	ctx context.Context //nolint:containedctx // database/sql gives Commit and Rollback none
	c   *conn
}

// Commit commits; the context of BeginTx bounds the wait. A transaction that the
// server rolled back instead is ErrTxAborted.
func (t *tx) Commit() error {
	if t.c.gate.Held() {
		return gate.ErrBusy
	}
	if err := t.c.alive(); err != nil {
		return err
	}
	// Not canceled at the server: a commit that was sent is better waited for.
	defer t.c.guard(t.ctx, false)()
	err := t.Tx.Commit()
	if errors.Is(err, libpq.ErrInFailedTransaction) {
		return &backend.Error{
			Op: "commit", Backend: "pq", SQLState: "25P02", Code: backend.CodeInternal,
			Err: fmt.Errorf("%w: %w", backend.ErrTxAborted, err),
		}
	}
	return t.c.explain(t.ctx, err)
}

// rollbackTimeout bounds a rollback, which database/sql sends when the context has
// already ended.
const rollbackTimeout = 5 * time.Second

// Rollback rolls back. Where rows are open (database/sql rolls back from another
// goroutine when the context ends) the connection is given up instead, which the
// server answers with the same rollback.
func (t *tx) Rollback() error {
	if t.c.gate.Held() {
		t.c.interrupt()
		return driver.ErrBadConn
	}
	if err := t.c.alive(); err != nil {
		return err
	}
	if err := t.c.x.SetDeadline(time.Now().Add(rollbackTimeout)); err != nil {
		return driver.ErrBadConn
	}
	err := t.Tx.Rollback()
	if err == nil {
		err = t.c.x.SetDeadline(time.Time{})
	}
	if err != nil {
		// A connection whose rollback failed may hold a transaction still.
		t.c.broken.Store(true)
		return t.c.explain(context.Background(), err)
	}
	return nil
}

// stmt is a statement that database/sql prepared.
type stmt struct {
	driver.Stmt
	c *conn
}

var (
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
	_ driver.NamedValueChecker = (*stmt)(nil)
)

// CheckNamedValue is the connection's.
func (s *stmt) CheckNamedValue(v *driver.NamedValue) error { return s.c.CheckNamedValue(v) }

// ExecContext runs the statement.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.c.enter(ctx, len(args)); err != nil {
		return nil, err
	}
	defer s.c.guard(ctx, true)()
	res, err := s.Stmt.(driver.StmtExecContext).ExecContext(context.Background(), args) //nolint:forcetypeassert // lib/pq has one type of statement
	if err != nil {
		return nil, s.c.explain(ctx, err)
	}
	return res, nil
}

// QueryContext runs the statement.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.c.enter(ctx, len(args)); err != nil {
		return nil, err
	}
	release := s.c.guard(ctx, true)
	r, err := s.Stmt.(driver.StmtQueryContext).QueryContext(context.Background(), args) //nolint:forcetypeassert // lib/pq has one type of statement
	if err != nil {
		release()
		return nil, s.c.explain(ctx, err)
	}
	return newDriverRows(ctx, s.c, r, release), nil
}
