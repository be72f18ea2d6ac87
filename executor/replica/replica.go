package replica

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
)

// replica is one server that follows the primary.
type replica struct {
	r     *Runner
	name  string // host:port
	cfg   backend.Config
	probe *probe

	mu    sync.Mutex   // of changing the state, and of the next two
	pool  *executor.DB // nil: it was never reached
	db    *executor.DB // pool, falling back to the primary
	state atomic.Pointer[state]
	// started is which run of the server was looked at last: what is known of its
	// position is not known of another.
	started atomic.Pointer[string]

	want      chan struct{} // a look is asked for before its time
	waiters   atomic.Int64
	reads     atomic.Uint64
	fallbacks atomic.Uint64
}

// state is what is known of a replica. It never changes; next is closed when another
// takes its place.
type state struct {
	db     *executor.DB // reads run on it and fall back to the primary; nil: out
	at     Position
	lag    time.Duration
	known  bool   // lag is
	reason string // why it is out; "" if it is in
	next   chan struct{}
}

func (p *replica) now() *state { return p.state.Load() }

// set replaces the state. The caller holds mu, or is the maker.
func (p *replica) set(s *state) {
	old := p.state.Load()
	s.next = make(chan struct{})
	p.state.Store(s)
	if old == nil {
		return
	}
	close(old.next)
	switch {
	case old.reason == s.reason:
	case s.reason == "":
		p.r.opt.log.Info("replica is in", "replica", p.name, "lag_ms", s.lag.Milliseconds())
	case old.reason == "":
		p.r.opt.log.Warn("replica is out", "replica", p.name, "reason", s.reason)
	}
}

// out takes the replica out, with what was known of it.
func (p *replica) out(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := *p.now()
	s.db, s.reason = nil, reason
	p.set(&s)
}

// check looks at the replica and decides whether it is in. The error is one that no
// later look will do without: of the configuration.
func (p *replica) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(p.r.opt.interval, time.Second))
	defer cancel()
	at, db, err := p.look(ctx)
	if err != nil {
		p.out(reasonOf(err))
		return err
	}
	s := &state{at: at}
	s.lag, s.known = p.r.history.lag(at)
	limit := p.r.opt.maxLag
	switch {
	case limit > 0 && !s.known:
		s.reason = "it has not reached where the primary was when we began to look"
	case limit > 0 && s.lag > limit:
		s.reason = fmt.Sprintf("it is more than %v behind", limit)
	default:
		s.db = db
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(s)
	return nil
}

// look asks the replica where it is, and makes the pool, once there is a server for it.
func (p *replica) look(ctx context.Context) (Position, *executor.DB, error) {
	p.mu.Lock()
	db := p.db
	p.mu.Unlock()
	if db == nil {
		if err := p.identify(ctx); err != nil {
			return Position{}, nil, err
		}
	}
	at, started, err := p.probe.look(ctx)
	if err != nil {
		return Position{}, nil, err
	}
	p.started.Store(&started)
	if db == nil {
		db, err = p.open(ctx)
	}
	return at, db, err
}

// identify checks that the server has the primary's data.
func (p *replica) identify(ctx context.Context) error {
	cluster, err := p.probe.ask(ctx, clusterSQL, 2)
	if err != nil {
		return err
	}
	for i, what := range []string{"system identifier", "database"} {
		if mine := p.r.cluster[i]; cluster[i] != mine {
			return backend.New("open", backend.CodeConfiguration, fmt.Errorf("%w: its %s is %s and not %s", errStranger, what, cluster[i], mine))
		}
	}
	return nil
}

// reasonOf says for an operator why a replica is out.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, errPromoted), errors.Is(err, errStranger), errors.Is(err, errOther):
		return executor.LogText(err)
	case backend.CodeOf(err) == backend.CodeTimeout:
		return "it did not answer in time"
	case backend.CodeOf(err) == backend.CodeConfiguration:
		return "it refuses us: " + executor.LogText(err)
	}
	return "it can't be reached: " + executor.LogText(err)
}

// errStranger is a server that is no replica of the primary.
var errStranger = errors.New("it is no replica of the primary")

// open makes the pool.
func (p *replica) open(ctx context.Context) (*executor.DB, error) {
	options := append(slices.Clone(p.r.from.Executor), executor.WithConnected(func(ctx context.Context, c driver.Conn) error {
		return same(ctx, c, *p.started.Load())
	}))
	opened, err := executor.Open(ctx, p.r.from.Backend, p.cfg, options...)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.db = opened.FallingBackWhen(p.r.primary, p.elsewhere)
	p.pool = opened
	return p.db, nil
}

// elsewhere says whether the primary may do better with a read that met err here.
func (p *replica) elsewhere(err error) bool {
	e, _ := errors.AsType[*backend.Error](err)
	switch {
	case errors.Is(err, executor.ErrPoolExhausted):
		return false // the primary is not there to take the load of all replicas
	case backend.CodeOf(err) == backend.CodeServiceUnavailable, e != nil && e.Op == "connect" && e.Code != backend.CodeCanceled:
		p.out(reasonOf(err))
		p.ask()
	case errors.Is(err, executor.ErrSchemaChanged), behind[backend.SQLStateOf(err)]:
	default:
		return false
	}
	p.fallbacks.Add(1)
	return true
}

// behind are what a replica answers to a read because it is one, or because it has
// not replayed yet what the primary has (PostgreSQL documentation, appendix A, and
// "Hot Standby").
var behind = map[string]bool{
	"40001": true,                                                             // canceled by a conflict with recovery
	"40P01": true,                                                             // the same, of buffer pins
	"57P04": true,                                                             // the database was dropped
	"25006": true,                                                             // a read that writes: a function that takes a number of a sequence
	"0A000": true,                                                             // unlogged tables are not there
	"55000": true,                                                             // not during recovery
	"3F000": true, "42P01": true, "42703": true, "42704": true, "42883": true, // schema, table, column, type, function
}

// ask asks for a look now.
func (p *replica) ask() {
	select {
	case p.want <- struct{}{}:
	default: // it is asked for already
	}
}

// pollEvery is the pause between two looks while a read waits for a position.
const pollEvery = time.Millisecond

// run looks at the replica again and again until ctx ends.
func (p *replica) run(ctx context.Context) {
	timer := time.NewTimer(p.r.opt.interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.want:
		}
		_ = p.check(ctx) // the state tells
		pause := p.r.opt.interval
		switch {
		case p.waiters.Load() > 0:
			pause = pollEvery
		case p.now().reason != "":
			pause = min(pause, defaultCheck)
		}
		timer.Reset(pause)
	}
}

// await waits until the replica has reached want; false where it is out, or where
// limit or ctx ends first.
func (p *replica) await(ctx context.Context, want Position, limit <-chan time.Time) (*state, bool) {
	p.waiters.Add(1)
	defer p.waiters.Add(-1)
	p.ask()
	for {
		s := p.now()
		switch {
		case s.db == nil:
			return nil, false
		case s.at.reached(want):
			return s, true
		}
		select {
		case <-s.next:
		case <-limit:
			return nil, false
		case <-ctx.Done():
			return nil, false
		}
	}
}
