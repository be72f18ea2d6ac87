package fraiseql

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/server"
	"github.com/fraiseql/fraiseql-go/server/auth"
	"github.com/fraiseql/fraiseql-go/server/graphiql"
	"github.com/fraiseql/fraiseql-go/tracing"
)

// Site is a DB over HTTP, put together as its settings say.
type Site struct {
	// Public answers clients: GraphQL, JSON definitions with their OpenAPI
	// document, GraphiQL where it is on, and /healthz.
	Public http.Handler
	// Admin answers operators: /healthz, /readyz, /metrics, POST /reload, and /shadow
	// where there is one. It asks
	// nobody who they are and belongs on a listener of its own.
	Admin http.Handler

	db      *DB
	closers []func()
	trusted *server.TrustedDocuments // nil: every document is answered
	unfit   atomic.Pointer[unfit]
}

// Site puts the handlers together. Close it before the DB. Errors of the settings
// and of the GraphQL schema have backend.CodeConfiguration.
func (db *DB) Site() (_ *Site, err error) {
	engine, err := db.GraphQL()
	if err != nil {
		return nil, err
	}
	o, err := ServerOptions(db.settings)
	if err != nil {
		return nil, err
	}
	site := &Site{db: db, trusted: o.Trusted}
	defer func() {
		if err != nil {
			site.Close()
		}
	}()
	if o.Authenticator, err = site.authenticator(); err != nil {
		return nil, err
	}
	if err := o.CORS.Validate(); err != nil {
		return nil, backend.New("open", backend.CodeConfiguration, err)
	}
	o.Logger = db.logger()
	for _, b := range site.unfitDocuments(engine.Schema()) {
		o.Logger.Warn("the schema can't answer "+b.Object, "error", b.Reason)
	}
	if db.tracing != nil {
		o.Observe = traceOperation
	}
	if o.Sessions = db.sessions(); o.Sessions != nil {
		o.CORS.Headers = append(o.CORS.Headers, server.SessionHeader)
		o.CORS.Expose = append(o.CORS.Expose, server.SessionHeader)
	}
	metrics := db.metrics()
	o.Metrics = metrics
	engine.ObservePlans(metrics.PlanCache)
	mux := http.NewServeMux()
	s := db.settings
	watched := func(path, name string, h http.Handler) {
		mux.Handle(path, db.tracing.Handler(path, metrics.Instrument(name, h)))
	}
	watched(s.GraphQL.Path, "graphql", server.NewGraphQL(serverEngine{db, engine}, o))
	mux.Handle("GET /healthz", server.Health())
	if s.GraphQL.ServeDefinitions() {
		h := server.NewDefinitions(db, server.DefinitionOptions{
			Authenticator: o.Authenticator, MaxBody: o.MaxBody, MaxRows: s.MaxRows, RateLimit: o.RateLimit, Sessions: o.Sessions, Metrics: metrics, Logger: o.Logger,
		})
		around := server.MiddlewareOptions{CORS: o.CORS, NoCompression: o.NoCompression, Logger: o.Logger}
		api := server.NewOpenAPI(db.Schema, server.OpenAPIOptions{MaxBody: o.MaxBody, Bearer: s.JWT.HasKey(), RateLimited: o.RateLimit != nil}, o.Authenticator)
		mux.Handle("/openapi.json", api)
		mux.Handle("/openapi.yaml", api)
		watched("/definitions", "definitions", server.Middleware(h, around))
	}
	switch {
	case s.GraphQL.GraphiQL:
		mux.Handle("/", graphiql.Handler(graphiql.Options{Endpoint: s.GraphQL.Path, Query: firstQuery(engine.Schema())}))
	case s.GraphQL.Path != "/":
		mux.Handle("/", server.NotFound(whereItIs(s)))
	}
	site.Public = mux
	site.Admin = server.NewAdmin(server.AdminOptions{
		Readiness: site, Metrics: metrics, Reload: site.reload, Shadow: db.adminShadow(), Profiling: s.Server.Profiling, Logger: o.Logger,
	})
	return site, nil
}

// whereItIs is what those are told who look in the wrong place.
func whereItIs(s *flags.Settings) string {
	text := "nothing is here; GraphQL is at " + s.GraphQL.Path
	if s.GraphQL.ServeDefinitions() {
		text += ", JSON definitions are at /definitions"
	}
	return text
}

// traceOperation is server.Options.Observe where there are spans.
func traceOperation(ctx context.Context, done server.Outcome) {
	tracing.Operation(ctx, done.Name, done.Kind, done.Code)
}

// logger writes to the program's log, with the ids of the request and of its trace.
func (db *DB) logger() *slog.Logger {
	return slog.New(server.LogRequestID(db.tracing.Log(slog.Default().Handler())))
}

// firstQuery is what GraphiQL shows to who has never been there: a list that the
// schema has, or nothing of its own.
func firstQuery(s *graphql.Schema) string {
	example := s.Example()
	if example == "" {
		return ""
	}
	return "# Ctrl-Space completes, Ctrl-Enter runs; the book on the left is the schema.\n\n" + example + "\n"
}

// authenticator checks tokens, and gives those who have none their role. nil:
// nobody is asked who they are. A token that nothing can check is refused.
func (s *Site) authenticator() (server.Authenticator, error) {
	if j := s.db.settings.JWT; !j.HasKey() && j.AnonymousRole == "" && !j.Required {
		return nil, nil
	}
	a, err := auth.New(AuthOptions(s.db.settings))
	if err != nil {
		return nil, backend.New("open", backend.CodeConfiguration, err)
	}
	s.db.keys.Store(a)
	s.closers = append(s.closers, a.Close)
	return a, nil
}

// Close ends what the Site does beside requests.
func (s *Site) Close() {
	for _, c := range s.closers {
		c()
	}
}

// Handler is what Site has for clients, for who serves it with a server of their
// own: http.ListenAndServe(addr, h). What Close would end goes on with the process.
func (db *DB) Handler() (http.Handler, error) {
	site, err := db.Site()
	if err != nil {
		return nil, err
	}
	return site.Public, nil
}

// Serve answers requests at the addresses of the settings until ctx ends, and ends
// those that are running then. ready is told the addresses when both listen.
func (db *DB) Serve(ctx context.Context, ready func(addr, adminAddr string)) error {
	site, err := db.Site() //nolint:contextcheck // what it fetches beside requests lives as long as it does
	if err != nil {
		return err
	}
	defer site.Close()
	if db.settings.GraphQL.SchemaReload == flags.ReloadListen {
		stop := db.watch(ctx)
		defer stop()
	}
	s := db.settings.Server
	return server.Serve(ctx, site.Public, site.Admin, server.ListenOptions{
		Addr: s.Addr, AdminAddr: s.AdminAddr, TLSCert: s.TLSCertFile, TLSKey: s.TLSKeyFile, H2C: s.H2C,
		ReadTimeout: s.ReadTimeout, WriteTimeout: s.WriteTimeout, RequestTimeout: s.RequestTimeout,
		MaxInFlight: s.MaxInFlight, DrainDelay: s.DrainDelay, ShutdownTimeout: s.ShutdownTimeout,
	}, ready)
}

// watch runs Watch beside the server. A role that may not make the trigger is
// logged, with what to do; the server goes on without.
func (db *DB) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := db.Watch(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "the schema is not watched", "error", err)
		}
	}()
	return func() { cancel(); <-done }
}

var _ server.Readiness = (*Site)(nil)

// Ready implements server.Readiness: the database answers, and these are the
// objects that the GraphQL schema lacks.
func (s *Site) Ready(ctx context.Context) (server.Report, error) {
	engine, err := s.db.GraphQL()
	if err != nil {
		return server.Report{}, err
	}
	r := server.Report{Schema: s.db.Schema().Catalog().Version()}
	for _, b := range broken(engine.Schema()) {
		r.Broken = append(r.Broken, server.Broken{Object: b.Object, Reason: b.Reason})
	}
	r.Broken = append(r.Broken, s.unfitDocuments(engine.Schema())...)
	if misfit := s.db.misfit.Load(); misfit != nil {
		r.Broken = append(r.Broken, server.Broken{
			Object: "schema", Reason: "what the database has now cannot be served, what was loaded before is: " + (*misfit).Error(),
		})
	}
	var reads bool
	r.Replicas, reads = s.db.replicaReports()
	for _, db := range []*executor.DB{s.db.main, s.db.other, s.db.answering()} {
		if db == nil {
			continue
		}
		if err := db.Ping(ctx); err != nil {
			if !reads {
				return r, err
			}
			// As in a failover: queries go on.
			s.db.logger().ErrorContext(ctx, "the primary can't be reached; queries are answered by replicas", "error", err)
			r.Broken = append(r.Broken, server.Broken{Object: "primary", Reason: "it can't be reached; queries are answered by replicas, mutations are not"})
		}
	}
	return r, nil
}

// reload is POST /reload.
func (s *Site) reload(ctx context.Context) (server.Changes, error) {
	before := s.db.Schema()
	if err := s.db.Reload(ctx); err != nil {
		return server.Changes{}, err
	}
	return server.SchemaChanges(before, s.db.Schema())
}

// metrics count what db does.
func (db *DB) metrics() *server.Metrics {
	m := server.NewMetrics()
	for _, e := range []*executor.DB{db.main, db.other} {
		if e != nil {
			m.AddPool(e.Backend().Name(), e.Stats)
			m.AddQueue(e.Backend().Name(), e.Queue)
		}
	}
	db.shadowMetrics(m)
	db.replicaMetrics(m)
	if db.harness != nil && db.shadow == nil {
		m.AddParity(func() map[string]uint64 {
			counts := map[string]uint64{}
			for v, n := range db.harness.Summary().Verdicts {
				counts[v.String()] = n
			}
			return counts
		})
	}
	return m
}

// WriteSDL writes the GraphQL schema in the schema definition language.
func (db *DB) WriteSDL(w io.Writer) error {
	engine, err := db.GraphQL()
	if err != nil {
		return err
	}
	return engine.Schema().WriteSDL(w)
}
