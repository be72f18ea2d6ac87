package executor

import (
	"context"

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
// more, and told gets the reason. A statement outside of a transaction and a
// read-only transaction are reads; what changes data, and an answer of which a part
// has left, is never run again. It shares everything with db, and Close does nothing.
func (db *DB) FallingBack(other *DB, told func(error)) *DB {
	c := *db
	c.owned, c.opt.other, c.opt.told = false, other, told
	return &c
}

// fallsBack says whether a read that met err goes to the other DB, and tells so.
func (db *DB) fallsBack(ctx context.Context, err error) bool {
	if err == nil || db.opt.other == nil || ctx.Err() != nil || Partial(err) || backend.CodeOf(err) != backend.CodeServiceUnavailable {
		return false
	}
	if db.opt.told != nil {
		db.opt.told(err)
	}
	return true
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
