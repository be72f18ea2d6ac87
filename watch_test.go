package fraiseql_test

import (
	"bytes"
	"context"
	"strings"
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
			for i := 0; ; i++ { // until Watch listens, a change may pass unheard
				pgtest.Exec(t, dsn, `create table if not exists two (id int primary key)`, `alter table one add column if not exists b int`, `comment on table two is '`+strings.Repeat("x", i)+`'`)
				if ask(`{ twos { id } }`) == `{"data":{"twos":[]}}` {
					break
				}
				if i > 40 {
					t.Fatalf("the new table can't be asked for: %s", ask(`{ twos { id } }`))
				}
				time.Sleep(250 * time.Millisecond) //nolint:forbidigo // another process tells
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
