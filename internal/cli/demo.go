package cli

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/sample"
	"github.com/fraiseql/fraiseql-go/parity"
)

func newDemo(a *app) *cobra.Command {
	full := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run sample operations on both backends of a throw-away PostgreSQL",
		Long: `Starts a PostgreSQL of its own (or uses DATABASE_URL, in a database that is made
and dropped for it), loads sample data, and runs queries and mutations on lib/pq
and on pgx. For each it shows the definition, the SQL, the answer and the verdict
of the comparison, and at the end a table of all. Nothing is left behind.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), full) },
	}
	cmd.Flags().BoolVar(&full, "full", false, "show whole answers instead of their first 600 characters")
	return cmd
}

// demo is the whole main job on data of its own.
func (a *app) demo(ctx context.Context, full bool) (err error) {
	start := time.Now()
	done := a.step("starting PostgreSQL")
	server, err := pgembed.Provide(ctx, a.getenv, pgembed.WithProgress(a.Err))
	if err != nil {
		done("not started")
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	done(fmt.Sprintf("ready in %.1f s (%s)", time.Since(start).Seconds(), where(server)))

	database, drop, err := a.scratch(ctx, server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()

	s := *a.settings
	s.DatabaseURL = database
	p, err := a.openPair(ctx, &s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()

	corpus, err := readCorpus(bytes.NewReader(demoCorpus))
	if err != nil {
		return err
	}
	c := newComparer(p.schema, p.control, p.candidate)
	var outcomes []outcome
	var rows [][]string
	for i, e := range corpus {
		o := c.run(ctx, e, "rollback")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		times, err := demoTimes(ctx, p, &o)
		if err != nil {
			return err
		}
		a.showOperation(i+1, len(corpus), &o, full)
		outcomes = append(outcomes, o)
		rows = append(rows, append([]string{strconv.Itoa(i + 1), e.Title, demoVerdict(&o), ruleText(&o)}, times...))
	}
	fmt.Fprintf(a.Out, "%s\n", a.paint(bold, "Parity of "+backend.ModeOf(p.control.Backend())+" (control) and "+backend.ModeOf(p.candidate.Backend())+" (candidate)"))
	if err := table(a.Out, []string{"#", "operation", "verdict", "rules", p.control.Backend().Name() + " ms", p.candidate.Backend().Name() + " ms"}, rows); err != nil {
		return err
	}
	return a.demoEnd(c, outcomes)
}

// demoEnd prints the last line and decides on the exit code: a refusal is part of
// the demo, anything else that was not compared is not.
func (a *app) demoEnd(c *comparer, outcomes []outcome) error {
	sum := c.harness.Summary()
	refused := 0
	for i := range outcomes {
		if outcomes[i].Refused {
			refused++
		}
	}
	fmt.Fprintf(a.Out, "\n%d operations on two backends: %d equal, %d equal by rule, %d different, %d refused before any SQL\n",
		len(outcomes), sum.Verdicts[parity.Equal], sum.Verdicts[parity.EqualByRule], sum.Verdicts[parity.Mismatch], refused)
	if !sum.Passed() {
		return &exit{code: ExitMismatch, err: errors.New("the backends did not agree on every operation")}
	}
	return nil
}

// demoTimes says how long each backend took, in ms. A read is run once more on
// each backend alone, where its answer must be the same bytes; a write's times
// are those of the comparison.
func demoTimes(ctx context.Context, p *pairOfBackends, o *outcome) ([]string, error) {
	ms := func(d time.Duration) string { return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 2, 64) }
	switch {
	case o.Refused || o.Plan == nil || len(o.Reports) == 0:
		return []string{"-", "-"}, nil
	case o.Plan.Kind != builder.Query:
		return []string{ms(o.Reports[0].Control.Duration), ms(o.Reports[0].Candidate.Duration)}, nil
	}
	one, t1, err := alone(ctx, p.control, o.Plan)
	if err != nil {
		return nil, err
	}
	two, t2, err := alone(ctx, p.candidate, o.Plan)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(one, two) || !bytes.Equal(one, o.Answer) {
		return nil, &exit{code: ExitMismatch, err: fmt.Errorf("%s: the answers of the backends are not the same bytes", o.Title)}
	}
	return []string{ms(t1), ms(t2)}, nil
}

func demoVerdict(o *outcome) string {
	if o.Refused {
		return "refused by both"
	}
	return o.verdict().String()
}

func ruleText(o *outcome) string {
	var parts []string
	for _, r := range o.Reports {
		for rule, n := range r.Rules {
			parts = append(parts, fmt.Sprintf("%s ×%d", rule, n))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// showOperation prints definition, SQL, answer and verdict of one operation.
func (a *app) showOperation(n, of int, o *outcome, full bool) {
	limit := 600
	if full {
		limit = 1 << 30
	}
	fmt.Fprintf(a.Out, "%s\n", a.paint(bold, fmt.Sprintf("%d of %d: %s", n, of, o.Title)))
	fmt.Fprintf(a.Out, "  definition  %s\n", shorten(string(o.Definition), limit))
	if o.Plan != nil {
		for _, s := range o.Plan.Statements() {
			fmt.Fprintf(a.Out, "  sql         %s\n", shorten(s.SQL, limit))
			if len(s.Args) > 0 {
				fmt.Fprintf(a.Out, "  arguments   %s\n", argsText(s.Args))
			}
		}
	}
	fmt.Fprintf(a.Out, "  answer      %s\n", shorten(string(o.Answer), limit))
	color := green
	if v := o.verdict(); !v.Pass() && !o.Refused {
		color = red
	}
	fmt.Fprintf(a.Out, "  verdict     %s\n", a.paint(color, demoVerdict(o)))
	for _, r := range o.Reports {
		for _, d := range r.Diffs {
			fmt.Fprintf(a.Out, "  %s\n", strings.ReplaceAll(d.String(), "\n", "\n  "))
		}
	}
	fmt.Fprintln(a.Out)
}

// argsText shows arguments as $1='…'; the keys of nested levels are filled in
// when the parents are known.
func argsText(args []any) string {
	parts := make([]string, len(args))
	for i, v := range args {
		switch v := v.(type) {
		case nil:
			parts[i] = fmt.Sprintf("$%d=NULL", i+1)
		case []byte:
			parts[i] = fmt.Sprintf(`$%d='\x%x'`, i+1, v)
		default:
			parts[i] = fmt.Sprintf("$%d=%s", i+1, shorten(fmt.Sprintf("'%v'", v), 80))
		}
	}
	return strings.Join(parts, " ")
}

// scratch makes a database for the demo, with the sample data in it, and returns
// its DSN and what drops it again.
func (a *app) scratch(ctx context.Context, server *pgembed.Server) (dsn string, drop func() error, err error) {
	name := fmt.Sprintf("fraiseql_demo_%d", time.Now().UnixNano())
	b, err := a.selectedBackend(a.settings)
	if err != nil {
		return "", nil, err
	}
	admin, err := a.pool(b, server.DSN(""), a.settings)
	if err != nil {
		return "", nil, err
	}
	if _, err := admin.ExecContext(ctx, `create database "`+name+`" template template0 encoding 'UTF8'`); err != nil {
		return "", nil, errors.Join(fmt.Errorf("make a database for the demo: %w", err), admin.Close())
	}
	drop = func() error {
		// Dropped however the demo ended: ctx may be over.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		_, err := admin.ExecContext(ctx, `drop database if exists "`+name+`" with (force)`)
		return errors.Join(err, admin.Close())
	}
	dsn = server.DSN(name)
	if err := a.loadSample(ctx, b, dsn); err != nil {
		return "", nil, errors.Join(err, drop())
	}
	return dsn, drop, nil
}

func (a *app) loadSample(ctx context.Context, b backend.Backend, dsn string) (err error) {
	db, err := a.pool(b, dsn, a.settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	done := a.step("loading sample data")
	start := time.Now()
	if err := sample.Load(ctx, db, sample.Demo); err != nil {
		done("not loaded")
		return err
	}
	done(fmt.Sprintf("%s in %.1f s", sampleCounts(ctx, db), time.Since(start).Seconds()))
	return nil
}

// where names the server without its DSN.
func where(server *pgembed.Server) string {
	if !server.Owned() {
		return "the server of DATABASE_URL"
	}
	return server.Binaries().Version
}

func sampleCounts(ctx context.Context, db *sql.DB) string {
	var users, posts, comments int64
	err := db.QueryRowContext(ctx, `select (select count(*) from users), (select count(*) from posts), (select count(*) from comments)`).Scan(&users, &posts, &comments)
	if err != nil {
		return "done"
	}
	return fmt.Sprintf("%d users, %d posts, %d comments", users, posts, comments)
}
