package shadow_test

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// TestLiveInTheMiddle: the candidate's connection breaks while it answers. An answer of
// which nothing has left is the control's, whole and once; one that has begun is cut, and
// says so; a write is not run again.
func TestLiveInTheMiddle(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table words (id int8 generated always as identity, word text not null)",
			"insert into words (word) select repeat('x', 100) from generate_series(1, 20000)")
		proxy, cfg := proxied(t, dsn)
		db, err := executor.Open(t.Context(), control, config(t, dsn), executor.WithMinIdle(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		// The stage of the shadow's own reads is live, and none of them is drawn: they would
		// pass by the proxy too.
		s, err := shadow.New(t.Context(), db, shadow.Source{Config: cfg, Candidate: candidate, Executor: []executor.Option{executor.WithMinIdle(0)}},
			parity.NewHarness(), shadow.WithStage(shadow.StageLive), shadow.WithShare(0), shadow.WithBreaker(calm))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		cut := func(row int) *faultproxy.Armed {
			return proxy.Arm(faultproxy.Fault{When: faultproxy.AtNth('D', row), How: faultproxy.RST})
		}
		answer := func(rows int) (string, error) {
			var w bytes.Buffer
			err := executor.ExecutePlan(t.Context(), s, wordsPlan(rows), &w)
			return w.String(), err
		}
		struck := func(a *faultproxy.Armed, fallbacks uint64) {
			t.Helper()
			if n := s.Status().Fallbacks; !a.Struck() || n != fallbacks {
				t.Errorf("struck %v, %d fallbacks, want %d", a.Struck(), n, fallbacks)
			}
		}

		whole, err := answer(50)
		if err != nil || strings.Count(whole, `"id"`) != 50 {
			t.Fatalf("%d rows, %v", strings.Count(whole, `"id"`), err)
		}
		a := cut(20)
		if got, err := answer(50); err != nil || got != whole {
			t.Errorf("%.200s, error %v, want the whole answer", got, err)
		}
		struck(a, 1)

		a = cut(15_000)
		got, err := answer(20_000)
		if n := strings.Count(got, `"id"`); !executor.Partial(err) || n == 0 || n >= 15_000 {
			t.Errorf("%d rows of an answer that is cut, %v", n, err)
		}
		struck(a, 1)

		// Who takes rows itself has the ones before the break, and the error.
		a = cut(20)
		got, err = text(t.Context(), s, read("select id from words order by id limit 50"))
		if n := strings.Count(got, `"id"`); backend.CodeOf(err) != backend.CodeServiceUnavailable || n > 19 {
			t.Errorf("%d rows, %v", n, err)
		}
		struck(a, 1)

		// A write alone goes out with its COMMIT, of which nobody knows then what became; in a
		// transaction of the caller's own nothing was stored. Neither runs again.
		insert := write("insert into words (word) select 'new' from generate_series(1, 5) returning id")
		a = cut(3)
		if _, err := text(t.Context(), s, insert); backend.CodeOf(err) != backend.CodeCommitUnknown {
			t.Errorf("a write whose connection broke: %v", err)
		}
		struck(a, 1)
		began := 0
		a = cut(3)
		err = s.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
			began++
			_, err := text(ctx, tx, insert)
			return err
		})
		if backend.CodeOf(err) != backend.CodeServiceUnavailable || began != 1 {
			t.Errorf("a transaction whose connection broke ran %d times: %v", began, err)
		}
		struck(a, 1)
		if got := mustText(t, db, read("select count(*) from words where word = 'new'")); got != `{"count":0}` && got != `{"count":5}` {
			t.Errorf("the write was run again: %s", got)
		}
		// A sequence counts what was rolled back too.
		if got := mustText(t, db, read("select last_value as n from words_id_seq")); got != `{"n":20010}` {
			t.Errorf("a write was run again, or not at all: %s", got)
		}
	})
}

// wordsPlan reads so many words.
func wordsPlan(rows int) *builder.Plan {
	r := codec.Builtin()
	return &builder.Plan{Kind: builder.Query, MaxAffected: -1, Root: builder.Node{
		Statement: builder.Statement{
			Name: "query words", Effect: builder.Read, Ordered: true, SQL: "select id, word from words order by id limit $1::int8", Args: []any{strconv.Itoa(rows)},
			Columns: []builder.Column{{Name: "id", Type: r.Type(20)}, {Name: "word", Type: r.Type(25)}},
		},
		Members: []builder.Member{{Key: "id", Column: 0, Child: -1}, {Key: "word", Column: 1, Child: -1}},
	}}
}
