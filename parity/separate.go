package parity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// NewSeparateRunner makes a Runner for two databases that began alike, such as two
// clones of one template: each write runs on candidate's and then on control's,
// and both commit. Nothing shares a snapshot, so nobody else may write to them, and
// operations should come one after the other: two that run at once may take numbers
// from a sequence in another order on each side.
//
// A value that each database made by itself and that came back from a write (a
// random key) stands for its counterpart in all later operations: an argument that
// is the control's value is sent to the candidate as its own. WithRollback holds
// for both sides.
//
// A difference of a read, and with WithRollback one of a write, is looked at again as
// NewRunner does: what the control can't repeat is noise, and the server is asked who is
// wrong. A write that commits runs once on each side and is not looked at again: it could
// only run on what it has stored, or take numbers from the control's sequences that the
// candidate's don't lose. So what a database makes up and no column's default explains (a
// random() in a RETURNING) is a mismatch there, and nobody is blamed.
func NewSeparateRunner(h *Harness, control, candidate Backend) *Runner {
	return &Runner{h: h.or(), control: control, candidate: candidate, apart: &apart{began: time.Now()}}
}

// apart is what a Runner of two databases knows of them.
type apart struct {
	began time.Time

	asking sync.Mutex
	names  [2]string // of the databases; see introduce

	mu    sync.RWMutex
	pairs map[string]string  // the control's volatile values to the candidate's
	known map[[2]string]bool // the same, for refers
}

// learn keeps what one operation found.
func (a *apart) learn(pairs map[[2]string]bool) {
	if len(pairs) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.pairs, a.known = make(map[string]string), make(map[[2]string]bool)
	}
	for p := range pairs {
		a.known[p] = true
		a.pairs[strings.TrimPrefix(p[0], "v")] = strings.TrimPrefix(p[1], "v")
	}
}

func (a *apart) refers(control, candidate string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.known[[2]string{control, candidate}]
}

// translate makes the candidate's arguments of the control's.
func (a *apart) translate(args []any) []any {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if len(a.pairs) == 0 {
		return args
	}
	out := args
	for i, arg := range args {
		s, ok := arg.(string)
		if !ok {
			continue
		}
		other, ok := a.pairs[s]
		if !ok {
			if other, ok = a.translateArray(s); !ok {
				continue
			}
		}
		if &out[0] == &args[0] {
			out = slices.Clone(args)
		}
		out[i] = other
	}
	return out
}

// translateArray is translate for an array literal of keys.
func (a *apart) translateArray(literal string) (string, bool) {
	members := arrayMembers(literal)
	found := false
	for i, m := range members {
		if other, ok := a.pairs[m]; ok {
			members[i], found = other, true
		}
	}
	if !found {
		return "", false
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i, m := range members {
		members[i] = `"` + quote.Replace(m) + `"`
	}
	return "{" + strings.Join(members, ",") + "}", true
}

// during says that both texts are moments between the beginning of the run and
// now, the clocks of two machines allowed for.
func (a *apart) during(control, candidate string) bool {
	return a.within(control) && a.within(candidate)
}

// clockSkew is how far the server's clock may be from ours.
const clockSkew = 5 * time.Second

func (a *apart) within(text string) bool {
	for _, layout := range [...]string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999-07:00", "2006-01-02 15:04:05.999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.After(a.began.Add(-clockSkew)) && at.Before(time.Now().Add(clockSkew))
		}
	}
	return false
}

// both runs fn on each of the two databases and lets both commit.
func (r *Runner) both(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	r.apart.introduce(ctx, r.control, r.candidate)
	report := r.report("")
	run, other := &recorder{limit: r.h.maxBytes}, &recorder{limit: r.h.maxBytes, translate: r.apart.translate}
	// The control comes last: fn writes the answer, and the caller gets what the last
	// run of it wrote.
	start := time.Now()
	candidateErr := contained(func() error { return r.record(ctx, r.candidate, o, other, fn) })
	report.Candidate.Duration = time.Since(start)
	start = time.Now()
	err := r.record(ctx, r.control, o, run, fn)
	report.Control.Duration = time.Since(start)

	c := r.comparison()
	report.Operation = run.operation()
	report.Control.Rows, report.Candidate.Rows = run.total(), other.total()
	c.steps(run.steps, other.steps, interrupted(err) || interrupted(candidateErr))
	if run.runner == nil && other.runner == nil { // neither came to run fn
		c.unbegun(err, candidateErr)
	} else {
		c.errs(report.Operation, err, candidateErr)
		c.unlike(report.Operation, recordedOf(ctx), err, candidateErr)
	}
	if err == nil && candidateErr == nil {
		c.left(report.Operation, run.after, other.after)
	}
	c.excuses(report.Operation)
	if r.h.rollback && c.verdict() == Mismatch && run.runner != nil {
		r.judge(ctx, o, fn, c, run, err)
		if c.verdict() != Mismatch { // the caller gets what the last run wrote
			err = r.alone(ctx, o, fn)
		}
	}
	r.apart.learn(c.names.known)
	report = r.h.fill(report, c, err, candidateErr)
	r.h.publish(ctx, report)
	if report.Verdict == Mismatch {
		return r.h.mismatch(report)
	}
	return err
}

// record runs fn in a transaction of db and notes what it did.
func (r *Runner) record(ctx context.Context, db Backend, o *executor.TxOptions, rec *recorder, fn func(context.Context, executor.Runner) error) error {
	err := db.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error {
		if err := rec.watch(ctx, tx, r.h.rollback, fn); err != nil || !r.h.rollback {
			return err
		}
		return errRehearsed
	})
	if err == errRehearsed { //nolint:errorlint // it is ours, and passes through as it is
		return nil
	}
	return err
}

// contained makes a panic an error: of the candidate, which nobody asked for.
func contained(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = backend.New("rehearse", backend.CodeInternal, fmt.Errorf("panic: %v", p))
		}
	}()
	return fn()
}

// isMoment says that a column holds moments.
func isMoment(c builder.Column) bool {
	switch c.Type.Base().OID() {
	case 1114, 1184: // timestamp, timestamptz
		return true
	}
	return false
}
