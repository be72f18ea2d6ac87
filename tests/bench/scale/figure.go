package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// figure is one plot: what something costs against how much there is.
type figure struct {
	Name  string  `json:"name"` // of its file: scale-NAME.svg
	Title string  `json:"title"`
	X     string  `json:"x"`
	Y     string  `json:"y"` // with its unit
	Lines []*line `json:"lines"`
}

type line struct {
	Name   string  `json:"name"`
	Points []point `json:"points"`
}

// point is the median of rounds, with the least and the most of them.
type point struct {
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// figure adds one to the report.
func (b *bench) figure(name, title, x, y string) *figure {
	f := &figure{Name: name, Title: title, X: x, Y: y}
	b.figures = append(b.figures, f)
	return f
}

// add puts what rounds gave at x on the line of that name.
func (f *figure) add(name string, x int, rounds ...float64) {
	i := slices.IndexFunc(f.Lines, func(l *line) bool { return l.Name == name })
	if i < 0 {
		i, f.Lines = len(f.Lines), append(f.Lines, &line{Name: name})
	}
	slices.Sort(rounds)
	f.Lines[i].Points = append(f.Lines[i].Points, point{float64(x), rounds[len(rounds)/2], rounds[0], rounds[len(rounds)-1]})
}

// markdown is the table of f, a row for each line, with the ratio of its last point to
// its first.
func (f *figure) markdown() string {
	var xs []float64
	for _, l := range f.Lines {
		for _, p := range l.Points {
			if !slices.Contains(xs, p.X) {
				xs = append(xs, p.X)
			}
		}
	}
	slices.Sort(xs)
	var w strings.Builder
	fmt.Fprintf(&w, "**%s** (%s)\n\n| %s |", f.Title, f.Y, f.X)
	for _, x := range xs {
		fmt.Fprintf(&w, " %s |", thousands(int(x)))
	}
	w.WriteString(" last ÷ first |\n|" + strings.Repeat("---|", len(xs)+2) + "\n")
	for _, l := range f.Lines {
		fmt.Fprintf(&w, "| %s |", l.Name)
		for _, x := range xs {
			i := slices.IndexFunc(l.Points, func(p point) bool { return p.X == x })
			if i < 0 {
				w.WriteString(" |")
				continue
			}
			fmt.Fprintf(&w, " %s |", short(l.Points[i].Y))
		}
		first, last := l.Points[0].Y, l.Points[len(l.Points)-1].Y
		if first == 0 {
			w.WriteString(" – |\n")
			continue
		}
		fmt.Fprintf(&w, " %.2f |\n", last/first)
	}
	fmt.Fprintf(&w, "\n![%s](scale-%s.svg)\n", f.Title, f.Name)
	return w.String()
}

// part is which of parts f belongs to.
func (f *figure) part() string {
	name, _, _ := strings.Cut(f.Name, "-")
	return name
}

// short has three digits that count.
func short(v float64) string {
	switch {
	case v >= 1000:
		return thousands(int(v + 0.5))
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
