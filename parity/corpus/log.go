package corpus

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// Format is a format of PostgreSQL's log, as log_destination names it.
type Format string

// The formats.
const (
	FormatStderr Format = "stderr"
	FormatCSV    Format = "csvlog"
	FormatJSON   Format = "jsonlog"
)

// Log describes a log.
type Log struct {
	Format Format
	// Prefix is the server's log_line_prefix, of FormatStderr. It has to hold %p or
	// %c, so that the lines of one connection can be told from another's.
	Prefix string
	// Database keeps statements of one database only, where the log tells them apart
	// (%d). "" takes all.
	Database string
}

// ImportLog reads what a server logged with log_statement = all or
// log_min_duration_statement = 0 and gives each statement to emit. Messages have to be
// in English (lc_messages = C). Text that a client gave is taken for what it is:
// arguments are the texts that the log shows, with no type.
//
// A log that log_parameter_max_length cuts has arguments that end in "..." and can't
// be told from whole ones: set it to -1, its default.
func ImportLog(r io.Reader, l Log, emit func(Line) error) (Imported, error) {
	m := newImporter(l.Database, emit)
	var err error
	switch l.Format {
	case FormatStderr:
		err = readStderr(r, l.Prefix, m)
	case FormatCSV:
		err = readCSV(r, m)
	case FormatJSON:
		err = readJSON(r, m)
	default:
		err = fmt.Errorf("format %q; want %s, %s or %s", l.Format, FormatStderr, FormatCSV, FormatJSON)
	}
	if err != nil {
		return m.out, fmt.Errorf("import a log: %w", err)
	}
	return m.end()
}

// Columns of csvlog (PostgreSQL documentation, "Using CSV-Format Log Output").
const (
	csvTime, csvDatabase, csvSession, csvSeverity = 0, 2, 5, 11
	csvState, csvMessage, csvDetail, csvQuery     = 12, 13, 14, 19
)

func readCSV(r io.Reader, m *importer) error {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	for {
		f, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) || err == nil && len(f) <= csvQuery {
			m.out.Unusable[whyUnread]++
			continue
		}
		if err != nil {
			return err
		}
		err = m.add(entry{
			session: f[csvSession], database: f[csvDatabase], time: logTime(f[csvTime]), severity: f[csvSeverity], state: f[csvState],
			message: f[csvMessage], detail: f[csvDetail], statement: f[csvQuery],
		})
		if err != nil {
			return err
		}
	}
}

func readJSON(r io.Reader, m *importer) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), MaxLine)
	for in.Scan() {
		var f struct {
			Timestamp string `json:"timestamp"`
			Database  string `json:"dbname"`
			Session   string `json:"session_id"`
			Severity  string `json:"error_severity"`
			State     string `json:"state_code"`
			Message   string `json:"message"`
			Detail    string `json:"detail"`
			Statement string `json:"statement"`
		}
		if err := json.Unmarshal(in.Bytes(), &f); err != nil {
			m.out.Unusable[whyUnread]++
			continue
		}
		err := m.add(entry{
			session: f.Session, database: f.Database, time: logTime(f.Timestamp), severity: f.Severity, state: f.State,
			message: f.Message, detail: f.Detail, statement: f.Statement,
		})
		if err != nil {
			return err
		}
	}
	return in.Err()
}

// logTime is a time of the log; zero where its zone is an abbreviation that says
// nothing here.
func logTime(s string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05.999 MST", "2006-01-02 15:04:05.999 -07"} {
		t, err := time.Parse(layout, s)
		if name, offset := t.Zone(); err == nil && (offset != 0 || name == "UTC" || name == "GMT" || name == "") {
			return t.UTC()
		}
	}
	return time.Time{}
}

// severities begin a message behind the prefix.
const severities = `(LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG\d?|DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION|BACKTRACE):  `

// escapes of log_line_prefix (PostgreSQL documentation, "log_line_prefix"); a name is
// the group that is read.
var escapes = map[byte]string{
	'm': `(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \S+)`, 't': `(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+)`, 'n': `\d+\.\d+`,
	'p': `(?P<pid>\d+)`, 'c': `(?P<session>[0-9a-f]+\.[0-9a-f]+)`, 'd': `(?P<db>\S*?)`, 'e': `(?P<state>[0-9A-Z]{5})`,
	'u': `\S*?`, 'a': `.*?`, 'b': `.*?`, 'r': `\S*?`, 'h': `\S*?`, 'L': `\S*?`, 'i': `.*?`, 's': `.*?`, 'v': `\S*?`, 'x': `\d*`, 'l': `\d+`, 'P': `\d*`, 'Q': `-?\d*`, '%': `%`,
}

// prefixRE is a log_line_prefix as a regular expression.
func prefixRE(prefix string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("^")
	session, optional := false, 0
	for i := 0; i < len(prefix); i++ {
		if prefix[i] != '%' {
			b.WriteString(regexp.QuoteMeta(prefix[i : i+1]))
			continue
		}
		padded := false
		for i++; i < len(prefix) && (prefix[i] == '-' || prefix[i] >= '0' && prefix[i] <= '9'); i++ {
			padded = true
		}
		if i == len(prefix) {
			return nil, errors.New("the prefix ends in %")
		}
		c := prefix[i]
		if c == 'q' { // processes without a session stop here
			b.WriteString("(?:")
			optional++
			continue
		}
		e, ok := escapes[c]
		if !ok {
			return nil, fmt.Errorf("the prefix has %%%c, which is not known", c)
		}
		session = session || c == 'p' || c == 'c'
		if padded {
			e = " *" + e + " *"
		}
		b.WriteString(e)
	}
	if !session {
		return nil, errors.New("the prefix has neither %p nor %c: whose line is whose can't be told")
	}
	b.WriteString(strings.Repeat(")?", optional))
	return regexp.Compile(b.String() + severities)
}

// readStderr puts the lines of a message together: further lines of one part begin
// with a tab, and DETAIL and STATEMENT follow as parts of their own.
func readStderr(r io.Reader, prefix string, m *importer) error {
	re, err := prefixRE(prefix)
	if err != nil {
		return err
	}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), MaxLine)
	open := make(map[string]*entry) // by session: the parts of two sessions mix
	known := make(map[string]bool)
	var order []string
	var part *string
	flush := func(session string) error {
		e := open[session]
		delete(open, session)
		if e == nil {
			return nil
		}
		return m.add(*e)
	}
	for in.Scan() {
		line := in.Text()
		if rest, ok := strings.CutPrefix(line, "\t"); ok {
			if part != nil {
				*part += "\n" + rest
			}
			continue
		}
		x := re.FindStringSubmatchIndex(line)
		if x == nil {
			part = nil
			if strings.TrimSpace(line) != "" {
				m.out.Unusable[whyUnread]++
			}
			continue
		}
		next := logEntry(re, line, x)
		e := open[next.session]
		part = nil
		switch next.severity {
		case "DETAIL":
			if e != nil {
				e.detail, part = next.message, &e.detail
			}
		case "STATEMENT":
			if e != nil {
				e.statement, part = next.message, &e.statement
			}
		case "HINT", "QUERY", "CONTEXT", "LOCATION", "BACKTRACE":
		default:
			if err := flush(next.session); err != nil {
				return err
			}
			if !known[next.session] {
				known[next.session] = true
				order = append(order, next.session)
			}
			open[next.session], part = next, &next.message
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	for _, session := range order { // in the order of their first messages
		if err := flush(session); err != nil {
			return err
		}
	}
	return nil
}

// logEntry is what stands in a line that re matches at x.
func logEntry(re *regexp.Regexp, line string, x []int) *entry {
	group := func(name string) string {
		if i := re.SubexpIndex(name); i >= 0 && x[2*i] >= 0 {
			return line[x[2*i]:x[2*i+1]]
		}
		return ""
	}
	last := len(x) - 2 // the severity is the last group
	e := &entry{session: group("session"), database: group("db"), time: logTime(group("time")), severity: line[x[last]:x[last+1]], state: group("state"), message: line[x[1]:]}
	if e.session == "" {
		e.session = group("pid")
	}
	if e.state == "00000" {
		e.state = ""
	}
	return e
}
