package tests

import (
	"net/http/httptest"
	"testing"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/browsertest"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestGraphiQL uses GraphiQL on the real engine as a person does.
func TestGraphiQL(t *testing.T) {
	t.Parallel()
	s, err := flags.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	s.GraphQL.GraphiQL = true
	db, err := fraiseql.Open(t.Context(), pgtest.Sample(t), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	site, err := db.Site()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.Close)
	srv := httptest.NewServer(site.Public)
	t.Cleanup(srv.Close)
	browsertest.Browse(t, browsertest.Visit{
		URL: srv.URL + "/", Title: "fraiseql",
		Query: "query Users { users(limit: 2, orderBy: [{id: ASC}]) { id name } }", Want: `"name": "Ada Lovelace"`,
		Types: []string{"Query", "User"}, Docs: "email", Typo: "{ users { nome } }", Begun: "{ users { na", Offer: "name",
	})
}
