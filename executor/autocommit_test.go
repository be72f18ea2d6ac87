package executor_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// insertPlan is an insert by itself that answers with the row.
func insertPlan(sql, returns string) *builder.Plan {
	return &builder.Plan{Kind: builder.Insert, MaxAffected: -1, Single: true, Root: builder.Node{
		Statement: builder.Statement{Name: "insert", SQL: sql, Columns: []builder.Column{column(returns, oidText)}},
		Members:   []builder.Member{member(returns, 0)},
	}}
}

// A write by itself is read committed and read write, whatever the session's defaults
// are; where they are just that, BEGIN and COMMIT are left out.
func TestDefaultsOfAWriteByItself(t *testing.T) {
	t.Parallel()
	set := func(what string) string {
		return "do $$ begin execute format('alter database %I set " + what + "', current_database()); end $$"
	}
	tests := []struct {
		name  string
		setup string                                           // before the connection is made
		raw   string                                           // on the connection, behind the first write
		begin func(ctx context.Context, db *executor.DB) error // instead of raw
		binds int                                              // commands of the last write: 1 or 3
	}{
		{name: "as PostgreSQL ships", setup: "select 1", raw: "select 1", binds: 1},
		{name: "the database says serializable", setup: set("default_transaction_isolation = serializable"), raw: "select 1", binds: 3},
		{name: "the database says read only", setup: set("default_transaction_read_only = on"), raw: "select 1", binds: 3},
		{name: "somebody sets serializable", setup: "select 1", raw: "SET default_transaction_isolation TO serializable", binds: 3},
		{name: "somebody sets the characteristics", setup: "select 1", raw: "set session characteristics as transaction isolation level repeatable read", binds: 3},
		{name: "somebody sets it by a function", setup: "select 1", raw: "select Set_Config('default_transaction_isolation', 'serializable', false)", binds: 3},
		{name: "somebody sets read only", setup: "select 1", raw: "set default_transaction_read_only = on", binds: 3},
		{
			name: "a transaction goes before", setup: "select 1", binds: 1,
			begin: func(ctx context.Context, db *executor.DB) error {
				return db.InTx(ctx, &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, r executor.Runner) error {
					_, err := r.Exec(ctx, read("select 1"))
					return err
				})
			},
		},
	}
	eachMode(t, func(t *testing.T, b backend.Backend) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				dsn := pgtest.DB(t)
				pgtest.Exec(t, dsn, `create table levels (level text default current_setting('transaction_isolation') || ', read only ' || current_setting('transaction_read_only'))`)
				pgtest.Exec(t, dsn, tt.setup)
				db, proxy := behind(t, b, dsn)
				plan := insertPlan("insert into levels default values returning level", "level")
				insert := func() string {
					var out bytes.Buffer
					if err := executor.ExecutePlan(t.Context(), db, plan, &out); err != nil {
						t.Fatal(err)
					}
					return out.String()
				}
				insert()
				if tt.begin != nil {
					if err := tt.begin(t.Context(), db); err != nil {
						t.Fatal(err)
					}
				} else if _, err := db.Pool().ExecContext(t.Context(), tt.raw); err != nil {
					t.Fatal(err)
				}
				insert() // which may ask for the level again
				before := proxy.Count("B")
				if got, want := insert(), `{"data":{"level":"read committed, read only off"},"errors":null}`; got != want {
					t.Errorf("the write ran with %s, want %s", got, want)
				}
				mode := backend.ModeOf(b)
				if n := proxy.Count("B") - before; (mode == "pgx/cache_statement" || mode == "pq/default") && n != tt.binds {
					t.Errorf("%d commands, want %d", n, tt.binds)
				}
			})
		}
	})
}

// What the server finds at the end of the transaction only is an error of the write.
func TestDeferredConstraintOfAWriteByItself(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table parents (id text primary key); create table children (parent text constraint fk_parent references parents deferrable initially deferred)")
		db := open(t, b, dsn, executor.WithMaxConns(1))
		for range 2 { // with BEGIN and without
			var out bytes.Buffer
			err := executor.ExecutePlan(t.Context(), db, insertPlan("insert into children values ('nobody') returning parent", "parent"), &out)
			var e *backend.Error
			if backend.CodeOf(err) != backend.CodeConstraintViolation || !errors.As(err, &e) || e.Constraint != "fk_parent" {
				t.Errorf("code %v, error %v, answer %q", backend.CodeOf(err), err, out.String())
			}
		}
		if n := value(t, db, read("select count(*) from children")); n != "0" {
			t.Errorf("%s rows are stored", n)
		}
	})
}
