package step2_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/examples/migration/notes"
	"github.com/fraiseql/fraiseql-go/examples/migration/notes/notestest"
	"github.com/fraiseql/fraiseql-go/examples/migration/step1"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/paritytest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestWhatStandsInTheWay runs the service's own test with both drivers. Without a
// publisher of its own paritytest would fail it; this one looks at why it would.
func TestWhatStandsInTheWay(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, notes.Schema)
	var mu sync.Mutex
	found := map[string]string{}
	pool := paritytest.SQL(t, dsn, &pq.Driver{}, stdlib.GetDefaultDriver(),
		paritytest.WithStrictTypes(), paritytest.WithoutState(),
		paritytest.WithHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
			if r.Verdict != parity.Mismatch {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, d := range r.Diffs {
				found[strings.Fields(r.Operation)[0]] += d.String() + "\n"
			}
		}))))
	notestest.Use(t, step1.Store{DB: pool})
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{
		"tags: go type: _text: []byte against string", // pq.Array takes either, other code may not
		`- priority="2"`, // a Go type with a String method: each driver stores another text
		`+ priority="high"`,
		"price: go type: numeric: []byte against string", // price.([]byte) panics on pgx
	} {
		if !strings.Contains(found["select"], want) {
			t.Errorf("the harness does not say %q; it says:\n%s", want, found["select"])
		}
	}
}
