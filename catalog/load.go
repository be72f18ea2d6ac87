package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Querier runs a query: a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// beginner is a Querier that can give Load a transaction of its own.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// Option changes what Load reads.
type Option interface{ apply(*config) }

type config struct {
	schemas []string
	// guessViews takes every view and foreign table to be writable instead of
	// asking: a foreign-data wrapper that is broken makes asking fail.
	guessViews bool
	leaveOut   bool // see WithoutCollisions
}

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithSchemas limits the Catalog to these schemas. The default is each schema
// that the role may use, but for PostgreSQL's own and temporary ones. A schema
// that is not there, or that the role may not use, fails the Load with an
// *UnknownSchemaError.
func WithSchemas(schemas ...string) Option {
	return optionFunc(func(c *config) { c.schemas = append(c.schemas, schemas...) })
}

// WithoutCollisions leaves a column out whose camelCase name another one of its
// table has, as if the role might not use it, with the keys and foreign keys that
// it is part of; Catalog.Collisions lists it. Of two the first in the table's
// order stays. Default: the Load fails.
func WithoutCollisions() Option {
	return optionFunc(func(c *config) { c.leaveOut = true })
}

// attempts is how often Load reads before it gives up on a schema that is being
// changed under it.
const attempts = 3

// Load reads the catalog of the database behind db, as the current role sees
// it, in a fixed number of statements. PostgreSQL 12 and newer.
//
// A *sql.DB or *sql.Conn is given a REPEATABLE READ, READ ONLY transaction of
// its own, so that the Catalog shows one moment; it reads again, up to three
// times, when objects vanish while their text is being printed, or when a
// broken foreign-data wrapper cannot say what is writable. A *sql.Tx is used as
// it stands, with its isolation, and is not ended.
//
// Two columns of one table with one camelCase name fail the Load, unless
// WithoutCollisions says otherwise: the error joins one *CollisionError for each
// pair.
func Load(ctx context.Context, db Querier, o ...Option) (*Catalog, error) {
	var conf config
	for _, opt := range o {
		opt.apply(&conf)
	}
	b, ok := db.(beginner)
	if !ok {
		return loadOnce(ctx, db, conf)
	}
	for n := 1; ; n++ {
		c, err := loadInTx(ctx, b, conf)
		state := sqlState(err)
		if err == nil || n == attempts || ctx.Err() != nil || !vanished(state) && !brokenWrapper(state) {
			return c, err
		}
		conf.guessViews = conf.guessViews || brokenWrapper(state)
	}
}

func loadInTx(ctx context.Context, b beginner, conf config) (*Catalog, error) {
	tx, err := b.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read catalog: begin: %w", err)
	}
	// Nothing was written: rolling back ends it as well as committing, and
	// database/sql throws the connection away if even that does not work.
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, noJITQuery); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return loadOnce(ctx, tx, conf)
}

func loadOnce(ctx context.Context, q Querier, conf config) (*Catalog, error) {
	l := newLoader(q)
	if err := l.read(ctx, conf); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return l.finish(conf.leaveOut)
}

// sqlState is the SQLSTATE of err, or "". Both drivers' errors have the method.
func sqlState(err error) string {
	var s interface{ SQLState() string }
	if !errors.As(err, &s) {
		return ""
	}
	return s.SQLState()
}

// vanished says that the server met an object that another session has dropped
// since the snapshot was taken: functions that print expressions look at the
// newest state.
func vanished(state string) bool {
	switch state {
	case "XX000", // internal_error: "cache lookup failed for function 16400"
		"42P01", "42883", "42704", // undefined table, function, object
		"40001": // a standby cancelled the snapshot
		return true
	}
	return false
}

// brokenWrapper says that a foreign-data wrapper has no handler (55000), not its
// library (58P01), or refuses to answer (class HV). One such wrapper must not
// keep the whole database from being used.
func brokenWrapper(state string) bool {
	return state == "55000" || state == "58P01" || strings.HasPrefix(state, "HV")
}
