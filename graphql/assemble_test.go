package graphql

import (
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/fraiseql/fraiseql-go/backend"
	shipped "github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestAssembledSchemaIsValid: what is put together without the library's check
// passes it.
func TestAssembledSchemaIsValid(t *testing.T) {
	t.Parallel()
	s := sampleSchema(t)
	doc := prelude()
	for name, d := range s.AST().Types {
		if slices.ContainsFunc(doc.Definitions, func(p *ast.Definition) bool { return p.Name == name }) {
			continue
		}
		c := *d
		c.Fields = slices.DeleteFunc(slices.Clone(d.Fields), func(f *ast.FieldDefinition) bool { return f.Name == "__schema" || f.Name == "__type" })
		doc.Definitions = append(doc.Definitions, &c)
	}
	if _, err := validator.ValidateSchemaDocument(doc); err != nil {
		t.Error(err)
	}
}

// sampleSchema is the schema of the sample database.
func sampleSchema(t *testing.T) *Schema {
	t.Helper()
	backends, err := shipped.Backends()
	if err != nil {
		t.Fatal(err)
	}
	b, err := backends.Lookup("pgx")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := backend.ParseDSN(pgtest.Sample(t), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	db, err := executor.Open(t.Context(), b, cfg, executor.WithMaxConns(1))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cat, err := catalog.Load(t.Context(), db.Pool())
	if err != nil {
		t.Fatal(err)
	}
	src, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSchema(src, Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
