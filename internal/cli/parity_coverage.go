package cli

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/parity/report"
)

func newParityCoverage(a *app) *cobra.Command {
	minCoverage, full := 0.0, false
	cmd := &cobra.Command{
		Use:   "coverage FILE",
		Short: "Show what of a report's database was compared, and what never was",
		Long: `Reads the JSON of a report (that of --json; - is standard input) and prints how often
each use of each column was compared and the sides agreed, what was never compared, what
differed each time, and what was run and gave no agreement. Nothing is connected to.
Exit 16 when less was compared than --min-coverage asks for.`,
		Example: `  fraiseql parity coverage report.json --min-coverage 95
  fraiseql parity coverage report.json --full`,
		Args: oneFile("a report: the JSON that `fraiseql parity run --json` wrote"),
		RunE: func(_ *cobra.Command, args []string) error { return a.parityCoverage(args[0], minCoverage, full) },
	}
	cmd.Flags().Float64Var(&minCoverage, "min-coverage", 0, "exit with 16 below this `PERCENT` (0 to 100)")
	cmd.Flags().BoolVar(&full, "full", false, "print every map: types, operators and modes too")
	return cmd
}

// readReport reads the JSON of a report.
func (a *app) readReport(file string) (*report.Document, error) {
	in := a.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usage("open the report: %w", err)
		}
		defer f.Close() //nolint:errcheck // read-only
		in = f
	}
	d, err := report.Read(io.LimitReader(in, maxInput))
	if err != nil {
		return nil, usage("read the report: %w", err)
	}
	return d, nil
}

func (a *app) parityCoverage(file string, minCoverage float64, full bool) error {
	if err := within("min-coverage", minCoverage, 100, "percentage"); err != nil {
		return err
	}
	d, err := a.readReport(file)
	if err != nil {
		return err
	}
	c := d.Coverage
	if c == nil {
		return usage("%s has no coverage", file)
	}
	maps := c.Maps
	if !full && len(maps) > 1 {
		maps = maps[:1]
	}
	for _, m := range maps {
		rows := make([][]string, len(m.Rows))
		for i, r := range m.Rows {
			rows[i] = append(rows[i], r.Name)
			for _, n := range r.Cells {
				text := "" // there is nothing to compare
				if n == 0 {
					text = "-"
				} else if n > 0 {
					text = strconv.FormatInt(n, 10)
				}
				rows[i] = append(rows[i], text)
			}
		}
		fmt.Fprintf(a.Out, "%s\n\n", a.paint(bold, m.Title))
		if err := table(a.Out, append([]string{""}, m.Columns...), rows); err != nil {
			return err
		}
		fmt.Fprintln(a.Out)
	}
	for _, g := range c.Gaps() {
		for _, n := range g.Names {
			fmt.Fprintf(a.Out, "%s: %s\n", g.Words, report.OneLine(n))
		}
		if g.More > 0 {
			fmt.Fprintf(a.Out, "%s: %d more\n", g.Words, g.More)
		}
	}
	fmt.Fprintf(a.Out, "\n%.1f %%: %d of %d uses of columns were compared, and the sides agreed\n", c.Percent, c.Compared, c.Total)
	if c.Percent < minCoverage {
		return &exit{code: ExitCoverage, err: tooLittle(c, minCoverage)}
	}
	return nil
}

// tooLittle tells counts, too: rounded, 94.96 % would be the 95 % that were asked for.
func tooLittle(c *report.Coverage, minCoverage float64) error {
	return fmt.Errorf("coverage is %.1f %% (%d of %d uses of columns), and --min-coverage asks for %g %%", math.Floor(c.Percent*10)/10, c.Compared, c.Total, minCoverage)
}
