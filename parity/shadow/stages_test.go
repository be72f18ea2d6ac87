package shadow_test

import (
	"context"
	"database/sql"
	"math"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// TestDescribeRunsNothing: in stage describe, and for writes in every stage, the
// candidate is asked what statements take and give, and none runs there.
func TestDescribeRunsNothing(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		for _, stage := range []shadow.Stage{shadow.StageDescribe, shadow.StageShadow} {
			t.Run(stage.String(), func(t *testing.T) {
				t.Parallel()
				dsn := pgtest.DB(t)
				pgtest.Exec(t, dsn, "create type mood as enum ('sad', 'ok')", "create sequence s",
					"create table t (id int8 primary key default nextval('s'), m mood, b bytea, n numeric)")
				ran := atomic.Int64{}
				s := newStage(t, dsn, control, &rogue{Backend: candidate, before: func(_ context.Context, q string) (string, error) {
					if !strings.HasPrefix(q, "select $1::") { // the arguments, read back
						ran.Add(1)
					}
					return q, nil
				}}, shadow.WithStage(stage))
				insert := write("insert into t (m, b, n) values ($1::mood, $2::bytea, $3::numeric) returning *", "ok", []byte{0, 1}, "1.50")
				if got := mustText(t, s, insert); got != `{"id":1,"m":"ok","b":"\\x0001","n":1.50}` {
					t.Error(got)
				}
				if _, err := s.Exec(t.Context(), write("delete from t where id = $1::int8", "7")); err != nil {
					t.Error(err)
				}
				if _, err := s.Exec(t.Context(), write("insert into t (m) values ($1::mood)", "glad")); backend.SQLStateOf(err) != "22P02" {
					t.Error(err)
				}
				err := s.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
					mustText(t, tx, read("select count(*) from t")) // of a transaction that may write: described only
					_, err := tx.Exec(ctx, write("create temp table u (id int8)"))
					if err == nil {
						_, err = tx.Exec(ctx, write("insert into u values (1)")) // there is none outside
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if stage == shadow.StageDescribe {
					mustText(t, s, read("select id, n from t where id = $1::int8", "1"))
				}
				n := 4
				if stage == shadow.StageDescribe {
					n++
				}
				for _, r := range s.await(t, n) {
					if r.Verdict != parity.Equal || !strings.Contains(r.Reason, "not executed") {
						t.Errorf("%+v", r)
					}
				}
				if ran.Load() > 0 {
					t.Errorf("%d statements ran on the candidate", ran.Load())
				}
				if got := mustText(t, s.control, read("select last_value from s")); got != `{"last_value":1}` {
					t.Errorf("the sequence: %s", got)
				}
			})
		}
	})
}

// TestDescribeFindsArguments: a candidate whose driver sends another value than it
// was given, and one that can't parse the statement, are found without running it.
func TestDescribeFindsArguments(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (id int8)")
		s := newStage(t, dsn, control, &binder{Backend: candidate})
		if _, err := s.Exec(t.Context(), write("insert into t values ($1::int8)", "5")); err != nil {
			t.Fatal(err)
		}
		r := s.await(t, 1)[0]
		if r.Verdict != parity.Mismatch || len(r.Diffs) != 1 || r.Diffs[0].Kind != parity.DiffValue || r.Diffs[0].Cells[0].Candidate.Text != "50" {
			t.Errorf("%+v", r)
		}
		blind := newStage(t, dsn, control, &rogue{Backend: &binder{Backend: candidate, cannot: true}})
		if _, err := blind.Exec(t.Context(), write("insert into t values ($1::int8)", "5")); err != nil {
			t.Fatal(err)
		}
		if r := blind.await(t, 1)[0]; r.Verdict != parity.Mismatch || r.Diffs[0].Kind != parity.DiffError {
			t.Errorf("%+v", r)
		}
	})
}

// binder is a candidate that sends arguments wrongly.
type binder struct {
	backend.Backend
	cannot bool
}

func (*binder) Mode() string { return "binder" }

func (b *binder) Bind(arg any) (any, error) {
	if s, ok := arg.(string); ok && s == "5" && !b.cannot {
		arg = "50"
	}
	return b.Backend.Bind(arg)
}

func (b *binder) QueryWire(ctx context.Context, conn *sql.Conn, query string, args []any) (backend.WireRows, error) {
	return b.Backend.(backend.WireQuerier).QueryWire(ctx, conn, query, args)
}

func (b *binder) Describe(ctx context.Context, conn *sql.Conn, query string) (backend.Description, error) {
	if b.cannot {
		query = "select from where"
	}
	return b.Backend.(backend.Describer).Describe(ctx, conn, query)
}

// TestLive: the candidate answers, the control shadows, and Off gives the answers
// back to the control.
func TestLive(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (id int8)")
		mark := func(row [][]byte) [][]byte { row[0] = []byte("1"); return row }
		s := newStage(t, dsn, control, &rogue{Backend: candidate, lie: mark}, shadow.WithStage(shadow.StageLive))
		one, two := read("select '1'::text v"), read("select '2'::text v")
		if got := mustText(t, s, one); got != `{"v":"1"}` {
			t.Error(got)
		}
		if r := s.await(t, 1)[0]; r.Verdict != parity.Equal || r.Control.Backend != backend.ModeOf(control) {
			t.Errorf("%+v", r)
		}
		if got := mustText(t, s, two); got != `{"v":"1"}` { // the candidate's word
			t.Error(got)
		}
		if r := s.await(t, 2)[1]; r.Verdict != parity.Mismatch || r.Diffs[0].Cells[0].Control.Text != "2" || r.Diffs[0].Cells[0].Candidate.Text != "1" {
			t.Errorf("%+v", r)
		}
		if n, err := s.Exec(t.Context(), write("insert into t values ($1::int8)", "3")); n != 1 || err != nil {
			t.Error(n, err)
		}
		if r := s.await(t, 3)[2]; r.Verdict != parity.Equal {
			t.Errorf("%+v", r)
		}
		if got := mustText(t, s.control, read("select count(*) from t")); got != `{"count":1}` { // once
			t.Error(got)
		}
		s.Off()
		if got := mustText(t, s, two); got != `{"v":"2"}` {
			t.Error(got)
		}
		s.On()
		if got := mustText(t, s, two); got != `{"v":"1"}` {
			t.Error(got)
		}
	})
}

// proxied is dsn through a proxy that can cut connections of the candidate alone.
func proxied(t *testing.T, dsn string) (*faultproxy.Proxy, backend.Config) {
	t.Helper()
	cfg := config(t, dsn)
	h := cfg.Hosts[0]
	network, address := "tcp", net.JoinHostPort(h.Name, strconv.Itoa(int(h.Port)))
	if filepath.IsAbs(h.Name) {
		network, address = "unix", filepath.Join(h.Name, ".s.PGSQL."+strconv.Itoa(int(h.Port)))
	}
	p, err := faultproxy.Start(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	cfg.Hosts = []backend.Host{{Name: p.Host(), Port: uint16(p.Port())}}
	return p, cfg
}

// TestLiveFallsBack: a read whose connection fails is answered by the control and
// counted, inside a transaction too; a write is not run again.
func TestLiveFallsBack(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (id int8)")
		proxy, cfg := proxied(t, dsn)
		db, err := executor.Open(t.Context(), control, config(t, dsn), executor.WithMinIdle(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		s, err := shadow.New(t.Context(), db, shadow.Source{Config: cfg, Candidate: candidate, Executor: []executor.Option{executor.WithMinIdle(0)}},
			parity.NewHarness(), shadow.WithStage(shadow.StageLive), shadow.WithBreaker(calm))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if got := mustText(t, s, read("select 1 v")); got != `{"v":1}` {
			t.Fatal(got)
		}
		if err := proxy.Close(); err != nil {
			t.Fatal(err)
		}
		if got := mustText(t, s, read("select 1 v")); got != `{"v":1}` {
			t.Error(got)
		}
		runs := 0
		err = s.InTx(t.Context(), &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, tx executor.Runner) error {
			runs++
			_, err := text(ctx, tx, read("select 2 v"))
			return err
		})
		if err != nil || runs != 1 {
			t.Errorf("%d runs, %v", runs, err)
		}
		if n := s.Status().Fallbacks; n != 2 {
			t.Errorf("%d fallbacks", n)
		}
		if _, err := s.Exec(t.Context(), write("insert into t values (1)")); backend.CodeOf(err) != backend.CodeServiceUnavailable {
			t.Errorf("a write: %v", err)
		}
		if got := mustText(t, db, read("select count(*) from t")); got != `{"count":0}` {
			t.Errorf("the write was run again: %s", got)
		}
		if n := s.Status().Fallbacks; n != 2 {
			t.Errorf("%d fallbacks", n)
		}
	})
}

// TestDone: the candidate alone, and nothing is compared.
func TestDone(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		r := &rogue{Backend: candidate}
		s := newStage(t, pgtest.DB(t), control, r, shadow.WithStage(shadow.StageDone))
		mustText(t, s, read("select 1"))
		if r.asked.Load() != 1 || s.control.Stats().InUse > 0 || len(s.Status().Verdicts) == 0 || s.Status().Compared > 0 || s.Status().Next != nil {
			t.Errorf("asked %d times, %+v", r.asked.Load(), s.Status())
		}
	})
}

// TestNext: the status says what is missing, until nothing is, and a restart goes
// on from there.
func TestNext(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	state := filepath.Join(t.TempDir(), "state.json")
	coverage := atomic.Uint64{}
	options := []shadow.Option{
		shadow.WithStateFile(state), shadow.WithCoverage(func() float64 { return math.Float64frombits(coverage.Load()) }),
		shadow.WithConditions(shadow.StageShadow, shadow.Conditions{Compared: 4, Bound: 0.8, Coverage: 0.9, Days: 1e-12}),
	}
	missing := func(s *stage) string { return strings.Join(s.Status().Next.Missing, "; ") }
	s := newStage(t, dsn, mode(t, onPQ), mode(t, onPGX), options...)
	for i, want := range []string{
		"0 of 4 operations are compared; 0 of 0 differ, which bounds the share at 100 %; wanted is 80 %; 0.0 of 1e-12 days; 0 % of what there is was compared; wanted is 90 %",
		"1 of 4 operations are compared; 0 of 1 differ, which bounds the share at 100 %; wanted is 80 %; 0 % of what there is was compared; wanted is 90 %",
		"2 of 4 operations are compared; 0 of 2 differ, which bounds the share at 100 %; wanted is 80 %; 0 % of what there is was compared; wanted is 90 %",
	} {
		if got := missing(s); got != want {
			t.Errorf("%d: %s", i, got)
		}
		mustText(t, s, read("select 1"))
		s.await(t, i+1)
		soon(t, time.Second, "it is counted", func() bool { return s.Status().Compared == uint64(i+1) })
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	coverage.Store(math.Float64bits(0.95))
	s = newStage(t, dsn, mode(t, onPQ), mode(t, onPGX), options...)
	if got := missing(s); got != "3 of 4 operations are compared; 0 of 3 differ, which bounds the share at 100 %; wanted is 80 %" {
		t.Error(got)
	}
	mustText(t, s, read("select 1"))
	soon(t, 5*time.Second, "ready", func() bool { return s.Status().Next.Ready })
	if b := s.Status().Bound; b == nil || *b != 0.75 {
		t.Errorf("bound %v", b)
	}
}
