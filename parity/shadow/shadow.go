package shadow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
)

// Source says where the connections come from that are not the control's.
type Source struct {
	// Config is what the control's pool was made from. The shadow's own sessions add
	// "/shadow" to its application_name, and the limits of WithDeadline and WithRole.
	Config backend.Config
	// Candidate is the other backend.
	Candidate backend.Backend
	// Executor are the options of the pool by which the candidate answers from StageLive on.
	Executor []executor.Option
}

// Shadow is an executor.Runner. Make one with New and Close it before the control.
// It is safe for concurrent use.
type Shadow struct {
	control *executor.DB
	from    Source
	h       *parity.Harness
	opt     options
	count   *counters
	classes *classes

	engine atomic.Pointer[engine] // nil: off
	ending sync.WaitGroup         // engines that were switched off

	mu       sync.Mutex // guards what follows
	byAdmin  bool       // Off was called
	ceiling  Stage      // what the kill file allows
	closed   bool
	answers  *executor.DB // the candidate's pool from StageLive on; nil: never needed
	stopTick context.CancelFunc
	ticking  sync.WaitGroup
}

var (
	_ executor.Runner   = (*Shadow)(nil)
	_ executor.Selector = (*Shadow)(nil)
)

// New puts a shadow before control. In StageOff, without Flags, that is all: it
// has no connections and no goroutines, and each operation is the control's. In
// StageLive and StageDone it connects the candidate, and an error says that this failed; in the
// other stages the candidate is connected beside the operations, when one is there.
// Reports go to h.
func New(ctx context.Context, control *executor.DB, from Source, h *parity.Harness, o ...Option) (*Shadow, error) {
	s := &Shadow{control: control, from: from, h: h, opt: defaults(), ceiling: StageDone}
	for _, option := range o {
		if option != nil {
			option.apply(&s.opt)
		}
	}
	if h == nil {
		s.h = parity.NewHarness()
	}
	switch {
	case control == nil:
		return nil, backend.New("shadow", backend.CodeConfiguration, errors.New("there is no control"))
	case s.opt.stage > StageDone:
		return nil, backend.New("shadow", backend.CodeConfiguration, fmt.Errorf("there is no %v", s.opt.stage))
	case !(s.opt.share >= 0 && s.opt.share <= 1):
		return nil, backend.New("shadow", backend.CodeConfiguration, fmt.Errorf("share %v: want 0 to 1", s.opt.share))
	case from.Candidate == nil:
		return nil, backend.New("shadow", backend.CodeConfiguration, errors.New("there is no candidate"))
	}
	s.count, s.classes = newCounters(), &classes{}
	if s.opt.stage == StageOff && s.opt.flags == nil {
		return s, nil
	}
	if err := s.count.load(s.opt.stateFile); err != nil {
		return nil, backend.New("shadow", backend.CodeConfiguration, err)
	}
	s.ceiling = s.readKillFile()
	if s.opt.stage >= StageLive {
		if _, err := s.answering(ctx); err != nil {
			return nil, err
		}
	}
	s.apply("") //nolint:contextcheck // an engine has a life of its own
	tick, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.stopTick = cancel
	s.ticking.Go(func() { s.tick(tick) })
	return s, nil
}

// apply has an engine where there should be one, and none where not. The caller
// holds mu, or is New.
func (s *Shadow) apply(why string) {
	stage := min(s.opt.stage, s.ceiling)
	want := !s.byAdmin && !s.closed && s.ceiling > StageOff && (stage > StageOff || s.opt.flags != nil)
	old := s.engine.Load()
	switch {
	case want && old != nil && old.ceiling == s.ceiling, !want && old == nil:
		return
	case want:
		s.engine.Store(newEngine(s))
	default:
		s.engine.Store(nil)
	}
	if why != "" {
		s.opt.log.Warn("shadow: "+why, "on", want, "stage", stage.String())
	}
	if old != nil {
		old.cancel() // now; what runs ends by itself
		s.ending.Go(old.end)
	}
}

// Off ends everything now: nothing more is sent to the candidate, what runs there
// is canceled, and the control answers. It stays off until On.
func (s *Shadow) Off() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byAdmin = true
	s.apply("switched off")
}

// On undoes Off. What the kill file says still holds.
func (s *Shadow) On() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byAdmin = false
	s.apply("switched on")
}

// closeTimeout bounds what Close waits for a candidate that hangs.
const closeTimeout = 5 * time.Second

// Close ends the shadow and its connections. What waits to be compared is dropped. A
// candidate that does not let go is left behind after five seconds, and an error.
func (s *Shadow) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.apply("")
	answers := s.answers
	s.mu.Unlock()
	if s.stopTick != nil {
		s.stopTick()
		s.ticking.Wait()
	}
	errs := []error{s.count.save(s.opt.stateFile)}
	done := make(chan struct{})
	go func() {
		s.ending.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(closeTimeout):
		errs = append(errs, backend.New("shadow", backend.CodeTimeout, errors.New("the candidate did not let go; its connections are left behind")))
	}
	if answers != nil {
		errs = append(errs, answers.Close())
	}
	return errors.Join(errs...)
}

// answering is the pool by which the candidate answers, opened once.
func (s *Shadow) answering(ctx context.Context) (*executor.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers != nil || s.closed {
		return s.answers, nil
	}
	db, err := executor.Open(ctx, s.from.Candidate, s.from.Config, s.from.Executor...)
	if err != nil {
		return nil, err
	}
	s.answers = db
	return db, nil
}

// Candidate is the other backend.
func (s *Shadow) Candidate() backend.Backend { return s.from.Candidate }

// Answering is the pool by which the candidate answers, in StageLive and StageDone or
// where the flags have asked for them; nil while the control answers everything.
func (s *Shadow) Answering() *executor.DB {
	e := s.engine.Load()
	if e == nil || e.ceiling < StageLive {
		return nil
	}
	if v := e.views.Load(); v != nil {
		return v.plain
	}
	return nil
}

// Select implements executor.Selector.
func (s *Shadow) Select(_ context.Context, st *builder.Statement, o *executor.TxOptions) executor.Runner {
	return s.choose(st, o) //nolint:contextcheck // what it may begin is not the call's
}

func (s *Shadow) choose(st *builder.Statement, o *executor.TxOptions) *executor.DB {
	e := s.engine.Load()
	if e == nil {
		return s.control
	}
	return e.choose(st, o)
}

// Query implements executor.Runner.
func (s *Shadow) Query(ctx context.Context, st *builder.Statement) (*executor.Rows, error) {
	return s.choose(st, nil).Query(ctx, st) //nolint:contextcheck // what it may begin is not the call's
}

// Exec implements executor.Runner.
func (s *Shadow) Exec(ctx context.Context, st *builder.Statement) (int64, error) {
	return s.choose(st, nil).Exec(ctx, st) //nolint:contextcheck // what it may begin is not the call's
}

// InTx implements executor.Runner.
func (s *Shadow) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	return s.choose(nil, o).InTx(ctx, o, fn) //nolint:contextcheck // what it may begin is not the call's
}
