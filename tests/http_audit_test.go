package tests

import (
	"net/http/httptest"
	"testing"

	"github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/internal/httpaudit"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestHTTPAudits holds the whole server, on each backend and mode, to the audits of npm
// graphql-http. The schema is that of the sample database, so a field that no
// audit may find is found by none.
func TestHTTPAudits(t *testing.T) {
	t.Parallel()
	for _, b := range all.Modes(nil) {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			db, err := fraiseql.Open(t.Context(), pgtest.Sample(t), settings(t, b))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			h, err := db.Handler()
			if err != nil {
				t.Fatal(err)
			}
			s := httptest.NewServer(h)
			t.Cleanup(s.Close)
			for _, a := range httpaudit.All() {
				t.Run(a.ID+" "+a.Level, func(t *testing.T) {
					if err := a.Run(t.Context(), s.Client(), s.URL+"/graphql"); err != nil {
						t.Errorf("%s %s: %v", a.Level, a.Name, err)
					}
				})
			}
		})
	}
}
