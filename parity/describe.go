package parity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// Described is what one side says of a statement that does not run.
type Described struct {
	backend.Description
	Err error // the server refuses it
}

// Describe asks db about each statement in a transaction that is rolled back. None
// of them runs. An error of Describe itself says nothing of the statements: the
// connection failed, time ran out, or db's backend can't describe.
func Describe(ctx context.Context, db executor.Beginner, o *executor.TxOptions, list []*builder.Statement) ([]Described, error) {
	said := make([]Described, len(list))
	var tx *executor.Tx
	defer func() {
		if tx != nil {
			_ = tx.Rollback(ctx) // it has done nothing
		}
	}()
	for i, s := range list {
		if at := slices.IndexFunc(list[:i], func(o *builder.Statement) bool { return o.SQL == s.SQL }); at >= 0 {
			said[i] = said[at]
			continue
		}
		if tx == nil {
			var err error
			if tx, err = db.Begin(ctx, o); err != nil {
				return nil, err
			}
		}
		d := &said[i]
		d.Description, d.Err = tx.Describe(ctx, s)
		switch {
		case d.Err == nil:
			continue
		case outage(d.Err), backend.CodeOf(d.Err) == backend.CodeTimeout, errors.Is(d.Err, errors.ErrUnsupported):
			return nil, d.Err
		}
		_ = tx.Rollback(ctx) // the server takes nothing more in it
		tx = nil
	}
	return said, nil
}

// Differ compares what the two sides say of the statement of this name: how they
// refuse it, or the types of its parameters and its columns. nil where they agree.
func (d *Described) Differ(name string, candidate *Described) *Diff {
	diff := &Diff{Statement: name}
	switch {
	case failureOf(d.Err) != failureOf(candidate.Err):
		diff.Kind, diff.Detail = DiffError, fmt.Sprintf("describe on the control: %v\ndescribe on the candidate: %v", d.Err, candidate.Err)
	case d.Err != nil:
		return nil
	case !slices.Equal(d.Params, candidate.Params):
		diff.Kind, diff.Detail = DiffStatement, "types of parameters:\n"+cmp.Diff(d.Params, candidate.Params)
	case !SameColumns(d.Columns, candidate.Columns):
		diff.Kind, diff.Detail = DiffColumns, cmp.Diff(d.Columns, candidate.Columns)
	default:
		return nil
	}
	return diff
}

// SameColumns compares names and types as the server told them; an OID of 0 is one
// that nobody knows.
func SameColumns(a, b []backend.Column) bool {
	return slices.EqualFunc(a, b, func(a, b backend.Column) bool {
		return a.Name == b.Name && (a.OID == b.OID || a.OID == 0 || b.OID == 0)
	})
}

// Describe compares what both backends say of the statements of one operation, which
// do not run. A mismatch is its error, as that of other methods. What both refuse to
// describe is not compared: in its place it might run.
func (r *Runner) Describe(ctx context.Context, operation string, list ...*builder.Statement) error {
	return r.DescribeTx(ctx, nil, operation, list...)
}

// DescribeTx is Describe in transactions as o has them, with its run-time parameters.
func (r *Runner) DescribeTx(ctx context.Context, o *executor.TxOptions, operation string, list ...*builder.Statement) error {
	report := r.report(operation)
	c := r.comparison()
	for _, s := range list {
		c.saw(s.SQL) // describing sends no value: it uses no column
	}
	control, err := Describe(ctx, r.control, o, list)
	var candidate []Described
	var candidateErr error
	if err == nil {
		candidate, candidateErr = Describe(ctx, r.candidate, o, list)
	}
	var refused error
	switch {
	case err != nil || candidateErr != nil:
		c.inconclusive(fmt.Sprintf("it could not be described: %s", backend.CodeOf(errors.Join(err, candidateErr))))
	default:
		for i, s := range list {
			if d := control[i].Differ(s.Name, &candidate[i]); d != nil {
				c.add(*d)
				if err == nil && candidateErr == nil { // of the first that differs
					err, candidateErr = control[i].Err, candidate[i].Err
				}
			} else if control[i].Err != nil && refused == nil {
				refused = control[i].Err
			}
		}
	}
	c.excuses(operation)
	report = r.h.fill(report, c, err, candidateErr)
	switch {
	case report.Verdict == Equal && refused != nil:
		report.Verdict, report.Reason = NotCompared, "both refuse to describe it"
		if state := backend.SQLStateOf(refused); state != "" {
			report.Reason += " (" + state + ")"
		}
	case report.Verdict == Equal:
		report.Reason = "described, not executed"
	}
	r.h.publish(ctx, report)
	if report.Verdict == Mismatch {
		return r.h.mismatch(report)
	}
	return errors.Join(err, candidateErr, refused)
}
