package step5_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/examples/migration/notes"
	"github.com/fraiseql/fraiseql-go/examples/migration/notes/notestest"
	"github.com/fraiseql/fraiseql-go/examples/migration/step5"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestPgxAlone: the service does what it did.
func TestPgxAlone(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, notes.Schema)
	store, err := step5.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.DB.Close() }()
	notestest.Use(t, store)

	w := httptest.NewRecorder()
	notes.Handler(store).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/notes?tag=a", http.NoBody))
	if want := `[{"id":1,"title":"first","tags":["a","b \"quoted\", c"],"meta":{"stars":5},"priority":2}]`; strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("the service answers %s\nwant %s", w.Body, want)
	}
}

// TestNoLibPQ: the program that results does not link it.
func TestNoLibPQ(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "github.com/lib/pq") {
		t.Error("lib/pq is still linked")
	}
}
