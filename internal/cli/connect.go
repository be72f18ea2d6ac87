package cli

import (
	"context"
	"database/sql"
	"errors"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"

	fraiseql "github.com/fraiseql/fraiseql-go"
)

// pairOfBackends is one database, open on two backends. The control is the
// selected backend, whose answers are given; the candidate is the other.
type pairOfBackends struct {
	control, candidate *executor.DB
	schema             *builder.Schema
}

// Close closes both pools.
func (p *pairOfBackends) Close() error {
	var errs []error
	for _, db := range []*executor.DB{p.control, p.candidate} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// openPair opens the database of s on both backends and reads its catalog.
func (a *app) openPair(ctx context.Context, s *flags.Settings) (p *pairOfBackends, err error) {
	set, err := all.Backends(fraiseql.BackendOptions(s)...)
	if err != nil {
		return nil, err
	}
	opened := &pairOfBackends{}
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.Close())
		}
	}()
	cfg, err := a.config(s.DatabaseURL, s)
	if err != nil {
		return nil, err
	}
	for _, b := range set.All() {
		db, err := executor.Open(ctx, b, cfg, fraiseql.ExecutorOptions(s)...)
		if err != nil {
			return nil, err
		}
		if b.Name() == s.Backend {
			opened.control = db
		} else {
			opened.candidate = db
		}
	}
	cat, err := catalog.Load(ctx, opened.control.Pool(), fraiseql.CatalogOptions(s)...)
	if err != nil {
		return nil, err
	}
	opened.schema, err = builder.NewSchema(cat, fraiseql.SchemaOptions(s))
	return opened, err
}

// selectedBackend is the backend that the settings name.
func (a *app) selectedBackend(s *flags.Settings) (backend.Backend, error) {
	set, err := all.Backends(fraiseql.BackendOptions(s)...)
	if err != nil {
		return nil, err
	}
	return set.Lookup(s.Backend)
}

// config is how to reach the database of s.
func (a *app) config(dsn string, s *flags.Settings) (backend.Config, error) {
	if dsn == "" {
		return backend.Config{}, &exit{
			code: ExitUsage, err: errors.New("no database to connect to"),
			hint: "set DATABASE_URL or give --database-url; `fraiseql demo` brings a database of its own",
		}
	}
	return fraiseql.Config(dsn, s, a.getenv)
}

// pool is a small plain pool on b, for statements of the command itself.
func (a *app) pool(b backend.Backend, dsn string, s *flags.Settings) (*sql.DB, error) {
	cfg, err := a.config(dsn, s)
	if err != nil {
		return nil, err
	}
	connector, err := b.Connector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(2)
	return db, nil
}
