package graphql

import (
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/fraiseql/fraiseql-go/builder"
)

// frame is the making of the pieces of an object around the data of plans.
type frame struct {
	pieces []piece
	text   []byte
	open   bool
}

// key begins a member.
func (f *frame) key(name string) {
	if f.open {
		f.text = append(f.text, ',')
	}
	f.text = append(appendQuoted(f.text, name), ':')
	f.open = true
}

func (f *frame) begin()            { f.text, f.open = append(f.text, '{'), false }
func (f *frame) end()              { f.text, f.open = append(f.text, '}'), true }
func (f *frame) literal(s string)  { f.text = append(f.text, s...) }
func (f *frame) typename(s string) { f.text = appendQuoted(f.text, s) }

func (f *frame) put(what pieceKind, plan int) {
	f.pieces = append(f.pieces, piece{text: string(f.text), what: what, plan: plan})
	f.text = f.text[:0]
}

func (f *frame) done() []piece {
	if len(f.text) > 0 {
		f.put(pieceText, 0)
	}
	return f.pieces
}

// paging is what a connection is asked for.
type paging struct {
	c        *compiler
	p        *rootPlan
	o        *object
	sel      selected
	base     builder.Definition
	backward bool
	rows     int // plans; -1: not made yet
	prev     int
	next     int
}

// connection plans usersConnection: a page of rows, and what is asked about it.
func (c *compiler) connection(p *rootPlan, o *object, sel selected) {
	at := builder.Path{sel.key}
	g := &paging{c: c, p: p, o: o, sel: sel, rows: -1, prev: -1, next: -1}
	g.base = builder.Definition{Kind: builder.Query, Table: tableName(o.table), Path: at, Direction: builder.FromStart, Key: o.rowKey()}
	g.base.Filter = c.filterArgument(o, sel.field, at)
	g.base.Sort = c.order(o, c.v.argument(sel.field, "orderBy"), at.Child("orderBy"))
	g.base.After = c.cursor(sel, "after")
	g.base.Before = c.cursor(sel, "before")
	first, firstSlot := c.count(sel.field, "first", at)
	last, lastSlot := c.count(sel.field, "last", at)
	switch {
	case first != nil && last != nil:
		c.errorf(at, "first and last can't be given together")
		return
	case last != nil:
		g.backward = true
		g.base.Direction, g.base.Limit, g.base.LimitSlot = builder.FromEnd, last, lastSlot
	default:
		g.base.Limit, g.base.LimitSlot = first, firstSlot
	}
	g.base.Page = g.base.Limit != nil
	list := c.collect(sel.sets...)
	plans := make([]int, len(list))
	for i, s := range list { // first the rows, for the page's info is theirs
		switch s.field.Name {
		case "edges":
			plans[i] = g.page(g.edges(s))
		case "nodes":
			plans[i] = g.page(c.fields(o, at.Child(s.key), s.sets))
		}
	}
	f := &frame{}
	f.begin()
	for i, s := range list {
		f.key(s.key)
		switch s.field.Name {
		case "__typename":
			f.typename(o.name + "Connection")
		case "edges", "nodes":
			f.put(pieceData, plans[i])
		case "totalCount":
			f.put(pieceData, g.total())
		case "pageInfo":
			g.pageInfo(f, s)
		}
	}
	f.end()
	p.frame = f.done()
}

// cursor reads the cursor that is argument name.
func (c *compiler) cursor(sel selected, name string) *builder.Cursor {
	n := c.v.node(c.v.argument(sel.field, name))
	if n.kind != nodeLeaf {
		return nil
	}
	at := builder.Path{sel.key, name}
	values, ok := cursorValues(n.raw)
	if !ok {
		c.errorf(at, "is no cursor of this server")
		return nil
	}
	cur := &builder.Cursor{Place: at}
	for i, v := range values {
		cur.Values = append(cur.Values, builder.CursorValue{
			Value: v, Slot: builder.Slot(n.leaf), Place: at,
			From: func(leaf []byte) (json.RawMessage, error) {
				list, ok := cursorValues(leaf)
				if !ok || len(list) != len(values) {
					return nil, builder.ErrRebuild // which tells what is wrong
				}
				return list[i], nil
			},
		})
	}
	return cur
}

// cursorValues are the sort keys in a cursor, a JSON string.
func cursorValues(leaf []byte) ([]json.RawMessage, bool) {
	var text string
	if json.Unmarshal(leaf, &text) != nil {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, false
	}
	return list, true
}

// edges are the fields of a row as an edge.
func (g *paging) edges(sel selected) []builder.Field {
	var fields []builder.Field
	at := g.base.Path.Child(sel.key)
	for _, s := range g.c.collect(sel.sets...) {
		switch s.field.Name {
		case "__typename":
			fields = append(fields, builder.Field{As: s.key, Literal: appendQuoted(nil, g.o.name+"Edge")})
		case "cursor":
			fields = append(fields, builder.Field{As: s.key, Cursor: true})
		case "node":
			fields = append(fields, builder.Field{As: s.key, Object: g.c.fields(g.o, at.Child(s.key), s.sets)})
		}
	}
	return orNothing(fields)
}

// page is a plan of the rows of the page with fields; the first one made tells
// where the page stands.
func (g *paging) page(fields []builder.Field) int {
	d := g.base
	d.Fields, d.EdgeCursors = fields, g.rows < 0
	n := g.c.plan(g.p, &d)
	if g.rows < 0 {
		g.rows = n
	}
	return n
}

// total is a plan of the number of all rows.
func (g *paging) total() int {
	d := &builder.Definition{
		Kind: builder.Query, Table: g.base.Table, Filter: g.base.Filter, One: true, Path: g.base.Path,
		Aggregate: []builder.Aggregate{{Fn: "count"}}, Bare: true,
	}
	return g.c.plan(g.p, d)
}

// beyond is a plan that has a row where there is one on the other side of a
// cursor, its own row among them.
func (g *paging) beyond(after, before *builder.Cursor) int {
	one := int64(1)
	d := &builder.Definition{
		Kind: builder.Query, Table: g.base.Table, Filter: g.base.Filter, Sort: slices.Clone(g.base.Sort), Path: g.base.Path,
		Fields: []builder.Field{{As: "x", Literal: json.RawMessage("1")}}, Limit: &one, Direction: builder.FromStart, Key: g.base.Key,
	}
	if after != nil {
		not := *after
		not.Not = true
		d.After = &not
	}
	if before != nil {
		not := *before
		not.Not = true
		d.Before = &not
	}
	return g.c.plan(g.p, d)
}

func (g *paging) pageInfo(f *frame, sel selected) {
	f.begin()
	for _, s := range g.c.collect(sel.sets...) {
		f.key(s.key)
		if s.field.Name == "__typename" {
			f.typename("PageInfo")
			continue
		}
		if g.rows < 0 {
			g.page([]builder.Field{{As: "x", Literal: json.RawMessage("1")}})
		}
		switch s.field.Name {
		case "startCursor":
			f.put(pieceFirst, g.rows)
		case "endCursor":
			f.put(pieceLast, g.rows)
		case "hasNextPage":
			g.side(f, !g.backward, nil, g.base.Before, &g.next)
		case "hasPreviousPage":
			g.side(f, g.backward, g.base.After, nil, &g.prev)
		}
	}
	f.end()
}

// side says whether there are rows on one side of the page: beyond its end where
// it was counted to there, and beyond the cursor that it begins at.
func (g *paging) side(f *frame, counted bool, after, before *builder.Cursor, plan *int) {
	if *plan < 0 && (after != nil || before != nil) {
		*plan = g.beyond(after, before)
	}
	switch {
	case *plan < 0 && !counted:
		f.literal("false")
	case *plan < 0:
		f.put(pieceMore, g.rows)
	case !counted:
		f.put(pieceAny, *plan)
	default:
		f.pieces = append(f.pieces, piece{text: string(f.text), what: pieceMoreOr, plan: g.rows, other: *plan})
		f.text = f.text[:0]
	}
}
