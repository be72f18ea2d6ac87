package server

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// flood holds back log lines of which overload makes thousands a second, all alike: of
// answers with status 503 it lets one a second through, which says how many were left
// out. The zero flood is ready.
type flood struct {
	next    atomic.Int64 // since floodBegan, in nanoseconds: from then on one may pass
	skipped atomic.Int64
}

const floodEvery = time.Second

var floodBegan = time.Now() // for the clock that nobody sets back

// pass says whether a line may be written about an answer with status, and what it has to
// say of those that were not.
func (f *flood) pass(status int, now time.Time) (attrs []slog.Attr, ok bool) {
	if status != http.StatusServiceUnavailable {
		return nil, true
	}
	at, next := int64(now.Sub(floodBegan)), f.next.Load()
	if at < next || !f.next.CompareAndSwap(next, at+int64(floodEvery)) {
		f.skipped.Add(1)
		return nil, false
	}
	if n := f.skipped.Swap(0); n > 0 {
		attrs = []slog.Attr{slog.Int64("alike_not_logged", n)}
	}
	return attrs, true
}
