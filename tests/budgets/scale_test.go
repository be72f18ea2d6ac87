package budgets

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// grown is a path whose cost must not depend on a size: what it takes at the large one
// is what it takes at the small one. tests/bench/scale draws the same against time.
type grown struct {
	name         string
	small, large func(*place) func()
	runs         int64
	per          int64 // what is more is divided by this: see manyRows. 0 is 1
}

var grownPaths = []grown{
	{"a row, of 10 and of 100,000", manyRows(10), manyRows(100_000), 1, 1000},
	{"a request, with 10 tables and with 500", overTables(10), overTables(500), 40, 0},
	{"a plan, of 1 and of 1,000 kept", ofPlans(1), ofPlans(1000), 40, 0},
	{"a request, of 1 and of 60 statements prepared", ofStatements(1), ofStatements(60), 60, 0},
}

// TestFlat: not one allocation more where there is more of everything.
func TestFlat(t *testing.T) { //nolint:paralleltest // others' allocations would be counted
	if raced {
		t.Skip("the race detector allocates")
	}
	still(t)
	list := places(t)
	pgtest.Exec(t, list[0].dsn, "create table many as select i::int8 id, 'Name ' || i as name, timestamptz '2024-01-01' + i * interval '1 s' as at from generate_series(1, 100000) i; alter table many add primary key (id)")
	for _, p := range list {
		if p.other {
			continue
		}
		for _, g := range grownPaths {
			small, large := measure(g.runs, g.small(p)), measure(g.runs, g.large(p))
			t.Logf("%s, %s: %s, then %s", backend.ModeOf(p.b), g.name, small, large)
			per := max(1, g.per)
			if more := (large.bytes - small.bytes) / per; (large.allocations-small.allocations)/per != 0 || more > small.bytes/50+slack || -more > small.bytes/50+slack {
				t.Errorf("%s on %s: %s, and %s where there is more", g.name, backend.ModeOf(p.b), small, large)
			}
		}
	}
}

// manyRows is a whole list. What takes longer than 10 ms is watched, which is some
// allocations: less than one for each 1,000 rows.
func manyRows(n int) func(*place) func() {
	return func(p *place) func() {
		return p.run(p.product().Runner(), p.plan(fmt.Sprintf(`{"operation":"query","table":"many","filters":{"field":"id","lte":%d},"sort":[{"field":"id","direction":"ASC"}]}`, n)))
	}
}

// overTables is a request to a database of n tables.
func overTables(n int) func(*place) func() {
	return func(p *place) func() {
		dsn := pgtest.DB(p.TB)
		var sql strings.Builder
		for i := range n {
			fmt.Fprintf(&sql, "create table thing_%d (id int8 primary key, name text, other_id int8 references thing_%d);", i, i/2)
		}
		pgtest.Exec(p.TB, dsn, sql.String()+"insert into thing_0 select i, 'Thing ' || i, 0 from generate_series(0, 50) i")
		q := &place{TB: p.TB, dsn: dsn, b: p.b}
		return served(`query ($id: BigInt!) { thing0(id: $id) { id name other { id } } }`, `{"data":{"thing0":{"id":42`, byKeyVars)(q)
	}
}

// document asks for a row by key, by an alias of its own.
func document(i int) *graphql.Request {
	return &graphql.Request{
		Query: fmt.Sprintf(`query ($id: BigInt!) { a%04d: user(id: $id) { id name email createdAt } }`, i), Variables: json.RawMessage(`{"id":"42"}`),
	}
}

// ofPlans is a hit where n documents are kept.
func ofPlans(n int) func(*place) func() {
	return func(p *place) func() {
		main, err := p.product().GraphQL()
		p.fatal(err)
		engine := graphql.NewEngine(main.Schema(), p.product().Runner(), graphql.EngineOptions{})
		documents := make([]*graphql.Request, n)
		for i := range documents {
			documents[i] = document(i)
			_, err := engine.Prepare(p.Context(), documents[i])
			p.fatal(err)
		}
		i := 0
		return func() {
			i++
			if _, err := engine.Prepare(p.Context(), documents[i%n]); err != nil {
				p.Fatal(err)
			}
		}
	}
}

// ofStatements runs n statements in turn, each prepared.
func ofStatements(n int) func(*place) func() {
	return func(p *place) func() {
		r := p.control()
		var paths []func()
		columns := strings.Split("small ok name amount share at day uid doc list", " ")
		for i := range n {
			paths = append(paths, p.run(r, p.plan(fmt.Sprintf(`{"operation":"query","table":"wide","fields":["id","%s","%s"],"filters":{"field":"id","eq":42}}`,
				columns[i%len(columns)], columns[(i+1+i/len(columns))%len(columns)]))))
		}
		i := 0
		return func() {
			i++
			paths[i%n]()
		}
	}
}
