package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// wellFormed fails unless drawing is XML, and counts its elements by name.
func wellFormed(t *testing.T, drawing []byte) map[string]int {
	t.Helper()
	n := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(string(drawing)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, drawing)
		}
		if e, ok := token.(xml.StartElement); ok {
			n[e.Name.Local]++
		}
	}
}

func TestLines(t *testing.T) {
	c := &Lines{Title: `a < b & "c"`, X: "rows", Y: "µs", Lines: []*Line{
		{"flat", []Point{{10, 2, 1, 3}, {1000, 2, 2, 2}}},
		{"zero first", []Point{{10, 0, 0, 0}, {100, 5, 5, 5}, {1000, 50, 40, 60}}},
	}}
	drawing := c.SVG()
	n := wellFormed(t, drawing)
	if n["circle"] != 4 {
		t.Errorf("%d circles, want 4: the point without a logarithm is left out", n["circle"])
	}
	for _, want := range []string{
		"a &lt; b &amp; &#34;c&#34;", ">1,000</text>", ">100</text>",
		`d="M70.0 `,           // the first line begins at the left edge
		`d="M385.0 `,          // the second at its first drawn point, in the middle
		`stroke-opacity=".4"`, // the spread
	} {
		if !strings.Contains(string(drawing), want) {
			t.Errorf("no %s in\n%s", want, drawing)
		}
	}
	if string(drawing) != string(c.SVG()) {
		t.Error("drawn differently the second time")
	}
}

func TestLinesOfNothing(t *testing.T) {
	drawing := (&Lines{Title: "none", Lines: []*Line{{Name: "empty"}, {"zero", []Point{{10, 0, 0, 0}}}}}).SVG()
	wellFormed(t, drawing)
	for _, bad := range []string{"NaN", "Inf"} {
		if strings.Contains(string(drawing), bad) {
			t.Errorf("%s in\n%s", bad, drawing)
		}
	}
}

func TestBars(t *testing.T) {
	c := &Bars{Title: "rates", Unit: "requests/s", Groups: []Group{
		{"key", []Bar{{"ours", 2000, 1800, 2000}, {"peer", 1000, 1000, 1000}}},
		{"large", []Bar{{"peer", 0.5, 0.5, 0.5}}},
		{"nothing", nil},
		{"zero", []Bar{{"ours", 0, 0, 0}}},
	}}
	drawing := string(c.SVG())
	n := wellFormed(t, []byte(drawing))
	if n["rect"] != 1+4 {
		t.Errorf("%d rectangles, want the background and 4 bars", n["rect"])
	}
	for _, want := range []string{
		`width="150.0" height="11" fill="` + color(0) + `"`, // the longest
		`width="75.0" height="11" fill="` + color(1) + `"`,  // half of it
		`width="150.0" height="11" fill="` + color(1) + `"`, // a scale of its own, the color of its name
		">2,000</text>", ">0.50</text>",
	} {
		if !strings.Contains(drawing, want) {
			t.Errorf("no %s in\n%s", want, drawing)
		}
	}
	if strings.Contains(drawing, "NaN") || drawing != string(c.SVG()) {
		t.Errorf("not a number, or drawn differently the second time:\n%s", drawing)
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.00", 0.126: "0.13", 9.99: "9.99", 9.999: "10.0", 99.94: "99.9", 99.99: "100", 999.4: "999", 999.7: "1,000", 1234567: "1,234,567",
	} {
		if got := Short(v); got != want {
			t.Errorf("Short(%v) is %s, want %s", v, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", -100: "-100", -1000: "-1,000", 999: "999", 1000: "1,000", 1000000: "1,000,000"} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) is %s, want %s", n, got, want)
		}
	}
}
