package parity_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// meddler is a side whose transactions are given to meddle before and after each
// statement: what a driver would do that sends more, or other, than it was given.
type meddler struct {
	*executor.DB

	before, after string                                          // SQL to run around each statement
	rows          func(*executor.Rows) *executor.Rows             // what Query returns instead
	exec          func(n int64, err error) (int64, error)         // what Exec returns instead
	failed        func(err error) error                           // the error of both instead
	state         func(backend.SessionState) backend.SessionState // what the session tells instead
}

func (m *meddler) InTx(ctx context.Context, o *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	return m.DB.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error {
		return fn(ctx, &meddled{Runner: tx, m: m})
	})
}

type meddled struct {
	executor.Runner

	m *meddler
}

// ours are statements of parity itself.
func ours(s *builder.Statement) bool {
	return strings.Contains(s.SQL, "pg_catalog.") || strings.HasPrefix(s.SQL, "set constraints")
}

func (d *meddled) around(ctx context.Context, s *builder.Statement, sql string) error {
	if sql == "" || ours(s) {
		return nil
	}
	if sql == "again" {
		sql = s.SQL
	}
	_, err := d.Runner.Exec(ctx, &builder.Statement{Name: "meddle", SQL: sql, Args: s.Args[:strings.Count(sql, "$")]})
	return err
}

func (d *meddled) fail(err error) error {
	if d.m.failed != nil && err != nil {
		return d.m.failed(err)
	}
	return err
}

func (d *meddled) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	if err := d.around(ctx, s, d.m.before); err != nil {
		return 0, err
	}
	n, err := d.Runner.Exec(ctx, s)
	if err == nil {
		err = d.around(ctx, s, d.m.after)
	}
	if d.m.exec != nil && !ours(s) {
		return d.m.exec(n, err)
	}
	return n, d.fail(err)
}

func (d *meddled) Query(ctx context.Context, s *builder.Statement) (*executor.Rows, error) {
	if err := d.around(ctx, s, d.m.before); err != nil {
		return nil, err
	}
	rows, err := d.Runner.Query(ctx, s)
	if err != nil {
		return nil, err
	}
	if d.m.rows != nil && !ours(s) {
		rows = d.m.rows(rows)
	}
	return rows, nil
}

func (d *meddled) Session() (backend.SessionState, bool) {
	s, ok := d.Runner.(interface {
		Session() (backend.SessionState, bool)
	}).Session()
	if ok && d.m.state != nil {
		s = d.m.state(s)
	}
	return s, ok
}

// newMeddled is a bench one of whose sides meddles; reverse makes that the control.
func newMeddled(t testing.TB, dsn string, m meddler, reverse bool, o ...parity.Option) *bench {
	t.Helper()
	b := newBench(t, dsn, mode(t, "pq/default"), mode(t, "pgx/cache_statement"), o...)
	var control, candidate parity.Backend = b.control, b.candidate
	if reverse {
		m.DB = b.control
		control = &m
	} else {
		m.DB = b.candidate
		candidate = &m
	}
	b.Runner = parity.NewRunner(b.harness, control, candidate)
	return b
}

// TestLeftBehind: what a write leaves besides its answer is compared.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	for _, reverse := range []bool{false, true} {
		t.Run(fmt.Sprintf("reverse=%v", reverse), func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn,
				`create table t (id int8 primary key, n int8 default 0)`, `create table audit (id int8)`,
				`create function log() returns trigger language plpgsql as $$ begin insert into audit values (new.id); raise notice 'logged %', new.id; return new; end $$`,
				`create trigger log after insert or update on t for each row execute function log()`,
				`insert into t values (1, 0)`)
			for _, tc := range []struct {
				name string
				m    meddler
				kind parity.Kind
			}{
				{"nothing", meddler{}, ""},
				{"written twice", meddler{after: "again"}, parity.DiffWritten},
				{"what a trigger wrote is lost", meddler{after: "delete from audit"}, parity.DiffWritten},
				{"a setting", meddler{after: "set local work_mem = '5MB'"}, parity.DiffSettings},
				{"a notice lost", meddler{state: func(s backend.SessionState) backend.SessionState { s.Notices = nil; return s }}, parity.DiffNotice},
				{"another state", meddler{state: func(s backend.SessionState) backend.SessionState { s.Transaction = 'I'; return s }}, parity.DiffState},
			} {
				b := newMeddled(t, dsn, tc.m, reverse)
				_, err := b.Exec(t.Context(), &builder.Statement{Name: "update t", SQL: "update t set n = n + 1 where id = $1::int8", Args: []any{"1"}})
				r := b.last(t)
				if tc.kind == "" {
					if r.Verdict != parity.Equal || err != nil {
						t.Errorf("%s: %v %v (%v)", tc.name, r.Verdict, r.Diffs, err)
					}
					continue
				}
				if r.Verdict != parity.Mismatch || !hasKind(r, tc.kind) {
					t.Errorf("%s: %v (%s) %v (%v), want a mismatch of kind %s", tc.name, r.Verdict, r.Reason, r.Diffs, err, tc.kind)
				}
			}
		})
	}
}

func hasKind(r parity.Report, kind parity.Kind) bool {
	for _, d := range r.Diffs {
		if d.Kind == kind {
			return true
		}
	}
	return false
}

// TestReadNotices: notices of a read are compared, and settings that it makes.
func TestReadNotices(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create function f(n int4) returns int4 language plpgsql as $$ begin raise notice 'n is %', n; return n; end $$`)
	b := newBench(t, dsn, mode(t, "pq/default"), &quiet{liar{Backend: mode(t, "pgx/exec"), lie: func(_ int, r [][]byte) [][][]byte { return [][][]byte{r} }}})
	if _, err := drain(b.Query(t.Context(), statement("select f(x) from generate_series(1, 3) x", false))); backend.CodeOf(err) != backend.CodeParityMismatch {
		t.Errorf("notices lost: %v", err)
	}
	if r := b.last(t); !hasKind(r, parity.DiffNotice) {
		t.Errorf("report %+v", r)
	}
	if _, err := drain(b.Query(t.Context(), statement("select set_config('work_mem', '5MB', true)", true))); err != nil {
		t.Errorf("the same setting on both sides: %v", err)
	}
	if _, err := drain(b.Query(t.Context(), statement("select set_config('work_mem', (4096 + pg_backend_pid() % 1000)::text, true) is null", true))); backend.CodeOf(err) != backend.CodeParityMismatch {
		t.Errorf("another setting on each side: %v; %+v", err, b.last(t))
	}
}

// quiet is a backend that loses notices.
type quiet struct{ liar }

func (q *quiet) ObserveSession(conn *sql.Conn) (backend.SessionState, error) {
	s, err := q.Backend.(backend.SessionObserver).ObserveSession(conn)
	s.Notices = nil
	return s, err
}

// TestWriteNoise: a write that differs from itself is stored, once; a lie in it is not.
func TestWriteNoise(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int8 generated by default as identity primary key, a text, r float8)`)
	insert := &builder.Statement{Name: "insert t", SQL: "insert into t (a, r) values ($1::text, random()) returning a, r", Args: []any{"x"}}
	b := newBench(t, dsn, mode(t, "pq/default"), mode(t, "pgx/exec"))
	got, err := drain(b.Query(t.Context(), insert))
	if err != nil || len(got) != 1 {
		t.Errorf("noise: %v, %v", got, err)
	}
	if r := b.last(t); r.Verdict != parity.Noise || !strings.Contains(r.Reason, "r of insert t") {
		t.Errorf("noise: %v (%s) %v", r.Verdict, r.Reason, r.Diffs)
	}
	if n := b.count(t, "select count(*) from t"); n != "1" {
		t.Errorf("%s rows are stored, want 1", n)
	}
	b = newBench(t, dsn, mode(t, "pq/default"), &liar{Backend: mode(t, "pgx/exec"), lie: func(_ int, r [][]byte) [][][]byte {
		r[0] = []byte("lie")
		return [][][]byte{r}
	}})
	_, err = drain(b.Query(t.Context(), insert))
	if r := b.last(t); r.Verdict != parity.Mismatch || r.Wrong != parity.VoiceCandidate || backend.CodeOf(err) != backend.CodeParityMismatch {
		t.Errorf("a lie beside noise: %v, wrong %q, %v; %v", r.Verdict, r.Wrong, r.Diffs, err)
	}
	if n := b.count(t, "select count(*) from t"); n != "1" {
		t.Errorf("%s rows are stored, want 1", n)
	}
}

// TestWriteVoice: the server says whose returned row is wrong, beside volatile values.
func TestWriteVoice(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int8 generated by default as identity primary key, a text, n numeric)`)
	id := column("id")
	id.Volatile = true
	a, n := column("a"), column("n")
	a.Type, n.Type = typeOf(25), typeOf(1700)
	insert := &builder.Statement{
		Name: "insert t", SQL: "insert into t (a, n) values ('x', 1.50), ('y', 2) returning id, a, n", Columns: []builder.Column{id, a, n}, Ordered: true,
	}
	lie := func(i int, r [][]byte) [][][]byte {
		if i == 2 {
			r[1] = []byte("lie")
		}
		return [][][]byte{r}
	}
	pq, pgx := mode(t, "pq/default"), mode(t, "pgx/exec")
	for _, tc := range []struct {
		control, candidate backend.Backend
		want               parity.Voice
	}{
		{pq, &liar{Backend: pgx, lie: lie}, parity.VoiceCandidate},
		{&liar{Backend: pgx, lie: lie}, pq, parity.VoiceControl},
	} {
		b := newBench(t, dsn, tc.control, tc.candidate)
		_, _ = drain(b.Query(t.Context(), insert)) // the mismatch
		r := b.last(t)
		if r.Verdict != parity.Mismatch || r.Wrong != tc.want {
			t.Fatalf("%v, wrong %q, want %q; %v", r.Verdict, r.Wrong, tc.want, r.Diffs)
		}
		if s := r.Diffs[0].Cells[0].Server; s == nil || s.Text != "y" {
			t.Errorf("the server says %+v, want y", s)
		}
	}
}
