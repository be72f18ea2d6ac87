package backend

import (
	"context"
	"database/sql"
)

// TxQuerier is the optional ability to send a statement together with what opens
// its transaction and what ends it: one round trip instead of three. The executor
// asks for it where it has something to send along; the fallback is to send each by
// itself.
type TxQuerier interface {
	// QueryTx is WireQuerier.QueryWire with more around it. An error's Op says what
	// failed: "begin", "set session", "query" or "commit". The error wraps
	// errors.ErrUnsupported where nothing was sent and all must be sent the plain
	// way.
	//
	// With Commit the error, or that of the rows, says what became of the
	// transaction as WrapCommit does: CodeCommitUnknown only where nobody knows.
	// The end of ctx cancels the statement then and waits, for some seconds at
	// most, for the server's word about it.
	QueryTx(ctx context.Context, conn *sql.Conn, s *TxStatement) (WireRows, error)
}

// TxStatement is a statement and what goes with it.
type TxStatement struct {
	// Before is sent before the statement: BEGIN, then SELECTs whose rows nobody
	// wants. Empty where the transaction is open already.
	Before []Command
	Command
	// Check is asked about the columns before the statement is sent; its error is
	// QueryTx's. nil: any will do.
	Check func([]Column) error
	// Commit sends COMMIT behind the statement. The server looks at it only after
	// the statement went well.
	Commit bool
	// ReadOnly says that the transaction is: whether it was committed is nothing
	// that anybody needs to know.
	ReadOnly bool
	// Plain says that Before is BEGIN alone, of a transaction that is read committed and
	// read write. With Commit it may be left out together with COMMIT where it is known
	// that the server does the same for a statement by itself.
	Plain bool
}

// Command is a statement's text with its bound arguments.
type Command struct {
	SQL  string
	Args []any
}
