package executor_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestFallingBackInTheMiddle: rows that end early are read elsewhere from their
// begin, as long as nothing of them has left; else the answer is cut.
func TestFallingBackInTheMiddle(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		here, there := pgtest.DB(t), pgtest.DB(t)
		// Behind so many rows comes an error.
		view := "create view %s as select i::int8 as id, repeat('x', 100) as text from generate_series(1, 100000) as i where 1 / (i - %d) is not null"
		pgtest.Exec(t, here, fmt.Sprintf(view, "v", 400), fmt.Sprintf(view, "w", 90000))
		pgtest.Exec(t, there, "create view v as select i::int8 as id, 'there' as text from generate_series(1, 3) as i", "create view w as select * from v")
		var asked int
		db := open(t, b, here).FallingBackWhen(open(t, b, there), func(err error) bool {
			asked++
			return backend.SQLStateOf(err) == "22012"
		})
		plan := func(from string) *builder.Plan {
			return &builder.Plan{Kind: builder.Query, MaxAffected: -1, Root: builder.Node{
				Statement: builder.Statement{
					Name: "query v", Effect: builder.Read, Ordered: true, SQL: "select id, text from " + from,
					Columns: []builder.Column{column("id", oidInt8), column("text", oidText)},
				},
				Members: []builder.Member{member("id", 0), member("text", 1)},
			}}
		}
		const want = `{"data":[{"id":1,"text":"there"},{"id":2,"text":"there"},{"id":3,"text":"there"}],"errors":null}`
		for _, o := range [][]executor.ExecOption{nil, {executor.WithReadOnly()}} {
			var w bytes.Buffer
			if err := executor.ExecutePlan(t.Context(), db, plan("v"), &w, o...); err != nil || w.String() != want {
				t.Errorf("%.200s, error %v, want %s", w.String(), err, want)
			}
		}
		if asked != 2 {
			t.Errorf("asked %d times, want once each", asked)
		}
		var w bytes.Buffer
		err := executor.ExecutePlan(t.Context(), db, plan("w"), &w)
		if !executor.Partial(err) || !strings.HasPrefix(w.String(), `{"data":[{"id":1,"text":"xxx`) || strings.Contains(w.String(), "there") {
			t.Errorf("what has left is %.80s, error %v, want it cut", w.String(), err)
		}
	})
}

// TestAfterCommit: each transaction that may have written is told of once, after its
// commit and with its connection; what is read or rolled back is not, and a lost
// COMMIT has no connection.
func TestAfterCommit(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := wordsDB(t)
		plain, proxy := behind(t, b, dsn)
		var told []string
		type key struct{}
		db := plain.AfterCommit(func(ctx context.Context, conn *sql.Conn) {
			if ctx.Value(key{}) != "caller" {
				t.Error("the values of the caller's context are gone")
			}
			if conn == nil {
				told = append(told, "unknown")
				return
			}
			var text string
			if err := conn.QueryRowContext(ctx, "select count(*)::text from words").Scan(&text); err != nil {
				t.Error(err)
			}
			told = append(told, text)
		})
		ctx := context.WithValue(t.Context(), key{}, "caller")
		expect := func(what string, want ...string) {
			t.Helper()
			if got, want := strings.Join(told, " "), strings.Join(want, " "); got != want {
				t.Errorf("%s: told %q, want %q", what, got, want)
			}
			told = nil
		}
		if err := put(ctx, db, "exec"); err != nil {
			t.Fatal(err)
		}
		expect("exec", "1")
		rows, err := db.Query(ctx, write("insert into words (word) values ('rows') returning n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		expect("rows", "2")
		err = db.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error {
			if err := tx.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error { return put(ctx, tx, "inner") }); err != nil {
				return err
			}
			expect("before the commit")
			return put(ctx, tx, "outer")
		})
		if err != nil {
			t.Fatal(err)
		}
		expect("transaction", "4")
		insert := &builder.Plan{Kind: builder.Insert, MaxAffected: -1, Single: true, Root: builder.Node{
			Statement: builder.Statement{
				Name: "insert words", SQL: "insert into words (word) values ('plan') returning n",
				Columns: []builder.Column{column("n", oidInt8)},
			},
			Members: []builder.Member{member("n", 0)},
		}}
		if err := executor.ExecutePlan(ctx, db, insert, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		expect("plan, whose COMMIT goes along where it can", "5")
		_ = value(t, db, read("select count(*) from words"))
		if err := db.InTx(ctx, &executor.TxOptions{ReadOnly: true}, func(context.Context, executor.Runner) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := put(ctx, db, "exec"); backend.CodeOf(err) != backend.CodeConstraintViolation {
			t.Fatal(err)
		}
		if err := db.InTx(ctx, nil, func(context.Context, executor.Runner) error { return errFn }); err == nil {
			t.Fatal("no error")
		}
		expect("reads and rollbacks")
		armed := proxy.Arm(faultproxy.Fault{When: faultproxy.AtCommitted(), How: faultproxy.RST})
		if err := put(ctx, db, "lost"); backend.CodeOf(err) != backend.CodeCommitUnknown || !armed.Struck() {
			t.Fatalf("error %v, struck %t", err, armed.Struck())
		}
		expect("a lost COMMIT", "unknown")
	})
}
