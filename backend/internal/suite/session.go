package suite

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func txOptions(t *testing.T, b backend.Backend) {
	db, dsn := fresh(t, b)
	exec(t, db, "create table t (a int)")
	for level, want := range map[sql.IsolationLevel]string{
		sql.LevelDefault: "read committed", sql.LevelReadUncommitted: "read uncommitted", sql.LevelReadCommitted: "read committed",
		sql.LevelRepeatableRead: "repeatable read", sql.LevelSnapshot: "repeatable read", sql.LevelSerializable: "serializable",
	} {
		for _, readOnly := range []bool{false, true} {
			tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: level, ReadOnly: readOnly})
			if err != nil {
				t.Fatalf("%v: %v", level, err)
			}
			got := one(t, tx, "select current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only')")
			if w := want + map[bool]string{false: " off", true: " on"}[readOnly]; got != w {
				t.Errorf("%v: %q, want %q", level, got, w)
			}
			if err := tx.Rollback(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelLinearizable}); err == nil {
		t.Error("linearizable was accepted")
	}
	// A database that is read-only by default stays so.
	cfg := Config(t, dsn)
	cfg.Session = map[string]string{"default_transaction_read_only": "on"}
	tx, err := Open(t, b, cfg).BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(t.Context(), "insert into t values (1)")
	if err = backend.Wrap(b, "insert", err); backend.CodeOf(err) != backend.CodeForbidden || backend.SQLStateOf(err) != "25006" {
		t.Errorf("a write under default_transaction_read_only: %v", err)
	}
}

func txAborted(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, e := tx.ExecContext(t.Context(), "select 1/0")
	if backend.SQLStateOf(backend.Wrap(b, "x", e)) != "22012" {
		t.Error(e)
	}
	_, e = tx.ExecContext(t.Context(), "select 1")
	if backend.SQLStateOf(backend.Wrap(b, "x", e)) != "25P02" {
		t.Error(e)
	}
	err = backend.WrapCommit(b, tx.Commit())
	if !errors.Is(err, backend.ErrTxAborted) || backend.CodeOf(err) != backend.CodeInternal || backend.SQLStateOf(err) != "25P02" {
		t.Errorf("commit: %v", err)
	}
}

func errorFields(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	exec(t, db, "create table t (a int constraint small check (a < 10), b text not null, constraint t_b_unique unique (b))", "insert into t values (1, 'x')")
	c := hold(t, db)
	for _, q := range []struct {
		sql     string
		want    backend.Error
		client  string
		ordered bool
	}{
		{"insert into t values (2, 'x')", backend.Error{SQLState: "23505", Code: backend.CodeConstraintViolation, Fields: backend.Fields{Schema: "public", Table: "t", Constraint: "t_b_unique"}}, "the change violates a constraint: t_b_unique", false},
		{"insert into t values (11, 'y')", backend.Error{SQLState: "23514", Code: backend.CodeConstraintViolation, Fields: backend.Fields{Schema: "public", Table: "t", Constraint: "small"}}, "the change violates a constraint: small", false},
		{"insert into t values (1, null)", backend.Error{SQLState: "23502", Code: backend.CodeConstraintViolation, Fields: backend.Fields{Schema: "public", Table: "t", Column: "b"}}, "the change violates a constraint: b must not be null", false},
		{"select nothing from t", backend.Error{SQLState: "42703", Code: backend.CodeInternal, Fields: backend.Fields{Position: 8}}, "internal error", false},
		{"select 'x'::int", backend.Error{SQLState: "22P02", Code: backend.CodeBadUserInput, Fields: backend.Fields{Position: 8}}, "a value is not written as its type demands", false},
	} {
		_, err := texts(t.Context(), b, c, q.sql)
		var e *backend.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", q.sql, err)
		}
		got := *e
		if got.Message == "" || got.Severity != "ERROR" || got.Op != "query" || got.Backend != b.Name() || got.Err == nil {
			t.Errorf("%s: %+v", q.sql, got)
		}
		if m := got.ClientMessage(); m != q.client {
			t.Errorf("%s: a client is told %q, want %q", q.sql, m, q.client)
		}
		got.Op, got.Backend, got.Err, got.Message, got.Detail, got.Severity, got.Hint = "", "", nil, "", "", "", ""
		if d := cmp.Diff(q.want, got); d != "" {
			t.Errorf("%s: %s", q.sql, d)
		}
	}
}

// sessionPinned gives role and database every setting that has been seen to change
// data, and finds none of them in the session.
func sessionPinned(t *testing.T, b backend.Backend) {
	dsn := pgtest.DB(t)
	cfg := Config(t, dsn)
	for name, value := range map[string]string{
		"client_encoding": "LATIN1", "datestyle": "German", "intervalstyle": "iso_8601", "extra_float_digits": "0",
		"bytea_output": "escape", "timezone": "Asia/Tokyo", "standard_conforming_strings": "off",
	} {
		pgtest.Exec(t, dsn, fmt.Sprintf("alter database %q set %s = '%s'", cfg.Database, name, value))
	}
	cfg.ApplicationName = "suite"
	cfg.Session = map[string]string{"Search_Path": "a, b", "statement_timeout": "12345"}
	cfg.Options = "-c geqo=off -c DateStyle=German"
	c := hold(t, Open(t, b, cfg))
	want := backend.DefaultSession()
	want["datestyle"], want["client_encoding"] = "ISO, MDY", "UTF8"
	want["search_path"], want["statement_timeout"], want["geqo"] = "a, b", "12345ms", "off"
	want["application_name"] = "suite"
	for name, value := range want {
		if got := one(t, c, "select current_setting($1::text)", name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if got, err := texts(t.Context(), b, c, "select $1::text, octet_length($1::text)::text, '01/02/2024'::date, 1::float8/3", "é"); err != nil || cmp.Diff([][]string{{"é", "2", "2024-01-02", "0.3333333333333333"}}, got) != "" {
		t.Error(got, err)
	}
}

// sessionPooler checks which parameters go into the start-up message and which
// are left for the transaction.
func sessionPooler(t *testing.T, b backend.Backend) {
	if m := mode(b); m == "pgx/cache_statement" || m == "pgx/describe_exec" {
		cfg := Config(t, pgtest.DB(t))
		cfg.Pooler = true
		if _, err := b.Connector(cfg); backend.CodeOf(err) != backend.CodeConfiguration {
			t.Errorf("%s behind a pooler: %v", m, err)
		}
		return
	}
	cfg := Config(t, pgtest.DB(t))
	cfg.Pooler = true
	cfg.ApplicationName = "suite"
	cfg.Session = map[string]string{"search_path": "a"}
	n, err := cfg.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	c := hold(t, Open(t, b, cfg))
	rows, err := texts(t.Context(), b, c, "select name from pg_settings where source = 'client' and name <> 'TimeZone' order by 1")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([][]string{{"application_name"}, {"client_encoding"}, {"DateStyle"}, {"standard_conforming_strings"}}, rows); d != "" {
		// A value equal to the server's default keeps its source.
		t.Logf("start-up parameters: %s", d)
	}
	var names []string
	for _, s := range n.TransactionSettings() {
		names = append(names, s.Name)
	}
	if d := cmp.Diff([]string{"bytea_output", "extra_float_digits", "intervalstyle", "lc_monetary", "search_path"}, names); d != "" {
		t.Error(d)
	}
	for range 2 {
		if got, err := texts(t.Context(), b, c, "select $1::text", "x"); err != nil || got[0][0] != "x" {
			t.Error(got, err)
		}
	}
	if got := one(t, c, "select count(*)::text from pg_prepared_statements where name <> ''"); got != "0" {
		t.Errorf("%s named statements", got)
	}
}

func sessionNotices(t *testing.T, b backend.Backend) {
	cfg := Config(t, pgtest.DB(t))
	var mu sync.Mutex
	var got []string
	cfg.OnNotice = func(n backend.Notice) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, n.Severity+" "+n.SQLState+" "+n.Message)
	}
	exec(t, hold(t, Open(t, b, cfg)), "do $$ begin raise notice 'first'; raise warning 'second'; end $$")
	mu.Lock()
	defer mu.Unlock()
	if d := cmp.Diff([]string{"NOTICE 00000 first", "WARNING 01000 second"}, got); d != "" {
		t.Error(d)
	}
}

func affected(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	exec(t, db, "create table t (a int primary key)")
	for _, q := range []struct {
		sql  string
		args []any
		want int64
	}{
		{"insert into t select generate_series(1, 5)", nil, 5},
		{"update t set a = a + 10 where a > $1::int", []any{"3"}, 2},
		{"delete from t where a = 1", nil, 1},
		{"merge into t using (select 2 as a union select 99) s on t.a = s.a when matched then update set a = 2 when not matched then insert values (s.a)", nil, 2},
		{"merge into t using (select $1::int as a) s on t.a = s.a when matched then delete", []any{"99"}, 1},
		{"select * from t", nil, 4},
		{"create table u ()", nil, 0},
		{"truncate t", nil, 0},
	} {
		res, err := db.ExecContext(t.Context(), q.sql, q.args...)
		if err != nil {
			t.Fatalf("%s: %v", q.sql, err)
		}
		if n, err := res.RowsAffected(); n != q.want || err != nil {
			t.Errorf("%s: %d rows, %v; want %d", q.sql, n, err, q.want)
		}
	}
}

func copyRefused(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	exec(t, db, "create table t (a int)")
	c := hold(t, db)
	for _, q := range []string{"copy t from stdin", " /* a /* b */ */ COPY t TO stdout", "-- x\ncopy t from stdin"} {
		_, e1 := c.ExecContext(t.Context(), q)
		_, e2 := c.QueryContext(t.Context(), q)
		_, e3 := query(t.Context(), b, c, q)
		_, e4 := c.PrepareContext(t.Context(), q)
		for i, err := range []error{e1, e2, e3, e4} {
			if err == nil || !strings.Contains(err.Error(), "COPY") {
				t.Errorf("%q, way %d: %v", q, i+1, err)
			}
		}
	}
	if got := one(t, c, "select 'usable'"); got != "usable" {
		t.Error(got)
	}
}
