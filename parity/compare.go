package parity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// The rules: normalizations beyond the canonical form of a value. Each is
// counted in the Report whenever two observations were equal only through it.
const (
	// RuleBag: rows whose order the statement does not fix came in another order.
	RuleBag = "row order"
	// RuleVolatile: a value that each execution makes anew (identity, sequence,
	// now(), random) differed, and was matched by where it first appeared.
	RuleVolatile = "volatile value"
)

// comparison collects what one operation's comparison finds.
type comparison struct {
	diffs    []Diff
	max      int
	dropped  int
	rules    map[string]int
	reason   string // why inconclusive or not compared, "" otherwise
	compared int64  // rows
	names    renames
	apart    *apart // where each side has a database of its own
	uses     []builder.Use
	class    hash.Hash // of the SQL that was sent; nil: none was
}

// saw takes note of a statement, for the class of the operation, and of its uses.
func (c *comparison) saw(sql string, uses []builder.Use) {
	c.uses = append(c.uses, uses...)
	if c.class == nil {
		c.class = sha256.New()
	}
	_, _ = io.WriteString(c.class, sql+"\x00") // a hash never fails
}

// read takes note of the columns that were read; nulls says of which NULL was, and
// is nil where there was no row.
func (c *comparison) read(columns []builder.Column, nulls []bool) {
	if nulls == nil {
		return
	}
	for i, col := range columns {
		c.uses = append(c.uses, builder.Use{Column: col.Source, Type: col.Type, How: builder.UseRead})
		if nulls[i] {
			c.uses = append(c.uses, builder.Use{Column: col.Source, Type: col.Type, How: builder.UseReadNull})
		}
	}
}

// className is Report.Class.
func (c *comparison) className() string {
	if c.class == nil {
		return ""
	}
	return hex.EncodeToString(c.class.Sum(nil)[:8])
}

// ClassOf is Report.Class of an operation that sends these statements.
func ClassOf(sql ...string) string {
	var c comparison
	for _, s := range sql {
		c.saw(s, nil)
	}
	return c.className()
}

func (h *Harness) comparison() *comparison {
	return &comparison{max: h.maxDiffs, rules: make(map[string]int)}
}

func (c *comparison) add(d Diff) {
	if len(c.diffs) >= c.max {
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

// verdict: a difference that was seen stands, whatever happened later.
func (c *comparison) verdict() Verdict {
	switch {
	case len(c.diffs) > 0:
		return Mismatch
	case c.reason != "":
		return Inconclusive
	case len(c.rules) > 0:
		return EqualByRule
	}
	return Equal
}

// columns compares names and order; false means rows can't be compared.
func (c *comparison) columns(statement string, control, candidate []builder.Column) bool {
	name := func(cols []builder.Column) []string {
		out := make([]string, len(cols))
		for i, col := range cols {
			out[i] = fmt.Sprintf("%s %s", col.Name, col.Type)
		}
		return out
	}
	d := cmp.Diff(name(control), name(candidate))
	if d == "" {
		return true
	}
	c.add(Diff{Kind: DiffColumns, Statement: statement, Detail: d})
	return false
}

// failure is what is compared of an error: never its text.
type failure struct {
	Code       string
	SQLState   string
	Schema     string
	Table      string
	Column     string
	Constraint string
}

func failureOf(err error) failure {
	if err == nil {
		return failure{}
	}
	f := failure{Code: backend.CodeOf(err).String(), SQLState: backend.SQLStateOf(err)}
	if e, ok := errors.AsType[*backend.Error](err); ok {
		f.Schema, f.Table, f.Column, f.Constraint = e.Schema, e.Table, e.Column, e.Constraint
	}
	return f
}

// outage says that err tells nothing about the operation: a connection that
// failed, or a caller that went away.
func outage(err error) bool {
	code := backend.CodeOf(err)
	return code == backend.CodeServiceUnavailable || code == backend.CodeCanceled || code == backend.CodeCommitUnknown
}

// errs compares how the two sides ended.
func (c *comparison) errs(statement string, control, candidate error) {
	switch {
	case outage(control) || outage(candidate):
		c.inconclusive("a connection failed or was canceled in " + statement)
		return
	case backend.CodeOf(control) == backend.CodeTimeout || backend.CodeOf(candidate) == backend.CodeTimeout:
		if backend.CodeOf(control) != backend.CodeOf(candidate) {
			c.inconclusive("one side timed out in " + statement)
			return
		}
	}
	a, b := failureOf(control), failureOf(candidate)
	if a == b {
		return
	}
	c.add(Diff{
		Kind: DiffError, Statement: statement,
		Detail: fmt.Sprintf("%s\ncontrol: %v\ncandidate: %v", cmp.Diff(a, b), control, candidate),
	})
}

// renames matches volatile values: the first pair that differs in a column gets
// a number on both sides, and from then on one may stand where the other stands.
// Each column has pairs of its own: two sequences give the same numbers, and run
// apart by different steps.
type renames struct {
	columns map[columnName]*pairing
	known   map[[2]string]bool // every pair, for the cells that refer to one
}

// columnName is a volatile column of one kind of statement, such as "insert t".
type columnName struct{ statement, column string }

type pairing struct{ control, candidate map[string]int }

// refers says whether the cells a (control) and b (candidate), which differ, are
// known to be the same volatile value.
func (n *renames) refers(a, b string) bool { return n.known[[2]string{a, b}] }

// match says whether the cells a (control) and b (candidate) of a volatile
// column, which differ, are the same value, and remembers a new pair.
func (n *renames) match(a, b string, of columnName) bool {
	if a == "n" || b == "n" {
		return false // NULL on one side only is never volatile
	}
	p := n.columns[of]
	if p == nil {
		p = &pairing{make(map[string]int), make(map[string]int)}
		if n.columns == nil {
			n.columns, n.known = make(map[columnName]*pairing), make(map[[2]string]bool)
		}
		n.columns[of] = p
	}
	i, seenA := p.control[a]
	j, seenB := p.candidate[b]
	if seenA || seenB {
		return seenA && seenB && i == j
	}
	p.control[a], p.candidate[b] = len(p.control), len(p.candidate)
	n.known[[2]string{a, b}] = true
	return true
}

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
	err      error
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

// step compares two observations of one statement of a write. Their rows are
// held in memory, so an order that is not fixed can be mended by sorting.
func (c *comparison) step(control, candidate *observation) {
	if control.sql != candidate.sql || !c.args(control.args, candidate.args) {
		c.add(Diff{
			Kind: DiffStatement, Statement: control.name,
			Detail: cmp.Diff([]string{control.sql, fmt.Sprint(control.args)}, []string{candidate.sql, fmt.Sprint(candidate.args)}),
		})
		return
	}
	c.errs(control.name, control.err, candidate.err)
	if control.err != nil || candidate.err != nil {
		return
	}
	if control.affected != candidate.affected {
		c.add(Diff{Kind: DiffAffected, Statement: control.name, Detail: fmt.Sprintf("- %d\n+ %d", control.affected, candidate.affected)})
	}
	if !c.columns(control.name, control.columns, candidate.columns) {
		return
	}
	if !control.ordered && !slices.EqualFunc(control.rows, candidate.rows, control.sameBut(isVolatile)) {
		sortRows(control.columns, control.rows)
		sortRows(control.columns, candidate.rows)
		c.rules[RuleBag]++
	}
	n := min(len(control.rows), len(candidate.rows))
	for i := range n {
		c.pair(control.name, control.columns, int64(i+1), control.rows[i], candidate.rows[i])
	}
	for i, r := range control.rows[n:] {
		c.add(Diff{Kind: DiffMissing, Statement: control.name, Row: int64(n + i + 1), Detail: "- " + r.text(control.columns)})
	}
	for _, r := range candidate.rows[n:] {
		c.add(Diff{Kind: DiffExtra, Statement: control.name, Detail: "+ " + r.text(control.columns)})
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
		if !ok || !ok2 || !c.namedArray(s, t) && !c.named("v"+s, "v"+t) {
			return false
		}
	}
	return true
}

// named counts the use of an existing rename.
func (c *comparison) named(a, b string) bool {
	if !c.refers(a, b) {
		return false
	}
	c.rules[RuleVolatile]++
	return true
}

// namedArray matches array literals of keys, as nested selections take them,
// member by member.
func (c *comparison) namedArray(a, b string) bool {
	x, y := arrayMembers(a), arrayMembers(b)
	if x == nil || len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] && !c.named("v"+x[i], "v"+y[i]) {
			return false
		}
	}
	return true
}

// pair compares two rows that belong together.
func (c *comparison) pair(statement string, columns []builder.Column, n int64, control, candidate *row) {
	c.compared++
	if control.equal(candidate) {
		return
	}
	renamed, moments := 0, 0
	for i, col := range columns {
		a, b := control.cell(i), candidate.cell(i)
		if a == b {
			continue
		}
		if c.apart != nil && isMoment(col) && c.apart.during(strings.TrimPrefix(a, "v"), strings.TrimPrefix(b, "v")) {
			moments++
			continue
		}
		if !c.same(statement, col, a, b) {
			c.add(Diff{Kind: DiffValue, Statement: statement, Row: n, Detail: diffRows(columns, control, candidate), Cells: cells(columns, control, candidate)})
			return
		}
		renamed++
	}
	if renamed > 0 {
		c.rules[RuleVolatile] += renamed
	}
	if moments > 0 {
		c.rules[RuleRunTime] += moments
	}
}

// refers says whether cells that differ are known to be one volatile value, from
// this operation or, on two databases, from one before.
func (c *comparison) refers(a, b string) bool {
	return c.names.refers(a, b) || c.apart != nil && c.apart.refers(a, b)
}

// same says whether cells that differ are one volatile value.
func (c *comparison) same(statement string, col builder.Column, a, b string) bool {
	if col.Volatile {
		return c.names.match(a, b, columnName{statement, col.Name})
	}
	return c.refers(a, b)
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
