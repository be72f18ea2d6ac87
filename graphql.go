package fraiseql

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/server"
)

// WithGraphQL changes what the GraphQL schema is made like: names, omissions,
// keys of views. Its zero limits are those of the settings. Default: everything
// that the role may use.
func WithGraphQL(conf graphql.Config) Option {
	return optionFunc(func(c *config) { c.graphql = conf })
}

// GraphQL answers GraphQL documents. It is made at the first call; the error says
// what of the configuration or the catalog can't be told in GraphQL
// (backend.CodeConfiguration). Reload gives it the new schema.
func (db *DB) GraphQL() (*graphql.Engine, error) {
	if e := db.engine.Load(); e != nil {
		return e, nil // without waiting for a Reload, which waits for the database
	}
	db.reload.Lock()
	defer db.reload.Unlock()
	if e := db.engine.Load(); e != nil {
		return e, nil
	}
	s, err := db.graphqlSchema(db.Schema())
	if err != nil {
		return nil, err
	}
	e := graphql.NewEngine(s, db.runner, EngineOptions(db.settings))
	db.engine.Store(e)
	return e, nil
}

// EngineOptions are the options of graphql.NewEngine.
func EngineOptions(s *flags.Settings) graphql.EngineOptions {
	return graphql.EngineOptions{
		Plans:          orNever(s.GraphQL.PlanCacheSize),
		OneSnapshot:    s.GraphQL.QueryTx == flags.TxDocument,
		OneTransaction: s.MutationTx == flags.TxDocument,
		ShowStates:     s.GraphQL.ErrorSQLStates,
	}
}

func (db *DB) graphqlSchema(of *builder.Schema) (*graphql.Schema, error) {
	s, err := graphql.NewSchema(of, db.graphqlConf, db.graphqlOpts...)
	if err != nil {
		return nil, backend.New("open", backend.CodeConfiguration, err)
	}
	return s, nil
}

// displaced is an error where a table that before serves has to give its names to
// another one: clients would be answered from a table that they do not mean.
func displaced(made, before *graphql.Schema) error {
	var errs []error
	for _, b := range made.Displaced(before) {
		errs = append(errs, errors.New(b.Reason))
	}
	if len(errs) == 0 {
		return nil
	}
	return backend.New("reload", backend.CodeConfiguration, errors.Join(errs...))
}

// Broken lists what the schema lacks: objects whose names others have, see
// WithoutCollisions, and objects that the configuration says otherwise than they
// are. The error is that of GraphQL.
func (db *DB) Broken() ([]graphql.Broken, error) {
	engine, err := db.GraphQL()
	if err != nil {
		return nil, err
	}
	return broken(engine.Schema()), nil
}

func broken(made *graphql.Schema) []graphql.Broken {
	list := made.Broken()
	for _, c := range made.Builder().Catalog().Collisions() {
		list = append(list, graphql.Broken{Object: "column " + c.Columns[1] + " of " + c.Schema + "." + c.Table, Reason: c.Error() + "; it is left out"})
	}
	return list
}

// serverEngine is the engine as package server wants it.
type serverEngine struct {
	db     *DB
	engine *graphql.Engine
}

var _ server.Engine = serverEngine{}

// Prepare implements server.Engine.
func (e serverEngine) Prepare(ctx context.Context, r *server.Request) (server.Operation, error) {
	op, err := e.engine.Prepare(ctx, &graphql.Request{
		Query: r.Query, OperationName: r.OperationName, Variables: r.Variables, NoIntrospection: r.NoIntrospection,
	})
	if err != nil {
		return nil, err
	}
	return serverOperation{op, e.db}, nil
}

type serverOperation struct {
	*graphql.Operation
	db *DB
}

// Execute implements server.Operation. Where it turns out that the tables have
// changed, the catalog is read again, for the requests that follow.
func (o serverOperation) Execute(ctx context.Context, w io.Writer, opts ...executor.ExecOption) error {
	err := o.Operation.Execute(ctx, w, opts...)
	if err != nil && errors.Is(err, executor.ErrSchemaChanged) {
		o.db.reloadSoon(ctx)
	}
	return err
}

// reloadSoon reads the catalog again beside the requests, once at a time.
func (db *DB) reloadSoon(ctx context.Context) {
	if !db.reloading.CompareAndSwap(false, true) {
		return
	}
	db.background.Go(func() {
		defer db.reloading.Store(false)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.settings.ConnectionTimeout)
		defer cancel()
		if err := db.reloadSchema(ctx); err != nil {
			slog.ErrorContext(ctx, "the schema has changed and can't be read", "error", err)
		}
	})
}
