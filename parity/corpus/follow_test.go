package corpus_test

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	libpq "github.com/lib/pq"
	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// alone is one connection of a pool.
func alone(t *testing.T, dsn string) *sql.Conn {
	t.Helper()
	conn, err := openPool(t, "postgres", dsn).Conn(t.Context()) // no statement of it outlives a DISCARD
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// current are parameters as a connection has them; what is not set is "".
func current(ctx context.Context, conn *sql.Conn, names []string) (map[string]string, error) {
	now := map[string]string{}
	for _, name := range names {
		var value sql.NullString
		query := "select current_setting($1, true)"
		if name == "search_path" { // however it is spelled
			query = "select array_to_string(current_schemas(false), ' ') from (select $1::text) x"
		}
		if err := conn.QueryRowContext(ctx, query, name).Scan(&value); err != nil {
			return nil, err
		}
		now[name] = value.String
	}
	return now, nil
}

// TestChangesOnServer: what is read of each statement is what the server makes of it.
func TestChangesOnServer(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create schema shop`, `create schema "My Schema"`, `create schema "a, b"`, `create schema "it's"`, `create schema "table"`)
	program, replay := alone(t, dsn), alone(t, dsn)
	for _, query := range []string{
		`set search_path = shop, public`, `set search_path to "My Schema", Shop`, `set search_path = 'a, b', 'it''s'`, `SET SESSION search_path TO "$user", shop;`, `set search_path = "table"`,
		`set schema 'My Schema'`, `set search_path = ''`, `set search_path to default`, `select set_config('search_path', 'a, b, shop', false)`, `set /* x */ search_path -- y
		= shop`, `set search_path = 'shop'`, `set search_path = E'shop'`,
		`set time zone 'Asia/Tokyo'`, `set time zone -7`, `set time zone 5.5`, `set timezone to 'europe/paris'`, `set TimeZone = UTC`, `set time zone local`, `set session time zone default`, `set time zone +3`,
		`set a.b = 1`, `set a.b = -1`, `set a.b = -1.5e3`, `set a.b to 'x, y'`, `set a.b = On`, `set a.b = "Mixed"`, `set A.B = mixed`, `set a.b = ''`, `set session.b = 'x'`, `set local.b to 'y'`,
		`set a.b = default`, `set session "a"."b" = 'c'`, `select set_config('A.b', 'it''s', false)`, `select pg_catalog.set_config('a.b', ' x ', false), set_config('app.c', 'y'::text, false) as y`,
		`set statement_timeout = '5s'`, `set work_mem to '8MB'`, `set extra_float_digits = 3`, `set enable_seqscan to off`, `set datestyle to iso, dmy`, `set datestyle = 'German'`,
		`set session characteristics as transaction isolation level repeatable read, read only`, `set session characteristics as transaction read write`,
		`set default_transaction_read_only to t`, `set names 'latin1'`, `set client_encoding to default`, `reset all`, `discard all`,
	} {
		changes, only := sqltext.Changes(query, nil)
		if !only || len(changes) == 0 {
			t.Errorf("%s: %v, nothing else: %v", query, changes, only)
		}
		var names []string
		for _, conn := range []*sql.Conn{program, replay} {
			for _, reset := range []string{"reset session authorization", "reset all"} {
				if _, err := conn.ExecContext(t.Context(), reset); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := program.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		for _, c := range changes {
			if c.Name == "" || c.Name == "session_authorization" {
				continue
			}
			names = append(names, c.Name)
			text, args := "select set_config($1, $2, false)", []any{c.Name, c.Value}
			if c.Reset {
				text, args = "reset "+c.Name, nil
			}
			if _, err := replay.ExecContext(t.Context(), text, args...); err != nil || c.Unknown || c.Local {
				t.Errorf("%s: %+v, %v", query, c, err)
			}
		}
		want, err := current(t.Context(), program, names)
		if err != nil {
			t.Fatal(err)
		}
		got, err := current(t.Context(), replay, names)
		if err != nil || !maps.Equal(want, got) {
			t.Errorf("%s: read as %v, which is %q, and the server makes %q of it; %v", query, changes, got, want, err)
		}
	}
}

// TestFollowOnServer: what is in force is what a server says, whatever a program does with
// settings, transactions and savepoints.
func TestFollowOnServer(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	var role string // of the server, which all tests share
	if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select 'follow_' || current_database()").Scan(&role); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, dsn, "create schema shop", "create schema other", "grant usage on schema shop, other to public", "create role "+role)
	t.Cleanup(func() {
		if _, err := pgtest.Open(t, dsn).ExecContext(context.Background(), "drop role "+role); err != nil {
			t.Error(err)
		}
	})
	start := map[string]string{"search_path": "other", "a.x": "start"}
	dsn += "&options=" + "-c%20search_path%3Dother%20-c%20a.x%3Dstart"
	names := []string{"search_path", "timezone", "a.x", "a.y", "role", "default_transaction_read_only"}
	conn, check := alone(t, dsn), alone(t, dsn)
	defaults, err := current(t.Context(), conn, names)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		for _, query := range []string{"rollback", "discard all"} {
			if _, err := conn.ExecContext(t.Context(), query); err != nil {
				rt.Fatal(err)
			}
		}
		var sessions corpus.Sessions
		first, open, failed := true, false, false
		numbered := rapid.Bool().Draw(rt, "numbered") // transactions, as a record has them; else they are text alone
		var log []string
		var txs uint64
		for range rapid.IntRange(1, 25).Draw(rt, "n") {
			query := rapid.SampledFrom([]string{
				"begin", "begin", "commit", "rollback", "commit and chain", "rollback and chain", "savepoint s", "savepoint t", "rollback to s", "rollback to savepoint t", "release s", "release savepoint t",
				"set search_path = shop", "set search_path to public, shop", "set local search_path = shop", "reset search_path", "set search_path to default", "set local search_path to default",
				"set time zone 'Asia/Tokyo'", "set local timezone = 'Europe/Paris'", "reset timezone",
				"set a.x = '1'", "set a.x = '2'", "set local a.x = '3'", "reset a.x", "set a.y = '1'", "set local a.y = '2'", "select set_config('a.y', '3', true)", "select set_config('a.x', '4', false)",
				"set role " + role, "set local role " + role, "set role none", "reset role", "reset all", "discard all", "reset session authorization",
				"set default_transaction_read_only = off", "select 1/0", "set timezone = 'nowhere'", "select 1",
			}).Draw(rt, "query")
			if strings.HasPrefix(query, "set default") && failed {
				continue
			}
			_, err := conn.ExecContext(t.Context(), query)
			l := corpus.Line{Conn: "1", SQL: query, Kind: corpus.KindExec, Outcome: "ok"}
			if l.Outcome = "ok"; err != nil {
				e, ok := errors.AsType[*libpq.Error](err)
				if !ok {
					rt.Fatal(err)
				}
				l.Outcome = string(e.Code)
			}
			word, _, _ := strings.Cut(query, " ")
			switch {
			case word == "begin" && !open && numbered:
				txs++
				open, l.Kind, l.Tx = true, corpus.KindBegin, txs
			case word == "begin":
				open = true
				fallthrough
			case open && numbered:
				l.Tx = txs
			}
			if ends := word == "commit" || word == "rollback" && !strings.Contains(query, "to"); ends && open && !strings.Contains(query, "chain") {
				open, failed = false, false
				if numbered {
					l.Kind = corpus.Kind(word)
				}
			} else if ends && open {
				failed = false
			} else if open && l.Outcome != "ok" {
				failed = true
			} else if strings.HasPrefix(query, "rollback to") && l.Outcome == "ok" {
				failed = false
			}
			if first {
				l.Settings, first = start, false
			}
			log = append(log, query+" "+l.Outcome)
			sessions.Follow(l)
			if failed {
				continue
			}
			next := corpus.Line{Conn: "1", SQL: "select 2", Outcome: "ok"}
			if open && numbered {
				next.Tx = txs
			}
			vars, why := sessions.Follow(next)
			want, err := current(t.Context(), conn, names)
			if err != nil || why != "" {
				rt.Fatalf("%v, %s\n%s", err, why, strings.Join(log, "\n"))
			}
			got := maps.Clone(defaults)
			for name, value := range vars {
				if name == "search_path" {
					if err := check.QueryRowContext(t.Context(), "select set_config('search_path', $1, false), array_to_string(current_schemas(false), ' ')", value).Scan(new(string), new(string)); err != nil {
						rt.Fatal(err)
					}
					now, err := current(t.Context(), check, []string{name})
					if err != nil {
						rt.Fatal(err)
					}
					value = now[name]
				}
				got[name] = value
			}
			for _, name := range []string{"search_path", "a.x"} {
				if _, ok := vars[name]; !ok {
					got[name] = "(none)" // what began with the session never goes
				}
			}
			for _, name := range names {
				if got[name] != want[name] {
					rt.Errorf("%s is %q, followed as %q", name, want[name], got[name])
				}
			}
			if rt.Failed() {
				rt.Fatalf("after\n%s\nof %v", strings.Join(log, "\n"), slices.Sorted(maps.Keys(vars)))
			}
		}
	})
}
