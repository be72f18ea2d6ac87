package cli_test

import (
	"context"
	"database/sql"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// eventually asks until ok; another process tells when that is.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience / 2); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // what is waited for is in another process
	}
}

// says is whether the database answers query with true.
func says(t *testing.T, pool *sql.DB, query string, args ...any) bool {
	t.Helper()
	var yes bool
	if err := pool.QueryRowContext(t.Context(), query, args...).Scan(&yes); err != nil {
		t.Fatal(err)
	}
	return yes
}

// waiting is true where a session of this database waits for a lock.
const waiting = `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`

// With schema-reload: listen the API follows the database: what is made is there,
// what is dropped is not, what is rolled back never was, and nobody waits for it.
func testWatch(t *testing.T, file program) {
	t.Helper()
	for _, backend := range []string{"pgx", "pq"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pool := pgtest.Open(t, dsn)
			pgtest.Exec(t, dsn, "create table one (id int primary key)")
			p := file.serve(t, []string{"DATABASE_URL=" + dsn, "FRAISEQL_DB_BACKEND=" + backend, "FRAISEQL_SCHEMA_RELOAD=listen"}, "--admin-addr", "127.0.0.1:0")
			answers := func(query, want string) func() bool {
				return func() bool { return strings.Contains(p.query(query), want) }
			}
			// Right after the start: whether it listens yet does not matter.
			pgtest.Exec(t, dsn, "create table two (id int primary key)")
			eventually(t, "a table that is made can be asked for", answers("{twos {id}}", `{"data":{"twos":[]}}`))

			// A transaction that is rolled back tells nobody; what follows is told.
			tx, err := pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"create table never (id int primary key)", "drop table two", "alter table one add column never int"} {
				if _, err := tx.ExecContext(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			}
			// Until then requests for other tables pass, and so does the reading of the
			// schema.
			pgtest.Exec(t, dsn, "create table three (id int primary key)")
			eventually(t, "a table beside a transaction that holds locks", answers("{threes {id}}", `{"data":{"threes":[]}}`))
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, dsn, "create table four (id int primary key)")
			eventually(t, "a table after what was rolled back", answers("{fours {id}}", `{"data":{"fours":[]}}`))
			is(t, "what was not dropped", p.query("{twos {id}}"), `{"data":{"twos":[]}}`)
			for _, query := range []string{"{nevers {id}}", "{ones {never}}"} {
				if answer := p.query(query); !strings.Contains(answer, "VALIDATION_ERROR") {
					t.Errorf("%s, which was rolled back: %s", query, answer)
				}
			}

			pgtest.Exec(t, dsn, "drop table two")
			eventually(t, "a table that is dropped is gone", answers("{twos {id}}", "VALIDATION_ERROR"))
			is(t, "its neighbour", p.query("{ones {id}}"), `{"data":{"ones":[]}}`)

			p.readsBeside(t, pool, dsn)

			// A connection that is lost is one anew, and what it missed is read.
			for says(t, pool, `select coalesce(bool_or(pg_terminate_backend(pid)), false) from pg_stat_activity where datname = current_database() and query = 'select 1'`) {
				pgtest.Exec(t, dsn, "create table if not exists six (id int primary key)")
			}
			eventually(t, "a table after a lost connection", answers("{sixes {id}}", `{"data":{"sixes":[]}}`))
			p.end(syscall.SIGTERM)
		})
	}
}

// readsBeside has a reading of the schema wait for a lock, and everything else
// answer meanwhile.
func (p *process) readsBeside(t *testing.T, pool *sql.DB, dsn string) {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	pgtest.Exec(t, dsn, "create table five (id int primary key)")
	if _, err := tx.ExecContext(t.Context(), "lock table pg_description in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reading of the schema waits", func() bool { return says(t, pool, waiting) })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for name, req := range map[string]func() (*http.Request, error){
		"GraphQL": func() (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url(), strings.NewReader(`{"query":"{ones {id}}"}`))
			req.Header.Set("Content-Type", "application/json")
			return req, err
		},
		"definitions": func() (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(p.url(), "/graphql")+"/definitions",
				strings.NewReader(`{"operation":"query","table":"one"}`))
			req.Header.Set("Content-Type", "application/json")
			return req, err
		},
		"readyz": func() (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, p.admin()+"/readyz", http.NoBody)
		},
		"metrics": func() (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, p.admin()+"/metrics", http.NoBody)
		},
	} {
		r, err := req()
		if err != nil {
			t.Fatal(err)
		}
		if res, _ := reply(t, r); res.StatusCode != http.StatusOK {
			t.Errorf("%s while the schema is read: %s", name, res.Status)
		}
	}
	if !says(t, pool, waiting) {
		t.Error("the schema was read meanwhile: nothing was shown")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the table that was made before", func() bool { return strings.Contains(p.query("{fives {id}}"), `{"data":{"fives":[]}}`) })
}

// A role that may not make the trigger is served all the same, and the log says
// what to do; with a trigger that somebody else has made it is told of changes.
func testWatchByRole(t *testing.T, file program) {
	t.Helper()
	dsn := pgtest.DB(t)
	pool := pgtest.Open(t, dsn)
	var role string
	if err := pool.QueryRowContext(t.Context(), "select 'watcher_' || current_database()").Scan(&role); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, dsn, "create role "+role+" nosuperuser", "create table one (id int primary key)", "grant select on one to "+role)
	t.Cleanup(func() {
		for _, text := range []string{"drop owned by ", "drop role "} {
			if _, err := pool.ExecContext(context.Background(), text+role); err != nil {
				t.Error(err)
			}
		}
	})
	env := []string{"DATABASE_URL=" + dsn, "PGOPTIONS=-c role=" + role, "FRAISEQL_SCHEMA_RELOAD=listen"}
	p := file.serve(t, env)
	p.saw("CREATE EVENT TRIGGER fraiseql_schema_changed")
	is(t, "without the trigger", p.query("{ones {id}}"), `{"data":{"ones":[]}}`)
	p.end(syscall.SIGTERM)
	other := file.serve(t, []string{"DATABASE_URL=" + dsn, "FRAISEQL_SCHEMA_RELOAD=listen"}) // who may
	eventually(t, "the trigger is made", func() bool {
		return says(t, pool, "select count(*) = 2 from pg_event_trigger")
	})
	other.end(syscall.SIGTERM)
	p = file.serve(t, env)
	pgtest.Exec(t, dsn, "create table two (id int primary key)", "grant select on two to "+role)
	eventually(t, "a table", func() bool { return strings.Contains(p.query("{twos {id}}"), `{"data":{"twos":[]}}`) })
	pgtest.Exec(t, dsn, "revoke select on two from "+role)
	eventually(t, "a right that is taken away", func() bool { return strings.Contains(p.query("{twos {id}}"), "VALIDATION_ERROR") })
	p.end(syscall.SIGTERM)
}
