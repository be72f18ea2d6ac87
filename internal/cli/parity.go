package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fraiseql/fraiseql-go/parity/report"
)

// newParity is the group of commands around comparisons.
func newParity(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "parity",
		Short: "Run operations on both backends and compare: run, generate, replay, import, report, coverage",
		Long: `Runs operations on two backends, the control and the candidate, and compares what
was observed. Start with: fraiseql parity run corpus.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newParityRun(a), newParityGenerate(a), newParityReplay(a), newParityImport(a), newParityReport(a), newParityCoverage(a), newShadowStatus(a))
	cmd.SuggestionsMinimumDistance = 2
	unknownCommand(cmd)
	return cmd
}

// outputs are where a report goes besides the table.
type outputs struct {
	json, junit, html string
}

func (o *outputs) register(f *pflag.FlagSet) {
	f.StringVar(&o.json, "json", "", "write the report as JSON to `FILE`; - is standard output, in place of the table")
	f.StringVar(&o.junit, "junit", "", "write the report as JUnit XML to `FILE`; - is standard output, in place of the table")
	f.StringVar(&o.html, "html", "", "write the report as one HTML page to `FILE`; - is standard output, in place of the table")
}

// output is one form of a report and where it goes.
type output struct {
	flag, name string
	write      func(*report.Document, io.Writer) error
}

func (o *outputs) files() []output {
	return []output{{"json", o.json, (*report.Document).JSON}, {"junit", o.junit, (*report.Document).JUnit}, {"html", o.html, (*report.Document).HTML}}
}

// runOptions are those of everything that compares.
type runOptions struct {
	outputs
	control, candidate string
	writes             string
	timeout            time.Duration
	resume             string
	minCompared        float64
	minCoverage        float64
	ignores            string
	thirdVoice         float64
	reveal             []string
	allocations        bool
	reproduce          string
	line               int
	parallel           int
	given              func(flag string) bool // on the command line
}

func (o *runOptions) register(f *pflag.FlagSet) {
	o.given = f.Changed
	f.StringVar(&o.control, "control", "", "the `BACKEND` that is trusted, or its mode: pq, pgx/exec, … (default: that of --backend)")
	f.StringVar(&o.candidate, "candidate", "", "the `BACKEND` that is compared with it, or its mode (default: the other one)")
	f.StringVar(&o.writes, "writes", "rollback", "what to do with mutations: "+strings.Join(writesForms, ", "))
	f.DurationVar(&o.timeout, "timeout", 0, "end after this `TIME` (90s, 10m; 0 is no limit), report what was compared, and exit with 8")
	f.IntVar(&o.parallel, "parallel", 0, "run `N` operations at a time, mutations one at a time, and all so with --writes commit or clones (default: one more than there are processors, at most 5)")
	f.Float64Var(&o.minCompared, "min-compared", 1, "exit with 16 when a smaller `SHARE` (0 to 1) of the operations was compared")
	f.Float64Var(&o.minCoverage, "min-coverage", 0, "exit with 16 when less than this `PERCENT` (0 to 100) of the uses of columns was compared")
	f.StringVar(&o.ignores, "ignores", "", "accept the differences that `FILE` names, each with owner, reason and last day")
	f.Float64Var(&o.thirdVoice, "third-voice", 0.1, "ask the server's own to_json about this `SHARE` (0 to 1) of the reads that agree, for what both sides get wrong")
	f.StringVar(&o.reproduce, "reproduce", "", "write the smallest case of each difference to `DIR`, as SQL and as a Go test, with made-up values; needs the right to create a database, into which rows are copied while it is sought")
	f.StringSliceVar(&o.reveal, "reveal", nil, "show the values of these `COLUMNS` in reports: email, users.email, users.*; * is everything")
	o.outputs.register(f)
}

// writesForms are the values of --writes.
var writesForms = []string{"rollback", "commit (on the control only)", "skip", "describe (on both; nothing of them runs)", "clones (commit on two copies of the database, and compare those afterwards)"}

// oneFile takes exactly one argument.
func oneFile(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return &exit{code: ExitUsage, err: fmt.Errorf("%s needs %s", cmd.CommandPath(), what), hint: "`" + cmd.CommandPath() + " --help` shows how it is used"}
		case 1:
			return nil
		}
		return usage("%s takes one file, got %q too", cmd.CommandPath(), args[1])
	}
}

func newParityRun(a *app) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a corpus of definitions on both backends and compare",
		Long: `Runs each line of a corpus (JSON lines: a definition, or
{"title":…,"definition":…}; - is standard input) on both backends and compares what
was observed: columns, rows, rows affected, errors. Reads share one snapshot. Writes
run in a transaction that is rolled back on both sides, unless --writes says
otherwise.

The report has no value of a row: of a value that differs it shows type, length,
classes of characters and a hash. --reveal names columns that may be shown.`,
		Example: `  fraiseql parity run corpus.jsonl
  fraiseql parity run corpus.jsonl --control pq --candidate pgx/exec --html report.html
  fraiseql parity run corpus.jsonl --reproduce reproduce
  fraiseql parity run corpus.jsonl --timeout 10m --resume state.json --junit report.xml`,
		Args: oneFile("a corpus: a file of definitions, or -"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.parityRun(cmd.Context(), o, args[0]) },
	}
	f := cmd.Flags()
	o.register(f)
	f.StringVar(&o.resume, "resume", "", "keep the state of the run in `FILE`, and go on from it after an interruption")
	f.BoolVar(&o.allocations, "allocations", false, "measure what each class of reads allocates, by runs of one side alone at the end")
	f.IntVar(&o.line, "line", 0, "run line `N` of the corpus only")
	return cmd
}

// bits joins exit codes, which are bits: see exitCodesHelp.
func bits(errs ...*exit) error {
	var all []error
	joined := &exit{}
	for _, e := range errs {
		joined.code |= e.code
		if joined.hint == "" {
			joined.hint = e.hint
		}
		all = append(all, e.err)
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		joined.err = all[0]
	default:
		var parts []string
		for _, e := range all {
			parts = append(parts, e.Error())
		}
		joined.err = errors.New(strings.Join(parts, "; "))
	}
	return joined
}
