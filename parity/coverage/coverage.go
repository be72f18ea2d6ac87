// Package coverage says what a comparison has looked at: of each column of the
// user's tables whether it was read, read as NULL, filtered by, sorted by and
// written; of each type which operators; and on which modes of the drivers. What
// never was compared is listed by name, since nothing is known of it, and apart from it
// what was compared and never found equal.
package coverage

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/report"
)

// Tracker is a parity.Publisher that counts what was compared and found equal.
// It is safe for concurrent use, and as large as the catalog.
type Tracker struct {
	next   parity.Publisher
	schema *builder.Schema

	mu      sync.Mutex
	columns map[cell]int64
	failed  map[cell]failed // uses of columns in operations that did not pass
	types   map[cell]int64
	modes   map[cell]int64
	classes map[string]class
}

// cell is one place in a map: a column or type, and a use of it.
type cell struct{ row, column string }

// class is an operation: whether it ever passed with an answer, how it did not, and what
// it is called.
type class struct {
	name   string
	passed bool
	failed failed
}

// failed says how something did not pass. The zero value is that it was never compared.
type failed struct{ differed, undecided bool }

// with is f and how r failed, which did not pass with an answer.
func (f failed) with(r *parity.Report) failed {
	switch r.Verdict {
	case parity.NotCompared:
	case parity.Mismatch:
		f.differed = true
	default: // noise, no verdict, or the same error on both sides
		f.undecided = true
	}
	return f
}

// maxClasses bounds the operations that are remembered by name.
const maxClasses = 10_000

// New makes a Tracker for the tables of s. Reports go on to next; nil is nobody.
func New(s *builder.Schema, next parity.Publisher) *Tracker {
	return &Tracker{
		next: next, schema: s, columns: map[cell]int64{}, failed: map[cell]failed{}, types: map[cell]int64{},
		modes: map[cell]int64{}, classes: map[string]class{},
	}
}

// uses are the headings, in the order of builder's constants.
var uses = []string{"read", "null", "filter", "sort", "write", "write null"}

const (
	member    = "member of an array"
	uncounted = -1 // there is nothing to compare
)

// Publish implements parity.Publisher.
func (t *Tracker) Publish(ctx context.Context, r parity.Report) {
	t.count(&r)
	if t.next != nil {
		t.next.Publish(ctx, r)
	}
}

// count counts what passed. Of what did not it is only kept how, since it tells nothing
// of what may be relied on.
func (t *Tracker) count(r *parity.Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pass := r.Verdict.Pass()
	answered := pass && r.Control.Code == backend.CodeOK // the same error is no answer
	if c, known := t.classes[r.Class]; r.Class != "" && (known || len(t.classes) < maxClasses) {
		c.name, c.passed = r.Operation, c.passed || answered
		if !answered {
			c.failed = c.failed.with(r)
		}
		t.classes[r.Class] = c
	}
	if !pass {
		for _, u := range r.Uses {
			if u.Column != nil && u.Column.Table != nil {
				at := cell{nameOf(u.Column), uses[u.How]}
				t.failed[at] = t.failed[at].with(r)
			}
		}
		return
	}
	pair := r.Control.Backend + " | " + r.Candidate.Backend
	seen := make(map[builder.Use]bool, len(r.Uses)) // an operation counts once for each
	typed := map[string]bool{}
	for _, u := range r.Uses {
		if u.Type == nil || seen[u] {
			continue
		}
		seen[u] = true
		name := u.Type.String()
		t.types[cell{name, use(u)}]++
		if !typed[name] {
			typed[name] = true
			t.modes[cell{name, pair}]++
		}
		if e := u.Type.Base().Elem(); e != nil && u.How == builder.UseRead {
			t.types[cell{e.String(), member}]++
		}
		if u.Operator != "" {
			t.types[cell{name, "filter"}]++
		}
		if u.Column == nil || u.Column.Table == nil {
			continue
		}
		t.columns[cell{nameOf(u.Column), uses[u.How]}]++
	}
}

// use is the heading of u in the map of types.
func use(u builder.Use) string {
	if u.Operator != "" {
		return u.Operator
	}
	return uses[u.How]
}

func nameOf(c *catalog.Column) string { return c.Table.Schema + "." + c.Table.Name + "." + c.Name }

// maxNever bounds each list of what was never compared, or never agreed on.
const maxNever = 500

// Coverage is what was compared so far. Its percentage is of the uses of the
// user's columns: reading, reading NULL where it may be, filtering where an
// operator takes the type, and writing where the role may. Types and operators
// are in maps of their own. What never passed with an answer, columns and operations
// alike, is in Never, Differed or Undecided.
func (t *Tracker) Coverage() *report.Coverage {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &report.Coverage{Never: []string{}}
	lacks := func(what string, f failed) {
		list, more := &c.Never, &c.NeverMore
		switch {
		case f.undecided:
			list, more = &c.Undecided, &c.UndecidedMore
		case f.differed:
			list, more = &c.Differed, &c.DifferedMore
		}
		if len(*list) < maxNever {
			*list = append(*list, what)
		} else {
			*more++
		}
	}
	byColumn := report.HeatMap{Title: "Columns by use", Columns: uses}
	inUse := map[string]*codec.Type{}
	for table := range t.schema.Catalog().Tables() {
		if table.IsPartition || table.Extension != "" || table.Kind == catalog.RowType {
			continue
		}
		for _, col := range table.Columns {
			typ := t.schema.Types().Type(col.Type)
			inUse[typ.String()] = typ
			row := report.HeatRow{Name: nameOf(col)}
			for how, may := range t.may(table, col, typ) {
				n := t.columns[cell{row.Name, uses[how]}]
				switch {
				case !may.possible && n == 0:
					n = uncounted
				case may.counts:
					c.Total++
					if n > 0 {
						c.Compared++
					} else {
						lacks(row.Name+" ("+uses[how]+")", t.failed[cell{row.Name, uses[how]}])
					}
				}
				row.Cells = append(row.Cells, n)
			}
			byColumn.Rows = append(byColumn.Rows, row)
		}
	}
	if c.Total > 0 { // where there is nothing, nothing was compared
		c.Percent = 100 * float64(c.Compared) / float64(c.Total)
	}
	for _, key := range slices.Sorted(maps.Keys(t.classes)) {
		if k := t.classes[key]; !k.passed {
			lacks("operation "+k.name+" (class "+key+")", k.failed)
		}
	}
	c.Maps = []report.HeatMap{byColumn, t.byType(inUse), t.byOperator(inUse), t.byMode()}
	return c
}

// chance says of a use of a column whether there can be one and whether it belongs
// to what has to be compared.
type chance struct{ possible, counts bool }

// may are the chances of a column, in the order of uses. Sorting and writing NULL are
// shown, but what has a filter and a value has the same types on the wire.
func (t *Tracker) may(table *catalog.Table, col *catalog.Column, typ *codec.Type) []chance {
	read := table.CanSelect && col.CanSelect
	filter := read && len(t.operators(typ)) > 0
	write := (col.CanInsert || col.CanUpdate) && !col.ReadOnly && col.Generated == 0 && col.Identity != 'a' && (table.Insertable || table.Updatable)
	return []chance{
		{read, read},
		{read && !col.NotNull, read && !col.NotNull},
		{filter, filter},
		{read, false},
		{write, write},
		{write && !col.NotNull, false},
	}
}

// operators are those that take typ in this database.
func (t *Tracker) operators(typ *codec.Type) []string {
	return builder.OperatorsFor(typ, func(name string) bool {
		_, ok := t.schema.Catalog().Extension(name)
		return ok
	})
}

// byType is the map of types by use.
func (t *Tracker) byType(inUse map[string]*codec.Type) report.HeatMap {
	m := report.HeatMap{Title: "Types by use", Columns: append(slices.Clone(uses), member)}
	for _, name := range t.typeNames(inUse) {
		row := report.HeatRow{Name: name}
		for _, column := range m.Columns {
			row.Cells = append(row.Cells, t.types[cell{name, column}])
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}

// byOperator is the map of operators by the types of the user's columns.
func (t *Tracker) byOperator(inUse map[string]*codec.Type) report.HeatMap {
	names := slices.Sorted(maps.Keys(inUse))
	m := report.HeatMap{Title: "Operators by type", Columns: names}
	var order []string
	takes := map[cell]bool{}
	for op := range builder.Operators() {
		if !slices.Contains(order, op.Name) {
			order = append(order, op.Name)
		}
	}
	for _, name := range names {
		for _, op := range t.operators(inUse[name]) {
			takes[cell{op, name}] = true
		}
	}
	for _, op := range order {
		row := report.HeatRow{Name: op}
		applies := false
		for _, name := range names {
			n := t.types[cell{name, op}]
			if n == 0 && !takes[cell{op, name}] {
				n = uncounted
			}
			applies = applies || n != uncounted
			row.Cells = append(row.Cells, n)
		}
		if applies {
			m.Rows = append(m.Rows, row)
		}
	}
	return m
}

// byMode is the map of types by the two modes that were compared.
func (t *Tracker) byMode() report.HeatMap {
	pairs, names := map[string]bool{}, map[string]bool{}
	for k := range t.modes {
		pairs[k.column], names[k.row] = true, true
	}
	m := report.HeatMap{Title: "Types by modes (control | candidate)", Columns: slices.Sorted(maps.Keys(pairs))}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row := report.HeatRow{Name: name}
		for _, pair := range m.Columns {
			row.Cells = append(row.Cells, t.modes[cell{name, pair}])
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}

// typeNames are the types of the user's columns and those that were met beside.
func (t *Tracker) typeNames(inUse map[string]*codec.Type) []string {
	names := maps.Clone(inUse)
	for k := range t.types {
		if _, ok := names[k.row]; !ok {
			names[k.row] = nil
		}
	}
	return slices.Sorted(maps.Keys(names))
}
