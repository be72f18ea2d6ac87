package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// Execute builds def and runs it: ExecutePlan for a definition. What is wrong
// with the definition comes back as builder.Problems, before anything is sent.
func Execute(ctx context.Context, r Runner, sch *builder.Schema, def *builder.Definition, w io.Writer, o ...ExecOption) error {
	plan, err := builder.Build(sch, def)
	if err != nil {
		return err
	}
	return ExecutePlan(ctx, r, plan, w, o...)
}

// ExecuteRequest runs what one JSON text asked for (builder.Parse) and writes its
// answer: that of Execute for one definition; a list of such answers for a list,
// each definition in a transaction of its own, one after the other; and for a
// transaction one answer whose data is the list of each definition's data, held
// back until all of it is committed.
//
// In a list, a definition that fails is answered in its place and the others
// run; where one of them writes, the answer is held back until all have run. Then the answer is whole, the error tells what failed, and Answered is
// true. The first error of a transaction rolls all of it back and names its
// definition by number; definitions that are wrong are all reported before
// anything is sent.
//
// Session variables of a request add to those of WithSession; a request that
// names one of them is refused, so a client can't choose who it is.
func ExecuteRequest(ctx context.Context, r Runner, sch *builder.Schema, req builder.Request, w io.Writer, o ...ExecOption) error {
	switch {
	case req.Transaction:
		return executeTransaction(ctx, r, sch, &req, w, o)
	case req.List:
		return executeList(ctx, r, sch, &req, w, o)
	case len(req.Definitions) == 1:
		return Execute(ctx, r, sch, &req.Definitions[0], w, o...)
	}
	return backend.New("execute", backend.CodeBadUserInput, tell("a request has at least one definition"))
}

// answeredError is what a list returns that was answered as a whole, errors in it.
type answeredError struct{ errs []error }

func (e *answeredError) Error() string {
	return fmt.Sprintf("%d definitions failed: %v", len(e.errs), errors.Join(e.errs...))
}

func (e *answeredError) Unwrap() []error { return e.errs }

// Answered reports whether an answer was written although err is an error: a
// whole one that tells of it, or a part (Partial). Otherwise nothing was
// written, and the caller answers with WriteError.
func Answered(err error) bool {
	var a *answeredError
	return errors.As(err, &a) || Partial(err)
}

func executeList(ctx context.Context, r Runner, sch *builder.Schema, req *builder.Request, w io.Writer, o []ExecOption) error {
	out := newOutput(w)
	defer out.free()
	// As for one mutation, all is told at the end: whoever puts a head before the answer
	// knows by then what was written.
	out.hold = slices.ContainsFunc(req.Definitions, func(d builder.Definition) bool { return d.Kind != builder.Query })
	var failed []error
	out.buf = append(out.buf, '[')
	for i := range req.Definitions {
		if i > 0 {
			out.buf = append(out.buf, ',')
		}
		err := listed(ctx, r, sch, &req.Definitions[i], out, o)
		if err == nil {
			err = out.full()
		}
		if Partial(err) {
			return err
		}
		if err != nil {
			failed = append(failed, &definitionError{i, err})
		}
		if ctx.Err() != nil { // nobody waits for the rest
			return out.late(backend.Wrap(nil, "execute", ctx.Err()))
		}
	}
	out.buf = append(out.buf, ']')
	if err := out.flush(); err != nil {
		return err
	}
	if len(failed) > 0 {
		return &answeredError{failed}
	}
	return nil
}

// listed appends the answer of one definition of a list, an error included.
func listed(ctx context.Context, r Runner, sch *builder.Schema, def *builder.Definition, out *output, o []ExecOption) error {
	start, written := len(out.buf), out.written
	plan, err := builder.Build(sch, def)
	if err == nil {
		err = newExecution(out, o).answer(ctx, r, plan)
	}
	switch {
	case err == nil:
		return nil
	case out.written != written:
		return finalError{err}
	}
	out.buf = AppendError(out.buf[:start], err)
	return err
}

func executeTransaction(ctx context.Context, r Runner, sch *builder.Schema, req *builder.Request, w io.Writer, o []ExecOption) error {
	plans := make([]*builder.Plan, len(req.Definitions))
	var problems builder.Problems
	for i := range req.Definitions {
		plan, err := builder.Build(sch, &req.Definitions[i])
		if list, ok := problemsOf(err); ok {
			problems = append(problems, list...)
		} else if err != nil {
			return err
		}
		plans[i] = plan
	}
	if len(problems) > 0 {
		return problems
	}
	out := newOutput(w)
	defer out.free()
	x := newExecution(out, o)
	tx, err := x.requestTx(req)
	if err != nil {
		return err
	}
	out.buf = append(out.buf, `{"data":[`...)
	err = x.inTx(ctx, r, tx, true, func(ctx context.Context, r Runner) error {
		for i, p := range plans {
			if i > 0 {
				out.buf = append(out.buf, ',')
			}
			run := x.query
			if p.Kind != builder.Query {
				run = x.mutate
			}
			if err := run(ctx, r, p); err != nil {
				return &definitionError{i, judged(p, err)}
			}
		}
		return nil
	})
	if err != nil {
		return named(sch.Catalog(), err)
	}
	out.buf = append(out.buf, `],"errors":null}`...)
	return out.flush()
}

// requestTx joins what the request and the caller say of the transaction. The
// stricter wins; what contradicts is refused.
func (x *execution) requestTx(req *builder.Request) (*TxOptions, error) {
	tx := x.txOptions(req.ReadOnly)
	if req.Isolation != 0 {
		if tx.Isolation != 0 && tx.Isolation != req.Isolation {
			return nil, backend.New("execute", backend.CodeBadUserInput, tell("the isolation level is fixed at %s", levels[tx.Isolation]))
		}
		tx.Isolation = req.Isolation
	}
	tx.Deferrable = tx.Deferrable || req.Deferrable
	if len(req.Session) == 0 {
		return tx, nil
	}
	session := maps.Clone(tx.Session)
	if session == nil {
		session = make(map[string]string, len(req.Session))
	}
	for _, s := range req.Session {
		for name := range tx.Session {
			if strings.EqualFold(name, s.Name) { // PostgreSQL folds these names too
				return nil, backend.New("execute", backend.CodeForbidden, tell("session variable %.64q can't be set by a request", s.Name))
			}
		}
		session[s.Name] = s.Value
	}
	tx.Session = session
	return tx, nil
}
