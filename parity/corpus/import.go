package corpus

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// Imported says what became of a source of statements.
type Imported struct {
	// Lines were written.
	Lines int64
	// Unusable counts, by reason, statements that were seen and could not be used.
	Unusable map[string]int64
}

// The reasons of Imported.Unusable and Replayed.Unusable.
const (
	whyCopy      = "COPY: its rows are not in the statement"
	whyListen    = "LISTEN is bound to a connection"
	whyCursor    = "a cursor lives on its connection"
	whySession   = "a setting or prepared statement of a session"
	whyFetch     = "a fetch from an open portal repeats no statement"
	whyFastpath  = "a fast-path function call"
	whyArguments = "it failed, and its arguments were not logged (log_parameter_max_length_on_error)"
	whyNoParams  = "its arguments are not in the log"
	whyFormat    = "a parameter list that can't be read"
	whyEmpty     = "an empty statement, such as a ping"
	whyEncoding  = "its text is not UTF-8"
	whyNoEnd     = "its transaction has no end in the source"
	whyUnread    = "a line of the log that can't be read"
)

// entry is one message of PostgreSQL's log.
type entry struct {
	session   string
	database  string
	time      time.Time
	severity  string
	state     string // SQLSTATE, where the format has it
	message   string
	detail    string
	statement string // of an error
}

// importer makes lines of entries. A line waits for the next entry of its session,
// which may tell how it ended.
type importer struct {
	emit     func(Line) error
	database string
	out      Imported
	sessions map[string]*logSession
	order    []string
	txs      uint64
}

type logSession struct {
	open *Line
	tx   uint64
}

var (
	durationRE = regexp.MustCompile(`^duration: ([0-9.]+) ms(?:  |$)`)
	executeRE  = regexp.MustCompile(`^(parse|bind|execute fetch from|execute) ([^:]*): `)
)

func newImporter(database string, emit func(Line) error) *importer {
	return &importer{emit: emit, database: database, sessions: make(map[string]*logSession), out: Imported{Unusable: make(map[string]int64)}}
}

func (m *importer) add(e entry) error {
	if m.database != "" && e.database != "" && e.database != m.database {
		return nil
	}
	s := m.sessions[e.session]
	if s == nil {
		s = &logSession{}
		m.sessions[e.session] = s
		m.order = append(m.order, e.session)
	}
	switch e.severity {
	case "LOG":
		return m.log(s, e)
	case "ERROR", "FATAL", "PANIC":
		return m.failed(s, e)
	}
	return nil
}

// log takes a message that may hold a statement (PostgreSQL documentation, "Error
// Reporting and Logging": log_statement, log_min_duration_statement).
func (m *importer) log(s *logSession, e entry) error {
	text := e.message
	var took time.Duration
	if d := durationRE.FindStringSubmatch(text); d != nil {
		ms, _ := strconv.ParseFloat(d[1], 64)
		took = time.Duration(ms * float64(time.Millisecond))
		text = text[len(d[0]):]
		if text == "" { // of a statement that log_statement has written already
			if s.open != nil {
				s.open.Duration, s.open.Outcome = took, "ok"
			}
			return nil
		}
	}
	l := Line{Time: e.time, Conn: e.session, Duration: took}
	if took > 0 {
		l.Outcome = "ok"
		l.Time = e.time.Add(-took)
		if e.time.IsZero() {
			l.Time = time.Time{}
		}
	}
	switch x := executeRE.FindStringSubmatch(text); {
	case strings.HasPrefix(text, "statement: "):
		l.SQL = strings.TrimPrefix(text, "statement: ")
	case strings.HasPrefix(text, "fastpath function call: "):
		m.out.Unusable[whyFastpath]++
		return nil
	case x == nil || x[1] == "parse" || x[1] == "bind":
		return nil
	case x[1] == "execute fetch from":
		m.out.Unusable[whyFetch]++
		return nil
	default:
		l.SQL = text[len(x[0]):]
		args, why := parameters(e.detail)
		if why == "" && len(args) == 0 && sqltext.Parse(l.SQL).Params > 0 {
			why = whyNoParams
		}
		if why != "" {
			m.out.Unusable[why]++
			return nil
		}
		l.Args = args
	}
	return m.put(s, l)
}

// failed takes an error: of the statement that was logged before, or of one that
// was not.
func (m *importer) failed(s *logSession, e entry) error {
	outcome := e.state
	if outcome == "" {
		outcome = "error"
	}
	if s.open != nil && (s.open.SQL == e.statement || e.statement == "" && e.severity == "ERROR") {
		s.open.Outcome = outcome
		return nil
	}
	if e.statement == "" {
		return nil
	}
	if sqltext.Parse(e.statement).Params > 0 {
		m.out.Unusable[whyArguments]++
		return nil
	}
	return m.put(s, Line{Time: e.time, Conn: e.session, SQL: e.statement, Outcome: outcome})
}

// put classifies a line and keeps it until the next of its session.
func (m *importer) put(s *logSession, l Line) error {
	if s.open != nil && s.open.Outcome == "" {
		s.open.Outcome = "ok" // an error would stand between the two
	}
	if err := m.flush(s); err != nil {
		return err
	}
	t := sqltext.Parse(l.SQL)
	why := map[sqltext.Kind]string{sqltext.Copy: whyCopy, sqltext.Listen: whyListen, sqltext.Cursor: whyCursor, sqltext.Empty: whyEmpty}[t.Kind]
	if why != "" {
		m.out.Unusable[why]++
		return nil
	}
	l.Kind = KindExec
	if t.Kind == sqltext.Read || t.Returning {
		l.Kind = KindQuery
	}
	l.Tx = s.tx
	if !t.Multi && t.Kind == sqltext.Transaction && l.Outcome != "error" && len(l.Outcome) != 5 {
		switch t.Tx { //nolint:exhaustive // the others stay where they are
		case sqltext.Begin:
			m.txs++
			s.tx, l.Tx, l.Kind = m.txs, m.txs, KindBegin
		case sqltext.End:
			l.Kind = KindCommit
			if strings.HasPrefix(t.Name, "rollback") || strings.HasPrefix(t.Name, "abort") {
				l.Kind = KindRollback
			}
			s.tx = 0
		}
	}
	s.open = &l
	return nil
}

func (m *importer) flush(s *logSession) error {
	if s.open == nil {
		return nil
	}
	l := *s.open
	s.open = nil
	l.Version = Version
	if err := l.check(); err != nil {
		m.out.Unusable[whyEncoding]++
		return nil //nolint:nilerr // it is counted
	}
	m.out.Lines++
	return m.emit(l)
}

func (m *importer) end() (Imported, error) {
	for _, name := range m.order {
		if err := m.flush(m.sessions[name]); err != nil {
			return m.out, err
		}
	}
	return m.out, nil
}

// parameters reads the detail "Parameters: $1 = 'it”s', $2 = NULL" ("parameters:"
// before PostgreSQL 16).
func parameters(detail string) (args []Arg, why string) {
	rest, ok := cutFold(detail, "parameters: ")
	if !ok {
		return nil, ""
	}
	for rest != "" {
		name, value, found := strings.Cut(rest, " = ")
		if !found || name != "$"+strconv.Itoa(len(args)+1) {
			return nil, whyFormat
		}
		switch {
		case strings.HasPrefix(value, "NULL"):
			args, rest = append(args, Arg{}), value[len("NULL"):]
		case strings.HasPrefix(value, "'"):
			text, n := unquote(value)
			if n < 0 {
				return nil, whyFormat
			}
			args, rest = append(args, TextArg(text)), value[n:]
		default:
			return nil, whyFormat
		}
		if rest, found = strings.CutPrefix(rest, ", "); !found && rest != "" {
			return nil, whyFormat
		}
	}
	return args, ""
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// unquote reads text in single quotes, which are doubled inside, and its length; -1
// where it does not end.
func unquote(s string) (string, int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1
	}
	return "", -1
}
