package executor_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// behind is a DB that reaches dsn through a proxy that can break connections.
func behind(t *testing.T, b backend.Backend, dsn string) (*executor.DB, *faultproxy.Proxy) {
	t.Helper()
	cfg := config(t, dsn)
	h := cfg.Hosts[0]
	network, address := "tcp", fmt.Sprintf("%s:%d", h.Name, h.Port)
	if strings.HasPrefix(h.Name, "/") {
		network, address = "unix", fmt.Sprintf("%s/.s.PGSQL.%d", h.Name, h.Port)
	}
	proxy, err := faultproxy.Start(network, address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Hosts = []backend.Host{{Name: proxy.Host(), Port: uint16(proxy.Port()), Password: h.Password}}
	cfg.TLS = backend.TLS{Mode: "disable"}
	db, err := executor.Open(t.Context(), b, cfg, executor.WithMaxConns(2), executor.WithMinIdle(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, proxy
}

// A commit whose answer is lost is stored at most once and is told as unknown.
func TestLostCommitIsUnknownAndNotRepeated(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := wordsDB(t)
		pgtest.Exec(t, dsn, "alter table words drop constraint words_word_key")
		db, proxy := behind(t, b, dsn)
		for _, cut := range []faultproxy.Cut{faultproxy.FIN, faultproxy.RST} {
			for _, how := range []string{"exec", "query", "tx"} {
				word := fmt.Sprint(how, "-", cut)
				armed := proxy.Arm(faultproxy.Fault{When: faultproxy.AtCommitted(), How: cut})
				runs := 0
				var err error
				switch how {
				case "exec":
					err = put(t.Context(), db, word)
				case "query":
					_, err = db.Query(t.Context(), write("insert into words (word) values ($1) returning n", word))
				case "tx":
					err = db.InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
						runs++
						return put(ctx, r, word)
					})
				}
				if !armed.Struck() {
					t.Fatalf("%s: the fault never came; error %v", word, err)
				}
				if backend.CodeOf(err) != backend.CodeCommitUnknown || runs > 1 {
					t.Errorf("%s: code %v after %d runs: %v", word, backend.CodeOf(err), runs, err)
				}
				if n := value(t, db, read("select count(*) from words where word = $1", word)); n != "1" {
					t.Errorf("%s: the server committed once, %s rows are there", word, n)
				}
			}
		}
	})
}

// A connection that is lost before the commit stores nothing, and the write is
// not repeated.
func TestLostStatementIsNotRepeated(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db, proxy := behind(t, b, wordsDB(t))
		for _, cut := range []faultproxy.Cut{faultproxy.FIN, faultproxy.RST} {
			armed := proxy.Arm(faultproxy.Fault{When: faultproxy.AtComplete("INSERT"), How: cut})
			runs := 0
			err := db.InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
				runs++
				return put(ctx, r, "a")
			})
			if !armed.Struck() || backend.CodeOf(err) != backend.CodeServiceUnavailable || runs != 1 {
				t.Errorf("%v: struck %t, %d runs, code %v: %v", cut, armed.Struck(), runs, backend.CodeOf(err), err)
			}
		}
		if got := words(t, db); got != "" {
			t.Errorf("%q is stored", got)
		}
	})
}

// A pool whose connections died while idle, as after a restart, serves the next
// read and the next write as if nothing had happened.
func TestDeadIdleConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db, proxy := behind(t, b, wordsDB(t))
		for i, cut := range []faultproxy.Cut{faultproxy.FIN, faultproxy.RST} {
			if got := value(t, db, read("select 1")); got != "1" {
				t.Fatal(got)
			}
			proxy.Cut(cut)
			if got := value(t, db, read("select 2")); got != "2" {
				t.Errorf("read: %s", got)
			}
			proxy.Cut(cut)
			if err := put(t.Context(), db, fmt.Sprint(i)); err != nil {
				t.Errorf("write after %v: %v", cut, err)
			}
		}
		if got := words(t, db); got != "0 1" {
			t.Errorf("stored: %q", got)
		}
	})
}

// Backends that are terminated while they run, or inside a transaction.
func TestKilledBackend(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := wordsDB(t)
		db := open(t, b, dsn)
		admin := pgtest.Open(t, dsn)
		kill := func(pid string) {
			if _, err := admin.ExecContext(t.Context(), "select pg_terminate_backend("+pid+", 5000)"); err != nil {
				t.Error(err)
			}
		}
		err := db.InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
			if err := put(ctx, r, "a"); err != nil {
				return err
			}
			kill(value(t, r, read("select pg_backend_pid()")))
			return put(ctx, r, "b")
		})
		if backend.CodeOf(err) != backend.CodeServiceUnavailable {
			t.Errorf("in a transaction: %v", err)
		}
		rows, err := db.Query(t.Context(), read("select pg_backend_pid() from generate_series(1, 10000) a, generate_series(1, 1000) b"))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; rows.Next(); n++ {
			if n == 0 {
				v, err := executorValue(rows)
				if err != nil {
					t.Fatal(err)
				}
				kill(v)
			}
		}
		if err := rows.Close(); backend.CodeOf(err) != backend.CodeServiceUnavailable {
			t.Errorf("while rows are read: %v", err)
		}
		if got := words(t, db); got != "" || db.Stats().InUse != 0 {
			t.Errorf("%q is stored, %d connections in use", got, db.Stats().InUse)
		}
	})
}

func executorValue(rows *executor.Rows) (string, error) {
	v, err := rows.Columns()[0].Type.AppendText(nil, rows.Values()[0], rows.Formats()[0])
	return string(v), err
}

// Two transactions that read and write what the other does: one is refused by
// the server and runs again.
func TestSerializationFailureIsRetried(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table counter (id int primary key, n int8); insert into counter values (1, 0), (2, 0)")
		db := open(t, b, dsn)
		const workers = 4
		var runs atomic.Int64
		var first sync.WaitGroup // all have read before one writes: a conflict for sure
		first.Add(workers)
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				once := sync.OnceFunc(func() { first.Done(); first.Wait() })
				err := db.InTx(t.Context(), &executor.TxOptions{Isolation: sql.LevelRepeatableRead}, func(ctx context.Context, r executor.Runner) error {
					runs.Add(1)
					_ = value(t, r, read("select n from counter where id = 1"))
					once()
					_, err := r.Exec(ctx, write("update counter set n = n + 1 where id = 1"))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := value(t, db, read("select n from counter where id = 1")); got != "4" || runs.Load() <= workers {
			t.Errorf("counted to %s in %d runs", got, runs.Load())
		}
	})
}

func TestDeadlockIsRetried(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table counter (id int primary key, n int8); insert into counter values (1, 0), (2, 0)")
		db := open(t, b, dsn)
		var runs atomic.Int64
		var locked, wg sync.WaitGroup
		locked.Add(2)
		for _, order := range [][2]string{{"1", "2"}, {"2", "1"}} {
			wg.Go(func() {
				once := sync.OnceFunc(func() { locked.Done(); locked.Wait() })
				err := db.InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
					runs.Add(1)
					if _, err := r.Exec(ctx, write("set local deadlock_timeout = '10ms'")); err != nil {
						return err
					}
					for _, id := range order {
						if _, err := r.Exec(ctx, write("update counter set n = n + 1 where id = $1::int", id)); err != nil {
							return err
						}
						once()
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := value(t, db, read("select sum(n)::int8 from counter")); got != "4" || runs.Load() < 3 {
			t.Errorf("counted to %s in %d runs", got, runs.Load())
		}
	})
}

// With no retries left the conflict is the caller's.
func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	db := open(t, modes()[0], pgtest.DB(t), executor.WithRetries(2))
	runs := 0
	err := db.InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
		runs++
		_, err := r.Exec(ctx, write("do $$ begin raise sqlstate '40001'; end $$"))
		return err
	})
	if backend.CodeOf(err) != backend.CodeConflict || runs != 3 {
		t.Errorf("%d runs: %v", runs, err)
	}
}

// A cached statement that the schema has outdated, met inside a transaction.
func TestStaleStatementIsRetried(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (a int); insert into t values (1)")
		db := open(t, b, dsn, executor.WithMaxConns(1))
		get := func() (string, error) {
			var got string
			err := db.InTx(t.Context(), &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, r executor.Runner) error {
				rows, err := r.Query(ctx, read("select * from t"))
				if err != nil {
					return err
				}
				got = ""
				for row, err := range rows.All() {
					if err != nil {
						return err
					}
					var js []byte
					if js, err = row.AppendJSON(js); err != nil {
						return err
					}
					got += string(js)
				}
				return nil
			})
			return got, err
		}
		for i, want := range []string{`{"a":1}`, `{"a":1,"b":2}`, `{"a":1,"b":2,"c":3}`} {
			for range 3 {
				got, err := get()
				if err != nil || got != want {
					t.Errorf("got %s, %v; want %s", got, err, want)
				}
			}
			pgtest.Exec(t, dsn, fmt.Sprintf("alter table t add %c int default %d", 'b'+i, i+2))
		}
	})
}
