package connector

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// op is what was asked of the control.
type op string

const (
	opQuery    op = "query"
	opExec     op = "exec"
	opPrepare  op = "prepare"
	opBegin    op = "begin"
	opCommit   op = "commit"
	opRollback op = "rollback"
)

var background = context.Background()

// call is one thing that was asked of the control.
type call struct {
	c     *conn
	ctx   context.Context //nolint:containedctx // a call ends with the rows that it returns
	op    op
	text  *sqltext.Text
	args  []driver.NamedValue
	stmt  *stmt // nil outside prepared statements
	start time.Time
	took  time.Duration
	tx    txState // when it began

	// What the mirror decided before the control ran it.
	reason    string // not compared
	unclear   error  // inconclusive
	rehearsed *rehearsal
}

func (c *conn) call(ctx context.Context, o op, t *sqltext.Text, args []driver.NamedValue) *call {
	return &call{c: c, ctx: ctx, op: o, text: t, args: args, start: time.Now(), tx: c.tx}
}

// exec runs a statement without rows on the control, then on the candidate.
func (k *call) exec(control func([]driver.NamedValue) (driver.Result, error)) (driver.Result, error) {
	k.before()
	res, err := control(forControl(k.args))
	k.took = time.Since(k.start)
	if errors.Is(err, driver.ErrSkip) {
		return res, err
	}
	if k.begins(err) { // its line has the number of the transaction
		k.guard(func() { k.c.m.executed(k, res, err) })
		k.note(err)
		k.record(err, -1)
		return res, err
	}
	k.record(err, -1)
	k.guard(func() { k.c.m.executed(k, res, err) })
	k.note(err)
	return res, err
}

// begins says that the call's text has begun a transaction, and has done nothing else.
func (k *call) begins(err error) bool {
	return k.text.Tx == sqltext.Begin && !k.text.Multi && err == nil && k.tx.id == 0
}

// ends says that the call's text has ended one, and how.
func (k *call) ends() (corpus.Kind, bool) {
	if k.text.Tx != sqltext.End || k.text.Multi || k.tx.id == 0 || k.text.Kind != sqltext.Transaction || strings.HasPrefix(k.text.Name, "prepare") {
		return "", false
	}
	if strings.HasPrefix(k.text.Name, "rollback") || strings.HasPrefix(k.text.Name, "abort") {
		return corpus.KindRollback, true
	}
	return corpus.KindCommit, true
}

// sets says that what comes after the call can't be understood without its line.
func (k *call) sets() bool {
	return k.op == opBegin || k.op == opCommit || k.op == opRollback || k.text.Kind == sqltext.Session || k.text.Kind == sqltext.Transaction || slices.Contains(k.text.Functions, "set_config")
}

// query runs a statement with rows on the control, then on the candidate.
func (k *call) query(control func([]driver.NamedValue) (driver.Rows, error)) (driver.Rows, error) {
	k.before()
	r, err := control(forControl(k.args))
	k.took = time.Since(k.start)
	if errors.Is(err, driver.ErrSkip) {
		return r, err
	}
	if err != nil {
		k.record(err, -1)
		k.guard(func() { k.c.m.queryFailed(k, err) })
		k.note(err)
		return nil, err
	}
	out := &rows{control: r, call: k}
	k.guard(func() { out.lock = k.c.m.queried(k, r) })
	k.note(nil)
	return shapeRows(out), nil
}

// before is what the candidate needs of the control before the control runs the
// statement.
func (k *call) before() { k.guard(func() { k.c.m.before(k) }) }

// finish records and mirrors a call that is no statement.
func (k *call) finish(err error, mirror func()) {
	k.record(err, -1)
	k.guard(mirror)
}

// guard runs what belongs to the comparison: a panic there is a fault of this
// package or of a publisher, and no reason for the caller to fail.
func (k *call) guard(fn func()) {
	if k.c.m == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			k.c.m.failed(k, v)
		}
	}()
	fn()
}

// note follows what the statement's text did to the control's transaction.
func (k *call) note(err error) {
	c := k.c
	if k.text.Kind == sqltext.Write || k.text.Kind == sqltext.Copy {
		c.tx.wrote = true
	}
	if k.text.Tx == sqltext.End { // also where the commit fails
		c.tx = txState{}
		if c.m != nil {
			k.guard(func() { c.m.rollback(k.ctx) })
			c.m.apart = ""
		}
		return
	}
	if err != nil {
		return
	}
	switch k.text.Tx {
	case sqltext.End:
	case sqltext.Begin:
		c.begin(k.text.Strict)
	case sqltext.Savepoint:
		c.tx.savepoints = true
	case sqltext.None:
		if k.text.Kind == sqltext.Transaction && k.text.Strict {
			c.tx.strict = true
		}
	}
	if c.tx.id == 0 {
		c.tx = txState{}
	}
}

// record hands the call to the recorder; rows is -1 where there are none.
func (k *call) record(err error, rows int64) {
	if r := k.c.of.recorder; r != nil {
		r.put(k, err, rows)
	}
}
