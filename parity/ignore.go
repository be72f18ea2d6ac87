package parity

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Ignore is a difference that somebody has accepted for a while. It names at least
// one of Operation, Class and Column, and always who answers for it, why, and until
// when. A difference that it matches counts as equal by rule, under a name of its own
// ("ignored: …"). An Ignore that is incomplete or has expired is not applied, and
// the run does not pass (Summary.Passed).
type Ignore struct {
	// Operation is a pattern (path.Match) for the name of the operation or of the
	// statement: "query users", "query *".
	Operation string `json:"operation,omitempty"`
	// Class is Report.Class of the operation.
	Class string `json:"class,omitempty"`
	// Column is a pattern for the column; only differences of values in it are
	// ignored then. Without it the whole operation is.
	Column string `json:"column,omitempty"`
	Owner  string `json:"owner"`  // a person or a team
	Reason string `json:"reason"` // a sentence
	Until  string `json:"until"`  // the last day, such as "2027-01-31", in UTC
}

// String names i in reports.
func (i Ignore) String() string {
	parts := slices.DeleteFunc([]string{i.Operation, i.Class, i.Column}, func(s string) bool { return s == "" })
	return strings.Join(parts, " / ") + " until " + i.Until
}

// problem says why i can't be applied at a time; "" where it can.
func (i Ignore) problem(now time.Time) string {
	last, err := time.Parse(time.DateOnly, i.Until)
	switch {
	case i.Operation == "" && i.Class == "" && i.Column == "":
		return "it names no operation, class or column"
	case badPattern(i.Operation) || badPattern(i.Column):
		return "its pattern is not one of path.Match"
	case strings.TrimSpace(i.Owner) == "":
		return "it has no owner"
	case len(strings.Fields(i.Reason)) < 2:
		return "it has no reason"
	case err != nil:
		return fmt.Sprintf("its last day %q is not of the form 2027-01-31", i.Until)
	case !now.Before(last.AddDate(0, 0, 1)):
		return "it has expired"
	}
	return ""
}

func badPattern(p string) bool {
	_, err := path.Match(p, "")
	return err != nil
}

// WithIgnores applies list. Default: none.
func WithIgnores(list ...Ignore) Option {
	return option(func(h *Harness) {
		if h.ignores == nil {
			h.ignores = &ignores{}
		}
		for _, i := range list {
			h.ignores.list = append(h.ignores.list, &ignoring{Ignore: i, problem: i.problem(time.Now())})
		}
	})
}

// ReadIgnores reads a file of them: a JSON object with the one key "ignore", a list
// of Ignores. Unknown keys are refused, and so is an Ignore that is incomplete or
// has expired; all problems are told at once.
//
//	{"ignore": [{"operation": "query users", "column": "last_seen", "owner": "accounts",
//	  "reason": "the clock of the view", "until": "2027-01-31"}]}
func ReadIgnores(r io.Reader) ([]Ignore, error) {
	var file struct {
		Ignore []Ignore `json:"ignore"`
	}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("read ignores: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read ignores: something follows the object")
	}
	var errs []error
	for n, i := range file.Ignore {
		if p := i.problem(time.Now()); p != "" {
			errs = append(errs, fmt.Errorf("ignore %d (%s): %s", n+1, i, p))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return file.Ignore, nil
}

// IgnoreUse is what became of an Ignore in a run.
type IgnoreUse struct {
	Ignore

	Used    uint64 `json:"used"`              // differences that it matched
	Problem string `json:"problem,omitempty"` // why it was not applied
}

type ignores struct{ list []*ignoring }

type ignoring struct {
	Ignore

	problem string
	used    atomic.Uint64
}

// uses are what became of all.
func (g *ignores) uses() []IgnoreUse {
	if g == nil {
		return nil
	}
	list := make([]IgnoreUse, len(g.list))
	for k, i := range g.list {
		list[k] = IgnoreUse{Ignore: i.Ignore, Used: i.used.Load(), Problem: i.problem}
	}
	return list
}

// match says whether i is about f, a finding of an operation.
func (i *ignoring) match(f *finding, operation, class string) bool {
	if i.problem != "" || i.Class != "" && i.Class != class {
		return false
	}
	if i.Operation == "" {
		return true
	}
	a, _ := path.Match(i.Operation, operation) // the pattern was checked
	b, _ := path.Match(i.Operation, f.Statement)
	return a || b
}

// excuses takes out of the findings what is known or ignored, and counts it.
func (c *comparison) excuses(operation string) {
	for _, f := range c.found {
		if f.excused != "" {
			continue
		}
		if k := c.known(f); k != nil {
			f.excused = "known: " + k.Name
			c.rules[f.excused]++
			continue
		}
		if c.h != nil && c.h.ignores != nil {
			c.ignored(f, operation)
		}
	}
}

func (c *comparison) ignored(f *finding, operation string) {
	for _, i := range c.h.ignores.list {
		if !i.match(f, operation, c.className()) {
			continue
		}
		name := "ignored: " + i.String()
		if i.Column == "" {
			f.excused = name
			c.rules[name]++
			i.used.Add(1)
			return
		}
		if n := f.without(i.Column); n > 0 {
			c.rules[name] += n
			i.used.Add(uint64(n))
		}
		if f.Kind == DiffValue && len(f.at) == 0 {
			f.excused = name
			return
		}
	}
}

// without takes the columns that match pattern out of f and says how many there were.
func (f *finding) without(pattern string) (n int) {
	var at []int
	var cells []Cell
	for k, i := range f.at {
		if ok, _ := path.Match(pattern, f.columns[i].Name); ok { // the pattern was checked
			n++
			continue
		}
		at, cells = append(at, i), append(cells, f.Cells[k])
	}
	if n > 0 {
		f.at, f.stuck, f.Cells = at, at, cells
	}
	return n
}
