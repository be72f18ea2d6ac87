package parity

import (
	"context"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// judgeTime bounds what looking again at a difference may take, beside twice what
// the control took for the statement each time.
const judgeTime = 5 * time.Second

// settle looks at what a statement of a read left behind: what is excused, what is
// noise, and whom the server contradicts. first is what the control gave.
func (p *pair) settle(ctx context.Context, s *builder.Statement, columns []builder.Column, first, candidate outcome, took time.Duration) {
	c := p.cmp
	c.excuses(p.report.Operation)
	list := c.pending()
	if len(list) == 0 || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, judgeTime+2*(reruns+1)*took)
	defer cancel()
	tx, err := p.fresh(ctx)
	if err != nil {
		c.unasked = "the control could not run again: " + backend.CodeOf(err).String()
	} else {
		c.repeat(list, func(*finding) outcome { return first }, func() (func(*finding) outcome, bool) {
			now := p.runAgain(ctx, tx, s, list)
			if now.err != nil {
				_ = tx.Rollback(ctx)
				if tx, err = p.fresh(ctx); err != nil {
					return nil, false
				}
			}
			return func(*finding) outcome { return now }, !outage(now.err) && backend.CodeOf(now.err) != backend.CodeTimeout
		})
	}
	if list = standing(list); len(list) > 0 && len(columns) > 0 {
		if first.err == nil {
			p.hear(ctx, p.control, s, columns, list, first, candidate)
		} else if tx != nil {
			p.hear(ctx, tx, s, columns, list, first, candidate)
		}
	}
	if tx != nil {
		_ = tx.Rollback(ctx)
	}
}

func standing(list []*finding) (out []*finding) {
	for _, f := range list {
		if f.stands() {
			out = append(out, f)
		}
	}
	return out
}

// fresh begins another transaction of the control, in the snapshot that both sides
// share while that is open: what only the transaction's own time or number makes
// different must show as noise.
func (p *pair) fresh(ctx context.Context) (*executor.Tx, error) {
	o := p.options
	if p.candidateErr != nil {
		o.Snapshot = p.shared(ctx)
	}
	tx, err := p.r.control.Begin(ctx, &o)
	if err != nil && o.Snapshot != "" && !outage(err) { // it ended with the control's transaction
		o.Snapshot = ""
		tx, err = p.r.control.Begin(ctx, &o)
	}
	return tx, err
}

// runAgain runs s on the control once more and shows its rows to list.
func (p *pair) runAgain(ctx context.Context, tx *executor.Tx, s *builder.Statement, list []*finding) (now outcome) {
	defer func() { now.notices = saidOn(tx) }()
	saidOn(tx)
	if p.execs {
		now.affected, now.err = tx.Exec(ctx, s)
		return now
	}
	rows, err := tx.Query(ctx, s)
	if err != nil {
		now.err = err
		return now
	}
	var r row
	for rows.Next() {
		now.rows++
		if err := r.fill(rows.Columns(), rows.Formats(), rows.Values()); err != nil {
			_ = rows.Close()
			now.err = err
			return now
		}
		place := now.rows
		if !p.ordered(s) {
			place = 0
		}
		for _, f := range list {
			f.see(place, &r)
		}
	}
	now.err = rows.Close()
	return now
}

// ordered says whether rows are compared one by one.
func (p *pair) ordered(s *builder.Statement) bool { return s.Ordered || !p.cmp.may(RuleBag) }
