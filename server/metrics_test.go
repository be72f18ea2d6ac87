package server_test

import (
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/server"
)

// scrape is what /metrics says of ours, without histograms' buckets.
func scrape(t *testing.T, m *server.Metrics) string {
	t.Helper()
	return answerOf(t, m.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)).Body.String()
}

// series are the lines of a scrape that have a value other than 0.
func series(text, prefix string) []string {
	var list []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, prefix) && !strings.HasSuffix(line, " 0") {
			list = append(list, line)
		}
	}
	return list
}

// TestMetrics: everything that is counted comes out under its name.
func TestMetrics(t *testing.T) {
	t.Parallel()
	m := server.NewMetrics()
	m.Observe(server.Outcome{Kind: "query"})
	m.Observe(server.Outcome{Kind: "query", Code: backend.CodeTimeout.String()})
	m.Observe(server.Outcome{Kind: "mutation", Code: "SOME_TEXT"}) // no label of its own, but not lost
	m.Observe(server.Outcome{Code: "PARSE_ERROR"})
	m.APQ(server.APQHit)
	m.APQ(server.APQMismatch)
	m.PlanCache(true)
	m.PlanCache(false)
	m.Definitions(backend.CodeOK)
	m.AddPool("pgx", func() sql.DBStats {
		return sql.DBStats{MaxOpenConnections: 20, InUse: 3, Idle: 2, WaitCount: 7, WaitDuration: 1500 * time.Millisecond, MaxIdleClosed: 1}
	})
	m.AddQueue("pgx", func() executor.QueueStats { return executor.QueueStats{Waiting: 3, Longest: 1000, Refused: 4, Left: 2} })
	m.AddPool("pq", func() sql.DBStats { return sql.DBStats{} })
	m.AddParity(func() map[string]uint64 { return map[string]uint64{"equal": 5, "equal by rule": 2} })
	lag := 0.25
	m.AddReplicas(func() server.ReplicaMeasures {
		return server.ReplicaMeasures{PrimaryReads: 4, Waited: 3, Timeouts: 1, Unknown: 1, Replicas: []server.ReplicaMeasure{
			{Name: "db2:5432", In: true, LagSeconds: &lag, Reads: 9, Fallbacks: 2}, {Name: "db3:5432"},
		}}
	})
	h := m.Instrument("graphql", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/teapot":
			w.WriteHeader(http.StatusTeapot)
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "x")
		case "/abort":
			w.WriteHeader(http.StatusOK)
			panic(http.ErrAbortHandler)
		}
	}))
	for _, path := range []string{"/", "/", "/teapot", "/early", "/abort"} {
		func() {
			defer func() {
				if v := recover(); v != nil && v != http.ErrAbortHandler {
					panic(v)
				}
			}()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}()
	}
	text := scrape(t, m)
	want := []string{
		`fraiseql_apq_total{result="hit"} 1`, `fraiseql_apq_total{result="mismatch"} 1`,
		`fraiseql_db_pool_closed_total{backend="pgx",reason="max_idle"} 1`,
		`fraiseql_db_pool_connections{backend="pgx",state="idle"} 2`, `fraiseql_db_pool_connections{backend="pgx",state="in_use"} 3`,
		`fraiseql_db_pool_left_total{backend="pgx"} 2`, `fraiseql_db_pool_max_connections{backend="pgx"} 20`, `fraiseql_db_pool_max_waiting{backend="pgx"} 1000`,
		`fraiseql_db_pool_refused_total{backend="pgx"} 4`, `fraiseql_db_pool_wait_seconds_total{backend="pgx"} 1.5`,
		`fraiseql_db_pool_waiting{backend="pgx"} 3`, `fraiseql_db_pool_waits_total{backend="pgx"} 7`,
		`fraiseql_definitions_total{code="OK"} 1`,
		`fraiseql_graphql_errors_total{code="OTHER"} 1`, `fraiseql_graphql_errors_total{code="PARSE_ERROR"} 1`,
		`fraiseql_graphql_errors_total{code="TIMEOUT"} 1`,
		`fraiseql_graphql_operations_total{kind="invalid",outcome="error"} 1`, `fraiseql_graphql_operations_total{kind="mutation",outcome="error"} 1`,
		`fraiseql_graphql_operations_total{kind="query",outcome="error"} 1`, `fraiseql_graphql_operations_total{kind="query",outcome="ok"} 1`,
		`fraiseql_http_requests_total{code="200",handler="graphql"} 3`, `fraiseql_http_requests_total{code="418",handler="graphql"} 1`,
		`fraiseql_http_requests_total{code="aborted",handler="graphql"} 1`,
		`fraiseql_parity_verdicts_total{verdict="equal"} 5`, `fraiseql_parity_verdicts_total{verdict="equal_by_rule"} 2`,
		`fraiseql_plan_cache_total{result="hit"} 1`, `fraiseql_plan_cache_total{result="miss"} 1`,
		`fraiseql_reads_total{server="db2:5432"} 9`, `fraiseql_reads_total{server="primary"} 4`,
		`fraiseql_replica_fallbacks_total{replica="db2:5432"} 2`, `fraiseql_replica_in{replica="db2:5432"} 1`,
		`fraiseql_replica_lag_seconds{replica="db2:5432"} 0.25`, `fraiseql_replica_unknown_positions_total 1`,
		`fraiseql_replica_waits_total{outcome="reached"} 3`, `fraiseql_replica_waits_total{outcome="timeout"} 1`,
	}
	var got []string
	for _, line := range series(text, "fraiseql_") {
		if !strings.HasPrefix(line, "fraiseql_http_request_duration") && !strings.HasPrefix(line, "fraiseql_build_info") {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, part := range []string{
		`fraiseql_http_request_duration_seconds_count{handler="graphql"} 5`, "fraiseql_build_info{", `fraiseql_replica_in{replica="db3:5432"} 0`, "go_goroutines ", "process_open_fds ",
		"fraiseql_http_in_flight 0\n", `fraiseql_graphql_errors_total{code="CONFLICT"} 0`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s", part)
		}
	}
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

// TestMetricsOff: a nil Metrics is no metrics, everywhere.
func TestMetricsOff(t *testing.T) {
	t.Parallel()
	var m *server.Metrics
	m.Observe(server.Outcome{})
	m.APQ(server.APQHit)
	m.PlanCache(true)
	m.Definitions(backend.CodeOK)
	m.AddPool("pgx", nil)
	m.AddParity(nil)
	m.AddReplicas(nil)
	h := http.NewServeMux()
	if m.Instrument("x", h) != http.Handler(h) {
		t.Error("a handler without metrics is wrapped")
	}
	if w := answerOf(t, m.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)); w.Code != http.StatusNotFound {
		t.Errorf("%d", w.Code)
	}
}

// nowhereWriter costs nothing itself.
type nowhereWriter struct{ h http.Header }

func (w nowhereWriter) Header() http.Header         { return w.h }
func (w nowhereWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w nowhereWriter) WriteHeader(int)             {}

// TestMetricsAllocate: counting allocates nothing, timing a request one writer.
func TestMetricsAllocate(t *testing.T) {
	m := server.NewMetrics()
	h, w, r := instrumentedForBench(m)
	failed := server.Outcome{Kind: "query", Code: "TIMEOUT"}
	for _, tc := range []struct {
		name string
		want float64
		f    func()
	}{
		{"operation", 0, func() { m.Observe(failed); m.PlanCache(true); m.APQ(server.APQHit) }},
		{"request", 1, func() { h.ServeHTTP(w, r) }},
	} {
		if got := testing.AllocsPerRun(100, tc.f); got > tc.want {
			t.Errorf("%s: %v allocations, want %v", tc.name, got, tc.want)
		}
	}
}

func instrumentedForBench(m *server.Metrics) (http.Handler, http.ResponseWriter, *http.Request) {
	body := []byte("x")
	h := m.Instrument("x", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	return h, nowhereWriter{http.Header{}}, httptest.NewRequest(http.MethodGet, "/", nil)
}

func BenchmarkMetrics(b *testing.B) {
	m := server.NewMetrics()
	b.Run("operation", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Observe(server.Outcome{Kind: "query"})
		}
	})
	h, w, r := instrumentedForBench(m)
	b.Run("request", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
}
