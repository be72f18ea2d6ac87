package server_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/httpaudit"
	"github.com/fraiseql/fraiseql-go/server"
)

func TestAudits(t *testing.T) {
	t.Parallel()
	s := serve(t, server.NewGraphQL(newMemory(), server.Options{Logger: silent}))
	count := map[string]int{}
	seen := map[string]bool{}
	for _, a := range httpaudit.All() {
		count[a.Level]++
		if seen[a.ID] {
			t.Errorf("audit %s comes twice", a.ID)
		}
		seen[a.ID] = true
		t.Run(a.ID+" "+a.Level, func(t *testing.T) {
			if err := a.Run(t.Context(), s.Client(), s.URL); err != nil {
				t.Errorf("%s %s: %v", a.Level, a.Name, err)
			}
		})
	}
	if diff := cmp.Diff(map[string]int{"MUST": 13, "SHOULD": 23, "MAY": 25}, count); diff != "" {
		t.Errorf("not the audits of graphql-http (-want +got):\n%s", diff)
	}
}
