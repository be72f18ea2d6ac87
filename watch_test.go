package fraiseql_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestWatch: a table that is made while the server runs can be asked for without
// anybody doing anything, on either driver; old plans are gone.
func TestWatch(t *testing.T) {
	t.Parallel()
	for _, name := range []string{flags.BackendPGX, flags.BackendPQ} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, `create table one (id int primary key, a text)`, `insert into one values (1, 'x')`)
			s := flags.Default()
			s.Backend = name
			db, err := fraiseql.Open(t.Context(), dsn, s)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			engine, err := db.GraphQL()
			if err != nil {
				t.Fatal(err)
			}
			ask := func(query string) string {
				op, err := engine.Prepare(t.Context(), &graphql.Request{Query: query})
				if err != nil {
					return err.Error()
				}
				var b bytes.Buffer
				if err := op.Execute(t.Context(), &b); err != nil {
					return err.Error()
				}
				return b.String()
			}
			if got, want := ask(`{ one(id: 1) { a } }`), `{"data":{"one":{"a":"x"}}}`; got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- db.Watch(ctx) }()
			// At once: what happens before it listens counts too.
			pgtest.Exec(t, dsn, `create table two (id int primary key)`, `alter table one add column b int`)
			for end := time.Now().Add(time.Minute); ask(`{ twos { id } one(id: 1) { b } }`) != `{"data":{"twos":[],"one":{"b":null}}}`; {
				if time.Now().After(end) {
					t.Fatalf("the new table can't be asked for: %s", ask(`{ twos { id } }`))
				}
				time.Sleep(50 * time.Millisecond) //nolint:forbidigo // another process tells
			}
			if got, want := ask(`{ one(id: 1) { a b } }`), `{"data":{"one":{"a":"x","b":null}}}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			cancel()
			if err := <-done; err != context.Canceled {
				t.Errorf("Watch ended with %v", err)
			}
		})
	}
}

// TestWatchTogether: who finds no trigger while somebody else is making one, as the
// copies of a service do that begin at one time, listens like the other.
func TestWatchTogether(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pool := pgtest.Open(t, dsn)
	db, err := fraiseql.Open(t.Context(), dsn, flags.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "do $one$ begin execute $two$"+fraiseql.SchemaTriggerSQL+"$two$; end $one$"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- db.Watch(ctx) }()
	until := func(condition string) {
		t.Helper()
		for found := false; !found; {
			select {
			case err := <-ended:
				t.Fatalf("it does not watch: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			if err := pool.QueryRowContext(ctx, `select exists (select from pg_stat_activity where datname = current_database() and `+condition+`)`).Scan(&found); err != nil {
				t.Fatal(err)
			}
		}
	}
	until(`wait_event_type = 'Lock'`) // it makes one too
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	until(`query = 'select 1'`) // it listens
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch ended with %v", err)
	}
}
