package report

import (
	"fmt"
	"strconv"
	"time"
)

// thousands is n with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent is a share with two digits that count.
func percent(share float64) string {
	switch {
	case share == 0:
		return "0 %"
	case share >= 0.1:
		return strconv.FormatFloat(100*share, 'f', 1, 64) + " %"
	}
	digits := 1
	for x := share * 100; x < 10 && digits < 9; x *= 10 {
		digits++
	}
	return strconv.FormatFloat(100*share, 'f', digits, 64) + " %"
}

// duration is ns with three digits that count.
func duration(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < 0:
		return "-" + duration(-ns)
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g µs", float64(d)/1e3)
}

// signed is a share of change: "+12.3 %".
func signed(share float64) string { return fmt.Sprintf("%+.1f %%", 100*share) }

// Words is the comparison in one line: "+12.3 % [+10.1 %, +14.0 %], slower".
func (l Latency) Words() string {
	if l.Sampled == 0 {
		return "not measured"
	}
	s := signed(l.Relative.Median)
	if l.Relative.Low != nil {
		s += fmt.Sprintf(" [%s, %s]", signed(*l.Relative.Low), signed(*l.Relative.High))
	}
	return s + ", " + l.Judgement
}
