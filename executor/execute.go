package executor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// ExecOption changes one execution.
type ExecOption interface{ applyExec(*execOptions) }

type execOption func(*execOptions)

func (f execOption) applyExec(o *execOptions) { f(o) }

type execOptions struct {
	session    map[string]string
	isolation  sql.IsolationLevel
	readOnly   bool
	deferrable bool
	maxRows    int64
}

// WithSession sets variables for the execution, with set_config(name, value,
// true) in its transaction: row-level security reads them by current_setting.
// Reads run in a transaction then too. Default: none.
func WithSession(vars map[string]string) ExecOption {
	return execOption(func(o *execOptions) { o.session = vars })
}

// WithIsolation is the level of the execution's transaction. Default: read
// committed; repeatable read for a query with nested levels, which all read one
// snapshot then.
func WithIsolation(l sql.IsolationLevel) ExecOption {
	return execOption(func(o *execOptions) { o.isolation = l })
}

// WithReadOnly refuses every write, by the server. Default: queries run read-only
// where they run in a transaction, mutations read-write.
func WithReadOnly() ExecOption {
	return execOption(func(o *execOptions) { o.readOnly = true })
}

// WithDeferrable waits for a snapshot on which a serializable, read-only
// transaction can't fail. It implies both. Default: no.
func WithDeferrable() ExecOption {
	return execOption(func(o *execOptions) {
		o.isolation, o.readOnly, o.deferrable = sql.LevelSerializable, true, true
	})
}

// WithMaxRows refuses an answer of more rows, nested ones included, with
// backend.CodeLimit. Nothing is ever cut off silently. Default and 0: no bound.
func WithMaxRows(n int64) ExecOption {
	return execOption(func(o *execOptions) { o.maxRows = n })
}

// ExecutePlan runs p and writes its answer to w as {"data":…,"errors":null}. The
// answer streams: a query holds no more than a buffer of it, or, with nested
// levels, what belongs to some hundred rows of the outermost; a mutation's is
// held until the commit has succeeded.
//
// On an error nothing was written, unless Partial says so: then what was written
// is cut in the middle and is not JSON. The caller answers with WriteError in
// the first case and breaks the connection off in the second. A write is never
// reported as failed because its answer could not be delivered: then the error's
// code is backend.CodeCanceled, Partial is true, and the write is committed.
func ExecutePlan(ctx context.Context, r Runner, p *builder.Plan, w io.Writer, o ...ExecOption) error {
	out := newOutput(w)
	defer out.free()
	x := newExecution(out, o)
	if err := x.answer(ctx, r, p); err != nil {
		return out.late(err)
	}
	return out.flush()
}

// Partial reports whether part of an answer had been written when err ended it:
// the caller can't answer with anything else any more.
func Partial(err error) bool {
	var f interface{ final() }
	return errors.As(err, &f)
}

// execution is one answer in the making.
type execution struct {
	out  *output
	opt  execOptions
	rows int64  // of the answer, so far
	own  bool   // the transaction is of this execution's making, for one plan
	info Info   // of the plan that ran last
	edge *edges // of the plan that runs; nil: nobody asks
}

func newExecution(out *output, o []ExecOption) *execution {
	x := &execution{out: out}
	for _, opt := range o {
		opt.applyExec(&x.opt)
	}
	return x
}

// answer appends the whole answer of p.
func (x *execution) answer(ctx context.Context, r Runner, p *builder.Plan) error {
	x.out.buf = append(x.out.buf, `{"data":`...)
	if err := x.run(ctx, r, p); err != nil {
		return named(p.Catalog(), judged(p, err))
	}
	x.out.buf = append(x.out.buf, `,"errors":null}`...)
	return nil
}

// run appends the data of p, in the transaction that it needs.
func (x *execution) run(ctx context.Context, r Runner, p *builder.Plan) error {
	o := x.txOptions(p.Kind == builder.Query)
	if s, ok := r.(Selector); ok {
		r = s.Select(ctx, &p.Root.Statement, o)
	}
	if _, ok := r.(*DB); ok { // others may have more to do in the transaction
		x.own = x.settled(p)
		defer func() { x.own = false }()
	}
	if p.Kind != builder.Query {
		return x.inTx(ctx, r, o, true, func(ctx context.Context, r Runner) error { return x.mutate(ctx, r, p) })
	}
	if len(p.Root.Children) == 0 && len(o.Session) == 0 && o.Isolation == sql.LevelDefault && !x.opt.readOnly {
		return x.alone(ctx, r, p)
	}
	if len(p.Root.Children) > 0 && o.Isolation == sql.LevelDefault {
		o.Isolation = sql.LevelRepeatableRead // all levels read one snapshot
	}
	return x.inTx(ctx, r, o, false, func(ctx context.Context, r Runner) error { return x.query(ctx, r, p) })
}

// alone is query without a transaction. A *DB sends a statement again elsewhere that
// could not begin (FallingBackWhen); rows that end early are read again as long as
// nothing of them has left.
func (x *execution) alone(ctx context.Context, r Runner, p *builder.Plan) error {
	mark, written, rows := len(x.out.buf), x.out.written, x.rows
	err := x.query(ctx, r, p)
	if db, ok := r.(*DB); ok && err != nil && x.out.written == written && db.fallsBack(ctx, err) {
		x.out.buf, x.rows = x.out.buf[:mark], rows
		return marked(x.query(ctx, db.opt.other, p))
	}
	return err
}

func (x *execution) txOptions(readOnly bool) *TxOptions {
	return &TxOptions{
		Isolation: x.opt.isolation, ReadOnly: readOnly || x.opt.readOnly, Deferrable: x.opt.deferrable, Session: x.opt.session,
	}
}

// inTx runs fn in a transaction. fn may run again: what it appended before is
// forgotten, and if some of that was written already, it does not run again.
// With hold nothing is written until the commit.
func (x *execution) inTx(ctx context.Context, r Runner, o *TxOptions, hold bool, fn func(context.Context, Runner) error) error {
	mark, written, rows, held := len(x.out.buf), x.out.written, x.rows, x.out.hold
	x.out.hold = hold || held
	defer func() { x.out.hold = held }()
	if s, ok := r.(Selector); ok {
		r = s.Select(ctx, nil, o)
	}
	inTx := r.InTx
	if db, ok := r.(*DB); ok {
		inTx = func(ctx context.Context, o *TxOptions, fn func(context.Context, Runner) error) error {
			return db.inTx(ctx, o, true, fn)
		}
	}
	return inTx(ctx, o, func(ctx context.Context, r Runner) error {
		if x.out.written != written {
			return finalError{backend.New("retry", backend.CodeConflict, errPartial)}
		}
		x.out.buf, x.rows = x.out.buf[:mark], rows
		err := fn(ctx, r)
		t, ok := r.(*Tx)
		if err != nil && (x.out.written != written || ok && t.ended && !t.ro) {
			return finalError{err} // what has left, or is committed, can't be done again
		}
		return err
	})
}

// query appends the data of a query.
func (x *execution) query(ctx context.Context, r Runner, p *builder.Plan) error {
	x.edge = nil
	if p.Edges != nil {
		x.edge = newEdges(p)
		defer func() {
			x.info.First, x.info.Last = x.edge.first, x.edge.last
			if p.Reverse {
				x.info.First, x.info.Last = x.info.Last, x.info.First
			}
		}()
	}
	switch {
	case len(p.Root.Children) == 0 && !p.Reverse:
		return x.flat(ctx, r, p)
	case p.Unbounded && !p.Reverse && !p.Single && len(p.Root.Children) > 0:
		return x.cursor(ctx, r, p)
	}
	root, err := x.level(ctx, r, &p.Root, &p.Root.Statement, 0, place{last: true})
	defer root.free()
	if err == nil {
		err = bounded(p, int64(root.len()))
	}
	if err != nil {
		return err
	}
	return x.levelData(p, root)
}

// flat streams a query of one level.
func (x *execution) flat(ctx context.Context, r Runner, p *builder.Plan) error {
	rows, err := x.queryLast(ctx, r, &p.Root.Statement)
	if err != nil {
		return err
	}
	err = x.flatRows(p, rows)
	if cerr := rows.Close(); err == nil || rows.last && cerr != nil {
		err = cerr // what became of a commit comes first
	}
	return err
}

func (x *execution) flatRows(p *builder.Plan, rows *Rows) error {
	enc := newEncoder(&p.Root)
	defer enc.free()
	if err := enc.attach(rows); err != nil {
		return err
	}
	if x.edge != nil {
		if err := x.edge.attach(rows); err != nil {
			return err
		}
	}
	out := x.out
	if !p.Single {
		out.buf = append(out.buf, '[')
	}
	var n int64
	var err error
	for rows.Next() {
		if p.Paged && n >= p.Page {
			x.info.More = true
			break
		}
		if n > 0 {
			if p.Single {
				return errNotSingle(p)
			}
			out.buf = append(out.buf, ',')
		}
		n++
		if err := bounded(p, n); err != nil {
			return err
		}
		if out.buf, err = enc.appendRow(out.buf, rows.Values(), rows.format); err != nil {
			return err
		}
		if x.edge != nil {
			if err := x.edge.row(rows.Values(), rows.format); err != nil {
				return err
			}
		}
		if err := x.count(1); err != nil {
			return err
		}
		if err := out.full(); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	x.info.Rows = n
	switch {
	case !p.Single:
		out.buf = append(out.buf, ']')
	case n == 0:
		out.buf = append(out.buf, "null"...)
	}
	return guard(p, n)
}

// levelData appends a query or mutation whose levels are in memory.
func (x *execution) levelData(p *builder.Plan, root *level) error {
	n := root.len()
	if p.Paged && int64(n) > p.Page {
		n, x.info.More = int(p.Page), true
	}
	x.info.Rows = int64(n)
	if p.Single {
		switch n {
		case 0:
			x.out.buf = append(x.out.buf, "null"...)
			return nil
		case 1:
			return root.write(x.out, 0)
		}
		return errNotSingle(p)
	}
	x.out.buf = append(x.out.buf, '[')
	for i := range n {
		if i > 0 {
			x.out.buf = append(x.out.buf, ',')
		}
		row := i
		if p.Reverse {
			row = n - 1 - i
		}
		if err := root.write(x.out, row); err != nil {
			return err
		}
		if err := x.out.full(); err != nil {
			return err
		}
	}
	x.out.buf = append(x.out.buf, ']')
	return nil
}

// mutate runs a mutation inside its transaction and appends its data.
func (x *execution) mutate(ctx context.Context, r Runner, p *builder.Plan) error {
	if p.Result {
		n, err := r.Exec(ctx, &p.Root.Statement)
		if err == nil {
			err = guard(p, n)
		}
		if err != nil {
			return err
		}
		x.info.Rows = n
		x.result(p, n)
		return nil
	}
	if len(p.Root.Children) == 0 && !p.Reverse {
		return x.flat(ctx, r, p)
	}
	root, err := x.level(ctx, r, &p.Root, &p.Root.Statement, 0, place{last: true})
	defer root.free()
	if err == nil {
		err = guard(p, int64(root.len()))
	}
	if err != nil {
		return err
	}
	return x.levelData(p, root)
}

// result appends {"success","message","affected"}.
func (x *execution) result(p *builder.Plan, n int64) {
	if p.Kind == builder.Invoke { // how many rows a function writes nobody knows
		x.out.buf = append(x.out.buf, `{"success":true,"message":"called"}`...)
		return
	}
	verb := map[builder.Kind]string{builder.Insert: "inserted", builder.Update: "updated", builder.Delete: "deleted"}[p.Kind]
	success := n > 0 || !p.UniqueKey
	message := strconv.FormatInt(n, 10) + " rows " + verb
	switch {
	case !success:
		message = "no row matched"
	case n == 1:
		message = "1 row " + verb
	}
	x.out.buf = fmt.Appendf(x.out.buf, `{"success":%t,"message":%q,"affected":%d}`, success, message, n)
}

// count adds n rows to the answer and refuses those beyond the limit.
func (x *execution) count(n int64) error {
	x.rows += n
	if x.opt.maxRows > 0 && x.rows > x.opt.maxRows {
		return backend.New("read rows", backend.CodeLimit,
			tell("the answer has more than %s", rowCount(x.opt.maxRows)))
	}
	return nil
}

// bounded refuses more rows of the outermost level than the plan allows.
func bounded(p *builder.Plan, n int64) error {
	if p.MaxRows > 0 && n > p.MaxRows {
		return backend.New("read rows", backend.CodeLimit, tell("the result has more than %s: ask for less, or for pages", rowCount(p.MaxRows)))
	}
	return nil
}

// rowCount is "1 row" or "2 rows".
func rowCount(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return strconv.FormatInt(n, 10) + " rows"
}

// guard is max_affected: too many rows roll the mutation back.
func guard(p *builder.Plan, n int64) error {
	if p.Kind != builder.Query && p.MaxAffected >= 0 && n > p.MaxAffected {
		return backend.New("guard", backend.CodeLimit,
			tell("%s would be affected; max_affected is %d", rowCount(n), p.MaxAffected))
	}
	return nil
}

var errPlan = errors.New("the plan names a column that its statement does not have")

func errNotSingle(p *builder.Plan) error {
	code := backend.CodeInternal
	if p.Vowed {
		code = backend.CodeConfiguration
	}
	return backend.New("read rows", code, fmt.Errorf("%s gave more than one row for a single object: it has no such key", p.Root.Statement.Name))
}

// withArgs is s with its first arguments replaced.
func withArgs(s *builder.Statement, first []any) *builder.Statement {
	c := *s
	c.Args = slices.Clone(s.Args)
	copy(c.Args, first)
	return &c
}
