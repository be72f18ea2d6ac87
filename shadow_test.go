package fraiseql_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// until waits for what happens beside the operations.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func over(t *testing.T, h http.Handler, method, path, body string) string {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// TestShadow: each stage over HTTP, with either backend as the control.
func TestShadow(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Sample(t)
	for _, control := range []string{flags.BackendPQ, flags.BackendPGX} {
		for _, stage := range shadow.Stages() {
			t.Run(control+" "+stage, func(t *testing.T) {
				t.Parallel()
				db := open(t, dsn, func(s *flags.Settings) {
					s.Backend, s.ParityTesting, s.ParityMode = control, true, flags.ParityShadow
					s.Shadow.Stage, s.Shadow.Share = stage, 1
				})
				site, err := db.Site()
				if err != nil {
					t.Fatal(err)
				}
				defer site.Close()
				got := over(t, site.Public, http.MethodPost, "/graphql", `{"query":"{ user(id: 1) { name posts { title } } }"}`)
				if !strings.HasPrefix(got, `{"data":{"user":{"name":"Ada Lovelace","posts":[{"title":`) {
					t.Error(got)
				}
				got = over(t, site.Public, http.MethodPost, "/definitions", twoUsers)
				if strings.TrimSpace(got) != twoUsersAnswer {
					t.Error(got)
				}
				metrics := over(t, site.Admin, http.MethodGet, "/metrics", "")
				if stage == "done" {
					if db.Shadow() != nil || strings.Contains(metrics, "fraiseql_shadow") || strings.Contains(metrics, `backend="`+control+`"`) {
						t.Error("the control is still there")
					}
					return
				}
				// The candidate's pool is there while it answers.
				if n := strings.Count(metrics, "fraiseql_db_pool_max_connections{"); n != map[bool]int{true: 2, false: 1}[stage == "live"] {
					t.Errorf("%d pools while %s", n, stage)
				}
				if on := stage != "off"; strings.Contains(metrics, "fraiseql_shadow_stage") != on {
					t.Errorf("metrics while %s: %s", stage, metrics)
				}
				if stage == "off" {
					return
				}
				until(t, "both are compared", func() bool { return db.Shadow().Status().Compared == 2 })
				var status shadow.Status
				if err := json.Unmarshal([]byte(over(t, site.Admin, http.MethodGet, "/shadow", "")), &status); err != nil {
					t.Fatal(err)
				}
				if status.Stage.String() != stage || status.Verdicts["mismatch"] > 0 || status.Next == nil || status.Next.Ready {
					t.Errorf("%+v", status)
				}
				metrics = over(t, site.Admin, http.MethodGet, "/metrics", "")
				if !strings.Contains(metrics, `fraiseql_shadow_comparisons_total{kind="read",verdict="equal"} 2`) {
					t.Error(metrics)
				}
				if got := over(t, site.Admin, http.MethodPost, "/shadow/off", ""); !strings.Contains(got, `"stage":"off"`) || !strings.Contains(got, `"off":"admin"`) {
					t.Error(got)
				}
				if got = over(t, site.Public, http.MethodPost, "/definitions", twoUsers); strings.TrimSpace(got) != twoUsersAnswer {
					t.Error(got)
				}
				if got := over(t, site.Admin, http.MethodPost, "/shadow/on", ""); !strings.Contains(got, `"stage":"`+stage+`"`) {
					t.Error(got)
				}
				if stage != "live" {
					return
				}
				if err := db.Shadow().Answering().Close(); err != nil { // as if its server were gone
					t.Error(err)
				}
				if _, err := site.Ready(t.Context()); err == nil {
					t.Error("it is ready without the pool that answers")
				}
			})
		}
	}
}

// TestShadowFlagsFile: a file of flags decides by operation; one that is broken is
// said at the start.
func TestShadowFlagsFile(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Sample(t)
	path := filepath.Join(t.TempDir(), "flags.json")
	change := func(s *flags.Settings) {
		s.DatabaseURL, s.ParityTesting, s.ParityMode, s.Shadow.Stage, s.Shadow.Share, s.Shadow.FlagsFile = dsn, true, flags.ParityShadow, "off", 1, path
	}
	s := flags.Default()
	change(s)
	if _, err := fraiseql.Open(t.Context(), "", s, fraiseql.WithEnv(noEnv)); backend.CodeOf(err) != backend.CodeConfiguration {
		t.Errorf("there is no file: %v", err)
	}
	err := os.WriteFile(path, []byte(`{"flags": {"fraiseql-shadow-stage": {"state": "ENABLED", "variants": {"on": "shadow", "off": "off"}, "defaultVariant": "off",
		"targeting": {"if": [{"==": [{"var": "operation"}, "query users"]}, "on"]}}}}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, dsn, change)
	until(t, "the flag is asked and its answer holds", func() bool {
		for _, request := range []string{twoUsers, `{"operation":"query","table":"posts","fields":["id"]}`} {
			var w bytes.Buffer
			if err := db.ExecuteJSON(t.Context(), []byte(request), &w); err != nil {
				t.Fatal(err)
			}
		}
		return len(db.Shadow().Status().Classes) > 0
	})
	for _, c := range db.Shadow().Status().Classes {
		if c.Operation != "query users" {
			t.Errorf("%+v is compared", c)
		}
	}
}
