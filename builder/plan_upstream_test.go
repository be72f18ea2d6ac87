package builder

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestKnownDefectsOfWrites holds a case for each defect of writes and answers
// that the products before this one shipped. The table has the rows 1 to 4.
func TestKnownDefectsOfWrites(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE TABLE jobs (id int PRIMARY KEY, name text, state text, price numeric(6,2), doc jsonb, updated_at timestamptz);
INSERT INTO jobs SELECT i, 'job ' || i, CASE WHEN i % 2 = 0 THEN 'open' END, i, '{}' FROM generate_series(1, 4) i`)
	l := openLive(t, dsn)
	for _, tt := range []struct{ id, def, want string }{
		{"multi-condition delete keeps the first condition only", // fraiseql#834
			`{"type":"delete","table":"jobs","filters":{"state":{"eq":"open"},"id":{"gt":2}},"return_fields":["id"]}`, `[{"id":4}]`},
		{
			"not dropped from a delete",
			`{"type":"delete","table":"jobs","filters":{"not":{"id":{"gt":1}}},"return_fields":["id"]}`, `[{"id":1}]`,
		},
		{
			"or dropped from an update",
			`{"type":"update","table":"jobs","input":{"state":"x"},"filters":{"or":[{"id":{"eq":1}},{"id":{"eq":3}}]},"return_fields":["id"]}`, "[{\"id\":1},\n{\"id\":3}]",
		},
		{"one row changed, all reported", // fraiseql#913
			`{"type":"update","table":"jobs","input":{"state":"x"},"filters":{"state":{"eq":"open"}},"return_fields":["id","state"]}`, "[{\"id\":2,\"state\":\"x\"},\n{\"id\":4,\"state\":\"x\"}]"},
		{
			"null never reaches a column",
			`{"type":"update","table":"jobs","input":{"state":null},"filters":{"id":{"eq":2}},"return_fields":["state"]}`, `{"state":null}`,
		},
		{
			"echo of the input instead of the stored row",
			`{"type":"insert","table":"jobs","input":{"id":9,"price":1.005},"return_fields":["price","name"]}`, `{"price":1.01,"name":null}`,
		},
		{"keys of nested input changed", // fraiseql#400, #456
			`{"type":"insert","table":"jobs","input":{"id":9,"doc":{"firstName":{"last_name":1},"":[]}},"return_fields":["doc"]}`, `{"doc":{"": [], "firstName": {"last_name": 1}}}`},
		{
			"% in a value breaks formatting",
			`{"type":"insert","table":"jobs","input":{"id":9,"name":"100% %s %r ? $1 ' \" \\ {}"},"return_fields":["name"]}`, `{"name":"100% %s %r ? $1 ' \" \\ {}"}`,
		},
		{"a list of one answered as an object", // fraiseql-python#114
			`{"type":"insert","table":"jobs","input":[{"id":9}],"return_fields":["id"]}`, `[{"id":9}]`},
		{
			"a query for one row answered as an object",
			`{"operation":"query","table":"jobs","fields":["id"],"filters":{"id":{"eq":1}}}`, `[{"id":1}]`,
		},
		{
			"no row answered as a list",
			`{"type":"delete","table":"jobs","filters":{"id":{"eq":99}},"return_fields":["id"]}`, `null`,
		},
		{
			"answer in the order of the columns",
			`{"operation":"query","table":"jobs","fields":["updatedAt","name","id"],"filters":{"id":{"eq":1}}}`, `[{"updatedAt":null,"name":"job 1","id":1}]`,
		},
		{"alias reads another column", // fraiseql#418
			`{"operation":"query","table":"jobs","fields":[{"field":"name","as":"id"},{"field":"id","as":"name"}],"filters":{"id":{"eq":1}}}`, `[{"id":"job 1","name":1}]`},
		{"camelCase sort dropped", // fraiseql#832
			`{"operation":"query","table":"jobs","fields":["id"],"sort":[{"updatedAt":"ASC"},{"id":"DESC"}],"pagination":{"limit":1}}`, `[{"id":4}]`},
		{
			"numbers sorted as text",
			`{"operation":"query","table":"jobs","aggregate":[{"fn":"max","field":"price"}]}`, `[{"maxPrice":4.00}]`,
		},
		{"an empty update", `{"type":"update","table":"jobs","input":{},"filters":{"id":{"eq":1}}}`, "refused"},
		{"sort by an unknown key sorts nothing", `{"operation":"query","table":"jobs","sort":[{"nope":"ASC"}]}`, "refused"},
		{"negative limit", `{"operation":"query","table":"jobs","pagination":{"limit":-1}}`, "refused"},
	} {
		t.Run(tt.id, func(t *testing.T) {
			def, err := ParseDefinition([]byte(tt.def))
			var p *Plan
			if err == nil {
				p, err = Build(l.schema, def)
			}
			if err != nil {
				if tt.want != "refused" {
					t.Error(err)
				}
				return
			}
			for name := range l.pools {
				l.onBackend(t, name, func(x *planRun) {
					if got, err := x.answer(p); err != nil || got != tt.want {
						t.Errorf("%s: got %s, %v, want %s", name, got, err, tt.want)
					}
				})
			}
		})
	}
}

// BenchmarkBuild is what planning costs without a cache.
func BenchmarkBuild(b *testing.B) {
	s := schemaOfSample(b)
	for name, text := range map[string]string{
		"ByKey":  `{"operation":"query","table":"users","fields":["id","name","email","createdAt"],"filters":{"id":{"eq":1}}}`,
		"Nested": `{"operation":"query","table":"users","fields":["id","name"],"pagination":{"limit":20},"relations":{"posts":{"fields":["id","title"],"pagination":{"limit":5},"relations":{"comments":{"fields":["id","body"],"pagination":{"limit":3}}}}}}`,
		"Insert": `{"type":"insert","table":"tags","input":{"name":"x","color":"#000000"},"return_fields":["id"]}`,
	} {
		def, err := ParseDefinition([]byte(text))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Build(s, def); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
