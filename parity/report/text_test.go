package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/report"
)

// differing is a document of one class: n operations of twelve differences each, of which
// the harness kept ten.
func differing(n int) *report.Document {
	c := report.NewCollector(report.WithReveal("*"), report.WithExamples(n))
	a := strings.Repeat("the same words again and again ", 20)
	made(c, n, parity.Mismatch, func(r *parity.Report) {
		r.Operation = "query orders fields(id, note, total, created_at) where created_at gt ? and total lt ? sort created_at limit"
		r.Control, r.Candidate = parity.Side{Backend: "pq/default", Rows: 12}, parity.Side{Backend: "pgx/exec", Rows: 12}
		r.Dropped = 2
		for row := range int64(10) {
			r.Diffs = append(r.Diffs, parity.Diff{Kind: parity.DiffValue, Statement: "query orders", Row: row + 1, Cells: []parity.Cell{{
				Column: "note", Type: "text",
				Control:   parity.Value{Text: fmt.Sprintf("%s%d%s", a, row, a)},
				Candidate: parity.Value{Text: fmt.Sprintf("%s%d%s", a, row+1, a)},
			}}})
		}
	})
	return c.Document()
}

// TestTextIsShort: a terminal gets a few differences of each class, in lines that fit it, and
// is told where the others are; the other forms have all that was kept.
func TestTextIsShort(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		operations int
		want       string
	}{
		{"one operation", 1, "  … and 9 more differences; --json, --html have 7\n"},
		{"three operations", 3, "  … and 33 more differences, 2 more operations; --json, --html have 27\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := differing(tc.operations)
			got := text(t, d)
			if n := strings.Count(got, "value in query orders, row "); n != 3 {
				t.Errorf("%d differences are shown, want 3:\n%s", n, got)
			}
			if !strings.Contains(got, tc.want) {
				t.Errorf("it lacks %q:\n%s", tc.want, got)
			}
			if !strings.Contains(got, "      - …n and again [0]the same wor…\n      + …n and again [1]the same wor…\n") {
				t.Errorf("of a long value it does not show what is about the difference:\n%s", got)
			}
			for line := range strings.SplitSeq(got, "\n") {
				if n := utf8.RuneCountInString(line); n > 80 {
					t.Errorf("%d characters in %q", n, line)
				}
			}
			var html, junit, json bytes.Buffer
			for name, write := range map[string]error{"html": d.HTML(&html), "junit": d.JUnit(&junit), "json": d.JSON(&json)} {
				if write != nil {
					t.Errorf("%s: %v", name, write)
				}
			}
			kept := 10 * tc.operations
			for name, n := range map[string]int{
				"html": strings.Count(html.String(), "value in query orders, row "), "junit": strings.Count(junit.String(), "value in query orders, row "),
				"json": strings.Count(json.String(), `"kind": "value"`),
			} {
				if n != kept {
					t.Errorf("%s has %d differences, want all %d", name, n, kept)
				}
			}
			if long := strings.Repeat("the same words again and again ", 20); strings.Count(junit.String(), long+"[") != 2*kept {
				t.Error("JUnit's values are shortened")
			}
		})
	}
}

// TestTextOfOptions: as many differences as are asked for; what has none takes a place, too.
func TestTextOfOptions(t *testing.T) {
	t.Parallel()
	d := differing(2)
	var b bytes.Buffer
	if err := d.Text(&b, report.TextOptions{Diffs: 100}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "value in query orders, row "); n != 20 {
		t.Errorf("%d differences, want 20", n)
	}
	if want := "  … and 4 more differences; they were counted, and not kept\n"; !strings.Contains(b.String(), want) {
		t.Errorf("it lacks %q", want)
	}
	timed := report.NewCollector()
	made(timed, 20, parity.Equal, nil)
	if got := text(t, timed.Document()); !strings.Contains(got, "count  verdict  rows  candidate's time  class\n") || !strings.Contains(got, "+9.9 % slower") {
		t.Errorf("the time of 20 pairs is not in the table:\n%s", got)
	}
	if got := text(t, d); strings.Contains(got, "candidate's time") {
		t.Errorf("the time of two pairs is in the table:\n%s", got)
	}
	lost := report.Example{Title: "query users", Verdict: parity.Inconclusive, Reason: "the candidate was not there"}
	d = &report.Document{Classes: []report.Class{{Name: "query users", Examples: []report.Example{lost, lost, lost, lost, lost}}}}
	if got := text(t, d); strings.Count(got, "the candidate was not there") != 3 || !strings.Contains(got, "  … and 2 more operations; --json, --html have all\n") {
		t.Errorf("of five operations without differences:\n%s", got)
	}
}
