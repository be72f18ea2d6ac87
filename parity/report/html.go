package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"n": thousands, "ns": duration, "brief": brief, "sentence": sentence, "verdicts": parity.Verdicts, "settings": settings,
	"tone": tone, "present": present, "heat": heat, "short": short, "plot": plot, "when": when,
	"sameSides": func() string { return sameSides }, "side": func(v any) string { return side(fmt.Sprint(v)) },
	"int64": func(n int) int64 { return int64(n) }, "capital": func(s string) string { return strings.ToUpper(s[:1]) + s[1:] },
	"rows": rowsText, "words": func(s string) []string { return strings.Split(s, " ") }, // an option is not divided at its hyphens
}).Parse(page))

// HTML writes d as one page that asks for nothing else.
func (d *Document) HTML(w io.Writer) error { return pageTemplate.Execute(w, d) }

// tone is the class of style of a verdict.
func tone(v parity.Verdict) string {
	switch v {
	case parity.Equal, parity.EqualByRule:
		return "good"
	case parity.Mismatch:
		return "bad"
	case parity.NotCompared:
		return "none"
	case parity.Noise, parity.Inconclusive:
	}
	return "warn"
}

// present are the verdicts that were counted.
func present(v Verdicts) []parity.Verdict {
	return slices.DeleteFunc(parity.Verdicts(), func(k parity.Verdict) bool { return v.Of(k) == 0 })
}

// heat is the shade of a count, from 0 to 4.
func heat(n int64) int {
	switch {
	case n == 0:
		return 0
	case n == 1:
		return 1
	case n < 10:
		return 2
	case n < 100:
		return 3
	}
	return 4
}

// short is a count in a small cell.
func short(n int64) string {
	switch {
	case n >= 10_000_000:
		return strconv.FormatInt(n/1_000_000, 10) + "M"
	case n >= 10_000:
		return strconv.FormatInt(n/1000, 10) + "k"
	}
	return strconv.FormatInt(n, 10)
}

func when(from, to time.Time) string {
	if from.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s UTC, in %s.", from.UTC().Format("2 January 2006 15:04"), to.Sub(from).Round(100*time.Millisecond))
}

// plot draws the relative difference and its interval between -50 % and +50 %.
func plot(l Latency) template.HTML {
	if l.Sampled == 0 {
		return ""
	}
	const width, middle = 72.0, 36.0
	x := func(share float64) float64 { return middle + min(max(share, -0.5), 0.5)*(width-8) }
	bar := ""
	if l.Relative.Low != nil {
		bar = fmt.Sprintf(`<line class="bar" x1="%.1f" x2="%.1f" y1="8" y2="8" stroke-width="3" stroke-linecap="round"/>`, x(*l.Relative.Low), x(*l.Relative.High))
	}
	return template.HTML(fmt.Sprintf( //nolint:gosec // numbers only
		`<svg width="%.0f" height="16" aria-hidden="true"><line class="zero" x1="%.0f" x2="%.0f" y1="1" y2="15"/>%s<circle class="dot" cx="%.1f" cy="8" r="3.5"/></svg>`,
		width, middle, middle, bar, x(l.Relative.Median)))
}

// settingRow is a setting on both sides.
type settingRow struct {
	Name, Control, Candidate string
	Differs                  bool
}

// settings puts the settings of both sides together, those that differ first.
func settings(d *Document) []settingRow {
	candidate := make(map[string]string)
	for _, s := range d.Head.Candidate.Settings {
		candidate[s.Name] = s.Value
	}
	var rows []settingRow
	for _, differs := range []bool{true, false} {
		for _, s := range d.Head.Control.Settings {
			if slices.Contains(d.Head.Differing, s.Name) == differs {
				rows = append(rows, settingRow{s.Name, s.Value, candidate[s.Name], differs})
			}
		}
	}
	return rows
}
