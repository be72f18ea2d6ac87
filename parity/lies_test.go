package parity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// A harness that can't fail proves nothing. Here a side lies in 37 ways, each by
// its name: 35 must be caught, and two are none and must pass. Each is told by the
// candidate and by the control, and the same without a lie must pass.

// plant is one lie.
type plant struct {
	name string
	// value is the expression that is read and written, of which one value is another.
	value string
	// sql is the read instead of that of value.
	sql     string
	ordered bool
	// write is the write instead.
	write *builder.Statement
	fib   func(*fib)
	m     *meddler

	want parity.Verdict // Mismatch if it is not said
	kind parity.Kind    // of a difference; "": any
	rule string         // of one that passes
}

// value plants a lie about one value.
func value(name, expression, from, to string) plant {
	return plant{name: name, value: expression, fib: says(from, to), want: parity.Mismatch, kind: parity.DiffValue}
}

func rowsOf(n string) string {
	return "select i, 'row ' || i as t from generate_series(1, " + n + ") i order by i"
}

func lies() []plant {
	gone := func(at int) func(*fib) {
		return about(func(r *fibRows) {
			r.next = func(n int, row [][]byte) [][][]byte {
				if n == at {
					return nil
				}
				return [][][]byte{row}
			}
		})
	}
	update := &builder.Statement{Name: "update t", SQL: "update t set n = n + 1 where id = $1::int8", Args: []any{"1"}}
	fails := errors.New("made up")
	return []plant{
		value("1 microsecond", "'2024-02-29 12:34:56.123456+00'::timestamptz", "2024-02-29 12:34:56.123456+00", "2024-02-29 12:34:56.123455+00"),
		value("2 zone", "'2024-02-29 12:34:56+00'::timestamptz", "2024-02-29 12:34:56+00", "2024-02-29 13:34:56+01"),
		value("3 float32 widened", "'0.1'::float4", "0.1", "0.10000000149011612"),
		value("4 numeric scale", "'1.50'::numeric", "1.50", "1.5"),
		value("5 int over 2^53", "'9007199254740993'::int8", "9007199254740993", "9007199254740992"),
		value("6 NULL to empty", "null::text", "NULL", ""),
		value("7 empty to NULL", "''::text", "", "NULL"),
		{name: "8 NULL to absent", value: "null::text", kind: parity.DiffColumns, fib: about(func(r *fibRows) {
			r.columns = []backend.Column{}
			r.next = func(_ int, _ [][]byte) [][][]byte { return [][][]byte{{}} }
		})},
		value("9 jsonb null to NULL", "'null'::jsonb", "null", "NULL"),
		value("9 NULL to jsonb null", "null::jsonb", "NULL", "null"),
		value("10 bytea hex to raw", `'\x6162'::bytea`, `\x6162`, "ab"),
		value("11 array NULL lost", "'{1,NULL,2}'::int4[]", "{1,NULL,2}", "{1,2}"),
		value("12 two dimensions flattened", "'{{1,2},{3,4}}'::int4[]", "{{1,2},{3,4}}", "{1,2,3,4}"),
		value("13 char padding", "'ab'::char(5)", "ab   ", "ab"),
		value("14 infinity to max", "'infinity'::timestamp", "infinity", "294276-12-31 23:59:59.999999"),
		value("15 BC year", "'0044-03-15 BC'::date", "0044-03-15 BC", "0044-03-15"),
		value("16 interval months to days", "'1 mon'::interval", "1 mon", "30 days"),
		value("17 NFC", "e'e\\u0301'::text", "e\u0301", "\u00e9"),
		{name: "18 one row of 10,000 lost", sql: rowsOf("10000"), ordered: true, fib: gone(7777), kind: parity.DiffMissing},
		{name: "18 the last row lost, in no order", sql: rowsOf("10000"), fib: gone(10000), kind: parity.DiffMissing},
		{name: "19 one row doubled", sql: rowsOf("1000"), kind: parity.DiffExtra, fib: about(func(r *fibRows) {
			r.next = func(n int, row [][]byte) [][][]byte {
				if n == 500 {
					return [][][]byte{row, row}
				}
				return [][][]byte{row}
			}
		})},
		{name: "20 cells shifted across a comma", sql: "select 'a,b'::text as x, 'c'::text as y", kind: parity.DiffValue, fib: about(func(r *fibRows) {
			r.next = func(_ int, _ [][]byte) [][][]byte { return [][][]byte{{[]byte("a"), []byte("b,c")}} }
		})},
		{name: "21 two columns of one type swapped", sql: "select 1::int4 as x, 2::int4 as y", kind: parity.DiffValue, fib: about(func(r *fibRows) {
			r.next = func(_ int, row [][]byte) [][][]byte { return [][][]byte{{row[1], row[0]}} }
		})},
		{name: "21 two names of one type swapped", sql: "select 1::int4 as x, 2::int4 as y", kind: parity.DiffColumns, fib: about(func(r *fibRows) {
			c := r.WireRows.Columns()
			r.columns = []backend.Column{c[1], c[0]}
			r.next = func(_ int, row [][]byte) [][][]byte { return [][][]byte{{row[1], row[0]}} }
		})},
		{name: "22 order under a sort", sql: rowsOf("100"), ordered: true, kind: parity.DiffValue, fib: about(func(r *fibRows) { r.next = swapRows() })},
		{name: "23 rows affected", write: update, kind: parity.DiffAffected, m: &meddler{exec: func(n int64, err error) (int64, error) { return n + 1, err }}},
		{name: "24 error to empty", sql: "select 1/0 as x", kind: parity.DiffError, fib: func(f *fib) {
			f.query = func(_ context.Context, honest func() (backend.WireRows, error)) (backend.WireRows, error) {
				if rows, err := honest(); err == nil {
					_ = rows.Close()
				}
				return &nothing{}, nil
			}
		}},
		{name: "25 SQLSTATE", sql: "select 'x'::int4", kind: parity.DiffError, fib: func(f *fib) {
			f.query = func(_ context.Context, honest func() (backend.WireRows, error)) (backend.WireRows, error) {
				rows, err := honest()
				if err == nil {
					for rows.Next() {
						continue
					}
					err = rows.Close()
				}
				return nil, &backend.Error{Op: "query", Code: backend.CodeOf(err), SQLState: "22003", Err: fails}
			}
		}},
		{name: "26 rows, then an error", sql: rowsOf("100"), ordered: true, kind: parity.DiffError, fib: about(func(r *fibRows) {
			r.next = func(n int, row [][]byte) [][][]byte {
				if n > 50 {
					return nil
				}
				return [][][]byte{row}
			}
			r.end = &backend.Error{Op: "query", Code: backend.CodeBadUserInput, SQLState: "22012", Err: fails}
		})},
		{name: "27 notice lost", sql: "select say(1)", kind: parity.DiffNotice, fib: func(f *fib) {
			f.notice = func([]backend.Notice) []backend.Notice { return nil }
		}},
		{name: "28 written twice", write: update, kind: parity.DiffWritten, m: &meddler{after: "again"}},
		{name: "29 a trigger's write lost", write: update, kind: parity.DiffWritten, m: &meddler{after: "delete from audit"}},
		{name: "30 deferred violation", write: &builder.Statement{Name: "insert child", SQL: "insert into child values (1, 7)"}, kind: parity.DiffError, m: &meddler{failed: func(error) error { return nil }}},
		{name: "31 hang", sql: "select 1", want: parity.Inconclusive, fib: func(f *fib) {
			f.query = func(ctx context.Context, _ func() (backend.WireRows, error)) (backend.WireRows, error) {
				<-ctx.Done()
				return nil, backend.Wrap(f.Backend, "query", ctx.Err())
			}
		}},
		{name: "34 rows changed after return", sql: rowsOf("3"), ordered: true, kind: parity.DiffUnstable, fib: about(func(r *fibRows) { r.reused = true })},
		{name: "36 key order of an object", value: `'{"b":1,"a":[{"d":2,"c":3}]}'::json`, want: parity.EqualByRule, rule: parity.RuleKeyOrder, fib: says(`{"b":1,"a":[{"d":2,"c":3}]}`, `{"a":[{"c":3,"d":2}],"b":1}`)},
		{name: "37 row order without a sort", sql: rowsOf("100"), want: parity.EqualByRule, rule: parity.RuleBag, fib: about(func(r *fibRows) { r.next = swapRows() })},
	}
}

// nothing is no rows.
type nothing struct{ backend.WireRows }

func (*nothing) Columns() []backend.Column { return []backend.Column{{Name: "x", OID: 23}} }
func (*nothing) Next() bool                { return false }
func (*nothing) Err() error                { return nil }
func (*nothing) Close() error              { return nil }

// liesDB has what the lies are about.
func liesDB(t *testing.T) string {
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn,
		`create table t (id int8 primary key, n int8)`, `insert into t values (1, 0)`,
		`create table audit (id int8)`,
		`create function log() returns trigger language plpgsql as $$ begin insert into audit values (new.id); return new; end $$`,
		`create trigger log after update on t for each row execute function log()`,
		`create table parent (id int8 primary key)`,
		`create table child (id int8 primary key, parent int8 references parent deferrable initially deferred)`,
		`create function say(n int4) returns int4 language plpgsql as $$ begin raise warning 'n is %', n using errcode = '01234'; return n; end $$`)
	for i, l := range lies() {
		if l.value != "" {
			pgtest.Exec(t, dsn, fmt.Sprintf("create table w%d as select %s as v limit 0", i, l.value))
		}
	}
	return dsn
}

// statements are what is run for a lie: a read and a write where it is about a value.
func (l *plant) statements(i int) (list []*builder.Statement) {
	switch {
	case l.write != nil:
		return []*builder.Statement{l.write}
	case l.sql != "":
		return []*builder.Statement{statement(l.sql, l.ordered)}
	}
	return []*builder.Statement{
		statement("select "+l.value+" as v", true),
		statement("select "+l.value+" as v", false),
		{Name: "insert", SQL: fmt.Sprintf("insert into w%d values (%s) returning v", i, l.value)},
	}
}

// told is a bench on which one side lies, or, for comparison, nobody does.
func (l *plant) told(t *testing.T, dsn string, lying, reverse bool, o ...parity.Option) *bench {
	t.Helper()
	if l.m != nil {
		m := meddler{}
		if lying {
			m = *l.m
		}
		return newMeddled(t, dsn, m, reverse, o...)
	}
	liar := &fib{Backend: mode(t, "pgx/exec")}
	if lying {
		l.fib(liar)
	}
	if reverse {
		return newBench(t, dsn, liar, mode(t, "pq/default"), o...)
	}
	return newBench(t, dsn, mode(t, "pq/default"), liar, o...)
}

func (b *bench) run(t *testing.T, s *builder.Statement) (err error) {
	if s.Effect != builder.Read && !strings.Contains(s.SQL, "returning") {
		_, err = b.Exec(t.Context(), s)
		return err
	}
	rows, err := b.Query(t.Context(), s)
	if err != nil {
		return err
	}
	for rows.Next() {
		rows.Values()
	}
	return rows.Close()
}

// TestLies tells each lie on each side.
func TestLies(t *testing.T) {
	t.Parallel()
	dsn := liesDB(t)
	for i, l := range lies() {
		t.Run(l.name, func(t *testing.T) {
			for _, reverse := range []bool{false, true} {
				for _, s := range l.statements(i) {
					honest := l.told(t, dsn, false, reverse)
					_ = honest.run(t, s) // where the statement is one that fails, on both
					if r := honest.last(t); !r.Verdict.Pass() {
						t.Errorf("nobody lies (reverse %v): %v (%s) in %s: %v", reverse, r.Verdict, r.Reason, s.SQL, r.Diffs)
					}
					l.tell(t, dsn, s, reverse)
				}
			}
		})
	}
}

// tell runs s while one side lies.
func (l *plant) tell(t *testing.T, dsn string, s *builder.Statement, reverse bool) {
	t.Helper()
	b := l.told(t, dsn, true, reverse)
	if l.want == parity.Inconclusive {
		b = l.impatient(t, dsn, reverse)
	}
	err := b.run(t, s)
	r, want := b.last(t), l.want
	if want == parity.NotCompared {
		want = parity.Mismatch
	}
	if r.Verdict != want {
		t.Errorf("reverse %v: %v (%s) in %s, want %v; %v", reverse, r.Verdict, r.Reason, s.SQL, want, r.Diffs)
	}
	kind := l.kind
	if reverse {
		switch kind {
		case parity.DiffMissing:
			kind = parity.DiffExtra
		case parity.DiffExtra:
			kind = parity.DiffMissing
		default: // the same whoever lies
		}
	}
	if kind != "" && !hasKind(r, kind) {
		t.Errorf("reverse %v: no difference of kind %q in %s: %v", reverse, kind, s.SQL, r.Diffs)
	}
	if l.rule != "" && r.Rules[l.rule] == 0 {
		t.Errorf("reverse %v: rules %v in %s, want %q", reverse, r.Rules, s.SQL, l.rule)
	}
	if want == parity.Mismatch && (err == nil || !reverse && backend.CodeOf(err) != backend.CodeParityMismatch && r.Control.SQLState == "") {
		t.Errorf("reverse %v: the caller of %s learns nothing: %v", reverse, s.SQL, err)
	}
	if liar := map[bool]parity.Voice{false: parity.VoiceCandidate, true: parity.VoiceControl}[reverse]; l.kind == parity.DiffValue && r.Wrong != liar {
		t.Errorf("reverse %v: the server contradicts %q in %s, want %q", reverse, r.Wrong, s.SQL, liar)
	}
	if err := b.Idle(); err != nil {
		t.Error(err)
	}
}

// impatient is told with a short query timeout.
func (l *plant) impatient(t *testing.T, dsn string, reverse bool) *bench {
	t.Helper()
	b := l.told(t, dsn, true, reverse)
	dbs := []*executor.DB{b.control, b.candidate}
	for i, db := range dbs {
		cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		if dbs[i], err = executor.Open(t.Context(), db.Backend(), cfg, executor.WithMinIdle(0), executor.WithQueryTimeout(200*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { dbs[i].Close() })
	}
	b.control, b.candidate = dbs[0], dbs[1]
	b.Runner = parity.NewRunner(b.harness, b.control, b.candidate)
	return b
}

// TestLieOfPanic is lie 32: the candidate's panic is a difference; the control's is
// the caller's, and nothing is left behind.
func TestLieOfPanic(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for _, where := range []string{"query", "next"} {
		tell := func(f *fib) {
			f.query = func(_ context.Context, honest func() (backend.WireRows, error)) (backend.WireRows, error) {
				if where == "query" {
					panic("made up")
				}
				rows, err := honest()
				return &fibRows{WireRows: rows, next: func(n int, row [][]byte) [][][]byte {
					if n == 2 {
						panic("made up")
					}
					return [][][]byte{row}
				}}, err
			}
		}
		l := plant{fib: tell}
		b := l.told(t, dsn, true, false)
		got, err := drain(b.Query(t.Context(), statement(rowsOf("3"), true)))
		if r := b.last(t); r.Verdict != parity.Mismatch || !hasKind(r, parity.DiffError) || backend.CodeOf(err) != backend.CodeParityMismatch {
			t.Errorf("%s, candidate: %v %v (%v)", where, r.Verdict, r.Diffs, err)
		}
		if where == "next" && cmp.Diff([]string{"1", "2", "3"}, got) != "" {
			t.Errorf("the caller got %v", got)
		}
		if err := b.Idle(); err != nil {
			t.Errorf("%s, candidate: %v", where, err)
		}

		b = l.told(t, dsn, true, true)
		func() {
			defer func() {
				if p := recover(); p == nil {
					t.Errorf("%s, control: the panic did not reach the caller", where)
				}
			}()
			rows, err := b.Query(t.Context(), statement(rowsOf("3"), true))
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				continue
			}
		}()
		if r := b.last(t); where == "query" && r.Verdict.Pass() {
			t.Errorf("%s, control: %v", where, r.Verdict)
		}
		if err := b.Idle(); err != nil {
			t.Errorf("%s, control: %v", where, err)
		}
	}
}

// leaky is a side that takes a connection with each transaction and keeps it.
type leaky struct{ *executor.DB }

func (l *leaky) Begin(ctx context.Context, o *executor.TxOptions) (*executor.Tx, error) {
	tx, err := l.DB.Begin(ctx, o)
	if err == nil {
		_, err = l.Pool().Conn(ctx) // and this is the lie
	}
	return tx, err
}

// TestLieOfLeak is lie 33.
func TestLieOfLeak(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for _, reverse := range []bool{false, true} {
		b := newBench(t, dsn, mode(t, "pq/default"), mode(t, "pgx/exec"))
		if err := b.Idle(); err != nil {
			t.Errorf("nobody lies: %v", err)
		}
		if reverse {
			b.Runner = parity.NewRunner(b.harness, &leaky{b.control}, b.candidate)
		} else {
			b.Runner = parity.NewRunner(b.harness, b.control, &leaky{b.candidate})
		}
		if err := b.run(t, statement("select 1", true)); err != nil {
			t.Error(err)
		}
		if err := b.Idle(); err == nil {
			t.Errorf("reverse %v: a connection that was kept is not seen", reverse)
		}
	}
}

// TestLieOfSlowness is lie 35: 10 % slower, at n = 2,000.
func TestLieOfSlowness(t *testing.T) {
	dsn := pgtest.DB(t)
	slow := func(f *fib) {
		f.query = func(_ context.Context, honest func() (backend.WireRows, error)) (backend.WireRows, error) {
			start := time.Now()
			rows, err := honest()
			for took := time.Since(start); time.Since(start) < took*110/100; { // rows come beside
				continue
			}
			return rows, err
		}
	}
	const fair = 1.02 // what is left to chance
	for _, tc := range []struct {
		name          string
		control, cand func(*fib)
		slower        bool
	}{
		{"nobody", func(*fib) {}, func(*fib) {}, false},
		{"candidate", func(*fib) {}, slow, true},
		{"control", slow, func(*fib) {}, false},
	} {
		control, candidate := &fib{Backend: mode(t, "pgx/exec")}, &fib{Backend: mode(t, "pgx/exec")}
		tc.control(control)
		tc.cand(candidate)
		b := newBench(t, dsn, control, candidate)
		var l parity.Latency
		for round := 0; round < 4 && (round == 0 || l.SlowerThan(fair) != tc.slower); round++ { // more where the machine is busy
			for range 2000 {
				if err := b.run(t, statement("select count(*) from generate_series(1, 3000)", true)); err != nil {
					t.Fatal(err)
				}
			}
			l = b.harness.Summary().Latency
		}
		t.Logf("%s lies: %+v", tc.name, l)
		if l.SlowerThan(fair) != tc.slower {
			t.Errorf("%s lies: %+v, want slower %v", tc.name, l, tc.slower)
		}
		if tc.name == "control" && l.Ratio > 1/fair {
			t.Errorf("a slow control is not seen: %+v", l)
		}
	}
}
