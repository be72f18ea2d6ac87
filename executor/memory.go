package executor

import (
	"github.com/fraiseql/fraiseql-go/backend"
)

// memoryRows are rows that were read already: those of a write, whose answer
// must wait for the commit.
type memoryRows struct {
	cols  []backend.Column
	cells []byte // every value, one after the other
	ends  []int  // end of each value in cells; -1-end: NULL
	row   [][]byte
	at    int // values handed out so far
	start int // where in cells the next value begins
}

var _ backend.WireRows = (*memoryRows)(nil)

// keep reads r to its end and closes it.
func keep(r *Rows) (*memoryRows, error) {
	m := &memoryRows{cols: append([]backend.Column(nil), r.wire.Columns()...)}
	m.row = make([][]byte, len(m.cols))
	for r.Next() {
		for _, v := range r.Values() {
			m.cells = append(m.cells, v...)
			if v == nil {
				m.ends = append(m.ends, -1-len(m.cells))
			} else {
				m.ends = append(m.ends, len(m.cells))
			}
		}
		if len(m.cols) == 0 { // "returning" nothing: a row all the same
			m.ends = append(m.ends, 0)
		}
	}
	return m, r.Close()
}

// Columns describes the row.
func (m *memoryRows) Columns() []backend.Column { return m.cols }

// Next moves to the next row.
func (m *memoryRows) Next() bool {
	if m.at >= len(m.ends) {
		return false
	}
	if len(m.cols) == 0 {
		m.at++
		return true
	}
	for i := range m.row {
		end := m.ends[m.at]
		m.at++
		if end < 0 {
			m.row[i] = nil
			continue
		}
		// Three indexes: an append by the reader must not reach the next value.
		m.row[i] = m.cells[m.start:end:end]
		if m.row[i] == nil {
			m.row[i] = []byte{}
		}
		m.start = end
	}
	return true
}

// Values are the cells of the current row.
func (m *memoryRows) Values() [][]byte { return m.row }

// Err is nil: what could fail has failed while the rows were read.
func (m *memoryRows) Err() error { return nil }

// Close ends the rows.
func (m *memoryRows) Close() error {
	m.at = len(m.ends)
	return nil
}
