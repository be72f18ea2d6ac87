package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// row is what benchstat says of one benchmark in one unit.
type row struct {
	name, unit string  // BenchmarkHot without its name; sec/op, B/op or allocs/op
	was, is    float64 // medians
	p          float64 // of both being the same; 1 where benchstat knows nothing
	only       string  // "" where both sides have it, else "before" or "now"
}

// alpha is the chance of being wrong about noise that benchstat goes by.
const alpha = 0.05

// parse reads benchstat -format csv: a table for each unit, whose head is a line of
// units under a line of files.
func parse(text string) ([]row, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	lines, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("benchstat's table: %w", err)
	}
	var rows []row
	unit := ""
	for _, line := range lines {
		switch {
		case len(line) >= 4 && line[0] == "" && line[2] == "CI":
			unit = line[1]
		case len(line) < 2 || line[0] == "" || line[0] == "geomean" || unit == "":
		default:
			for len(line) < 7 { // what is empty at the end is left out
				line = append(line, "")
			}
			one := row{name: line[0], unit: unit, p: 1}
			one.was, err = number(line[1])
			if err == nil {
				one.is, err = number(line[3])
			}
			if err != nil {
				return nil, fmt.Errorf("benchstat's table: %s: %w", line[0], err)
			}
			switch {
			case line[1] == "":
				one.only = "now"
			case line[3] == "":
				one.only = "before"
			default:
				if one.p, err = chance(line[6]); err != nil {
					return nil, fmt.Errorf("benchstat's table: %s: %w", line[0], err)
				}
			}
			rows = append(rows, one)
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("benchstat's table is empty: the two have no benchmark in common")
	}
	return rows, nil
}

func number(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.ParseFloat(text, 64)
}

// chance reads "p=0.002 n=10".
func chance(text string) (float64, error) {
	p, ok := strings.CutPrefix(text, "p=")
	if !ok {
		return 1, nil
	}
	p, _, _ = strings.Cut(p, " ")
	return strconv.ParseFloat(p, 64)
}

// verdict is what became of the comparison: the rows that are worse.
type verdict struct{ worse []row }

// judge says what became worse, allocations first, and prints what became better.
// limit is in percent.
func judge(rows []row, limit float64, withTime bool, w io.Writer) (*verdict, error) {
	var v verdict
	var compared, better, apart int
	for _, unit := range []string{"allocs/op", "B/op", "sec/op"} {
		for _, r := range rows {
			if r.unit != unit || unit == "sec/op" && !withTime {
				continue
			}
			if r.only != "" {
				if unit == "allocs/op" {
					apart++
					fmt.Fprintf(w, "not compared: %s was measured %s only\n", r.name, r.only)
				}
				continue
			}
			compared++
			most := limit
			if unit == "allocs/op" {
				most = 0 // they are exact
			}
			change := percent(r.was, r.is)
			switch {
			case r.p < alpha && change > most:
				v.worse = append(v.worse, r)
			case r.p < alpha && change < -limit:
				better++
				fmt.Fprintf(w, "better: %s\n", r.words())
			}
		}
	}
	if compared == 0 {
		return nil, errors.New("the two have no benchmark in common")
	}
	fmt.Fprintf(w, "%d figures compared, %d worse, %d better by more than %v %%, %d paths on one side only\n", compared, len(v.worse), better, limit, apart)
	return &v, nil
}

// confirm prints what both looks found worse, and reports whether there is anything.
func (v *verdict) confirm(first *verdict, w io.Writer) bool {
	same := func(a, b row) bool { return a.name == b.name && a.unit == b.unit }
	failed := false
	for _, r := range first.worse {
		i := slices.IndexFunc(v.worse, func(again row) bool { return same(r, again) })
		if i < 0 {
			fmt.Fprintf(w, "by chance: %s; not so in the second look\n", r.words())
			continue
		}
		failed = true
		fmt.Fprintf(w, "WORSE: %s\n", v.worse[i].words())
	}
	if failed {
		fmt.Fprint(w, "Worse means: more allocations at all, or more bytes or time by more than the limit, and not by chance (p < 0.05, twice).\n"+
			"`go test ./tests/budgets -run '^$' -bench 'Hot/NAME' -cpuprofile cpu.out` shows where time goes.\n"+
			"If it is worth what it costs: `make bench-baseline`, and say in the commit what is had for it.\n")
	}
	return failed
}

func percent(was, is float64) float64 {
	if was == 0 {
		if is == 0 {
			return 0
		}
		return 100
	}
	return (is/was - 1) * 100
}

// words is r in a sentence.
func (r *row) words() string {
	change, way := percent(r.was, r.is), "more"
	if change < 0 {
		way, change = "less", -change
	}
	switch r.unit {
	case "allocs/op":
		return fmt.Sprintf("%s: %.0f allocations, it was %.0f", r.name, r.is, r.was)
	case "B/op":
		return fmt.Sprintf("%s: %.0f bytes allocated, it was %.0f (%.0f %% %s, p=%.3f)", r.name, r.is, r.was, change, way, r.p)
	}
	return fmt.Sprintf("%s: %.1f µs, it was %.1f (%.0f %% %s, p=%.3f)", r.name, r.is*1e6, r.was*1e6, change, way, r.p)
}
