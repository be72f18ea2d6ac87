package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// Source says where the servers are.
type Source struct {
	// Primary is what writes, and reads that no replica can do, run on; PrimaryConfig
	// is what it was opened with. Its position is asked for on a connection of its own.
	Primary       *executor.DB
	PrimaryConfig backend.Config
	// Config has the replicas: each of its Hosts is one, with a pool of its own. Its
	// TargetSessionAttrs must not ask for a primary.
	Config  backend.Config
	Backend backend.Backend
	// Executor are the options of each pool.
	Executor []executor.Option
}

// Runner is an executor.Runner, and safe for concurrent use. Make one with Open and
// Close it before the primary.
type Runner struct {
	from     Source
	opt      options
	primary  *executor.DB // as the Source has it: reads
	writes   *executor.DB // the same, which notes positions
	cluster  []string     // the primary's system identifier and database
	history  history
	position *probe // of the primary
	replicas []*replica
	turn     atomic.Uint64

	reads, waited, timeouts, unknown atomic.Uint64

	cancel  context.CancelFunc
	running sync.WaitGroup
	closed  sync.Once
}

var (
	_ executor.Runner   = (*Runner)(nil)
	_ executor.Selector = (*Runner)(nil)
)

// Open connects the replicas. One that can't be reached is out until it can; one that
// refuses us, or that is no replica of the primary, is an error, of
// backend.CodeConfiguration.
func Open(ctx context.Context, from Source, o ...Option) (_ *Runner, err error) {
	r := &Runner{from: from, primary: from.Primary, opt: options{maxLag: DefaultMaxLag, wait: DefaultWait, interval: defaultCheck}}
	for _, option := range o {
		if option != nil {
			option.apply(&r.opt)
		}
	}
	if r.opt.log == nil {
		r.opt.log = slog.Default()
	}
	r.writes = from.Primary.AfterCommit(r.note)
	r.history.keep = max(r.opt.maxLag, time.Minute) + 2*r.opt.interval
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if r.position, err = newProbe(from.Backend, from.PrimaryConfig); err != nil {
		return r, err
	}
	if err := r.add(); err != nil {
		return r, err
	}
	if r.cluster, err = r.position.ask(ctx, clusterSQL, 2); err != nil {
		return r, err
	}
	p, err := positionOf(ctx, from.Backend, r.position.pool)
	if err != nil {
		return r, err
	}
	r.history.add(time.Now(), p)
	for _, p := range r.replicas {
		err := p.check(ctx)
		if backend.CodeOf(err) == backend.CodeConfiguration {
			return r, fmt.Errorf("replica %s: %w", p.name, err)
		}
		if s := p.now(); s.reason != "" {
			p.ask() // it may be a moment behind and no more
			r.opt.log.WarnContext(ctx, "replica is out", "replica", p.name, "reason", s.reason)
		}
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	r.running.Go(func() { r.follow(run) })
	for _, p := range r.replicas {
		r.running.Go(func() { p.run(run) })
	}
	return r, nil
}

// add makes a replica of each host.
func (r *Runner) add() error {
	bad := func(format string, args ...any) error {
		return backend.New("open", backend.CodeConfiguration, fmt.Errorf(format, args...))
	}
	cfg, err := r.from.Config.Normalize()
	if err != nil {
		return err
	}
	switch a := cfg.TargetSessionAttrs; a {
	case "read-write", "primary":
		return bad("target_session_attrs=%s: replicas take no writes; want any, standby, prefer-standby or read-only", a)
	}
	seen := map[string]bool{}
	for _, h := range cfg.Hosts {
		one := r.from.Config
		one.Hosts, one.TargetSessionAttrs, one.LoadBalance = []backend.Host{h}, "any", false
		name := h.Label()
		if seen[name] {
			return bad("the replica %s is named twice", name)
		}
		seen[name] = true
		probe, err := newProbe(r.from.Backend, one)
		if err != nil {
			return err
		}
		p := &replica{r: r, name: name, cfg: one, probe: probe, want: make(chan struct{}, 1)}
		p.set(&state{reason: "it was not looked at yet"})
		r.replicas = append(r.replicas, p)
	}
	return nil
}

// follow notes where the primary is until ctx ends. While nobody can tell, as in a
// failover, lags are those up to the last time.
func (r *Runner) follow(ctx context.Context) {
	tick := time.NewTicker(r.opt.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		one, cancel := context.WithTimeout(ctx, max(r.opt.interval, time.Second))
		p, err := positionOf(one, r.from.Backend, r.position.pool)
		cancel()
		if err == nil {
			r.history.add(time.Now(), p)
		}
	}
}

// Close ends the looking, and the pools of the replicas after the statements that
// run. The primary stays open.
func (r *Runner) Close() error {
	var errs []error
	r.closed.Do(func() {
		if r.cancel != nil {
			r.cancel()
			r.running.Wait()
		}
		if r.position != nil {
			errs = append(errs, r.position.close())
		}
		for _, p := range r.replicas {
			errs = append(errs, p.probe.close())
			if p.pool != nil { // nothing opens any more
				errs = append(errs, p.pool.Close())
			}
		}
	})
	return errors.Join(errs...)
}

// note is called after each commit: the session of its context learns where.
func (r *Runner) note(ctx context.Context, conn *sql.Conn) {
	s := SessionOf(ctx)
	switch {
	case s == nil:
		return // nobody was promised anything
	case conn != nil:
		p, err := positionOf(ctx, r.from.Backend, conn)
		if err == nil {
			s.note(p, true)
			return
		}
		r.opt.log.WarnContext(ctx, "the position of a write is not known: its session reads from the primary", "error", executor.LogText(err))
	}
	r.unknown.Add(1)
	s.note(Position{}, false)
}

// Select implements executor.Selector. It waits for a replica where the session of
// ctx asks for that, WithWait at most.
func (r *Runner) Select(ctx context.Context, s *builder.Statement, o *executor.TxOptions) executor.Runner {
	return r.choose(ctx, s, o)
}

// choose is the DB of one operation: of the statement s, or of a transaction.
func (r *Runner) choose(ctx context.Context, s *builder.Statement, o *executor.TxOptions) *executor.DB {
	switch {
	case s != nil && s.Effect != builder.Read, o == nil && s == nil, o != nil && !o.ReadOnly:
		return r.writes
	case o != nil && (o.Isolation == sql.LevelSerializable || o.Deferrable || o.Snapshot != ""):
		// A standby has no serializable transactions, and a snapshot is of one server.
		r.reads.Add(1)
		return r.writes
	}
	if db := r.read(ctx); db != nil {
		return db
	}
	r.reads.Add(1)
	return r.writes
}

// read is a replica for a read of ctx's session, or nil.
func (r *Runner) read(ctx context.Context) *executor.DB {
	var want Position
	if s := SessionOf(ctx); s != nil {
		var primary bool
		if want, primary = s.needs(); primary {
			return nil
		}
	}
	// In turn, beginning with another one each time.
	first := r.turn.Add(1)
	var ahead *replica
	var most Position
	for i := range uint64(len(r.replicas)) {
		p := r.replicas[(first+i)%uint64(len(r.replicas))]
		s := p.now()
		switch {
		case s.db == nil:
		case s.at.reached(want):
			p.reads.Add(1)
			return s.db
		case ahead == nil || s.at.after(most):
			ahead, most = p, s.at
		}
	}
	if ahead == nil || r.opt.wait == 0 {
		return nil
	}
	limit := time.NewTimer(r.opt.wait)
	defer limit.Stop()
	s, ok := ahead.await(ctx, want, limit.C)
	if !ok {
		r.timeouts.Add(1)
		return nil
	}
	r.waited.Add(1)
	ahead.reads.Add(1)
	return s.db
}

// Query implements executor.Runner.
func (r *Runner) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	return r.choose(ctx, s, nil).Query(ctx, s)
}

// Exec implements executor.Runner.
func (r *Runner) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	return r.choose(ctx, s, nil).Exec(ctx, s)
}

// InTx implements executor.Runner.
func (r *Runner) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	if o == nil {
		o = &executor.TxOptions{}
	}
	return r.choose(ctx, nil, o).InTx(ctx, o, fn)
}
