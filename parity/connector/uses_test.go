package connector_test

import (
	"slices"
	"testing"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/coverage"
)

// TestUses: a report says which types were read, and of which NULL was, each once.
func TestUses(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create type mood as enum ('ok')")
	cat, err := catalog.Load(t.Context(), pgtest.Open(t, dsn))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range directions {
		tracker := coverage.New(schema, nil)
		b := newBench(t, plain(t, names[0], dsn), plain(t, names[1], dsn))
		for query, want := range map[string][]string{
			"select i, case when i > 1 then 'x'::text end, '{1}'::int4[], 'ok'::mood from generate_series(1, 3) i order by i": {"int4 read", "text read", "text null", "int4[] read"},
			"select 1::int8, true where false": nil,
			"select 1::int8, 2::int8":          {"int8 read"},
		} {
			if _, err := readAll(t, b, query); err != nil {
				t.Fatal(err)
			}
			var got []string
			r := b.last(t)
			tracker.Publish(t.Context(), r)
			for _, u := range r.Uses {
				if u.Column != nil {
					t.Errorf("%+v: nobody told which column that is", u)
				}
				got = append(got, u.Type.String()+map[builder.How]string{builder.UseRead: " read", builder.UseReadNull: " null"}[u.How])
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%v: %s: %q, want %q", names, query, got, want)
			}
		}
		counted := map[string][]int64{}
		for _, row := range tracker.Coverage().Maps[1].Rows { // types by use: read, null, …
			counted[row.Name] = row.Cells[:2]
		}
		if !slices.Equal(counted["text"], []int64{1, 1}) || !slices.Equal(counted["int8"], []int64{1, 0}) {
			t.Errorf("%v: coverage has %v", names, counted)
		}
	}
}
