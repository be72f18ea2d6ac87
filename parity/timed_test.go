package parity_test

import (
	"context"
	"testing"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// TestTimeOfManyRows: of many rows only some are timed, and the time told is that of all.
func TestTimeOfManyRows(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	var got parity.Report
	h := parity.NewHarness(parity.WithThirdVoice(0), parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) { got = r })))
	r := parity.NewRunner(h, open(t, mode(t, "pq/default"), dsn), open(t, mode(t, "pgx/cache_statement"), dsn))
	// Each row makes the client wait for at least a millisecond, on one side or the other.
	s := &builder.Statement{
		Name: "query slow", SQL: "select i::int8 as id, repeat('x', 9000) as a from generate_series(1, 1200) i, lateral (select pg_sleep(0.001 + 0 * i)) s", Effect: builder.Read, Ordered: true,
		Columns: []builder.Column{{Name: "id", Type: codec.Builtin().Type(20)}, {Name: "a", Type: codec.Builtin().Type(25)}},
	}
	rows, err := r.Query(t.Context(), s)
	if n := exhaust(t, rows, err); n != 1200 {
		t.Fatalf("%d rows", n)
	}
	total := got.Control.Duration + got.Candidate.Duration
	if got.Verdict != parity.Equal || total.Milliseconds() < 600 {
		t.Errorf("%v: control %v, candidate %v", got.Verdict, got.Control.Duration, got.Candidate.Duration)
	}
}
