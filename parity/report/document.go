package report

import (
	"slices"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

// Format names the form of a Document; it changes when a field changes its
// meaning.
const Format = "fraiseql-parity-report/1"

// Document is a whole report. docs/reference/parity-report.schema.json describes
// its JSON.
type Document struct {
	// Format is "fraiseql-parity-report/1".
	Format string `json:"format"`
	// Head says what was compared, when and how.
	Head Head `json:"head"`
	// Passed says that something was compared, that nothing differs, and that all
	// gates of the run were met.
	Passed bool `json:"passed"`
	// ExitCode is that of the command that made the report.
	ExitCode int `json:"exit_code"`
	// Failures says in words what kept the run from passing.
	Failures []string `json:"failures,omitempty"`
	// Verdicts counts operations.
	Verdicts Verdicts `json:"verdicts"`
	// Failed counts the operations that ended in the same error on both sides, by code and
	// SQLSTATE: they agree, and no value of theirs was compared.
	Failed []Count `json:"failed,omitempty"`
	// Oracles says what was asked of each side alone; absent where nothing was to be.
	Oracles *Oracles `json:"oracles,omitempty"`
	// Bound is what the counts say about operations that were not run.
	Bound Bound `json:"bound"`
	// Wrong counts the operations in which the server's own to_json contradicts a side.
	Wrong []Count `json:"wrong,omitempty"`
	// Rules are the normalizations that were needed, with how often.
	Rules []Count `json:"rules"`
	// Ignores are the differences that somebody has accepted for a while.
	Ignores []Ignored `json:"ignores,omitempty"`
	// Classes are groups of operations that differ in their values only, the one with
	// the most operations first.
	Classes []Class `json:"classes"`
	// OtherClasses counts the operations of classes that were left out to bound memory.
	// A class with a mismatch is left out last.
	OtherClasses int64 `json:"other_classes"`
	// Latency compares how long both sides took, over all classes.
	Latency Latency `json:"latency"`
	// Allocations says how allocations were measured, or why they were not.
	Allocations string `json:"allocations"`
	// Coverage says what was never compared; absent where nobody looked.
	Coverage *Coverage `json:"coverage,omitempty"`
	// Privacy says what of the values of rows is shown.
	Privacy Privacy `json:"privacy"`
}

// SameSides says that a backend was compared with itself.
func (d *Document) SameSides() bool {
	return d.Head.Control.Mode != "" && d.Head.Control.Mode == d.Head.Candidate.Mode
}

// Head says what was compared, when and how.
type Head struct {
	// Tool is the name and the version of what made the report.
	Tool string `json:"tool"`
	// Started is when the first operation began.
	Started time.Time `json:"started"`
	// Ended is when the report was made.
	Ended time.Time `json:"ended"`
	// Control is the side that is trusted.
	Control Side `json:"control"`
	// Candidate is the side that is to replace it.
	Candidate Side `json:"candidate"`
	// Server is the version of PostgreSQL.
	Server string `json:"server"`
	// Source says where the operations came from: a file, a seed.
	Source string `json:"source"`
	// SourceHash is the SHA-256 of that file.
	SourceHash string `json:"source_sha256,omitempty"`
	// Seed is that of operations that were made up.
	Seed uint64 `json:"seed,omitempty"`
	// Operations is how many there were to run; more than were run where time ran out.
	Operations int64 `json:"operations"`
	// Writes says what became of writes: rollback, commit, skip, clones or describe.
	Writes string `json:"writes,omitempty"`
	// Resumed counts how often the run was continued after an interruption.
	Resumed int `json:"resumed,omitempty"`
	// Differing are the settings in which the sessions of the two sides differ.
	Differing []string `json:"settings_differing,omitempty"`
}

// Side is one of the two backends.
type Side struct {
	// Mode is the backend and its mode: "pgx/cache_statement".
	Mode string `json:"mode"`
	// Settings are the settings of its sessions that decide how values look and how
	// statements run, from pg_settings.
	Settings []Setting `json:"settings,omitempty"`
}

// Setting is one of a session.
type Setting struct {
	// Name is that of pg_settings.
	Name string `json:"name"`
	// Value is the session's.
	Value string `json:"value"`
}

// Verdicts counts operations by their verdict.
type Verdicts struct {
	// Equal: everything observed was identical in canonical form.
	Equal int64 `json:"equal"`
	// EqualByRule: identical after rules that are counted.
	EqualByRule int64 `json:"equal_by_rule"`
	// Noise: the control differs from itself when it is run again.
	Noise int64 `json:"noise"`
	// Mismatch: the two sides differ.
	Mismatch int64 `json:"mismatch"`
	// Inconclusive: a connection failed, the caller left before the end, or both sides
	// failed alike where it had ended otherwise when it was recorded.
	Inconclusive int64 `json:"inconclusive"`
	// NotCompared: the operation did not run on both sides.
	NotCompared int64 `json:"not_compared"`
}

// Bound is a confidence bound of the share of operations that differ.
type Bound struct {
	// Compared is how many operations were equal, equal by rule, or a mismatch.
	Compared int64 `json:"compared"`
	// Differing is how many of them were a mismatch.
	Differing int64 `json:"differing"`
	// Lower bounds the share from below; 0 where nothing differs.
	Lower float64 `json:"lower"`
	// Upper bounds the share from above; 1 where nothing was compared.
	Upper float64 `json:"upper"`
	// Confidence is 0.95.
	Confidence float64 `json:"confidence"`
	// Method is "rule of three" (one-sided, 3/n, where nothing differs),
	// "Clopper-Pearson" (exact, two-sided), or "none".
	Method string `json:"method"`
	// Text is the bound as a sentence.
	Text string `json:"text"`
}

// Count is a name with how often it occurred.
type Count struct {
	// Name is what was counted.
	Name string `json:"name"`
	// Count is how often it occurred.
	Count int64 `json:"count"`
}

// Oracles counts the checks of one side's answers against each other.
type Oracles struct {
	// Checks is how many were made.
	Checks int64 `json:"checks"`
	// NotAsked is how often one had nothing to say, or failed: nothing was checked.
	NotAsked int64 `json:"not_asked"`
}

// Ignored is a difference that somebody has accepted for a while.
type Ignored struct {
	// What names the operation, class and column, and the last day.
	What string `json:"what"`
	// Owner answers for it.
	Owner string `json:"owner"`
	// Reason says why.
	Reason string `json:"reason"`
	// Used counts the differences that it was needed for.
	Used int64 `json:"used"`
}

// Class is a group of operations that differ in their values only.
type Class struct {
	// Name is the shape of the operation, without a value.
	Name string `json:"name"`
	// Fingerprint identifies the class across runs: 16 hexadecimal digits.
	Fingerprint string `json:"fingerprint"`
	// Operations is the weight of the class: how many there were.
	Operations int64 `json:"operations"`
	// Rows is how many rows the control gave.
	Rows int64 `json:"rows"`
	// Verdicts counts them.
	Verdicts Verdicts `json:"verdicts"`
	// Rules are the normalizations that they needed.
	Rules []Count `json:"rules,omitempty"`
	// Examples are some of the operations that did not pass.
	Examples []Example `json:"examples,omitempty"`
	// Latency compares how long both sides took.
	Latency Latency `json:"latency"`
	// Allocations compares what both sides allocated; absent where it was not measured.
	Allocations *Allocations `json:"allocations,omitempty"`
}

// Example is one operation that did not pass.
type Example struct {
	// Title is what the source of the operation calls it.
	Title string `json:"title"`
	// Line is that of the source; 0 where there is none.
	Line int `json:"line,omitempty"`
	// Seq is the number of the operation in its harness.
	Seq uint64 `json:"seq"`
	// Verdict is that of the operation.
	Verdict parity.Verdict `json:"verdict"`
	// Reason says why there is no other verdict.
	Reason string `json:"reason,omitempty"`
	// Wrong says whose values the server's own to_json contradicts.
	Wrong parity.Voice `json:"wrong,omitempty"`
	// Control is how the control ended: "3 rows", or an error by code and SQLSTATE.
	Control string `json:"control"`
	// Candidate is how the candidate ended.
	Candidate string `json:"candidate"`
	// Diffs are the differences.
	Diffs []Diff `json:"diffs,omitempty"`
	// MoreDiffs counts differences beyond these.
	MoreDiffs int `json:"more_diffs,omitempty"`
	// Replay is a command that shows the difference again.
	Replay string `json:"replay,omitempty"`
	// Reproducer is a file with the smallest operation and rows that still differ.
	Reproducer string `json:"reproducer,omitempty"`
}

// Diff is one difference.
type Diff struct {
	// Kind says what differs: columns, value, missing, extra, affected, error, statement
	// or what a package beside the core has added.
	Kind parity.Kind `json:"kind"`
	// Statement names the statement.
	Statement string `json:"statement,omitempty"`
	// Row is the 1-based row of the control; 0 where no row is meant.
	Row int64 `json:"row,omitempty"`
	// Cells are the values that differ.
	Cells []Cell `json:"cells,omitempty"`
	// Detail is the difference in words, values included; only where every column is
	// revealed.
	Detail string `json:"detail,omitempty"`
}

// Cell is one value that differs.
type Cell struct {
	// Column is its column.
	Column string `json:"column"`
	// Type is the column's type as PostgreSQL names it.
	Type string `json:"type"`
	// Control is the control's value.
	Control Value `json:"control"`
	// Candidate is the candidate's value.
	Candidate Value `json:"candidate"`
	// Server is what the server's own to_json says; absent where it was not asked.
	Server *Value `json:"server,omitempty"`
}

// Value is what may be known of a value.
type Value struct {
	// Null: it is NULL, and nothing more is to be said.
	Null bool `json:"null,omitempty"`
	// Length is the number of its characters.
	Length int `json:"length"`
	// Mask has a sign for each of the first 64 characters, by class: 9 for a digit, a
	// and A for small and capital letters, _ for a space, . for a sign of ASCII, * for
	// what is not ASCII, ? for a control character.
	Mask string `json:"mask,omitempty"`
	// Hash is a keyed hash of the value: equal inside one report where values are equal,
	// and worth nothing across two.
	Hash string `json:"hash,omitempty"`
	// Text is the value, of a column that is revealed, at most 1000 characters of it.
	Text *string `json:"text,omitempty"`
	// Marks are the parts that differ from the other side's: [from, to) in characters of
	// Text, or of Mask where there is no Text.
	Marks [][2]int `json:"marks,omitempty"`
}

// Latency compares paired times: both sides ran the same operation.
type Latency struct {
	// N is how many operations were timed on both sides and passed.
	N int64 `json:"n"`
	// Sampled is how many of them, chosen at random, the numbers below are of.
	Sampled int `json:"sampled"`
	// ControlNS is the control's median, in nanoseconds.
	ControlNS int64 `json:"control_ns"`
	// CandidateNS is the candidate's median, in nanoseconds.
	CandidateNS int64 `json:"candidate_ns"`
	// Difference is the median of candidate minus control, in nanoseconds.
	Difference Interval `json:"difference_ns"`
	// Relative is the median of that difference as a share of the control's time.
	Relative Interval `json:"relative"`
	// Judgement is "slower" or "faster" where the interval of Relative has no zero in it,
	// "no difference seen" where it has, and "too few" below 6 pairs.
	Judgement string `json:"judgement"`
}

// Interval is a median with the 95 % interval that the sign test's order
// statistics give, which assumes nothing of how times are distributed.
type Interval struct {
	// Median is in the middle.
	Median float64 `json:"median"`
	// Low is the lower end; absent below 6 values.
	Low *float64 `json:"low,omitempty"`
	// High is the upper end; absent below 6 values.
	High *float64 `json:"high,omitempty"`
}

// Allocations compares what one operation of a class allocated on each side alone,
// with nothing else running in the process.
type Allocations struct {
	// N is how often it was run on each side.
	N int `json:"n"`
	// Control is the control's.
	Control Allocation `json:"control"`
	// Candidate is the candidate's.
	Candidate Allocation `json:"candidate"`
}

// Allocation is what one run of an operation allocates, as the median of several.
type Allocation struct {
	// Objects is how many objects.
	Objects int64 `json:"objects"`
	// Bytes is how many bytes.
	Bytes int64 `json:"bytes"`
}

// Coverage is what was compared of what there is.
type Coverage struct {
	// Percent is Compared of Total.
	Percent float64 `json:"percent"`
	// Compared is how many cells were compared, and the sides agreed.
	Compared int `json:"compared"`
	// Total is how many cells there are.
	Total int `json:"total"`
	// Never names what was never compared.
	Never []string `json:"never"`
	// NeverMore counts what Never leaves out.
	NeverMore int `json:"never_more,omitempty"`
	// Differed names what was compared, and the operations differed each time.
	Differed []string `json:"differed,omitempty"`
	// DifferedMore counts what Differed leaves out.
	DifferedMore int `json:"differed_more,omitempty"`
	// Undecided names what was run and never agreed on, and did not differ each time either:
	// the verdict was noise or inconclusive, or both sides ended in the same error.
	Undecided []string `json:"undecided,omitempty"`
	// UndecidedMore counts what Undecided leaves out.
	UndecidedMore int `json:"undecided_more,omitempty"`
	// Maps are the heat maps.
	Maps []HeatMap `json:"maps,omitempty"`
}

// Gap is a list of what a Coverage lacks.
type Gap struct {
	// Words say what of it: "never compared".
	Words string
	// Names are those that are listed.
	Names []string
	// More counts the others.
	More int
}

// Gaps are what c lacks, one for each reason that there is.
func (c *Coverage) Gaps() []Gap {
	all := []Gap{
		{"never compared", c.Never, c.NeverMore},
		{"compared, and always differed", c.Differed, c.DifferedMore},
		{"never agreed, by noise, errors or no verdict", c.Undecided, c.UndecidedMore},
	}
	return slices.DeleteFunc(all, func(g Gap) bool { return g.Len() == 0 })
}

// Len is how many there are.
func (g Gap) Len() int { return len(g.Names) + g.More }

// HeatMap is a table of how often something was compared, and the sides agreed.
type HeatMap struct {
	// Title says what its rows and columns are.
	Title string `json:"title"`
	// Columns are the headings.
	Columns []string `json:"columns"`
	// Rows have one cell for each column.
	Rows []HeatRow `json:"rows"`
}

// HeatRow is one row of a HeatMap.
type HeatRow struct {
	// Name is what the row is of.
	Name string `json:"name"`
	// Cells count comparisons in which the sides agreed; -1 where there is nothing to compare.
	Cells []int64 `json:"cells"`
}

// Privacy says what of the values of rows is shown.
type Privacy struct {
	// Values is "redacted", "revealed in part" or "revealed".
	Values string `json:"values"`
	// Reveal are the patterns of columns that are revealed.
	Reveal []string `json:"reveal,omitempty"`
}
