package executor

import (
	"context"
	"io"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Answer is an answer in the making for who puts together the data of several
// Plans, as graphql does. What is appended goes to the writer in large pieces,
// unless it is held back. Not safe for concurrent use; Free it.
type Answer struct{ execution }

// NewAnswer makes an Answer for w. The options hold for each of its Plans.
func NewAnswer(w io.Writer, o ...ExecOption) *Answer {
	a := &Answer{}
	a.out = newOutput(w)
	for _, opt := range o {
		opt.applyExec(&a.opt)
	}
	return a
}

// Free gives the buffer back; a must not be used any more.
func (a *Answer) Free() { a.out.free() }

// Buffer is what has been appended and is not written yet. Who appends to it
// gives it back with SetBuffer.
func (a *Answer) Buffer() []byte { return a.out.buf }

// SetBuffer replaces the text that is not written yet.
func (a *Answer) SetBuffer(b []byte) { a.out.buf = b }

// Text appends s.
func (a *Answer) Text(s string) { a.out.buf = append(a.out.buf, s...) }

// String appends s as a JSON string.
func (a *Answer) String(s string) { a.out.buf = codec.AppendString(a.out.buf, s) }

// Hold keeps everything in memory until the function that it returns is called.
func (a *Answer) Hold() (release func()) {
	held := a.out.hold
	a.out.hold = true
	return func() { a.out.hold = held }
}

// Written says whether a part of the answer has left: it can't be taken back.
func (a *Answer) Written() bool { return a.out.written > 0 }

// Flush writes what is there.
func (a *Answer) Flush() error { return a.out.flush() }

// Final marks err as the end of an answer of which a part has left.
func (a *Answer) Final(err error) error { return a.out.late(err) }

// Info is what the data of a Plan tells beside itself.
type Info struct {
	// Rows is how many rows the outermost level has; of a Plan with Result, how
	// many were affected.
	Rows int64
	// More says that there are further rows beyond Plan.Page.
	More bool
	// First and Last are the cursors of the first and last row, JSON strings, if
	// Plan.Edges asks for them; nil where there is no row.
	First, Last []byte
}

// Data appends the data of p, in the transaction that it needs: a list, an object,
// null, or a value where the rows are bare. On an error what was appended is taken back,
// unless it has left.
func (a *Answer) Data(ctx context.Context, r Runner, p *builder.Plan) (Info, error) {
	return a.data(p, func() error { return a.run(ctx, r, p) })
}

// DataIn is Data inside a transaction of the caller's.
func (a *Answer) DataIn(ctx context.Context, r Runner, p *builder.Plan) (Info, error) {
	return a.data(p, func() error {
		if p.Kind != builder.Query {
			return a.mutate(ctx, r, p)
		}
		return a.query(ctx, r, p)
	})
}

func (a *Answer) data(p *builder.Plan, run func() error) (Info, error) {
	mark, written := len(a.out.buf), a.out.written
	a.info = Info{}
	if err := run(); err != nil {
		if a.out.written == written {
			a.out.buf = a.out.buf[:mark]
		} else {
			err = finalError{err}
		}
		return Info{}, named(p.Catalog(), judged(p, err))
	}
	return a.info, nil
}

// InTx runs fn in one transaction for several Plans; hold keeps the answer back
// until the commit, as every write needs it. fn may run again, see Runner.
func (a *Answer) InTx(ctx context.Context, r Runner, o TxOptions, hold bool, fn func(context.Context, Runner) error) error {
	base := a.txOptions(o.ReadOnly)
	base.Snapshot = o.Snapshot
	if base.Isolation == 0 {
		base.Isolation = o.Isolation
	}
	return a.inTx(ctx, r, base, hold, fn)
}

// NeedsTx says whether even a single read runs in a transaction: because session
// variables are set, or the caller asked for an isolation level.
func (a *Answer) NeedsTx() bool {
	return len(a.opt.session) > 0 || a.opt.isolation != 0 || a.opt.readOnly
}
