package graphql

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// nestedWrite is a root field that writes rows and rows related to them. It is
// immutable: run keeps what it learns to itself, for it may run again.
type nestedWrite struct {
	schema *Schema
	object *object
	kind   rootKind // rootCreate, rootCreateMany or rootUpdate
	rows   []*nestedRow
	find   *builder.Filter // rootUpdate: the row
	fields []builder.Field // what is selected of the rows
	at     builder.Path
}

// nestedRow is a row to insert, or what is to change of one.
type nestedRow struct {
	object *object
	sets   []builder.Set // of its own columns
	rels   []*nestedRel  // in the order of the object's fields
	at     builder.Path
}

// nestedRel is what is to be done to the rows of one relation of a row.
type nestedRel struct {
	*field
	create     []*nestedRow
	connect    []*rowKey
	disconnect []*rowKey
	update     []*nestedUpdate
	delete     []*rowKey
	clear      bool // disconnect of a relation to one
	drop       bool // delete of a relation to one
	at         builder.Path
}

// nestedUpdate changes a row: the one of key, or that of a relation to one.
type nestedUpdate struct {
	key *rowKey
	row *nestedRow
}

// rowKey says which row is meant.
type rowKey struct {
	columns []*catalog.Column
	values  []json.RawMessage
	at      builder.Path
}

const notNested = "related rows can be written in the create of rows without onConflict, and in the update of one row, not here"

// nested plans a root field whose input has related rows; false where it has none.
func (c *compiler) nested(p *rootPlan, r *root, sel selected) bool {
	o, at := r.object, builder.Path{sel.key}
	input, inputs := c.v.argument(sel.field, "input"), c.v.argument(sel.field, "inputs")
	places := c.relationsIn(o, input, at.Child("input"))
	i := 0
	for child := range c.v.children(inputs) {
		places = append(places, c.relationsIn(o, child, at.Child("inputs").Index(i))...)
		i++
	}
	if len(places) == 0 {
		return false
	}
	c.fixed = true
	w := &nestedWrite{schema: c.s, object: o, kind: r.kind, at: at}
	switch r.kind {
	case rootCreate:
		w.rows = []*nestedRow{c.nestedRow(o, input, at.Child("input"), false)}
	case rootCreateMany:
		if k := c.v.node(c.v.argument(sel.field, "onConflict")).kind; k != nodeAbsent && k != nodeNull {
			c.errorf(places[0], notNested)
			return true
		}
		i = 0
		for child := range c.v.children(inputs) {
			w.rows = append(w.rows, c.nestedRow(o, child, at.Child("inputs").Index(i), false))
			i++
		}
	case rootUpdate:
		row := c.nestedRow(o, input, at.Child("input"), true)
		d := &builder.Definition{Path: at}
		c.sets(d, o, sel) // those of the operations too
		row.sets = constantSets(d.Input[0].Sets)
		w.rows, w.find = []*nestedRow{row}, constantFilter(c.key(r, sel))
	default:
		c.errorf(places[0], notNested)
		return true
	}
	w.fields = c.fields(o, at, sel.sets)
	if len(c.errs.list) > 0 {
		return true
	}
	c.rehearse(w)
	p.nested = w
	return true
}

// relationsIn are the places of related rows in an input of o.
func (c *compiler) relationsIn(o *object, id nodeID, at builder.Path) (places []builder.Path) {
	if c.v.node(id).kind != nodeObject {
		return nil
	}
	for child := range c.v.children(id) {
		name := c.v.node(child).name
		if f := o.fields[name]; f != nil && f.kind != columnField {
			places = append(places, at.Child(name))
		}
	}
	return places
}

// nestedRow reads an input of o.
func (c *compiler) nestedRow(o *object, id nodeID, at builder.Path, update bool) *nestedRow {
	row := &nestedRow{object: o, sets: constantSets(c.input(o, id, at).Sets), at: at}
	for child := range c.v.children(id) {
		name := c.v.node(child).name
		if f := o.fields[name]; f != nil && f.kind != columnField {
			if rel := c.nestedRel(f, child, at.Child(name), update); rel != nil {
				c.givenTwice(row, rel)
				row.rels = append(row.rels, rel)
			}
		}
	}
	slices.SortStableFunc(row.rels, func(a, b *nestedRel) int { // the keys of JSON change no SQL
		return slices.Index(o.order, a.field) - slices.Index(o.order, b.field)
	})
	return row
}

// givenTwice refuses a reference that a column and the relation both say. Of one of
// several columns the relation may say the same as the input does.
func (c *compiler) givenTwice(row *nestedRow, rel *nestedRel) {
	if !rel.outgoing() || !rel.sets() || len(rel.link.FK.Columns) > 1 {
		return
	}
	col := rel.link.FK.Columns[0]
	for _, s := range row.sets {
		if s.Field == col.Name {
			c.errorf(s.Place, "is what "+rel.name+" fills; leave one of them out")
		}
	}
}

// filled refuses a child that says itself whom it belongs to.
func (c *compiler) filled(f *field, row *nestedRow) {
	if f.link.Through != nil || !f.link.Incoming || len(f.link.FK.Columns) > 1 {
		return
	}
	for _, s := range row.sets {
		if s.Field == f.link.FK.Columns[0].Name {
			c.errorf(s.Place, "is filled with the key of the row around; leave it out")
		}
	}
	for _, rel := range row.rels {
		if rel.outgoing() && rel.link.FK == f.link.FK {
			c.errorf(rel.at, "is the row around; leave it out")
		}
	}
}

// outgoing says whether the row itself refers to the related one.
func (f *field) outgoing() bool { return f.link.Through == nil && !f.link.Incoming }

// sets says whether rel changes the reference of an outgoing relation.
func (rel *nestedRel) sets() bool {
	return len(rel.create)+len(rel.connect) > 0 || rel.clear || rel.drop
}

// nestedRel reads what is to be done to the rows of a relation.
func (c *compiler) nestedRel(f *field, id nodeID, at builder.Path, update bool) *nestedRel {
	rel := &nestedRel{field: f, at: at}
	if c.v.node(id).kind != nodeObject {
		c.errorf(at, "null is nothing to do; leave it out, or say {disconnect: …}")
		return nil
	}
	for verb := range c.v.children(id) {
		n := *c.v.node(verb)
		place := at.Child(n.name)
		if n.kind == nodeNull || n.kind == nodeAbsent {
			c.errorf(place, "null is nothing to do; leave it out")
			continue
		}
		for child, at := range c.members(f, verb, place) {
			c.verb(rel, n.name, child, at, update)
		}
	}
	if f.kind == oneField {
		c.oneAct(rel)
	}
	return rel
}

// members are the elements of a verb's list, or what a relation to one has.
func (c *compiler) members(f *field, id nodeID, at builder.Path) func(yield func(nodeID, builder.Path) bool) {
	return func(yield func(nodeID, builder.Path) bool) {
		if f.kind == oneField {
			yield(id, at)
			return
		}
		i := 0
		for child := range c.v.children(id) {
			if !yield(child, at.Index(i)) {
				return
			}
			i++
		}
	}
}

// verb reads one thing that is to be done.
func (c *compiler) verb(rel *nestedRel, verb string, id nodeID, at builder.Path, update bool) {
	t := rel.target
	switch {
	case verb == "create":
		row := c.nestedRow(t, id, at, false)
		c.filled(rel.field, row)
		rel.create = append(rel.create, row)
	case verb == "connect":
		rel.connect = append(rel.connect, c.rowKey(t, id, at))
	case verb == "disconnect" && rel.kind == oneField:
		rel.clear = c.v.node(id).json == 't'
	case verb == "disconnect":
		rel.disconnect = append(rel.disconnect, c.rowKey(t, id, at))
	case verb == "delete" && rel.kind == oneField:
		rel.drop = c.v.node(id).json == 't'
	case verb == "delete":
		rel.delete = append(rel.delete, c.rowKey(t, id, at))
	default:
		u := &nestedUpdate{}
		if rel.kind == manyField {
			u.key = c.rowKey(t, c.v.child(id, "key"), at.Child("key"))
			id, at = c.v.child(id, "input"), at.Child("input")
		}
		u.row = c.nestedRow(t, id, at, update)
		if len(u.row.sets)+len(u.row.rels) == 0 {
			c.errorf(at, "sets nothing")
		}
		c.filled(rel.field, u.row)
		rel.update = append(rel.update, u)
	}
}

// oneAct refuses contradictions about a single row: it may be taken away, and
// another may take its place.
func (c *compiler) oneAct(rel *nestedRel) {
	comes := len(rel.create) + len(rel.connect)
	switch {
	case comes > 1:
		c.errorf(rel.at, "takes create or connect, not both")
	case rel.clear && rel.drop:
		c.errorf(rel.at, "takes disconnect or delete, not both")
	case len(rel.update) > 0 && (comes > 0 || rel.clear || rel.drop):
		c.errorf(rel.at, "update goes with nothing else")
	}
}

// rowKey reads a UserByKey.
func (c *compiler) rowKey(o *object, id nodeID, at builder.Path) *rowKey {
	k := &rowKey{at: at}
	for child := range c.v.children(id) {
		name := c.v.node(child).name
		key := o.keyOf(name)
		if key == nil {
			continue
		}
		k.columns = key.Columns
		for _, col := range key.Columns {
			value := child
			if len(key.Columns) > 1 {
				value = c.v.child(child, o.column(col).name)
			}
			raw, _ := c.operand(value, col.Type)
			k.values = append(k.values, bytes.Clone(raw))
		}
	}
	if len(k.columns) == 0 { // coercion has told
		c.errorf(at, "names no row")
	}
	return k
}

// constantSets are sets that outlive the request's values.
func constantSets(sets []builder.Set) []builder.Set {
	for i := range sets {
		sets[i].Slot, sets[i].Value = 0, bytes.Clone(sets[i].Value)
	}
	return sets
}

func constantFilter(f *builder.Filter) *builder.Filter {
	f.Slot, f.Value = 0, bytes.Clone(f.Value)
	for _, sub := range f.And {
		constantFilter(sub)
	}
	return f
}

// rehearse makes every statement of w without sending one, so that what the
// builder refuses is told before anything is written.
func (c *compiler) rehearse(w *nestedWrite) {
	n := &nestedRun{schema: c.s, refuse: func(err error) { c.problems(err) }}
	if _, err := n.write(w); err != nil {
		c.errs.add(&Error{Message: "the field can't be planned", Locations: place(c.at), Code: backend.CodeInternal.String()})
	}
}
