package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
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
	force
}

// force is what is in force when a line runs.
type force struct {
	vars map[string]string
	why  string // it can't be
}

// Replay reads in to its end. A transaction runs where its end stands, as one
// transaction, and is rolled back where it was. What a connection has set is in force
// for what it sends then (see Sessions). Its error is in's, or the context's.
func (p *Replayer) Replay(ctx context.Context, in *Reader) (Replayed, error) {
	out := Replayed{Unusable: make(map[string]int64), Lost: make(map[string]int64)}
	pending := make(map[string]*open)
	waiting := 0
	var sessions Sessions
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
		var in force
		in.vars, in.why = sessions.Follow(l)
		key := fmt.Sprintf("%s/%d", l.Conn, l.Tx)
		switch {
		case l.Kind == KindBegin && l.Tx != 0:
			pending[key] = &open{[]Line{l}, in}
			waiting++
		case l.Tx == 0 || pending[key] == nil:
			p.one(ctx, l, in, &out)
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
	}
	return out, ctx.Err()
}

// one runs a line outside a transaction.
func (p *Replayer) one(ctx context.Context, l Line, in force, out *Replayed) {
	if l.Definition != nil {
		p.definition(ctx, l, out)
		return
	}
	if OnlySets(l) {
		out.Followed++
		return
	}
	if in.why != "" {
		out.Unusable[in.why]++
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
	if parts, why := several(l); why != "" {
		out.Unusable[why]++
		return
	} else if len(parts) > 1 {
		// The server makes one transaction of them.
		begin := Line{Kind: KindBegin, SQL: "begin"}
		if !slices.ContainsFunc(parts, func(part Line) bool { return sqltext.Parse(part.SQL).Kind != sqltext.Read }) {
			begin.SQL = "begin read only"
		}
		p.transaction(ctx, &open{slices.Concat([]Line{begin}, parts, []Line{{Kind: KindCommit}}), in}, out)
		return
	}
	s, why := p.statement(l)
	if why != "" {
		out.Unusable[why]++
		return
	}
	out.Ran++
	o := &executor.TxOptions{Session: in.vars}
	if s.Effect != builder.Read && p.describing != nil {
		out.count(p.describing(ctx, o, s.Name, s))
		return
	}
	err := p.under(ctx, o, l, s)
	if backend.SQLStateOf(err) == "25006" && s.Effect == builder.Read && !p.skipWrites {
		// A function that writes: its text does not show it.
		s.Effect = builder.Write
		if p.describing != nil {
			err = p.describing(ctx, o, s.Name, s)
		} else {
			err = p.under(ctx, o, l, s)
		}
	}
	out.count(err)
}

// under runs a statement by itself, in a transaction where something is set for it.
func (p *Replayer) under(ctx context.Context, o *executor.TxOptions, l Line, s *builder.Statement) error {
	if len(o.Session) == 0 {
		return run(ctx, p.runner, l, s)
	}
	o.ReadOnly = s.Effect == builder.Read
	return p.runner.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error { return run(ctx, tx, l, s) })
}

// several are the statements of a line that has more than one, each as a line; a line
// that has one is alone. why, where it is not "", says that they can't run one by one.
func several(l Line) (parts []Line, why string) {
	texts := sqltext.Split(l.SQL)
	if len(texts) < 2 || len(l.Args) > 0 || l.Kind == KindPrepare || l.Kind == KindDescribe { // no driver takes several with arguments
		return []Line{l}, ""
	}
	for _, text := range texts {
		t := sqltext.Parse(text)
		switch {
		case t.Kind == sqltext.Transaction && t.Tx != sqltext.Savepoint && t.Tx != sqltext.None:
			return nil, "several statements in one that have a transaction of their own"
		case t.Kind == sqltext.Copy:
			return nil, whyCopy
		}
		part := l
		part.SQL, part.Rows = text, nil
		if l.Outcome != "ok" {
			part.Outcome = "" // of which one it is nobody knows
		}
		parts = append(parts, part)
	}
	return parts, ""
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
	ctx = parity.WithRecorded(ctx, l.Outcome)
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
func (p *Replayer) transaction(ctx context.Context, t *open, out *Replayed) {
	lines := t.lines
	list, of := p.statements(t, out)
	readOnly := sqltext.Parse(lines[0].SQL).OnlyReads
	if p.skipWrites && !readOnly {
		out.Unusable[whySkipped] += int64(len(list))
		return
	}
	if len(list) == 0 {
		return
	}
	o := &executor.TxOptions{ReadOnly: readOnly, Session: t.vars}
	if p.describing != nil && !readOnly {
		out.Ran += int64(len(list))
		for _, s := range list {
			out.count(p.describing(ctx, o, s.Name, s))
		}
		return
	}
	out.Ran += int64(len(list)) + 2
	err := p.runner.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error {
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

// statements are those of a transaction that can run, and the lines that they are of.
// What it sets for itself is among them; what comes after a setting that a replay can't
// have is not.
func (p *Replayer) statements(t *open, out *Replayed) (list []*builder.Statement, of []Line) {
	why, path := t.why, ""
	var lines []Line
	for _, l := range t.lines[1 : len(t.lines)-1] {
		parts, why := several(l)
		if why != "" {
			out.Unusable[why]++
		}
		lines = append(lines, parts...)
	}
	for _, l := range lines {
		if why != "" {
			out.Unusable[why]++
			continue
		}
		changes, alone := sqltext.Changes(l.SQL, texts(l.Args))
		if failed := l.Outcome != "" && l.Outcome != "ok"; alone && !failed {
			out.Followed++
			for _, c := range changes {
				if why = strange(c); why != "" {
					break
				}
				if !idle(c) {
					list, of = append(list, setting(c)), append(of, Line{})
				}
				if c.Name == "search_path" || c.Name == "" {
					path = fmt.Sprintf("/* search_path %d */ ", len(list))
				}
			}
			continue
		}
		s, unusable := p.statement(l)
		if unusable != "" {
			out.Unusable[unusable]++
			continue
		}
		// A statement that was prepared means another one under another path.
		s.SQL = path + s.SQL
		list, of = append(list, s), append(of, l)
		for _, c := range changes {
			why = strange(c)
		}
	}
	return list, of
}

// setting sets something for the rest of a transaction, and no longer: the connection is
// others' too.
func setting(c sqltext.Change) *builder.Statement {
	text, args := "select pg_catalog.set_config($1, $2, true)", []any{c.Name, c.Value}
	switch {
	case c.Name == "":
		text, args = "reset all", nil
	case c.Reset:
		text, args = "set local "+parameterName(c.Name)+" to default", nil
	}
	s, err := builder.Raw("set "+shown(c.Name), builder.Read, text, args...)
	if err != nil { // the text is ours
		return &builder.Statement{Name: "set", SQL: "select 1", Effect: builder.Read}
	}
	s.Ordered = true
	return &s
}

// parameterName quotes the parts of a name.
func parameterName(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = catalog.QuoteIdent(part)
	}
	return strings.Join(parts, ".")
}
