package executor

import (
	"encoding/base64"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// encoder writes the rows of one Node as JSON objects. Everything that is the
// same for each row is made once: the punctuation and key before each value.
type encoder struct {
	node   *builder.Node
	parts  []part
	suffix []byte // what follows the last part: `}`, and literals before it
}

// part is one member: `{"id":` or `,"name":`, and where its value comes from. What
// stands between two values of a row (literals, the braces of objects) belongs to
// the prefix of the second.
type part struct {
	prefix []byte
	column int // -1: a nested level, or a cursor
	child  int
	typ    *codec.Type
	name   string
	cursor []int // columns
	types  []*codec.Type
}

// newEncoder prepares node. Its prefixes share one array.
func newEncoder(node *builder.Node) *encoder {
	n, size := measure(node.Members)
	e := &encoder{node: node, parts: make([]part, 0, n)}
	text := make([]byte, 0, size)
	start := 0
	text, start = e.object(text, start, node.Members)
	e.suffix = text[start:len(text):len(text)]
	return e
}

// measure counts the values of members, and the bytes around them at most.
func measure(members []builder.Member) (values, size int) {
	size = 2
	for i := range members {
		m := &members[i]
		size += len(m.Key) + len(m.Literal) + 4
		if m.Object != nil {
			n, s := measure(m.Object)
			values, size = values+n, size+s
		} else if m.Literal == nil {
			values++
		}
	}
	return values, size
}

// object appends the text of an object to text, and its parts to e. start is where
// the prefix of the next part begins.
func (e *encoder) object(text []byte, start int, members []builder.Member) ([]byte, int) {
	text = append(text, '{')
	for i := range members {
		m := &members[i]
		if i > 0 {
			text = append(text, ',')
		}
		text = append(appendString(text, m.Key), ':')
		switch {
		case m.Literal != nil:
			text = append(text, m.Literal...)
			continue
		case m.Object != nil:
			text, start = e.object(text, start, m.Object)
			continue
		}
		p := part{prefix: text[start:len(text):len(text)], column: -1, child: m.Child, name: m.Key, cursor: m.Cursor}
		start = len(text)
		if m.Child < 0 && m.Cursor == nil {
			p.column = m.Column
		}
		e.parts = append(e.parts, p)
	}
	return append(text, '}'), start
}

// attach takes the column types from rows, which have checked them.
func (e *encoder) attach(rows *Rows) error {
	for i := range e.parts {
		p := &e.parts[i]
		if p.cursor != nil {
			p.types = make([]*codec.Type, len(p.cursor))
			for j, c := range p.cursor {
				if c >= len(rows.cols) {
					return backend.New("encode", backend.CodeInternal, errPlan)
				}
				p.types[j] = rows.cols[c].Type
			}
			continue
		}
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
	for i := range e.parts {
		p := &e.parts[i]
		dst = append(dst, p.prefix...)
		var err error
		if dst, err = p.appendValue(dst, values, format); err != nil {
			return dst, err
		}
	}
	return append(dst, e.suffix...), nil
}

// appendValue appends the value of a part that is no nested level.
func (p *part) appendValue(dst []byte, values [][]byte, format []codec.Format) ([]byte, error) {
	if p.cursor != nil {
		return p.appendCursor(dst, values, format)
	}
	v := values[p.column]
	if v == nil {
		return append(dst, "null"...), nil
	}
	dst, err := p.typ.AppendJSON(dst, v, format[p.column])
	if err != nil {
		return dst, undecodable(p.name, err)
	}
	return dst, nil
}

// appendCursor appends the row's sort keys, as base64url of a JSON list.
func (p *part) appendCursor(dst []byte, values [][]byte, format []codec.Format) ([]byte, error) {
	list := []byte{'['}
	for i, c := range p.cursor {
		if i > 0 {
			list = append(list, ',')
		}
		if values[c] == nil {
			list = append(list, "null"...)
			continue
		}
		var err error
		if list, err = p.types[i].AppendJSON(list, values[c], format[c]); err != nil {
			return dst, undecodable(p.name, err)
		}
	}
	list = append(list, ']')
	dst = append(dst, '"')
	dst = base64.RawURLEncoding.AppendEncode(dst, list)
	return append(dst, '"'), nil
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
