package shadow

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
)

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
		if d := differ(s, &control[i], &candidate[i], t.stage == StageLive); d != nil {
			r.Verdict, r.Diffs = parity.Mismatch, append(r.Diffs, *d)
			continue
		}
		if control[i].Err != nil {
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
func (e *engine) described(ctx context.Context, side *own, t *tape) ([]parity.Described, error) {
	db, err := side.open(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]*builder.Statement, len(t.steps))
	for i, s := range t.steps {
		list[i] = s.s
	}
	return parity.Describe(ctx, db, t.options(), list)
}

// differ compares what the two sides say of s; and with what its rows were like.
func differ(s *step, control, candidate *parity.Described, live bool) *parity.Diff {
	if d := control.Differ(s.s.Name, candidate); d != nil || control.Err != nil {
		return d
	}
	mine, theirs := control.Columns, candidate.Columns
	if live {
		mine, theirs = theirs, mine
	}
	// A FETCH has no columns until it runs; else these are what was answered.
	if s.wire != nil && parity.SameColumns(s.wire, mine) && !parity.SameColumns(s.wire, theirs) {
		return &parity.Diff{Kind: parity.DiffColumns, Statement: s.s.Name, Detail: cmp.Diff(s.wire, theirs)}
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
