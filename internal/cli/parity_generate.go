package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/generate"
	"github.com/fraiseql/fraiseql-go/parity/report"
)

// generateOptions are those of `fraiseql parity generate`.
type generateOptions struct {
	runOptions
	count     int
	seed      uint64
	mutations float64
	oracles   float64
	out       string
}

// sampledRows is how many rows of a table are read for values to compare with.
const sampledRows = 20

func newParityGenerate(a *app) *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make operations up from the database's tables, run them on both backends and compare",
		Long: `Makes operations up: definitions over the tables that the role may use, with the
operators that each column takes, and values from the rows and from the edges of
each type. They run and are compared as a corpus is. A share of them is also held against
two oracles, which find what both backends get wrong.

The same seed, tables and rows make the same operations; the seed is in the report.
--out keeps them as a corpus and runs nothing; it has values of rows in it.`,
		Example: `  fraiseql parity generate --count 10000
  fraiseql parity generate --count 200 --seed 7 --out corpus.jsonl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				o.seed = rand.Uint64N(1_000_000_000) //nolint:gosec // to be told and typed, not a secret
			}
			return a.parityGenerate(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.count, "count", 1000, "make `N` operations")
	f.Uint64Var(&o.seed, "seed", 0, "the `NUMBER` that decides on all of them (default: another one each time)")
	f.Float64Var(&o.mutations, "mutations", 0.2, "the `SHARE` (0 to 1) of operations that write")
	f.Float64Var(&o.oracles, "oracles", 0.1, "hold this `SHARE` (0 to 1) of the queries against the oracles")
	f.StringVar(&o.out, "out", "", "write the operations to `FILE` as a corpus (- is standard output), and run nothing")
	o.register(f)
	return cmd
}

func (a *app) parityGenerate(ctx context.Context, o generateOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.count < 1 {
		return usage("--count is %d; it takes a number from 1", o.count)
	}
	if err := errors.Join(within("mutations", o.mutations, 1, "share"), within("oracles", o.oracles, 1, "share")); err != nil {
		return err
	}
	if o.out != "" {
		err := o.only("with --out, which runs nothing", "control", "candidate", "writes", "timeout", "min-compared", "min-coverage", "ignores", "third-voice",
			"reproduce", "reveal", "json", "junit", "html", "oracles")
		if err != nil {
			return err
		}
	}
	p, err := a.openParity(ctx, &o.runOptions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close(ctx)) }()
	values, err := generate.Sample(ctx, p.control.Pool(), p.catalog, sampledRows)
	if err != nil {
		return err
	}
	g := generate.New(p.schema, values, generate.Options{Writes: o.mutations})
	if g.Tables() == 0 {
		return usage("there are no tables to make operations for")
	}
	at := func(i int) entry {
		seed := o.seed + uint64(i)
		return entry{Title: fmt.Sprintf("seed %d", seed), Definition: g.Example(seed), Line: i + 1}
	}
	if o.out != "" {
		return a.writeCorpus(ctx, o, at)
	}
	fmt.Fprintf(a.Err, "seed %d\n", o.seed)
	r := a.newParityRun(p, &o.runOptions, fmt.Sprintf("%d operations made up with seed %d", o.count, o.seed), o.count, at)
	r.seed = o.seed
	r.again = func(e entry) string {
		return fmt.Sprintf("fraiseql parity generate --seed %d --count 1 --mutations %g --control %s --candidate %s", o.seed+uint64(e.Line)-1, o.mutations, r.progress.Control, r.progress.Candidate)
	}
	if o.oracles > 0 {
		r.oracles = &report.Oracles{}
		defer func() {
			fmt.Fprintf(a.Err, "%d checks by oracles; %d times one had nothing to say\n", r.oracles.Checks, r.oracles.NotAsked)
		}()
		chance := rand.New(rand.NewPCG(o.seed, 1)) //nolint:gosec // a sample that is the same for the same seed
		r.oracle = func(ctx context.Context, e entry) []parity.Report {
			if chance.Float64() >= o.oracles {
				return nil
			}
			return r.ask(ctx, e)
		}
	}
	return r.run(ctx)
}

// writeCorpus writes the operations, one a line.
func (a *app) writeCorpus(ctx context.Context, o generateOptions, at func(int) entry) (err error) {
	out := a.Out
	if o.out != "-" {
		f, err := os.OpenFile(o.out, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // it has values of rows
		if err != nil {
			return usage("write the corpus: %w", err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	w := bufio.NewWriter(out)
	for i := range o.count {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := at(i)
		line, err := json.Marshal(map[string]any{"title": e.Title, "definition": e.Definition})
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return w.Flush()
}

// ask holds e against the oracles on each side. What an oracle finds is wrong on the
// side that it asked, whatever the other one says; what it can't ask says nothing, and is
// counted as that. One of them writes, in what is rolled back: not where writes must not run.
func (r *parityRun) ask(ctx context.Context, e entry) (findings []parity.Report) {
	type oracle struct {
		name  string
		check func(context.Context, json.RawMessage) error
	}
	for _, side := range []struct {
		oracle generate.Oracle
		voice  parity.Voice
	}{
		{generate.Oracle{DB: r.pair.control, Schema: r.pair.schema}, parity.VoiceControl},
		{generate.Oracle{DB: r.pair.candidate, Schema: r.pair.schema}, parity.VoiceCandidate},
	} {
		list := []oracle{{"partition", side.oracle.Partition}}
		if r.o.writes != "skip" && r.o.writes != "describe" {
			list = append(list, oracle{"predicate", func(ctx context.Context, d json.RawMessage) error {
				r.writing.Lock() // two that touch the same rows would wait for each other
				defer r.writing.Unlock()
				return side.oracle.Predicate(ctx, d)
			}})
		}
		for _, o := range list {
			err := o.check(ctx, e.Definition)
			finding, found := errors.AsType[*generate.FindingError](err)
			if err != nil && !found {
				r.oracles.NotAsked++ // an error of the operation was compared already
				continue
			}
			r.oracles.Checks++
			if found {
				findings = append(findings, parity.Report{
					Operation: "oracle " + o.name, Verdict: parity.Mismatch, Wrong: side.voice, Reason: finding.Error(),
					Control: parity.Side{Backend: backend.ModeOf(r.pair.control.Backend())}, Candidate: parity.Side{Backend: backend.ModeOf(r.pair.candidate.Backend())},
					Diffs: []parity.Diff{{Kind: "oracle", Statement: "oracle " + o.name}},
				})
			}
		}
	}
	return findings
}
