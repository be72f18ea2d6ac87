package executor

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// queue stands before a pool: who finds no connection waits for one in the order of
// coming. database/sql alone gives a connection that comes free to any of those who
// wait, drawn by chance, and lets any number of them wait: under load some would wait
// for ever, and all for longer than their clients do. A nil *queue lets everybody
// through. It is safe for concurrent use.
type queue struct {
	places  *semaphore.Weighted // one for each connection of the pool
	longest int64               // how many may wait; 0: there is no bound
	waiting atomic.Int64

	waits, refused, left atomic.Int64
	waited               atomic.Int64 // ns
}

// newQueue is for a pool of n connections.
func newQueue(n, longest int) *queue {
	return &queue{places: semaphore.NewWeighted(int64(n)), longest: int64(longest)}
}

// enter takes a place, waiting for it as long as ctx does. Who waits and goes away
// leaves nothing behind. The error wraps ErrPoolExhausted where too many wait already.
func (q *queue) enter(ctx context.Context) error {
	if q == nil || q.places.TryAcquire(1) { // that fails while anybody waits
		return nil
	}
	if n := q.waiting.Add(1); q.longest > 0 && n > q.longest {
		q.waiting.Add(-1)
		q.refused.Add(1)
		return fmt.Errorf("%d wait for a connection already, which is as many as may (FRAISEQL_DB_MAX_WAITING): %w", q.longest, ErrPoolExhausted)
	}
	began := time.Now()
	err := q.places.Acquire(ctx, 1)
	q.waiting.Add(-1)
	q.waits.Add(1)
	q.waited.Add(int64(time.Since(began)))
	if err != nil {
		q.left.Add(1)
	}
	return err
}

// leave gives a place back, to who has waited for longest.
func (q *queue) leave() {
	if q != nil {
		q.places.Release(1)
	}
}

// QueueStats tell of those who wait for a connection of the pool.
type QueueStats struct {
	Waiting int // now
	Longest int // how many may wait at one time; 0: there is no bound
	// Refused are how many were turned away because so many waited already.
	Refused int64
	// Left are how many went away before they had a connection: their client had gone,
	// or the time was up (WithAcquireTimeout).
	Left int64
}

// Queue tells of those who wait for a connection; how often and how long they did is
// in Stats. It is zero after Adopt.
func (db *DB) Queue() QueueStats {
	q := db.queue
	if q == nil {
		return QueueStats{}
	}
	return QueueStats{
		Waiting: int(q.waiting.Load()), Longest: int(q.longest),
		Refused: q.refused.Load(), Left: q.left.Load(),
	}
}
