package tests

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// introspected is what TestEveryRootRuns asks the schema for.
type introspected struct {
	Data struct {
		Schema struct {
			Types []struct {
				Name   string
				Kind   string
				Fields []introspectedField
			}
			QueryType struct{ Name string }
		} `json:"__schema"`
	}
}

type introspectedField struct {
	Name string
	Args []struct {
		Name string
		Type typeRef
	}
	Type typeRef
}

type typeRef struct {
	Kind   string
	Name   string
	OfType *typeRef
}

func (r *typeRef) named() string {
	for r.OfType != nil {
		r = r.OfType
	}
	return r.Name
}

// TestEveryRootRuns asks every field of Query that needs no argument for every
// scalar, and every object that hangs on its rows: what is advertised runs.
func TestEveryRootRuns(t *testing.T) {
	t.Parallel()
	for _, b := range graphqlBackends() {
		db, err := fraiseql.Open(t.Context(), pgtest.Sample(t), settings(t, b))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		ask := func(query string) string {
			c := graphqlCase{request: graphql.Request{Query: query}}
			return c.ask(t, db)
		}
		var schema introspected
		text := ask(`{ __schema { queryType { name } types { name kind fields { name args { name type { kind } } type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }`)
		if err := json.Unmarshal([]byte(text), &schema); err != nil {
			t.Fatalf("%v in %.200s", err, text)
		}
		types := map[string][]introspectedField{}
		for _, typ := range schema.Data.Schema.Types {
			if typ.Kind == "OBJECT" {
				types[typ.Name] = typ.Fields
			}
		}
		roots := 0
		for _, root := range types["Query"] {
			if required(root) {
				continue
			}
			roots++
			args := ""
			for _, a := range root.Args {
				if a.Name == "limit" || a.Name == "first" {
					args = "(" + a.Name + ": 2)"
				}
			}
			if root.Name == "allTypesAggregate" { // the sum of the largest numbers is beyond their type
				args = "(filter: {id: {eq: 1}})"
			}
			if got := ask("{ " + root.Name + args + selectAll(types, root.Type.named(), 2) + " }"); !strings.HasPrefix(got, `{"data":{"`) || strings.Contains(got, `"errors":[`) {
				t.Errorf("%s: %s: %.600s", b.Name(), root.Name, got)
			}
		}
		if roots < 30 {
			t.Errorf("%d roots only", roots)
		}
	}
}

func required(f introspectedField) bool {
	for _, a := range f.Args {
		if a.Type.Kind == "NON_NULL" {
			return true
		}
	}
	return false
}

// selectAll selects every scalar of a type, and of the objects below it.
func selectAll(types map[string][]introspectedField, name string, depth int) string {
	fields, is := types[name]
	if !is {
		return ""
	}
	var b bytes.Buffer
	b.WriteString(" {")
	for _, f := range fields {
		_, object := types[f.Type.named()]
		if required(f) || object && depth == 0 || f.Name == "key" {
			continue
		}
		args := ""
		for _, a := range f.Args {
			if a.Name == "limit" {
				args = "(limit: 1)"
			}
		}
		b.WriteString(" " + f.Name + args + selectAll(types, f.Type.named(), depth-1))
	}
	b.WriteString(" __typename }")
	return b.String()
}
