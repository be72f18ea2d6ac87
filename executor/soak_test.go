package executor_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// operation n of the soak: reads, nested reads, writes, failures, cancelled
// streams, panics; everything that can end in more than one way.
func operation(ctx context.Context, db *executor.DB, n int) {
	switch n % 10 {
	case 0:
		_ = put(ctx, db, "w"+strconv.Itoa(n))
	case 1:
		_ = put(ctx, db, "taken") // a violation, all but once
	case 2:
		_ = executor.ExecutePlan(ctx, db, blogPlan(n%20 == 2, "id <= 20"), io.Discard)
	case 3:
		_, _ = db.Query(ctx, read("select 1 / 0"))
	case 4:
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if n%500 == 4 {
			_ = executor.ExecutePlan(ctx, db, endless(), writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }))
		}
	case 5:
		func() {
			defer func() { _ = recover() }()
			_ = db.InTx(ctx, nil, func(ctx context.Context, r executor.Runner) error {
				_ = put(ctx, r, "lost")
				panic("soak")
			})
		}()
	case 6:
		_ = db.InTx(ctx, nil, func(ctx context.Context, r executor.Runner) error {
			return r.InTx(ctx, nil, func(ctx context.Context, r executor.Runner) error {
				return errors.Join(put(ctx, r, "lost"), errFn)
			})
		})
	case 7: // rows that are left early
		if rows, err := db.Query(ctx, read("select generate_series(1, 100)")); err == nil {
			rows.Next()
			_ = rows.Close()
		}
	default:
		_ = executor.ExecutePlan(ctx, db, numbers("100"), io.Discard, executor.WithSession(map[string]string{"app.n": strconv.Itoa(n)}))
	}
}

// 10,000 mixed operations leave goroutines, connections, transactions and heap
// where they began.
func TestSoakLeavesNothingBehind(t *testing.T) {
	const operations, workers = 10_000, 8
	for _, b := range []backend.Backend{modes()[0], modes()[5]} {
		t.Run(b.Name(), func(t *testing.T) {
			dsn := blog(t, 100)
			pgtest.Exec(t, dsn, "create table words (n int8 generated always as identity, word text unique)")
			cfg := config(t, dsn)
			cfg.ApplicationName = "soak"
			db, err := executor.Open(t.Context(), b, cfg, executor.WithMaxConns(workers/2))
			if err != nil {
				t.Fatal(err)
			}
			run := func(from, to int) {
				var wg sync.WaitGroup
				for w := range workers {
					wg.Go(func() {
						for n := from + w; n < to; n += workers {
							operation(t.Context(), db, n)
						}
					})
				}
				wg.Wait()
			}
			run(0, 500) // fill caches and pools
			settle := func() (goroutines int, heap uint64) {
				runtime.GC()
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return runtime.NumGoroutine(), m.HeapAlloc
			}
			goroutines, heap := settle()
			run(500, operations)
			// Connections that were given up are closed in the background.
			var g int
			var h uint64
			for until := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
				if g, h = settle(); g <= goroutines+2 && h <= heap+2<<20 || time.Now().After(until) {
					break
				}
			}
			if g > goroutines+2 {
				t.Errorf("%d goroutines, %d before", g, goroutines)
			}
			if h > heap+2<<20 {
				t.Errorf("%d bytes of heap, %d before", h, heap)
			}
			if s := db.Stats(); s.InUse != 0 || s.OpenConnections > workers/2 {
				t.Errorf("%+v", s)
			}
			var idle int
			const q = "select count(*) from pg_stat_activity where application_name = 'soak' and datname = current_database() and state <> 'idle'"
			// A session reports that it is idle a moment after its last answer has left.
			watch := pgtest.Open(t, dsn)
			for until := time.Now().Add(5 * time.Second); ; {
				err := watch.QueryRowContext(t.Context(), q).Scan(&idle)
				if err != nil {
					t.Fatal(err)
				}
				if idle == 0 || time.Now().After(until) {
					break
				}
			}
			if idle != 0 {
				t.Errorf("%d sessions are not idle", idle)
			}
			if got := value(t, db, read("select count(*) from words where word = 'lost'")); got != "0" {
				t.Errorf("%s rows of what was rolled back", got)
			}
			if got := value(t, db, read("select count(*) from words where word like 'w%'")); got != "1000" {
				t.Errorf("%s of 1000 writes are stored", got)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// plain hides that a backend can hand over wire rows.
type plain struct{ backend.Backend }

// A backend without wire rows gives the same JSON, through database/sql.
func TestPlainBackend(t *testing.T) {
	t.Parallel()
	dsn := blog(t, 30)
	const values = `select true as a, -7::int8 as b, 'x"y'::text as c, null::text as d, ''::text as e, 1.50::numeric as f,
		'{"k":1}'::jsonb as g, '2024-02-29'::date as h, '2024-02-29 12:30:00.5'::timestamp as i, '2024-02-29 12:30:00.000001+00'::timestamptz as j,
		'0044-03-15 BC'::date as k, '\x00ff'::bytea as l, 1e300::float8 as m, 0.1::float4 as n, 'NaN'::float8 as o, 1e15::float8 as p, -0.0001::float8 as q,
		'c7f0aa60-1f5a-4f0e-9d62-0a7e4a6c2b11'::uuid as r, '-infinity'::float8 as s, 100000::float8 as t, 123456789012::float4 as u`
	var answers []string
	for _, b := range []backend.Backend{modes()[0], plain{modes()[0]}, plain{modes()[5]}} {
		db := open(t, b, dsn)
		rows, err := db.Query(t.Context(), read(values))
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for row, err := range rows.All() {
			if err != nil {
				t.Fatal(err)
			}
			if got, err = row.AppendJSON(got); err != nil {
				t.Fatal(err)
			}
		}
		var w bytes.Buffer
		if err := executor.ExecutePlan(t.Context(), db, blogPlan(true, "true"), &w); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, string(got)+w.String())
		if _, err := db.Query(t.Context(), read("select 1 / 0")); backend.CodeOf(err) != backend.CodeBadUserInput {
			t.Errorf("got %v", err)
		}
	}
	for i, a := range answers[1:] {
		if a != answers[0] {
			t.Errorf("plain backend %d: %s", i, firstDifference(answers[0], a))
		}
	}
}
