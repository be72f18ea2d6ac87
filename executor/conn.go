package executor

import (
	"context"
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

// session is a list of run-time parameters that a transaction sets for itself.
type session []backend.Setting //nolint:recvcheck // add alone changes it, as append would

// add appends list, in its order; a name that is there already changes its value.
func (s *session) add(list []backend.Setting) {
next:
	for _, set := range list {
		for i := range *s {
			if strings.EqualFold((*s)[i].Name, set.Name) {
				(*s)[i].Value = set.Value
				continue next
			}
		}
		*s = append(*s, set)
	}
}

// maxSession bounds the variables of one request: each is an argument.
const maxSession = 256

// checkSession refuses names that can't be run-time parameters and names whose
// value everything else here relies on.
func checkSession(vars map[string]string) error {
	if len(vars) > maxSession {
		return backend.New("session", backend.CodeBadUserInput, tell("%d session variables; at most %d", len(vars), maxSession))
	}
	seen := make(map[string]bool, len(vars))
	for name, value := range vars {
		lower := strings.ToLower(name)
		if seen[lower] {
			return backend.New("session", backend.CodeBadUserInput, tell("session variable %.64q is given twice; letter case does not count", name))
		}
		seen[lower] = true
		switch {
		case !sessionName(name):
			return backend.New("session", backend.CodeBadUserInput,
				tell("session variable %.64q: want letters, digits and _, in parts joined by a dot", name))
		case backend.Pinned(name):
			return backend.New("session", backend.CodeBadUserInput, tell("session variable %q can't be changed", name))
		case forbiddenSession[lower]:
			return backend.New("session", backend.CodeBadUserInput, tell("session variable %q can't be changed by a request", name))
		case strings.ContainsRune(value, 0):
			return backend.New("session", backend.CodeBadUserInput, tell("session variable %q: the value has a NUL character", name))
		}
	}
	return nil
}

// forbiddenSession are parameters that would undo what the transaction was
// opened with.
var forbiddenSession = map[string]bool{
	"transaction_isolation": true, "transaction_read_only": true, "transaction_deferrable": true,
	"session_authorization": true,
}

// sessionName says that name is a run-time parameter's: "role", "app.user_id".
func sessionName(name string) bool {
	if name == "" || len(name) > 128 {
		return false
	}
	start := true
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			start = false
		case c >= '0' && c <= '9' && !start:
		case c == '.' && !start:
			start = true
		default:
			return false
		}
	}
	return !start
}

// statement is the SQL that sets s for the transaction, values as arguments.
func (s session) statement() (string, []any) {
	var b strings.Builder
	b.WriteString("select ")
	args := make([]any, 0, 2*len(s))
	for i, set := range s {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "pg_catalog.set_config($%d, $%d, true)", 2*i+1, 2*i+2)
		args = append(args, set.Name, set.Value)
	}
	return b.String(), args
}

// set sends s on conn, inside a transaction.
func (s session) set(ctx context.Context, db *DB, conn *sql.Conn) error {
	if len(s) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return backend.Wrap(db.backend, "set session", err)
	}
	text, raw := s.statement()
	args := make([]any, len(raw))
	for i, a := range raw {
		v, err := db.backend.Bind(a)
		if err != nil {
			return backend.Wrap(db.backend, "set session", err)
		}
		args[i] = v
	}
	if _, err := conn.ExecContext(ctx, text, args...); err != nil {
		err = backend.Wrap(db.backend, "set session", err)
		var e *backend.Error
		// 42704: no such parameter; 22023: not a value of it; 42501: not for this
		// role. The request said it, so the request is told.
		if errors.As(err, &e) && e.SQLState == "42704" {
			c := *e
			c.Code = backend.CodeBadUserInput
			return &c
		}
		return err
	}
	return nil
}
