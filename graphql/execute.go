package graphql

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// boundPlan is a root field with this request's arguments.
type boundPlan struct {
	*rootPlan
	plans []*builder.Plan
}

// unbound takes the plans as they are: they were made for this request.
func (o *Operation) unbound() {
	o.roots = o.root[:0]
	for _, r := range o.program.roots {
		o.roots = append(o.roots, boundPlan{r, r.plans})
	}
}

// bind gives the plans this request's values. It is false where a value takes
// another plan, or none: compile says what is wrong, as it does without a cache.
func (o *Operation) bind(leaves [][]byte) bool {
	o.roots = o.root[:0]
	for i, r := range o.program.roots {
		o.roots = append(o.roots, boundPlan{r, r.plans})
		if len(leaves) == 0 || len(r.plans) == 0 {
			continue
		}
		var plans []*builder.Plan
		if i == 0 {
			plans = o.plan[:0]
		}
		for _, p := range r.plans {
			bound, err := p.Bind(leaves)
			if err != nil {
				return false
			}
			plans = append(plans, bound)
		}
		o.roots[i].plans = plans
	}
	return true
}

// Execute runs the operation and writes its answer to w: {"data":{…}}, with
// "errors" behind it where fields failed, each of them null.
//
// The root field that streams goes to w as its rows arrive. An error from then on
// cuts the answer: executor.Partial says so, and the connection must be broken
// off. Otherwise the answer is whole, and the error is for the log.
func (o *Operation) Execute(ctx context.Context, w io.Writer, opts ...executor.ExecOption) error {
	a := executor.NewAnswer(w, opts...)
	defer a.Free()
	x := &execution{op: o, a: a, opts: opts}
	a.Text(`{"data":`)
	mark := len(a.Buffer())
	a.Text("{")
	var err error
	switch {
	case o.program.mutation:
		err = x.mutation(ctx, mark)
	case len(o.roots) == 1:
		err = x.field(ctx, o.engine.runner, 0)
	case o.engine.options.OneSnapshot:
		err = x.snapshot(ctx)
	default:
		err = x.query(ctx)
	}
	if err != nil { // of the whole, not of a field
		return a.Final(err)
	}
	if err := x.unserved(); err != nil {
		return err
	}
	a.Text("}")
	if x.undone {
		a.SetBuffer(append(a.Buffer()[:mark], "null"...))
	}
	x.tell()
	a.Text("}")
	if err := a.Flush(); err != nil {
		return err
	}
	return errors.Join(x.failed...)
}

// unserved is why nothing at all was done, where that is so: each field failed for
// want of a connection. The whole is told as unavailable then, as HTTP can tell it to
// a client and to what stands before it, rather than as data that is null.
func (x *execution) unserved() error {
	if len(x.failed) == 0 || len(x.failed) < len(x.op.roots) && !x.undone || x.a.Written() {
		return nil
	}
	for _, err := range x.failed {
		if !errors.Is(err, executor.ErrPoolExhausted) {
			return nil
		}
	}
	return x.failed[0]
}

// execution is one answer in the making.
type execution struct {
	op     *Operation
	a      *executor.Answer
	opts   []executor.ExecOption
	errs   []*fieldError
	failed []error
	undone bool // the transaction of all fields was rolled back: data is null
}

// fieldError is a root field that failed.
type fieldError struct {
	root *rootPlan
	err  error
}

// field appends root field i. Its own failure is null and an error beside it; the
// error that comes back is of the whole answer.
func (x *execution) field(ctx context.Context, r executor.Runner, i int) error {
	root := &x.op.roots[i]
	x.begin(i, root)
	mark := len(x.a.Buffer())
	err := root.run(ctx, x.a, r, false)
	return x.settle(root.rootPlan, mark, err)
}

// begin appends the key of root field i.
func (x *execution) begin(i int, root *boundPlan) {
	if i > 0 {
		x.a.Text(",")
	}
	x.a.SetBuffer(append(appendQuoted(x.a.Buffer(), root.key), ':'))
}

// settle takes a failed field's value back.
func (x *execution) settle(root *rootPlan, mark int, err error) error {
	switch {
	case err == nil:
		return nil
	case executor.Partial(err) || x.a.Written() && len(x.a.Buffer()) < mark:
		return err
	}
	x.a.SetBuffer(append(x.a.Buffer()[:mark], "null"...))
	x.fail(root, err)
	return nil
}

func (x *execution) fail(root *rootPlan, err error) {
	x.errs = append(x.errs, &fieldError{root, err})
	x.failed = append(x.failed, err)
}

// tell appends the errors of fields.
func (x *execution) tell() {
	if len(x.errs) == 0 {
		return
	}
	x.a.Text(`,"errors":[`)
	for i, e := range x.errs {
		if i > 0 {
			x.a.Text(",")
		}
		x.a.SetBuffer(x.op.engine.appendError(x.a.Buffer(), x.op.schema, e.root, e.err))
	}
	x.a.Text("]")
}

// snapshot runs the fields of a query one after the other, in one snapshot.
func (x *execution) snapshot(ctx context.Context) error {
	return x.a.InTx(ctx, x.op.engine.runner, executor.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, false,
		func(ctx context.Context, r executor.Runner) error {
			x.errs, x.failed = nil, nil
			for i := range x.op.roots {
				root := &x.op.roots[i]
				x.begin(i, root)
				mark := len(x.a.Buffer())
				err := r.InTx(ctx, nil, func(ctx context.Context, r executor.Runner) error { // a savepoint: later fields go on
					x.a.SetBuffer(x.a.Buffer()[:min(mark, len(x.a.Buffer()))])
					return root.run(ctx, x.a, r, true)
				})
				if err := x.settle(root.rootPlan, mark, err); err != nil {
					return err
				}
			}
			return nil
		})
}

// mutation runs the fields in order, each in a transaction of its own, or all in
// one where the engine is told so.
func (x *execution) mutation(ctx context.Context, mark int) error {
	defer x.a.Hold()() // what is committed is told whole
	if !x.op.engine.options.OneTransaction || len(x.op.roots) == 1 {
		for i := range x.op.roots {
			if err := ctx.Err(); err != nil && i > 0 { // nobody waits: what has not begun is not begun
				return backend.Wrap(nil, "execute", err)
			}
			if err := x.change(ctx, i); err != nil {
				return err
			}
		}
		return nil
	}
	var at *rootPlan
	err := x.a.InTx(ctx, x.op.engine.runner, executor.TxOptions{}, true, func(ctx context.Context, r executor.Runner) error {
		x.a.SetBuffer(append(x.a.Buffer()[:mark], '{'))
		for i := range x.op.roots {
			root := &x.op.roots[i]
			at = root.rootPlan
			x.begin(i, root)
			if err := root.run(ctx, x.a, r, true); err != nil {
				return err
			}
		}
		at = nil
		return nil
	})
	if err != nil {
		x.undone = true
		x.fail(at, err)
	}
	return nil
}

// change runs one field of a mutation in a transaction of its own.
func (x *execution) change(ctx context.Context, i int) error {
	root := &x.op.roots[i]
	x.begin(i, root)
	mark := len(x.a.Buffer())
	if len(root.plans) == 1 && root.frame == nil {
		return x.settle(root.rootPlan, mark, root.run(ctx, x.a, x.op.engine.runner, false))
	}
	err := x.a.InTx(ctx, x.op.engine.runner, executor.TxOptions{}, true, func(ctx context.Context, r executor.Runner) error {
		x.a.SetBuffer(x.a.Buffer()[:mark])
		return root.run(ctx, x.a, r, true)
	})
	return x.settle(root.rootPlan, mark, err)
}

// query runs the fields of a query side by side. The first that streams does so
// when its turn has come: those whose rows are few are read meanwhile, each into
// memory, so that no connection waits for a slow reader.
func (x *execution) query(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	ready := make([]*aside, len(x.op.roots))
	slots := make(chan struct{}, x.op.engine.options.Parallel)
	for i := range x.op.roots {
		if root := &x.op.roots[i]; i > 0 && root.few() {
			ready[i] = &aside{done: make(chan struct{})}
			wait.Go(func() {
				defer close(ready[i].done)
				slots <- struct{}{}
				defer func() { <-slots }()
				ready[i].run(ctx, x, root)
			})
		}
	}
	for i := range x.op.roots {
		if ready[i] == nil {
			if err := x.field(ctx, x.op.engine.runner, i); err != nil {
				return err
			}
			continue
		}
		<-ready[i].done
		root := &x.op.roots[i]
		x.begin(i, root)
		mark := len(x.a.Buffer())
		x.a.SetBuffer(append(x.a.Buffer(), ready[i].text...))
		if err := x.settle(root.rootPlan, mark, ready[i].err); err != nil {
			return err
		}
	}
	return nil
}

// few says that the value is small: at most a page, or nothing to be asked for.
func (p *boundPlan) few() bool {
	for _, plan := range p.plans {
		if plan.Unbounded && p.frame == nil {
			return false
		}
	}
	return len(p.plans) > 0
}

// aside is the value of a field that is read beside others.
type aside struct {
	text []byte
	err  error
	done chan struct{}
}

func (s *aside) run(ctx context.Context, x *execution, root *boundPlan) {
	a := executor.NewAnswer(io.Discard, x.opts...)
	defer a.Free()
	defer a.Hold()()
	defer func() {
		if p := recover(); p != nil { // it is on no goroutine of the caller's
			s.err = backend.New("execute", backend.CodeInternal, errPanic)
		}
	}()
	s.err = root.run(ctx, a, x.op.engine.runner, false)
	s.text = append([]byte(nil), a.Buffer()...)
}

var errPanic = errors.New("a field panicked")
