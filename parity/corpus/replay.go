package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// Replayer runs the lines of a corpus, one after the other, on a Runner: a
// parity.Runner compares while it does. Make one with NewReplayer.
type Replayer struct {
	runner     executor.Runner
	schema     *builder.Schema
	skipWrites bool
	describe   func(ctx context.Context, l Line) error
	describing func(ctx context.Context, name string, list ...*builder.Statement) error // nil: writes run
}

// ReplayOption changes a Replayer.
type ReplayOption interface{ apply(*Replayer) }

type replayOption func(*Replayer)

func (o replayOption) apply(p *Replayer) { o(p) }

// WithSchema lets definitions run. Default: they are counted as unusable.
func WithSchema(s *builder.Schema) ReplayOption {
	return replayOption(func(p *Replayer) { p.schema = s })
}

// WithoutWrites leaves out what is not known to read, and transactions with it.
func WithoutWrites() ReplayOption { return replayOption(func(p *Replayer) { p.skipWrites = true }) }

// WithDescribedWrites gives what is not known to read to fn, as (*parity.Runner).Describe,
// and runs none of it. A transaction that may write is described as a whole, its reads
// too: they might see what it has written.
func WithDescribedWrites(fn func(ctx context.Context, name string, list ...*builder.Statement) error) ReplayOption {
	return replayOption(func(p *Replayer) { p.describing = fn })
}

// WithDescribe gives lines that can only be prepared (KindDescribe) to fn; see
// Describe. Default: they are counted as unusable.
func WithDescribe(fn func(ctx context.Context, l Line) error) ReplayOption {
	return replayOption(func(p *Replayer) { p.describe = fn })
}

// NewReplayer makes a Replayer on r.
func NewReplayer(r executor.Runner, o ...ReplayOption) *Replayer {
	p := &Replayer{runner: r}
	for _, option := range o {
		if option != nil {
			option.apply(p)
		}
	}
	return p
}

// Replayed says what became of a corpus.
type Replayed struct {
	// Lines were read that hold an operation.
	Lines int64
	// Ran of them, Failed of these with an error of the control's: what failed when it
	// was captured fails again, most likely.
	Ran, Failed int64
	// Mismatches is how many operations, or transactions, ended in a mismatch.
	Mismatches int64
	// Unusable counts, by reason, lines that did not run.
	Unusable map[string]int64
	// Lost is what the capture has counted.
	Lost map[string]int64
}

// maxPending bounds the lines that wait for the end of their transactions.
const maxPending = 100_000

// Replay reads in to its end. A transaction runs where its end stands, as one
// transaction, and is rolled back where it was. Its error is in's, or the context's.
func (p *Replayer) Replay(ctx context.Context, in *Reader) (Replayed, error) {
	out := Replayed{Unusable: make(map[string]int64), Lost: make(map[string]int64)}
	pending := make(map[string][]Line)
	waiting := 0
	for ctx.Err() == nil {
		l, err := in.Next()
		if errors.Is(err, io.EOF) {
			for _, lines := range pending {
				out.Unusable[whyNoEnd] += int64(len(lines))
			}
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for reason, n := range l.Lost {
			out.Lost[reason] += n
		}
		if len(l.Lost) > 0 {
			continue
		}
		out.Lines++
		key := fmt.Sprintf("%s/%d", l.Conn, l.Tx)
		switch {
		case l.Kind == KindBegin && l.Tx != 0:
			pending[key] = []Line{l}
			waiting++
		case l.Tx == 0 || pending[key] == nil:
			p.one(ctx, l, &out)
		case l.Kind == KindCommit || l.Kind == KindRollback:
			lines := pending[key]
			waiting -= len(lines)
			delete(pending, key)
			p.transaction(ctx, append(lines, l), &out)
		case waiting >= maxPending:
			out.Unusable["too many transactions are open at once"]++
		default:
			pending[key] = append(pending[key], l)
			waiting++
		}
	}
	return out, ctx.Err()
}

// one runs a line outside a transaction.
func (p *Replayer) one(ctx context.Context, l Line, out *Replayed) {
	if l.Definition != nil {
		p.definition(ctx, l, out)
		return
	}
	if l.Kind == KindDescribe {
		if p.describe == nil {
			out.Unusable["it has no arguments and can only be described"]++
			return
		}
		out.Ran++
		out.count(p.describe(ctx, l))
		return
	}
	s, why := p.statement(l)
	if why != "" {
		out.Unusable[why]++
		return
	}
	out.Ran++
	if s.Effect != builder.Read && p.describing != nil {
		out.count(p.describing(ctx, s.Name, s))
		return
	}
	err := run(ctx, p.runner, l, s)
	if backend.SQLStateOf(err) == "25006" && s.Effect == builder.Read && !p.skipWrites {
		// A function that writes: its text does not show it.
		s.Effect = builder.Write
		if p.describing != nil {
			err = p.describing(ctx, s.Name, s)
		} else {
			err = run(ctx, p.runner, l, s)
		}
	}
	out.count(err)
}

func (o *Replayed) count(err error) {
	switch {
	case err == nil:
	case backend.CodeOf(err) == backend.CodeParityMismatch:
		o.Mismatches++
	default:
		o.Failed++
	}
}

func (p *Replayer) definition(ctx context.Context, l Line, out *Replayed) {
	if p.schema == nil {
		out.Unusable["a definition needs a schema"]++
		return
	}
	request, err := p.schema.Parse(l.Definition)
	if err == nil && len(request.Definitions) != 1 {
		err = errors.New("more than one")
	}
	if err != nil {
		out.Unusable["a definition that is refused before any SQL"]++
		return
	}
	if p.skipWrites && request.Definitions[0].Kind != builder.Query {
		out.Unusable[whySkipped]++
		return
	}
	out.Ran++
	if p.describing == nil || request.Definitions[0].Kind == builder.Query {
		out.count(executor.Execute(ctx, p.runner, p.schema, &request.Definitions[0], io.Discard))
		return
	}
	plan, err := builder.Build(p.schema, &request.Definitions[0])
	if err == nil {
		list := plan.Statements()
		err = p.describing(ctx, list[0].Name, list...)
	}
	out.count(err)
}

const whySkipped = "writes are left out"

// statement is the line's SQL for a Runner, or why it can't be.
func (p *Replayer) statement(l Line) (*builder.Statement, string) {
	t := sqltext.Parse(l.SQL)
	switch t.Kind {
	case sqltext.Copy:
		return nil, whyCopy
	case sqltext.Listen:
		return nil, whyListen
	case sqltext.Cursor:
		return nil, whyCursor
	case sqltext.Session:
		return nil, whySession
	case sqltext.Transaction:
		if t.Tx != sqltext.Savepoint {
			return nil, "it begins or ends a transaction without its number"
		}
	case sqltext.Empty:
		return nil, whyEmpty
	case sqltext.Read, sqltext.Write:
	}
	if l.Kind == KindPrepare {
		return nil, "a statement that was prepared and not run"
	}
	effect := builder.Write
	if t.Kind == sqltext.Read {
		effect = builder.Read
	}
	if effect == builder.Write && p.skipWrites {
		return nil, whySkipped
	}
	args := make([]any, len(l.Args))
	for i, a := range l.Args {
		v, err := a.Value()
		if err != nil {
			return nil, "an argument whose value was not captured"
		}
		args[i] = v
	}
	s, err := builder.Raw(t.Name, effect, l.SQL, args...)
	if err != nil {
		return nil, "SQL that can't be sent"
	}
	s.Ordered = t.Ordered
	return &s, ""
}

func run(ctx context.Context, r executor.Runner, l Line, s *builder.Statement) error {
	if l.Kind == KindExec && s.Effect != builder.Read {
		_, err := r.Exec(ctx, s)
		return err
	}
	rows, err := r.Query(ctx, s)
	if err != nil {
		return err
	}
	for rows.Next() {
		continue
	}
	return errors.Join(rows.Err(), rows.Close())
}

// errUndo rolls back what was rolled back.
var errUndo = fmt.Errorf("%w when it was captured", parity.ErrRollback)

// transaction runs lines from BEGIN to its end as one.
func (p *Replayer) transaction(ctx context.Context, lines []Line, out *Replayed) {
	var list []*builder.Statement
	var of []Line
	readOnly := sqltext.Parse(lines[0].SQL).OnlyReads
	for _, l := range lines[1 : len(lines)-1] {
		s, why := p.statement(l)
		if why != "" {
			out.Unusable[why]++
			continue
		}
		list, of = append(list, s), append(of, l)
	}
	if p.skipWrites && !readOnly {
		out.Unusable[whySkipped] += int64(len(list))
		return
	}
	if p.describing != nil && !readOnly {
		out.Ran += int64(len(list))
		for _, s := range list {
			out.count(p.describing(ctx, s.Name, s))
		}
		return
	}
	out.Ran += int64(len(list)) + 2
	err := p.runner.InTx(ctx, &executor.TxOptions{ReadOnly: readOnly}, func(ctx context.Context, tx executor.Runner) error {
		var failed error
		for i, s := range list {
			if err := run(ctx, tx, of[i], s); err != nil {
				failed = err // the transaction goes on, as the captured one did
			}
		}
		if failed == nil && lines[len(lines)-1].Kind == KindRollback {
			failed = errUndo
		}
		return failed
	})
	if !errors.Is(err, errUndo) {
		out.count(err)
	}
}
