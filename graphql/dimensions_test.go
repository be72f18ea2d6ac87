package graphql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestDimensions: a column has the dimensions that the configuration, its comment or
// its declaration says, in this order; what says nonsense is told.
func TestDimensions(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `
		CREATE TABLE t (id int PRIMARY KEY, a int[][][][][][][][], b int[][], c int[], d int[], e int, f int[]);
		COMMENT ON COLUMN t.b IS '@dimensions 1';
		COMMENT ON COLUMN t.c IS '@dimensions 2';
		COMMENT ON COLUMN t.e IS '@dimensions 1';
		COMMENT ON COLUMN t.f IS '@dimensions two';
		CREATE TABLE u (id int PRIMARY KEY, t_id int REFERENCES t);`)
	s, err := schemaOf(t, dsn, graphql.Config{Tables: map[string]graphql.TableConfig{
		"t": {Columns: map[string]graphql.ColumnConfig{"c": {Dimensions: 3}, "d": {Dimensions: 7}}},
		"u": {Relations: map[string]graphql.ColumnConfig{"t": {Dimensions: 1}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var sdl strings.Builder
	if err := s.WriteSDL(&sdl); err != nil {
		t.Fatal(err)
	}
	_, fields, _ := strings.Cut(sdl.String(), "type T {")
	for _, part := range []string{"a: [[[[[[Int]]]]]]\n", "b: [Int]\n", "c: [[[Int]]]\n", "d: [Int]\n", "e: Int\n", "f: [Int]\n"} {
		if !strings.Contains(fields, part) {
			t.Errorf("no %q", part)
		}
	}
	const reason = "only an array has any, 1 to 6"
	if d := cmp.Diff([]graphql.Broken{
		{Object: "dimensions of d of public.t", Reason: reason},
		{Object: "dimensions of e of public.t", Reason: reason},
		{Object: "dimensions of f of public.t", Reason: reason},
		{Object: "relation t of public.u", Reason: "only a column has dimensions"},
	}, s.Broken()); d != "" {
		t.Error(d)
	}
}
