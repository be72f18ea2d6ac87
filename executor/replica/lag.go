package replica

import (
	"slices"
	"sync"
	"time"
)

// maxMarks bounds the history of the primary's positions.
const maxMarks = 4096

// history is where the primary was, and when, by our own clock. A replica's lag is
// read off it: neither the clocks of servers nor whether anybody writes matters, and a
// replica that does not receive anything any more falls behind like a slow one.
type history struct {
	mu    sync.Mutex
	marks []mark // in order of time
	keep  time.Duration
}

type mark struct {
	when time.Time
	at   Position
}

// add notes where the primary is now, and forgets what is older than any lag that
// matters.
func (h *history) add(now time.Time, p Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.marks = append(h.marks, mark{now, p})
	old := 0
	// One that is older than that stays, to tell that a replica is further behind.
	for old < len(h.marks)-1 && (now.Sub(h.marks[old+1].when) > h.keep || len(h.marks)-old > maxMarks) {
		old++
	}
	h.marks = slices.Delete(h.marks, 0, old)
}

// lag is how far behind the primary a replica at p is: the time from the last mark
// that it has reached to the newest one. known is false where it has reached none: it
// is further behind than anybody can tell.
func (h *history) lag(p Position) (lag time.Duration, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	newest := len(h.marks) - 1
	for _, m := range slices.Backward(h.marks) {
		if p.reached(m.at) {
			return h.marks[newest].when.Sub(m.when), true
		}
	}
	return 0, false
}
