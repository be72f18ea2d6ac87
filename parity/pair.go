package parity

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// pair is a read-only transaction on each backend, both on one snapshot. It is
// the Runner of what runs inside.
type pair struct {
	r                  *Runner
	options            executor.TxOptions
	control, candidate *executor.Tx // candidate is nil where it could not begin
	report             Report
	cmp                *comparison
	over               bool
	controlErr         error
	candidateErr       error
	execs              bool // the statement that is looked at ran by Exec
	sets               bool // a statement may have set a run-time parameter
	nested             bool // in a savepoint
	retried            bool // a statement ran once more after a lost connection
}

// open begins both transactions. Only the control's failure is an error: without
// a candidate the operation goes on and its verdict is Inconclusive.
func (r *Runner) open(ctx context.Context, o *executor.TxOptions) (*pair, error) {
	report, c := r.report(""), r.comparison()
	p, err := r.openFor(ctx, o, report, c)
	if err != nil {
		r.unbegun(ctx, o, report, c, err)
	}
	return p, err
}

func (r *Runner) openFor(ctx context.Context, o *executor.TxOptions, report Report, cmp *comparison) (*pair, error) {
	p := &pair{r: r, report: report, cmp: cmp}
	shared := *o
	if shared.Isolation != sql.LevelSerializable && r.apart == nil {
		shared.Isolation = sql.LevelRepeatableRead // the least that can share a snapshot
	}
	p.options = shared
	if r.apart != nil {
		r.apart.introduce(ctx, r.control, r.candidate)
	}
	if shared.Snapshot == "" && !shared.Deferrable && r.apart == nil && chance(0.5) && p.lead(ctx) {
		return p, nil
	}
	var err error
	if p.control, err = r.control.Begin(ctx, &shared); err != nil {
		return nil, err
	}
	if shared.Snapshot == "" && r.apart == nil {
		if p.options.Snapshot, err = exportSnapshot(ctx, p.control); err != nil {
			_ = p.control.Rollback(ctx)
			return nil, err
		}
	}
	// The control has waited for a safe snapshot. Who reads from it need not, and may
	// not: PostgreSQL refuses to import one into a deferrable transaction.
	p.options.Deferrable = p.options.Deferrable && p.options.Snapshot == ""
	if p.candidate, err = p.begin(ctx); err != nil && outage(err) && ctx.Err() == nil {
		p.candidate, err = p.begin(ctx)
	}
	toldBy(p.control) // what is said from here on counts
	if err != nil {
		p.candidate = nil
		p.candidateErr = err
		if outage(err) {
			p.cmp.inconclusive("the candidate could not begin: " + backend.CodeOf(err).String())
		} else {
			p.cmp.errs("begin", nil, err)
		}
	}
	return p, nil
}

// lead lets the candidate begin and the control read from its snapshot. Half of the
// pairs begin so, lest the one that does more work for it looks slower. Where
// anything goes wrong all is undone, and the ordinary way says what it is.
func (p *pair) lead(ctx context.Context) bool {
	tx, err := p.begin(ctx)
	if err != nil {
		return false
	}
	o := p.options
	err = contained(func() error {
		o.Snapshot, err = exportSnapshot(ctx, tx)
		return err
	})
	if err == nil {
		p.control, err = p.r.control.Begin(ctx, &o)
	}
	if err != nil {
		_ = contained(func() error { return tx.Rollback(ctx) })
		return false
	}
	p.options, p.candidate = o, tx
	toldBy(p.control) // what is said from here on counts
	toldBy(p.candidate)
	return true
}

// shared names the snapshot that both sides read from, as long as one of them can.
func (p *pair) shared(ctx context.Context) string {
	if p.r.apart != nil || p.options.Snapshot == "" || p.controlErr != nil || p.nested {
		return p.options.Snapshot // a savepoint can't export
	}
	// The transaction that exported it may be over; the control's is not.
	if id, err := exportSnapshot(ctx, p.control); err == nil {
		return id
	}
	return p.options.Snapshot
}

// begin begins the candidate's transaction.
func (p *pair) begin(ctx context.Context) (tx *executor.Tx, err error) {
	err = contained(func() error {
		o := p.options
		tx, err = p.r.candidate.Begin(ctx, &o)
		return err
	})
	if err != nil {
		return nil, err
	}
	toldBy(tx)
	return tx, nil
}

// exportSnapshot names the snapshot of tx, for another transaction to read from.
func exportSnapshot(ctx context.Context, tx executor.Runner) (string, error) {
	rows, err := tx.Query(ctx, &builder.Statement{Name: "export snapshot", SQL: "select pg_catalog.pg_export_snapshot()", Effect: builder.Read})
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	var id string
	for rows.Next() {
		id = string(rows.Values()[0])
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	// The name is put into SQL text by SET TRANSACTION SNAPSHOT, which takes no parameter.
	if id == "" || strings.Trim(id, "0123456789ABCDEF-") != "" {
		return "", backend.New("export snapshot", backend.CodeInternal, fmt.Errorf("unexpected snapshot name %q", id))
	}
	return id, nil
}

// InTx is a savepoint on each side. Inside it the pair stands on the savepoints: a
// statement that fails there spoils them, not the transactions.
func (p *pair) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	outer := p.nested
	p.nested = true
	defer func() { p.nested = outer }()
	return within(ctx, &p.control, o, func(ctx context.Context) error {
		if p.candidate == nil {
			return fn(ctx, p)
		}
		return within(ctx, &p.candidate, o, func(ctx context.Context) error { return fn(ctx, p) })
	})
}

// within runs fn while *side is a savepoint of what it was.
func within(ctx context.Context, side **executor.Tx, o *executor.TxOptions, fn func(context.Context) error) error {
	outer := *side
	defer func() { *side = outer }()
	return outer.InTx(ctx, o, func(ctx context.Context, r executor.Runner) error {
		tx, ok := r.(*executor.Tx)
		if !ok {
			return backend.New("savepoint", backend.CodeInternal, fmt.Errorf("a transaction gave a %T", r))
		}
		*side = tx
		return fn(ctx)
	})
}

func (p *pair) named(s *builder.Statement) {
	p.cmp.saw(s.SQL)
	p.cmp.sql, p.cmp.given = s.SQL, len(s.Args)
	// SQL that was adopted may call set_config; ours never does.
	p.sets = p.sets || s.Columns == nil && strings.Contains(strings.ToLower(s.SQL), "set")
	if p.report.Operation == "" {
		p.report.Operation = s.Name
	}
}

// theirs is s with the candidate's own keys.
func (p *pair) theirs(s *builder.Statement) *builder.Statement {
	if p.r.apart == nil || len(s.Args) == 0 {
		return s
	}
	other := *s
	other.Args = p.r.apart.translate(s.Args)
	return &other
}

// abandoned is deferred around what may panic on the control: the panic is the
// caller's, and both transactions end. Call what it returns.
func (p *pair) abandoned(ctx context.Context) func() {
	return func() {
		if panicked := recover(); panicked != nil {
			p.cmp.inconclusive("the control panicked")
			_ = p.finish(ctx)
			panic(panicked)
		}
	}
}

// finish ends both transactions, publishes the report, and returns the mismatch
// as an error.
func (p *pair) finish(ctx context.Context) error {
	if p.over {
		return nil
	}
	p.over = true
	p.report.Candidate.Rows = p.cmp.compared
	if p.candidate != nil {
		if p.sets && p.controlErr == nil && p.candidateErr == nil && ctx.Err() == nil {
			p.compareSettings(ctx)
		}
	}
	p.end(ctx)
	p.report = p.r.h.fill(p.report, p.cmp, p.controlErr, p.candidateErr)
	p.r.h.publish(ctx, p.report)
	if p.report.Verdict == Mismatch {
		return p.r.h.mismatch(p.report)
	}
	return nil
}

// end ends both transactions, at the same time: the caller waits for one round trip.
func (p *pair) end(ctx context.Context) {
	var candidate sync.WaitGroup
	defer candidate.Wait()
	if p.candidate != nil {
		candidate.Go(func() {
			_ = contained(func() error { return p.candidate.Rollback(ctx) }) // read-only: nothing to lose
		})
	}
	_ = p.control.Rollback(ctx)
}

// compareSettings compares the run-time parameters that the two sessions have set.
func (p *pair) compareSettings(ctx context.Context) {
	a, err := settings(ctx, p.control)
	if err != nil {
		return // the control's transaction has failed: nothing can be read in it
	}
	b, err := settings(ctx, p.candidate)
	if err != nil {
		p.cmp.errs("read settings", nil, err)
		return
	}
	p.cmp.left(p.report.Operation, aftermath{settings: a}, aftermath{settings: b})
}

// failed is the rows of a statement that failed when it was sent.
type failed struct {
	backend.WireRows
	err error
}

func (f *failed) Columns() []backend.Column { return nil }
func (f *failed) Next() bool                { return false }
func (f *failed) Err() error                { return f.err }
func (f *failed) Close() error              { return nil }

// watched is the control's rows where there is no candidate.
type watched struct {
	*executor.Rows
	done   func(complete bool, controlErr error) error
	closed bool
}

func (w *watched) Columns() []backend.Column { return wireColumns(w.Rows) }

func (w *watched) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	err := w.Rows.Close()
	if doneErr := w.done(true, err); err == nil {
		err = doneErr
	}
	return err
}
