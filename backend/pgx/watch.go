package pgx

import (
	"context"
	"sync"
	"time"
)

// slowAfter is how long a statement has run when its context begins to be watched.
// Nearly all have ended by then; for them a timer of the connection's own is reset,
// which costs a tenth of an entry at the context.
const slowAfter = 10 * time.Millisecond

// watch waits on a connection for the statement that runs to become slow.
type watch struct {
	timer *time.Timer
	mu    sync.Mutex
	rows  *txRows // of the statement that runs
}

// watch tells the server to cancel when ctx ends, at most slowAfter later than that.
func (r *txRows) watch() {
	w := &r.c.watch
	w.mu.Lock()
	w.rows = r
	w.mu.Unlock()
	after := slowAfter
	if at, ok := r.ctx.Deadline(); ok {
		after = min(after, time.Until(at))
	}
	if w.timer == nil {
		w.timer = time.AfterFunc(after, w.slow)
		return
	}
	w.timer.Reset(after)
}

// slow begins the watch. It may be late, and meet the next statement.
func (w *watch) slow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.rows; r != nil && r.stop == nil {
		told := make(chan struct{})
		r.told = told
		r.stop = context.AfterFunc(r.ctx, func() {
			defer close(told)
			r.ended()
		})
	}
}

// unwatch ends watch. A cancel request that is under way may hit whatever runs
// next: then the connection is given up.
func (r *txRows) unwatch() {
	w := &r.c.watch
	w.mu.Lock()
	stop, told := r.stop, r.told
	w.rows, r.stop = nil, nil
	w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
	if stop != nil && !stop() {
		r.dropped = true
		r.c.c.ending.add(told)
	}
}

// ended is called when the context has.
func (r *txRows) ended() {
	grace := time.Duration(0)
	if r.main && r.s.Commit && !r.s.ReadOnly {
		grace = commitGrace
	}
	_ = r.c.Conn.Conn().PgConn().Conn().SetDeadline(time.Now().Add(grace)) // if it fails, so does who reads
	r.cancel()
}

// cancel asks the server to cancel the statement.
func (r *txRows) cancel() {
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.ctx), commitGrace)
	defer stop()
	_ = r.c.Conn.Conn().PgConn().CancelRequest(ctx) // the deadline is there too
}
