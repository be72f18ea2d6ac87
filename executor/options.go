package executor

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log/slog"
	"time"

	"github.com/fraiseql/fraiseql-go/codec"
)

// Option changes how a DB works. Each has a default that is safe.
type Option interface{ apply(*options) }

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// options are what Open and Adopt were told. Durations of zero mean the default;
// the With functions turn what is not positive into "no bound" where that exists.
type options struct {
	maxConns, minIdle     int
	maxWaiting            int // 0: no bound
	acquireTimeout        time.Duration
	idleTimeout, lifetime time.Duration
	queryTimeout          time.Duration
	retries               int
	types                 *codec.Registry
	log                   *slog.Logger
	slow                  time.Duration
	observe               func(context.Context, Observation)
	settings              map[string]string
	tap                   Tap              // nil: nobody looks
	other                 *DB              // where reads go that this one can't do; nil: nowhere
	when                  func(error) bool // says which
	// committed is called after a commit; see AfterCommit. nil: nobody asks
	committed func(context.Context, *sql.Conn)
	connected func(context.Context, driver.Conn) error // nil: any connection will do
}

// The defaults of the options.
const (
	defaultMaxConns       = 20
	defaultMinIdle        = 2
	defaultMaxWaiting     = 1000
	defaultAcquireTimeout = 30 * time.Second
	defaultIdleTimeout    = 10 * time.Minute
	defaultLifetime       = 30 * time.Minute
	defaultQueryTimeout   = 30 * time.Second
	defaultRetries        = 3
	defaultSlow           = 100 * time.Millisecond
)

func defaults() options {
	return options{
		maxConns: defaultMaxConns, minIdle: defaultMinIdle, maxWaiting: defaultMaxWaiting,
		acquireTimeout: defaultAcquireTimeout, idleTimeout: defaultIdleTimeout, lifetime: defaultLifetime,
		queryTimeout: defaultQueryTimeout, retries: defaultRetries,
		types: codec.Builtin(),
	}
}

// WithMaxConns bounds the connections of the pool. Default 20; below 1 means the
// default. Adopt leaves the caller's pool as it is.
func WithMaxConns(n int) Option {
	return optionFunc(func(o *options) { o.maxConns = orDefault(n, defaultMaxConns) })
}

// WithMinIdle is how many connections Open makes before it returns, so that the
// first requests need not wait for a login. Default 2; at most WithMaxConns.
// Connections that have been idle for WithIdleTimeout are closed even if fewer
// than this are left.
func WithMinIdle(n int) Option {
	return optionFunc(func(o *options) { o.minIdle = max(n, 0) })
}

// WithMaxWaiting bounds how many wait for a connection at one time; who comes on top
// is refused at once with backend.CodeServiceUnavailable, without having been sent.
// They wait in the order of coming. Default 1000; not positive means no bound. Adopt
// leaves it to the caller's pool.
func WithMaxWaiting(n int) Option {
	return optionFunc(func(o *options) { o.maxWaiting = max(n, 0) })
}

// WithAcquireTimeout bounds the wait for a connection; after it the error is
// backend.CodeServiceUnavailable. Default 30 s; not positive means the default.
func WithAcquireTimeout(d time.Duration) Option {
	return optionFunc(func(o *options) { o.acquireTimeout = orDefault(d, defaultAcquireTimeout) })
}

// WithIdleTimeout closes connections that nobody used for d. Default 10 minutes;
// negative means never.
func WithIdleTimeout(d time.Duration) Option {
	return optionFunc(func(o *options) { o.idleTimeout = d })
}

// WithMaxLifetime closes connections of that age when they are given back.
// Default 30 minutes; negative means never.
func WithMaxLifetime(d time.Duration) Option {
	return optionFunc(func(o *options) { o.lifetime = d })
}

// WithQueryTimeout bounds one statement, the reading of its rows included; after
// it the error is backend.CodeTimeout and the statement ends on the server.
// Default 30 s; negative means no bound but the caller's context.
func WithQueryTimeout(d time.Duration) Option {
	return optionFunc(func(o *options) { o.queryTimeout = d })
}

// WithRetries is how often a transaction is run again after a serialization
// failure, a deadlock or a stale prepared statement. Default 3; 0 means never.
func WithRetries(n int) Option {
	return optionFunc(func(o *options) { o.retries = max(n, 0) })
}

// WithTypes says how values become JSON where a Statement does not say it (SQL
// adopted as text). Default: the built-in types.
func WithTypes(r *codec.Registry) Option {
	return optionFunc(func(o *options) { o.types = r })
}

// WithTransactionSettings sets run-time parameters in each transaction, reads
// included, as a pool behind a transaction pooler needs it. Open takes them from
// the Config; this is for Adopt. Default: none.
func WithTransactionSettings(m map[string]string) Option {
	return optionFunc(func(o *options) { o.settings = m })
}

// WithSlowLog logs each statement that took at least threshold, at level Warn:
// its name, duration, rows and backend; never its SQL or values. Default: no
// log. A threshold of 0 logs every statement.
func WithSlowLog(l *slog.Logger, threshold time.Duration) Option {
	return optionFunc(func(o *options) { o.log, o.slow = l, max(threshold, 0) })
}

// WithConnected asks f about each new connection of the pool, before its first use;
// an error of f closes it and is that of whoever needed it. Adopt does not ask.
// Default: any connection will do.
func WithConnected(f func(context.Context, driver.Conn) error) Option {
	return optionFunc(func(o *options) { o.connected = f })
}

// WithObserver calls f after each statement, on the goroutine that ran it: f must
// be quick and must not use the DB. Of several, each is called, in the order of the
// options. Default: none.
func WithObserver(f func(context.Context, Observation)) Option {
	return optionFunc(func(o *options) {
		first := o.observe
		if first == nil {
			o.observe = f
			return
		}
		o.observe = func(ctx context.Context, seen Observation) {
			first(ctx, seen)
			f(ctx, seen)
		}
	})
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
