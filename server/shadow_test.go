package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/fraiseql/fraiseql-go/server"
)

type switched struct{ on bool }

func (s *switched) ShadowStatus() any    { return map[string]bool{"on": s.on} }
func (s *switched) SwitchShadow(on bool) { s.on = on }

// TestAdminShadow: it is told and switched where there is one.
func TestAdminShadow(t *testing.T) {
	t.Parallel()
	bare := server.NewAdmin(server.AdminOptions{})
	if w := answerOf(t, bare, httptest.NewRequest(http.MethodGet, "/shadow", nil)); w.Code != http.StatusNotFound {
		t.Errorf("without one: %d", w.Code)
	}
	h := server.NewAdmin(server.AdminOptions{Shadow: &switched{on: true}, Logger: slog.New(slog.DiscardHandler)})
	for _, c := range []struct {
		method, path, want string
		code               int
	}{
		{http.MethodGet, "/shadow", `{"on":true}`, 200},
		{http.MethodPost, "/shadow/off", `{"on":false}`, 200},
		{http.MethodGet, "/shadow", `{"on":false}`, 200},
		{http.MethodPost, "/shadow/on", `{"on":true}`, 200},
		{http.MethodGet, "/shadow/off", "Method Not Allowed", 405},
		{http.MethodPost, "/shadow", "Method Not Allowed", 405},
	} {
		w := answerOf(t, h, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.code || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	// A page of somebody else's in an operator's browser can't switch it.
	r := httptest.NewRequest(http.MethodPost, "/shadow/off", nil)
	r.Header.Set("Origin", "https://elsewhere.example")
	if w := answerOf(t, h, r); w.Code != http.StatusForbidden {
		t.Errorf("from another origin: %d", w.Code)
	}
}

// TestShadowMetrics: everything comes out under its name, and nothing while there
// is nothing.
func TestShadowMetrics(t *testing.T) {
	t.Parallel()
	share := 0.5
	times := server.DurationCounts{Count: 3, Seconds: 0.5, Below: map[float64]uint64{0.1: 1, 1: 3}}
	got := (*server.ShadowMeasures)(nil)
	m := server.NewMetrics()
	m.AddShadow(func() *server.ShadowMeasures { return got })
	if text := scrape(t, m); strings.Contains(text, "fraiseql_shadow") {
		t.Error("there are series of nothing")
	}
	got = &server.ShadowMeasures{
		Comparisons: map[string]map[string]uint64{"equal by rule": {"read": 4}}, Dropped: map[string]uint64{"queue": 2},
		Rules: map[string]uint64{"row order": 4}, Fallbacks: 1, Stage: 3, BreakerOpen: true, Coverage: &share, Answer: times, Other: times, Overhead: times,
	}
	text := scrape(t, m)
	list := slices.DeleteFunc(series(text, "fraiseql_shadow"), func(s string) bool { return strings.Contains(s, "_bucket") })
	want := []string{
		"fraiseql_shadow_breaker_open 1",
		`fraiseql_shadow_comparisons_total{kind="read",verdict="equal_by_rule"} 4`,
		"fraiseql_shadow_coverage_ratio 0.5",
		`fraiseql_shadow_dropped_total{reason="queue"} 2`,
		`fraiseql_shadow_duration_seconds_sum{side="answer"} 0.5`,
		`fraiseql_shadow_duration_seconds_count{side="answer"} 3`,
		`fraiseql_shadow_duration_seconds_sum{side="other"} 0.5`,
		`fraiseql_shadow_duration_seconds_count{side="other"} 3`,
		"fraiseql_shadow_fallbacks_total 1",
		"fraiseql_shadow_path_overhead_seconds_sum 0.5",
		"fraiseql_shadow_path_overhead_seconds_count 3",
		`fraiseql_shadow_rules_applied_total{rule="row_order"} 4`,
		"fraiseql_shadow_stage 3",
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
