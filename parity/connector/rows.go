package connector

import (
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
)

// rows are the control's rows, compared while the caller reads them. The methods
// about types are the control's; where its driver lacks one, they answer what
// database/sql then assumes.
type rows struct {
	control driver.Rows
	call    *call
	lock    *lockstep // nil: not compared
	n       int64
	err     error
	ended   bool
	closed  bool
}

var (
	_ driver.RowsColumnTypeScanType         = (*rows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)
	_ driver.RowsColumnTypeLength           = (*rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rows)(nil)
)

// Columns are the control's.
func (r *rows) Columns() []string { return r.control.Columns() }

// Next is the control's next row.
func (r *rows) Next(dest []driver.Value) error {
	err := r.control.Next(dest)
	if err == nil {
		r.n++
		r.compare(func() { r.lock.row(dest) })
		return nil
	}
	r.ended = true
	if !errors.Is(err, io.EOF) {
		r.err = err
	}
	r.compare(func() { r.lock.endSet(r.err) })
	return err
}

// compare runs a step of the comparison, which must not hurt the caller.
func (r *rows) compare(step func()) {
	if r.lock == nil {
		return
	}
	ok := false
	r.call.guard(func() { step(); ok = true })
	if !ok {
		r.lock = nil
	}
}

func (r *rows) hasNextSet() bool {
	s, ok := r.control.(driver.RowsNextResultSet)
	return ok && s.HasNextResultSet()
}

func (r *rows) nextSet() error {
	s, ok := r.control.(driver.RowsNextResultSet)
	if !ok {
		return io.EOF
	}
	skipped := !r.ended
	if err := s.NextResultSet(); err != nil {
		return err
	}
	r.ended = false
	r.compare(func() { r.lock.nextSet(r.control, skipped) })
	return nil
}

// Close closes the control's rows and ends the comparison.
func (r *rows) Close() error {
	err := r.control.Close()
	if r.closed {
		return err
	}
	r.closed = true
	if r.err == nil && err != nil {
		r.err = err
	}
	r.call.record(r.err, r.n)
	r.compare(func() { r.lock.close(r.ended, r.err) })
	return err
}

// ColumnTypeScanType is the control's.
func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	if t, ok := r.control.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

// ColumnTypeDatabaseTypeName is the control's.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.control.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

// ColumnTypeLength is the control's.
func (r *rows) ColumnTypeLength(i int) (int64, bool) {
	if t, ok := r.control.(driver.RowsColumnTypeLength); ok {
		return t.ColumnTypeLength(i)
	}
	return 0, false
}

// ColumnTypePrecisionScale is the control's.
func (r *rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	if t, ok := r.control.(driver.RowsColumnTypePrecisionScale); ok {
		return t.ColumnTypePrecisionScale(i)
	}
	return 0, 0, false
}
