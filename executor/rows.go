package executor

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Rows are the rows of one Statement, in wire form. Use:
//
//	for rows.Next() { rows.Values() }; then Err, and always Close
//
// or All. Not safe for concurrent use.
type Rows struct {
	wire   backend.WireRows
	cols   []builder.Column
	format []codec.Format
	few    [8]codec.Format // what format is made of where that is enough
	n      int64
	err    error
	closed bool
	last   bool              // COMMIT went with the statement
	ended  func()            // tells observers; nil: nobody asks
	done   func(error) error // gives the connection back; nil: there is none
}

// NewRows makes Rows of w, whose columns are described by cols: for who composes
// rows from elsewhere, as parity does. A column without a Type is of the
// built-in type that its OID says. cols may be empty; else there is one for each
// of w's columns. Closing the Rows closes w.
func NewRows(w backend.WireRows, cols []builder.Column) *Rows {
	r := &Rows{wire: w}
	r.describe(cols, codec.Builtin())
	return r
}

// rows is NewRows with the DB's types, for rows that have just come from the
// server: they must have the types that the Statement was built for. With byName
// a type of the users' is the one that the search path leads to: the same name
// in another schema, with another OID.
func (db *DB) rows(w backend.WireRows, cols []builder.Column, byName bool) (*Rows, error) {
	r := &Rows{wire: w}
	if err := checkColumns(db.backend, w.Columns(), cols, byName); err != nil {
		return nil, err
	}
	r.describe(cols, db.opt.types)
	return r, nil
}

// checkColumns compares what the server sends with what the Statement says. The table
// may have been altered since the catalog was read: then the JSON would be wrong
// without anyone noticing.
func checkColumns(b backend.Backend, got []backend.Column, cols []builder.Column, byName bool) error {
	if cols == nil {
		return nil
	}
	if len(got) != len(cols) {
		return changed(b, fmt.Errorf("%d columns, the statement was built for %d", len(got), len(cols)))
	}
	for i := range got {
		t := cols[i].Type
		// The server names the base type of a domain; OID 0: the driver does not know.
		if t == nil || got[i].OID == 0 || got[i].OID == t.OID() || got[i].OID == t.Base().OID() {
			continue
		}
		if byName && got[i].OID >= firstUserOID && t.Base().OID() >= firstUserOID {
			continue
		}
		return changed(b, fmt.Errorf("column %d, %q, is of type %d, the statement was built for %v (%d)",
			i+1, cols[i].Name, got[i].OID, t, t.OID()))
	}
	return nil
}

// firstUserOID is FirstNormalObjectId of src/include/access/transam.h: types
// below it are the server's own. Users' types come as text, so their OID is not
// needed to read them.
const firstUserOID = 16384

// ErrSchemaChanged is what an error wraps whose cause is that the table was
// altered after the catalog was read: load the catalog again and build anew.
var ErrSchemaChanged = errors.New("the schema has changed since the catalog was read")

func changed(b backend.Backend, err error) error {
	return &backend.Error{
		Op: "query", Backend: b.Name(), Code: backend.CodeConflict,
		Err: fmt.Errorf("%w: %w", ErrSchemaChanged, err),
	}
}

func (r *Rows) describe(cols []builder.Column, types *codec.Registry) {
	wire := r.wire.Columns()
	r.format = r.few[:0]
	for i := range wire {
		r.format = append(r.format, codec.Format(wire[i].Format))
	}
	r.cols = cols
	complete := len(cols) == len(wire) && !slices.ContainsFunc(cols, func(c builder.Column) bool { return c.Type == nil })
	if complete {
		return
	}
	r.cols = make([]builder.Column, len(wire))
	for i := range wire {
		r.cols[i] = builder.Column{Name: wire[i].Name}
		if i < len(cols) {
			r.cols[i] = cols[i]
		}
		if r.cols[i].Type == nil {
			r.cols[i].Type = types.Type(wire[i].OID)
		}
	}
}

// Columns describes the rows, from the start. Not to be changed.
func (r *Rows) Columns() []builder.Column { return r.cols }

// Formats are the wire formats of the columns. Not to be changed.
func (r *Rows) Formats() []codec.Format { return r.format }

// Wire describes the columns as they came from the server. Not to be changed.
func (r *Rows) Wire() []backend.Column { return r.wire.Columns() }

// Next moves to the next row; false at the end or on an error (see Err).
func (r *Rows) Next() bool {
	if r.closed || r.err != nil {
		return false
	}
	if r.wire.Next() {
		r.n++
		return true
	}
	r.err = r.wire.Err()
	return false
}

// Values are the cells of the current row: nil is NULL. They are valid until the
// next call of Next or Close and must not be changed.
func (r *Rows) Values() [][]byte { return r.wire.Values() }

// Err is the error that ended Next, or nil.
func (r *Rows) Err() error { return r.err }

// Close ends the rows early or late and gives their connection back; a second
// Close does nothing. It returns Err's error, or what closing met.
func (r *Rows) Close() error {
	if r.closed {
		return r.err
	}
	r.closed = true
	if err := r.wire.Close(); r.err == nil {
		r.err = err
	}
	if r.ended != nil {
		r.ended()
	}
	if r.done != nil {
		if err := r.done(r.err); r.err == nil {
			r.err = err
		}
	}
	return r.err
}

// All ranges over the rows and closes them at the end, however it is reached. An
// error comes last, with a zero Row. A Row is valid in its own iteration only.
func (r *Rows) All() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		defer r.Close() //nolint:errcheck // reported below; after a break nobody asks
		for r.Next() {
			if !yield(Row{r}, nil) {
				return
			}
		}
		if err := r.Close(); err != nil {
			yield(Row{}, err)
		}
	}
}

// Row is the current row of Rows.
type Row struct{ rows *Rows }

// Values are the cells of the row; see Rows.Values.
func (r Row) Values() [][]byte { return r.rows.Values() }

// AppendJSON appends the row as a JSON object whose keys are the columns' names:
// {"id":1,"name":"Ann"}. dst comes back as it was where a value can't be decoded.
func (r Row) AppendJSON(dst []byte) ([]byte, error) {
	mark := len(dst)
	dst = append(dst, '{')
	for i := range r.rows.cols {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(codec.AppendString(dst, r.rows.cols[i].Name), ':')
		var err error
		if dst, err = r.AppendValue(dst, i); err != nil {
			return dst[:mark], err
		}
	}
	return append(dst, '}'), nil
}

// AppendValue appends the JSON of column i, counted from 0.
func (r Row) AppendValue(dst []byte, i int) ([]byte, error) {
	dst, err := r.rows.cols[i].Type.AppendJSON(dst, r.rows.wire.Values()[i], r.rows.format[i])
	if err != nil {
		return dst, undecodable(r.rows.cols[i].Name, err)
	}
	return dst, nil
}

// undecodable is a value that the codec can't read: a bug, or a server that lies.
func undecodable(column string, err error) error {
	return backend.New("decode", backend.CodeInternal, fmt.Errorf("column %q: %w", column, err))
}
