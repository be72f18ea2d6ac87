package graphql

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// nestedError is an error of one statement of a nested write.
type nestedError struct {
	at  builder.Path // of what it was for, in the input
	err error
}

func (e *nestedError) Error() string { return e.at.String() + ": " + e.err.Error() }

func (e *nestedError) Unwrap() error { return e.err }

// toldError is an error whose text a client may see.
type toldError struct{ text string }

func (e *toldError) Error() string { return e.text }

// wrong is an error about a place in the input.
func wrong(at builder.Path, code backend.Code, text string) error {
	return &nestedError{at, backend.New("write related rows", code, &toldError{text})}
}

// tell adds to out what a nested write knows of err: its place in the input, and
// what is wrong with it.
func (e *nestedError) tell(out *Error) {
	out.Extensions = append(out.Extensions, Extension{"input", e.at.String()})
	var problems builder.Problems
	if errors.As(e.err, &problems) && len(problems) > 0 { // of a value that the database gave
		out.Message = e.at.String() + ": " + problems[0].Message
	}
	if told, ok := errors.AsType[*toldError](e.err); ok {
		out.Message = e.at.String() + ": " + told.text
	}
}

// rowKeyName is the member that tells the rows of the selection apart. No alias
// can be called so.
const rowKeyName = "0"

// selection reads what is selected of the rows of keys.
func (w *nestedWrite) selection(keys []keyRow) *builder.Definition {
	columns := w.object.table.PrimaryKey.Columns
	d := &builder.Definition{Kind: builder.Query, Table: tableName(w.object.table), Path: w.at, Fields: w.fields}
	if w.kind != rootCreateMany {
		d.Filter, d.One = equalTo(columns, keys[0], columns), true
		return d
	}
	list := make([]*rowKey, len(keys))
	for i, k := range keys {
		list[i] = &rowKey{columns: columns, at: builder.Path{byKey}}
		for _, c := range columns {
			list[i].values = append(list[i].values, k[c])
		}
	}
	d.Filter = keysFilter(list)
	members := make([]builder.Field, len(columns))
	for i, c := range columns {
		members[i] = builder.Field{Name: c.Name, As: keyName(i)}
	}
	d.Fields = append([]builder.Field{{As: rowKeyName, Object: members}}, w.fields...)
	return d
}

// inOrder is what stands in data, the list that selection reads, in the order of
// keys and without the member rowKeyName. first says that nothing stands before it.
func inOrder(data []byte, keys []keyRow, columns []*catalog.Column, first bool) ([]byte, error) {
	var rows []json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, err
	}
	byKey := make(map[string]json.RawMessage, len(rows))
	for _, row := range rows {
		key, rest, ok := cutKey(row)
		if !ok {
			return nil, backend.New("order rows", backend.CodeInternal, errors.New("a row has no key"))
		}
		byKey[key] = rest
	}
	out := make([]byte, 0, len(data))
	var key []byte
	for _, k := range keys {
		key = append(key[:0], '{')
		for i, c := range columns {
			if i > 0 {
				key = append(key, ',')
			}
			key = append(append(appendQuoted(key, keyName(i)), ':'), k[c]...)
		}
		row, ok := byKey[string(append(key, '}'))]
		if !ok {
			continue // no policy lets it be read, or it is gone again
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(append(out, '{'), row...)
	}
	return out, nil
}

// cutKey divides {"0":{…},rest} into {…} and rest}.
func cutKey(row []byte) (key string, rest []byte, ok bool) {
	row, ok = bytes.CutPrefix(row, []byte(`{"`+rowKeyName+`":`))
	if !ok {
		return "", nil, false
	}
	v := values{text: row, depth: 2}
	if !v.skip(2) || v.at >= len(row) || row[v.at] != ',' {
		return "", nil, false
	}
	return string(row[:v.at]), row[v.at+1:], true
}
