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
	start settings // what RESET goes back to
	now   settings
	tx    *transaction // nil: none is open
}

// settings are never changed in place.
type settings struct {
	set     map[string]string // by lower-case name
	strange map[string]string // why a replay can't have it, by name
}

type transaction struct {
	number  uint64   // 0 where it is not known
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
	c := s.of(l)
	c.meet(l)
	vars, why = c.now.set, c.now.why()
	c.take(l)
	return vars, why
}

// clone is s for who changes it; nil is one that knows nothing.
func (s *Sessions) clone() *Sessions {
	out := &Sessions{conns: map[string]*session{}}
	if s != nil {
		for name, c := range s.conns {
			out.conns[name] = c.clone()
		}
	}
	return out
}

func (c *session) clone() *session {
	out := *c
	if c.tx != nil {
		tx := *c.tx
		tx.points = slices.Clone(tx.points)
		out.tx = &tx
	}
	return &out
}

// Before are Sessions that know what is in force for l, and of its connection only: for who
// runs l, or the transaction that it begins, apart from what came before. Call it before
// Follow.
func (s *Sessions) Before(l Line) *Sessions {
	return &Sessions{conns: map[string]*session{l.Conn: s.of(l).clone()}}
}

// of is the connection of l, with the settings that l says of it.
func (s *Sessions) of(l Line) *session {
	c := s.conns[l.Conn]
	if c == nil {
		if s.conns == nil {
			s.conns = make(map[string]*session)
		}
		c = &session{}
		s.conns[l.Conn] = c
	}
	for name, value := range l.Settings {
		change := sqltext.Change{Name: strings.ToLower(name), Value: value}
		c.start, c.now = c.start.with(change, settings{}), c.now.with(change, settings{})
		if c.tx != nil {
			c.tx.before, c.tx.session = c.tx.before.with(change, settings{}), c.tx.session.with(change, settings{})
		}
	}
	return c
}

// why is the reason of the first name, "" where there is none.
func (s settings) why() string {
	if len(s.strange) == 0 {
		return ""
	}
	return s.strange[slices.Min(slices.Collect(maps.Keys(s.strange)))]
}

// meet mends what a record has lost: the begin of the transaction that l is in, or the end of
// the one before it, of which nobody knows how it was.
func (c *session) meet(l Line) {
	if c.tx != nil && c.tx.number == 0 {
		c.tx.number = l.Tx
	}
	if c.tx != nil && l.Tx != c.tx.number && c.tx.number != 0 {
		before, after := c.tx.before, c.tx.session
		c.now, c.tx = before, nil
		for name := range after.differs(before) {
			c.now = c.now.with(sqltext.Change{Name: name, Unknown: true}, c.start)
		}
	}
	if c.tx == nil && l.Tx != 0 && l.Kind != KindBegin {
		c.tx = &transaction{number: l.Tx, before: c.now, session: c.now}
	}
}

// differs are the names in which two settings differ.
func (s settings) differs(other settings) map[string]bool {
	names := map[string]bool{}
	for _, m := range [...][2]map[string]string{{s.set, other.set}, {other.set, s.set}, {s.strange, other.strange}, {other.strange, s.strange}} {
		for name, value := range m[0] {
			if was, ok := m[1][name]; !ok || was != value {
				names[name] = true
			}
		}
	}
	return names
}

// take changes the session by what l does.
func (c *session) take(l Line) {
	ended := l.Outcome == "" || l.Outcome == "ok" // well, as far as anybody knows
	text := sqltext.Parse(l.SQL)
	begins, ends := l.Kind == KindBegin, l.Kind == KindCommit || l.Kind == KindRollback
	undone := l.Kind == KindRollback
	if l.SQL != "" && !begins && !ends && ended && !text.Multi {
		begins, ends = text.Tx == sqltext.Begin, text.Tx == sqltext.End
		undone = ends && (strings.HasPrefix(text.Name, "rollback") || strings.HasPrefix(text.Name, "abort"))
	}
	switch {
	case begins:
		if c.tx == nil && ended { // else it is a warning
			c.tx = &transaction{number: l.Tx, before: c.now, session: c.now}
		}
		return
	case ends && c.tx != nil:
		if undone || !ended || c.tx.failed {
			c.now = c.tx.before
		} else {
			c.now = c.tx.session
		}
		c.tx = nil
		if text.Chain {
			c.tx = &transaction{before: c.now, session: c.now}
		}
		return
	case !ended && refused(l.Outcome):
		if c.tx != nil {
			c.tx.failed = true
		}
		return
	case text.Tx == sqltext.Savepoint && c.tx != nil && ended:
		c.savepoint(l.SQL)
		return
	}
	list, _ := sqltext.Changes(l.SQL, texts(l.Args))
	for _, change := range list {
		// Of several statements in one text some may be undone; of what was interrupted nobody
		// knows whether it was done.
		change.Unknown = change.Unknown || text.Multi && text.Tx != sqltext.None || !ended
		c.change(change)
	}
}

// refused says that the server has answered with an error, which ends what a transaction can
// do; what a driver refused by itself was not sent.
func refused(outcome string) bool { return len(outcome) == 5 } // a SQLSTATE, or "error" of a log

// savepoint takes SAVEPOINT, RELEASE and ROLLBACK TO.
func (c *session) savepoint(sql string) {
	verb, name := savepointOf(sql)
	if verb == "savepoint" {
		c.tx.points = append(c.tx.points, savepoint{name, c.now, c.tx.session, c.tx.failed})
		return
	}
	for i, p := range slices.Backward(c.tx.points) {
		if p.name != name {
			continue
		}
		if verb == "release" {
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
	c.now = c.now.with(change, c.start)
	if c.tx != nil && !change.Local {
		c.tx.session = c.tx.session.with(change, c.start)
	}
}

// unreset are parameters that RESET ALL leaves alone.
var unreset = []string{"role", "session_authorization"}

// with is s after a change; RESET goes back to start.
func (s settings) with(change sqltext.Change, start settings) settings {
	name := change.Name
	if name == "" {
		out := start.copy()
		for _, kept := range unreset {
			out.take(kept, s)
		}
		return out
	}
	out := s.copy()
	if change.Reset && !change.Unknown {
		out.take(name, start)
		return out
	}
	delete(out.set, name)
	delete(out.strange, name)
	if why := strange(change); why != "" {
		out.strange[name] = why
	} else if !idle(change) {
		out.set[name] = change.Value
		if name == readOnlySetting {
			out.set[name] = boolean(change.Value)
		}
	}
	return out
}

func (s settings) copy() settings {
	out := settings{set: map[string]string{}, strange: map[string]string{}}
	maps.Copy(out.set, s.set)
	maps.Copy(out.strange, s.strange)
	return out
}

// take makes of the parameter called name what it is in from.
func (s settings) take(name string, from settings) {
	delete(s.set, name)
	delete(s.strange, name)
	if v, ok := from.set[name]; ok {
		s.set[name] = v
	}
	if v, ok := from.strange[name]; ok {
		s.strange[name] = v
	}
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
	case idle(c) && (!c.Unknown || !backend.Pinned(c.Name)):
		return ""
	case c.Unknown:
		return fmt.Sprintf("its session has set %s in a way that can't be followed", shown(c.Name))
	case c.Name == readOnlySetting && boolean(c.Value) != "":
		return ""
	case backend.Pinned(c.Name):
		return fmt.Sprintf("its session has set %s, which is fixed here", shown(c.Name))
	case executor.CheckSession(map[string]string{c.Name: c.Value}) != nil:
		return fmt.Sprintf("its session has set %s, which a replay can't", shown(c.Name))
	}
	return ""
}

// readOnlySetting is what transactions are by default; options makes it theirs.
const readOnlySetting = "default_transaction_read_only"

// boolean is "on" or "off", "" where value is neither.
func boolean(value string) string {
	v := strings.ToLower(strings.TrimSpace(value))
	begins := func(words ...string) bool { // PostgreSQL takes the beginning of a word for it
		return v != "" && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, v) })
	}
	switch {
	case v == "o": // of both
	case begins("on", "true", "yes", "1"):
		return "on"
	case begins("off", "false", "no", "0"):
		return "off"
	}
	return ""
}

// options are those of a transaction in which vars are in force.
func options(vars map[string]string) *executor.TxOptions {
	o := &executor.TxOptions{ReadOnly: vars[readOnlySetting] == "on", Session: vars}
	if _, ok := vars[readOnlySetting]; ok {
		o.Session = maps.Clone(vars)
		delete(o.Session, readOnlySetting)
	}
	return o
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
