package backendtest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

// ddlRow changes something under a statement that a connection has run before.
type ddlRow struct {
	id     string
	query  string // run before and after
	args   []any
	setup  []string // beyond ddlSetup
	change []string // by another session, or by the same one where own is set
	own    bool
	before string
	after  string
	state  string // the error that the change must bring about; "" for none
	once   string // an error that the first execution after the change may have
}

var ddlSetup = []string{
	"create table t (id int4, n int4)", "insert into t values (1, 2)",
}

var (
	functionSetup = []string{"create function f() returns int4 language sql as 'select 1'"}
	pathSetup     = []string{
		"create table u as select 'here'::text a", "create schema {schema}_b", "create table {schema}_b.u as select 'there'::text a, 2 b",
	}
)

var ddlRows = []ddlRow{
	{"add-column", "select * from t", nil, nil, []string{"alter table t add column c text default 'new'"}, false, "1|2", "1|2|new", "", ""},
	{"add-column-argument", "select * from t where id = $1::int4", []any{"1"}, nil, []string{"alter table t add column c text default 'new'"}, false, "1|2", "1|2|new", "", ""},
	{"drop-column", "select * from t", nil, nil, []string{"alter table t drop column n"}, false, "1|2", "1", "", ""},
	{"drop-used-column", "select id::text, n::text from t", nil, nil, []string{"alter table t drop column n"}, false, "1|2", "", "42703", ""},
	{"rename-column", "select * from t", nil, nil, []string{"alter table t rename column n to m"}, false, "1|2", "1|2", "", ""},
	{"rename-used-column", "select n::text from t", nil, nil, []string{"alter table t rename column n to m"}, false, "2", "", "42703", ""},
	{"change-type", "select n from t", nil, nil, []string{"alter table t alter column n type text using 'x' || n"}, false, "2", "x2", "", ""},
	{"change-type-to-one-of-ours", "select n from t", nil, []string{"create type mood as enum ('x2')"}, []string{"alter table t alter column n type mood using ('x' || n)::mood"}, false, "2", "x2", "", ""},
	{"change-type-of-argument", "select id::text from t where n = $1", []any{"2"}, nil, []string{"alter table t alter column n type text"}, false, "1", "1", "", "42883"},
	{"replace-table", "select * from t", nil, nil, []string{"drop table t", "create table t (name text)", "insert into t values ('other')"}, false, "1|2", "other", "", ""},
	{"drop-table", "select * from t", nil, nil, []string{"drop table t"}, false, "1|2", "", "42P01", ""},
	{"replace-function", "select f()", nil, functionSetup, []string{"drop function f()", "create function f() returns text language sql as 'select ''two'''"}, false, "1", "two", "", ""},
	{"search-path", "select * from u", nil, pathSetup, []string{"set search_path to {schema}_b, public"}, true, "here", "there|2", "", ""},
	{"deallocate-all", "select id::text from t where n = $1::int4", []any{"2"}, nil, []string{"deallocate all"}, true, "1", "1", "", ""},
	{"discard-all", "select id::text from {schema}.t where n = $1::int4", []any{"2"}, nil, []string{"discard all"}, true, "1", "1", "", ""},
	{"discard-plans", "select id::text from t where n = $1::int4", []any{"2"}, nil, []string{"discard plans"}, true, "1", "1", "", ""},
	{"set-role", "select current_user::text", nil, nil, []string{"set role pg_monitor"}, true, "{user}", "pg_monitor", "", ""},
}

func statementCases() []Case {
	var list []Case
	for _, row := range ddlRows {
		list = append(list,
			def("statements/"+row.id, "a migration under a running service must not fail the next request: a cached statement has to notice", func(x *test) { x.underDDL(row, false) }),
			def("statements/"+row.id+"-in-transaction", "inside a transaction a stale statement either works or fails as one whose whole transaction may be repeated; the repetition works", func(x *test) { x.underDDL(row, true) }))
	}
	return append(list,
		def("statements/cache-is-bounded", "prepared statements must not pile up on the server: each costs memory there for the life of the connection", func(x *test) {
			c := x.Config
			c.StatementCacheSize = 10
			s := x.connectTo(c)
			for i := range 60 {
				for _, r := range x.readers() {
					rows, err := r.read(s, fmt.Sprintf("select %d::text || $1::text", i), "x")
					x.must(r.name, err)
					x.same("answer", flat(rows), strconv.Itoa(i)+"x")
				}
			}
			n, _ := strconv.Atoi(s.value("select count(*)::text from pg_prepared_statements"))
			if n > 11 { // ten, and the statement that counts them
				x.failf("%d prepared statements after 60, with a cache of 10", n)
			}
		}),
		def("statements/cache-off", "a cache of no statements leaves none behind", func(x *test) {
			c := x.Config
			c.StatementCacheSize = -1
			s := x.connectTo(c)
			for i := range 20 {
				x.same("answer", s.value(fmt.Sprintf("select %d::text || $1::text", i), "x"), strconv.Itoa(i)+"x")
			}
			n, _ := strconv.Atoi(s.value("select count(*)::text from pg_prepared_statements where statement not like '%pg_prepared_statements%'"))
			if n > 1 {
				x.failf("%d prepared statements without a cache", n)
			}
		}),
		def("statements/cache-evicts-and-returns", "a statement that fell out of the cache works when it comes back", func(x *test) {
			c := x.Config
			c.StatementCacheSize = 2
			s := x.connectTo(c)
			for i := range 12 {
				q := fmt.Sprintf("select %d::text || $1::text", i%4)
				s.everyReader(strconv.Itoa(i%4)+"x", q, "x")
			}
		}),
		def("statements/failed-is-not-cached", "a statement that failed to prepare does not poison the connection", func(x *test) {
			s := x.connect()
			for range 3 {
				_, err := s.query("select id::text from t where n = $1::int4", "2")
				x.hasState("before the table exists", err, "42P01")
			}
			x.prepare(ddlSetup...)
			s.everyReader("1", "select id::text from t where n = $1::int4", "2")
		}),
		def("statements/many-runs", "the tenth execution answers like the first: the server changes to a generic plan at the sixth", func(x *test) {
			x.prepare(ddlSetup...)
			s := x.connect()
			for i := range 10 {
				s.everyReader(strconv.Itoa(i), "select $1::text from t where id = $2::int4", strconv.Itoa(i), "1")
			}
		}),
		def("statements/several", "several statements in one string are refused on every path: half of them may run, and results get lost", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.connect()
			for _, v := range x.verbs() {
				err := v.run(s, x, "insert into t values (1); insert into t values (2)")
				x.hasState(v.name, err, "42601")
			}
			x.same("rows stored", x.observe("select count(*)::text from t"), "0")
			x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
		}),
		def("statements/trailing-semicolon", "one statement with a semicolon behind it is one statement", func(x *test) {
			x.connect().everyReader("1", "select 1::text;")
		}),
		def("statements/empty", "an empty statement affects nothing and breaks nothing", func(x *test) {
			s := x.connect()
			for _, q := range []string{"", " ", ";", "-- nothing", "/* nothing */"} {
				if n, err := s.exec(q); err == nil && n != 0 {
					x.failf("exec of %q affects %d rows", q, n)
				}
				for _, r := range x.readers() {
					if rows, err := r.read(s, q); err == nil && len(rows) != 0 {
						x.failf("%s of %q has %d rows", r.name, q, len(rows))
					}
				}
				x.same("the connection after "+strconv.Quote(q), s.value("select 'alive'::text"), "alive")
			}
		}),
		def("statements/copy-from", "COPY FROM STDIN through Exec must be refused at once: one driver waits for ever", func(x *test) { x.noCopy("copy t from stdin") }),
		def("statements/copy-to", "COPY TO STDOUT must be refused: one driver throws the data away and reports success", func(x *test) { x.noCopy("copy t to stdout") }),
		def("statements/copy-behind-a-comment", "a COPY behind comments and blanks is a COPY", func(x *test) { x.noCopy("/* a /* nested */ */ -- b\n\t COPY t FROM STDIN") }),
		def("statements/listen-notify", "LISTEN and NOTIFY are statements like others", func(x *test) {
			s := x.connect()
			s.do("listen backendtest", "notify backendtest, 'x'", "unlisten backendtest")
			x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
		}),
		def("statements/explain", "EXPLAIN has rows like a select: tools ask for plans through the same door", func(x *test) {
			s := x.connect()
			for _, r := range x.readers() {
				rows, err := r.read(s, "explain (costs off) select 1")
				x.must(r.name, err)
				x.same(r.name, flat(rows), "Result")
			}
		}),
		def("statements/show", "SHOW has a row, in every mode", func(x *test) { x.connect().everyReader("UTC", "show timezone") }),
		def("statements/cursor", "a cursor declared and fetched inside a transaction", func(x *test) {
			s := x.connect()
			s.begin()
			s.do("declare c no scroll cursor for select g::text from generate_series(1, 5) g")
			for _, want := range []string{"1; 2", "3; 4", "5", ""} {
				r := x.readers()[len(x.readers())-1]
				rows, err := r.read(s, "fetch 2 from c")
				x.must("fetch", err)
				x.same("fetched", flat(rows), want)
			}
			s.do("close c")
			x.must("commit", s.commit())
		}),
		def("statements/prepared", "db.Prepare works, and fails like any statement", func(x *test) {
			db, err := x.DB()
			x.must("open", err)
			st, err := db.PrepareContext(x, "select $1::text")
			x.must("prepare", err)
			for _, want := range []string{"a", "", "é"} {
				var v string
				x.must("run", st.QueryRowContext(x, want).Scan(&v))
				x.same("answer", v, want)
			}
			x.must("close", st.Close())
			_, err = db.PrepareContext(x, "selec 1")
			x.hasState("prepare nonsense", backend.Wrap(x.Backend, "prepare", err), "42601")
		}),
		def("statements/large-text", "a statement of 1 MB of SQL arrives whole", func(x *test) {
			x.connect().everyReader("1048576", "select length('"+strings.Repeat("ab", 1<<19)+"')::text")
		}),
	)
}

// underDDL runs a statement before and after a change, on every path that there is,
// each in a session of its own: what is changed in one stays in it. Another session of
// the same pool runs it after the change only.
func (x *test) underDDL(row ddlRow, inside bool) {
	fill := strings.NewReplacer("{schema}", x.schema, "{user}", x.Config.User)
	x.prepare(ddlSetup...)
	for _, q := range row.setup {
		x.prepare(fill.Replace(q))
	}
	query, readers := fill.Replace(row.query), x.readers()
	sessions, late := make([]*session, len(readers)), make([]*session, len(readers))
	for i, r := range readers {
		db, err := x.DB()
		x.must("open the pool", err)
		sessions[i], late[i] = x.on(db), x.on(db)
		for range 3 { // the third time every cache is warm
			rows, err := r.read(sessions[i], query, row.args...)
			x.must(r.name+" before", err)
			x.same(r.name+" before", flat(rows), fill.Replace(row.before))
		}
		if row.own {
			for _, q := range row.change {
				sessions[i].do(fill.Replace(q))
				late[i].do(fill.Replace(q))
			}
		}
	}
	if !row.own {
		x.prepare(row.change...)
	}
	for i, r := range readers {
		x.afterDDL(row, late[i], r, query, inside)
		x.afterDDL(row, sessions[i], r, query, inside)
	}
}

func (x *test) afterDDL(row ddlRow, s *session, r reader, query string, inside bool) {
	begin := func() {
		if inside {
			s.begin()
			s.do("select 1")
		}
	}
	begin()
	rows, err := r.read(s, query, row.args...)
	if stale := inside && errors.Is(err, backend.ErrStaleStatement); stale || (err != nil && backend.SQLStateOf(err) == row.once) {
		if stale && !backend.Retryable(err) {
			x.failf("%s: a stale statement that is not retryable: %w", r.name, err)
		}
		if inside {
			s.rollback()
		}
		begin()
		rows, err = r.read(s, query, row.args...)
	}
	if row.state != "" {
		x.hasState(r.name+" after", err, row.state)
	} else {
		x.must(r.name+" after", err)
		x.same(r.name+" after", flat(rows), row.after)
	}
	if inside {
		s.rollback()
	}
}

// noCopy wants an error, soon, on every path and from Prepare.
func (x *test) noCopy(query string) {
	x.prepare("create table t (id int4)", "insert into t values (1)")
	for _, v := range x.verbs() {
		s := x.connect()
		err := x.within(3*time.Second, v.name+" of COPY", func() error { return v.run(s, x, query) })
		if err == nil {
			x.failf("%s of COPY succeeds", v.name)
		}
		if s.conn.PingContext(x) == nil { // an error that costs the connection is fair
			x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
		}
		_ = s.conn.Close()
	}
	x.same("rows of the table", x.observe("select count(*)::text from t"), "1")
}
