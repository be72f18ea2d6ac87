package step4_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/examples/migration/notes"
	"github.com/fraiseql/fraiseql-go/examples/migration/notes/notestest"
	"github.com/fraiseql/fraiseql-go/examples/migration/step3"
	"github.com/fraiseql/fraiseql-go/examples/migration/step4"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestCanary: the service works whichever driver answers, and nothing that was
// compared differs.
func TestCanary(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pq", "pgx"} {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, notes.Schema)
		pool, h, err := step4.Open(dsn, name)
		if err != nil {
			t.Fatal(err)
		}
		notestest.Use(t, step3.Store{DB: pool})
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
		s := h.Summary()
		t.Logf("%s: %v, rules %v", name, s.Verdicts, s.Rules)
		passed, failed := uint64(0), uint64(0)
		for v, n := range s.Verdicts {
			switch v.String() {
			case "equal", "equal by rule":
				passed += n
			case "mismatch", "inconclusive":
				failed += n
			}
		}
		if passed < 2 || failed > 0 {
			t.Errorf("%s: %d reads compared and equal, %d that are not; want 2 at least, and 0", name, passed, failed)
		}
	}
	if _, _, err := step4.Open("", "mysql"); err == nil {
		t.Error("an unknown driver was taken")
	}
}
