package executor

import (
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// encoder writes the rows of one Node as JSON objects. Everything that is the
// same for each row is made once: the punctuation and key before each value.
type encoder struct {
	node  *builder.Node
	parts []part
	empty bool // no members: {}
}

// part is one member: `{"id":` or `,"name":`, and where its value comes from.
type part struct {
	prefix []byte
	column int // -1: a nested level
	child  int
	typ    *codec.Type
	name   string
}

// newEncoder prepares node. Its prefixes share one array.
func newEncoder(node *builder.Node) *encoder {
	e := &encoder{node: node, parts: make([]part, len(node.Members)), empty: len(node.Members) == 0}
	size := 0
	for i := range node.Members {
		size += len(node.Members[i].Key) + 4
	}
	text := make([]byte, 0, size)
	for i := range node.Members {
		m := &node.Members[i]
		start := len(text)
		if i == 0 {
			text = append(text, '{')
		} else {
			text = append(text, ',')
		}
		text = append(appendString(text, m.Key), ':')
		p := part{prefix: text[start:len(text):len(text)], column: -1, child: m.Child, name: m.Key}
		if m.Child < 0 {
			p.column = m.Column
		}
		e.parts[i] = p
	}
	return e
}

// attach takes the column types from rows, which have checked them.
func (e *encoder) attach(rows *Rows) error {
	for i := range e.parts {
		p := &e.parts[i]
		if p.column < 0 {
			continue
		}
		if p.column >= len(rows.cols) {
			return backend.New("encode", backend.CodeInternal, errPlan)
		}
		p.typ = rows.cols[p.column].Type
	}
	return nil
}

// appendRow appends the current row of a Node without nested levels.
func (e *encoder) appendRow(dst []byte, values [][]byte, format []codec.Format) ([]byte, error) {
	if e.empty {
		return append(dst, "{}"...), nil
	}
	for i := range e.parts {
		p := &e.parts[i]
		dst = append(dst, p.prefix...)
		v := values[p.column]
		if v == nil {
			dst = append(dst, "null"...)
			continue
		}
		var err error
		if dst, err = p.typ.AppendJSON(dst, v, format[p.column]); err != nil {
			return dst, undecodable(p.name, err)
		}
	}
	return append(dst, '}'), nil
}

// appendString appends s as a JSON string, escaped as the server's to_json does.
func appendString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		default:
			if c < ' ' {
				dst = append(dst, `\u00`...)
				dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
			} else {
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '"')
}
