package report

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/fraiseql/fraiseql-go/parity"
)

// width is how many columns a terminal has at least. What is to be copied, a command or the
// name of a file, stays in one line.
const width = 80

// examples shows what did not pass of a class, with at most limit differences.
func (t *text) examples(c *Class, limit int) {
	left, operations, listed, lost := limit, 0, 0, 0
	if t.whole {
		left = math.MaxInt
	}
	for i := range c.Examples {
		e := &c.Examples[i]
		lost += e.MoreDiffs
		if left <= 0 {
			operations++
			listed += len(e.Diffs)
			continue
		}
		shown := min(left, len(e.Diffs))
		left -= max(shown, 1) // one that has no differences takes its place, too
		listed += len(e.Diffs) - shown
		t.example(c, e, shown)
	}
	if listed+lost > 0 {
		where := "--json, --html have all"
		if listed == 0 {
			where = "they were counted, and not kept"
		} else if lost > 0 {
			where = fmt.Sprintf("--json, --html have %d", listed)
		}
		t.printf("  … and %s; %s\n", more(listed+lost, operations), where)
	} else if operations > 0 {
		t.printf("  … and %d more operations; --json, --html have all\n", operations)
	}
}

// more counts what is not shown of a class.
func more(differences, operations int) string {
	s := fmt.Sprintf("%d more differences", differences)
	if differences == 1 {
		s = "1 more difference"
	}
	switch operations {
	case 0:
		return s
	case 1:
		return s + ", 1 more operation"
	}
	return fmt.Sprintf("%s, %d more operations", s, operations)
}

// example shows an operation that did not pass, with the first of its differences.
func (t *text) example(c *Class, e *Example, diffs int) {
	head := e.Verdict.String()
	if e.Line > 0 {
		head += fmt.Sprintf(" in line %d", e.Line)
	}
	lines := t.wrap(fmt.Sprintf("%s: %s (class %s)", head, OneLine(e.Title), c.Fingerprint), width)
	lines[0] = t.paint(colors[e.Verdict], e.Verdict.String()) + strings.TrimPrefix(lines[0], e.Verdict.String())
	t.printf("\n%s\n", strings.Join(lines, "\n  "))
	if e.Reason != "" {
		t.wrapped("  ", OneLine(e.Reason))
	}
	if e.Verdict == parity.Mismatch || e.Control != e.Candidate {
		t.wrapped("  ", fmt.Sprintf("control: %s; candidate: %s", OneLine(e.Control), OneLine(e.Candidate)))
	}
	if e.Wrong != "" {
		t.printf("  the server contradicts %s\n", side(string(e.Wrong)))
	}
	for _, d := range e.Diffs[:diffs] {
		t.diff(d)
	}
	if e.Reproducer != "" {
		t.printf("  reproducer: %s\n", OneLine(e.Reproducer))
	}
	if e.Replay != "" {
		t.printf("  again: %s\n", OneLine(e.Replay))
	}
}

// maxDetail bounds the lines of a difference in words.
const maxDetail = 8

func (t *text) diff(d Diff) {
	t.printf("  %s\n", OneLine(d.Words()))
	for _, c := range d.Cells {
		t.printf("    %s %s\n", OneLine(c.Column), OneLine(c.Type))
		t.printf("      - %s\n", t.value(c.Control))
		t.printf("      + %s\n", t.value(c.Candidate))
		if c.Server != nil {
			t.printf("      = %s (to_json)\n", t.value(*c.Server))
		}
	}
	if d.Detail != "" {
		lines := strings.Split(strings.TrimRight(d.Detail, "\n"), "\n")
		for i, line := range lines {
			switch {
			case t.whole:
				t.printf("    %s\n", OneLine(line))
			case i < maxDetail:
				t.printf("    %s\n", shorten(OneLine(line), 2*width))
			case i == maxDetail:
				t.printf("    … and %d more lines\n", len(lines)-maxDetail)
			}
		}
	}
}

// wrapped writes s in lines that begin with indent.
func (t *text) wrapped(indent, s string) {
	t.printf("%s%s\n", indent, strings.Join(t.wrap(s, width-len(indent)), "\n"+indent))
}

// wrap divides s at spaces into lines of at most n characters, where a word is not longer.
func (t *text) wrap(s string, n int) []string {
	if t.whole {
		return []string{s}
	}
	var lines []string
	line := ""
	for i, word := range strings.Split(s, " ") {
		switch {
		case i == 0:
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > n:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// value shows differing parts in brackets, or in red, and of a long one what is about them.
func (t *text) value(v Value) string {
	if v.Null {
		return "NULL"
	}
	var b strings.Builder
	parts := v.Parts()
	long := 0
	for _, p := range parts {
		long += utf8.RuneCountInString(p.Text)
	}
	for i, p := range parts {
		shown := OneLine(p.Text)
		if long > maxValue && !t.whole {
			shown = about(shown, p.Differs, i == 0, i == len(parts)-1)
		}
		switch {
		case p.Differs && t.color:
			b.WriteString(t.paint("31;4", shown))
		case p.Differs:
			b.WriteString("[" + shown + "]")
		default:
			b.WriteString(shown)
		}
	}
	if v.Text != nil {
		return b.String()
	}
	return fmt.Sprintf("%s (%d characters, hash %s)", b.String(), v.Length, v.Hash)
}

// maxValue is how long a value may be to be shown whole; around is what is shown of an
// equal part beside one that differs.
const maxValue, around = width - 10, 12

// about shortens a part of a long value: one that differs to its beginning, one that is equal
// to what stands beside those that differ.
func about(s string, differs, first, last bool) string {
	chars := []rune(s)
	switch {
	case differs || first && last:
		return shorten(s, maxValue/2)
	case first && len(chars) > around:
		return "…" + string(chars[len(chars)-around:])
	case last && len(chars) > around:
		return string(chars[:around]) + "…"
	case !first && !last && len(chars) > 2*around:
		return string(chars[:around]) + "…" + string(chars[len(chars)-around:])
	}
	return s
}
