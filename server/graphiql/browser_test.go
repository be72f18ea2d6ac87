package graphiql_test

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/browsertest"
	"github.com/fraiseql/fraiseql-go/server/graphiql"
)

var screenshots = flag.Bool("screenshots", false, "write the screenshots of the documentation")

// TestBrowser proves the page alone, on an endpoint that knows two answers.
func TestBrowser(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/", graphiql.Handler(graphiql.Options{Query: "{\n  users {\n    name\n  }\n}\n"}))
	mux.Handle("POST /graphql", fixed(t))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	visit := browsertest.Visit{
		URL:   srv.URL + "/",
		Title: "fraiseql",
		Query: query,
		Want:  `"name": "Ada Lovelace"`,
		Types: []string{"Query", "User"},
		Docs:  "How the user wants to be called.",
		Typo:  "{ users { nome } }",
		Begun: "{ users { na",
		Offer: "name",
	}
	if *screenshots {
		visit.Screenshots = "../../docs/images"
		if err := os.MkdirAll(visit.Screenshots, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	browsertest.Browse(t, visit)
}

const query = `query Users($limit: Int = 3) { users(limit: $limit) ` +
	`{ id name posts(limit: 1) { title published } } }`

const answer = `{"data":{"users":[
{"id":"1","name":"Ada Lovelace","posts":[{"title":"Notes on the engine","published":true}]},
{"id":"4","name":"Grace Hopper","posts":[{"title":"A compiler at last","published":true}]},
{"id":"3","name":"Katherine Johnson","posts":[]}]}}`

// fixed answers introspection, and the one query.
func fixed(t *testing.T) http.Handler {
	schema, err := os.ReadFile("testdata/introspection.json")
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Query         string          `json:"query"`
			OperationName string          `json:"operationName"`
			Variables     json.RawMessage `json:"variables"`
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &request)
		}
		if err != nil {
			t.Errorf("the page sent %q: %v", body, err)
		}
		if got, want := r.Header.Get("Accept"), "application/graphql-response+json, application/json;q=0.9"; got != want {
			t.Errorf("Accept is %q, not %q", got, want)
		}
		if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
			t.Errorf("Content-Type is %q, not %q", got, want)
		}
		w.Header().Set("Content-Type", "application/graphql-response+json")
		switch {
		case request.OperationName == "IntrospectionQuery":
			w.Write(schema)
		case oneLine(request.Query) == query: // named or not: GraphiQL parses it in the background
			io.WriteString(w, answer)
		default:
			t.Errorf("the page sent %s", body)
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"errors":[{"message":"This endpoint knows one query."}]}`)
		}
	})
}

// oneLine is the query as it was typed, before the editor laid it out.
func oneLine(query string) string { return strings.Join(strings.Fields(query), " ") }
