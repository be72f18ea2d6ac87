package graphql

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

const validateSDL = `
type Query {
	user(id: ID!): User
	users(filter: Filter, limit: Int, mood: Mood, moods: [Mood!], one: One): [User!]!
	page(first: Int): Page!
	node: Node
	any: Any
	n(int: Int, float: Float, str: String, on: Boolean, id: ID, ids: [ID!], when: When, json: JSON, need: Int!, opt: Int! = 1): Int
}
type Mutation { touch(id: ID!): User }
interface Node { id: ID! }
union Any = User | Post
type User implements Node { id: ID! name: String age: Int posts(limit: Int): [Post!]! best: User }
type Post implements Node { id: ID! title: String! name: Int author: User }
type Page { edges: [Edge!]! nodes: [User!]! total: Int! }
type Edge { node: User! cursor: String! }
enum Mood { HAPPY SAD }
scalar When
scalar JSON
input Filter { name: String, age: Int!, not: Filter, tags: [String!] }
input One @oneOf { a: Int, b: String }
`

var (
	validateSchema = gqlparser.MustLoadSchema(&ast.Source{Input: validateSDL})
	validateInputs = newInputs(allTypes{validateSchema}.definition)
)

// check takes a document through all that stands before execution.
func check(query string, l *Limits) Errors {
	doc, errs := parseDocument(query, l)
	if errs == nil {
		errs = checkLimits(doc, l)
	}
	if errs == nil {
		errs = validate(validateSchema, validateInputs, doc, l)
	}
	return errs
}

// TestSpec5 has for each rule of section 5 of the spec documents that follow it
// and documents that do not.
func TestSpec5(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, query, err string }{
		{"5.2.1.1 unique operation names", `query A {n(need:1)} query A {n(need:1)}`, `There can be only one operation named "A".`},
		{"5.2.2.1 lone anonymous operation", `{n(need:1)} query A {n(need:1)}`, `This anonymous operation must be the only defined operation.`},
		{"5.2 no such root", `subscription {x}`, `Schema does not support operation type "subscription"`},
		{"5.3.1 known fields", `{user(id:1){nam}}`, `Cannot query field "nam" on type "User". Did you mean "name"?`},
		{"5.3.1 on a union", `{any{id}}`, `Cannot query field "id" on type "Any".`},
		{"5.3.1 __typename anywhere", `{__typename any{__typename} user(id:1){__typename}}`, ``},
		{"5.3.1 introspection at the root alone", `{user(id:1){__schema{queryType{name}}}}`, `Cannot query field "__schema" on type "User".`},
		{"5.3.1 introspection of a mutation", `mutation{__schema{queryType{name}}}`, `Cannot query field "__schema" on type "Mutation".`},
		{"5.3.2 same field twice", `{n(need:1) n(need:1)}`, ``},
		{"5.3.2 two fields", `{user(id:1){x:name x:age}}`, `Fields "x" conflict: "name" and "age" are different fields. Give one of them an alias.`},
		{"5.3.2 alias over a field", `{user(id:1){name name:age}}`, `Fields "name" conflict: "name" and "age" are different fields. Give one of them an alias.`},
		{"5.3.2 arguments", `{n(need:1) n(need:2)}`, `Fields "n" conflict: they have different arguments. Give one of them an alias.`},
		{"5.3.2 order of an object's fields", `{users(filter:{age:1,name:"a"}){id} users(filter:{name:"a",age:1}){id}}`, ``},
		{"5.3.2 objects differ", `{users(filter:{age:1}){id} users(filter:{age:2}){id}}`, `Fields "users" conflict: they have different arguments. Give one of them an alias.`},
		{"5.3.2 below merged fields", `{user(id:1){best{x:name}} user(id:1){best{x:age}}}`, `Fields "x" conflict: "name" and "age" are different fields. Give one of them an alias.`},
		{"5.3.2 in fragments", `{user(id:1){...A ...B}} fragment A on User{x:name} fragment B on User{x:age}`, `Fields "x" conflict: "name" and "age" are different fields. Give one of them an alias.`},
		{"5.3.2 in a fragment within a fragment", `{user(id:1){x:name ...A}} fragment A on User{best{id} ...B} fragment B on User{x:age}`, `Fields "x" conflict: "name" and "age" are different fields. Give one of them an alias.`},
		{"5.3.2 differing types apart, same shape", `{any{... on User{x:name} ... on User{best{id}}}}`, ``},
		{"5.3.2 differing types apart, shapes differ", `{any{... on User{name} ... on Post{name}}}`, `Fields "name" conflict: they return "String" and "Int". Give one of them an alias.`},
		{"5.3.2 null and not null", `{any{... on User{x:name} ... on Post{x:title}}}`, `Fields "x" conflict: they return "String" and "String!". Give one of them an alias.`},
		{"5.3.2 shapes deep below", `{any{... on User{x:best{y:name}} ... on Post{x:author{y:age}}}}`, `Fields "y" conflict: they return "String" and "Int". Give one of them an alias.`},
		{"5.3.2 interface beside object", `{node{x:id ... on User{x:name}}}`, `Fields "x" conflict: "id" and "name" are different fields. Give one of them an alias.`},
		{"5.3.3 a leaf has no selection", `{n(need:1){x}}`, `Field "n" must not have a selection since type "Int" has no subfields.`},
		{"5.3.3 an object has one", `{user(id:1)}`, `Field "user" of type "User" must have a selection of subfields. Did you mean "user { ... }"?`},
		{"5.4.1 known arguments", `{n(need:1, flot:1)}`, `Unknown argument "flot" on field "Query.n". Did you mean "float"?`},
		{"5.4.1 of a directive", `{n(need:1) @skip(iff:true)}`, "Directive \"@skip\" argument \"if\" of type \"Boolean!\" is required, but it was not provided.\nUnknown argument \"iff\" on directive \"@skip\". Did you mean \"if\"?"},
		{"5.4.2 unique arguments", `{n(need:1, need:1)}`, `There can be only one argument named "need".`},
		{"5.4.3 required arguments", `{n}`, `Field "n" argument "need" of type "Int!" is required, but it was not provided.`},
		{"5.4.3 with null", `{n(need:null)}`, `need: must not be null`},
		{"5.5.1.1 unique fragment names", `{user(id:1){...A}} fragment A on User{id} fragment A on User{id}`, `There can be only one fragment named "A".`},
		{"5.5.1.2 known types", `{user(id:1){... on Usr{id}}}`, `Unknown type "Usr".`},
		{"5.5.1.3 on composite types", `{user(id:1){...A}} fragment A on Int{id}`, `Fragment cannot condition on non composite type "Int".`},
		{"5.5.1.3 inline", `{user(id:1){... on Int{id}}}`, `Fragment cannot condition on non composite type "Int".`},
		{"5.5.1.2 known types of fragments", `{user(id:1){...A}} fragment A on Usr{id}`, `Unknown type "Usr".`},
		{"5.5.1.4 used by another that is not used", `{n(need:1)} fragment A on User{...B} fragment B on User{id}`, "Fragment \"A\" is never used.\nFragment \"B\" is never used."},
		{"5.5.1.4 used", `{n(need:1)} fragment A on User{id}`, `Fragment "A" is never used.`},
		{"5.5.2.1 known", `{user(id:1){...A}}`, `Unknown fragment "A".`},
		{"5.5.2.2 no cycle", `{user(id:1){...A}} fragment A on User{best{...B}} fragment B on User{...A}`, `the fragment "A" spreads itself`},
		{"5.5.2.2 of one", `{user(id:1){...A}} fragment A on User{...A}`, `the fragment "A" spreads itself`},
		{"5.5.2.3 possible", `{user(id:1){... on Post{id}}}`, `Fragment cannot be spread here as objects of type "User" can never be of type "Post".`},
		{"5.5.2.3 interface in union", `{any{... on Node{id}}}`, ``},
		{"5.6.1 int", `{n(need:1.5)}`, `need: Int wants a whole number`},
		{"5.6.1 int too large", `{n(need:2147483648)}`, `need: Int is a whole number from -2147483648 to 2147483647`},
		{"5.6.1 int from object", `{n(need:{})}`, `need: Int wants a whole number`},
		{"5.6.1 int from list", `{n(need:[1])}`, `need: Int wants a whole number`},
		{"5.6.1 float", `{n(need:1,float:1e400)}`, `float: Float is a number of double precision`},
		{"5.6.1 float from int of any size", `{n(need:1,float:99999999999999999999)}`, ``},
		{"5.6.1 string", `{n(need:1,str:1)}`, `str: String wants a string`},
		{"5.6.1 boolean", `{n(need:1,on:"true")}`, `on: Boolean wants true or false`},
		{"5.6.1 id from int of any size", `{n(need:1,id:99999999999999999999)}`, ``},
		{"5.6.1 id", `{n(need:1,id:1.5)}`, `id: ID wants a string or a whole number`},
		{"5.6.1 own scalar", `{n(need:1,when:{a:1})}`, `when: When wants a string, a number or a boolean`},
		{"5.6.1 json", `{n(need:1,json:{a:[1,{b:X}]})}`, ``},
		{"5.6.1 list of one", `{n(need:1,ids:5)}`, ``},
		{"5.6.1 null in a list", `{n(need:1,ids:["a",null])}`, `ids: must not be null`},
		{"5.6.1 list of lists", `{n(need:1,ids:[["a"]])}`, `ids: ID wants a string or a whole number`},
		{"5.6.1 enum", `{users(mood:SADD){id}}`, `mood: "SADD" is no value of Mood. Did you mean "SAD"?`},
		{"5.6.1 enum as a string", `{users(mood:"SAD"){id}}`, `mood: wants a value of Mood`},
		{"5.6.1 enums", `{users(moods:[SAD,HAPPY]){id}}`, ``},
		{"5.6.2 input fields", `{users(filter:{age:1,nam:"x"}){id}}`, `filter: has no field "nam" in Filter. Did you mean "name"?`},
		{"5.6.2 deep", `{users(filter:{age:1,not:{age:"x"}}){id}}`, `filter.not.age: Int wants a whole number`},
		{"5.6.3 unique", `{users(filter:{age:1,age:2}){id}}`, `There can be only one input field named "age".`},
		{"5.6.4 required", `{users(filter:{name:"x"}){id}}`, `filter.age: is required but was not given`},
		{"5.6.4 one of", `{users(one:{a:1,b:"x"}){id}}`, `one: One wants exactly one field, and that not null`},
		{"5.6.4 one of, null", `{users(one:{a:null}){id}}`, `one: One wants exactly one field, and that not null`},
		{"5.6.4 one of, variable", `query($a:Int){users(one:{a:$a}){id}}`, `Variable "$a" is of type "Int" but must be non-nullable to be used for OneOf Input Object "One".`},
		{"5.7.1 known directives", `{n(need:1) @foo}`, `Unknown directive "@foo".`},
		{"5.7.2 in their places", `query @skip(if:true) {n(need:1)}`, `Directive "@skip" may not be used on QUERY.`},
		{"5.7.3 unique", `{n(need:1) @skip(if:true) @skip(if:true)}`, `The directive "@skip" can only be used once at this location.`},
		{"5.8.1 unique variables", `query($a:Int!,$a:Int!){n(need:$a)}`, "Variable \"$a\" is never used.\nThere can be only one variable named \"$a\"."},
		{"5.8.2 input types", `query($a:User){n(need:1,json:$a)}`, "Variable \"$a\" of type \"User\" used in position expecting type \"JSON\".\nVariable \"$a\" cannot be non-input type \"User\"."},
		{"5.8.2 unknown", `query($a:Usr){n(need:1,json:$a)}`, "Unknown type \"Usr\".\nVariable \"$a\" of type \"Usr\" used in position expecting type \"JSON\"."},
		{"5.8.3 defined", `query A{n(need:$a)}`, `Variable "$a" is not defined by operation "A".`},
		{"5.8.3 in a fragment", `query A{user(id:1){...F}} fragment F on User{posts(limit:$l){id}}`, `Variable "$l" is not defined by operation "A".`},
		{"5.8.3 in one of two operations", `query A($l:Int){user(id:1){...F}} query B{user(id:1){...F}} fragment F on User{posts(limit:$l){id}}`, `Variable "$l" is not defined by operation "B".`},
		{"5.8.3 in a directive", `{n(need:1) @skip(if:$s)}`, `Variable "$s" is not defined.`},
		{"5.8.3 inside an object", `{users(filter:{age:$a}){id}}`, `Variable "$a" is not defined.`},
		{"5.8.4 used", `query($a:Int){n(need:1)}`, `Variable "$a" is never used.`},
		{"5.8.4 used in a fragment", `query($l:Int){user(id:1){...F}} fragment F on User{posts(limit:$l){id}}`, ``},
		{"5.8.5 allowed", `query($a:Int){n(need:$a)}`, `Variable "$a" of type "Int" used in position expecting type "Int!".`},
		{"5.8.5 with a default", `query($a:Int=1){n(need:$a)}`, ``},
		{"5.8.5 the place has a default", `query($a:Int){n(need:1,opt:$a)}`, ``},
		{"5.8.5 no list of one for variables", `query($a:ID!){n(need:1,ids:$a)}`, `Variable "$a" of type "ID!" used in position expecting type "[ID!]".`},
		{"5.8.5 elements", `query($a:[ID]){n(need:1,ids:$a)}`, `Variable "$a" of type "[ID]" used in position expecting type "[ID!]".`},
		{"5.8.5 a scalar is no other", `query($a:String){n(need:1,id:$a)}`, `Variable "$a" of type "String" used in position expecting type "ID".`},
		{"5.8 default of the wrong type", `query($a:Int="x"){n(need:1,int:$a)}`, `$a: Int wants a whole number`},
		{"5.8 default null of a required variable", `query($a:Int!=null){n(need:$a)}`, `$a: must not be null`},
	} {
		got := errorTexts(check(c.query, limits()))
		if diff := cmp.Diff(c.err, got); diff != "" {
			t.Errorf("%s: %s\n%s", c.rule, c.query, diff)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, query, code, err string }{
		{"nothing", ``, "PARSE_ERROR", "the document has no operation"},
		{"a comment", `# {n}`, "PARSE_ERROR", "the document has no operation"},
		{"fragments alone", `fragment A on User{id}`, "PARSE_ERROR", "the document has no operation"},
		{"a schema", `type A {b: Int}`, "PARSE_ERROR", `Unexpected Name "type"`},
		{"not closed", `{n(need:1)`, "PARSE_ERROR", "Expected Name, found <EOF>"},
		{"NUL", "{n(need:1)}\x00", "PARSE_ERROR", "the character U+0000 is out of place"},
		{"NUL in a comment", "{n(need:1)}#\x00", "PARSE_ERROR", "the character U+0000 is out of place"},
		{"not UTF-8", "{n(need:1)}#\xff", "PARSE_ERROR", "the document is not UTF-8"},
		{"BOM", "\ufeff{n(need:1)}", "", ""},
		{"NBSP between tokens", "{\u00a0n(need:1)}", "PARSE_ERROR", "the character U+00A0 is out of place"},
		{"number and name", `{n(need:1float:1)}`, "PARSE_ERROR", "a number runs into a name"},
		{"leading zero", `{n(need:01)}`, "PARSE_ERROR", `Invalid number, unexpected digit after 0: "1".`},
		{"half a surrogate pair", `{n(need:1,str:"\ud83d")}`, "PARSE_ERROR", "half of a surrogate pair is no character"},
		{"the other half", `{n(need:1,str:"\udca9x")}`, "PARSE_ERROR", "half of a surrogate pair is no character"},
		{"a pair", `{n(need:1,str:"\ud83d\udca9")}`, "", ""},
		{"braced escape", `{n(need:1,str:"\u{1F4A9}")}`, "", ""},
		{"fragment variables", `{user(id:1){...A}} fragment A($x:Int) on User{id}`, "PARSE_ERROR", "a fragment has no variables of its own"},
		{"variable in a default", `query($a:Int=$b){n(need:1)}`, "PARSE_ERROR", "Unexpected $"},
		{"string that is not closed", `{n(need:1,str:"x`, "PARSE_ERROR", "Unterminated string."},
		{"block string that is not closed", `{n(need:1,str:"""x`, "PARSE_ERROR", "Unterminated string."},
	} {
		errs := check(c.query, limits())
		if got := errorTexts(errs); got != c.err || c.err != "" && errs[0].Code != c.code {
			t.Errorf("%s: %q %v, want %q", c.name, got, errs, c.err)
		}
	}
}

// TestBlockStrings holds the values to BlockStringValue of the spec, and the
// places of what stands behind them to the document as it was sent.
func TestBlockStrings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"\"\"\"abc\"\"\"", "abc"},
		{"\"\"\"\n    Hello,\n      World!\n\n    Yours,\n      GraphQL.\n  \"\"\"", "Hello,\n  World!\n\nYours,\n  GraphQL."},
		{"\"\"\"first\n    second\n      third\"\"\"", "first\nsecond\n  third"},
		{"\"\"\"first\r\n    second\"\"\"", "first\nsecond"},
		{"\"\"\"first\r    \u00a0second \"quotes\" \\\"\"\"\n\"\"\"", "first\n\u00a0second \"quotes\" \"\"\""},
		{"\"\"\"\u00a0\n\u00a0\"\"\"", "\u00a0\n\u00a0"},
		{"\"\"\"\"\"\"", ""},
		{"\"\"\"  \n\t\n\"\"\"", ""},
		{"\"\"\"a\n\"\"\"\"\"", "a\n\"\""},
	} {
		doc, errs := parseDocument("{n(need:1, str: "+c.in+", x: 1)}", limits())
		if errs != nil {
			t.Errorf("%q: %v", c.in, errs)
			continue
		}
		args := doc.Operations[0].SelectionSet[0].(*ast.Field).Arguments
		if diff := cmp.Diff(c.want, args[1].Value.Raw); diff != "" {
			t.Errorf("%q: %s", c.in, diff)
		}
		head := strings.ReplaceAll(strings.ReplaceAll("{n(need:1, str: "+c.in+", ", "\r\n", "\n"), "\r", "\n")
		line := strings.Count(head, "\n") + 1
		column := len([]rune(head[strings.LastIndex(head, "\n")+1:])) + 1
		if p := args[2].Position; p.Line != line || p.Column != column {
			t.Errorf("%q: the next argument is at %d:%d, want %d:%d", c.in, p.Line, p.Column, line, column)
		}
	}
}

func TestOperationOf(t *testing.T) {
	t.Parallel()
	two, _ := parseDocument(`query A {n} query B {n}`, limits())
	one, _ := parseDocument(`query A {n}`, limits())
	for _, c := range []struct {
		doc             *ast.QueryDocument
		name, want, err string
	}{
		{two, "B", "B", ""},
		{two, "", "", "the document has several operations: operationName must say which"},
		{two, "C", "", `the document has no operation named "C"`},
		{one, "", "A", ""},
		{one, "B", "", `the document has no operation named "B"`},
	} {
		op, errs := operationOf(c.doc, c.name)
		if errorTexts(errs) != c.err || c.err == "" && op.Name != c.want {
			t.Errorf("%q: %v %v", c.name, op, errs)
		}
	}
}

// TestLimits has each limit at what it allows and one beyond.
func TestLimits(t *testing.T) {
	t.Parallel()
	nested := func(n int) string {
		return "{user(id:1){" + strings.Repeat("best{", n-2) + "id" + strings.Repeat("}", n)
	}
	for _, c := range []struct {
		name   string
		limits Limits
		at     string
		beyond string
		err    string
	}{
		{"bytes", Limits{Bytes: 15}, `{n(need:1)     `[:10] + "}    ", `{n(need:1)}      `, "the document is longer than 15 bytes"},
		{"tokens", Limits{Tokens: 9}, `{n(need:1)}#`, `{n(need:1)}# ` + "\n#", "the document has more than 9 tokens"},
		{"depth", Limits{Depth: 15}, nested(15), nested(16), "the operation has fields more than 15 deep"},
		{"depth through fragments", Limits{Depth: 4}, `{user(id:1){...A}} fragment A on User{best{...B}} fragment B on User{best{id}}`, `{user(id:1){...A}} fragment A on User{best{...B}} fragment B on User{best{best{id}}}`, "the operation has fields more than 4 deep"},
		{"aliases", Limits{Aliases: 2}, `{a:n(need:1) b:n(need:1)}`, `{a:n(need:1) b:n(need:1) c:n(need:1)}`, "the operation has more than 2 aliases, fragments spread"},
		{"aliases through fragments", Limits{Aliases: 2}, `{user(id:1){...A best{...A}}} fragment A on User{a:id}`, `{user(id:1){...A best{...A best{...A}}}} fragment A on User{a:id}`, "the operation has more than 2 aliases, fragments spread"},
		{"roots", Limits{Roots: 2}, `{a:n(need:1) ...A} fragment A on Query{b:n(need:1)}`, `{a:n(need:1) ...A} fragment A on Query{b:n(need:1) c:n(need:1)}`, "the operation has more than 2 root fields"},
		{"directives", Limits{Directives: 1}, `{n(need:1)@skip(if:true)}`, `{n(need:1)@skip(if:true)@include(if:true)}`, "the document has more than 1 directives"},
		{"fragments", Limits{Fragments: 1}, `{user(id:1){...A}} fragment A on User{id}`, `{user(id:1){...A ...B}} fragment A on User{id} fragment B on User{id}`, "the document has more than 1 fragments"},
		{"fields", Limits{Cost: 3}, `{user(id:1){id name}}`, `{user(id:1){id name age}}`, "the operation has more than 3 fields, fragments spread"},
		{"input depth", Limits{InputDepth: 3}, `{n(need:1,json:[{a:[1]}])}`, `{n(need:1,json:[{a:[[1]]}])}`, "a value nests more than 3 deep"},
		{"introspection", Limits{Introspect: 3}, `{__type(name:"A"){ofType{name}}}`, `{__type(name:"A"){ofType{ofType{name}}}}`, "the operation asks for the schema more than 3 fields deep"},
		{"introspection does not count as depth", Limits{Depth: 1}, `{__type(name:"A"){ofType{name}}}`, `{user(id:1){id}}`, "the operation has fields more than 1 deep"},
	} {
		if errs := check(c.at, &c.limits); errs != nil {
			t.Errorf("%s at the limit: %v", c.name, errs)
		}
		errs := check(c.beyond, &c.limits)
		if got := errorTexts(errs); got != c.err {
			t.Errorf("%s beyond it: %q, want %q", c.name, got, c.err)
		}
		if want := codeLimit; errs != nil && c.name != "fields" && errs[0].Code != want {
			t.Errorf("%s: code %s", c.name, errs[0].Code)
		}
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query, vars string
		cost        int
	}{
		{`{n(need:1)}`, ``, 1},
		{`{users(limit:10000){id name}}`, ``, 3},
		{`{users(limit:100){name posts(limit:50){title author{name}}}}`, ``, 1 + 1 + 100 + 1 + 100*50 + 1},
		{`{users{posts{id}}}`, ``, 1 + 10 + 1},
		{`query($l:Int){users(limit:$l){posts{id}}}`, `{"l":500}`, 1 + 500 + 1},
		{`query($l:Int){users(limit:$l){posts{id}}}`, `{}`, 1 + 10 + 1},
		{`query($l:Int=7){users(limit:$l){posts{id}}}`, `{}`, 1 + 7 + 1},
		{`{users(limit:0){posts{id}}}`, ``, 1 + 1 + 1},
		{`{page(first:20){edges{cursor node{posts{id}}} total}}`, ``, 1 + 20 + 1 + 20 + 20 + 1 + 1},
		{`{page(first:20){...P}} fragment P on Page{nodes{best{id}}}`, ``, 1 + 20 + 20 + 1},
		{`{__schema{types{name fields{args{name} type{ofType{name}}}}}}`, ``, 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1},
		{`{users(limit:2000000000){posts(limit:2000000000){author{posts(limit:2000000000){id}}}}}`, ``, most},
	} {
		doc, errs := parseDocument(c.query, limits())
		if errs == nil {
			errs = validate(validateSchema, validateInputs, doc, limits())
		}
		var v values
		if errs == nil {
			errs = v.coerce(validateInputs, doc.Operations[0], json.RawMessage(c.vars), limits())
		}
		if errs != nil {
			t.Fatalf("%s: %v", c.query, errs)
		}
		if errs := checkCost(doc.Operations[0], &v, &Limits{Cost: c.cost}); errs != nil && c.cost < most {
			t.Errorf("%s: costs more than %d", c.query, c.cost)
		}
		if errs := checkCost(doc.Operations[0], &v, &Limits{Cost: c.cost - 1}); errs == nil && c.cost > 1 {
			t.Errorf("%s: costs less than %d", c.query, c.cost)
		}
	}
	// What every tool asks for has to pass, with all that may be asked beside it.
	doc, errs := parseDocument(fullQuery, limits())
	if errs == nil {
		errs = validate(validateSchema, validateInputs, doc, limits())
	}
	if errs != nil {
		t.Fatal(errs)
	}
	if errs := checkCost(doc.Operations[0], &values{}, &Limits{Cost: 200}); errs != nil {
		t.Errorf("introspection: %v", errs)
	}
}

// hostile are documents of shapes that have brought servers down.
func hostile() map[string]string {
	fragments := func(n int, body func(i int) string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " fragment F%d on User{%s}", i, body(i))
		}
		return b.String()
	}
	operations := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "query A%d{user(id:1){...F0}} ", i)
		}
		return b.String()
	}
	long := strings.Repeat("n", 90_000)
	return map[string]string{
		"depth":                "{user(id:1)" + strings.Repeat("{best", 900) + "{id}" + strings.Repeat("}", 900) + "}",
		"depth of text":        strings.Repeat("{a", 49_000),
		"lists":                "{n(json:" + strings.Repeat("[", 99_000),
		"objects":              "{n(json:" + strings.Repeat("{a:", 30_000),
		"types":                "query($a:" + strings.Repeat("[", 90_000),
		"aliases":              "{" + strings.Repeat("a:__typename ", 600) + "}",
		"same fields":          "{" + strings.Repeat("__typename ", 1_900) + "}",
		"same nested fields":   "{" + strings.Repeat("user(id:1){best{best{id}}} ", 120) + "}",
		"bomb":                 "{user(id:1){...F0}}" + fragments(90, func(i int) string { return fmt.Sprintf("...F%d ...F%d id", i+1, i+1) }) + " fragment F90 on User{id}",
		"bomb of objects":      "{user(id:1){...F0}}" + fragments(60, func(i int) string { return fmt.Sprintf("a:best{...F%d} b:best{...F%d}", i+1, i+1) }) + " fragment F60 on User{id}",
		"circle":               "{user(id:1){...F0}}" + fragments(90, func(i int) string { return fmt.Sprintf("best{...F%d}", (i+1)%90) }),
		"chain":                "{user(id:1){...F0}}" + fragments(99, func(i int) string { return fmt.Sprintf("id ...F%d", i+1) }) + " fragment F99 on User{id}",
		"all fragments":        "{user(id:1){" + strings.Repeat("...F0 ...F1 ", 300) + "}}" + fragments(50, func(i int) string { return "id" }),
		"operations":           operations(130) + fragments(1, func(int) string { return "id" }),
		"operations and chain": operations(60) + fragments(99, func(i int) string { return fmt.Sprintf("id ...F%d", i+1) }) + " fragment F99 on User{id}",
		"wide chain":           "{user(id:1){...F0}}" + fragments(89, func(i int) string { return fmt.Sprintf("id id id id id id id id id id id id ...F%d", i+1) }) + " fragment F89 on User{id}",
		"variables":            "query(" + strings.Repeat("$a:Int ", 450) + "){n(need:1)}",
		"unknown fields":       "{" + strings.Repeat("nam ", 1_900) + "}",
		"unknown long field":   "{" + long + "}",
		"unknown types":        "{user(id:1){...F0}} fragment F0 on " + long + "{id}",
		"directives":           "{n(need:1)" + strings.Repeat("@skip(if:true)", 300) + "}",
		"long list":            "{n(need:1,ids:[" + strings.Repeat("1 ", 1_900) + "])}",
		"large object":         "{users(filter:{" + strings.Repeat("age:1 ", 600) + "}){id}}",
		"wrong values":         "{n(need:1,ids:[" + strings.Repeat("1.5 ", 1_900) + "])}",
		"comments":             strings.Repeat("#\n", 49_000) + "{n(need:1)}",
		"block strings":        "{n(need:1,ids:[" + strings.Repeat("\"\"\"a\n b\"\"\" ", 1_900) + "])}",
		"introspection":        "{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}",
	}
}

// TestHostile: each is refused, or answered at small cost, with few errors.
func TestHostile(t *testing.T) {
	t.Parallel()
	accepted := map[string]bool{"chain": true, "wide chain": true, "operations": true, "long list": true, "block strings": true}
	for name, query := range hostile() {
		errs := check(query, limits())
		if (errs == nil) != accepted[name] {
			t.Errorf("%s: %v", name, errs)
		}
		if size := len(errs.AppendErrors(nil)); len(errs) > 20 || size > 15_000 {
			t.Errorf("%s: %d errors of %d bytes", name, len(errs), size)
		}
	}
}

// BenchmarkHostile shows what a document costs that is not to be answered.
func BenchmarkHostile(b *testing.B) {
	for name, query := range hostile() {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				check(query, limits())
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	const query = `query($id: ID!, $l: Int) { user(id: $id) { id name posts(limit: $l) { id title author { ...U } } } } fragment U on User { id name age }`
	for b.Loop() {
		if errs := check(query, limits()); errs != nil {
			b.Fatal(errs)
		}
	}
}

// FuzzDocument: no text makes the way to execution panic.
func FuzzDocument(f *testing.F) {
	for _, query := range hostile() {
		f.Add(query[:min(len(query), 500)])
	}
	f.Add(`query Q($a: Int = 1, $b: [Filter!]) @include(if: true) { x: users(filter: {age: $a, tags: ["a", """b"""]}) { ...F ... on User { id } } } fragment F on User { name }`)
	f.Add("{n(need:1, str: \"\"\"\u00a0\n \u00a0\"\"\")}")
	f.Fuzz(func(t *testing.T, query string) {
		errs := check(query, limits())
		if len(errs) > 20 {
			t.Errorf("%d errors", len(errs))
		}
		if out := errs.AppendErrors([]byte{'['}); !json.Valid(append(out, ']')) {
			t.Errorf("errors are not JSON: %s", out)
		}
	})
}
