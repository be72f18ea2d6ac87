package shadow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

// Why a sampled operation is not compared: the values of a metric's label.
const (
	dropQueue      = "queue"      // the queue is full
	dropLate       = "late"       // it has waited too long
	dropBudget     = "budget"     // the budget is used up
	dropMemory     = "memory"     // it has too many or too large statements
	dropSize       = "row_size"   // a row is too large
	dropSnapshot   = "snapshot"   // it reads from a snapshot that is gone
	dropControl    = "no_answer"  // the answering side lost its connection, or the caller left
	dropPartly     = "partly"     // rows were left unread whose order is not fixed, or nothing can be described
	dropUnreadable = "unreadable" // a value is none of its type
	dropPanic      = "panic"      // a bug
	dropOff        = "off"        // it was switched off meanwhile
)

var dropReasons = []string{
	dropQueue, dropLate, dropBudget, dropMemory, dropSize, dropSnapshot, dropControl, dropPartly, dropUnreadable, dropPanic, dropOff,
}

// counters are what a Shadow has counted, whatever is on.
type counters struct {
	fallbacks atomic.Uint64
	overhead  Histogram
	answer    Histogram
	other     Histogram

	mu      sync.Mutex
	dropped map[string]uint64
	rules   map[string]uint64
	stages  map[Stage]*StageCount
}

// StageCount is what was compared while operations were in one stage.
type StageCount struct {
	Since  time.Time         `json:"since"` // of the first comparison
	Reads  map[string]uint64 `json:"reads"` // by verdict
	Writes map[string]uint64 `json:"writes"`
}

// verdict is how many had v.
func (c *StageCount) verdict(v parity.Verdict) uint64 {
	if c == nil {
		return 0
	}
	return c.Reads[v.String()] + c.Writes[v.String()]
}

func newCounters() *counters {
	c := &counters{dropped: map[string]uint64{}, rules: map[string]uint64{}, stages: map[Stage]*StageCount{}}
	for _, r := range dropReasons {
		c.dropped[r] = 0
	}
	return c
}

func (c *counters) drop(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped[reason]++
}

// add counts a comparison.
func (c *counters) add(stage Stage, read bool, r *parity.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stages[stage]
	if s == nil {
		s = &StageCount{Since: time.Now().UTC(), Reads: map[string]uint64{}, Writes: map[string]uint64{}}
		c.stages[stage] = s
	}
	by := s.Writes
	if read {
		by = s.Reads
	}
	by[r.Verdict.String()]++
	for rule, n := range r.Rules {
		c.rules[rule] += uint64(n)
	}
}

// snapshot is a copy.
func (c *counters) snapshot() (dropped, rules map[string]uint64, stages map[Stage]*StageCount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stages = map[Stage]*StageCount{}
	for stage, s := range c.stages {
		stages[stage] = &StageCount{Since: s.Since, Reads: maps.Clone(s.Reads), Writes: maps.Clone(s.Writes)}
	}
	return maps.Clone(c.dropped), maps.Clone(c.rules), stages
}

// load reads what an earlier process has counted. No file: nothing.
func (c *counters) load(path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var stages map[Stage]*StageCount
	if err == nil {
		err = json.Unmarshal(text, &stages)
	}
	if err != nil {
		return fmt.Errorf("the shadow's state: %w", err)
	}
	for stage, s := range stages {
		if s == nil {
			continue
		}
		for _, m := range []*map[string]uint64{&s.Reads, &s.Writes} {
			if *m == nil {
				*m = map[string]uint64{}
			}
		}
		c.stages[stage] = s
	}
	return nil
}

// save keeps it, whole or not at all.
func (c *counters) save(path string) error {
	if path == "" {
		return nil
	}
	_, _, stages := c.snapshot()
	text, err := json.Marshal(stages)
	if err != nil {
		return fmt.Errorf("the shadow's state: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".shadow-*")
	if err != nil {
		return fmt.Errorf("the shadow's state: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("the shadow's state: %w", err)
	}
	return nil
}

// Buckets are the upper bounds of a Histogram, in seconds.
var Buckets = []float64{1e-6, 5e-6, 2e-5, 1e-4, 5e-4, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// Histogram counts durations. Its zero value is ready.
type Histogram struct {
	counts [20]atomic.Uint64 // by Buckets, and one more
	nanos  atomic.Int64
}

func (h *Histogram) observe(d time.Duration) {
	i := 0
	for s := d.Seconds(); i < len(Buckets) && s > Buckets[i]; i++ {
	}
	h.counts[i].Add(1)
	h.nanos.Add(int64(d))
}

// HistogramCount is what a Histogram has counted.
type HistogramCount struct {
	Count   uint64
	Seconds float64
	Below   map[float64]uint64 // at most so many seconds
}

func (h *Histogram) snapshot() HistogramCount {
	s := HistogramCount{Seconds: time.Duration(h.nanos.Load()).Seconds(), Below: make(map[float64]uint64, len(Buckets))}
	for i := range h.counts {
		s.Count += h.counts[i].Load()
		if i < len(Buckets) {
			s.Below[Buckets[i]] = s.Count
		}
	}
	return s
}
