package clones

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/parity"
)

// The kinds of difference that only two databases have.
const (
	// DiffSequence: a sequence stands at another number.
	DiffSequence parity.Kind = "sequence"
	// DiffTable: a table that only one database has, or with other columns.
	DiffTable parity.Kind = "table"
)

// State is what two databases were compared by, and in what they differ.
type State struct {
	Tables    int   // compared
	Rows      int64 // of the control's tables that were read row by row
	Sequences int
	// Left says of the tables that were not compared why.
	Left map[string]string
	// Rules counts the values that were equal only through a rule: RuleVolatile and
	// RuleRunTime of package parity.
	Rules map[string]int
	// Diffs are the differences, by table; at most as many as WithMaxDiffs says.
	Diffs   []parity.Diff
	Dropped int // differences beyond that
}

// Report is the state as the report of one operation: equal, equal by rule, a
// mismatch, or inconclusive where a table was not compared.
func (s *State) Report() parity.Report {
	r := parity.Report{
		Operation: fmt.Sprintf("state of %d tables and %d sequences", s.Tables, s.Sequences),
		Diffs:     s.Diffs, Dropped: s.Dropped, Verdict: parity.Equal,
		Control: parity.Side{Rows: s.Rows}, Candidate: parity.Side{Rows: s.Rows},
	}
	if len(s.Rules) > 0 {
		r.Rules, r.Verdict = s.Rules, parity.EqualByRule
	}
	if len(s.Left) > 0 {
		r.Verdict = parity.Inconclusive
		name := slices.Min(slices.Collect(maps.Keys(s.Left)))
		r.Reason = fmt.Sprintf("%d tables were not compared: %s: %s", len(s.Left), name, s.Left[name])
	}
	if len(s.Diffs) > 0 {
		r.Verdict = parity.Mismatch
	}
	return r
}

// Option changes Diff.
type Option interface{ apply(*options) }

type option func(*options)

func (o option) apply(c *options) { o(c) }

type options struct {
	began    time.Time
	maxDiffs int
	maxBytes int64
	without  []string
}

// Since says when the run began that wrote to both databases. A moment since then
// that each database took from its own clock may differ. Default: no moment may.
func Since(began time.Time) Option { return option(func(o *options) { o.began = began }) }

// WithMaxDiffs shows at most n differences. Default 100.
func WithMaxDiffs(n int) Option { return option(func(o *options) { o.maxDiffs = max(n, 1) }) }

// WithMaxBytes bounds, in bytes, the rows of a table that have not met their equal
// while it is read. Beyond it the table is left and State.Left says so. Default 64 MiB.
func WithMaxBytes(n int64) Option { return option(func(o *options) { o.maxBytes = n }) }

// Without leaves tables out, by SCHEMA.TABLE; State.Left has them.
func Without(tables ...string) Option {
	return option(func(o *options) { o.without = append(o.without, tables...) })
}

// Diff compares the rows of every table that the role may read and the position of
// every sequence. Both pools have to be of one backend, so that what differs is in
// the databases. Views are not read: their rows are those of tables.
//
// Each table is compared by a checksum first and read only where that differs.
// Values that each database made by itself (volatile defaults) are matched, not
// left out: one value on the one side stands for one on the other, in every
// column that refers to it.
func Diff(ctx context.Context, control, candidate *sql.DB, o ...Option) (*State, error) {
	d := &differ{
		opt:   options{maxDiffs: 100, maxBytes: 64 << 20},
		state: &State{Left: map[string]string{}, Rules: map[string]int{}},
		sides: [2]*sql.DB{control, candidate},
	}
	for _, opt := range o {
		if opt != nil {
			opt.apply(&d.opt)
		}
	}
	var cats [2]*catalog.Catalog
	for i, db := range d.sides {
		var err error
		if cats[i], err = catalog.Load(ctx, db); err != nil {
			return nil, err
		}
	}
	if err := d.tables(ctx, cats[0], cats[1]); err != nil {
		return nil, backend.Wrap(nil, "compare states", err)
	}
	if err := d.sequences(ctx); err != nil {
		return nil, backend.Wrap(nil, "compare states", err)
	}
	return d.state, nil
}

// differ compares two databases.
type differ struct {
	opt   options
	state *State
	sides [2]*sql.DB
	names names
}

func (d *differ) add(diff parity.Diff) {
	if len(d.state.Diffs) >= d.opt.maxDiffs {
		d.state.Dropped++
		return
	}
	d.state.Diffs = append(d.state.Diffs, diff)
}

// tables compares those that both have, referenced ones before what refers to
// them, so that the keys they made are known.
func (d *differ) tables(ctx context.Context, control, candidate *catalog.Catalog) error {
	theirs := make(map[string]*catalog.Table)
	for t := range candidate.Tables() {
		if compared(t) {
			theirs[nameOf(t)] = t
		}
	}
	var open []*reading
	for _, t := range byReference(control) {
		name := nameOf(t)
		other := theirs[name]
		delete(theirs, name)
		switch {
		case other == nil:
			d.add(parity.Diff{Kind: DiffTable, Statement: name, Detail: "- " + name})
			continue
		case columnsOf(t) != columnsOf(other):
			d.add(parity.Diff{Kind: DiffTable, Statement: name, Detail: "- " + columnsOf(t) + "\n+ " + columnsOf(other)})
			continue
		case slices.Contains(d.opt.without, name):
			d.state.Left[name] = "it was excluded"
			continue
		case !t.CanSelect || slices.ContainsFunc(t.Columns, func(c *catalog.Column) bool { return !c.CanSelect }):
			d.state.Left[name] = "the role may not read all of it"
			continue
		}
		d.state.Tables++
		r, err := d.table(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if r != nil {
			open = append(open, r)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		d.add(parity.Diff{Kind: DiffTable, Statement: name, Detail: "+ " + name})
	}
	d.settle(open)
	return nil
}

// compared says that a table has rows of its own, or is the parent of those that do.
func compared(t *catalog.Table) bool {
	return (t.Kind == catalog.OrdinaryTable || t.Kind == catalog.PartitionedTable) && !t.IsPartition && t.Extension == ""
}

func nameOf(t *catalog.Table) string { return t.Schema + "." + t.Name }

func columnsOf(t *catalog.Table) string {
	var list []string
	for _, c := range t.Columns {
		list = append(list, c.Name+" "+c.Declared)
	}
	return nameOf(t) + " (" + strings.Join(list, ", ") + ")"
}

// byReference lists the tables, those that others refer to first; cycles as they come.
func byReference(cat *catalog.Catalog) []*catalog.Table {
	var list []*catalog.Table
	seen := make(map[*catalog.Table]bool)
	var visit func(t *catalog.Table)
	visit = func(t *catalog.Table) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		for _, k := range t.ForeignKeys {
			visit(k.RefTable)
		}
		if compared(t) {
			list = append(list, t)
		}
	}
	for t := range cat.Tables() {
		visit(t)
	}
	return list
}

// sequences compares where each stands.
func (d *differ) sequences(ctx context.Context) error {
	var at [2]map[string]string
	for i, db := range d.sides {
		var err error
		if at[i], err = positions(ctx, db); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(at[0])) {
		d.state.Sequences++
		if a, b := at[0][name], at[1][name]; a != b {
			if b == "" {
				b = "no such sequence"
			}
			d.add(parity.Diff{Kind: DiffSequence, Statement: name, Detail: "- " + a + "\n+ " + b})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(at[1])) {
		if _, ok := at[0][name]; !ok {
			d.add(parity.Diff{Kind: DiffSequence, Statement: name, Detail: "- no such sequence\n+ " + at[1][name]})
		}
	}
	return nil
}

// positions are where the sequences of a database stand, by name.
func positions(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `select pg_catalog.format('%I.%I', schemaname, sequencename), coalesce(last_value::text, 'not used yet') from pg_catalog.pg_sequences`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is that of rows.Err
	at := make(map[string]string)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		at[name] = value
	}
	return at, rows.Err()
}
