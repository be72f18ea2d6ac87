package chart

import (
	"html"
	"math"
	"strconv"
	"strings"
)

// Lines is a plot of something against a size. Both axes are logarithmic, so that a
// cost that is flat is a level line, and one that grows with the size rises by a
// square for each square.
type Lines struct {
	Title string
	X, Y  string // what the axes are, with units
	Lines []*Line
}

// Line is a series.
type Line struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"` // X ascending
}

// Point is the median of rounds, with the least and the most of them. What is not
// above 0 has no logarithm and isn't drawn.
type Point struct {
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

const (
	width, height     = 740, 400
	left, right       = 70, 40
	top, bottom, line = 40, 50, 18
)

// axis maps values to places between from and to, by their logarithm.
type axis struct{ low, high, from, to float64 }

func (a *axis) at(v float64) float64 {
	return a.from + (math.Log10(v)-a.low)/(a.high-a.low)*(a.to-a.from)
}

// SVG draws c.
func (c *Lines) SVG() []byte {
	x, y := c.axes()
	w := newSVG(width, height+line*len(c.Lines), c.Title)
	for e := int(x.low); e <= int(x.high); e++ {
		at := x.at(math.Pow10(e))
		w.addf(`<path d="M%.1f %dV%d" stroke="#ddd"/>`, at, top, height-bottom)
		w.text(at, height-bottom+16, "middle", tick(e))
		w.WriteByte('\n')
	}
	for e := int(y.low); e <= int(y.high); e++ {
		at := y.at(math.Pow10(e))
		w.addf(`<path d="M%d %.1fH%d" stroke="#ddd"/>`, left, at, width-right)
		w.text(left-6, at+4, "end", tick(e))
		w.WriteByte('\n')
	}
	w.text((left+width-right)/2, height-bottom+34, "middle", c.X)
	w.addf(`<text x="14" y="%d" transform="rotate(-90 14 %[1]d)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, html.EscapeString(c.Y))
	for i, l := range c.Lines {
		l.draw(w, x, y, color(i))
		at := float64(height + line*i)
		w.addf(`<path d="M%d %.0fh24" stroke="%s" stroke-width="2"/>`, left, at, color(i))
		w.text(left+32, at+4, "start", l.Name)
		w.WriteByte('\n')
	}
	return w.end()
}

func (l *Line) draw(w *svg, x, y *axis, color string) {
	var path strings.Builder
	for _, p := range l.Points {
		if p.X <= 0 || p.Y <= 0 {
			continue
		}
		px, py := x.at(p.X), y.at(p.Y)
		path.WriteByte("ML"[min(path.Len(), 1)])
		path.WriteString(strconv.FormatFloat(px, 'f', 1, 64) + " " + strconv.FormatFloat(py, 'f', 1, 64))
		if p.Low > 0 {
			w.addf(`<path d="M%.1f %.1fV%.1f" stroke="%s" stroke-opacity=".4" stroke-width="4"/>`, px, y.at(p.Low), y.at(p.High), color)
		}
		w.addf(`<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px, py, color)
	}
	w.addf(`<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`, path.String(), color)
}

// axes are whole powers of ten around the points.
func (c *Lines) axes() (x, y *axis) {
	x = &axis{math.Inf(1), math.Inf(-1), left, width - right}
	y = &axis{math.Inf(1), math.Inf(-1), height - bottom, top}
	for _, l := range c.Lines {
		for _, p := range l.Points {
			x.hold(p.X)
			y.hold(p.Y)
			y.hold(p.Low)
			y.hold(p.High)
		}
	}
	x.round()
	y.round()
	return x, y
}

func (a *axis) hold(v float64) {
	if v > 0 {
		a.low, a.high = min(a.low, v), max(a.high, v)
	}
}

func (a *axis) round() {
	if math.IsInf(a.low, 0) {
		a.low, a.high = 1, 10 // nothing can be drawn
	}
	a.low, a.high = math.Floor(math.Log10(a.low)), math.Ceil(math.Log10(a.high))
	if a.high <= a.low {
		a.high = a.low + 1
	}
}

// tick is 10 to the power of e.
func tick(e int) string {
	if e >= 0 {
		return Thousands(int(math.Pow10(e)))
	}
	return strconv.FormatFloat(math.Pow10(e), 'f', -e, 64)
}
