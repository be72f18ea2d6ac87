package graphql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

type page struct {
	Data struct {
		Rows struct {
			Nodes    []struct{ ID int }
			PageInfo struct {
				HasNextPage, HasPreviousPage bool
				StartCursor, EndCursor       *string
			}
			TotalCount int
		}
	}
	Errors json.RawMessage
}

// TestPagesToTheEnd walks through connections in both directions, whose sort keys
// have NULLs and are equal in many rows: every row comes once, in the order of the
// whole, and the page info is true of every page.
func TestPagesToTheEnd(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE TABLE rows (id int PRIMARY KEY, a int, b text, c timestamptz, parent_id int REFERENCES rows);
		INSERT INTO rows SELECT g, nullif(g % 4, 0), CASE WHEN g % 3 > 0 THEN 'é"' || g % 3 END, CASE WHEN g % 5 > 0 THEN '2024-01-01Z'::timestamptz + g % 5 * interval '1 us' END, nullif(g % 4, 0) FROM generate_series(1, 23) g`)
	orders := []string{
		``, `{id: DESC}`, `{a: ASC}`, `{a: DESC}`, `{a: ASC_NULLS_FIRST}`, `{a: DESC_NULLS_LAST}`, `{b: DESC_NULLS_FIRST, a: ASC_NULLS_LAST}`,
		`[{a: DESC}, {b: ASC}, {c: DESC_NULLS_LAST}]`, `{c: ASC_NULLS_FIRST}`, `[{b: ASC}, {id: DESC}]`,
	}
	for _, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		ask := func(order, args string) page {
			t.Helper()
			if order != "" {
				args += ", orderBy: " + order
			}
			var p page
			text := f.answer(t, `{ rows: rowsConnection(`+args+`) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`)
			if err := json.Unmarshal([]byte(text), &p); err != nil || p.Errors != nil {
				t.Fatalf("%s: %s: %s", f.backend, args, text)
			}
			return p
		}
		for _, order := range orders {
			var want []int
			for _, n := range ask(order, "filter: {id: {gt: 0}}").Data.Rows.Nodes {
				want = append(want, n.ID)
			}
			if len(want) != 23 {
				t.Fatalf("%d rows", len(want))
			}
			for _, size := range []int{1, 2, 5, 22, 23, 24} {
				for _, forward := range []bool{true, false} {
					got := walk(t, ask, order, size, forward)
					if !forward {
						slices.Reverse(got)
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%s: order %s, pages of %d, forward %v (-whole +pages):\n%s", f.backend, order, size, forward, d)
					}
				}
			}
		}
	}
}

func walk(t *testing.T, ask func(order, args string) page, order string, size int, forward bool) []int {
	t.Helper()
	var ids []int
	cursor := ""
	for range 30 {
		args := fmt.Sprintf("filter: {id: {gt: 0}}, first: %d", size)
		if !forward {
			args = fmt.Sprintf("filter: {id: {gt: 0}}, last: %d", size)
		}
		if cursor != "" {
			word := "after"
			if !forward {
				word = "before"
			}
			args += fmt.Sprintf(", %s: %q", word, cursor)
		}
		p := ask(order, args).Data.Rows
		page := make([]int, len(p.Nodes))
		for i, n := range p.Nodes {
			page[i] = n.ID
		}
		if !forward {
			slices.Reverse(page)
		}
		ids = append(ids, page...)
		more, back, next := p.PageInfo.HasNextPage, p.PageInfo.HasPreviousPage, p.PageInfo.EndCursor
		if !forward {
			more, back, next = back, more, p.PageInfo.StartCursor
		}
		if p.TotalCount != 23 || more != (len(ids) < 23) || back != (cursor != "") || next == nil {
			t.Errorf("order %s, pages of %d: after %d rows: %+v", order, size, len(ids), p)
		}
		if !more || next == nil {
			break
		}
		cursor = *next
	}
	return ids
}

// TestLoadErrors: names that meet are an error that names both, and what the
// configuration does not fit is told and left out.
func TestLoadErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, setup string
		conf        graphql.Config
		want        []string
	}{
		{"columns", `CREATE TABLE t (id int PRIMARY KEY, "a-b" int, "a b" int)`, graphql.Config{}, []string{`column a-b`, `column a b`, "T", "aB"}},
		{"tables", `CREATE TABLE thing (id int PRIMARY KEY); CREATE TABLE things (id int PRIMARY KEY)`, graphql.Config{}, []string{"public.thing", "public.things", "Thing"}},
		{"a table of schemas", `CREATE SCHEMA b; CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE b.t (id int PRIMARY KEY)`, graphql.Config{}, []string{"public.t", "b.t"}},
		{"the query type", `CREATE TABLE query (id int PRIMARY KEY)`, graphql.Config{}, []string{"the query type", "public.query"}},
		{"the mutation type", `CREATE TABLE mutations (id int PRIMARY KEY)`, graphql.Config{}, []string{"the mutation type", "public.mutations"}},
		{"a scalar", `CREATE TABLE "string" (id int PRIMARY KEY)`, graphql.Config{}, []string{"GraphQL itself", "public.string"}},
		{"enum labels", `CREATE TYPE e AS ENUM ('a b', 'a-b'); CREATE TABLE t (id int PRIMARY KEY, e e)`, graphql.Config{}, []string{`"a b"`, `"a-b"`, "A_B"}},
		{"words of filters", `CREATE TABLE t (id int PRIMARY KEY, "and" int, "not" int)`, graphql.Config{}, []string{"and", "not", "public.t"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, tt.setup)
			_, err := schemaOf(t, dsn, tt.conf)
			if err == nil {
				t.Fatal("it loads")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: no %s in it", err, want)
				}
			}
		})
	}
}

// TestBroken: what the configuration names and the database lacks is listed, and
// nothing that was to be hidden shows.
func TestBroken(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE TABLE users (id int PRIMARY KEY, name text, secret text); CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users); CREATE VIEW names AS SELECT id, name FROM users; CREATE TABLE fine (id int PRIMARY KEY)`)
	for _, tt := range []struct {
		name   string
		tables map[string]graphql.TableConfig
		broken string // in the list
		gone   string // not in the schema
	}{
		{"a misspelt table", map[string]graphql.TableConfig{"userz": {Omit: []string{"all"}}}, "table userz", ""},
		{"a misspelt column", map[string]graphql.TableConfig{"users": {Columns: map[string]graphql.ColumnConfig{"secrets": {Omit: true}}}}, "table public.users", "type User "},
		{"a misspelt relation", map[string]graphql.TableConfig{"posts": {Relations: map[string]graphql.ColumnConfig{"author": {Omit: true}}}}, "relation author of public.posts", ""},
		{"a key of no column", map[string]graphql.TableConfig{"names": {Keys: [][]string{{"idd"}}}}, "key (idd) of public.names", "name(id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := schemaOf(t, dsn, graphql.Config{Tables: tt.tables})
			if err != nil {
				t.Fatal(err)
			}
			listed := ""
			for _, b := range s.Broken() {
				listed += b.Object + ": " + b.Reason + "\n"
			}
			if !strings.Contains(listed, tt.broken) {
				t.Errorf("broken are:\n%s", listed)
			}
			var sdl strings.Builder
			if err := s.WriteSDL(&sdl); err != nil {
				t.Fatal(err)
			}
			if tt.gone != "" && strings.Contains(sdl.String(), tt.gone) {
				t.Errorf("%s is in the schema", tt.gone)
			}
			if !strings.Contains(sdl.String(), "type Fine ") {
				t.Error("what fits is gone too")
			}
		})
	}
}
