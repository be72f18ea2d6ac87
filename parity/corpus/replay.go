package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

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
	describing Describing // nil: writes run
	sessions   *Sessions  // what is in force before the first line; nil: nothing
}

// Describing looks at the statements of an operation and runs none, as
// (*parity.Runner).DescribeTx does. o has the run-time parameters in force.
type Describing func(ctx context.Context, o *executor.TxOptions, name string, list ...*builder.Statement) error

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

// WithDescribedWrites gives what is not known to read to fn and runs none of it. A
// transaction that may write is described as a whole, its reads too: they might see what
// it has written.
func WithDescribedWrites(fn Describing) ReplayOption {
	return replayOption(func(p *Replayer) { p.describing = fn })
}

// WithDescribe gives lines that can only be prepared (KindDescribe) to fn; see
// Describe. Default: they are counted as unusable.
func WithDescribe(fn func(ctx context.Context, l Line) error) ReplayOption {
	return replayOption(func(p *Replayer) { p.describe = fn })
}

// WithSessions says what is in force before the first line, where lines came before it. They
// are not changed.
func WithSessions(s *Sessions) ReplayOption {
	return replayOption(func(p *Replayer) { p.sessions = s })
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
	// Followed set something for what comes after them on their connection, which runs
	// under it: SET and the like.
	Followed int64
	// Unusable counts, by reason, lines that did not run.
	Unusable map[string]int64
	// Lost is what the capture has counted.
	Lost map[string]int64
}

// maxPending bounds the lines that wait for the end of their transactions.
const maxPending = 100_000

// open is a transaction that waits for its end.
type open struct {
	lines []Line
	under *Sessions // when it began
}

// Replay reads in to its end. A transaction runs where its end stands, as one
// transaction, and is rolled back where it was. What a connection has set is in force
// for what it sends then (see Sessions). Its error is in's, or the context's.
func (p *Replayer) Replay(ctx context.Context, in *Reader) (Replayed, error) {
	out := Replayed{Unusable: make(map[string]int64), Lost: make(map[string]int64)}
	pending := make(map[string]*open)
	waiting := 0
	sessions := p.sessions.clone()
	for ctx.Err() == nil {
		l, err := in.Next()
		if errors.Is(err, io.EOF) {
			for _, tx := range pending {
				out.Unusable[whyNoEnd] += int64(len(tx.lines))
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
			pending[key] = &open{[]Line{l}, sessions.Before(l)}
			waiting++
		case l.Tx == 0 || pending[key] == nil:
			p.one(ctx, l, sessions.Before(l), &out)
		case l.Kind == KindCommit || l.Kind == KindRollback:
			tx := pending[key]
			waiting -= len(tx.lines)
			delete(pending, key)
			tx.lines = append(tx.lines, l)
			p.transaction(ctx, tx, &out)
		case waiting >= maxPending:
			out.Unusable["too many transactions are open at once"]++
		default:
			pending[key].lines = append(pending[key].lines, l)
			waiting++
		}
		sessions.Follow(l)
	}
	return out, ctx.Err()
}

// one runs a line outside a transaction.
func (p *Replayer) one(ctx context.Context, l Line, under *Sessions, out *Replayed) {
	if l.Definition != nil {
		p.definition(ctx, l, out)
		return
	}
	if OnlySets(l) {
		out.Followed++
		return
	}
	parts, why := several(l)
	if len(parts) > 1 {
		// The server makes one transaction of them.
		begin := Line{Kind: KindBegin, SQL: "begin", Conn: l.Conn, Tx: l.Tx}
		if !slices.ContainsFunc(parts, func(part Line) bool { return sqltext.Parse(part.SQL).Kind != sqltext.Read }) {
			begin.SQL = "begin read only"
		}
		p.transaction(ctx, &open{slices.Concat([]Line{begin}, parts, []Line{{Kind: KindCommit}}), under}, out)
		return
	}
	vars, strange := under.Follow(l)
	if strange != "" {
		why = strange
	}
	if why != "" {
		out.Unusable[why]++
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
	o := options(vars)
	if s.Effect != builder.Read && p.describing != nil && !o.ReadOnly {
		out.Ran++
		out.count(p.describing(ctx, o, s.Name, s))
		return
	}
	// A function may write, and its text does not show it: then it runs as a write.
	first := parity.WithRecorded(ctx, l.Outcome)
	if s.Effect == builder.Read && !o.ReadOnly {
		first = parity.WithRecorded(ctx, l.Outcome, readOnlyState)
	}
	err := p.under(first, o, l, s)
	if backend.SQLStateOf(err) == readOnlyState && s.Effect == builder.Read && !o.ReadOnly {
		if p.skipWrites {
			out.Unusable[whySkipped]++
			return
		}
		s.Effect = builder.Write
		if p.describing != nil {
			err = p.describing(ctx, o, s.Name, s)
		} else {
			err = p.under(parity.WithRecorded(ctx, l.Outcome), o, l, s)
		}
	}
	out.Ran++
	out.count(err)
}

// readOnlyState is of what may not write.
const readOnlyState = "25006"

// under runs a statement by itself, in a transaction where something is set for it.
func (p *Replayer) under(ctx context.Context, o *executor.TxOptions, l Line, s *builder.Statement) error {
	if len(o.Session) == 0 && !o.ReadOnly {
		return run(ctx, p.runner, l, s)
	}
	in := *o
	in.ReadOnly = o.ReadOnly || s.Effect == builder.Read
	return p.runner.InTx(ctx, &in, func(ctx context.Context, tx executor.Runner) error { return run(ctx, tx, l, s) })
}

// OnlySets says whether a line does nothing but set something for its connection. Such a
// line is followed and does not run, unless it is in a transaction.
func OnlySets(l Line) bool {
	if l.SQL == "" || l.Kind == KindPrepare || l.Kind == KindDescribe {
		return false
	}
	_, alone := sqltext.Changes(l.SQL, texts(l.Args))
	return alone
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
		err = p.describing(ctx, nil, list[0].Name, list...)
	}
	out.count(err)
}
