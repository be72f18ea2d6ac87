package tests

import (
	"context"
	"io"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// TestControlAgainstControl runs the corpus on each mode against itself, and
// against lib/pq, in both directions: nothing differs, and the server's own
// JSON is what both say.
func TestControlAgainstControl(t *testing.T) {
	t.Parallel()
	list := corpus(t)
	modes := all.Modes(codec.HasBinary)
	for _, m := range modes {
		for _, pair := range [][2]backend.Backend{{m, m}, {modes[0], m}, {m, modes[0]}} {
			t.Run(backend.ModeOf(pair[0])+" against "+backend.ModeOf(pair[1]), func(t *testing.T) {
				t.Parallel()
				dsn := pgtest.Sample(t)
				compareCorpus(t, list, dsn, pair[0], pair[1])
			})
		}
	}
}

func compareCorpus(t *testing.T, list []operation, dsn string, control, candidate backend.Backend) {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	var sides [2]*executor.DB
	for i, b := range []backend.Backend{control, candidate} {
		if sides[i], err = executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0)); err != nil {
			t.Fatal(err)
		}
		defer sides[i].Close()
	}
	cat, err := catalog.Load(t.Context(), sides[0].Pool())
	if err != nil {
		t.Fatal(err)
	}
	schema, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h := parity.NewHarness(parity.WithThirdVoice(1), parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		if !r.Verdict.Pass() || r.Wrong != "" {
			t.Errorf("%s: %v (%s), wrong %q: %v", r.Operation, r.Verdict, r.Reason, r.Wrong, r.Diffs)
		}
	})))
	runner := parity.NewRunner(h, sides[0], sides[1])
	for _, o := range list {
		def, err := builder.ParseDefinition(o.Definition)
		if err != nil {
			continue // refused before any SQL
		}
		_ = executor.Execute(t.Context(), runner, schema, def, io.Discard) // operations that fail, fail on both
	}
	if s := h.Summary(); s.Operations < 50 {
		t.Errorf("only %d operations were compared", s.Operations)
	}
	if err := runner.Idle(); err != nil {
		t.Error(err)
	}
}
