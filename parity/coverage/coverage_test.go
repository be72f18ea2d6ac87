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

// TestWhatDiffersIsNotCovered: a mismatch and rows that never came count as nothing.
func TestWhatDiffersIsNotCovered(t *testing.T) {
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
	col, _ := b.schema.Catalog().Table("t")
	b.tracker.Publish(t.Context(), parity.Report{
		Operation: "query t", Class: "feed", Verdict: parity.Mismatch,
		Uses: []builder.Use{{Column: col.Columns[0], Type: b.schema.Types().Type(20), How: builder.UseRead}},
	})
	c := b.tracker.Coverage()
	if c.Compared != 0 || !slices.Contains(c.Never, "operation query t (class feed)") {
		t.Errorf("%d compared, never %v; want 0, and the operation named", c.Compared, c.Never)
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
	named := 0
	for _, n := range c.Never {
		if strings.HasPrefix(n, "operation ") {
			named++
		}
	}
	if c.Compared != 0 || named != 2 {
		t.Errorf("%d compared, never %v; want 0, and both operations", c.Compared, c.Never)
	}
	if c := newBench(t, pgx, `select 1`).tracker.Coverage(); c.Total != 0 || c.Percent != 0 {
		t.Errorf("%g %% of %d", c.Percent, c.Total)
	}
}
