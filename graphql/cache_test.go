package graphql_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// shapes are documents whose plans hang on their variables.
var shapes = []string{
	`query ($f: UserFilter, $o: [UserOrder!], $n: Int, $m: Int) { users(filter: $f, orderBy: $o, limit: $n, offset: $m) { id name role } }`,
	`query ($f: UserFilter, $o: [UserOrder!], $n: Int, $c: String) { usersConnection(filter: $f, orderBy: $o, first: $n, after: $c) { totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
	`query ($f: UserFilter, $o: [UserOrder!], $n: Int, $c: String) { usersConnection(filter: $f, orderBy: $o, last: $n, before: $c) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage } } }`,
	`query ($b: Boolean = true, $s: String, $l: [BigInt!], $e: UserRole, $n: Int) { users(filter: {or: [{name: {contains: $s}}, {id: {in: $l}}, {role: {eq: $e}}]}, limit: $n, orderBy: {id: ASC}) { id @skip(if: $b) name posts(filter: {tags: {contains: [$s, "sql"]}}, limit: $n) @include(if: $b) { id } } }`,
	`query ($f: UserFilter, $n: Int, $s: String) { usersAggregate(filter: $f) { count groups(by: {field: role}, having: {count: {gt: $n}, max: {name: {startswith: $s}}}, orderBy: {count: DESC}, limit: $n) { key { role } count } } }`,
	`query ($s: String, $j: JSON, $l: [String!]) { posts(filter: {metadata: {at: [{path: ["source"], eq: $j}], contains: {flags: {featured: $j}}}, tags: {overlaps: $l}, title: {icontains: $s}}, orderBy: {id: ASC}, limit: 4) { id } t: __type(name: "Tag") { name @include(if: true) } }`,
	`mutation ($s: String, $l: [BigInt!], $f: UserFilter, $n: Int) { a: deleteUsers(filter: {name: {contains: $s}, id: {nin: $l}}, maxAffected: 0) { deletedCount } b: updateUsers(filter: $f, input: {name: $s}, maxAffected: 0) { updatedCount records { id } } c: deleteUsers(filter: $f, allRows: false, maxAffected: 0) { deletedCount } d: updateUser(id: -1, increment: {balance: $n}) { id } }`,
	`mutation ($s: String!) { deleteUsers(filter: {name: {like: $s}}, maxAffected: 0) { deletedCount } }`,
}

var cursors = []string{
	`"WzFd"`, `"WzUwXQ"`, `"W251bGwsMTRd"`, `"WyJBZGEgTG92ZWxhY2UiLDFd"`, `"WyJ4Il0"`, `"W10"`, `"bm9uc2Vuc2U"`, `""`, `"WzEsMl0"`, `"W1sxXV0"`,
}

// drawVariables draws values of the variables of shapes, right and wrong ones.
func drawVariables(t *rapid.T) string {
	one := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	text := func(name string) string {
		return one(name, `""`, `"a"`, `"Ada"`, `"%"`, `"_%"`, `"zzz"`, `null`, `"\u0061"`, `"'"`, `1`)
	}
	id := func(name string) string { return one(name, "1", "42", `"7"`, "-1", "null", "1.5", `"x"`, "100") }
	var filter func(depth int) string
	filter = func(depth int) string {
		switch rapid.IntRange(0, 11).Draw(t, "filter") {
		case 0:
			return `{"id":{"` + one("op", "eq", "gt", "lte", "neq") + `":` + id("id") + `}}`
		case 1:
			return `{"id":{"` + one("op", "in", "nin", "between") + `":[` + one("list", "", "1", "1,2", "3,2,1", "null", `"4",5`) + `]}}`
		case 2:
			return `{"name":{"` + one("op", "contains", "startswith", "like", "eq", "iregex", "icontains") + `":` + text("text") + `}}`
		case 3:
			return `{"role":{"` + one("op", "eq", "in") + `":` + one("role", `"admin"`, `"guest"`, `["member","admin"]`, `"boss"`) + `}}`
		case 4:
			return `{"managerId":{"isNull":` + one("flag", "true", "false", "null") + `}}`
		case 5:
			return `{"tags":{"` + one("op", "contains", "anyEq", "lenGt") + `":` + one("tag", `["sql"]`, `[]`, `"sql"`, `1`, `[null]`) + `}}`
		case 6, 7:
			if depth > 2 {
				return `{"isActive":{"eq":true}}`
			}
			return `{"` + one("group", "and", "or") + `":[` + filter(depth+1) + `,` + filter(depth+1) + `]}`
		case 8:
			if depth > 2 {
				return `{}`
			}
			return `{"not":` + filter(depth+1) + `}`
		case 9:
			return `{"posts":{"` + one("some", "some", "none", "every") + `":{"views":{"gt":` + id("views") + `}}}}`
		case 10:
			return `{"balance":{"gte":` + id("balance") + `},"birthDate":{"lt":` + one("date", `"2000-01-01"`, `"x"`, `null`) + `}}`
		default:
			return `{"and":[]}`
		}
	}
	values := map[string]string{
		"f": filter(0),
		"o": one("order", `null`, `[]`, `{"name":"ASC"}`, `[{"managerId":"DESC"},{"id":"ASC"}]`, `[{"birthDate":"ASC_NULLS_FIRST","name":"DESC"}]`, `[{"postsCount":"DESC"}]`, `[{"managerId":"ASC_NULLS_LAST"}]`),
		"n": one("n", "0", "1", "5", "-1", "null", "1000"), "m": one("m", "0", "3", "-2", "null"),
		"c": one("cursor", append([]string{"null"}, cursors...)...),
		"s": text("s"), "e": one("e", `"admin"`, `"guest"`, `null`), "b": one("b", "true", "false"),
		"l": one("l", `[]`, `[1]`, `[1,2,3]`, `7`, `null`, `["a"]`, `["sql","go"]`), "j": one("j", `"web"`, "true", "1", `{"a":1}`, "[1]", "null"),
	}
	var parts []string
	for _, name := range []string{"f", "o", "n", "m", "c", "s", "e", "b", "l", "j"} {
		if rapid.IntRange(0, 4).Draw(t, "absent "+name) > 0 {
			parts = append(parts, `"`+name+`":`+values[name])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestCacheChangesNoAnswer asks the same with plans in the cache and without: no
// sequence of values makes one of them say something else.
func TestCacheChangesNoAnswer(t *testing.T) {
	t.Parallel()
	f := fixtures(t, pgtest.Sample(t), graphql.Config{}, graphql.EngineOptions{})[0]
	bare := f
	bare.engine = graphql.NewEngine(f.schema, f.db, graphql.EngineOptions{Plans: -1})
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 4).Draw(rt, "requests") {
			query, variables := rapid.SampledFrom(shapes).Draw(rt, "document"), drawVariables(rt)
			want := bare.answer(t, query, variables)
			for range 2 { // the second finds the plan of the first
				if got := f.answer(t, query, variables); got != want {
					rt.Fatalf("with a cache:\n%s\nwithout:\n%s\n%s\n%s", got, want, query, variables)
				}
			}
		}
	})
	if hits, _ := f.engine.CacheStats(); hits == 0 {
		t.Error("nothing came out of the cache")
	}
	if got := f.answer(t, `{ usersAggregate { count } }`); got != `{"data":{"usersAggregate":{"count":100}}}` {
		t.Errorf("somebody was deleted: %s", got)
	}
}

// TestCacheKeepsGuards makes a plan with a narrow value and asks for every row with
// the next.
func TestCacheKeepsGuards(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t, pgtest.Sample(t), graphql.Config{}, graphql.EngineOptions{}) {
		for _, tt := range []struct{ filter, typ, narrow, wide string }{
			{`{name: {contains: $v}}`, "String", `"zzzz"`, `""`},
			{`{name: {icontains: $v}}`, "String", `"zzzz"`, `""`},
			{`{name: {startswith: $v}}`, "String", `"zzzz"`, `""`},
			{`{name: {endswith: $v}}`, "String", `"zzzz"`, `""`},
			{`{name: {like: $v}}`, "String", `"zzzz"`, `"%"`},
			{`{name: {ilike: $v}}`, "String", `"zzzz"`, `"%%"`},
			{`{name: {similar: $v}}`, "String", `"zzzz"`, `"%"`},
			{`{name: {regex: $v}}`, "String", `"zzzz"`, `""`},
			{`{name: {regex: $v}}`, "String", `"zzzz"`, `".*"`},
			{`{id: {nin: $v}, name: {isNotNull: true}}`, "[BigInt!]", listTo(100), `[]`},
			{`{or: [{id: {lt: 0}}, {name: {contains: $v}}]}`, "String", `"zzzz"`, `""`},
			{`{not: {id: {in: $v}}}`, "[BigInt!]", listTo(100), `[]`},
			{`{tags: {contains: $v}}`, "[String]", `["zzzz"]`, `[]`},
			{`{profile: {contains: $v}}`, "JSON", `{"zzzz": 1}`, `{}`},
			{`{profile: {hasAllKeys: $v}}`, "[String!]", `["zzzz"]`, `[]`},
			{`{not: {name: {nstartswith: $v}}}`, "String", `"zzzz"`, `""`},
			{`{not: {name: {nsimilar: $v}}}`, "String", `"zzzz"`, `"%"`},
			{`{posts: {every: {title: {contains: $v}}}, name: {contains: $v}}`, "String", `"zzzz"`, `""`},
		} {
			query := `mutation ($v: ` + tt.typ + `) { deleteUsers(filter: ` + tt.filter + `) { deletedCount } }`
			for _, step := range []struct{ value, want string }{
				{tt.narrow, `{"data":{"deleteUsers":{"deletedCount":0}}}`},
				{tt.narrow, `{"data":{"deleteUsers":{"deletedCount":0}}}`},
				{tt.wide, "every row"},
				{tt.narrow, `{"data":{"deleteUsers":{"deletedCount":0}}}`},
			} {
				if got := f.answer(t, query, `{"v": `+step.value+`}`); !strings.Contains(got, step.want) {
					t.Errorf("%s: %s with %.40s: %s", f.backend, tt.filter, step.value, got)
				}
			}
		}
		if got := f.answer(t, `{ usersAggregate { count } }`); got != `{"data":{"usersAggregate":{"count":100}}}` {
			t.Fatalf("%s: somebody was deleted: %s", f.backend, got)
		}
	}
}

func listTo(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(i + 1)
	}
	return "[" + strings.Join(list, ",") + "]"
}

// TestCacheIsBounded sends ever new documents and ever new forms of variables.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	f := fixtures(t, pgtest.Sample(t), graphql.Config{}, graphql.EngineOptions{Plans: 20})[0]
	prepare := func(query, variables string) {
		t.Helper()
		if _, err := f.engine.Prepare(t.Context(), &graphql.Request{Query: query, Variables: json.RawMessage(variables)}); err != nil {
			t.Fatal(err)
		}
	}
	for d := range 40 {
		query := fmt.Sprintf(`query Q%d($f: UserFilter) { users(filter: $f) { id } }`, d)
		for shape := range 80 {
			prepare(query, `{"f": {"and": [`+strings.Repeat(`{"id": {"gt": 1}},`, shape)+`{"id": {"lt": 9}}]}}`)
		}
	}
	documents, programs := f.engine.Kept()
	if documents > 20 || programs < 1 || programs > 4*20 {
		t.Errorf("%d documents with %d programs are kept", documents, programs)
	}
	// What was asked for last is still there.
	hits, _ := f.engine.CacheStats()
	prepare(`{ tags { id } }`, ``)
	prepare(`{ tags { id } }`, ``)
	if now, _ := f.engine.CacheStats(); now != hits+1 {
		t.Errorf("%d hits, want %d", now, hits+1)
	}
	// A form that is larger than its use is not kept.
	large := `{"f": {"or": [` + strings.Repeat(`{"name": {"eq": "x"}},`, 2000) + `{"id": {"lt": 9}}]}}`
	_, before := f.engine.Kept()
	prepare(`query ($f: UserFilter) { users(filter: $f) { id } }`, large)
	if _, after := f.engine.Kept(); after > before {
		t.Errorf("a large form is kept: %d programs were %d", after, before)
	}
}

// TestSchemaSwap changes the schema while requests run: each is answered by one.
func TestSchemaSwap(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Sample(t)
	other := graphql.Config{Tables: map[string]graphql.TableConfig{"users": {Columns: map[string]graphql.ColumnConfig{
		"name": {Name: "email"}, "email": {Name: "name"},
	}}}}
	f := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})[0]
	swapped := fixtures(t, dsn, other, graphql.EngineOptions{})[0].schema
	const query = `query ($id: BigInt!, $f: UserFilter) { user(id: $id) { name email } users(filter: $f) { email name } }`
	const variables = `{"id": 1, "f": {"name": {"endswith": "org"}, "id": {"eq": 1}}}`
	want := map[string]bool{
		`{"data":{"user":{"name":"Ada Lovelace","email":"ada.lovelace1@example.org"},"users":[]}}`:                                                            true,
		`{"data":{"user":{"name":"ada.lovelace1@example.org","email":"Ada Lovelace"},"users":[{"email":"Ada Lovelace","name":"ada.lovelace1@example.org"}]}}`: true,
	}
	stop := make(chan struct{})
	var swap, ask sync.WaitGroup
	swap.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				f.engine.SetSchema([]*graphql.Schema{f.schema, swapped}[i%2])
			}
		}
	})
	var mu sync.Mutex
	seen := map[string]int{}
	for range 4 {
		ask.Go(func() {
			for range 100 {
				got := f.answer(t, query, variables)
				mu.Lock()
				seen[got]++
				mu.Unlock()
			}
		})
	}
	ask.Wait()
	close(stop)
	swap.Wait()
	for got, n := range seen {
		if !want[got] {
			t.Errorf("%d times: %s", n, got)
		}
	}
	if len(seen) != 2 {
		t.Errorf("one schema answered all: %v", seen)
	}
}

// TestColdCache asks for one new document from many sides at once.
func TestColdCache(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t, pgtest.Sample(t), graphql.Config{}, graphql.EngineOptions{}) {
		var wait sync.WaitGroup
		answers := make([]string, 64)
		for i := range answers {
			wait.Go(func() {
				answers[i] = f.answer(t, `query ($id: BigInt!) { user(id: $id) { id posts(limit: 1, orderBy: {id: ASC}) { id } } }`, `{"id": `+fmt.Sprint(i+1)+`}`)
			})
		}
		wait.Wait()
		for i, got := range answers {
			if !strings.HasPrefix(got, fmt.Sprintf(`{"data":{"user":{"id":%d,"posts":[`, i+1)) {
				t.Errorf("%s: %d: %s", f.backend, i+1, got)
			}
		}
	}
}
