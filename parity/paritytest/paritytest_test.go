package paritytest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/paritytest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const schema = `
create table orders (id int8 generated always as identity primary key, customer text not null, total numeric(10,2) not null, at timestamptz not null default now());
insert into orders (customer, total) values ('Ann', 10), ('Bob', 20.50);`

func database(t testing.TB) string {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, schema)
	return dsn
}

// drivers are the bare drivers, found by what the backends open.
func drivers(t testing.TB) (control, candidate driver.Driver) {
	t.Helper()
	dsn := os.Getenv("NO_SUCH_VARIABLE")
	a, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	b, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = a.Close(), b.Close() }()
	return a.Driver(), b.Driver()
}

// TestExecute is what a user writes.
func TestExecute(t *testing.T) {
	t.Parallel()
	db := paritytest.Open(t, database(t), pq.New(), pgx.New())
	for _, tc := range []struct{ definition, want string }{
		{`{"type":"insert","table":"orders","input":{"customer":"Cy","total":"5"},"return_fields":["id","total"]}`, `{"data":{"id":3,"total":5.00},"errors":null}`},
		{`{"operation":"query","table":"orders","fields":["id","customer"],"filters":{"total":{"gt":6}},"sort":[{"field":"id","direction":"ASC"}]}`, `{"data":[{"id":1,"customer":"Ann"},{"id":2,"customer":"Bob"}],"errors":null}`},
	} {
		if got := strings.TrimSpace(db.Execute(tc.definition)); got != tc.want {
			t.Errorf("%s\ngave %s\nwant %s", tc.definition, got, tc.want)
		}
	}
	if got := db.Execute(`{"operation":"query","table":"no"}`); !strings.Contains(got, "BAD_USER_INPUT") {
		t.Errorf("an unknown table gave %s", got)
	}
}

// TestSQL: code that takes a *sql.DB.
func TestSQL(t *testing.T) {
	t.Parallel()
	control, candidate := drivers(t)
	pool := paritytest.SQL(t, database(t), control, candidate)
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	if err := tx.QueryRowContext(t.Context(), `insert into orders (customer, total) values ($1, $2) returning id`, "Di", "7.25").Scan(&id); err != nil || id != 3 {
		t.Fatalf("id %d, %v", id, err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.QueryContext(t.Context(), `select customer, total from orders order by id`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// watcher is a testing.TB that keeps what a test says, so that its failure can be
// looked at. Its cleanups run when it is told to end.
type watcher struct {
	testing.TB
	mu    sync.Mutex
	said  []string
	after []func()
}

func (w *watcher) say(s string) { w.mu.Lock(); w.said = append(w.said, s); w.mu.Unlock() }

func (w *watcher) Errorf(format string, args ...any) { w.say(fmt.Sprintf(format, args...)) }
func (w *watcher) Error(args ...any)                 { w.say(fmt.Sprint(args...)) }
func (w *watcher) Logf(format string, args ...any)   { w.say(fmt.Sprintf(format, args...)) }
func (w *watcher) Fatal(args ...any)                 { w.say(fmt.Sprint(args...)); runtime.Goexit() }
func (w *watcher) Cleanup(f func())                  { w.after = append(w.after, f) }

func (w *watcher) end() string {
	for i := range w.after {
		w.after[len(w.after)-1-i]()
	}
	return strings.Join(w.said, "\n")
}

// liar gives the candidate another database's worth of data: its statements are changed.
type liar struct{ backend.Backend }

func (l liar) QueryWire(ctx context.Context, conn *sql.Conn, query string, args []any) (backend.WireRows, error) {
	if strings.HasPrefix(query, "SELECT") {
		query = strings.ReplaceAll(query, `"t0"."customer"`, `upper("t0"."customer") as "customer"`)
	}
	if strings.HasPrefix(query, "UPDATE") {
		query = strings.Replace(query, "SET", `SET "total" = "t0"."total" + 1,`, 1)
	}
	return l.Backend.(backend.WireQuerier).QueryWire(ctx, conn, query, args)
}

// TestFailureIsReadable: a difference shows its values, and the state at the end is
// compared too.
func TestFailureIsReadable(t *testing.T) {
	t.Parallel()
	w := &watcher{TB: t}
	db := paritytest.Open(w, database(t), pq.New(), liar{pgx.New()})
	db.Execute(`{"operation":"query","table":"orders","fields":["id","customer"],"filters":{"id":{"eq":1}}}`)
	db.Execute(`{"type":"update","table":"orders","input":{"customer":"Eve"},"filters":{"id":{"eq":2}},"return_fields":["id","customer"]}`)
	said := w.end()
	for _, want := range []string{"query orders: mismatch (- pq/default, + pgx", `"Ann"`, `"ANN"`, "value in public.orders", "- total=20.50", "+ total=21.50"} {
		if !strings.Contains(said, want) {
			t.Errorf("the failure does not say %q:\n%s", want, said)
		}
	}
}

// TestNothingCompared: a test that compared nothing proves nothing.
func TestNothingCompared(t *testing.T) {
	t.Parallel()
	w := &watcher{TB: t}
	paritytest.Open(w, database(t), pq.New(), pgx.New())
	if said := w.end(); !strings.Contains(said, "nothing was compared") {
		t.Errorf("an empty test said %q", said)
	}
}

// TestRefusedIsSaid: where all was refused before any SQL, the failure says so.
func TestRefusedIsSaid(t *testing.T) {
	t.Parallel()
	w := &watcher{TB: t}
	paritytest.Open(w, database(t), pq.New(), pgx.New()).Execute(`{"operation":"query","table":"order"}`)
	if said := w.end(); !strings.Contains(said, `"order"`) || !strings.Contains(said, "nothing was compared") {
		t.Errorf("a table that is mistyped said %q", said)
	}
}

// TestNil: what is missing is named.
func TestNil(t *testing.T) {
	t.Parallel()
	control, _ := drivers(t)
	for want, open := range map[string]func(*watcher){
		"a backend is nil": func(w *watcher) { paritytest.Open(w, "", pq.New(), nil) },
		"a driver is nil":  func(w *watcher) { paritytest.SQL(w, "", control, nil) },
	} {
		w := &watcher{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			open(w)
		}()
		<-done
		if said := w.end(); !strings.Contains(said, want) {
			t.Errorf("it said %q, want %q", said, want)
		}
	}
}
