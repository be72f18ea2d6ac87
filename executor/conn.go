package executor

import (
	"database/sql"
	"database/sql/driver"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
)

// spoiled says that a connection that met err must not be used again: it is
// lost, or a cancelled statement may still answer on it.
func spoiled(err error) bool {
	switch backend.CodeOf(err) {
	case backend.CodeOK, backend.CodeBadUserInput, backend.CodeConstraintViolation, backend.CodeForbidden,
		backend.CodeNotFound, backend.CodeConflict, backend.CodeLimit:
		return false
	default:
		// An ERROR of the server leaves the connection in order; what has no
		// SQLSTATE, a context's end for one, does not say so.
		state := backend.SQLStateOf(err)
		return state == "" || strings.HasPrefix(state, "57P") || strings.HasPrefix(state, "08")
	}
}

// lostBeforeAnswer says that err is a lost connection and not the server's word
// that it has no room (53300): that would not be better on a second try.
func lostBeforeAnswer(err error) bool {
	state := backend.SQLStateOf(err)
	return state == "" || strings.HasPrefix(state, "57P") || strings.HasPrefix(state, "08")
}

// discard closes conn for good instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	// database/sql's documented way: a connection whose Raw function answers
	// ErrBadConn is closed and taken out of the pool.
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
