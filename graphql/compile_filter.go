package graphql

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// filterArgument is the argument filter of a field, nil where it is not given.
func (c *compiler) filterArgument(o *object, f *ast.Field, at builder.Path) *builder.Filter {
	id := c.v.argument(f, "filter")
	if k := c.v.node(id).kind; k == nodeAbsent || k == nodeNull {
		return nil
	}
	return c.filter(o, id, at.Child("filter"))
}

// emptyCondition is what an empty object gets: a variable that was left out must
// not make a filter wider without anyone's notice.
const emptyCondition = "the condition is empty; leave it out where every row is meant, or say {and: []}"

// filter is an input object as a condition on rows of o.
func (c *compiler) filter(o *object, id nodeID, at builder.Path) *builder.Filter {
	var conds []*builder.Filter
	empty := true
	for child := range c.v.children(id) {
		empty = false
		name := c.v.node(child).name
		if cond := c.filterMember(o, child, name, at.Child(name)); cond != nil {
			conds = append(conds, cond)
		}
	}
	if empty {
		c.errorf(at, emptyCondition)
	}
	return allOf(conds, at)
}

// allOf is one condition of several; nil, where there is none, is an error that was
// told.
func allOf(conds []*builder.Filter, at builder.Path) *builder.Filter {
	switch len(conds) {
	case 0:
		return nil
	case 1:
		return conds[0]
	}
	return &builder.Filter{And: conds, Place: at}
}

func (c *compiler) filterMember(o *object, id nodeID, name string, at builder.Path) *builder.Filter {
	if c.v.node(id).kind == nodeNull {
		c.errorf(at, "null is no condition; leave it out, or say {isNull: true} of a field")
		return nil
	}
	switch name {
	case "and", "or":
		conds := []*builder.Filter{}
		i := 0
		for child := range c.v.children(id) {
			conds = append(conds, c.filter(o, child, at.Index(i)))
			i++
		}
		if name == "and" {
			return &builder.Filter{And: conds, Place: at}
		}
		return &builder.Filter{Or: conds, Place: at}
	case "not":
		return &builder.Filter{Not: c.filter(o, id, at), Place: at}
	}
	f := o.fields[name]
	switch f.kind {
	case oneField:
		return &builder.Filter{Link: f.link, Quant: builder.Exists, Sub: c.filter(f.target, id, at), Place: at}
	case manyField:
		return c.manyFilter(f, id, at)
	case computedField:
		call := c.callArgs(f.function, id, at)
		filter := c.s.in.named(o.name + "Filter").members().fields[name].named.name
		return c.conditions(filter, f.function.codecType().OID(), id, at, func(op string, at builder.Path) *builder.Filter {
			return &builder.Filter{Call: call, Op: op, Place: at}
		})
	default:
		filter := c.s.in.named(o.name + "Filter").members().fields[name].named.name
		return c.conditions(filter, f.column.Type, id, at, func(op string, at builder.Path) *builder.Filter {
			return &builder.Filter{Field: f.column.Name, Op: op, Place: at}
		})
	}
}

// quantifiers are the words of a relation to many.
var quantifiers = map[string]builder.Quant{"some": builder.Exists, "none": builder.None, "every": builder.Every}

func (c *compiler) manyFilter(f *field, id nodeID, at builder.Path) *builder.Filter {
	conds := []*builder.Filter{}
	for child := range c.v.children(id) {
		n := c.v.node(child)
		cond := &builder.Filter{Link: f.link, Quant: quantifiers[n.name], Place: at.Child(n.name)}
		switch {
		case n.kind == nodeNull:
			c.errorf(cond.Place, "null is no condition; leave it out")
		case n.name == "exists":
			if cond.Quant = builder.Exists; n.json == 'f' {
				cond.Quant = builder.None
			}
		default:
			cond.Sub = c.filter(f.target, child, cond.Place)
		}
		conds = append(conds, cond)
	}
	if len(conds) == 0 {
		c.errorf(at, emptyCondition)
	}
	return &builder.Filter{And: conds, Place: at}
}

// conditions are the operators of one scalar filter; leaf makes the condition of
// an operator without its operand.
func (c *compiler) conditions(filter string, typ uint32, id nodeID, at builder.Path, leaf func(op string, at builder.Path) *builder.Filter) *builder.Filter {
	operators := c.s.filters[filter]
	var conds []*builder.Filter
	empty := true
	for child := range c.v.children(id) {
		name := c.v.node(child).name
		op := operators[name]
		if op == nil { // JSONAt's path and type
			continue
		}
		empty = false
		at := at.Child(name)
		switch {
		case op.at:
			conds = append(conds, c.inside(child, at, leaf)...)
			continue
		case op.attr != nil:
			conds = append(conds, c.attributeFilter(filter, op.attr, child, at, leaf))
			continue
		}
		cond := leaf(op.op, at)
		cond.Value, cond.Slot = c.value(child, typ, op.operand)
		conds = append(conds, cond)
	}
	if empty {
		c.errorf(at, emptyCondition)
	}
	return allOf(conds, at)
}

// attributeFilter are the conditions on an attribute of a composite.
func (c *compiler) attributeFilter(filter string, attr *catalog.Column, id nodeID, at builder.Path, leaf func(op string, at builder.Path) *builder.Filter) *builder.Filter {
	n := c.v.node(id)
	if n.kind == nodeNull {
		c.errorf(at, "null is no condition; leave it out, or say {isNull: true} of a field")
		return &builder.Filter{And: []*builder.Filter{}, Place: at}
	}
	inner := c.s.in.named(filter).members().fields[n.name].named.name
	return cmp.Or(c.conditions(inner, attr.Type, id, at, func(op string, at builder.Path) *builder.Filter {
		f := leaf(op, at)
		f.Attr = append(f.Attr, attr.Name)
		return f
	}), &builder.Filter{And: []*builder.Filter{}, Place: at})
}

// value is the operand of an operator on a value of type typ.
func (c *compiler) value(id nodeID, typ uint32, operand builder.Operand) (json.RawMessage, builder.Slot) {
	raw, slot := c.operand(id, typ)
	if operand == builder.Flag {
		slot = 0 // true and false are of the shape
	}
	return raw, slot
}

// inside are conditions on values inside a json document.
func (c *compiler) inside(id nodeID, at builder.Path, leaf func(op string, at builder.Path) *builder.Filter) []*builder.Filter {
	var conds []*builder.Filter
	i := 0
	for child := range c.v.children(id) {
		at := at.Index(i)
		i++
		raw, slot := c.operand(c.v.child(child, "path"), 0)
		var path []string
		if err := json.Unmarshal(raw, &path); err != nil || len(path) == 0 {
			c.errorf(at.Child("path"), "names no key")
			continue
		}
		if slot != 0 {
			c.fixed = true // the path is part of the statement's arguments in pieces
		}
		as := strings.ToLower(c.v.node(c.v.child(child, "type")).value)
		conds = append(conds, c.conditions("JSONAt", 0, child, at, func(op string, at builder.Path) *builder.Filter {
			f := leaf(op, at)
			f.JSON, f.Type = path, as
			return f
		}))
	}
	if i == 0 {
		c.errorf(at, emptyCondition)
	}
	return conds
}

// order are the sort keys of a list of o.
func (c *compiler) order(o *object, id nodeID, at builder.Path) []builder.Sort {
	var keys []builder.Sort
	i := 0
	for child := range c.v.children(id) {
		keys = append(keys, c.orderKeys(o, child, nil, at.Index(i))...)
		i++
	}
	return keys
}

func (c *compiler) orderKeys(o *object, id nodeID, links []builder.Link, at builder.Path) []builder.Sort {
	var keys []builder.Sort
	for child := range c.v.children(id) {
		n := *c.v.node(child)
		place := at.Child(n.name)
		if n.kind == nodeNull { // not said, as clients write it
			continue
		}
		f := o.fields[n.name]
		switch {
		case f != nil && f.kind == oneField:
			keys = append(keys, c.orderKeys(f.target, child, append(slices.Clip(links), *f.link), place)...)
			continue
		case f != nil && f.kind == computedField:
			s := builder.Sort{Call: c.callArgs(f.function, child, place), Links: links, Place: place}
			value := n.value
			if n.kind == nodeObject {
				value = c.v.node(c.v.child(child, "direction")).value
			}
			keys = append(keys, direction(s, value))
			continue
		case f != nil && f.kind == columnField && n.kind == nodeObject:
			keys = append(keys, c.jsonKey(f, child, links, place)...)
			continue
		case f == nil: // postsCount
			f = o.fields[strings.TrimSuffix(n.name, "Count")]
			if f == nil {
				c.errorf(place, "there is nothing to sort by")
				continue
			}
			links := append(slices.Clip(links), *f.link)
			keys = append(keys, direction(builder.Sort{Links: links, Place: place}, n.value))
			continue
		}
		keys = append(keys, direction(builder.Sort{Field: f.column.Name, Links: links, Place: place}, n.value))
	}
	return keys
}

// jsonKey is a sort by a value inside a json column.
func (c *compiler) jsonKey(f *field, id nodeID, links []builder.Link, at builder.Path) []builder.Sort {
	raw, slot := c.operand(c.v.child(id, "path"), 0)
	var path []string
	if err := json.Unmarshal(raw, &path); err != nil || len(path) == 0 {
		c.errorf(at.Child("path"), "names no key")
		return nil
	}
	c.fixed = c.fixed || slot != 0
	as := strings.ToLower(c.v.node(c.v.child(id, "type")).value)
	if as == "" {
		as = "text"
	}
	s := builder.Sort{Field: f.column.Name, JSON: path, Type: as, Links: links, Place: at}
	return []builder.Sort{direction(s, c.v.node(c.v.child(id, "direction")).value)}
}

func direction(s builder.Sort, value string) builder.Sort {
	d := directions[value]
	s.Desc, s.Nulls = d.Desc, d.Nulls
	return s
}
