package graphql_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestOrderInsideJSON sorts by values inside documents: as numbers where that is
// said, else as text.
func TestOrderInsideJSON(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table doc (id int primary key, body jsonb)`,
		`insert into doc values (1, '{"n": 10, "a": {"k": "x"}}'), (2, '{"n": 9, "a": {"k": "y"}}'), (3, '{}')`)
	for _, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		for _, tc := range []struct{ query, variables, want string }{
			{`{ docs(orderBy: [{body: {path: ["n"], type: NUMERIC}}]) { id } }`, `{}`, `{"data":{"docs":[{"id":2},{"id":1},{"id":3}]}}`},
			{`{ docs(orderBy: [{body: {path: ["n"]}}]) { id } }`, `{}`, `{"data":{"docs":[{"id":1},{"id":2},{"id":3}]}}`},
			{
				`query ($p: [String!]!, $d: OrderDirection!) { docs(orderBy: [{body: {path: $p, direction: $d}}]) { id } }`,
				`{"p": ["a", "k"], "d": "DESC_NULLS_LAST"}`, `{"data":{"docs":[{"id":2},{"id":1},{"id":3}]}}`,
			},
			{
				`query ($p: [String!]!, $d: OrderDirection!) { docs(orderBy: [{body: {path: $p, direction: $d}}]) { id } }`,
				`{"p": ["n"], "d": "DESC_NULLS_LAST"}`, `{"data":{"docs":[{"id":2},{"id":1},{"id":3}]}}`,
			},
		} {
			if got := f.answer(t, tc.query, tc.variables); got != tc.want {
				t.Errorf("%s: %s %s\ngot  %s\nwant %s", f.backend, tc.query, tc.variables, got, tc.want)
			}
		}
	}
}
