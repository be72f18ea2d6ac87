package shadow

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

// Conditions are what must be true of a stage before it may be left for the next.
// A zero field asks for nothing; a mismatch is never allowed.
type Conditions struct {
	Compared uint64  `json:"compared"` // operations
	Bound    float64 `json:"bound"`    // of the share that differs, at 95 %
	Coverage float64 `json:"coverage"` // of what there is to compare, 0 to 1
	Days     float64 `json:"days"`     // since the first comparison in this stage
}

// Status is what there is to say of a shadow. It has no values of rows and no SQL.
type Status struct {
	Stage      Stage                 `json:"stage"`         // in force
	Configured Stage                 `json:"configured"`    // by WithStage
	Off        string                `json:"off,omitempty"` // who has switched it off
	Flags      bool                  `json:"flags"`         // stage and share may be others for some operations
	Share      float64               `json:"share"`
	Compared   uint64                `json:"compared"` // in this stage
	Since      *time.Time            `json:"since,omitempty"`
	Verdicts   map[string]uint64     `json:"verdicts"`
	Bound      *float64              `json:"bound,omitempty"` // 0 of n: at most this share differs, at 95 %
	Dropped    map[string]uint64     `json:"dropped"`         // since the start
	Rules      map[string]uint64     `json:"rules,omitempty"`
	Fallbacks  uint64                `json:"fallbacks"`
	Queue      int                   `json:"queue"` // waiting now
	Breaker    *BreakerStatus        `json:"breaker,omitempty"`
	Routes     *BreakerStatus        `json:"candidate_answers,omitempty"`
	Next       *Next                 `json:"next,omitempty"`
	Classes    []ClassStatus         `json:"classes,omitempty"` // the worst, then the most
	Stages     map[Stage]*StageCount `json:"stages,omitempty"`
}

// BreakerStatus is the state of a breaker.
type BreakerStatus struct {
	State  string `json:"state"` // closed, open or half-open
	Reason string `json:"reason,omitempty"`
	Opened int64  `json:"opened"` // how often
}

// Next is the stage after this one, and what is missing for it.
type Next struct {
	Stage      Stage      `json:"stage"`
	Ready      bool       `json:"ready"`
	Missing    []string   `json:"missing"`
	Conditions Conditions `json:"conditions"`
}

// ClassStatus is one class of operations.
type ClassStatus struct {
	Class      string `json:"class"`
	Operation  string `json:"operation"`
	Compared   uint64 `json:"compared"`
	Mismatches uint64 `json:"mismatches"`
}

// maxClassStatus bounds the classes in a Status.
const maxClassStatus = 20

// Status says where the migration is.
func (s *Shadow) Status() Status {
	s.mu.Lock()
	stage := min(s.opt.stage, s.ceiling)
	off := ""
	switch {
	case s.opt.stage == StageOff && s.opt.flags == nil:
	case s.byAdmin:
		off, stage = "admin", StageOff
	case s.ceiling == StageOff:
		off = "kill file"
	}
	s.mu.Unlock()
	st := Status{
		Stage: stage, Configured: s.opt.stage, Off: off, Flags: s.opt.flags != nil, Share: s.opt.share,
		Verdicts: map[string]uint64{}, Fallbacks: s.count.fallbacks.Load(),
	}
	st.Dropped, st.Rules, st.Stages = s.count.snapshot()
	if e := s.engine.Load(); e != nil {
		b, routes := e.breaker.status(), e.routes.status()
		st.Breaker, st.Routes, st.Queue = &b, &routes, len(e.jobs)
	}
	counted := st.Stages[s.opt.stage]
	for _, v := range parity.Verdicts() {
		if v != parity.NotCompared {
			st.Verdicts[v.String()] = counted.verdict(v)
		}
	}
	st.Compared = compared(counted)
	if counted != nil {
		st.Since = &counted.Since
	}
	if st.Compared > 0 && counted.verdict(parity.Mismatch) == 0 {
		bound := min(1, 3/float64(st.Compared))
		st.Bound = &bound
	}
	st.Next = s.next(counted)
	st.Classes = s.classStatus()
	return st
}

// compared is how many ended in a verdict that says something.
func compared(c *StageCount) uint64 {
	return c.verdict(parity.Equal) + c.verdict(parity.EqualByRule) + c.verdict(parity.Mismatch)
}

// next is what is missing for the stage after the configured one.
func (s *Shadow) next(c *StageCount) *Next {
	if s.opt.stage == StageDone {
		return nil
	}
	want := s.opt.conditions[s.opt.stage]
	n := &Next{Stage: s.opt.stage + 1, Conditions: want, Missing: []string{}}
	missing := func(format string, args ...any) { n.Missing = append(n.Missing, fmt.Sprintf(format, args...)) }
	if s.opt.stage == StageOff {
		n.Ready = true
		return n
	}
	done := compared(c)
	if done < want.Compared {
		missing("%d of %d operations are compared", done, want.Compared)
	}
	if bad := c.verdict(parity.Mismatch); bad > 0 {
		missing("%d mismatches", bad)
	} else if want.Bound > 0 && 3 > want.Bound*float64(done) {
		missing("0 of %d differ, which bounds the share at %s; wanted is %s", done, percent(3/float64(max(done, 1))), percent(want.Bound))
	}
	if want.Days > 0 {
		days := 0.0
		if c != nil {
			days = time.Since(c.Since).Hours() / 24
		}
		if days < want.Days {
			missing("%.1f of %g days", days, want.Days)
		}
	}
	if want.Coverage > 0 {
		if s.opt.coverage == nil {
			missing("the coverage is not known; wanted is %s", percent(want.Coverage))
		} else if got := s.opt.coverage(); got < want.Coverage {
			missing("%s of what there is was compared; wanted is %s", percent(got), percent(want.Coverage))
		}
	}
	n.Ready = len(n.Missing) == 0
	return n
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*min(share, 1)) }

func (s *Shadow) classStatus() []ClassStatus {
	var list []ClassStatus
	for _, c := range s.classes.all() {
		if n := c.compared.Load(); n > 0 {
			list = append(list, ClassStatus{Class: c.name(), Operation: c.operation, Compared: n, Mismatches: c.mismatches.Load()})
		}
	}
	slices.SortFunc(list, func(a, b ClassStatus) int {
		return cmp.Or(cmp.Compare(b.Mismatches, a.Mismatches), cmp.Compare(b.Compared, a.Compared), cmp.Compare(a.Class, b.Class))
	})
	return list[:min(len(list), maxClassStatus)]
}

// Measures are what there is to count, for metrics. Every label is one of a few.
type Measures struct {
	Comparisons map[string]map[string]uint64 // by verdict, then "read" or "write"
	Dropped     map[string]uint64            // by reason
	Rules       map[string]uint64
	Fallbacks   uint64
	Stage       Stage
	BreakerOpen bool
	Answer      HistogramCount // of the side that answers
	Other       HistogramCount // of the other one
	Overhead    HistogramCount // added to an operation that is noted
	Coverage    *float64       // nil: not known
}

// Measures are nil where the shadow is off and has never been anything else.
func (s *Shadow) Measures() *Measures {
	if s.opt.stage == StageOff && s.opt.flags == nil {
		return nil
	}
	st := s.Status()
	m := &Measures{
		Comparisons: map[string]map[string]uint64{}, Dropped: st.Dropped, Rules: st.Rules, Fallbacks: st.Fallbacks, Stage: st.Stage,
		BreakerOpen: st.Breaker != nil && st.Breaker.State != "closed",
		Answer:      s.count.answer.snapshot(), Other: s.count.other.snapshot(), Overhead: s.count.overhead.snapshot(),
	}
	for _, v := range parity.Verdicts() {
		by := map[string]uint64{"read": 0, "write": 0}
		for _, c := range st.Stages {
			by["read"] += c.Reads[v.String()]
			by["write"] += c.Writes[v.String()]
		}
		m.Comparisons[v.String()] = by
	}
	if s.opt.coverage != nil {
		share := s.opt.coverage()
		m.Coverage = &share
	}
	return m
}
