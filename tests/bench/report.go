package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/tests/bench/chart"
	"github.com/fraiseql/fraiseql-go/tests/bench/page"
	"github.com/fraiseql/fraiseql-go/tests/bench/proc"
)

// report is NAME.json.
type report struct {
	Date       string            `json:"date"`
	Go         string            `json:"go"`
	CPUs       int               `json:"cpus"`
	CPU        string            `json:"cpu"`
	Kernel     string            `json:"kernel"`
	PostgreSQL string            `json:"postgresql"`
	Users      int               `json:"users"`
	Pool       int               `json:"pool"`
	Rounds     int               `json:"rounds"`
	Each       float64           `json:"each_s"`
	Versions   map[string]string `json:"versions,omitempty"` // of servers of others
	LeftOut    []string          `json:"left_out,omitempty"`
	Cells      []cell            `json:"cells"`

	Stream  []streamed `json:"stream,omitempty"`
	Hostile []refused  `json:"hostile,omitempty"`
}

func newReport(o *options, db *data, servers []*server, left []string) *report {
	r := &report{
		Date: time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(), CPUs: runtime.NumCPU(), CPU: proc.Model(), Kernel: proc.Kernel(),
		PostgreSQL: db.version, Users: db.users, Pool: poolSize, Rounds: o.rounds, Each: o.each.Seconds(), Versions: map[string]string{}, LeftOut: left,
	}
	for _, s := range servers {
		if s.version != "" {
			r.Versions[s.name] = s.version
		}
	}
	return r
}

// what a figure is, by the names that tables and charts have for them.
func rate(f *figures) float64        { return f.Rate }
func p50(f *figures) float64         { return f.P50 }
func p99(f *figures) float64         { return f.P99 }
func cpu(f *figures) float64         { return f.CPU }
func databaseCPU(f *figures) float64 { return f.Database }
func bothCPU(f *figures) float64     { return f.CPU + f.Database }
func memory(f *figures) float64      { return f.Memory }

// of gives the least, the median and the most of the rounds; zeros where there are none.
func (c *cell) of(figure func(*figures) float64) (low, mid, high float64) {
	if len(c.Rounds) == 0 {
		return 0, 0, 0
	}
	v := make([]float64, len(c.Rounds))
	for i := range c.Rounds {
		v[i] = figure(&c.Rounds[i])
	}
	slices.Sort(v)
	mid = v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (v[len(v)/2-1] + mid) / 2
	}
	return v[0], mid, v[len(v)-1]
}

func (c *cell) median(figure func(*figures) float64) float64 {
	_, mid, _ := c.of(figure)
	return mid
}

// show prints the cells of a work at a number of connections.
func show(cells []cell) {
	for i := range cells {
		c := &cells[i]
		if c.Slow != "" {
			fmt.Printf("%-7s %3d  %-15s not measured: %s\n", c.Work, c.Conns, c.Server, c.Slow)
			continue
		}
		low, mid, high := c.of(rate)
		fmt.Printf("%-7s %3d  %-15s %9.1f/s (%.0f–%.0f)  %5.2f  p50 %7.2f ms  p99 %8.2f ms  cpu %7.0f us  database %7.0f us  peak %4.0f MB\n",
			c.Work, c.Conns, c.Server, mid, low, high, mid/cells[0].median(rate), c.median(p50), c.median(p99), c.median(cpu), c.median(databaseCPU), c.median(memory))
	}
}

// groups are the cells of each work at each number of connections.
func (r *report) groups() (groups [][]cell) {
	for i, c := range r.Cells {
		if i == 0 || c.Work != r.Cells[i-1].Work || c.Conns != r.Cells[i-1].Conns {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], c)
	}
	return groups
}

// write keeps r, and of what is kept already the works that r has not measured, if it was
// measured alike.
func (r *report) write(o *options, works []work) error {
	base := filepath.Join(o.out, o.name)
	old, err := readReport(base + ".json")
	if err != nil {
		return err
	}
	r.add(old, works)
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	errs := []error{os.MkdirAll(o.out, 0o755), os.WriteFile(base+".json", append(text, '\n'), 0o644)}
	charts := r.charts()
	if len(r.Versions) == 0 {
		charts = nil // of ours alone there is little to see
	}
	for name, bars := range charts {
		errs = append(errs, os.WriteFile(base+"-"+name+".svg", bars.SVG(), 0o644))
	}
	return errors.Join(append(errs, page.Fill(base+".md", r.places()))...)
}

// readReport is the report in a file; an empty one where there is no file.
func readReport(path string) (*report, error) {
	old := &report{}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return old, nil
	}
	if err == nil {
		err = json.Unmarshal(text, old)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return old, nil
}

// add puts the works of old that r lacks into r.
func (r *report) add(old *report, works []work) {
	same := func(r *report) string {
		return fmt.Sprint(r.Go, r.CPUs, r.CPU, r.Kernel, r.PostgreSQL, r.Users, r.Pool, r.Rounds, r.Each, r.Versions)
	}
	if same(r) != same(old) {
		return
	}
	mine := r.Cells
	r.Cells = nil
	for i := range works {
		of := func(c cell) bool { return c.Work == works[i].name }
		from := mine
		if !slices.ContainsFunc(mine, of) {
			from = old.Cells
		}
		for _, c := range from {
			if of(c) {
				r.Cells = append(r.Cells, c)
			}
		}
	}
	if r.Stream == nil {
		r.Stream = old.Stream
	}
	if r.Hostile == nil {
		r.Hostile = old.Hostile
	}
}

// charts are bars of all works: rates at each number of connections, and what a request
// costs at the one in the middle.
func (r *report) charts() map[string]*chart.Bars {
	charts := map[string]*chart.Bars{}
	var conns []int
	for i := range r.Cells {
		if !slices.Contains(conns, r.Cells[i].Conns) {
			conns = append(conns, r.Cells[i].Conns)
		}
	}
	if len(conns) == 0 {
		return nil
	}
	for _, n := range conns {
		charts[fmt.Sprintf("rate-%d", n)] = r.bars(n, fmt.Sprintf("Requests a second, %s", plural(n, "connection")), "more is better; medians, with the slowest and the fastest round", rate)
	}
	middle := conns[len(conns)/2]
	at := fmt.Sprintf(", %s", plural(middle, "connection"))
	charts["cpu"] = r.bars(middle, "Processor time of a request, server and database"+at, "µs, less is better", bothCPU)
	charts["memory"] = r.bars(middle, "Peak resident memory of the server"+at, "MB, less is better", memory)
	return charts
}

func (r *report) bars(conns int, title, unit string, figure func(*figures) float64) *chart.Bars {
	b := &chart.Bars{Title: title, Unit: unit}
	for _, cells := range r.groups() {
		if cells[0].Conns != conns {
			continue
		}
		g := chart.Group{Name: cells[0].Title}
		for i := range cells {
			low, mid, high := cells[i].of(figure)
			if cells[i].Slow == "" {
				g.Bars = append(g.Bars, chart.Bar{Name: cells[i].Server, Value: mid, Low: low, High: high})
			}
		}
		b.Groups = append(b.Groups, g)
	}
	return b
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// places are what stands in NAME.md.
func (r *report) places() map[string]string {
	places := map[string]string{"machine": r.machine(), "summary": r.summary(), "cells": r.tables()}
	if r.Stream != nil {
		places["stream"] = streamTable(r.Stream)
	}
	if r.Hostile != nil {
		places["hostile"] = hostileTable(r.Hostile)
	}
	return places
}

func (r *report) machine() string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s. %d processors (%s), Linux %s, Go %s, PostgreSQL %s with %s users on the same machine, pool %d; %d rounds of %g s.\n",
		r.Date, r.CPUs, r.CPU, r.Kernel, strings.TrimPrefix(r.Go, "go"), r.PostgreSQL, chart.Thousands(r.Users), r.Pool, r.Rounds, r.Each)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(&w, "\n- *%s*: %s", name, r.Versions[name])
	}
	for _, why := range r.LeftOut {
		fmt.Fprintf(&w, "\n- left out: %s", why)
	}
	return w.String()
}
