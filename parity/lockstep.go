package parity

import (
	"fmt"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// lockstep is the control's rows, compared with the candidate's while the
// caller reads them. It is the backend.WireRows that the caller's Rows is made
// of: values are the control's, and a difference is its error at the end.
type lockstep struct {
	control, candidate *executor.Rows
	columns            []builder.Column
	name               string
	ordered            bool
	cmp                *comparison
	bag                *bag // of an unordered statement
	done               func(complete bool, controlErr error) error

	a, b     row
	nulls    []bool // columns in which the control had a NULL
	n        int64
	took     [2]time.Duration // control, candidate: sending and waiting for rows
	blind    bool             // nothing more can be compared; the control's rows still flow
	ended    bool
	finished bool
	err      error
}

func (l *lockstep) Columns() []backend.Column { return wireColumns(l.control) }
func (l *lockstep) Values() [][]byte          { return l.control.Values() }
func (l *lockstep) Err() error                { return l.err }

// Next moves both sides by one row.
func (l *lockstep) Next() bool {
	if l.ended {
		return false
	}
	if !l.advance(l.control, 0) {
		l.ended = true
		l.drain()
		l.err = l.control.Err()
		l.end(true)
		return false
	}
	l.n++
	if !l.blind {
		l.compare()
	}
	return true
}

// advance moves one side by one row and counts its time.
func (l *lockstep) advance(rows *executor.Rows, side int) bool {
	start := time.Now()
	ok := rows.Next()
	l.took[side] += time.Since(start)
	return ok
}

// compare looks at the candidate's row in the control's place.
func (l *lockstep) compare() {
	if err := l.a.fill(l.columns, l.control.Formats(), l.control.Values()); err != nil {
		l.stop(fmt.Sprintf("the control's row %d could not be read: %v", l.n, err))
		return
	}
	if l.nulls == nil {
		l.nulls = make([]bool, len(l.columns))
	}
	l.a.nullsOf(l.nulls)
	if !l.advance(l.candidate, 1) {
		if l.candidate.Err() != nil {
			l.blind = true // drain compares the errors
			return
		}
		if l.ordered {
			l.cmp.add(Diff{Kind: DiffMissing, Statement: l.name, Row: l.n, Detail: "- " + l.a.text(l.columns)})
		} else {
			l.bag.put(&l.a, 1, l.n)
		}
		return
	}
	if err := l.b.fill(l.columns, l.candidate.Formats(), l.candidate.Values()); err != nil {
		l.cmp.add(Diff{Kind: DiffError, Statement: l.name, Row: l.n, Detail: fmt.Sprintf("candidate: %v", err)})
		l.blind = true
		return
	}
	switch {
	case l.ordered:
		l.cmp.pair(l.name, l.columns, l.n, &l.a, &l.b)
	case l.a.equal(&l.b):
		l.cmp.compared++
	default:
		l.cmp.compared++
		l.bag.put(&l.a, 1, l.n)
		l.bag.put(&l.b, -1, l.n)
	}
}

// drain compares what is left when the control has ended: rows that only the
// candidate has, and how both ended.
func (l *lockstep) drain() {
	extra := l.n
	for !l.blind && l.advance(l.candidate, 1) {
		extra++
		if err := l.b.fill(l.columns, l.candidate.Formats(), l.candidate.Values()); err != nil {
			l.cmp.add(Diff{Kind: DiffError, Statement: l.name, Detail: fmt.Sprintf("candidate: %v", err)})
			break
		}
		if l.ordered {
			l.cmp.add(Diff{Kind: DiffExtra, Statement: l.name, Detail: "+ " + l.b.text(l.columns)})
		} else {
			l.bag.put(&l.b, -1, extra)
		}
	}
	l.cmp.errs(l.name, l.control.Err(), l.candidate.Err())
	if l.bag != nil && l.control.Err() == nil && l.candidate.Err() == nil {
		l.bag.finish(l.cmp, l.name, l.columns)
	}
}

// stop gives up comparing and lets the control go on.
func (l *lockstep) stop(reason string) {
	l.cmp.inconclusive(reason)
	l.blind = true
}

// end closes both sides and gives the verdict to done, whose error (a mismatch,
// in strict mode) is the error of the rows.
func (l *lockstep) end(complete bool) {
	if l.finished {
		return
	}
	l.finished = true
	_ = l.candidate.Close() // its error was compared, or the caller left early
	if err := l.control.Close(); l.err == nil && complete {
		l.err = err
	}
	if err := l.done(complete, l.err); err != nil {
		l.err = err
	}
}

// Close ends both sides. Rows that were left unread are not compared: with an
// order the part that was read stands, without one nothing can be said.
func (l *lockstep) Close() error {
	if !l.ended {
		l.ended = true
		if !l.ordered && l.bag != nil && len(l.bag.open) > 0 {
			l.cmp.inconclusive("the rows were closed early and their order is not fixed")
		}
		l.end(false)
	}
	return l.err
}

// wireColumns describes rows for who wraps them.
func wireColumns(rows *executor.Rows) []backend.Column {
	columns := make([]backend.Column, len(rows.Columns()))
	for i, c := range rows.Columns() {
		columns[i] = backend.Column{Name: c.Name, OID: c.Type.OID(), Format: backend.Format(rows.Formats()[i])}
	}
	return columns
}

// memory is rows held in memory, as backend.WireRows.
type memory struct {
	columns []backend.Column
	rows    [][][]byte
	at      int
}

func (m *memory) Columns() []backend.Column { return m.columns }
func (m *memory) Next() bool                { m.at++; return m.at <= len(m.rows) }
func (m *memory) Values() [][]byte          { return m.rows[m.at-1] }
func (m *memory) Err() error                { return nil }
func (m *memory) Close() error              { m.at = len(m.rows); return nil }

// hold reads rows to the end into memory and into o, at most limit bytes.
func hold(rows *executor.Rows, o *observation, limit int64) (*memory, error) {
	m := &memory{columns: wireColumns(rows)}
	o.columns = rows.Columns()
	var size int64
	for rows.Next() {
		r := new(row)
		if err := r.fill(o.columns, rows.Formats(), rows.Values()); err != nil {
			_ = rows.Close()
			return nil, err
		}
		o.rows = append(o.rows, r)
		values := make([][]byte, len(rows.Values()))
		for i, v := range rows.Values() {
			if v != nil {
				values[i] = append([]byte{}, v...)
				size += int64(len(v))
			}
		}
		size += int64(len(r.data)) + 40*int64(len(values))
		if size > limit {
			_ = rows.Close()
			return nil, backend.New("compare", backend.CodeLimit, fmt.Errorf("%s returned more than the %d bytes that parity may hold", o.name, limit))
		}
		m.rows = append(m.rows, values)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	return m, rows.Err()
}
