package parity

import (
	"context"
	"fmt"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// recorder is the Runner that one side of a write gets: it notes what each
// statement did.
type recorder struct {
	runner executor.Runner
	steps  []*observation
	limit  int64 // bytes that all rows together may hold
	parent *recorder
	// translate makes the candidate's arguments of the control's; nil: they are the same.
	translate func([]any) []any
	after     aftermath
	// asks are the steps about which the server is asked, with the columns of their
	// rows; see voices.
	asks map[int][]builder.Column
}

// own is s with the arguments of this side.
func (r *recorder) own(s *builder.Statement) *builder.Statement {
	if r.translate == nil || len(s.Args) == 0 {
		return s
	}
	other := *s
	other.Args = r.translate(s.Args)
	return &other
}

func (r *recorder) reset(tx executor.Runner) { r.runner, r.steps, r.after = tx, nil, aftermath{} }

// note adds a step to the outermost recorder.
func (r *recorder) note(ctx context.Context, s *builder.Statement) *observation {
	o := &observation{name: s.Name, sql: s.SQL, args: s.Args, ordered: s.Ordered, uses: s.Uses, recorded: recordedOf(ctx)}
	top := r.outermost()
	top.steps = append(top.steps, o)
	return o
}

func (r *recorder) outermost() *recorder {
	for r.parent != nil {
		r = r.parent
	}
	return r
}

// watch runs fn on tx, notes what it does and what it leaves. With now, deferred
// constraints speak before that: a rollback would hide them.
func (r *recorder) watch(ctx context.Context, tx executor.Runner, now bool, fn func(context.Context, executor.Runner) error) error {
	r.reset(tx)
	before, err := written(ctx, tx)
	if err != nil {
		return err
	}
	toldBy(tx) // what is said from here on counts
	if err := fn(ctx, r); err != nil {
		return err
	}
	if now {
		if err := immediate(ctx, tx); err != nil {
			return err
		}
	}
	r.after, err = leave(ctx, tx, before)
	return err
}

// Query runs s and holds its rows.
func (r *recorder) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	s = r.own(s)
	o := r.note(ctx, s)
	defer func() { o.told = toldBy(r.runner) }()
	if columns := r.asked(); columns != nil {
		return r.voiced(ctx, s, o, columns)
	}
	rows, err := r.runner.Query(ctx, s)
	if err != nil {
		o.err = err
		return nil, err
	}
	m, err := hold(rows, o, r.limit)
	if err != nil {
		o.err = err
		return nil, err
	}
	o.affected = int64(len(o.rows))
	return executor.NewRows(m, o.columns), nil
}

// Exec runs s and notes how many rows it affected.
func (r *recorder) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	s = r.own(s)
	o := r.note(ctx, s)
	o.affected, o.err = r.runner.Exec(ctx, s)
	o.told = toldBy(r.runner)
	return o.affected, o.err
}

// InTx is a savepoint.
func (r *recorder) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	return r.runner.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error {
		return fn(ctx, &recorder{runner: tx, limit: r.limit, parent: r, translate: r.translate})
	})
}

// operation names the whole of what was recorded.
func (r *recorder) operation() string {
	switch len(r.steps) {
	case 0:
		return "transaction"
	case 1:
		return r.steps[0].name
	}
	return fmt.Sprintf("%s and %d more", r.steps[0].name, len(r.steps)-1)
}

// total is the number of rows in all steps.
func (r *recorder) total() int64 {
	var n int64
	for _, o := range r.steps {
		n += int64(len(o.rows))
	}
	return n
}

// steps compares what two recorders noted. cut says that a side came to an end by no doing
// of its own: what the other one sent after that is no difference.
func (c *comparison) steps(control, candidate []*observation, cut bool) {
	for _, o := range control {
		c.saw(o.sql)
		c.used(o.uses, o.err)
		var nulls []bool
		for _, r := range o.rows {
			if nulls == nil {
				nulls = make([]bool, len(o.columns))
			}
			r.nullsOf(nulls)
		}
		c.read(o.columns, nulls)
	}
	n := min(len(control), len(candidate))
	for i := range n {
		c.sql, c.given, c.step = control[i].sql, len(control[i].args), i
		c.compareStep(control[i], candidate[i])
	}
	c.sql, c.given, c.step = "", 0, -1
	if cut {
		return
	}
	for _, o := range control[n:] {
		c.add(Diff{Kind: DiffStatement, Statement: o.name, Detail: "- " + o.sql})
	}
	for _, o := range candidate[n:] {
		c.add(Diff{Kind: DiffStatement, Statement: o.name, Detail: "+ " + o.sql})
	}
}
