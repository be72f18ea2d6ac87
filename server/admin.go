package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/fraiseql/fraiseql-go/executor"
)

// Readiness says whether requests can be answered.
type Readiness interface {
	// Ready asks the database, and says what of the configuration does not work.
	// An error means that nothing can be answered; its text goes to the log only.
	Ready(ctx context.Context) (Report, error)
}

// Report is what a Readiness found.
type Report struct {
	// Schema is the version of the catalog that requests are answered with.
	Schema string `json:"schema,omitempty"`
	// Broken are objects of the configuration that the database does not have as
	// they are needed: requests that do without them are answered.
	Broken []Broken `json:"broken,omitempty"`
	// Replicas are those that follow the database.
	Replicas []ReplicaReport `json:"replicas,omitempty"`
	// Unusable says that so much is broken that no request should come here.
	Unusable bool `json:"-"`
}

// ReplicaReport is how a replica of the database is doing.
type ReplicaReport struct {
	Name string `json:"name"` // host:port
	In   bool   `json:"in"`   // reads are sent to it
	// Reason is why it is out.
	Reason string `json:"reason,omitempty"`
	// LagMS is how far it is behind the primary, in milliseconds; nil where nobody knows.
	LagMS *int64 `json:"lag_ms,omitempty"`
	// Reads is how many were sent to it.
	Reads uint64 `json:"reads"`
}

// out says whether a replica is.
func (r *Report) out() bool {
	return slices.ContainsFunc(r.Replicas, func(p ReplicaReport) bool { return !p.In })
}

// Broken is one object that does not work.
type Broken struct {
	Object string `json:"object"` // such as public.users
	Reason string `json:"reason"`
}

// AdminOptions say what the listener for operators offers.
type AdminOptions struct {
	// Readiness is behind /readyz. nil: ready unless shutting down.
	Readiness Readiness
	// ReadyTimeout bounds what Readiness takes. Default and 0: 2 s.
	ReadyTimeout time.Duration
	// Metrics are at /metrics. nil: not there.
	Metrics *Metrics
	// Reload reads the catalog and the configuration again, behind POST /reload.
	// nil: not there.
	Reload func(ctx context.Context) (Changes, error)
	// Shadow is behind GET /shadow, POST /shadow/off and POST /shadow/on. nil: not
	// there.
	Shadow Shadow
	// Profiling offers the profiles of runtime/pprof at /debug/pprof/. They show
	// what is in memory, so the default is not to.
	Profiling bool
	// Logger is told why /readyz and /reload fail. Default: slog.Default().
	Logger *slog.Logger
}

// NewAdmin answers operators and orchestrators:
//
//	GET  /healthz  {"status":"healthy"}: the process answers; nothing else is asked
//	GET  /readyz   200 {"status":"healthy"|"degraded",…} or 503 {"status":"unhealthy"|"stopping"}
//	GET  /metrics  for Prometheus
//	POST /reload   what has changed
//	GET  /shadow   how far the other backend's shadow has come, and what is missing
//	POST /shadow/off, /shadow/on
//	GET  /debug/pprof/{profile}
//
// It asks nobody who they are and belongs on AdminAddr of Serve, never on a
// public port; there Health alone may be. A browser's cross-origin requests are
// refused.
func NewAdmin(o AdminOptions) http.Handler {
	if o.ReadyTimeout <= 0 {
		o.ReadyTimeout = 2 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	a := &admin{o}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", Health())
	mux.HandleFunc("GET /readyz", a.ready)
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics.Handler())
	}
	if o.Reload != nil {
		mux.HandleFunc("POST /reload", a.reload)
	}
	if o.Shadow != nil {
		mux.HandleFunc("GET /shadow", a.shadow)
		mux.HandleFunc("POST /shadow/off", a.switchShadow(false))
		mux.HandleFunc("POST /shadow/on", a.switchShadow(true))
	}
	if o.Profiling {
		addProfiles(mux)
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// Health answers {"status":"healthy"}: the process is alive. It says nothing that
// may not be public.
func Health() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeStatus(w, http.StatusOK, status{Status: "healthy"})
	})
}

type admin struct{ AdminOptions }

// status is an answer about the server itself.
type status struct {
	Status string `json:"status"`
	Code   string `json:"code,omitempty"` // why it is unhealthy: see backend.Code
	Report
}

func (a *admin) ready(w http.ResponseWriter, r *http.Request) {
	if Draining(r.Context()) {
		writeStatus(w, http.StatusServiceUnavailable, status{Status: "stopping"})
		return
	}
	if a.Readiness == nil {
		writeStatus(w, http.StatusOK, status{Status: "healthy"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.ReadyTimeout)
	defer cancel()
	report, err := a.Readiness.Ready(ctx)
	switch {
	case err != nil:
		a.Logger.ErrorContext(ctx, "not ready", "error", err)
		writeStatus(w, http.StatusServiceUnavailable, status{Status: "unhealthy", Code: executor.CodeOf(err).String(), Report: report})
	case report.Unusable:
		writeStatus(w, http.StatusServiceUnavailable, status{Status: "unhealthy", Report: report})
	case len(report.Broken) > 0 || report.out():
		writeStatus(w, http.StatusOK, status{Status: "degraded", Report: report})
	default:
		writeStatus(w, http.StatusOK, status{Status: "healthy", Report: report})
	}
}

func (a *admin) reload(w http.ResponseWriter, r *http.Request) {
	changes, err := a.Reload(r.Context())
	if err != nil {
		code := executor.CodeOf(err)
		a.Logger.ErrorContext(r.Context(), "reload", "error", err)
		writeFailure(w, code.HTTPStatus(), code.String(), code.Message()+"; what was loaded before stays in use")
		return
	}
	a.Logger.InfoContext(r.Context(), "reloaded", "changed", changes.Changed(), "schema", changes.Schema)
	writeStatus(w, http.StatusOK, changes)
}

func writeStatus(w http.ResponseWriter, code int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // strings and lists of them
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n')) // an error: the client has gone
}
