package parity_test

import (
	"context"
	"database/sql"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
)

// fib is a backend that lies below the executor: about the rows of the statements
// that are not parity's own, or about what the connection said.
type fib struct {
	backend.Backend

	query  func(ctx context.Context, honest func() (backend.WireRows, error)) (backend.WireRows, error)
	notice func([]backend.Notice) []backend.Notice
}

func (f *fib) Mode() string { return "fib" }

func (f *fib) QueryWire(ctx context.Context, conn *sql.Conn, query string, args []any) (backend.WireRows, error) {
	honest := func() (backend.WireRows, error) {
		return f.Backend.(backend.WireQuerier).QueryWire(ctx, conn, query, args)
	}
	if f.query == nil || strings.Contains(query, "pg_catalog.") || strings.HasPrefix(query, "set constraints") {
		return honest()
	}
	return f.query(ctx, honest)
}

func (f *fib) ObserveSession(conn *sql.Conn) (backend.SessionState, error) {
	s, err := f.Backend.(backend.SessionObserver).ObserveSession(conn)
	if f.notice != nil {
		s.Notices = f.notice(s.Notices)
	}
	return s, err
}

// fibRows are rows that next makes of the honest ones.
type fibRows struct {
	backend.WireRows

	columns []backend.Column
	next    func(n int, row [][]byte) [][][]byte // as of liar
	end     error
	reused  bool // the row changes once it was read

	n       int
	pending [][][]byte
	row     [][]byte
	reads   int
	err     error
}

func (r *fibRows) Columns() []backend.Column {
	if r.columns != nil {
		return r.columns
	}
	return r.WireRows.Columns()
}

func (r *fibRows) Next() bool {
	for len(r.pending) == 0 {
		if !r.WireRows.Next() {
			r.err = r.end
			return false
		}
		r.n++
		row := make([][]byte, len(r.WireRows.Values()))
		for i, v := range r.WireRows.Values() {
			if v != nil {
				row[i] = append([]byte{}, v...)
			}
		}
		r.pending = [][][]byte{row}
		if r.next != nil {
			r.pending = r.next(r.n, row)
		}
	}
	r.row, r.pending, r.reads = r.pending[0], r.pending[1:], 0
	return true
}

func (r *fibRows) Values() [][]byte {
	if r.reads++; r.reads == 2 && r.reused {
		for _, v := range r.row {
			for i := range v {
				v[i] = '9'
			}
		}
	}
	return r.row
}

func (r *fibRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.WireRows.Err()
}

func (r *fibRows) Close() error {
	err := r.WireRows.Close()
	if r.err != nil {
		return r.err
	}
	return err
}

// about is a lie about rows.
func about(change func(*fibRows)) func(*fib) {
	return func(f *fib) {
		f.query = func(_ context.Context, honest func() (backend.WireRows, error)) (backend.WireRows, error) {
			rows, err := honest()
			if err != nil {
				return nil, err
			}
			r := &fibRows{WireRows: rows}
			change(r)
			return r, nil
		}
	}
}

// says is a lie about one value: where the first column is from, it is to. The word
// NULL is NULL.
func says(from, to string) func(*fib) {
	return about(func(r *fibRows) {
		r.next = func(_ int, row [][]byte) [][][]byte {
			if text(row[0]) == from {
				row[0] = []byte(to)
				if to == "NULL" {
					row[0] = nil
				}
			}
			return [][][]byte{row}
		}
	})
}

func text(v []byte) string {
	if v == nil {
		return "NULL"
	}
	return string(v)
}
