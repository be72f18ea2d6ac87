package backendtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
)

// errorRow provokes one SQLSTATE on a real server.
type errorRow struct {
	state, name string
	code        backend.Code
	setup       []string // in the case's schema, from a second session
	query       string
	fields      backend.Fields // the ones that identify what was violated
}

const (
	input      = backend.CodeBadUserInput
	internal   = backend.CodeInternal
	constraint = backend.CodeConstraintViolation
)

// errorRows are single statements. Names and numbers: PostgreSQL documentation,
// appendix A.
var errorRows = []errorRow{
	{"0A000", "feature-not-supported", internal, nil, "select count(*) from pg_class group by relname for update", backend.Fields{}},
	{"21000", "cardinality", input, nil, "select (select 1 union all select 2)::text", backend.Fields{}},
	{"22001", "string-too-long", input, []string{"create table t (v varchar(3))"}, "insert into t values ('abcd') returning v::text", backend.Fields{}},
	{"22003", "number-out-of-range", input, nil, "select (2147483647::int4 + length('x'))::text", backend.Fields{}},
	{"22004", "null-not-allowed", input, nil, "select array_fill(1, null::int4[])::text", backend.Fields{}},
	{"22007", "invalid-date", input, nil, "select 'x'::text::date::text", backend.Fields{}},
	{"22008", "date-out-of-range", input, nil, "select '2024-02-30'::text::date::text", backend.Fields{}},
	{"22011", "substring", input, nil, "select substring('abc' from 1 for -1)", backend.Fields{}},
	{"22012", "division-by-zero", input, nil, "select (1 / length(''))::text", backend.Fields{}},
	{"22021", "not-in-repertoire", input, nil, `select convert_from('\xff', 'UTF8')`, backend.Fields{}},
	{"22023", "invalid-parameter", input, nil, "select generate_series(1, 2, 0)::text", backend.Fields{}},
	{"22025", "invalid-escape", input, nil, `select ('ab' like E'a\\')::text`, backend.Fields{}},
	{"22033", "jsonpath-subscript", input, nil, "select jsonb_path_query('[]', 'strict $[0]')::text", backend.Fields{}},
	{"22P02", "invalid-text", input, nil, "select 'x'::text::int4::text", backend.Fields{}},
	{"2201B", "invalid-regexp", input, nil, "select ('a' ~ '(')::text", backend.Fields{}},
	{"2201E", "logarithm", input, nil, "select ln(0)::text", backend.Fields{}},
	{"2201F", "power", input, nil, "select sqrt(-1)::text", backend.Fields{}},
	{"2201G", "width-bucket", input, nil, "select width_bucket(1.0, 1.0, 1.0, 5)::text", backend.Fields{}},
	{"2201W", "negative-limit", input, nil, "select 1::text limit -1", backend.Fields{}},
	{"2201X", "negative-offset", input, nil, "select 1::text offset -1", backend.Fields{}},
	{"2202E", "array-subscript", input, nil, "select (array[1,2] || array[[[1],[2]]])::text", backend.Fields{}},
	{
		"23502", "not-null", constraint,
		[]string{"create table t (id int4 not null)"},
		"insert into t values (null) returning id::text",
		backend.Fields{Table: "t", Column: "id"},
	},
	{
		"23502", "domain-not-null", constraint,
		[]string{"create domain sure as int4 not null"},
		"select null::int4::sure::text",
		backend.Fields{DataType: "sure"},
	},
	{
		"23503", "foreign-key", constraint,
		[]string{"create table p (id int4 primary key)", "create table t (p int4 constraint t_to_p references p)"},
		"insert into t values (1) returning p::text",
		backend.Fields{Table: "t", Constraint: "t_to_p"},
	},
	{
		"23503", "foreign-key-delete", constraint,
		[]string{"create table p (id int4 primary key)", "create table t (p int4 constraint t_to_p references p)", "insert into p values (1)", "insert into t values (1)"},
		"delete from p returning id::text",
		backend.Fields{Table: "t", Constraint: "t_to_p"},
	},
	{
		"23505", "unique", constraint,
		[]string{`create table t (id int4 constraint "Key é" primary key)`, "insert into t values (1)"},
		"insert into t values (1) returning id::text",
		backend.Fields{Table: "t", Constraint: "Key é"},
	},
	{
		"23514", "check", constraint,
		[]string{"create table t (id int4 constraint small check (id < 10))"},
		"insert into t values (10) returning id::text",
		backend.Fields{Table: "t", Constraint: "small"},
	},
	{
		"23514", "domain-check", constraint,
		[]string{"create domain few as int4 constraint few_max check (value < 10)"},
		"select 10::int4::few::text",
		backend.Fields{DataType: "few", Constraint: "few_max"},
	},
	{
		"23P01", "exclusion", constraint,
		[]string{"create table t (r int4range, constraint apart exclude using gist (r with &&))", "insert into t values ('[1,5)')"},
		"insert into t values ('[2,3)') returning r::text",
		backend.Fields{Table: "t", Constraint: "apart"},
	},
	{"26000", "no-such-statement", internal, nil, "deallocate no_such_statement", backend.Fields{}},
	{"2BP01", "dependent-objects", internal, []string{"create table t (id int4)", "create view v as select * from t"}, "drop table t", backend.Fields{}},
	{"34000", "no-such-cursor", internal, nil, "close no_such_cursor", backend.Fields{}},
	{"3D000", "no-such-database", backend.CodeConfiguration, nil, "drop database backendtest_no_such_database", backend.Fields{}},
	{"3F000", "no-such-schema", internal, nil, "create table no_such_schema.t (id int4)", backend.Fields{}},
	{"42501", "privilege", backend.CodeForbidden, []string{
		"create table t (id int4)", "create function f() returns int4 language sql security definer as 'select count(*)::int4 from t'", "alter function f() owner to pg_read_all_settings",
		"do $$ begin execute 'grant usage on schema '||current_schema||' to public'; end $$",
	}, "select f()::text", backend.Fields{}},
	{"42601", "syntax", internal, nil, "selec 1", backend.Fields{}},
	{"42701", "duplicate-column", internal, nil, "create table t (a int4, a int4)", backend.Fields{}},
	{"42702", "ambiguous-column", internal, nil, "select v::text from (values (1)) a (v), (values (1)) b (v)", backend.Fields{}},
	{"42703", "no-such-column", internal, nil, "select no_such_column from pg_class", backend.Fields{}},
	{"42704", "no-such-type", internal, nil, "select '1'::no_such_type::text", backend.Fields{}},
	{"42710", "duplicate-object", internal, nil, "create type public.mood as enum ()", backend.Fields{}},
	{"42712", "duplicate-alias", internal, nil, "select 1::text from pg_class a, pg_type a", backend.Fields{}},
	{"42723", "duplicate-function", internal, []string{"create function f() returns int4 language sql as 'select 1'"}, "create function f() returns int4 language sql as 'select 1'", backend.Fields{}},
	{"42725", "ambiguous-function", internal, []string{
		"create function f(int2) returns int4 language sql as 'select 1'", "create function f(point) returns int4 language sql as 'select 1'",
		"create function f(box) returns int4 language sql as 'select 1'",
	}, "select f(null)::text", backend.Fields{}},
	{"42803", "grouping", internal, nil, "select relname::text from pg_class group by relkind", backend.Fields{}},
	{"42804", "type-mismatch", internal, nil, "select (case when true then 1 else array[1] end)::text", backend.Fields{}},
	{"42809", "wrong-object-type", internal, []string{"create view v as select 1 a"}, "create index on v (a)", backend.Fields{}},
	{"42830", "invalid-foreign-key", internal, []string{"create table p (id int4)"}, "create table t (p int4 references p (id))", backend.Fields{}},
	{"42846", "cannot-coerce", internal, nil, "select (true::date)::text", backend.Fields{}},
	{"42883", "no-such-function", internal, nil, "select no_such_function(1)::text", backend.Fields{}},
	{"428C9", "generated-always", internal, []string{"create table t (id int4 generated always as identity)"}, "insert into t (id) values (1) returning id::text", backend.Fields{}},
	{"42P01", "no-such-table", internal, nil, "select 1::text from no_such_table", backend.Fields{}},
	{"42P06", "duplicate-schema", internal, nil, "create schema public", backend.Fields{}},
	{"42P07", "duplicate-table", internal, []string{"create table t (id int4)"}, "create table t (id int4)", backend.Fields{}},
	{"42P10", "invalid-conflict-target", internal, []string{"create table t (id int4)"}, "insert into t values (1) on conflict (id) do nothing", backend.Fields{}},
	{"42P16", "two-primary-keys", internal, nil, "create table t (a int4 primary key, b int4 primary key)", backend.Fields{}},
	{"42P19", "invalid-recursion", internal, nil, "with recursive r as (select 1 union all select 1 from r, r b) select 1::text from r", backend.Fields{}},
	{"42P20", "windowing", internal, nil, "select 1::text from pg_class where row_number() over () = 1", backend.Fields{}},
	{
		"44000", "check-option", constraint,
		[]string{"create table t (id int4)", "create view v as select * from t where id < 10 with check option"},
		"insert into v values (10) returning id::text",
		backend.Fields{},
	},
	{"54001", "stack-depth", backend.CodeLimit, []string{
		"create function f(int4) returns int4 language plpgsql as 'begin return f($1 + 1); end'",
		"create function shallow() returns int4 language plpgsql set max_stack_depth = '200kB' as 'begin return f(1); end'",
	}, "select shallow()::text", backend.Fields{}},
	{"54011", "too-many-columns", backend.CodeLimit, nil, "select " + strings.TrimSuffix(strings.Repeat("1,", 1665), ","), backend.Fields{}},
	{"55000", "not-in-prerequisite-state", internal, []string{"create sequence s"}, "select currval('s')::text", backend.Fields{}},
	{"58P01", "no-such-file", internal, nil, "select pg_read_file('no_such_file_here')", backend.Fields{}},
	{"P0001", "raise", internal, nil, "do $$ begin raise exception 'x'; end $$", backend.Fields{}},
	{"P0002", "no-data-found", backend.CodeNotFound, []string{"create function f() returns int4 language plpgsql as 'declare v int4; begin select 1 into strict v where false; return v; end'"}, "select f()::text", backend.Fields{}},
	{"P0003", "too-many-rows", internal, []string{"create function f() returns int4 language plpgsql as 'declare v int4; begin select g into strict v from generate_series(1, 2) g; return v; end'"}, "select f()::text", backend.Fields{}},
	{"P0004", "assert", internal, nil, "do $$ begin assert false; end $$", backend.Fields{}},
	{
		"ZX123", "application-defined", internal, nil,
		`do $$ begin raise exception 'x' using errcode = 'ZX123', schema = 's', table = 't', column = 'c', constraint = 'k', datatype = 'd', detail = 'de', hint = 'hi'; end $$`,
		backend.Fields{Schema: "s", Table: "t", Column: "c", Constraint: "k", DataType: "d", Detail: "de", Hint: "hi"},
	},
}

func errorCases() []Case {
	var list []Case
	for _, row := range errorRows {
		list = append(list, def("errors/"+row.state+"-"+row.name,
			"this failure must arrive with its SQLSTATE, one code and the names of what was violated, in every mode: callers decide by them",
			func(x *test) { x.provoke(row) }))
	}
	return append(list,
		def("errors/25006-read-only", "a write in a read-only transaction is refused and says so", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			s.do("begin isolation level read committed read only")
			_, err := s.exec("insert into t values (1)")
			x.isError("insert", err, wants{backend.CodeForbidden, "25006"})
			s.rollback()
		}),
		def("errors/25P02-aborted-transaction", "after an error a transaction takes nothing more until it is rolled back", func(x *test) {
			s := x.borrow()
			s.begin()
			_, err := s.exec("select 1/0")
			x.hasState("division", err, "22012")
			for _, r := range x.readers() {
				_, err = r.read(s, "select 1::text")
				x.isError(r.name+" afterwards", err, wants{internal, "25P02"})
			}
			s.rollback()
			x.same("after the rollback", s.value("select 'alive'::text"), "alive")
		}),
		def("errors/25001-active-transaction", "vacuum is refused inside a transaction, and the transaction must know that it has failed", func(x *test) {
			s := x.borrow()
			s.begin()
			_, err := s.exec("vacuum")
			x.isError("vacuum", err, wants{internal, "25001"})
			s.rollback()
		}),
		def("errors/3B001-no-such-savepoint", "rolling back to a savepoint that is not there is an error", func(x *test) {
			s := x.borrow()
			s.begin()
			_, err := s.exec("rollback to savepoint no_such_savepoint")
			x.isError("rollback to", err, wants{internal, "3B001"})
			s.rollback()
		}),
		def("errors/55P03-lock", "a lock that is not to be had at once is a conflict, not an internal error", func(x *test) {
			x.prepare("create table t (id int4)", "insert into t values (1)")
			s := x.borrow()
			db, err := x.DB()
			x.must("open", err)
			other := x.on(db)
			other.begin()
			other.do("update t set id = 2")
			_, err = s.exec("select * from t for update nowait")
			x.isError("select for update nowait", err, wants{backend.CodeConflict, "55P03"})
			other.rollback()
		}),
		def("errors/40001-serialization", "two serializable transactions that cannot be put in order: one fails with a conflict that may be retried", serialization),
		def("errors/40P01-deadlock", "a deadlock is a conflict that may be retried", deadlock),
		def("errors/57014-statement-timeout", "a statement that outlives statement_timeout is a timeout, and the connection goes on", func(x *test) {
			s := x.borrow()
			s.do("set statement_timeout = '50ms'")
			for _, r := range x.readers() {
				_, err := r.read(s, "select pg_sleep(20)::text")
				x.isError(r.name, err, wants{backend.CodeTimeout, "57014"})
			}
			s.do("set statement_timeout = 0")
			x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
		}),
		def("errors/position", "the place in the statement is a number of characters on every backend, for people who look for it", func(x *test) {
			x.needFields()
			s := x.borrow()
			_, err := s.exec("select 'é', no_such_column")
			var e *backend.Error
			if !errors.As(err, &e) {
				x.failf("not a *backend.Error: %w", orNil(err))
			}
			x.same("position", fmt.Sprint(e.Position), "13")
		}),
		def("errors/unwraps", "the driver's own error stays reachable for those who need it", func(x *test) {
			_, err := x.borrow().exec("select 1/0")
			var state interface{ SQLState() string }
			if !errors.As(err, &state) || state.SQLState() != "22012" {
				x.failf("no error with SQLState 22012 in the chain of %w", orNil(err))
			}
		}),
		def("errors/client-message", "what a client is told holds no value, SQL text or host", func(x *test) {
			x.needFields()
			x.prepare("create table t (id text constraint t_key primary key)", "insert into t values ('a-secret-value')")
			_, err := x.borrow().exec("insert into t values ($1)", "a-secret-value")
			var e *backend.Error
			if !errors.As(err, &e) {
				x.failf("not a *backend.Error: %w", orNil(err))
			}
			if m := e.ClientMessage(); strings.Contains(m, "secret") || strings.Contains(m, "insert") || !strings.Contains(m, "t_key") {
				x.failf("the client is told %q", m)
			}
		}),
	)
}

// needFields ends a case that a backend without FieldReader cannot answer.
func (x *test) needFields() {
	if _, ok := x.Backend.(backend.FieldReader); !ok {
		x.notRunf("the backend is no FieldReader")
	}
}

// provoke wants the same failure from Exec and from both ways to read.
func (x *test) provoke(row errorRow) {
	x.prepare(row.setup...)
	s := x.borrow()
	check := func(how string, err error) {
		x.isError(how, err, wants{row.code, row.state})
		var e *backend.Error
		if !errors.As(err, &e) {
			x.failf("%s: not a *backend.Error: %w", how, err)
		}
		if _, ok := x.Backend.(backend.FieldReader); !ok {
			return // the SQLSTATE alone is what such a backend promises
		}
		if e.Message == "" || e.Severity != "ERROR" {
			x.failf("%s: message %q, severity %q: want both, the severity ERROR", how, e.Message, e.Severity)
		}
		for _, f := range []struct{ name, got, want string }{
			{"schema", e.Schema, row.fields.Schema},
			{"table", e.Table, row.fields.Table},
			{"column", e.Column, row.fields.Column},
			{"data type", e.DataType, row.fields.DataType},
			{"constraint", e.Constraint, row.fields.Constraint},
			{"detail", e.Detail, row.fields.Detail},
			{"hint", e.Hint, row.fields.Hint},
		} {
			if f.want != "" {
				x.same(how+": "+f.name, f.got, f.want)
			}
		}
		if row.fields.Table == "t" && row.fields.Schema == "" {
			x.same(how+": schema", e.Schema, x.schema)
		}
	}
	_, err := s.exec(row.query)
	check("Exec", err)
	for _, r := range x.readers() {
		_, err := r.read(s, row.query)
		check(r.name, err)
	}
	x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
}

// serialization is a write skew between two sessions.
func serialization(x *test) {
	x.prepare("create table t (id int4 primary key, on_call bool)", "insert into t values (1, true), (2, true)")
	a := x.borrow()
	db, err := x.DB()
	x.must("open", err)
	b := x.on(db)
	for _, s := range []*session{a, b} {
		s.do("begin isolation level serializable read write")
		_ = s.value("select count(*)::text from t where on_call")
	}
	a.do("update t set on_call = false where id = 1")
	b.do("update t set on_call = false where id = 2")
	x.must("commit the first", a.commit())
	err = b.commit()
	x.isError("commit the second", err, wants{backend.CodeConflict, "40001"})
	if !backend.Retryable(err) {
		x.failf("not retryable: %w", err)
	}
	x.same("rows on call", x.observe("select count(*)::text from t where on_call"), "1")
}

// deadlock lets two sessions lock two rows in opposite order.
func deadlock(x *test) {
	x.prepare("create table t (id int4 primary key, n int4)", "insert into t values (1, 0), (2, 0)")
	a := x.borrow()
	db, err := x.DB()
	x.must("open", err)
	b := x.on(db)
	for _, s := range []*session{a, b} {
		s.begin()
		s.do("set local deadlock_timeout = '20ms'")
	}
	a.do("update t set n = 1 where id = 1")
	b.do("update t set n = 1 where id = 2")
	first := make(chan error, 1)
	go func() {
		_, err := a.execContext(x, "update t set n = 2 where id = 2")
		first <- err
	}()
	_, err = b.execContext(x, "update t set n = 2 where id = 1")
	// Which one the server picks is its own affair; that one's transaction has to
	// end before the other goes on.
	if err != nil {
		b.rollback()
		x.must("the survivor", <-first)
		a.rollback()
	} else {
		err = <-first
		a.rollback()
		b.rollback()
	}
	x.isError("the victim", err, wants{backend.CodeConflict, "40P01"})
	if !backend.Retryable(err) {
		x.failf("not retryable: %w", err)
	}
}
