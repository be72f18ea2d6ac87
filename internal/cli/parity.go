package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
)

type parityOptions struct {
	file        string
	writes      string
	json        bool
	minCompared float64
}

func newParity(a *app) *cobra.Command {
	var o parityOptions
	cmd := &cobra.Command{
		Use:   "parity -f FILE",
		Short: "Run a corpus of definitions on both backends and compare",
		Long: `Runs each line of a corpus (JSON lines: a definition, or
{"title":…,"definition":…}) on both backends and compares what was observed:
columns, rows, rows affected, errors. Reads share one snapshot. Writes run in a
transaction that is rolled back on both sides, unless --writes says otherwise.

Exit codes: 0 all agree, 1 something differs, 2 wrong usage or corpus, 3 the run
failed, 4 fewer operations were compared than --min-compared asks for.`,
		Example: `  fraiseql parity -f corpus.jsonl
  fraiseql parity -f corpus.jsonl --json > report.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.parity(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "read the corpus from `FILE`; - is standard input")
	f.StringVar(&o.writes, "writes", "rollback", "what to do with mutations: rollback, commit (on the control only), or skip")
	f.BoolVar(&o.json, "json", false, "print a JSON report instead of a table")
	f.Float64Var(&o.minCompared, "min-compared", 1, "exit 4 when a smaller share (0 to 1) of the operations was compared")
	return cmd
}

// parityReport is the JSON of `fraiseql parity --json`.
type parityReport struct {
	Control    string         `json:"control"`
	Candidate  string         `json:"candidate"`
	Operations []parityLine   `json:"operations"`
	Summary    parity.Summary `json:"summary"`
	Passed     bool           `json:"passed"`
}

type parityLine struct {
	Line    int             `json:"line"`
	Title   string          `json:"title"`
	Verdict parity.Verdict  `json:"verdict"`
	Error   string          `json:"error,omitempty"` // code of the operation's error
	Reports []parity.Report `json:"reports"`
}

func (a *app) parity(ctx context.Context, o parityOptions) (err error) {
	corpus, options, err := a.parityInput(o)
	if err != nil {
		return err
	}
	p, err := a.openPair(ctx, a.settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	c := newComparer(p.schema, p.control, p.candidate, options...)
	bar := a.bar("comparing", len(corpus))
	var outcomes []outcome
	for i, e := range corpus {
		outcomes = append(outcomes, c.run(ctx, e, o.writes == "skip"))
		if ctx.Err() != nil {
			bar.end()
			return ctx.Err()
		}
		bar.at(i + 1)
	}
	bar.end()
	if o.json {
		err = a.parityJSON(p, c, outcomes)
	} else {
		err = a.parityTable(p, outcomes)
	}
	if err != nil {
		return err
	}
	return gate(outcomes, o.minCompared)
}

// parityInput checks the command line and reads the corpus.
func (a *app) parityInput(o parityOptions) ([]entry, []parity.Option, error) {
	if o.file == "" {
		return nil, nil, usage("parity needs a corpus: give it with -f")
	}
	if o.minCompared < 0 || o.minCompared > 1 {
		return nil, nil, usage("--min-compared is %g; it takes a share from 0 to 1", o.minCompared)
	}
	var options []parity.Option
	switch o.writes {
	case "rollback":
		options = append(options, parity.WithRollback())
	case "commit", "skip":
	default:
		return nil, nil, usage("--writes is %q; it takes rollback, commit or skip", o.writes)
	}
	in := a.In
	if o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return nil, nil, usage("open the corpus: %w", err)
		}
		defer f.Close() //nolint:errcheck // read-only
		in = f
	}
	corpus, err := readCorpus(in)
	if err != nil {
		return nil, nil, &exit{code: ExitUsage, err: fmt.Errorf("read the corpus: %w", err)}
	}
	return corpus, options, nil
}

func (a *app) parityJSON(p *pairOfBackends, c *comparer, outcomes []outcome) error {
	r := parityReport{
		Control: backend.ModeOf(p.control.Backend()), Candidate: backend.ModeOf(p.candidate.Backend()),
		Operations: make([]parityLine, len(outcomes)), Summary: c.harness.Summary(), Passed: gate(outcomes, 1) == nil,
	}
	for i := range outcomes {
		o := &outcomes[i]
		r.Operations[i] = parityLine{Line: o.Line, Title: o.Title, Verdict: o.verdict(), Reports: o.Reports}
		if o.Err != nil {
			r.Operations[i].Error = backend.CodeOf(o.Err).String()
		}
	}
	enc := json.NewEncoder(a.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (a *app) parityTable(p *pairOfBackends, outcomes []outcome) error {
	fmt.Fprintf(a.Out, "control %s, candidate %s\n\n", backend.ModeOf(p.control.Backend()), backend.ModeOf(p.candidate.Backend()))
	rows := make([][]string, len(outcomes))
	for i := range outcomes {
		o := &outcomes[i]
		note, n := "-", int64(0)
		for _, r := range o.Reports {
			n += r.Control.Rows
			if r.Reason != "" {
				note = r.Reason
			}
		}
		if t := ruleText(o); t != "-" {
			note = t
		}
		if o.Err != nil && !o.Refused {
			note = "both: " + backend.CodeOf(o.Err).String()
			if o.verdict() == parity.Mismatch {
				note = "differs"
			}
		}
		rows[i] = []string{strconv.Itoa(o.Line), shorten(o.Title, 60), o.verdict().String(), strconv.FormatInt(n, 10), note}
	}
	if err := table(a.Out, []string{"line", "operation", "verdict", "rows", "note"}, rows); err != nil {
		return err
	}
	for i := range outcomes {
		for _, r := range outcomes[i].Reports {
			for _, d := range r.Diffs {
				fmt.Fprintf(a.Out, "\nline %d, %s: %s\n", outcomes[i].Line, outcomes[i].Title, d)
			}
		}
		if outcomes[i].Refused {
			fmt.Fprintf(a.Out, "\nline %d, %s: %v\n", outcomes[i].Line, outcomes[i].Title, outcomes[i].Err)
		}
	}
	fmt.Fprintln(a.Out)
	for _, v := range parity.Verdicts() {
		count := 0
		for i := range outcomes {
			if outcomes[i].verdict() == v {
				count++
			}
		}
		fmt.Fprintf(a.Out, "%6d %s\n", count, v)
	}
	return nil
}
