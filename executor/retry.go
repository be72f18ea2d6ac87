package executor

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstPause and longestPause bound the pauses between two runs of one
// transaction: long enough for the other to commit, short beside a request.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// backoff is the pause before run try+1: doubling, each anywhere between half of
// its step and the whole, so that those who met once do not meet again.
func backoff(try int) time.Duration {
	d := longestPause
	if try < 16 {
		d = min(firstPause<<try, longestPause)
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // nobody gains by guessing it
}

// pause waits for backoff(try); false where ctx ended first.
func pause(ctx context.Context, try int) bool {
	t := time.NewTimer(backoff(try))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// finalError marks an error after which a transaction must not run again, though
// the server would allow it: part of the answer has left already.
type finalError struct{ error }

func (finalError) final() {}

// Unwrap gives the error that is marked.
func (e finalError) Unwrap() error { return e.error }
