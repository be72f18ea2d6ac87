package graphql_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestNamesAreHidden: who may not introspect is told no name by mistakes either.
func TestNamesAreHidden(t *testing.T) {
	t.Parallel()
	f := fixtures(t, pgtest.Sample(t), graphql.Config{}, graphql.EngineOptions{})[0]
	for _, tc := range []struct{ query, variables, name string }{
		{`{ userz { id } }`, ``, `"user"`},
		{`{ users { emai } }`, ``, `"email"`},
		{`{ users(filtre: {}) { id } }`, ``, `"filter"`},
		{`query ($f: UserFilter) { users(filter: $f) { id } }`, `{"f": {"emial": {"eq": "x"}}}`, `"email"`},
	} {
		r := &graphql.Request{Query: tc.query, Variables: json.RawMessage(tc.variables)}
		if open := f.do(t.Context(), r); !strings.Contains(open, strings.ReplaceAll(tc.name, `"`, `\"`)) {
			t.Errorf("%s: the hint is missing where all may look: %s", tc.query, open)
		}
		r.NoIntrospection = true
		if hidden := f.do(t.Context(), r); strings.Contains(hidden, "id you mean") || strings.Contains(hidden, "allowed") || !strings.Contains(hidden, "errors") {
			t.Errorf("%s: %s", tc.query, hidden)
		}
	}
}
