package builder_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestSchemaParse: faults of the JSON and faults against the schema are told
// together, and a fault of the JSON does not cause others.
func TestSchemaParse(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Load(t.Context(), pgtest.Open(t, pgtest.Sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	sch, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, request string
		want          []string // places
	}{
		{"right", `{"operation":"query","table":"users"}`, nil},
		{
			"everything at once",
			`{"operation":"query","table":"users","fields":["id","nope"],"filters":{"and":[{"nam":{"eq":"x"}},{"id":{"like":"1"}}]},"sort":[{"field":"zzz"}],"pagination":{"limit":-1}}`,
			[]string{"$.fields[1]", "$.filters.and[0].nam", "$.filters.and[1].id.like", "$.pagination.limit", "$.sort[0].field"},
		},
		{"an unknown key and an unknown field", `{"operation":"query","table":"users","filter":{},"fields":["nope"]}`, []string{"$.fields[0]", "$.filter"}},
		{"a missing value is told once", `{"type":"update","table":"users","filters":{"id":{"eq":1}},"input":5}`, []string{"$.input"}},
		{"a broken filter is told once", `{"type":"delete","table":"users","filters":{"and":5}}`, []string{"$.filters.and"}},
		{"each of a list", `[{"operation":"query","table":"users","x":1},{"operation":"query","table":"nope"}]`, []string{"$[0].x", "$[1].table"}},
		{"no JSON", `{"operation":`, []string{"$.operation"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := sch.Parse([]byte(tc.request))
			var problems builder.Problems
			if err != nil && !errors.As(err, &problems) {
				t.Fatalf("error %T", err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Path.String())
			}
			slices.Sort(got)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("places (-want +got):\n%s\n%v", d, err)
			}
		})
	}
}

// FuzzSchemaParse: half-read requests are built without a panic.
func FuzzSchemaParse(f *testing.F) {
	for _, seed := range []string{
		`{"operation":"query","table":"users","filters":{"and":[{"id":5},null]},"sort":[{}]}`,
		`{"type":"insert","table":"users","input":[{},5],"on_conflict":{"do":"x"}}`,
		`{"type":"update","table":"users","input":{"id":{"set_path":{}}},"filters":{"not":1}}`,
		`{"operation":"query","table":"users","relations":{"posts":{"fields":5}},"aggregate":[{}],"group_by":[{}],"having":{}}`,
		`{"operation":"query","table":"users","after":{"id":[]},"distinct":7,"pagination":{"limit":"x"}}`,
	} {
		f.Add([]byte(seed))
	}
	cat, err := catalog.Load(f.Context(), pgtest.Open(f, pgtest.Sample(f)))
	if err != nil {
		f.Fatal(err)
	}
	sch, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = sch.Parse(data) // only that it returns
	})
}
