package executor_test

import (
	"context"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestWrongNumberOfArguments: too few or too many arguments are a bug of the caller's on
// every way, and nothing that running again would mend, however the driver finds out.
func TestWrongNumberOfArguments(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, pgtest.DB(t))
		run := func(ctx context.Context, r executor.Runner, args []any) error {
			rows, err := r.Query(ctx, &builder.Statement{Name: "one", SQL: "select $1::int8", Effect: builder.Read, Args: args})
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return rows.Close()
		}
		for _, args := range [][]any{nil, {"1", "2"}} {
			for range 2 { // the second time it may be prepared
				inside := 0
				for where, err := range map[string]error{
					"by itself": run(t.Context(), db, args),
					"in a transaction": db.InTx(t.Context(), &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, tx executor.Runner) error {
						inside++
						return run(ctx, tx, args)
					}),
				} {
					if backend.CodeOf(err) != backend.CodeInternal || backend.Retryable(err) {
						t.Errorf("%d arguments %s: %v (%v, to be run again: %v)", len(args), where, err, backend.CodeOf(err), backend.Retryable(err))
					}
				}
				if inside != 1 {
					t.Errorf("the transaction ran %d times", inside)
				}
			}
			if err := run(t.Context(), db, []any{"1"}); err != nil {
				t.Errorf("after it: %v", err)
			}
		}
	})
}

// TestOpenWithoutBackend: it says what is missing.
func TestOpenWithoutBackend(t *testing.T) {
	t.Parallel()
	if _, err := executor.Open(t.Context(), nil, backend.Config{}); backend.CodeOf(err) != backend.CodeBadUserInput {
		t.Errorf("no backend: %v", err)
	}
}
