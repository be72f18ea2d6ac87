package replica

import (
	"database/sql"
	"time"
)

// Status is how a Runner is doing. Counts are since it was opened.
type Status struct {
	Replicas []Server
	// PrimaryReads are the reads that no replica was sent.
	PrimaryReads uint64
	// Waited are reads that waited for a replica until it had replayed what their
	// session wrote; Timeouts those that gave up and went to the primary.
	Waited, Timeouts uint64
	// Unknown are writes of sessions whose position could not be told.
	Unknown uint64
}

// Server is how one replica is doing.
type Server struct {
	Name     string // host:port
	Reason   string // why it is out; "" if it is in
	Position Position
	// Lag is how far behind the primary it was at the last look; LagKnown is false
	// where that can't be told.
	Lag      time.Duration
	LagKnown bool
	// Reads were sent to it; Fallbacks of them ran on the primary after all.
	Reads, Fallbacks uint64
	Pool             sql.DBStats
}

// Status tells how the replicas are doing now.
func (r *Runner) Status() Status {
	s := Status{
		PrimaryReads: r.reads.Load(), Waited: r.waited.Load(), Timeouts: r.timeouts.Load(), Unknown: r.unknown.Load(),
	}
	for _, p := range r.replicas {
		now := p.now()
		one := Server{
			Name: p.name, Reason: now.reason, Position: now.at, Lag: now.lag, LagKnown: now.known,
			Reads: p.reads.Load(), Fallbacks: p.fallbacks.Load(),
		}
		p.mu.Lock()
		if p.db != nil {
			one.Pool = p.db.Stats()
		}
		p.mu.Unlock()
		s.Replicas = append(s.Replicas, one)
	}
	return s
}
