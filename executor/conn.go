package executor

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
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
		return state == "" || strings.HasPrefix(state, "57P") || strings.HasPrefix(state, "08") || demotions[state]
	}
}

// demotions are how a server says that it takes no writes: 0A000 to BEGIN READ WRITE
// of one in recovery, 25006 to a write in a transaction that was not begun read-only.
var demotions = map[string]bool{"0A000": true, "25006": true}

// demoted is err, with CodeServiceUnavailable where it is the word of a server that
// takes no writes, or not any more: behind a proxy or without target_session_attrs
// the pool may hold connections to one. They are thrown away, and a new one goes to
// whoever is the primary now.
func demoted(err error, readOnly bool) error {
	e, ok := errors.AsType[*backend.Error](err)
	if !ok || !demotions[e.SQLState] || e.SQLState == "0A000" && e.Op != "begin" || e.SQLState == "25006" && readOnly {
		return err
	}
	c := *e
	c.Code, c.Err = backend.CodeServiceUnavailable, fmt.Errorf("the server takes no writes: %w", err)
	return &c
}

// lostBeforeAnswer says that err is a lost connection, or a server of the wrong kind
// (see demoted), and not the server's word
// that it has no room (53300): that would not be better on a second try.
func lostBeforeAnswer(err error) bool {
	state := backend.SQLStateOf(err)
	return state == "" || state == "0A000" || strings.HasPrefix(state, "57P") || strings.HasPrefix(state, "08")
}

// discard closes conn for good instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	// database/sql's documented way: a connection whose Raw function answers
	// ErrBadConn is closed and taken out of the pool.
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
