package executor

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// encoder writes the rows of one Node as JSON objects. Everything that is the
// same for each row is made once: the punctuation and key before each value.
type encoder struct {
	node   *builder.Node
	parts  []part
	text   []byte // what the prefixes are parts of
	suffix []byte // what follows the last part: `}`, and literals before it
	// guarded: there are objects that can be null, see part.skip.
	guarded bool
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
	told   *builder.Told
	types  []*codec.Type
	labels map[string]string // see builder.Member
	// skip is, of an object that can be null, how many parts to leave out then: its
	// members, and one that has nothing but the text up to its end, of skip -1.
	skip int
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// newEncoder prepares node, until free. Its prefixes share one array.
func newEncoder(node *builder.Node) *encoder {
	n, size := measure(node.Members)
	e := encoders.Get().(*encoder) //nolint:forcetypeassert // nothing else is in it
	e.node, e.parts = node, slices.Grow(e.parts, n)
	text, start := e.object(slices.Grow(e.text, size), 0, node.Members)
	e.text = text
	e.suffix = text[start:len(text):len(text)]
	if node.Bare && len(e.parts) == 1 {
		e.parts[0].prefix, e.suffix = nil, nil
	}
	return e
}

// free gives e back; nothing may use it any more.
func (e *encoder) free() {
	if cap(e.text) > keepBytes {
		return
	}
	clear(e.parts)
	*e = encoder{parts: e.parts[:0], text: e.text[:0]}
	encoders.Put(e)
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
			if m.Column >= 0 {
				values += 2
			}
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
		text = append(codec.AppendString(text, m.Key), ':')
		switch {
		case m.Literal != nil:
			text = append(text, m.Literal...)
			continue
		case m.Object != nil && m.Column >= 0:
			text, start = e.nullable(text, start, m)
			continue
		case m.Object != nil:
			text, start = e.object(text, start, m.Object)
			continue
		}
		p := part{prefix: text[start:len(text):len(text)], column: -1, child: m.Child, name: m.Key, cursor: m.Cursor, told: m.Told, labels: m.Labels}
		start = len(text)
		if m.Child < 0 && m.Cursor == nil {
			p.column = m.Column
		}
		e.parts = append(e.parts, p)
	}
	return append(text, '}'), start
}

// nullable is object for one that is null where its column is.
func (e *encoder) nullable(text []byte, start int, m *builder.Member) ([]byte, int) {
	e.guarded = true
	at := len(e.parts)
	e.parts = append(e.parts, part{prefix: text[start:len(text):len(text)], column: m.Column, child: -1, name: m.Key})
	text, start = e.object(text, len(text), m.Object)
	e.parts = append(e.parts, part{prefix: text[start:len(text):len(text)], column: -1, child: -1, skip: -1})
	e.parts[at].skip = len(e.parts) - 1 - at
	return text, len(text)
}

// passed says whether part i has no value, and which is the last part that is done
// with it.
func (e *encoder) passed(dst []byte, i int, values [][]byte) (out []byte, last int, passed bool) {
	switch p := &e.parts[i]; {
	case p.skip == 0:
		return dst, i, false
	case p.skip > 0 && values[p.column] == nil:
		return append(dst, "null"...), i + p.skip, true
	}
	return dst, i, true
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
		if p.told != nil && slices.Max(p.told.Columns) >= len(rows.cols) {
			return backend.New("encode", backend.CodeInternal, errPlan)
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
	for i := 0; i < len(e.parts); i++ {
		p := &e.parts[i]
		dst = append(dst, p.prefix...)
		if e.guarded {
			var passed bool
			if dst, i, passed = e.passed(dst, i, values); passed {
				continue
			}
		}
		var err error
		if dst, err = p.appendValue(dst, values, format); err != nil {
			return dst, err
		}
	}
	return append(dst, e.suffix...), nil
}

// appendValue appends the value of a part that is no nested level.
func (p *part) appendValue(dst []byte, values [][]byte, format []codec.Format) ([]byte, error) {
	switch {
	case p.column >= 0:
	case p.told != nil:
		return p.appendTold(dst, values), nil
	default:
		return p.appendCursor(dst, values, format)
	}
	v := values[p.column]
	if v == nil {
		return append(dst, "null"...), nil
	}
	mark := len(dst)
	dst, err := p.typ.AppendJSON(dst, v, format[p.column])
	if err != nil {
		return dst, undecodable(p.name, err)
	}
	if p.labels != nil {
		return relabel(dst, mark, p.labels)
	}
	return dst, nil
}

// relabel gives the strings of a value behind mark, a label or a list of them,
// their other names.
func relabel(dst []byte, mark int, labels map[string]string) ([]byte, error) {
	var out []byte
	dec := json.NewDecoder(bytes.NewReader(dst[mark:]))
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return append(dst[:mark], out...), nil
		}
		if err != nil {
			return dst, undecodable("enum", err)
		}
		if n := len(out); n > 0 && out[n-1] != '[' && t != json.Delim(']') {
			out = append(out, ',')
		}
		switch v := t.(type) {
		case json.Delim:
			out = append(out, byte(v))
		case string:
			if other, ok := labels[v]; ok {
				v = other
			}
			out = codec.AppendString(out, v)
		default:
			out = append(out, "null"...)
		}
	}
}

// edges takes note of the cursors of the first and the last row that is shown.
type edges struct {
	part        part
	first, last []byte
	n, most     int64 // rows seen; shown at most, -1: all
}

func newEdges(p *builder.Plan) *edges {
	e := &edges{part: part{column: -1, child: -1, cursor: p.Edges}, most: -1}
	if p.Paged {
		e.most = p.Page
	}
	return e
}

func (e *edges) attach(rows *Rows) error {
	enc := encoder{parts: []part{e.part}}
	err := enc.attach(rows)
	e.part = enc.parts[0]
	return err
}

func (e *edges) row(values [][]byte, format []codec.Format) error {
	if e.most >= 0 && e.n >= e.most {
		return nil
	}
	e.n++
	var err error
	if e.n == 1 {
		e.first, err = e.part.appendCursor(e.first[:0], values, format)
		e.last = append(e.last[:0], e.first...)
		return err
	}
	e.last, err = e.part.appendCursor(e.last[:0], values, format)
	return err
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

// appendTold appends what became of a mutation.
func (p *part) appendTold(dst []byte, values [][]byte) []byte {
	at := p.told.Columns
	var o builder.MutationOutcome
	if p.told.Shape == builder.StatusResponse {
		o = builder.OutcomeOfStatus(string(values[at[0]]))
	} else {
		o = builder.OutcomeOfClass(isTrue(values[at[0]]), isTrue(values[at[1]]), string(values[at[2]]))
	}
	switch {
	case !p.told.Code:
		return strconv.AppendBool(dst, o.Code == "")
	case o.Code == "":
		return append(dst, "null"...)
	}
	return codec.AppendString(dst, o.Code)
}

// isTrue reads a boolean of either wire format; NULL is false.
func isTrue(v []byte) bool { return len(v) == 1 && (v[0] == 't' || v[0] == 1) }
