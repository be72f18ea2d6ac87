// Package fraiseql answers JSON operations from PostgreSQL, on lib/pq or pgx, and
// can run every operation on both and compare.
//
//	settings, err := flags.FromEnv()
//	db, err := fraiseql.Open(ctx, "", settings)
//	defer db.Close()
//	err = db.ExecuteJSON(ctx, request, w) // {"data":…,"errors":null}
//
// It ties the packages below it together and adds no behavior of its own:
// flags reads the settings, catalog what the database has, builder makes SQL of a
// definition, executor runs it, parity compares. Each can be used without it.
package fraiseql

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
	"github.com/fraiseql/fraiseql-go/server/auth"
	"github.com/fraiseql/fraiseql-go/tracing"
)

// DB answers operations on one database. It is safe for concurrent use.
type DB struct {
	settings *flags.Settings
	main     *executor.DB
	other    *executor.DB // the second backend while parity testing is on, else nil
	runner   executor.Runner
	harness  *Harness
	shadow   *shadow.Shadow  // while parity testing is on in mode shadow, else nil
	replicas *replica.Runner // where there are replicas, else nil

	catalog *catalog.Store
	schema  atomic.Pointer[builder.Schema]
	reload  sync.Mutex

	cfg         backend.Config
	graphqlConf graphql.Config
	graphqlOpts []graphql.SchemaOption
	engine      atomic.Pointer[graphql.Engine] // nil: nobody has asked for it
	keys        atomic.Pointer[auth.JWT]       // of the Site; nil: there are none
	misfit      atomic.Pointer[error]          // why the last catalog made no GraphQL schema; nil: it did
	reloading   atomic.Bool
	tracing     *tracing.Tracer // nil: there are no spans
	background  sync.WaitGroup
}

// Option changes how Open works.
type Option interface{ apply(*config) }

type config struct {
	getenv   func(string) string
	executor []executor.Option
	catalog  []catalog.Option
	parity   []ParityOption
	shadow   []ShadowOption
	graphql  graphql.Config
	leaveOut bool
	tracing  *tracing.Tracer
}

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithEnv is where the PG* variables that complete a DSN are looked up. Default:
// os.Getenv.
func WithEnv(getenv func(string) string) Option {
	return optionFunc(func(c *config) { c.getenv = getenv })
}

// WithExecutor adds options to those that the settings give, for both backends.
func WithExecutor(o ...executor.Option) Option {
	return optionFunc(func(c *config) { c.executor = append(c.executor, o...) })
}

// WithCatalog adds options for loading the catalog to those that the settings
// give. Default: every schema that the role may use.
func WithCatalog(o ...catalog.Option) Option {
	return optionFunc(func(c *config) { c.catalog = append(c.catalog, o...) })
}

// WithoutCollisions goes on without one of two things that meet in one name, tables
// in GraphQL or columns of a table in camelCase, and lists it by DB.Broken: what
// serves the rest rather than nothing. See graphql.WithoutCollisions and
// catalog.WithoutCollisions for which of two it is. A Reload never displaces what is
// served: it fails, and what was loaded before stays. Default: Open or GraphQL fails.
func WithoutCollisions() Option {
	return optionFunc(func(c *config) { c.leaveOut = true })
}

// WithTracerProvider sends spans of OpenTelemetry to p: one for each HTTP request and
// one for each statement, on either backend; see package tracing. Lines of the log
// have the trace_id then. Default: none, which costs nothing.
func WithTracerProvider(p trace.TracerProvider) Option {
	return optionFunc(func(c *config) { c.tracing = tracing.New(p) })
}

// Open connects to dsn, or to the settings' DatabaseURL where dsn is "", with the
// backend that the settings name, and reads the catalog. With ParityTesting it
// connects through the other backend too and compares every operation; the
// answers are those of the named backend. In mode shadow that is done beside the
// operations; see package shadow. With DatabaseReadURL reads go to its replicas; see
// package replica. nil settings mean flags.Default.
//
// Errors of the settings and of the DSN have backend.CodeConfiguration.
func Open(ctx context.Context, dsn string, s *flags.Settings, o ...Option) (db *DB, err error) {
	if s == nil {
		s = flags.Default()
	}
	c := config{getenv: os.Getenv}
	for _, opt := range o {
		opt.apply(&c)
	}
	if dsn == "" {
		dsn = s.DatabaseURL
	}
	if dsn == "" {
		return nil, backend.New("open", backend.CodeConfiguration,
			errors.New("no database to connect to: give a DSN, or set FRAISEQL_DATABASE_URL or DATABASE_URL"))
	}
	cfg, err := Config(dsn, s, c.getenv)
	if err != nil {
		return nil, err
	}
	backends, err := all.Backends(BackendOptions(s)...)
	if err != nil {
		return nil, err
	}
	named, err := backends.Lookup(s.Backend)
	if err != nil {
		return nil, err
	}
	alone := s.ParityTesting && !s.Compares() && len(c.shadow) == 0
	if alone {
		named = otherThan(backends, named)
	}
	db = &DB{settings: s, cfg: cfg, graphqlConf: c.graphql, tracing: c.tracing}
	if db.graphqlConf.Limits == (graphql.Limits{}) {
		db.graphqlConf.Limits = GraphQLLimits(s)
	}
	if c.leaveOut {
		c.catalog = append(c.catalog, catalog.WithoutCollisions())
		db.graphqlOpts = append(db.graphqlOpts, graphql.WithoutCollisions())
	}
	defer func() { //nolint:contextcheck // what it ends has a life of its own
		if err != nil {
			err = errors.Join(err, db.Close())
			db = nil
		}
	}()
	options := append(ExecutorOptions(s), db.tracing.Options()...)
	if s.LogPerformance { // with the ids of requests
		options = append(options, executor.WithSlowLog(db.logger(), s.PerformanceThreshold))
	}
	options = append(options, c.executor...)
	if db.main, err = executor.Open(ctx, named, cfg, options...); err != nil {
		return db, err
	}
	db.runner = db.main
	switch {
	case s.DatabaseReadURL != "":
		if err = db.replicate(ctx, s.ParityTesting && !alone, options, c.getenv); err != nil {
			return db, err
		}
	case alone: // the last stage: there is nothing to compare with any more
	case s.ParityTesting && s.ParityMode == flags.ParityShadow:
		if err = db.shadowed(ctx, backends, options, c.parity, c.shadow); err != nil {
			return db, err
		}
	case s.ParityTesting:
		if err = db.compare(ctx, backends, cfg, options, c.parity); err != nil {
			return db, err
		}
	}
	if db.catalog, err = catalog.OpenStore(ctx, db.main.Pool(), append(CatalogOptions(s), c.catalog...)...); err != nil {
		return db, backend.Wrap(named, "read catalog", err)
	}
	return db, db.build()
}

// build makes the Schema of the current catalog, and that of GraphQL: both or none.
func (db *DB) build() error {
	current := db.catalog.Catalog()
	if old := db.schema.Load(); old != nil && old.Catalog() == current {
		return nil
	}
	schema, err := builder.NewSchema(current, SchemaOptions(db.settings))
	if err != nil {
		return err
	}
	e := db.engine.Load()
	if e == nil {
		db.schema.Store(schema)
		return nil
	}
	made, err := db.graphqlSchema(schema)
	if err == nil {
		err = displaced(made, e.Schema())
	}
	if err != nil {
		db.misfit.Store(&err)
		return err // both go on with the old one, and the next Reload tries again
	}
	db.misfit.Store(nil)
	db.schema.Store(schema)
	e.SetSchema(made)
	for _, b := range broken(made) {
		db.logger().Warn("left out of the schema", "object", b.Object, "reason", b.Reason)
	}
	return nil
}

// Close closes the connections, after the statements that run have ended.
func (db *DB) Close() error {
	db.background.Wait()
	var errs []error
	if db.shadow != nil {
		errs = append(errs, db.shadow.Close())
	}
	if db.replicas != nil {
		errs = append(errs, db.replicas.Close())
	}
	for _, e := range []*executor.DB{db.main, db.other} {
		if e != nil {
			errs = append(errs, e.Close())
		}
	}
	return errors.Join(errs...)
}

// Runner runs single Statements and transactions: both backends' while parity
// testing is on.
func (db *DB) Runner() executor.Runner { return db.runner }

// Schema is what definitions are checked against now. Reload replaces it; who
// took it before keeps the old one.
func (db *DB) Schema() *builder.Schema { return db.schema.Load() }

// Reload reads the catalog again, after the database's schema has changed, and the
// keys that tokens are checked with.
// Operations that run meanwhile use the old ones. What can't be read stays as it
// was; the rest is new all the same.
func (db *DB) Reload(ctx context.Context) error {
	var err error
	if keys := db.keys.Load(); keys != nil {
		err = keys.Reload()
	}
	return errors.Join(err, db.reloadSchema(ctx))
}

// reloadSchema is Reload without the keys, which a change of the database says
// nothing about.
func (db *DB) reloadSchema(ctx context.Context) error {
	db.reload.Lock()
	defer db.reload.Unlock()
	if err := db.catalog.Reload(ctx); err != nil {
		return backend.Wrap(db.main.Backend(), "read catalog", err)
	}
	return db.build()
}

// Execute runs def and writes its answer; see executor.Execute. Where it turns
// out that the tables have changed since the catalog was read, the catalog is
// read again and def is run once more, unless part of the answer was written.
func (db *DB) Execute(ctx context.Context, def *builder.Definition, w io.Writer, o ...executor.ExecOption) error {
	return db.fresh(ctx, func() error {
		return executor.Execute(ctx, db.runner, db.Schema(), def, w, o...)
	})
}

// ExecuteJSON runs what request asks for (one definition, a list, or a
// transaction; see builder.Parse) and always writes an answer: that of
// executor.ExecuteRequest, or {"data":null,"errors":[…]}. The error is for the
// log and for the caller's status code (executor.CodeOf). If executor.Partial
// says so, the answer is cut off and the connection to the client must be broken.
func (db *DB) ExecuteJSON(ctx context.Context, request []byte, w io.Writer, o ...executor.ExecOption) error {
	if db.replicas != nil && replica.SessionOf(ctx) == nil {
		ctx = replica.WithSession(ctx, replica.NewSession()) // what a list writes it reads
	}
	req, err := db.Schema().Parse(request)
	if err == nil {
		err = db.fresh(ctx, func() error {
			return executor.ExecuteRequest(ctx, db.runner, db.Schema(), req, w, o...)
		})
	}
	if err != nil && !executor.Answered(err) {
		err = errors.Join(err, executor.WriteError(w, err))
	}
	return err
}

// fresh runs f, and once more after a Reload if the schema was found changed.
func (db *DB) fresh(ctx context.Context, f func() error) error {
	err := f()
	if !errors.Is(err, executor.ErrSchemaChanged) || executor.Answered(err) {
		return err
	}
	if rerr := db.reloadSchema(ctx); rerr != nil {
		return errors.Join(err, rerr)
	}
	return f()
}
