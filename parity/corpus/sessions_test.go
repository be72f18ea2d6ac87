package corpus_test

import (
	"context"
	"fmt"
	"maps"
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

// TestSessions: what is in force at each line, one connection at a time.
func TestSessions(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"set and reset": `set search_path to shop, "X" |
select 1 | search_path="shop", "X"
set search_path to default | search_path="shop", "X"
select 1 |
set role reader |
set timezone to 'UTC' | role=reader
reset all | role=reader timezone=UTC
select 1 | role=reader
discard all | role=reader
select 1 |`,
		"a transaction that commits": `begin |
set local role reader |
set a.b = '1' | role=reader
select 1 | a.b=1 role=reader
commit | a.b=1 role=reader
select 1 | a.b=1`,
		"a transaction that rolls back": `set a.b = '0' |
begin | a.b=0
set a.b = '1' | a.b=0
rollback | a.b=1
select 1 | a.b=0`,
		"a transaction that failed": `begin |
set a.b = '1' |
!insert | a.b=1
commit | a.b=1
select 1 |`,
		"a commit that failed": `begin |
set a.b = '1' |
!commit | a.b=1
select 1 |`,
		"savepoints": `begin |
set a.b = '1' |
savepoint s | a.b=1
set a.b = '2' | a.b=1
!insert | a.b=2
rollback to savepoint s | a.b=2
select 1 | a.b=1
savepoint t | a.b=1
set a.b = '3' | a.b=1
release t | a.b=3
commit | a.b=3
select 1 | a.b=3`,
		"a SET that failed":         "!set a.b = '1' |\nselect 1 |",
		"SET LOCAL outside":         "set local a.b = '1' |\nselect 1 |",
		"local over session":        "begin |\nset a.b = '1' |\nset local a.b = '2' | a.b=1\nselect 1 | a.b=2\ncommit | a.b=2\nselect 1 | a.b=1",
		"set_config":                "select set_config('a.b', '1', false) |\nselect 1 | a.b=1",
		"idle":                      "set statement_timeout = 5 |\nset enable_seqscan = off |\nset extra_float_digits = 3 |\nset datestyle = 'ISO, MDY' |\nset names 'utf-8' |\nselect 1 |",
		"fixed":                     "set datestyle = German |\nselect 1 |! its session has set datestyle, which is fixed here\nreset datestyle |! its session has set datestyle, which is fixed here\nselect 1 |",
		"not for a replay":          "set session authorization bob |\nselect 1 |! its session has set session_authorization, which a replay can't\ndiscard all |! its session has set session_authorization, which a replay can't\nselect 1 |",
		"not followed":              "select set_config('a.b', lower('X'), false) |\nselect 1 |! its session has set a.b in a way that can't be followed\nset a.b = 'y' |! its session has set a.b in a way that can't be followed\nselect 1 | a.b=y",
		"characteristics":           "set session characteristics as transaction read only |\nselect 1 |default_transaction_read_only=on",
		"several statements":        "set a.b = '1'; select 1 |\nselect 1 | a.b=1",
		"a name with a value in it": `set "it's" = 1 |` + "\nselect 1 |! its session has set a parameter, which a replay can't",
	} {
		var sessions corpus.Sessions
		tx := uint64(0)
		for i, line := range strings.Split(lines, "\n") {
			sql, want, _ := strings.Cut(line, " |")
			l := corpus.Line{Version: 1, Conn: "1", Outcome: "ok", SQL: strings.TrimPrefix(sql, "!")}
			if sql != l.SQL {
				l.Outcome = "22000"
			}
			if kind := corpus.Kind(l.SQL); kind == corpus.KindBegin || kind == corpus.KindCommit || kind == corpus.KindRollback {
				l.Kind, l.SQL = kind, ""
			}
			if l.Tx = tx; l.Kind == corpus.KindBegin {
				tx++
				l.Tx = tx
			}
			if l.Kind == corpus.KindCommit || l.Kind == corpus.KindRollback {
				tx = 0
			}
			vars, why := sessions.Follow(l)
			var list []string
			for _, n := range slices.Sorted(maps.Keys(vars)) {
				list = append(list, n+"="+vars[n])
			}
			got := strings.Join(list, " ")
			if why != "" {
				got = "! " + why
			}
			if strings.TrimPrefix(strings.TrimSpace(want), "! ") != strings.TrimPrefix(got, "! ") {
				t.Errorf("%s, line %d, %s: %q, want %q", name, i+1, sql, got, want)
			}
		}
		if vars, why := sessions.Follow(corpus.Line{Conn: "2", SQL: "select 1", Settings: map[string]string{"Search_Path": "x"}}); why != "" || vars["search_path"] != "x" {
			t.Errorf("%s: another connection has %v, %s", name, vars, why)
		}
	}
}

// stock has tables of one name in two schemas, and a role that may read one of them.
var stock = []string{
	"create schema shop", "create table items (id int8 primary key, at timestamptz)", "create table shop.items (like items including all)",
	"insert into items values (1, '2020-01-01 23:30+00')", "insert into shop.items select i, '2020-01-01 23:30+00' from generate_series(1, 3) i",
	"create table only_here (id int8)",
}

// TestReplaySettings: what comes after a SET runs under it, on both sides, in every mode;
// what does not is no agreement.
func TestReplaySettings(t *testing.T) {
	t.Parallel()
	modes := all.Modes(codec.HasBinary)
	for i, b := range modes {
		other := modes[(i+len(modes)/2)%len(modes)]
		t.Run(backend.ModeOf(b)+" "+backend.ModeOf(other), func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, stock...)
			role := fmt.Sprintf("reader_%d_%s", i, strings.ToLower(strings.NewReplacer("/", "_").Replace(backend.ModeOf(b))))
			pgtest.Exec(t, dsn, "create role "+role, "grant usage on schema shop to "+role, "grant select on shop.items to "+role)
			t.Cleanup(func() {
				for _, query := range []string{"drop owned by " + role, "drop role " + role} {
					if _, err := pgtest.Open(t, dsn).ExecContext(context.Background(), query); err != nil {
						t.Error(err)
					}
				}
			})
			var seen []string
			h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
				seen = append(seen, strings.TrimSpace(fmt.Sprintf("%s %d %s %s %v", r.Verdict, r.Control.Rows, r.Control.SQLState, r.Reason, r.Diffs)))
			})))
			const ok, failed = `,"outcome":"ok"}`, `,"outcome":"42501"}`
			line := func(conn, tx int, kind, sql, rest string) string {
				return fmt.Sprintf(`{"v":1,"conn":"%d","tx":%d,"kind":%q,"sql":%q%s`, conn, tx, kind, sql, rest)
			}
			const count, day = "select id from items", "select id from items where at::date = '2020-01-02'"
			file := strings.Join([]string{
				line(1, 0, "query", count, ok),                         // 1
				line(1, 0, "exec", "set search_path = shop", ok),       //
				line(1, 0, "query", count, ok),                         // 3
				line(2, 0, "query", count, ok),                         // 1, another connection
				line(1, 0, "query", day, ok),                           // 0
				line(1, 0, "exec", "set time zone 'Europe/Paris'", ok), //
				line(1, 0, "query", day, ok),                           // 3
				line(1, 0, "exec", "set role "+role, ok),               //
				line(1, 0, "query", count, ok),                         // 3
				line(1, 0, "query", "delete from items returning id", failed),
				line(1, 0, "exec", "reset role", ok),
				line(1, 1, "begin", "begin", ok), // deletes from the shop's, then reads the other's
				line(1, 1, "query", "delete from items where id = 1 returning id", ok),
				line(1, 1, "exec", "set search_path = public", ok),
				line(1, 1, "query", "select id, at from items", ok),
				line(1, 1, "exec", "savepoint s", ok),
				line(1, 1, "exec", "set local search_path = shop", ok),
				line(1, 1, "query", "select id, at from items", ok),
				line(1, 1, "exec", "rollback to s", ok),
				line(1, 1, "query", "select id, at from items", ok),
				line(1, 1, "rollback", "rollback", ok),                               // 1 + 1 + 2 + 1 rows, and three selects of set_config
				line(1, 0, "query", count, ok),                                       // 3: the path is the shop's again
				line(1, 0, "query", "select id from only_here", ok),                  // 42P01 on both: it went well
				line(1, 0, "exec", "discard all", ok),                                //
				line(1, 0, "query", "select id from only_here", ok),                  // 0
				line(1, 0, "query", "select id from nowhere", `,"outcome":"42P01"}`), // fails as it did
				line(2, 0, "exec", "set datestyle = 'German'", ok),
				line(2, 0, "query", count, ok), // not run
				line(2, 2, "begin", "begin", ok),
				line(2, 2, "query", count, ok), // not run
				line(2, 2, "commit", "commit", ok),
			}, "\n")
			control, candidate := openDB(t, backend.ModeOf(b), dsn), openDB(t, backend.ModeOf(other), dsn)
			out, err := corpus.NewReplayer(parity.NewRunner(h, control, candidate)).Replay(t.Context(), corpus.NewReader(strings.NewReader(file)))
			if err != nil {
				t.Fatal(err)
			}
			want := []string{
				"equal 1   []", "equal 3   []", "equal 1   []", "equal 0   []", "equal 3   []", "equal 3   []", "equal 0 42501  []", "equal 7   []", "equal 3   []",
				"inconclusive 0 42P01 select from only_here went well when it was recorded, and fails here on both sides, undefined table: 42P01 []", "equal 0   []", "equal 0 42P01  []",
			}
			for i := range seen {
				seen[i] = strings.Replace(seen[i], "equal by rule", "equal", 1)
			}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if n := out.Unusable["its session has set datestyle, which is fixed here"]; n != 2 || out.Followed != 8 || out.Failed != 3 {
				t.Errorf("%+v", out)
			}
			var path string
			if err := parity.NewRunner(h, control, candidate).Idle(); err != nil {
				t.Error(err)
			}
			if err := control.Pool().QueryRowContext(t.Context(), "show search_path").Scan(&path); err != nil || path != `"$user", public` {
				t.Errorf("the pool's connection has the path %q, %v", path, err)
			}
		})
	}
}
