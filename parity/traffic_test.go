package parity_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// TestWritesShareSnapshot: what others commit between the two runs of a write that is
// rolled back is no difference, nor is it taken for noise.
func TestWritesShareSnapshot(t *testing.T) {
	t.Parallel()
	for _, candidate := range all.Modes(codec.HasBinary) {
		t.Run(backend.ModeOf(candidate), func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, `create table t (id int8 primary key, n int8 not null default 0)`, `insert into t select generate_series(1, 50)`)
			b := newBench(t, dsn, mode(t, "pq/default"), candidate, parity.WithRollback())
			next := 1000
			err := b.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
				next++
				pgtest.Exec(t, dsn, fmt.Sprintf("insert into t values (%d)", next))
				_, err := drain(tx.Query(ctx, &builder.Statement{Name: "update", SQL: "update t set n = n + 1 where id > 10 returning id"}))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if r := b.last(t); r.Verdict != parity.Equal || r.Control.Rows != r.Candidate.Rows {
				t.Errorf("%v, %d and %d rows, %v; want equal", r.Verdict, r.Control.Rows, r.Candidate.Rows, r.Diffs)
			}
			if n := b.count(t, "select count(*) from t where n > 0"); n != "0" {
				t.Errorf("%s rows were changed", n)
			}
			if s := b.control.Stats(); s.InUse != 0 {
				t.Errorf("%d connections of the control are still in use", s.InUse)
			}
		})
	}
}

// TestOneConnection: a write needs no second one.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int8 primary key)`)
	b := newBench(t, dsn, mode(t, "pq/default"), mode(t, "pgx/cache_statement"), parity.WithRollback())
	b.control.Pool().SetMaxOpenConns(1)
	if n, err := b.Exec(t.Context(), &builder.Statement{Name: "insert", SQL: "insert into t values (1)"}); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestOthersInTheWay: a deadlock or a lost order is of other transactions. One side alone
// meets it by chance, and the write runs again.
func TestOthersInTheWay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, when string // by the number of the run: the candidate's come first, and it tries up to four times
		verdict    parity.Verdict
	}{
		{"the candidate once", "= 1", parity.Equal},
		{"the candidate four times", "<= 4", parity.Equal},
		{"the control once", "= 2", parity.Equal},
		{"the candidate each time", "% 5 > 0", parity.Inconclusive},
		{"both each time", "> 0", parity.Equal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, `create sequence runs`, `create function f() returns int8 language plpgsql as $$
				begin if nextval('runs') `+tc.when+` then raise exception 'in the way' using errcode = '40P01'; end if; return 1; end $$`)
			b := newBench(t, dsn, mode(t, "pq/default"), mode(t, "pgx/cache_statement"), parity.WithRollback())
			err := b.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
				_, err := drain(tx.Query(ctx, &builder.Statement{Name: "call", SQL: "select f()"}))
				return err
			})
			if r := b.last(t); r.Verdict != tc.verdict {
				t.Errorf("%v (%s) %v, %v; want %v", r.Verdict, r.Reason, r.Diffs, err, tc.verdict)
			}
		})
	}
}

// TestTimeoutsSayNothing: two answers that nobody waited for are not equal, and the
// states that they left behind differ by nothing but the clock.
func TestTimeoutsSayNothing(t *testing.T) {
	t.Parallel()
	for _, candidate := range all.Modes(codec.HasBinary) {
		t.Run(backend.ModeOf(candidate), func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, `do $$ begin execute format('alter database %I set statement_timeout = ''40ms''', current_database()); end $$`)
			b := newBench(t, dsn, mode(t, "pq/default"), candidate)
			for _, write := range []bool{false, true} {
				s := statement("select pg_sleep(5)", true)
				if write {
					s.Effect = builder.Write
				}
				_, err := drain(b.Query(t.Context(), s))
				if r := b.last(t); r.Verdict != parity.Inconclusive || backend.CodeOf(err) != backend.CodeTimeout {
					t.Errorf("write %v: %v (%s) %v, %v; want inconclusive", write, r.Verdict, r.Reason, r.Diffs, err)
				}
			}
		})
	}
}
