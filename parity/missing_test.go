package parity_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// TestMissing: what a program forgot to give is named by an error, and never a panic.
func TestMissing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	h := parity.NewHarness(nil) // an option that was not decided on
	a, b := open(t, mode(t, "pq/default"), dsn), open(t, mode(t, "pgx/exec"), dsn)
	var unopened *executor.DB // its error was not read
	one := statement("select 1", true)
	for _, tc := range []struct {
		name, want string
		runner     *parity.Runner
	}{
		{"no harness", "", parity.NewRunner(nil, a, b)},
		{"a zero harness", "", parity.NewRunner(&parity.Harness{}, a, b)},
		{"no control", "the control is nil", parity.NewRunner(h, nil, b)},
		{"no candidate", "the candidate is nil", parity.NewRunner(h, a, nil)},
		{"a control that did not open", "the control is nil", parity.NewRunner(h, unopened, b)},
		{"a candidate that did not open", "the candidate is nil", parity.NewSeparateRunner(nil, a, unopened)},
		{"a pool that is nil", "the pool that was adopted is nil", parity.NewRunner(h, executor.Adopt(mode(t, "pq/default"), nil), b)},
	} {
		_, queried := drain(tc.runner.Query(t.Context(), one))
		_, ran := tc.runner.Exec(t.Context(), one)
		for _, err := range []error{queried, ran} {
			if tc.want == "" && err != nil || tc.want != "" && (backend.CodeOf(err) != backend.CodeConfiguration || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
		if tc.want != "the pool that was adopted is nil" {
			if err := tc.runner.Idle(); err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
	}
	r := parity.NewRunner(h, a, b)
	_, err := r.Query(t.Context(), nil)
	_, err2 := r.Exec(t.Context(), nil)
	for _, err := range []error{err, err2, r.InTx(t.Context(), nil, nil)} {
		if backend.CodeOf(err) != backend.CodeConfiguration || !strings.Contains(err.Error(), "is nil") {
			t.Errorf("nil: %v", err)
		}
	}
	gives := func(n int) func(context.Context) (int, error) {
		return func(context.Context) (int, error) { return n, nil }
	}
	for _, h := range []*parity.Harness{nil, {}} {
		if n, err := parity.Run(t.Context(), h, "x", gives(1), gives(2)); n != 1 || err != nil {
			t.Errorf("a harness that is not there: %d, %v", n, err)
		}
	}
	if _, err := parity.Run(t.Context(), h, "x", nil, gives(1)); err == nil || !strings.Contains(err.Error(), "run x: the control is nil") {
		t.Errorf("no control: %v", err)
	}
	if n, err := parity.Run(t.Context(), h, "x", gives(1), nil); n != 1 || err != nil || h.Summary().Verdicts[parity.NotCompared] != 1 {
		t.Errorf("no candidate: %d, %v, %+v", n, err, h.Summary())
	}
}

// TestClosed: a pool that is closed is nothing that two drivers differ in.
func TestClosed(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	b := newBench(t, dsn, mode(t, "pgx/exec"), mode(t, "pq/default"))
	shut := executor.Adopt(mode(t, "pq/default"), func() *sql.DB {
		db := open(t, mode(t, "pq/default"), dsn)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		return db.Pool()
	}())
	r := parity.NewRunner(b.harness, open(t, mode(t, "pgx/exec"), dsn), shut)
	if rows, err := drain(r.Query(t.Context(), statement("select 1", true))); err != nil || len(rows) != 1 {
		t.Errorf("the caller got %v, %v", rows, err)
	}
	if last := b.last(t); last.Verdict != parity.Inconclusive {
		t.Errorf("a closed candidate: %+v", last)
	}
	_, err := drain(parity.NewRunner(b.harness, shut, open(t, mode(t, "pgx/exec"), dsn)).Query(t.Context(), statement("select 1", true)))
	if backend.CodeOf(err) != backend.CodeServiceUnavailable {
		t.Errorf("a closed control: %v", err)
	}
}

// TestPublisherPanics: a report that is lost takes no answer with it.
func TestPublisherPanics(t *testing.T) { //nolint:paralleltest // the default log is everybody's
	was := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(was)
	h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(context.Context, parity.Report) { panic("theirs") })))
	want := errors.New("mine")
	n, err := parity.Run(t.Context(), h, "x", func(context.Context) (int, error) { return 7, want }, func(context.Context) (int, error) { return 8, nil })
	if n != 7 || !errors.Is(err, want) || h.Summary().Operations != 1 {
		t.Errorf("%d, %v, %+v", n, err, h.Summary())
	}
}
