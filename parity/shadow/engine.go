package shadow

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// engine is what there is of a shadow while it is on.
type engine struct {
	s       *Shadow
	opt     *options
	count   *counters
	ceiling Stage

	ctx    context.Context //nolint:containedctx // the life of its goroutines, not that of a call
	cancel context.CancelFunc
	jobs   chan *tape
	held   atomic.Int64 // bytes of the tapes in jobs
	wait   sync.WaitGroup

	board   *board // nil: no flags
	breaker *breaker
	routes  *breaker // of the candidate's answers in StageLive
	budget  budget
	busy    []atomic.Int64 // since when each worker works, in Unix nanoseconds; 0: it waits

	candidate, control *own // the shadow's connections
	types              typeCache
	opening            atomic.Bool // somebody connects the answering pool
	views              atomic.Pointer[views]
}

// views are the ways to the candidate's answering pool, made once.
type views struct{ plain, live *executor.DB }

func newEngine(s *Shadow) *engine {
	ctx, cancel := context.WithCancel(context.Background())
	e := &engine{
		s: s, opt: &s.opt, count: s.count, ceiling: s.ceiling, ctx: ctx, cancel: cancel,
		jobs: make(chan *tape, s.opt.queue), busy: make([]atomic.Int64, s.opt.pool),
		breaker: newBreaker("shadow", false, s.opt.breaker, s.opt.log), routes: newBreaker("candidate's answers", true, s.opt.breaker, s.opt.log),
	}
	e.budget.perSecond = s.opt.budget
	e.candidate = &own{e: e, backend: s.from.Candidate, conns: s.opt.pool}
	e.control = &own{e: e, backend: s.control.Backend(), conns: s.opt.pool}
	if s.answers != nil {
		e.view(s.answers)
	}
	for i := range s.opt.pool {
		e.wait.Go(func() { e.work(i) })
	}
	if s.opt.flags != nil {
		e.board = newBoard(s.opt.flags)
		e.wait.Go(func() {
			e.board.run(ctx, func(err error) { s.opt.log.Warn("shadow: the flags fail; what is configured holds", "error", err) })
		})
	}
	return e
}

// end waits until all that e has is gone.
func (e *engine) end() {
	e.cancel()
	e.wait.Wait()
	for {
		select {
		case t := <-e.jobs:
			e.drop(t, dropOff)
		default:
			e.candidate.close()
			e.control.close()
			return
		}
	}
}

// view makes the ways to db, the candidate's answering pool.
func (e *engine) view(db *executor.DB) {
	v := &views{plain: db}
	v.live = db.FallingBack(e.s.control, func(error) {
		e.count.fallbacks.Add(1)
		e.routes.failed()
	})
	e.views.Store(v)
}

// decision is what the configuration or the flags say of an operation.
func (e *engine) decision(c *class, o *executor.TxOptions) Decision {
	d := Decision{Stage: e.opt.stage, Share: e.opt.share}
	if e.board != nil {
		a := ask{class: c, read: c.read}
		if o != nil {
			a.read = o.ReadOnly
			if len(o.Session) > 0 {
				a.tenant, a.role = o.Session["search_path"], o.Session["role"]
			}
		}
		d = e.board.decide(a, d)
	}
	d.Stage = min(d.Stage, e.ceiling)
	return d
}

// choose decides who answers an operation, and whether it is noted for the other.
func (e *engine) choose(s *builder.Statement, o *executor.TxOptions) *executor.DB {
	c := e.s.classes.of(s)
	d := e.decision(c, o)
	db := e.s.control
	switch {
	case d.Stage == StageOff:
		return db
	case d.Stage >= StageLive:
		v := e.candidateAnswers()
		if v == nil {
			return db
		}
		if d.Stage == StageDone {
			return v.plain
		}
		db = v.live
	}
	if e.breaker.isOpen() || !e.sampled(c, d.Share, o) || !e.breaker.allows() {
		return db
	}
	return db.Tapped(&tape{e: e, stage: d.Stage, class: c, began: time.Now()})
}

// candidateAnswers is nil where the control has to answer in its place.
func (e *engine) candidateAnswers() *views {
	if !e.routes.allows() {
		return nil
	}
	if v := e.views.Load(); v != nil {
		return v
	}
	// A flag has led here: it is connected beside the operation.
	if e.opening.CompareAndSwap(false, true) {
		e.wait.Go(func() {
			defer time.AfterFunc(time.Second, func() { e.opening.Store(false) })
			ctx, cancel := context.WithTimeout(e.ctx, e.opt.deadline)
			defer cancel()
			db, err := e.s.answering(ctx)
			switch {
			case err != nil:
				e.opt.log.Warn("shadow: the candidate can't answer; the control does", "error", err)
			case db != nil:
				e.view(db)
			}
		})
	}
	return nil
}

// submit puts a tape into the queue, or drops it. It never waits, and whatever goes
// wrong in it is nothing to the operation.
func (e *engine) submit(t *tape) {
	defer func() { _ = recover() }()
	e.count.overhead.observe(t.overhead)
	switch {
	case t.void != "":
		e.drop(t, t.void)
	case len(t.steps) == 0: // nothing was sent
	case e.ctx.Err() != nil:
		e.drop(t, dropOff)
	case !e.budget.left():
		e.drop(t, dropBudget)
	case e.held.Add(t.size) > e.opt.memory:
		e.held.Add(-t.size)
		e.drop(t, dropMemory)
	default:
		select {
		case e.jobs <- t:
		default:
			e.held.Add(-t.size)
			e.drop(t, dropQueue)
		}
	}
}

func (e *engine) drop(_ *tape, reason string) {
	e.count.drop(reason)
	if reason == dropQueue || reason == dropLate {
		e.breaker.dropped()
	}
}

// work compares what is in the queue, one after the other.
func (e *engine) work(i int) {
	for {
		select {
		case <-e.ctx.Done():
			return
		case t := <-e.jobs:
			e.held.Add(-t.size)
			if e.ctx.Err() != nil {
				e.drop(t, dropOff)
				return
			}
			if e.opt.age > 0 && time.Since(t.began)-t.took > e.opt.age {
				e.drop(t, dropLate)
				continue
			}
			if !e.budget.left() {
				e.drop(t, dropBudget)
				continue
			}
			start := time.Now()
			e.busy[i].Store(start.UnixNano())
			e.compare(t)
			e.busy[i].Store(0)
			e.budget.spent(time.Since(start))
		}
	}
}

// tick looks after the workers once in a while.
func (e *engine) tick(now time.Time) {
	for i := range e.busy {
		since := e.busy[i].Load()
		if since > 0 && now.Sub(time.Unix(0, since)) > 2*e.opt.deadline {
			e.breaker.failed() // a driver that heeds no context
		}
	}
	e.breaker.tick(now)
	e.routes.tick(now)
}

// budget is how many seconds of work may be done in one.
type budget struct {
	perSecond float64 // 0: no bound

	mu   sync.Mutex
	owed time.Duration // work that is not paid for by time yet
	at   time.Time
}

// left says whether there is time for more.
func (b *budget) left() bool {
	if b.perSecond <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pay()
	return b.owed < time.Duration(b.perSecond*float64(time.Second))
}

func (b *budget) spent(d time.Duration) {
	if b.perSecond <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pay()
	b.owed += d
}

func (b *budget) pay() {
	now := time.Now()
	if !b.at.IsZero() {
		b.owed = max(0, b.owed-time.Duration(float64(now.Sub(b.at))*b.perSecond))
	}
	b.at = now
}
