// Package tracing makes spans of OpenTelemetry: one for each HTTP request and one
// for each statement that it runs. They hold no text of a request but the name of
// its operation, no SQL and no value.
//
// It makes no exporter: whoever has a trace.TracerProvider gives it to
// fraiseql.WithTracerProvider. A nil *Tracer makes no spans and wraps nothing, so
// that tracing which is off costs nothing.
//
// Import direction: executor, and the API of OpenTelemetry alone.
package tracing

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// Scope is the instrumentation scope of every span.
const Scope = "github.com/fraiseql/fraiseql-go"

// Tracer makes the spans. It is safe for concurrent use; all methods may be called
// on nil.
type Tracer struct{ tracer trace.Tracer }

// New makes a Tracer whose spans go to p; nil for a nil p.
func New(p trace.TracerProvider) *Tracer {
	if p == nil {
		return nil
	}
	return &Tracer{p.Tracer(Scope, trace.WithSchemaURL(semconv.SchemaURL))}
}

// Statement makes the span of a statement that has ended; it is for
// executor.WithObserver. The name is Statement.Name, the parent the span of ctx:
// that of the request.
//
//	db.system.name           postgresql
//	db.operation.name        the first word of the name: query, create, call, …
//	db.query.summary         the name
//	db.response.returned_rows  rows that were read; fraiseql.rows_affected of a write
//	db.response.status_code  SQLSTATE, where the server has refused it
//	error.type               the code, TIMEOUT and so on, where it went wrong
//	fraiseql.backend         pgx or pq
func (t *Tracer) Statement(ctx context.Context, o executor.Observation) {
	if t == nil {
		return
	}
	end := time.Now()
	operation, _, _ := strings.Cut(o.Statement, " ")
	_, span := t.tracer.Start(ctx, o.Statement, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(end.Add(-o.Duration)),
		trace.WithAttributes(semconv.DBSystemNamePostgreSQL, semconv.DBOperationName(operation), semconv.DBQuerySummary(o.Statement),
			attribute.String("fraiseql.backend", o.Backend)))
	if span.IsRecording() {
		rows := semconv.DBResponseReturnedRows(int(o.Rows))
		if o.Effect != builder.Read {
			rows = attribute.Int64("fraiseql.rows_affected", o.Rows)
		}
		span.SetAttributes(rows)
		if o.Code != backend.CodeOK {
			span.SetStatus(codes.Error, o.Code.String())
			span.SetAttributes(semconv.ErrorTypeKey.String(o.Code.String()))
		}
		if o.SQLState != "" {
			span.SetAttributes(semconv.DBResponseStatusCode(o.SQLState))
		}
	}
	span.End(trace.WithTimestamp(end))
}

// Options are what executor.Open needs to make spans of statements: none for nil.
func (t *Tracer) Options() []executor.Option {
	if t == nil {
		return nil
	}
	return []executor.Option{executor.WithObserver(t.Statement)}
}
