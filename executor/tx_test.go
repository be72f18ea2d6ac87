package executor_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// log is a database with a table that tests write words to.
func wordsDB(t testing.TB) string {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table words (n int8 generated always as identity, word text unique)")
	return dsn
}

func words(t testing.TB, r executor.Runner) string {
	t.Helper()
	return strings.Trim(value(t, r, read("select coalesce(string_agg(word, ' ' order by n), '') from words")), `"`)
}

func put(ctx context.Context, r executor.Runner, word string) error {
	_, err := r.Exec(ctx, write("insert into words (word) values ($1)", word))
	return err
}

var errFn = errors.New("fn gave up")

func TestInTx(t *testing.T) {
	t.Parallel()
	type fn = func(context.Context, executor.Runner) error
	nest := func(f fn) fn {
		return func(ctx context.Context, r executor.Runner) error {
			if err := put(ctx, r, "before"); err != nil {
				return err
			}
			if err := r.InTx(ctx, nil, f); err != nil && !errors.Is(err, errFn) && backend.CodeOf(err) != backend.CodeConstraintViolation {
				return err
			}
			return put(ctx, r, "after")
		}
	}
	twice := func(ctx context.Context, r executor.Runner) error {
		if err := put(ctx, r, "twice"); err != nil {
			return err
		}
		return put(ctx, r, "twice")
	}
	cases := []struct {
		name, why, want string
		fn              fn
		err             error        // errors.Is
		code            backend.Code // of the error
	}{
		{name: "commit", want: "a", fn: func(ctx context.Context, r executor.Runner) error { return put(ctx, r, "a") }},
		{name: "error", err: errFn, code: backend.CodeInternal, fn: func(ctx context.Context, r executor.Runner) error {
			return errors.Join(put(ctx, r, "a"), errFn)
		}},
		{
			name: "swallowed error", why: "both drivers answer the commit with nil", err: executor.ErrAborted, code: backend.CodeConstraintViolation,
			fn: func(ctx context.Context, r executor.Runner) error {
				_ = twice(ctx, r)
				return nil
			},
		},
		{
			name: "statement after an error", err: executor.ErrAborted, code: backend.CodeConstraintViolation,
			fn: func(ctx context.Context, r executor.Runner) error {
				_ = twice(ctx, r)
				return put(ctx, r, "b")
			},
		},
		{
			name: "error while reading rows", why: "the server aborts, though the statement began well", err: executor.ErrAborted, code: backend.CodeBadUserInput,
			fn: func(ctx context.Context, r executor.Runner) error {
				rows, err := r.Query(ctx, read("select 1 / (3 - i) from generate_series(1, 5000) i"))
				if err != nil {
					return nil //nolint:nilerr // swallowed on purpose
				}
				for rows.Next() {
					_ = rows.Values()
				}
				_ = rows.Close()
				return nil
			},
		},
		{name: "open rows are closed", want: "a", fn: func(ctx context.Context, r executor.Runner) error {
			if err := put(ctx, r, "a"); err != nil {
				return err
			}
			_, err := r.Query(ctx, read("select generate_series(1, 10)"))
			return err
		}},
		{name: "statement while rows are open", err: executor.ErrAborted, code: backend.CodeInternal, fn: func(ctx context.Context, r executor.Runner) error {
			if _, err := r.Query(ctx, read("select generate_series(1, 10)")); err != nil {
				return err
			}
			_ = put(ctx, r, "a")
			return nil
		}},
		{name: "savepoint commits", want: "before a after", fn: nest(func(ctx context.Context, r executor.Runner) error { return put(ctx, r, "a") })},
		{name: "savepoint undoes an error", want: "before after", fn: nest(func(ctx context.Context, r executor.Runner) error {
			return errors.Join(put(ctx, r, "a"), errFn)
		})},
		{name: "savepoint undoes a failed statement", want: "before after", fn: nest(twice)},
		{name: "savepoint refuses a swallowed error", want: "before after", fn: nest(func(ctx context.Context, r executor.Runner) error {
			_ = twice(ctx, r)
			return nil
		})},
		{name: "savepoints in savepoints", want: "before before after after", why: "each has its own name", fn: nest(nest(func(ctx context.Context, r executor.Runner) error {
			return errors.Join(put(ctx, r, "inner"), errFn)
		}))},
		{name: "read-only savepoint", want: "before after", why: "its end gives the right to write back", fn: func(ctx context.Context, r executor.Runner) error {
			if err := put(ctx, r, "before"); err != nil {
				return err
			}
			err := r.InTx(ctx, &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, r executor.Runner) error { return put(ctx, r, "a") })
			if backend.CodeOf(err) != backend.CodeForbidden {
				return errors.New("a write in a read-only savepoint was allowed")
			}
			if err := r.InTx(ctx, &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, r executor.Runner) error {
				_, err := r.Exec(ctx, read("select 1"))
				return err
			}); err != nil {
				return err
			}
			return put(ctx, r, "after")
		}},
		{name: "savepoint of another level", code: backend.CodeBadUserInput, fn: func(ctx context.Context, r executor.Runner) error {
			return r.InTx(ctx, &executor.TxOptions{Isolation: sql.LevelSerializable}, func(context.Context, executor.Runner) error { return nil })
		}},
		{name: "savepoint with session variables", why: "they would outlive it", code: backend.CodeBadUserInput, fn: func(ctx context.Context, r executor.Runner) error {
			return r.InTx(ctx, &executor.TxOptions{Session: map[string]string{"app.user": "2"}}, func(context.Context, executor.Runner) error { return nil })
		}},
	}
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table words (n int8 generated always as identity, word text)",
			"create unique index on words (word) where word = 'twice'")
		db := open(t, b, dsn)
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				if _, err := db.Exec(t.Context(), write("truncate words")); err != nil {
					t.Fatal(err)
				}
				check(t, db, c.fn, c.want, c.err, c.code, c.why)
			})
		}
	})
}

func check(t *testing.T, db *executor.DB, fn func(context.Context, executor.Runner) error, want string, target error, code backend.Code, why string) {
	t.Helper()
	err := db.InTx(t.Context(), nil, fn)
	if target != nil && !errors.Is(err, target) {
		t.Errorf("error is %v, want %v (%s)", err, target, why)
	}
	if got := backend.CodeOf(err); got != code {
		t.Errorf("code is %v (%v), want %v", got, err, code)
	}
	if diff := cmp.Diff(want, words(t, db)); diff != "" {
		t.Errorf("%s: %s", why, diff)
	}
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections are still in use", n)
	}
}

func TestPanicRollsBack(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, wordsDB(t))
		for _, nested := range []bool{false, true} {
			func() {
				defer func() {
					if p := recover(); p != "boom" {
						t.Errorf("recovered %v", p)
					}
				}()
				boom := func(ctx context.Context, r executor.Runner) error {
					if err := put(ctx, r, "a"); err != nil {
						t.Error(err)
					}
					panic("boom")
				}
				_ = db.InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
					if nested {
						return r.InTx(ctx, nil, boom)
					}
					return boom(ctx, r)
				})
			}()
		}
		if got := words(t, db); got != "" || db.Stats().InUse != 0 {
			t.Errorf("%q is stored, %d connections in use", got, db.Stats().InUse)
		}
	})
}

func TestTxOptions(t *testing.T) {
	t.Parallel()
	dsn := wordsDB(t)
	const show = "select current_setting('transaction_isolation') || '/' || current_setting('transaction_read_only') || '/' || current_setting('transaction_deferrable')"
	cases := []struct {
		name, want string
		o          *executor.TxOptions
		code       backend.Code
	}{
		{name: "default", want: `"read committed/off/off"`},
		{name: "read only", o: &executor.TxOptions{ReadOnly: true}, want: `"read committed/on/off"`},
		{name: "read uncommitted", o: &executor.TxOptions{Isolation: sql.LevelReadUncommitted}, want: `"read committed/off/off"`},
		{name: "repeatable read", o: &executor.TxOptions{Isolation: sql.LevelRepeatableRead}, want: `"repeatable read/off/off"`},
		{name: "snapshot", o: &executor.TxOptions{Isolation: sql.LevelSnapshot}, want: `"repeatable read/off/off"`},
		{name: "serializable", o: &executor.TxOptions{Isolation: sql.LevelSerializable}, want: `"serializable/off/off"`},
		{name: "deferrable", o: &executor.TxOptions{Isolation: sql.LevelSerializable, ReadOnly: true, Deferrable: true}, want: `"serializable/on/on"`},
		{name: "deferrable, read write", o: &executor.TxOptions{Isolation: sql.LevelSerializable, Deferrable: true}, code: backend.CodeBadUserInput},
		{name: "unknown level", o: &executor.TxOptions{Isolation: sql.LevelLinearizable}, code: backend.CodeBadUserInput},
		{name: "snapshot that is no name", o: &executor.TxOptions{Isolation: sql.LevelSerializable, Snapshot: "1'; drop"}, code: backend.CodeBadUserInput},
		{name: "session name", o: &executor.TxOptions{Session: map[string]string{"a b": ""}}, code: backend.CodeBadUserInput},
		{name: "session name ends in a dot", o: &executor.TxOptions{Session: map[string]string{"app.": ""}}, code: backend.CodeBadUserInput},
		{name: "session name twice", o: &executor.TxOptions{Session: map[string]string{"app.a": "", "App.A": ""}}, code: backend.CodeBadUserInput},
		{name: "pinned", o: &executor.TxOptions{Session: map[string]string{"DateStyle": "German"}}, code: backend.CodeBadUserInput},
		{name: "read-only by session", o: &executor.TxOptions{Session: map[string]string{"transaction_read_only": "off"}}, code: backend.CodeBadUserInput},
		{name: "NUL in a value", o: &executor.TxOptions{Session: map[string]string{"app.a": "\x00"}}, code: backend.CodeBadUserInput},
		{name: "unknown parameter", o: &executor.TxOptions{Session: map[string]string{"nonsense": "1"}}, code: backend.CodeBadUserInput},
	}
	eachMode(t, func(t *testing.T, b backend.Backend) {
		cfg := config(t, dsn)
		// What the session says by default must not matter.
		cfg.Session = map[string]string{"default_transaction_isolation": "serializable", "default_transaction_deferrable": "on"}
		db, err := executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, c := range cases {
			var got string
			err := db.InTx(t.Context(), c.o, func(_ context.Context, r executor.Runner) error {
				got = value(t, r, read(show))
				return nil
			})
			if backend.CodeOf(err) != c.code {
				t.Errorf("%s: code is %v: %v", c.name, backend.CodeOf(err), err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
	})
}

// Session variables hold for the statement, reads too, and for nobody after it.
func TestSessionVariablesDoNotLeak(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn, executor.WithMaxConns(1))
		const show = "select coalesce(current_setting('app.user', true), '')"
		for _, ro := range []bool{true, false} {
			err := db.InTx(t.Context(), &executor.TxOptions{ReadOnly: ro, Session: map[string]string{"app.user": `7' or "x`}},
				func(_ context.Context, r executor.Runner) error {
					if got := value(t, r, read(show)); got != `"7' or \"x"` {
						t.Errorf("inside it is %s", got)
					}
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
			if got := value(t, db, read(show)); got != `""` {
				t.Errorf("the next user of the connection sees %s", got)
			}
		}
	})
}

// Behind a pooler each transaction, a single read's too, sets what the start-up
// could not.
func TestTransactionSettings(t *testing.T) {
	t.Parallel()
	dsn := wordsDB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		cfg := config(t, dsn)
		cfg.Pooler, cfg.Session = true, map[string]string{"lc_monetary": "C", "work_mem": "7MB"}
		db, err := executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0))
		if backend.CodeOf(err) == backend.CodeConfiguration {
			return // a mode that can't run behind a pooler says so
		}
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if got := value(t, db, read("select current_setting('work_mem')")); got != `"7MB"` {
			t.Errorf("work_mem is %s in a read", got)
		}
		if err := put(t.Context(), db, backend.ModeOf(b)); err != nil {
			t.Error(err)
		}
		if _, err := db.Query(t.Context(), read("select 1 / 0")); backend.CodeOf(err) != backend.CodeBadUserInput {
			t.Errorf("got %v", err)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections in use", n)
		}
	})
}

func TestBegin(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		ctx := t.Context()
		db := open(t, b, wordsDB(t))
		for _, commit := range []bool{true, false} {
			tx, err := db.Begin(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := put(ctx, tx, map[bool]string{true: "kept", false: "lost"}[commit]); err != nil {
				t.Error(err)
			}
			if commit {
				if err := tx.Commit(ctx); err != nil {
					t.Error(err)
				}
			}
			if err := tx.Rollback(ctx); err != nil {
				t.Error(err)
			}
			if err := tx.Commit(ctx); !errors.Is(err, sql.ErrTxDone) {
				t.Errorf("commit after the end: %v", err)
			}
			if err := put(ctx, tx, "x"); !errors.Is(err, sql.ErrTxDone) {
				t.Errorf("statement after the end: %v", err)
			}
		}
		if got := words(t, db); got != "kept" || db.Stats().InUse != 0 {
			t.Errorf("%q is stored, %d connections in use", got, db.Stats().InUse)
		}
	})
}

func TestSharedSnapshot(t *testing.T) {
	t.Parallel()
	db := open(t, modes()[0], wordsDB(t))
	err := db.InTx(t.Context(), &executor.TxOptions{Isolation: sql.LevelRepeatableRead}, func(ctx context.Context, r executor.Runner) error {
		id := strings.Trim(value(t, r, read("select pg_export_snapshot()")), `"`)
		if err := put(ctx, db, "later"); err != nil {
			return err
		}
		return db.InTx(ctx, &executor.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true, Snapshot: id},
			func(_ context.Context, r executor.Runner) error {
				if got := words(t, r); got != "" {
					t.Errorf("the snapshot has %q", got)
				}
				return nil
			})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPoolExhausted(t *testing.T) {
	t.Parallel()
	db := open(t, modes()[0], pgtest.DB(t), executor.WithMaxConns(1), executor.WithAcquireTimeout(time.Second))
	tx, err := db.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Query(t.Context(), read("select 1"))
	if backend.CodeOf(err) != backend.CodeServiceUnavailable {
		t.Errorf("got %v", err)
	}
	if strings.Contains(string(executor.AppendError(nil, err)), "in use") {
		t.Error("a client is told about the pool")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if got := value(t, db, read("select 1")); got != "1" {
		t.Errorf("afterwards the pool answers %q", got)
	}
}

func TestQueryTimeout(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn, executor.WithQueryTimeout(time.Second))
		_, err := db.Query(t.Context(), read("select pg_sleep(30)"))
		if backend.CodeOf(err) != backend.CodeTimeout {
			t.Errorf("a read: %v", err)
		}
		_, err = db.Exec(t.Context(), write("select pg_sleep(30)"))
		if backend.CodeOf(err) != backend.CodeTimeout {
			t.Errorf("a write: %v", err)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections in use", n)
		}
	})
}

func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, wordsDB(t))
		ctx, cancel := context.WithCancel(t.Context())
		err := db.InTx(ctx, nil, func(ctx context.Context, r executor.Runner) error {
			if err := put(ctx, r, "a"); err != nil {
				return err
			}
			cancel()
			return nil
		})
		if backend.CodeOf(err) != backend.CodeCanceled {
			t.Errorf("commit: %v", err)
		}
		if _, err := db.Query(ctx, write("insert into words (word) values ('b')")); backend.CodeOf(err) != backend.CodeCanceled {
			t.Errorf("write: %v", err)
		}
		if got := words(t, db); got != "" {
			t.Errorf("%q is stored", got)
		}
	})
}

func TestAdoptLeavesThePoolOpen(t *testing.T) {
	t.Parallel()
	b := modes()[0]
	c, err := b.Connector(config(t, pgtest.DB(t)))
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(c)
	defer pool.Close()
	db := executor.Adopt(b, pool)
	if got := value(t, db, read("select 1")); got != "1" {
		t.Errorf("got %q", got)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := pool.PingContext(t.Context()); err != nil {
		t.Errorf("the pool is closed: %v", err)
	}
}

func TestOpenTellsABadPassword(t *testing.T) {
	t.Parallel()
	cfg := config(t, pgtest.DB(t))
	cfg.Database = "there_is_no_such_database"
	for _, b := range modes() {
		_, err := executor.Open(t.Context(), b, cfg)
		if backend.CodeOf(err) != backend.CodeConfiguration {
			t.Errorf("%s: %v", backend.ModeOf(b), err)
		}
	}
}
