package parity

import (
	"encoding/binary"
	"hash/maphash"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// row is one row in canonical form: codec.AppendCanonical of each cell, one
// after the other. Cell boundaries are kept beside the bytes, so that two rows
// whose cells are shifted against each other are never equal.
type row struct {
	data []byte
	ends []int32 // end of each cell in data

	server []string // the server's JSON of each cell, where it was asked
}

// reset empties r and keeps its memory.
func (r *row) reset() { r.data, r.ends = r.data[:0], r.ends[:0] }

// fill makes r the canonical form of one row of wire values.
func (r *row) fill(columns []builder.Column, formats []codec.Format, values [][]byte) error {
	r.reset()
	for i, v := range values {
		var err error
		if r.data, err = columns[i].Type.AppendCanonical(r.data, v, formats[i]); err != nil {
			return err
		}
		r.ends = append(r.ends, int32(len(r.data)))
	}
	return nil
}

func (r *row) clone() *row {
	return &row{data: append([]byte(nil), r.data...), ends: append([]int32(nil), r.ends...)}
}

// cell is the canonical form of column i.
func (r *row) cell(i int) string { return r.part(i) }

// part is what stands between two ends.
func (r *row) part(i int) string {
	start := int32(0)
	if i > 0 {
		start = r.ends[i-1]
	}
	return string(r.data[start:r.ends[i]])
}

// nullsOf adds to nulls the cells of r that are NULL.
func (r *row) nullsOf(nulls []bool) {
	start := int32(0)
	for i, end := range r.ends {
		if r.data[start] == 'n' {
			nulls[i] = true
		}
		start = end
	}
}

func (r *row) equal(o *row) bool {
	if len(r.ends) != len(o.ends) || string(r.data) != string(o.data) {
		return false
	}
	for i := range r.ends {
		if r.ends[i] != o.ends[i] {
			return false
		}
	}
	return true
}

// shares is in how many cells r and o are equal.
func (r *row) shares(o *row) (n int) {
	for i := range min(len(r.ends), len(o.ends)) {
		if r.cell(i) == o.cell(i) {
			n++
		}
	}
	return n
}

// rowKey identifies a row's content: two independent 64-bit hashes.
type rowKey [2]uint64

// hasher makes rowKeys; its seeds are random, so no data can be made to collide.
type hasher struct{ a, b maphash.Hash }

func (h *hasher) key(r *row) rowKey {
	h.a.Reset()
	h.b.Reset()
	var n [4]byte
	for _, end := range r.ends {
		binary.LittleEndian.PutUint32(n[:], uint32(end))
		h.write(n[:])
	}
	h.write(r.data)
	return rowKey{h.a.Sum64(), h.b.Sum64()}
}

// write never fails: maphash.Hash says so.
func (h *hasher) write(b []byte) {
	_, _ = h.a.Write(b)
	_, _ = h.b.Write(b)
}

// show is a cell for people: NULL, or the text in quotes.
func show(cell string) string {
	if strings.HasPrefix(cell, "v") {
		return cell[1:]
	}
	return "NULL"
}

// table is what go-cmp compares and prints: one entry per column.
func (r *row) table(columns []builder.Column) map[string]string {
	m := make(map[string]string, len(columns))
	for i, c := range columns {
		m[c.Name] = show(r.cell(i))
	}
	return m
}

// diffRows is the readable difference of two rows, control first.
func diffRows(columns []builder.Column, control, candidate *row) string {
	return cmp.Diff(control.table(columns), candidate.table(columns))
}

// value is a cell of a Report.
func value(cell string) Value {
	if strings.HasPrefix(cell, "v") {
		return Value{Text: cell[1:]}
	}
	return Value{Null: true}
}

// cells are the values of two rows in the columns at.
func cells(columns []builder.Column, control, candidate *row, at []int) []Cell {
	list := make([]Cell, len(at))
	for k, i := range at {
		c := columns[i]
		list[k] = Cell{Column: c.Name, Type: c.Type.String(), Control: value(control.cell(i)), Candidate: value(candidate.cell(i))}
	}
	return list
}

// text is a row for people.
func (r *row) text(columns []builder.Column) string {
	var b strings.Builder
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Name + "=" + show(r.cell(i)))
	}
	return b.String()
}
