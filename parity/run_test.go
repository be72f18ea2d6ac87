package parity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
)

type user struct {
	Name string
	Seen time.Time
}

type secretive struct{ hidden int }

// TestRun: whatever the candidate does, the caller gets the control's answer.
func TestRun(t *testing.T) {
	t.Parallel()
	type answer = func(context.Context) (any, error)
	gives := func(v any, err error) answer { return func(context.Context) (any, error) { return v, err } }
	state := func(s string) error {
		return &backend.Error{Op: "x", Code: backend.CodeConstraintViolation, SQLState: s, Err: errors.New(s)}
	}
	gone := &backend.Error{Op: "x", Code: backend.CodeServiceUnavailable, Err: errors.New("gone")}
	calls := 0
	for _, tc := range []struct {
		name               string
		control, candidate answer
		opts               []cmp.Option
		want               parity.Verdict
		reason             string
	}{
		{"alike", gives(user{Name: "Ann"}, nil), gives(user{Name: "Ann"}, nil), nil, parity.Equal, ""},
		{"another value", gives(user{Name: "Ann"}, nil), gives(user{Name: "Bob"}, nil), nil, parity.Mismatch, ""},
		{"another type", gives(int64(1), nil), gives(int32(1), nil), nil, parity.Mismatch, ""},
		{"an option", gives(user{Seen: time.Unix(1, 0)}, nil), gives(user{Seen: time.Unix(2, 0)}, nil), []cmp.Option{cmp.Comparer(func(a, b time.Time) bool { return a.Year() == b.Year() })}, parity.Equal, ""},
		{"what go-cmp refuses", gives(secretive{1}, nil), gives(secretive{1}, nil), nil, parity.Inconclusive, "can't be compared"},
		{"candidate fails", gives(1, nil), gives(nil, state("23505")), nil, parity.Mismatch, ""},
		{"control fails", gives(nil, state("23505")), gives(1, nil), nil, parity.Mismatch, ""},
		{"both fail alike", gives(nil, state("23505")), gives(nil, state("23505")), nil, parity.Equal, ""},
		{"both fail, otherwise", gives(nil, state("23505")), gives(nil, state("23503")), nil, parity.Mismatch, ""},
		{"panic", gives(1, nil), func(context.Context) (any, error) { panic("made up") }, nil, parity.Mismatch, ""},
		{"candidate gone", gives(1, nil), gives(nil, gone), nil, parity.Inconclusive, "connection"},
		{"candidate gone once", gives(1, nil), func(context.Context) (any, error) {
			if calls++; calls == 1 {
				return nil, gone
			}
			return 1, nil
		}, nil, parity.Equal, ""},
		{"control gone", gives(nil, gone), gives(1, nil), nil, parity.Inconclusive, "control"},
		{"hang", gives(1, nil), func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, ctx.Err() }, nil, parity.Inconclusive, "had not ended"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r parity.Report
			h := parity.NewHarness(
				parity.WithCandidateTimeout(100*time.Millisecond),
				parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, got parity.Report) { r = got })))
			want, wantErr := tc.control(t.Context())
			got, err := parity.Run(t.Context(), h, tc.name, tc.control, tc.candidate, tc.opts...)
			if d := cmp.Diff(want, got, cmp.AllowUnexported(secretive{})); d != "" || !errors.Is(err, wantErr) {
				t.Errorf("the caller got %v, %v; want the control's %v, %v", got, err, want, wantErr)
			}
			if r.Verdict != tc.want || r.Operation != tc.name || !strings.Contains(r.Reason, tc.reason) {
				t.Errorf("%v (%s), want %v; %v", r.Verdict, r.Reason, tc.want, r.Diffs)
			}
			if s := h.Summary(); s.Operations != 1 || s.Verdicts[tc.want] != 1 {
				t.Errorf("summary %+v", s)
			}
		})
	}
}

// TestRunSample: the share that is left out does not run the candidate.
func TestRunSample(t *testing.T) {
	t.Parallel()
	h := parity.NewHarness(parity.WithSample(0))
	one := func(context.Context) (int, error) { return 1, nil }
	got, err := parity.Run(t.Context(), h, "x", one, func(context.Context) (int, error) {
		t.Error("the candidate ran")
		return 0, nil
	})
	if got != 1 || err != nil || h.Summary().Verdicts[parity.NotCompared] != 1 {
		t.Errorf("%d, %v, %+v", got, err, h.Summary())
	}
}

func ExampleRun() {
	ctx := context.Background()
	harness := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		fmt.Printf("%s: %s\n", r.Operation, r.Verdict)
	})))
	old := func(context.Context) ([]string, error) { return []string{"Ann", "Bob"}, nil }     // through lib/pq
	renewed := func(context.Context) ([]string, error) { return []string{"Bob", "Ann"}, nil } // through pgx

	names, err := parity.Run(ctx, harness, "names of users", old, renewed)
	fmt.Println(names, err)
	// Output:
	// names of users: mismatch
	// [Ann Bob] <nil>
}
