package connector

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/parity"
)

// The rules of this package beside "go type: …" and parity.RuleBag.
const (
	// RuleConcurrent: a read differed, and was the same in one snapshot.
	RuleConcurrent = "concurrent writes"
	// RuleDatabase: the name of the control's database against that of the candidate's.
	RuleDatabase = "database name"
	// RuleRefused: one driver refused an argument that the server refused for the other.
	RuleRefused = "refused by the driver"
)

// comparison collects what one statement's comparison finds.
type comparison struct {
	s       *side
	diffs   []parity.Diff
	pending []*unexplained
	dropped int
	rules   map[string]int
	reason  string
	noise   bool
	rows    int64
	uses    []builder.Use
}

// read takes note of the types of a row that was read, each once. A driver names types
// in capitals, and a column by its label only: which column of a table it is nobody
// knows here.
func (c *comparison) read(columns []column, row []cell) {
	for i := range columns {
		t := columns[i].known
		if t == nil {
			continue
		}
		c.use(builder.Use{Type: t, How: builder.UseRead})
		if row[i].null() {
			c.use(builder.Use{Type: t, How: builder.UseReadNull})
		}
	}
}

func (c *comparison) use(u builder.Use) {
	if !slices.Contains(c.uses, u) {
		c.uses = append(c.uses, u)
	}
}

// unexplained is a pair of rows that differ in cells that no rule explains yet.
type unexplained struct {
	n       int64
	columns []column
	a, b    []cell
}

// column is a column of both sides.
type column struct {
	name, typ string
	known     *codec.Type // nil: a type that the drivers have no name for
}

func (s *side) comparison() *comparison { return &comparison{s: s, rules: make(map[string]int)} }

func (c *comparison) add(d parity.Diff) {
	if len(c.diffs) >= c.s.m.maxDiffs {
		c.dropped++
		return
	}
	c.diffs = append(c.diffs, d)
}

// inconclusive keeps the first reason.
func (c *comparison) inconclusive(reason string) {
	if c.reason == "" {
		c.reason = reason
	}
}

func (c *comparison) verdict() parity.Verdict {
	switch {
	case c.noise:
		return parity.Noise
	case len(c.diffs)+len(c.pending) > 0:
		return parity.Mismatch
	case c.reason != "":
		return parity.Inconclusive
	case len(c.rules) > 0:
		return parity.EqualByRule
	}
	return parity.Equal
}

// columnsOf joins the two sides' columns: a type's name is the control's, or where
// its driver knows none the candidate's (pgx then gives the digits of its OID).
func columnsOf(names, control, candidate []string) []column {
	list := make([]column, len(names))
	for i, name := range names {
		list[i] = column{name: name, typ: control[i]}
		if i < len(candidate) && (list[i].typ == "" || isDigits(list[i].typ)) && candidate[i] != "" {
			list[i].typ = candidate[i]
		}
		if isDigits(list[i].typ) {
			list[i].typ = ""
		}
		list[i].known = codec.BuiltinNamed(strings.ToLower(list[i].typ))
		list[i].typ = strings.ToUpper(list[i].typ)
	}
	return list
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// names compares names and order of columns; false means that rows can't be.
func (c *comparison) names(control, candidate []string) bool {
	if slices.Equal(control, candidate) {
		return true
	}
	c.add(parity.Diff{Kind: parity.DiffColumns, Detail: "- " + strings.Join(control, ", ") + "\n+ " + strings.Join(candidate, ", ")})
	return false
}

// sameRow compares two rows cell by cell and counts the rules that were needed;
// false where a cell stays unexplained.
func (c *comparison) sameRow(columns []column, a, b []cell) bool {
	rules := make(map[string]int)
	for i := range columns {
		if a[i].canon == b[i].canon {
			if a[i].shape != b[i].shape {
				if c.s.m.strictTypes {
					return false
				}
				rules[goRule(columns[i].typ, a[i], b[i])]++
			}
			continue
		}
		rule, ok := c.s.explain(columns[i], a[i], b[i])
		if !ok {
			return false
		}
		rules[rule]++
	}
	for rule, n := range rules {
		c.rules[rule] += n
	}
	return true
}

// pair compares two rows that belong together.
func (c *comparison) pair(columns []column, n int64, a, b []cell) {
	c.rows++
	if c.sameRow(columns, a, b) {
		return
	}
	if len(c.pending) >= c.s.m.maxDiffs {
		c.dropped++
		return
	}
	c.pending = append(c.pending, &unexplained{n, columns, slices.Clone(a), slices.Clone(b)})
}

// settle turns what stayed unexplained into differences, after one more look at
// each, now that the candidate's connection is free to be asked.
func (c *comparison) settle() {
	for _, u := range c.pending {
		if !c.sameRow(u.columns, u.a, u.b) {
			c.add(u.diff(c.s.m.strictTypes))
		}
	}
	c.pending = nil
}

func (u *unexplained) diff(strict bool) parity.Diff {
	d := parity.Diff{Kind: parity.DiffValue, Row: u.n}
	var b strings.Builder
	for i, col := range u.columns {
		x, y := u.a[i], u.b[i]
		same := x.canon == y.canon
		if same && (!strict || x.shape == y.shape) {
			continue
		}
		cell := parity.Cell{Column: col.name, Type: strings.ToLower(col.typ), Control: value(x), Candidate: value(y)}
		if same {
			fmt.Fprintf(&b, "%s: %s\n", col.name, goRule(col.typ, x, y))
		} else {
			fmt.Fprintf(&b, "- %s=%s\n+ %s=%s\n", col.name, x.show(), col.name, y.show())
		}
		d.Cells = append(d.Cells, cell)
	}
	d.Detail = b.String()
	return d
}

func value(c cell) parity.Value { return parity.Value{Null: c.null(), Text: c.text()} }

func rowText(columns []column, r []cell) string {
	parts := make([]string, len(columns))
	for i, col := range columns {
		parts[i] = col.name + "=" + r[i].show()
	}
	return strings.Join(parts, ", ")
}

// failure is what is compared of an error: never its text.
type failure struct{ Code, SQLState, Table, Column, Constraint string }

// failureOf reads the fields of the drivers' error types by their names: naming
// the types would link both drivers into every program.
func failureOf(err error) failure {
	f := failure{Code: backend.CodeOf(err).String(), SQLState: backend.SQLStateOf(err)}
	var server interface {
		error
		SQLState() string
	}
	if !errors.As(err, &server) {
		return f
	}
	v := reflect.Indirect(reflect.ValueOf(server))
	if v.Kind() != reflect.Struct {
		return f
	}
	field := func(names ...string) string {
		for _, name := range names {
			if x := v.FieldByName(name); x.IsValid() && x.Kind() == reflect.String && x.CanInterface() {
				return x.String()
			}
		}
		return ""
	}
	f.Table, f.Column, f.Constraint = field("TableName", "Table"), field("ColumnName", "Column"), field("ConstraintName", "Constraint")
	return f
}

// outage says that err tells nothing about the statement.
func outage(err error) bool {
	code := backend.CodeOf(err)
	return code == backend.CodeServiceUnavailable || code == backend.CodeCanceled || code == backend.CodeCommitUnknown
}

// errs compares how the two sides ended; true where both succeeded.
func (c *comparison) errs(control, candidate error) bool {
	if control == nil && candidate == nil {
		return true
	}
	_, panicked := errors.AsType[*panicError](candidate)
	switch {
	case panicked:
		c.add(parity.Diff{Kind: parity.DiffError, Detail: fmt.Sprintf("- %v\n+ %v", control, candidate)})
		return false
	case errors.Is(candidate, errLate):
		c.inconclusive(errLate.Error())
		return false
	case control != nil && (outage(control) || backend.CodeOf(control) == backend.CodeTimeout):
		c.inconclusive("the control's connection failed, or its caller left")
		return false
	case candidate != nil && outage(candidate):
		c.inconclusive("the candidate's connection failed")
		return false
	}
	a, b := failure{}, failure{}
	if control != nil {
		a = failureOf(control)
	}
	if candidate != nil {
		b = failureOf(candidate)
	}
	switch {
	case a == b:
	case control != nil && candidate != nil && (refused(a, b) || refused(b, a)):
		c.rules[RuleRefused]++
	default:
		c.add(parity.Diff{Kind: parity.DiffError, Detail: fmt.Sprintf("- %s %v\n+ %s %v", a.SQLState, control, b.SQLState, candidate)})
	}
	return false
}

// refused says that x is the server's word about a value or its type (class 22, or
// 42804 and 42883), and y a driver's that sent nothing.
func refused(x, y failure) bool {
	return y.SQLState == "" && (strings.HasPrefix(x.SQLState, "22") || x.SQLState == "42804" || x.SQLState == "42883")
}

// bag holds the rows that have not met their equal yet.
type bag struct {
	open  map[string]*openRow
	bytes int64
	limit int64
	moved bool // a row met its equal out of step
	full  bool
}

type openRow struct {
	cells []cell
	count int64 // positive: the control's
	first int64
}

func key(r []cell) string {
	var b strings.Builder
	for _, c := range r {
		fmt.Fprintf(&b, "%d:%s", len(c.canon), c.canon)
	}
	return b.String()
}

// put adds a row; it returns the one of the other side that it meets, or nil.
func (b *bag) put(r []cell, side, position int64) []cell {
	if b.full {
		return nil
	}
	k := key(r)
	o := b.open[k]
	if o == nil {
		o = &openRow{cells: slices.Clone(r), first: position}
		b.open[k] = o
		b.bytes += 2*int64(len(k)) + 64
	}
	met := o.count*side < 0
	o.count += side
	if o.count == 0 {
		delete(b.open, k)
		b.bytes -= 2*int64(len(k)) + 64
	}
	if b.bytes > b.limit {
		b.full, b.open = true, nil
	}
	if met {
		b.moved = true
		return o.cells
	}
	return nil
}

// finish pairs what is left by where it was first seen.
func (b *bag) finish(c *comparison, columns []column) {
	if b.full {
		c.inconclusive("too many rows came in another order to hold them in memory")
		return
	}
	if len(b.open) == 0 {
		if b.moved {
			c.rules[parity.RuleBag]++
		}
		return
	}
	var missing, extra []*openRow
	for _, o := range b.open {
		for range max(o.count, 0) {
			missing = append(missing, o)
		}
		for range max(-o.count, 0) {
			extra = append(extra, o)
		}
	}
	byFirst := func(x, y *openRow) int { return cmp.Compare(x.first, y.first) }
	slices.SortFunc(missing, byFirst)
	slices.SortFunc(extra, byFirst)
	for i := range min(len(missing), len(extra)) {
		c.pair(columns, missing[i].first, missing[i].cells, extra[i].cells)
	}
	for _, o := range missing[min(len(missing), len(extra)):] {
		c.add(parity.Diff{Kind: parity.DiffMissing, Row: o.first, Detail: "- " + rowText(columns, o.cells)})
	}
	for _, o := range extra[min(len(missing), len(extra)):] {
		c.add(parity.Diff{Kind: parity.DiffExtra, Detail: "+ " + rowText(columns, o.cells)})
	}
}
