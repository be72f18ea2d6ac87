package coverage

import (
	"encoding/json"
	"slices"
	"strings"
)

// state is what a Tracker has counted, as JSON.
type state struct {
	Columns []counted `json:"columns"`
	Failed  []failing `json:"failed,omitempty"`
	Types   []counted `json:"types"`
	Modes   []counted `json:"modes"`
	Classes []passed  `json:"classes"`
}

type counted struct {
	Row    string `json:"row"`
	Column string `json:"column"`
	N      int64  `json:"n"`
}

type failing struct {
	Row       string `json:"row"`
	Column    string `json:"column"`
	Differed  bool   `json:"differed,omitempty"`
	Undecided bool   `json:"undecided,omitempty"`
}

type passed struct {
	Class     string `json:"class"`
	Name      string `json:"name"`
	Passed    bool   `json:"passed"`
	Differed  bool   `json:"differed,omitempty"`
	Undecided bool   `json:"undecided,omitempty"`
}

// MarshalJSON is what the Tracker has counted, to go on with in another one of the same
// schema.
func (t *Tracker) MarshalJSON() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := func(m map[cell]int64) []counted {
		var out []counted
		for k, n := range m {
			out = append(out, counted{k.row, k.column, n})
		}
		slices.SortFunc(out, func(a, b counted) int { return strings.Compare(a.Row+"\x00"+a.Column, b.Row+"\x00"+b.Column) })
		return out
	}
	s := state{Columns: list(t.columns), Types: list(t.types), Modes: list(t.modes)}
	for k, f := range t.failed {
		s.Failed = append(s.Failed, failing{k.row, k.column, f.differed, f.undecided})
	}
	slices.SortFunc(s.Failed, func(a, b failing) int { return strings.Compare(a.Row+"\x00"+a.Column, b.Row+"\x00"+b.Column) })
	for k, c := range t.classes {
		s.Classes = append(s.Classes, passed{k, c.name, c.passed, c.failed.differed, c.failed.undecided})
	}
	slices.SortFunc(s.Classes, func(a, b passed) int { return strings.Compare(a.Class, b.Class) })
	return json.Marshal(s)
}

// UnmarshalJSON goes on from what another Tracker had counted.
func (t *Tracker) UnmarshalJSON(data []byte) error {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range []struct {
		from []counted
		to   map[cell]int64
	}{{s.Columns, t.columns}, {s.Types, t.types}, {s.Modes, t.modes}} {
		clear(f.to)
		for _, c := range f.from {
			f.to[cell{c.Row, c.Column}] = c.N
		}
	}
	clear(t.failed)
	for _, f := range s.Failed {
		t.failed[cell{f.Row, f.Column}] = failed{f.Differed, f.Undecided}
	}
	clear(t.classes)
	for _, c := range s.Classes {
		t.classes[c.Class] = class{c.Name, c.Passed, failed{c.Differed, c.Undecided}}
	}
	return nil
}
