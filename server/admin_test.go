package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/server"
)

type readiness func(context.Context) (server.Report, error)

func (f readiness) Ready(ctx context.Context) (server.Report, error) { return f(ctx) }

func answerOf(t *testing.T, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestReady: each state has its status, and the text of an error stays in the log.
func TestReady(t *testing.T) {
	t.Parallel()
	broken := []server.Broken{{Object: "public.gone", Reason: "no such table"}}
	for _, tc := range []struct {
		name   string
		ready  server.Readiness
		status int
		want   string
	}{
		{"nothing to ask", nil, 200, `{"status":"healthy"}`},
		{"healthy", readiness(func(context.Context) (server.Report, error) { return server.Report{Schema: "v1"}, nil }), 200, `{"status":"healthy","schema":"v1"}`},
		{
			"degraded", readiness(func(context.Context) (server.Report, error) { return server.Report{Schema: "v1", Broken: broken}, nil }), 200,
			`{"status":"degraded","schema":"v1","broken":[{"object":"public.gone","reason":"no such table"}]}`,
		},
		{
			"unusable", readiness(func(context.Context) (server.Report, error) {
				return server.Report{Broken: broken, Unusable: true}, nil
			}), 503,
			`{"status":"unhealthy","broken":[{"object":"public.gone","reason":"no such table"}]}`,
		},
		{"down", readiness(func(context.Context) (server.Report, error) {
			return server.Report{}, backend.New("ping", backend.CodeServiceUnavailable, errors.New("dial db.internal:5432"))
		}), 503, `{"status":"unhealthy","code":"SERVICE_UNAVAILABLE"}`},
		{"hangs", readiness(func(ctx context.Context) (server.Report, error) {
			<-ctx.Done()
			return server.Report{}, backend.Wrap(nil, "ping", ctx.Err())
		}), 503, `{"status":"unhealthy","code":"TIMEOUT"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := server.NewAdmin(server.AdminOptions{Readiness: tc.ready, ReadyTimeout: 10_000_000, Logger: slog.New(slog.DiscardHandler)})
			w := answerOf(t, h, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			got := []any{w.Code, w.Body.String(), w.Header().Get("Content-Type"), w.Header().Get("Cache-Control")}
			if diff := cmp.Diff([]any{tc.status, tc.want + "\n", "application/json", "no-store"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAdminPaths: what is not asked for is not there, and nothing takes a method
// that it has no use for.
func TestAdminPaths(t *testing.T) {
	t.Parallel()
	bare := server.NewAdmin(server.AdminOptions{})
	full := server.NewAdmin(server.AdminOptions{
		Metrics: server.NewMetrics(), Profiling: true, Logger: slog.New(slog.DiscardHandler),
		Reload: func(context.Context) (server.Changes, error) {
			return server.Changes{Schema: "v2", Added: []string{"public.a"}, Removed: []string{}, Altered: []string{}}, nil
		},
	})
	failing := server.NewAdmin(server.AdminOptions{Logger: slog.New(slog.DiscardHandler), Reload: func(context.Context) (server.Changes, error) {
		return server.Changes{}, backend.New("read catalog", backend.CodeServiceUnavailable, errors.New("secret host"))
	}})
	for _, tc := range []struct {
		name, method, path string
		h                  http.Handler
		status             int
		want               string // part of the body
	}{
		{"health", http.MethodGet, "/healthz", bare, 200, `{"status":"healthy"}`},
		{"health, head", http.MethodHead, "/healthz", bare, 200, ""},
		{"health is not changed", http.MethodPost, "/healthz", bare, 405, ""},
		{"no metrics", http.MethodGet, "/metrics", bare, 404, ""},
		{"no reload", http.MethodPost, "/reload", bare, 404, ""},
		{"no profiles", http.MethodGet, "/debug/pprof/", bare, 404, ""},
		{"no profile", http.MethodGet, "/debug/pprof/heap", bare, 404, ""},
		{"metrics", http.MethodGet, "/metrics", full, 200, "fraiseql_http_in_flight 0\n"},
		{"reload", http.MethodPost, "/reload", full, 200, `{"schema":"v2","added":["public.a"],"removed":[],"altered":[],"other":false}`},
		{"reload by a link", http.MethodGet, "/reload", full, 405, ""},
		{"reload fails", http.MethodPost, "/reload", failing, 503, `"message":"service temporarily unavailable; what was loaded before stays in use"`},
		{"profiles", http.MethodGet, "/debug/pprof/", full, 200, "goroutine "},
		{"profile", http.MethodGet, "/debug/pprof/goroutine?debug=1", full, 200, "goroutine profile:"},
		{"unknown profile", http.MethodGet, "/debug/pprof/cmdline", full, 404, "no such profile"},
		{"trace", http.MethodGet, "/debug/pprof/trace?seconds=0.01", full, 200, "go 1."},
		{"endless profile", http.MethodGet, "/debug/pprof/profile?seconds=301", full, 400, "at most 300"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := answerOf(t, tc.h, httptest.NewRequest(tc.method, tc.path, nil))
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%d %.300s, want %d %s", w.Code, w.Body, tc.status, tc.want)
			}
		})
	}
}

// TestReloadFromABrowser: no page may reload the schema of who visits it.
func TestReloadFromABrowser(t *testing.T) {
	t.Parallel()
	h := server.NewAdmin(server.AdminOptions{Reload: func(context.Context) (server.Changes, error) {
		t.Error("reloaded")
		return server.Changes{}, nil
	}})
	r := httptest.NewRequest(http.MethodPost, "/reload", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if w := answerOf(t, h, r); w.Code != http.StatusForbidden {
		t.Errorf("%d", w.Code)
	}
}

// TestDefaultMux: linking the package registers nothing on http.DefaultServeMux.
func TestDefaultMux(t *testing.T) {
	t.Parallel()
	if w := answerOf(t, http.DefaultServeMux, httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil)); w.Code != http.StatusNotFound {
		t.Errorf("%d: a program that embeds the server would show its memory", w.Code)
	}
}

// openDB is a facade on dsn with backend b that the end of the test closes.
func openDB(t testing.TB, dsn, b string) *fraiseql.DB {
	t.Helper()
	s := flags.Default()
	s.Backend, s.MinIdle, s.MaxConnections = b, 0, 4
	db, err := fraiseql.Open(t.Context(), dsn, s, fraiseql.WithEnv(func(string) string { return "" }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// TestSchemaChanges: what DDL has done is told by table.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table stays (id int primary key); create table goes (id int); create table grows (id int)`)
	db := openDB(t, dsn, flags.BackendPGX)
	for _, tc := range []struct {
		name, ddl string
		want      server.Changes
	}{
		{"nothing", ``, server.Changes{Added: []string{}, Removed: []string{}, Altered: []string{}}},
		{
			"tables", `drop table goes; create table comes (id int); alter table grows add n text`,
			server.Changes{Added: []string{"public.comes"}, Removed: []string{"public.goes"}, Altered: []string{"public.grows"}},
		},
		{
			"a function", `create function f() returns int language sql as 'select 1'`,
			server.Changes{Added: []string{}, Removed: []string{}, Altered: []string{}, Other: true},
		},
	} {
		before := db.Schema()
		if tc.ddl != "" {
			pgtest.Exec(t, dsn, tc.ddl)
		}
		if err := db.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := server.SchemaChanges(before, db.Schema())
		if err != nil {
			t.Fatal(err)
		}
		tc.want.Schema = db.Schema().Catalog().Version()
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tc.name, diff)
		}
	}
}
