package builder

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignorePlaces = cmp.Options{
	cmpopts.IgnoreTypes(Path{}),
	cmpopts.IgnoreUnexported(Filter{}),
	cmp.Transformer("raw", func(r json.RawMessage) string { return string(r) }),
}

func TestParseDefinition(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, tt := range []struct {
		name, json, why string
		want            Definition
	}{
		{
			"the seed's list", `{"operation":"query","table":"users","fields":["id","name"],"filters":null,"pagination":{"limit":10,"offset":0},"sort":[{"field":"name","direction":"ASC"}]}`,
			"null filters are no filters",
			Definition{Kind: Query, Table: "users", Fields: []Field{{Name: "id"}, {Name: "name"}}, Limit: new(int64(10)), Offset: new(int64(0)), Sort: []Sort{{Field: "name"}}},
		},
		{
			"the seed's insert", `{"operation":"mutation","type":"insert","table":"users","input":{"name":"Ann","is_active":true},"return_fields":["id"]}`, "",
			Definition{Kind: Insert, Table: "users", Fields: []Field{{Name: "id"}}, Input: []Input{{Sets: []Set{{Field: "name", Value: raw(`"Ann"`)}, {Field: "is_active", Value: raw("true")}}}}},
		},
		{
			"operation left out", `{"type":"delete","table":"users","all_rows":true,"return_fields":null,"max_affected":5}`, "the type decides it",
			Definition{Kind: Delete, Table: "users", AllRows: true, ReturnNone: true, MaxAffected: new(int64(5))},
		},
		{
			"exact digits", `{"type":"insert","table":"t","input":[{"n":12345678901234567890.10}]}`, "numbers keep every digit, and a list is remembered",
			Definition{Kind: Insert, Table: "t", InputIsList: true, Input: []Input{{Sets: []Set{{Field: "n", Value: raw("12345678901234567890.10")}}}}},
		},
		{
			"update operations", `{"type":"update","table":"t","filters":{"id":{"eq":1}},"input":{"n":{"increment":2},"d":{"set":{"append":1}},"p":{"set_path":{"path":["a",0],"value":null}},"q":{"delete_path":["a"]},"z":{"default":true},"o":{"append":1,"more":2},"v":null}}`,
			"an object with one operation is one; set protects a document",
			Definition{Kind: Update, Table: "t", Filter: &Filter{Field: "id", Op: "eq", Value: raw("1")}, Input: []Input{{Sets: []Set{
				{Field: "n", Op: "increment", Value: raw("2")},
				{Field: "d", Value: raw(`{"append":1}`)},
				{Field: "p", Op: "set_path", Path: []string{"a", "0"}, Value: raw("null")},
				{Field: "q", Op: "delete_path", Path: []string{"a"}, Value: raw(`["a"]`)},
				{Field: "z", Op: "default", Value: raw("true")},
				{Field: "o", Value: raw(`{"append":1,"more":2}`)},
				{Field: "v", Value: raw("null")},
			}}}},
		},
		{
			"no operations in an insert", `{"type":"insert","table":"t","input":{"d":{"append":1}}}`, "a document is stored as it is",
			Definition{Kind: Insert, Table: "t", Input: []Input{{Sets: []Set{{Field: "d", Value: raw(`{"append":1}`)}}}}},
		},
		{
			"everything of a query", `{"operation":"query","table":"a.b","fields":[{"field":"data","path":["x",1],"type":"text","as":"y"}],"relations":{"posts":{"relation":"posts_via_author_id","fields":["id"],"filters":null,"sort":[{"id":"desc"}],"pagination":{"limit":1},"distinct":["id"],"relations":{"author":{}}}},"sort":[{"field":"data","path":["x"],"type":"numeric","direction":"DESC","nulls":"FIRST"}],"after":{"name":null,"id":7},"before":{"id":9},"distinct":true,"aggregate":[{"fn":"sum","field":"n","as":"t","distinct":true,"filters":{"n":{"gt":1}}}],"group_by":["c",{"field":"d","trunc":"month","as":"m"}],"having":{"t":{"gt":5}}}`, "",
			Definition{
				Kind: Query, Table: "a.b", Fields: []Field{{Name: "data", JSON: []string{"x", "1"}, Type: "text", As: "y"}},
				Relations: []Relation{{
					Key: "posts", Name: "posts_via_author_id", Fields: []Field{{Name: "id"}}, Sort: []Sort{{Field: "id", Desc: true}}, Limit: new(int64(1)),
					Distinct: &Distinct{On: []string{"id"}}, Relations: []Relation{{Key: "author"}},
				}},
				Sort:  []Sort{{Field: "data", JSON: []string{"x"}, Type: "numeric", Desc: true, Nulls: NullsFirst}},
				After: &Cursor{Values: []CursorValue{{Field: "name", Value: raw("null")}, {Field: "id", Value: raw("7")}}}, Before: &Cursor{Values: []CursorValue{{Field: "id", Value: raw("9")}}},
				Distinct:  &Distinct{},
				Aggregate: []Aggregate{{Fn: "sum", Field: "n", As: "t", Distinct: true, Filter: &Filter{Field: "n", Op: "gt", Value: raw("1")}}},
				GroupBy:   []GroupBy{{Field: "c"}, {Field: "d", Trunc: "month", As: "m"}}, Having: &Filter{Field: "t", Op: "gt", Value: raw("5")},
			},
		},
		{
			"on conflict", `{"type":"insert","table":"t","input":[{}],"on_conflict":{"columns":["a"],"do":"update","update":["b"],"filters":{"b":{"lt":3}}}}`, "",
			Definition{Kind: Insert, Table: "t", InputIsList: true, Input: []Input{{}}, OnConflict: &OnConflict{Columns: []string{"a"}, Update: []string{"b"}, Filter: &Filter{Field: "b", Op: "lt", Value: raw("3")}}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseDefinition([]byte(tt.json))
			if err != nil {
				t.Fatalf("%v\nwhy: %s", err, tt.why)
			}
			if d := cmp.Diff(tt.want, *got, ignorePlaces); d != "" {
				t.Errorf("%s\nwhy: %s", d, tt.why)
			}
		})
	}
}

// TestFilterSpellings: the three spellings, and logic within one field, are one tree.
func TestFilterSpellings(t *testing.T) {
	t.Parallel()
	eq := func(field, op, value string) *Filter {
		return &Filter{Field: field, Op: op, Value: json.RawMessage(value)}
	}
	for _, tt := range []struct {
		name, json string
		want       *Filter
	}{
		{"operator and value", `{"field":"id","operator":"eq","value":1}`, eq("id", "eq", "1")},
		{"operator as key", `{"field":"id","eq":1}`, eq("id", "eq", "1")},
		{"field as key", `{"id":{"eq":1}}`, eq("id", "eq", "1")},
		{"null value", `{"field":"id","operator":"eq","value":null}`, eq("id", "eq", "null")},
		{"all operators count", `{"id":{"gte":10,"lte":100}}`, &Filter{And: []*Filter{eq("id", "gte", "10"), eq("id", "lte", "100")}}},
		{"all fields count", `{"id":{"eq":1},"name":{"eq":"x"}}`, &Filter{And: []*Filter{eq("id", "eq", "1"), eq("name", "eq", `"x"`)}}},
		{"shorthand with two", `{"field":"id","gt":1,"lt":9}`, &Filter{And: []*Filter{eq("id", "gt", "1"), eq("id", "lt", "9")}}},
		{
			"mixed", `{"and":[{"field":"a","eq":1},{"b":{"ne":2}},{"or":[{"field":"c","operator":"lt","value":3}]}]}`,
			&Filter{And: []*Filter{eq("a", "eq", "1"), eq("b", "ne", "2"), {Or: []*Filter{eq("c", "lt", "3")}}}},
		},
		{
			"after a nested one", `{"and":[{"a":{"eq":1}}],"b":{"eq":2},"not":{"c":{"eq":3}}}`,
			&Filter{And: []*Filter{{And: []*Filter{eq("a", "eq", "1")}}, eq("b", "eq", "2"), {Not: eq("c", "eq", "3")}}},
		},
		{
			"inside one field", `{"s":{"and":[{"ne":"d"},{"ne":"a"}],"not":{"eq":"x"}}}`,
			&Filter{And: []*Filter{{And: []*Filter{eq("s", "ne", `"d"`), eq("s", "ne", `"a"`)}}, {Not: eq("s", "eq", `"x"`)}}},
		},
		{"inside one field, long form", `{"field":"p","or":[{"eq":"high"},{"eq":"urgent"}]}`, &Filter{Or: []*Filter{eq("p", "eq", `"high"`), eq("p", "eq", `"urgent"`)}}},
		{"empty and, or", `{"and":[],"or":[]}`, &Filter{And: []*Filter{{And: []*Filter{}}, {Or: []*Filter{}}}}},
		{"field named and", `{"field":"and","eq":1}`, eq("and", "eq", "1")},
		{"path", `{"field":"profile","path":["address","city"],"eq":"Oslo"}`, &Filter{Field: "profile", JSON: []string{"address", "city"}, Op: "eq", Value: json.RawMessage(`"Oslo"`)}},
		{"path in a field", `{"profile":{"path":["n",0],"type":"numeric","gt":1}}`, &Filter{Field: "profile", JSON: []string{"n", "0"}, Type: "numeric", Op: "gt", Value: json.RawMessage("1")}},
		{"relation", `{"posts":{"exists":{"id":{"eq":1}}}}`, &Filter{Rel: "posts", Quant: Exists, Sub: eq("id", "eq", "1")}},
		{"relation, any row", `{"posts":{"none":{}}}`, &Filter{Rel: "posts", Quant: None}},
		{"relation, long form", `{"field":"posts","operator":"every","value":{"field":"id","eq":1}}`, &Filter{Rel: "posts", Quant: Every, Sub: eq("id", "eq", "1")}},
		{"null", `null`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseFilter(tt.json)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got, ignorePlaces, cmpopts.EquateComparable()); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestRefused: nothing that is not understood passes.
func TestRefused(t *testing.T) {
	t.Parallel()
	q := func(s string) string { return `{"operation":"query","table":"t",` + s + `}` }
	filter := func(s string) string { return q(`"filters":` + s) }
	for _, tt := range []struct{ name, json, want string }{
		{"no JSON", ``, `at $: line 1, column 1: unexpected end of the JSON: a value is missing`},
		{"trailing data", `{"operation":"query","table":"t"} x`, `unexpected 'x' after the end of the JSON`},
		{"trailing comma", `{"operation":"query",}`, `where a key in double quotes belongs`},
		{"comment", "{//x\n}", `unexpected '/' where a key`},
		{"single quotes", `{'a':1}`, `unexpected '\'' where a key`},
		{"NaN", q(`"filters":{"a":{"eq":NaN}}`), `at $.filters.a.eq: line 1, column 55: unexpected 'N' where a value belongs`},
		{"leading zero", q(`"pagination":{"limit":01}`), `malformed number`},
		{"plus", q(`"pagination":{"limit":+1}`), `unexpected '+'`},
		{"bare dot", q(`"pagination":{"limit":1.}`), `malformed number`},
		{"open string", `{"a`, `within a string`},
		{"open bracket", `[`, `a value is missing`},
		{"wrong bracket", `[1}`, `where a comma or a closing bracket belongs`},
		{"duplicate key", q(`"filters":{"id":{"eq":1},"id":{"eq":2}}`), `at $.filters.id: duplicate key "id"`},
		{"duplicate by escape", q(`"filters":{"id":{"eq":1},"\u0069d":{"eq":2}}`), `at $.filters.id: duplicate key "id"`},
		{"duplicate in a value", `{"type":"insert","table":"t","input":{"j":{"a":1,"a":2}}}`, `at $.input.j.a: duplicate key "a"`},
		{"invalid UTF-8", q("\"filters\":{\"a\":{\"eq\":\"\xff\"}}"), `at $.filters.a.eq: text that is not valid UTF-8`},
		{"lone surrogate", filter(`{"a":{"eq":"\ud800"}}`), `half of a surrogate pair`},
		{"low surrogate", filter(`{"a":{"eq":"\udc00x"}}`), `half of a surrogate pair`},
		{"NUL", filter(`{"a":{"eq":"\u0000"}}`), `at $.filters.a.eq: the character U+0000`},
		{"bad escape", filter(`{"a":{"eq":"\x"}}`), `malformed escape`},
		{"control", "{\"a\n\":1}", `control character within a string: write it as \u000a`},
		{"not an object", `5`, `at $: a number can't stand here; allowed: an object: a definition`},
		{"no operation", `{"table":"t"}`, `"operation" is missing`},
		{"no table", `{"operation":"query"}`, `"table" is missing`},
		{"empty table", `{"operation":"query","table":""}`, `at $.table: the name is empty`},
		{"no type", `{"operation":"mutation","table":"t"}`, `"type" is missing`},
		{"unknown type", `{"operation":"mutation","type":"upsert","table":"t"}`, `unknown type of mutation "upsert"; did you mean "insert"?; allowed: insert, update, delete`},
		{"unknown key", q(`"filter":{}`), `at $.filter: unknown key of a definition "filter"; did you mean "filters"?`},
		{"case of a key", q(`"Filters":null`), `did you mean "filters"?`},
		{"camelCase of a key", q(`"groupBy":["a"]`), `did you mean "group_by"?`},
		{"key of another kind", q(`"input":{}`), `unknown key of a definition "input"`},
		{"insert with filters", `{"type":"insert","table":"t","input":{},"filters":{"a":{"eq":1}}}`, `an insert has no filters`},
		{"update without input", `{"type":"update","table":"t","filters":{"a":{"eq":1}}}`, `"input" is missing`},
		{"empty update", `{"type":"update","table":"t","input":{},"filters":{"a":{"eq":1}}}`, `nothing to set`},
		{"list for an update", `{"type":"update","table":"t","input":[{"a":1}],"all_rows":true}`, `a list can't stand here`},
		{"no rows", `{"type":"insert","table":"t","input":[]}`, `the list of rows is empty`},
		{"row that is none", `{"type":"insert","table":"t","input":[{"a":1},2]}`, `at $.input[1]: a number can't stand here`},
		{"empty fields", q(`"fields":[]`), `the list of fields is empty`},
		{"null fields", q(`"fields":null`), `null can't stand here; leave the key out`},
		{"null limit", q(`"pagination":{"limit":null}`), `null can't stand here`},
		{"fraction limit", q(`"pagination":{"limit":10.5}`), `at $.pagination.limit: 10.5 can't stand here; allowed: a whole number from 0`},
		{"negative limit", q(`"pagination":{"limit":-1}`), `-1 can't stand here`},
		{"exponent limit", q(`"pagination":{"limit":1e2}`), `1e2 can't stand here`},
		{"huge limit", q(`"pagination":{"limit":99999999999999999999}`), `can't stand here`},
		{"text limit", q(`"pagination":{"limit":"10"}`), `a string can't stand here`},
		{"direction", q(`"sort":[{"field":"a","direction":"Desc"}]`), `unknown word "Desc"; did you mean "DESC"?`},
		{"two in one sort key", q(`"sort":[{"a":"ASC","b":"ASC"}]`), `one sort key an object`},
		{"empty filter", filter(`{}`), `the condition is empty`},
		{"empty field", filter(`{"id":{}}`), `the condition has no operator`},
		{"field alone", filter(`{"field":"id"}`), `the condition has no operator`},
		{"value alone", filter(`{"field":"id","value":1}`), `"operator" is missing beside "value"`},
		{"operator alone", filter(`{"field":"id","operator":"eq"}`), `"value" is missing beside "operator"`},
		{"operator and shorthand", filter(`{"field":"id","operator":"eq","value":1,"lt":5}`), `unknown key beside operator "lt"`},
		{"no field", filter(`{"operator":"eq","value":1}`), `"field" is missing`},
		{"scalar", filter(`{"id":5}`), `at $.filters.id: a number can't stand here; allowed: an object of operators, such as {"eq": …}`},
		{"scalar null", filter(`{"id":null}`), `null`},
		{"and in capitals", filter(`{"AND":[{"id":{"eq":1}}]}`), `did you mean "and"?`},
		{"and with underscore", filter(`{"_and":[{"id":{"eq":1}}]}`), `did you mean "and"?`},
		{"and of an object", filter(`{"and":{"id":{"eq":1}}}`), `allowed: a list of conditions`},
		{"not of a list", filter(`{"not":[{"id":{"eq":1}}]}`), `a list can't stand here`},
		{"null in and", filter(`{"and":[null]}`), `at $.filters.and[0]: null can't stand here`},
		{"list as filter", filter(`[{"id":{"eq":1}}]`), `a list can't stand here`},
		{"text as filter", filter(`"id = 1"`), `a string can't stand here`},
		{"path and relation", filter(`{"posts":{"path":["a"],"exists":{}}}`), `a condition on a relation takes no path`},
		{"relation null", filter(`{"posts":{"exists":null}}`), `null can't stand here`},
		{"unsafe path", filter(`{"p":{"path":[1.5],"eq":1}}`), `1.5 is not a position`},
		{"empty path", filter(`{"p":{"path":[],"eq":1}}`), `the path is empty`},
		{"conflict without do", `{"type":"insert","table":"t","input":{},"on_conflict":{"columns":["a"]}}`, `"do" is missing`},
		{"conflict with both", `{"type":"insert","table":"t","input":{},"on_conflict":{"columns":["a"],"constraint":"b","do":"nothing"}}`, `exclude each other`},
		{"conflict update of nothing", `{"type":"insert","table":"t","input":{},"on_conflict":{"do":"update"}}`, `has to name the key`},
		{"conflict nothing with update", `{"type":"insert","table":"t","input":{},"on_conflict":{"do":"nothing","update":["a"]}}`, `have no meaning`},
		{"cursor", q(`"after":{}`), `the cursor is empty`},
		{"distinct", q(`"distinct":"a"`), `allowed: true or a list of fields`},
		{"aggregate", q(`"aggregate":[{}]`), `at $.aggregate[0]: "fn" is missing`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			def, err := ParseDefinition([]byte(tt.json))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s\ngot  %v\nwant %s", tt.json, err, tt.want)
			}
			if def != nil {
				t.Error("a definition beside an error")
			}
		})
	}
}

// TestAllProblems: everything that is wrong is told at once, in order.
func TestAllProblems(t *testing.T) {
	t.Parallel()
	_, err := ParseDefinition([]byte(`{"operation":"query","tabel":"t","fields":[],"filters":{"a":5,"b":{}},"pagination":{"limit":-1},"sort":[{"a":"UP"}]}`))
	var probs Problems
	if !errors.As(err, &probs) {
		t.Fatalf("%T", err)
	}
	var got []string
	for _, p := range probs {
		got = append(got, p.Path.String())
	}
	if d := cmp.Diff([]string{"$.tabel", "$.fields", "$.filters.a", "$.filters.b", "$.pagination.limit", "$.sort[0].a", "$"}, got); d != "" {
		t.Error(d, err)
	}
}

func TestParseRequest(t *testing.T) {
	t.Parallel()
	one := `{"operation":"query","table":"t"}`
	req, err := Parse([]byte(`{"transaction":[` + one + `],"isolation":"repeatable read","read_only":true,"session":{"app.b":"1","app.a":""}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Request{Transaction: true, Isolation: 4, ReadOnly: true, Session: []Setting{{"app.b", "1"}, {"app.a", ""}}, Definitions: []Definition{{Kind: Query, Table: "t"}}}
	want.Isolation = levels[1]
	if d := cmp.Diff(want, req, ignorePlaces); d != "" {
		t.Error(d)
	}
	if req, err = Parse([]byte(`[` + one + `,` + one + `]`)); err != nil || !req.List || len(req.Definitions) != 2 {
		t.Errorf("%+v %v", req, err)
	}
	if req, err = Parse([]byte(one)); err != nil || req.List || req.Transaction || len(req.Definitions) != 1 {
		t.Errorf("%+v %v", req, err)
	}
	for _, tt := range []struct{ json, want string }{
		{`[]`, "the list of definitions is empty"},
		{`{"transaction":[]}`, "at $.transaction: the list of definitions is empty"},
		{`{"session":{"app.a":"1"}}`, `"transaction" is missing`},
		{`{"transaction":[` + one + `],"isolation":"snapshot"}`, `unknown isolation level "snapshot"; allowed: read committed`},
		{`{"transaction":[` + one + `],"deferrable":true}`, `deferrable needs`},
		{`{"transaction":[` + one + `],"session":{"role":"postgres"}}`, `"role" is not a session variable`},
		{`{"transaction":[` + one + `],"session":{"a.b; DROP":"x"}}`, `is not a session variable`},
		{`{"transaction":[` + one + `],"session":{"a.b":1}}`, `a number can't stand here`},
		{`[` + one + `,{"operation":"query"}]`, `at $[1]: "table" is missing`},
	} {
		if _, err := Parse([]byte(tt.json)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.json, err, tt.want)
		}
	}
}

// TestHugeInput: bodies of any size end in an error or a result, in time, with
// a bounded list of problems.
func TestHugeInput(t *testing.T) {
	t.Parallel()
	deep := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	many := strings.Repeat(`{"id":5},`, 200_000)
	for _, tt := range []struct{ name, json, want string }{
		{"10,000 lists deep", deep("[", "1", "]", 10_000), "nested deeper than 64 levels"},
		{"10,000 conditions deep", `{"operation":"query","table":"t","filters":` + deep(`{"not":`, `{"id":{"eq":1}}`, "}", 10_000) + "}", "nested deeper than 64 levels"},
		{"a million open brackets", strings.Repeat("[", 1_000_000), "nested deeper"},
		{"too many bytes", strings.Repeat(" ", 17<<20), "at most 16777216 are taken"},
		{"a problem in every condition", `{"operation":"query","table":"t","filters":{"and":[` + many[:len(many)-1] + `]}}`, "and 199900 more problems"},
		{"a long key", `{"operation":"query","table":"t","` + strings.Repeat("k", 10<<20) + `":1}`, `unknown key of a definition "kkkk`},
		{"many keys", `{` + strings.Repeat(`"k":1,`, 100_000) + `"operation":"query"}`, `duplicate key "k"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, err := ParseDefinition([]byte(tt.json))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				s := "nil"
				if err != nil {
					s = err.Error()[:min(300, len(err.Error()))]
				}
				t.Errorf("got %s, want %s", s, tt.want)
			}
			if err != nil && len(err.Error()) > 50_000 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestPathString(t *testing.T) {
	t.Parallel()
	p := Path{"filters", "and", 1, "we ird", "value", "\n", strings.Repeat("é", 40)}
	want := `$.filters.and[1]["we ird"].value["\n"]["` + strings.Repeat("é", 32) + `…"]`
	if d := cmp.Diff(want, p.String()); d != "" {
		t.Error(d)
	}
}
