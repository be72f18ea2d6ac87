package shadow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
)

// compare does on the other side what t did, or describes it there, and reports
// what came of it. It runs on a worker, under a context of the engine's.
func (e *engine) compare(t *tape) {
	ctx, cancel := context.WithTimeout(e.ctx, e.opt.deadline)
	defer cancel()
	start := time.Now()
	read := t.readOnly
	r, err := e.contained(func() (parity.Report, error) {
		if t.stage == StageDescribe || !read {
			return e.describe(ctx, t)
		}
		return e.rerun(ctx, t)
	})
	switch {
	case e.ctx.Err() != nil: // switched off under it
		e.drop(t, dropOff)
		return
	case err != nil:
		e.breaker.failed()
		r = e.report(t)
		r.Verdict, r.Reason = parity.Inconclusive, "the other side can't be asked: "+reasonOf(err)
		if errors.Is(err, errPanic) {
			r.Verdict, r.Reason = parity.Mismatch, ""
			r.Diffs = []parity.Diff{{Kind: parity.DiffError, Statement: r.Operation, Detail: err.Error()}}
		}
	default:
		e.breaker.finished(t.took, time.Since(start))
	}
	e.publish(ctx, t, r)
}

// contained makes a panic of f an error: a driver's bug is the candidate's failure.
func (*engine) contained(f func() (parity.Report, error)) (r parity.Report, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return f()
}

// publish counts a report and hands it on.
func (e *engine) publish(ctx context.Context, t *tape, r parity.Report) {
	if r.Verdict == parity.NotCompared {
		e.count.drop(dropPartly)
	} else {
		t.class.compared.Add(1)
	}
	if r.Verdict == parity.Mismatch {
		t.class.mismatches.Add(1)
	}
	e.count.add(t.stage, t.readOnly, &r)
	_, _ = e.contained(func() (parity.Report, error) { return e.s.h.Publish(ctx, r), nil })
}

// report is what is known without a comparison.
func (e *engine) report(t *tape) parity.Report {
	r := parity.Report{
		Operation: t.steps[0].s.Name,
		Control:   parity.Side{Backend: backend.ModeOf(e.control.backend)},
		Candidate: parity.Side{Backend: backend.ModeOf(e.candidate.backend)},
		Class:     parity.ClassOf(t.statements()...),
	}
	for _, s := range t.steps {
		r.Uses = append(r.Uses, s.s.Uses...)
	}
	if err := t.steps[len(t.steps)-1].err; err != nil {
		answered, _ := t.sides(&r)
		answered.Code, answered.SQLState = backend.CodeOf(err), backend.SQLStateOf(err)
	}
	if n := len(t.steps) - 1; n > 0 {
		r.Operation = fmt.Sprintf("%s and %d more", r.Operation, n)
	}
	return r
}

// read are the uses of what was read.
func (t *tape) read() []builder.Use {
	var uses []builder.Use
	for _, s := range t.steps {
		for i, null := range s.rows.nulls {
			c := s.columns[i]
			uses = append(uses, builder.Use{Column: c.Source, Type: c.Type, How: builder.UseRead})
			if null {
				uses = append(uses, builder.Use{Column: c.Source, Type: c.Type, How: builder.UseReadNull})
			}
		}
	}
	return uses
}

func (t *tape) statements() []string {
	list := make([]string, len(t.steps))
	for i, s := range t.steps {
		list[i] = s.s.SQL
	}
	return list
}

// sides are the report's sides: of who answered t, and of who does it again.
func (t *tape) sides(r *parity.Report) (answered, other *parity.Side) {
	if t.stage == StageLive {
		return &r.Candidate, &r.Control
	}
	return &r.Control, &r.Candidate
}

// behind is the shadow's pool to the side that did not answer t.
func (e *engine) behind(t *tape) *own {
	if t.stage == StageLive {
		return e.control
	}
	return e.candidate
}

// errDiffers is why a rerun ends early: hashes, counts or errors are not the same.
var errDiffers = errors.New("the sides differ")

// rerun runs the reads of t on the other side. An error says that it could not.
func (e *engine) rerun(ctx context.Context, t *tape) (parity.Report, error) {
	r := e.report(t)
	answered, other := t.sides(&r)
	answered.Duration = t.took
	e.count.answer.observe(t.took)
	db, err := e.behind(t).open(ctx)
	if err != nil {
		return r, err
	}
	start := time.Now()
	rules := map[string]int{}
	err = db.InTx(ctx, t.options(), func(ctx context.Context, tx executor.Runner) error {
		for _, s := range t.steps {
			if err := s.again(ctx, tx, rules); err != nil {
				return err
			}
			answered.Rows += s.rows.rows
		}
		return nil
	})
	other.Duration = time.Since(start)
	e.count.other.observe(other.Duration)
	other.Rows = answered.Rows
	if err == nil {
		other.Code, other.SQLState = answered.Code, answered.SQLState
		r.Uses = append(r.Uses, t.read()...)
	}
	switch {
	case err == nil && len(rules) > 0:
		r.Verdict, r.Rules = parity.EqualByRule, rules
	case err == nil:
		r.Verdict = parity.Equal
	case errors.Is(err, errPartly):
		r.Verdict, r.Reason = parity.NotCompared, "the caller left rows unread whose order is not fixed"
	case outage(err) || backend.CodeOf(err) == backend.CodeTimeout:
		return r, err
	default: // errDiffers, or a panic's or a transaction's own error
		return e.recheck(ctx, t)
	}
	return r, nil
}

// errPartly: there is nothing to compare.
var errPartly = errors.New("partly read")

// again runs s on tx and compares. An error ends the rerun.
func (s *step) again(ctx context.Context, tx executor.Runner, rules map[string]int) error {
	if s.err == nil {
		return s.once(ctx, tx, rules)
	}
	var same bool
	err := tx.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error { // what fails must not spoil the rest
		err := s.once(ctx, tx, rules)
		same = failureOf(err) == failureOf(s.err)
		return err
	})
	switch {
	case same:
		return nil
	case outage(err):
		return err
	}
	return errDiffers
}

func (s *step) once(ctx context.Context, tx executor.Runner, rules map[string]int) error {
	if s.exec {
		n, err := tx.Exec(ctx, s.s)
		if err == nil && n != s.affected {
			return errDiffers
		}
		return err
	}
	if s.err == nil && !s.whole && !s.s.Ordered {
		return errPartly
	}
	rows, err := tx.Query(ctx, s.s)
	if err != nil {
		return err
	}
	d := digester{columns: rows.Columns(), formats: rows.Formats()}
	for (s.whole || d.rows < s.rows.rows) && rows.Next() {
		ok, err := d.add(rows.Values())
		if err != nil || !ok {
			_ = rows.Close() // what differs is enough
			return errDiffers
		}
		if d.rows > s.rows.rows {
			break // more than there should be, however many
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if s.err != nil {
		return errDiffers
	}
	if !parity.SameColumns(s.wire, rows.Wire()) {
		return errDiffers
	}
	agreed := d.compare(&s.rows, s.s.Ordered)
	if agreed == different {
		return errDiffers
	}
	if agreed == otherOrder {
		rules[parity.RuleBag]++
	}
	return nil
}

// failure is what is compared of an error: never its text.
type failure struct {
	code                              backend.Code
	state                             string
	schema, table, column, constraint string
}

func failureOf(err error) failure {
	f := failure{code: backend.CodeOf(err), state: backend.SQLStateOf(err)}
	if e, ok := errors.AsType[*backend.Error](err); ok {
		f.schema, f.table, f.column, f.constraint = e.Schema, e.Table, e.Column, e.Constraint
	}
	return f
}

// recheck runs t on both sides in one snapshot, on the shadow's own connections:
// what is equal there had moved between the answer and the rerun.
func (e *engine) recheck(ctx context.Context, t *tape) (parity.Report, error) {
	control, err := e.control.open(ctx)
	if err != nil {
		return parity.Report{}, err
	}
	candidate, err := e.candidate.open(ctx)
	if err != nil {
		return parity.Report{}, err
	}
	var r parity.Report
	reported := false
	h := e.s.h.With(parity.WithSample(1), parity.WithMaxBytes(e.opt.memory), parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, got parity.Report) {
		r, reported = got, true
	})))
	failed := false // the control itself did not succeed as the answer did
	err = parity.NewRunner(h, control, candidate).InTx(ctx, t.options(), func(ctx context.Context, tx executor.Runner) error {
		failed = false
		for _, s := range t.steps {
			err := s.drained(ctx, tx)
			if err != nil && s.err == nil && !errors.As(err, new(*parity.MismatchError)) {
				failed = true
				return err
			}
		}
		return nil
	})
	if !reported { // the control could not begin
		return parity.Report{}, err
	}
	r.Control.Duration, r.Candidate.Duration = 0, 0 // not what a caller waits for
	answered, _ := t.sides(&r)
	answered.Duration = t.took
	switch {
	case failed && (outage(err) || backend.CodeOf(err) == backend.CodeTimeout):
		return r, err
	case failed && r.Verdict.Pass():
		r.Verdict, r.Reason, r.Rules = parity.Inconclusive, "the shadow's own sessions can't do it on either side: "+reasonOf(err), nil
	case r.Verdict.Pass():
		r.Verdict, r.Reason, r.Rules = parity.Noise, "the data moved between the two reads: in one snapshot they are equal", nil
	}
	return r, nil
}

// reasonOf is an error without its text, which may hold values.
func reasonOf(err error) string {
	if state := backend.SQLStateOf(err); state != "" {
		return state
	}
	return backend.CodeOf(err).String()
}

// drained runs s on r and reads all of its rows.
func (s *step) drained(ctx context.Context, r executor.Runner) error {
	run := func(ctx context.Context, r executor.Runner) error {
		if s.exec {
			_, err := r.Exec(ctx, s.s)
			return err
		}
		rows, err := r.Query(ctx, s.s)
		if err != nil {
			return err
		}
		for rows.Next() { // the runner compares while it is read
		}
		return rows.Close()
	}
	if s.err == nil {
		return run(ctx, r)
	}
	return r.InTx(ctx, nil, run)
}
