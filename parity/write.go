package parity

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// errRehearsed ends a transaction that is only for looking at.
var errRehearsed = errors.New("rehearsal is over")

// body is what runs in a transaction.
type body = func(context.Context, executor.Runner) error

// attempts is how often a write that is rolled back runs, where other transactions were in
// its way.
const attempts = 3

// write rehearses fn on the candidate and then runs it on the control, which
// commits if both did the same. Where they differ the control is rolled back and
// rehearses again: if it differs from itself, it runs once more to commit.
func (r *Runner) write(ctx context.Context, o *executor.TxOptions, fn body) error {
	report := r.report("")
	for tries := 1; ; tries++ {
		now := report
		c, end, err := r.attempt(ctx, o, fn, &now)
		if c.contended && c.verdict() == Inconclusive && r.h.rollback && tries < attempts && ctx.Err() == nil {
			continue
		}
		now = r.h.fill(now, c, end.control, end.candidate)
		r.h.publish(ctx, now)
		if now.Verdict == Mismatch && (err == nil || errors.As(err, new(*MismatchError))) {
			return r.h.mismatch(now)
		}
		return err
	}
}

// ends is how the two sides of a write ended.
type ends struct{ control, candidate error }

// attempt is write once, up to the verdict.
func (r *Runner) attempt(ctx context.Context, o *executor.TxOptions, fn body, report *Report) (c *comparison, end ends, err error) {
	o, release := r.together(ctx, o)
	defer release()
	rehearsal := &recorder{limit: r.h.maxBytes}
	start := time.Now()
	end.candidate = r.rehearse(ctx, r.candidate, o, fn, rehearsal)
	if outage(end.candidate) && ctx.Err() == nil { // it is rolled back in any case
		end.candidate = r.rehearse(ctx, r.candidate, o, fn, rehearsal)
	}
	report.Candidate.Duration = time.Since(start)

	run := &recorder{limit: r.h.maxBytes}
	start = time.Now()
	err = r.control.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error {
		end.control = run.watch(ctx, tx, true, fn)
		c = r.comparison()
		report.Operation = run.operation()
		report.Control.Rows, report.Candidate.Rows = run.total(), rehearsal.total()
		c.steps(run.steps, rehearsal.steps, interrupted(end.control) || interrupted(end.candidate))
		c.errs(report.Operation, end.control, end.candidate)
		c.unlike(report.Operation, recordedOf(ctx), end.control, end.candidate)
		if end.control == nil && end.candidate == nil {
			c.left(report.Operation, run.after, rehearsal.after)
		}
		c.excuses(report.Operation)
		switch {
		case c.verdict() == Mismatch:
			return r.h.mismatch(r.h.fill(*report, c, end.control, end.candidate))
		case end.control != nil:
			return end.control
		case r.h.rollback:
			return errRehearsed
		}
		return nil
	})
	report.Control.Duration = time.Since(start)
	switch {
	case c == nil: // the control never came to run fn
		c = r.comparison()
		c.unbegun(err, end.candidate)
		end.control = err
	case errors.As(err, new(*MismatchError)):
		r.judge(ctx, o, fn, c, run, end.control)
		if c.verdict() == Mismatch {
			break
		}
		if err = r.alone(ctx, o, fn); err != nil {
			end.control = err
		}
	case errors.Is(err, errRehearsed):
		err = nil
	case err != nil && end.control == nil: // only the control's commit failed
		end.control = err
		if end.candidate == nil {
			c.errs(report.Operation, err, nil)
		}
	}
	return c, end, err
}

// together gives all runs of a write that is rolled back one snapshot, as reads have it:
// what others commit between them is no difference. A transaction of the control holds it
// until release. One that commits must see what is there, and has none.
func (r *Runner) together(ctx context.Context, o *executor.TxOptions) (with *executor.TxOptions, release func()) {
	shared := executor.TxOptions{}
	if o != nil {
		shared = *o
	}
	if !r.h.rollback || shared.Snapshot != "" || shared.Deferrable || shared.Isolation == sql.LevelSerializable || !r.hasTwo() {
		return o, func() {}
	}
	shared.Isolation = sql.LevelRepeatableRead
	tx, err := r.control.Begin(ctx, &executor.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return o, func() {} // what keeps it from that will be told by the runs
	}
	if shared.Snapshot, err = exportSnapshot(ctx, tx); err != nil {
		_ = tx.Rollback(ctx)
		return o, func() {}
	}
	return &shared, func() { _ = tx.Rollback(ctx) } // it has only read
}

// hasTwo says that the control's pool has a connection beside the one that an operation runs on.
func (r *Runner) hasTwo() bool {
	s, ok := r.control.(interface{ Stats() sql.DBStats })
	return !ok || s.Stats().MaxOpenConnections != 1
}

// rehearse runs fn on db and rolls back. A panic is an error: the control's own run
// decides whether the caller sees one.
func (r *Runner) rehearse(ctx context.Context, db Backend, o *executor.TxOptions, fn body, rec *recorder) error {
	err := contained(func() error {
		return db.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error {
			if err := rec.watch(ctx, tx, true, fn); err != nil {
				return err
			}
			return errRehearsed
		})
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// alone runs fn on the control, after all was compared.
func (r *Runner) alone(ctx context.Context, o *executor.TxOptions, fn body) error {
	err := r.control.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error {
		rec := &recorder{limit: r.h.maxBytes, runner: tx} // fn's rows must outlive the transaction
		if err := fn(ctx, rec); err != nil || !r.h.rollback {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// judge rehearses fn on the control again, to tell noise from a difference, and
// once more to ask the server about rows that differ. first is what the control did.
func (r *Runner) judge(ctx context.Context, o *executor.TxOptions, fn body, c *comparison, first *recorder, firstErr error) {
	list := c.pending()
	if len(list) == 0 || ctx.Err() != nil {
		return
	}
	c.repeat(list, first.outcome(firstErr), func() (func(*finding) outcome, bool) {
		again := &recorder{limit: r.h.maxBytes}
		err := r.rehearse(ctx, r.control, o, fn, again)
		for _, f := range list {
			again.show(f)
		}
		return again.outcome(err), !outage(err)
	})
	r.voices(ctx, o, fn, c, first, standing(list))
}

// outcome is what the run gave to a finding's step, or err for the whole.
func (r *recorder) outcome(err error) func(*finding) outcome {
	return func(f *finding) outcome {
		if f.step < 0 || f.step >= len(r.steps) {
			return outcome{err: err, after: r.after}
		}
		o := r.steps[f.step]
		return outcome{rows: int64(len(o.rows)), affected: o.affected, err: o.err, notices: lines(o.told, false)}
	}
}

// show shows the rows of the finding's step to it.
func (r *recorder) show(f *finding) {
	if f.step < 0 || f.step >= len(r.steps) {
		return
	}
	o := r.steps[f.step]
	for i, row := range o.rows {
		n := int64(i + 1)
		if !o.ordered {
			n = 0
		}
		f.see(n, row)
	}
}

// voices rehearses fn on the control with the statements whose rows differ put into
// a WITH, so that the server's JSON of each value comes beside it. Where one can't
// stand there (it has a WITH that writes) nothing is said.
func (r *Runner) voices(ctx context.Context, o *executor.TxOptions, fn body, c *comparison, first *recorder, list []*finding) {
	asks := make(map[int][]builder.Column)
	for _, f := range list {
		if f.Kind == DiffValue && f.step >= 0 && len(f.columns) <= maxAsked {
			asks[f.step] = f.columns
		}
	}
	if len(asks) == 0 || ctx.Err() != nil {
		return
	}
	rec := &recorder{limit: r.h.maxBytes, asks: asks}
	if err := r.rehearse(ctx, r.control, o, fn, rec); err != nil {
		return
	}
	for _, f := range list {
		if f.Kind != DiffValue || f.step < 0 || f.step >= len(rec.steps) || len(rec.steps[f.step].rows) != len(first.steps[f.step].rows) {
			continue
		}
		var h hearing
		step := rec.steps[f.step]
		for i, row := range step.rows {
			if row.server != nil && (!step.ordered || int64(i+1) == f.Row) {
				h.take(f, row.server, step.ordered)
			}
		}
		c.blame(f.sentence(h.tokens))
	}
}

// asked are the columns of the step that comes next, where the server is asked
// about it; else nil.
func (r *recorder) asked() []builder.Column {
	top := r.outermost()
	return top.asks[len(top.steps)-1]
}

// voiced is Query with the server's JSON beside the rows, which it keeps in o.
func (r *recorder) voiced(ctx context.Context, s *builder.Statement, o *observation, columns []builder.Column) (*executor.Rows, error) {
	values, names, list := columnLists(columns)
	q := *s
	q.Columns = nil
	q.SQL = "with q(" + names + ") as (\n" + inside(s.SQL) + "\n) select " + values + ", " + list + " from q"
	both := &observation{name: s.Name}
	rows, err := r.runner.Query(ctx, &q)
	var m *memory
	if err == nil {
		m, err = hold(rows, both, r.limit)
	}
	if err != nil {
		o.err = err
		return nil, err
	}
	o.columns = columns
	m.columns = m.columns[:len(columns)]
	for i, v := range m.rows {
		whole := both.rows[i]
		whole.server = spoken(v[len(columns):], columns)
		whole.ends = whole.ends[:len(columns)]
		o.rows = append(o.rows, whole)
		m.rows[i] = v[:len(columns)]
	}
	for i := range columns {
		m.columns[i].Name = columns[i].Name
	}
	o.affected = int64(len(o.rows))
	return executor.NewRows(m, columns), nil
}
