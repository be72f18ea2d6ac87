package graphql_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestScratch(t *testing.T) {
	fs := fixtures(t, pgtest.Sample(t), graphql.Config{}, graphql.EngineOptions{})
	var b bytes.Buffer
	fs[0].schema.WriteSDL(&b)
	os.WriteFile("/tmp/schema.graphql", b.Bytes(), 0o644)
	fmt.Println(fs[0].schema.Broken())
	for _, q := range []struct{ q, v string }{
		{`{ user(id: 1) { id name email __typename } }`, `{}`},
		{`query($id: BigInt!) { u: user(id: $id) { n: name id } }`, `{"id": 2}`},
		{`query($id: BigInt!) { u: user(id: $id) { n: name id } }`, `{"id": 3}`},
		{`{ users(limit: 2, orderBy: [{name: DESC}]) { id name manager { name } posts(limit: 1) { title tagsByPostTags { name } } } user(id: 9999999) { id } }`, ``},
		{`query($f: UserFilter) { users(filter: $f, limit: 3, orderBy: {id: ASC}) { id name role } }`, `{"f": {"role": {"eq": "member"}, "posts": {"some": {"status": {"eq": "published"}}}}}`},
		{`query($f: UserFilter) { users(filter: $f, limit: 3, orderBy: {id: ASC}) { id name role } }`, `{"f": {}}`},
		{`{ usersConnection(first: 2, orderBy: [{name: ASC}]) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id name } } nodes { id __typename } } }`, ``},
		{`{ usersAggregate(filter: {id: {lte: 50}}) { count countDistinct { role } sum { balance } max { name createdAt } groups(by: [{field: role}, {field: createdAt, trunc: YEAR}], having: {count: {gt: 1}}, orderBy: [{count: DESC}]) { key { role createdAt } count avg { balance } } stddev { balance } } }`, ``},
		{`mutation { a: createUser(input: {name: "X", email: "x@y.z"}) { name email role } updateUser(id: 1, input: {name: "New"}) { id name } updateUsers(filter: {id: {in: [2,3]}}, input: {isActive: false}) { success updatedCount records { id isActive } } deleteUser(id: 99999) { success message } deleteComments(filter: {id: {eq: 1}}) { deletedCount } }`, ``},
		{`mutation { deleteUsers(filter: {name: {contains: ""}}) { deletedCount } }`, ``},
		{`{ user(id: 4) { ancestors(orderBy: {id: ASC}) { id } descendants(limit: 3) { id } usersByManager(limit: 2) { id } } posts(filter: {metadata: {at: [{path: ["flags","featured"], eq: true}]}}, limit: 2, orderBy: [{author: {name: ASC}}, {commentsCount: DESC}]) { id title author { name } } }`, ``},
		{`{ nope users(limit: "x") { id foo } }`, ``},
	} {
		for i := range fs {
			var v []string
			if q.v != "" {
				v = append(v, q.v)
			}
			fmt.Println(fs[i].backend, fs[i].answer(t, q.q, v...))
		}
	}
	h, m := fs[0].engine.CacheStats()
	fmt.Println(h, m)
}
