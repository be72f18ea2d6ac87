package parity

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
)

// Run runs one piece of the caller's own code in two ways and compares what came of
// it: control's answer is the caller's, whatever candidate does. The values are
// compared with go-cmp, under opts; errors by code and SQLSTATE, never by text. The
// Report goes to h's publisher; a mismatch is no error of Run.
//
// candidate runs after control, in the share of calls that WithSample says, and not
// where control failed for a lost connection. It has as long as WithCandidateTimeout
// says: then its context ends and Run returns without it. A panic of it is a
// difference. Both must keep their effects to themselves: what control has written
// candidate would write again.
func Run[T any](ctx context.Context, h *Harness, name string, control, candidate func(context.Context) (T, error), opts ...cmp.Option) (T, error) {
	h = h.or()
	if control == nil {
		var none T
		return none, backend.New("parity", backend.CodeConfiguration, fmt.Errorf("run %s: the control is nil", name))
	}
	report := Report{
		Seq: h.seq.Add(1), Operation: name,
		Control: Side{Backend: string(VoiceControl)}, Candidate: Side{Backend: string(VoiceCandidate)},
	}
	start := time.Now()
	value, err := control(ctx)
	report.Control.Duration = time.Since(start)
	switch {
	case candidate == nil:
		report.Reason = "there is no candidate"
	case !h.sampled():
		report.Reason = "not sampled"
	case outage(err):
		report.Verdict, report.Reason = Inconclusive, "a connection of the control failed or was canceled"
		report.Control.Code = backend.CodeOf(err)
	default:
		report = compareValues(ctx, h, report, value, err, candidate, opts)
	}
	h.publish(ctx, report)
	return value, err
}

// WithCandidateTimeout bounds what the candidate of Run may take. Default 10 s; not
// positive means the default.
func WithCandidateTimeout(d time.Duration) Option {
	return option(func(h *Harness) {
		if d > 0 {
			h.candidateTimeout = d
		}
	})
}

// compareValues runs the candidate and fills the report.
func compareValues[T any](ctx context.Context, h *Harness, report Report, value T, err error, candidate func(context.Context) (T, error), opts []cmp.Option) Report {
	start := time.Now()
	other, candidateErr, ended := bounded(ctx, h.candidateTimeout, candidate)
	if ended && outage(candidateErr) && ctx.Err() == nil {
		other, candidateErr, ended = bounded(ctx, h.candidateTimeout, candidate)
	}
	report.Candidate.Duration = time.Since(start)
	c := h.comparison()
	c.modes = [2]string{report.Control.Backend, report.Candidate.Backend}
	switch {
	case !ended:
		c.inconclusive(fmt.Sprintf("the candidate had not ended after %v", h.candidateTimeout))
	case err != nil || candidateErr != nil:
		c.errs(report.Operation, err, candidateErr)
	default:
		if d, broken := diffValues(value, other, opts); broken != nil {
			c.inconclusive("the values can't be compared: " + broken.Error())
		} else if d != "" {
			c.add(Diff{Kind: DiffValue, Statement: report.Operation, Detail: d})
		}
	}
	c.excuses(report.Operation)
	return h.fill(report, c, err, candidateErr)
}

// bounded runs fn on a goroutine of its own, which ends with fn: ended is false where
// that was too late.
func bounded[T any](ctx context.Context, d time.Duration, fn func(context.Context) (T, error)) (value T, err error, ended bool) { //nolint:revive // ended belongs to both
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = backend.New("candidate", backend.CodeInternal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
			done <- r
		}()
		r.value, r.err = fn(ctx)
	}()
	select {
	case r := <-done:
		return r.value, r.err, r.err == nil || ctx.Err() == nil
	case <-ctx.Done():
		return value, nil, false
	}
}

// diffValues is go-cmp's difference, control "-". It panics on types that opts do not
// prepare it for.
func diffValues(control, candidate any, opts []cmp.Option) (d string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New(fmt.Sprint(p))
		}
	}()
	return cmp.Diff(control, candidate, opts...), nil
}
