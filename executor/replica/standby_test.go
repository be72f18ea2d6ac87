package replica_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestWhereThingsRun: what a standby can do runs there, what it can't runs on the
// primary, and all of one transaction runs on one server.
func TestWhereThingsRun(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, nil, nil)
	pgtest.Exec(t, c.Primary.DSN(""), `
		create unlogged table fleeting (n int);
		create sequence tickets;
		create function ticket() returns int8 language sql stable as 'select nextval(''tickets'')';
		create function exported() returns text language sql stable as 'select pg_export_snapshot()';
		create table kept (n int);`)
	primary := fmt.Sprint(c.Primary.Port())
	standbys := fmt.Sprint(c.Standbys[0].Port()) + " " + fmt.Sprint(c.Standbys[1].Port())
	ro := func(o executor.TxOptions) *executor.TxOptions { o.ReadOnly = true; return &o }
	for _, tc := range []struct {
		name, sql, want string
		tx              *executor.TxOptions
	}{
		{"read", port, standbys, nil},
		{"read-only", port, standbys, ro(executor.TxOptions{})},
		{"repeatable read", port, standbys, ro(executor.TxOptions{Isolation: sql.LevelRepeatableRead})},
		{"session variables", port + " || left(current_setting('app.user'), 0)", standbys, ro(executor.TxOptions{Session: map[string]string{"app.user": "7"}})},
		{"read-write", port, primary, &executor.TxOptions{}},
		{"serializable", port, primary, ro(executor.TxOptions{Isolation: sql.LevelSerializable})},
		{"deferrable", port, primary, ro(executor.TxOptions{Isolation: sql.LevelSerializable, Deferrable: true})},
		{"unlogged table", port + " || (select count(*) from fleeting)::text", primary + "0", nil},
		{"unlogged table, read-only", port + " || (select count(*) from fleeting)::text", primary + "0", ro(executor.TxOptions{})},
		// A function that says it changes nothing and does.
		{"sequence", port + " || left(ticket()::text, 0)", primary, nil},
		// Its name is of use on the server that exports it alone, so a statement that
		// asks for one by itself is at home on either.
		{"exported snapshot", port + " || left(exported(), 0)", primary + " " + standbys, nil},
	} {
		for _, b := range drivers(t) {
			t.Run(tc.name+" "+b.Name(), func(t *testing.T) {
				t.Parallel()
				r := onCluster(t, c, b)
				in(t, r)
				seen := map[string]bool{}
				for range 6 {
					var got string
					var err error
					if tc.tx == nil {
						got, err = value(t.Context(), r, read(tc.sql))
					} else {
						err = r.InTx(t.Context(), tc.tx, func(ctx context.Context, tx executor.Runner) error {
							if got, err = value(ctx, tx, read(tc.sql)); err != nil {
								return err
							}
							again, err := value(ctx, tx, read(tc.sql))
							if again != got {
								t.Errorf("two statements of one transaction on %s and %s", got, again)
							}
							return err
						})
					}
					if err != nil {
						t.Fatal(err)
					}
					if !strings.Contains(tc.want, got) {
						t.Errorf("on %s, want %s", got, tc.want)
					}
					seen[got] = true
				}
				if tc.want == standbys && len(seen) != 2 {
					t.Errorf("on %v, want both replicas in turn", seen)
				}
			})
		}
	}
}

// TestSnapshotOfAnother: a snapshot is of the server that exported it.
func TestSnapshotOfAnother(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, nil)
	for _, b := range drivers(t) {
		r := onCluster(t, c, b)
		in(t, r)
		err := r.InTx(t.Context(), &executor.TxOptions{Isolation: sql.LevelRepeatableRead}, func(ctx context.Context, tx executor.Runner) error {
			name, err := value(ctx, tx, read("select pg_export_snapshot()"))
			if err != nil {
				return err
			}
			o := &executor.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead, Snapshot: name}
			return r.InTx(ctx, o, func(ctx context.Context, tx executor.Runner) error {
				at, err := value(ctx, tx, read(port))
				if at != fmt.Sprint(c.Primary.Port()) {
					t.Errorf("on %s, want the primary", at)
				}
				return err
			})
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestRecoveryConflict: a read that a replica cancels, because the primary needs what
// it reads to go, runs on the primary, as long as nothing of it has left.
func TestRecoveryConflict(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, settings("max_standby_streaming_delay", "0"))
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			t.Parallel()
			table := "doomed_" + b.Name()
			pgtest.Exec(t, c.Primary.DSN(""), "create table "+table+" as select 1 as n")
			for _, tc := range []struct {
				name string
				run  func(context.Context, executor.Runner, string) (string, error)
			}{
				{"alone", func(ctx context.Context, r executor.Runner, query string) (string, error) {
					return value(ctx, r, read(query))
				}},
				{"transaction", func(ctx context.Context, r executor.Runner, query string) (string, error) {
					var got string
					err := r.InTx(ctx, &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, tx executor.Runner) (err error) {
						got, err = value(ctx, tx, read(query))
						return err
					})
					return got, err
				}},
			} {
				r := onCluster(t, c, b)
				in(t, r)
				eventually(t, "the table is on the replica", func() bool {
					before := r.Status().Replicas[0].Fallbacks
					_, err := value(t.Context(), r, read("select n::text from "+table))
					return err == nil && r.Status().Replicas[0].Fallbacks == before
				})
				before := r.Status().Replicas[0].Fallbacks
				done := make(chan error, 1)
				go func() {
					// The primary does not sleep: it would hold the lock too.
					got, err := tc.run(t.Context(), r, "select n::text from "+table+", lateral (select case when pg_is_in_recovery() then pg_sleep(20) end) as s offset 0")
					if err == nil && got != "1" {
						err = errors.New("the answer is " + got)
					}
					done <- err
				}()
				time.Sleep(200 * time.Millisecond) // it runs on the replica by then
				pgtest.Exec(t, c.Primary.DSN(""), "alter table "+table+" set (fillfactor = 50)")
				pgtest.Exec(t, c.Primary.DSN(""), "truncate "+table+"; insert into "+table+" values (1)")
				if err := <-done; err != nil {
					t.Errorf("%s: %v (%v)", tc.name, err, backend.CodeOf(err))
				}
				if s := r.Status().Replicas[0]; s.Fallbacks != before+1 || s.Reason != "" {
					t.Errorf("%s: %d fallbacks, want one; out: %q", tc.name, s.Fallbacks-before, s.Reason)
				}
			}
		})
	}
}
