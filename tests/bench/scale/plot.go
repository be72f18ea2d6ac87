package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"strconv"
	"strings"
)

// The plot of a figure: both axes are logarithmic, so that a cost that is flat is a
// level line, and one that grows with the size rises by a square for each square.
const (
	plotWidth, plotHeight         = 720, 400
	plotLeft, plotRight           = 70, 20
	plotTop, plotBottom, plotLine = 40, 50, 18
)

var colors = []string{"#1f6fb4", "#d1602b", "#2b8a4b", "#8a4bb0", "#a08400", "#5b5b5b", "#c03a6b", "#1797a6"}

// axis maps values to places between from and to, by their logarithm.
type axis struct{ low, high, from, to float64 }

func (a axis) at(v float64) float64 {
	return a.from + (math.Log10(v)-a.low)/(a.high-a.low)*(a.to-a.from)
}

// plot writes f as SVG.
func (f *figure) plot(path string) error {
	x, y := f.axes()
	var w strings.Builder
	height := plotHeight + plotLine*len(f.Lines)
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#222">`+"\n", plotWidth, height)
	fmt.Fprintf(&w, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="22" font-size="15" font-weight="bold">%s</text>`+"\n", plotWidth, height, plotLeft, html.EscapeString(f.Title))
	for e := int(x.low); e <= int(x.high); e++ {
		at := x.at(math.Pow10(e))
		fmt.Fprintf(&w, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", at, plotTop, plotHeight-plotBottom, at, plotHeight-plotBottom+16, tick(e))
	}
	for e := int(y.low); e <= int(y.high); e++ {
		at := y.at(math.Pow10(e))
		fmt.Fprintf(&w, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", plotLeft, at, plotWidth-plotRight, plotLeft-6, at+4, tick(e))
	}
	fmt.Fprintf(&w, `<text x="%d" y="%d" text-anchor="middle">%s</text><text x="14" y="%d" transform="rotate(-90 14 %d)" text-anchor="middle">%s</text>`+"\n",
		(plotLeft+plotWidth-plotRight)/2, plotHeight-plotBottom+34, html.EscapeString(f.X), (plotTop+plotHeight-plotBottom)/2, (plotTop+plotHeight-plotBottom)/2, html.EscapeString(f.Y))
	for i, l := range f.Lines {
		color := colors[i%len(colors)]
		var path strings.Builder
		for n, p := range l.Points {
			if p.Y <= 0 {
				continue // it has no logarithm
			}
			px, py := x.at(p.X), y.at(p.Y)
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(n, 1)], px, py)
			if p.Low > 0 {
				fmt.Fprintf(&w, `<path d="M%.1f %.1fV%.1f" stroke="%s" stroke-opacity=".4" stroke-width="4"/>`, px, y.at(p.Low), y.at(p.High), color)
			}
			fmt.Fprintf(&w, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px, py, color)
		}
		d := path.String()
		if strings.HasPrefix(d, "L") {
			d = "M" + d[1:]
		}
		fmt.Fprintf(&w, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`, d, color)
		at := plotHeight + plotLine*i
		fmt.Fprintf(&w, `<path d="M%d %dh24" stroke="%s" stroke-width="2"/><text x="%d" y="%d">%s</text>`+"\n", plotLeft, at, color, plotLeft+32, at+4, html.EscapeString(l.Name))
	}
	w.WriteString("</svg>\n")
	return os.WriteFile(path, []byte(w.String()), 0o644)
}

// axes are whole powers of ten around the points.
func (f *figure) axes() (x, y axis) {
	x = axis{math.Inf(1), math.Inf(-1), plotLeft, plotWidth - plotRight}
	y = axis{math.Inf(1), math.Inf(-1), plotHeight - plotBottom, plotTop}
	for _, l := range f.Lines {
		for _, p := range l.Points {
			x.low, x.high = min(x.low, p.X), max(x.high, p.X)
			if p.Low > 0 {
				y.low = min(y.low, p.Low)
			}
			if p.High > 0 {
				y.high = max(y.high, p.High)
			}
		}
	}
	for _, a := range []*axis{&x, &y} {
		if math.IsInf(a.low, 0) || math.IsInf(a.high, 0) {
			a.low, a.high = 1, 10 // nothing can be drawn
		}
		a.low, a.high = math.Floor(math.Log10(a.low)), math.Ceil(math.Log10(a.high))
		if a.high <= a.low {
			a.high = a.low + 1
		}
	}
	return x, y
}

// tick is 10 to the power of e.
func tick(e int) string {
	if e >= 0 {
		return thousands(int(math.Pow10(e)))
	}
	return strconv.FormatFloat(math.Pow10(e), 'f', -e, 64)
}
