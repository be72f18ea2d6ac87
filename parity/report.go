package parity

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// Verdict is the outcome of one comparison. The zero Verdict is NotCompared:
// what nothing is known of has not passed.
type Verdict uint8

// The verdicts. Only Equal and EqualByRule pass.
const (
	// NotCompared: the operation ran on the control only; Report.Reason says why.
	NotCompared Verdict = iota
	// Equal: everything observed was identical in canonical form.
	Equal
	// EqualByRule: identical after the rules that Report.Rules counts.
	EqualByRule
	// Noise: the control differs from itself when it is run again.
	Noise
	// Mismatch: the two backends differ; Report.Diffs says where.
	Mismatch
	// Inconclusive: a connection failed, the caller left before the end, or both sides failed alike
	// where the operation had ended otherwise when it was recorded.
	Inconclusive
)

// verdictNames are the names in reports, in the order of the constants.
var verdictNames = [...]string{"not compared", "equal", "equal by rule", "noise", "mismatch", "inconclusive"}

// Verdicts lists all verdicts in the order in which reports print them.
func Verdicts() []Verdict {
	return []Verdict{Equal, EqualByRule, Noise, Mismatch, Inconclusive, NotCompared}
}

// String is the name of v in reports: "equal", "equal by rule", "noise",
// "mismatch", "inconclusive" or "not compared".
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// MarshalText makes a Verdict its name in JSON.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText has written.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no verdict", text)
}

// Pass says whether v counts as agreement.
func (v Verdict) Pass() bool { return v == Equal || v == EqualByRule }

// Kind says what differed.
type Kind string

// The kinds of difference.
const (
	DiffColumns   Kind = "columns"   // names, order or number of columns
	DiffValue     Kind = "value"     // one or more cells of a row
	DiffMissing   Kind = "missing"   // a row that only the control has
	DiffExtra     Kind = "extra"     // a row that only the candidate has
	DiffAffected  Kind = "affected"  // rows affected
	DiffError     Kind = "error"     // error against success, or another error
	DiffStatement Kind = "statement" // the two sides did not run the same statements
	DiffServer    Kind = "server"    // both agree, and the server's to_json says otherwise
	DiffNotice    Kind = "notice"    // severity, SQLSTATE or text of notices and warnings
	DiffState     Kind = "state"     // of the transaction: in one, or failed
	DiffSettings  Kind = "settings"  // run-time parameters that were set
	DiffWritten   Kind = "written"   // rows inserted, updated and deleted, by table
	DiffUnstable  Kind = "unstable"  // a row that changed after it was handed out
)

// Diff is one difference. It holds values of rows: it is for the process that
// ran the operation, and is left out of what clients see.
type Diff struct {
	Kind      Kind   `json:"kind"`
	Statement string `json:"statement"`        // name of the Statement
	Row       int64  `json:"row,omitempty"`    // 1-based row of the control, 0 where no row is meant
	Detail    string `json:"detail,omitempty"` // readable difference, control "-", candidate "+"
	// Cells are the values that differ, of DiffValue; one for each column.
	Cells []Cell `json:"cells,omitempty"`
}

// Cell is one value that differs.
type Cell struct {
	Column    string `json:"column"`
	Type      string `json:"type"` // the column's type as PostgreSQL names it
	Control   Value  `json:"control"`
	Candidate Value  `json:"candidate"`
	// Server is what the server's own to_json says: the Value that it confirms, else
	// the JSON itself. nil where it was not asked or could not say. In a DiffServer
	// all three are JSON.
	Server *Value `json:"server,omitempty"`
}

// Value is a value in canonical form.
type Value struct {
	Null bool   `json:"null,omitempty"`
	Text string `json:"text,omitempty"` // codec.AppendCanonical of it
}

// Voice names who gave an answer.
type Voice string

// The voices. The third one, the server's own to_json, is no driver's.
const (
	VoiceControl   Voice = "control"
	VoiceCandidate Voice = "candidate"
	VoiceBoth      Voice = "both"
)

// String is one readable paragraph.
func (d Diff) String() string {
	var b strings.Builder
	b.WriteString(string(d.Kind))
	if d.Statement != "" {
		fmt.Fprintf(&b, " in %s", d.Statement)
	}
	if d.Row > 0 {
		fmt.Fprintf(&b, ", row %d", d.Row)
	}
	if d.Detail != "" {
		b.WriteString(":\n" + strings.TrimRight(d.Detail, "\n"))
	}
	return b.String()
}

// Side is what one backend did.
type Side struct {
	Backend  string        `json:"backend"` // "pgx/cache_statement"
	Duration time.Duration `json:"duration_ns"`
	Rows     int64         `json:"rows"`
	Code     backend.Code  `json:"code,omitempty"`     // of its error
	SQLState string        `json:"sqlstate,omitempty"` // of its error
}

// ErrRollback is for the function of an InTx to return where the transaction is to be
// rolled back and nothing went wrong, such as one that is replayed: the sides of its
// Report have no error then.
var ErrRollback = errors.New("rolled back")

// Report is the result of one comparison. Diffs are bounded (see WithMaxDiffs);
// Dropped counts the rest.
type Report struct {
	Seq       uint64 `json:"seq"` // number of the operation in its Harness, from 1
	Operation string `json:"operation"`
	// Class is the same for operations that differ in their values only: a hash of
	// the SQL of their statements, 16 hexadecimal digits; "" where none was sent.
	Class     string         `json:"class,omitempty"`
	Verdict   Verdict        `json:"verdict"`
	Reason    string         `json:"reason,omitempty"`
	Control   Side           `json:"control"`
	Candidate Side           `json:"candidate"`
	Rules     map[string]int `json:"rules,omitempty"` // rule name to how often it was needed
	// Wrong says whose values are not what the server's own to_json says; "" where
	// it was not asked or agrees with both. It may be set although the two agree
	// with each other: the verdict is Mismatch then too.
	Wrong   Voice  `json:"wrong,omitempty"`
	Diffs   []Diff `json:"diffs,omitempty"`
	Dropped int    `json:"diffs_dropped,omitempty"`
	// Uses are the columns and types that the operation used, and how; some repeat.
	Uses []builder.Use `json:"-"`
}

// MismatchError is the error of an operation whose backends differed, in strict
// mode. backend.CodeOf gives CodeParityMismatch. Its text names the operation
// and the first difference, values included: it is for logs, never for clients.
type MismatchError struct{ Report Report }

// Error names the operation, its number, and the first difference.
func (e *MismatchError) Error() string {
	r := e.Report
	s := fmt.Sprintf("parity mismatch in operation %d (%s): %s against %s", r.Seq, r.Operation, r.Control.Backend, r.Candidate.Backend)
	if len(r.Diffs) > 0 {
		s += ": " + r.Diffs[0].String()
	}
	return s
}
