package chart

import "slices"

// Bars is a panel of bars for each group. Every panel has a scale of its own, from 0
// to the longest of its bars, as what one group gives may be a thousand times what
// another gives; the values stand at the bars. A name has one color in all panels.
type Bars struct {
	Title  string
	Unit   string // what a value is
	Groups []Group
}

// Group is a panel.
type Group struct {
	Name string
	Bars []Bar
}

// Bar is the median of rounds, with the least and the most of them.
type Bar struct {
	Name             string
	Value, Low, High float64
}

const (
	columns               = 3
	panelWidth, panelHead = 340, 26
	barLine, barThick     = 17, 11
	nameWidth, valueWidth = 128, 62
	barsTop, panelGap     = 56, 14
)

// SVG draws c.
func (c *Bars) SVG() []byte {
	var names []string
	var heights []int // of rows of panels
	for i, g := range c.Groups {
		if i%columns == 0 {
			heights = append(heights, 0)
		}
		row := i / columns
		heights[row] = max(heights[row], panelHead+barLine*len(g.Bars)+panelGap)
		for _, b := range g.Bars {
			if !slices.Contains(names, b.Name) {
				names = append(names, b.Name)
			}
		}
	}
	total := barsTop
	for _, h := range heights {
		total += h
	}
	w := newSVG(columns*panelWidth, total, c.Title)
	w.text(left, 40, "start", c.Unit)
	w.WriteByte('\n')
	y := barsTop
	for i, g := range c.Groups {
		if i > 0 && i%columns == 0 {
			y += heights[i/columns-1]
		}
		g.draw(w, float64(i%columns*panelWidth), float64(y), names)
	}
	return w.end()
}

// draw puts g where its left upper corner is x, y.
func (g *Group) draw(w *svg, x, y float64, names []string) {
	most := 0.0
	for _, b := range g.Bars {
		most = max(most, b.Value, b.High)
	}
	from := x + nameWidth
	scale := 0.0
	if most > 0 {
		scale = (panelWidth - nameWidth - valueWidth) / most
	}
	w.addf(`<g font-weight="bold">`)
	w.text(from, y+14, "start", g.Name)
	w.addf("</g>\n")
	for i, b := range g.Bars {
		at := y + panelHead + float64(barLine*i)
		w.text(from-6, at+barThick-1, "end", b.Name)
		w.addf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>`, from, at, b.Value*scale, barThick, color(slices.Index(names, b.Name)))
		if b.High > b.Low {
			w.addf(`<path d="M%.1f %.1fH%.1f" stroke="#222" stroke-opacity=".6"/>`, from+b.Low*scale, at+barThick/2.0, from+b.High*scale)
		}
		w.text(from+max(b.Value, b.High)*scale+5, at+barThick-1, "start", Short(b.Value))
		w.WriteByte('\n')
	}
}
