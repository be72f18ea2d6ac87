package cli

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// demoCorpus is what `fraiseql demo` runs, on the sample data.
//
//go:embed corpus/demo.jsonl
var demoCorpus []byte

// entry is one definition of a corpus.
type entry struct {
	Title      string
	Definition json.RawMessage
	Line       int

	captured []corpus.Line    // statements of an application, in place of the Definition
	under    *corpus.Sessions // what is in force when they run
}

// readCorpus reads the definitions of a corpus. Lines that were captured of a running
// application are for `fraiseql parity replay`.
func readCorpus(r io.Reader) ([]entry, error) {
	var list []entry
	in := corpus.NewReader(r)
	for {
		l, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		case l.Definition == nil:
			return nil, fmt.Errorf("line %d has no definition", l.Number)
		}
		list = append(list, entry{Title: l.Title, Definition: l.Definition, Line: l.Number})
	}
}

// outcome is what became of one entry.
type outcome struct {
	entry
	Plan *builder.Plan

	definition *builder.Definition // nil where it could not be read
	Reports    []parity.Report
	Answer     []byte
	Err        error // of the definition, or of the run
	Refused    bool  // before any SQL
}

// verdict is the worst verdict of the entry's reports.
func (o *outcome) verdict() parity.Verdict {
	worst := parity.NotCompared
	for i, r := range o.Reports {
		if i == 0 || rank(r.Verdict) > rank(worst) {
			worst = r.Verdict
		}
	}
	return worst
}

// rank orders verdicts from the best to the worst.
func rank(v parity.Verdict) int {
	for i, w := range []parity.Verdict{parity.Equal, parity.EqualByRule, parity.NotCompared, parity.Noise, parity.Inconclusive, parity.Mismatch} {
		if v == w {
			return i
		}
	}
	return -1
}

// comparer runs entries on both backends.
type comparer struct {
	schema    *builder.Schema
	harness   *parity.Harness
	runner    *parity.Runner
	control   *executor.DB
	candidate *executor.DB
	reports   []parity.Report // of the entry that runs; one entry runs at a time
	writing   *sync.Mutex     // held while one that may write runs; nil: nothing else runs
}

func newComparer(schema *builder.Schema, control, candidate *executor.DB, options ...parity.Option) *comparer {
	c := &comparer{schema: schema, control: control, candidate: candidate}
	options = append(options, parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		c.reports = append(c.reports, r)
	})))
	c.harness = parity.NewHarness(options...)
	c.runner = parity.NewRunner(c.harness, control, candidate)
	return c
}

// run runs one entry on both backends. writes is that of --writes: mutations are left out
// by "skip" and not run by "describe".
func (c *comparer) run(ctx context.Context, e entry, writes string) outcome {
	if e.captured != nil {
		defer c.exclusive(true)()
		return c.runCaptured(ctx, e, writes)
	}
	o := outcome{entry: e}
	request, err := c.schema.Parse(e.Definition)
	if err == nil && len(request.Definitions) != 1 {
		err = errors.New("a corpus line takes one definition; put each on a line of its own")
	}
	var def *builder.Definition
	if err == nil {
		def = &request.Definitions[0]
		o.definition = def
		o.Plan, err = builder.Build(c.schema, def)
	}
	if err != nil {
		o.Err, o.Refused = err, true
		o.Reports = []parity.Report{{Operation: e.Title, Verdict: parity.NotCompared, Reason: "refused before any SQL"}}
		o.Answer = executor.AppendError(nil, err)
		return o
	}
	if writes == "skip" && def.Kind != builder.Query {
		o.Reports = []parity.Report{{Operation: e.Title, Verdict: parity.NotCompared, Reason: "writes are skipped"}}
		return o
	}
	defer c.exclusive(def.Kind != builder.Query)()
	c.reports = nil
	if writes == "describe" && def.Kind != builder.Query {
		list := o.Plan.Statements()
		o.Err = c.runner.Describe(ctx, list[0].Name, list...)
		o.Reports = c.reports
		return o
	}
	var answer bytes.Buffer
	if err := executor.ExecutePlan(ctx, c.runner, o.Plan, &answer); err != nil {
		o.Err = err
		answer.Reset()
		answer.Write(executor.AppendError(nil, err))
	}
	o.Answer, o.Reports = bytes.TrimRight(answer.Bytes(), "\n"), c.reports
	return o
}

// alone runs a read on one backend only and returns its answer and how long it took.
func alone(ctx context.Context, db *executor.DB, plan *builder.Plan) ([]byte, time.Duration, error) {
	var answer bytes.Buffer
	start := time.Now()
	err := executor.ExecutePlan(ctx, db, plan, &answer)
	return bytes.TrimRight(answer.Bytes(), "\n"), time.Since(start), err
}
