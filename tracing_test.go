package fraiseql_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// span is what the tests below look at.
type span struct {
	Name, Parent string // the parent's name; remote for one that came in
	Status       string
	Attributes   map[string]string
	Events       int
}

// spans sorts out what p has, by name; names of several statements may be equal.
func spans(t *testing.T, e *tracetest.InMemoryExporter) []span {
	t.Helper()
	list := e.GetSpans()
	names := map[trace.SpanID]string{}
	for _, s := range list {
		names[s.SpanContext.SpanID()] = s.Name
	}
	var out []span
	for _, s := range list {
		got := span{Name: s.Name, Parent: names[s.Parent.SpanID()], Status: s.Status.Code.String(), Attributes: map[string]string{}, Events: len(s.Events)}
		if s.Parent.IsRemote() {
			got.Parent = "remote"
		}
		if s.EndTime.Before(s.StartTime) {
			t.Errorf("%s ends before it begins", s.Name)
		}
		for _, a := range s.Attributes {
			got.Attributes[string(a.Key)] = a.Value.String()
		}
		out = append(out, got)
	}
	slices.SortFunc(out, func(a, b span) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// traced opens a database with spans in memory.
func traced(t *testing.T, change func(*flags.Settings)) (http.Handler, *fraiseql.DB, *tracetest.InMemoryExporter) {
	t.Helper()
	s := flags.Default()
	change(s)
	memory := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory))
	db, err := fraiseql.Open(t.Context(), pgtest.Sample(t), s, fraiseql.WithEnv(noEnv), fraiseql.WithTracerProvider(provider))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := db.Handler()
	if err != nil {
		t.Fatal(err)
	}
	memory.Reset()
	return h, db, memory
}

func ask(h http.Handler, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-ID", "abc")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestSpans: one span of the request, below it one of each statement, on either
// driver; no value and no text of the request in any.
func TestSpans(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{flags.BackendPGX, flags.BackendPQ} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			h, _, memory := traced(t, func(s *flags.Settings) { s.Backend, s.GraphQL.BatchMax = backend, 5 })
			server := func(route string, more map[string]string) map[string]string {
				want := map[string]string{
					"http.request.method": "POST", "http.route": route, "url.scheme": "http", "network.protocol.version": "1.1",
					"http.response.status_code": "200", "fraiseql.request_id": "abc",
				}
				maps.Copy(want, more)
				return want
			}
			statement := func(name, rows string) span {
				operation, _, _ := strings.Cut(name, " ")
				return span{name, "POST /graphql", "Unset", map[string]string{
					"db.system.name": "postgresql", "db.operation.name": operation, "db.query.summary": name,
					"db.response.returned_rows": rows, "fraiseql.backend": backend,
				}, 0}
			}
			definition := statement("query users", "1")
			definition.Parent = "POST /definitions"
			for _, tc := range []struct {
				name, path, body string
				want             []span
			}{
				{"nested", "/graphql", `{"query":"query Secret($id: BigInt!) {user(id: $id) {id posts(limit: 2, orderBy: {id: ASC}) {id}}}","variables":{"id":7}}`, []span{
					{"POST /graphql", "remote", "Unset", server("/graphql", map[string]string{"graphql.operation.name": "Secret", "graphql.operation.type": "query"}), 0},
					statement("query users", "1"), statement("query users > posts", "2"),
				}},
				{"a list of requests", "/graphql", `[{"query":"query A {user(id: 7) {id}}"},{"query":"{nothing}"}]`, []span{
					{"POST /graphql", "remote", "Unset", server("/graphql", map[string]string{"graphql.operation.name": "A", "graphql.operation.type": "query"}), 1},
					statement("query users", "1"),
				}},
				{"a document that is wrong", "/graphql", `{"query":"{nothing}"}`, []span{
					{"POST /graphql", "remote", "Unset", server("/graphql", map[string]string{"error.type": "VALIDATION_ERROR"}), 0},
				}},
				{"definition", "/definitions", `{"operation":"query","table":"users","fields":["id"],"filters":{"id":{"eq":7}}}`, []span{
					{"POST /definitions", "remote", "Unset", server("/definitions", nil), 0}, definition,
				}},
			} {
				memory.Reset()
				w := ask(h, tc.path, tc.body)
				if d := cmp.Diff(tc.want, spans(t, memory)); d != "" {
					t.Errorf("%s: (-want +got)\n%s\n%s", tc.name, d, w.Body)
				}
			}
		})
	}
}

// TestSpanOfRefusedStatement: SQLSTATE and code, and the status of a failure.
func TestSpanOfRefusedStatement(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{flags.BackendPGX, flags.BackendPQ} {
		_, db, memory := traced(t, func(s *flags.Settings) { s.Backend = backend })
		memory.Reset()
		var w bytes.Buffer
		err := db.ExecuteJSON(t.Context(), []byte(`{"operation":"mutation","type":"insert","table":"users","input":{"id":1,"name":"N","email":"e1@x"}}`), &w)
		if executor.CodeOf(err).String() != "CONSTRAINT_VIOLATION" {
			t.Fatalf("%v", err)
		}
		want := []span{{"insert users", "", "Error", map[string]string{
			"db.system.name": "postgresql", "db.operation.name": "insert", "db.query.summary": "insert users", "fraiseql.backend": backend,
			"fraiseql.rows_affected": "0", "error.type": "CONSTRAINT_VIOLATION", "db.response.status_code": "23505",
		}, 0}}
		if d := cmp.Diff(want, spans(t, memory)); d != "" {
			t.Errorf("%s: (-want +got)\n%s", backend, d)
		}
	}
}

// TestTracingOff: without a provider nothing stands between net/http and the
// handler, and no statement is watched.
func TestTracingOff(t *testing.T) { //nolint:paralleltest // it counts allocations
	without := open(t, pgtest.Sample(t), nil)
	s := flags.Default()
	with, err := fraiseql.Open(t.Context(), pgtest.Sample(t), s, fraiseql.WithEnv(noEnv), fraiseql.WithTracerProvider(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { err = errors.Join(err, with.Close()) }()
	_, tracing, _ := traced(t, func(*flags.Settings) {})
	least := func(db *fraiseql.DB) float64 {
		var w bytes.Buffer
		fewest := 1e9
		for range 5 { // the pool and the runtime allocate now and then
			fewest = min(fewest, testing.AllocsPerRun(20, func() {
				w.Reset()
				if err := db.ExecuteJSON(t.Context(), []byte(twoUsers), &w); err != nil {
					t.Error(err)
				}
			}))
		}
		return fewest
	}
	none, off, on := least(without), least(with), least(tracing)
	if off > none || on <= none {
		t.Errorf("allocations: without the option %v, with a nil provider %v, traced %v", none, off, on)
	}
}
