package builder

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestFilterFromGo: what the parser would not let through is refused by Build's
// half as well, for callers that make a Filter in Go.
func TestFilterFromGo(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	table, err := s.cat.Table("users")
	if err != nil {
		t.Fatal(err)
	}
	deep := &Filter{Field: "id", Op: "eq", Value: json.RawMessage("1")}
	for range 100 {
		deep = &Filter{Not: deep}
	}
	ok := &Filter{Field: "id", Op: "eq", Value: json.RawMessage(" 1 ")}
	for _, tt := range []struct {
		name string
		f    *Filter
		want string
	}{
		{"zero", &Filter{}, "says exactly one thing; this one says 0"},
		{"two things", &Filter{Field: "id", Op: "eq", Value: json.RawMessage("1"), Not: ok}, "says 2"},
		{"nil within and", &Filter{And: []*Filter{nil}}, "a condition is nil"},
		{"too deep", deep, "nested deeper than 64"},
		{"no value", &Filter{Field: "id", Op: "eq"}, "the operand is missing or not JSON"},
		{"broken value", &Filter{Field: "id", Op: "eq", Value: json.RawMessage("1 OR 1")}, "not JSON"},
		{"no quantifier", &Filter{Rel: "posts"}, "has no quantifier"},
		{"every of all", &Filter{Rel: "posts", Quant: Every}, "every needs a condition"},
		{"NUL", &Filter{Field: "name", Op: "like", Value: json.RawMessage(`"a\u0000"`)}, "can't store"},
		{"NUL in a path", &Filter{Field: "profile", JSON: []string{"a\x00"}, Op: "eq", Value: json.RawMessage(`1`)}, "can't store"},
		{"empty path", &Filter{Field: "profile", JSON: []string{}, Op: "eq", Value: json.RawMessage(`1`)}, "the path is empty"},
		{"text for an operand", &Filter{Field: "name", Op: "like", Value: json.RawMessage("5")}, `operator "like" takes no number; allowed: a string`},
		{"null bound", &Filter{Field: "id", Op: "between", Value: json.RawMessage("[1,null]")}, "null can't stand here"},
		{"text in a list of keys", &Filter{Field: "profile", Op: "has_any_keys", Value: json.RawMessage(`["a",1]`)}, `takes no number`},
		{"no list of keys", &Filter{Field: "profile", Op: "has_any_keys", Value: json.RawMessage(`"a"`)}, `takes no string`},
		{"rank without threshold", &Filter{Field: "name", Op: "rank_gt", Value: json.RawMessage(`{"query":"x"}`)}, `needs "threshold"`},
		{"search of a number", &Filter{Field: "name", Op: "plain_query", Value: json.RawMessage(`5`)}, `takes no number`},
	} {
		_, err := filterSQL(s, table, "id", tt.f)
		var probs Problems
		if !errors.As(err, &probs) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := filterSQL(s, table, "id", ok); err != nil {
		t.Error(err)
	}
	if sql, _, _ := newScope(s, table, &problems{}).where(nil).ToSql(); sql != "TRUE" {
		t.Errorf("no filter is %s", sql)
	}
	if _, err := NewSchema(nil, SchemaOptions{}); err == nil {
		t.Error("a schema of no catalog")
	}
	if s.Catalog() != s.cat || s.Types() == nil {
		t.Error("a Schema does not know what it is made of")
	}
}

// TestVirtualScope: HAVING knows the outputs of an aggregation and no relation.
func TestVirtualScope(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	probs := &problems{}
	sc := &scope{schema: s, probs: probs, shared: &counters{}, virtual: map[string]field{"total": {expr: "sum(x)", typ: s.types.Type(oidNumeric), cast: "numeric"}}}
	f, err := parseFilter(`{"total":{"gt":5}}`)
	if err != nil {
		t.Fatal(err)
	}
	if sql, args, _ := sc.where(f).ToSql(); sql != "sum(x) > ?::numeric" || fmt.Sprint(args) != "[5]" || probs.count() != 0 {
		t.Errorf("%s %v %v", sql, args, probs.err())
	}
	for filter, want := range map[string]string{`{"name":{"eq":1}}`: `unknown field "name"; allowed: total`, `{"posts":{"exists":{}}}`: "can't stand here"} {
		probs.list = nil
		f, _ := parseFilter(filter)
		sc.where(f)
		if err := probs.err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", filter, err)
		}
	}
}

func TestFinish(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		s          squirrel.Sqlizer
	}{
		{"too few arguments", "2 placeholders for 1 arguments", expression{"? ?", []any{"a"}}},
		{"a type that drivers disagree on", "argument 1 has Go type int", expression{"?", []any{1}}},
		{"too many", "65536 parameters", expression{strings.Repeat("?", maxArgs+1), make([]any, maxArgs+1)}},
		{"a squirrel error", "render x", squirrel.Select()},
	} {
		if _, err := finish("x", Read, tt.s); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	st, err := finish("x", Read, splice("a ?? ? AND ?", arg("1", "text"), arg(nil, "int4")))
	if err != nil || st.SQL != "a ? $1::text AND $2::int4" || len(st.Args) != 2 {
		t.Errorf("%+v %v", st, err)
	}
}

// TestExtensionElsewhere: an extension in a schema off the search path has its
// operators named with the schema, so that they are found, and so that citext
// does not turn into text, which compares letter case.
func TestExtensionElsewhere(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION ltree SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE EXTENSION cube SCHEMA ext;
		CREATE TABLE t (id int PRIMARY KEY, c ext.citext, l ext.ltree, h ext.hstore, q ext.cube);
		INSERT INTO t VALUES (1, 'Ann', 'a.b.c', 'k=>1', '(1,2)'), (2, 'Bob', 'x', 'j=>1', '(9,9)')`)
	l := openLive(t, dsn)
	for filter, want := range map[string]string{
		`{"c":{"eq":"ANN"}}`: "1", `{"c":{"in":["ANN"]}}`: "1", `{"c":{"nin":["ANN"]}}`: "2", `{"c":{"like":"a%"}}`: "1", `{"c":{"contains":"NN"}}`: "1",
		`{"c":{"between":["A","b"]}}`: "1", `{"c":{"regex":"^a"}}`: "1", `{"c":{"neq":"ann"}}`: "2", `{"c":{"nlike":"A%"}}`: "2",
		`{"l":{"eq":"x"}}`: "2", `{"l":{"descendant_of":"a"}}`: "1", `{"l":{"matches_any_lquery":["*.c"]}}`: "1", `{"l":{"depth_gt":1}}`: "1", `{"l":{"matches_ltxtquery":"c"}}`: "1",
		`{"h":{"has_key":"k"}}`: "1", `{"h":{"has_any_keys":["j"]}}`: "2", `{"h":{"contains":{"k":"1"}}}`: "1", `{"h":{"eq":{"k":"1"}}}`: "1",
		`{"q":{"distance":{"to":"(1,3)","threshold":2}}}`: "1", `{"q":{"contained_by":"(0,0),(3,3)"}}`: "1",
		`{"c":{"is_null":false}}`: "1 2", `{"c":{"is_distinct_from":"ANN"}}`: "2",
	} {
		got, err := l.tryFind(t, "t", "id", filter)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s found %q %v, want %s", filter, got, err, want)
		}
	}
}

var benchSink any

func BenchmarkFilter(b *testing.B) {
	s := schemaOfSample(b)
	table, err := s.cat.Table("users")
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	for name, filter := range map[string]string{
		"one":     `{"id":{"eq":1}}`,
		"complex": `{"and":[{"role":{"eq":"admin"}},{"or":[{"name":{"contains":"x"}},{"posts":{"exists":{"views":{"gt":5}}}}]},{"profile":{"path":["a","b"],"gt":5}}]}`,
		"in10k":   `{"id":{"in":[` + strings.Join(ids, ",") + `]}}`,
	} {
		b.Run("parse/"+name, func(b *testing.B) {
			def := []byte(`{"operation":"query","table":"users","filters":` + filter + `}`)
			b.SetBytes(int64(len(def)))
			b.ReportAllocs()
			for b.Loop() {
				benchSink, _ = ParseDefinition(def)
			}
		})
		b.Run("build/"+name, func(b *testing.B) {
			f, err := parseFilter(filter)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				probs := &problems{}
				benchSink = newScope(s, table, probs).where(f)
			}
		})
	}
}
