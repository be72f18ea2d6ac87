package shadow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
)

// own is a pool of the shadow's own connections to one side, opened when it is
// first needed.
type own struct {
	e       *engine
	backend backend.Backend
	conns   int

	mu     sync.Mutex
	db     *executor.DB
	err    error // of the last try
	tried  time.Time
	closed bool
}

// retryAfter is how long a failed connection is not tried again: a server that is
// down must not be asked by each operation.
const retryAfter = time.Second

// open is the pool.
func (o *own) open(ctx context.Context) (*executor.DB, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return nil, backend.New("shadow", backend.CodeCanceled, errors.New("the shadow is off"))
	case o.db != nil:
		return o.db, nil
	case o.err != nil && time.Since(o.tried) < retryAfter:
		return nil, o.err
	}
	limit := o.e.opt.deadline
	o.db, o.err = executor.Open(ctx, o.backend, config(o.e.s.from.Config, o.e.opt),
		executor.WithMaxConns(o.conns), executor.WithMinIdle(0), executor.WithRetries(0),
		executor.WithAcquireTimeout(limit), executor.WithQueryTimeout(limit), executor.WithIdleTimeout(time.Minute))
	o.tried = time.Now()
	return o.db, o.err
}

func (o *own) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.db != nil {
		_ = o.db.Close() // nothing runs on it any more, and nobody would know what to do
		o.db = nil
	}
}

// config is c for sessions that may read, for a while.
func config(c backend.Config, o *options) backend.Config {
	name := c.ApplicationName
	if name == "" {
		name = "fraiseql"
	}
	c.ApplicationName = name + "/shadow"
	session := maps.Clone(c.Session)
	if session == nil {
		session = map[string]string{}
	}
	millis := strconv.FormatInt(max(o.deadline.Milliseconds(), 1), 10)
	session["statement_timeout"] = millis
	session["lock_timeout"] = millis
	session["idle_in_transaction_session_timeout"] = strconv.FormatInt(2*max(o.deadline.Milliseconds(), 1), 10)
	session["default_transaction_read_only"] = "on"
	if o.role != "" {
		session["role"] = o.role
	}
	c.Session = session
	return c
}

// limits are the settings of an operation that would undo those of config.
var limits = []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name"}

// options are those of the transaction in which t runs again. Nothing of it can write.
func (t *tape) options() *executor.TxOptions {
	session := maps.Clone(t.session)
	for _, name := range limits {
		delete(session, name)
	}
	return &executor.TxOptions{Isolation: t.isolation, ReadOnly: true, Session: session}
}

// errPanic is what a panic's error wraps.
var errPanic = errors.New("panic")

// panicked is a panic as an error.
func panicked(p any) error {
	return backend.New("shadow", backend.CodeInternal, fmt.Errorf("%w: %v", errPanic, p))
}
