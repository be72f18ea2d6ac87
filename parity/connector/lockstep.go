package connector

import (
	"database/sql/driver"
	"errors"
	"io"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

// lockstep compares the control's rows with the candidate's while the caller reads
// them.
type lockstep struct {
	s            *side
	k            *call
	cmp          *comparison
	p            *pump // nil: the candidate failed at once
	names        []string
	control      []string // names of types
	columns      []column
	bag          *bag // of rows without an order
	a, b         []cell
	n            int64
	took         time.Duration // of the candidate
	candidateErr error
	blind        bool // nothing more can be compared
	done         bool // the candidate's rows have ended
}

func (s *side) lockstep(k *call, control driver.Rows, p *pump, candidateErr error) *lockstep {
	l := &lockstep{s: s, k: k, cmp: s.comparison(), p: p, candidateErr: candidateErr}
	l.describe(control)
	return l
}

// describe begins a result set.
func (l *lockstep) describe(control driver.Rows) {
	l.names, l.control = describe(control)
	var types []string
	l.blind = l.p == nil || !l.cmp.names(l.names, l.p.columns)
	if l.p != nil {
		types = l.p.types
	}
	l.columns = columnsOf(l.names, l.control, types)
	l.a, l.b = make([]cell, len(l.columns)), make([]cell, len(l.columns))
	l.bag, l.n, l.done = nil, 0, false
	if !l.k.text.Ordered {
		l.bag = &bag{open: make(map[string]*openRow), limit: l.s.m.maxBytes}
	}
}

func (l *lockstep) fill(cells []cell, values []driver.Value) {
	for i := range cells {
		cells[i] = canonical(l.columns[i].typ, values[i])
	}
}

// row compares one row of the control with the candidate's next.
func (l *lockstep) row(dest []driver.Value) {
	l.n++
	if l.blind || len(dest) != len(l.columns) {
		return
	}
	l.fill(l.a, dest)
	l.cmp.read(l.columns, l.a)
	if !l.next() {
		switch {
		case l.candidateErr != nil:
			l.blind = true // close compares the errors
		case l.bag != nil:
			l.meet(l.bag.put(l.a, 1, l.n), false)
		default:
			l.cmp.add(parity.Diff{Kind: parity.DiffMissing, Row: l.n, Detail: "- " + rowText(l.columns, l.a)})
		}
		return
	}
	if l.bag == nil {
		l.cmp.pair(l.columns, l.n, l.a, l.b)
		return
	}
	for i := range l.a {
		if l.a[i].canon != l.b[i].canon {
			l.meet(l.bag.put(l.a, 1, l.n), false)
			l.meet(l.bag.put(l.b, -1, l.n), true)
			return
		}
	}
	l.cmp.pair(l.columns, l.n, l.a, l.b)
}

// meet compares how two rows look to Go that the bag has brought together.
func (l *lockstep) meet(other []cell, isCandidate bool) {
	switch {
	case other == nil:
	case isCandidate:
		l.cmp.pair(l.columns, l.n, other, l.b)
	default:
		l.cmp.pair(l.columns, l.n, l.a, other)
	}
}

// next moves the candidate by one row, into l.b.
func (l *lockstep) next() bool {
	if l.done {
		return false
	}
	start := time.Now()
	values, err := l.p.next()
	l.took += time.Since(start)
	if err != nil {
		l.done = true
		if !errors.Is(err, io.EOF) {
			l.candidateErr = err
		}
		return false
	}
	l.fill(l.b, values)
	return true
}

// endSet compares what is left when the control's result set has ended.
func (l *lockstep) endSet(controlErr error) {
	extra := l.n
	for !l.blind && l.next() {
		if controlErr != nil {
			continue
		}
		extra++
		if l.bag != nil {
			l.meet(l.bag.put(l.b, -1, extra), true)
			continue
		}
		l.cmp.add(parity.Diff{Kind: parity.DiffExtra, Detail: "+ " + rowText(l.columns, l.b)})
		if l.cmp.dropped > 0 {
			break // enough is shown
		}
	}
	if l.bag != nil && controlErr == nil && l.candidateErr == nil && !l.blind {
		l.bag.finish(l.cmp, l.columns)
		l.bag = nil
	}
}

// nextSet follows the control to its next result set; skipped says that the rows
// of the last were not all read.
func (l *lockstep) nextSet(control driver.Rows, skipped bool) {
	if l.p == nil {
		return
	}
	for !l.done && l.next() {
		continue
	}
	if skipped {
		l.skippedRows()
	}
	if l.candidateErr == nil && !l.p.nextSet() {
		l.cmp.add(parity.Diff{Kind: parity.DiffStatement, Detail: "- a further result set"})
		l.blind, l.done = true, true
		return
	}
	l.describe(control)
}

// left ends a result set whose rows the caller has not read to the end, as QueryRow
// does. Where the candidate has no more rows than were read, these can be compared
// without an order too.
func (l *lockstep) left() {
	if l.bag == nil || l.blind || len(l.bag.open) == 0 {
		return
	}
	if !l.next() && l.candidateErr == nil {
		l.bag.finish(l.cmp, l.columns)
		return
	}
	l.skippedRows()
}

func (l *lockstep) skippedRows() {
	if l.bag != nil && len(l.bag.open) > 0 {
		l.cmp.inconclusive("the rows were closed early and their order is not fixed")
	}
}

// close ends the comparison: complete says that the caller has read all rows.
func (l *lockstep) close(complete bool, controlErr error) {
	if !complete && controlErr == nil {
		l.left()
	}
	if l.p != nil {
		if complete && controlErr == nil && l.candidateErr == nil && l.done && l.p.nextSet() {
			l.cmp.add(parity.Diff{Kind: parity.DiffStatement, Detail: "+ a further result set"})
		}
		l.p.stop()
	}
	if complete || controlErr != nil || l.p == nil {
		l.cmp.errs(controlErr, l.candidateErr)
	}
	l.s.finish(l.k, l.cmp, result{
		control: outcome{err: controlErr, rows: l.n, took: l.k.took}, candidate: outcome{err: l.candidateErr, rows: l.cmp.rows, took: l.took},
	})
}
