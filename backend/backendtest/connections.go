package backendtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
)

const gone = backend.CodeServiceUnavailable

// kill ends a session from outside and waits until the server has forgotten it.
func (x *test) kill(pid string) {
	x.observe("select pg_terminate_backend(" + pid + ")::text")
	x.until("the end of the session", func() (string, bool) {
		n := x.observe("select count(*)::text from pg_stat_activity where pid = " + pid)
		return n, n == "0"
	})
}

func (s *session) pid() string { return s.value("select pg_backend_pid()::text") }

func connectionCases() []Case {
	var list []Case
	list = append(list, eachVerb("connection/killed-while-idle", "a held connection that died while idle must fail with SERVICE_UNAVAILABLE, and the pool must go on with another", func(x *test, v verb) {
		s := x.connect()
		x.kill(s.pid())
		x.isError("on the dead connection", v.run(s, x, "select 1::text"), wants{gone, ""})
		_ = s.conn.Close()
		db, err := x.DB()
		x.must("open", err)
		x.must("on the pool", v.run(x.on(db), x, "select 1::text"))
	})...)
	list = append(list, eachVerb("connection/killed-while-running", "a connection that dies under a statement is SERVICE_UNAVAILABLE, and the statement is not sent again", func(x *test, v verb) {
		x.prepare("create sequence s")
		s := x.connect()
		done := make(chan error, 1)
		go func() { done <- v.run(s, x, "select (nextval('s') + length(pg_sleep(60)::text))::text") }()
		pid := x.sleeping()
		x.kill(pid)
		x.isError("the statement", <-done, wants{gone, ""})
		x.idle("the end of every statement")
		x.same("times that it ran", x.observe("select last_value::text from s"), "1")
	})...)
	for _, how := range []faultproxy.Cut{faultproxy.FIN, faultproxy.RST} {
		list = append(list, eachVerb("connection/cut-mid-result-"+how.String(), "a result that breaks off must be an error, never a shorter list that looks whole", func(x *test, v verb) {
			if v.name == "exec" {
				x.cutExec(how)
				return
			}
			p, c, err := x.Proxy()
			x.must("start a proxy", err)
			s := x.connectTo(c)
			x.must("before the cut", v.run(s, x, "select 1::text"))
			fault := p.Arm(faultproxy.Fault{When: faultproxy.AtNth('D', 50), How: how})
			err = v.run(s, x, "select g::text from generate_series(1, 100) g")
			if !fault.Struck() {
				x.failf("the proxy has seen no 50th row: %w", orNil(err))
			}
			x.isError("the broken result", err, wants{gone, ""})
		})...)
		list = append(list, def("connection/cut-at-login-"+how.String(), "a server that hangs up during login is SERVICE_UNAVAILABLE at once, not a hang", func(x *test) {
			p, c, err := x.Proxy()
			x.must("start a proxy", err)
			p.Arm(faultproxy.Fault{When: faultproxy.AtMessage(2), How: how, Times: 1 << 20})
			db, err := x.Open(c)
			x.must("open", err)
			err = x.within(5*time.Second, "connect", func() error {
				conn, err := db.Conn(x)
				if err == nil {
					_ = conn.Close()
				}
				return backend.Wrap(x.Backend, "connect", err)
			})
			x.isError("connect", err, wants{gone, ""})
		}))
	}
	return append(list,
		def("connection/killed-in-transaction", "a transaction whose connection dies leaves nothing behind, and its commit does not succeed", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.connect()
			pid := s.pid()
			s.begin()
			s.do("insert into t values (1)")
			x.kill(pid)
			if err := s.commit(); err == nil {
				x.failf("the commit on a dead connection succeeds")
			} else if code := backend.CodeOf(err); code != gone && code != backend.CodeCommitUnknown {
				x.failf("the commit: code is %v, want %v or %v (%w)", code, gone, backend.CodeCommitUnknown, err)
			}
			x.same("rows stored", x.observe("select count(*)::text from t"), "0")
		}),
		def("connection/pool-recovers", "when every idle connection of the pool has died the next request must still be served", func(x *test) {
			db, err := x.DB()
			x.must("open", err)
			db.SetMaxIdleConns(4)
			var held []*session
			for range 4 {
				held = append(held, x.on(db))
			}
			for _, s := range held {
				x.kill(s.pid())
				_ = s.conn.Close()
			}
			for range 4 {
				var v string
				x.must("a read on the pool", db.QueryRowContext(x, "select 'alive'::text").Scan(&v))
			}
		}),
		def("connection/ping-recovers", "a health check after a restart must reconnect, not report the old connection's death for ever", func(x *test) {
			db, err := x.DB()
			x.must("open", err)
			s := x.on(db)
			x.kill(s.pid())
			_ = s.conn.Close()
			x.must("ping", db.PingContext(x))
		}),
		def("connection/ping-dead-server", "a health check of a server that is not there must fail, with SERVICE_UNAVAILABLE", func(x *test) {
			db, err := x.Open(x.nobody())
			x.must("open", err)
			x.isError("ping", backend.Wrap(x.Backend, "connect", db.PingContext(x)), wants{gone, ""})
		}),
		def("connection/idle-in-transaction-timeout", "a session that the server ended while idle in a transaction says so: 25P03 or a lost connection, one code", func(x *test) {
			c := x.Config
			s := x.connectTo(c)
			s.do("set idle_in_transaction_session_timeout = '20ms'")
			pid := s.pid()
			s.begin()
			x.until("the end of the session", func() (string, bool) {
				n := x.observe("select count(*)::text from pg_stat_activity where pid = " + pid)
				return n, n == "0"
			})
			_, err := s.query("select 1::text")
			x.isError("the next statement", err, wants{gone, ""})
		}),
		def("connection/wrong-password", "a refused login is a CONFIGURATION error with the server's SQLSTATE", func(x *test) {
			c, err := x.Role(x)
			x.must("create a role", err)
			c.Password = "not this one"
			c.Hosts = append([]backend.Host(nil), c.Hosts...)
			for i := range c.Hosts {
				c.Hosts[i].Password = ""
			}
			x.loginFails(c, wants{backend.CodeConfiguration, "28P01"})
		}),
		def("connection/no-such-database", "a database that is not there is a CONFIGURATION error: 3D000", func(x *test) {
			c := x.Config
			c.Database = "backendtest_no_such_database"
			x.loginFails(c, wants{backend.CodeConfiguration, "3D000"})
		}),
		def("connection/no-login-right", "a role that may not log in is a CONFIGURATION error: 28000", func(x *test) {
			c, err := x.Role(x)
			x.must("create a role", err)
			x.prepare("alter role " + c.User + " nologin")
			x.loginFails(c, wants{backend.CodeConfiguration, "28000"})
		}),
		def("connection/too-many", "a full server is SERVICE_UNAVAILABLE: 53300", func(x *test) {
			c, err := x.Role(x)
			x.must("create a role", err)
			x.prepare("alter role "+c.User+" nosuperuser", "alter role "+c.User+" connection limit 0")
			x.loginFails(c, wants{gone, "53300"})
		}),
		def("connection/unknown-parameter", "a run-time parameter that the server does not know is refused, not dropped", func(x *test) {
			c := x.Config
			c.Session = map[string]string{"no_such_parameter": "x"}
			db, err := x.Open(c)
			if err == nil {
				_, err = db.Conn(x)
			}
			if err == nil {
				x.failf("a Config with an unknown run-time parameter connects")
			}
		}),
		def("connection/settings", "every session must have the settings that decide what text means, the same on every backend", func(x *test) {
			s := x.connect()
			for name, want := range map[string]string{
				"client_encoding": "UTF8", "datestyle": "ISO, MDY", "intervalstyle": "postgres", "timezone": "UTC",
				"extra_float_digits": "1", "bytea_output": "hex", "standard_conforming_strings": "on", "lc_monetary": "C",
				"application_name": x.Config.ApplicationName, "search_path": x.Config.Session["search_path"],
			} {
				x.same(name, s.value("select current_setting($1::text)", name), want)
			}
		}),
		def("connection/session-parameters", "run-time parameters of the Config are set in every session", func(x *test) {
			c := x.Config
			c.Session = map[string]string{"statement_timeout": "1234ms", "work_mem": "5MB", "timezone": "Asia/Kolkata", "app.user": "é 'x'"}
			x.same("settings", flat([][]string{{
				x.connectTo(c).value("select current_setting('statement_timeout')||' '||current_setting('work_mem')||' '||current_setting('timezone')||' '||current_setting('app.user')"),
			}}), "1234ms 5MB Asia/Kolkata é 'x'")
		}),
		def("connection/busy", "a second statement while rows are open is refused or works: it never mixes the two answers", busy),
		def("connection/concurrent", "many goroutines on one pool each get their own answer", concurrent),
		def("connection/limit", "the pool opens no more connections than it is allowed, whatever is cancelled", func(x *test) {
			db, err := x.DB()
			x.must("open", err)
			db.SetMaxOpenConns(3)
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() { _, _ = db.ExecContext(x, "select pg_sleep(0.01)") })
			}
			wg.Wait()
			if n, _ := strconv.Atoi(x.observe("select count(*)::text from pg_stat_activity where application_name = '" + x.Config.ApplicationName + "'")); n > 3 {
				x.failf("%d sessions on the server, want at most 3", n)
			}
		}),
		def("connection/close-ends-sessions", "a closed pool leaves no session on the server", func(x *test) {
			db, err := x.DB()
			x.must("open", err)
			_, err = db.ExecContext(x, "select 1")
			x.must("use it", err)
			x.must("close", db.Close())
			x.until("the end of the session", func() (string, bool) {
				n := x.observe("select count(*)::text from pg_stat_activity where application_name = '" + x.Config.ApplicationName + "'")
				return n, n == "0"
			})
		}),
		def("connection/connector-never-dials", "making a connector must not touch the network: a service must be able to start before its database", func(x *test) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			x.must("listen", err)
			defer l.Close()
			c := x.Config
			c.Hosts = []backend.Host{{Name: "127.0.0.1", Port: uint16(l.Addr().(*net.TCPAddr).Port)}}
			_, err = x.Backend.Connector(c)
			x.must("make a connector", err)
			x.must("set a deadline", l.(*net.TCPListener).SetDeadline(time.Now().Add(50*time.Millisecond)))
			if conn, err := l.Accept(); err == nil {
				_ = conn.Close()
				x.failf("Connector has dialed the server")
			}
		}),
		def("connection/not-postgres", "a port where something else answers is an error in bounded time", func(x *test) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			x.must("listen", err)
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
					_ = c.Close()
				}
			}()
			c := x.Config
			c.Hosts = []backend.Host{{Name: "127.0.0.1", Port: uint16(l.Addr().(*net.TCPAddr).Port)}}
			c.ConnectTimeout = time.Second
			db, err := x.Open(c)
			x.must("open", err)
			err = x.within(5*time.Second, "connect", func() error { return db.PingContext(x) })
			if err == nil {
				x.failf("connected to an HTTP server")
			}
		}),
	)
}

// cutExec loses the answer of a statement that returns nothing.
func (x *test) cutExec(how faultproxy.Cut) {
	x.prepare("create sequence s")
	p, c, err := x.Proxy()
	x.must("start a proxy", err)
	s := x.connectTo(c)
	s.do("select 1")
	fault := p.Arm(faultproxy.Fault{When: faultproxy.AtComplete("SELECT"), How: how})
	_, err = s.exec("select nextval('s')")
	if !fault.Struck() {
		x.failf("the proxy has seen no end of the statement: %w", orNil(err))
	}
	x.isError("the statement", err, wants{gone, ""})
	x.same("times that it ran", x.observe("select last_value::text from s"), "1")
}

// nobody is a Config for a port on which nobody listens.
func (x *test) nobody() backend.Config {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	x.must("listen", err)
	port := l.Addr().(*net.TCPAddr).Port
	x.must("close", l.Close())
	c := x.Config
	c.Hosts = []backend.Host{{Name: "127.0.0.1", Port: uint16(port)}}
	c.ConnectTimeout = 2 * time.Second
	return c
}

func (x *test) loginFails(c backend.Config, want wants) {
	db, err := x.Open(c)
	x.must("open", err)
	conn, err := db.Conn(x)
	if err == nil {
		_ = conn.Close()
	}
	x.isError("connect", backend.Wrap(x.Backend, "connect", err), want)
}

// busy runs a second statement while the rows of the first are open.
func busy(x *test) {
	s := x.connect()
	w, ok := x.Backend.(backend.WireQuerier)
	if !ok {
		x.notRunf("the backend is no WireQuerier")
	}
	rows, err := w.QueryWire(x, s.conn, "select g::text from generate_series(1, 5000) g", nil)
	x.must("query", err)
	if !rows.Next() {
		x.failf("no first row: %w", orNil(rows.Err()))
	}
	for _, v := range x.verbs() {
		err := x.within(3*time.Second, "a second "+v.name, func() error { return v.run(s, x, "select 'second'::text") })
		if err == nil {
			x.failf("%s while rows are open succeeds: on one connection nothing can have run it", v.name)
		}
	}
	n := 1
	for ; rows.Next(); n++ {
		if got := string(rows.Values()[0]); got != strconv.Itoa(n+1) {
			x.failf("row %d of the first statement is %q", n+1, got)
		}
	}
	// Either every row, or an error: never fewer in silence.
	if err := errors.Join(rows.Err(), rows.Close()); err == nil && n != 5000 {
		x.failf("the first statement ends after %d of 5000 rows without an error", n)
	} else if err == nil {
		x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
	}
}

// concurrent asks for values that only the asker knows.
func concurrent(x *test) {
	db, err := x.DB()
	x.must("open", err)
	db.SetMaxOpenConns(4)
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for worker := range 8 {
		wg.Go(func() {
			for i := range 40 {
				want := strconv.Itoa(worker*1000 + i)
				query := "select $1::text, '" + strings.Repeat("w", worker) + "'::text"
				arg, err := x.Backend.Bind(want)
				if err != nil {
					errs <- err
					return
				}
				var a, b string
				if err := db.QueryRowContext(x, query, arg).Scan(&a, &b); err != nil {
					errs <- err
					return
				}
				if a != want || len(b) != worker {
					errs <- fmt.Errorf("worker %d got %q and %q, want %q", worker, a, b, want)
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		x.must("a worker", err)
	default:
	}
}
