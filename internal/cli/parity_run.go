package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/coverage"
	"github.com/fraiseql/fraiseql-go/parity/report"
	"github.com/fraiseql/fraiseql-go/parity/reproduce"
)

// parityRun is `fraiseql parity run`.
func (a *app) parityRun(ctx context.Context, o runOptions, file string) error {
	if err := o.check(); err != nil {
		return err
	}
	input, err := a.corpusInput(file)
	if err != nil {
		return err
	}
	return a.runCorpus(ctx, o, file, input)
}

// runCorpus runs the lines of input, which came from file.
func (a *app) runCorpus(ctx context.Context, o runOptions, file string, input []byte) (err error) {
	if len(input) > maxInput {
		return usage("the corpus is larger than %d bytes", maxInput)
	}
	corpus, lost, err := readCaptured(input)
	if err != nil {
		return &exit{code: ExitUsage, err: fmt.Errorf("read the corpus: %w", err)}
	}
	if o.line > 0 {
		if corpus, lost = atLine(corpus, o.line), nil; corpus == nil {
			return usage("--line is %d, and no operation begins there in %s", o.line, file)
		}
	}
	if len(corpus) == 0 {
		return usage("the corpus is empty: nothing was compared")
	}
	p, err := a.openParity(ctx, &o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close(ctx)) }()
	sum := sha256.Sum256(input)
	r := a.newParityRun(p, &o, file, len(corpus), func(i int) entry { return corpus[i] })
	r.progress.Source, r.lost = hex.EncodeToString(sum[:]), lost
	if file != "-" {
		r.again = func(e entry) string {
			again := fmt.Sprintf("fraiseql parity run %s --line %d --control %s --candidate %s", shellWord(file), e.Line, r.progress.Control, r.progress.Candidate)
			if o.writes != "rollback" { // which is what it would be
				again += " --writes " + o.writes
			}
			return again
		}
	}
	return r.run(ctx)
}

// newParityRun is a run over total operations.
func (a *app) newParityRun(p *parityPair, o *runOptions, source string, total int, at func(int) entry) *parityRun {
	r := &parityRun{
		app: a, o: o, pair: p, source: source, total: total, at: at, collector: report.NewCollector(report.WithReveal(o.reveal...)),
		progress: progress{Line: o.line, Control: backend.ModeOf(p.control.Backend()), Candidate: backend.ModeOf(p.candidate.Backend()), Writes: o.writes, Started: time.Now()},
	}
	r.coverage = coverage.New(p.schema, r.collector)
	return r
}

// corpusInput reads the corpus whole: its hash is in the report.
func (a *app) corpusInput(file string) ([]byte, error) {
	in := a.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usage("open the corpus: %w", err)
		}
		defer f.Close() //nolint:errcheck // read-only
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, usage("read the corpus: %w", err)
	}
	return data, nil
}

func atLine(corpus []entry, line int) []entry {
	for _, e := range corpus {
		if e.Line == line {
			return []entry{e}
		}
	}
	return nil
}

// parityRun is one run over a corpus.
type parityRun struct {
	*app
	o         *runOptions
	pair      *parityPair
	source    string
	total     int
	at        func(int) entry
	again     func(entry) string // a command that runs one operation again; nil: there is none
	oracle    func(context.Context, entry) []parity.Report
	oracles   *report.Oracles // what was asked; nil: none was to be
	writing   sync.Mutex      // held while one that may write runs
	collector *report.Collector
	coverage  *coverage.Tracker // before the collector
	progress  progress
	seed      uint64
	sides     report.Head              // what the two sides are, as it was before the run: a server may be gone after it
	lost      map[string]int64         // in capture, by reason
	reads     map[string]*builder.Plan // one of each class, for allocations
	suspects  []suspect
	refusals  int
	timedOut  bool
}

// run runs what is left of the corpus, and reports.
func (r *parityRun) run(ctx context.Context) error {
	if err := r.load(); err != nil {
		return err
	}
	if err := r.pair.describe(ctx, &r.sides); err != nil {
		return err
	}
	if r.progress.Next == 0 && r.progress.Resumed == 0 {
		r.tellLost(ctx, r.lost)
	}
	limited, cancel := ctx, func() {}
	if r.o.timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, r.o.timeout)
	}
	defer cancel()
	bar := r.bar("comparing", r.progress.Next, r.total)
	saved := time.Now()
	err := r.each(limited, func(e entry, o *outcome) error {
		r.take(ctx, limited, e, o)
		r.progress.Next++
		bar.at(r.progress.Next)
		if time.Since(saved) <= 2*time.Second {
			return nil
		}
		saved = time.Now()
		return r.save()
	})
	bar.end()
	if err = errors.Join(err, r.save()); err != nil {
		return err
	}
	if ctx.Err() == nil {
		r.timedOut = r.progress.Next < r.total
	}
	return r.finish(ctx)
}

// take gives the reports of one operation to the collector, and asks oracles until limited
// ends.
func (r *parityRun) take(ctx, limited context.Context, e entry, o *outcome) {
	op := report.Operation{Title: e.Title, Line: e.Line}
	if r.again != nil {
		op.Replay = r.again(e)
	}
	if e.captured != nil {
		op.Shape = report.ShapeOfSQL(capturedShape(e.captured))
	}
	if o.definition != nil {
		op.Shape = report.Shape(o.definition)
		if o.Plan != nil && o.Plan.Kind == builder.Query && !o.Refused && r.o.allocations {
			if r.reads == nil {
				r.reads = make(map[string]*builder.Plan)
			}
			if len(r.reads) < maxMeasured {
				r.reads[op.Shape] = o.Plan
			}
		}
	}
	if o.Refused {
		r.refused(e, o.Err)
	}
	for _, one := range o.Reports {
		if sig, ok := reproduce.SignatureOf(one); ok && r.o.reproduce != "" && len(r.suspects) < maxSuspects &&
			!slices.ContainsFunc(r.suspects, func(s suspect) bool { return s.shape == op.Shape }) {
			r.suspects = append(r.suspects, suspect{operation: reproduce.Operation{Definition: e.Definition, Lines: e.captured}, shape: op.Shape, signature: sig})
		}
		r.coverage.Publish(report.WithOperation(ctx, op), one)
	}
	if r.oracle != nil && !o.Refused {
		for _, one := range r.oracle(limited, e) {
			r.collector.Publish(report.WithOperation(ctx, report.Operation{Title: e.Title, Line: e.Line, Replay: op.Replay + " --oracles 1"}), one)
		}
	}
}

// refused says why a line was not run: here and not in the report, since it repeats
// what the line says.
func (r *parityRun) refused(e entry, err error) {
	const most = 20
	if r.refusals++; r.refusals <= most {
		fmt.Fprintf(r.Err, "line %d, %s: refused: %v\n", e.Line, report.OneLine(e.Title), err)
	} else if r.refusals == most+1 {
		fmt.Fprintln(r.Err, "more lines were refused")
	}
}

// finish compares what the writes left behind, measures, and writes the report. One that
// was interrupted is written too: what is there from another run must not be taken for it.
func (r *parityRun) finish(ctx context.Context) error {
	if r.pair.clones != nil {
		r.collector.Publish(report.WithOperation(ctx, report.Operation{Title: "the two databases after the run"}), r.state(ctx))
	}
	r.reproduceAll(ctx)
	if len(r.reads) > 0 && ctx.Err() == nil {
		r.measure(ctx)
	}
	d := r.collector.Document()
	d.Head = report.Head{
		Started: r.progress.Started, Ended: time.Now(), Source: r.source, SourceHash: r.progress.Source, Operations: int64(r.total),
		Writes: r.o.writes, Resumed: r.progress.Resumed, Seed: r.seed,
	}
	d.Coverage, d.Oracles = r.coverage.Coverage(), r.oracles
	for _, i := range r.pair.ignores {
		ignored := report.Ignored{What: i.String(), Owner: i.Owner, Reason: i.Reason}
		for _, c := range d.Rules {
			if c.Name == "ignored: "+i.String() {
				ignored.Used = c.Count
			}
		}
		d.Ignores = append(d.Ignores, ignored)
	}
	d.Head.Server, d.Head.Control, d.Head.Candidate, d.Head.Differing = r.sides.Server, r.sides.Control, r.sides.Candidate, r.sides.Differing
	var failed []*exit
	switch {
	case ctx.Err() != nil:
		failed = append(failed, &exit{code: ExitFailed, err: fmt.Errorf("interrupted after %d of %d operations", r.progress.Next, r.total)})
	case r.timedOut:
		failed = append(failed, &exit{code: ExitTimeout, err: fmt.Errorf("time ran out after %d of %d operations", r.progress.Next, r.total)})
	}
	if len(failed) > 0 && r.o.resume != "" {
		failed[0].hint = "the same command goes on from " + r.o.resume
	}
	err := judge(d, append(failed, gates(d, r.o.minCompared, r.o.minCoverage)...))
	if writeErr := r.writeReport(d, r.o.outputs); writeErr != nil {
		return writeErr
	}
	if !r.timedOut && ctx.Err() == nil {
		if err := r.done(); err != nil { // now that the report is out
			return err
		}
	}
	return err
}

// gates are what a report fails by.
func gates(d *report.Document, minCompared, minCoverage float64) []*exit {
	var failed []*exit
	v := d.Verdicts
	if v.Mismatch > 0 {
		failed = append(failed, &exit{code: ExitMismatch, err: fmt.Errorf("%d of %d operations differ between the backends", v.Mismatch, v.Total())})
	}
	switch {
	case v.Compared() == 0 && v.Total() > 0: // whatever share was asked for
		failed = append(failed, &exit{
			code: ExitCoverage, err: fmt.Errorf("none of %d operations was compared", v.Total()),
			hint: "the report says why not",
		})
	case float64(v.Compared()) < minCompared*float64(v.Total()):
		failed = append(failed, &exit{
			code: ExitCoverage,
			err:  fmt.Errorf("%d of %d operations were compared, less than the share of %g that --min-compared asks for", v.Compared(), v.Total(), minCompared),
			hint: "the report says why the others were not; lower the gate with --min-compared",
		})
	}
	switch {
	case minCoverage == 0:
	case d.Coverage == nil:
		failed = append(failed, &exit{code: ExitCoverage, err: errors.New("the report has no coverage, and --min-coverage asks for it")})
	case d.Coverage.Percent < minCoverage:
		failed = append(failed, &exit{
			code: ExitCoverage, err: tooLittle(d.Coverage, minCoverage),
			hint: "`fraiseql parity coverage` lists what of a report was never compared",
		})
	}
	return failed
}

// judge says in d what it failed by, and gives the error that has its exit code.
func judge(d *report.Document, failed []*exit) error {
	err := bits(failed...)
	for _, f := range failed {
		d.ExitCode |= f.code
		d.Failures = append(d.Failures, f.err.Error())
	}
	d.Passed = err == nil && d.Verdicts.Compared() > 0
	d.Head.Tool = "fraiseql " + buildVersion()
	return err
}

// writeReport writes the files first: whoever reads standard output may leave early.
func (a *app) writeReport(d *report.Document, o outputs) error {
	toOut := func() error {
		return d.Text(a.Out, report.TextOptions{Color: a.color && isTerminal(a.Out), NoFailures: sameFile(a.Out, a.Err)})
	}
	for _, f := range o.files() {
		switch f.name {
		case "":
			continue
		case "-":
			toOut = func() error { return f.write(d, a.Out) }
			continue
		}
		var b bytes.Buffer
		if err := f.write(d, &b); err != nil {
			return err
		}
		if err := os.WriteFile(f.name, b.Bytes(), 0o644); err != nil { //nolint:gosec // a report is for others to read, and holds no values that were not revealed
			return usage("write the report of --%s: %w", f.flag, err)
		}
	}
	return toOut()
}
