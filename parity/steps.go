package parity

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/builder"
)

// observation is what one statement of a write did on one side.
type observation struct {
	name     string
	sql      string
	args     []any
	columns  []builder.Column
	ordered  bool
	uses     []builder.Use
	rows     []*row
	affected int64
	told     told
	err      error
	recorded recorded // how it ended when it was recorded
}

func isVolatile(c builder.Column) bool { return c.Volatile }

// sameBut compares two rows of o without the columns that skip names.
func (o *observation) sameBut(skip func(builder.Column) bool) func(a, b *row) bool {
	return func(a, b *row) bool {
		for i, col := range o.columns {
			if !skip(col) && a.cell(i) != b.cell(i) {
				return false
			}
		}
		return true
	}
}

// compareStep compares two observations of one statement of a write. Their rows are
// held in memory, so an order that is not fixed can be mended by sorting.
func (c *comparison) compareStep(control, candidate *observation) {
	if control.sql != candidate.sql || !c.args(control.args, candidate.args) {
		c.add(Diff{
			Kind: DiffStatement, Statement: control.name,
			Detail: cmp.Diff([]string{control.sql, fmt.Sprint(control.args)}, []string{candidate.sql, fmt.Sprint(candidate.args)}),
		})
		return
	}
	c.errs(control.name, control.err, candidate.err)
	c.unlike(control.name, control.recorded, control.err, candidate.err)
	c.told(control.name, control.err, candidate.err, control.told, candidate.told)
	if control.err != nil || candidate.err != nil {
		return
	}
	c.affected(control.name, control.affected, candidate.affected)
	if !c.described(control.name, control.columns, candidate.columns) {
		return
	}
	if !control.ordered && c.may(RuleBag) && !slices.EqualFunc(control.rows, candidate.rows, control.sameBut(isVolatile)) {
		sortRows(control.columns, control.rows)
		sortRows(control.columns, candidate.rows)
		c.rules[RuleBag]++
	}
	n := min(len(control.rows), len(candidate.rows))
	for i := range n {
		c.pair(control.name, control.columns, int64(i+1), control.rows[i], candidate.rows[i])
	}
	for i, r := range control.rows[n:] {
		c.missing(control.name, control.columns, int64(n+i+1), r)
	}
	for _, r := range candidate.rows[n:] {
		c.extra(control.name, control.columns, r)
	}
}

// describe names columns and their types.
func describe(columns []builder.Column) []string {
	out := make([]string, len(columns))
	for i, col := range columns {
		out[i] = fmt.Sprintf("%s %s", col.Name, col.Type)
	}
	return out
}

// affected compares how many rows a statement affected.
func (c *comparison) affected(statement string, control, candidate int64) {
	if control != candidate {
		c.note(&finding{said: strconv.FormatInt(control, 10), Diff: Diff{
			Kind: DiffAffected, Statement: statement, Detail: fmt.Sprintf("- %d\n+ %d", control, candidate),
		}})
	}
}

// args compares arguments, volatile values that were passed on included.
func (c *comparison) args(control, candidate []any) bool {
	if len(control) != len(candidate) {
		return false
	}
	for i := range control {
		a, b := fmt.Sprintf("%T %v", control[i], control[i]), fmt.Sprintf("%T %v", candidate[i], candidate[i])
		if a == b {
			continue
		}
		s, ok := control[i].(string)
		t, ok2 := candidate[i].(string)
		if !ok || !ok2 || !c.may(RuleVolatile) || !c.namedArray(s, t) && !c.named("v"+s, "v"+t) {
			return false
		}
	}
	return true
}

// pair compares two rows that belong together.
func (c *comparison) pair(statement string, columns []builder.Column, n int64, control, candidate *row) {
	c.compared++
	c.weigh(statement, columns, n, control, candidate)
}

// weigh is pair for rows that were counted already.
func (c *comparison) weigh(statement string, columns []builder.Column, n int64, control, candidate *row) {
	if control.equal(candidate) {
		return
	}
	var at []int
	for i, col := range columns {
		a, b := control.cell(i), candidate.cell(i)
		if a == b {
			continue
		}
		if rule := c.excuse(statement, col, a, b); rule != "" {
			c.rules[rule]++
			continue
		}
		at = append(at, i)
	}
	if len(at) > 0 {
		c.differ(statement, columns, n, control, candidate, at)
	}
}

// differ takes two rows that differ in the columns at.
func (c *comparison) differ(statement string, columns []builder.Column, n int64, control, candidate *row, at []int) {
	c.note(&finding{columns: columns, a: control, b: candidate, at: at, Diff: Diff{
		Kind: DiffValue, Statement: statement, Row: n,
		Detail: diffRows(columns, control, candidate), Cells: cells(columns, control, candidate, at),
	}})
}

// missing takes a row that only the control has, extra one that only the candidate has.
func (c *comparison) missing(statement string, columns []builder.Column, n int64, r *row) {
	c.note(&finding{columns: columns, a: r, Diff: Diff{Kind: DiffMissing, Statement: statement, Row: n, Detail: "- " + r.text(columns)}})
}

func (c *comparison) extra(statement string, columns []builder.Column, r *row) {
	c.note(&finding{columns: columns, b: r, Diff: Diff{Kind: DiffExtra, Statement: statement, Detail: "+ " + r.text(columns)}})
}

// sortRows orders rows by their cells that are not volatile, which both sides
// have alike, and by all cells where those are equal.
func sortRows(columns []builder.Column, rows []*row) {
	slices.SortStableFunc(rows, func(a, b *row) int {
		for _, volatile := range []bool{false, true} {
			for i, col := range columns {
				if col.Volatile != volatile {
					continue
				}
				if x, y := a.cell(i), b.cell(i); x < y {
					return -1
				} else if x > y {
					return 1
				}
			}
		}
		return 0
	})
}
