package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/tests/bench/chart"
)

// summary has what each server reaches of ceiling-rows, a row for each work at each
// number of connections.
func (r *report) summary() string {
	var names []string
	for i := range r.Cells {
		if name := r.Cells[i].Server; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	var w strings.Builder
	w.WriteString("| work | connections | " + names[0] + ", requests/s |")
	for _, name := range names[1:] {
		w.WriteString(" " + name + " |")
	}
	others := slices.ContainsFunc(names, isOther)
	if others {
		w.WriteString(" pgx ÷ best of others |")
	}
	w.WriteString("\n|" + strings.Repeat("---|", strings.Count(w.String(), "|")-1) + "\n")
	for _, cells := range r.groups() {
		base := cells[0].median(rate)
		fmt.Fprintf(&w, "| %s | %d | %s |", cells[0].Title, cells[0].Conns, chart.Short(base))
		mine, best := 0.0, 0.0
		for _, name := range names[1:] {
			i := slices.IndexFunc(cells, func(c cell) bool { return c.Server == name })
			switch {
			case i < 0:
				w.WriteString(" |")
				continue
			case cells[i].Slow != "":
				w.WriteString(" – |")
				continue
			}
			of := cells[i].median(rate)
			switch {
			case name == "fraiseql/pgx":
				mine = of
			case isOther(name):
				best = max(best, of)
			}
			fmt.Fprintf(&w, " %.2f |", of/base)
		}
		switch {
		case mine > 0 && best > 0:
			fmt.Fprintf(&w, " %.1f |", mine/best)
		case others:
			w.WriteString(" |")
		}
		w.WriteByte('\n')
	}
	return w.String()
}

// isOther says whether a server of that name is neither ours nor a ceiling.
func isOther(name string) bool {
	return !strings.HasPrefix(name, "fraiseql") && !strings.HasPrefix(name, "ceiling")
}

// tables has all figures, a table for each work.
func (r *report) tables() string {
	var w strings.Builder
	last := ""
	for _, cells := range r.groups() {
		if cells[0].Work != last {
			last = cells[0].Work
			fmt.Fprintf(&w, "\n### %s: %s\n\n", last, cells[0].Title)
			w.WriteString("| connections | server | requests/s | slowest–fastest round | ÷ ceiling-rows | p50 ms | p99 ms | server µs | database µs | peak MB | requests |\n|" + strings.Repeat("---|", 11) + "\n")
		}
		for i := range cells {
			c := &cells[i]
			if c.Slow != "" {
				fmt.Fprintf(&w, "| %d | %s | not measured: %s |%s\n", c.Conns, c.Server, c.Slow, strings.Repeat(" |", 8))
				continue
			}
			low, mid, high := c.of(rate)
			n := 0
			for _, f := range c.Rounds {
				n += f.Requests
			}
			fmt.Fprintf(&w, "| %d | %s | %s | %s–%s | %.2f | %s | %s | %s | %s | %s | %s |\n", c.Conns, c.Server, chart.Short(mid), chart.Short(low), chart.Short(high),
				mid/cells[0].median(rate), chart.Short(c.median(p50)), chart.Short(c.median(p99)), chart.Short(c.median(cpu)), chart.Short(c.median(databaseCPU)),
				chart.Short(c.median(memory)), chart.Thousands(n))
		}
	}
	return strings.TrimPrefix(w.String(), "\n")
}

func streamTable(list []streamed) string {
	var w strings.Builder
	w.WriteString("| server | total | first byte after | resident, idle | peak | above idle |\n|---|---|---|---|---|---|\n")
	for _, s := range list {
		fmt.Fprintf(&w, "| %s | %.2f s | %.1f ms | %.1f MB | %.1f MB | %.1f MB |\n", s.Target, s.Seconds, s.First, s.Idle, s.Peak, s.Peak-s.Idle)
	}
	return w.String()
}

func hostileTable(list []refused) string {
	var w strings.Builder
	w.WriteString("| kind | bytes | code | p50 ms | p99 ms | max ms | server's processor time, ms |\n|---|---|---|---|---|---|---|\n")
	for _, h := range list {
		fmt.Fprintf(&w, "| %s | %d | %s | %.2f | %.2f | %.2f | %.2f |\n", h.Kind, h.Bytes, h.Code, h.P50, h.P99, h.Max, h.CPU/1000)
	}
	return w.String()
}
