package corpus

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// Sessions follows what the lines of a corpus set for their connections, so that what
// comes after a SET runs under it. Its zero value is ready.
type Sessions struct {
	conns map[string]*session
}

// session is one connection.
type session struct {
	now settings
	tx  *transaction // nil: none is open
}

// settings are never changed in place.
type settings struct {
	set     map[string]string // by lower-case name
	strange map[string]string // why a replay can't have it, by name
}

type transaction struct {
	before  settings // what is in force again after a rollback
	session settings // after a commit: without what SET LOCAL did
	points  []savepoint
	failed  bool // a COMMIT would roll back
}

type savepoint struct {
	name         string
	now, session settings
	failed       bool
}

// Follow gives the run-time parameters that are in force when l runs, and takes what l
// changes. why, where it is not "", says that the line can't run as it did: its
// connection has a setting that a replay can't have. The lines of a connection have to
// come in their order.
func (s *Sessions) Follow(l Line) (vars map[string]string, why string) {
	if l.Kind == KindDescribe { // of no session, and nobody knows when it ran
		return nil, ""
	}
	c := s.conns[l.Conn]
	if c == nil {
		if s.conns == nil {
			s.conns = make(map[string]*session)
		}
		c = &session{}
		s.conns[l.Conn] = c
	}
	for name, value := range l.Settings {
		c.change(sqltext.Change{Name: strings.ToLower(name), Value: value})
	}
	vars, why = c.now.set, c.now.why()
	c.take(l)
	return vars, why
}

// why is the reason of the first name, "" where there is none.
func (s settings) why() string {
	if len(s.strange) == 0 {
		return ""
	}
	return s.strange[slices.Min(slices.Collect(maps.Keys(s.strange)))]
}

// take changes the session by what l does.
func (c *session) take(l Line) {
	failed := l.Outcome != "" && l.Outcome != "ok"
	text := sqltext.Parse(l.SQL)
	begins, ends := l.Kind == KindBegin, l.Kind == KindCommit || l.Kind == KindRollback
	undone := l.Kind == KindRollback
	if l.SQL != "" && !begins && !ends && !failed && !text.Multi {
		begins, ends = text.Tx == sqltext.Begin, text.Tx == sqltext.End
		undone = ends && (strings.HasPrefix(text.Name, "rollback") || strings.HasPrefix(text.Name, "abort"))
	}
	switch {
	case begins:
		c.tx = &transaction{before: c.now, session: c.now}
		return
	case ends && c.tx != nil:
		if undone || failed || c.tx.failed {
			c.now = c.tx.before
		} else {
			c.now = c.tx.session
		}
		c.tx = nil
		return
	case failed:
		if c.tx != nil {
			c.tx.failed = true
		}
		return
	case text.Tx == sqltext.Savepoint && c.tx != nil:
		c.savepoint(l.SQL)
		return
	}
	list, _ := sqltext.Changes(l.SQL, texts(l.Args))
	for _, change := range list {
		c.change(change)
	}
}

// savepoint takes SAVEPOINT, RELEASE and ROLLBACK TO.
func (c *session) savepoint(sql string) {
	var names []string
	for _, l := range sqltext.Lex(sql) {
		if l.Sort == sqltext.Word {
			names = append(names, l.Name())
		}
	}
	name := names[len(names)-1]
	if names[0] == "savepoint" {
		c.tx.points = append(c.tx.points, savepoint{name, c.now, c.tx.session, c.tx.failed})
		return
	}
	for i, p := range slices.Backward(c.tx.points) {
		if p.name != name {
			continue
		}
		if names[0] == "release" {
			c.tx.points = c.tx.points[:i]
			return
		}
		c.now, c.tx.session, c.tx.failed = p.now, p.session, p.failed
		c.tx.points = c.tx.points[:i+1]
		return
	}
}

// change takes one change.
func (c *session) change(change sqltext.Change) {
	if change.Local && c.tx == nil {
		return // it has no effect
	}
	c.now = c.now.with(change)
	if c.tx != nil && !change.Local {
		c.tx.session = c.tx.session.with(change)
	}
}

// with is s after a change.
func (s settings) with(change sqltext.Change) settings {
	name := change.Name
	if name == "" {
		out := settings{set: map[string]string{}, strange: map[string]string{}}
		for _, kept := range []string{"role", "session_authorization"} {
			if v, ok := s.set[kept]; ok {
				out.set[kept] = v
			}
			if v, ok := s.strange[kept]; ok {
				out.strange[kept] = v
			}
		}
		return out
	}
	out := settings{set: maps.Clone(s.set), strange: maps.Clone(s.strange)}
	delete(out.set, name)
	delete(out.strange, name)
	if out.set == nil {
		out.set = map[string]string{}
	}
	if out.strange == nil {
		out.strange = map[string]string{}
	}
	switch why := strange(change); {
	case change.Reset:
	case why != "":
		out.strange[name] = why
	case !idle(change):
		out.set[name] = change.Value
	}
	return out
}

// idleSettings decide how fast or how loud something runs, and nothing of an answer.
var idleSettings = map[string]bool{
	"statement_timeout": true, "lock_timeout": true, "idle_in_transaction_session_timeout": true, "idle_session_timeout": true, "transaction_timeout": true, "deadlock_timeout": true,
	"work_mem": true, "hash_mem_multiplier": true, "maintenance_work_mem": true, "temp_buffers": true, "temp_tablespaces": true, "effective_cache_size": true,
	"plan_cache_mode": true, "from_collapse_limit": true, "join_collapse_limit": true, "synchronous_commit": true, "client_connection_check_interval": true,
	"client_min_messages": true, "default_transaction_isolation": true, "default_transaction_deferrable": true,
}

// idle says that a change makes no difference to answers, or is what every session here
// has.
func idle(c sqltext.Change) bool {
	for _, prefix := range []string{"enable_", "log_", "track_", "debug_", "geqo", "jit", "cpu_", "seq_page_", "random_page_", "parallel_", "min_parallel_", "max_parallel_", "vacuum_", "tcp_", "auto_explain."} {
		if strings.HasPrefix(c.Name, prefix) {
			return true
		}
	}
	return idleSettings[c.Name] || backend.Pinned(c.Name) && fixed(c.Name, c.Value)
}

// fixed says whether the value is as good as the one that the parameter always has here.
func fixed(name, value string) bool {
	if name == "extra_float_digits" { // from 1 on the shortest exact text, since PostgreSQL 12
		n, err := strconv.Atoi(value)
		return err == nil && n >= 1
	}
	return backend.SamePinned(name, value)
}

// strange is why a replay can't have the change, "" where it can.
func strange(c sqltext.Change) string {
	switch {
	case c.Reset || idle(c) && !c.Unknown:
		return ""
	case c.Unknown:
		return fmt.Sprintf("its session has set %s in a way that can't be followed", shown(c.Name))
	case backend.Pinned(c.Name):
		return fmt.Sprintf("its session has set %s, which is fixed here", shown(c.Name))
	case executor.CheckSession(map[string]string{c.Name: c.Value}) != nil:
		return fmt.Sprintf("its session has set %s, which a replay can't", shown(c.Name))
	}
	return ""
}

// shown is a name that a report may show.
func shown(name string) string {
	if name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_. ") != "" {
		return "a parameter"
	}
	return name
}

// texts are arguments as texts, nil where there is none.
func texts(args []Arg) []*string {
	list := make([]*string, len(args))
	for i, a := range args {
		list[i] = a.Text
	}
	return list
}
