package cli

import (
	"context"
	"runtime"
	"sync"

	"github.com/fraiseql/fraiseql-go/parity"
)

// connectionsEach is how many connections of each pool one comparison holds at most: the
// transaction that it reads in, one that runs again, and one that asks the server. Fewer
// than that for each worker, and all could wait for each other.
const connectionsEach = 3

// ahead is how many operations, for each worker, may be done while one before them is not:
// what takes long would else keep all others waiting.
const ahead = 64

// workers is how many operations run at a time. What commits runs alone: on two databases
// without a snapshot in common, a read beside a write is not one state.
func (o *runOptions) workers(maxConns int) int {
	n := o.parallel
	if n == 0 {
		n = min(runtime.GOMAXPROCS(0), 4) + 1 // a mutation may be waiting for another one
	}
	if o.writes == "commit" || o.writes == "clones" {
		return 1
	}
	return max(1, min(n, maxConns/connectionsEach))
}

// running is an operation that was begun.
type running struct {
	entry   entry
	outcome chan outcome
}

// each runs the operations from next on, some at a time, and gives their outcomes to take in
// their order until one is an error or ctx ends. Mutations run one at a time, since two
// that touch the same rows would wait for each other.
func (r *parityRun) each(ctx context.Context, take func(entry, *outcome) error) error {
	n := r.o.workers(r.settings.MaxConnections)
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	idle := make(chan *comparer, n)
	for range n {
		c := newComparer(r.pair.schema, r.pair.control, r.pair.candidate, r.pair.options...)
		if r.pair.clones != nil {
			c.runner = parity.NewSeparateRunner(c.harness, r.pair.control, r.pair.candidate)
		}
		c.writing = &r.writing
		idle <- c
	}
	begun := make(chan running, ahead*n)
	work.Go(func() {
		defer close(begun)
		for i := r.progress.Next; i < r.total; i++ {
			one := running{entry: r.at(i), outcome: make(chan outcome, 1)}
			select {
			case begun <- one:
			case <-ctx.Done():
				return
			}
			c := <-idle
			work.Go(func() {
				one.outcome <- c.run(ctx, one.entry, r.o.writes)
				idle <- c
			})
		}
	})
	for one := range begun {
		o := <-one.outcome
		if ctx.Err() != nil {
			return nil // what it was interrupted in does not count
		}
		if err := take(one.entry, &o); err != nil {
			return err
		}
	}
	return nil
}

// exclusive keeps other entries that may write from running until release.
func (c *comparer) exclusive(writes bool) (release func()) {
	if !writes || c.writing == nil {
		return func() {}
	}
	c.writing.Lock()
	return c.writing.Unlock
}
