package shadow

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/executor"
)

// Call is what is known of an operation before it runs.
type Call struct {
	// Class is the hash of its first statement's SQL, as in parity.Report; "" for a
	// transaction that has not said what it will do.
	Class string
	// Operation names that statement, such as "query users".
	Operation string
	// Kind is "read" or "write".
	Kind string
	// Tenant is the search_path that the operation brings, Role its role; "" where it
	// has none.
	Tenant, Role string
}

// Decision is what becomes of an operation.
type Decision struct {
	Stage Stage
	Share float64 // of such operations that are compared, 0 to 1
}

// Flags decide by the kind of an operation: in which stage it is, and which share
// of such operations is compared. Package openfeature has Flags that ask OpenFeature.
//
// They are asked beside the operations and never in their way: an answer holds for a
// second, and until there is one, or on an error, the configured Decision does.
type Flags interface {
	Decide(ctx context.Context, c Call, configured Decision) (Decision, error)
}

// flagAge is how long an answer holds before it is asked for anew; the old one is
// used until the new one is there.
const flagAge = 500 * time.Millisecond

// maxFlags bounds the answers that are kept.
const maxFlags = 4_096

// board keeps what the flags have said.
type board struct {
	flags Flags
	ask   chan question

	mu    sync.RWMutex
	known map[ask]*said
}

// ask is what an answer depends on.
type ask struct {
	class        *class
	tenant, role string
	read         bool
}

type said struct {
	Decision
	at      time.Time // of the answer
	asked   time.Time // when the next answer was asked for, while waiting
	waiting bool
}

type question struct {
	ask
	configured Decision
}

func newBoard(f Flags) *board {
	return &board{flags: f, ask: make(chan question, 256), known: map[ask]*said{}}
}

// decide is what is known of a now.
func (b *board) decide(a ask, configured Decision) Decision {
	now := time.Now()
	b.mu.RLock()
	s := b.known[a]
	d, fresh := configured, false
	if s != nil {
		d, fresh = s.Decision, s.waiting || now.Sub(s.at) < flagAge
		if s.waiting && now.Sub(s.asked) > 2*flagAge { // it hangs
			d = configured
		}
	}
	b.mu.RUnlock()
	if fresh {
		return d
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s = b.known[a]; s == nil {
		if len(b.known) >= maxFlags {
			clear(b.known)
		}
		s = &said{Decision: configured}
		b.known[a] = s
	}
	if s.waiting {
		return s.Decision
	}
	select {
	case b.ask <- question{a, configured}:
		s.waiting, s.asked = true, now
	default: // the next one will ask
	}
	return s.Decision
}

// run answers questions until ctx ends. failed gets the first error of a row.
func (b *board) run(ctx context.Context, failed func(error)) {
	bad := false
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-b.ask:
			d, err := b.answer(ctx, q)
			if err != nil && !bad {
				failed(err)
			}
			bad = err != nil
			b.mu.Lock()
			b.known[q.ask] = &said{Decision: d, at: time.Now()}
			b.mu.Unlock()
		}
	}
}

func (b *board) answer(ctx context.Context, q question) (d Decision, err error) {
	ctx, cancel := context.WithTimeout(ctx, flagAge)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			d, err = q.configured, panicked(p)
		}
	}()
	c := Call{Class: q.class.name(), Operation: q.class.operation, Kind: kindOf(q.read), Tenant: q.tenant, Role: q.role}
	d, err = b.flags.Decide(ctx, c, q.configured)
	if err != nil || d.Stage > StageDone || !(d.Share >= 0 && d.Share <= 1) {
		return q.configured, err
	}
	return d, nil
}

func kindOf(read bool) string {
	if read {
		return "read"
	}
	return "write"
}

// sampled decides for one operation of class c.
func (e *engine) sampled(c *class, share float64, o *executor.TxOptions) bool {
	var at float64
	switch {
	case share >= 1:
		return true
	case e.opt.key == KeyClass:
		at = c.sticky
	case e.opt.key != KeyCall && o != nil && o.Session[e.opt.key] != "":
		at = place(o.Session[e.opt.key])
	default:
		at = rand.Float64() //nolint:gosec // a sample, not a secret
	}
	return at < share || c.due(e.opt.floor)
}
