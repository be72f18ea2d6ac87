package coverage_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/coverage"
	"github.com/fraiseql/fraiseql-go/parity/report"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bench runs definitions on two backends under a Tracker.
type bench struct {
	runner  *parity.Runner
	schema  *builder.Schema
	tracker *coverage.Tracker
}

func newBench(t *testing.T, candidate backend.Backend, script string) *bench {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, script)
	var dbs [2]*executor.DB
	control, err := all.Backends()
	if err != nil {
		t.Fatal(err)
	}
	pq, err := control.Lookup("pq")
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range []backend.Backend{pq, candidate} {
		cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		if dbs[i], err = executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = dbs[i].Close() })
	}
	cat, err := catalog.Load(t.Context(), dbs[0].Pool())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{}
	if b.schema, err = builder.NewSchema(cat, builder.SchemaOptions{}); err != nil {
		t.Fatal(err)
	}
	b.tracker = coverage.New(b.schema, nil)
	b.runner = parity.NewRunner(parity.NewHarness(parity.WithPublisher(b.tracker)), dbs[0], dbs[1])
	return b
}

func (b *bench) execute(t *testing.T, definition string) {
	t.Helper()
	def, err := builder.ParseDefinition([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	if err := executor.Execute(t.Context(), b.runner, b.schema, def, io.Discard); err != nil {
		t.Fatal(err)
	}
}

// at is a cell of a map.
func at(t *testing.T, c *report.Coverage, title, row, column string) int64 {
	t.Helper()
	for _, m := range c.Maps {
		if !strings.HasPrefix(m.Title, title) {
			continue
		}
		i := slices.Index(m.Columns, column)
		for _, r := range m.Rows {
			if r.Name == row && i >= 0 {
				return r.Cells[i]
			}
		}
	}
	t.Fatalf("no cell %s, %s in %q", row, column, title)
	return 0
}

// TestCoverage: each use counts once it was compared, and what was not is named.
func TestCoverage(t *testing.T) {
	t.Parallel()
	for _, candidate := range all.Modes(codec.HasBinary) {
		if candidate.Name() != "pgx" {
			continue
		}
		t.Run(backend.ModeOf(candidate), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, candidate, `create table t (id int8 primary key, a text, tags text[] not null default '{}');
				create view v as select a from t; insert into t values (1, 'x', '{p,q}'), (2, 'y', '{}')`)
			empty := b.tracker.Coverage()
			// id: read, filter, write. a: read, null, filter, write. tags: read, filter,
			// write. v.a: read, null, filter, and write, since the view is simple.
			if empty.Total != 14 || empty.Compared != 0 || empty.Percent != 0 || len(empty.Never) != 14 {
				t.Fatalf("%d of %d at first, never %v; want 0 of 14", empty.Compared, empty.Total, empty.Never)
			}
			b.execute(t, `{"operation":"query","table":"t","fields":["id","a"],"filters":{"id":{"eq":1}},"sort":[{"field":"a","direction":"ASC"}]}`)
			c := b.tracker.Coverage()
			if c.Compared != 3 {
				t.Errorf("%d compared, want id read and filtered, a read; never %v", c.Compared, c.Never)
			}
			if at(t, c, "Columns", "public.t.a", "null") != 0 || at(t, c, "Columns", "public.t.a", "sort") != 1 || at(t, c, "Columns", "public.t.id", "null") != -1 {
				t.Errorf("columns %+v", c.Maps[0])
			}
			b.execute(t, `{"type":"insert","table":"t","input":{"id":3,"a":null},"return_fields":["id","a","tags"]}`)
			b.execute(t, `{"type":"update","table":"t","input":{"tags":["r"],"a":"z"},"filters":{"tags":{"contains":["p"]}},"return_fields":["tags"]}`)
			b.execute(t, `{"operation":"query","table":"v","fields":["a"],"filters":{"a":{"is_null":true}}}`)
			c = b.tracker.Coverage()
			want := []string{"public.t.a (filter)", "public.v.a (write)"}
			if !slices.Equal(c.Never, want) || c.Compared != 12 {
				t.Errorf("%d compared, never %v; want 12, %v", c.Compared, c.Never, want)
			}
			for _, tc := range []struct {
				title, row, column string
				want               int64
			}{
				{"Types by use", "text", "member of an array", 2},
				{"Types by use", "text", "write null", 1},
				{"Types by use", "text", "null", 2},
				{"Operators", "eq", "int8", 1},
				{"Operators", "is_null", "text", 1},
				{"Operators", "startswith", "int8", -1},
				{"Operators", "startswith", "text", 0},
				{"Types by modes", "int8", "pq/default | " + backend.ModeOf(candidate), 2},
			} {
				if got := at(t, c, tc.title, tc.row, tc.column); got != tc.want {
					t.Errorf("%s: %s, %s is %d, want %d", tc.title, tc.row, tc.column, got, tc.want)
				}
			}
		})
	}
}

// TestNoRowsCoverNothing: rows that never came count as nothing.
func TestNoRowsCoverNothing(t *testing.T) {
	t.Parallel()
	set, err := all.Backends()
	if err != nil {
		t.Fatal(err)
	}
	pgx, err := set.Lookup("pgx")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, pgx, `create table t (id int8 primary key)`)
	b.execute(t, `{"operation":"query","table":"t","fields":["id"]}`)
	if c := b.tracker.Coverage(); c.Compared != 0 {
		t.Errorf("%d compared of a table without rows", c.Compared)
	}
}

// TestHowItNeverAgreed: what was never compared, what differed each time and what gave no
// agreement are three things, also after a run is taken up again.
func TestHowItNeverAgreed(t *testing.T) {
	t.Parallel()
	set, err := all.Backends()
	if err != nil {
		t.Fatal(err)
	}
	pgx, err := set.Lookup("pgx")
	if err != nil {
		t.Fatal(err)
	}
	const read, operation = "public.t.id (read)", "operation query t (class feed)"
	for _, tc := range []struct {
		name, why string
		verdicts  []parity.Verdict
		list      func(*report.Coverage) []string // nil: it is covered
	}{
		{"nothing", "it was run on one side only", []parity.Verdict{parity.NotCompared}, func(c *report.Coverage) []string { return c.Never }},
		{"differed", "each time", []parity.Verdict{parity.Mismatch, parity.NotCompared, parity.Mismatch}, func(c *report.Coverage) []string { return c.Differed }},
		{"noise", "the control differs from itself", []parity.Verdict{parity.Noise}, func(c *report.Coverage) []string { return c.Undecided }},
		{"both", "it did not differ each time", []parity.Verdict{parity.Mismatch, parity.Inconclusive}, func(c *report.Coverage) []string { return c.Undecided }},
		{"agreed at last", "one agreement covers", []parity.Verdict{parity.Mismatch, parity.Noise, parity.Equal}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, pgx, `create table t (id int8 primary key)`)
			table, _ := b.schema.Catalog().Table("t")
			for _, v := range tc.verdicts {
				b.tracker.Publish(t.Context(), parity.Report{
					Operation: "query t", Class: "feed", Verdict: v,
					Uses: []builder.Use{{Column: table.Columns[0], Type: b.schema.Types().Type(20), How: builder.UseRead}},
				})
			}
			state, err := b.tracker.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			again := coverage.New(b.schema, nil)
			if err := again.UnmarshalJSON(state); err != nil {
				t.Fatal(err)
			}
			for _, c := range []*report.Coverage{b.tracker.Coverage(), again.Coverage()} {
				lists := slices.Concat(c.Never, c.Differed, c.Undecided)
				for _, what := range []string{read, operation} {
					if tc.list == nil {
						if slices.Contains(lists, what) || c.Compared != 1 {
							t.Errorf("%s is in %v, %d compared; want it covered", what, lists, c.Compared)
						}
					} else if !slices.Contains(tc.list(c), what) || c.Compared != 0 {
						t.Errorf("%s is not in its list: never %v, differed %v, undecided %v, %d compared", what, c.Never, c.Differed, c.Undecided, c.Compared)
					}
				}
				if n := len(lists); tc.list != nil && n != 4 { // id is filtered and written, too
					t.Errorf("%d listed, want each once: %v", n, lists)
				}
			}
		})
	}
}

// TestErrorsCoverNothing: an error that is the same on both sides is agreement, and says
// nothing of the columns in the statement. A database without columns has no share.
func TestErrorsCoverNothing(t *testing.T) {
	t.Parallel()
	set, err := all.Backends()
	if err != nil {
		t.Fatal(err)
	}
	pgx, err := set.Lookup("pgx")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, pgx, `create table t (id int8 primary key, a text check (a <> 'no'))`)
	for _, definition := range []string{
		`{"operation":"query","table":"t","fields":["id"],"filters":{"a":{"regex":"("}}}`,
		`{"operation":"mutation","type":"insert","table":"t","input":{"id":1,"a":"no"},"return_fields":["id"]}`,
	} {
		def, err := builder.ParseDefinition([]byte(definition))
		if err != nil {
			t.Fatal(err)
		}
		if err := executor.Execute(t.Context(), b.runner, b.schema, def, io.Discard); err == nil {
			t.Errorf("%s was answered", definition)
		}
	}
	c := b.tracker.Coverage()
	if c.Compared != 0 || len(c.Undecided) != 2 || !strings.HasPrefix(c.Undecided[0], "operation ") || !strings.HasPrefix(c.Undecided[1], "operation ") {
		t.Errorf("%d compared, never %v, undecided %v; want 0, and both operations", c.Compared, c.Never, c.Undecided)
	}
	if c := newBench(t, pgx, `select 1`).tracker.Coverage(); c.Total != 0 || c.Percent != 0 {
		t.Errorf("%g %% of %d", c.Percent, c.Total)
	}
}
