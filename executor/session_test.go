package executor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

var roleCount atomic.Int64

// tempRole makes a role that is no superuser and is granted what tables there
// are; it goes with the test.
func tempRole(t testing.TB, dsn string) string {
	t.Helper()
	pool := pgtest.Open(t, dsn)
	var db string
	if err := pool.QueryRowContext(t.Context(), "select current_database()").Scan(&db); err != nil {
		t.Fatal(err)
	}
	role := fmt.Sprintf("r%d_%s", roleCount.Add(1), db)
	pgtest.Exec(t, dsn, "create role "+role, "grant all on all tables in schema public to "+role, "grant all on all sequences in schema public to "+role)
	t.Cleanup(func() { // t.Context is over by then
		for _, text := range []string{"drop owned by " + role + " cascade", "drop role " + role} {
			if _, err := pool.ExecContext(context.Background(), text); err != nil {
				t.Error(err)
			}
		}
	})
	return role
}

// state is everything that a request may have set on a connection.
const state = "select concat_ws('|', session_user = current_user, current_setting('role'), current_setting('search_path'), " +
	"coalesce(current_setting('app.tenant', true), ''), coalesce(current_setting('app.user', true), ''))"

// Role, search path and variables hold for the transaction, and the next user of
// the connection finds it as it was before, however the transaction ended.
func TestSessionIsUndone(t *testing.T) {
	t.Parallel()
	dsn := wordsDB(t)
	role := tempRole(t, dsn)
	pgtest.Exec(t, dsn, "create schema tenant", "create table tenant.words (word text)", "grant usage on schema tenant to "+role)
	session := map[string]string{"ROLE": role, "Search_Path": `"tenant"`, "app.tenant": "7", "app.user": "ann"}
	endings := []struct {
		name string
		run  func(ctx context.Context, cancel func(), r executor.Runner) error
	}{
		{"commit", func(context.Context, func(), executor.Runner) error { return nil }},
		{"rollback", func(context.Context, func(), executor.Runner) error { return errFn }},
		{"error of the server", func(ctx context.Context, _ func(), r executor.Runner) error {
			_, err := r.Exec(ctx, write("select 1 / 0"))
			return err
		}},
		{"error that is passed over", func(ctx context.Context, _ func(), r executor.Runner) error {
			_, _ = r.Exec(ctx, write("select 1 / 0"))
			return nil
		}},
		{"rows left open", func(ctx context.Context, _ func(), r executor.Runner) error {
			rows, err := r.Query(ctx, read("select generate_series(1, 100000)")) // left open on purpose
			if err == nil && !rows.Next() {
				err = rows.Err()
			}
			return err
		}},
		{"cancel", func(ctx context.Context, cancel func(), r executor.Runner) error {
			cancel()
			_, err := r.Exec(ctx, write("select 1"))
			return err
		}},
		{"cancel in the middle of rows", func(ctx context.Context, cancel func(), r executor.Runner) error {
			rows, err := r.Query(ctx, read("select generate_series(1, 100000)")) // left open on purpose
			if err == nil && !rows.Next() {
				err = rows.Err()
			}
			cancel()
			return err
		}},
		{"panic", func(context.Context, func(), executor.Runner) error { panic(errFn) }},
		{"a savepoint that is undone", func(ctx context.Context, _ func(), r executor.Runner) error {
			_ = r.InTx(ctx, nil, func(context.Context, executor.Runner) error { return errFn })
			return nil
		}},
	}
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn, executor.WithMaxConns(1), executor.WithMinIdle(1))
		before := value(t, db, read(state))
		for _, e := range endings {
			for _, readOnly := range []bool{true, false} {
				func() {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					defer func() {
						if v := recover(); v != nil && v != any(errFn) {
							panic(v)
						}
					}()
					_ = db.InTx(ctx, &executor.TxOptions{ReadOnly: readOnly, Session: session}, func(ctx context.Context, r executor.Runner) error {
						if got, want := value(t, r, read(state)), `"f|`+role+`|\"tenant\"|7|ann"`; got != want {
							t.Errorf("%s: inside it is %s, want %s", e.name, got, want)
						}
						return e.run(ctx, cancel, r)
					})
				}()
				if got := value(t, db, read(state)); got != before {
					t.Errorf("%s, read-only %t: the next user sees %s, want %s", e.name, readOnly, got, before)
				}
			}
		}
	})
}

// What can't be set is refused, says no more than its class, and leaves the
// connection as it was.
func TestSessionRefused(t *testing.T) {
	t.Parallel()
	dsn := wordsDB(t)
	role := tempRole(t, dsn)
	for _, c := range []struct {
		name, why string
		session   map[string]string
		want      backend.Code
	}{
		{"no such role", "the token's role is not there: nothing that the request could mend", map[string]string{"role": "nobody_of_this_name", "search_path": "x", "app.a": "1"}, backend.CodeForbidden},
		{"no such role, or a timeout that is none", "one can't tell", map[string]string{"role": "nobody_of_this_name", "statement_timeout": "1"}, backend.CodeBadUserInput},
		{"bad value", "the server refuses it", map[string]string{"statement_timeout": "soon"}, backend.CodeBadUserInput},
		{"session_authorization", "it would outlive nothing and change everything", map[string]string{"session_authorization": role}, backend.CodeBadUserInput},
		{"isolation", "the transaction has one", map[string]string{"transaction_isolation": "serializable"}, backend.CodeBadUserInput},
		{"row_security", "off turns policies into errors", map[string]string{"Row_Security": "off"}, backend.CodeBadUserInput},
		{"session_replication_role", "it turns triggers and foreign keys off", map[string]string{"session_replication_role": "replica"}, backend.CodeBadUserInput},
		{"client_encoding", "the codecs rely on it", map[string]string{"client_encoding": "LATIN1"}, backend.CodeBadUserInput},
		{"statement in a name", "names are names", map[string]string{"app.a', 'x', false); --": "1"}, backend.CodeBadUserInput},
		{"superuser's parameter after a role", "the role is set first, so its rights count", map[string]string{"role": role, "plpgsql.variable_conflict": "use_column"}, backend.CodeForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, b := range modes() {
				db := open(t, b, dsn, executor.WithMaxConns(1), executor.WithMinIdle(1))
				// plpgsql's parameters exist once the library is loaded.
				if _, err := db.Exec(t.Context(), write("do 'begin end'")); err != nil {
					t.Fatal(err)
				}
				before := value(t, db, read(state))
				err := db.InTx(t.Context(), &executor.TxOptions{Session: c.session}, func(context.Context, executor.Runner) error {
					t.Error("it began")
					return nil
				})
				if got := backend.CodeOf(err); got != c.want {
					t.Errorf("%s: %v, want %v: %v", backend.ModeOf(b), got, c.want, err)
				}
				if told := string(executor.AppendError(nil, err)); c.want == backend.CodeForbidden && strings.Contains(told, "of_this_name") {
					t.Errorf("a client is told %s", told)
				}
				if got := value(t, db, read(state)); got != before {
					t.Errorf("%s: the next user sees %s", backend.ModeOf(b), got)
				}
			}
		})
	}
}

// A request may not say who it is.
func TestRequestCannotSetRole(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"role", "Role", "search_path", "session_authorization", "transaction_read_only", "app", "app..x", "app.x y"} {
		text := fmt.Sprintf(`{"transaction":[{"operation":"query","table":"words"}],"session":{%q:"postgres"}}`, name)
		_, err := builder.Parse([]byte(text))
		if _, ok := errors.AsType[builder.Problems](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same statement text under another search path is another statement: on one
// connection, prepared or not, each path finds its own tables and types, and none
// of it is an error that a retry would have to hide.
func TestSearchPathOfRequest(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for _, schema := range []string{"a", "b"} {
		pgtest.Exec(t, dsn, "create schema "+schema, "create type "+schema+".mood as enum ('low', '"+schema+"')",
			"create table "+schema+".t (id int4, m "+schema+".mood)", "insert into "+schema+".t values (1, '"+schema+"'), (2, 'low')")
	}
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn, executor.WithMaxConns(1), executor.WithRetries(0))
		for i := range 12 {
			schema := []string{"a", "b"}[i%2]
			err := db.InTx(t.Context(), &executor.TxOptions{ReadOnly: true, Session: map[string]string{"search_path": schema}},
				func(_ context.Context, r executor.Runner) error {
					got := value(t, r, read(`select m from t where m = $1::mood`, schema))
					if diff := cmp.Diff(`"`+schema+`"`, got); diff != "" {
						t.Error(diff)
					}
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := db.InTx(t.Context(), &executor.TxOptions{Session: map[string]string{"search_path": "none_such"}}, func(ctx context.Context, r executor.Runner) error {
			_, err := r.Exec(ctx, write("update t set m = null"))
			return err
		})
		if backend.CodeOf(err) != backend.CodeConfiguration || errors.Is(err, executor.ErrSchemaChanged) {
			t.Errorf("a path to nowhere: %v", err)
		}
	})
}

// Many at once on few connections.
func TestSessionsSideBySide(t *testing.T) {
	t.Parallel()
	dsn := wordsDB(t)
	roles := []string{tempRole(t, dsn), tempRole(t, dsn)}
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn, executor.WithMaxConns(2))
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				role := roles[i%2]
				for range 10 {
					err := db.InTx(t.Context(), &executor.TxOptions{ReadOnly: true, Session: map[string]string{"role": role, "app.user": role}},
						func(_ context.Context, r executor.Runner) error {
							if got, want := value(t, r, read("select current_user||' '||current_setting('app.user')")), `"`+role+` `+role+`"`; got != want {
								t.Errorf("%s, want %s", got, want)
							}
							return nil
						})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}
