package executor_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestTimeZoneOfTransaction: times are written with the offset of the zone that is in
// force, however it was set, and the connection's next user finds its own again.
func TestTimeZoneOfTransaction(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table moments (id int8 primary key, at timestamptz, list timestamptz[], span tstzrange)",
		"insert into moments values (1, '2024-07-01 12:00+00', '{2024-01-01 12:00+00}', '[2024-07-01 12:00+00,2024-07-02 12:00+00)')")
	const (
		utc   = `{"data":[{"at":"2024-07-01T12:00:00+00:00","list":["2024-01-01T12:00:00+00:00"],"span":"[\"2024-07-01 12:00:00+00\",\"2024-07-02 12:00:00+00\")"}],"errors":null}`
		paris = `{"data":[{"at":"2024-07-01T14:00:00+02:00","list":["2024-01-01T13:00:00+01:00"],"span":"[\"2024-07-01 14:00:00+02\",\"2024-07-02 14:00:00+02\")"}],"errors":null}`
	)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn, executor.WithMaxConns(1))
		cat, err := catalog.Load(t.Context(), db.Pool())
		if err != nil {
			t.Fatal(err)
		}
		s, err := builder.NewSchema(cat, builder.SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		def, err := builder.ParseDefinition([]byte(`{"operation":"query","table":"moments","fields":["at","list","span"]}`))
		if err != nil {
			t.Fatal(err)
		}
		ask := func(ctx context.Context, r executor.Runner, o ...executor.ExecOption) string {
			var out bytes.Buffer
			if err := executor.Execute(ctx, r, s, def, &out, o...); err != nil {
				t.Fatal(err)
			}
			return string(bytes.TrimSpace(out.Bytes()))
		}
		zone := executor.WithSession(map[string]string{"TimeZone": "Europe/Paris"})
		for i := range 3 { // prepared or not, before and after
			if got := ask(t.Context(), db, zone); got != paris {
				t.Errorf("%d: with a zone: %s", i, got)
			}
			if got := ask(t.Context(), db); got != utc {
				t.Errorf("%d: without: %s", i, got)
			}
			err := db.InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
				if got := ask(ctx, r); got != utc {
					t.Errorf("%d: before it is set: %s", i, got)
				}
				if _, err := r.Exec(ctx, write("set local timezone to 'Europe/Paris'")); err != nil {
					return err
				}
				if got := ask(ctx, r); got != paris {
					t.Errorf("%d: after it is set: %s", i, got)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}
