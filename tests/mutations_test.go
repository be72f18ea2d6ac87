package tests

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestMutationsPage does what docs/how-to/mutations.md says, in its order: each
// document gives the answer that stands below it, on each backend. A json block
// between the two is the variables.
func TestMutationsPage(t *testing.T) {
	t.Parallel()
	page := pages(t)["docs/how-to/mutations.md"]
	for _, backend := range []string{"pgx", "pq"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			var engine *graphql.Engine
			var document, variables string
			examples := 0
			for _, m := range fenceForm.FindAllStringSubmatch(page, -1) {
				switch kind, text := m[1], m[2]; {
				case kind == "sql":
					pgtest.Exec(t, dsn, text)
					engine = engineOf(t, dsn, backend)
				case kind == "graphql":
					if document != "" {
						t.Errorf("no answer to %s", document)
					}
					document, variables = text, ""
				case kind == "json" && !strings.HasPrefix(text, `{"data":`):
					variables = text
				case kind == "json":
					if d := cmp.Diff(text, answerTo(t, engine, document, variables)+"\n"); d != "" {
						t.Errorf("%s\n%s", document, d)
					}
					examples++
					document = ""
				}
			}
			if examples < 8 {
				t.Errorf("%d examples found: are they still recognized?", examples)
			}
		})
	}
}

func engineOf(t *testing.T, dsn, backend string) *graphql.Engine {
	t.Helper()
	s, err := flags.Parse(func(name string) string { return map[string]string{"FRAISEQL_DB_BACKEND": backend}[name] })
	if err != nil {
		t.Fatal(err)
	}
	db, err := fraiseql.Open(t.Context(), dsn, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	engine, err := db.GraphQL()
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func answerTo(t *testing.T, engine *graphql.Engine, document, variables string) string {
	t.Helper()
	op, err := engine.Prepare(t.Context(), &graphql.Request{Query: document, Variables: json.RawMessage(variables)})
	if err != nil {
		t.Fatalf("%s\n%v", document, err)
	}
	var answer bytes.Buffer
	_ = op.Execute(t.Context(), &answer) // the answer tells
	return answer.String()
}
