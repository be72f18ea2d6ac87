package backendtest

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
)

func divergenceSessionCases() []Case {
	return []Case{
		def("divergence/03-client-encoding-of-the-role", "under a role set to LATIN1 one driver stores é as four bytes and reads it back looking right; the seam pins UTF8", func(x *test) {
			c, err := x.Role(x, "client_encoding=LATIN1")
			x.must("create a role", err)
			x.prepare("create table t (v text)")
			s := x.connectTo(c)
			_, err = s.exec("insert into t values ($1::text), ('é')", "é")
			x.must("insert", err)
			x.same("bytes stored", x.observe("select string_agg(encode(convert_to(v, 'UTF8'), 'hex'), ' ') from t"), "c3a9 c3a9")
			s.everyReader("é; é", "select v from t")
			// Text that LATIN1 cannot hold at all.
			s.everyReader("日本😀", "select $1::text", "日本😀")
		}),
		def("divergence/13-begin-read-write", "db.Begin overrides default_transaction_read_only on one driver and writes; the seam's BeginTx respects it, and whoever says read write means it", func(x *test) {
			c, err := x.Role(x, "default_transaction_read_only=on")
			x.must("create a role", err)
			x.prepare("create table t (id int4)")
			s := x.connectTo(c)
			tx, err := s.conn.BeginTx(x, &sql.TxOptions{})
			x.must("BeginTx", err)
			_, err = tx.ExecContext(x, "insert into t values (1)")
			x.isError("insert after BeginTx", backend.Wrap(x.Backend, "exec", err), wants{backend.CodeForbidden, "25006"})
			_ = tx.Rollback()
			for mode, want := range map[string]string{"read only": "25006", "read write": ""} {
				s.do("begin isolation level read committed " + mode)
				_, err := s.exec("insert into t values (2)")
				if want == "" {
					x.must("insert in "+mode, err)
					x.must("commit", s.commit())
				} else {
					x.hasState("insert in "+mode, err, want)
					s.rollback()
				}
			}
			x.same("rows", x.observe("select string_agg(id::text, ',') from t"), "2")
		}),
		def("divergence/14-datestyle-of-the-role", "01/02/2024 is another day under a role set to DMY, on one driver; the seam pins ISO, MDY", func(x *test) {
			for _, style := range []string{"SQL, DMY", "German", "Postgres, YMD"} {
				c, err := x.roleOnce("datestyle=" + style)
				x.must("create a role", err)
				s := x.connectTo(c)
				s.everyReader("2024-01-02|2024-01-02|ISO, MDY", "select ($1::date)::text, ('01/02/2024'::text::date)::text, current_setting('datestyle')", "01/02/2024")
			}
		}),
		def("divergence/15-service-against-dsn", "with a service and a key in one DSN the service wins on one driver: another database; here the DSN wins", func(x *test) {
			p := x.where()
			f := x.file("pg_service.conf", "[x]\nhost=nowhere.invalid\nport=1\ndbname=another\nuser=nobody\npassword=no\napplication_name=of the service\n")
			s := x.leads(p, p.keywords("sslmode=disable service=x"), env("PGSERVICEFILE", f))
			x.same("what only the service says", s.value("select current_setting('application_name')"), "of the service")
		}),
		def("divergence/17-begin-as-sql", "begin as SQL through the pool: on one driver all that follows runs inside, on the other the connection is thrown away and an insert commits by itself; on a held connection it is a transaction", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.connect()
			pid := s.pid()
			s.begin()
			s.do("insert into t values (1)")
			x.same("rows that others see", x.observe("select count(*)::text from t"), "0")
			s.rollback()
			x.same("rows stored after rollback", x.observe("select count(*)::text from t"), "0")
			x.same("the session afterwards", s.pid(), pid)
			_ = s.conn.Close()
			// Through the pool nothing of it may leak into the next statement.
			db, err := x.DB()
			x.must("open", err)
			db.SetMaxOpenConns(1)
			_, err = db.ExecContext(x, "begin")
			x.must("begin on the pool", err)
			var inside string
			x.must("the next statement", db.QueryRowContext(x, "select (now() <> statement_timestamp())::text").Scan(&inside))
			tx, err := db.BeginTx(x, nil)
			x.must("BeginTx afterwards", err)
			_, err = tx.ExecContext(x, "insert into t values (2)")
			x.must("insert", err)
			x.must("commit", tx.Commit())
			x.same("rows stored", x.observe("select count(*)::text from t"), "1")
		}),
		def("divergence/19-cancelled-on-a-held-connection", "with a context that has ended one driver runs the statement and says nothing; it must not run, and the code is CANCELED", func(x *test) {
			x.prepare("create table t (id int4)")
			for _, v := range x.verbs() {
				s := x.connect()
				ctx, cancel := context.WithCancel(x)
				cancel()
				x.isError(v.name, v.run(s, ctx, "insert into t values (1)"), wants{backend.CodeCanceled, ""})
				_ = s.conn.Close()
			}
			x.same("rows stored", x.observe("select count(*)::text from t"), "0")
		}),
		def("divergence/24-bytea-output-of-the-role", "under bytea_output=escape an empty bytea reads as NULL on one driver and is an error in some modes; the seam pins hex", func(x *test) {
			c, err := x.Role(x, "bytea_output=escape")
			x.must("create a role", err)
			s := x.connectTo(c)
			s.everyReader(`\x|\x00ff5c|∅`, `select ''::bytea::text, '\x00ff5c'::bytea::text, null::bytea::text`)
			var v []byte
			x.must("scan", s.conn.QueryRowContext(x, "select ''::bytea").Scan(&v))
			if v == nil || len(v) != 0 {
				x.failf("an empty bytea scans as %#v", v)
			}
		}),
		def("divergence/29-copy-from-stdin", "COPY FROM STDIN through Exec waits for ever on one driver; the seam refuses it at once", func(x *test) { x.noCopy("copy t from stdin") }),
	}
}

// roleOnce makes the case's role, or gives it one more setting.
func (x *test) roleOnce(setting string) (backend.Config, error) {
	if x.role == nil {
		c, err := x.Role(x, setting)
		x.role = &c
		return c, err
	}
	key, value, _ := strings.Cut(setting, "=")
	return *x.role, x.Outside(x, "alter role "+x.role.User+" set "+key+" = '"+value+"'")
}

// lostAnswer runs a write whose answer is lost after the server has done it.
type lostAnswer struct {
	id   string
	when func(faultproxy.Message) bool
	// run sends the write; it reports the error that the caller is told.
	run    func(s *session) error
	rows   string // that must be stored
	accept []backend.Code
}

var lostAnswers = []lostAnswer{
	{"commit", faultproxy.AtCommit, func(s *session) error {
		s.begin()
		s.do("insert into t values (1)")
		return s.commit()
	}, "1", []backend.Code{backend.CodeCommitUnknown}},
	{"commit-of-tx", faultproxy.AtCommit, func(s *session) error {
		tx, err := s.conn.BeginTx(s.x, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		s.x.must("begin", err)
		_, err = tx.ExecContext(s.x, "insert into t values (1)")
		s.x.must("insert", err)
		return backend.WrapCommit(s.x.Backend, tx.Commit())
	}, "1", []backend.Code{backend.CodeCommitUnknown}},
	{"insert-in-transaction", faultproxy.AtComplete("INSERT"), func(s *session) error {
		s.begin()
		_, err := s.exec("insert into t values (1)")
		return err
	}, "0", []backend.Code{gone}},
	{"held-exec", faultproxy.AtComplete("INSERT"), func(s *session) error {
		_, err := s.exec("insert into t values (1)")
		return err
	}, "1", []backend.Code{gone}},
	{"held-exec-argument", faultproxy.AtComplete("INSERT"), func(s *session) error {
		_, err := s.exec("insert into t values ($1::int4)", "1")
		return err
	}, "1", []backend.Code{gone}},
	{"held-returning", faultproxy.AtComplete("INSERT"), func(s *session) error {
		rs := s.x.readers()
		_, err := rs[len(rs)-1].read(s, "insert into t values ($1::int4) returning id::text", "1")
		return err
	}, "1", []backend.Code{gone}},
	{"pool-exec", faultproxy.AtComplete("INSERT"), func(s *session) error {
		_, err := s.x.through.ExecContext(s.x, "insert into t values (1)")
		return backend.Wrap(s.x.Backend, "exec", err)
	}, "1", []backend.Code{gone}},
	{"pool-exec-argument", faultproxy.AtComplete("INSERT"), func(s *session) error {
		_, err := s.x.through.ExecContext(s.x, "insert into t values ($1::int4)", "1")
		return backend.Wrap(s.x.Backend, "exec", err)
	}, "1", []backend.Code{gone}},
	{"pool-query", faultproxy.AtComplete("INSERT"), func(s *session) error {
		rows, err := s.x.through.QueryContext(s.x, "insert into t values (1) returning id::text")
		if err != nil {
			return backend.Wrap(s.x.Backend, "query", err)
		}
		defer rows.Close()
		for rows.Next() {
		}
		return backend.Wrap(s.x.Backend, "query", rows.Err())
	}, "1", []backend.Code{gone}},
	{"pool-prepared", faultproxy.AtComplete("INSERT"), func(s *session) error {
		st, err := s.x.through.PrepareContext(s.x, "insert into t values ($1::int4)")
		s.x.must("prepare", err)
		_, err = st.ExecContext(s.x, "1")
		return backend.Wrap(s.x.Backend, "exec", err)
	}, "1", []backend.Code{gone}},
}

func divergenceNetworkCases() []Case {
	var list []Case
	for _, how := range []faultproxy.Cut{faultproxy.FIN, faultproxy.RST} {
		for _, l := range lostAnswers {
			list = append(list, def("divergence/02-lost-answer-"+l.id+"-"+how.String(),
				"a write whose answer is lost is sent again by database/sql and both drivers: the row is stored twice and the caller told nothing; it must be stored once at most and reported",
				func(x *test) { x.loseAnswer(l, how) }))
		}
	}
	for _, v := range []string{"exec", "query", "wire", "ping", "begin", "commit", "prepare"} {
		list = append(list, def("divergence/18-dead-network-"+v, "on a network that swallows everything one driver waits for ever in spite of the deadline; the call must return soon after it", func(x *test) { x.deadNetwork(v) }))
	}
	return append(list,
		def("divergence/18-dead-network-connect", "a server that accepts and never answers must not hold a caller beyond the deadline", func(x *test) {
			_, c, err := x.Proxy(faultproxy.BlackHoled())
			x.must("start a proxy", err)
			db, err := x.Open(c)
			x.must("open", err)
			x.endsInTime(func(ctx context.Context) error {
				conn, err := db.Conn(ctx)
				if err == nil {
					_ = conn.Close()
				}
				return backend.Wrap(x.Backend, "connect", err)
			})
		}),
		def("divergence/02-fatal-is-not-repeated", "a statement that ends with FATAL (57P01) is repeated three times by one driver", func(x *test) {
			x.prepare("create sequence s")
			db, err := x.DB()
			x.must("open", err)
			done := make(chan error, 1)
			go func() {
				_, err := db.ExecContext(x, "select nextval('s'), pg_sleep(60)")
				done <- backend.Wrap(x.Backend, "exec", err)
			}()
			x.kill(x.sleeping())
			// Whoever repeats it is running it again now.
			err = x.within(3*time.Second, "the statement", func() error { return <-done })
			x.isError("the statement", err, wants{gone, ""})
			x.same("times that it ran", x.observe("select last_value::text from s"), "1")
		}),
	)
}

// loseAnswer runs one write through a proxy that cuts after the server's word.
func (x *test) loseAnswer(l lostAnswer, how faultproxy.Cut) {
	x.prepare("create table t (id int4)")
	p, c, err := x.Proxy()
	x.must("start a proxy", err)
	db, err := x.Open(c)
	x.must("open", err)
	x.through = db
	s := x.on(db)
	s.do("select 1") // the cut must not fall into the login
	if strings.HasPrefix(l.id, "pool-") {
		_ = s.conn.Close() // it is the connection that the pool will use
	}
	fault := p.Arm(faultproxy.Fault{When: l.when, How: how})
	err = l.run(s)
	if !fault.Struck() {
		x.failf("the proxy has not seen the answer that it should lose: %w", orNil(err))
	}
	ok := false
	for _, code := range l.accept {
		ok = ok || backend.CodeOf(err) == code
	}
	// A cut connection's session ends when the server notices; then what it had
	// not committed is gone.
	x.idle("the end of the session's work")
	_ = s.conn.Close()
	got := x.observe("select count(*)::text from t")
	if got != l.rows {
		x.failf("%s rows are stored, want %s (the caller was told: %w)", got, l.rows, orNil(err))
	}
	if !ok {
		x.failf("the caller is told %v, want %v (%w)", backend.CodeOf(err), l.accept, orNil(err))
	}
}

// endsInTime runs f with a deadline and wants it back soon after, as a timeout.
func (x *test) endsInTime(f func(context.Context) error) {
	const deadline, grace = 150 * time.Millisecond, 4 * time.Second
	ctx, cancel := context.WithTimeout(x, deadline)
	defer cancel()
	err := x.within(deadline+grace, "the call", func() error { return f(ctx) })
	if err == nil {
		x.failf("the call succeeds on a dead network")
	}
	switch code := backend.CodeOf(err); code {
	case backend.CodeTimeout, backend.CodeCommitUnknown:
	default:
		x.failf("code is %v, want %v (%w)", code, backend.CodeTimeout, err)
	}
}

// deadNetwork lets the network swallow everything and makes one call.
func (x *test) deadNetwork(call string) {
	p, c, err := x.Proxy()
	x.must("start a proxy", err)
	db, err := x.Open(c)
	x.must("open", err)
	s := x.on(db)
	s.do("select 1")
	var tx *sql.Tx
	if call == "commit" {
		s.begin()
	}
	p.BlackHole(true)
	x.endsInTime(func(ctx context.Context) error {
		switch call {
		case "ping":
			return backend.Wrap(x.Backend, "ping", s.conn.PingContext(ctx))
		case "begin":
			tx, err = s.conn.BeginTx(ctx, nil)
			if err == nil {
				_ = tx.Rollback()
			}
			return backend.Wrap(x.Backend, "begin", err)
		case "commit":
			_, err := s.conn.ExecContext(ctx, "commit")
			return backend.WrapCommit(x.Backend, err)
		case "prepare":
			st, err := s.conn.PrepareContext(ctx, "select 1")
			if err == nil {
				_ = st.Close()
			}
			return backend.Wrap(x.Backend, "prepare", err)
		}
		for _, v := range x.verbs() {
			if v.name == call {
				return v.run(s, ctx, "select 1::text")
			}
		}
		x.notRunf("the backend is no WireQuerier")
		return nil
	})
	x.same("connections to the server", strconv.Itoa(min(p.Accepted(), 1)), "1")
}
