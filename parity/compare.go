package parity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// comparison collects what one operation's comparison finds.
type comparison struct {
	h         *Harness  // nil in tests of a part
	modes     [2]string // control's and candidate's backend and mode
	found     []*finding
	dropped   map[string]int // findings that were not kept, by key
	unasked   string         // why a difference stands that was not looked at again
	wrong     [2]bool        // whom the server contradicts: control, candidate
	sql       string         // of the statement that is compared
	given     int            // how many arguments it has
	step      int            // which one that is in a write, from 0; -1: the end of it
	rules     map[string]int
	reason    string // why inconclusive or not compared, "" otherwise
	contended bool   // the reason is another transaction: later it may be otherwise
	compared  int64  // rows
	names     renames
	owned     renames // see own.go
	apart     *apart  // where each side has a database of its own
	uses      []builder.Use
	class     hash.Hash // of the SQL that was sent; nil: none was
}

// saw takes note of a statement, for the class of the operation.
func (c *comparison) saw(sql string) {
	if c.class == nil {
		c.class = sha256.New()
	}
	_, _ = io.WriteString(c.class, sql+"\x00") // a hash never fails
}

// used takes note of the uses of a statement, where the control answered it: an error
// says nothing of the columns that are in it.
func (c *comparison) used(uses []builder.Use, err error) {
	if err == nil {
		c.uses = append(c.uses, uses...)
	}
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
		c.saw(s)
	}
	return c.className()
}

func (h *Harness) comparison() *comparison {
	return &comparison{h: h, rules: make(map[string]int), dropped: make(map[string]int)}
}

// inconclusive keeps the first reason.
func (c *comparison) inconclusive(reason string) {
	if c.reason == "" {
		c.reason = reason
	}
}

// verdict: a difference that was seen stands, whatever happened later.
func (c *comparison) verdict() Verdict {
	noise := false
	for _, f := range c.found {
		switch {
		case f.excused != "":
		case f.noise:
			noise = true
		default:
			return Mismatch
		}
	}
	switch {
	case c.lost():
		return Mismatch
	case c.reason != "":
		return Inconclusive
	case noise:
		return Noise
	case len(c.rules) > 0:
		return EqualByRule
	}
	return Equal
}

// columns compares names and order, as the server sent them; false means rows
// can't be compared.
func (c *comparison) columns(statement string, control, candidate *executor.Rows) bool {
	named := func(rows *executor.Rows) []builder.Column {
		out := slices.Clone(rows.Columns())
		for i, col := range rows.Wire() {
			out[i].Name = col.Name
		}
		return out
	}
	return c.described(statement, named(control), named(candidate))
}

// described compares names and types of columns.
func (c *comparison) described(statement string, control, candidate []builder.Column) bool {
	a, b := describe(control), describe(candidate)
	d := cmp.Diff(a, b)
	if d == "" {
		return true
	}
	if c.apart != nil && c.may(RuleOwn) && slices.EqualFunc(control, candidate, sameColumn) {
		c.rules[RuleOwn]++
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

func timedOut(err error) bool { return backend.CodeOf(err) == backend.CodeTimeout }

// interrupted says that err is of the clock, the connection or other transactions.
func interrupted(err error) bool { return outage(err) || timedOut(err) || contended(err) }

// contended says that err is of other transactions: a deadlock, a lock, an order that
// can't be had. Of two runs one after the other it meets one by chance.
func contended(err error) bool {
	switch backend.SQLStateOf(err) {
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return true
	}
	return false
}

// errs compares how the two sides ended.
func (c *comparison) errs(statement string, control, candidate error) {
	switch {
	case outage(control) || outage(candidate):
		c.inconclusive("a connection failed or was canceled in " + statement)
		return
	case timedOut(control) && timedOut(candidate): // nothing is known of the answer
		c.inconclusive("both sides timed out in " + statement)
		return
	case timedOut(control) || timedOut(candidate): // it may have used up the time of the other
		c.inconclusive("a side timed out in " + statement)
		return
	case contended(control) != contended(candidate):
		c.inconclusive("another transaction was in the way of one side in " + statement)
		c.contended = true
		return
	}
	a, b := failureOf(control), failureOf(candidate)
	if a == b {
		return
	}
	c.note(&finding{failures: [2]failure{a, b}, Diff: Diff{
		Kind: DiffError, Statement: statement,
		Detail: fmt.Sprintf("%s\ncontrol: %v\ncandidate: %v", cmp.Diff(a, b), control, candidate),
	}})
}
