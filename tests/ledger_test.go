package tests

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/backendtest"
)

// deviation is one row of deviations.txt: a case that is known to fail on the
// backends and modes that match.
type deviation struct {
	Case   string
	Mode   string // "pgx/exec", or a pattern of path.Match: "pq/*"
	Reason string
	Source string // who says so: an issue, a document, a measurement
	Review time.Time
}

// ledger is deviations.txt.
type ledger []deviation

var (
	caseID     = regexp.MustCompile(`^[a-z]+/[0-9A-Za-z]+(-[0-9A-Za-z]+)*$`)
	modeSyntax = regexp.MustCompile(`^[a-z0-9_*?]+/[a-z0-9_*?]+$`)
)

// parseLedger reads rows of "case | backend/mode | reason | source | review date".
// Empty lines and lines that start with # say nothing. All errors are told at once.
func parseLedger(r io.Reader) (ledger, error) {
	var (
		list ledger
		errs []error
		seen = map[string]int{}
	)
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		d, err := parseDeviation(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		key := d.Case + " on " + d.Mode
		if first := seen[key]; first > 0 {
			errs = append(errs, fmt.Errorf("line %d: %s stands in line %d already", n, key, first))
			continue
		}
		seen[key] = n
		list = append(list, d)
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("line %d: %w", n+1, err))
	}
	return list, errors.Join(errs...)
}

func parseDeviation(text string) (deviation, error) {
	fields := strings.Split(text, "|")
	if len(fields) != 5 {
		return deviation{}, fmt.Errorf("%d fields, want 5: case | backend/mode | reason | source | review date", len(fields))
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	d := deviation{Case: fields[0], Mode: fields[1], Reason: fields[2], Source: fields[3]}
	switch {
	case !caseID.MatchString(d.Case):
		return d, fmt.Errorf("%q is no case ID", d.Case)
	case !modeSyntax.MatchString(d.Mode):
		return d, fmt.Errorf("%q is no backend/mode", d.Mode)
	case len(strings.Fields(d.Reason)) < 3:
		return d, fmt.Errorf("reason %q: want a sentence", d.Reason)
	case d.Source == "":
		return d, errors.New("no source")
	}
	var err error
	if d.Review, err = time.Parse(time.DateOnly, fields[4]); err != nil {
		return d, fmt.Errorf("review date %q: want YYYY-MM-DD", fields[4])
	}
	return d, nil
}

// known is the cases that are known to fail in one mode, with the reasons.
func (l ledger) known(mode string) map[string]string {
	m := map[string]string{}
	for _, d := range l {
		if ok, _ := path.Match(d.Mode, mode); ok { // the syntax was checked
			m[d.Case] = d.Reason
		}
	}
	return m
}

// check finds rows that can never apply: an unknown case, or a mode that nothing is in.
func (l ledger) check(cases, modes []string) error {
	var errs []error
	has := map[string]bool{}
	for _, id := range cases {
		has[id] = true
	}
	for _, d := range l {
		if !has[d.Case] {
			errs = append(errs, fmt.Errorf("%s: no case has this ID", d.Case))
		}
		used := false
		for _, m := range modes {
			ok, _ := path.Match(d.Mode, m)
			used = used || ok
		}
		if !used {
			errs = append(errs, fmt.Errorf("%s: no backend and mode is %s", d.Case, d.Mode))
		}
	}
	return errors.Join(errs...)
}

// readDeviations reads deviations.txt and checks it.
func readDeviations(t *testing.T) ledger {
	t.Helper()
	f, err := os.Open("deviations.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := parseLedger(f)
	if err != nil {
		t.Fatalf("deviations.txt:\n%v", err)
	}
	var ids, names []string
	for c := range backendtest.Cases() {
		ids = append(ids, c.ID)
	}
	for _, b := range modes() {
		names = append(names, backend.ModeOf(b))
	}
	if err := l.check(ids, names); err != nil {
		t.Fatalf("deviations.txt:\n%v", err)
	}
	for _, d := range l {
		// Not a failure: yesterday's commit must build tomorrow too.
		if time.Now().After(d.Review) {
			t.Logf("deviations.txt: %s on %s was to be reviewed by %s", d.Case, d.Mode, d.Review.Format(time.DateOnly))
		}
	}
	return l
}

func TestParseLedger(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, 5, 22, 0, 0, 0, 0, time.UTC)
	good := "params/65536 | pgx/simple_protocol | the simple protocol has no limit | docs, section 4 | 2027-05-22"
	tests := []struct {
		name, why, text, err string
		want                 ledger
	}{
		{"row", "five fields, blanks around them", good, "", ledger{{"params/65536", "pgx/simple_protocol", "the simple protocol has no limit", "docs, section 4", day}}},
		{"comments", "comments and empty lines say nothing", "# x\n\n  # y\n" + good + "\n", "", ledger{{"params/65536", "pgx/simple_protocol", "the simple protocol has no limit", "docs, section 4", day}}},
		{"empty", "an empty ledger is the goal", "", "", nil},
		{"no-reason", "a row without a reason hides a bug", "params/65536 | pgx/exec |  | x | 2027-05-22", "line 1: reason \"\": want a sentence", nil},
		{"short-reason", "a word is no reason", "params/65536 | pgx/exec | flaky | x | 2027-05-22", "line 1: reason \"flaky\": want a sentence", nil},
		{"no-source", "somebody must have said so", "params/65536 | pgx/exec | it is so there |  | 2027-05-22", "line 1: no source", nil},
		{"no-date", "a row without a review date stays for ever", "params/65536 | pgx/exec | it is so there | x | soon", "line 1: review date \"soon\": want YYYY-MM-DD", nil},
		{"bad-day", "30 February is no day", "params/65536 | pgx/exec | it is so there | x | 2027-02-30", "line 1: review date \"2027-02-30\": want YYYY-MM-DD", nil},
		{"fields", "a bar too few", "params/65536 | pgx/exec | it is so there | 2027-05-22", "line 1: 4 fields, want 5: case | backend/mode | reason | source | review date", nil},
		{"id", "an ID has an area", "65536 | pgx/exec | it is so there | x | 2027-05-22", "line 1: \"65536\" is no case ID", nil},
		{"mode", "a mode has a backend", "params/65536 | exec | it is so there | x | 2027-05-22", "line 1: \"exec\" is no backend/mode", nil},
		{"twice", "the second row would win in silence", good + "\n" + good, "line 2: params/65536 on pgx/simple_protocol stands in line 1 already", nil},
		{"all", "every error is told", "x\n" + good + "\ny", "line 1: 1 fields, want 5: case | backend/mode | reason | source | review date\nline 3: 1 fields, want 5: case | backend/mode | reason | source | review date", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseLedger(strings.NewReader(tt.text))
			text := ""
			if err != nil {
				text = err.Error()
			}
			if diff := cmp.Diff(tt.err, text); diff != "" {
				t.Errorf("%s: error (-want +got):\n%s", tt.why, diff)
			}
			if tt.err == "" {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", tt.why, diff)
				}
			}
		})
	}
}

func TestLedgerCheck(t *testing.T) {
	t.Parallel()
	l := ledger{{Case: "a/b", Mode: "pgx/*"}, {Case: "a/gone", Mode: "pq/default"}, {Case: "a/b", Mode: "pgx/typo"}}
	err := l.check([]string{"a/b"}, []string{"pgx/exec", "pq/default"})
	want := "a/gone: no case has this ID\na/b: no backend and mode is pgx/typo"
	if err == nil || err.Error() != want {
		t.Errorf("check gives %v, want %s", err, want)
	}
	if diff := cmp.Diff(map[string]string{"a/b": ""}, l.known("pgx/exec")); diff != "" {
		t.Errorf("a pattern must apply to every mode that it matches (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a/gone": ""}, l.known("pq/default")); diff != "" {
		t.Errorf("a row must not apply elsewhere (-want +got):\n%s", diff)
	}
}

// FuzzParseLedger: no text makes the reader panic, and what it accepts has every
// field and survives being written and read again.
func FuzzParseLedger(f *testing.F) {
	f.Add("params/65536 | pgx/simple_protocol | the simple protocol has no limit | docs | 2027-05-22")
	f.Add("# comment\n\n a/b|*/*|a b c|d|2027-01-01 \n a/b|*/*|a b c|d|2027-01-01")
	f.Add("||||")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseLedger(strings.NewReader(text))
		if err != nil {
			return
		}
		var b strings.Builder
		for _, d := range l {
			if d.Case == "" || d.Mode == "" || d.Reason == "" || d.Source == "" || d.Review.IsZero() {
				t.Fatalf("accepted with a hole: %+v", d)
			}
			fmt.Fprintf(&b, "%s|%s|%s|%s|%s\n", d.Case, d.Mode, d.Reason, d.Source, d.Review.Format(time.DateOnly))
		}
		again, err := parseLedger(strings.NewReader(b.String()))
		if err != nil {
			t.Fatalf("what was accepted is refused when written again: %v\n%s", err, b.String())
		}
		if diff := cmp.Diff(l, again); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	})
}
