package connector_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
)

const people = `create table people (id bigint generated always as identity primary key, name text not null unique, born date, rating float4,
	made timestamptz not null default now(), token uuid not null default gen_random_uuid());
	insert into people (name, born, rating) values ('Ada', '1815-12-10', 0.1), ('Grace', '1906-12-09', 2.5), ('Edsger', null, null)`

// TestReads: one database, both directions; the caller sees the control's values.
func TestReads(t *testing.T) {
	t.Parallel()
	for _, d := range directions {
		t.Run(d[0]+" "+d[1], func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, people)
			b := newBench(t, plain(t, d[0], dsn), plain(t, d[1], dsn))
			bare := sql.OpenDB(plain(t, d[0], dsn))
			defer bare.Close()
			for _, tc := range []struct {
				sql  string
				args []any
			}{
				{"select * from people order by id", nil},
				{"select * from people", nil},
				{"select name, rating from people where id = $1", []any{1}},
				{"select id from people where false", nil},
				{"values (1, 'x'), (2, null)", nil},
				{"with a as (select 1 as x) select x from a", nil},
				{"select '{1,2}'::int[], 'a'::name, 1::oid, '1 day'::interval, '12:30:00.5'::time, '12:30+02'::timetz, 'x'::bytea, 'infinity'::timestamptz, 'NaN'::float8", nil},
			} {
				want, err := readAll(t, bare, tc.sql, tc.args...)
				if err != nil {
					t.Fatal(err)
				}
				got, err := readAll(t, b, tc.sql, tc.args...)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(show(want), show(got)); diff != "" {
					t.Errorf("%s: the control alone and the caller, -want +got:\n%s", tc.sql, diff)
				}
				for _, r := range b.take() {
					if !r.Verdict.Pass() || int(r.Control.Rows) != len(got) || len(r.Class) != 16 {
						t.Errorf("%s: %+v", tc.sql, r)
					}
				}
			}
			for _, state := range []string{"22012", "42P01", "42601", "22P02"} {
				query := map[string]string{"22012": "select 1/0", "42P01": "select * from nowhere", "42601": "selec 1", "22P02": "select 'x'::int"}[state]
				_, err := readAll(t, b, query)
				if backend.SQLStateOf(err) != state {
					t.Errorf("%s: %v", query, err)
				}
				if r := b.last(t); state != "42601" && (r.Verdict != parity.Equal || r.Candidate.SQLState != state) {
					t.Errorf("%s: %+v", query, r)
				}
			}
		})
	}
}

func show(rows [][]any) []string {
	var list []string
	for _, r := range rows {
		s := ""
		for _, v := range r {
			if at, ok := v.(time.Time); ok {
				v = at.Format(time.RFC3339Nano) + " " + at.Location().String()
			}
			s += strings.TrimSpace(fmt.Sprintf("%T %v", v, v)) + "|"
		}
		list = append(list, s)
	}
	return list
}

// TestGoTypes: what Go sees differently is a rule, or with strict types a mismatch.
func TestGoTypes(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for _, tc := range []struct{ sql, rule string }{
		{"select 'a'::name", "go type: name: []byte against string"},
		{"select 1::oid", "go type: oid: []byte against int64"},
		{"select 0.1::float4", "go type: float4: float64 widened from float32"},
		{"select '2020-01-01'::timestamp", "go type: timestamp: location of time.Time"},
		{"select '12:00'::time", "go type: time: time.Time against string"},
		{"select '12:00+02'::timetz", "go type: timetz: time.Time against string"},
		{"select '24:00'::time", "go type: time: time.Time against string"},
		{"select 1.50::numeric", "go type: numeric: []byte against string"},
	} {
		b := newBench(t, plain(t, "pq", dsn), plain(t, "pgx", dsn))
		if _, err := readAll(t, b, tc.sql); err != nil {
			t.Fatal(err)
		}
		if r := b.last(t); r.Verdict != parity.EqualByRule || r.Rules[tc.rule] != 1 || len(r.Rules) != 1 {
			t.Errorf("%s: %v, rules %v, diffs %v", tc.sql, r.Verdict, r.Rules, r.Diffs)
		}
		b = newBench(t, plain(t, "pq", dsn), plain(t, "pgx", dsn), connector.WithStrictTypes())
		if _, err := readAll(t, b, tc.sql); err != nil {
			t.Fatal(err)
		}
		if r := b.last(t); r.Verdict != parity.Mismatch {
			t.Errorf("%s, strict: %v, rules %v", tc.sql, r.Verdict, r.Rules)
		}
	}
}

// TestWrites: two databases, transactions and savepoints on both, and both end with
// the same rows.
func TestWrites(t *testing.T) {
	t.Parallel()
	for _, d := range directions {
		t.Run(d[0]+" "+d[1], func(t *testing.T) {
			t.Parallel()
			control, candidate := twins(t, people)
			b := newBench(t, plain(t, d[0], control), plain(t, d[1], candidate), connector.WithWrites(connector.MirrorWrites))
			b.SetMaxOpenConns(1)
			b.exec(t, "insert into people (name, born) values ($1, $2)", "Barbara", time.Date(1939, 11, 7, 0, 0, 0, 0, time.UTC))
			if n, _ := b.exec(t, "update people set rating = $1 where born is not null", 1.5).RowsAffected(); n != 3 {
				t.Errorf("%d rows, want 3", n)
			}
			var id int64
			var made time.Time
			if err := b.QueryRowContext(t.Context(), "insert into people (name) values ($1) returning id, made", "Leslie").Scan(&id, &made); err != nil {
				t.Fatal(err)
			}
			if _, err := b.ExecContext(t.Context(), "insert into people (name) values ('Ada')"); backend.SQLStateOf(err) != "23505" {
				t.Errorf("a second Ada: %v", err)
			}
			// What the control has made anew is the candidate's own value there.
			if n, _ := b.exec(t, "delete from people where made = $1", made).RowsAffected(); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
			tx, err := b.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{"insert into people (name) values ('Tony')", "savepoint a", "insert into people (name) values ('Tony')", "rollback to savepoint a", "insert into people (name) values ('Donald')"} {
				_, err := tx.ExecContext(t.Context(), s)
				if state := backend.SQLStateOf(err); state != "" && state != "23505" {
					t.Fatal(err)
				}
			}
			st, err := tx.PrepareContext(t.Context(), "select name from people where name = $1 order by 1")
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"Tony", "Donald", "nobody"} {
				var got string
				if err := st.QueryRowContext(t.Context(), name).Scan(&got); err != nil && !errors.Is(err, sql.ErrNoRows) {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			tx, err = b.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(t.Context(), "delete from people"); err != nil {
				t.Fatal(err)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			if _, err := readAll(t, b, "select * from people order by name"); err != nil {
				t.Fatal(err)
			}
			b.want(t, parity.Equal, parity.EqualByRule)
			if got, want := names(t, candidate), names(t, control); got != want || want != "Ada Barbara Donald Edsger Grace Tony" {
				t.Errorf("control %q, candidate %q", want, got)
			}
		})
	}
}

func names(t *testing.T, dsn string) string {
	t.Helper()
	var s string
	if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select string_agg(name, ' ' order by name) from people").Scan(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSameDatabaseTwice: a mirror of writes that is pointed at one database writes
// nothing twice.
func TestSameDatabaseTwice(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, people)
	b := newBench(t, plain(t, "pq", dsn), plain(t, "pgx", dsn), connector.WithWrites(connector.MirrorWrites))
	b.exec(t, "insert into people (name) values ('Barbara')")
	if r := b.last(t); r.Verdict != parity.NotCompared || !strings.Contains(r.Reason, "twice") {
		t.Errorf("%+v", r)
	}
	b = newBench(t, plain(t, "pq", dsn), plain(t, "pgx", pgtest.DB(t)))
	if _, err := readAll(t, b, "select * from people"); err != nil {
		t.Fatal(err)
	}
	if r := b.last(t); r.Verdict != parity.NotCompared || !strings.Contains(r.Reason, "another database") {
		t.Errorf("%+v", r)
	}
}
