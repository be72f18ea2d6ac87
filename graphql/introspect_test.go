package graphql

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const introspectSDL = `
"Of everything.\n\"\"\"" schema { query: Root mutation: Mutation }
type Root {
  "One user."
  user(
    "Its key."
    id: ID!
    old: Int = 3 @deprecated(reason: "use id")
  ): User
  users(filter: Filter = {name: "a\"b", tags: [A, B], deep: {name: null}}, limit: Int = 10, on: [Boolean!] = [true, false]): [User!]!
  gone: Int @deprecated
}
type Mutation { touch(x: Float = 1.50): Boolean }
"""
A user.

  Indented.
"""
type User implements Node & Named { id: ID! name: String tag: Tag old: [[Int!]]! @deprecated(reason: "no \"more\"") }
type Post implements Node { id: ID! }
interface Node { id: ID! }
interface Named implements Node { id: ID! name: String }
union Any = User | Post
enum Tag { "The first." A B C @deprecated }
input Filter { name: String = "x" tags: [Tag!] deep: Filter old: Int @deprecated(reason: "gone") }
input Pick @oneOf { a: Int b: String }
scalar Url @specifiedBy(url: "https://example.com/url")
scalar Plain
directive @mark("How." how: String = "so") repeatable on FIELD | OBJECT
`

// fullQuery is what GraphiQL and code generators ask, with all that the spec has.
const fullQuery = `query IntrospectionQuery {
  __schema {
    description
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } }
}`

// load makes a schema as NewSchema does, of a text.
func load(t testing.TB, sdl string) *ast.Schema {
	t.Helper()
	own, err := parser.ParseSchema(&ast.Source{Input: sdl})
	if err != nil {
		t.Fatalf("%v in\n%s", err, sdl)
	}
	doc := prelude()
	doc.Merge(own)
	schema, err := validator.ValidateSchemaDocument(doc)
	if err != nil {
		t.Fatalf("%v in\n%s", err, sdl)
	}
	return schema
}

// introspect answers the first root field of a document.
func introspect(t *testing.T, schema *ast.Schema, query, variables string) string {
	t.Helper()
	in := newInputs(allTypes{schema}.definition)
	doc, errs := parseDocument(query, limits())
	if errs == nil {
		errs = checkLimits(doc, limits())
	}
	if errs == nil {
		errs = validate(schema, in, doc, limits())
	}
	var v values
	if errs == nil {
		errs = v.coerce(in, doc.Operations[0], json.RawMessage(variables), limits())
	}
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	return string(appendIntrospection(nil, allTypes{schema}, doc.Operations[0].SelectionSet[0].(*ast.Field), &v))
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	schema := load(t, introspectSDL)
	for _, c := range []struct{ name, query, vars, want string }{
		{"unknown type", `{__type(name:"X"){name}}`, ``, `null`},
		{"name in a variable", `query($n:String!){__type(name:$n){name}}`, `{"n":"\u0055ser"}`, `{"name":"User"}`},
		{"order, aliases, __typename", `{__type(name:"User"){b:name __typename kind a:name}}`, ``, `{"b":"User","__typename":"__Type","kind":"OBJECT","a":"User"}`},
		{
			"fields of one key are merged", `{__type(name:"Root"){fields{name} ...F}} fragment F on __Type{fields{type{name}}}`, ``,
			`{"fields":[{"name":"user","type":{"name":"User"}},{"name":"users","type":{"name":null}}]}`,
		},
		{"skip and include", `query($y:Boolean!){__type(name:"User"){kind @skip(if:$y) name @include(if:$y) ... @skip(if:$y){description} ...F @include(if:false)}} fragment F on __Type{isOneOf}`, `{"y":true}`, `{"name":"User"}`},
		{"deprecated fields are left out", `{__type(name:"User"){fields{name}}}`, ``, `{"fields":[{"name":"id"},{"name":"name"},{"name":"tag"}]}`},
		{
			"unless asked for", `query($y:Boolean){__type(name:"User"){fields(includeDeprecated:$y){name isDeprecated deprecationReason}}}`, `{"y":true}`,
			`{"fields":[{"name":"id","isDeprecated":false,"deprecationReason":null},{"name":"name","isDeprecated":false,"deprecationReason":null},{"name":"tag","isDeprecated":false,"deprecationReason":null},{"name":"old","isDeprecated":true,"deprecationReason":"no \"more\""}]}`,
		},
		{
			"deprecated without a reason", `{__type(name:"Tag"){enumValues(includeDeprecated:true){name deprecationReason}}}`, ``,
			`{"enumValues":[{"name":"A","deprecationReason":null},{"name":"B","deprecationReason":null},{"name":"C","deprecationReason":"No longer supported"}]}`,
		},
		{
			"arguments and defaults", `{__type(name:"Root"){fields{args{name defaultValue}}}}`, ``,
			`{"fields":[{"args":[{"name":"id","defaultValue":null}]},{"args":[{"name":"filter","defaultValue":"{name: \"a\\\"b\", tags: [A, B], deep: {name: null}}"},{"name":"limit","defaultValue":"10"},{"name":"on","defaultValue":"[true, false]"}]}]}`,
		},
		{
			"wrapping types", `{__type(name:"User"){fields(includeDeprecated:true){type{kind name ofType{kind name ofType{kind name ofType{kind name ofType{kind name ofType{name}}}}}}}}}`, ``,
			`{"fields":[{"type":{"kind":"NON_NULL","name":null,"ofType":{"kind":"SCALAR","name":"ID","ofType":null}}},{"type":{"kind":"SCALAR","name":"String","ofType":null}},{"type":{"kind":"ENUM","name":"Tag","ofType":null}},` +
				`{"type":{"kind":"NON_NULL","name":null,"ofType":{"kind":"LIST","name":null,"ofType":{"kind":"LIST","name":null,"ofType":{"kind":"NON_NULL","name":null,"ofType":{"kind":"SCALAR","name":"Int","ofType":null}}}}}}]}`,
		},
		{
			"interfaces", `{__type(name:"User"){interfaces{name} possibleTypes{name} inputFields{name} enumValues{name} ofType{name}}}`, ``,
			`{"interfaces":[{"name":"Node"},{"name":"Named"}],"possibleTypes":null,"inputFields":null,"enumValues":null,"ofType":null}`,
		},
		{"possible types", `{__type(name:"Node"){interfaces{name} possibleTypes{name} fields{name}}}`, ``, `{"interfaces":[],"possibleTypes":[{"name":"Post"},{"name":"User"}],"fields":[{"name":"id"}]}`},
		{"a union", `{__type(name:"Any"){possibleTypes{name} fields{name}}}`, ``, `{"possibleTypes":[{"name":"User"},{"name":"Post"}],"fields":null}`},
		{"one of", `{__type(name:"Pick"){isOneOf inputFields{name}}}`, ``, `{"isOneOf":true,"inputFields":[{"name":"a"},{"name":"b"}]}`},
		{"not one of", `{__type(name:"Filter"){isOneOf inputFields{name}}}`, ``, `{"isOneOf":false,"inputFields":[{"name":"name"},{"name":"tags"},{"name":"deep"}]}`},
		{"of a scalar", `{__type(name:"Url"){specifiedByURL isOneOf fields{name} interfaces{name}}}`, ``, `{"specifiedByURL":"https://example.com/url","isOneOf":null,"fields":null,"interfaces":null}`},
		{
			"roots", `{__schema{queryType{name fields{name}} mutationType{name} subscriptionType{name} __typename}}`, ``,
			`{"queryType":{"name":"Root","fields":[{"name":"user"},{"name":"users"}]},"mutationType":{"name":"Mutation"},"subscriptionType":null,"__typename":"__Schema"}`,
		},
		{"no directive that is not obeyed", `{__schema{directives{name}}}`, ``, `{"directives":[{"name":"deprecated"},{"name":"include"},{"name":"mark"},{"name":"oneOf"},{"name":"skip"},{"name":"specifiedBy"}]}`},
	} {
		if diff := cmp.Diff(c.want, introspect(t, schema, c.query, c.vars)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// golden compares with a file of testdata, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (go test ./graphql -update rewrites it): %s", name, diff)
	}
}

func TestIntrospectionWhole(t *testing.T) {
	t.Parallel()
	schema := load(t, introspectSDL)
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(introspect(t, schema, fullQuery, ``)), "", " "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	golden(t, "introspection.json", out.Bytes())
}

// TestPrintSDL: the text is kept, it is a schema, and that of which it is the
// text.
func TestPrintSDL(t *testing.T) {
	t.Parallel()
	schema := load(t, introspectSDL)
	var first, second strings.Builder
	if err := printSDL(schema, &first); err != nil {
		t.Fatal(err)
	}
	golden(t, "schema.graphql", []byte(first.String()))
	again := load(t, first.String())
	if err := printSDL(again, &second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Error(diff)
	}
	if a, b := introspect(t, schema, fullQuery, ``), introspect(t, again, fullQuery, ``); a != b {
		t.Error("the schema of the text is described in another way")
	}
}
