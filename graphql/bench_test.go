package graphql_test

import (
	"encoding/json"
	"io"
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// BenchmarkPrepare is what a request costs before its statement: with its plan in
// the cache, and without.
func BenchmarkPrepare(b *testing.B) {
	dsn := pgtest.Sample(b)
	for _, bc := range []struct{ name, query, variables string }{
		{"key", `query ($id: BigInt!) { user(id: $id) { id name email createdAt } }`, `{"id": 42}`},
		{
			"filter", `query ($filter: UserFilter, $limit: Int) { users(filter: $filter, orderBy: [{name: ASC}], limit: $limit) { id name email } }`,
			`{"filter": {"isActive": {"eq": true}, "name": {"startswith": "A"}, "id": {"gte": 10}}, "limit": 50}`,
		},
		{"nested", `query ($n: Int!) { users(limit: $n, orderBy: [{id: ASC}]) { id name posts(limit: 5) { title comments(limit: 3) { body } } } }`, `{"n": 20}`},
	} {
		for _, cached := range []bool{true, false} {
			name := bc.name + "/cached"
			o := graphql.EngineOptions{}
			if !cached {
				name, o.Plans = bc.name+"/new", -1
			}
			b.Run(name, func(b *testing.B) {
				f := fixtures(b, dsn, graphql.Config{}, o)[0]
				r := &graphql.Request{Query: bc.query, Variables: json.RawMessage(bc.variables)}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f.engine.Prepare(b.Context(), r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkExecute is a whole request, without HTTP.
func BenchmarkExecute(b *testing.B) {
	for _, f := range fixtures(b, pgtest.Sample(b), graphql.Config{}, graphql.EngineOptions{}) {
		b.Run(f.backend, func(b *testing.B) {
			r := &graphql.Request{Query: `query ($id: BigInt!) { user(id: $id) { id name email createdAt } }`, Variables: json.RawMessage(`{"id": 42}`)}
			b.ReportAllocs()
			for b.Loop() {
				op, err := f.engine.Prepare(b.Context(), r)
				if err == nil {
					err = op.Execute(b.Context(), io.Discard)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
