package executor

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// level is the rows of one Node in memory: encoded, with a hole in each row
// where a nested level goes. There is one statement per level whatever the
// number of rows: each child is asked for all its parents' keys at once, and
// the holes are filled when the answer is written.
type level struct {
	buf   []byte
	rows  []mark // end of each row
	holes []hole // in the order of buf
	kids  []*level
	// of a child: the rows of key k are groups[k] to groups[k+1]
	groups []int32
	many   bool
	asks   []keyset // what the children are asked for
}

// levels keeps the memory of levels between answers.
var levelPool = sync.Pool{New: func() any { return new(level) }}

// free gives l, which may be nil, and what is below it back; nothing may use it
// any more.
func (l *level) free() {
	if l == nil {
		return
	}
	for _, k := range l.kids {
		k.free()
	}
	if cap(l.buf) > keepBytes || 16*(cap(l.rows)+cap(l.holes))+4*cap(l.groups) > keepBytes {
		return
	}
	for i := range l.asks {
		if cap(l.asks[i].keys)+4*cap(l.asks[i].table) > keepBytes {
			l.asks[i] = keyset{}
		}
		l.asks[i].reset()
	}
	clear(l.kids)
	*l = level{buf: l.buf[:0], rows: l.rows[:0], holes: l.holes[:0], groups: l.groups[:0], kids: l.kids[:0], asks: l.asks[:0]}
	levelPool.Put(l)
}

// mark is where a row ends, in the bytes and in the holes.
type mark struct{ buf, hole int }

// hole is where the rows of one child for one key go.
type hole struct {
	at    int
	child int32
	key   int32 // -1: a parent without a key (NULL) has no children
}

func (l *level) len() int { return len(l.rows) }

// level runs s, encodes its rows, and runs the children for all of them. For a
// child, keys is how many parent keys it was asked for and the first column is
// the number of the key.
func (x *execution) level(ctx context.Context, r Runner, node *builder.Node, s *builder.Statement, keys int, at place) (*level, error) {
	query := r.Query
	if at.last && len(node.Children) == 0 {
		query = func(ctx context.Context, s *builder.Statement) (*Rows, error) { return x.queryLast(ctx, r, s) }
	}
	rows, err := query(ctx, s)
	if err != nil {
		return nil, err
	}
	l := levelPool.Get().(*level) //nolint:forcetypeassert // nothing else is in it
	err = x.read(l, node, rows, keys, at.child)
	if cerr := rows.Close(); err == nil || rows.last && cerr != nil {
		err = cerr // what became of a commit comes first
	}
	if err == nil {
		err = x.children(ctx, r, node, l, at.last)
	}
	if err != nil {
		l.free()
		return nil, err
	}
	return l, nil
}

// place is where a level stands: below another one, and whether no statement comes
// after it and what is below it.
type place struct{ child, last bool }

// read encodes rows into l and collects what the children must be asked for.
func (x *execution) read(l *level, node *builder.Node, rows *Rows, keys int, child bool) error {
	enc := newEncoder(node)
	defer enc.free()
	if err := enc.attach(rows); err != nil {
		return err
	}
	if n := len(node.Children); n <= cap(l.asks) {
		l.asks = l.asks[:n] // free has emptied them
	} else {
		l.asks = make([]keyset, n)
	}
	for i := range l.asks {
		if err := l.asks[i].attach(node.Children[i].Keys, rows); err != nil {
			return err
		}
	}
	if child {
		if len(rows.cols) == 0 {
			return backend.New("encode", backend.CodeInternal, errPlan)
		}
		l.groups = append(slices.Grow(l.groups, keys+1), 0)
	}
	edge := x.edge
	if child {
		edge = nil
	}
	if edge != nil {
		if err := edge.attach(rows); err != nil {
			return err
		}
	}
	for rows.Next() {
		values := rows.Values()
		if edge != nil {
			if err := edge.row(values, rows.format); err != nil {
				return err
			}
		}
		if child {
			if err := l.group(values[0], rows.format[0], keys); err != nil {
				return err
			}
		}
		if err := l.add(enc, values, rows.format); err != nil {
			return err
		}
		if err := x.count(1); err != nil {
			return err
		}
	}
	for child && len(l.groups) <= keys {
		l.groups = append(l.groups, int32(len(l.rows)))
	}
	return rows.Err()
}

// add encodes one row.
func (l *level) add(enc *encoder, values [][]byte, format []codec.Format) error {
	dst := l.buf
	for i := range l.asks {
		if err := l.asks[i].add(values, format); err != nil {
			return err
		}
	}
	for i := 0; i < len(enc.parts); i++ {
		p := &enc.parts[i]
		dst = append(dst, p.prefix...)
		if enc.guarded {
			var passed bool
			if dst, i, passed = enc.passed(dst, i, values); passed {
				continue
			}
		}
		if p.child >= 0 {
			l.holes = append(l.holes, hole{at: len(dst), child: int32(p.child), key: l.asks[p.child].current})
			continue
		}
		var err error
		if dst, err = p.appendValue(dst, values, format); err != nil {
			return err
		}
	}
	dst = append(dst, enc.suffix...)
	l.buf = dst
	l.rows = append(l.rows, mark{len(l.buf), len(l.holes)})
	return nil
}

// group notes that the next row belongs to the key of that number, from 1.
func (l *level) group(v []byte, f codec.Format, keys int) error {
	var k int
	switch {
	case f == codec.Binary && len(v) == 8:
		k = int(binary.BigEndian.Uint64(v)) // checked below
	case f == codec.Binary && len(v) == 4:
		k = int(binary.BigEndian.Uint32(v))
	default:
		k, _ = strconv.Atoi(string(v)) // 0 is refused below
	}
	if k < len(l.groups) || k > keys {
		return backend.New("read rows", backend.CodeInternal,
			fmt.Errorf("nested rows: key %d after %d, of %d", k, len(l.groups), keys))
	}
	for len(l.groups) < k {
		l.groups = append(l.groups, int32(len(l.rows)))
	}
	return nil
}

// children runs the nested levels of l.
func (x *execution) children(ctx context.Context, r Runner, node *builder.Node, l *level, last bool) error {
	l.kids = slices.Grow(l.kids, len(l.asks))[:len(l.asks)]
	for i := range l.asks {
		c := &node.Children[i]
		keys := int(l.asks[i].n)
		if keys == 0 {
			l.kids[i] = &level{many: c.Many}
			continue
		}
		kid, err := x.level(ctx, r, &c.Node, withArgs(&c.Node.Statement, l.asks[i].args()), keys, place{child: true, last: last && i == len(l.asks)-1})
		if err != nil {
			return err
		}
		kid.many = c.Many
		l.kids[i] = kid
	}
	return nil
}

// write appends row i with its holes filled.
func (l *level) write(out *output, i int) error {
	var from mark
	if i > 0 {
		from = l.rows[i-1]
	}
	at := from.buf
	for _, h := range l.holes[from.hole:l.rows[i].hole] {
		out.buf = append(out.buf, l.buf[at:h.at]...)
		at = h.at
		if err := l.kids[h.child].writeGroup(out, h.key); err != nil {
			return err
		}
	}
	out.buf = append(out.buf, l.buf[at:l.rows[i].buf]...)
	return nil
}

// writeGroup appends what one parent has of l: a list, or an object or null.
func (l *level) writeGroup(out *output, key int32) error {
	var first, last int32
	if key >= 0 && len(l.groups) > 0 {
		first, last = l.groups[key], l.groups[key+1]
	}
	if !l.many {
		switch last - first {
		case 0:
			out.buf = append(out.buf, "null"...)
			return nil
		case 1:
			return l.write(out, int(first))
		}
		return backend.New("read rows", backend.CodeInternal, fmt.Errorf("nested rows: %d rows for a single object", last-first))
	}
	out.buf = append(out.buf, '[')
	for i := first; i < last; i++ {
		if i > first {
			out.buf = append(out.buf, ',')
		}
		if err := l.write(out, int(i)); err != nil {
			return err
		}
		if err := out.full(); err != nil {
			return err
		}
	}
	out.buf = append(out.buf, ']')
	return nil
}

// size is the memory that l and what is below it hold, roughly, in bytes.
func (l *level) size() int {
	n := len(l.buf) + 16*len(l.rows) + 16*len(l.holes) + 4*len(l.groups)
	for _, k := range l.kids {
		n += k.size()
	}
	return n
}
