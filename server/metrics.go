package server

import (
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fraiseql/fraiseql-go/backend"
)

// Metrics counts what the server does, for Prometheus, in a registry of its own.
// Every label has one of a few values that are fixed here: none comes from a
// request. A nil *Metrics counts nothing; all methods may be called on it. It is
// safe for concurrent use, and counting allocates nothing.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge

	operations  map[string]*[2]prometheus.Counter // ok, error; by kind
	errors      map[string]prometheus.Counter     // by code
	definitions []prometheus.Counter              // by backend.Code
	apq         [apqCount]prometheus.Counter
	planHit     prometheus.Counter
	planMiss    prometheus.Counter
}

// kindNames are the kinds of a GraphQL operation: invalid is one that was refused
// before it was known.
var kindNames = []string{"query", "mutation", "invalid"}

// otherCodes are the errors' codes of HTTP and GraphQL, beside those of
// backend.Code. A code that is in neither list is counted as OTHER, so that no
// text can become a label.
var otherCodes = []string{
	"DOCUMENT_NOT_FOUND", "FORBIDDEN_QUERY", "INTROSPECTION_DISABLED", "METHOD_NOT_ALLOWED", "NOT_ACCEPTABLE",
	"OPERATION_COST_EXCEEDED", "OTHER", "PARSE_ERROR", "PAYLOAD_TOO_LARGE", "PERSISTED_QUERY_MISMATCH",
	"PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED", "RATE_LIMIT_EXCEEDED", "REQUEST_ERROR", "REQUEST_TIMEOUT", "UNAUTHENTICATED",
	"UNSUPPORTED_MEDIA_TYPE", "VALIDATION_ERROR",
}

// APQResult is how an automatic persisted query ended.
type APQResult uint8

// The results of an automatic persisted query.
const (
	APQHit      APQResult = iota // the hash was known
	APQMiss                      // it was not, and the client will send the document
	APQStored                    // a document came with its hash
	APQMismatch                  // a document came with another's hash
	apqCount
)

var apqNames = [apqCount]string{"hit", "miss", "stored", "mismatch"}

// durationBuckets are in seconds: from a row by its key to a long report.
var durationBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// NewMetrics makes a registry with everything at 0, so that a rate has a
// beginning.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fraiseql_http_requests_total",
		Help: "Requests that ended, by handler and HTTP status; aborted: the answer was cut off.",
	}, []string{"handler", "code"})
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "fraiseql_http_request_duration_seconds", Help: "Time from the head of a request to the end of its answer.", Buckets: durationBuckets,
	}, []string{"handler"})
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "fraiseql_http_in_flight", Help: "Requests that are being answered."})
	operations := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fraiseql_graphql_operations_total", Help: "GraphQL operations, by kind; outcome error: at least one error was answered.",
	}, []string{"kind", "outcome"})
	m.operations = make(map[string]*[2]prometheus.Counter)
	for _, kind := range kindNames {
		m.operations[kind] = &[2]prometheus.Counter{operations.WithLabelValues(kind, "ok"), operations.WithLabelValues(kind, "error")}
	}
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fraiseql_graphql_errors_total", Help: "GraphQL operations that ended in an error, by code.",
	}, []string{"code"})
	m.errors = make(map[string]prometheus.Counter)
	for c := range backend.Codes() {
		if c != backend.CodeOK {
			m.errors[c.String()] = failures.WithLabelValues(c.String())
		}
	}
	for _, code := range otherCodes {
		m.errors[code] = failures.WithLabelValues(code)
	}
	definitions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fraiseql_definitions_total", Help: "Requests with JSON definitions that reached the executor, by the code of their first error.",
	}, []string{"code"})
	for c := range backend.Codes() {
		m.definitions = append(m.definitions, definitions.WithLabelValues(c.String()))
	}
	apq := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fraiseql_apq_total", Help: "Automatic persisted queries, by result.",
	}, []string{"result"})
	for result, name := range apqNames {
		m.apq[result] = apq.WithLabelValues(name)
	}
	plans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fraiseql_plan_cache_total", Help: "Look-ups in the cache of plans, by result.",
	}, []string{"result"})
	m.planHit, m.planMiss = plans.WithLabelValues("hit"), plans.WithLabelValues("miss")
	m.registry.MustRegister(m.requests, m.duration, m.inFlight, operations, failures, definitions, apq, plans, buildInfo(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// buildInfo is the constant 1 with what was built.
func buildInfo() prometheus.Collector {
	version, revision := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fraiseql_build_info", Help: "What was built; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "go_version": runtime.Version()},
	}, func() float64 { return 1 })
}

// Handler answers with everything counted, in the format that the client accepts.
func (m *Metrics) Handler() http.Handler {
	if m == nil {
		return http.NotFoundHandler()
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Observe counts a GraphQL request; it is for Options.Observe.
func (m *Metrics) Observe(o Outcome) {
	if m == nil {
		return
	}
	kind, ok := m.operations[o.Kind]
	if !ok {
		kind = m.operations["invalid"]
	}
	if o.Code == "" {
		kind[0].Inc()
		return
	}
	kind[1].Inc()
	failures, ok := m.errors[o.Code]
	if !ok {
		failures = m.errors["OTHER"]
	}
	failures.Inc()
}

// Definitions counts a request with JSON definitions.
func (m *Metrics) Definitions(code backend.Code) {
	if m == nil {
		return
	}
	if int(code) >= len(m.definitions) {
		code = backend.CodeInternal
	}
	m.definitions[code].Inc()
}

// APQ counts an automatic persisted query.
func (m *Metrics) APQ(result APQResult) {
	if m != nil && result < apqCount {
		m.apq[result].Inc()
	}
}

// PlanCache counts a look-up in the cache of plans.
func (m *Metrics) PlanCache(hit bool) {
	switch {
	case m == nil:
	case hit:
		m.planHit.Inc()
	default:
		m.planMiss.Inc()
	}
}
