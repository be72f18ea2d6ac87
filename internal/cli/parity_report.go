package cli

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity/report"
)

func newParityReport(a *app) *cobra.Command {
	var o outputs
	cmd := &cobra.Command{
		Use:   "report FILE",
		Short: "Show a report that was kept as JSON, or make JUnit or HTML of it",
		Long: `Reads the JSON of a report (that of --json; - is standard input), prints it as a table
and writes it in other forms. Nothing is connected to. The exit code is that of the
run that made the report.`,
		Example: `  fraiseql parity report report.json
  fraiseql parity report report.json --html report.html --junit report.xml`,
		Args: oneFile("a report: the JSON that `fraiseql parity run --json` wrote"),
		RunE: func(_ *cobra.Command, args []string) error { return a.parityReport(o, args[0]) },
	}
	o.register(cmd.Flags())
	return cmd
}

func (a *app) parityReport(o outputs, file string) error {
	if err := o.check(); err != nil {
		return err
	}
	d, err := a.readReport(file)
	if err != nil {
		return err
	}
	if err := a.writeReport(d, o); err != nil {
		return err
	}
	if d.ExitCode != ExitOK {
		return &exit{code: d.ExitCode, err: fmt.Errorf("the run of this report did not pass: %s", strings.Join(d.Failures, "; "))}
	}
	return nil
}

const (
	maxMeasured  = 200 // classes whose allocations are measured
	measuredRuns = 5
)

// measure counts what one read of each class allocates, on each side alone.
func (r *parityRun) measure(ctx context.Context) {
	how := fmt.Sprintf("median of %d runs of one read of each class, one after another, each side alone", measuredRuns)
	for shape, plan := range r.reads {
		a := report.Allocations{N: measuredRuns}
		var err error
		if a.Control, err = allocation(ctx, r.pair.control, plan); err == nil {
			a.Candidate, err = allocation(ctx, r.pair.candidate, plan)
		}
		if err != nil { // the others, and what was compared, are worth more
			fmt.Fprintf(r.Err, "allocations of %s are not in the report: %v\n", shape, err)
			if ctx.Err() != nil {
				return
			}
			continue
		}
		r.collector.SetAllocations(shape, how, a)
	}
}

// allocation is the median of several runs, after one that fills caches.
func allocation(ctx context.Context, db *executor.DB, plan *builder.Plan) (report.Allocation, error) {
	var objects, bytes []int64
	for i := range measuredRuns + 1 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := executor.ExecutePlan(ctx, db, plan, io.Discard)
		runtime.ReadMemStats(&after)
		if err != nil {
			return report.Allocation{}, err
		}
		if i > 0 {
			objects = append(objects, int64(after.Mallocs-before.Mallocs))
			bytes = append(bytes, int64(after.TotalAlloc-before.TotalAlloc))
		}
	}
	slices.Sort(objects)
	slices.Sort(bytes)
	return report.Allocation{Objects: objects[measuredRuns/2], Bytes: bytes[measuredRuns/2]}, nil
}
