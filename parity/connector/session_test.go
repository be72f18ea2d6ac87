package connector_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
)

// TestConcurrentWrites: others write between the two reads, and no read differs.
func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	for _, d := range directions {
		t.Run(d[0]+" "+d[1], func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, "create table t (n int); insert into t select generate_series(1, 100)")
			writer := pgtest.Open(t, dsn)
			between := &hook{Connector: plain(t, d[1], dsn), before: func() {
				if _, err := writer.ExecContext(t.Context(), "update t set n = n + 1"); err != nil {
					t.Error(err)
				}
			}}
			b := newBench(t, plain(t, d[0], dsn), between)
			for range 5 {
				if _, err := readAll(t, b, "select n from t order by n"); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range b.take() {
				if r.Verdict != parity.EqualByRule || r.Rules[connector.RuleConcurrent] != 1 {
					t.Errorf("%+v", r)
				}
			}
			// In a transaction that stands on one snapshot the candidate stands on it too.
			tx, err := b.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := readAll(t, tx, "select n from t order by n"); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			b.want(t, parity.Equal)
		})
	}
}

// TestNoise: what the control gives differently each time says nothing.
func TestNoise(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, people)
	b := newBench(t, plain(t, "pq", dsn), plain(t, "pgx", dsn))
	for _, q := range []string{"select clock_timestamp()", "select random()", "select pg_backend_pid()", "select name, gen_random_uuid() as u from people order by id", "select now()"} {
		if _, err := readAll(t, b, q); err != nil {
			t.Fatal(err)
		}
		if r := b.last(t); r.Verdict != parity.Noise {
			t.Errorf("%s: %+v", q, r)
		}
	}
}

// TestOneDatabase: with one database nothing is written by the candidate, and what
// can't be compared says why.
func TestOneDatabase(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		writes  connector.Writes
		insert  parity.Verdict
		reason  string
		numbers int64 // that the sequence has given
	}{
		{connector.SkipWrites, parity.NotCompared, "database of its own", 4},
		{connector.DescribeWrites, parity.NotCompared, "described", 4},
		{connector.RollbackWrites, parity.EqualByRule, "", 5},
	} {
		for _, d := range directions {
			t.Run(tc.writes.String()+" "+d[0], func(t *testing.T) {
				t.Parallel()
				dsn := pgtest.DB(t)
				pgtest.Exec(t, dsn, people)
				b := newBench(t, plain(t, d[0], dsn), plain(t, d[1], dsn), connector.WithWrites(tc.writes))
				b.exec(t, "insert into people (name) values ($1)", "Barbara")
				if r := b.last(t); tc.insert == parity.NotCompared && (r.Verdict != tc.insert || !strings.Contains(r.Reason, tc.reason)) || tc.insert != parity.NotCompared && !r.Verdict.Pass() {
					t.Errorf("%+v", r)
				}
				if _, err := b.ExecContext(t.Context(), "insert into nowhere values (1)"); backend.SQLStateOf(err) != "42P01" {
					t.Error(err)
				}
				if r := b.last(t); tc.writes != connector.SkipWrites && r.Verdict != parity.Equal {
					t.Errorf("%+v", r)
				}
				if _, err := readAll(t, b, "select nextval('people_id_seq')"); err != nil {
					t.Fatal(err)
				}
				if r := b.last(t); r.Verdict != parity.NotCompared || !strings.Contains(r.Reason, "nextval") {
					t.Errorf("%+v", r)
				}
				tx, err := b.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := readAll(t, tx, "select name from people order by id"); err != nil {
					t.Fatal(err)
				}
				if r := b.last(t); r.Verdict != parity.Equal {
					t.Errorf("before the write: %+v", r)
				}
				if _, err := tx.ExecContext(t.Context(), "delete from people"); err != nil {
					t.Fatal(err)
				}
				b.take()
				if _, err := readAll(t, tx, "select name from people order by id"); err != nil {
					t.Fatal(err)
				}
				if r := b.last(t); r.Verdict != parity.NotCompared || !strings.Contains(r.Reason, "has written") {
					t.Errorf("after the write: %+v", r)
				}
				if err := tx.Rollback(); err != nil {
					t.Fatal(err)
				}
				if got := names(t, dsn); got != "Ada Barbara Edsger Grace" {
					t.Errorf("the database has %s", got)
				}
				var last int64
				if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select last_value from people_id_seq").Scan(&last); err != nil || last != tc.numbers+1 {
					t.Errorf("the sequence is at %d, %v; want %d", last, err, tc.numbers+1)
				}
			})
		}
	}
}

// TestSettings: SET reaches the candidate's session, and a connection that takes its
// place has it too.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, d := range directions {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create schema other; create table other.only_there (n int)")
		c := newBad(plain(t, d[1], dsn), "")
		b := newBench(t, plain(t, d[0], dsn), c, connector.WithTimeout(2*time.Second))
		b.SetMaxOpenConns(1)
		b.exec(t, "set search_path = other")
		if _, err := readAll(t, b, "select * from only_there"); err != nil {
			t.Fatal(err)
		}
		b.want(t, parity.Equal)
		c.how.Store("panic in query") // the connection is given up
		if _, err := readAll(t, b, "select * from only_there"); err != nil {
			t.Fatal(err)
		}
		b.want(t, parity.Mismatch)
		c.how.Store("")
		if _, err := readAll(t, b, "select * from only_there"); err != nil {
			t.Fatal(err)
		}
		b.want(t, parity.Equal)
		tx, err := b.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "set local search_path = public"); err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(t, tx, "select * from only_there"); backend.SQLStateOf(err) != "42P01" {
			t.Error(err)
		}
		if _, err := readAll(t, tx, "select 1"); backend.SQLStateOf(err) != "25P02" {
			t.Error(err)
		}
		_ = tx.Rollback()
		if _, err := readAll(t, b, "select * from only_there"); err != nil {
			t.Fatal(err)
		}
		b.want(t, parity.Equal)
	}
}

// TestNotCompared: COPY and LISTEN work as ever, and are counted.
func TestNotCompared(t *testing.T) {
	t.Parallel()
	control, candidate := twins(t, people)
	b := newBench(t, plain(t, "pq", control), plain(t, "pgx", candidate), connector.WithWrites(connector.MirrorWrites))
	tx, err := b.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	st, err := tx.PrepareContext(t.Context(), "copy people (name) from stdin")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := st.ExecContext(t.Context(), fmt.Sprint("copied", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.ExecContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	b.exec(t, "listen here")
	if got := names(t, control); got != "Ada Edsger Grace copied0 copied1 copied2" {
		t.Errorf("the control has %s", got)
	}
	reasons := map[string]int{}
	for _, r := range b.take() {
		if !r.Verdict.Pass() {
			if r.Verdict != parity.NotCompared {
				t.Errorf("%+v", r)
			}
			reasons[r.Reason]++
		}
	}
	if len(reasons) != 2 {
		t.Errorf("reasons %v, want one for COPY and one for LISTEN", reasons)
	}
}

// TestResultSets: lib/pq takes several statements in one, pgx refuses them, and a
// second lib/pq is compared set by set.
func TestResultSets(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	read := func(b *bench) (sets []int) {
		rows, err := b.QueryContext(t.Context(), "select 1; select n from generate_series(1, 3) n; select 2 where false")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for more := true; more; more = rows.NextResultSet() {
			n := 0
			for rows.Next() {
				n++
			}
			sets = append(sets, n)
		}
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
		return sets
	}
	for candidate, want := range map[string]parity.Verdict{"pq": parity.Equal, "pgx": parity.Mismatch} {
		b := newBench(t, plain(t, "pq", dsn), plain(t, candidate, dsn))
		if got := fmt.Sprint(read(b)); got != "[1 3 0]" {
			t.Errorf("sets %s", got)
		}
		if r := b.last(t); r.Verdict != want {
			t.Errorf("%s: %+v", candidate, r)
		}
	}
}

// TestManyConnections: connections are mirrored each for itself, under the race
// detector too.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, people)
	b := newBench(t, plain(t, "pgx", dsn), plain(t, "pq", dsn))
	b.SetMaxOpenConns(6)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 20 {
				if rows, err := readAll(t, b, "select * from people where id < $1", 100); err != nil || len(rows) != 3 {
					t.Errorf("%d rows, %v", len(rows), err)
				}
			}
		})
	}
	wg.Wait()
	b.want(t, parity.EqualByRule)
	if s := b.h.Summary(); s.Operations != 120 {
		t.Errorf("%d operations, want 120", s.Operations)
	}
}
