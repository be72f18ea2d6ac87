package backendtest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

// verb is a way to run a statement that takes long or does something.
type verb struct {
	name string
	run  func(s *session, ctx context.Context, query string) error
}

// verbs are Exec and every way to read.
func (x *test) verbs() []verb {
	list := []verb{
		{"exec", func(s *session, ctx context.Context, q string) error { _, err := s.execContext(ctx, q); return err }},
		{"query", func(s *session, ctx context.Context, q string) error { _, err := s.queryContext(ctx, q); return err }},
	}
	if _, ok := x.Backend.(backend.WireQuerier); ok {
		list = append(list, verb{"wire", func(s *session, ctx context.Context, q string) error { _, err := s.wireContext(ctx, q); return err }})
	}
	return list
}

// eachVerb makes a case of each way to run a statement. A backend without
// QueryWire has no third one.
func eachVerb(id, why string, body func(x *test, v verb)) []Case {
	var list []Case
	for i, name := range []string{"exec", "query", "wire"} {
		list = append(list, def(id+"-"+name, why, func(x *test) {
			vs := x.verbs()
			if i >= len(vs) {
				x.notRunf("the backend is no WireQuerier")
			}
			body(x, vs[i])
		}))
	}
	return list
}

// sleeping waits until a session of the case is inside pg_sleep (not only
// preparing it) and returns its process id.
func (x *test) sleeping() string {
	return x.until("a running statement", func() (string, bool) {
		pid := x.observe("select coalesce(max(pid)::text, '') from pg_stat_activity where state = 'active' and wait_event = 'PgSleep' and application_name = '" +
			x.Config.ApplicationName + "'")
		return pid, pid != ""
	})
}

// idle waits until no session of the case runs anything.
func (x *test) idle(what string) {
	x.until(what, func() (string, bool) {
		n := x.observe("select count(*)::text from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and application_name = '" + x.Config.ApplicationName + "'")
		return n, n == "0"
	})
}

// until polls the server, which has no way to tell us, until ok or 5 seconds.
func (x *test) until(what string, ask func() (string, bool)) string {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(5 * time.Second)
	for {
		if v, ok := ask(); ok {
			return v
		}
		if time.Now().After(deadline) {
			x.failf("waiting for %s: not seen after 5s", what)
		}
		select {
		case <-tick.C:
		case <-x.Done():
			x.failf("waiting for %s: %w", what, x.Err())
		}
	}
}

func contextCases() []Case {
	var list []Case
	list = append(list, eachVerb("context/cancelled-before", "a context that has ended must stop a statement before it is sent: one driver runs it and reports success", func(x *test, v verb) {
		x.prepare("create sequence s")
		s := x.connect()
		ctx, cancel := context.WithCancel(x)
		cancel()
		err := v.run(s, ctx, "select nextval('s')::text")
		x.isError("a statement after cancel", err, wants{backend.CodeCanceled, ""})
		x.same("was the statement run", x.observe("select is_called::text from s"), "false")
	})...)
	list = append(list, eachVerb("context/deadline-before", "a deadline that has passed is a timeout, and nothing is sent", func(x *test, v verb) {
		x.prepare("create sequence s")
		s := x.connect()
		ctx, cancel := context.WithDeadline(x, time.Now().Add(-time.Second))
		defer cancel()
		err := v.run(s, ctx, "select nextval('s')::text")
		x.isError("a statement after its deadline", err, wants{backend.CodeTimeout, ""})
		x.same("was the statement run", x.observe("select is_called::text from s"), "false")
	})...)
	list = append(list, eachVerb("context/cancel-during", "cancel must end the wait at once and the statement on the server soon after: else abandoned requests pile up there", func(x *test, v verb) {
		s := x.connect()
		ctx, cancel := context.WithCancel(x)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- v.run(s, ctx, "select pg_sleep(60)::text") }()
		x.sleeping()
		cancel()
		err := x.within(3*time.Second, "the cancelled statement", func() error { return <-done })
		x.isError("the cancelled statement", err, wants{backend.CodeCanceled, ""})
		x.idle("the end of the statement on the server")
	})...)
	list = append(list, eachVerb("context/deadline-during", "a deadline must end the wait with a timeout, in time", func(x *test, v verb) {
		s := x.connect()
		ctx, cancel := context.WithTimeout(x, 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := x.within(3*time.Second, "the statement", func() error { return v.run(s, ctx, "select pg_sleep(60)::text") })
		x.isError("the statement", err, wants{backend.CodeTimeout, ""})
		if d := time.Since(start); d < 90*time.Millisecond {
			x.failf("the deadline struck after %v, want 100ms", d)
		}
		x.idle("the end of the statement on the server")
	})...)
	list = append(list, eachVerb("context/cancel-after", "cancelling after the answer changes nothing: neither the result nor the connection", func(x *test, v verb) {
		s := x.connect()
		for range 5 {
			ctx, cancel := context.WithCancel(x)
			x.must("a statement", v.run(s, ctx, "select 1::text"))
			cancel()
		}
		x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
	})...)
	return append(list,
		def("context/cancel-never-hits-the-next", "a cancel request that arrives late must not kill the next statement on the same connection", cancelStorm),
		def("context/cancel-while-reading", "cancel in the middle of a result must be an error of the rows, never a result that looks whole", func(x *test) {
			s := x.connect()
			w, ok := x.Backend.(backend.WireQuerier)
			if !ok {
				x.notRunf("the backend is no WireQuerier")
			}
			ctx, cancel := context.WithCancel(x)
			defer cancel()
			rows, err := w.QueryWire(ctx, s.conn, "select repeat('x', 1000) from generate_series(1, 1000000)", nil)
			x.must("query", err)
			n := 0
			for rows.Next() {
				if n++; n == 10 {
					cancel()
				}
			}
			if n >= 1000000 {
				x.failf("all %d rows came in spite of the cancel", n)
			}
			x.isError("the rows", rows.Err(), wants{backend.CodeCanceled, ""})
			_ = rows.Close() // says the same
			x.idle("the end of the statement on the server")
		}),
		def("context/cancel-while-scanning", "the same through database/sql", func(x *test) {
			s := x.connect()
			ctx, cancel := context.WithCancel(x)
			defer cancel()
			rows, err := s.conn.QueryContext(ctx, "select repeat('x', 1000) from generate_series(1, 1000000)")
			x.must("query", err)
			defer rows.Close()
			n := 0
			for rows.Next() {
				if n++; n == 10 {
					cancel()
				}
			}
			if n >= 1000000 {
				x.failf("all %d rows came in spite of the cancel", n)
			}
			x.isError("the rows", backend.Wrap(x.Backend, "query", rows.Err()), wants{backend.CodeCanceled, ""})
		}),
		def("context/cancel-in-transaction", "a cancelled statement leaves nothing of its transaction behind", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.connect()
			s.begin()
			s.do("insert into t values (1)")
			ctx, cancel := context.WithCancel(x)
			defer cancel()
			done := make(chan error, 1)
			go func() { _, err := s.execContext(ctx, "select pg_sleep(60)"); done <- err }()
			x.sleeping()
			cancel()
			x.isError("the statement", <-done, wants{backend.CodeCanceled, ""})
			_ = s.commit() // whatever it says, nothing may be stored
			_ = s.conn.Close()
			x.idle("the end of the session's work")
			x.same("rows stored", x.observe("select count(*)::text from t"), "0")
		}),
		def("context/cancel-pool-recovers", "after a cancelled statement the pool must hand out a working connection", func(x *test) {
			db, err := x.DB()
			x.must("open", err)
			db.SetMaxOpenConns(1)
			for i := range 3 {
				ctx, cancel := context.WithTimeout(x, 30*time.Millisecond)
				_, err := db.ExecContext(ctx, "select pg_sleep(60)")
				cancel()
				if err == nil {
					x.failf("the statement outlived its deadline")
				}
				var v string
				x.must("the next statement", db.QueryRowContext(x, "select "+strconv.Itoa(i)+"::text").Scan(&v))
				x.same("its value", v, strconv.Itoa(i))
			}
		}),
		def("context/cancelled-by-another", "pg_cancel_backend from somewhere else is 57014 while our context goes on, and the connection stays usable", func(x *test) {
			s := x.connect()
			done := make(chan error, 1)
			go func() { _, err := s.query("select pg_sleep(60)::text"); done <- err }()
			pid := x.sleeping()
			x.observe("select pg_cancel_backend(" + pid + ")::text")
			x.isError("the statement", <-done, wants{backend.CodeTimeout, "57014"})
			x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
		}),
		def("context/begin-with-deadline", "a transaction begun with a context is rolled back when the context ends", func(x *test) {
			x.prepare("create table t (id int4)")
			db, err := x.DB()
			x.must("open", err)
			ctx, cancel := context.WithCancel(x)
			tx, err := db.BeginTx(ctx, nil)
			x.must("begin", err)
			_, err = tx.ExecContext(ctx, "insert into t values (1)")
			x.must("insert", err)
			cancel()
			if err := tx.Commit(); err == nil {
				x.failf("commit after cancel succeeds")
			}
			x.until("the rollback", func() (string, bool) {
				n := x.observe("select count(*)::text from pg_stat_activity where state like 'idle in transaction%' and application_name = '" + x.Config.ApplicationName + "'")
				return n, n == "0"
			})
			x.same("rows stored", x.observe("select count(*)::text from t"), "0")
		}),
	)
}

// cancelStorm cancels statements at about the moment when they end.
func cancelStorm(x *test) {
	db, err := x.DB()
	x.must("open", err)
	db.SetMaxOpenConns(4)
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	for worker := range 2 {
		wg.Go(func() {
			for i := range 12 {
				ctx, cancel := context.WithCancel(x)
				go func() {
					// The pause walks over the statement's own duration.
					t := time.NewTimer(time.Duration((worker*12+i)%20) * 100 * time.Microsecond)
					defer t.Stop()
					<-t.C
					cancel()
				}()
				_, _ = db.ExecContext(ctx, "select pg_sleep(0.001)") // cancelled or not: by chance
				cancel()
				var v int
				if err := db.QueryRowContext(x, "select 1 from pg_sleep(0.0002)").Scan(&v); err != nil {
					errs <- fmt.Errorf("a statement that nobody cancelled: %w", backend.Wrap(x.Backend, "query", err))
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		x.must("worker", err)
	default:
	}
}
