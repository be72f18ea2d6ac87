package replica_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// alter sets a parameter of a running server.
func alter(t testing.TB, s *pgembed.Server, name, value string) {
	t.Helper()
	pgtest.Exec(t, s.DSN(""), "alter system set "+name+" = '"+value+"'", "select pg_reload_conf()")
}

// follow makes a standby follow another primary, without a restart.
func follow(t testing.TB, standby, primary *pgembed.Server) {
	t.Helper()
	alter(t, standby, "primary_conninfo", primary.DSN(""))
}

// number is the only value of a query on a server, apart from what is tested.
func number(t testing.TB, s *pgembed.Server, query string) int64 {
	t.Helper()
	var n int64
	if err := pgtest.Open(t, s.DSN("")).QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// furthest promotes the standby that has received most and has the others follow it.
func furthest(t testing.TB, standbys []*pgembed.Server) (promoted *pgembed.Server) {
	t.Helper()
	var most int64 = -1
	for _, s := range standbys {
		if n := number(t, s, "select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::int8"); n > most {
			promoted, most = s, n
		}
	}
	pgtest.Exec(t, promoted.DSN(""), "select pg_promote()")
	for _, s := range standbys {
		if s != promoted {
			follow(t, s, promoted)
		}
	}
	return promoted
}

// ledger is what clients know of their writes.
type ledger struct {
	acknowledged sync.Map // of "worker n", whose write was told to have succeeded
	writes       atomic.Int64
	refused      atomic.Int64
	unknown      atomic.Int64
	stale        atomic.Int64
	firstAfter   atomic.Int64 // the first one after down
	down         atomic.Int64
}

// load writes and reads back in a session of its own until done is closed.
func (l *ledger) load(ctx context.Context, t *testing.T, r executor.Runner, worker int, done <-chan struct{}) {
	ctx = replica.WithSession(ctx, replica.NewSession())
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		default:
		}
		key := fmt.Sprintf("%d %d", worker, n)
		_, err := r.Exec(ctx, write("insert into ledger values ($1)", key))
		switch code := backend.CodeOf(err); code {
		case backend.CodeOK:
			l.acknowledged.Store(key, true)
			l.writes.Add(1)
			now := time.Now().UnixNano()
			if down := l.down.Load(); down > 0 && now > down {
				l.firstAfter.CompareAndSwap(0, now)
			}
			// What was acknowledged a session reads, whichever server answers by then.
			got, err := value(ctx, r, read("select count(*)::text from ledger where key = $1", key))
			switch {
			case err == nil && got != "1":
				l.stale.Add(1)
				t.Errorf("%s was acknowledged and is read %s times", key, got)
			case err != nil && backend.CodeOf(err) != backend.CodeServiceUnavailable && backend.CodeOf(err) != backend.CodeTimeout:
				t.Errorf("read %s: %v (%v)", key, err, backend.CodeOf(err))
			}
			continue
		case backend.CodeCommitUnknown:
			l.unknown.Add(1)
		case backend.CodeServiceUnavailable, backend.CodeTimeout:
			l.refused.Add(1)
		default:
			t.Errorf("write %s: %v (%v)", key, err, code)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestFailoverUnderLoad kills the primary while eight clients write, promotes the
// standby that has received most, and holds the product to its word: each write that
// was acknowledged is there once (one standby had it before COMMIT answered), none is
// there twice, reads of a session never miss one, and the pool finds the new primary
// by itself.
func TestFailoverUnderLoad(t *testing.T) {
	t.Parallel()
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			c := pgtest.NewCluster(t, nil, nil, nil)
			pgtest.Exec(t, c.Primary.DSN(""), "create table ledger (key text)")
			alter(t, c.Primary, "synchronous_standby_names", "ANY 1 (*)")
			primary := config(t, pgtest.HostsDSN(t, "", c.Servers()...)+"&target_session_attrs=read-write&connect_timeout=2")
			r := open(t, b, primary, config(t, pgtest.HostsDSN(t, "", c.Standbys...)))
			in(t, r)
			l := &ledger{}
			done := make(chan struct{})
			var all sync.WaitGroup
			for w := range 8 {
				all.Go(func() { l.load(context.WithoutCancel(t.Context()), t, r, w, done) })
			}
			time.Sleep(700 * time.Millisecond)
			if err := c.Primary.Halt(t.Context(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond) // nobody has noticed yet
			before := l.writes.Load()
			l.down.Store(time.Now().UnixNano())
			promoted := furthest(t, c.Standbys)
			eventually(t, "writes go on", func() bool { return l.writes.Load() > before+200 })
			eventually(t, "the standby that is left is in, and the promoted one is not", func() bool {
				for i, s := range c.Standbys {
					if (reasons(r)[i] == "") == (s == promoted) {
						return false
					}
				}
				return true
			})
			left := r.Status()
			time.Sleep(300 * time.Millisecond)
			close(done)
			all.Wait()
			now := r.Status()
			for i, s := range c.Standbys {
				if reads := now.Replicas[i].Reads - left.Replicas[i].Reads; (reads == 0) != (s == promoted) {
					t.Errorf("%d reads on standby %d after the failover; promoted: %t", reads, i, s == promoted)
				}
			}
			there := map[string]int{}
			rows, err := pgtest.Open(t, promoted.DSN("")).QueryContext(t.Context(), "select key from ledger")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var key string
				if err := rows.Scan(&key); err != nil {
					t.Fatal(err)
				}
				if there[key]++; there[key] > 1 {
					t.Errorf("%s was written %d times", key, there[key])
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			var lost int
			l.acknowledged.Range(func(key, _ any) bool {
				if there[key.(string)] != 1 {
					lost++
				}
				return true
			})
			if lost > 0 {
				t.Errorf("%d acknowledged writes are lost", lost)
			}
			t.Logf("%d writes acknowledged, %d refused, %d unknown, 0 lost; the first one %v after the promotion was asked for",
				l.writes.Load(), l.refused.Load(), l.unknown.Load(), time.Duration(l.firstAfter.Load()-l.down.Load()).Round(time.Millisecond))
		})
	}
}

// TestAnotherTimeline: a replica that went on with the lost primary is at a higher
// number than the new primary, and lacks what is written now.
func TestAnotherTimeline(t *testing.T) {
	t.Parallel()
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			t.Parallel()
			c := pgtest.NewCluster(t, nil, nil, nil)
			next, ahead := c.Standbys[0], c.Standbys[1]
			pgtest.Exec(t, c.Primary.DSN(""), "create table words (word text)")
			has := func(s *pgembed.Server, n int64) func() bool {
				return func() bool {
					return number(t, s, "select count(*) from pg_class where relname = 'words'") == 1 && number(t, s, "select count(*) from words") >= n
				}
			}
			eventually(t, "both have the table", func() bool { return has(next, 0)() && has(ahead, 0)() })
			primary := config(t, pgtest.HostsDSN(t, "", c.Primary, next)+"&target_session_attrs=read-write")
			r := open(t, b, primary, config(t, ahead.DSN("")), replica.WithMaxLag(0))
			in(t, r)
			alter(t, next, "primary_conninfo", "") // it receives nothing more
			eventually(t, "it receives nothing", func() bool { return number(t, next, "select count(*) from pg_stat_wal_receiver") == 0 })
			pgtest.Exec(t, c.Primary.DSN(""), "insert into words select 'lost' from generate_series(1, 20000)")
			eventually(t, "the other one has it", has(ahead, 20000))
			if err := c.Primary.Halt(t.Context(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, next.DSN(""), "select pg_promote()")
			session := replica.NewSession()
			ctx := replica.WithSession(t.Context(), session)
			eventually(t, "a write succeeds", func() bool {
				_, err := r.Exec(ctx, write("insert into words values ('new')"))
				return err == nil
			})
			if got, err := value(ctx, r, read("select count(*)::text from words where word = 'new'")); err != nil || got != "1" {
				t.Errorf("a read of the session: %s, error %v; token %s, the replica is at %v", got, err, session.Token(), r.Status().Replicas[0].Position)
			}
			if at := r.Status().Replicas[0]; at.Reason != "" || at.Position.Timeline != 1 {
				t.Errorf("the replica is out (%q) or follows (%v): this proves nothing", at.Reason, at.Position)
			}
			if p, err := replica.Resume(session.Token()); err != nil || p.Token()[:2] != "2-" {
				t.Errorf("token %s, error %v, want one of the second timeline", session.Token(), err)
			}
		})
	}
}

// TestDemoted: a primary that became a standby under the pool, as behind a proxy, is
// unavailable and not forbidden, and its connections are thrown away.
func TestDemoted(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, nil)
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			t.Parallel()
			db, err := executor.Open(t.Context(), b, config(t, c.Standbys[0].DSN("")), executor.WithMinIdle(0))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for what, err := range map[string]error{
				"exec": func() error { _, err := db.Exec(t.Context(), write("create table t (n int)")); return err }(),
				"rows": func() error { _, err := value(t.Context(), db, write("select 1")); return err }(),
				"transaction": db.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
					_, err := value(ctx, tx, read("select 1"))
					return err
				}),
			} {
				if backend.CodeOf(err) != backend.CodeServiceUnavailable {
					t.Errorf("%s: %v (%v), want it unavailable", what, err, backend.CodeOf(err))
				}
			}
			if n := db.Stats().OpenConnections; n > 1 { // the one of Open's ping
				t.Errorf("%d connections to a server that takes no writes are kept", n)
			}
			err = db.InTx(t.Context(), &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, tx executor.Runner) error {
				_, err := tx.Exec(ctx, write("create table t (n int)"))
				return err
			})
			if backend.CodeOf(err) != backend.CodeForbidden {
				t.Errorf("a write in a read-only transaction: %v (%v), want it forbidden", err, backend.CodeOf(err))
			}
		})
	}
}
