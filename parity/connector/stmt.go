package connector

import (
	"context"
	"database/sql/driver"

	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// stmt is a prepared statement of the control.
type stmt struct {
	control driver.Stmt
	c       *conn
	text    *sqltext.Text
}

// Close closes the statement on both sides.
func (s *stmt) Close() error {
	s.c.m.closeStmt(s)
	return s.control.Close()
}

// NumInput is the control's.
func (s *stmt) NumInput() int { return s.control.NumInput() }

// Exec runs the statement.
func (s *stmt) Exec(values []driver.Value) (driver.Result, error) {
	return s.exec(context.Background(), named(values))
}

// Query runs the statement.
func (s *stmt) Query(values []driver.Value) (driver.Rows, error) {
	return s.query(context.Background(), named(values))
}

func named(values []driver.Value) []driver.NamedValue {
	args := make([]driver.NamedValue, len(values))
	for i, v := range values {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return args
}

func (s *stmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	call := s.c.call(ctx, opExec, s.text, args)
	call.stmt = s
	return call.exec(func(args []driver.NamedValue) (driver.Result, error) { return stmtExecOn(ctx, s.control, args) })
}

func (s *stmt) query(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	call := s.c.call(ctx, opQuery, s.text, args)
	call.stmt = s
	return call.query(func(args []driver.NamedValue) (driver.Rows, error) { return stmtQueryOn(ctx, s.control, args) })
}

// The optional methods of a statement, one type each.
type (
	stmtExec    struct{ s *stmt }
	stmtQuery   struct{ s *stmt }
	stmtChecker struct{ s *stmt }
)

// ExecContext runs the statement.
func (e stmtExec) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return e.s.exec(ctx, args)
}

// QueryContext runs the statement.
func (q stmtQuery) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return q.s.query(ctx, args)
}

// CheckNamedValue converts an argument as the control's statement wants it.
func (c stmtChecker) CheckNamedValue(nv *driver.NamedValue) error {
	return wrapArg(c.s.c.control, c.s.control, nv)
}
