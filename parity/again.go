package parity

import (
	"slices"
	"strconv"
	"strings"
)

// When the backends differ, the control runs again. What differs from its own first
// answer where the candidate did is noise: it says nothing about the drivers.

// reruns is how often the control runs again at most. It ends after the first time
// where that explained nothing; a value of few possibilities (a random boolean)
// may come out the same once.
const reruns = 3

// outcome is what one run of a statement gave, besides its rows.
type outcome struct {
	rows     int64
	affected int64
	err      error
	notices  string
	after    aftermath // of a whole write
}

// see takes a row of one more run; n counts from 1, 0 where its place says nothing.
func (f *finding) see(n int64, r *row) {
	if f.Kind == DiffMissing {
		f.held = f.held || r.equal(f.a)
		return
	}
	if f.Kind != DiffValue || n != f.Row && (n > 0 || !f.alike(r)) {
		return
	}
	f.met = true
	for _, i := range f.at {
		if i < len(r.ends) && r.cell(i) == f.a.cell(i) && !slices.Contains(f.again, i) {
			f.again = append(f.again, i)
		}
	}
}

// alike says that r is the control's row in all columns in which both sides agree.
func (f *finding) alike(r *row) bool {
	if len(r.ends) != len(f.a.ends) {
		return false
	}
	for i := range r.ends {
		if f.agreed(i) && r.cell(i) != f.a.cell(i) {
			return false
		}
	}
	return true
}

// agreed says that both sides gave column i the same value, and would again.
func (f *finding) agreed(i int) bool { return !f.columns[i].Volatile && f.a.cell(i) == f.b.cell(i) }

// conclude ends that run: first is what the control gave at first. It says whether
// something was explained, or may be by another run: a number of rows can be the
// same by chance.
func (f *finding) conclude(first, now outcome) bool {
	was := len(f.stuck)
	switch f.Kind {
	case DiffValue:
		if now.err == nil && (f.met || now.rows != first.rows) {
			f.stuck = slices.DeleteFunc(slices.Clone(f.stuck), func(i int) bool { return !slices.Contains(f.again, i) })
			f.noise = len(f.stuck) == 0
		}
	case DiffMissing, DiffExtra: // the two sides have not the same number of rows
		f.noise = now.err == nil && now.rows != first.rows
	case DiffError:
		f.noise = failureOf(now.err) != f.failures[0]
	case DiffAffected:
		f.noise = now.err == nil && f.said != strconv.FormatInt(now.affected, 10)
	case DiffNotice:
		f.noise = now.err == nil && f.said != now.notices
	case DiffSettings:
		f.noise = now.err == nil && f.said != now.after.settings
	case DiffWritten:
		f.noise = now.err == nil && f.said != now.after.written
	default: // columns, statements, states: the same whoever runs them
	}
	doubtful := f.Kind == DiffMissing && !f.held
	f.judged, f.again, f.held, f.met = true, nil, false, false
	return f.noise || len(f.stuck) < was || doubtful
}

// repeat runs the control up to reruns times. run feeds each finding its rows and
// says what else came; ok is false where nothing can be concluded.
func (c *comparison) repeat(list []*finding, first func(*finding) outcome, run func() (now func(*finding) outcome, ok bool)) {
	for range reruns {
		now, ok := run()
		if !ok {
			return
		}
		progress, open := false, false
		for _, f := range list {
			if f.noise {
				f.again, f.held, f.met = nil, false, false
				continue
			}
			progress = f.conclude(first(f), now(f)) || progress
			open = open || !f.noise
		}
		if !progress || !open {
			return
		}
	}
}

// noises says where the control differed from itself, for Report.Reason.
func (c *comparison) noises() string {
	var where []string
	for _, f := range c.found {
		if !f.noise {
			continue
		}
		what := string(f.Kind)
		if f.Kind == DiffValue {
			names := make([]string, len(f.at))
			for k, i := range f.at {
				names[k] = f.columns[i].Name
			}
			what = strings.Join(names, ", ")
		}
		if what += " of " + f.Statement; !slices.Contains(where, what) {
			where = append(where, what)
		}
	}
	return "the control differs from itself: " + strings.Join(where, "; ")
}
