package codec

import (
	"bytes"
	"errors"
)

// Dates and times come in by ISO 8601 and nothing else: what else the server
// reads depends on DateStyle ("01/02/2024"), on the clock ("today") or on tables
// of names. They go out in the server's own form, so that both drivers send the
// same bytes and rounding, dropping and shifting can't happen behind the caller.

// What the date and time types allow, for their errors.
const (
	wantDate        = `a string YYYY-MM-DD, from 4714-11-24 BC to 5874897-12-31, "infinity" or "-infinity"`
	wantTime        = "a string HH:MM[:SS[.ffffff]], up to 24:00:00"
	wantTimetz      = "a string HH:MM[:SS[.ffffff]] with Z or an offset ±HH[:MM[:SS]]; without one it is UTC"
	wantTimestamp   = `a string YYYY-MM-DD[THH:MM[:SS[.ffffff]]] without an offset, from 4714-11-24 BC to 294276-12-31, "infinity" or "-infinity"`
	wantTimestamptz = `a string YYYY-MM-DD[THH:MM[:SS[.ffffff]][Z|±HH[:MM[:SS]]]] (UTC without an offset), from 4714-11-24 BC to 294276-12-31, "infinity" or "-infinity"`
)

// The server's ranges (timestamp.h): days and microseconds from 2000-01-01, the
// ends not included.
const (
	minDay       = -2_451_545 // 4714-11-24 BC
	endDay       = 2_147_483_494 + minDay
	minTimestamp = -211_813_488_000_000_000
	endTimestamp = 9_223_371_331_200_000_000
)

var (
	errDate     = errors.New("is not a date")
	errClock    = errors.New("is not a time of day")
	errFraction = errors.New("has more than 6 digits of a second, which the server would round")
	errOffset   = errors.New("has an offset that is none, or beyond ±15:59:59")
	errNoOffset = errors.New("has an offset, which the type would drop")
	errRest     = errors.New("goes on after its end")
	errDayRange = errors.New("is out of range")
)

// argDate takes a date alone: a time behind it would be dropped.
func argDate(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	return t.argMoment(dst, raw, func(s []byte) ([]byte, error) {
		s, bc := bytes.CutSuffix(s, []byte(" BC"))
		days, rest, err := readDate(s, bc)
		if err == nil && len(rest) > 0 {
			err = errRest
		}
		if err != nil {
			return dst, err
		}
		dst, bc := appendDate(dst, days)
		if bc {
			dst = append(dst, " BC"...)
		}
		return dst, nil
	})
}

// argTimestamp refuses an offset, which the server would drop without a word.
func argTimestamp(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	return t.argMoment(dst, raw, func(s []byte) ([]byte, error) {
		usec, zoned, err := readTimestamp(s)
		if err == nil && zoned {
			err = errNoOffset
		}
		if err != nil {
			return dst, err
		}
		return appendTimestampUsec(dst, usec, ' ', ""), nil
	})
}

// argTimestamptz hands over UTC, so that no session's TimeZone matters.
func argTimestamptz(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	return t.argMoment(dst, raw, func(s []byte) ([]byte, error) {
		usec, _, err := readTimestamp(s)
		if err != nil {
			return dst, err
		}
		return appendTimestampUsec(dst, usec, ' ', "+00"), nil
	})
}

// argTime is a time of day.
func argTime(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	return t.argClock(dst, raw, func(s []byte) ([]byte, error) {
		usec, rest, err := readClock(s)
		if err == nil && len(rest) > 0 {
			err = errRest
			if _, zoned, _ := readZone(rest); zoned {
				err = errNoOffset
			}
		}
		if err != nil {
			return dst, err
		}
		return appendClock(dst, uint64(usec)), nil
	})
}

// argTimetz keeps its offset: the type stores it.
func argTimetz(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	return t.argClock(dst, raw, func(s []byte) ([]byte, error) {
		usec, rest, err := readClock(s)
		if err != nil {
			return dst, err
		}
		east, _, err := readZone(rest)
		if err != nil {
			return dst, err
		}
		return appendZone(appendClock(dst, uint64(usec)), int(east)), nil
	})
}

// argMoment adds the two infinities to what read takes.
func (t *Type) argMoment(dst, raw []byte, read func(s []byte) ([]byte, error)) ([]byte, error) {
	return t.argClock(dst, raw, func(s []byte) ([]byte, error) {
		if word := string(s); word == infinity || word == negInfinity {
			return append(dst, s...), nil
		}
		return read(s)
	})
}

// argClock gives read's error the value that it is about.
func (t *Type) argClock(dst, raw []byte, read func(s []byte) ([]byte, error)) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	out, err := read(s)
	if err != nil {
		return dst, t.refuse(raw, err.Error())
	}
	return out, nil
}

// readTimestamp reads a date, and a time of day and offset if they are there.
// zoned: an offset was there, and usec is in UTC.
func readTimestamp(s []byte) (usec int64, zoned bool, err error) {
	s, bc := bytes.CutSuffix(s, []byte(" BC"))
	days, rest, err := readDate(s, bc)
	if err != nil {
		return 0, false, err
	}
	var clock, east int64
	if len(rest) > 0 {
		if rest[0] != 'T' && rest[0] != ' ' {
			return 0, false, errRest
		}
		if clock, rest, err = readClock(rest[1:]); err != nil {
			return 0, false, err
		}
		if east, zoned, err = readZone(rest); err != nil {
			return 0, false, err
		}
	}
	// Days first: the product below must not overflow.
	if days < minDay-1 || days > endTimestamp/usecPerDay {
		return 0, false, errDayRange
	}
	usec = days*usecPerDay + clock - east*usecPerSecond
	if usec < minTimestamp || usec >= endTimestamp {
		return 0, false, errDayRange
	}
	return usec, zoned, nil
}

// readDate reads YYYY-MM-DD; a year may have up to 7 digits.
func readDate(s []byte, bc bool) (days int64, rest []byte, err error) {
	year, n := number(s, 7)
	if n < 4 || len(s) < n+6 || s[n] != '-' || s[n+3] != '-' {
		return 0, nil, errDate
	}
	month, n1 := number(s[n+1:], 2)
	day, n2 := number(s[n+4:], 2)
	rest = s[n+6:]
	if n1 != 2 || n2 != 2 || year == 0 || month < 1 || month > 12 {
		return 0, nil, errDate
	}
	if bc {
		year = 1 - year
	}
	days = dayCount(year, int(month), int(day))
	// A day that the month does not have comes back as another date.
	if y, m, d := civil(days); day < 1 || y != year || m != int(month) || d != int(day) {
		return 0, nil, errDate
	}
	if days < minDay || days >= endDay {
		return 0, nil, errDayRange
	}
	return days, rest, nil
}

// readClock reads HH:MM[:SS[.ffffff]] up to 24:00:00, in microseconds.
func readClock(s []byte) (usec int64, rest []byte, err error) {
	hour, n := number(s, 2)
	if n != 2 || len(s) < 5 || s[2] != ':' {
		return 0, nil, errClock
	}
	minute, n := number(s[3:], 2)
	if n != 2 || minute > 59 {
		return 0, nil, errClock
	}
	rest = s[5:]
	usec = hour*usecPerHour + minute*usecPerMinute
	if len(rest) > 0 && rest[0] == ':' {
		second, n := number(rest[1:], 2)
		if n != 2 || second > 59 {
			return 0, nil, errClock
		}
		usec += second * usecPerSecond
		if rest = rest[3:]; len(rest) > 0 && rest[0] == '.' {
			digits := 1
			for unit := int64(usecPerSecond); digits < len(rest) && rest[digits]-'0' <= 9; digits++ {
				unit /= 10
				if unit == 0 && rest[digits] != '0' {
					return 0, nil, errFraction
				}
				usec += unit * int64(rest[digits]-'0')
			}
			if digits == 1 {
				return 0, nil, errClock
			}
			rest = rest[digits:]
		}
	}
	if usec > usecPerDay {
		return 0, nil, errClock
	}
	return usec, rest, nil
}

// readZone reads Z, ±HH, ±HHMM, ±HH:MM or ±HH:MM:SS to the end of s.
func readZone(s []byte) (east int64, zoned bool, err error) {
	if len(s) == 0 {
		return 0, false, nil
	}
	if string(s) == "Z" {
		return 0, true, nil
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false, errRest
	}
	rest := s[1:]
	for i, unit := range []int64{3600, 60, 1} {
		if i > 0 {
			if len(rest) == 0 {
				break
			}
			if rest[0] == ':' {
				rest = rest[1:]
			} else if unit == 1 {
				return 0, true, errOffset
			}
		}
		part, n := number(rest[:min(2, len(rest))], 2)
		if n != 2 || part > 59 {
			return 0, true, errOffset
		}
		east += part * unit
		rest = rest[2:]
	}
	if len(rest) > 0 || east >= maxZoneShift {
		return 0, true, errOffset
	}
	if s[0] == '-' {
		east = -east
	}
	return east, true, nil
}

// number reads up to limit decimal digits and says how many there were. More
// digits than that are none.
func number(s []byte, limit int) (v int64, n int) {
	for n < len(s) && s[n]-'0' <= 9 {
		if n == limit {
			return 0, 0
		}
		v = v*10 + int64(s[n]-'0')
		n++
	}
	return v, n
}
