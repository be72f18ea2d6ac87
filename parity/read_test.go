package parity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// TestReadsAgree runs reads of every kind of value on lib/pq and each mode of pgx.
func TestReadsAgree(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Sample(t)
	for _, candidate := range all.Modes(codec.HasBinary) {
		t.Run(backend.ModeOf(candidate), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dsn, mode(t, "pq/default"), candidate)
			for _, tc := range []struct {
				name, sql string
				ordered   bool
				args      []any
			}{
				{"every type", "select * from all_types order by 1", true, nil},
				{"without an order", "select * from users", false, nil},
				{"with an argument", "select id, name from users where id <= $1::int8 order by id", true, []any{"20"}},
				{"no rows", "select id from users where false", true, nil},
				{"one column twice", "select id, id from users order by id", true, nil},
			} {
				if _, err := drain(b.Query(t.Context(), statement(tc.sql, tc.ordered, tc.args...))); err != nil {
					t.Errorf("%s: %v", tc.name, err)
				}
				if r := b.last(t); !r.Verdict.Pass() {
					t.Errorf("%s: verdict %v, reason %q, diffs %v", tc.name, r.Verdict, r.Reason, r.Diffs)
				}
			}
			if s := b.harness.Summary(); !s.Passed() || s.Operations != 5 {
				t.Errorf("summary %+v, want 5 operations that passed", s)
			}
		})
	}
}

// TestReadLies plants one fault at a time in the candidate.
func TestReadLies(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int8 primary key, a text, b text, n numeric)`,
		`insert into t select i, case when i % 3 = 0 then null else 'a' || i end, 'b', i * 1.10 from generate_series(1, 200) i`)
	same := func(row [][]byte) [][][]byte { return [][][]byte{row} }
	at := func(n int, change func(row [][]byte)) func(int, [][]byte) [][][]byte {
		return func(i int, row [][]byte) [][][]byte {
			if i == n {
				change(row)
			}
			return same(row)
		}
	}
	for _, tc := range []struct {
		name, why string
		lie       func(int, [][]byte) [][][]byte
		end       error
		ordered   parity.Verdict
		bag       parity.Verdict
		kind      parity.Kind // of the first difference, in order
	}{
		{name: "truth", why: "a wrapper that changes nothing must pass", lie: func(_ int, r [][]byte) [][][]byte { return same(r) }, ordered: parity.Equal, bag: parity.Equal},
		{name: "null for empty", why: "NULL and the empty string are different", lie: at(3, func(r [][]byte) { r[1] = []byte{} }), ordered: parity.Mismatch, bag: parity.Mismatch, kind: parity.DiffValue},
		{name: "empty for null", why: "and the other way", lie: at(4, func(r [][]byte) { r[1] = nil }), ordered: parity.Mismatch, bag: parity.Mismatch, kind: parity.DiffValue},
		{name: "shifted cells", why: "cells are compared one by one, not joined", lie: at(5, func(r [][]byte) { r[1], r[2] = append(r[1], 'b'), []byte{} }), ordered: parity.Mismatch, bag: parity.Mismatch, kind: parity.DiffValue},
		{name: "swapped columns", why: "two columns of one type", lie: at(7, func(r [][]byte) { r[1], r[2] = r[2], r[1] }), ordered: parity.Mismatch, bag: parity.Mismatch, kind: parity.DiffValue},
		{name: "last row lost", why: "the end is compared too", lie: func(n int, r [][]byte) [][][]byte {
			if n == 200 {
				return nil
			}
			return same(r)
		}, ordered: parity.Mismatch, bag: parity.Mismatch, kind: parity.DiffMissing},
		{name: "row doubled", why: "a multiset, not a set", lie: func(n int, r [][]byte) [][][]byte {
			if n == 200 {
				return [][][]byte{r, r}
			}
			return same(r)
		}, ordered: parity.Mismatch, bag: parity.Mismatch, kind: parity.DiffExtra},
		{name: "swapped rows", why: "order counts only where the statement fixes it", lie: swapRows(), ordered: parity.Mismatch, bag: parity.EqualByRule, kind: parity.DiffValue},
		{name: "error at the end", why: "rows then an error is not the same as rows", lie: func(_ int, r [][]byte) [][][]byte { return same(r) }, end: backend.New("query", backend.CodeBadUserInput, errors.New("made up")), ordered: parity.Mismatch, bag: parity.Mismatch, kind: parity.DiffError},
		{name: "lost connection", why: "says nothing about the driver", lie: func(_ int, r [][]byte) [][][]byte { return same(r) }, end: backend.New("query", backend.CodeServiceUnavailable, errors.New("gone")), ordered: parity.Inconclusive, bag: parity.Inconclusive},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, ordered := range []bool{true, false} {
				b := newBench(t, dsn, mode(t, "pq/default"), &liar{Backend: mode(t, "pgx/cache_statement"), lie: tc.lie, end: tc.end})
				want, query := tc.bag, "select id, a, b, n from t"
				if ordered {
					want, query = tc.ordered, query+" order by id"
				}
				got, err := drain(b.Query(t.Context(), statement(query, ordered)))
				if len(got) != 200 {
					t.Errorf("ordered %v: the caller got %d rows, want the control's 200", ordered, len(got))
				}
				r := b.last(t)
				if r.Verdict != want {
					t.Errorf("ordered %v: verdict %v, want %v (%s); %v", ordered, r.Verdict, want, tc.why, r.Diffs)
				}
				if mismatch := backend.CodeOf(err) == backend.CodeParityMismatch; mismatch != (want == parity.Mismatch) {
					t.Errorf("ordered %v: error %v, want a mismatch only with that verdict", ordered, err)
				}
				if ordered && tc.kind != "" && (len(r.Diffs) == 0 || r.Diffs[0].Kind != tc.kind) {
					t.Errorf("differences %v, want first %s", r.Diffs, tc.kind)
				}
			}
		})
	}
}

// swapRows exchanges rows 10 and 11.
func swapRows() func(int, [][]byte) [][][]byte {
	var kept [][]byte
	return func(n int, row [][]byte) [][][]byte {
		switch n {
		case 10:
			kept = row
			return nil
		case 11:
			return [][][]byte{row, kept}
		}
		return [][][]byte{row}
	}
}

// TestReadErrors: both sides fail alike, whenever a driver says so.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for _, candidate := range all.Modes(codec.HasBinary) {
		t.Run(backend.ModeOf(candidate), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dsn, mode(t, "pq/default"), candidate)
			for _, tc := range []struct{ sql, state string }{
				{"select 1 / (x - x) from generate_series(1, 3) x", "22012"},
				{"select * from no_such_table", "42P01"},
				{"select 1 / (500 - x) from generate_series(1, 1000) x", "22012"}, // after many rows
				{"select 'x'::int4", "22P02"},
				{"selec 1", "42601"},
			} {
				_, err := drain(b.Query(t.Context(), statement(tc.sql, true)))
				if got := backend.SQLStateOf(err); got != tc.state {
					t.Errorf("%s: SQLSTATE %q of %v, want %q", tc.sql, got, err, tc.state)
				}
				if r := b.last(t); r.Verdict != parity.Equal || r.Control.SQLState != tc.state || r.Candidate.SQLState != tc.state {
					t.Errorf("%s: %+v", tc.sql, r)
				}
			}
			if s := b.control.Stats(); s.InUse != 0 {
				t.Errorf("%d connections of the control are still in use", s.InUse)
			}
			if s := b.candidate.Stats(); s.InUse != 0 {
				t.Errorf("%d connections of the candidate are still in use", s.InUse)
			}
		})
	}
}

// TestReadsShareSnapshot writes between the two reads: only a shared snapshot
// makes them equal.
func TestReadsShareSnapshot(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int8 primary key)`, `insert into t select generate_series(1, 1000)`)
	b := newBench(t, dsn, mode(t, "pq/default"), mode(t, "pgx/cache_statement"))
	for i := range 20 {
		rows, err := b.Query(t.Context(), statement("select id from t", false))
		if err != nil {
			t.Fatal(err)
		}
		rows.Next()
		pgtest.Exec(t, dsn, fmt.Sprintf("insert into t values (%d)", 2000+i), "delete from t where id = "+fmt.Sprint(i+1))
		for rows.Next() {
			continue
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if r := b.last(t); r.Verdict != parity.Equal {
			t.Fatalf("round %d: %v %v", i, r.Verdict, r.Diffs)
		}
	}
}

// TestCloseEarly: what was not read was not compared.
func TestCloseEarly(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	b := newBench(t, dsn, mode(t, "pq/default"), mode(t, "pgx/cache_statement"))
	rows, err := b.Query(t.Context(), statement("select x from generate_series(1, 100000) x", true))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		rows.Next()
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if r := b.last(t); r.Verdict != parity.Equal || r.Control.Rows != 3 {
		t.Errorf("report %+v, want equal after 3 rows", r)
	}
	if got, err := drain(b.Query(t.Context(), statement("select 1", true))); err != nil || cmp.Diff([]string{"1"}, got) != "" {
		t.Errorf("after that: %v, %v", got, err)
	}
}

// TestSample: the share that is not compared runs on the control only.
func TestSample(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	b := newBench(t, dsn, mode(t, "pq/default"), &liar{Backend: mode(t, "pgx/exec"), lie: func(int, [][]byte) [][][]byte { return nil }}, parity.WithSample(0))
	if _, err := drain(b.Query(t.Context(), statement("select 1", true))); err != nil {
		t.Fatal(err)
	}
	if r := b.last(t); r.Verdict != parity.NotCompared || !strings.Contains(r.Reason, "sampled") {
		t.Errorf("report %+v, want not compared, not sampled", r)
	}
	if b.harness.Summary().Passed() {
		t.Error("a summary in which nothing was compared has passed")
	}
}

// TestReadSavepoint: a failure inside a savepoint leaves the transaction usable on
// both sides.
func TestReadSavepoint(t *testing.T) {
	t.Parallel()
	b := newBench(t, pgtest.DB(t), mode(t, "pq/default"), mode(t, "pgx/cache_statement"))
	err := b.InTx(t.Context(), &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, tx executor.Runner) error {
		err := tx.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error {
			_, err := drain(tx.Query(ctx, statement("select 1 / 0", true)))
			return err
		})
		if got := backend.SQLStateOf(err); got != "22012" {
			t.Errorf("inside: SQLSTATE %q of %v, want 22012", got, err)
		}
		got, err := drain(tx.Query(ctx, statement("select 7", true)))
		if err != nil || cmp.Diff([]string{"7"}, got) != "" {
			t.Errorf("after it: %v, %v", got, err)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if r := b.last(t); r.Verdict != parity.Equal {
		t.Errorf("report %+v, want equal", r)
	}
}
