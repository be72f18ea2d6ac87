package gate

import (
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
)

// maxNotices is how many notices a connection keeps until somebody asks.
const maxNotices = 100

// Notices keeps what the server said on a connection besides its answers. The
// zero value is empty.
type Notices struct {
	mu   sync.Mutex
	list []backend.Notice
	lost int
}

// Add keeps n, or counts it where there are many already.
func (l *Notices) Add(n backend.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) >= maxNotices {
		l.lost++
		return
	}
	l.list = append(l.list, n)
}

// Take gives what was kept, and how many were not, and forgets both.
func (l *Notices) Take() (list []backend.Notice, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, lost = l.list, l.lost
	l.list, l.lost = nil, 0
	return list, lost
}
