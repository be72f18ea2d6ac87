package suite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

func contextBefore(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	exec(t, db, "create table t (a int)")
	c := hold(t, db)
	for _, k := range endings {
		ctx, cancel := k.make(0)
		<-ctx.Done()
		_, err := query(ctx, b, c, "insert into t values (1)")
		if backend.CodeOf(err) != k.code || !errors.Is(err, k.is) {
			t.Errorf("%s: %v", k.name, err)
		}
		cancel()
	}
	if got := one(t, c, "select count(*)::text from t"); got != "0" {
		t.Errorf("%s rows were inserted under an ended context", got)
	}
}

// endings are the two ways in which a context ends.
var endings = []struct {
	name string
	make func(time.Duration) (context.Context, context.CancelFunc)
	is   error
	code backend.Code
}{
	{"deadline", func(d time.Duration) (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), d)
	}, context.DeadlineExceeded, backend.CodeTimeout},
	{"cancel", func(d time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(context.Background())
		if d == 0 {
			cancel()
		} else {
			time.AfterFunc(d, cancel)
		}
		return ctx, cancel
	}, context.Canceled, backend.CodeCanceled},
}

func contextDuring(t *testing.T, b backend.Backend) {
	db, dsn := fresh(t, b)
	for _, k := range endings {
		for _, way := range []string{"wire", "exec", "query", "wire in a transaction"} {
			c, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			rollback := func() error { return nil }
			if way == "wire in a transaction" {
				tx, err := c.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				rollback = tx.Rollback
			}
			ctx, cancel := k.make(100 * time.Millisecond)
			start := time.Now()
			switch way {
			case "exec":
				_, err = c.ExecContext(ctx, "select pg_sleep(30)")
			case "query":
				r, e := c.QueryContext(ctx, "select pg_sleep(30)")
				if err = e; e == nil {
					for r.Next() {
						continue
					}
					err = errors.Join(r.Err(), r.Close())
				}
			default:
				_, err = texts(ctx, b, c, "select pg_sleep(30)")
			}
			cancel()
			err = backend.Wrap(b, way, err)
			if backend.CodeOf(err) != k.code || !errors.Is(err, k.is) || backend.SQLStateOf(err) != "" {
				t.Errorf("%s, %s: %v %q %v", k.name, way, backend.CodeOf(err), backend.SQLStateOf(err), err)
			}
			if took := time.Since(start); took > 1500*time.Millisecond {
				t.Errorf("%s, %s: took %v", k.name, way, took)
			}
			_, _ = rollback(), c.Close()
		}
	}
	// The server has stopped too, and the pool is usable.
	watch := Open(t, b, Config(t, dsn))
	deadline := time.Now().Add(5 * time.Second)
	for one(t, watch, "select count(*)::text from pg_stat_activity where datname = current_database() and query like '%pg_sleep(30)%' and state = 'active' and pid <> pg_backend_pid()") != "0" {
		if time.Now().After(deadline) {
			t.Fatal("the statement still runs at the server")
		}
		if _, err := watch.ExecContext(t.Context(), "select pg_sleep(0.02)"); err != nil {
			t.Fatal(err)
		}
	}
	if got := one(t, db, "select 'usable'"); got != "usable" {
		t.Error(got)
	}
	// statement_timeout is the server's own, with its SQLSTATE.
	c := hold(t, db)
	exec(t, c, "set statement_timeout = '50ms'")
	_, err := texts(t.Context(), b, c, "select pg_sleep(30)")
	if backend.CodeOf(err) != backend.CodeTimeout || backend.SQLStateOf(err) != "57014" {
		t.Errorf("statement_timeout: %v", err)
	}
}

// contextInTx ends the context of a transaction while its rows are read:
// database/sql rolls back from a goroutine of its own.
func contextInTx(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	db.SetMaxOpenConns(1)
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := query(ctx, b, c, "select g from generate_series(1, 100000) g")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			if n++; n == 1000 {
				cancel()
			}
		}
		// The whole result may have been read before the end of the context was noticed.
		if err := rows.Close(); backend.CodeOf(err) == backend.CodeInternal || (err == nil && n < 100000) {
			t.Errorf("after %d rows: %v", n, err)
		}
		_ = tx.Rollback()
		_ = c.Close()
		cancel()
	}
	if got := one(t, db, "select 'usable'"); got != "usable" {
		t.Error(got)
	}
}

func killedIdle(t *testing.T, b backend.Backend) {
	db, dsn := fresh(t, b)
	db.SetMaxOpenConns(1)
	admin := Open(t, b, Config(t, dsn))
	kill := func(pid string) {
		t.Helper()
		if got := one(t, admin, "select pg_terminate_backend($1::int, 5000)::text", pid); got != "true" {
			t.Fatal("not killed")
		}
	}
	// On a held connection the caller is told, with the same code on every backend.
	c := hold(t, db)
	kill(one(t, c, "select pg_backend_pid()"))
	_, err := texts(t.Context(), b, c, "select 1")
	if backend.CodeOf(err) != backend.CodeServiceUnavailable {
		t.Errorf("statement: %v", err)
	}
	_ = c.Close()
	// A transaction of the pool begins anew: BEGIN has no effect that could be doubled.
	kill(one(t, db, "select pg_backend_pid()"))
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}

func killedRunning(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	exec(t, db, "create sequence runs")
	const suicide = "select nextval('runs'), pg_terminate_backend(pg_backend_pid()), pg_sleep(5)"
	for i, run := range []func() error{
		func() error { _, err := db.ExecContext(t.Context(), suicide); return err },
		func() error {
			r, err := db.QueryContext(t.Context(), suicide)
			if err == nil {
				for r.Next() {
					continue
				}
				err = errors.Join(r.Err(), r.Close())
			}
			return err
		},
		func() error {
			c := hold(t, db)
			defer func() { _ = c.Close() }()
			_, err := texts(t.Context(), b, c, suicide)
			return err
		},
	} {
		err := backend.Wrap(b, "run", run())
		if backend.CodeOf(err) != backend.CodeServiceUnavailable || backend.SQLStateOf(err) != "57P01" {
			t.Errorf("way %d: %v", i+1, err)
		}
	}
	if got := one(t, db, "select last_value::text from runs"); got != "3" {
		t.Errorf("three statements ran %s times", got)
	}
}

func killedInTx(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	exec(t, db, "create table t (a int)")
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, tx, "insert into t values (1)")
	_, err = tx.ExecContext(t.Context(), "select pg_terminate_backend(pg_backend_pid())")
	if backend.CodeOf(backend.Wrap(b, "exec", err)) != backend.CodeServiceUnavailable {
		t.Errorf("statement: %v", err)
	}
	err = backend.WrapCommit(b, tx.Commit())
	if code := backend.CodeOf(err); err == nil || (code != backend.CodeCommitUnknown && code != backend.CodeServiceUnavailable) {
		t.Errorf("commit: %v", err)
	}
	if got := one(t, db, "select count(*)::text from t"); got != "0" {
		t.Errorf("%s rows", got)
	}
}
