package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/tests/bench/chart"
)

// figure is one plot: what something costs against how much there is.
type figure struct {
	Name  string        `json:"name"` // of its file: scale-NAME.svg
	Title string        `json:"title"`
	X     string        `json:"x"`
	Y     string        `json:"y"` // with its unit
	Lines []*chart.Line `json:"lines"`
}

// figure adds one to the report.
func (b *bench) figure(name, title, x, y string) *figure {
	f := &figure{Name: name, Title: title, X: x, Y: y}
	b.figures = append(b.figures, f)
	return f
}

// add puts what rounds gave at x on the line of that name.
func (f *figure) add(name string, x int, rounds ...float64) {
	i := slices.IndexFunc(f.Lines, func(l *chart.Line) bool { return l.Name == name })
	if i < 0 {
		i, f.Lines = len(f.Lines), append(f.Lines, &chart.Line{Name: name})
	}
	slices.Sort(rounds)
	f.Lines[i].Points = append(f.Lines[i].Points, chart.Point{X: float64(x), Y: rounds[len(rounds)/2], Low: rounds[0], High: rounds[len(rounds)-1]})
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
		fmt.Fprintf(&w, " %s |", chart.Thousands(int(x)))
	}
	w.WriteString(" last ÷ first |\n|" + strings.Repeat("---|", len(xs)+2) + "\n")
	for _, l := range f.Lines {
		fmt.Fprintf(&w, "| %s |", l.Name)
		for _, x := range xs {
			i := slices.IndexFunc(l.Points, func(p chart.Point) bool { return p.X == x })
			if i < 0 {
				w.WriteString(" |")
				continue
			}
			fmt.Fprintf(&w, " %s |", chart.Short(l.Points[i].Y))
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

// svg is the plot of f.
func (f *figure) svg() []byte {
	return (&chart.Lines{Title: f.Title, X: f.X, Y: f.Y, Lines: f.Lines}).SVG()
}
