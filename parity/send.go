package parity

import (
	"context"
	"time"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// Query runs s on both sides.
func (p *pair) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	return p.query(ctx, s, func(bool, error) error {
		if p.cmp.verdict() == Mismatch {
			return p.r.h.mismatch(p.r.h.fill(p.report, p.cmp, p.controlErr, p.candidateErr))
		}
		return nil
	})
}

// query runs s on both sides; done is called once, after its rows have ended.
func (p *pair) query(ctx context.Context, s *builder.Statement, done func(complete bool, controlErr error) error) (*executor.Rows, error) {
	p.named(s)
	if p.candidate == nil {
		rows, err := p.control.Query(ctx, s)
		if err != nil {
			p.controlErr = err
			return nil, err
		}
		return executor.NewRows(&watched{Rows: rows, done: done}, rows.Columns()), nil
	}
	l := p.send(ctx, s)
	if l.controlErr != nil {
		// One driver reports an error when the statement is sent, the other with
		// the first row: both are the same outcome.
		l.advance(1)
		p.ended(ctx, s, l, l.controlErr)
		return nil, l.controlErr
	}
	l.done = func(complete bool, err error) error {
		if complete {
			p.ended(ctx, s, l, err)
		} else {
			p.count(l, err)
		}
		return done(complete, err)
	}
	if l.candidate.Err() == nil && l.candidateErr == nil && !p.cmp.columns(s.Name, l.control, l.candidate) {
		l.blind = true
	}
	return executor.NewRows(l, l.control.Columns()), nil
}

// send sends s to both sides, to which one first is left to chance: the second finds
// warmer caches.
func (p *pair) send(ctx context.Context, s *builder.Statement) *lockstep {
	l := &lockstep{name: s.Name, ordered: p.ordered(s), cmp: p.cmp}
	control := func() {
		start := time.Now()
		if l.control, l.controlErr = p.control.Query(ctx, s); l.controlErr == nil {
			l.columns = l.control.Columns()
		}
		l.took[0] = time.Since(start)
	}
	candidate := func() {
		start := time.Now()
		l.candidateErr = contained(func() (err error) {
			l.candidate, err = p.candidate.Query(ctx, p.theirs(s))
			return err
		})
		if l.candidateErr != nil {
			l.candidate = executor.NewRows(&failed{err: l.candidateErr}, nil)
		}
		l.took[1] = time.Since(start)
	}
	if chance(0.5) {
		control()
		candidate()
	} else {
		candidate()
		control()
	}
	if !l.ordered {
		l.bag = newBag(p.r.h.maxBytes)
	}
	if s.Effect == builder.Read && chance(p.r.h.voice) {
		l.asked = &asked{limit: p.r.h.maxBytes}
	}
	return l
}

// count takes over what one statement cost.
func (p *pair) count(l *lockstep, controlErr error) {
	p.cmp.read(l.columns, l.nulls)
	p.controlErr, p.candidateErr = controlErr, l.candidate.Err()
	p.report.Control.Rows += l.n
	p.report.Control.Duration += l.took[0]
	p.report.Candidate.Duration += l.took[1]
}

// ended compares how a statement ended on both sides, whose rows are closed, and
// looks again at what differs.
func (p *pair) ended(ctx context.Context, s *builder.Statement, l *lockstep, controlErr error) {
	p.count(l, controlErr)
	p.cmp.used(s.Uses, controlErr)
	if l.controlErr != nil {
		p.cmp.errs(s.Name, controlErr, l.candidate.Err())
		l.closeCandidate()
	}
	if p.lost(ctx) {
		p.retry(ctx, s)
		return
	}
	p.cmp.unlike(s.Name, recordedOf(ctx), p.controlErr, p.candidateErr)
	p.cmp.told(s.Name, p.controlErr, p.candidateErr, toldBy(p.control), toldBy(p.candidate))
	first := outcome{rows: l.n, err: controlErr}
	p.settle(ctx, s, l.columns, first, outcome{rows: l.m, err: l.candidate.Err()}, l.took[0])
	if l.asked != nil && !l.blind && controlErr == nil && p.cmp.verdict().Pass() {
		p.ask(ctx, s, l)
	}
}

// Exec runs a statement without rows on both sides.
func (p *pair) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	p.named(s)
	start := time.Now()
	n, controlErr := p.control.Exec(ctx, s)
	took := time.Since(start)
	if p.candidate == nil {
		p.controlErr = controlErr
		return n, controlErr
	}
	var m int64
	candidateErr := contained(func() (err error) {
		m, err = p.candidate.Exec(ctx, p.theirs(s))
		return err
	})
	p.controlErr, p.candidateErr = controlErr, candidateErr
	p.cmp.used(s.Uses, controlErr)
	p.cmp.errs(s.Name, controlErr, candidateErr)
	if p.lost(ctx) {
		p.retry(ctx, s)
		return n, controlErr
	}
	if controlErr == nil && candidateErr == nil {
		p.cmp.affected(s.Name, n, m)
	}
	p.cmp.unlike(s.Name, recordedOf(ctx), controlErr, candidateErr)
	p.cmp.told(s.Name, controlErr, candidateErr, toldBy(p.control), toldBy(p.candidate))
	p.execs = true
	p.settle(ctx, s, nil, outcome{affected: n, err: controlErr}, outcome{affected: m, err: candidateErr}, took)
	p.execs = false
	return n, controlErr
}

// lost says that the candidate alone lost its connection, and that the statement
// was not repeated for that yet.
func (p *pair) lost(ctx context.Context) bool {
	return !p.retried && ctx.Err() == nil && !outage(p.controlErr) && outage(p.candidateErr)
}

// retry runs s once more on both sides, after the candidate lost its connection,
// and goes on with the candidate's new transaction.
func (p *pair) retry(ctx context.Context, s *builder.Statement) {
	p.retried = true
	if tx := p.candidate; tx != nil {
		_ = contained(func() error { return tx.Rollback(ctx) })
	}
	p.candidate = nil
	o := p.options
	o.Snapshot = p.shared(ctx)
	again, err := p.r.openFor(ctx, &o, p.report, p.cmp)
	if err != nil {
		return // the reason stands
	}
	p.cmp.reason = ""
	again.retried = true
	rows, err := again.query(ctx, s, func(bool, error) error { return nil })
	if err == nil {
		for rows.Next() {
			continue
		}
		_ = rows.Close() // the control's error was compared
	}
	_ = again.control.Rollback(ctx)
	p.candidate, p.candidateErr = again.candidate, again.candidateErr
	p.report.Candidate = again.report.Candidate
}
