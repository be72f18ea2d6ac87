package graphql_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// counter is a Runner that keeps the names of statements.
type counter struct {
	executor.Runner
	mu    sync.Mutex
	names []string
}

func (c *counter) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	return c.Runner.InTx(ctx, o, func(ctx context.Context, r executor.Runner) error {
		return fn(ctx, &counted{r, c})
	})
}

type counted struct {
	executor.Runner
	all *counter
}

func (c *counted) note(s *builder.Statement) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.all.names = append(c.all.names, s.Name)
}

func (c *counted) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	c.note(s)
	return c.Runner.Query(ctx, s)
}

func (c *counted) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	c.note(s)
	return c.Runner.Exec(ctx, s)
}

// TestNestedStatements: the number of statements grows with the relations and the
// levels, never with the rows.
func TestNestedStatements(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{})
	l.each(t, func(t *testing.T, f *fixture) {
		c := &counter{Runner: f.db}
		counting := fixture{f.backend, f.db, graphql.NewEngine(f.schema, c, graphql.EngineOptions{}), f.schema}
		var people []string
		for i := range 20 {
			people = append(people, fmt.Sprintf(`{name: "P%d", home: {create: {city: "c%d"}}, boss: {connect: {id: %d}}, books: {create: [
				{title: "a", chapters: {create: [{nr: 1, title: "x"}, {nr: 2, title: "y"}]}, shelves: {connect: [{id: 1}, {id: 2}]}}, {title: "b"}]}}`, i, i, 1+i%3))
		}
		got := counting.answer(t, `mutation { createPeople(inputs: [`+strings.Join(people, ",")+`]) { id } }`)
		if strings.Contains(got, "errors") || strings.Count(got, `"id"`) != 20 {
			t.Fatal(got)
		}
		want := []string{"query people", "insert homes", "insert people", "insert books", "insert chapters", "query shelves", "insert book_shelves", "query people"}
		if d := cmp.Diff(want, c.names); d != "" {
			t.Error(d)
		}
	})
}

// TestNestedPolicies: a row that the role may not see is not there, and the check of
// a foreign key, which sees it, is no way round that.
func TestNestedPolicies(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{})
	role := "nested_" + strings.ToLower(rapid.StringMatching(`[a-z]{12}`).Example())
	pgtest.Exec(
		t, l.dsn, "CREATE ROLE "+role, "GRANT ALL ON ALL TABLES IN SCHEMA public TO "+role,
		"ALTER TABLE homes ENABLE ROW LEVEL SECURITY", "CREATE POLICY homes_seen ON homes USING (city <> 'Oslo')",
		"ALTER TABLE books ENABLE ROW LEVEL SECURITY", "CREATE POLICY books_seen ON books USING (title <> 'Two')",
		"ALTER TABLE shelves ENABLE ROW LEVEL SECURITY", "CREATE POLICY shelves_seen ON shelves USING (label <> 'low')",
	)
	pool := pgtest.Open(t, l.dsn)
	t.Cleanup(func() {
		for _, q := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := pool.ExecContext(context.WithoutCancel(t.Context()), q); err != nil {
				t.Error(err)
			}
		}
	})
	session := executor.WithSession(map[string]string{"role": role})
	for _, tt := range []struct{ name, do, want string }{
		{"connect to one", `mutation { createPerson(input: {name: "x", home: {connect: {id: 2}}}) { id } }`, "NOT_FOUND"},
		{"connect one of many", `mutation { updatePerson(id: 2, input: {books: {connect: [{id: 2}]}}) { id } }`, "NOT_FOUND"},
		{"connect through a join table", `mutation { updateBook(id: 3, input: {shelves: {connect: [{id: 2}]}}) { id } }`, "NOT_FOUND"},
		{"update", `mutation { updatePerson(id: 1, input: {books: {update: [{key: {id: 2}, input: {pages: 1}}]}}) { id } }`, "NOT_FOUND"},
		{"delete", `mutation { updatePerson(id: 1, input: {books: {delete: [{id: 2}]}}) { id } }`, "NOT_FOUND"},
		{"create what may not be", `mutation { createPerson(input: {name: "x", books: {create: [{title: "Two"}]}}) { id } }`, "FORBIDDEN"},
		{"what may be seen", `mutation { createPerson(input: {name: "x", home: {connect: {id: 1}}, books: {create: [{title: "y"}], connect: [{id: 4}]}}) { books(orderBy: {id: ASC}) { title } } }`, `[{"title":"Four"},{"title":"y"}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l.each(t, func(t *testing.T, f *fixture) {
				if got := f.do(t.Context(), &graphql.Request{Query: tt.do}, session); !strings.Contains(got, tt.want) {
					t.Errorf("no %s in %s", tt.want, got)
				}
			})
		})
	}
}

// TestNestedParity: every statement of a nested write is compared, and done once.
func TestNestedParity(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{})
	l.each(t, func(t *testing.T, f *fixture) {
		other := l.fixtures[0].db
		if other == f.db {
			other = l.fixtures[1].db
		}
		both := fixture{f.backend, f.db, graphql.NewEngine(f.schema, parity.NewRunner(parity.NewHarness(), f.db, other), graphql.EngineOptions{}), f.schema}
		got, came, went := changes(t, &both, `mutation { createPerson(input: {name: "Dee", home: {create: {city: "Bonn"}}, books: {
			create: [{title: "B1", shelves: {create: [{label: "new"}], connect: [{label: "low"}]}}], connect: [{id: 4}]}}) {
			name home { city } books(orderBy: {title: ASC}) { title shelves(orderBy: {label: ASC}) { label } } } }`)
		want := `{"data":{"createPerson":{"name":"Dee","home":{"city":"Bonn"},"books":[{"title":"B1","shelves":[{"label":"low"},{"label":"new"}]},{"title":"Four","shelves":[]}]}}}`
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if len(came) != 7 || len(went) != 1 {
			t.Errorf("came %q, went %q", came, went)
		}
		got = both.answer(t, `mutation { updatePerson(id: 1, input: {name: "x", books: {delete: [{id: 2}], update: [{key: {id: 1}, input: {pages: 2, shelves: {disconnect: [{id: 2}]}}}]}}) {
			books { pages shelves { id } } } }`)
		if d := cmp.Diff(`{"data":{"updatePerson":{"books":[{"pages":2,"shelves":[{"id":1}]}]}}}`, got); d != "" {
			t.Error(d)
		}
	})
}

// TestNestedTrees: whatever tree is written reads back as it was written.
func TestNestedTrees(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{})
	for i := range l.fixtures {
		f := &l.fixtures[i]
		rapid.Check(t, func(rt *rapid.T) {
			n := 0
			var people []string
			var want []string
			for range rapid.IntRange(1, 4).Draw(rt, "people") {
				in, out := tree(rt, &n, 0)
				people, want = append(people, in), append(want, out)
			}
			got := f.answer(t, `mutation($in: [PersonInput!]!) { createPeople(inputs: $in) { ...p peopleByBoss(orderBy: {id: ASC}) { ...p peopleByBoss(orderBy: {id: ASC}) { ...p } } } }
				fragment p on Person { name home { city } books(orderBy: {id: ASC}) { title chapters(orderBy: {nr: ASC}) { nr } } }`, `{"in":[`+strings.Join(people, ",")+`]}`)
			if d := cmp.Diff(`{"data":{"createPeople":[`+strings.Join(want, ",")+`]}}`, got); d != "" {
				rt.Fatal(d)
			}
		})
	}
}

// tree draws a person with what belongs to it: as input, and as it is read.
func tree(rt *rapid.T, n *int, level int) (in, out string) {
	*n++
	name := fmt.Sprintf(`"name":"P%d"`, *n)
	in, out = name, name+`,"home":null`
	if rapid.Bool().Draw(rt, "home") {
		in += `,"home":{"create":{"city":"C"}}`
		out = name + `,"home":{"city":"C"}`
	}
	var books, read []string
	for b := range rapid.IntRange(0, 3).Draw(rt, "books") {
		var chapters, nrs []string
		for nr := range rapid.IntRange(0, 2).Draw(rt, "chapters") {
			chapters = append(chapters, fmt.Sprintf(`{"nr":%d,"title":"t"}`, nr))
			nrs = append(nrs, fmt.Sprintf(`{"nr":%d}`, nr))
		}
		books = append(books, fmt.Sprintf(`{"title":"B%d","chapters":{"create":[%s]}}`, b, strings.Join(chapters, ",")))
		read = append(read, fmt.Sprintf(`{"title":"B%d","chapters":[%s]}`, b, strings.Join(nrs, ",")))
	}
	in += `,"books":{"create":[` + strings.Join(books, ",") + `]}`
	out += `,"books":[` + strings.Join(read, ",") + `]`
	if level == 2 { // the query goes no deeper
		return "{" + in + "}", "{" + out + "}"
	}
	var below, seen []string
	for range rapid.IntRange(0, 2).Draw(rt, "below") {
		i, o := tree(rt, n, level+1)
		below, seen = append(below, i), append(seen, o)
	}
	in += `,"peopleByBoss":{"create":[` + strings.Join(below, ",") + `]}`
	return "{" + in + "}", "{" + out + `,"peopleByBoss":[` + strings.Join(seen, ",") + "]}"
}

// TestNestedMany: more rows than go into one condition come in their order, by keys
// of one column and of two.
func TestNestedMany(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{})
	const n = 2100
	l.each(t, func(t *testing.T, f *fixture) {
		var chapters, want, keys []string
		for i := range n {
			nr := (i*7919 + 5) % n // all numbers below n, mixed
			book := `{"create":{"title":"b"}}`
			if i%2 > 0 {
				book = `{"connect":{"id":1}}`
			}
			chapters = append(chapters, fmt.Sprintf(`{"nr":%d,"title":"t","book":%s}`, nr+10, book))
			want = append(want, fmt.Sprintf(`{"nr":%d}`, nr+10))
			if i%2 > 0 {
				keys = append(keys, fmt.Sprintf(`{"bookIdAndNr":{"bookId":1,"nr":%d}}`, nr+10))
			}
		}
		got := f.answer(t, `mutation($in: [ChapterInput!]!) { createChapters(inputs: $in) { nr } }`, `{"in":[`+strings.Join(chapters, ",")+`]}`)
		if d := cmp.Diff(`{"data":{"createChapters":[`+strings.Join(want, ",")+`]}}`, got); d != "" {
			t.Error(d)
		}
		drop := `mutation($keys: [ChapterByKey!]!) { updateBook(id: 1, input: {chapters: {delete: $keys}}) { chapters(orderBy: {nr: ASC}) { nr } } }`
		got = f.answer(t, drop, `{"keys":[`+strings.Join(keys, ",")+`,{"bookIdAndNr":{"bookId":1,"nr":9}}]}`)
		if !strings.Contains(got, fmt.Sprintf("chapters.delete[%d]: there is no such row here", len(keys))) {
			t.Errorf("%.300s", got)
		}
		got = f.answer(t, drop, `{"keys":[`+strings.Join(keys, ",")+`]}`)
		if d := cmp.Diff(`{"data":{"updateBook":{"chapters":[{"nr":1},{"nr":2}]}}}`, got); d != "" {
			t.Error(d)
		}
	})
}
