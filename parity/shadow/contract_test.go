package shadow_test

import (
	"bytes"
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// These are the clauses of the contract between a shadow and who answers.

// TestAnswerIsTheControls: whatever the candidate does, the caller's bytes, errors
// and order are the control's.
func TestAnswerIsTheControls(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (id int8 primary key, v text)", "insert into t select i, 'v' || i from generate_series(1, 50) i")
		for _, tc := range []struct {
			name  string
			rogue *rogue
			want  parity.Verdict
			kind  parity.Kind
		}{
			{"lies", &rogue{lie: func(row [][]byte) [][]byte { row[1] = append(row[1], '!'); return row }}, parity.Mismatch, parity.DiffValue},
			{"errors", &rogue{before: func(context.Context, string) (string, error) { return "select 1/0", nil }}, parity.Mismatch, parity.DiffError},
			{"panics", &rogue{before: func(context.Context, string) (string, error) { panic("a driver's bug") }}, parity.Mismatch, parity.DiffError},
			{"panics in the rows", &rogue{lie: func([][]byte) [][]byte { panic("a driver's bug") }}, parity.Mismatch, parity.DiffError},
			{"returns early", &rogue{before: func(_ context.Context, q string) (string, error) { return q + " limit 7", nil }}, parity.Mismatch, parity.DiffMissing},
			{"returns more", &rogue{before: func(context.Context, string) (string, error) {
				return "select i::int8 id, 'v' || i v from generate_series(1, 60) i order by i", nil
			}}, parity.Mismatch, parity.DiffExtra},
			{"says nothing", &rogue{before: func(context.Context, string) (string, error) { return "", backend.ErrConnectionLost }}, parity.Inconclusive, ""},
			{"has other columns", &rogue{before: func(context.Context, string) (string, error) { return "select 1::int8 id, 2::int8 v, 3 w", nil }}, parity.Mismatch, ""},
		} {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				tc.rogue.Backend = candidate
				s := newStage(t, dsn, control, tc.rogue)
				for _, query := range []string{"select id, v from t order by id", "select id, v from t where id > 100 order by id"} {
					st := read(query)
					want, wantErr := text(t.Context(), s.control, st)
					got, err := text(t.Context(), s, st)
					if got != want || (err == nil) != (wantErr == nil) {
						t.Errorf("%s: got %.200s, %v", query, got, err)
					}
				}
				r := s.await(t, 2)
				i := slices.IndexFunc(r, func(r parity.Report) bool { return r.Verdict == tc.want })
				if i < 0 || tc.kind != "" && (len(r[i].Diffs) == 0 || r[i].Diffs[0].Kind != tc.kind) {
					t.Errorf("%+v", r)
				}
			})
		}
	})
}

// TestCallerNeverWaits: with a candidate that hangs for a minute and heeds no
// context, answers come as they come without it, and Close is bounded.
func TestCallerNeverWaits(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		hang := make(chan struct{})
		t.Cleanup(func() { close(hang) })
		s := newStage(t, pgtest.DB(t), control, &rogue{Backend: candidate, before: func(_ context.Context, q string) (string, error) {
			select {
			case <-hang:
			case <-time.After(time.Minute):
			}
			return q, nil
		}}, shadow.WithPool(1), shadow.WithQueue(4))
		st := read("select 1")
		const n = 10_000
		alone, shadowed := make([]time.Duration, n), make([]time.Duration, n)
		for i := range n { // paired, in turns
			for _, side := range []struct {
				r    executor.Runner
				took []time.Duration
			}{{s.control, alone}, {s, shadowed}} {
				start := time.Now()
				mustText(t, side.r, st)
				side.took[i] = time.Since(start)
			}
		}
		slices.Sort(alone)
		slices.Sort(shadowed)
		t.Logf("median %v and %v, p99 %v and %v", alone[n/2], shadowed[n/2], alone[n*99/100], shadowed[n*99/100])
		if shadowed[n/2] > alone[n/2]+200*time.Microsecond || shadowed[n*99/100] > 3*alone[n*99/100]+20*time.Millisecond {
			t.Errorf("median %v and %v, p99 %v and %v", alone[n/2], shadowed[n/2], alone[n*99/100], shadowed[n*99/100])
		}
		if d := s.Status().Dropped["queue"]; d < n-10 {
			t.Errorf("%d were dropped", d)
		}
		start := time.Now()
		if err := s.Close(); backend.CodeOf(err) != backend.CodeTimeout || time.Since(start) > 8*time.Second {
			t.Errorf("close: %v after %v", err, time.Since(start))
		}
	})
}

// TestPoolOfOneAndAThousandCallers: what the pool can't do is dropped and counted;
// neither a queue nor goroutines grow.
func TestPoolOfOneAndAThousandCallers(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	s := newStage(t, dsn, mode(t, onPGX), &rogue{Backend: mode(t, onPQ), before: func(_ context.Context, q string) (string, error) {
		return "select pg_sleep(0.05)", nil
	}}, shadow.WithPool(1), shadow.WithQueue(8))
	mustText(t, s, read("select 0"))
	s.await(t, 1)
	before := runtime.NumGoroutine()
	most := 0
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			for range 50 {
				mustText(t, s, read("select 1"))
			}
		})
	}
	done := make(chan struct{})
	go func() { callers.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(time.Millisecond):
		}
		most = max(most, runtime.NumGoroutine())
	}
	var sessions int
	if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select count(*) from pg_stat_activity where application_name = 'app/shadow' and datname = current_database()").Scan(&sessions); err != nil {
		t.Fatal(err)
	}
	st := s.Status()
	if st.Queue > 8 || st.Dropped["queue"] < 500 || sessions > 2 { // one to either side
		t.Errorf("%d in the queue, %v dropped, %d sessions", st.Queue, st.Dropped, sessions)
	}
	// 20 callers with a connection of pgx each; the other tests that run have theirs.
	t.Logf("%d goroutines before, %d at most", before, most)
	if parallel := 400; most > before+20+parallel {
		t.Errorf("%d goroutines before, %d at most", before, most)
	}
}

// TestCallerLeaves: the candidate's statement ends by its own deadline and not with
// the caller's context, and the server knows the deadline too.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		s := newStage(t, dsn, control, &rogue{Backend: candidate, before: func(_ context.Context, q string) (string, error) {
			return "select pg_sleep(60)", nil
		}}, shadow.WithDeadline(time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := text(ctx, s, read("select 1")); err != nil {
			t.Fatal(err)
		}
		cancel()
		db := pgtest.Open(t, dsn)
		active := func() (n int) {
			err := db.QueryRowContext(t.Context(), `select count(*) from pg_stat_activity
				where application_name = 'app/shadow' and state = 'active' and datname = current_database()`).Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		soon(t, time.Second, "the candidate runs although the caller has gone", func() bool { return active() == 1 })
		soon(t, 2*time.Second, "the candidate ends by itself", func() bool { return active() == 0 })
		if r := s.await(t, 1)[0]; r.Verdict != parity.Inconclusive || !strings.Contains(r.Reason, "can't be asked") {
			t.Errorf("%+v", r)
		}
	})
}

// TestServerKnowsTheDeadline: a process that dies leaves no statement behind.
func TestServerKnowsTheDeadline(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		var got []string
		s := newStage(t, pgtest.DB(t), control, &rogue{Backend: candidate, before: func(_ context.Context, q string) (string, error) {
			return q, nil
		}, lie: func(row [][]byte) [][]byte {
			got = nil
			for _, v := range row {
				got = append(got, string(v))
			}
			return row
		}}, shadow.WithDeadline(1234*time.Millisecond), shadow.WithRole("pg_monitor"))
		mustText(t, s, read("select current_setting('statement_timeout'), current_setting('transaction_read_only'), current_setting('application_name'), current_user::text"))
		s.await(t, 1)
		if want := []string{"1234ms", "on", "app/shadow", "pg_monitor"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestCandidateCannotWrite: a candidate that tries to write gets 25006, and nothing
// is written.
func TestCandidateCannotWrite(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (id int8)")
		s := newStage(t, dsn, control, &rogue{Backend: candidate, before: func(context.Context, string) (string, error) {
			return "insert into t values (1) returning id", nil
		}})
		mustText(t, s, read("select 1::int8 id"))
		r := s.await(t, 1)[0]
		if r.Verdict != parity.Mismatch || r.Candidate.SQLState != "25006" {
			t.Errorf("%+v", r)
		}
		if got := mustText(t, s.control, read("select count(*) from t")); got != `{"count":0}` {
			t.Error(got)
		}
	})
}

// TestNothingIsShared: the caller reuses its arguments and its rows at once; the
// race detector sees whether the shadow still looks at them.
func TestNothingIsShared(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, control, candidate backend.Backend) {
		s := newStage(t, pgtest.DB(t), control, candidate)
		arg := bytes.Repeat([]byte{'a'}, 1024)
		args := []any{arg}
		for i := range 50 {
			for j := range arg {
				arg[j] = byte(i)
			}
			args[0] = arg
			rows, err := s.Query(t.Context(), read("select $1::bytea, repeat('x', 10) from generate_series(1, 5)", args...))
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
			}
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
			for j := range arg {
				arg[j] = 0xff
			}
			args[0] = nil
		}
		soon(t, 20*time.Second, "all are looked at", func() bool {
			st := s.Status()
			return st.Compared+st.Dropped["queue"] == 50
		})
		if st := s.Status(); st.Verdicts["equal"] < 10 || st.Verdicts["mismatch"]+st.Verdicts["noise"] > 0 {
			t.Errorf("%+v", st.Verdicts)
		}
	})
}

// TestOffIsOff: no connection, no goroutine, no measure, and the control itself
// runs what comes.
func TestOffIsOff(t *testing.T) {
	t.Parallel()
	candidate := &rogue{Backend: mode(t, onPGX)}
	dsn := pgtest.DB(t)
	s := newStage(t, dsn, mode(t, onPQ), candidate, shadow.WithStage(shadow.StageOff), shadow.WithKillFile("nowhere"))
	if r := s.Select(t.Context(), read("select 1"), nil); r != executor.Runner(s.control) {
		t.Errorf("a %T runs", r)
	}
	mustText(t, s, read("select 1"))
	if s.Measures() != nil || candidate.asked.Load() > 0 {
		t.Error("it is not off")
	}
	if st := s.Status(); st.Stage != shadow.StageOff || st.Breaker != nil || st.Off != "" || !st.Next.Ready {
		t.Errorf("%+v", st)
	}
	s.Off()
	s.On()
	if r := s.Select(t.Context(), read("select 1"), nil); r != executor.Runner(s.control) {
		t.Errorf("switched on, a %T runs", r)
	}
	if st := s.Status(); st.Breaker != nil {
		t.Error("switched on where nothing is configured, it runs")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	mustText(t, s, read("select 1"))
}

// TestOffHasNothing: where it is off, whatever else is configured, there is neither a
// goroutine nor a connection more than without it, and operations leave none behind.
//
//nolint:paralleltest // others' goroutines would be counted
func TestOffHasNothing(t *testing.T) {
	dsn := pgtest.DB(t)
	control, err := executor.Open(t.Context(), mode(t, onPQ), config(t, dsn), executor.WithMaxConns(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = control.Close() }()
	sessions := func() string {
		return mustText(t, control, read("select count(*) from pg_stat_activity where datname = current_database()"))
	}
	connections := sessions()
	goroutines := runtime.NumGoroutine() // with those of its connection
	s, err := shadow.New(t.Context(), control, shadow.Source{Config: config(t, dsn), Candidate: mode(t, onPGX)}, parity.NewHarness(),
		shadow.WithStage(shadow.StageOff), shadow.WithShare(1), shadow.WithPool(9), shadow.WithKillFile("nowhere"), shadow.WithStateFile(filepath.Join(t.TempDir(), "state")))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		mustText(t, s, read("select 1"))
	}
	if n := runtime.NumGoroutine(); n != goroutines {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	if n := sessions(); n != connections {
		t.Errorf("%s connections, %s before", n, connections)
	}
	if s.Answering() != nil || s.Measures() != nil {
		t.Error("there is a pool, or something to measure")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestRefused: what can't work is said at New.
func TestRefused(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	control := newStage(t, dsn, mode(t, onPQ), mode(t, onPGX), shadow.WithStage(shadow.StageOff)).control
	bad := config(t, dsn)
	bad.Database = "there_is_none"
	for name, c := range map[string]struct {
		from shadow.Source
		o    []shadow.Option
	}{
		"no candidate":            {shadow.Source{}, nil},
		"no such stage":           {shadow.Source{Candidate: mode(t, onPGX)}, []shadow.Option{shadow.WithStage(9)}},
		"share":                   {shadow.Source{Candidate: mode(t, onPGX)}, []shadow.Option{shadow.WithShare(2)}},
		"state is a folder":       {shadow.Source{Candidate: mode(t, onPGX)}, []shadow.Option{shadow.WithStage(shadow.StageShadow), shadow.WithStateFile(t.TempDir())}},
		"the candidate is needed": {shadow.Source{Candidate: mode(t, onPGX), Config: bad}, []shadow.Option{shadow.WithStage(shadow.StageLive)}},
	} {
		s, err := shadow.New(t.Context(), control, c.from, parity.NewHarness(), c.o...)
		if s != nil || backend.CodeOf(err) != backend.CodeConfiguration {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := shadow.ParseStage("nearly"); err == nil {
		t.Error("a stage called nearly")
	}
}
