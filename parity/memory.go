package parity

import (
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
)

// memory is rows held in memory, as backend.WireRows.
type memory struct {
	columns []backend.Column
	rows    [][][]byte
	at      int
}

func (m *memory) Columns() []backend.Column { return m.columns }
func (m *memory) Next() bool                { m.at++; return m.at <= len(m.rows) }
func (m *memory) Values() [][]byte          { return m.rows[m.at-1] }
func (m *memory) Err() error                { return nil }
func (m *memory) Close() error              { m.at = len(m.rows); return nil }

// hold reads rows to the end into memory and into o, at most limit bytes.
func hold(rows *executor.Rows, o *observation, limit int64) (*memory, error) {
	m := &memory{columns: wireColumns(rows)}
	o.columns = rows.Columns()
	var size int64
	for rows.Next() {
		r := new(row)
		if err := r.fill(o.columns, rows.Formats(), rows.Values()); err != nil {
			_ = rows.Close()
			return nil, err
		}
		o.rows = append(o.rows, r)
		values := make([][]byte, len(rows.Values()))
		for i, v := range rows.Values() {
			if v != nil {
				values[i] = append([]byte{}, v...)
				size += int64(len(v))
			}
		}
		size += int64(len(r.data)) + 40*int64(len(values))
		if size > limit {
			_ = rows.Close()
			return nil, backend.New("compare", backend.CodeLimit, fmt.Errorf("%s returned more than the %d bytes that parity may hold", o.name, limit))
		}
		m.rows = append(m.rows, values)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	return m, rows.Err()
}
