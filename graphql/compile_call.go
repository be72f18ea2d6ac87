package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
)

// function plans a root field that is a function.
func (c *compiler) function(p *rootPlan, r *root, sel selected) {
	fn, at := r.function, builder.Path{sel.key}
	d := &builder.Definition{Kind: builder.Query, From: c.call(fn, sel.field, at), Path: at}
	if r.kind == rootInvoke {
		d.Kind = builder.Invoke
	}
	switch {
	case fn.callable.Result == builder.NoResult:
		d.ReturnNone = true
		c.plan(p, d)
		p.frame = []piece{{text: "true"}}
		return
	case fn.rows != nil:
		d.Fields = c.fields(fn.rows, at, sel.sets)
	default:
		d.Fields, d.Bare = []builder.Field{c.bare(fn, at)}, true
	}
	if fn.callable.Set && r.kind == rootCall {
		l := c.listOf(fn, sel.field, at)
		d.Filter, d.Sort, d.Limit, d.LimitSlot, d.Offset, d.OffsetSlot = l.filter, l.sort, l.limit, l.limitSlot, l.offset, l.offsetSlot
	}
	c.plan(p, d)
}

// bare is the field of a function that gives values.
func (c *compiler) bare(fn *function, at builder.Path) builder.Field {
	col := fn.value()
	return builder.Field{Name: col.Name, As: "value", Labels: c.s.labels(col), Place: at}
}

// call is a call of fn with the arguments of a field.
func (c *compiler) call(fn *function, f *ast.Field, at builder.Path) *builder.Call {
	return c.callWith(fn, at, func(name string) nodeID { return c.v.argument(f, name) })
}

// callArgs is a call of fn with the arguments of an input object.
func (c *compiler) callArgs(fn *function, id nodeID, at builder.Path) *builder.Call {
	args := c.v.child(id, "args")
	return c.callWith(fn, at.Child("args"), func(name string) nodeID { return c.v.child(args, name) })
}

func (c *compiler) callWith(fn *function, at builder.Path, given func(name string) nodeID) *builder.Call {
	call := &builder.Call{Function: fn.callable.Function, Place: at}
	for _, a := range fn.args {
		id := given(a.name)
		if c.v.node(id).kind == nodeAbsent {
			continue
		}
		raw, slot := c.operand(id, a.arg.Type.OID())
		call.Args = append(call.Args, builder.CallArg{Name: a.arg.JSONName, Value: raw, Slot: slot, Place: at.Child(a.name)})
	}
	return call
}

// listPart is what the arguments of a list say.
type listPart struct {
	filter                *builder.Filter
	sort                  []builder.Sort
	limit, offset         *int64
	limitSlot, offsetSlot builder.Slot
}

// listOf reads the arguments of a set that fn gives, but for those that are fn's
// own.
func (c *compiler) listOf(fn *function, f *ast.Field, at builder.Path) listPart {
	var l listPart
	if !fn.own["limit"] {
		l.limit, l.limitSlot = c.count(f, "limit", at)
	}
	if !fn.own["offset"] {
		l.offset, l.offsetSlot = c.count(f, "offset", at)
	}
	if !fn.own["filter"] {
		if fn.rows != nil {
			l.filter = c.filterArgument(fn.rows, f, at)
		} else {
			l.filter = c.valueFilter(fn, f, at.Child("filter"))
		}
	}
	if fn.own["orderBy"] {
		return l
	}
	id := c.v.argument(f, "orderBy")
	if fn.rows != nil {
		l.sort = c.order(fn.rows, id, at.Child("orderBy"))
	} else if n := c.v.node(id); n.kind == nodeEnum {
		l.sort = []builder.Sort{direction(builder.Sort{Field: fn.value().Name, Place: at.Child("orderBy")}, n.value)}
	}
	return l
}

// valueFilter are the conditions on the values of a set.
func (c *compiler) valueFilter(fn *function, f *ast.Field, at builder.Path) *builder.Filter {
	id := c.v.argument(f, "filter")
	if c.v.node(id).kind != nodeObject {
		return nil
	}
	col := fn.value()
	return c.conditions(f.Definition.Arguments.ForName("filter").Type.Name(), col.Type, id, at, func(op string, at builder.Path) *builder.Filter {
		return &builder.Filter{Field: col.Name, Op: op, Place: at}
	})
}

// computed is a field that a function makes of the row.
func (c *compiler) computed(f *field, sel selected, at builder.Path) builder.Field {
	fn := f.function
	call := c.call(fn, sel.field, at)
	if f.kind == computedField {
		return builder.Field{Call: call, As: sel.key, Labels: c.s.labels(fn.value()), Place: at}
	}
	r := &builder.Relation{Key: sel.key, Call: call, Place: at}
	if fn.rows != nil {
		r.Fields = c.fields(fn.rows, at, sel.sets)
	} else {
		r.Fields, r.Bare = []builder.Field{c.bare(fn, at)}, true
	}
	if fn.callable.Set {
		l := c.listOf(fn, sel.field, at)
		r.Filter, r.Sort, r.Limit, r.LimitSlot, r.Offset, r.OffsetSlot = l.filter, l.sort, l.limit, l.limitSlot, l.offset, l.offsetSlot
	}
	return builder.Field{As: sel.key, Relation: r}
}
