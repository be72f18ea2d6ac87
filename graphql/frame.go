package graphql

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// dataFunc is Answer.Data or Answer.DataIn.
type dataFunc func(context.Context, executor.Runner, *builder.Plan) (executor.Info, error)

// run appends the value of p. inTx says that r is a transaction of the caller's.
func (p *boundPlan) run(ctx context.Context, a *executor.Answer, r executor.Runner, inTx bool) error {
	data := a.Data
	if inTx {
		data = a.DataIn
	}
	switch {
	case p.nested != nil: // a mutation runs it in a transaction
		return p.nested.run(ctx, a, r)
	case p.frame == nil && len(p.plans) == 0:
		a.SetBuffer(append(a.Buffer(), p.text...))
		return nil
	case p.frame == nil:
		_, err := data(ctx, r, p.plans[0])
		return err
	case inTx || len(p.plans) == 1:
		return p.framed(ctx, a, r, data)
	}
	// What stands in one object is of one moment.
	mark := len(a.Buffer())
	defer a.Hold()()
	return a.InTx(ctx, r, executor.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, true,
		func(ctx context.Context, r executor.Runner) error {
			a.SetBuffer(a.Buffer()[:mark])
			return p.framed(ctx, a, r, a.DataIn)
		})
}

// span is where the data of a plan stand in the buffer.
type span struct {
	from, to int
	info     executor.Info
}

// framed runs the plans and puts their data into the frame. All is held in memory:
// a frame tells of the rows what is known only behind them.
func (p *boundPlan) framed(ctx context.Context, a *executor.Answer, r executor.Runner, data dataFunc) error {
	defer a.Hold()()
	start := len(a.Buffer())
	spans := make([]span, len(p.plans))
	for i, plan := range p.plans {
		from := len(a.Buffer())
		info, err := data(ctx, r, plan)
		if err != nil {
			a.SetBuffer(a.Buffer()[:start])
			return err
		}
		spans[i] = span{from, len(a.Buffer()), info}
	}
	raw := a.Buffer()
	end := len(raw)
	for i := range p.frame {
		raw = p.frame[i].append(raw, spans, p.plans)
	}
	n := copy(raw[start:], raw[end:])
	a.SetBuffer(raw[:start+n])
	return nil
}

// append appends a piece to dst, in which spans lie.
func (f *piece) append(dst []byte, spans []span, plans []*builder.Plan) []byte {
	dst = append(dst, f.text...)
	if f.what == pieceText {
		return dst
	}
	s := spans[f.plan]
	switch f.what {
	case pieceData:
		return append(dst, dst[s.from:s.to]...)
	case pieceMembers:
		return append(dst, dst[s.from+1:s.to-1]...)
	case pieceFirst:
		return append(dst, orNull(s.info.First)...)
	case pieceLast:
		return append(dst, orNull(s.info.Last)...)
	case pieceMore:
		return strconv.AppendBool(dst, s.info.More)
	case pieceAny:
		return strconv.AppendBool(dst, s.info.Rows > 0)
	case pieceMoreOr:
		return strconv.AppendBool(dst, s.info.More || spans[f.other].info.Rows > 0)
	case pieceAffected:
		return strconv.AppendInt(dst, s.info.Rows, 10)
	case pieceSuccess:
		return strconv.AppendBool(dst, s.info.Rows > 0)
	case pieceMessage:
		return appendQuoted(dst, message(plans[f.plan].Kind, s.info.Rows))
	default:
		return dst
	}
}

func orNull(b []byte) []byte {
	if b == nil {
		return []byte("null")
	}
	return b
}
