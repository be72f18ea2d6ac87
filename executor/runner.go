package executor

import (
	"context"
	"database/sql"

	"github.com/fraiseql/fraiseql-go/builder"
)

// Runner is the one thing that callers depend on: *DB, a transaction, and
// parity's Runner are Runners.
type Runner interface {
	// Query runs s and streams its rows. Always Close them. Errors are *backend.Error.
	Query(ctx context.Context, s *builder.Statement) (*Rows, error)
	// Exec runs s and returns how many rows it affected.
	Exec(ctx context.Context, s *builder.Statement) (int64, error)
	// InTx runs fn in one transaction (inside a transaction: a savepoint) and
	// commits when fn returns nil. fn may run more than once (a serialization
	// failure is retried, parity runs it on both backends): it must keep its
	// effects to the Runner that it is given, and reset what it collects.
	InTx(ctx context.Context, o *TxOptions, fn func(context.Context, Runner) error) error
}

// Selector is a Runner that stands for another one, chosen anew for each
// operation, as a shadow does. Executions ask it before they begin: an operation
// that is left alone then runs as it would on the Runner that was chosen, round
// trips spared included. Its own methods choose in the same way.
type Selector interface {
	Runner
	// Select is the Runner of one operation. s is the statement that runs first,
	// nil where that is not known; o its transaction, nil where it has none. Neither
	// may be kept or changed.
	Select(ctx context.Context, s *builder.Statement, o *TxOptions) Runner
}

// TxOptions says how a transaction runs. nil means the zero value: read
// committed, read-write.
type TxOptions struct {
	Isolation  sql.IsolationLevel // LevelDefault means read committed
	ReadOnly   bool
	Deferrable bool // waits for a safe snapshot; serializable and read-only only
	// Snapshot is an exported snapshot (pg_export_snapshot) that the transaction
	// reads from; repeatable read or serializable only. It is set before Session.
	Snapshot string
	// Session variables, set with set_config(name, value, true) before fn.
	Session map[string]string
}

// Beginner is the ability of *DB to hold a transaction open beyond a function:
// parity streams two of them side by side. *Tx is a Runner with Commit and
// Rollback; Rollback after Commit does nothing.
type Beginner interface {
	Runner
	Begin(ctx context.Context, o *TxOptions) (*Tx, error)
}
