package fraiseql_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestWithoutCollisions: what meets in one name fails the load, or is left out and
// listed where the rest is to be served. A reload takes nothing away that way.
func TestWithoutCollisions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{flags.BackendPGX, flags.BackendPQ} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			s := flags.Default()
			s.DatabaseURL, s.Backend = dsn, name
			pgtest.Exec(t, dsn, `create table t (id int8 primary key, a_b int, "aB" int)`, `insert into t values (1, 2, 3)`)
			if db, err := fraiseql.Open(t.Context(), "", s, fraiseql.WithEnv(noEnv)); err == nil || !strings.Contains(err.Error(), `columns "a_b" and "aB"`) {
				t.Errorf("Open = %v, %v, want an error that names both columns", db, err)
			}
			pgtest.Exec(t, dsn, `create table query (id int)`, `create table widgets (id int primary key, w int)`)
			db, err := fraiseql.Open(t.Context(), "", s, fraiseql.WithEnv(noEnv), fraiseql.WithoutCollisions())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			site, err := db.Site()
			if err != nil {
				t.Fatal(err)
			}
			defer site.Close()
			engine, err := db.GraphQL()
			if err != nil {
				t.Fatal(err)
			}
			ask := func(query string) string {
				op, err := engine.Prepare(t.Context(), &graphql.Request{Query: query})
				if err != nil {
					return err.Error()
				}
				var b bytes.Buffer
				if err := op.Execute(t.Context(), &b); err != nil {
					return err.Error()
				}
				return b.String()
			}
			lacks := func(want ...string) {
				t.Helper()
				report, err := site.Ready(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, b := range report.Broken {
					got = append(got, b.Object)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
			}
			if got, want := ask(`{ ts { id aB } }`), `{"data":{"ts":[{"id":1,"aB":2}]}}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			var w bytes.Buffer
			if err := db.ExecuteJSON(t.Context(), []byte(`{"operation":"query","table":"t"}`), &w); err != nil || w.String() != `{"data":[{"id":1,"aB":2}],"errors":null}` {
				t.Errorf("definition: %s, %v", &w, err)
			}
			lacks("table public.query", "column aB of public.t")

			// What is new and has no name left out is listed.
			pgtest.Exec(t, dsn, `create table mutation (id int)`, `create table u (id int primary key)`)
			if err := db.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			lacks("table public.mutation", "table public.query", "column aB of public.t")
			if got, want := ask(`{ us { id } }`), `{"data":{"us":[]}}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}

			// What is served stays, although another table comes first by its name.
			pgtest.Exec(t, dsn, `create table widget (id int primary key)`)
			for range 2 {
				if err := db.Reload(t.Context()); backend.CodeOf(err) != backend.CodeConfiguration || !strings.Contains(err.Error(), "table public.widget and table public.widgets") {
					t.Errorf("Reload = %v, want an error that names both tables", err)
				}
				if got, want := ask(`{ widgets { w } }`), `{"data":{"widgets":[]}}`; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
			lacks("table public.mutation", "table public.query", "column aB of public.t", "schema")
			pgtest.Exec(t, dsn, `comment on table widget is '@name Gadget'`)
			if err := db.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			lacks("table public.mutation", "table public.query", "column aB of public.t")
			if got, want := ask(`{ widgets { w } gadgets { id } }`), `{"data":{"widgets":[],"gadgets":[]}}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
