package executor_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// waiting returns when n wait for a connection of db.
func waiting(t *testing.T, db *executor.DB, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); db.Queue().Waiting != n; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%+v, want %d waiting", db.Queue(), n)
		}
	}
}

// TestQueueOrder: those who wait for a connection get it in the order of coming. With
// database/sql alone the order is that of a lottery, and this is red.
func TestQueueOrder(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn, executor.WithMaxConns(1), executor.WithMinIdle(1))
		held, err := db.Begin(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		const n = 40
		var mu sync.Mutex
		var got []int
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				err := db.InTx(t.Context(), &executor.TxOptions{ReadOnly: i%2 == 0}, func(ctx context.Context, r executor.Runner) error {
					mu.Lock()
					got = append(got, i)
					mu.Unlock()
					_, err := r.Exec(ctx, read("select 1"))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
			waiting(t, db, i+1)
		}
		if err := held.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		// Whoever is counted stands in line a moment later, and may be overtaken until then. Drawn by
		// lot, 40 have about 12 that follow each other.
		if len(got) != n || following(got) < n*3/4 {
			t.Errorf("in the order %v", got)
		}
		if s := db.Stats(); s.WaitCount != n || s.WaitDuration <= 0 || db.Queue() != (executor.QueueStats{Longest: 1000}) {
			t.Errorf("%+v, %+v", s, db.Queue())
		}
	})
}

// following is the length of the longest subsequence of list that rises.
func following(list []int) int {
	var ends []int // the smallest end of one of each length
	for _, v := range list {
		if i, _ := slices.BinarySearch(ends, v); i < len(ends) {
			ends[i] = v
		} else {
			ends = append(ends, v)
		}
	}
	return len(ends)
}

// TestQueueBound: more than may wait are refused at once and are sent nowhere; who
// goes away frees the place; and whether the database answers is told meanwhile.
func TestQueueBound(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		before := runtime.NumGoroutine()
		db := open(t, b, dsn, executor.WithMaxConns(2), executor.WithMinIdle(2), executor.WithMaxWaiting(3))
		var held []*executor.Tx
		for range 2 {
			tx, err := db.Begin(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, tx)
		}
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		answers := make(chan error, 3)
		for range 3 {
			all.Go(func() {
				_, err := db.Exec(ctx, read("select 1"))
				answers <- err
			})
		}
		waiting(t, db, 3)
		for range 5 {
			began := time.Now()
			_, err := db.Query(t.Context(), read("select 1"))
			if backend.CodeOf(err) != backend.CodeServiceUnavailable || !errors.Is(err, executor.ErrPoolExhausted) {
				t.Errorf("the fourth: %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it was refused after %v", took)
			}
		}
		leave()
		all.Wait()
		for range 3 {
			if err := <-answers; backend.CodeOf(err) != backend.CodeCanceled {
				t.Errorf("who went away: %v", err)
			}
		}
		if diff := db.Queue(); diff != (executor.QueueStats{Longest: 3, Refused: 5, Left: 3}) {
			t.Errorf("%+v", diff)
		}
		// Their places are free again: three wait, and the database is asked past them.
		for range 3 {
			all.Go(func() {
				_, err := db.Exec(t.Context(), read("select 1"))
				answers <- err
			})
		}
		waiting(t, db, 3)
		pinged := make(chan error, 1)
		go func() { pinged <- db.Ping(t.Context()) }()
		for _, tx := range held {
			if err := tx.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
		}
		all.Wait()
		for range 3 {
			if err := <-answers; err != nil {
				t.Errorf("who had a place: %v", err)
			}
		}
		if err := <-pinged; err != nil {
			t.Error(err)
		}
		if n := runtime.NumGoroutine(); n > before+100 { // other modes run beside this one
			t.Errorf("%d goroutines, %d before", n, before)
		}
	})
}

// TestQueueSlow: slow statements that hold all connections but one hold up nobody else.
func TestQueueSlow(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn, executor.WithMaxConns(3))
		ctx, end := context.WithCancel(t.Context())
		var slow sync.WaitGroup
		for range 2 {
			slow.Go(func() {
				if _, err := db.Exec(ctx, read("select pg_sleep(60)")); backend.CodeOf(err) != backend.CodeCanceled {
					t.Errorf("slow: %v", err)
				}
			})
		}
		for db.Stats().InUse < 2 {
			runtime.Gosched()
		}
		var quick sync.WaitGroup
		for range 50 {
			quick.Go(func() {
				if _, err := db.Exec(t.Context(), read("select 1")); err != nil {
					t.Error(err)
				}
			})
		}
		quick.Wait()
		if n := db.Stats().InUse; n != 2 {
			t.Errorf("%d in use when the quick ones are done, want the 2 slow ones", n)
		}
		end()
		slow.Wait()
		if q := db.Queue(); q.Waiting != 0 || q.Refused != 0 || q.Left != 0 {
			t.Errorf("%+v", q)
		}
	})
}

// TestQueuePlaces: whatever becomes of a connection, its place is given back once: all
// of them can be had afterwards, and not one more.
func TestQueuePlaces(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		const conns = 2
		db := open(t, b, dsn, executor.WithMaxConns(conns), executor.WithAcquireTimeout(10*time.Second))
		const suicide = "select pg_terminate_backend(pg_backend_pid())"
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = db.Query(gone, read("select 1"))
		for range 2 * conns {
			_, _ = db.Query(t.Context(), read("select 1/0"))
			_, _ = db.Query(t.Context(), read("no sql"))
			_, _ = db.Exec(t.Context(), read(suicide))
			_, _ = db.Query(t.Context(), write(suicide))
			_ = db.InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
				_, err := r.Exec(ctx, read("select 1/0"))
				return err
			})
			func() {
				defer func() { _ = recover() }()
				_ = db.InTx(t.Context(), nil, func(context.Context, executor.Runner) error { panic("fn") })
			}()
			tx, err := db.Begin(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = tx.Exec(t.Context(), write(suicide))
			_ = tx.Commit(t.Context())
			_ = tx.Rollback(t.Context())
			rows, err := db.Query(t.Context(), read("select generate_series(1, 10)"))
			if err != nil {
				t.Fatal(err)
			}
			rows.Next()
			_, _ = rows.Close(), rows.Close()
			// An idle connection that has died is replaced in its place.
			pgtest.Exec(t, dsn, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state = 'idle'")
			if got := value(t, db, read("select 1")); got != "1" {
				t.Error(got)
			}
		}
		var held []*executor.Tx
		for range conns {
			tx, err := db.Begin(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, tx)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { _, err := db.Exec(ctx, read("select 1")); done <- err }()
		waiting(t, db, 1)
		cancel()
		if err := <-done; backend.CodeOf(err) != backend.CodeCanceled {
			t.Error(err)
		}
		for _, tx := range held {
			_ = tx.Rollback(t.Context())
		}
	})
}
