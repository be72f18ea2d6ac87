package fraiseql_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// gauge is what the line of /metrics that begins with name ends in.
func gauge(t *testing.T, admin http.Handler, name string) string {
	t.Helper()
	w := httptest.NewRecorder()
	admin.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	_, rest, ok := strings.Cut(w.Body.String(), "\n"+name)
	if !ok {
		t.Fatalf("no %s in %s", name, w.Body)
	}
	line, _, _ := strings.Cut(rest, "\n")
	return line[strings.LastIndexByte(line, ' ')+1:]
}

// TestFullQueue: where as many wait for a connection as may, HTTP says 503 and when to
// come again, whatever the client accepts; a mutation has done nothing; those who wait
// are answered; a client that goes away makes room.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	for _, name := range []string{flags.BackendPGX, flags.BackendPQ} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, pgtest.Sample(t), func(s *flags.Settings) { s.Backend, s.MaxConnections, s.MinIdle, s.MaxWaiting = name, 1, 1, 2 })
			site, err := db.Site()
			if err != nil {
				t.Fatal(err)
			}
			defer site.Close()
			busy(t, db, func() { fullQueue(t, site, name) })
			if status, body := post(t, site.Public, "/graphql", `{"query":"{ user(id: 1) { name } }"}`); status != 200 || strings.Contains(body, "errors") || strings.Contains(body, "Changed") {
				t.Errorf("afterwards: %d %s", status, body)
			}
		})
	}
}

// busy runs f while the only connection of db is held.
func busy(t *testing.T, db *fraiseql.DB, f func()) {
	t.Helper()
	err := db.Runner().InTx(t.Context(), nil, func(context.Context, executor.Runner) error {
		f()
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func fullQueue(t *testing.T, site *fraiseql.Site, name string) {
	t.Helper()
	until := func(n string) {
		for end := time.Now().Add(20 * time.Second); gauge(t, site.Admin, "fraiseql_db_pool_waiting{") != n; runtime.Gosched() {
			if time.Now().After(end) {
				t.Fatalf("%s waiting, want %s", gauge(t, site.Admin, "fraiseql_db_pool_waiting{"), n)
			}
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/graphql?query={users(limit:1){id}}", nil)
			site.Public.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	until("2")
	const read, change = `{"query":"{ user(id: 1) { name } a: users { id } }"}`, `{"query":"mutation { a: updateUser(id: 1, input: {name: \"Changed\"}) { id } b: updateUser(id: 1, input: {name: \"Changed\"}) { id } }"}`
	const definition = `{"operation":"query","table":"users","fields":["id"]}`
	for _, tc := range []struct{ path, accept, body, want string }{
		{"/graphql", "application/graphql-response+json", read, `{"errors":[{"message":"service temporarily unavailable","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}`},
		{"/graphql", "application/json", read, `{"errors":[{"message":"service temporarily unavailable","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}`},
		{"/graphql", "application/json", change, `{"errors":[{"message":"service temporarily unavailable","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}`},
		{"/definitions", "application/json", definition, `{"data":null,"errors":[{"message":"service temporarily unavailable","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tc.path, strings.NewReader(tc.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", tc.accept)
		w := httptest.NewRecorder()
		site.Public.ServeHTTP(w, r)
		got := []any{w.Code, w.Header().Get("Retry-After"), w.Body.String()}
		if diff := cmp.Diff([]any{http.StatusServiceUnavailable, "1", tc.want}, got); diff != "" {
			t.Errorf("%s %s: -want +got\n%s", tc.path, tc.body, diff)
		}
	}
	until("2")
	leave()
	all.Wait()
	until("0")
	labels := `{backend="` + name + `"}`
	for metric, want := range map[string]string{"max_waiting": "2", "left_total": "2", "waits_total": "2"} {
		if got := gauge(t, site.Admin, "fraiseql_db_pool_"+metric+labels); got != want {
			t.Errorf("%s: %s, want %s", metric, got, want)
		}
	}
	if got := gauge(t, site.Admin, "fraiseql_db_pool_refused_total"+labels); len(got) != 1 || got < "4" {
		t.Errorf("refused: %s, want at least 4", got)
	}
}
