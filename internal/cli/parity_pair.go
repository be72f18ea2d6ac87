package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	fraiseql "github.com/fraiseql/fraiseql-go"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/clones"
	"github.com/fraiseql/fraiseql-go/parity/report"
)

// parityPair is a pair of backends with what the comparison has to know of them.
type parityPair struct {
	pairOfBackends
	options []parity.Option
	clones  *clones.Pair // of --writes clones
	config  backend.Config
	catalog *catalog.Catalog
	ignores []parity.Ignore
}

// Close closes both pools, and drops the clones.
func (p *parityPair) Close(ctx context.Context) error {
	err := p.pairOfBackends.Close()
	if p.clones != nil {
		err = errors.Join(err, p.clones.Drop(context.WithoutCancel(ctx)))
	}
	return err
}

// openParity opens what o asks for.
func (a *app) openParity(ctx context.Context, o *runOptions) (p *parityPair, err error) {
	control, candidate, err := a.sides(o.control, o.candidate)
	if err != nil {
		return nil, err
	}
	cfg, err := a.config(a.settings.DatabaseURL, a.settings)
	if err != nil {
		return nil, err
	}
	opened := &parityPair{config: cfg, options: []parity.Option{parity.WithThirdVoice(o.thirdVoice)}}
	if o.ignores != "" {
		if opened.ignores, err = readIgnores(o.ignores); err != nil {
			return nil, err
		}
		opened.options = append(opened.options, parity.WithIgnores(opened.ignores...))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.Close(ctx))
		}
	}()
	controlConfig, candidateConfig := cfg, cfg
	switch o.writes {
	case "rollback", "describe": // which runs none that is known to write
		opened.options = append(opened.options, parity.WithRollback())
	case "clones":
		if opened.clones, err = clones.Make(ctx, control, cfg); err != nil {
			return nil, err
		}
		controlConfig, candidateConfig = opened.clones.Control, opened.clones.Candidate
	}
	executorOptions := fraiseql.ExecutorOptions(a.settings)
	if opened.control, err = executor.Open(ctx, control, controlConfig, executorOptions...); err != nil {
		return nil, err
	}
	if opened.candidate, err = executor.Open(ctx, candidate, candidateConfig, executorOptions...); err != nil {
		return nil, err
	}
	cat, err := catalog.Load(ctx, opened.control.Pool(), fraiseql.CatalogOptions(a.settings)...)
	if err != nil {
		return nil, err
	}
	opened.catalog = cat
	opened.schema, err = builder.NewSchema(cat, fraiseql.SchemaOptions(a.settings))
	return opened, err
}

// readIgnores reads the file of --ignores. One that has expired is as wrong as one that
// can't be read: both would let pass what nobody answers for.
func readIgnores(name string) ([]parity.Ignore, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage("open the ignores: %w", err)
	}
	defer f.Close() //nolint:errcheck // read-only
	list, err := parity.ReadIgnores(f)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	return list, nil
}

// sides are the backends of --control and --candidate. A name is a backend as the
// settings have it, or with a mode (pgx/exec) a backend in that mode.
func (a *app) sides(control, candidate string) (backend.Backend, backend.Backend, error) {
	set, err := all.Backends(fraiseql.BackendOptions(a.settings)...)
	if err != nil {
		return nil, nil, err
	}
	modes := all.Modes(codec.HasBinary)
	find := func(flag, name string) (backend.Backend, error) {
		names := []string{}
		for _, b := range slices.Concat(set.All(), modes) {
			if b.Name() == name || backend.ModeOf(b) == name {
				return b, nil
			}
			if !slices.Contains(names, b.Name()) {
				names = append(names, b.Name())
			}
		}
		for _, b := range modes {
			names = append(names, backend.ModeOf(b))
		}
		hint := ""
		if near := flags.Nearest(name, names, 0); near != "" {
			hint = "did you mean " + near + "?"
		}
		return nil, &exit{code: ExitUsage, err: fmt.Errorf("--%s is %q; it takes one of %s", flag, name, strings.Join(names, ", ")), hint: hint}
	}
	byDefault := control == ""
	if byDefault {
		control = a.settings.Backend
	}
	one, err := find("control", control)
	if err != nil {
		return nil, nil, err
	}
	if candidate == "" {
		for _, b := range set.All() {
			if b.Name() != one.Name() {
				return one, b, nil
			}
		}
	}
	two, err := find("candidate", candidate)
	if err == nil && byDefault && backend.ModeOf(two) == backend.ModeOf(one) { // it would pass, and nobody asked for it
		return nil, nil, &exit{
			code: ExitUsage, err: fmt.Errorf("--candidate is %s, and so is the control, by --backend", candidate),
			hint: "name the other one; with --control " + candidate + " too, a backend is compared with itself",
		}
	}
	return one, two, err
}

// state is what the writes left behind on two clones. That nobody could look is a verdict,
// and not the end of the report.
func (r *parityRun) state(ctx context.Context) parity.Report {
	state, err := r.pair.compareClones(ctx, r.progress.Started)
	if err != nil {
		fmt.Fprintf(r.Err, "the two databases could not be compared after the run: %v\n", err)
		return parity.Report{Operation: "state", Verdict: parity.Inconclusive, Reason: "the two databases could not be compared after the run"}
	}
	return state
}

// compareClones compares the two databases after a run that began at began.
func (p *parityPair) compareClones(ctx context.Context, began time.Time) (r parity.Report, err error) {
	b := p.control.Backend()
	other, err := executor.Open(ctx, b, p.clones.Candidate, executor.WithMinIdle(0)) // through one backend: what differs is in the databases
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	state, err := clones.Diff(ctx, p.control.Pool(), other.Pool(), clones.Since(began))
	if err != nil {
		return r, err
	}
	r = state.Report()
	r.Control.Backend, r.Candidate.Backend = backend.ModeOf(b), backend.ModeOf(p.candidate.Backend())
	return r, nil
}

// shownSettings decide how values look and how statements run; they stand in every
// report. Others stand there where the two sides differ in them.
var shownSettings = []string{
	"DateStyle", "IntervalStyle", "TimeZone", "application_name", "bytea_output", "client_encoding", "default_transaction_isolation",
	"default_transaction_read_only", "extra_float_digits", "lc_monetary", "plan_cache_mode", "row_security", "search_path", "server_encoding",
	"standard_conforming_strings", "statement_timeout", "work_mem", "xmlbinary", "xmloption",
}

// describe says in h what the two sides are.
func (p *parityPair) describe(ctx context.Context, h *report.Head) error {
	var found [2]map[string]string
	for i, side := range []struct {
		db *executor.DB
		to *report.Side
	}{{p.control, &h.Control}, {p.candidate, &h.Candidate}} {
		side.to.Mode = backend.ModeOf(side.db.Backend())
		var err error
		if found[i], err = pairs(ctx, side.db, "settings", "select name, coalesce(setting, '') from pg_catalog.pg_settings"); err != nil {
			return fmt.Errorf("read the settings of %s: %w", side.to.Mode, err)
		}
	}
	h.Server, _, _ = strings.Cut(found[0]["server_version"], " ") // without the packager's words
	for name, value := range found[0] {
		differs := found[1][name] != value
		if differs {
			h.Differing = append(h.Differing, name)
		}
		if differs || slices.Contains(shownSettings, name) {
			h.Control.Settings = append(h.Control.Settings, report.Setting{Name: name, Value: value})
			h.Candidate.Settings = append(h.Candidate.Settings, report.Setting{Name: name, Value: found[1][name]})
		}
	}
	slices.Sort(h.Differing)
	for _, s := range []*report.Side{&h.Control, &h.Candidate} {
		slices.SortFunc(s.Settings, func(a, b report.Setting) int { return strings.Compare(a.Name, b.Name) })
	}
	return nil
}

// shellWord is s as one word of a shell.
func shellWord(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
