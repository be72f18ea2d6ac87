package reproduce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// Operation is what differs: a definition, or what a program has sent, as a corpus has
// it. One of them is nil.
type Operation struct {
	Definition json.RawMessage
	// Lines are one statement, or those of one transaction from its begin to its end.
	Lines []corpus.Line
}

// encode is the operation for others.
func (o operation) encode() (Operation, error) {
	if o.lines != nil {
		return Operation{Lines: o.lines}, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o.definition); err != nil {
		return Operation{}, err
	}
	return Operation{Definition: bytes.TrimSpace(b.Bytes())}, nil
}

// said is the text of the operation as its values stand in it.
func (o operation) said() (string, error) {
	if o.lines == nil {
		text, err := json.Marshal(o.definition)
		return string(text), err
	}
	var b strings.Builder
	for _, l := range o.lines {
		b.WriteString(l.SQL + "\n")
		for _, a := range l.Args {
			if v, err := a.Value(); err == nil {
				fmt.Fprintln(&b, v)
			}
		}
	}
	return b.String(), nil
}

// Corpus are the lines as a corpus has them.
func (o Operation) Corpus() (string, error) {
	var b bytes.Buffer
	w := corpus.NewWriter(&b)
	for _, l := range o.Lines {
		if err := w.Write(l); err != nil {
			return "", err
		}
	}
	err := w.Flush()
	return b.String(), err
}

// Run runs one operation in a database on both backends, writes rolled back, and gives
// the reports of the comparison.
func Run(ctx context.Context, cfg backend.Config, s Sides, op Operation) (reports []parity.Report, err error) {
	p, err := openPair(ctx, cfg, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	return p.run(ctx, op)
}

// pair are both sides in one database.
type pair struct {
	control, candidate *executor.DB
	sides              Sides

	mu      sync.Mutex
	reports []parity.Report
}

func openPair(ctx context.Context, cfg backend.Config, s Sides) (p *pair, err error) {
	p = &pair{sides: s}
	if p.control, err = executor.Open(ctx, s.Control, cfg, executor.WithMinIdle(0), executor.WithMaxConns(2)); err != nil {
		return nil, err
	}
	if p.candidate, err = executor.Open(ctx, s.Candidate, cfg, executor.WithMinIdle(0), executor.WithMaxConns(2)); err != nil {
		return nil, errors.Join(err, p.control.Close())
	}
	return p, nil
}

func (p *pair) close() error { return errors.Join(p.control.Close(), p.candidate.Close()) }

// run gives the reports of op, or why there is none.
func (p *pair) run(ctx context.Context, op Operation) ([]parity.Report, error) {
	p.reports = nil
	voice := 0.0
	if p.sides.ThirdVoice {
		voice = 1
	}
	h := parity.NewHarness(parity.WithRollback(), parity.WithThirdVoice(voice), parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reports = append(p.reports, r)
	})))
	r := parity.NewRunner(h, p.control, p.candidate)
	var err error
	if op.Lines != nil {
		err = p.replay(ctx, h, r, op)
	} else {
		err = p.define(ctx, r, op.Definition)
	}
	if len(p.reports) > 0 {
		return p.reports, nil // what became of the operation is in the reports
	}
	return nil, err
}

func (p *pair) define(ctx context.Context, r *parity.Runner, definition []byte) error {
	cat, err := catalog.Load(ctx, p.control.Pool())
	if err != nil {
		return err
	}
	schema, err := builder.NewSchema(cat, p.sides.Schema)
	if err != nil {
		return err
	}
	made, err := plan(schema, definition)
	if err != nil {
		return err
	}
	return executor.ExecutePlan(ctx, r, made, io.Discard)
}

func (p *pair) replay(ctx context.Context, h *parity.Harness, r *parity.Runner, op Operation) error {
	text, err := op.Corpus()
	if err != nil {
		return err
	}
	describe := corpus.WithDescribe(func(ctx context.Context, l corpus.Line) error {
		return corpus.Describe(ctx, h, p.control.Pool(), p.candidate.Pool(), l)
	})
	done, err := corpus.NewReplayer(r, describe).Replay(ctx, corpus.NewReader(bytes.NewReader([]byte(text))))
	if err != nil {
		return err
	}
	return fmt.Errorf("nothing of it could be run: %v", done.Unusable)
}
