package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/tracing"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// TestOff: a nil Tracer gives back what it was given.
func TestOff(t *testing.T) { //nolint:paralleltest // it counts allocations
	off := tracing.New(nil)
	h := &struct{ http.Handler }{http.NotFoundHandler()}
	if got := off.Handler("/x", h); got != http.Handler(h) {
		t.Errorf("the handler is wrapped: %T", got)
	}
	l := &struct{ slog.Handler }{slog.DiscardHandler}
	if got := off.Log(l); got != slog.Handler(l) {
		t.Errorf("the log is wrapped: %T", got)
	}
	if got := off.Options(); got != nil {
		t.Errorf("options %v", got)
	}
	off.Statement(t.Context(), executor.Observation{})
	if n := testing.AllocsPerRun(100, func() { tracing.Operation(context.Background(), "A", "query", "") }); n > 0 {
		t.Errorf("%v allocations for an operation that nobody sees", n)
	}
}

// TestHandler: what the handler does to its writer gets through, and how it ended
// is in the span.
func TestHandler(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		h      http.HandlerFunc
		status string // attribute
		code   codes.Code
		kind   string // error.type
		abort  bool
	}{
		{"nothing is written", func(http.ResponseWriter, *http.Request) {}, "200", codes.Unset, "", false},
		{"client's fault", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "404", codes.Unset, "", false},
		{"server's fault", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "503", codes.Error, "", false},
		{"a hint before", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, "x")
		}, "200", codes.Unset, "", false},
		{"flushed", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}, "200", codes.Unset, "", false},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			panic(http.ErrAbortHandler)
		}, "200", codes.Error, "aborted", true},
		{"a long name", func(_ http.ResponseWriter, r *http.Request) {
			tracing.Operation(r.Context(), strings.Repeat("n", 1000), "query", "")
		}, "200", codes.Unset, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			memory := tracetest.NewInMemoryExporter()
			h := tracing.New(sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory))).Handler("/x", tc.h)
			r := httptest.NewRequest("BREW", "/x?secret=1", http.NoBody)
			r.Header.Set("Traceparent", parent)
			func() {
				defer func() {
					if v := recover(); (v == http.ErrAbortHandler) != tc.abort {
						t.Errorf("panic %v", v)
					}
				}()
				h.ServeHTTP(httptest.NewRecorder(), r)
			}()
			list := memory.GetSpans()
			if len(list) != 1 {
				t.Fatalf("%d spans", len(list))
			}
			s := list[0]
			if s.Name != "_OTHER /x" || s.Parent.SpanID().String() != "b7ad6b7169203331" || s.SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
				t.Errorf("name %q, parent %v, trace %v", s.Name, s.Parent.SpanID(), s.SpanContext.TraceID())
			}
			got := map[string]string{}
			for _, a := range s.Attributes {
				got[string(a.Key)] = a.Value.String()
				if len(a.Value.String()) > 128 || strings.Contains(a.Value.String(), "secret") {
					t.Errorf("%s is %q", a.Key, a.Value.String())
				}
			}
			if got["http.response.status_code"] != tc.status || s.Status.Code != tc.code || got["error.type"] != tc.kind {
				t.Errorf("status %s, %v; error %q", got["http.response.status_code"], s.Status.Code, got["error.type"])
			}
		})
	}
}

// TestNotSampled: whose trace is not sampled has no span, and its id in the log.
func TestNotSampled(t *testing.T) {
	t.Parallel()
	memory := tracetest.NewInMemoryExporter()
	tracer := tracing.New(sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory)))
	var b bytes.Buffer
	log := slog.New(tracer.Log(slog.NewJSONHandler(&b, nil))).With("a", 1)
	log.InfoContext(t.Context(), "outside")
	w := httptest.NewRecorder()
	h := tracer.Handler("/x", http.HandlerFunc(func(got http.ResponseWriter, r *http.Request) {
		if got != http.ResponseWriter(w) {
			t.Errorf("the writer is wrapped: %T", got)
		}
		log.InfoContext(r.Context(), "inside")
		tracer.Statement(r.Context(), executor.Observation{Statement: "query x"})
		tracing.Operation(r.Context(), "A", "query", "")
	}))
	r := httptest.NewRequest(http.MethodGet, "/x", http.NoBody)
	r.Header.Set("Traceparent", strings.TrimSuffix(parent, "01")+"00")
	h.ServeHTTP(w, r)
	if n := len(memory.GetSpans()); n != 0 {
		t.Errorf("%d spans", n)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		id, _ := fields["trace_id"].(string)
		got = append(got, id)
	}
	if d := cmp.Diff([]string{"", "0af7651916cd43dd8448eb211c80319c"}, got); d != "" {
		t.Errorf("trace ids (-want +got)\n%s", d)
	}
}

// TestOuterSpan: the span of a handler around ours is the parent, not the one that
// came to it.
func TestOuterSpan(t *testing.T) {
	t.Parallel()
	memory := tracetest.NewInMemoryExporter()
	tracer := tracing.New(sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory)))
	h := tracer.Handler("/outer", tracer.Handler("/inner", http.NotFoundHandler()))
	r := httptest.NewRequest(http.MethodGet, "/x", http.NoBody)
	r.Header.Set("Traceparent", parent)
	h.ServeHTTP(httptest.NewRecorder(), r)
	list := memory.GetSpans()
	if len(list) != 2 || list[0].Name != "GET /inner" || list[0].Parent.SpanID() != list[1].SpanContext.SpanID() {
		t.Errorf("spans %+v", list)
	}
}
