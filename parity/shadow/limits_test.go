package shadow_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// underLoad has callers ask until it is stopped.
func underLoad(t *testing.T, s *stage) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for ctx.Err() == nil {
				if _, err := text(context.WithoutCancel(ctx), s, read("select 1")); err != nil {
					t.Error(err)
				}
				time.Sleep(200 * time.Microsecond)
			}
		})
	}
	return func() { cancel(); callers.Wait() }
}

// TestKillSwitch: from the flip to the last statement of the shadow it takes a
// second at most, under load, and a statement that runs is canceled.
func TestKillSwitch(t *testing.T) {
	t.Parallel()
	kill := filepath.Join(t.TempDir(), "kill")
	for name, c := range map[string]struct{ off, on func(*stage) }{
		"admin": {func(s *stage) { s.Off() }, func(s *stage) { s.On() }},
		"file": {
			func(*stage) { _ = os.WriteFile(kill, nil, 0o600) },
			func(*stage) { _ = os.Remove(kill) },
		},
		"environment file": {
			func(*stage) {
				_ = os.WriteFile(kill+".env", []byte("# off\nexport FRAISEQL_SHADOW_STAGE=off\n"), 0o600)
			},
			func(*stage) { _ = os.WriteFile(kill+".env", []byte("FRAISEQL_SHADOW_STAGE=\"shadow\"\n"), 0o600) },
		},
		"unreadable file": {
			func(*stage) { _ = os.WriteFile(kill+".env2", []byte("FRAISEQL_SHADOW_STAGE=nonsense"), 0o600) },
			func(*stage) { _ = os.WriteFile(kill+".env2", []byte("FRAISEQL_SHADOW_STAGE=live"), 0o600) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			var last, sleeping atomic.Int64
			path := map[string]string{"admin": "", "file": kill, "environment file": kill + ".env", "unreadable file": kill + ".env2"}[name]
			s := newStage(t, dsn, mode(t, onPGX), &rogue{Backend: mode(t, onPQ), before: func(_ context.Context, q string) (string, error) {
				last.Store(time.Now().UnixNano())
				if sleeping.CompareAndSwap(1, 2) {
					return "select pg_sleep(60)", nil
				}
				return q, nil
			}}, shadow.WithKillFile(path), shadow.WithDeadline(time.Minute))
			stop := underLoad(t, s)
			defer stop()
			s.await(t, 20)
			sleeping.Store(1) // one statement of the candidate runs when it happens
			soon(t, 5*time.Second, "the candidate sleeps", func() bool { return sleeping.Load() == 2 })
			flip := time.Now()
			c.off(s)
			time.Sleep(1500 * time.Millisecond)
			if d := time.Unix(0, last.Load()).Sub(flip); d > time.Second {
				t.Errorf("the last statement was %v after the flip", d)
			}
			db := pgtest.Open(t, dsn)
			sessions := func(which string) (n int) {
				err := db.QueryRowContext(t.Context(), "select count(*) from pg_stat_activity where application_name = 'app/shadow' and datname = current_database()"+which).Scan(&n)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			soon(t, time.Second, "nothing of the shadow runs", func() bool { return sessions(" and state = 'active'") == 0 })
			soon(t, 10*time.Second, "no session of the shadow is left", func() bool { return sessions("") == 0 })
			if st := s.Status(); st.Stage != shadow.StageOff || st.Off == "" || st.Breaker != nil {
				t.Errorf("%+v", st)
			}
			was := s.Status().Compared
			c.on(s)
			soon(t, 5*time.Second, "it goes on", func() bool { return s.Status().Compared > was })
		})
	}
}

// TestBreaker: it opens within ten seconds for each of its reasons, is logged once,
// tries again later, and closes when all is well.
func TestBreaker(t *testing.T) {
	t.Parallel()
	limits := shadow.Breaker{CPU: -1, Window: 5 * time.Second, Cooldown: 300 * time.Millisecond, Sample: 10, Probes: 3}
	for name, c := range map[string]struct {
		fails  func(ctx context.Context, q string) (string, error)
		o      []shadow.Option
		limits func(*shadow.Breaker)
		reason string
	}{
		"errors": {
			func(context.Context, string) (string, error) { return "", backend.ErrConnectionLost },
			nil, func(b *shadow.Breaker) { b.Drops = -1 }, "errors in",
		},
		"panics": {
			func(context.Context, string) (string, error) { panic("a driver's bug") },
			nil, func(b *shadow.Breaker) { b.Drops = -1 }, "errors in",
		},
		"latency": {
			func(context.Context, string) (string, error) { return "select 1 where pg_sleep(0.15) is not null", nil },
			[]shadow.Option{shadow.WithPool(4)},
			func(b *shadow.Breaker) { b.Drops = -1 }, "a comparison",
		},
		"drops": {
			func(context.Context, string) (string, error) { return "select 1 where pg_sleep(0.05) is not null", nil },
			[]shadow.Option{shadow.WithPool(1), shadow.WithQueue(1)},
			func(b *shadow.Breaker) { b.Slow, b.Drops = -1, 0.8 }, "too fast",
		},
		"processors": {
			func(_ context.Context, q string) (string, error) { return q, nil },
			nil, func(b *shadow.Breaker) { b.Errors, b.Drops, b.Slow, b.CPU = -1, -1, -1, 0.001 }, "of its processors",
		},
		"hangs": {
			func(context.Context, string) (string, error) {
				time.Sleep(4 * time.Second)
				return "", errors.New("late")
			},
			[]shadow.Option{shadow.WithDeadline(100 * time.Millisecond)},
			func(b *shadow.Breaker) { b.Sample = 4; b.Drops = -1 }, "errors in",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := limits
			c.limits(&limits)
			var well atomic.Bool
			s := newStage(t, pgtest.DB(t), mode(t, onPGX), &rogue{Backend: mode(t, onPQ), before: func(ctx context.Context, q string) (string, error) {
				if well.Load() {
					return q, nil
				}
				return c.fails(ctx, q)
			}}, append(c.o, shadow.WithBreaker(limits))...)
			stop := underLoad(t, s)
			defer stop()
			soon(t, 10*time.Second, "it opens", func() bool { return s.Status().Breaker.Opened > 0 })
			if st := s.Status(); st.Breaker.State != "closed" && !strings.Contains(st.Breaker.Reason, c.reason) {
				t.Errorf("%+v", st.Breaker)
			}
			if !s.Measures().BreakerOpen && s.Status().Breaker.State != "closed" {
				t.Error("the measure does not say so")
			}
			if name != "drops" && name != "latency" && name != "processors" { // in which probes do well
				soon(t, 10*time.Second, "it opens again", func() bool { return s.Status().Breaker.Opened > 1 })
				if n := strings.Count(logged(s), "breaker has opened"); n != 1 {
					t.Errorf("it was logged %d times: %s", n, logged(s))
				}
			}
			well.Store(true)
			soon(t, 40*time.Second, "it closes", func() bool { return strings.Contains(logged(s), "breaker has closed") })
		})
	}
}

// TestLiveBreaker: a candidate that can't answer is not asked any more for a while.
func TestLiveBreaker(t *testing.T) {
	t.Parallel()
	var well atomic.Bool
	r := &rogue{Backend: mode(t, onPGX), before: func(_ context.Context, q string) (string, error) {
		if well.Load() {
			return q, nil
		}
		return "", backend.ErrConnectionLost
	}}
	s := newStage(t, pgtest.DB(t), mode(t, onPQ), r, shadow.WithStage(shadow.StageLive), shadow.WithShare(0),
		shadow.WithBreaker(shadow.Breaker{CPU: -1, Cooldown: 500 * time.Millisecond, Window: 2 * time.Second, Sample: 5}))
	stop := underLoad(t, s)
	defer stop()
	soon(t, 20*time.Second, "the control answers", func() bool { return s.Status().Routes.State == "open" })
	if s.Status().Fallbacks == 0 {
		t.Error("no read fell back")
	}
	well.Store(true)
	soon(t, 10*time.Second, "the candidate answers again", func() bool { return s.Status().Routes.State == "closed" })
}

// TestLargeResult: the heap does not grow with the result, on either side.
func TestLargeResult(t *testing.T) {
	rows, limit := 16_000, uint64(48<<20) // of 16 KiB: 256 MiB
	if os.Getenv("FRAISEQL_TEST_LARGE") != "" {
		rows = 64_000 // 1 GiB
	}
	for _, d := range directions {
		s := newStage(t, pgtest.DB(t), mode(t, d[0]), mode(t, d[1]), shadow.WithDeadline(5*time.Minute))
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		most := uint64(0)
		watch := func() {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
		got, err := s.Query(t.Context(), read("select i, repeat(md5(i::text), 512) from generate_series(1, $1::int4) i", itoa(rows)))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; got.Next(); n++ {
			if n%500 == 0 {
				watch()
			}
		}
		if err := got.Close(); err != nil || n != rows {
			t.Fatal(n, err)
		}
		soon(t, 5*time.Minute, "it is compared", func() bool { watch(); return s.Status().Compared == 1 })
		if v := s.Status().Verdicts["equal"]; v != 1 {
			t.Errorf("%+v", s.Status().Verdicts)
		}
		t.Logf("%s: the heap grew by %d KiB at most", d, most>>10)
		if most > limit {
			t.Errorf("the heap grew by %d MiB", most>>20)
		}
	}
}

// TestRowTooLarge: a row beyond the bound is counted and costs nothing more.
func TestRowTooLarge(t *testing.T) {
	t.Parallel()
	s := newStage(t, pgtest.DB(t), mode(t, onPGX), mode(t, onPQ))
	mustText(t, s, read("select repeat('x', 5000000)"))
	mustText(t, s, read("select $1::text", strings.Repeat("x", 20<<20)))
	if d := s.Status().Dropped; d["row_size"] != 1 || d["memory"] != 1 {
		t.Errorf("%v", d)
	}
}

// TestSample: by share, sticky by a session variable or by class, and each class
// at least n an hour.
func TestSample(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	tapped := func(s *stage, o *executor.TxOptions, query string) bool {
		return s.Select(t.Context(), read(query), o) != executor.Runner(s.control)
	}
	count := func(s *stage, n int, o func(i int) *executor.TxOptions, query func(i int) string) (taken int) {
		for i := range n {
			if tapped(s, o(i), query(i)) {
				taken++
			}
		}
		return taken
	}
	none := func(int) *executor.TxOptions { return nil }
	one := func(int) string { return "select 1" }
	user := func(i int) *executor.TxOptions {
		return &executor.TxOptions{Session: map[string]string{"app.user_id": "user " + itoa(i)}}
	}
	class := func(i int) string { return "select " + itoa(i) }
	const n = 2_000
	for name, c := range map[string]struct {
		o      []shadow.Option
		tx     func(int) *executor.TxOptions
		query  func(int) string
		sticky bool
	}{
		"call":       {nil, none, one, false},
		"subject":    {[]shadow.Option{shadow.WithKey("app.user_id")}, user, one, true},
		"no subject": {[]shadow.Option{shadow.WithKey("app.user_id")}, none, one, false},
		"class":      {[]shadow.Option{shadow.WithKey(shadow.KeyClass)}, none, class, true},
	} {
		s := newStage(t, dsn, mode(t, onPGX), mode(t, onPQ), append(c.o, shadow.WithShare(0.1))...)
		if got := count(s, n, c.tx, c.query); got < n*7/100 || got > n*13/100 {
			t.Errorf("%s: %d of %d", name, got, n)
		}
		for i := range 50 {
			first := tapped(s, c.tx(i), c.query(i))
			same := true
			for range 50 {
				same = same && tapped(s, c.tx(i), c.query(i)) == first
			}
			if c.sticky && !same {
				t.Errorf("%s: %d is in the sample and is not", name, i)
			}
		}
	}
	s := newStage(t, dsn, mode(t, onPGX), mode(t, onPQ), shadow.WithShare(0), shadow.WithFloor(1))
	if got := count(s, n, none, one); got != 1 {
		t.Errorf("floor: %d of one class", got)
	}
	if got := count(s, n, none, class); got != n-1 { // "select 1" had its own
		t.Errorf("floor: %d of %d classes", got, n)
	}
	s = newStage(t, dsn, mode(t, onPGX), mode(t, onPQ), shadow.WithShare(0), shadow.WithFloor(36_000)) // ten a second
	start, got := time.Now(), 0
	for time.Since(start) < 1050*time.Millisecond {
		got += count(s, 100, none, one)
	}
	if got < 8 || got > 12 {
		t.Errorf("floor of 10 a second: %d in a second", got)
	}
}

// TestBudget: what goes beyond the share of time is dropped and counted.
func TestBudget(t *testing.T) {
	t.Parallel()
	s := newStage(t, pgtest.DB(t), mode(t, onPGX), &rogue{Backend: mode(t, onPQ), before: func(_ context.Context, _ string) (string, error) {
		return "select 1 where pg_sleep(0.05) is not null", nil
	}}, shadow.WithBudget(0.1), shadow.WithPool(4))
	stop := underLoad(t, s)
	time.Sleep(2 * time.Second)
	stop()
	st := s.Status()
	if st.Dropped["budget"] == 0 || st.Compared+st.Verdicts["noise"] > 30 { // four at once, and 0.3 s of work
		t.Errorf("%d compared, %v", st.Compared, st.Dropped)
	}
}

// TestFlags: a flag decides by kind and tenant, is followed within a second, and
// one that fails, hangs or lies leaves what is configured.
func TestFlags(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	decide := func(shadow.Call, shadow.Decision) (shadow.Decision, error) { return shadow.Decision{}, nil }
	set := func(f func(shadow.Call, shadow.Decision) (shadow.Decision, error)) {
		mu.Lock()
		decide = f
		mu.Unlock()
	}
	s := newStage(t, pgtest.DB(t), mode(t, onPQ), mode(t, onPGX), shadow.WithFlags(flagFunc(func(_ context.Context, c shadow.Call, d shadow.Decision) (shadow.Decision, error) {
		mu.Lock()
		f := decide
		mu.Unlock()
		return f(c, d)
	})))
	taken := func(tenant string) bool {
		o := &executor.TxOptions{ReadOnly: true, Session: map[string]string{"search_path": tenant}}
		return s.Select(t.Context(), read("select 1"), o) != executor.Runner(s.control)
	}
	for _, c := range []struct {
		name string
		f    func(shadow.Call, shadow.Decision) (shadow.Decision, error)
		want map[string]bool
	}{
		{"by tenant", func(c shadow.Call, _ shadow.Decision) (shadow.Decision, error) {
			if c.Tenant == "a" && c.Kind == "read" && c.Operation == "test" && c.Class == parity.ClassOf("select 1") {
				return shadow.Decision{Stage: shadow.StageShadow, Share: 1}, nil
			}
			return shadow.Decision{Stage: shadow.StageOff, Share: 1}, nil
		}, map[string]bool{"a": true, "b": false}},
		{"the other way round", func(c shadow.Call, _ shadow.Decision) (shadow.Decision, error) {
			return shadow.Decision{Stage: shadow.StageShadow, Share: map[string]float64{"b": 1}[c.Tenant]}, nil
		}, map[string]bool{"a": false, "b": true}},
		{"an error", func(shadow.Call, shadow.Decision) (shadow.Decision, error) {
			return shadow.Decision{}, errors.New("no network")
		}, map[string]bool{"a": true, "b": true}},
		{"off again", func(shadow.Call, shadow.Decision) (shadow.Decision, error) { return shadow.Decision{}, nil }, map[string]bool{"a": false, "b": false}},
		{"a panic", func(shadow.Call, shadow.Decision) (shadow.Decision, error) { panic("a provider's bug") }, map[string]bool{"a": true, "b": true}},
		{"off again", func(shadow.Call, shadow.Decision) (shadow.Decision, error) { return shadow.Decision{}, nil }, map[string]bool{"a": false, "b": false}},
		{"nonsense", func(shadow.Call, shadow.Decision) (shadow.Decision, error) {
			return shadow.Decision{Stage: 77, Share: -1}, nil
		}, map[string]bool{"a": true, "b": true}},
		{"off again", func(shadow.Call, shadow.Decision) (shadow.Decision, error) { return shadow.Decision{}, nil }, map[string]bool{"a": false, "b": false}},
		{"a provider that hangs", func(shadow.Call, shadow.Decision) (shadow.Decision, error) {
			time.Sleep(10 * time.Second)
			return shadow.Decision{}, nil
		}, map[string]bool{"a": true, "b": true}},
	} {
		set(c.f)
		within := 1500 * time.Millisecond // a second, and a busy machine
		if c.name == "a provider that hangs" {
			within = 3 * time.Second
		}
		for tenant, want := range c.want {
			soon(t, within, c.name+" for "+tenant, func() bool {
				start := time.Now()
				got := taken(tenant)
				if d := time.Since(start); d > 100*time.Millisecond {
					t.Errorf("%s: the caller waited %v", c.name, d)
				}
				return got == want
			})
		}
	}
	if n := strings.Count(logged(s), "flags fail"); n == 0 || n > 3 {
		t.Errorf("failures were logged %d times", n)
	}
}

type flagFunc func(context.Context, shadow.Call, shadow.Decision) (shadow.Decision, error)

func (f flagFunc) Decide(ctx context.Context, c shadow.Call, d shadow.Decision) (shadow.Decision, error) {
	return f(ctx, c, d)
}
