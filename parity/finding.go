package parity

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
)

// finding is one difference, with what is needed to look at it again.
type finding struct {
	Diff
	sql      string
	given    int // arguments
	step     int // see comparison.step
	columns  []builder.Column
	a, b     *row       // the control's and the candidate's; nil where there is none
	at       []int      // the columns that differ, of DiffValue
	failures [2]failure // of DiffError
	said     string     // what the control gave, of kinds without rows

	excused string // the name it is counted under, of an Ignore or a Known
	judged  bool   // it was looked at again
	noise   bool   // and the control differed from itself
	stuck   []int  // of at: those in which the control has never differed from itself
	again   []int  // of at: those in which the run that is going on gave the first value
	held    bool   // that run has the row of a DiffMissing
	met     bool   // that run has a row in the place of this one
}

// kept bounds the findings of one key: what differs in the same way a thousand
// times is looked at that often, and counted beyond.
const kept = 10

// key is the same for findings that differ in the same way.
func (f *finding) key() string {
	parts := []string{f.Statement, string(f.Kind)}
	for _, i := range f.at {
		parts = append(parts, f.columns[i].Name)
	}
	return strings.Join(parts, "\x00")
}

// add takes a difference without rows.
func (c *comparison) add(d Diff) { c.note(&finding{Diff: d}) }

// note takes a difference. Its rows are copied.
func (c *comparison) note(f *finding) {
	f.sql, f.given, f.step = c.sql, c.given, c.step
	key := f.key()
	limit, same := kept, 0
	if c.h != nil {
		limit = max(limit, c.h.maxDiffs)
	}
	for _, other := range c.found {
		if other.key() == key {
			same++
		}
		if f.Kind == DiffError && f.step < 0 && other.Kind == DiffError && other.failures == f.failures {
			return // the whole failed as its statement did
		}
	}
	if same >= limit {
		c.dropped[key]++
		return
	}
	if f.a != nil {
		f.a = f.a.clone()
	}
	if f.b != nil {
		f.b = f.b.clone()
	}
	f.stuck = f.at
	c.found = append(c.found, f)
}

// lost says that findings were dropped whose like do not all turn out harmless.
func (c *comparison) lost() bool {
	for key := range c.dropped {
		if slices.ContainsFunc(c.found, func(f *finding) bool { return f.key() == key && f.stands() }) {
			return true
		}
	}
	return false
}

// stands says that f is a difference of the two backends.
func (f *finding) stands() bool { return f.excused == "" && !f.noise }

// pending are the findings that stand and were not looked at again.
func (c *comparison) pending() []*finding {
	var list []*finding
	for _, f := range c.found {
		if f.stands() && !f.judged {
			list = append(list, f)
		}
	}
	return list
}

// shown are the differences of a report, at most limit, and how many are not shown.
// Those that stand come first, and of each way to differ one before the others.
func (c *comparison) shown(limit int) (list []Diff, dropped int) {
	ways := make(map[string]int)
	type place struct {
		noise bool
		nth   int
		f     *finding
	}
	var places []place
	for _, f := range c.found {
		if f.excused == "" {
			ways[f.key()]++
			places = append(places, place{!f.stands(), min(ways[f.key()], 2), f})
		}
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Or(boolCompare(a.noise, b.noise), cmp.Compare(a.nth, b.nth))
	})
	for i, p := range places {
		if i < limit {
			list = append(list, p.f.shown())
		} else {
			dropped++
		}
	}
	for key, n := range c.dropped {
		if ways[key] > 0 {
			dropped += n
		}
	}
	return list, dropped
}

// shown is the difference with the cells first that differ beyond noise.
func (f *finding) shown() Diff {
	d := f.Diff
	if len(d.Cells) != len(f.at) || len(f.stuck) == 0 || len(f.stuck) == len(f.at) {
		return d
	}
	var noise []Cell
	d.Cells = nil
	for i, at := range f.at {
		if slices.Contains(f.stuck, at) {
			d.Cells = append(d.Cells, f.Cells[i])
		} else {
			noise = append(noise, f.Cells[i])
		}
	}
	d.Cells = append(d.Cells, noise...)
	return d
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
