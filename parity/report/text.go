package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/fraiseql/fraiseql-go/parity"
)

// TextOptions change how a Document looks in a terminal.
type TextOptions struct {
	// Color uses the colors of a terminal.
	Color bool
	// Classes bounds how many classes are listed; those that did not pass are listed
	// in any case. 0 means 20.
	Classes int
	// Diffs bounds the differences that are shown of a class; the others are counted, and
	// the other forms of the report have them. 0 means 3.
	Diffs int
	// NoFailures leaves Document.Failures out, where they are said elsewhere.
	NoFailures bool
}

// Text writes d as a table for a terminal.
func (d *Document) Text(w io.Writer, o TextOptions) error {
	t := &text{w: w, color: o.Color}
	h := &d.Head
	t.printf("control %s, candidate %s", h.Control.Mode, h.Candidate.Mode)
	if h.Server != "" {
		t.printf(", PostgreSQL %s", h.Server)
	}
	t.printf("\n%s operations", thousands(d.Verdicts.Total()))
	if h.Operations > d.Verdicts.Total() {
		t.printf(" of %s", thousands(h.Operations))
	}
	if h.Source != "" {
		t.printf(" from %s", OneLine(h.Source))
	}
	if h.Writes != "" {
		t.printf(", writes: %s", h.Writes)
	}
	t.printf("\n")
	if d.SameSides() {
		t.printf("%s\n", t.paint("33", strings.Join(t.wrap(sameSides, width), "\n")))
	}
	if len(h.Differing) > 0 {
		t.printf("%s\n", t.paint("33", "the sessions differ in: "+strings.Join(h.Differing, ", ")))
	}
	t.printf("\n")
	limit := o.Classes
	if limit <= 0 {
		limit = 20
	}
	t.classes(d, limit)
	shown := o.Diffs
	if shown <= 0 {
		shown = 3
	}
	for i := range d.Classes {
		t.examples(&d.Classes[i], shown)
	}
	t.printf("\n")
	for _, v := range parity.Verdicts() {
		line := fmt.Sprintf("%9s %s", thousands(d.Verdicts.Of(v)), v)
		if d.Verdicts.Of(v) > 0 {
			line = t.paint(colors[v], line)
		}
		t.printf("%s\n", line)
	}
	t.printf("\n")
	t.wrapped("", d.Bound.Text)
	for _, c := range d.Failed {
		t.printf("the same error on both sides, %s: %s times\n", c.Name, thousands(c.Count))
	}
	for _, c := range d.Wrong {
		t.printf("the server contradicts %s: %s times\n", side(c.Name), thousands(c.Count))
	}
	if o := d.Oracles; o != nil {
		t.printf("oracles: %s checks; %s times one had nothing to say\n", thousands(o.Checks), thousands(o.NotAsked))
	}
	for _, r := range d.Rules {
		t.printf("rule %q was needed %s times\n", r.Name, thousands(r.Count))
	}
	for _, i := range d.Ignores {
		t.printf("ignored %s times: %s (%s: %s)\n", thousands(i.Used), OneLine(i.What), OneLine(i.Owner), OneLine(i.Reason))
	}
	if d.Latency.Sampled > 0 {
		t.wrapped("", fmt.Sprintf("time of the candidate: %s (median and 95 %% interval of %s pairs)", d.Latency.Words(), thousands(int64(d.Latency.Sampled))))
	}
	if c := d.Coverage; c != nil {
		t.printf("coverage: %.1f %%, %d of %d\n", c.Percent, c.Compared, c.Total)
		for _, g := range c.Gaps() {
			t.printf("  %s: %d\n", g.Words, g.Len())
		}
	}
	if !o.NoFailures {
		for _, f := range d.Failures {
			t.printf("%s\n", t.paint("31", OneLine(f)))
		}
	}
	return t.err
}

// sameSides is what a report says of itself where there was nothing to tell apart.
const sameSides = "control and candidate are one backend in one mode: this says nothing of another one"

// side is a parity.Voice in a sentence.
func side(voice string) string {
	if voice == string(parity.VoiceBoth) {
		return "both sides"
	}
	return "the " + voice
}

// colors are those of verdicts.
var colors = map[parity.Verdict]string{
	parity.Equal: "32", parity.EqualByRule: "32", parity.Noise: "33", parity.Mismatch: "31", parity.Inconclusive: "33", parity.NotCompared: "33",
}

// text writes until the first error.
type text struct {
	w     io.Writer
	color bool
	whole bool // long lines, values and lists stay whole
	err   error
}

func (t *text) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *text) paint(color, s string) string {
	if !t.color {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (t *text) classes(d *Document, limit int) {
	var b strings.Builder
	tab := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	// Of a few pairs a time says nothing, and takes the place of the names.
	timed := slices.ContainsFunc(d.Classes, func(c Class) bool { return c.Latency.Sampled > 0 && c.Latency.Judgement != "too few" })
	columns := func(count, verdict, rows, took, name string) {
		if timed {
			rows += "\t" + took
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", count, verdict, rows, name)
	}
	columns("count", "verdict", "rows", "candidate's time", "class")
	columns("-----", "-------", "----", "----------------", "-----")
	left, names := 0, []string{"", ""}
	for i := range d.Classes {
		c := &d.Classes[i]
		if i >= limit && c.Verdicts.Worst().Pass() {
			left++
			continue
		}
		columns(thousands(c.Operations), c.Verdicts.Worst().String(), thousands(c.Rows), brief(c.Latency), "")
		names = append(names, shorten(OneLine(c.Name), 200))
	}
	if t.err == nil {
		t.err = tab.Flush()
	}
	// The table's last column takes what is left of the line, and as many lines as it needs.
	for i, row := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if i >= 2 {
			row += strings.Join(t.wrap(names[i], max(width-utf8.RuneCountInString(row), 20)), "\n"+strings.Repeat(" ", utf8.RuneCountInString(row)))
		}
		t.printf("%s\n", row)
	}
	if left > 0 {
		t.printf("and %s classes that passed\n", thousands(int64(left)))
	}
	if d.OtherClasses > 0 {
		t.printf("and %s operations of classes that were not kept apart\n", thousands(d.OtherClasses))
	}
}

func brief(l Latency) string {
	if l.Sampled == 0 {
		return "-"
	}
	if l.Judgement == "too few" || l.Judgement == "no difference seen" {
		return signed(l.Relative.Median)
	}
	return signed(l.Relative.Median) + " " + l.Judgement
}

// Words names the difference: "value in query users, row 3".
func (d Diff) Words() string {
	s := string(d.Kind)
	if d.Statement != "" {
		s += " in " + d.Statement
	}
	if d.Row > 0 {
		s += ", row " + thousands(d.Row)
	}
	return s
}

// Part is a part of a value that differs from the other side's, or does not.
type Part struct {
	Text    string
	Differs bool
}

// Parts are Text, or Mask where there is no Text, divided at Marks.
func (v Value) Parts() []Part {
	s := v.Mask
	if v.Text != nil {
		s = *v.Text
	}
	chars := []rune(s)
	var list []Part
	at := 0
	put := func(to int, differs bool) {
		if to = min(to, len(chars)); to > at {
			list = append(list, Part{string(chars[at:to]), differs})
			at = to
		}
	}
	for _, m := range v.Marks {
		put(m[0], false)
		put(m[1], true)
	}
	put(len(chars), false)
	return list
}

// OneLine is s for a terminal or a log: one line, in which nothing moves the cursor, changes
// colors, turns the direction of the text, or begins a command of a CI system.
func OneLine(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unprintable is what a terminal acts on, and what it does not show.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
