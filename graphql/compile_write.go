package graphql

import (
	"encoding/json"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// write plans one field of Mutation.
func (c *compiler) write(p *rootPlan, r *root, sel selected) {
	if c.nested(p, r, sel) {
		return
	}
	o := r.object
	at := builder.Path{sel.key}
	d := &builder.Definition{Table: tableName(o.table), Path: at}
	switch r.kind {
	case rootCreate:
		d.Kind, d.Fields = builder.Insert, c.fields(o, at, sel.sets)
		d.Input = []builder.Input{c.input(o, c.v.argument(sel.field, "input"), at.Child("input"))}
		c.plan(p, d)
	case rootCreateMany:
		d.Kind, d.Fields = builder.Insert, c.fields(o, at, sel.sets)
		c.inputs(d, o, sel)
		c.conflict(d, o, sel)
		c.plan(p, d)
	case rootUpdate:
		d.Kind, d.Filter, d.Fields = builder.Update, c.key(r, sel), c.fields(o, at, sel.sets)
		r.vow(d)
		c.sets(d, o, sel)
		c.plan(p, d)
	case rootUpdateMany:
		d.Kind = builder.Update
		c.many(d, o, sel)
		c.sets(d, o, sel)
		c.counted(p, d, o, sel, "updatedCount", o.plural+"Update")
	case rootDelete:
		d.Kind, d.Filter = builder.Delete, c.key(r, sel)
		r.vow(d)
		c.counted(p, d, o, sel, "", o.name+"Delete")
	case rootDeleteMany:
		d.Kind = builder.Delete
		c.many(d, o, sel)
		c.counted(p, d, o, sel, "deletedCount", o.plural+"Delete")
	case rootUpsert:
		d.Kind, d.Fields = builder.Insert, c.upserted(o, sel)
		d.Input = []builder.Input{c.input(o, c.v.argument(sel.field, "input"), at.Child("input"))}
		c.conflict(d, o, sel)
		c.plan(p, d)
	case rootUpsertMany:
		d.Kind, d.Fields = builder.Insert, c.upserted(o, sel)
		c.inputs(d, o, sel)
		c.conflict(d, o, sel)
		c.plan(p, d)
	default: // not of Mutation
	}
}

// inputs are the rows of a list.
func (c *compiler) inputs(d *builder.Definition, o *object, sel selected) {
	at := d.Path.Child("inputs")
	d.InputIsList = true
	for child := range c.v.children(c.v.argument(sel.field, "inputs")) {
		d.Input = append(d.Input, c.input(o, child, at.Index(len(d.Input))))
	}
	if len(d.Input) == 0 {
		c.errorf(at, "has no row")
	}
}

// input is one row to insert.
func (c *compiler) input(o *object, id nodeID, at builder.Path) builder.Input {
	in := builder.Input{Place: at, Sets: []builder.Set{}}
	for child := range c.v.children(id) {
		name := c.v.node(child).name
		f := o.fields[name]
		if f == nil || f.kind != columnField { // _default, and what nested has read
			continue
		}
		in.Sets = append(in.Sets, c.set(f.column, child, "", at.Child(name)))
	}
	return in
}

// set is a column and its value, or how that changes by op.
func (c *compiler) set(col *catalog.Column, id nodeID, op string, at builder.Path) builder.Set {
	raw, slot := c.operand(id, col.Type)
	return builder.Set{Field: col.Name, Op: op, Value: raw, Slot: slot, Place: at}
}

// sets are the columns that an update sets.
func (c *compiler) sets(d *builder.Definition, o *object, sel selected) {
	in := builder.Input{Place: d.Path.Child("input")}
	in.Sets = append(in.Sets, c.input(o, c.v.argument(sel.field, "input"), in.Place).Sets...)
	for _, op := range operations {
		at := d.Path.Child(op.name)
		for child := range c.v.children(c.v.argument(sel.field, op.name)) {
			name := c.v.node(child).name
			in.Sets = append(in.Sets, c.set(o.fields[name].column, child, op.name, at.Child(name)))
		}
	}
	d.Input = []builder.Input{in}
}

// many are the arguments that say which rows a write is of.
func (c *compiler) many(d *builder.Definition, o *object, sel selected) {
	d.Filter = c.filterArgument(o, sel.field, d.Path)
	d.AllRows = c.v.node(c.v.argument(sel.field, "allRows")).json == 't'
	if most, slot := c.count(sel.field, "maxAffected", d.Path); most != nil {
		d.MaxAffected = most
		c.fixed = c.fixed || slot != 0
	}
}

// counted is a write that answers how much it did, and the rows where these are
// selected.
func (c *compiler) counted(p *rootPlan, d *builder.Definition, o *object, sel selected, count, typ string) {
	list := c.collect(sel.sets...)
	d.ReturnNone = true
	for _, s := range list {
		if s.field.Name == "records" || s.field.Name == "record" {
			d.ReturnNone, d.Fields = false, c.fields(o, d.Path.Child(s.key), s.sets)
		}
	}
	if n := c.plan(p, d); n >= 0 && count != "" {
		many := *p.plans[n]
		many.Single = false // records are a list, even where the filter pins a key
		p.plans[n] = &many
	}
	f := &frame{}
	f.begin()
	records := false
	for _, s := range list {
		f.key(s.key)
		switch name := s.field.Name; name {
		case "__typename":
			f.typename(typ)
		case "success":
			if count == "" {
				f.put(pieceSuccess, 0)
			} else {
				f.literal("true")
			}
		case "message":
			f.put(pieceMessage, 0)
		case count:
			f.put(pieceAffected, 0)
		default: // records
			if records {
				c.errs.add(&Error{Message: s.field.Name + " can be selected once only", Locations: place(s.field), Code: codeBadInput})
			}
			records = true
			f.put(pieceData, 0)
		}
	}
	f.end()
	p.frame = f.done()
}

// conflict is the argument onConflict.
func (c *compiler) conflict(d *builder.Definition, o *object, sel selected) {
	id := c.v.argument(sel.field, "onConflict")
	if c.v.node(id).kind != nodeObject {
		return
	}
	at := d.Path.Child("onConflict")
	oc := &builder.OnConflict{Place: at, Columns: c.columns(o, c.v.child(id, "columns"))}
	if n := c.v.node(c.v.child(id, "constraint")); n.kind == nodeLeaf {
		if json.Unmarshal(n.raw, &oc.Constraint) != nil {
			c.errorf(at.Child("constraint"), "must be a name")
		}
		c.fixed = c.fixed || n.leaf != 0
	}
	oc.Nothing = c.v.node(c.v.child(id, "action")).value == "NOTHING"
	if update := c.v.child(id, "update"); c.v.node(update).kind == nodeList {
		oc.Update = append([]string{}, c.columns(o, update)...)
	}
	if filter := c.v.child(id, "filter"); c.v.node(filter).kind == nodeObject {
		oc.Filter = c.filter(o, filter, at.Child("filter"))
	}
	d.OnConflict = oc
}

// columns are the columns that a list of an enum of fields names.
func (c *compiler) columns(o *object, id nodeID) []string {
	var list []string
	for child := range c.v.children(id) {
		list = append(list, o.fields[c.v.node(child).value].column.Name)
	}
	return list
}

// message says what a write of a row did.
func message(kind builder.Kind, rows int64) string {
	verb := "updated"
	if kind == builder.Delete {
		verb = "deleted"
	}
	if rows == 0 {
		return "no row matched"
	}
	return "1 row " + verb
}

// introspect answers __schema and __type.
func (c *compiler) introspect(sel selected) []byte {
	field := *sel.field
	if len(sel.sets) > 1 {
		field.SelectionSet = nil
		for _, set := range sel.sets {
			field.SelectionSet = append(field.SelectionSet, set...)
		}
	}
	return appendIntrospection(nil, c.s, &field, c.v)
}

// isIntrospection says whether op asks for __schema or __type, at any place where
// it can.
func isIntrospection(set ast.SelectionSet, seen map[string]bool) bool {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if strings.HasPrefix(sel.Name, "__") && sel.Name != "__typename" {
				return true
			}
		case *ast.InlineFragment:
			if isIntrospection(sel.SelectionSet, seen) {
				return true
			}
		case *ast.FragmentSpread:
			if !seen[sel.Name] && sel.Definition != nil {
				seen[sel.Name] = true
				if isIntrospection(sel.Definition.SelectionSet, seen) {
					return true
				}
			}
		}
	}
	return false
}
