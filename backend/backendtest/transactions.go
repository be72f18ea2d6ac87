package backendtest

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
)

// affectedRow is a statement and the number of rows that it affects.
type affectedRow struct {
	id, why string
	query   string
	want    int64
	args    []any
}

// affectedSetup is what the statements of affectedRows meet.
var affectedSetup = []string{
	"create table t (id int4 primary key, n int4)",
	"insert into t select g, g from generate_series(1, 5) g",
	"create table p (id int4) partition by range (id)",
	"create table p1 partition of p for values from (0) to (10)",
	"create table p2 partition of p for values from (10) to (20)",
	"insert into p values (1), (11)",
	"create table swallowed (id int4)",
	"create rule nothing as on insert to swallowed do instead nothing",
	"create table redirected (id int4)",
	"create rule elsewhere as on insert to redirected do instead insert into t values (new.id, 0), (new.id + 1, 0)",
	"create table vetoed (id int4)",
	"create function veto() returns trigger language plpgsql as 'begin return null; end'",
	"create trigger veto before insert on vetoed for each row execute function veto()",
	"create view v as select id, n from t",
	"create table m (id int4, n int4)",
	"insert into m values (1, 10), (9, 90)",
}

var affectedRows = []affectedRow{
	{"insert-one", "an insert counts its row", "insert into t values (100, 1)", 1, nil},
	{"insert-many", "an insert counts every row", "insert into t select g, 0 from generate_series(101, 110) g", 10, nil},
	{"insert-none", "nothing inserted is 0", "insert into t select 1, 1 where false", 0, nil},
	{"insert-argument", "a bound insert counts the same", "insert into t values ($1::int4, 1)", 1, []any{"100"}},
	{"update-some", "an update counts what matched, changed or not", "update t set n = n where id <= 3", 3, nil},
	{"update-none", "an update that matches nothing is 0, not an error", "update t set n = 1 where id < 0", 0, nil},
	{"update-argument", "a bound update counts the same", "update t set n = 0 where id = any($1::int4[])", 2, []any{"{1,2,99}"}},
	{"delete-all", "a delete counts what it removed", "delete from t", 5, nil},
	{"delete-none", "a delete that matches nothing is 0", "delete from t where id = -1", 0, nil},
	{"returning", "RETURNING does not change the count", "update t set n = 0 where id > 3 returning id", 2, nil},
	{"conflict-nothing", "a row skipped by ON CONFLICT DO NOTHING is not counted", "insert into t values (1, 1), (50, 1) on conflict do nothing", 1, nil},
	{"conflict-update", "a row updated by ON CONFLICT is counted", "insert into t values (1, 1), (50, 1) on conflict (id) do update set n = 9", 2, nil},
	{"merge", "MERGE counts the rows it inserted, updated and deleted; one driver says 0", "merge into t using m on t.id = m.id when matched then update set n = m.n when not matched then insert values (m.id, m.n)", 2, nil},
	{"merge-argument", "a bound MERGE counts the same", "merge into t using (select $1::int4 id) s on t.id = s.id when matched then delete", 1, []any{"1"}},
	{"merge-nothing", "MERGE that does nothing is 0", "merge into t using m on false when matched then delete", 0, nil},
	{"rule-nothing", "an insert that a rule turns into nothing is 0", "insert into swallowed values (1)", 0, nil},
	{"rule-instead", "an insert that a rule sends elsewhere counts what the server says: 2 there", "insert into redirected values (200)", 2, nil},
	{"trigger-veto", "a row that a trigger refuses is not counted", "insert into vetoed values (1), (2)", 0, nil},
	{"partitions", "rows of every partition are counted", "update p set id = id", 2, nil},
	{"partition-move", "a row that moves to another partition is one row", "update p set id = 12 where id = 1", 1, nil},
	{"through-view", "rows changed through a view are counted", "delete from v where id in (1, 2)", 2, nil},
	{"cte", "the count is the outer statement's, not the CTE's", "with d as (delete from t where id <= 3 returning id) insert into m select id, 0 from d where id = 1", 1, nil},
	{"create-table-as", "CREATE TABLE AS counts its rows", "create table c as select 1 from generate_series(1, 7)", 7, nil},
	{"select", "a SELECT run by Exec counts its rows", "select 1 from generate_series(1, 4)", 4, nil},
	{"truncate", "TRUNCATE has no count", "truncate t", 0, nil},
	{"ddl", "DDL has no count", "create table nothing_yet (id int4)", 0, nil},
	{"values", "VALUES counts its rows", "values (1), (2)", 2, nil},
}

func affectedCases() []Case {
	var list []Case
	for _, row := range affectedRows {
		list = append(list, def("affected/"+row.id, row.why+": what max_affected and success of a delete are decided by", func(x *test) {
			x.prepare(affectedSetup...)
			n, err := x.borrow().exec(row.query, row.args...)
			x.must(row.query, err)
			x.same("rows affected", strconv.FormatInt(n, 10), strconv.FormatInt(row.want, 10))
		}))
	}
	return append(list, def("affected/no-last-insert-id", "PostgreSQL has no last insert id: an error, never a number", func(x *test) {
		x.prepare(affectedSetup...)
		res, err := x.borrow().conn.ExecContext(x, "insert into t values (100, 1)")
		x.must("insert", err)
		if id, err := res.LastInsertId(); err == nil {
			x.failf("LastInsertId gives %d", id)
		}
	}))
}

var levels = []struct {
	level sql.IsolationLevel
	name  string
}{
	{sql.LevelReadUncommitted, "read uncommitted"},
	{sql.LevelReadCommitted, "read committed"},
	{sql.LevelRepeatableRead, "repeatable read"},
	{sql.LevelSerializable, "serializable"},
}

func transactionCases() []Case {
	var list []Case
	for _, l := range levels {
		list = append(list, def("tx/isolation-"+dashes(l.name), "the isolation level that was asked for is the one that the server runs", func(x *test) {
			s := x.borrow()
			s.do("begin isolation level " + l.name + " read write")
			s.everyReader(l.name+"|off", "select current_setting('transaction_isolation'), current_setting('transaction_read_only')")
			x.must("commit", s.commit())
			tx, err := s.conn.BeginTx(x, &sql.TxOptions{Isolation: l.level, ReadOnly: true})
			x.must("BeginTx", err)
			var level, readOnly string
			x.must("ask", tx.QueryRowContext(x, "select current_setting('transaction_isolation'), current_setting('transaction_read_only')").Scan(&level, &readOnly))
			x.same("isolation of BeginTx", level, l.name)
			x.same("read only of BeginTx", readOnly, "on")
			x.must("Rollback", tx.Rollback())
		}))
	}
	return append(list,
		def("tx/isolation-unknown", "a level that PostgreSQL does not have is an error, never another level", func(x *test) {
			for _, level := range []sql.IsolationLevel{sql.LevelLinearizable, sql.LevelWriteCommitted} {
				if tx, err := x.connectOnce().conn.BeginTx(x, &sql.TxOptions{Isolation: level}); err == nil {
					_ = tx.Rollback()
					x.failf("BeginTx with %v succeeds", level)
				}
			}
		}),
		def("tx/snapshot-is-stable", "repeatable read sees one snapshot", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			s.do("begin isolation level repeatable read read only")
			x.same("rows at first", s.value("select count(*)::text from t"), "0")
			x.prepare("insert into t values (1)")
			x.same("rows after another's commit", s.value("select count(*)::text from t"), "0")
			x.must("commit", s.commit())
			x.same("rows in the next statement", s.value("select count(*)::text from t"), "1")
		}),
		def("tx/exported-snapshot", "a snapshot that one session exports can be read by another: parity compares reads in it", func(x *test) {
			x.prepare("create table t (id int4)")
			a := x.borrow()
			a.do("begin isolation level repeatable read read only")
			id := a.value("select pg_export_snapshot()")
			x.prepare("insert into t values (1)")
			db, err := x.DB()
			x.must("open", err)
			b := x.on(db)
			b.do("begin isolation level repeatable read read only", "set transaction snapshot "+quoteLiteral(id))
			x.same("rows in the exported snapshot", b.value("select count(*)::text from t"), "0")
			b.rollback()
			a.rollback()
		}),
		def("tx/read-only", "a read-only transaction writes nothing", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			s.do("begin isolation level read committed read only")
			for _, r := range x.readers() {
				_, err := r.read(s, "insert into t values (1) returning id::text")
				if r.name == "database/sql" {
					x.isError(r.name, err, wants{backend.CodeForbidden, "25006"})
				} else {
					x.hasState(r.name, err, "25006", "25P02")
				}
			}
			s.rollback()
			x.same("rows", x.observe("select count(*)::text from t"), "0")
		}),
		def("tx/deferrable", "a deferrable serializable read gets what it asked for", func(x *test) {
			s := x.borrow()
			s.do("begin isolation level serializable read only deferrable")
			x.same("deferrable", s.value("select current_setting('transaction_deferrable')"), "on")
			x.must("commit", s.commit())
		}),
		def("tx/commit-stores", "a commit that returns nil has stored", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			s.begin()
			s.do("insert into t values (1)")
			x.same("rows before", x.observe("select count(*)::text from t"), "0")
			x.must("commit", s.commit())
			x.same("rows after", x.observe("select count(*)::text from t"), "1")
		}),
		def("tx/rollback-stores-nothing", "a rollback leaves nothing", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			s.begin()
			s.do("insert into t values (1)")
			s.rollback()
			x.same("rows", x.observe("select count(*)::text from t"), "0")
		}),
		def("tx/commit-aborted", "the commit of a transaction that has failed must be an error: the server answers ROLLBACK, and drivers have taken that for success", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			tx, err := s.conn.BeginTx(x, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
			x.must("begin", err)
			_, err = tx.ExecContext(x, "insert into t values (1)")
			x.must("insert", err)
			_, err = tx.ExecContext(x, "select 1/0")
			x.hasState("division", err, "22012")
			err = backend.WrapCommit(x.Backend, tx.Commit())
			if err == nil {
				x.failf("the commit succeeds")
			}
			if !errors.Is(err, backend.ErrTxAborted) {
				x.failf("the commit is not ErrTxAborted: %w", err)
			}
			x.same("rows", x.observe("select count(*)::text from t"), "0")
			x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
		}),
		def("tx/savepoint", "a savepoint takes back what came after it, and no more", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			s.begin()
			s.do("insert into t values (1)", "savepoint a", "insert into t values (2)")
			_, err := s.exec("select 1/0")
			x.hasState("division", err, "22012")
			s.do("rollback to savepoint a", "insert into t values (3)", "release savepoint a")
			x.must("commit", s.commit())
			x.same("rows", x.observe("select string_agg(id::text, ',' order by id) from t"), "1,3")
		}),
		def("tx/deferred-constraint", "a constraint that fails at commit makes the commit fail, and nothing is stored", func(x *test) {
			x.prepare("create table p (id int4 primary key)", "create table t (p int4 constraint t_p references p deferrable initially deferred)")
			s := x.borrow()
			s.begin()
			s.do("insert into t values (1)")
			err := s.commit()
			x.isError("commit", err, wants{constraint, "23503"})
			var e *backend.Error
			if _, ok := x.Backend.(backend.FieldReader); ok && (!errors.As(err, &e) || e.Constraint != "t_p") {
				x.failf("the constraint is not named: %w", err)
			}
			x.same("rows", x.observe("select count(*)::text from t"), "0")
		}),
		def("tx/constraints-immediate", "SET CONSTRAINTS ALL IMMEDIATE finds a violation before the commit", func(x *test) {
			x.prepare("create table p (id int4 primary key)", "create table t (p int4 references p deferrable initially deferred)")
			s := x.borrow()
			s.begin()
			s.do("insert into t values (1)")
			_, err := s.exec("set constraints all immediate")
			x.isError("set constraints", err, wants{constraint, "23503"})
			s.rollback()
		}),
		def("tx/set-local", "set_config of a transaction ends with it", func(x *test) {
			s := x.borrow()
			s.begin()
			x.same("set", s.value("select set_config('app.tenant', $1::text, true)", "7"), "7")
			x.same("inside", s.value("select current_setting('app.tenant', true)"), "7")
			x.must("commit", s.commit())
			x.same("afterwards", s.value("select coalesce(current_setting('app.tenant', true), '')"), "")
		}),
		def("tx/left-open", "a connection given back inside a transaction must not carry it to its next user", func(x *test) {
			x.prepare("create table t (id int4)")
			db, err := x.DB()
			x.must("open", err)
			db.SetMaxOpenConns(1)
			conn, err := db.Conn(x)
			x.must("connect", err)
			_, err = conn.ExecContext(x, "begin")
			x.must("begin", err)
			_, err = conn.ExecContext(x, "insert into t values (1)")
			x.must("insert", err)
			x.must("give back", conn.Close())
			var v string
			x.must("the next user", db.QueryRowContext(x, "select count(*)::text from t").Scan(&v))
			x.same("what the next user sees", v, "0")
			x.same("rows stored", x.observe("select count(*)::text from t"), "0")
		}),
		def("tx/wire-rows-inside", "wire rows belong to the transaction of their connection", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			s.begin()
			rows, err := s.wire("insert into t values (1), (2) returning id::text")
			x.must("insert returning", err)
			x.same("rows", flat(rows), "1; 2")
			s.rollback()
			x.same("rows stored", x.observe("select count(*)::text from t"), "0")
		}),
	)
}

func dashes(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == ' ' {
			b[i] = '-'
		}
	}
	return string(b)
}

// notices collects what OnNotice is given.
type notices struct {
	mu   sync.Mutex
	list []backend.Notice
}

func (n *notices) add(v backend.Notice) {
	n.mu.Lock()
	n.list = append(n.list, v)
	n.mu.Unlock()
}

func (n *notices) take() []backend.Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}

// noticed opens a session whose notices are collected.
func (x *test) noticed() (*session, *notices) {
	n := &notices{}
	c := x.Config
	c.OnNotice = n.add
	return x.connectTo(c), n
}

func noticeCases() []Case {
	return []Case{
		def("notices/fields", "a notice arrives with its severity, SQLSTATE, text, detail and hint", func(x *test) {
			s, n := x.noticed()
			s.do("do $$ begin raise notice 'said %', 'é' using detail = 'de', hint = 'hi', errcode = '01ABC'; end $$")
			list := n.take()
			x.same("number of notices", strconv.Itoa(len(list)), "1")
			got := list[0]
			x.same("notice", got.Severity+"|"+got.SQLState+"|"+got.Message+"|"+got.Detail+"|"+got.Hint, "NOTICE|01ABC|said é|de|hi")
		}),
		def("notices/warning", "a warning is not an error, and is told", func(x *test) {
			s, n := x.noticed()
			s.do("rollback") // there is no transaction
			list := n.take()
			x.same("number of notices", strconv.Itoa(len(list)), "1")
			x.same("SQLSTATE", list[0].SQLState, "25P01")
			x.same("severity", list[0].Severity, "WARNING")
		}),
		def("notices/order", "notices come in order, and none is lost", func(x *test) {
			s, n := x.noticed()
			s.do("do $$ begin for i in 1..500 loop raise notice '%', i; end loop; end $$")
			list := n.take()
			x.same("number of notices", strconv.Itoa(len(list)), "500")
			for i, got := range list {
				x.same("notice", got.Message, strconv.Itoa(i+1))
			}
		}),
		def("notices/with-rows", "notices among rows spoil neither, on every path", func(x *test) {
			x.prepare("create function f(int4) returns text language plpgsql as 'begin raise notice ''n %'', $1; return $1; end'")
			s, n := x.noticed()
			for _, r := range x.readers() {
				rows, err := r.read(s, "select f(g) from generate_series(1, 3) g")
				x.must(r.name, err)
				x.same(r.name+": rows", flat(rows), "1; 2; 3")
				x.same(r.name+": notices", strconv.Itoa(len(n.take())), "3")
			}
		}),
		def("notices/level", "client_min_messages of the Config decides", func(x *test) {
			n := &notices{}
			c := x.Config
			c.OnNotice = n.add
			c.Session = map[string]string{"client_min_messages": "error"}
			x.connectTo(c).do("do $$ begin raise notice 'x'; end $$")
			x.same("number of notices", strconv.Itoa(len(n.take())), "0")
		}),
		def("notices/nobody-listens", "a notice that nobody wants is dropped, not printed and not an error", func(x *test) {
			s := x.borrow()
			s.do("do $$ begin raise warning 'x'; end $$")
			x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
		}),
		def("notices/observed", "who asks the connection learns what was said since, and what state the transaction is in", func(x *test) {
			o, ok := x.Backend.(backend.SessionObserver)
			if !ok {
				x.notRunf("the backend is no SessionObserver")
			}
			s := x.connect()
			ask := func(doing string) backend.SessionState {
				state, err := o.ObserveSession(s.conn)
				x.must(doing, err)
				return state
			}
			ask("ask at the start")
			s.do("do $$ begin raise notice 'said'; end $$")
			state := ask("ask after a notice")
			x.same("notices", strconv.Itoa(len(state.Notices)), "1")
			x.same("notice", state.Notices[0].Severity+" "+state.Notices[0].SQLState+" "+state.Notices[0].Message, "NOTICE 00000 said")
			x.same("status outside of a transaction", string(state.Transaction), "I")
			s.do("begin")
			x.same("notices once more", strconv.Itoa(len(ask("ask again").Notices)), "0")
			x.same("status in a transaction", string(ask("ask in a transaction").Transaction), "T")
			_, err := s.exec("select 1/0")
			x.hasState("the statement", err, "22012")
			x.same("status after a failure", string(ask("ask after a failure").Transaction), "E")
			s.do("rollback")
			s.do("do $$ begin for i in 1..150 loop raise notice 'x'; end loop; end $$")
			state = ask("ask after many")
			x.same("notices kept and lost", fmt.Sprint(len(state.Notices), state.Lost), "100 50")
		}),
		def("notices/before-an-error", "what was said before an error is told too", func(x *test) {
			s, n := x.noticed()
			_, err := s.exec("do $$ begin raise notice 'before'; perform 1/0; end $$")
			x.hasState("the statement", err, "22012")
			list := n.take()
			x.same("number of notices", strconv.Itoa(len(list)), "1")
			x.same("notice", list[0].Message, "before")
		}),
	}
}
