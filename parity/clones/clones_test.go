package clones_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/clones"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// schema has what a write can set off elsewhere.
const schema = `
create table customers (id uuid primary key default gen_random_uuid(), name text not null unique, created_at timestamptz not null default now(), updated_at timestamptz);
create table orders (
  id int8 generated always as identity primary key,
  customer_id uuid not null references customers on delete cascade deferrable initially deferred,
  total numeric(10,2) not null default 0, doubled numeric generated always as (total * 2) stored, note text);
create table lines (order_id int8 not null references orders on delete cascade, n int not null, what text, primary key (order_id, n));
create table audit (at timestamptz not null default clock_timestamp(), what text not null);
create sequence loose;
create function touch() returns trigger language plpgsql as $$ begin new.updated_at := now(); return new; end $$;
create trigger touch before update on customers for each row execute function touch();
create function tell() returns trigger language plpgsql as $$ begin
  insert into audit (what) values (tg_op || ' ' || coalesce(new.note, old.note, '-')); perform nextval('loose'); return null; end $$;
create trigger tell after insert or update or delete on orders for each row execute function tell();
insert into customers (id, name, created_at) values ('00000000-0000-4000-8000-000000000001', 'old', '2020-01-01');
insert into orders (customer_id, total, note) values ('00000000-0000-4000-8000-000000000001', 10, 'first'), ('00000000-0000-4000-8000-000000000001', 20, 'second');
insert into lines values (1, 1, 'a'), (2, 1, 'b');`

// bench is two clones under a comparing Runner.
type bench struct {
	*parity.Runner
	harness *parity.Harness
	reports []parity.Report
	schema  *builder.Schema
	pools   [2]*sql.DB // both of one backend
	began   time.Time
}

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

func newBench(t testing.TB, control, candidate backend.Backend) *bench {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, schema)
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	pair, err := clones.Make(t.Context(), control, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pair.Drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b := &bench{began: time.Now()}
	var dbs [2]*executor.DB
	for i, side := range []struct {
		b   backend.Backend
		cfg backend.Config
	}{{control, pair.Control}, {candidate, pair.Candidate}} {
		if dbs[i], err = executor.Open(t.Context(), side.b, side.cfg, executor.WithMinIdle(0)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = dbs[i].Close() })
		connector, err := control.Connector(side.cfg)
		if err != nil {
			t.Fatal(err)
		}
		b.pools[i] = sql.OpenDB(connector)
		t.Cleanup(func() { _ = b.pools[i].Close() })
	}
	b.harness = parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) { b.reports = append(b.reports, r) })))
	b.Runner = parity.NewSeparateRunner(b.harness, dbs[0], dbs[1])
	cat, err := catalog.Load(t.Context(), dbs[0].Pool())
	if err != nil {
		t.Fatal(err)
	}
	if b.schema, err = builder.NewSchema(cat, builder.SchemaOptions{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// execute runs a definition and returns its answer.
func (b *bench) execute(t testing.TB, definition string) (string, error) {
	t.Helper()
	def, err := builder.ParseDefinition([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	err = executor.Execute(t.Context(), b.Runner, b.schema, def, &w)
	return w.String(), err
}

func (b *bench) diff(t testing.TB, o ...clones.Option) *clones.State {
	t.Helper()
	s, err := clones.Diff(t.Context(), b.pools[0], b.pools[1], append([]clones.Option{clones.Since(b.began)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exec changes the candidate's database behind the harness's back.
func (b *bench) exec(t testing.TB, statement string) {
	t.Helper()
	for one := range strings.SplitSeq(statement, "; ") {
		if _, err := b.pools[1].ExecContext(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
}

// work writes in all the ways there are.
func (b *bench) work(t testing.TB) {
	t.Helper()
	answer, err := b.execute(t, `{"type":"insert","table":"customers","input":[{"name":"Ann"},{"name":"Bob"}],"return_fields":["id","name","created_at"]}`)
	if err != nil {
		t.Fatal(err)
	}
	_, id, _ := strings.Cut(answer, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	for _, d := range []string{
		fmt.Sprintf(`{"type":"insert","table":"orders","input":{"customer_id":%q,"total":"5.5","note":"new"},"return_fields":["id","customer_id","doubled"]}`, id),
		fmt.Sprintf(`{"type":"update","table":"customers","input":{"name":"Anna"},"filters":{"id":{"eq":%q}},"return_fields":["id","name","updated_at"]}`, id),
		`{"type":"delete","table":"orders","filters":{"id":{"eq":1}},"return_fields":null}`,
		fmt.Sprintf(`{"operation":"query","table":"customers","fields":["id","name","created_at","updated_at"],"filters":{"id":{"eq":%q}}}`, id),
		`{"operation":"query","table":"orders","fields":["id","customer_id","note"],"sort":[{"field":"id","direction":"ASC"}]}`,
	} {
		if _, err := b.execute(t, d); err != nil {
			t.Fatalf("%s: %v", d, err)
		}
	}
	if _, err := b.execute(t, `{"type":"insert","table":"orders","input":{"customer_id":"00000000-0000-4000-8000-00000000ffff"},"return_fields":["id"]}`); backend.SQLStateOf(err) != "23503" {
		t.Fatalf("a deferred constraint gave %v, want 23503 from both commits", err)
	}
}

// TestBothCommit: everything is equal, by rules that are counted, in every mode.
func TestBothCommit(t *testing.T) {
	t.Parallel()
	for _, candidate := range all.Modes(codec.HasBinary) {
		for _, swapped := range []bool{false, true} {
			if swapped && backend.ModeOf(candidate) != "pgx/cache_statement" {
				continue
			}
			t.Run(fmt.Sprintf("%s swapped=%v", backend.ModeOf(candidate), swapped), func(t *testing.T) {
				t.Parallel()
				control, candidate := mode(t, "pq/default"), candidate
				if swapped {
					control, candidate = candidate, control
				}
				b := newBench(t, control, candidate)
				b.work(t)
				for _, r := range b.reports {
					if !r.Verdict.Pass() {
						t.Errorf("%s: %v %s %v", r.Operation, r.Verdict, r.Reason, r.Diffs)
					}
				}
				s := b.diff(t)
				if r := s.Report(); r.Verdict != parity.EqualByRule || s.Tables != 4 || s.Sequences != 2 {
					t.Errorf("the state is %v %s %v, %d tables, %d sequences; want equal by rule, 4, 2", r.Verdict, r.Reason, r.Diffs, s.Tables, s.Sequences)
				}
				if s.Rules[parity.RuleVolatile] < 3 || s.Rules[parity.RuleRunTime] < 3 {
					t.Errorf("rules %v, want keys (two customers, one order) and moments", s.Rules)
				}
			})
		}
	}
}

// TestStateLies: what a driver could do to the data without a word is found.
func TestStateLies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, lie, where, want string }{
		{"a write twice", `insert into lines values (2, 2, 'b')`, "public.lines", "extra"},
		{"a trigger's write lost", `delete from audit where what like 'INSERT new'`, "public.audit", "missing"},
		{"a cascade that did not happen", `alter table lines drop constraint lines_order_id_fkey; insert into lines values (1, 1, 'a')`, "public.lines", "extra"},
		{"a value", `update lines set what = 'B' where n = 1 and order_id = 2`, "public.lines", "value"},
		{"NULL for empty", `update orders set note = null where note = 'second'`, "public.orders", "value"},
		{"another parent", `update orders set customer_id = (select id from customers where name = 'Bob') where note = 'new'`, "public.orders", "value"},
		{"an old moment", `alter table customers disable trigger touch; update customers set created_at = '2021-01-01' where name = 'Bob'`, "public.customers", "missing"},
		{"a row lost", `delete from customers where name = 'Bob'`, "public.customers", "missing"},
		{"a sequence", `select nextval('loose')`, "public.loose", "sequence"},
		{"a table", `create table more ()`, "public.more", "table"},
		{"a column", `alter table lines add x int`, "public.lines", "table"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, mode(t, "pq/default"), mode(t, "pgx/cache_statement"))
			b.work(t)
			b.exec(t, tc.lie)
			s := b.diff(t)
			if s.Report().Verdict != parity.Mismatch || len(s.Diffs) == 0 {
				t.Fatalf("verdict %v, want a mismatch", s.Report().Verdict)
			}
			for _, d := range s.Diffs {
				if d.Statement == tc.where && string(d.Kind) == tc.want {
					return
				}
			}
			t.Errorf("differences %v, want %s of %s", s.Diffs, tc.want, tc.where)
		})
	}
}

// TestRandomKeysSwapped: rows that differ in more than what the database made are
// matched by the rest, not by their place.
func TestRandomKeysSwapped(t *testing.T) {
	t.Parallel()
	b := newBench(t, mode(t, "pq/default"), mode(t, "pgx/exec"))
	for i, pool := range b.pools {
		for j := range 20 {
			n := j
			if i == 1 {
				n = 19 - j // the other way round: sequences give other numbers
			}
			if _, err := pool.ExecContext(t.Context(), `with c as (insert into customers (name) values ($1) returning id) insert into orders (customer_id, note) select id, $1 from c`, fmt.Sprint("c", n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := b.diff(t)
	if r := s.Report(); r.Verdict != parity.EqualByRule {
		t.Errorf("verdict %v: %v", r.Verdict, r.Diffs)
	}
}

// TestMakeRefuses: what is wrong is told in the user's words, and nothing is left.
func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgtest.Open(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = clones.Make(t.Context(), mode(t, "pgx/exec"), cfg)
	if err == nil || !strings.Contains(err.Error(), "has to be left alone while it is cloned") {
		t.Errorf("a template in use gave %v", err)
	}
	cfg.Database = ""
	if _, err := clones.Make(t.Context(), mode(t, "pgx/exec"), cfg); backend.CodeOf(err) != backend.CodeConfiguration {
		t.Errorf("no database gave %v", err)
	}
}

// TestLimits: what was not compared is told, and is no pass.
func TestLimits(t *testing.T) {
	t.Parallel()
	b := newBench(t, mode(t, "pq/default"), mode(t, "pgx/exec"))
	b.exec(t, `insert into lines select 2, i, repeat('x', 100) from generate_series(10, 200) i`)
	if r := b.diff(t, clones.WithMaxBytes(2000)).Report(); r.Verdict != parity.Inconclusive || !strings.Contains(r.Reason, "public.lines") {
		t.Errorf("verdict %v, %s; want inconclusive, public.lines", r.Verdict, r.Reason)
	}
	if r := b.diff(t, clones.Without("public.lines")).Report(); r.Verdict != parity.Inconclusive {
		t.Errorf("verdict %v with a table left out, want inconclusive", r.Verdict)
	}
	if s := b.diff(t, clones.WithMaxDiffs(5)); len(s.Diffs) != 5 || s.Dropped != 186 {
		t.Errorf("%d differences and %d dropped, want 5 and 186", len(s.Diffs), s.Dropped)
	}
}
