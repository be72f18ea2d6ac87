package catalog_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestCollisions(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn,
		`CREATE TABLE a (user_id2 int, user_id_2 int, "userId2" int, fine int)`,
		`CREATE TABLE b (phone1 int, phone_1 int primary key)`, `CREATE TABLE c (phone_1 int)`)
	_, err := catalog.Load(t.Context(), open(t, pq.New(), dsn))
	want := `table public.a: columns "user_id2" and "user_id_2" have one JSON name "userId2": rename one of them
table public.a: columns "user_id2" and "userId2" have one JSON name "userId2": rename one of them
table public.b: columns "phone1" and "phone_1" have one JSON name "phone1": rename one of them`
	if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
		t.Error(d)
	}
	var e *catalog.CollisionError
	if !errors.As(err, &e) || e.Table != "a" {
		t.Errorf("%v is no CollisionError", err)
	}
	// Who would rather go on without has the first of each, and a list.
	c, err := catalog.Load(t.Context(), open(t, pgx.New(), dsn), catalog.WithoutCollisions())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for c := range c.Tables() {
		for _, c := range c.Columns {
			names = append(names, c.Table.Name+"."+c.Name)
		}
	}
	if d := cmp.Diff([]string{"a.user_id2", "a.fine", "b.phone1", "c.phone_1"}, names); d != "" {
		t.Error(d)
	}
	var lines []string
	for _, e := range c.Collisions() {
		lines = append(lines, e.Error())
	}
	if d := cmp.Diff(want, strings.Join(lines, "\n")); d != "" {
		t.Error(d)
	}
	if k := table(t, c, "b").PrimaryKey; k != nil {
		t.Errorf("a key of what is left out: %v", k)
	}
	// A column that the role cannot use cannot be meant.
	c = load(t, as(t, pgx.New(), dsn, "GRANT SELECT (user_id2, fine) ON a TO ROLE"))
	if n := len(table(t, c, "a").Columns); n != 2 {
		t.Errorf("%d columns", n)
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE TABLE one (id int)`)
	db := open(t, pgx.New(), dsn)
	s, err := catalog.OpenStore(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	first := s.Catalog()
	if err := s.Reload(t.Context()); err != nil || s.Catalog() != first {
		t.Errorf("nothing has changed, so the Catalog stays: %v", err)
	}
	pgtest.Exec(t, dsn, `ALTER TABLE one ADD COLUMN more text`)
	if err := s.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := s.Catalog()
	if second.Version() == first.Version() || len(table(t, second, "one").Columns) != 2 || len(table(t, first, "one").Columns) != 1 {
		t.Error("the new Catalog is not there, or the old one has changed")
	}

	// A failed reload keeps what is there.
	pgtest.Exec(t, dsn, `ALTER TABLE one ADD COLUMN a_b int, ADD COLUMN "aB" int`)
	var collision *catalog.CollisionError
	if err := s.Reload(t.Context()); !errors.As(err, &collision) || s.Catalog() != second {
		t.Errorf("collision: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Reload(cancelled); !errors.Is(err, context.Canceled) || s.Catalog() != second {
		t.Errorf("cancelled: %v", err)
	}
	_ = db.Close()
	if err := s.Reload(t.Context()); err == nil || s.Catalog() != second {
		t.Errorf("closed pool: %v", err)
	}
	if _, err := catalog.OpenStore(t.Context(), db); err == nil {
		t.Error("a Store without a Catalog")
	}
}

// held is a Querier that blocks until it is let go.
type held struct {
	catalog.Querier
	entered, release chan struct{}
}

func (h held) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	h.entered <- struct{}{}
	<-h.release
	return nil, errors.New("let go")
}

// Waiting for another Reload ends with the context.
func TestReloadWaits(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	db := open(t, pgx.New(), dsn)
	q := &switching{Querier: db}
	s, err := catalog.OpenStore(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	h := held{entered: make(chan struct{}), release: make(chan struct{})}
	q.Querier = h
	done := make(chan error)
	go func() { done <- s.Reload(context.Background()) }()
	<-h.entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Reload(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting: %v", err)
	}
	if s.Catalog() == nil {
		t.Error("readers go on meanwhile")
	}
	close(h.release)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "let go") {
		t.Errorf("first: %v", err)
	}
}

type switching struct{ catalog.Querier }

// counter counts the statements that Load sends.
type counter struct {
	catalog.Querier
	n int
}

func (c *counter) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	c.n++
	return c.Querier.QueryContext(ctx, q, args...)
}

// many makes n tables with keys, defaults and foreign keys.
func many(t testing.TB, dsn string, n int) {
	t.Helper()
	db := pgtest.Open(t, dsn)
	for from := 1; from <= n; from += 500 {
		_, err := db.ExecContext(t.Context(), fmt.Sprintf(`
DO $$ BEGIN FOR i IN %d..%d LOOP
  EXECUTE format('CREATE TABLE t%%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL DEFAULT ''x'', code varchar(20),
    made_at timestamptz DEFAULT now(), price numeric(10,2), token uuid DEFAULT gen_random_uuid(), parent_id bigint %%s, tags text[])',
    i, CASE WHEN i > 1 THEN 'REFERENCES t' || i - 1 END);
END LOOP; END $$`, from, min(from+499, n)))
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
}

// The number of statements does not depend on the size, and 500 tables are read
// in a fraction of a second (the bound is generous: the machine may be busy).
func TestConstantNumberOfStatements(t *testing.T) {
	t.Parallel()
	count := func(dsn string) (int, *catalog.Catalog) {
		q := &counter{Querier: open(t, pq.New(), dsn)}
		c := load(t, q)
		return q.n, c
	}
	empty, _ := count(pgtest.DB(t))
	dsn := pgtest.DB(t)
	many(t, dsn, 500)
	start := time.Now()
	n, c := count(dsn)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("a load of 500 tables took %v", took)
	}
	if n != empty || n != 9 {
		t.Errorf("%d statements for 500 tables, %d for none, want 9", n, empty)
	}
	t500 := table(t, c, "t500")
	if len(t500.Columns) != 8 || len(t500.ForeignKeys) != 1 || len(table(t, c, "t499").ReferencedBy) != 1 {
		t.Errorf("t500: %+v", t500)
	}
}

// Tables come and go while the catalog is read: each Load sees one moment or
// says why not, and never half a table.
func TestConcurrentDDL(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE TABLE stays (id int PRIMARY KEY)`)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	ddl := pgtest.Open(t, dsn)
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			// One statement each: a moment has all of it or nothing.
			_, err := ddl.ExecContext(context.Background(), fmt.Sprintf(`DO $do$ BEGIN
				CREATE FUNCTION f%[1]d() RETURNS int LANGUAGE sql AS 'SELECT 1';
				CREATE TYPE e%[1]d AS ENUM ('a');
				CREATE TABLE goes%[1]d (id int PRIMARY KEY DEFAULT f%[1]d(), e e%[1]d, ref int REFERENCES stays);
				CREATE UNIQUE INDEX ON goes%[1]d (e) WHERE e = 'a'; END $do$`, i))
			if err == nil {
				_, err = ddl.ExecContext(context.Background(), fmt.Sprintf(`DO $do$ BEGIN
					DROP TABLE goes%[1]d; DROP TYPE e%[1]d; DROP FUNCTION f%[1]d(); END $do$`, i))
			}
			if err != nil {
				t.Errorf("ddl: %v", err)
				return
			}
		}
	})
	for i := range 10 {
		b := []backend.Backend{pq.New(), pgx.New()}[i%2]
		c := load(t, open(t, b, dsn))
		table(t, c, "stays")
		for tab := range c.Tables() {
			if tab.Name == "stays" {
				continue
			}
			if len(tab.Columns) != 3 || tab.PrimaryKey == nil || len(tab.ForeignKeys) != 1 || len(tab.Unique) != 1 || tab.Unique[0].Total() {
				t.Errorf("half a table: %+v", tab)
			}
			if typ, ok := c.Type(tab.Columns[1].Type); !ok || len(typ.Labels) != 1 {
				t.Errorf("half a type: %+v", typ)
			}
		}
	}
	stop()
	wg.Wait()
}

// A caller's transaction is used as it stands, and shows what it has made.
func TestLoadInTx(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	tx, err := open(t, pgx.New(), dsn).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, q := range []string{`CREATE TABLE mine (id int)`, `CREATE TEMP TABLE brief (id int)`} {
		if _, err := tx.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, tx)
	table(t, c, "mine")
	if _, err := c.Table("brief"); err == nil {
		t.Error("a temporary table belongs to one connection")
	}
	if _, err := tx.ExecContext(t.Context(), `INSERT INTO mine VALUES (1)`); err != nil {
		t.Errorf("the transaction is still the caller's: %v", err)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `
		CREATE TYPE mood AS ENUM ('sad', 'ok');
		CREATE DOMAIN positive AS int DEFAULT 1 NOT NULL;
		CREATE TYPE pair AS (a int, b mood);
		CREATE TABLE person (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, full_name text NOT NULL UNIQUE, n positive, boss int REFERENCES person ON DELETE SET NULL);
		CREATE FUNCTION twice(n int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 2 * n'`)
	c := load(t, open(t, pq.New(), dsn))
	got, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(load(t, open(t, pgx.New(), dsn)))
	if err != nil || !bytes.Equal(got, again) {
		t.Errorf("not the same bytes twice: %v", err)
	}
	want := fmt.Sprintf(`{"version":%q,"serverVersion":%d,"searchPath":["public"],"schemas":["public"],`, c.Version(), c.ServerVersion()) +
		`"extensions":[{"name":"plpgsql","version":"1.0","schema":"pg_catalog"}],"tables":[` +
		`{"schema":"public","name":"person","kind":"table","privileges":["select","insert","update","delete"],"columns":[` +
		`{"name":"id","jsonName":"id","type":"integer","notNull":true,"hasDefault":true,"volatileDefault":true,"identity":"by default","privileges":["select","insert","update"]},` +
		`{"name":"full_name","jsonName":"fullName","type":"text","notNull":true,"privileges":["select","insert","update"]},` +
		`{"name":"n","jsonName":"n","type":"\"public\".\"positive\"","baseType":"integer","notNull":true,"hasDefault":true,"default":"1","privileges":["select","insert","update"]},` +
		`{"name":"boss","jsonName":"boss","type":"integer","privileges":["select","insert","update"]}],` +
		`"primaryKey":{"name":"person_pkey","columns":["id"],"constraint":true},` +
		`"unique":[{"name":"person_full_name_key","columns":["full_name"],"constraint":true}],` +
		`"foreignKeys":[{"name":"person_boss_fkey","table":"public.person","columns":["boss"],"refTable":"public.person","refColumns":["id"],"onDelete":"SET NULL","onUpdate":"NO ACTION"}],` +
		`"referencedBy":[{"name":"person_boss_fkey","table":"public.person","columns":["boss"],"refTable":"public.person","refColumns":["id"],"onDelete":"SET NULL","onUpdate":"NO ACTION"}]}],` +
		`"types":[{"schema":"public","name":"mood","kind":"enum","labels":["sad","ok"]},` +
		`{"schema":"public","name":"pair","kind":"composite","fields":[{"name":"a","type":"integer"},{"name":"b","type":"\"public\".\"mood\""}]},` +
		`{"schema":"public","name":"positive","kind":"domain","base":"integer","notNull":true,"default":"1"}],` +
		`"functions":[{"schema":"public","name":"twice","args":[{"name":"n","mode":"in","type":"integer","hasDefault":true,"default":"1"}],"returns":"integer","volatility":"immutable","strict":true}]}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

// BenchmarkLoad reads 10,000 tables of 8 columns. Bound: 2 s.
func BenchmarkLoad(b *testing.B) {
	dsn := pgtest.DB(b)
	many(b, dsn, 10_000)
	for _, back := range []backend.Backend{pq.New(), pgx.New()} {
		b.Run(back.Name(), func(b *testing.B) {
			db := open(b, back, dsn)
			b.ReportAllocs()
			for b.Loop() {
				load(b, db)
			}
		})
	}
}

func BenchmarkTable(b *testing.B) {
	dsn := pgtest.DB(b)
	many(b, dsn, 500)
	c := load(b, open(b, pgx.New(), dsn))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Table("t250"); err != nil {
			b.Fatal(err)
		}
	}
}
