package step3_test

import (
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/examples/migration/notes"
	"github.com/fraiseql/fraiseql-go/examples/migration/notes/notestest"
	"github.com/fraiseql/fraiseql-go/examples/migration/step3"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/paritytest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestBothDrivers: nothing differs, whichever answers; the Go types of values and what
// is in the database afterwards included.
func TestBothDrivers(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, notes.Schema)
	notestest.Use(t, step3.Store{DB: paritytest.SQL(t, dsn, &pq.Driver{}, stdlib.GetDefaultDriver(), paritytest.WithStrictTypes())})
	notestest.Use(t, step3.Store{DB: paritytest.SQL(t, dsn, stdlib.GetDefaultDriver(), &pq.Driver{}, paritytest.WithStrictTypes())})
}
