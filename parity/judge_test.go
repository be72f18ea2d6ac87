package parity_test

import (
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// TestNoise: what the control can't repeat itself says nothing about the candidate,
// and what it can is a mismatch, noise beside it or not.
func TestNoise(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	truth := func(_ int, r [][]byte) [][][]byte { return [][][]byte{r} }
	for _, tc := range []struct {
		name, sql string
		lie       func(int, [][]byte) [][][]byte
		want      parity.Verdict
		reason    string
	}{
		{"random", "select x, random() as r from generate_series(1, 30) x", truth, parity.Noise, "r of test"},
		{"time of the transaction", "select x, now() as at from generate_series(1, 3) x", truth, parity.Noise, "at of test"},
		{"session", "select pg_backend_pid() as pid", truth, parity.Noise, "pid of test"},
		{"number of rows", "select x from generate_series(1, floor(random() * 100000)::int) x", truth, parity.Noise, "of test"},
		{"order", "select x from generate_series(1, 50) x order by random()", truth, parity.Noise, "x of test"},
		{"a lie beside noise", "select x, random() as r from generate_series(1, 5) x", func(n int, r [][]byte) [][][]byte {
			if n == 2 {
				r[0][len(r[0])-1] = '7'
			}
			return [][][]byte{r}
		}, parity.Mismatch, ""},
		{"a row lost beside noise", "select x, random() as r from generate_series(1, 5) x", func(n int, r [][]byte) [][][]byte {
			if n == 3 {
				return nil
			}
			return [][][]byte{r}
		}, parity.Mismatch, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, ordered := range []bool{true, false} {
				if !ordered && tc.name == "order" {
					continue
				}
				b := newBench(t, dsn, mode(t, "pq/default"), &liar{Backend: mode(t, "pgx/cache_statement"), lie: tc.lie})
				_, err := drain(b.Query(t.Context(), statement(tc.sql, ordered)))
				r := b.last(t)
				if r.Verdict != tc.want || !strings.Contains(r.Reason, tc.reason) {
					t.Errorf("ordered %v: verdict %v (%s), want %v; %v", ordered, r.Verdict, r.Reason, tc.want, r.Diffs)
				}
				if mismatch := backend.CodeOf(err) == backend.CodeParityMismatch; mismatch != (tc.want == parity.Mismatch) {
					t.Errorf("ordered %v: error %v", ordered, err)
				}
				if in := b.control.Stats().InUse + b.candidate.Stats().InUse; in != 0 {
					t.Errorf("%d connections are still in use", in)
				}
			}
		})
	}
}

// TestThirdVoice: the server says who is wrong, also where both say the same.
func TestThirdVoice(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int8 primary key, a text, j jsonb)`, `insert into t select i, 'a' || i, '{"x": 1}' from generate_series(1, 20) i`)
	lie := func(n int, r [][]byte) [][][]byte {
		if n == 7 {
			r[1] = []byte("lie")
		}
		return [][][]byte{r}
	}
	pq, pgx := mode(t, "pq/default"), mode(t, "pgx/cache_statement")
	for _, tc := range []struct {
		name               string
		control, candidate backend.Backend
		want               parity.Voice
		kind               parity.Kind
	}{
		{"nobody", pq, pgx, "", ""},
		{"candidate", pq, &liar{Backend: pgx, lie: lie}, parity.VoiceCandidate, parity.DiffValue},
		{"control", &liar{Backend: pgx, lie: lie}, pq, parity.VoiceControl, parity.DiffValue},
		{"both", &liar{Backend: pq, lie: lie}, &liar{Backend: pgx, lie: lie}, parity.VoiceBoth, parity.DiffServer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, query := range []string{"select id, a, j from t order by id", "select id, a, j from t", "select id, a, j from t order by id;"} {
				b := newBench(t, dsn, tc.control, tc.candidate, parity.WithThirdVoice(1))
				_, err := drain(b.Query(t.Context(), statement(query, strings.Contains(query, "order"))))
				r := b.last(t)
				if r.Wrong != tc.want || r.Verdict.Pass() != (tc.want == "") {
					t.Errorf("%s: %v, wrong %q, want %q; %v (%v)", query, r.Verdict, r.Wrong, tc.want, r.Diffs, err)
				}
				if tc.kind == "" {
					continue
				}
				if len(r.Diffs) != 1 || r.Diffs[0].Kind != tc.kind || len(r.Diffs[0].Cells) != 1 || r.Diffs[0].Cells[0].Server == nil {
					t.Fatalf("%s: differences %+v, want one of %s with the server's value", query, r.Diffs, tc.kind)
				}
				if got := r.Diffs[0].Cells[0].Server.Text; got != "a7" && got != `"a7"` {
					t.Errorf("%s: the server says %q, want a7", query, got)
				}
			}
		})
	}
}

// TestThirdVoiceAgrees: codec's JSON of everything is the server's, in all modes.
func TestThirdVoiceAgrees(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Sample(t)
	for _, candidate := range all.Modes(codec.HasBinary) {
		t.Run(backend.ModeOf(candidate), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dsn, mode(t, "pq/default"), candidate, parity.WithThirdVoice(1))
			for _, query := range []string{"select * from all_types order by 1", "select * from users", "values (1, 'x'), (2, null)"} {
				if _, err := drain(b.Query(t.Context(), statement(query, false))); err != nil {
					t.Errorf("%s: %v", query, err)
				}
				if r := b.last(t); !r.Verdict.Pass() || r.Wrong != "" {
					t.Errorf("%s: %v, wrong %q; %v", query, r.Verdict, r.Wrong, r.Diffs)
				}
			}
		})
	}
}
