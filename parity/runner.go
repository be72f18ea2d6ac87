package parity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// Backend is one side of a Runner: *executor.DB is one.
type Backend interface {
	executor.Beginner
	Backend() backend.Backend
}

// Runner is an executor.Runner that runs every operation on two backends. It is
// safe for concurrent use.
type Runner struct {
	h                  *Harness
	control, candidate Backend
	apart              *apart // nil: both are one database
}

var _ executor.Runner = (*Runner)(nil)

// NewRunner makes a Runner that answers with control's answers and compares
// candidate's with them. Both must be connected to one database: reads share an
// exported snapshot. With h nil comparisons are counted nowhere. Where a side is nil
// every operation is an error that says so.
func NewRunner(h *Harness, control, candidate Backend) *Runner {
	return &Runner{h: h.or(), control: control, candidate: candidate}
}

// usable is an error where something is missing that an operation needs.
func (r *Runner) usable(what string, given bool) error {
	missing := what
	switch {
	case none(r.control):
		missing = "control"
	case none(r.candidate):
		missing = "candidate"
	case given:
		return nil
	}
	return backend.New("parity", backend.CodeConfiguration, fmt.Errorf("the %s is nil", missing))
}

// none says that b is nil, or a nil *executor.DB, which is what is left of an Open whose
// error nobody has read.
func none(b Backend) bool {
	db, ok := b.(*executor.DB)
	return b == nil || ok && db == nil
}

// Query runs s on both backends. A read streams: its Rows are the control's,
// and a mismatch is their error at the end. A write's rows are held until the
// control has committed. Errors are *backend.Error.
func (r *Runner) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	if err := r.usable("statement", s != nil); err != nil {
		return nil, err
	}
	if !r.h.sampled() {
		rows, err := r.control.Query(ctx, s)
		r.skip(ctx, s.Name)
		return rows, err
	}
	if s.Effect != builder.Read {
		var rows *executor.Rows
		err := r.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error {
			var err error
			rows, err = tx.Query(ctx, s)
			return err
		})
		if err != nil {
			return nil, err
		}
		return rows, nil
	}
	p, err := r.open(ctx, &executor.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer p.abandoned(ctx)()
	rows, err := p.query(ctx, s, func(bool, error) error { return p.finish(ctx) })
	if err != nil {
		if mismatch := p.finish(ctx); mismatch != nil {
			return nil, mismatch
		}
		return nil, err
	}
	return rows, nil
}

// Idle is nil where no connection of either side is in use. Call it when no
// operation runs: a driver that keeps connections to itself shows here.
func (r *Runner) Idle() error {
	for side, b := range []Backend{r.control, r.candidate} {
		s, ok := b.(interface{ Stats() sql.DBStats })
		if !ok || none(b) {
			continue
		}
		if n := s.Stats().InUse; n > 0 {
			return backend.New("parity", backend.CodeInternal,
				fmt.Errorf("%d connections of the %s (%s) are still in use", n, [...]Voice{VoiceControl, VoiceCandidate}[side], backend.ModeOf(b.Backend())))
		}
	}
	return nil
}

// Exec runs s on both backends, as a transaction of its own, and returns how
// many rows it affected on the control.
func (r *Runner) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	if err := r.usable("statement", s != nil); err != nil {
		return 0, err
	}
	var n int64
	err := r.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error {
		var err error
		n, err = tx.Exec(ctx, s)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// InTx runs fn in a transaction on both backends. A read-only transaction runs
// fn once, each statement on both sides of one snapshot. Any other runs fn on
// the candidate, rolls it back, and then runs fn on the control: fn must keep
// its effects to the Runner that it is given (see executor.Runner).
func (r *Runner) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	if err := r.usable("function of the transaction", fn != nil); err != nil {
		return err
	}
	switch {
	case !r.h.sampled():
		err := r.control.InTx(ctx, o, fn)
		r.skip(ctx, "transaction")
		return err
	case o != nil && o.ReadOnly:
		return r.read(ctx, o, fn)
	case r.apart != nil:
		return r.both(ctx, o, fn)
	}
	return r.write(ctx, o, fn)
}

// read runs fn in one read-only transaction a side.
func (r *Runner) read(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) (err error) {
	p, err := r.open(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if mismatch := p.finish(ctx); mismatch != nil && (err == nil || !errors.As(err, new(*MismatchError))) {
			err = mismatch
		}
	}()
	return fn(ctx, p)
}

// comparison begins one.
func (r *Runner) comparison() *comparison {
	c := r.h.comparison()
	c.apart = r.apart
	c.modes = [2]string{backend.ModeOf(r.control.Backend()), backend.ModeOf(r.candidate.Backend())}
	return c
}

// immediate makes deferred constraints speak now: a rollback would hide them.
func immediate(ctx context.Context, tx executor.Runner) error {
	_, err := tx.Exec(ctx, &builder.Statement{Name: "set constraints", SQL: "set constraints all immediate"})
	return err
}

// skip counts an operation that ran on the control only.
func (r *Runner) skip(ctx context.Context, operation string) {
	report := r.report(operation)
	report.Reason = "not sampled"
	r.h.publish(ctx, report)
}

func (r *Runner) report(operation string) Report {
	return Report{
		Seq:       r.h.seq.Add(1),
		Operation: operation,
		Control:   Side{Backend: backend.ModeOf(r.control.Backend())},
		Candidate: Side{Backend: backend.ModeOf(r.candidate.Backend())},
	}
}

// fill completes a report from what the comparison found.
func (h *Harness) fill(r Report, c *comparison, control, candidate error) Report {
	r.Verdict, r.Reason, r.Class, r.Wrong = c.verdict(), c.reason, c.className(), c.voice()
	r.Uses = c.uses
	r.Diffs, r.Dropped = c.shown(h.maxDiffs)
	switch r.Verdict {
	case Noise:
		r.Reason = c.noises()
	case Mismatch:
		r.Reason = c.unasked
	default: // the reason is the verdict's own
	}
	if len(c.rules) > 0 {
		r.Rules = c.rules
	}
	for _, side := range []struct {
		s   *Side
		err error
	}{{&r.Control, control}, {&r.Candidate, candidate}} {
		if side.err != nil && !errors.Is(side.err, ErrRollback) {
			side.s.Code, side.s.SQLState = backend.CodeOf(side.err), backend.SQLStateOf(side.err)
		}
	}
	return r
}

// mismatch is the error of an operation whose report is a mismatch.
func (h *Harness) mismatch(r Report) error {
	return backend.New("compare", backend.CodeParityMismatch, &MismatchError{Report: r})
}

// sampled decides for one operation.
func (h *Harness) sampled() bool { return chance(h.sample) }

// chance is true in the share p of calls.
func chance(p float64) bool { return p >= 1 || p > 0 && rand.Float64() < p } //nolint:gosec // a sample, not a secret
