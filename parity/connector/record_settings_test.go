package connector_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// shop is a program whose connections begin with settings, which it changes in all the ways
// that there are. Its answers are what it returns.
func shop(t *testing.T, db *sql.DB, role string) (answers []string) {
	t.Helper()
	one, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	do := func(q interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}, list ...string,
	) {
		t.Helper()
		for _, query := range list {
			if _, err := q.ExecContext(t.Context(), query); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
		}
	}
	read := func(q interface {
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	},
	) {
		t.Helper()
		var said string
		if err := q.QueryRowContext(t.Context(), "select current_user = session_user, string_agg(name, ' ' order by name), extract(hour from timestamptz '2020-01-01 00:00Z') from items").Scan(new(bool), &said, new(string)); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, said)
	}
	read(one) // the shop's, by the URL
	do(one, "set search_path = public, pg_catalog")
	read(one)
	do(two, "set time zone 'Asia/Tokyo'", "set role "+role, "begin", "set local search_path to public")
	read(two)
	read(one)
	do(two, "savepoint s", "set search_path = 'none of them', public")
	read(two)
	do(two, "rollback to s", "reset search_path")
	read(two) // the shop's
	do(two, "rollback")
	read(two)
	do(one, "reset search_path")
	read(one)
	tx, err := one.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	do(tx, "set search_path = public")
	read(tx)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	read(one)
	do(one, "begin", "select set_config('search_path', 'shop', false)", "commit and chain", "set local search_path = public", "rollback")
	read(one)
	if _, err := two.ExecContext(t.Context(), "select set_config($1, $2, false)", "search_path", "public"); err != nil {
		t.Fatal(err)
	}
	read(two)
	do(two, "reset role", "reset all")
	read(two)
	return answers
}

// TestRecordOfPrograms: the record of a program replays under what its connections have set,
// on every backend in every mode, and its answers are those that the program had.
func TestRecordOfPrograms(t *testing.T) {
	t.Parallel()
	for _, d := range []string{"pq", "pgx"} {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			var role string
			if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select 'clerk_' || current_database()").Scan(&role); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				for _, query := range []string{"drop owned by " + role, "drop role " + role} {
					if _, err := pgtest.Open(t, dsn).ExecContext(context.Background(), query); err != nil {
						t.Error(err)
					}
				}
			})
			pgtest.Exec(t, dsn, "create role "+role, "create schema shop", "create table items (name text)", "create table shop.items (name varchar(9))", "insert into items values ('public')",
				"insert into shop.items values ('shop'), ('shop2')", "grant usage on schema shop to "+role, "grant select on items, shop.items to "+role)
			var file memory
			db := sql.OpenDB(connector.New(plain(t, d, dsn+"&search_path=shop"), nil, nil, connector.WithRecord(&file, 0)))
			want := shop(t, db, role)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{
				"shop shop2", "public", "public", "public", "public", "shop shop2", "shop shop2", "shop shop2", "public", "public", "shop shop2", "public", "shop shop2",
			}, want); diff != "" {
				t.Fatalf("the program itself: -want +got:\n%s", diff)
			}
			lines, err := corpus.ReadAll(strings.NewReader(file.String()))
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[corpus.Kind]int{}
			for _, l := range lines {
				kinds[l.Kind]++
				if in := l.Kind == corpus.KindBegin || l.Kind == corpus.KindCommit || l.Kind == corpus.KindRollback || strings.Contains(l.SQL, "savepoint"); in && l.Tx == 0 && !strings.Contains(l.SQL, "rollback") {
					t.Errorf("no transaction: %+v", l)
				}
			}
			if kinds[corpus.KindBegin] != 3 || kinds[corpus.KindCommit] != 2 || kinds[corpus.KindRollback] != 1 {
				t.Errorf("begins, commits and rollbacks: %v", kinds)
			}
			modes := all.Modes(codec.HasBinary)
			for i, b := range modes {
				control, candidate := backend.ModeOf(b), backend.ModeOf(modes[(i+len(modes)/2)%len(modes)])
				rows := int64(0)
				var other []string
				h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
					rows += r.Control.Rows
					if !r.Verdict.Pass() {
						other = append(other, fmt.Sprintf("%s %s %s %v", r.Operation, r.Verdict, r.Reason, r.Diffs))
					}
				})))
				out, err := corpus.NewReplayer(parity.NewRunner(h, seam(t, control, dsn), seam(t, candidate, dsn))).Replay(t.Context(), corpus.NewReader(strings.NewReader(file.String())))
				slices.Sort(other)
				if err != nil || len(other) > 0 || out.Mismatches+out.Failed > 0 {
					t.Errorf("%s beside %s: %+v, %v\n%s", control, candidate, out, err, strings.Join(other, "\n"))
				}
				if n := int64(len(want)); rows < n {
					t.Errorf("%s beside %s: %d rows, want %d at least", control, candidate, rows, n)
				}
				for why := range out.Unusable {
					if why != "it begins or ends a transaction without its number" { // the chained one's
						t.Errorf("%s beside %s: %s", control, candidate, why)
					}
				}
			}
		})
	}
}

// TestRecordOfRole: what pg_settings does not list.
func TestRecordOfRole(t *testing.T) {
	t.Parallel()
	for _, d := range []string{"pq", "pgx"} {
		var file memory
		db := sql.OpenDB(connector.New(plain(t, d, pgtest.DB(t)+"&options=-c%20role%3Dpg_monitor%20-c%20DateStyle%3DGerman%20-c%20default_transaction_read_only%3Don"), nil, nil, connector.WithRecord(&file, 0)))
		if _, err := db.ExecContext(t.Context(), "select 1"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		lines, err := corpus.ReadAll(strings.NewReader(file.String()))
		if err != nil || len(lines) != 1 {
			t.Fatal(lines, err)
		}
		s := lines[0].Settings
		style := "German, DMY"
		if d == "pq" { // it sends its own, which comes last
			style = s["datestyle"]
		}
		if s["role"] != "pg_monitor" || s["default_transaction_read_only"] != "on" || s["datestyle"] != style {
			t.Errorf("%s: %v", d, s)
		}
	}
}

// TestRecordKeepsSettings: where the queue is full, what a connection sets waits for room.
func TestRecordKeepsSettings(t *testing.T) {
	t.Parallel()
	file := &memory{gate: make(chan struct{})}
	db := sql.OpenDB(connector.New(plain(t, "pq", pgtest.DB(t)), nil, nil, connector.WithRecord(file, 4)))
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do := func(query string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		do("select '" + strings.Repeat("x", 70<<10) + "'")
	}
	do("set search_path = shop")
	do("begin")
	do("set local time zone 'Asia/Tokyo'")
	other, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), "set search_path = gone"); err != nil {
		t.Fatal(err)
	}
	if err := other.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) { // it is closed
		t.Fatal(err)
	}
	close(file.gate)
	for began := time.Now(); ; do("select 1") {
		file.mu.Lock()
		done := strings.Contains(file.String(), "Asia/Tokyo")
		file.mu.Unlock()
		if done {
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Fatal("what was set is not in the record")
		}
	}
	do("commit")
	if err := errors.Join(conn.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	places := []int{strings.Index(text, "set search_path"), strings.Index(text, `"kind":"begin"`), strings.Index(text, "Asia/Tokyo"), strings.Index(text, "select 1"), strings.Index(text, `"kind":"commit"`)}
	if !strings.Contains(text, "search_path = gone") {
		t.Error("what a connection has set that was closed since is not in the record")
	}
	if !slices.IsSorted(places) || places[0] < 0 {
		t.Errorf("their places are %v", places)
	}
}
