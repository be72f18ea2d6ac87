package suite

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
)

// statementDDL changes a table under a cached statement: outside a transaction
// nobody notices, inside one the error says that the whole may be run again.
func statementDDL(t *testing.T, b backend.Backend) {
	db, dsn := fresh(t, b)
	admin := Open(t, b, Config(t, dsn))
	exec(t, admin, "create table t (a int)", "insert into t values (1)", "create table u (a int)", "insert into u values (1)")
	c := hold(t, db)
	tables := []string{"select * from t", "select * from u"}
	for _, q := range tables {
		if _, err := texts(t.Context(), b, c, q); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, admin, "alter table t add b text default 'x'", "alter table u add b text default 'y'")
	got, err := texts(t.Context(), b, c, tables[0])
	if err != nil {
		t.Fatalf("outside a transaction: %v", err)
	}
	if d := cmp.Diff([][]string{{"1", "x"}}, got); d != "" {
		t.Error(d)
	}

	exec(t, admin, "alter table t alter a type bigint", "alter table u drop b", "alter table u alter a type text")
	attempts := 0
	for {
		attempts++
		err = func() (err error) {
			tx, err := c.BeginTx(t.Context(), nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, tx.Rollback()) }()
			for _, q := range tables {
				if _, err := texts(t.Context(), b, c, q); err != nil {
					return err
				}
			}
			return nil
		}()
		if err == nil || attempts == 3 {
			break
		}
		if !backend.Retryable(err) || backend.CodeOf(err) != backend.CodeConflict || !errors.Is(err, backend.ErrStaleStatement) {
			t.Fatalf("inside a transaction: %v", err)
		}
	}
	if err != nil || attempts > 2 {
		t.Errorf("%d attempts, the last: %v", attempts, err)
	}
	// Through database/sql as well.
	exec(t, c, "select * from t")
	exec(t, admin, "alter table t add c int")
	exec(t, c, "select * from t")
	exec(t, admin, "alter table t drop c")
	r, err := c.QueryContext(t.Context(), "select * from t")
	if err != nil {
		t.Fatal(err)
	}
	if cols, _ := r.Columns(); len(cols) != 2 {
		t.Errorf("columns %v", cols)
	}
	if err := errors.Join(r.Err(), r.Close()); err != nil {
		t.Error(err)
	}
	// A column that is gone is an error now and no longer once it is back.
	if _, err := texts(t.Context(), b, c, "select b from t"); err != nil {
		t.Fatal(err)
	}
	exec(t, admin, "alter table t rename b to bb")
	if _, err := texts(t.Context(), b, c, "select b from t"); backend.SQLStateOf(err) != "42703" {
		t.Errorf("a renamed column: %v", err)
	}
	exec(t, admin, "alter table t rename bb to b")
	if _, err := texts(t.Context(), b, c, "select b from t"); err != nil {
		t.Error(err)
	}
}

// statementDeallocated is what a failover or a pooler does: the statement is gone.
func statementDeallocated(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	c := hold(t, db)
	for range 3 {
		if got, err := texts(t.Context(), b, c, "select $1::text", "x"); err != nil || got[0][0] != "x" {
			t.Fatal(got, err)
		}
		exec(t, c, "deallocate all")
	}
	if got := one(t, c, "select $1::text", "y"); got != "y" {
		t.Error(got)
	}
	exec(t, c, "deallocate all", "deallocate all")
}

func statementBound(t *testing.T, b backend.Backend) {
	_, dsn := fresh(t, b)
	for _, size := range []int{3, -1} {
		cfg := Config(t, dsn)
		cfg.StatementCacheSize = size
		c := hold(t, Open(t, b, cfg))
		for round := range 2 {
			for i := range 10 {
				if _, err := texts(t.Context(), b, c, fmt.Sprintf("select %d + $1::int", i), "1"); err != nil {
					t.Fatalf("size %d, round %d: %v", size, round, err)
				}
			}
		}
		var n int
		if err := c.QueryRowContext(t.Context(), "select count(*) from pg_prepared_statements where name <> ''").Scan(&n); err != nil {
			t.Fatal(err)
		}
		want := 0
		if size > 0 && caches(b) {
			want = size
		}
		if want > 0 && b.Name() == "pgx" {
			want++ // pgx closes what it dropped when the next statement comes
		}
		if n > want || (want > 0 && n == 0) {
			t.Errorf("size %d: %d statements at the server, want up to %d", size, n, want)
		}
	}
}

func statementPrepared(t *testing.T, b backend.Backend) {
	db, dsn := fresh(t, b)
	exec(t, db, "create table t (a int)", "insert into t values (1), (2)")
	c := hold(t, db)
	s, err := c.PrepareContext(t.Context(), "update t set a = a + $1::int")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	r, err := c.PrepareContext(t.Context(), "select sum(a)::text from t where a > $1::int")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	use := func() string {
		t.Helper()
		res, err := s.ExecContext(t.Context(), "1")
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := res.RowsAffected(); n != 2 {
			t.Errorf("%d rows", n)
		}
		var v sql.NullString
		if err := r.QueryRowContext(t.Context(), "0").Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v.String
	}
	if got := use(); got != "5" {
		t.Error(got)
	}
	// The cache is dropped after DDL; the caller's statements are not part of it.
	if _, err := texts(t.Context(), b, c, "select * from t"); err != nil {
		t.Fatal(err)
	}
	exec(t, Open(t, b, Config(t, dsn)), "alter table t add b int")
	if _, err := texts(t.Context(), b, c, "select * from t"); err != nil {
		t.Fatal(err)
	}
	if got := use(); got != "7" {
		t.Error(got)
	}
}
