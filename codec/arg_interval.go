package codec

import (
	"bytes"
	"strings"
)

const wantInterval = `a string of numbers with units and a time, as in "1 year 2 mons -3 days 04:05:06.7", an ISO 8601 duration as in "P1Y2M3DT4H5M6.7S", "infinity" or "-infinity"`

// intervalUnits are the units that the server knows by these full names and
// that mean one thing only.
var intervalUnits = map[string]bool{
	"microsecond": true, "microseconds": true,
	"millisecond": true, "milliseconds": true,
	"second": true, "seconds": true,
	"sec": true, "secs": true,
	"minute": true, "minutes": true,
	"min": true, "mins": true,
	"hour": true, "hours": true,
	"day": true, "days": true,
	"week": true, "weeks": true,
	"month": true, "months": true,
	"mon": true, "mons": true,
	"year": true, "years": true,
	"decade": true, "decades": true,
	"century": true, "centuries": true,
	"millennium": true, "millennia": true, "millenniums": true,
}

// Three spellings are taken: the server's own ("1 day 02:03:04", which is what
// JSON answers hold), the same in words ("2 hours ago"), and ISO 8601.

// maxIntervalDigits keeps a number of an interval within what the server reads.
const maxIntervalDigits = 15

// argInterval checks the syntax and leaves the calculation to the server. A
// bare number is refused: that it would mean seconds is a guess.
func argInterval(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	word := string(s)
	if word != infinity && word != negInfinity && !isDuration(s) && !isPostgresInterval(s) {
		return dst, t.refuse(raw, "is not an interval")
	}
	return append(dst, s...), nil
}

// isPostgresInterval says whether s is a list of "number unit" with at most one
// time [±]HH:MM:SS[.f], and perhaps "ago" behind.
func isPostgresInterval(s []byte) bool {
	words := bytes.Fields(s)
	if n := len(words); n > 1 && string(words[n-1]) == "ago" {
		words = words[:n-1]
	}
	timed := false
	for i := 0; i < len(words); i++ {
		word := bytes.TrimLeft(words[i], "+-")
		if len(words[i])-len(word) > 1 {
			return false
		}
		if bytes.IndexByte(word, ':') >= 0 {
			if timed || !isLongClock(word) {
				return false
			}
			timed = true
			continue
		}
		if i++; !isDecimal(word) || i == len(words) || !intervalUnits[string(words[i])] {
			return false
		}
	}
	return len(words) > 0
}

// isLongClock is H+:MM[:SS[.f]].
func isLongClock(s []byte) bool {
	parts := bytes.Split(s, []byte{':'})
	if len(parts) > 3 {
		return false
	}
	for i, part := range parts {
		whole, fraction, dotted := bytes.Cut(part, []byte{'.'})
		if i == 0 && len(whole) > maxIntervalDigits || i > 0 && (len(whole) != 2 || whole[0] > '5') {
			return false
		}
		if !allDigits(whole) || dotted && (i != 2 || !allDigits(fraction) || len(fraction) > 6) {
			return false
		}
	}
	return true
}

// isDecimal is digits, perhaps with a fraction.
func isDecimal(s []byte) bool {
	whole, fraction, dotted := bytes.Cut(s, []byte{'.'})
	return allDigits(whole) && len(s) <= maxIntervalDigits && (!dotted || allDigits(fraction))
}

// allDigits says whether s is decimal digits, one at least.
func allDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}

// isDuration is P[nY][nM][nW][nD][T[nH][nM][nS]], each unit at most once and in
// this order, and at least one.
func isDuration(s []byte) bool {
	s, ok := bytes.CutPrefix(s, []byte{'P'})
	if !ok {
		return false
	}
	units, parts, timed := "YMWD", 0, false
	for len(s) > 0 {
		if s[0] == 'T' && !timed && len(s) > 1 {
			units, s, timed = "HMS", s[1:], true
			continue
		}
		end := 0
		for end < len(s) && (s[end] == '-' || s[end] == '+' || s[end] == '.' || s[end]-'0' <= 9) {
			end++
		}
		digits := s[:end]
		if end > 0 && (s[0] == '-' || s[0] == '+') {
			digits = s[1:end]
		}
		if end == len(s) || !isDecimal(digits) {
			return false
		}
		at := strings.IndexByte(units, s[end])
		if at < 0 {
			return false
		}
		units, s = units[at+1:], s[end+1:]
		parts++
	}
	return parts > 0
}
