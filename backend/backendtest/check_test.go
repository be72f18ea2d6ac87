package backendtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/backend/backendtest"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestResultStatus(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := []struct {
		name, why string
		result    backendtest.Result
		want      backendtest.Status
		ok        bool
	}{
		{"passed", "no error", backendtest.Result{}, backendtest.Passed, true},
		{"failed", "an error", backendtest.Result{Err: boom}, backendtest.Failed, false},
		{"not run", "neither", backendtest.Result{Err: backendtest.ErrNotRun}, backendtest.NotRun, true},
		{"known", "an error that is listed", backendtest.Result{Err: boom, Known: "so it is"}, backendtest.Expects, true},
		{"stale", "listed, but it passes: the list is wrong", backendtest.Result{Known: "so it is"}, backendtest.Stale, false},
		{"known, not run", "nothing can be said", backendtest.Result{Err: backendtest.ErrNotRun, Known: "so it is"}, backendtest.NotRun, true},
	}
	for _, tt := range tests {
		if got := tt.result.Status(); got != tt.want || tt.result.OK() != tt.ok {
			t.Errorf("%s (%s): status %q, OK %t", tt.name, tt.why, got, tt.result.OK())
		}
		if !strings.HasPrefix(tt.result.String(), string(tt.want)) {
			t.Errorf("%s: printed as %q", tt.name, tt.result)
		}
	}
}

// TestCheck: the front door for programs reports each case once and sums up.
func TestCheck(t *testing.T) {
	t.Parallel()
	set, err := all.Backends(all.WithBinary(codec.HasBinary))
	if err != nil {
		t.Fatal(err)
	}
	b := set.All()[0]
	dsn := pgtest.DB(t)
	n := 0
	only := backendtest.Only(func(c backendtest.Case) bool { return c.Area() == "nulls" })
	if err := backendtest.Check(t.Context(), b, dsn, func(r backendtest.Result) { n++ }, only); err != nil {
		t.Error(err)
	}
	if n < 10 {
		t.Errorf("%d results", n)
	}
	err = backendtest.Check(t.Context(), b, dsn, func(backendtest.Result) {}, only,
		backendtest.Known(map[string]string{"nulls/no-rows": "it is not so"}))
	if err == nil || !strings.Contains(err.Error(), "nulls/no-rows") {
		t.Errorf("a stale deviation is reported as %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := backendtest.Check(ctx, b, dsn, func(backendtest.Result) {}, only); err == nil {
		t.Error("Check with a context that has ended succeeds")
	}
	if err := backendtest.Check(t.Context(), b, "host=", func(backendtest.Result) {}); err == nil {
		t.Error("Check of a server that is not there succeeds")
	}
}
