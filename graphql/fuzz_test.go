package graphql_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// FuzzEngine prepares whatever comes, twice: with nothing in the cache, and with
// what the first left there. It never panics, and says the same both times. Nothing
// is sent to the database.
func FuzzEngine(f *testing.F) {
	files, err := filepath.Glob("../tests/testdata/graphql/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range files {
		text, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for i, section := range text.Files {
			if !strings.HasSuffix(section.Name, ".graphql") {
				continue
			}
			variables := ""
			if i+1 < len(text.Files) && strings.HasSuffix(text.Files[i+1].Name, ".variables") {
				variables = string(text.Files[i+1].Data)
			}
			f.Add(string(section.Data), variables)
		}
	}
	schema := fixtures(f, pgtest.Sample(f), graphql.Config{}, graphql.EngineOptions{})[0].schema
	engine := graphql.NewEngine(schema, nil, graphql.EngineOptions{})
	f.Fuzz(func(t *testing.T, query, variables string) {
		first := ""
		for i := range 2 {
			_, err := engine.Prepare(t.Context(), &graphql.Request{Query: query, Variables: json.RawMessage(variables)})
			said := ""
			if err != nil {
				errs, ok := err.(graphql.Errors)
				if !ok || len(errs) == 0 {
					t.Fatalf("%T: %v", err, err)
				}
				said = string(errs.AppendErrors([]byte("["))) + "]"
				if !json.Valid([]byte(said)) {
					t.Fatalf("not JSON: %s", said)
				}
				if strings.Contains(said, "INTERNAL_ERROR") {
					t.Fatal(said)
				}
			}
			if i == 1 && said != first {
				t.Fatalf("first %s, then %s", first, said)
			}
			first = said
		}
	})
}
