package connector

import (
	"context"
	"database/sql/driver"
)

// A type assertion is how database/sql, and code above it, asks a driver what it
// can do. The functions of this file give a wrapper the optional interfaces that
// what it wraps has, and no other.

// Unwrapper is what a connection of this package answers in (*sql.Conn).Raw.
type Unwrapper interface{ Unwrap() driver.Conn }

// Unwrap is the control's connection where v is a connection of this package, and
// v itself otherwise. Code that uses (*sql.Conn).Raw to reach its driver needs it
// as its one change, since database/sql hands out the connection that it holds:
//
//	conn.Raw(func(v any) error { native := connector.Unwrap(v).(*stdlib.Conn) … })
func Unwrap(v any) any {
	if u, ok := v.(Unwrapper); ok {
		return u.Unwrap()
	}
	return v
}

// The optional methods of a connection whose presence changes what database/sql
// does: one type each.
type (
	connLegacy   struct{ c *conn }
	connResetter struct{ c *conn }
	connValid    struct{ driver.Validator }
)

// Exec runs a statement without rows; database/sql asked for it before contexts.
func (l connLegacy) Exec(query string, values []driver.Value) (driver.Result, error) {
	return l.c.ExecContext(background, query, named(values))
}

// Query runs a statement with rows; database/sql asked for it before contexts.
func (l connLegacy) Query(query string, values []driver.Value) (driver.Rows, error) {
	return l.c.QueryContext(background, query, named(values))
}

// ResetSession asks the control. A transaction cannot outlive it.
func (r connResetter) ResetSession(ctx context.Context) error {
	r.c.tx = txState{}
	if err := r.c.control.(driver.SessionResetter).ResetSession(ctx); err != nil { //nolint:forcetypeassert // shapeConn has looked
		return err
	}
	r.c.m.reset(ctx)
	return nil
}

func shapeConn(c *conn) driver.Conn {
	_, exec := c.control.(driver.Execer)   //nolint:staticcheck // old drivers have it
	_, query := c.control.(driver.Queryer) //nolint:staticcheck // old drivers have it
	_, reset := c.control.(driver.SessionResetter)
	valid, v := c.control.(driver.Validator)
	type (
		C = *conn
		L = connLegacy
		R = connResetter
		V = connValid
	)
	l, r, x := L{c}, R{c}, V{valid}
	switch legacy := exec && query; {
	case legacy && reset && v:
		return struct {
			C
			L
			R
			V
		}{c, l, r, x}
	case legacy && reset:
		return struct {
			C
			L
			R
		}{c, l, r}
	case legacy && v:
		return struct {
			C
			L
			V
		}{c, l, x}
	case legacy:
		return struct {
			C
			L
		}{c, l}
	case reset && v:
		return struct {
			C
			R
			V
		}{c, r, x}
	case reset:
		return struct {
			C
			R
		}{c, r}
	case v:
		return struct {
			C
			V
		}{c, x}
	}
	return c
}

// shapeStmt covers the sixteen combinations of a statement's optional interfaces.
// A statement with a ColumnConverter gets a checker too, which asks the converter:
// database/sql would ask the converter about what the connection's checker has
// converted already.
func shapeStmt(s *stmt) driver.Stmt {
	_, exec := s.control.(driver.StmtExecContext)
	_, query := s.control.(driver.StmtQueryContext)
	_, checker := s.control.(driver.NamedValueChecker)
	column, converter := s.control.(driver.ColumnConverter) //nolint:staticcheck // old drivers have it
	e, q, n := stmtExec{s}, stmtQuery{s}, stmtChecker{s}
	type (
		E  = stmtExec
		Q  = stmtQuery
		N  = stmtChecker
		C  = driver.ColumnConverter //nolint:staticcheck // old drivers have it
		S  = *stmt
		EQ struct {
			S
			E
			Q
		}
	)
	switch {
	case converter && exec && query:
		return struct {
			EQ
			N
			C
		}{EQ{s, e, q}, n, column}
	case converter && exec:
		return struct {
			S
			E
			N
			C
		}{s, e, n, column}
	case converter && query:
		return struct {
			S
			Q
			N
			C
		}{s, q, n, column}
	case converter:
		return struct {
			S
			N
			C
		}{s, n, column}
	case checker && exec && query:
		return struct {
			EQ
			N
		}{EQ{s, e, q}, n}
	case checker && exec:
		return struct {
			S
			E
			N
		}{s, e, n}
	case checker && query:
		return struct {
			S
			Q
			N
		}{s, q, n}
	case checker:
		return struct {
			S
			N
		}{s, n}
	case exec && query:
		return EQ{s, e, q}
	case exec:
		return struct {
			S
			E
		}{s, e}
	case query:
		return struct {
			S
			Q
		}{s, q}
	}
	return s
}

// rowsSets and rowsNullable are the optional methods of rows that neither driver
// here must gain.
type (
	rowsSets     struct{ r *rows }
	rowsNullable struct{ driver.RowsColumnTypeNullable }
)

// HasNextResultSet asks the control.
func (s rowsSets) HasNextResultSet() bool { return s.r.hasNextSet() }

// NextResultSet moves both sides to their next result set.
func (s rowsSets) NextResultSet() error { return s.r.nextSet() }

func shapeRows(r *rows) driver.Rows {
	_, sets := r.control.(driver.RowsNextResultSet)
	nullable, null := r.control.(driver.RowsColumnTypeNullable)
	type R = *rows
	switch {
	case sets && null:
		return struct {
			R
			rowsSets
			rowsNullable
		}{r, rowsSets{r}, rowsNullable{nullable}}
	case sets:
		return struct {
			R
			rowsSets
		}{r, rowsSets{r}}
	case null:
		return struct {
			R
			rowsNullable
		}{r, rowsNullable{nullable}}
	}
	return r
}
