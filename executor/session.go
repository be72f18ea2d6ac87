package executor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

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

// CheckSession is the error with which TxOptions.Session and WithSession refuse vars: of
// names that are none, and of parameters that everything else here relies on.
func CheckSession(vars map[string]string) error {
	if len(vars) > maxSession {
		return backend.New("session", backend.CodeBadUserInput, tell("%d session variables; at most %d", len(vars), maxSession))
	}
	if len(vars) == 0 {
		return nil
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
		case !strings.Contains(name, ".") && !serverSettings[lower]:
			return backend.New("session", backend.CodeBadUserInput, tell("session variable %.64q can't be changed by a request", name))
		case strings.ContainsRune(value, 0):
			return backend.New("session", backend.CodeBadUserInput, tell("session variable %q: the value has a NUL character", name))
		}
	}
	return nil
}

// serverSettings are the server's own parameters that an execution may set. All
// others would undo what the transaction was opened with (transaction_read_only,
// session_authorization, row_security), or decide more than one transaction.
var serverSettings = map[string]bool{
	roleSetting: true, pathSetting: true,
	"statement_timeout": true, "lock_timeout": true, "idle_in_transaction_session_timeout": true,
	"timezone": true, "application_name": true, "default_text_search_config": true,
	"work_mem": true, "jit": true, "max_parallel_workers_per_gather": true,
}

const (
	roleSetting = "role"
	pathSetting = "search_path"
)

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
		return s.refused(backend.Wrap(db.backend, "set session", err))
	}
	return nil
}

// refused gives a refusal of set_config the code of who said it.
func (s session) refused(err error) error {
	var e *backend.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	switch e.SQLState {
	case "42704": // no such parameter
		c.Code = backend.CodeBadUserInput
	case "22023": // not a value of it, which for a role means that there is none of the name
		if !s.suspects(roleSetting) {
			return err
		}
		c.Code = backend.CodeForbidden
	default:
		return err
	}
	return &c
}

// suspects says that of the parameters of s only name can have refused its
// value: those with a dot take any, and so does the search path.
func (s session) suspects(name string) bool {
	found := false
	for _, set := range s {
		lower := strings.ToLower(set.Name)
		switch {
		case lower == name:
			found = true
		case lower != pathSetting && !strings.Contains(lower, ".") && !backend.Pinned(lower):
			return false
		}
	}
	return found
}

// settingsOf are the settings of a request in the order in which they are made:
// the role first. What the request says after it is set with the role's rights
// and not with those of the login, which may be allowed to set more (an
// extension's parameters have a dot too: auto_explain.log_min_duration).
func settingsOf(m map[string]string) []backend.Setting {
	if len(m) == 0 {
		return nil
	}
	list := make([]backend.Setting, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		set := backend.Setting{Name: name, Value: m[name]}
		if strings.EqualFold(name, roleSetting) {
			list = slices.Insert(list, 0, set)
		} else {
			list = append(list, set)
		}
	}
	return list
}

// pathTag is a comment for the end of each statement under a search path of the
// request's own, else "". PostgreSQL plans a prepared statement anew when the
// path has changed, but not its parameters' types, and pgx keeps descriptions by
// the text: an enum of one tenant's schema would be asked for in another's. With
// the tag each path has statements of its own. Two paths that meet in one tag
// would at worst get an error: the server looks every name up by the path that
// is in force.
func pathTag(m map[string]string) string {
	for name, value := range m {
		if strings.EqualFold(name, pathSetting) {
			h := fnv.New64a()
			_, _ = h.Write([]byte(value))
			return " /*" + strconv.FormatUint(h.Sum64(), 16) + "*/"
		}
	}
	return ""
}

// tagged is s with the transaction's tag.
func (t *txConn) tagged(s *builder.Statement) *builder.Statement {
	if t.tag == "" {
		return s
	}
	c := *s
	c.SQL += t.tag
	return &c
}

// misplaced says of an error under a search path of the request's own that the
// tenant's schema lacks what the statement names. That is nothing that reading
// the catalog again could mend.
func (t *txConn) misplaced(err error) error {
	var e *backend.Error
	if t.tag == "" || !errors.As(err, &e) || e.Code != backend.CodeInternal {
		return err
	}
	switch e.SQLState {
	case "42P01", "42703", "42704", "42883", "3F000": // table, column, type, function, schema
		c := *e
		c.Code, c.Err = backend.CodeConfiguration, fmt.Errorf("under the search path of the request: %w", e.Err)
		return &c
	}
	return err
}
