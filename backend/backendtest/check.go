package backendtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
)

// test is a case while it runs: its Env with checks that end the case by a panic,
// which Env's runner turns into the case's error. So a case reads as what should
// happen. It belongs to one goroutine.
type test struct {
	context.Context
	*Env
	once    *session        // see connectOnce
	role    *backend.Config // see roleOnce
	through *sql.DB         // the pool behind the proxy, in lostAnswers
}

// def makes a Case of a body that uses checks.
func def(id, why string, body func(x *test)) Case {
	return Case{ID: id, Why: why, Run: func(ctx context.Context, e *Env) error {
		body(&test{Context: ctx, Env: e})
		return nil
	}}
}

// failf ends the case.
func (x *test) failf(format string, args ...any) { panic(stopped{fmt.Errorf(format, args...)}) }

// must ends the case where err is not nil; doing says what was attempted.
func (x *test) must(doing string, err error) {
	if err != nil {
		x.failf("%s: %w", doing, err)
	}
}

// same ends the case where got is not want.
func (x *test) same(what, got, want string) {
	if got != want {
		x.failf("%s is %s, want %s", what, short(got), short(want))
	}
}

// notRunf ends the case as one that could not be run.
func (x *test) notRunf(format string, args ...any) {
	panic(stopped{fmt.Errorf("%w: %s", ErrNotRun, fmt.Sprintf(format, args...))})
}

// short keeps a report readable when values are huge.
func short(s string) string {
	if len(s) > 400 {
		return fmt.Sprintf("%q… (%d bytes)", s[:200], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// within runs f and ends the case where f has not returned after d: for drivers
// that do not look at their context. What f started is ended by Env.
func (x *test) within(d time.Duration, what string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- recovered(v)
			}
		}()
		done <- f()
	}()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		x.failf("%s has not returned after %v", what, d)
		return nil
	}
}

// wants is what an error must be.
type wants struct {
	code  backend.Code
	state string // "" does not ask
}

// isError ends the case unless err is a failure of that kind.
func (x *test) isError(what string, err error, want wants) {
	if err == nil {
		x.failf("%s succeeds, want an error with code %v", what, want.code)
	}
	if got := backend.CodeOf(err); got != want.code {
		x.failf("%s: code is %v, want %v (%w)", what, got, want.code, err)
	}
	if got := backend.SQLStateOf(err); want.state != "" && got != want.state {
		x.failf("%s: SQLSTATE is %q, want %q (%w)", what, got, want.state, err)
	}
}

// hasState ends the case unless err carries one of the SQLSTATEs.
func (x *test) hasState(what string, err error, states ...string) {
	if err == nil {
		x.failf("%s succeeds, want SQLSTATE %s", what, strings.Join(states, " or "))
	}
	if got := backend.SQLStateOf(err); !slices.Contains(states, got) {
		x.failf("%s: SQLSTATE is %q, want %s (%w)", what, got, strings.Join(states, " or "), err)
	}
}

// session is one held connection. Its methods bind their arguments and wrap
// their errors, as every user of a backend does.
type session struct {
	x    *test
	conn *sql.Conn
}

// connect opens a connection on the case's own pool.
func (x *test) connect() *session {
	db, err := x.DB()
	x.must("open the pool", err)
	return x.on(db)
}

// borrow is a connection of the suite's shared pool, for cases that leave nothing
// behind in their session: it saves a login, which costs more than most cases. It
// is given back at the end of the case.
func (x *test) borrow() *session {
	s := x.on(x.s.shared)
	x.Cleanup(func() error {
		if x.failed { // whatever it left behind must not reach another case
			_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		return nil
	})
	if x.made {
		s.do("set search_path to " + x.Config.Session["search_path"])
	}
	return s
}

// connectTo opens a connection with another Config.
func (x *test) connectTo(c backend.Config) *session {
	db, err := x.Open(c)
	x.must("open the pool", err)
	return x.on(db)
}

func (x *test) on(db *sql.DB) *session {
	conn, err := db.Conn(x)
	x.must("connect", backend.Wrap(x.Backend, "connect", err))
	x.Cleanup(func() error { _ = conn.Close(); return nil }) // closed already, by most
	return &session{x, conn}
}

// bind hands args to Backend.Bind.
func (x *test) bind(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		v, err := x.Backend.Bind(a)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// exec runs a statement and returns how many rows it affected.
func (s *session) exec(query string, args ...any) (int64, error) {
	return s.execContext(s.x, query, args...)
}

func (s *session) execContext(ctx context.Context, query string, args ...any) (int64, error) {
	bound, err := s.x.bind(args)
	if err != nil {
		return 0, err
	}
	res, err := s.conn.ExecContext(ctx, query, bound...)
	if err != nil {
		return 0, backend.Wrap(s.x.Backend, "exec", err)
	}
	n, err := res.RowsAffected()
	return n, backend.Wrap(s.x.Backend, "rows affected", err)
}

// do is exec that must succeed, for each query.
func (s *session) do(queries ...string) {
	for _, q := range queries {
		_, err := s.exec(q)
		s.x.must(q, err)
	}
}

// begin, commit and rollback are what a caller with a held connection sends:
// isolation and access mode are always said.
func (s *session) begin()    { s.do("begin isolation level read committed read write") }
func (s *session) rollback() { s.do("rollback") }
func (s *session) commit() error {
	_, err := s.conn.ExecContext(s.x, "commit")
	return backend.WrapCommit(s.x.Backend, err)
}

// null is the text by which NULL is told from every value in compared rows.
const null = "∅"

// query reads rows as text through database/sql, with a Scanner that takes
// whatever a driver hands over as text.
func (s *session) query(query string, args ...any) ([][]string, error) {
	return s.queryContext(s.x, query, args...)
}

func (s *session) queryContext(ctx context.Context, query string, args ...any) ([][]string, error) {
	bound, err := s.x.bind(args)
	if err != nil {
		return nil, err
	}
	rows, err := s.conn.QueryContext(ctx, query, bound...)
	if err != nil {
		return nil, backend.Wrap(s.x.Backend, "query", err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, backend.Wrap(s.x.Backend, "query", err)
	}
	var out [][]string
	cells, dest := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range cells {
		dest[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return out, backend.Wrap(s.x.Backend, "scan", err)
		}
		row := make([]string, len(cells))
		for i, c := range cells {
			row[i] = c.String
			if !c.Valid {
				row[i] = null
			}
		}
		out = append(out, row)
	}
	return out, backend.Wrap(s.x.Backend, "query", errors.Join(rows.Err(), rows.Close()))
}

// wire reads rows through QueryWire, decoded to text by the codec.
func (s *session) wire(query string, args ...any) ([][]string, error) {
	return s.wireContext(s.x, query, args...)
}

func (s *session) wireContext(ctx context.Context, query string, args ...any) ([][]string, error) {
	return s.wireAs(ctx, query, args, func(t *codec.Type, cell []byte, f codec.Format) ([]byte, error) {
		return t.AppendText(nil, cell, f)
	})
}

func (s *session) wireAs(ctx context.Context, query string, args []any, decode func(*codec.Type, []byte, codec.Format) ([]byte, error)) ([][]string, error) {
	w, ok := s.x.Backend.(backend.WireQuerier)
	if !ok {
		s.x.notRunf("the backend is no WireQuerier")
	}
	bound, err := s.x.bind(args)
	if err != nil {
		return nil, err
	}
	rows, err := w.QueryWire(ctx, s.conn, query, bound)
	if err != nil {
		return nil, err
	}
	columns := slices.Clone(rows.Columns())
	var out [][]string
	for rows.Next() {
		row := make([]string, len(columns))
		for i, cell := range rows.Values() {
			if cell == nil {
				row[i] = null
				continue
			}
			text, err := decode(codec.Builtin().Type(columns[i].OID), cell, codec.Format(columns[i].Format))
			if err != nil {
				return out, errors.Join(err, rows.Close())
			}
			row[i] = string(text)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		_ = rows.Close() // says the same again
		return out, err
	}
	return out, rows.Close()
}

// reader is one of the two ways to read rows.
type reader struct {
	name string
	read func(s *session, query string, args ...any) ([][]string, error)
}

// readers are the ways that the backend under test offers.
func (x *test) readers() []reader {
	list := []reader{{"database/sql", (*session).query}}
	if _, ok := x.Backend.(backend.WireQuerier); ok {
		list = append(list, reader{"QueryWire", (*session).wire})
	}
	return list
}

// value is the first value of the first row, which must exist; through
// database/sql.
func (s *session) value(query string, args ...any) string {
	rows, err := s.query(query, args...)
	s.x.must(query, err)
	if len(rows) == 0 || len(rows[0]) == 0 {
		s.x.failf("%s: no row", query)
	}
	return rows[0][0]
}

// everyReader runs the query on every path and ends the case unless each gives want.
func (s *session) everyReader(want, query string, args ...any) {
	for _, r := range s.x.readers() {
		rows, err := r.read(s, query, args...)
		s.x.must(r.name+": "+query, err)
		s.x.same(r.name+": "+query, flat(rows), want)
	}
}

// flat prints rows on one line: cells by "|", rows by "; ".
func flat(rows [][]string) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = strings.Join(r, "|")
	}
	return strings.Join(lines, "; ")
}

// observe is a question to a second session.
func (x *test) observe(query string) string {
	v, err := x.outside(x, query)
	x.must(query, err)
	return v
}

// prepare runs DDL in a second session.
func (x *test) prepare(queries ...string) {
	for _, q := range queries {
		x.must(q, x.Outside(x, q))
	}
}
