package graphql_test

import (
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestDepth: documents may be as deep as Limits say, and no bound below is met
// before; what is met is said where.
func TestDepth(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table nodes (id int primary key, up_id int references nodes)`, `insert into nodes values (1, 1)`)
	// Both have so many fields in one another, the last of which is id.
	query := func(root string, fields int) string {
		return "{" + root + strings.Repeat("{up", fields-2) + "{id}" + strings.Repeat("}", fields-1)
	}
	answer := func(root string, fields int) string {
		return `{"data":{"` + root + `":` + strings.Repeat(`{"up":`, fields-2) + `{"id":1}` + strings.Repeat("}", fields-2) + `}}`
	}
	const deep = `{"errors":[{"message":"the operation has fields more than 15 deep","locations":[{"line":1,"column":1}],"extensions":{"code":"LIMIT_EXCEEDED"}}]}`
	for _, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		is(t, f.answer(t, query("node(id:1)", 15)), answer("node", 15))
		is(t, f.answer(t, query("node(id:1)", 16)), deep)
	}
	for _, f := range fixtures(t, dsn, graphql.Config{Limits: graphql.Limits{Depth: -1, Cost: -1}}, graphql.EngineOptions{}) {
		is(t, f.answer(t, query("node(id:1)", 17)), answer("node", 17))
		is(t, f.answer(t, query("node(id:1)", 18)), `{"errors":[{"message":"$.node`+strings.Repeat(".up", 16)+
			`: relations are nested deeper than 15","locations":[{"line":1,"column":2}],"path":["node"],"extensions":{"code":"LIMIT_EXCEEDED"}}]}`)
		is(t, f.answer(t, `mutation {updateNode(id:1,input:{upId:1})`+strings.Repeat("{up", 16)+"{id}"+strings.Repeat("}", 17)),
			`{"errors":[{"message":"$.updateNode`+strings.Repeat(".up", 16)+
				`: relations are nested deeper than 15","locations":[{"line":1,"column":11}],"path":["updateNode"],"extensions":{"code":"LIMIT_EXCEEDED"}}]}`)
		is(t, f.answer(t, `{nodesConnection{edges{n:node`+strings.Repeat("{up", 16)+"{id}"+strings.Repeat("}", 19)),
			`{"errors":[{"message":"$.nodesConnection.edges.n`+strings.Repeat(".up", 16)+
				`: relations are nested deeper than 15","locations":[{"line":1,"column":2}],"path":["nodesConnection"],"extensions":{"code":"LIMIT_EXCEEDED"}}]}`)
	}
}

func is(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
