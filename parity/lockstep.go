package parity

import (
	"fmt"
	"math/rand/v2"
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
	bag                *bag   // of an unordered statement
	asked              *asked // the rows that the server will be asked about; nil: none
	done               func(complete bool, controlErr error) error
	controlErr         error // of sending the statement
	candidateErr       error

	a, b     row
	nulls    []bool           // columns in which the control had a NULL
	values   [][]byte         // the control's row, as it was compared
	n, m     int64            // rows of the control and of the candidate
	filled   bool             // a and b are the current rows
	took     [2]time.Duration // control, candidate: sending and waiting for rows
	timed    int64            // how many rows come before the one that is timed
	blind    bool             // nothing more can be compared; the control's rows still flow
	ended    bool
	finished bool
	err      error
}

func (l *lockstep) Columns() []backend.Column { return wireColumns(l.control) }
func (l *lockstep) Values() [][]byte          { return l.values }
func (l *lockstep) Err() error                { return l.err }

// Next moves both sides by one row.
func (l *lockstep) Next() bool {
	if l.ended {
		return false
	}
	l.stable()
	l.filled = false
	if !l.advance(0) {
		l.ended = true
		l.drain()
		l.err = l.control.Err()
		l.end(true)
		return false
	}
	l.n++
	l.values = l.control.Values()
	if !l.blind {
		l.compare()
	}
	return true
}

// Each of the first timedRows rows is timed; of those that follow one in timedEvery is, a
// random one, and counts for all of these: asking the clock four times for each row costs a
// tenth of comparing it.
const (
	timedRows  = 128
	timedEvery = 16
)

// advance moves one side by one row and counts its time.
func (l *lockstep) advance(side int) bool {
	weight := int64(1)
	if before := [...]int64{l.n, l.m}[side]; before >= timedRows {
		if side == 0 && before%timedEvery == 0 {
			l.timed = before + rand.Int64N(timedEvery) //nolint:gosec // a sample, not a secret
		}
		if before != l.timed {
			return l.step(side)
		}
		weight = timedEvery
	}
	start := time.Now()
	ok := l.step(side)
	l.took[side] += time.Since(start) * time.Duration(weight)
	return ok
}

// step moves one side by one row. A panic of the candidate is its error.
func (l *lockstep) step(side int) (ok bool) {
	if side == 0 {
		ok = l.control.Next()
	} else {
		err := contained(func() error { ok = l.candidate.Next(); return nil })
		if err != nil {
			l.closeCandidate()
			l.candidate = executor.NewRows(&failed{err: err}, nil)
			ok = l.candidate.Next()
		}
		if ok {
			l.m++
		}
	}
	return ok
}

// closeCandidate closes its rows. Their error was compared, or nobody asks.
func (l *lockstep) closeCandidate() { _ = contained(l.candidate.Close) }

// checkEvery is every which row is looked at again before the next one comes.
const checkEvery = 16

// stable checks that the current rows still are what was compared: a driver must not
// touch them before the next call. The first row is always checked.
func (l *lockstep) stable() {
	if !l.filled || l.n%checkEvery != 1 {
		return
	}
	var now row
	for side, rows := range []*executor.Rows{l.control, l.candidate} {
		was := &l.a
		if side == 1 {
			was = &l.b
		}
		if err := now.fill(l.columns, rows.Formats(), rows.Values()); err == nil && now.equal(was) {
			continue
		}
		name := [...]Voice{VoiceControl, VoiceCandidate}[side]
		l.cmp.add(Diff{Kind: DiffUnstable, Statement: l.name, Row: l.n, Detail: fmt.Sprintf("the row of the %s has changed since it was handed out", name)})
		l.cmp.blame(side == 0, side == 1)
	}
}

// compare looks at the candidate's row in the control's place.
func (l *lockstep) compare() {
	if err := l.a.fill(l.columns, l.control.Formats(), l.values); err != nil {
		l.stop(fmt.Sprintf("the control's row %d could not be read: %v", l.n, err))
		return
	}
	if l.nulls == nil {
		l.nulls = make([]bool, len(l.columns))
	}
	l.a.nullsOf(l.nulls)
	if !l.advance(1) {
		if l.candidate.Err() != nil {
			l.blind = true // drain compares the errors
			return
		}
		if l.ordered {
			l.cmp.missing(l.name, l.columns, l.n, &l.a)
		} else {
			l.bag.put(&l.a, 1, l.n)
		}
		return
	}
	if err := l.b.fill(l.columns, l.candidate.Formats(), l.candidate.Values()); err != nil {
		l.unreadable(err)
		return
	}
	l.filled = true
	if l.asked != nil {
		l.asked.take(l.columns, l.control, l.candidate, l.a.equal(&l.b))
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
	for !l.blind && l.advance(1) {
		extra++
		if err := l.b.fill(l.columns, l.candidate.Formats(), l.candidate.Values()); err != nil {
			l.unreadable(err)
			break
		}
		if l.ordered {
			l.cmp.extra(l.name, l.columns, &l.b)
		} else {
			l.bag.put(&l.b, -1, extra)
		}
	}
	l.cmp.errs(l.name, l.control.Err(), l.candidate.Err())
	if l.bag != nil && l.control.Err() == nil && l.candidate.Err() == nil {
		l.bag.finish(l.cmp, l.name, l.columns)
	}
}

// unreadable ends the comparison at a row of the candidate that is no row.
func (l *lockstep) unreadable(err error) {
	l.cmp.add(Diff{Kind: DiffError, Statement: l.name, Row: l.n, Detail: fmt.Sprintf("candidate: %v", err)})
	l.blind = true
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
	l.closeCandidate()
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
