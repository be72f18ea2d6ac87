package report

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
)

// Collector is a parity.Publisher that adds reports up. It is safe for concurrent
// use, and what it holds is bounded: see WithMaxClasses, WithExamples and
// WithSamples. Make one with NewCollector.
type Collector struct {
	maxClasses, examples, samples int
	redact                        redactor

	mu    sync.Mutex
	rand  *mathrand.Rand
	state state
}

var _ parity.Publisher = (*Collector)(nil)

// state is what a Collector has seen; it is JSON, to go on with after an
// interruption.
type state struct {
	Key         []byte            `json:"key"` // of the hashes of values
	Verdicts    Verdicts          `json:"verdicts"`
	Wrong       map[string]int64  `json:"wrong"`
	Rules       map[string]int64  `json:"rules"`
	Failed      map[string]int64  `json:"failed,omitempty"`
	Classes     map[string]*class `json:"classes"` // by fingerprint
	Other       int64             `json:"other"`
	Latency     pairs             `json:"latency"`
	Allocations string            `json:"allocations"`
}

type class struct {
	Name        string           `json:"name"`
	Rows        int64            `json:"rows"`
	Verdicts    Verdicts         `json:"verdicts"`
	Rules       map[string]int64 `json:"rules,omitempty"`
	Examples    []Example        `json:"examples,omitempty"`
	Latency     pairs            `json:"latency"`
	Allocations *Allocations     `json:"allocations,omitempty"`
}

// Option changes a Collector at NewCollector.
type Option interface{ apply(c *Collector) }

type option func(*Collector)

func (o option) apply(c *Collector) { o(c) }

// WithMaxClasses keeps at most n classes apart; the operations of others are only
// counted. Default 1000.
func WithMaxClasses(n int) Option { return option(func(c *Collector) { c.maxClasses = max(n, 1) }) }

// WithExamples keeps at most n mismatches of a class. Default 3. Of every other
// verdict that does not pass it keeps one.
func WithExamples(n int) Option { return option(func(c *Collector) { c.examples = max(n, 1) }) }

// WithSamples times at most n operations of a class, chosen at random. Default 500.
func WithSamples(n int) Option { return option(func(c *Collector) { c.samples = max(n, 1) }) }

// WithReveal shows the values of columns: "email" of any table, "users.email" of
// one, with * and ? for any characters. "*" shows everything, the words of a
// difference included. Default: none.
func WithReveal(patterns ...string) Option {
	return option(func(c *Collector) { c.redact.reveal = append(c.redact.reveal, patterns...) })
}

// NewCollector makes a Collector, with a key of its own for the hashes of values.
func NewCollector(options ...Option) *Collector {
	c := &Collector{maxClasses: 1000, examples: 3, samples: 500}
	for _, o := range options {
		if o != nil {
			o.apply(c)
		}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)                        // never fails: the program ends instead
	c.rand = mathrand.New(mathrand.NewPCG(1, 2)) //nolint:gosec // a sample that is the same for the same operations, not a secret
	c.state = state{Key: key, Wrong: map[string]int64{}, Rules: map[string]int64{}, Classes: map[string]*class{}}
	c.redact.key = key
	return c
}

// Publish adds r. The context may say more of the operation: see WithOperation.
func (c *Collector) Publish(ctx context.Context, r parity.Report) {
	o, _ := ctx.Value(operationKey{}).(Operation)
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.state
	add(&s.Verdicts, r.Verdict)
	if r.Wrong != "" {
		s.Wrong[string(r.Wrong)]++
	}
	for rule, n := range r.Rules {
		s.Rules[rule] += int64(n)
	}
	if r.Verdict.Pass() && r.Control.Code != backend.CodeOK {
		if s.Failed == nil {
			s.Failed = make(map[string]int64)
		}
		s.Failed[end(r.Control)]++
	}
	timed := r.Verdict.Pass() && r.Control.Duration > 0 && r.Candidate.Duration > 0
	if timed {
		s.Latency.add(c.rand, 8*c.samples, int64(r.Control.Duration), int64(r.Candidate.Duration))
	}
	k := c.class(o, r)
	if k == nil {
		s.Other++
		return
	}
	add(&k.Verdicts, r.Verdict)
	k.Rows += r.Control.Rows
	for rule, n := range r.Rules {
		if k.Rules == nil {
			k.Rules = make(map[string]int64)
		}
		k.Rules[rule] += int64(n)
	}
	if timed {
		k.Latency.add(c.rand, c.samples, int64(r.Control.Duration), int64(r.Candidate.Duration))
	}
	c.example(k, o, r)
}

// class is the one that r belongs to, a new one where there is room. A mismatch
// takes the room of the lightest class that passed.
func (c *Collector) class(o Operation, r parity.Report) *class {
	fingerprint, label := Fingerprint(o.Shape), o.Shape
	if o.Shape == "" {
		label = name(r.Operation)
		if fingerprint = r.Class; fingerprint == "" {
			fingerprint = Fingerprint(label)
		}
	}
	s := &c.state
	if k := s.Classes[fingerprint]; k != nil {
		return k
	}
	if len(s.Classes) >= c.maxClasses {
		if r.Verdict != parity.Mismatch {
			return nil
		}
		lightest, weight := "", int64(0)
		for p, k := range s.Classes {
			if n := k.Verdicts.Total(); k.Verdicts.Mismatch == 0 && (lightest == "" || n < weight || n == weight && p < lightest) {
				lightest, weight = p, n
			}
		}
		if lightest == "" {
			return nil
		}
		delete(s.Classes, lightest)
		s.Other += weight
	}
	k := &class{Name: cut(label, maxName)}
	s.Classes[fingerprint] = k
	return k
}

// example keeps r, where there is room for one more of its verdict.
func (c *Collector) example(k *class, o Operation, r parity.Report) {
	if r.Verdict.Pass() {
		return
	}
	limit := 1
	if r.Verdict == parity.Mismatch {
		limit = c.examples
	}
	for i := range k.Examples {
		if k.Examples[i].Verdict == r.Verdict {
			limit--
		}
	}
	if limit <= 0 {
		return
	}
	e := Example{
		Title: o.Title, Line: o.Line, Seq: r.Seq, Verdict: r.Verdict, Reason: reason(r.Reason), Wrong: r.Wrong,
		Control: end(r.Control), Candidate: end(r.Candidate), MoreDiffs: r.Dropped, Replay: o.Replay,
	}
	if e.Title == "" {
		e.Title = name(r.Operation)
	}
	if c.redact.all() {
		e.Reason = r.Reason
	}
	for _, d := range r.Diffs {
		e.Diffs = append(e.Diffs, c.redact.diff(d))
	}
	k.Examples = append(k.Examples, e)
}

// SetAllocations adds what one operation of the class of shape allocated; how says
// how that was measured.
func (c *Collector) SetAllocations(shape, how string, a Allocations) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Allocations = how
	if k := c.state.Classes[Fingerprint(shape)]; k != nil {
		k.Allocations = &a
	}
}

// SetReproducer notes the file that shows a mismatch of the class of shape again,
// and the command for it.
func (c *Collector) SetReproducer(shape, file, command string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.state.Classes[Fingerprint(shape)]
	if k == nil {
		return
	}
	for i := range k.Examples {
		if e := &k.Examples[i]; e.Verdict == parity.Mismatch {
			e.Reproducer, e.Replay = file, command
			return
		}
	}
}

// Verdicts are the counts so far.
func (c *Collector) Verdicts() Verdicts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Verdicts
}

// Document is the report so far, but for what a Collector does not know: its Head,
// Coverage, Passed, ExitCode and Failures.
func (c *Collector) Document() *Document {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.state
	d := &Document{
		Format: Format, Verdicts: s.Verdicts, Wrong: counts(s.Wrong), Rules: counts(s.Rules), Failed: counts(s.Failed), OtherClasses: s.Other,
		Bound:   boundOf(s.Verdicts.Mismatch, s.Verdicts.Compared()),
		Latency: s.Latency.latency(), Allocations: s.Allocations, Classes: []Class{},
		Privacy: Privacy{Values: "redacted", Reveal: slices.Clone(c.redact.reveal)},
	}
	if d.Rules == nil {
		d.Rules = []Count{}
	}
	if d.Allocations == "" {
		d.Allocations = "not measured"
	}
	switch {
	case c.redact.all():
		d.Privacy.Values = "revealed"
	case len(c.redact.reveal) > 0:
		d.Privacy.Values = "revealed in part"
	}
	for fingerprint, k := range s.Classes {
		d.Classes = append(d.Classes, Class{
			Name: k.Name, Fingerprint: fingerprint, Operations: k.Verdicts.Total(), Rows: k.Rows, Verdicts: k.Verdicts, Rules: counts(k.Rules),
			Examples: slices.Clone(k.Examples), Latency: k.Latency.latency(), Allocations: k.Allocations,
		})
	}
	slices.SortFunc(d.Classes, func(a, b Class) int {
		return cmp.Or(cmp.Compare(b.Operations, a.Operations), strings.Compare(a.Name, b.Name), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	return d
}

// MarshalJSON is what the Collector has seen, to go on with in another one. It holds
// the key of the hashes: who reads it can test guesses at values.
func (c *Collector) MarshalJSON() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(&c.state)
}

// UnmarshalJSON goes on from what another Collector had seen.
func (c *Collector) UnmarshalJSON(data []byte) error {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if len(s.Key) != 32 || s.Wrong == nil || s.Rules == nil || s.Classes == nil {
		return errors.New("this is not the state of a report")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.redact.key = s, s.Key
	return nil
}

// counts is m, the most frequent first.
func counts(m map[string]int64) []Count {
	var list []Count
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, Count{k, m[k]})
	}
	slices.SortStableFunc(list, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	return list
}

// field is the count of v.
func field(v *Verdicts, verdict parity.Verdict) *int64 {
	switch verdict {
	case parity.Equal:
		return &v.Equal
	case parity.EqualByRule:
		return &v.EqualByRule
	case parity.Noise:
		return &v.Noise
	case parity.Mismatch:
		return &v.Mismatch
	case parity.Inconclusive:
		return &v.Inconclusive
	case parity.NotCompared:
	}
	return &v.NotCompared
}

func add(v *Verdicts, verdict parity.Verdict) { *field(v, verdict)++ }

// Of is the count of one verdict.
func (v Verdicts) Of(verdict parity.Verdict) int64 { return *field(&v, verdict) }

// Total is how many operations there were.
func (v Verdicts) Total() int64 {
	return v.Equal + v.EqualByRule + v.Noise + v.Mismatch + v.Inconclusive + v.NotCompared
}

// Compared is how many operations ended in a statement about the two sides: equal,
// equal by rule, or a mismatch.
func (v Verdicts) Compared() int64 { return v.Equal + v.EqualByRule + v.Mismatch }

// Worst is the worst verdict that was counted.
func (v Verdicts) Worst() parity.Verdict {
	for _, w := range []parity.Verdict{parity.Mismatch, parity.Inconclusive, parity.Noise, parity.NotCompared, parity.EqualByRule} {
		if v.Of(w) > 0 {
			return w
		}
	}
	return parity.Equal
}
