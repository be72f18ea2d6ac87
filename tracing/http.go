package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// w3c reads traceparent and tracestate. Baggage is not read: nothing here uses it.
var w3c propagation.TraceContext

// Handler makes a span of each request that h answers: a child of the one in its
// context, else of the one in traceparent, where there is one. route is the program's, never the request's. The
// name is "POST /graphql".
//
//	http.request.method, http.route, url.scheme, network.protocol.version
//	http.response.status_code
//	fraiseql.request_id      X-Request-Id of the answer
//	graphql.operation.name, graphql.operation.type    see Operation
//	error.type               aborted, where the answer was cut; else a code
//
// The status of the span is Error from status 500 on and where the answer was cut.
// What h may do with its http.ResponseWriter, streams and panics included, is as
// without.
func (t *Tracer) Handler(route string, h http.Handler) http.Handler {
	if t == nil {
		return h
	}
	return &handler{tracer: t.tracer, next: h, route: route}
}

type handler struct {
	tracer trace.Tracer
	next   http.Handler
	route  string
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method, scheme := knownMethod(r.Method), "http"
	if r.TLS != nil {
		scheme = "https"
	}
	ctx := r.Context()
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = w3c.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, span := h.tracer.Start(ctx, method+" "+h.route,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(h.route), semconv.URLScheme(scheme),
			semconv.NetworkProtocolVersion(protocol(r))))
	if !span.IsRecording() { // the trace id is for the log
		h.next.ServeHTTP(w, r.WithContext(ctx))
		return
	}
	sw := &statusWriter{ResponseWriter: w}
	whole := false
	defer func() {
		if id := w.Header()["X-Request-Id"]; len(id) == 1 {
			span.SetAttributes(attribute.String("fraiseql.request_id", id[0]))
		}
		status := sw.status
		if status == 0 && whole {
			status = http.StatusOK
		}
		if status != 0 {
			span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		}
		switch {
		case !whole:
			span.SetStatus(codes.Error, "aborted")
			span.SetAttributes(semconv.ErrorTypeKey.String("aborted"))
		case status >= http.StatusInternalServerError:
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}()
	ctx = context.WithValue(ctx, requestKey{}, &request{})
	h.next.ServeHTTP(sw, r.WithContext(ctx))
	whole = true
}

// requestKey finds the request of a context.
type requestKey struct{}

// request is what is known of a request while it runs. It belongs to the goroutine
// that answers it.
type request struct{ operations int }

// maxName bounds an operation's name, in bytes: it is the client's.
const maxName = 128

// Operation adds to the span of ctx what operation a request has run: name, type
// (query or mutation) and the code of its first error; each "" where there is
// none. The second and later ones of a list of requests become events named
// graphql.operation.
func Operation(ctx context.Context, name, kind, code string) {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil { // no span, or one that nobody will see
		return
	}
	attributes := make([]attribute.KeyValue, 0, 3)
	for _, a := range [...]struct {
		key   attribute.Key
		value string
	}{
		{semconv.GraphQLOperationNameKey, name[:min(len(name), maxName)]}, // a Name of GraphQL is ASCII
		{semconv.GraphQLOperationTypeKey, kind},
		{semconv.ErrorTypeKey, code},
	} {
		if a.value != "" {
			attributes = append(attributes, a.key.String(a.value))
		}
	}
	span := trace.SpanFromContext(ctx)
	if r.operations++; r.operations == 1 {
		span.SetAttributes(attributes...)
		return
	}
	span.AddEvent("graphql.operation", trace.WithAttributes(attributes...))
}

// knownMethod keeps a client from making up names of spans.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER" // what OpenTelemetry calls any other
}

func protocol(r *http.Request) string {
	switch {
	case r.ProtoMajor >= 2:
		return "2"
	case r.ProtoMinor == 0:
		return "1.0"
	}
	return "1.1"
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int // 0: none yet
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// Flush is for those who ask for an http.Flusher.
func (w *statusWriter) Flush() { _ = w.FlushError() }

// FlushError sends what is held.
func (w *statusWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *statusWriter) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}
