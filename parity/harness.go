package parity

import (
	"context"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Harness holds what comparisons share: options, the running numbers and
// counts, and where reports go. Make one with NewHarness: the zero Harness compares
// nothing. It is safe for concurrent use.
type Harness struct {
	publisher Publisher
	maxDiffs  int
	maxBytes  int64
	sample    float64
	rollback  bool
	options   []Option
	voice     float64  // share of equal reads that the server is asked about
	ignores   *ignores // nil: none
	without   string   // a rule that is out of force, in tests
	// candidateTimeout bounds the candidate of Run.
	candidateTimeout time.Duration

	seq      atomic.Uint64
	panicked sync.Once // the publisher did: it is logged once

	mu     sync.Mutex
	counts map[Verdict]uint64
	rules  map[string]uint64
	ratios ratios
}

// Publisher takes the report of every comparison. It is called on the
// operation's own goroutine, from many at once, and must not keep the Report's
// slices for writing. The first panic of it is logged, and operations go on.
type Publisher interface {
	Publish(ctx context.Context, r Report)
}

// PublisherFunc makes a function a Publisher.
type PublisherFunc func(ctx context.Context, r Report)

// Publish calls f.
func (f PublisherFunc) Publish(ctx context.Context, r Report) { f(ctx, r) }

// Option changes a Harness at NewHarness.
type Option interface{ apply(*Harness) }

type option func(*Harness)

func (o option) apply(h *Harness) { o(h) }

// WithPublisher sends every report to p. Default: reports are counted only.
func WithPublisher(p Publisher) Option { return option(func(h *Harness) { h.publisher = p }) }

// WithMaxDiffs keeps at most n differences in a report; the rest are counted in
// Report.Dropped. Default 10. Less than 1 means 1: a mismatch always shows one.
func WithMaxDiffs(n int) Option { return option(func(h *Harness) { h.maxDiffs = max(n, 1) }) }

// WithMaxBytes bounds, in bytes, what a comparison may hold in memory: the rows
// of a write, and the rows of an unordered read that have not met their equal
// yet. Beyond it the verdict is Inconclusive. Default 64 MiB.
func WithMaxBytes(n int64) Option { return option(func(h *Harness) { h.maxBytes = n }) }

// WithSample compares the share p of operations, from 0 to 1, chosen at random
// per operation; the others run on the control only and count as NotCompared.
// Default 1.
func WithSample(p float64) Option { return option(func(h *Harness) { h.sample = p }) }

// WithRollback rolls the control's writes back too, after they were compared:
// nothing is stored, and answers say what would have been. For a corpus that is
// run on data that must stay as it is. Sequences advance all the same.
func WithRollback() Option { return option(func(h *Harness) { h.rollback = true }) }

// WithThirdVoice asks the server itself, in its own JSON, about the share p of the
// reads whose backends agree, from 0 to 1: it finds what both get wrong. About a
// read that differs it is asked always. The rows of a read that it is asked about
// are held in memory as JSON, at most WithMaxBytes. Default 0.
func WithThirdVoice(p float64) Option { return option(func(h *Harness) { h.voice = p }) }

// or is h, or a Harness that counts and nothing else.
func (h *Harness) or() *Harness {
	if h == nil {
		return NewHarness()
	}
	return h
}

// NewHarness makes a Harness.
func NewHarness(options ...Option) *Harness {
	h := &Harness{
		maxDiffs:         10,
		maxBytes:         64 << 20,
		sample:           1,
		candidateTimeout: 10 * time.Second,
		counts:           make(map[Verdict]uint64),
		rules:            make(map[string]uint64),
		options:          options,
	}
	for _, o := range options {
		if o != nil {
			o.apply(h)
		}
	}
	return h
}

// With makes a Harness that compares as h does, but for o, and has numbers and
// counts of its own.
func (h *Harness) With(o ...Option) *Harness {
	h = h.or()
	return NewHarness(slices.Concat(h.options, o)...)
}

// Publish counts a Report that somebody else made and hands it to the publisher:
// for what has a comparison of its own, as the shadow has. Its number is the next
// of h. It returns the Report with it.
func (h *Harness) Publish(ctx context.Context, r Report) Report {
	r.Seq = h.seq.Add(1)
	h.publish(ctx, r)
	return r
}

// Summary is how many comparisons ended in each verdict, and how often each
// rule was needed.
type Summary struct {
	Operations uint64             `json:"operations"`
	Verdicts   map[Verdict]uint64 `json:"verdicts"`
	Rules      map[string]uint64  `json:"rules"`
	// Latency is how long the candidate took, compared with the control.
	Latency Latency `json:"latency"`
	// Ignores are those of WithIgnores, with how often each was needed: one that
	// never was can go.
	Ignores []IgnoreUse `json:"ignores,omitempty"`
}

// Passed says that something was compared, that nothing ended in a verdict other
// than Equal and EqualByRule, and that no Ignore is incomplete or has expired.
func (s Summary) Passed() bool {
	for _, i := range s.Ignores {
		if i.Problem != "" {
			return false
		}
	}
	return s.Operations > 0 && s.Verdicts[Equal]+s.Verdicts[EqualByRule] == s.Operations
}

// RuleNames are the names of the rules that were needed, sorted.
func (s Summary) RuleNames() []string { return slices.Sorted(maps.Keys(s.Rules)) }

// Summary returns the counts so far.
func (h *Harness) Summary() Summary {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Summary{Verdicts: maps.Clone(h.counts), Rules: maps.Clone(h.rules), Ignores: h.ignores.uses(), Latency: h.ratios.latency()}
	for _, n := range s.Verdicts {
		s.Operations += n
	}
	return s
}

// publish counts r and hands it on.
func (h *Harness) publish(ctx context.Context, r Report) {
	h.mu.Lock()
	if h.counts == nil {
		h.counts, h.rules = make(map[Verdict]uint64), make(map[string]uint64)
	}
	h.counts[r.Verdict]++
	if r.Verdict.Pass() {
		h.ratios.add(r.Control.Duration, r.Candidate.Duration)
	}
	for rule, n := range r.Rules {
		h.rules[rule] += uint64(n)
	}
	h.mu.Unlock()
	if h.publisher == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil { // the caller's answer must not be lost with the report
			h.panicked.Do(func() {
				slog.Default().ErrorContext(ctx, "parity: the publisher of reports panicked", "operation", r.Operation, "panic", p, "stack", string(debug.Stack()))
			})
		}
	}()
	h.publisher.Publish(ctx, r)
}
