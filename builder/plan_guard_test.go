package builder

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/backend"
)

// TestGuardSeesTrivialFilters: an update or delete by a filter that is true for
// every row is refused without all_rows (upstream: a bulk guard satisfied by a
// filter that never reached SQL; UPDATE with and/or/not rendered without WHERE).
func TestGuardSeesTrivialFilters(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	for _, test := range []struct {
		name, filter string
		refused      bool
	}{
		{"nothing", `null`, true},
		{"empty object", `{}`, true},
		{"empty and", `{"and":[]}`, true},
		{"and of trivial", `{"and":[{"and":[]},{"id":{"nin":[]}}]}`, true},
		{"empty or", `{"or":[]}`, false},
		{"or with a true branch", `{"or":[{"id":{"eq":1}},{"not":{"id":{"in":[]}}}]}`, true},
		{"not of false", `{"not":{"or":[]}}`, true},
		{"not of true", `{"not":{"and":[]}}`, false},
		{"double negation", `{"not":{"not":{"and":[]}}}`, true},
		{"never null is not null", `{"id":{"is_null":false}}`, true},
		{"never null, alias", `{"name":{"isNull":false}}`, true},
		{"never null, neq null", `{"id":{"neq":null}}`, true},
		{"never null, not eq null", `{"not":{"id":{"eq":null}}}`, true},
		{"may be null", `{"birth_date":{"is_null":false}}`, false},
		{"like anything", `{"name":{"like":"%%"}}`, true},
		{"contains nothing", `{"name":{"contains":""}}`, true},
		{"not nlike anything", `{"not":{"name":{"nlike":"%"}}}`, true},
		{"like something", `{"name":{"like":"%a"}}`, false},
		{"none of no row", `{"posts":{"none":{"or":[]}}}`, true},
		{"every is true", `{"posts":{"every":{"id":{"is_null":false}}}}`, true},
		{"exists", `{"posts":{"exists":{}}}`, false},
		{"a real one", `{"id":{"gt":0}}`, false},
		{"a real one beside trivial", `{"and":[{"and":[]},{"id":{"gt":0}}]}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, all := range []bool{false, true} {
				if all && test.filter == "{}" {
					continue // the parser refuses it whatever is said beside it
				}
				text := `{"operation":"mutation","type":"delete","table":"users","filters":` + test.filter
				if all {
					text += `,"all_rows":true`
				}
				def, err := ParseDefinition([]byte(text + "}"))
				if err == nil {
					_, err = Build(s, def)
				}
				// With all_rows it is the other way round: a filter must not be there.
				if refused := err != nil; refused != (test.refused != all) {
					t.Errorf("all_rows %t: %v", all, err)
				}
			}
		})
	}
}

// TestSingleIsAPinnedKey: one object is answered exactly where all columns of a
// unique key are compared by eq with values.
func TestSingleIsAPinnedKey(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	for filter, want := range map[string]bool{
		`{"id":{"eq":1}}`:                                     true,
		`{"field":"id","operator":"eq","value":1}`:            true,
		`{"email":{"eq":"a@b"},"name":{"like":"x"}}`:          true,
		`{"and":[{"and":[{"id":{"eq":1}}]}]}`:                 true,
		`{"or":[{"id":{"eq":1}}]}`:                            false,
		`{"not":{"id":{"eq":1}}}`:                             false,
		`{"id":{"in":[1]}}`:                                   false,
		`{"id":{"eq":null}}`:                                  false,
		`{"name":{"eq":"x"}}`:                                 false,
		`{"profile":{"path":["id"],"eq":1},"id":{"gt":1}}`:    false,
		`{"posts":{"exists":{"id":{"eq":1}}}}`:                false,
		`{"id":{"gte":1,"lte":1}}`:                            false,
		`{"id":{"eq":1},"name":{"eq":"x"},"role":{"nin":[]}}`: true,
	} {
		def, err := ParseDefinition([]byte(`{"operation":"mutation","type":"update","table":"users","input":{"name":"x"},"filters":` + filter + `}`))
		if err != nil {
			if strings.Contains(filter, "path") {
				continue // another spelling of paths is the parser's business
			}
			t.Fatal(err)
		}
		p, err := Build(s, def)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if p.Single != want || p.UniqueKey != want {
			t.Errorf("%s: single %t, unique key %t, want %t", filter, p.Single, p.UniqueKey, want)
		}
	}
}

// TestMutatedDefinitionsNeverWiden changes definitions in one place. Whatever
// comes of it is refused, or deletes no more rows than the definition did that
// its own words ask for: the rows that its filter finds in a query.
func TestMutatedDefinitionsNeverWiden(t *testing.T) {
	t.Parallel()
	l := openLive(t, planDB(t))
	base := []string{
		`{"operation":"mutation","type":"delete","table":"tags","filters":{"and":[{"id":{"gt":3}},{"or":[{"name":{"like":"s%"}},{"not":{"color":{"is_null":true}}}]}]},"return_fields":["id"]}`,
		`{"operation":"mutation","type":"delete","table":"comments","filters":{"field":"id","operator":"in","value":[1,2,3]},"max_affected":5,"return_fields":["id"]}`,
	}
	words := []string{`and`, `or`, `not`, `id`, `gt`, `like`, `in`, `filters`, `is_null`, `name`, `field`, `value`, `operator`, `true`, `null`, `3`, `:`, `[`, `]`, `{`, `}`, `,`, `"`}
	l.onBackend(t, "pgx", func(x *planRun) {
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.SampledFrom(base).Draw(t, "definition")
			for range rapid.IntRange(1, 3).Draw(t, "changes") {
				old := rapid.SampledFrom(words).Draw(t, "old")
				places := strings.Count(text, old)
				if places == 0 {
					continue
				}
				at := rapid.IntRange(0, places-1).Draw(t, "place")
				text = replaceNth(text, old, rapid.SampledFrom(append(words, "", "x", "Id")).Draw(t, "new"), at)
			}
			def, err := ParseDefinition([]byte(text))
			if err != nil || def.Kind != Delete {
				return
			}
			p, err := Build(l.schema, def)
			if err != nil {
				return
			}
			if !def.AllRows && def.Filter == nil {
				t.Fatalf("built without a filter: %s", text)
			}
			if where := !strings.Contains(p.Root.Statement.SQL, " WHERE "); where != def.AllRows {
				t.Fatalf("a filter is missing: %s\n%s", text, p.Root.Statement.SQL)
			}
			// TLP: the rows of p, not p and p is null are all rows, each once.
			all := len(rowsBy(t, l, x, def.Table, nil))
			yes := len(rowsBy(t, l, x, def.Table, def.Filter))
			no := len(rowsBy(t, l, x, def.Table, &Filter{Not: def.Filter}))
			if yes+no > all {
				t.Fatalf("%d rows match and %d do not, of %d: %s", yes, no, all, text)
			}
			if yes == all && all > 3 && !strings.Contains(text, "or") {
				t.Fatalf("every row matches: %s", text)
			}
		})
	})
}

func rowsBy(t *rapid.T, l *live, x *planRun, table string, f *Filter) []json.RawMessage {
	p, err := Build(l.schema, &Definition{Kind: Query, Table: table, Fields: []Field{{Name: "id"}}, Filter: f})
	if err != nil {
		t.Fatal(err)
	}
	a, err := x.answer(p)
	if err != nil {
		t.Fatal(err)
	}
	var rows []json.RawMessage
	if err := json.Unmarshal([]byte(a), &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func replaceNth(s, old, to string, n int) string {
	from := 0
	for range n {
		from += strings.Index(s[from:], old) + len(old)
	}
	i := from + strings.Index(s[from:], old)
	return s[:i] + to + s[i+len(old):]
}

// TestBuildIsPure: building leaves the definition as it was.
func TestBuildIsPure(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	text := []byte(`{"operation":"query","table":"users","fields":["id"],"sort":[{"name":"DESC"}],"pagination":{"limit":2},"after":{"name":"x","id":1},"relations":{"posts":{"sort":[{"views":"ASC"}],"pagination":{"limit":1}}}}`)
	def, err := ParseDefinition(text)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := ParseDefinition(text)
	if _, err := Build(s, def); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, def, cmp.AllowUnexported(Filter{})); diff != "" {
		t.Error(diff)
	}
}

// TestMaxRows: the bound is in the plan, and the SQL reads one row more at most.
func TestMaxRows(t *testing.T) {
	t.Parallel()
	s, err := NewSchema(schemaOfSample(t).cat, SchemaOptions{MaxRows: 10, MaxDepth: 1})
	if err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int64]string{-1: "11", 5: "5", 10: "10", 11: "11", 500: "11"} {
		for _, aggregate := range []bool{false, true} {
			def := &Definition{Kind: Query, Table: "tags", Fields: []Field{{Name: "id"}}}
			if aggregate {
				def.Fields, def.GroupBy = nil, []GroupBy{{Field: "id"}}
			}
			if limit >= 0 {
				def.Limit = &limit
			}
			p, err := Build(s, def)
			if err != nil {
				t.Fatal(err)
			}
			if st := p.Root.Statement; p.MaxRows != 10 || st.Args[len(st.Args)-1] != want {
				t.Errorf("limit %d: max rows %d, %s %q", limit, p.MaxRows, st.SQL, st.Args)
			}
		}
	}
	deep := &Definition{Kind: Query, Table: "users", Relations: []Relation{{Key: "posts", Relations: []Relation{{Key: "comments"}}}}}
	if _, err := Build(s, deep); err == nil || !strings.Contains(err.Error(), "deeper than 1") || backend.CodeOf(err) != backend.CodeLimit {
		t.Errorf("got %v, %v", err, backend.CodeOf(err))
	}
	deep.Relations = append(deep.Relations, Relation{Key: "nothing"})
	if _, err := Build(s, deep); backend.CodeOf(err) != backend.CodeBadUserInput {
		t.Errorf("something else is wrong too: got %v, %v", err, backend.CodeOf(err))
	}
	deep.Relations = deep.Relations[:1]
	for depth, ok := range map[int]bool{0: true, 1: false, 2: true, -1: true} {
		s, err := NewSchema(s.Catalog(), SchemaOptions{MaxDepth: depth})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Build(s, deep); (err == nil) != ok {
			t.Errorf("MaxDepth %d: %v", depth, err)
		}
	}
}
