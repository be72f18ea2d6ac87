package corpus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// modes runs fn with each mode, beside one of the other half of them.
func modes(t *testing.T, fn func(t *testing.T, control, candidate string)) {
	t.Helper()
	list := all.Modes(codec.HasBinary)
	for i, b := range list {
		control, candidate := backend.ModeOf(b), backend.ModeOf(list[(i+len(list)/2)%len(list)])
		t.Run(control+" "+candidate, func(t *testing.T) {
			t.Parallel()
			fn(t, control, candidate)
		})
	}
}

// captured is a line of a corpus; tx 0 is none, an outcome of "" is that of who does not know.
func captured(conn string, tx int, sql, outcome string) string {
	kind := "exec"
	switch word, _, _ := strings.Cut(sql, " "); word {
	case "begin", "commit", "rollback":
		if tx != 0 && !strings.Contains(sql, " to ") {
			kind = word
		}
	case "select":
		kind = "query"
	}
	return fmt.Sprintf(`{"v":1,"conn":%q,"tx":%d,"kind":%q,"sql":%q,"outcome":%q}`, conn, tx, kind, sql, outcome)
}

// things are tables of one name and other types in two schemas.
var things = []string{
	"create schema shop", "create table things (id int8, mood text)", "insert into things values (1, 'public')",
	"create type mood as enum ('happy', 'sad')", "create table shop.things (id text, mood mood)", "insert into shop.things values ('a', 'happy'), ('b', 'sad')",
	"create table parents (id int8 primary key)", "create table children (parent int8 references parents deferrable)",
	"create sequence numbers", "create function numbered() returns int8 language sql as $$ select nextval('numbers') $$",
}

// replayed runs lines and gives what the reports say.
func replayed(t *testing.T, runner *parity.Runner, reports *[]parity.Report, lines []string, o ...corpus.ReplayOption) (list []string, out corpus.Replayed) {
	t.Helper()
	*reports = nil
	out, err := corpus.NewReplayer(runner, o...).Replay(t.Context(), corpus.NewReader(strings.NewReader(strings.Join(lines, "\n"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range *reports {
		verdict := r.Verdict.String()
		if r.Verdict == parity.EqualByRule {
			verdict = "equal"
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %d %s %s", verdict, r.Control.Rows, r.Control.SQLState, r.Reason)))
		if r.Verdict == parity.Mismatch {
			t.Errorf("%s: %v", r.Operation, r.Diffs)
		}
	}
	return list, out
}

func collecting(reports *[]parity.Report, o ...parity.Option) *parity.Harness {
	return parity.NewHarness(append(o, parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) { *reports = append(*reports, r) })))...)
}

// TestReplayUnderSettings: what a program has set by other ways than a plain SET.
func TestReplayUnderSettings(t *testing.T) {
	t.Parallel()
	const read = "select id, mood from things"
	modes(t, func(t *testing.T, control, candidate string) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, things...)
		a, b := openDB(t, control, dsn), openDB(t, candidate, dsn)
		var reports []parity.Report
		runner := parity.NewRunner(collecting(&reports, parity.WithRollback()), a, b)
		for name, tc := range map[string]struct {
			lines    []string
			want     []string
			unusable map[string]int64
		}{
			"RESET goes back to the start of the session": {lines: []string{
				`{"v":1,"conn":"1","kind":"query","sql":"select id, mood from things","settings":{"search_path":"shop"},"outcome":"ok"}`,
				captured("1", 0, "set search_path = public", "ok"), captured("1", 0, read, "ok"),
				captured("1", 1, "begin", "ok"), captured("1", 1, "reset search_path", "ok"), captured("1", 1, read, "ok"), captured("1", 1, "rollback", "ok"),
				captured("1", 0, read, "ok"), captured("1", 0, "discard all", "ok"), captured("1", 0, read, "ok"),
			}, want: []string{"equal 2", "equal 1", "equal 3", "equal 1", "equal 2"}},
			"a path that a savepoint undoes": {lines: []string{
				captured("1", 1, "begin", "ok"), captured("1", 1, read, "ok"), captured("1", 1, "savepoint s", "ok"), captured("1", 1, "set search_path = shop", "ok"), captured("1", 1, read, "ok"),
				captured("1", 1, "rollback to s", "ok"), captured("1", 1, read, "ok"), captured("1", 1, "set local search_path = shop", "ok"), captured("1", 1, read, "ok"), captured("1", 1, "commit", "ok"),
			}, want: []string{"equal 8"}}, // 1 + 2 + 1 + 2 rows and two of set_config
			"only to be read": {lines: []string{
				captured("1", 0, "set session characteristics as transaction read only", "ok"),
				captured("1", 0, "insert into public.things values (2, 'x')", "25006"), captured("1", 0, "select numbered()", "25006"), captured("1", 0, "select nextval('numbers')", "ok"),
				captured("1", 1, "begin", "ok"), captured("1", 1, "insert into public.things values (2, 'x')", "25006"), captured("1", 1, "rollback", "ok"),
				captured("1", 2, "begin read write", "ok"), captured("1", 2, "insert into public.things values (2, 'x') returning id", "ok"),
				captured("1", 2, "set default_transaction_read_only = off", "ok"), captured("1", 2, "commit", "ok"), captured("1", 0, "insert into public.things values (2, 'x')", "ok"),
			}, want: []string{"equal 0 25006", "equal 0 25006", "inconclusive 0 25006 select went well when it was recorded, and fails here on both sides, read only SQL transaction: 25006", "equal 0 25006", "equal 0", "equal 0"}},
			"a function that writes": {
				lines: []string{captured("1", 0, "select numbered() is null", "ok"), captured("1", 0, "select numbered() is null", "")},
				want:  []string{"equal 0 25006", "equal 1", "equal 0 25006", "equal 1"},
			},
			"not in a transaction": {lines: []string{
				captured("1", 0, "vacuum things", ""), captured("1", 0, "/* x */ create index  concurrently on things (id)", "ok"), captured("1", 0, "alter system reset all", ""),
				captured("1", 0, "reindex (verbose) table concurrently things", ""), captured("1", 0, "create index on things (id)", "ok"),
			}, want: []string{"equal 0"}, unusable: map[string]int64{"it can't run in a transaction, as all that is replayed does": 4}},
			"beside other things": {lines: []string{
				captured("1", 0, "set search_path = shop; select 1", "ok"), captured("1", 0, read, "ok"), captured("1", 0, "select set_config('search_path', 'public', false), 1", "ok"), captured("1", 0, read, "ok"),
				captured("1", 0, "discard all", "ok"), captured("1", 0, read, "ok"), captured("1", 0, "do $$ begin perform set_config('a.b', 'c', false); end $$", "ok"), captured("1", 0, read, "ok"),
			}, want: []string{"equal 2", "equal 2", "equal 1"}, unusable: map[string]int64{
				"it sets something for its session beside other things": 2, "its session has set search_path in a way that can't be followed": 1, "its session has set a parameter in a way that can't be followed": 1,
			}},
			"constraints": {lines: []string{
				captured("1", 1, "begin", "ok"), captured("1", 1, "set constraints all deferred", "ok"), captured("1", 1, "insert into children values (7)", "ok"), captured("1", 1, "insert into parents values (7)", "ok"), captured("1", 1, "commit", "ok"),
				captured("1", 2, "begin", "ok"), captured("1", 2, "set constraints all deferred", "ok"), captured("1", 2, "insert into children values (8)", "ok"), captured("1", 2, "commit", "ok"),
			}, want: []string{"equal 0", "inconclusive 0 23503 set and 1 more went well when it was recorded, and fails here on both sides, foreign key violation: 23503"}},
			"a role that is not there": {lines: []string{
				captured("1", 0, "set role nobody_at_all", "ok"), captured("1", 0, read, "ok"), captured("1", 0, "insert into things values (2)", "ok"),
			}, want: []string{"inconclusive 0 22023 its settings can't be made on either side: 22023", "inconclusive 0 22023 its settings can't be made on either side: 22023"}},
			"a begin and an end that are lost": {lines: []string{
				captured("1", 3, "set search_path = shop", "ok"), captured("1", 3, read, "ok"), captured("1", 3, "rollback", "ok"), captured("1", 0, read, "ok"),
				captured("1", 4, "begin", "ok"), captured("1", 4, "set search_path = shop", "ok"), captured("1", 0, read, "ok"),
			}, want: []string{"equal 2", "equal 1"}, unusable: map[string]int64{
				"it begins or ends a transaction without its number": 1, "its session has set search_path in a way that can't be followed": 1, "its transaction has no end in the source": 2,
			}},
			"several statements of a session that begins with settings": {lines: []string{
				`{"v":1,"conn":"1","kind":"query","sql":"set search_path = public; select id, mood from things","settings":{"search_path":"shop"},"outcome":"ok"}`,
				captured("1", 0, read, "ok"), captured("1", 0, "reset search_path", "ok"), captured("1", 0, read, "ok"),
			}, want: []string{"equal 2", "equal 1", "equal 2"}},
			"two connections": {lines: []string{
				captured("1", 0, "set search_path = shop", "ok"), captured("2", 1, "begin", "ok"), captured("2", 1, "set local search_path = shop", "ok"), captured("1", 1, "begin", "ok"),
				captured("1", 1, "set search_path = public", "ok"), captured("2", 1, read, "ok"), captured("1", 1, read, "ok"), captured("2", 1, "commit", "ok"), captured("2", 0, read, "ok"),
				captured("1", 1, "rollback", "ok"), captured("1", 0, read, "ok"),
			}, want: []string{"equal 3", "equal 1", "equal 2", "equal 2"}},
		} {
			got, out := replayed(t, runner, &reports, tc.lines)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s: -want +got:\n%s", name, diff)
			}
			if tc.unusable == nil {
				tc.unusable = map[string]int64{}
			}
			if diff := cmp.Diff(tc.unusable, out.Unusable); diff != "" {
				t.Errorf("%s, not usable: -want +got:\n%s", name, diff)
			}
		}
		// Without writes, a function that writes is one of them.
		got, out := replayed(t, runner, &reports, []string{captured("1", 0, "select numbered()", "ok")}, corpus.WithoutWrites())
		if out.Unusable["writes are left out"] != 1 || len(got) != 1 || got[0] != "equal 0 25006" {
			t.Errorf("%q, %+v", got, out)
		}
	})
}

// TestReplaySeesOtherSchema: a difference that is in the table of the program's own path only
// is seen.
func TestReplaySeesOtherSchema(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, control, candidate string) {
		one, two := pgtest.DB(t), pgtest.DB(t)
		pgtest.Exec(t, one, things...)
		pgtest.Exec(t, two, append(things, "update shop.things set id = 'c' where id = 'b'")...)
		var verdicts []string
		h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) { verdicts = append(verdicts, r.Verdict.String()) })))
		runner := parity.NewSeparateRunner(h, openDB(t, control, one), openDB(t, candidate, two))
		const read = "select id from things order by id"
		out, err := corpus.NewReplayer(runner).Replay(t.Context(), corpus.NewReader(strings.NewReader(strings.Join([]string{
			captured("1", 0, read, "ok"), captured("1", 0, "set search_path = shop", "ok"), captured("1", 0, read, "ok"),
			captured("2", 1, "begin", "ok"), captured("2", 1, "select set_config('search_path', 'shop', true)", "ok"), captured("2", 1, read, "ok"), captured("2", 1, "commit", "ok"), captured("2", 0, read, "ok"),
		}, "\n"))))
		if diff := cmp.Diff([]string{"equal", "mismatch", "mismatch", "equal"}, verdicts); err != nil || diff != "" || out.Mismatches != 2 {
			t.Errorf("%+v, %v, -want +got:\n%s", out, err, diff)
		}
	})
}

// TestReplayOfLog: what a log shows a session to have set is in force for what it shows then,
// and what has no error behind it went well.
func TestReplayOfLog(t *testing.T) {
	t.Parallel()
	const log = `[1] LOG:  statement: set search_path = shop
[2] LOG:  statement: select id, mood from things
[1] LOG:  execute <unnamed>: select id, mood from things where id <> $1
[1] DETAIL:  parameters: $1 = 'a'
[1] LOG:  execute <unnamed>: select set_config('search_path', $1, $2)
[1] DETAIL:  parameters: $1 = 'public', $2 = 'f'
[1] LOG:  statement: begin
[1] LOG:  statement: set local search_path = shop
[1] LOG:  statement: select id, mood from things
[1] LOG:  statement: rollback
[1] LOG:  statement: set search_path = nowhere, now here
[1] ERROR:  syntax error at or near "here"
[1] STATEMENT:  set search_path = nowhere, now here
[1] LOG:  statement: select id, mood from things
[1] LOG:  statement: create temp table mine (id int8)
[1] LOG:  statement: select id from mine
[2] LOG:  statement: select id, mood from absent
[2] ERROR:  relation "absent" does not exist
[2] STATEMENT:  select id, mood from absent
[1] LOG:  statement: select 1
[2] LOG:  statement: select 1
`
	modes(t, func(t *testing.T, control, candidate string) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, things...)
		var lines strings.Builder
		w := corpus.NewWriter(&lines)
		stats, err := corpus.ImportLog(strings.NewReader(log), corpus.Log{Format: corpus.FormatStderr, Prefix: "[%p] "}, w.Write)
		if err = errors.Join(err, w.Flush()); err != nil || len(stats.Unusable) > 0 {
			t.Fatal(stats, err)
		}
		var reports []parity.Report
		runner := parity.NewRunner(collecting(&reports, parity.WithRollback()), openDB(t, control, dsn), openDB(t, candidate, dsn))
		got, out := replayed(t, runner, &reports, strings.Split(lines.String(), "\n"))
		slices.Sort(got)
		want := []string{
			"equal 0", // create temp table
			"equal 0 42P01", "equal 1", "equal 1", "equal 1", "equal 1", "equal 1", "equal 3",
			"inconclusive 0 42P01 select from mine went well when it was recorded, and fails here on both sides, undefined table: 42P01",
		}
		if diff := cmp.Diff(want, got); diff != "" || len(out.Unusable) > 0 {
			t.Errorf("%+v, -want +got:\n%s", out, diff)
		}
	})
}
