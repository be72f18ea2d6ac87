package generate_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/generate"
)

var count = flag.Int("operations", 150, "operations for each pair of modes")

func TestMain(m *testing.M) { pgtest.Main(m) }

func mode(t testing.TB, name string) backend.Backend {
	t.Helper()
	for _, b := range all.Modes(codec.HasBinary) {
		if backend.ModeOf(b) == name {
			return b
		}
	}
	t.Fatalf("no backend %q", name)
	return nil
}

func open(t testing.TB, b backend.Backend, dsn string) *executor.DB {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	db, err := executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func generator(t testing.TB, db *executor.DB, writes float64) (*generate.Generator, *builder.Schema) {
	t.Helper()
	cat, err := catalog.Load(t.Context(), db.Pool())
	if err != nil {
		t.Fatal(err)
	}
	schema, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	values, err := generate.Sample(t.Context(), db.Pool(), cat, 30)
	if err != nil {
		t.Fatal(err)
	}
	return generate.New(schema, values, generate.Options{Writes: writes}), schema
}

// TestModesAgree: generated operations of the sample database give the same on each
// mode as on lib/pq's default, and control against control nothing else.
func TestModesAgree(t *testing.T) {
	t.Parallel()
	for i, candidate := range all.Modes(codec.HasBinary) {
		t.Run(backend.ModeOf(candidate), func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Sample(t)
			control, other := open(t, mode(t, "pq/default"), dsn), open(t, candidate, dsn)
			g, schema := generator(t, control, 0.2)
			var last parity.Report
			h := parity.NewHarness(parity.WithRollback(), parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) { last = r })))
			r := parity.NewRunner(h, control, other)
			refused := 0
			for n := range *count {
				seed := uint64(i*1_000_000 + n)
				definition := g.Example(seed)
				def, err := builder.ParseDefinition(definition)
				if err != nil {
					t.Fatalf("seed %d: %s\n%v", seed, definition, err)
				}
				before := h.Summary().Operations
				err = executor.Execute(t.Context(), r, schema, def, io.Discard)
				if h.Summary().Operations == before {
					refused++
					t.Errorf("seed %d: %s\nwas not compared: %v", seed, definition, err)
					continue
				}
				if !last.Verdict.Pass() {
					t.Errorf("seed %d: %s\n%v %s %v", seed, definition, last.Verdict, last.Reason, last.Diffs)
				}
			}
			t.Logf("%d compared, %d refused before SQL: %v", *count-refused, refused, h.Summary().Rules)
			if refused > 0 {
				t.Errorf("%d of %d were refused: the generator makes what is none", refused, *count)
			}
		})
	}
}

// TestDeterministic: a seed is an operation, and another is another.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	db := open(t, mode(t, "pgx/cache_statement"), pgtest.Sample(t))
	a, _ := generator(t, db, 0.3)
	b, _ := generator(t, db, 0.3)
	different := map[string]bool{}
	for seed := range uint64(200) {
		if x, y := string(a.Example(seed)), string(b.Example(seed)); x != y {
			t.Fatalf("seed %d gave\n%s\nand\n%s", seed, x, y)
		}
		different[string(a.Example(seed))] = true
	}
	if len(different) < 190 {
		t.Errorf("200 seeds gave %d operations", len(different))
	}
}

// TestOracles: on each mode the three parts of a table make the whole, and a filter
// means the same in a query, an update and a delete.
func TestOracles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pq/default", "pgx/cache_statement", "pgx/exec"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, mode(t, name), pgtest.Sample(t))
			g, schema := generator(t, db, 0)
			o := &generate.Oracle{DB: db, Schema: schema}
			rapid.Check(t, func(t *rapid.T) {
				definition := g.Definition().Draw(t, "definition")
				for oracle, check := range map[string]func(context.Context, []byte) error{
					"partition": func(ctx context.Context, d []byte) error { return o.Partition(ctx, d) },
					"predicate": func(ctx context.Context, d []byte) error { return o.Predicate(ctx, d) },
				} {
					err := check(context.Background(), definition)
					var finding *generate.FindingError
					if errors.As(err, &finding) || err != nil && !errors.Is(err, generate.ErrNotAsked) && backend.CodeOf(err) != backend.CodeBadUserInput && backend.CodeOf(err) != backend.CodeConstraintViolation {
						t.Fatalf("%s: %v", oracle, err)
					}
				}
			})
		})
	}
}

// lying loses the first row of what a negated filter finds.
type lying struct{ executor.Runner }

func (l lying) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	if strings.Contains(s.SQL, "NOT (") {
		other := *s
		other.SQL = "select * from (" + s.SQL + ") q offset 1"
		s = &other
	}
	return l.Runner.Query(ctx, s)
}

func (l lying) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	return l.Runner.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error { return fn(ctx, lying{tx}) })
}

// TestOracleCatches: a backend that contradicts itself is found.
func TestOracleCatches(t *testing.T) {
	t.Parallel()
	db := open(t, mode(t, "pgx/cache_statement"), pgtest.Sample(t))
	_, schema := generator(t, db, 0)
	o := &generate.Oracle{DB: lying{db}, Schema: schema}
	err := o.Partition(t.Context(), []byte(`{"operation":"query","table":"users","filters":{"id":{"lt":5}}}`))
	var finding *generate.FindingError
	if !errors.As(err, &finding) || finding.Oracle != "partition" {
		t.Errorf("a row that is lost from NOT gave %v", err)
	}
}

// TestOraclesKnowTheirLimits: what a trigger, a policy or a random value decides is no
// contradiction, and what was not asked is not said to agree.
func TestOraclesKnowTheirLimits(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table plain (id int8 primary key, v text)`, `insert into plain select i, 'v' || i from generate_series(1, 20) i`,
		`create table kept (id int8 primary key, v text)`, `insert into kept select i, 'v' || i from generate_series(1, 20) i`,
		`create function keep() returns trigger language plpgsql as $$ begin return null; end $$`,
		`create trigger keep before delete on kept for each row execute function keep()`,
		`create table own (id int8 primary key, v text)`, `insert into own select i, 'v' || i from generate_series(1, 20) i`,
		`alter table own enable row level security`, `create policy p on own for select using (true)`,
		`create table held (id int8 primary key)`, `create table holds (id int8 primary key references held)`, `insert into held values (1)`, `insert into holds values (1)`,
		`create view dice as select id, random() as n from plain`)
	db := open(t, mode(t, "pq/default"), dsn)
	_, schema := generator(t, db, 0)
	o := &generate.Oracle{DB: db, Schema: schema}
	for _, tc := range []struct {
		table                string
		partition, predicate error
	}{
		{"plain", nil, nil},
		{"kept", nil, generate.ErrNotAsked},
		{"own", nil, generate.ErrNotAsked},
		{"held", nil, generate.ErrNotAsked},
		{"dice", generate.ErrNotAsked, generate.ErrNotAsked},
	} {
		definition := []byte(`{"operation":"query","table":"` + tc.table + `","filters":{"id":{"lt":9}}}`)
		if err := o.Partition(t.Context(), definition); !errors.Is(err, tc.partition) {
			t.Errorf("partition of %s: %v, want %v", tc.table, err, tc.partition)
		}
		if err := o.Predicate(t.Context(), definition); !errors.Is(err, tc.predicate) {
			t.Errorf("predicate of %s: %v, want %v", tc.table, err, tc.predicate)
		}
	}
	if err := o.Partition(t.Context(), []byte(`{"operation":"query","table":"plain"}`)); !errors.Is(err, generate.ErrNotAsked) {
		t.Errorf("without a filter: %v", err)
	}
}

// TestPredicateReadsOneSnapshot: rows that others add between its statements are none of
// its business.
func TestPredicateReadsOneSnapshot(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int8 primary key, v text)`, `insert into t select i, 'v' || i from generate_series(1, 20) i`)
	db := open(t, mode(t, "pgx/cache_statement"), dsn)
	_, schema := generator(t, db, 0)
	n := 100
	o := &generate.Oracle{Schema: schema, DB: busy{db, func() { n++; pgtest.Exec(t, dsn, fmt.Sprintf("insert into t values (%d)", n)) }}}
	if err := o.Predicate(t.Context(), []byte(`{"operation":"query","table":"t","filters":{"id":{"gt":9}}}`)); err != nil {
		t.Error(err)
	}
}

// busy writes after each query.
type busy struct {
	executor.Runner
	write func()
}

func (b busy) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	rows, err := b.Runner.Query(ctx, s)
	b.write()
	return rows, err
}

func (b busy) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	return b.Runner.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error { return fn(ctx, busy{tx, b.write}) })
}

// TestNamesOfAggregates: a column may have the name that a count is given.
func TestNamesOfAggregates(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (n int8 primary key, a0 text, r0 int8 references t, "N" int4)`)
	db := open(t, mode(t, "pq/default"), dsn)
	g, schema := generator(t, db, 0)
	for seed := range uint64(400) {
		request, err := schema.Parse(g.Example(seed))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := builder.Build(schema, &request.Definitions[0]); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
