// Package backend is the seam between this product and a PostgreSQL driver.
//
// A backend is one driver behind three methods. It owns no pool: database/sql
// is the pool on every backend, so limits, fairness and statistics are the same
// whichever driver runs underneath. Everything that the drivers do differently
// and that can be made equal is made equal behind this seam; what cannot be is
// refused (see the deviations ledger in tests/).
//
// Import direction: standard library only. A driver is imported in backend/pq
// and backend/pgx and nowhere else.
package backend

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// Backend is one driver. A Backend is stateless and safe for concurrent use.
type Backend interface {
	// Name is the FRAISEQL_DB_BACKEND value that selects this backend: "pq", "pgx".
	Name() string
	// Connector turns cfg into a connector for database/sql. It checks cfg and
	// never dials. Errors carry CodeConfiguration.
	Connector(cfg Config) (driver.Connector, error)
	// Bind turns a canonical argument (nil, string, or []byte for bytea; see
	// codec) into the form that the driver sends without reinterpreting it. Any
	// other Go type is refused: the drivers disagree about nearly all of them.
	Bind(arg any) (any, error)
}

// Moded is the optional ability to say in which wire mode a backend runs, such
// as "cache_statement" or "binary_parameters". Reports and test names use it.
// Fallback: "default".
type Moded interface{ Mode() string }

// ModeOf returns "name" or "name/mode" for b, such as "pgx/exec".
func ModeOf(b Backend) string {
	if m, ok := b.(Moded); ok {
		return b.Name() + "/" + m.Mode()
	}
	return b.Name()
}

// WireQuerier is the optional ability to hand over rows as the server sent
// them, without the copies and conversions of database/sql. The executor asks
// for it and falls back to database/sql with one Scanner cell.
type WireQuerier interface {
	// QueryWire runs one statement on conn, which the caller holds and uses for
	// nothing else until the rows are closed. args are bound already (Bind).
	// The context ends the statement, not only the wait for it. Errors are *Error.
	QueryWire(ctx context.Context, conn *sql.Conn, query string, args []any) (WireRows, error)
}

// SessionObserver is the optional ability to tell what a statement left behind on
// its connection. Fallback: nothing is known, and parity compares nothing of it.
type SessionObserver interface {
	// ObserveSession tells about conn, whose rows are closed. Nothing is sent. A
	// connection that this backend did not open is errors.ErrUnsupported.
	ObserveSession(conn *sql.Conn) (SessionState, error)
}

// SessionState is what a connection knows besides the answers of its statements.
type SessionState struct {
	// Notices came since the last call, or since the pool handed the connection
	// out. At most 100 are kept; Lost counts the others.
	Notices []Notice
	Lost    int
	// Transaction is the status in the server's last ReadyForQuery: 'I' idle, 'T'
	// in a transaction, 'E' in one that failed.
	Transaction byte
}

// Describer is the optional ability to have the server parse a statement without
// running it. A backend without it can't be described.
type Describer interface {
	// Describe asks what query takes and gives. Nothing of it is run, and conn is
	// left as it was. Errors are *Error.
	Describe(ctx context.Context, conn *sql.Conn, query string) (Description, error)
}

// Description is what the server says of a statement that it has parsed.
type Description struct {
	Params  []uint32 // the OID of each parameter's type
	Columns []Column // of its rows; none where it has no rows. Format is Text
}

// WireRows are the rows of one statement, in wire form.
//
// Use: for rows.Next() { rows.Values() }; then Err, and always Close. Not safe
// for concurrent use.
type WireRows interface {
	// Columns describes the row. It is valid from the start, before Next.
	Columns() []Column
	// Next moves to the next row; false at the end or on an error (see Err).
	Next() bool
	// Values are the cells of the current row: nil is NULL, an empty non-nil
	// slice is an empty value. They are valid until the next call of Next or
	// Close and must not be changed.
	Values() [][]byte
	// Err is the error that ended Next, or nil. It is an *Error.
	Err() error
	// Close ends the rows early or late; a second Close does nothing. It
	// returns Err's error, or what closing met.
	Close() error
}

// Column describes one column of WireRows.
type Column struct {
	// Name is the label that the statement gave to the column.
	Name string
	// OID is the type's OID; 0 where the driver does not say.
	OID uint32
	// Format is the wire format of the column's values.
	Format Format
}

// Format is a wire format code of the PostgreSQL protocol (Bind message,
// PostgreSQL documentation, section "Message Formats").
type Format int16

// The two wire formats.
const (
	Text   Format = 0
	Binary Format = 1
)
