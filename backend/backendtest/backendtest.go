// Package backendtest is the conformance suite that every backend must pass, in
// every wire mode: ours and anybody's.
//
// A case says what a correct, strict backend does, never "the same as that other
// driver": two drivers that agree on a wrong answer both fail. Run is the front
// door for go test, Check the one for everything else, Bench measures.
//
//	func TestConformance(t *testing.T) {
//		backendtest.Run(t, mybackend.New(), os.Getenv("DATABASE_URL"))
//	}
//
// The DSN names a PostgreSQL server on which the suite may create a database and
// roles, as a superuser may. It uses a database of its own and drops it again.
package backendtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

// Case is one thing that a backend must do.
type Case struct {
	// ID is stable: reports, ledgers and -run patterns use it, as in
	// "args/float-refused". Its first part is the area.
	ID string
	// Why is one sentence: what goes wrong for a user of a backend that fails. It
	// is printed with a failure.
	Why string
	// Run returns nil where the backend does what it must, ErrNotRun (wrapped, with
	// the reason) where this cannot be found out here, and else what it did instead.
	Run func(ctx context.Context, e *Env) error
}

// Area is the part of the suite that c belongs to: the first part of its ID.
func (c Case) Area() string {
	area, _, _ := strings.Cut(c.ID, "/")
	return area
}

// ErrNotRun marks a case that could not be run, for want of something that is not
// the backend's to give: a program on the machine, a right on the server, or an
// optional ability (backend.WireQuerier) that the backend does not claim. It is
// counted and reported, and is neither a pass nor a failure.
var ErrNotRun = errors.New("not run")

// Cases yields every case, area by area, always in the same order.
func Cases() iter.Seq[Case] {
	return func(yield func(Case) bool) {
		for _, area := range areas {
			for _, c := range area() {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// areas is the explicit list of the suite's parts.
var areas = []func() []Case{
	typeCases, nullCases, argumentCases, parameterCases,
	errorCases, contextCases, connectionCases,
	affectedCases, transactionCases, noticeCases,
	dsnCases, tlsCases, statementCases, resultCases,
	divergenceArgumentCases, divergenceSessionCases, divergenceNetworkCases, divergenceResultCases, poolerCases,
}

// Result is what became of one case.
type Result struct {
	Case Case
	// Backend is the backend's name and mode: "pgx/exec".
	Backend string
	// Err is nil for a pass. It wraps ErrNotRun where the case was not run.
	Err error
	// Known is the reason why the case is expected to fail; "" for most.
	Known string
	Took  time.Duration
}

// Status is the one word for a Result.
type Status string

// The statuses.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	NotRun  Status = "not run"
	Expects Status = "known" // failed as its known deviation says
	Stale   Status = "stale" // passed, though it is listed as a known deviation
)

// Status says what r comes to.
func (r Result) Status() Status {
	switch {
	case errors.Is(r.Err, ErrNotRun):
		return NotRun
	case r.Err == nil && r.Known != "":
		return Stale
	case r.Err == nil:
		return Passed
	case r.Known != "":
		return Expects
	}
	return Failed
}

// OK reports whether r leaves nothing to mend: passed, known, or not run.
func (r Result) OK() bool {
	s := r.Status()
	return s == Passed || s == Expects || s == NotRun
}

// String is one line or more for a person: what the backend did, and why it matters.
func (r Result) String() string {
	s := fmt.Sprintf("%s %s on %s", r.Status(), r.Case.ID, r.Backend)
	switch r.Status() {
	case Passed:
	case Failed:
		s += fmt.Sprintf(": %v\n\twhy it matters: %s", r.Err, r.Case.Why)
	case NotRun:
		s += fmt.Sprintf(": %v", r.Err)
	case Expects:
		s += fmt.Sprintf(" (%s): %v", r.Known, r.Err)
	case Stale:
		s += fmt.Sprintf(": it passes now; take it off the list (%s)", r.Known)
	}
	return s
}

// Option changes how the suite runs.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	known    map[string]string
	only     func(Case) bool
	parallel int
	limit    time.Duration
}

func newConfig(opts []Option) config {
	c := config{only: func(Case) bool { return true }, parallel: 4, limit: 20 * time.Second}
	for _, o := range opts {
		o.apply(&c)
	}
	return c
}

// Known lists the cases that are known to fail, by ID, with the reason. Such a
// case must fail: one that passes is reported as stale. Default: none.
func Known(reasons map[string]string) Option {
	return optionFunc(func(c *config) { c.known = reasons })
}

// Only runs the cases that match, and no others. Default: all.
func Only(match func(Case) bool) Option { return optionFunc(func(c *config) { c.only = match }) }

// Parallel is how many cases Check runs at the same time, at least 1. Run leaves
// that to go test's -parallel. Default: 4.
func Parallel(n int) Option { return optionFunc(func(c *config) { c.parallel = max(1, n) }) }

// Limit bounds one case. A case that is still running then has failed: its
// connections are terminated. Default: 20 seconds.
func Limit(d time.Duration) Option { return optionFunc(func(c *config) { c.limit = d }) }

// Run runs the suite on b as parallel subtests of t, named by case ID.
func Run(t *testing.T, b backend.Backend, dsn string, opts ...Option) {
	t.Helper()
	cfg := newConfig(opts)
	s, err := open(t.Context(), b, dsn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu     sync.Mutex
		notRun []string
	)
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if len(notRun) > 0 {
			slices.Sort(notRun)
			t.Logf("%d cases were not run:\n%s", len(notRun), strings.Join(notRun, "\n"))
		}
	})
	for c := range Cases() {
		if !cfg.only(c) {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			r := s.run(t.Context(), c)
			switch r.Status() {
			case Passed:
			case NotRun:
				mu.Lock()
				notRun = append(notRun, r.String())
				mu.Unlock()
				t.Log(r)
			case Expects:
				t.Log(r)
			case Failed, Stale:
				t.Error(r)
			}
		})
	}
}

// Check runs the suite on b and reports each result, one call at a time, in the
// order in which cases end. The error is about the environment (no server, no
// right to create a database) or names the cases that are not OK.
func Check(ctx context.Context, b backend.Backend, dsn string, report func(Result), opts ...Option) error {
	cfg := newConfig(opts)
	s, err := open(ctx, b, dsn, cfg)
	if err != nil {
		return err
	}
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		bad  []string
		room = make(chan struct{}, cfg.parallel)
	)
	for c := range Cases() {
		if !cfg.only(c) {
			continue
		}
		room <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-room }()
			r := s.run(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			if !r.OK() {
				bad = append(bad, c.ID)
			}
			report(r)
		})
	}
	wg.Wait()
	err = errors.Join(ctx.Err(), s.close())
	if len(bad) > 0 {
		slices.Sort(bad)
		err = errors.Join(err, fmt.Errorf("%s: %d cases: %s", backend.ModeOf(b), len(bad), strings.Join(bad, ", ")))
	}
	return err
}
