package connector

import (
	"bytes"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// cell is one value. Two cells with the same canon are the same value to
// PostgreSQL; those with the same shape too are the same to Go.
type cell struct {
	canon string // "n" for NULL, else "v" and a text
	shape string // what Go code that scans into an any sees, beyond canon
}

func (c cell) null() bool { return c.canon == "n" }

// text is the value without its mark.
func (c cell) text() string {
	if c.null() {
		return ""
	}
	return c.canon[1:]
}

// show is a cell for people.
func (c cell) show() string {
	if c.null() {
		return "NULL"
	}
	return strconv.Quote(c.text())
}

// canonical is v, which a driver gave for a column of type typ (the name of
// ColumnTypeDatabaseTypeName, "" where the driver knows none).
func canonical(typ string, v driver.Value) cell {
	switch v := v.(type) {
	case nil:
		return cell{canon: "n"}
	case bool:
		return cell{canon: "v" + strconv.FormatBool(v)[:1], shape: "bool"}
	case int64:
		return cell{canon: "v" + strconv.FormatInt(v, 10), shape: "int64"}
	case float64:
		return canonicalFloat(typ, v)
	case float32:
		return cell{canon: "v" + floatText(float64(v), 32), shape: "float32"}
	case time.Time:
		return canonicalTime(typ, v)
	case []byte:
		if typ == "BYTEA" {
			return cell{canon: `v\x` + hex.EncodeToString(v), shape: "[]byte"}
		}
		return cell{canon: "v" + canonicalText(typ, string(v)), shape: "[]byte"}
	case string:
		return cell{canon: "v" + canonicalText(typ, v), shape: "string"}
	default: // a driver's own type: pgx lets them through in a few places
		return cell{canon: "v" + canonicalText(typ, fmt.Sprint(v)), shape: fmt.Sprintf("%T", v)}
	}
}

// canonicalFloat: lib/pq reads a float4 as the float64 of its text, pgx widens the
// float32.
func canonicalFloat(typ string, v float64) cell {
	if typ == "FLOAT4" {
		return cell{canon: "v" + floatText(v, 32), shape: "float64 " + strconv.FormatFloat(v, 'g', -1, 64)}
	}
	return cell{canon: "v" + floatText(v, 64), shape: "float64"}
}

func floatText(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'g', -1, bits)
}

// The layouts of canonical forms. PostgreSQL keeps microseconds.
const (
	layoutDate      = "2006-01-02"
	layoutClock     = "15:04:05.999999"
	layoutTimestamp = layoutDate + "T" + layoutClock
)

func canonicalTime(typ string, v time.Time) cell {
	zone, offset := v.Zone()
	where := v.Location().String()
	if where == "" {
		where = "fixed"
	}
	shape := fmt.Sprintf("time.Time in %s %s%d", where, zone, offset)
	var s string
	switch typ {
	case "DATE":
		s = v.Format(layoutDate)
		if h, m, sec := v.Clock(); h+m+sec+v.Nanosecond() != 0 {
			s = v.Format(layoutTimestamp)
		}
	case "TIME":
		s = v.Format(layoutClock)
		if v.Year() == 0 && v.YearDay() == 2 { // lib/pq's 24:00
			s = "24:00:00"
		}
	case "TIMETZ":
		s = v.Format(layoutClock) + offsetText(offset)
		if v.Year() == 0 && v.YearDay() == 2 && v.Hour() == 0 {
			s = "24:00:00" + offsetText(offset)
		}
	case "TIMESTAMP":
		s = v.Format(layoutTimestamp)
	default: // TIMESTAMPTZ, and what a driver made an instant of
		s = v.UTC().Format(layoutTimestamp) + "Z"
	}
	return cell{canon: "v" + s, shape: shape}
}

// offsetText is an offset in seconds as ±hh:mm:ss.
func offsetText(offset int) string {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return fmt.Sprintf("%c%02d:%02d:%02d", sign, offset/3600, offset/60%60, offset%60)
}

// canonicalText brings the server's text of a type that another driver decodes
// into the form that the decoded value gets.
func canonicalText(typ, s string) string {
	switch typ {
	case "TIMETZ":
		return timetzText(s)
	case "TIMESTAMPTZ":
		for _, layout := range []string{"2006-01-02 15:04:05.999999Z07:00:00", "2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04:05.999999Z07"} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC().Format(layoutTimestamp) + "Z"
			}
		}
	case "TIMESTAMP":
		if t, err := time.Parse("2006-01-02 15:04:05.999999", s); err == nil {
			return t.Format(layoutTimestamp)
		}
	case "FLOAT4", "FLOAT8":
		bits := 64
		if typ == "FLOAT4" {
			bits = 32
		}
		if f, err := strconv.ParseFloat(s, bits); err == nil {
			return floatText(f, bits)
		}
	case "BOOL":
		switch s {
		case "true":
			return "t"
		case "false":
			return "f"
		}
	case "BYTEA":
		return `\x` + hex.EncodeToString([]byte(s))
	}
	return s
}

// timetzText brings PostgreSQL's 12:34:56+05:30 to 12:34:56+05:30:00.
func timetzText(s string) string {
	i := strings.LastIndexAny(s, "+-")
	if i < 0 {
		return s
	}
	switch strings.Count(s[i:], ":") {
	case 0:
		return s + ":00:00"
	case 1:
		return s + ":00"
	}
	return s
}

// goRule names the rule under which two cells with one canon, a of the control and
// b of the candidate, differ in Go. It has no value of a row in it.
func goRule(typ string, a, b cell) string {
	if typ == "" {
		typ = "a type without a name"
	}
	x, y := goType(a.shape), goType(b.shape)
	typ = strings.ToLower(typ)
	if x == y {
		switch x {
		case "time.Time":
			return "go type: " + typ + ": location of time.Time"
		case "float64":
			return "go type: " + typ + ": float64 widened from float32"
		}
	}
	return "go type: " + typ + ": " + x + " against " + y
}

func goType(shape string) string {
	name, _, _ := strings.Cut(shape, " ")
	return name
}

// keep copies what a driver may overwrite.
func keep(values []driver.Value) []driver.Value {
	out := make([]driver.Value, len(values))
	for i, v := range values {
		if b, ok := v.([]byte); ok && b != nil {
			v = bytes.Clone(b)
		}
		out[i] = v
	}
	return out
}

// size is roughly what values take in memory.
func size(values []driver.Value) int {
	n := 24 * len(values)
	for _, v := range values {
		switch v := v.(type) {
		case []byte:
			n += len(v)
		case string:
			n += len(v)
		}
	}
	return n
}
