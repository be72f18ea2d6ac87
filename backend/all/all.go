// Package all is the explicit list of the backends that ship with the product.
// There is no registry and no init: whoever wants one backend alone imports its
// package and does not link the other driver.
package all

import (
	"fmt"
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
)

// Option sets up the shipped backends.
type Option func(*options)

type options struct {
	pgxMode          pgx.Mode
	binaryParameters bool
	pooler           bool
	binary           func(oid uint32) bool
}

// WithPgxMode chooses how pgx sends statements (FRAISEQL_PGX_EXEC_MODE):
// cache_statement, cache_describe, describe_exec, exec or simple_protocol. The
// default is cache_statement, or exec with WithPooler.
func WithPgxMode(mode string) Option { return func(o *options) { o.pgxMode = pgx.Mode(mode) } }

// WithBinaryParameters makes lib/pq send a statement in one flight, without a named
// statement (its binary_parameters=yes). The default is off, or on with WithPooler.
func WithBinaryParameters() Option { return func(o *options) { o.binaryParameters = true } }

// WithPooler chooses the modes that are safe behind a pooler in transaction mode.
// Config.Pooler has to be set as well. The default is off.
func WithPooler() Option { return func(o *options) { o.pooler = true } }

// WithBinary says which built-in types the caller decodes from binary wire values;
// see pgx.WithBinary. The default is none.
func WithBinary(can func(oid uint32) bool) Option { return func(o *options) { o.binary = can } }

// Backends returns the shipped backends: pgx, then pq.
func Backends(opts ...Option) (backend.Set, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.pooler {
		if o.pgxMode == "" {
			o.pgxMode = pgx.Exec
		}
		o.binaryParameters = true
	}
	if o.pgxMode != "" && !known(o.pgxMode) {
		return backend.Set{}, backend.New("choose backends", backend.CodeConfiguration,
			fmt.Errorf("pgx mode %q: want one of %v", o.pgxMode, pgx.Modes()))
	}
	return backend.NewSet(
		pgx.New(pgx.WithMode(o.pgxMode), pgx.WithBinary(o.binary)),
		pq.New(pq.WithBinaryParameters(o.binaryParameters)),
	)
}

// Modes returns one backend for every wire mode, for suites: pgx in five, pq in
// two. Their names repeat (backend.ModeOf tells them apart), so this is no Set.
func Modes(binary func(oid uint32) bool) []backend.Backend {
	var list []backend.Backend
	for _, m := range pgx.Modes() {
		list = append(list, pgx.New(pgx.WithMode(m), pgx.WithBinary(binary)))
	}
	return append(list, pq.New(), pq.New(pq.WithBinaryParameters(true)))
}

func known(mode pgx.Mode) bool {
	return slices.Contains(pgx.Modes(), mode)
}
