package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// importOptions are those of `fraiseql parity import`.
type importOptions struct {
	format, prefix, database string
	statements               bool
	out                      string
	json                     bool
}

func newParityImport(a *app) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import [FILE]",
		Short: "Make a corpus of PostgreSQL's log, or of pg_stat_statements",
		Long: `Reads a log of PostgreSQL (- is standard input), written with log_statement = all or
log_min_duration_statement = 0 and with lc_messages = C, and writes its statements as
a corpus for parity replay. --statements reads pg_stat_statements of the database
instead: its statements have lost their constants and can be described only.

How many statements could not be used, and why, is printed. The corpus has the values
of the log in it.`,
		Example: `  fraiseql parity import postgresql.log --format stderr --prefix '%m [%p] ' --out corpus.jsonl
  fraiseql parity import postgresql.csv --format csvlog --database shop --out corpus.jsonl --json
  fraiseql parity import --statements --out corpus.jsonl`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.statements {
				return noArgs(cmd, args)
			}
			return oneFile("a log of PostgreSQL, or --statements")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return a.parityImport(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "", "the log's `FORMAT`: stderr, csvlog or jsonlog")
	f.StringVar(&o.prefix, "prefix", "", "the server's `LOG_LINE_PREFIX`, of --format stderr; it needs %p or %c")
	f.StringVar(&o.database, "database", "", "take the statements of the database `NAME` only, where the log tells (%d)")
	f.BoolVar(&o.statements, "statements", false, "read pg_stat_statements of the database, and no log")
	f.StringVar(&o.out, "out", "", "write the corpus to `FILE`; - is standard output, and the counts go to standard error")
	f.BoolVar(&o.json, "json", false, "print the counts as JSON")
	return cmd
}

// check refuses what can't be meant.
func (o *importOptions) check(given func(string) bool) error {
	if o.out == "" {
		return usage("parity import needs --out, the file of the corpus")
	}
	if o.statements {
		for _, name := range []string{"format", "prefix", "database"} {
			if given(name) {
				return usage("--%s is of a log; --statements reads none", name)
			}
		}
		return nil
	}
	switch corpus.Format(o.format) {
	case corpus.FormatStderr:
		if o.prefix == "" {
			return &exit{
				code: ExitUsage, err: errors.New("--format stderr needs --prefix, the server's log_line_prefix"),
				hint: "`show log_line_prefix` tells it",
			}
		}
	case corpus.FormatCSV, corpus.FormatJSON:
		if given("prefix") {
			return usage("--prefix is of --format stderr; %s has none", o.format)
		}
	case "":
		return usage("parity import needs --format, that of the log: %s, %s or %s", corpus.FormatStderr, corpus.FormatCSV, corpus.FormatJSON)
	default:
		return usage("--format is %q; it takes %s, %s or %s", o.format, corpus.FormatStderr, corpus.FormatCSV, corpus.FormatJSON)
	}
	return nil
}

func (a *app) parityImport(ctx context.Context, o importOptions, args []string) error {
	read := func(emit func(corpus.Line) error) (corpus.Imported, error) { return a.importStatements(ctx, emit) }
	if !o.statements {
		in := a.In
		if args[0] != "-" {
			f, err := os.Open(args[0])
			if err != nil {
				return usage("open the log: %w", err)
			}
			defer f.Close() //nolint:errcheck // read-only
			in = f
		}
		read = func(emit func(corpus.Line) error) (corpus.Imported, error) {
			return corpus.ImportLog(in, corpus.Log{Format: corpus.Format(o.format), Prefix: o.prefix, Database: o.database}, emit)
		}
	}
	var got corpus.Imported
	err := a.writeWhole(o.out, func(w io.Writer) (err error) {
		lines := corpus.NewWriter(w)
		got, err = read(func(l corpus.Line) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return lines.Write(l)
		})
		if err != nil {
			if ctx.Err() == nil && !o.statements {
				return usage("%w", err)
			}
			return err
		}
		if got.Lines == 0 {
			return errNoStatement // and leave the file that is there
		}
		return lines.Flush()
	})
	if err != nil && !errors.Is(err, errNoStatement) {
		return err
	}
	return errors.Join(a.tellImported(o, got), err)
}

var errNoStatement = usage("no statement could be used: no corpus was written")

func (a *app) importStatements(ctx context.Context, emit func(corpus.Line) error) (got corpus.Imported, err error) {
	b, err := a.selectedBackend(a.settings)
	if err != nil {
		return got, err
	}
	db, err := a.pool(b, a.settings.DatabaseURL, a.settings)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	got, err = corpus.ImportStatStatements(ctx, db, emit)
	if s := backend.SQLStateOf(err); s == "42P01" || s == "55000" {
		return got, &exit{
			code: ExitFailed, err: err,
			hint: "`create extension pg_stat_statements` in this database; the server needs it in shared_preload_libraries",
		}
	}
	return got, err
}

// writeWhole writes a file for its owner only: whole, or not at all. "-" is standard
// output.
func (a *app) writeWhole(name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(a.Out)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".fraiseql-*")
	if err != nil {
		return usage("write the corpus: %w", err)
	}
	out := bufio.NewWriter(f)
	if err = write(out); err == nil {
		err = out.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		if err = os.Rename(f.Name(), name); err != nil {
			err = usage("write the corpus: %w", err)
		}
	}
	if err != nil {
		if removed := os.Remove(f.Name()); removed != nil {
			err = errors.Join(err, removed)
		}
	}
	return err
}

// tellImported prints what became of the source.
func (a *app) tellImported(o importOptions, got corpus.Imported) error {
	out := a.Out
	if o.out == "-" {
		out = a.Err
	}
	if o.json {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			Lines    int64            `json:"lines"`
			Unusable map[string]int64 `json:"unusable"`
		}{got.Lines, got.Unusable})
	}
	if got.Lines > 0 {
		fmt.Fprintf(out, "%d operations were written to %s\n", got.Lines, o.out)
	}
	if len(got.Unusable) == 0 {
		return nil
	}
	var rows [][]string
	for _, why := range slices.Sorted(maps.Keys(got.Unusable)) {
		rows = append(rows, []string{strconv.FormatInt(got.Unusable[why], 10), why})
	}
	fmt.Fprintln(out)
	return table(out, []string{"could not be used", "why"}, rows)
}
