package executor

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

// cellRows are WireRows through database/sql, for a backend that is no
// WireQuerier. Every value is PostgreSQL's text. It costs two or three
// allocations a value; backends that care implement WireQuerier.
type cellRows struct {
	rows  *sql.Rows
	cols  []backend.Column
	cells []cell
	dest  []any
	row   [][]byte
	err   error
}

var _ backend.WireRows = (*cellRows)(nil)

func queryCells(ctx context.Context, conn *sql.Conn, query string, args []any) (backend.WireRows, error) {
	rows, err := conn.QueryContext(ctx, query, args...) //nolint:rowserrcheck // cellRows asks
	if err != nil {
		return nil, err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		_ = rows.Close() //nolint:sqlclosecheck // else cellRows closes them
		return nil, err
	}
	c := &cellRows{
		rows: rows, cols: make([]backend.Column, len(types)), cells: make([]cell, len(types)),
		dest: make([]any, len(types)), row: make([][]byte, len(types)),
	}
	for i, t := range types {
		name := t.DatabaseTypeName()
		c.cols[i] = backend.Column{Name: t.Name(), OID: typeOIDs[name], Format: backend.Text}
		c.cells[i].typ = name
		c.dest[i] = &c.cells[i]
	}
	return c, nil
}

// typeOIDs are the types whose driver.Value needs more than its Go type to be
// written as PostgreSQL writes it, or that JSON does not quote, by the name that
// both drivers report. OIDs: src/include/catalog/pg_type.dat.
var typeOIDs = map[string]uint32{
	"BOOL": 16, "BYTEA": 17, "INT8": 20, "INT2": 21, "INT4": 23, "TEXT": 25, "OID": 26, "JSON": 114,
	"FLOAT4": 700, "FLOAT8": 701, "BPCHAR": 1042, "VARCHAR": 1043, "DATE": 1082, "TIME": 1083,
	"TIMESTAMP": 1114, "TIMESTAMPTZ": 1184, "NUMERIC": 1700, "UUID": 2950, "JSONB": 3802,
}

// Columns describes the row.
func (c *cellRows) Columns() []backend.Column { return c.cols }

// Next moves to the next row.
func (c *cellRows) Next() bool {
	if c.err != nil || !c.rows.Next() {
		return false
	}
	if c.err = c.rows.Scan(c.dest...); c.err != nil {
		return false
	}
	for i := range c.cells {
		c.row[i] = c.cells[i].text
	}
	return true
}

// Values are the cells of the current row.
func (c *cellRows) Values() [][]byte { return c.row }

// Err is the error that ended Next.
func (c *cellRows) Err() error {
	if c.err != nil {
		return c.err
	}
	return c.rows.Err()
}

// Close ends the rows.
func (c *cellRows) Close() error {
	err := c.rows.Close()
	if e := c.Err(); e != nil {
		return e
	}
	return err
}

// cell is the one sql.Scanner that values are read into: what a driver made of a
// value is written as the server would have. Scanning into Go types instead
// would leave the conversions to each driver, and they differ.
type cell struct {
	typ  string // DatabaseTypeName
	buf  []byte
	text []byte // nil: NULL
}

var _ sql.Scanner = (*cell)(nil)

// Scan keeps src as PostgreSQL's text.
func (c *cell) Scan(src any) error {
	b := c.buf[:0]
	switch v := src.(type) {
	case nil:
		c.text = nil
		return nil
	case string:
		b = append(b, v...)
	case []byte:
		if c.typ == "BYTEA" {
			b = hex.AppendEncode(append(b, `\x`...), v)
		} else {
			b = append(b, v...)
		}
	case bool:
		if v {
			b = append(b, 't')
		} else {
			b = append(b, 'f')
		}
	case int64:
		b = strconv.AppendInt(b, v, 10)
	case float64:
		b = appendFloat(b, v, c.typ == "FLOAT4")
	case time.Time:
		b = appendTime(b, v, c.typ)
	default:
		return fmt.Errorf("a driver gave a %T; want a driver.Value", src)
	}
	c.buf = b
	if b == nil {
		b = []byte{} // an empty value is not NULL
	}
	c.text = b
	return nil
}

// appendFloat writes v as float8out does with extra_float_digits 1: the shortest
// text that reads back, with an exponent outside of 1e-4 to 1e15 (1e6 for float4).
func appendFloat(dst []byte, v float64, single bool) []byte {
	bits, most := 64, 15
	if single {
		bits, most = 32, 6
	}
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	case v == 0:
		if math.Signbit(v) {
			dst = append(dst, '-')
		}
		return append(dst, '0')
	}
	// The exponent of the shortest text; a logarithm would be off by one at times.
	text := strconv.AppendFloat(nil, v, 'e', -1, bits)
	exp, _ := strconv.Atoi(string(text[bytes.IndexByte(text, 'e')+1:]))
	if exp < -4 || exp >= most {
		return append(dst, text...)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, bits)
}

// appendTime writes t as the server does with DateStyle ISO.
func appendTime(dst []byte, t time.Time, typ string) []byte {
	layout := "2006-01-02 15:04:05.999999-07:00"
	switch typ {
	case "DATE":
		layout = "2006-01-02"
	case "TIME":
		return t.AppendFormat(dst, "15:04:05.999999")
	case "TIMETZ":
		return trimZone(t.AppendFormat(dst, "15:04:05.999999-07:00"))
	case "TIMESTAMP":
		layout = "2006-01-02 15:04:05.999999"
	}
	// Go's year 0 is 1 BC; years beyond four digits have no sign in PostgreSQL.
	year, bc := t.Year(), false
	if year <= 0 {
		year, bc = 1-year, true
	}
	dst = fmt.Appendf(dst, "%04d", year)
	dst = t.AppendFormat(dst, layout[len("2006"):])
	if typ != "DATE" && typ != "TIMESTAMP" {
		dst = trimZone(dst)
	}
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// trimZone drops the minutes of an offset where they are zero: +02, +05:30.
func trimZone(b []byte) []byte {
	if n := len(b); n > 3 && string(b[n-3:]) == ":00" {
		return b[:n-3]
	}
	return b
}
