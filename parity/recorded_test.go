package parity_test

import (
	"context"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// everyPair runs fn with each mode beside one of the other backend, which comes first in
// every other pair.
func everyPair(t *testing.T, fn func(t *testing.T, control, candidate backend.Backend)) {
	t.Helper()
	for i, b := range all.Modes(codec.HasBinary) {
		other := mode(t, "pq/default")
		if b.Name() == other.Name() {
			other = mode(t, "pgx/cache_statement")
		}
		control, candidate := b, other
		if i%2 == 1 {
			control, candidate = other, b
		}
		t.Run(backend.ModeOf(control)+" "+backend.ModeOf(candidate), func(t *testing.T) {
			t.Parallel()
			fn(t, control, candidate)
		})
	}
}

func raw(t testing.TB, effect builder.Effect, sql string) *builder.Statement {
	t.Helper()
	s, err := builder.Raw(sql, effect, sql)
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

// TestRecorded: one error on both sides is no agreement where the operation had ended
// otherwise when it was recorded, whichever way it runs.
func TestRecorded(t *testing.T) {
	t.Parallel()
	everyPair(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table notes (id int primary key)", "insert into notes values (1)",
			"create table later (id int unique deferrable initially deferred)", "insert into later values (1)")
		b := newBench(t, dsn, control, candidate, parity.WithRollback())
		separate := parity.NewSeparateRunner(b.harness, b.control, b.candidate)
		read, write := raw(t, builder.Read, "select * from nowhere"), raw(t, builder.Write, "insert into notes values (1)")
		again := raw(t, builder.Write, "delete from notes")
		query := func(ctx context.Context, r executor.Runner, s *builder.Statement) error {
			rows, err := r.Query(ctx, s)
			if err != nil {
				return err
			}
			for rows.Next() {
				continue
			}
			return rows.Close()
		}
		inTx := func(r executor.Runner, ro bool, list ...*builder.Statement) func(context.Context) error {
			return func(ctx context.Context) error {
				return r.InTx(t.Context(), &executor.TxOptions{ReadOnly: ro}, func(_ context.Context, tx executor.Runner) (err error) {
					for _, s := range list {
						if now := query(ctx, tx, s); err == nil {
							err = now
						}
					}
					return err
				})
			}
		}
		for name, op := range map[string]struct {
			state string
			run   func(context.Context) error
		}{
			"read":      {"42P01", func(ctx context.Context) error { return query(ctx, b, read) }},
			"read only": {"42P01", inTx(b, true, read)},
			"exec read only": {"42P01", func(ctx context.Context) error {
				return b.InTx(t.Context(), &executor.TxOptions{ReadOnly: true}, func(_ context.Context, tx executor.Runner) error {
					_, err := tx.Exec(ctx, read)
					return err
				})
			}},
			"write":           {"23505", func(ctx context.Context) error { _, err := b.Exec(ctx, write); return err }},
			"write with rows": {"23505", func(ctx context.Context) error { return query(ctx, b, write) }},
			"transaction":     {"23505", inTx(b, false, write)},
			"separate":        {"23505", inTx(separate, false, write)},
			"after the error": {"23505", inTx(b, false, write, again)},
			"the end of it": {"23505", func(ctx context.Context) error {
				return b.InTx(ctx, nil, func(_ context.Context, tx executor.Runner) error {
					_, err := tx.Exec(t.Context(), raw(t, builder.Write, "insert into later values (1)"))
					return err
				})
			}},
			"the end of it, separate": {"23505", func(ctx context.Context) error {
				return separate.InTx(ctx, nil, func(_ context.Context, tx executor.Runner) error {
					_, err := tx.Exec(t.Context(), raw(t, builder.Write, "insert into later values (1)"))
					return err
				})
			}},
			"separate, a read": {"42P01", inTx(separate, true, read)},
		} {
			for outcome, want := range map[string]string{
				"": "equal", "TIMEOUT": "equal", op.state: "equal", "25P02": "inconclusive NAME had another error when it was recorded, and fails here on both sidesNAMED: " + op.state,
				"ok":    "inconclusive NAME went well when it was recorded, and fails here on both sidesNAMED: " + op.state,
				"22012": "inconclusive NAME had another error when it was recorded, and fails here on both sidesNAMED: " + op.state,
			} {
				err := op.run(parity.WithRecorded(t.Context(), outcome))
				r := b.last(t)
				want = strings.Replace(want, "NAMED", map[string]string{"42P01": ", undefined table", "23505": ", unique violation"}[op.state], 1)
				want = strings.Replace(want, "NAME", strings.TrimSuffix(r.Operation, " and 1 more"), 1)
				got := strings.TrimSpace(r.Verdict.String() + " " + r.Reason)
				if backend.SQLStateOf(err) != op.state || !strings.HasPrefix(got, want) || want == "equal" && got != want {
					t.Errorf("%s, recorded as %q: %s, %v; want %s", name, outcome, got, err, want)
				}
			}
			_ = op.run(parity.WithRecorded(t.Context(), "ok", op.state))
			if r := b.last(t); r.Verdict != parity.Equal {
				t.Errorf("%s, unless %s: %v %s", name, op.state, r.Verdict, r.Reason)
			}
		}
		// A statement that no side sends since the one before it has failed.
		err := b.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
			err := query(parity.WithRecorded(ctx, "23505"), tx, write)
			_ = query(parity.WithRecorded(ctx, "ok"), tx, again)
			return err
		})
		if r := b.last(t); err == nil || r.Verdict != parity.Inconclusive || !strings.Contains(r.Reason, "is not sent here, since a statement before it fails on both sides, unique violation: 23505") {
			t.Errorf("after an error: %v %q, %v", r.Verdict, r.Reason, err)
		}
		err = b.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
			err := query(parity.WithRecorded(ctx, "23505"), tx, write)
			_ = query(parity.WithRecorded(ctx, "25P02"), tx, again)
			return err
		})
		if r := b.last(t); err == nil || r.Verdict != parity.Equal {
			t.Errorf("as it was recorded: %v %q, %v", r.Verdict, r.Reason, err)
		}
	})
}

// TestUnbegun: a transaction whose settings the server refuses on both sides is no
// agreement, and one that a side alone can begin is a difference.
func TestUnbegun(t *testing.T) {
	t.Parallel()
	everyPair(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		b := newBench(t, dsn, control, candidate)
		separate := parity.NewSeparateRunner(b.harness, b.control, b.candidate)
		for _, ro := range []bool{true, false} {
			for name, r := range map[string]executor.Runner{"one database": b, "two databases": separate} {
				err := r.InTx(t.Context(), &executor.TxOptions{ReadOnly: ro, Session: map[string]string{"role": "nobody_has_this"}}, func(context.Context, executor.Runner) error {
					t.Error("it began")
					return nil
				})
				got := b.last(t)
				if err == nil || got.Verdict != parity.Inconclusive || got.Reason != "its settings can't be made on either side: 22023" {
					t.Errorf("%s, read only %v: %v %q %v, %v", name, ro, got.Verdict, got.Reason, got.Diffs, err)
				}
			}
		}
	})
}
