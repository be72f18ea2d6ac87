package backendtest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"maps"
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
)

// liar is an honest backend with one lie told by a hook. Nil hooks are honest.
type liar struct {
	backend.Backend
	bind   func(any) (any, error)
	config func(*backend.Config)
	fields func(state string, f *backend.Fields) string
	wire   func(backend.WireRows) backend.WireRows
	conn   func(honest) driver.Conn
	make   func(backend.Config)
}

func (l liar) Bind(arg any) (any, error) {
	if l.bind != nil {
		return l.bind(arg)
	}
	return l.Backend.Bind(arg)
}

func (l liar) Connector(c backend.Config) (driver.Connector, error) {
	if l.make != nil {
		l.make(c)
	}
	if l.config != nil {
		c.Session = maps.Clone(c.Session)
		l.config(&c)
	}
	connector, err := l.Backend.Connector(c)
	if err != nil || l.conn == nil {
		return connector, err
	}
	return lyingConnector{connector, l.conn}, nil
}

func (l liar) ErrorFields(err error) (string, backend.Fields, bool) {
	state, f, ok := l.Backend.(backend.FieldReader).ErrorFields(err)
	if l.fields != nil {
		state = l.fields(state, &f)
	}
	return state, f, ok
}

// wired is a liar that keeps QueryWire; one that replaces connections cannot,
// since QueryWire needs the driver's own.
type wired struct{ liar }

func (w wired) QueryWire(ctx context.Context, conn *sql.Conn, query string, args []any) (backend.WireRows, error) {
	rows, err := w.Backend.(backend.WireQuerier).QueryWire(ctx, conn, query, args)
	if err != nil {
		var e *backend.Error
		if w.fields != nil && errors.As(err, &e) {
			c := *e
			c.SQLState = w.fields(c.SQLState, &c.Fields)
			return nil, &c
		}
		return nil, err
	}
	if w.wire != nil {
		return w.wire(rows), nil
	}
	return rows, nil
}

type lyingConnector struct {
	driver.Connector
	lie func(honest) driver.Conn
}

func (c lyingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return c.lie(honest{conn}), nil
}

// honest passes everything on; lies embed it.
type honest struct{ driver.Conn }

func (h honest) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	return h.Conn.(driver.ExecerContext).ExecContext(ctx, q, args)
}

func (h honest) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	return h.Conn.(driver.QueryerContext).QueryContext(ctx, q, args)
}

func (h honest) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	return h.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, q)
}

func (h honest) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return h.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}
func (h honest) Ping(ctx context.Context) error { return h.Conn.(driver.Pinger).Ping(ctx) }
func (h honest) ResetSession(ctx context.Context) error {
	return h.Conn.(driver.SessionResetter).ResetSession(ctx)
}
func (h honest) IsValid() bool { return h.Conn.(driver.Validator).IsValid() }
func (h honest) CheckNamedValue(v *driver.NamedValue) error {
	return h.Conn.(driver.NamedValueChecker).CheckNamedValue(v)
}

type execLie struct {
	honest
	exec func(h honest, ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error)
}

func (l execLie) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	return l.exec(l.honest, ctx, q, args)
}

type beginLie struct {
	honest
	begin func(h honest, ctx context.Context, o driver.TxOptions) (driver.Tx, error)
}

func (l beginLie) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return l.begin(l.honest, ctx, o)
}

type queryLie struct {
	honest
	cell func(driver.Value) driver.Value
}

func (l queryLie) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := l.honest.QueryContext(ctx, q, args)
	if err != nil {
		return nil, err
	}
	return lyingRows{rows, l.cell}, nil
}

type lyingRows struct {
	driver.Rows
	cell func(driver.Value) driver.Value
}

func (r lyingRows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	for i := range dest {
		dest[i] = r.cell(dest[i])
	}
	return err
}

type agreeableTx struct{ driver.Tx }

func (t agreeableTx) Commit() error { _ = t.Tx.Commit(); return nil }

// wireLie changes what WireRows say.
type wireLie struct {
	backend.WireRows
	skip   int // this row, from 1
	n      int
	nulls  bool
	quiet  bool
	column func(backend.Column) backend.Column
}

func (w *wireLie) Next() bool {
	w.n++
	if w.n == w.skip && !w.WireRows.Next() {
		return false
	}
	return w.WireRows.Next()
}

func (w *wireLie) Values() [][]byte {
	v := w.WireRows.Values()
	if !w.nulls {
		return v
	}
	v = slices.Clone(v)
	for i := range v {
		if v[i] == nil {
			v[i] = []byte{}
		}
	}
	return v
}

func (w *wireLie) Err() error {
	if w.quiet {
		return nil
	}
	return w.WireRows.Err()
}

func (w *wireLie) Close() error {
	err := w.WireRows.Close()
	if w.quiet {
		return nil
	}
	return err
}

func (w *wireLie) Columns() []backend.Column {
	cols := slices.Clone(w.WireRows.Columns())
	if w.column != nil {
		for i := range cols {
			cols[i] = w.column(cols[i])
		}
	}
	return cols
}
