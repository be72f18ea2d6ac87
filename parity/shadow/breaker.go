package shadow

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Breaker are the limits of the breaker, counted anew every Window. A limit of zero
// means its default, a negative one never.
type Breaker struct {
	// Errors is the share of comparisons in which the candidate can't be asked (a
	// connection, a deadline, a panic). Default 0.5.
	Errors float64
	// Drops is the share of sampled operations that are dropped because they came
	// faster than they could be compared. Default 0.95.
	Drops float64
	// Slow is how many times as long as the answering side the other one may take,
	// where that is more than 100 ms on average. Default 10.
	Slow float64
	// CPU is the share of the processors that this process uses. Default 0.95.
	CPU float64
	// Sample is how many operations there must be before the first three can be
	// judged. Default 20.
	Sample int
	// Window is the time over which everything is counted. Default 5 s.
	Window time.Duration
	// Cooldown is how long nothing is compared once it has opened. Then as many as
	// Probes are, and any error among them doubles the time, up to ten times of it.
	// Default 30 s and 5.
	Cooldown time.Duration
	Probes   int
}

func defaultBreaker() Breaker { return Breaker{}.filled() }

func (b Breaker) filled() Breaker {
	return Breaker{
		Errors: or(b.Errors, 0.5), Drops: or(b.Drops, 0.95), Slow: or(b.Slow, 10), CPU: or(b.CPU, 0.95), Sample: or(b.Sample, 20),
		Window: or(b.Window, 5*time.Second), Cooldown: or(b.Cooldown, 30*time.Second), Probes: or(b.Probes, 5),
	}
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// The states of a breaker.
const (
	closed int32 = iota
	open
	halfOpen
)

var stateNames = []string{"closed", "open", "half-open"}

// slowEnough is the average from which slowness counts.
const slowEnough = 100 * time.Millisecond

// breaker decides whether anything is compared. All but tick may be called from
// anywhere.
type breaker struct {
	name  string
	limit Breaker
	log   *slog.Logger
	tried bool // errors are a share of what was allowed, not of what was compared

	state                      atomic.Int32
	tries, done, errors, drops atomic.Int64
	answered, other            atomic.Int64 // nanoseconds of done
	opened                     atomic.Int64 // how often
	probes                     atomic.Int64

	mu       sync.Mutex // guards what follows
	reason   string
	began    time.Time // of the window
	until    time.Time // open
	cooldown time.Duration
	cpu      time.Duration // of the process when the window began
}

func newBreaker(name string, tried bool, limit Breaker, log *slog.Logger) *breaker {
	return &breaker{name: name, tried: tried, limit: limit, log: log, cooldown: limit.Cooldown, began: time.Now(), cpu: processTime()}
}

// isOpen says that nothing is allowed now; asking costs nothing.
func (b *breaker) isOpen() bool { return b.state.Load() == open }

// allows says whether an operation may be tried.
func (b *breaker) allows() bool {
	switch b.state.Load() {
	case closed:
		b.tries.Add(1)
		return true
	case halfOpen:
		return b.probes.Add(1) <= int64(b.limit.Probes)
	}
	return false
}

func (b *breaker) failed()  { b.errors.Add(1) }
func (b *breaker) dropped() { b.drops.Add(1) }

// finished tells of a comparison that came to its end.
func (b *breaker) finished(answered, other time.Duration) {
	b.done.Add(1)
	b.answered.Add(int64(answered))
	b.other.Add(int64(other))
}

// tick judges; it is called several times a second.
func (b *breaker) tick(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.state.Load() {
	case closed:
		if reason := b.judge(now); reason != "" {
			b.open(now, reason)
			b.log.Warn("shadow: the breaker has opened", "breaker", b.name, "reason", reason, "for", b.cooldown)
		} else if now.Sub(b.began) >= b.limit.Window {
			b.reset(now)
		}
	case open:
		if now.After(b.until) {
			b.reset(now)
			b.state.Store(halfOpen)
		}
	case halfOpen:
		switch {
		case b.errors.Load() > 0:
			b.cooldown = min(2*b.cooldown, 10*b.limit.Cooldown)
			b.open(now, b.reason) // it was logged when it opened first
		case b.done.Load() >= int64(b.limit.Probes) || b.probes.Load() >= int64(b.limit.Probes) && now.Sub(b.began) >= b.limit.Window:
			b.cooldown = b.limit.Cooldown
			b.reset(now)
			b.state.Store(closed)
			b.log.Info("shadow: the breaker has closed", "breaker", b.name)
		}
	}
}

func (b *breaker) open(now time.Time, reason string) {
	b.reason, b.until = reason, now.Add(b.cooldown)
	b.opened.Add(1)
	b.state.Store(open)
}

func (b *breaker) reset(now time.Time) {
	for _, n := range []*atomic.Int64{&b.tries, &b.done, &b.errors, &b.drops, &b.answered, &b.other, &b.probes} {
		n.Store(0)
	}
	b.began, b.cpu = now, processTime()
}

// judge is why the breaker has to open, or "".
func (b *breaker) judge(now time.Time) string {
	done, errors, drops := b.done.Load(), b.errors.Load(), b.drops.Load()
	over := func(part, of int64, limit float64) bool {
		return limit > 0 && of >= int64(b.limit.Sample) && float64(part) > limit*float64(of)
	}
	all := done + errors
	if b.tried {
		all = b.tries.Load()
	}
	switch took := now.Sub(b.began); {
	case over(errors, all, b.limit.Errors):
		return fmt.Sprintf("%d errors in %d operations", errors, all)
	case over(drops, done+errors+drops, b.limit.Drops):
		return fmt.Sprintf("%d of %d operations came too fast", drops, done+errors+drops)
	case b.limit.Slow > 0 && done >= int64(b.limit.Sample) && time.Duration(b.other.Load()/done) > slowEnough &&
		float64(b.other.Load()) > b.limit.Slow*float64(b.answered.Load()):
		return fmt.Sprintf("%v a comparison, the answer takes %v", time.Duration(b.other.Load()/done), time.Duration(b.answered.Load()/done))
	case b.limit.CPU > 0 && took >= b.limit.Window/2 && b.cpu > 0 &&
		float64(processTime()-b.cpu) > b.limit.CPU*float64(took)*float64(runtime.GOMAXPROCS(0)):
		return fmt.Sprintf("this process uses more than %.0f %% of its processors", 100*b.limit.CPU)
	}
	return ""
}

// status is what there is to say of it.
func (b *breaker) status() BreakerStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BreakerStatus{State: stateNames[b.state.Load()], Opened: b.opened.Load()}
	if s.State != "closed" {
		s.Reason = b.reason
	}
	return s
}
