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
	"time"

	"github.com/spf13/cobra"

	fraiseql "github.com/fraiseql/fraiseql-go"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/parity/report"
	"github.com/fraiseql/fraiseql-go/parity/reproduce"
)

func newParityReplay(a *app) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Run again what was captured of an application, or a reproducer",
		Long: `A corpus that was captured of a running application, or imported (JSON lines), runs on
both backends and is compared as that of parity run is: the statements of one transaction
in one transaction, in their order. What was lost in capture is counted as not
compared.

A reproducer (an SQL file of parity run --reproduce) runs in a database of its own, on
the server of DATABASE_URL or on one that is started for it, on the backends that
differed. Exit 4 while they differ.`,
		Example: `  fraiseql parity replay captured.jsonl --control pq --candidate pgx
  fraiseql parity replay reproduce/8c1f2a0b9d3e4f56.sql`,
		Args: oneFile("a captured corpus (JSON lines), or a reproducer (an SQL file)"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.parityReplay(cmd.Context(), o, args[0]) },
	}
	f := cmd.Flags()
	o.register(f)
	f.StringVar(&o.resume, "resume", "", "keep the state of the run in `FILE`, and go on from it after an interruption")
	f.IntVar(&o.line, "line", 0, "run what begins in line `N` only")
	return cmd
}

func (a *app) parityReplay(ctx context.Context, o runOptions, name string) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	in := a.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return usage("open what to replay: %w", err)
		}
		defer f.Close() //nolint:errcheck // read-only
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return usage("read what to replay: %w", err)
	}
	if first := bytes.TrimSpace(text); bytes.HasPrefix(first, []byte("{")) || bytes.HasPrefix(first, []byte("#")) {
		return a.runCorpus(ctx, o, name, text)
	}
	file, err := reproduce.ParseFile(string(text))
	if err != nil {
		return usage("read %s: %w", name, err)
	}
	err = o.only("on a reproducer, which has one operation and a database of its own",
		"writes", "resume", "line", "min-compared", "min-coverage", "ignores", "third-voice", "reproduce")
	if err != nil {
		return err
	}
	if o.control == "" {
		o.control = file.Control
	}
	if o.candidate == "" {
		o.candidate = file.Candidate
	}
	control, candidate, err := a.sides(o.control, o.candidate)
	if err != nil {
		return err
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout, errTimeout)
		defer cancel()
	}
	cfg, drop, err := a.scratchDatabase(ctx)
	if err != nil {
		return timedOut(ctx, err)
	}
	defer func() { err = errors.Join(err, drop()) }()
	d, err := a.replay(ctx, file, cfg, reproduce.Sides{
		Control: control, Candidate: candidate, Schema: fraiseql.SchemaOptions(a.settings), ThirdVoice: file.ThirdVoice(),
	}, o.reveal)
	if err != nil {
		return timedOut(ctx, err)
	}
	sum := sha256.Sum256(text)
	d.Head.Source, d.Head.SourceHash, d.Head.Writes = name, hex.EncodeToString(sum[:]), "rollback"
	err = judge(d, gates(d, 1, 0))
	if writeErr := a.writeReport(d, o.outputs); writeErr != nil {
		return writeErr
	}
	return err
}

// errTimeout is the cause of a context that --timeout has ended.
var errTimeout = errors.New("time ran out")

func timedOut(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errTimeout) {
		return &exit{code: ExitTimeout, err: errTimeout}
	}
	return err
}

// replay runs what file says in the database of cfg.
func (a *app) replay(ctx context.Context, file *reproduce.File, cfg backend.Config, s reproduce.Sides, reveal []string) (d *report.Document, err error) {
	start := time.Now()
	p := &parityPair{config: cfg}
	defer func() { err = errors.Join(err, p.Close(ctx)) }()
	if p.control, err = executor.Open(ctx, s.Control, cfg, executor.WithMinIdle(0)); err != nil {
		return nil, err
	}
	if p.candidate, err = executor.Open(ctx, s.Candidate, cfg, executor.WithMinIdle(0)); err != nil {
		return nil, err
	}
	if err := makeDatabase(ctx, s.Control, cfg, file.Script); err != nil {
		return nil, fmt.Errorf("make the database of the reproducer: %w", err)
	}
	reports, err := reproduce.Run(ctx, cfg, s, file.Operation)
	if err != nil {
		return nil, err
	}
	o := report.Operation{Title: file.Signature}
	if file.Lines != nil {
		o.Shape = report.ShapeOfSQL(capturedShape(file.Lines))
	} else if def, err := builder.ParseDefinition(file.Definition); err == nil {
		o.Shape = report.Shape(def)
	}
	c := report.NewCollector(report.WithReveal(reveal...))
	for _, r := range reports {
		c.Publish(report.WithOperation(ctx, o), r)
	}
	d = c.Document()
	d.Head = report.Head{Started: start, Ended: time.Now(), Operations: int64(len(reports))}
	return d, p.describe(ctx, &d.Head)
}

// makeDatabase runs the script on a connection of its own: what it leaves in a session is
// no difference between the sides.
func makeDatabase(ctx context.Context, b backend.Backend, cfg backend.Config, script string) (err error) {
	db, err := executor.Open(ctx, b, cfg, executor.WithMinIdle(0), executor.WithMaxConns(1))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return reproduce.Script(ctx, db, script)
}

// scratchDatabase makes an empty database, on the server of the settings or else on one that
// is started for it, and says how to reach it and what drops it.
func (a *app) scratchDatabase(ctx context.Context) (cfg backend.Config, drop func() error, err error) {
	dsn, stop := a.settings.DatabaseURL, func() error { return nil }
	if dsn == "" {
		server, err := pgembed.Provide(ctx, a.getenv, pgembed.WithProgress(a.Err))
		if err != nil {
			return cfg, nil, err
		}
		dsn, stop = server.DSN(""), server.Stop
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stop())
		}
	}()
	if cfg, err = a.config(dsn, a.settings); err != nil {
		return cfg, nil, err
	}
	b, err := a.selectedBackend(a.settings)
	if err != nil {
		return cfg, nil, err
	}
	admin, err := a.pool(b, dsn, a.settings)
	if err != nil {
		return cfg, nil, err
	}
	name := fmt.Sprintf("fraiseql_scratch_%d", time.Now().UnixNano())
	remove := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second) // dropped however it ended
		defer cancel()
		_, err := admin.ExecContext(ctx, `drop database if exists "`+name+`" with (force)`)
		return errors.Join(err, admin.Close())
	}
	if err := ctx.Err(); err != nil {
		return cfg, nil, errors.Join(err, admin.Close())
	}
	// A CREATE DATABASE that is cancelled may be there all the same, and later than what drops it.
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if _, err := admin.ExecContext(patient, `create database "`+name+`" template template0 encoding 'UTF8'`); err != nil {
		return cfg, nil, errors.Join(fmt.Errorf("make an empty database: %w", err), remove())
	}
	if err := ctx.Err(); err != nil {
		return cfg, nil, errors.Join(err, remove())
	}
	cfg.Database = name
	return cfg, func() error { return errors.Join(remove(), stop()) }, nil
}

const (
	maxReproduced = 10   // classes that a run looks for reproducers of
	maxSuspects   = 1000 // classes that it knows to differ
)

// suspect is a mismatch to reproduce.
type suspect struct {
	operation reproduce.Operation
	shape     string
	signature reproduce.Signature
}

// reproduceAll writes a reproducer for each class that differs. That it can't is no failure
// of the run.
func (r *parityRun) reproduceAll(ctx context.Context) {
	for _, s := range r.suspects[:min(len(r.suspects), maxReproduced)] {
		if ctx.Err() != nil {
			return
		}
		done := r.step("reproducing " + s.signature.String() + " of " + shorten(s.shape, 60))
		path, tries, err := r.reproduceOne(ctx, s)
		if ctx.Err() != nil {
			done("stopped")
			return
		}
		if err != nil {
			done(err.Error())
			continue
		}
		done(fmt.Sprintf("%s, after %d tries", path, tries))
		r.collector.SetReproducer(s.shape, path, "fraiseql parity replay "+shellWord(path))
	}
	if more := len(r.suspects) - maxReproduced; more > 0 {
		fmt.Fprintf(r.Err, "%d more classes differ; the smallest case of %d at most is sought in one run, and --line N runs one operation alone\n", more, maxReproduced)
	}
}

func (r *parityRun) reproduceOne(ctx context.Context, s suspect) (path string, tries int, err error) {
	cfg, drop, err := r.scratchDatabase(ctx)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	from := reproduce.Source{DB: r.pair.control, Catalog: r.pair.catalog, Schema: r.pair.schema}
	sides := reproduce.Sides{Control: r.pair.control.Backend(), Candidate: r.pair.candidate.Backend(), Schema: fraiseql.SchemaOptions(r.settings)}
	found, err := reproduce.Reproduce(ctx, from, cfg, sides, s.operation, s.signature)
	if err != nil {
		return "", 0, err
	}
	path, err = found.Write(r.o.reproduce, report.Fingerprint(s.shape))
	return path, found.Tries, err
}
