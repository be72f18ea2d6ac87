package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
)

// maxInput bounds a file of definitions, in bytes.
const maxInput = 256 << 20

type execOptions struct {
	file    string
	both    bool
	explain bool
}

func newExec(a *app) *cobra.Command {
	var o execOptions
	cmd := &cobra.Command{
		Use:   "exec [-f FILE|-] [DEFINITION]",
		Short: "Run JSON definitions and print one answer per line",
		Long: `Runs one definition, a list of definitions, {"transaction":[…]}, or one of these
per line, and prints one JSON answer per line. Without -f and DEFINITION it reads
standard input.`,
		Example: `  fraiseql exec '{"operation":"query","table":"users","pagination":{"limit":3}}'
  fraiseql exec -f queries.jsonl --both
  echo '{"operation":"query","table":"users"}' | fraiseql exec --explain`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.exec(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "read definitions from `FILE`; - is standard input")
	f.BoolVar(&o.both, "both", false, "run on both backends and compare; exit 4 when they differ")
	f.BoolVar(&o.explain, "explain", false, "print SQL, arguments and the server's plan instead of running")
	return cmd
}

func (a *app) exec(ctx context.Context, o execOptions, args []string) (err error) {
	if o.both && o.explain {
		return usage("--both and --explain can't be used together")
	}
	input, err := a.input(o.file, args)
	if err != nil {
		return err
	}
	requests, err := split(input)
	if err != nil {
		return err
	}
	p, err := a.openPair(ctx, a.settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if o.explain {
		return a.explain(ctx, p, requests)
	}
	var runner executor.Runner = p.control
	harness := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(a.reportDifference)))
	if o.both {
		runner = parity.NewRunner(harness, p.control, p.candidate)
	}
	failed := 0
	for _, r := range requests {
		if err := a.answer(ctx, runner, p.schema, r); err != nil {
			if ctx.Err() != nil {
				return err
			}
			failed++
		}
	}
	if o.both {
		a.summary(harness.Summary())
		if harness.Summary().Verdicts[parity.Mismatch] > 0 {
			return &exit{code: ExitMismatch, err: errors.New("the backends differ")}
		}
	}
	if failed > 0 {
		return &exit{code: ExitFailed, err: fmt.Errorf("%d of %d requests were answered with an error", failed, len(requests))}
	}
	return nil
}

// answer runs one request and prints its answer on one line. What was written
// before a late error stays cut: no reader can take it for whole.
func (a *app) answer(ctx context.Context, r executor.Runner, schema *builder.Schema, raw []byte) error {
	request, err := schema.Parse(raw)
	if err == nil {
		err = executor.ExecuteRequest(ctx, r, schema, request, oneLine{a.Out})
	}
	if err != nil {
		if !executor.Partial(err) {
			fmt.Fprintf(a.Out, "%s", executor.AppendError(nil, err))
		}
		a.logError(err)
	}
	fmt.Fprintln(a.Out)
	return err
}

// logError shows the operator what the answer keeps from a client.
func (a *app) logError(err error) { fmt.Fprintf(a.Err, "fraiseql: %v\n", err) }

// reportDifference prints where the backends differ.
func (a *app) reportDifference(_ context.Context, r parity.Report) {
	if r.Verdict.Pass() {
		return
	}
	fmt.Fprintf(a.Err, "%s: %s %s\n", r.Operation, r.Verdict, r.Reason)
	for _, d := range r.Diffs {
		fmt.Fprintln(a.Err, d)
	}
}

func (a *app) summary(s parity.Summary) {
	fmt.Fprintf(a.Err, "%d operations compared:", s.Operations)
	for _, v := range parity.Verdicts() {
		if n := s.Verdicts[v]; n > 0 {
			fmt.Fprintf(a.Err, " %d %s", n, v)
		}
	}
	fmt.Fprintln(a.Err)
}

// input is what the command line names: an argument, a file, or standard input.
func (a *app) input(file string, args []string) ([]byte, error) {
	switch {
	case len(args) > 0 && file != "":
		return nil, usage("give a definition as an argument or with -f, not both")
	case len(args) > 0:
		return []byte(args[0]), nil
	case file != "" && file != "-":
		f, err := os.Open(file)
		if err != nil {
			return nil, usage("open the definitions: %w", err)
		}
		defer f.Close() //nolint:errcheck // read-only
		return readAll(f)
	}
	return readAll(a.In)
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, usage("read the definitions: %w", err)
	}
	if len(data) > maxInput {
		return nil, usage("the definitions are larger than %d bytes", maxInput)
	}
	return data, nil
}

// split cuts the input into requests: one JSON value each. What is no JSON at
// all is left to the parser of definitions, which says where it goes wrong.
func split(input []byte) ([][]byte, error) {
	input = bytes.TrimSpace(input)
	if len(input) == 0 {
		return nil, &exit{code: ExitUsage, err: errors.New("there is no definition in the input"), hint: `try fraiseql exec '{"operation":"query","table":"users"}'`}
	}
	var list [][]byte
	dec := json.NewDecoder(bytes.NewReader(input))
	for {
		start := dec.InputOffset()
		var raw json.RawMessage
		err := dec.Decode(&raw)
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil && len(list) > 0: // refused as a whole: nothing has run yet
			return nil, usage("request %d of the input is not JSON: %w", len(list)+1, err)
		case err != nil:
			return [][]byte{bytes.TrimSpace(input[start:])}, nil //nolint:nilerr // the parser of definitions says it better
		}
		list = append(list, raw)
	}
}

// explain prints what would be run, and the server's plan of it.
func (a *app) explain(ctx context.Context, p *pairOfBackends, requests [][]byte) error {
	for _, raw := range requests {
		request, err := p.schema.Parse(raw)
		if err != nil {
			return err
		}
		for _, def := range request.Definitions {
			plan, err := builder.Build(p.schema, &def)
			if err != nil {
				return err
			}
			for i, s := range plan.Statements() {
				fmt.Fprintf(a.Out, "%s\n", a.paint(bold, s.Name))
				fmt.Fprintf(a.Out, "%s;\n", s.SQL)
				if len(s.Args) > 0 {
					fmt.Fprintf(a.Out, "-- %s\n", argsText(s.Args))
				}
				if i > 0 {
					fmt.Fprint(a.Out, "-- runs once for all parents, with their keys as the first arguments\n\n")
					continue
				}
				if err := a.explainStatement(ctx, p.control, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// explainStatement prints EXPLAIN's lines; EXPLAIN does not run the statement.
func (a *app) explainStatement(ctx context.Context, r executor.Runner, s *builder.Statement) error {
	rows, err := r.Query(ctx, &builder.Statement{Name: "explain " + s.Name, SQL: "explain (verbose, costs) " + s.SQL, Args: s.Args, Effect: builder.Read})
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // its error is Err's, which is read
	for rows.Next() {
		fmt.Fprintf(a.Out, "--   %s\n", rows.Values()[0])
	}
	fmt.Fprintln(a.Out)
	return rows.Err()
}

// oneLine keeps an answer on its line. A json column (not jsonb) is written as it
// was stored, line breaks between its tokens too; JSON has none within a string.
type oneLine struct{ w io.Writer }

func (l oneLine) Write(b []byte) (int, error) {
	if bytes.ContainsAny(b, "\n\r") {
		b = bytes.Clone(b) // a Writer leaves its argument alone
		for i, c := range b {
			if c == '\n' || c == '\r' {
				b[i] = ' '
			}
		}
	}
	return l.w.Write(b)
}
