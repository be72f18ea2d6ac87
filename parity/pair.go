package parity

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// pair is a read-only transaction on each backend, both on one snapshot. It is
// the Runner of what runs inside.
type pair struct {
	r                  *Runner
	control, candidate *executor.Tx // candidate is nil where it could not begin
	report             Report
	cmp                *comparison
	over               bool
	controlErr         error
	candidateErr       error
}

// open begins both transactions. Only the control's failure is an error: without
// a candidate the operation goes on and its verdict is Inconclusive.
func (r *Runner) open(ctx context.Context, o *executor.TxOptions) (*pair, error) {
	p := &pair{r: r, report: r.report(""), cmp: r.comparison()}
	shared := *o
	if shared.Isolation != sql.LevelSerializable && r.apart == nil {
		shared.Isolation = sql.LevelRepeatableRead // the least that can share a snapshot
	}
	var err error
	if p.control, err = r.control.Begin(ctx, &shared); err != nil {
		return nil, err
	}
	if shared.Snapshot == "" && r.apart == nil {
		if shared.Snapshot, err = exportSnapshot(ctx, p.control); err != nil {
			_ = p.control.Rollback(ctx)
			return nil, err
		}
	}
	if p.candidate, err = r.candidate.Begin(ctx, &shared); err != nil {
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

// Query runs s on both sides.
func (p *pair) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	return p.query(ctx, s, func(bool, error) error {
		if p.cmp.verdict() == Mismatch {
			return p.r.h.mismatch(p.r.h.fill(p.report, p.cmp, p.controlErr, p.candidateErr))
		}
		return nil
	})
}

// query runs s on both sides; done is called once, after its rows have ended.
func (p *pair) query(ctx context.Context, s *builder.Statement, done func(complete bool, controlErr error) error) (*executor.Rows, error) {
	p.named(s)
	start := time.Now()
	control, controlErr := p.control.Query(ctx, s)
	took := [2]time.Duration{time.Since(start)}
	if p.candidate == nil {
		if controlErr != nil {
			p.controlErr = controlErr
			return nil, controlErr
		}
		return executor.NewRows(&watched{Rows: control, done: done}, control.Columns()), nil
	}
	start = time.Now()
	candidate, candidateErr := p.candidate.Query(ctx, p.theirs(s))
	took[1] = time.Since(start)
	if candidateErr != nil {
		candidate = executor.NewRows(&failed{err: candidateErr}, nil)
	}
	if controlErr != nil {
		// One driver reports an error when the statement is sent, the other with
		// the first row: both are the same outcome.
		candidate.Next()
		p.controlErr, p.candidateErr = controlErr, candidate.Err()
		p.cmp.errs(s.Name, p.controlErr, p.candidateErr)
		_ = candidate.Close()
		return nil, controlErr
	}
	l := &lockstep{
		control: control, candidate: candidate, columns: control.Columns(),
		name: s.Name, ordered: s.Ordered, cmp: p.cmp, took: took,
	}
	l.done = func(complete bool, err error) error {
		p.controlErr, p.candidateErr = err, candidate.Err()
		p.cmp.read(l.columns, l.nulls)
		p.report.Control.Rows += l.n
		p.report.Control.Duration += l.took[0]
		p.report.Candidate.Duration += l.took[1]
		return done(complete, err)
	}
	if !s.Ordered {
		l.bag = newBag(p.r.h.maxBytes)
	}
	if candidateErr == nil && !p.cmp.columns(s.Name, control.Columns(), candidate.Columns()) {
		l.blind = true
	}
	return executor.NewRows(l, control.Columns()), nil
}

// Exec runs a statement without rows on both sides.
func (p *pair) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	p.named(s)
	n, controlErr := p.control.Exec(ctx, s)
	if p.candidate != nil {
		m, candidateErr := p.candidate.Exec(ctx, p.theirs(s))
		p.controlErr, p.candidateErr = controlErr, candidateErr
		p.cmp.errs(s.Name, controlErr, candidateErr)
		if controlErr == nil && candidateErr == nil && n != m {
			p.cmp.add(Diff{Kind: DiffAffected, Statement: s.Name, Detail: fmt.Sprintf("- %d\n+ %d", n, m)})
		}
	}
	return n, controlErr
}

// InTx is a savepoint on each side. Inside it the pair stands on the savepoints: a
// statement that fails there spoils them, not the transactions.
func (p *pair) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
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
	p.cmp.saw(s.SQL, s.Uses)
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

// finish ends both transactions, publishes the report, and returns the mismatch
// as an error.
func (p *pair) finish(ctx context.Context) error {
	if p.over {
		return nil
	}
	p.over = true
	p.report.Candidate.Rows = p.cmp.compared
	if p.candidate != nil {
		_ = p.candidate.Rollback(ctx) // read-only: nothing to lose
	}
	_ = p.control.Rollback(ctx)
	p.report = p.r.h.fill(p.report, p.cmp, p.controlErr, p.candidateErr)
	p.r.h.publish(ctx, p.report)
	if p.report.Verdict == Mismatch {
		return p.r.h.mismatch(p.report)
	}
	return nil
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
