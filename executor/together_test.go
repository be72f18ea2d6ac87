package executor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// A write with rows, whose COMMIT may go along with it: what became of it is told
// as exactly as if it had been sent by itself.
func TestWriteAndCommitTogether(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, `create table a (n int8 primary key, word text unique deferrable initially deferred);
			create table c (n int8 primary key check (n < 100), word text)`)
		db := open(t, b, dsn, executor.WithMaxConns(1))
		insert := func(ctx context.Context, table, n, word string) error {
			rows, err := db.Query(ctx, write("insert into "+table+" (n, word) values ($1::int8, $2) returning n", n, word))
			if err == nil {
				err = rows.Close()
			}
			return err
		}
		stored := func(table, want string) {
			t.Helper()
			if got := value(t, db, read("select coalesce(string_agg(n::text, ' ' order by n), '') from "+table)); got != `"`+want+`"` {
				t.Errorf("%s: stored %s, want %s", table, got, want)
			}
		}
		for n, word := range []string{"x", "y"} { // the second is prepared already
			if err := insert(t.Context(), "a", fmt.Sprint(n), word); err != nil {
				t.Fatal(err)
			}
		}
		if err := insert(t.Context(), "a", "1", "z"); backend.CodeOf(err) != backend.CodeConstraintViolation {
			t.Errorf("refused by the statement: %v", err)
		}
		if err := insert(t.Context(), "a", "2", "x"); backend.CodeOf(err) != backend.CodeConstraintViolation {
			t.Errorf("refused by COMMIT: %v", err)
		}
		stored("a", "0 1")
		if err := insert(t.Context(), "c", "100", "x"); backend.CodeOf(err) != backend.CodeConstraintViolation {
			t.Errorf("refused at the first time: %v", err)
		}
		if err := insert(t.Context(), "none", "1", ""); backend.SQLStateOf(err) != "42P01" {
			t.Errorf("no table: %v", err)
		}
		wrong := write("insert into c (n) values (1) returning n")
		wrong.Columns = []builder.Column{column("n", oidText)}
		for range 2 {
			if _, err := db.Query(t.Context(), wrong); !errors.Is(err, executor.ErrSchemaChanged) {
				t.Errorf("another type of column than the statement was built for: %v", err)
			}
		}
		stored("c", "")
		if err := insert(t.Context(), "c", "1", "x"); err != nil {
			t.Error(err)
		}
		pgtest.Exec(t, dsn, "alter table c alter n type int4")
		for n := 2; n < 4; n++ {
			if err := insert(t.Context(), "c", fmt.Sprint(n), "x"); err != nil {
				t.Errorf("after the statement went stale: %v", err)
			}
		}
		stored("c", "1 2 3")
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections in use", n)
		}
	})
}

// Whoever waits for a lock and gives up knows that nothing was stored.
func TestWriteThatIsCanceledIsNotUnknown(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table a (n int8 primary key, word text); insert into a values (1, 'old')")
		db := open(t, b, dsn, executor.WithMaxConns(2))
		update := func(ctx context.Context, word string) error {
			rows, err := db.Query(ctx, write("update a set word = $1 where n = 1 returning word", word))
			if err == nil {
				err = rows.Close()
			}
			return err
		}
		for range 2 { // so that it is prepared
			if err := update(t.Context(), "old"); err != nil {
				t.Fatal(err)
			}
		}
		lock, err := db.Begin(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lock.Exec(t.Context(), write("update a set word = 'locked' where n = 1")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := update(ctx, "new"); backend.CodeOf(err) != backend.CodeTimeout {
			t.Errorf("code %v: %v", backend.CodeOf(err), err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("gave up after %v", took)
		}
		if err := lock.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
		if err := update(t.Context(), "next"); err != nil {
			t.Error(err)
		}
		if got := value(t, db, read("select word from a")); got != `"next"` {
			t.Error(got)
		}
	})
}

// A write finds out that its idle connection is dead before its COMMIT is on the way.
func TestDeadIdleConnectionIsNotAnUnknownCommit(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db, proxy := behind(t, b, wordsDB(t))
		for i, cut := range []faultproxy.Cut{faultproxy.FIN, faultproxy.RST, faultproxy.FIN} {
			rows, err := db.Query(t.Context(), write("insert into words (word) values ($1) returning n", fmt.Sprint(i)))
			if err != nil {
				t.Fatalf("write %d: %v", i, err)
			}
			if err := rows.Close(); err != nil {
				t.Error(err)
			}
			proxy.Cut(cut)
		}
		if got := words(t, db); got != "0 1 2" {
			t.Errorf("stored: %q", got)
		}
	})
}
