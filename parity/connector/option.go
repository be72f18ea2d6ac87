package connector

import (
	"io"
	"time"
)

// Writes says what becomes of writes on the candidate.
type Writes uint8

// What may become of writes. All but MirrorWrites are for a candidate that is
// connected to the control's own database.
const (
	// SkipWrites runs reads only.
	SkipWrites Writes = iota
	// MirrorWrites runs everything on a candidate that has a database of its own,
	// with the same contents: a clone. New connections look whether it has; if not,
	// nothing is compared.
	MirrorWrites
	// RollbackWrites runs a write that is outside a transaction on the candidate
	// first, with its constraints made immediate, and rolls it back. Sequences
	// advance; what triggers do outside the database happens twice.
	RollbackWrites
	// DescribeWrites prepares a write on the candidate and never runs it.
	DescribeWrites
)

var writesNames = [...]string{"skip", "mirror", "rollback", "describe"}

// String is the name of w in a DSN: skip, mirror, rollback or describe.
func (w Writes) String() string {
	if int(w) < len(writesNames) {
		return writesNames[w]
	}
	return "unknown"
}

// Option changes a Connector at New.
type Option interface{ apply(*settings) }

type option func(*settings)

func (o option) apply(s *settings) { o(s) }

type settings struct {
	writes      Writes
	strictTypes bool
	timeout     time.Duration
	maxDiffs    int
	maxBytes    int64
	names       [2]string
	record      io.WriteCloser
	queue       int
	reports     io.WriteCloser
	missing     string // what an option was not given
}

// WithWrites says what becomes of writes on the candidate. Default: SkipWrites.
func WithWrites(w Writes) Option { return option(func(s *settings) { s.writes = w }) }

// WithStrictTypes makes a mismatch of values that are the same to PostgreSQL and
// differ in Go, such as []byte against string. Default: a rule, counted.
func WithStrictTypes() Option { return option(func(s *settings) { s.strictTypes = true }) }

// WithTimeout is how long the candidate may take for one call, and so the most
// that a caller waits for it. A candidate that is late loses its connection.
// Default 5 s.
func WithTimeout(d time.Duration) Option { return option(func(s *settings) { s.timeout = d }) }

// WithMaxDiffs keeps at most n differences in a report. Default 10.
func WithMaxDiffs(n int) Option { return option(func(s *settings) { s.maxDiffs = max(n, 1) }) }

// WithMaxBytes bounds what one comparison holds in memory: rows that have not met
// their equal yet. Beyond it the verdict is Inconclusive. Default 64 MiB.
func WithMaxBytes(n int64) Option { return option(func(s *settings) { s.maxBytes = n }) }

// WithNames names the two sides in reports. Default: the Go types of their drivers.
func WithNames(control, candidate string) Option {
	return option(func(s *settings) { s.names = [2]string{control, candidate} })
}

// WithRecord writes each statement to w as a line of a corpus (package corpus). The
// caller does not wait for w: at most queue lines wait (less than 1 means 4096), the
// rest is dropped and counted in the corpus. Each new connection is asked once what was set
// for it, which its first line has. Closing the Connector ends the file and
// closes w. Without a candidate (nil) nothing is mirrored.
func WithRecord(w io.WriteCloser, queue int) Option {
	return option(func(s *settings) {
		if w == nil {
			s.missing = "the writer of WithRecord is nil"
		}
		s.record, s.queue = w, queue
		if queue < 1 {
			s.queue = 4096
		}
	})
}
