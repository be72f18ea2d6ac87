// Package chart draws the plots of docs/bench as SVG. Files are small, are drawn the
// same each time, need no library, and stay readable in black and white.
package chart

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

var colors = []string{"#1f6fb4", "#d1602b", "#2b8a4b", "#8a4bb0", "#a08400", "#5b5b5b", "#c03a6b", "#1797a6"}

// color is that of the nth series.
func color(n int) string { return colors[n%len(colors)] }

// svg collects the elements of a drawing.
type svg struct{ strings.Builder }

func newSVG(width, height int, title string) *svg {
	w := &svg{}
	w.addf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#222">`+"\n", width, height)
	w.addf(`<rect width="%d" height="%d" fill="#fff"/>`, width, height)
	w.addf(`<text x="%d" y="22" font-size="15" font-weight="bold">%s</text>`+"\n", left, html.EscapeString(title))
	return w
}

// addf appends an element.
func (w *svg) addf(format string, args ...any) { fmt.Fprintf(w, format, args...) }

// text appends a text; anchor is start, middle or end.
func (w *svg) text(x, y float64, anchor, text string) {
	w.addf(`<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(text))
}

// end gives the whole drawing.
func (w *svg) end() []byte {
	w.WriteString("</svg>\n")
	return []byte(w.String())
}

// Short is v with three digits that count, and commas between thousands.
func Short(v float64) string {
	switch {
	case v >= 999.5:
		return Thousands(int(v + 0.5))
	case v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// Thousands is n with commas: 10,000.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
