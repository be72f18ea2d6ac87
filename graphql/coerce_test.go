package graphql

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"pgregory.net/rapid"
)

const coerceSDL = `
type Query {
	f(i: Int, s: String, on: Boolean, x: Float, id: ID, ids: [ID!], grid: [[Int]], big: BigInt, j: JSON, js: [JSON],
	  mood: Mood, moods: [Mood!], filter: Filter, filters: [Filter!], one: One, need: Int! = 5, page: Page, when: DateTime, odd: Odd): String
}
enum Mood { HAPPY SAD }
scalar BigInt scalar JSON scalar DateTime scalar Odd
input Filter { name: StringOps, age: IntOps, and: [Filter!], not: Filter, mood: Mood, any: JSON }
input StringOps { eq: String, in: [String], like: String }
input IntOps { eq: Int, in: [Int!], between: [[Int!]!] }
input One @oneOf { a: Int, b: String }
input Page { limit: Int! = 10, offset: Int, size: Int! }
`

var (
	coerceSchema = gqlparser.MustLoadSchema(&ast.Source{Input: coerceSDL})
	coerceInputs = newInputs(allTypes{coerceSchema}.definition)
)

// operation parses a document that validation accepts.
func operation(t testing.TB, schema *ast.Schema, document string) *ast.OperationDefinition {
	t.Helper()
	doc, err := gqlparser.LoadQueryWithRules(schema, document, nil)
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return doc.Operations[0]
}

// define is an operation with one variable $v.
func define(t testing.TB, typ string) *ast.OperationDefinition {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: "query($v: " + typ + ") { f }"})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Operations[0]
}

func limits() *Limits {
	l := DefaultLimits()
	return &l
}

// errorTexts are the messages, one a line.
func errorTexts(errs Errors) string {
	var list []string
	for _, e := range errs {
		list = append(list, e.Message)
	}
	return strings.Join(list, "\n")
}

func TestCoerceVariables(t *testing.T) {
	t.Parallel()
	const notJSON = "the variables are not a JSON object, or nest too deep"
	for _, c := range []struct{ name, typ, in, shape, json, err string }{
		{"absent", "Int", `{}`, "$-", "null", ""},
		{"no variables at all", "Int", ``, "$-", "null", ""},
		{"null for variables", "Int", `null`, "$-", "null", ""},
		{"others are passed over", "Int", `{"w":[1,{"a":null}],"v":1}`, "$d", "1", ""},
		{"absent is not null", "Int", `{"v":null}`, "$n", "null", ""},
		{"required, absent", "Int!", `{}`, "", "", "$v: is required but was not given"},
		{"required, null", "Int!", `{"v":null}`, "", "", "$v: must not be null"},
		{"default", "Int = 7", `{}`, "$~", "7", ""},
		{"default of a list", "[Int] = 7", `{}`, "$~", "[7]", ""},
		{"null beats a default", "Int = 7", `{"v":null}`, "$n", "null", ""},
		{"given twice", "Int", `{"v":1,"v":2}`, "", "", "$v: is given twice"},
		{"no JSON", "Int", `{"v":1`, "", "", notJSON},
		{"text behind it", "Int", `{"v":1}x`, "", "", notJSON},
		{"a list", "Int", `[1]`, "", "", notJSON},
		{"comma at the end", "Int", `{"v":1,}`, "", "", notJSON},
		{"NaN", "Float", `{"v":NaN}`, "", "", notJSON},
		{"not UTF-8", "String", "{\"v\":\"\xff\"}", "", "", notJSON},
		{"line break in a string", "String", "{\"v\":\"\n\"}", "", "", notJSON},
		{"depth 32", "JSON", `{"v":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, "$a", strings.Repeat("[", 32) + strings.Repeat("]", 32), ""},
		{"depth 33", "JSON", `{"v":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, "", "", notJSON},
		{"depth of another variable", "Int", `{"w":` + strings.Repeat("[", 10000) + `}`, "", "", notJSON},

		{"int", "Int", `{"v":-2147483648}`, "$d", "-2147483648", ""},
		{"int too large", "Int", `{"v":2147483648}`, "", "", "$v: Int is a whole number from -2147483648 to 2147483647"},
		{"int, many digits", "Int", `{"v":99999999999999999999}`, "", "", "$v: Int is a whole number from -2147483648 to 2147483647"},
		{"no float to int", "Int", `{"v":5.5}`, "", "", "$v: Int wants a whole number"},
		{"not even 1.0", "Int", `{"v":1.0}`, "", "", "$v: Int wants a whole number"},
		{"no string to int", "Int", `{"v":"1"}`, "", "", "$v: Int wants a whole number"},
		{"float", "Float", `{"v":1.5e3}`, "$d", "1.5e3", ""},
		{"int to float", "Float", `{"v":1}`, "$d", "1", ""},
		{"float too large", "Float", `{"v":1e400}`, "", "", "$v: Float is a number of double precision"},
		{"string", "String", `{"v":"a\"\u00e9\n"}`, "$s", `"a\"\u00e9\n"`, ""},
		{"no number to string", "String", `{"v":1}`, "", "", "$v: String wants a string"},
		{"boolean true", "Boolean", `{"v":true}`, "$t", "true", ""},
		{"boolean false has another shape", "Boolean", `{"v":false}`, "$f", "false", ""},
		{"no string to boolean", "Boolean", `{"v":"true"}`, "", "", "$v: Boolean wants true or false"},
		{"id as string", "ID", `{"v":"x"}`, "$s", `"x"`, ""},
		{"id as int, any size", "ID", `{"v":99999999999999999999}`, "$d", `99999999999999999999`, ""},
		{"id no float", "ID", `{"v":1.5}`, "", "", "$v: ID wants a string or a whole number"},
		{"big integer keeps its digits", "BigInt", `{"v":9223372036854775807}`, "$d", "9223372036854775807", ""},
		{"big integer as a string", "BigInt", `{"v":"9223372036854775807"}`, "$s", `"9223372036854775807"`, ""},
		{"big integer no fraction", "BigInt", `{"v":1.5}`, "", "", "$v: BigInt wants a string or a whole number"},
		{"date and time", "DateTime", `{"v":5}`, "", "", "$v: DateTime wants a string"},
		{"unknown scalar takes a boolean", "Odd", `{"v":true}`, "$t", "true", ""},
		{"unknown scalar takes no object", "Odd", `{"v":{}}`, "", "", "$v: Odd wants a string, a number or a boolean"},
		{"json object is one leaf", "JSON", `{"v": {"a":[1,null]} }`, "$o", `{"a":[1,null]}`, ""},
		{"json string", "JSON", `{"v":"x"}`, "$s", `"x"`, ""},

		{"list of scalars is one leaf", "[Int!]", `{"v":[1, 2]}`, "$*0", "[1, 2]", ""},
		{"empty list", "[Int!]", `{"v":[ ]}`, "$*1", "[ ]", ""},
		{"list of one", "[Int!]", `{"v":1}`, "$*0", "[1]", ""},
		{"null element", "[Int]", `{"v":[1,null]}`, "$*2", "[1,null]", ""},
		{"null element refused", "[Int!]", `{"v":[1,null]}`, "", "", "$v[1]: must not be null"},
		{"wrong elements", "[Int!]", `{"v":[1,"a",2.5]}`, "", "", "$v[1]: Int wants a whole number\n$v[2]: Int wants a whole number"},
		{"list of lists", "[[Int]]", `{"v":[[1],[2]]}`, "$*4", "[[1],[2]]", ""},
		{"list of lists from a list", "[[Int]]", `{"v":[1,[2],null]}`, "$*6", "[[1],[2],null]", ""},
		{"list of lists from one", "[[Int]]", `{"v":1}`, "$*4", "[[1]]", ""},
		{"too many brackets", "[Int]", `{"v":[[1]]}`, "", "", "$v[0]: Int wants a whole number"},
		{"list of json", "[JSON]", `{"v":[{"a":1},[2],null]}`, "$*2", `[{"a":1},[2],null]`, ""},

		{"enum", "Mood", `{"v":"SAD"}`, "$=SAD", `"SAD"`, ""},
		{"enum with escapes", "Mood", `{"v":"S\u0041D"}`, "$=SAD", `"SAD"`, ""},
		{"enum, unknown", "Mood", `{"v":"SADD"}`, "", "", `$v: is no value of Mood. Did you mean "SAD"?`},
		{"enum, no string", "Mood", `{"v":1}`, "", "", "$v: Mood wants one of its values as a string"},
		{"list of enums", "[Mood!]", `{"v":["SAD","HAPPY"]}`, "$[,=SAD,=HAPPY]", `["SAD","HAPPY"]`, ""},
		{"enum as a list of one", "[Mood!]", `{"v":"SAD"}`, "$[,=SAD]", `["SAD"]`, ""},

		{"object", "Filter", `{"v":{"name":{"eq":"x","in":["a"]},"mood":"SAD"}}`, "${,name:{,eq:s,in:*0},mood:=SAD}", `{"name":{"eq":"x","in":["a"]},"mood":"SAD"}`, ""},
		{"null inside", "Filter", `{"v":{"not":null}}`, "$\x7b,not:n}", `{"not":null}`, ""},
		{"list of objects", "Filter", `{"v":{"and":[{"age":{"eq":1}},{}]}}`, "$\x7b,and:[,{,age:{,eq:d}},{}]}", `{"and":[{"age":{"eq":1}},{}]}`, ""},
		{"object as a list of one", "[Filter!]", `{"v":{}}`, "$[,{}]", `[{}]`, ""},
		{"unknown field", "Filter", `{"v":{"nam":1}}`, "", "", `$v: has no field "nam" in Filter. Did you mean "name"?`},
		{"no object", "Filter", `{"v":[1]}`, "", "", "$v: Filter wants an object"},
		{"field given twice", "Filter", `{"v":{"mood":"SAD","mood":"SAD"}}`, "", "", "$v.mood: is given twice"},
		{
			"all mistakes with their paths", "Filter", `{"v":{"name":{"eq":1},"and":[{"age":{"in":["x"]}}],"zzzzzzzz":1}}`, "", "",
			"$v.name.eq: String wants a string\n$v.and[0].age.in[0]: Int wants a whole number\n$v: has no field \"zzzzzzzz\" in Filter.",
		},
		{"defaults of fields", "Page", `{"v":{"size":1}}`, "$\x7b,size:d}", `{"size":1,"limit":10}`, ""},
		{"required field", "Page", `{"v":{"limit":1}}`, "", "", "$v.size: is required but was not given"},
		{"null for a field with a default", "Page", `{"v":{"limit":null,"size":1}}`, "", "", "$v.limit: must not be null"},
		{"one of", "One", `{"v":{"a":1}}`, "$\x7b,a:d}", `{"a":1}`, ""},
		{"one of, two", "One", `{"v":{"a":1,"b":"x"}}`, "", "", "$v: One wants exactly one field, and that not null"},
		{"one of, none", "One", `{"v":{}}`, "", "", "$v: One wants exactly one field, and that not null"},
		{"one of, null", "One", `{"v":{"a":null}}`, "", "", "$v: One wants exactly one field, and that not null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var v values
			op := define(t, c.typ)
			got := errorTexts(v.coerce(coerceInputs, op, json.RawMessage(c.in), limits()))
			if diff := cmp.Diff(c.err, got); diff != "" {
				t.Fatal(diff)
			}
			if c.err != "" {
				return
			}
			if diff := cmp.Diff(c.shape, string(v.shape)); diff != "" {
				t.Errorf("shape: %s", diff)
			}
			if diff := cmp.Diff(c.json, string(v.appendJSON(nil, v.variable("v")))); diff != "" {
				t.Errorf("JSON: %s", diff)
			}
		})
	}
}

// TestErrorsAreBounded: a thousand mistakes are told in twenty lines.
func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	var v values
	in := `{"v":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 1000), ",") + `]}`
	errs := v.coerce(coerceInputs, define(t, "[Int!]"), json.RawMessage(in), limits())
	if len(errs) != 20 || errs[19].Message != "and 981 more errors" || errs[18].Message != "$v[18]: Int wants a whole number" {
		t.Errorf("%d errors: %s", len(errs), errorTexts(errs))
	}
}

func TestVariableSize(t *testing.T) {
	t.Parallel()
	l := limits()
	l.VariableSize = 10
	var v values
	op := define(t, "Int")
	if errs := v.coerce(coerceInputs, op, json.RawMessage(`{"v":1234}`), l); errs != nil {
		t.Errorf("at the limit: %s", errorTexts(errs))
	}
	errs := v.coerce(coerceInputs, op, json.RawMessage(`{"v":12345}`), l)
	if errorTexts(errs) != "the variables are larger than 10 bytes" || errs[0].Code != "LIMIT_EXCEEDED" {
		t.Errorf("beyond it: %s", errorTexts(errs))
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, query, vars, arg, want, err string }{
		{"int", `{f(i: 5)}`, ``, "i", "5", ""},
		{"absent", `{f}`, ``, "i", "<absent>", ""},
		{"null", `{f(i: null)}`, ``, "i", "null", ""},
		{"default", `{f}`, ``, "need", "5", ""},
		{"escapes", `{f(s: "a\"\u00e9\t\\")}`, ``, "s", `"a\"é\t\\"`, ""},
		{"block string", "{f(s: \"\"\"\n  a\n    b \"\n\"\"\")}", ``, "s", `"a\n  b \""`, ""},
		{"id from int", `{f(id: 5)}`, ``, "id", "5", ""},
		{"list of one", `{f(ids: "a")}`, ``, "ids", `["a"]`, ""},
		{"list of lists", `{f(grid: [[1, 2], null])}`, ``, "grid", `[[1,2],null]`, ""},
		{"enum", `{f(mood: SAD)}`, ``, "mood", `"SAD"`, ""},
		{"json", `{f(j: {a: [1, "x", null, ENUM, 1.50], b: {c: true}})}`, ``, "j", `{"a":[1,"x",null,"ENUM",1.50],"b":{"c":true}}`, ""},
		{"object with defaults", `{f(page: {size: 3})}`, ``, "page", `{"size":3,"limit":10}`, ""},
		{"variable", `query($a: Int){f(i: $a)}`, `{"a":3}`, "i", "3", ""},
		{"variable, null", `query($a: Int){f(i: $a)}`, `{"a":null}`, "i", "null", ""},
		{"variable, absent", `query($a: Int){f(i: $a)}`, `{}`, "i", "<absent>", ""},
		{"variable, absent, the argument has a default", `query($a: Int){f(need: $a)}`, `{}`, "need", "5", ""},
		{"variable, null, the argument has a default", `query($a: Int){f(need: $a)}`, `{"a":null}`, "need", "<absent>", "need: must not be null"},
		{"variable in a list", `query($a: ID!){f(ids: ["x", $a])}`, `{"a":"y"}`, "ids", `["x","y"]`, ""},
		{"variable in a list of lists", `query($a: [Int], $b: Int){f(grid: [$a, [$b, 2], null])}`, `{"a":[1,2],"b":4}`, "grid", `[[1,2],[4,2],null]`, ""},
		{"absent variable in a list", `query($a: [Int]){f(grid: [$a])}`, `{}`, "grid", `[null]`, ""},
		{"variable in json", `query($a: Int, $m: Mood){f(j: {a: [$a], m: $m})}`, `{"a":3,"m":"SAD"}`, "j", `{"a":[3],"m":"SAD"}`, ""},
		{"absent variable in json", `query($a: Int){f(j: {a: $a, b: [$a]})}`, `{}`, "j", `{"b":[null]}`, ""},
		{"variable in an object", `query($a: String, $b: String){f(filter: {name: {eq: $a, like: $b}})}`, `{"a":"x"}`, "filter", `{"name":{"eq":"x"}}`, ""},
		{"object variable in a list", `query($a: Filter!){f(filters: [$a, $a, {mood: SAD}])}`, `{"a":{"mood":"HAPPY"}}`, "filters", `[{"mood":"HAPPY"},{"mood":"HAPPY"},{"mood":"SAD"}]`, ""},
		{"absent variable, the field has a default", `query($a: Int){f(page: {limit: $a, size: 1})}`, `{}`, "page", `{"size":1,"limit":10}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			op := operation(t, coerceSchema, c.query)
			var v values
			if errs := v.coerce(coerceInputs, op, json.RawMessage(c.vars), limits()); errs != nil {
				t.Fatal(errs)
			}
			id := v.argument(op.SelectionSet[0].(*ast.Field), c.arg)
			if got := errorTexts(v.errs.errors()); got != c.err {
				t.Fatalf("error %q, want %q", got, c.err)
			}
			got := "<absent>"
			if id != 0 {
				got = string(v.appendJSON(nil, id))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRecipesServeTheShape: what a plan keeps of one request makes the value of
// every other request of the same shape, and requests of other structures have
// other shapes.
func TestRecipesServeTheShape(t *testing.T) {
	t.Parallel()
	op := operation(t, coerceSchema, `query($f: Filter!, $l: [Filter!], $a: Int! = 3, $j: JSON, $ids: [ID!], $p: Page = {size: 4}) {
		f(filter: {and: [$f, {age: {in: [1, $a]}}], any: {x: [$j, $f]}}, filters: $l, ids: $ids, page: $p) }`)
	field := op.SelectionSet[0].(*ast.Field)
	render := func(v *values) (recipes [][]part, jsons []string) {
		for _, name := range []string{"filter", "filters", "ids", "page"} {
			id := v.argument(field, name)
			recipe := v.recipe(nil, id)
			recipes = append(recipes, recipe)
			jsons = append(jsons, string(appendParts(nil, recipe, v.leaves)))
		}
		return recipes, jsons
	}
	rapid.Check(t, func(t *rapid.T) {
		in := drawVariables(t)
		fill := func(v *values, word, number string) string {
			text := strings.NewReplacer("@w", word, "@n", number).Replace(in)
			if errs := v.coerce(coerceInputs, op, json.RawMessage(text), limits()); errs != nil {
				t.Fatalf("%s: %s", text, errorTexts(errs))
			}
			return text
		}
		var first, second values
		fill(&first, `"a"`, "1")
		shape := string(first.shape)
		recipes, jsons := render(&first)
		for _, text := range jsons {
			if !json.Valid([]byte(text)) {
				t.Fatalf("%s: %s is not JSON", in, text)
			}
		}
		text := fill(&second, `"b \u00e9\""`, "-20")
		leaves := second.leaves
		if string(second.shape) != shape || len(leaves) != len(first.leaves) {
			t.Fatalf("%s: %s has the shape %s and %d leaves, before %s and %d", in, text, second.shape, len(leaves), shape, len(first.leaves))
		}
		_, want := render(&second)
		for i, recipe := range recipes {
			if got := string(appendParts(nil, recipe, leaves)); got != want[i] {
				t.Fatalf("%s: shape %s: kept recipe gives %s, want %s", in, shape, got, want[i])
			}
		}
	})
}

// drawVariables draws variables that fit the operation of
// TestRecipesServeTheShape; @w stands for a string and @n for a whole number.
func drawVariables(t *rapid.T) string {
	word, number := rapid.Just("@w"), rapid.Just("@n")
	list := func(g *rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			return "[" + strings.Join(rapid.SliceOfN(g, 0, 2).Draw(t, "list"), ", ") + "]"
		})
	}
	var filter func(depth int) *rapid.Generator[string]
	filter = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			var fields []string
			maybe := func(name string, g *rapid.Generator[string]) {
				if rapid.IntRange(0, 2).Draw(t, name) == 0 {
					fields = append(fields, fmt.Sprintf("%q: %s", name, g.Draw(t, name)))
				}
			}
			maybe("name", rapid.Map(word, func(s string) string { return `{"eq":` + s + `}` }))
			maybe("age", rapid.Map(list(number), func(s string) string { return `{"in":` + s + `}` }))
			maybe("mood", rapid.SampledFrom([]string{`"SAD"`, `"HAPPY"`, `null`}))
			if depth > 0 {
				maybe("and", list(filter(depth-1)))
				maybe("not", filter(depth-1))
			}
			return "{" + strings.Join(fields, ",") + "}"
		})
	}
	out := `{"f":` + filter(1).Draw(t, "f")
	maybe := func(name string, g *rapid.Generator[string]) {
		if rapid.Bool().Draw(t, name) {
			out += fmt.Sprintf(",%q:%s", name, g.Draw(t, name))
		}
	}
	maybe("l", rapid.OneOf(list(filter(0)), filter(0)))
	maybe("a", number)
	maybe("j", rapid.OneOf(word, number, list(word), rapid.Just("true"), rapid.Just("null")))
	maybe("ids", rapid.OneOf(list(word), word))
	maybe("p", rapid.SampledFrom([]string{`{"size":@n}`, `{"size":2,"limit":@n}`, `null`}))
	return out + "}"
}

// FuzzCoerce: any text is read or refused without a panic, what is accepted is
// JSON, and encoding/json agrees on what is JSON at all.
func FuzzCoerce(f *testing.F) {
	for _, seed := range []string{
		`{"f":{"name":{"eq":"x"},"and":[{"age":{"in":[1,2]}}]},"g":[[1],2],"j":{"a":[null]},"m":["SAD"],"o":{"a":1},"p":{"size":1}}`,
		`{"f":null,"j":1e5,"m":"SAD"}`, `{"j":"\ud800\u0000"}`, ``, `null`, `[`, "{\"\\u006a\":1}",
	} {
		f.Add(seed)
	}
	doc, err := gqlparser.LoadQueryWithRules(coerceSchema, `query($f: Filter, $g: [[Int]], $j: JSON, $m: [Mood!], $o: One, $p: Page, $x: Float, $w: DateTime) {
		f(filter: $f, grid: $g, j: $j, moods: $m, one: $o, page: $p, x: $x, when: $w) }`, nil)
	if err != nil {
		f.Fatal(err)
	}
	op := doc.Operations[0]
	var v values
	f.Fuzz(func(t *testing.T, in string) {
		errs := v.coerce(coerceInputs, op, json.RawMessage(in), limits())
		if !v.broken && in != "" && strings.TrimSpace(in) != "" && !json.Valid([]byte(in)) {
			t.Fatalf("%q is not JSON, but was read", in)
		}
		if len(errs) > 20 {
			t.Fatalf("%d errors", len(errs))
		}
		if errs != nil {
			return
		}
		for _, id := range v.vars {
			if out := v.appendJSON(nil, id); !json.Valid(out) {
				t.Fatalf("%q gives %q", in, out)
			}
		}
	})
}

func BenchmarkCoerce(b *testing.B) {
	l := limits()
	for _, c := range []struct{ name, query, vars string }{
		{"scalars", `query($i: Int, $s: String, $id: ID) { f(i: $i, s: $s, id: $id) }`, `{"i":10,"s":"Lisbon","id":"8a0e"}`},
		{"filter", `query($f: Filter, $i: Int, $ids: [ID!]) { f(filter: $f, i: $i, ids: $ids) }`, `{"f":{"name":{"like":"%son"},"age":{"eq":42}},"i":10,"ids":["a","b","c"]}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			op := operation(b, coerceSchema, c.query)
			raw := json.RawMessage(c.vars)
			var v values
			b.ReportAllocs()
			for b.Loop() {
				if errs := v.coerce(coerceInputs, op, raw, l); errs != nil {
					b.Fatal(errs)
				}
			}
		})
	}
}

// TestCoerceAllocatesNothing holds the benchmark where a slow machine does not
// matter.
func TestCoerceAllocatesNothing(t *testing.T) {
	op := operation(t, coerceSchema, `query($f: Filter, $i: Int, $ids: [ID!]) { f(filter: $f, i: $i, ids: $ids) }`)
	raw := json.RawMessage(`{"f":{"name":{"like":"%son"},"age":{"eq":42}},"i":10,"ids":["a","b","c"]}`)
	l := limits()
	var v values
	v.coerce(coerceInputs, op, raw, l)
	if n := testing.AllocsPerRun(100, func() { v.coerce(coerceInputs, op, raw, l) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
