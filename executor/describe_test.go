package executor_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestDescribe: every mode says the same of a statement, and nothing is run.
func TestDescribe(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table t (id int8 primary key, n numeric, s text)")
	insert := &builder.Statement{
		Name: "insert t", SQL: "insert into t values ($1::int8, $2, $3::text) returning id, n", Args: []any{"1", "2", nil},
	}
	for _, b := range modes() {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			db := open(t, b, dsn)
			for range 2 { // the second time on a connection that knows the statement
				tx, err := db.Begin(t.Context(), &executor.TxOptions{ReadOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				got, err := tx.Describe(t.Context(), insert)
				if err != nil {
					t.Fatal(err)
				}
				want := backend.Description{Params: []uint32{20, 1700, 25}, Columns: []backend.Column{{Name: "id", OID: 20}, {Name: "n", OID: 1700}}}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				// The connection is as it was: the transaction goes on.
				rows, err := tx.Query(t.Context(), &builder.Statement{SQL: "select count(*) from t where id = $1::int8", Args: []any{"1"}, Effect: builder.Read})
				if err != nil {
					t.Fatal(err)
				}
				for rows.Next() {
				}
				if err := rows.Close(); err != nil {
					t.Error(err)
				}
				got, err = tx.Describe(t.Context(), &builder.Statement{SQL: "delete from t"})
				if err != nil || len(got.Params)+len(got.Columns) > 0 {
					t.Errorf("delete: %v, %v", got, err)
				}
				if _, err = tx.Describe(t.Context(), &builder.Statement{SQL: "select nothing from t"}); backend.SQLStateOf(err) != "42703" {
					t.Errorf("a column that is not there: %v", err)
				}
				if err := tx.Rollback(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if n, err := db.Exec(t.Context(), &builder.Statement{SQL: "delete from t"}); n != 0 || err != nil {
				t.Errorf("%d rows were written, %v", n, err)
			}
		})
	}
}
