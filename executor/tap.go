package executor

import (
	"context"
	"database/sql"
	"errors"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// Tap sees what one operation does, while it does it and on its goroutine: a
// shadow notes by it what to compare. It must be quick, must not use the DB, and
// can change nothing: the operation takes the same way, round trips spared
// included, that it takes without.
type Tap interface {
	// Begin: a transaction begins, or begins anew: what an earlier run of it did is
	// void. o may not be kept or changed.
	Begin(o *TxOptions)
	// Rows gives what the operation reads its rows through: w, or what wraps it. cols
	// are what Rows.Columns gives.
	Rows(s *builder.Statement, w backend.WireRows, cols []builder.Column) backend.WireRows
	// Done tells of a statement without rows, or of one that failed before its first
	// row.
	Done(s *builder.Statement, affected int64, err error)
	// End: the transaction is over, and err is what its caller gets.
	End(err error)
}

// Tapped is db for one operation that t sees. It shares everything with db, and
// Close does nothing.
func (db *DB) Tapped(t Tap) *DB {
	c := *db
	c.owned, c.opt.tap = false, t
	return &c
}

// FallingBack is db, except that a read whose connection fails runs on other once
// more, and told gets the reason; see FallingBackWhen.
func (db *DB) FallingBack(other *DB, told func(error)) *DB {
	return db.FallingBackWhen(other, func(err error) bool {
		if backend.CodeOf(err) != backend.CodeServiceUnavailable {
			return false
		}
		if told != nil {
			told(err)
		}
		return true
	})
}

// FallingBackWhen is db, except that a read that met an error for which when is true
// runs on other once more. A statement outside of a transaction and a read-only
// transaction are reads; what changes data, and an answer of which a part has left,
// is never run again. It shares everything with db, and Close does nothing. when must
// be safe for concurrent use.
func (db *DB) FallingBackWhen(other *DB, when func(error) bool) *DB {
	c := *db
	c.owned, c.opt.other, c.opt.when = false, other, when
	return &c
}

// AfterCommit is db, except that after each transaction that was not read-only then
// is called once it is committed, with its connection: a statement may be run on
// that until then returns, which the caller waits for. Where nobody knows whether it
// was committed (backend.CodeCommitUnknown) conn is nil. ctx has the values of the
// transaction's context and does not end with it, but after some seconds. It shares
// everything with db, and Close does nothing.
func (db *DB) AfterCommit(then func(ctx context.Context, conn *sql.Conn)) *DB {
	c := *db
	c.owned, c.opt.committed = false, then
	return &c
}

// committed tells of a commit.
func (db *DB) committed(ctx context.Context, conn *sql.Conn) {
	if db.opt.committed != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		db.opt.committed(ctx, conn)
	}
}

// otherError is the error of a read that ran on the other DB too.
type otherError struct{ error }

// Unwrap gives the error that is marked.
func (e otherError) Unwrap() error { return e.error }

// fallsBack says whether a read that met err goes to the other DB.
func (db *DB) fallsBack(ctx context.Context, err error) bool {
	if err == nil || db.opt.other == nil || ctx.Err() != nil || Partial(err) {
		return false
	}
	if _, twice := errors.AsType[otherError](err); twice {
		return false
	}
	return db.opt.when(err)
}

// marked is what came of a read on the other DB.
func marked(err error) error {
	if err != nil {
		return otherError{err}
	}
	return nil
}

// tapRows puts the tap between the server's rows and r.
func (db *DB) tapRows(s *builder.Statement, r *Rows) {
	if db.opt.tap != nil {
		r.wire = db.opt.tap.Rows(s, r.wire, r.cols)
	}
}

// tapDone tells the tap of a statement that has no rows.
func (db *DB) tapDone(s *builder.Statement, affected int64, err error) {
	if db.opt.tap != nil {
		db.opt.tap.Done(s, affected, err)
	}
}
