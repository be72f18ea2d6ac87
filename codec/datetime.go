package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
)

// Dates count days, timestamps microseconds, from 2000-01-01 (timestamp.h).
const (
	usecPerSecond = 1_000_000
	usecPerMinute = 60 * usecPerSecond
	usecPerHour   = 60 * usecPerMinute
	usecPerDay    = 24 * usecPerHour

	daysTo2000   = 730_425 // from 0000-03-01
	daysPerEra   = 146_097 // 400 years
	infinity     = "infinity"
	negInfinity  = "-infinity"
	maxZoneShift = 16 * 3600 // seconds; the server's limit is just under 16 hours
)

var errTimeRange = errors.New("time of day out of range")

// The calendar is worked out here because time.Time ends where PostgreSQL goes
// on: years to 5874897, BC, 24:00:00 and the infinities.

// civil is the date of a day count, in the proleptic Gregorian calendar with a
// year 0 (1 BC). Years begin in March here, so that the leap day comes last.
func civil(days int64) (year int64, month, day int) {
	z := days + daysTo2000
	era := floorDiv(z, daysPerEra)
	doe := z - era*daysPerEra
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	year = yoe + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// dayCount is the inverse of civil.
func dayCount(year int64, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := int64(153*(month-3)+2)/5 + int64(day) - 1
	return era*daysPerEra + yoe*365 + yoe/4 - yoe/100 + doy - daysTo2000
}

// floorDiv rounds down, where Go's division rounds toward zero: the days before 2000
// are negative.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// appendDate appends YYYY-MM-DD and says whether " BC" has to follow.
func appendDate(dst []byte, days int64) (out []byte, bc bool) {
	year, month, day := civil(days)
	if year <= 0 {
		year, bc = 1-year, true
	}
	if year >= 10_000 {
		dst = strconv.AppendInt(dst, year, 10)
		return append(dst, '-', '0'+byte(month/10), '0'+byte(month%10), '-', '0'+byte(day/10), '0'+byte(day%10)), bc
	}
	y := uint32(year) // one append: a timestamp is the dearest of the common types
	return append(dst, '0'+byte(y/1000), '0'+byte(y/100%10), '0'+byte(y/10%10), '0'+byte(y%10),
		'-', '0'+byte(month/10), '0'+byte(month%10), '-', '0'+byte(day/10), '0'+byte(day%10)), bc
}

// appendClock appends HH:MM:SS and the fraction without trailing zeros. usec is
// not negative; hours may have more than two digits.
func appendClock(dst []byte, usec uint64) []byte {
	if h := usec / usecPerHour; h < 100 {
		dst = appendTwo(dst, uint32(h))
	} else {
		dst = strconv.AppendUint(dst, h, 10)
	}
	rest := uint32(usec / usecPerSecond % 3600)
	minute, second := rest/60, rest%60
	dst = append(dst, ':', '0'+byte(minute/10), '0'+byte(minute%10), ':', '0'+byte(second/10), '0'+byte(second%10))
	if fraction := uint32(usec % usecPerSecond); fraction != 0 {
		dst = appendPadded(append(dst, '.'), fraction, 6)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return dst
}

// appendTwo appends a number below 100 in two digits.
func appendTwo(dst []byte, v uint32) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }

// binDate counts days; the two ends of int4 are the infinities.
func binDate(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 4); err != nil {
		return dst, err
	}
	days := int32(binary.BigEndian.Uint32(wire))
	switch days {
	case math.MaxInt32:
		return append(dst, infinity...), nil
	case math.MinInt32:
		return append(dst, negInfinity...), nil
	}
	dst, bc := appendDate(dst, int64(days))
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst, nil
}

// binTime counts microseconds from midnight.
func binTime(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 8); err != nil {
		return dst, err
	}
	usec := binary.BigEndian.Uint64(wire)
	if usec > usecPerDay { // 24:00:00 is a time of day
		return dst, errTimeRange
	}
	return appendClock(dst, usec), nil
}

// binTimetz is a time, then the zone in seconds *west* of UTC.
func binTimetz(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 12); err != nil {
		return dst, err
	}
	dst, err := binTime(nil, dst, wire[:8], 0)
	if err != nil {
		return dst, err
	}
	west := int32(binary.BigEndian.Uint32(wire[8:]))
	if west > maxZoneShift || west < -maxZoneShift {
		return dst, errors.New("zone out of range")
	}
	return appendZone(dst, -int(west)), nil
}

// appendZone appends a shift in seconds east of UTC: +05, -03:30, +00:19:32.
func appendZone(dst []byte, east int) []byte {
	sign := byte('+')
	if east < 0 {
		sign, east = '-', -east
	}
	dst = appendTwo(append(dst, sign), uint32(east/3600))
	if east%3600 != 0 {
		dst = appendTwo(append(dst, ':'), uint32(east/60%60))
	}
	if east%60 != 0 {
		dst = appendTwo(append(dst, ':'), uint32(east%60))
	}
	return dst
}

// binTimestamp is a wall clock: no zone, no conversion.
func binTimestamp(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	return appendTimestamp(dst, wire, ' ', "")
}

// binTimestamptz writes in UTC, the zone that sessions are pinned to.
func binTimestamptz(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	return appendTimestamp(dst, wire, ' ', "+00")
}

// timestampBinaryJSON is the ISO 8601 form of to_json.
func (t *Type) timestampBinaryJSON(dst, wire []byte) ([]byte, error) {
	zone := ""
	if t.Base().oid == oidTimestamptz {
		zone = "+00:00"
	}
	dst, err := appendTimestamp(append(dst, '"'), wire, 'T', zone)
	return append(dst, '"'), err
}

// appendTimestamp reads a binary timestamp; sep and zone make it text or JSON.
func appendTimestamp(dst, wire []byte, sep byte, zone string) ([]byte, error) {
	if err := exactly(wire, 8); err != nil {
		return dst, err
	}
	return appendTimestampUsec(dst, int64(binary.BigEndian.Uint64(wire)), sep, zone), nil
}

// appendTimestampUsec writes microseconds from 2000-01-01; " BC" stands last, behind
// the zone.
func appendTimestampUsec(dst []byte, usec int64, sep byte, zone string) []byte {
	switch usec {
	case math.MaxInt64:
		return append(dst, infinity...)
	case math.MinInt64:
		return append(dst, negInfinity...)
	}
	days := floorDiv(usec, usecPerDay)
	dst, bc := appendDate(dst, days)
	dst = appendClock(append(dst, sep), uint64(usec-days*usecPerDay))
	dst = append(dst, zone...)
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// appendTimestampText turns the server's text of a timestamp into its JSON: the
// first space becomes T, and a zone of whole hours gets its minutes.
func appendTimestampText(dst, wire []byte) []byte {
	sep := bytes.IndexByte(wire, ' ')
	if sep < 0 || plainPrefix(wire) < len(wire) {
		return appendQuoted(dst, wire) // infinity, or no timestamp at all
	}
	clock := wire[sep+1:]
	dst = append(append(append(dst, '"'), wire[:sep]...), 'T')
	if zone := bytes.LastIndexAny(clock, "+-"); zone >= 0 && len(clock) >= zone+3 {
		hours := zone + 3
		dst, clock = append(dst, clock[:hours]...), clock[hours:]
		if len(clock) == 0 || clock[0] != ':' {
			dst = append(dst, ":00"...)
		}
	}
	return append(append(dst, clock...), '"')
}

// binInterval writes IntervalStyle postgres: 1 year 2 mons -3 days +04:05:06.7.
// A part after a negative one carries its plus sign.
func binInterval(_ *Type, dst, wire []byte, _ int) ([]byte, error) {
	if err := exactly(wire, 16); err != nil {
		return dst, err
	}
	usec := int64(binary.BigEndian.Uint64(wire))
	days := int32(binary.BigEndian.Uint32(wire[8:]))
	months := int32(binary.BigEndian.Uint32(wire[12:]))
	// PostgreSQL 17 has infinite intervals: all three fields at their end.
	switch {
	case usec == math.MaxInt64 && days == math.MaxInt32 && months == math.MaxInt32:
		return append(dst, infinity...), nil
	case usec == math.MinInt64 && days == math.MinInt32 && months == math.MinInt32:
		return append(dst, negInfinity...), nil
	}
	mark, negative := len(dst), false
	part := func(v int32, unit string) {
		if v == 0 {
			return
		}
		if len(dst) > mark {
			dst = append(dst, ' ')
		}
		if negative && v > 0 {
			dst = append(dst, '+')
		}
		dst = append(append(strconv.AppendInt(dst, int64(v), 10), ' '), unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
		negative = v < 0
	}
	part(months/12, "year")
	part(months%12, "mon")
	part(days, "day")
	if usec == 0 && len(dst) > mark {
		return dst, nil
	}
	if len(dst) > mark {
		dst = append(dst, ' ')
	}
	magnitude := uint64(usec)
	if usec < 0 {
		dst, magnitude = append(dst, '-'), -magnitude
	} else if negative {
		dst = append(dst, '+')
	}
	return appendClock(dst, magnitude), nil
}
