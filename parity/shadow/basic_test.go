package shadow_test

import (
	"context"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// TestEqual: reads of every form are compared in every mode, both ways.
func TestEqual(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (id int8 primary key, v text, at timestamptz, b bytea)",
			"insert into t select i, nullif('v' || i, 'v3'), '2024-01-01 12:00+05:30', decode('00ff', 'hex') from generate_series(1, 100) i")
		s := newStage(t, dsn, control, candidate)
		all := read("select * from t order by id")
		if got, want := mustText(t, s, all), mustText(t, s.control, all); got != want || !strings.Contains(got, `"v":null`) {
			t.Fatalf("got %.100s", got)
		}
		unordered := read("select v, b from t where id > $1::int8", "50")
		unordered.Ordered = false
		mustText(t, s, unordered)
		if _, err := text(t.Context(), s, read("select 1/0")); backend.SQLStateOf(err) != "22012" {
			t.Fatal(err)
		}
		err := s.InTx(t.Context(), &executor.TxOptions{ReadOnly: true, Session: map[string]string{"app.user": "7"}}, func(ctx context.Context, tx executor.Runner) error {
			mustText(t, tx, read("select current_setting('app.user')"))
			_ = tx.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error {
				_, err := text(ctx, tx, read("select nothing"))
				return err
			})
			mustText(t, tx, read("select count(*) from t where b = $1::bytea", []byte{0, 255}))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range s.await(t, 4) {
			if !r.Verdict.Pass() || r.Class == "" || r.Control.Backend != backend.ModeOf(control) || r.Candidate.Backend != backend.ModeOf(candidate) {
				t.Errorf("report %d: %+v", i, r)
			}
		}
		if st := s.Status(); st.Compared != 4 || st.Stage != shadow.StageShadow || st.Bound == nil {
			t.Errorf("status: %+v", st)
		}
	})
}

// TestMovedDataIsNoise: what an insert of somebody else's changes between the two
// reads is no mismatch; in one snapshot both say the same.
func TestMovedDataIsNoise(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (id int8)")
		first := true
		s := newStage(t, dsn, control, &rogue{Backend: candidate, before: func(_ context.Context, q string) (string, error) {
			if first {
				first = false
				pgtest.Exec(t, dsn, "insert into t values (1)")
			}
			return q, nil
		}})
		mustText(t, s, read("select count(*) from t"))
		if r := s.await(t, 1)[0]; r.Verdict != parity.Noise || !strings.Contains(r.Reason, "moved") {
			t.Errorf("%+v", r)
		}
	})
}

// TestEarlyEnd: rows that the caller leaves unread are compared as far as they were
// read where their order is fixed, and not at all where it is not.
func TestEarlyEnd(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		s := newStage(t, pgtest.DB(t), control, candidate)
		for _, ordered := range []bool{true, false} {
			st := read("select i from generate_series(1, 1000) i")
			st.Ordered = ordered
			rows, err := s.Query(t.Context(), st)
			if err != nil {
				t.Fatal(err)
			}
			rows.Next()
			rows.Next()
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
		}
		got := s.await(t, 2)
		if got[0].Seq > got[1].Seq {
			got[0], got[1] = got[1], got[0]
		}
		verdicts := map[parity.Verdict]int{}
		for _, r := range got {
			verdicts[r.Verdict]++
		}
		if verdicts[parity.Equal] != 1 || verdicts[parity.NotCompared] != 1 {
			t.Errorf("%v", verdicts)
		}
	})
}

// TestOrder: another order is a mismatch where the statement fixes it, and a rule
// where it does not.
func TestOrder(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		s := newStage(t, pgtest.DB(t), control, &rogue{Backend: candidate, before: func(_ context.Context, q string) (string, error) {
			return q + " desc", nil
		}})
		for i, want := range []parity.Verdict{parity.Mismatch, parity.EqualByRule} {
			st := read("select i from generate_series(1, 3) i order by i")
			st.Ordered = want == parity.Mismatch
			mustText(t, s, st)
			if r := s.await(t, i+1)[i]; r.Verdict != want || want == parity.EqualByRule && r.Rules[parity.RuleBag] != 1 {
				t.Errorf("%+v", r)
			}
		}
	})
}
