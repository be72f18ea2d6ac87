package graphql_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// schemaOf is the schema of a database.
func schemaOf(t *testing.T, dsn string, conf graphql.Config) (*graphql.Schema, error) {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	db, err := executor.Open(t.Context(), pgx.New(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cat, err := catalog.Load(t.Context(), db.Pool())
	if err != nil {
		t.Fatal(err)
	}
	src, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return graphql.NewSchema(src, conf)
}

// TestSampleSchema compares the schema of the sample database with the file that
// shows it. all_types is left out, for its columns hang on what the server has.
func TestSampleSchema(t *testing.T) {
	t.Parallel()
	s, err := schemaOf(t, pgtest.Sample(t), graphql.Config{Tables: map[string]graphql.TableConfig{"all_types": {Omit: []string{"all"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Broken()) > 0 {
		t.Errorf("broken: %v", s.Broken())
	}
	if _, ok := s.Builder().Catalog().Extension("pg_trgm"); !ok {
		t.Skip("the operators of pg_trgm are in the file, and the server has no such extension")
	}
	var sdl strings.Builder
	if err := s.WriteSDL(&sdl); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/sample.graphql"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(golden, []byte(sdl.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(sdl.String(), "\n")); d != "" {
		t.Errorf("-%s +schema (-update rewrites it):\n%s", golden, d)
	}
}
