package shadow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
)

// described is what one side says of a statement.
type described struct {
	backend.Description
	err error
}

// describe asks both sides what the statements of t take and give, and has each
// read the arguments back that its driver encodes. None of the statements runs.
func (e *engine) describe(ctx context.Context, t *tape) (parity.Report, error) {
	r := e.report(t)
	answered, _ := t.sides(&r)
	answered.Duration = t.took
	e.count.answer.observe(t.took)
	control, err := e.described(ctx, e.control, t)
	if err != nil {
		return r, err
	}
	candidate, err := e.described(ctx, e.candidate, t)
	if err != nil {
		return r, err
	}
	known := 0
	for i, s := range t.steps {
		if d := differ(s, control[i], candidate[i], t.stage == StageLive); d != nil {
			r.Verdict, r.Diffs = parity.Mismatch, append(r.Diffs, *d)
			continue
		}
		if control[i].err != nil {
			continue
		}
		known++
		if len(s.s.Args) == 0 {
			continue
		}
		echo, err := e.echo(ctx, t, s, control[i].Params)
		if err != nil {
			return r, err
		}
		if !echo.Verdict.Pass() && r.Verdict != parity.Mismatch {
			r.Verdict, r.Reason, r.Wrong = echo.Verdict, echo.Reason, echo.Wrong
		}
		r.Diffs, r.Dropped = append(r.Diffs, echo.Diffs...), r.Dropped+echo.Dropped
	}
	switch {
	case r.Verdict != parity.NotCompared:
	case known == 0:
		r.Reason = "its statements can't be described outside of their transaction"
	default:
		r.Verdict, r.Reason = parity.Equal, "described, not executed"
	}
	return r, nil
}

// described asks one side about each statement of t.
func (e *engine) described(ctx context.Context, side *own, t *tape) ([]described, error) {
	db, err := side.open(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]described, len(t.steps))
	var tx *executor.Tx
	defer func() {
		if tx != nil {
			_ = tx.Rollback(ctx) // it has done nothing
		}
	}()
	for i, s := range t.steps {
		if at := slices.IndexFunc(t.steps[:i], func(o *step) bool { return o.s.SQL == s.s.SQL }); at >= 0 {
			list[i] = list[at]
			continue
		}
		if tx == nil {
			if tx, err = db.Begin(ctx, t.options()); err != nil {
				return nil, err
			}
		}
		d := &list[i]
		d.Description, d.err = tx.Describe(ctx, s.s)
		switch {
		case d.err == nil:
			continue
		case outage(d.err), backend.CodeOf(d.err) == backend.CodeTimeout, errors.Is(d.err, errors.ErrUnsupported):
			return nil, d.err
		}
		_ = tx.Rollback(ctx) // the server takes nothing more in it
		tx = nil
	}
	return list, nil
}

// differ compares what the two sides say of s; and with what its rows were like.
func differ(s *step, control, candidate described, live bool) *parity.Diff {
	d := &parity.Diff{Statement: s.s.Name}
	switch {
	case failureOf(control.err) != failureOf(candidate.err):
		d.Kind, d.Detail = parity.DiffError, fmt.Sprintf("describe on the control: %v\ndescribe on the candidate: %v", control.err, candidate.err)
		return d
	case control.err != nil:
		return nil
	case !slices.Equal(control.Params, candidate.Params):
		d.Kind, d.Detail = parity.DiffStatement, "types of parameters:\n"+cmp.Diff(control.Params, candidate.Params)
		return d
	case !sameColumns(control.Columns, candidate.Columns):
		d.Kind, d.Detail = parity.DiffColumns, cmp.Diff(control.Columns, candidate.Columns)
		return d
	}
	mine, theirs := control.Columns, candidate.Columns
	if live {
		mine, theirs = theirs, mine
	}
	// A FETCH has no columns until it runs; else these are what was answered.
	if s.wire != nil && sameColumns(s.wire, mine) && !sameColumns(s.wire, theirs) {
		d.Kind, d.Detail = parity.DiffColumns, cmp.Diff(s.wire, theirs)
		return d
	}
	return nil
}

// maxEcho bounds the arguments that are read back in one statement; PostgreSQL
// takes 1,664 columns.
const maxEcho = 1_000

// echo has both sides send the arguments of s, each through its driver, and
// compares what the server understood.
func (e *engine) echo(ctx context.Context, t *tape, s *step, params []uint32) (parity.Report, error) {
	control, err := e.control.open(ctx)
	if err != nil {
		return parity.Report{}, err
	}
	candidate, err := e.candidate.open(ctx)
	if err != nil {
		return parity.Report{}, err
	}
	names, err := e.typeNames(ctx, control, params)
	if err != nil {
		return parity.Report{}, err
	}
	var r parity.Report
	h := e.s.h.With(parity.WithSample(1), parity.WithMaxBytes(e.opt.memory), parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, got parity.Report) {
		r = got
	})))
	err = parity.NewRunner(h, control, candidate).InTx(ctx, t.options(), func(ctx context.Context, tx executor.Runner) error {
		for from := 0; from < len(names); from += maxEcho {
			to := min(from+maxEcho, len(names))
			back := &step{s: echoStatement(s.s, names[from:to], s.s.Args[from:to])}
			if err := back.drained(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if outage(err) || backend.CodeOf(err) == backend.CodeTimeout {
		return r, err
	}
	return r, nil // what else it may be is in the report, or the same on both sides
}

func echoStatement(s *builder.Statement, types []string, args []any) *builder.Statement {
	var b strings.Builder
	b.WriteString("select ")
	for i, name := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		n := strconv.Itoa(i + 1)
		b.WriteString("$" + n + "::" + name + ` as "$` + n + `"`)
	}
	return &builder.Statement{Name: s.Name + " (arguments)", SQL: b.String(), Args: args, Effect: builder.Read, Ordered: true}
}

// typeNames are the names of types, qualified and quoted. They don't change while
// a type lives.
func (e *engine) typeNames(ctx context.Context, db *executor.DB, oids []uint32) ([]string, error) {
	names := make([]string, len(oids))
	for i, oid := range oids {
		if known, ok := e.types.Load(oid); ok {
			names[i], _ = known.(string)
			continue
		}
		rows, err := db.Query(ctx, &builder.Statement{
			Name: "name of a type", Args: []any{strconv.FormatUint(uint64(oid), 10)}, Effect: builder.Read, Ordered: true,
			SQL: "select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) " +
				"from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where t.oid = $1::oid",
		})
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			names[i] = string(rows.Values()[0])
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
		if names[i] == "" {
			return nil, backend.New("describe", backend.CodeConflict, fmt.Errorf("there is no type %d", oid))
		}
		e.types.Store(oid, names[i])
	}
	return names, nil
}

// typeCache keeps the names of types.
type typeCache = sync.Map
