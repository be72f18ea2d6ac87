package parity_test

import (
	"context"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// newApart is a bench of two databases that begin alike.
func newApart(t *testing.T, control, candidate backend.Backend, o ...parity.Option) *bench {
	t.Helper()
	const script = "create table t (id int8 primary key, a text); insert into t select i, 'a' || i from generate_series(1, 20) i"
	one, two := pgtest.DB(t), pgtest.DB(t)
	pgtest.Exec(t, one, script)
	pgtest.Exec(t, two, script)
	b := newBench(t, one, control, candidate, o...)
	b.candidate = open(t, candidate, two)
	b.Runner = parity.NewSeparateRunner(b.harness, b.control, b.candidate)
	return b
}

// lying changes a of the row of id 7 (the first column is as long in text and binary).
func lying(b backend.Backend) backend.Backend {
	return &liar{Backend: b, lie: func(n int, r [][]byte) [][][]byte {
		if len(r) > 1 && string(r[1]) == "a7" {
			r[1] = []byte("lie")
		}
		return [][][]byte{r}
	}}
}

// modePairs are some pairs of modes, each driver on each side.
var modePairs = [][2]string{
	{"pq/default", "pgx/cache_statement"},
	{"pgx/exec", "pq/binary_parameters"},
	{"pgx/describe_exec", "pgx/simple_protocol"},
	{"pq/binary_parameters", "pq/default"},
}

// write runs one statement in a transaction of its own.
func (b *bench) write(t *testing.T, query string, args ...any) error {
	t.Helper()
	return b.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
		_, err := drain(tx.Query(ctx, &builder.Statement{Name: "test", SQL: query, Args: args, Ordered: true}))
		return err
	})
}

// TestApartIsLookedAtAgain: on two databases, too, what the control can't repeat is noise, and
// the server says who is wrong: of reads, and of writes that are rolled back.
func TestApartIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	const (
		random  = "select id, a, random() as r from t order by id"
		read    = "select id, a from t order by id"
		both    = "select id, a, random() as r from t order by id"
		made    = "update t set a = a where id < 10 returning id, a, random() as r"
		written = "update t set a = a where id = 7 returning id, a"
	)
	truth := func(b backend.Backend) backend.Backend { return b }
	for _, modes := range modePairs {
		for _, tc := range []struct {
			name, sql          string
			control, candidate func(backend.Backend) backend.Backend
			want               parity.Verdict
			wrong              parity.Voice
		}{
			{"a volatile read", random, truth, truth, parity.Noise, ""},
			{"equal", read, truth, truth, parity.Equal, ""},
			{"the candidate lies", read, truth, lying, parity.Mismatch, parity.VoiceCandidate},
			{"the control lies", read, lying, truth, parity.Mismatch, parity.VoiceControl},
			{"both lie", read, lying, lying, parity.Mismatch, parity.VoiceBoth},
			{"a lie beside noise", both, truth, lying, parity.Mismatch, parity.VoiceCandidate},
			{"a volatile write", made, truth, truth, parity.Noise, ""},
			{"the candidate lies of a write", written, truth, lying, parity.Mismatch, parity.VoiceCandidate},
			{"the control lies of a write", written, lying, truth, parity.Mismatch, parity.VoiceControl},
		} {
			t.Run(modes[0]+" "+modes[1]+" "+tc.name, func(t *testing.T) {
				t.Parallel()
				b := newApart(t, tc.control(mode(t, modes[0])), tc.candidate(mode(t, modes[1])), parity.WithThirdVoice(1), parity.WithRollback())
				var err error
				if strings.HasPrefix(tc.sql, "update") {
					err = b.write(t, tc.sql)
				} else {
					_, err = drain(b.Query(t.Context(), statement(tc.sql, true)))
				}
				r := b.last(t)
				if r.Verdict != tc.want || r.Wrong != tc.wrong {
					t.Errorf("%v (%s), wrong %q; want %v, %q; %v", r.Verdict, r.Reason, r.Wrong, tc.want, tc.wrong, r.Diffs)
				}
				if mismatch := backend.CodeOf(err) == backend.CodeParityMismatch; mismatch != (tc.want == parity.Mismatch) {
					t.Errorf("error %v", err)
				}
				if in := b.control.Stats().InUse + b.candidate.Stats().InUse; in != 0 {
					t.Errorf("%d connections are still in use", in)
				}
			})
		}
	}
}

// TestApartCommitsOnce: a write that commits runs once on each side, also where it differs:
// a second run would move the control's sequences on alone.
func TestApartCommitsOnce(t *testing.T) {
	t.Parallel()
	for _, modes := range modePairs {
		t.Run(modes[0]+" "+modes[1], func(t *testing.T) {
			t.Parallel()
			b := newApart(t, mode(t, modes[0]), mode(t, modes[1]))
			for _, db := range []*executor.DB{b.control, b.candidate} {
				if _, err := db.Exec(t.Context(), &builder.Statement{Name: "sequence", SQL: "create sequence s"}); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.write(t, "update t set a = nextval('s')::text where id = 7 returning id, a, random()"); backend.CodeOf(err) != backend.CodeParityMismatch {
				t.Errorf("%v, want a mismatch", err)
			}
			if r := b.last(t); r.Verdict != parity.Mismatch || r.Wrong != "" {
				t.Errorf("%v, wrong %q; want a mismatch that nobody is blamed for", r.Verdict, r.Wrong)
			}
			for _, db := range []*executor.DB{b.control, b.candidate} {
				got, err := drain(db.Query(t.Context(), statement("select a || ' ' || (select last_value from s) from t where id = 7", true)))
				if err != nil || len(got) != 1 || got[0] != "1 1" {
					t.Errorf("it stored %v, %v; want one run", got, err)
				}
			}
		})
	}
}
