package graphql

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// aggregate plans usersAggregate: one statement for the numbers about all rows,
// and one for each field groups. Members that stand together come from one
// statement, so that keys keep their order.
func (c *compiler) aggregate(p *rootPlan, o *object, sel selected) {
	at := builder.Path{sel.key}
	filter := c.filterArgument(o, sel.field, at)
	f := &frame{}
	f.begin()
	list := c.collect(sel.sets...)
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(s selected) bool { return s.field.Name == "groups" })
		switch n {
		case 0:
			f.key(list[0].key)
			f.put(pieceData, c.groups(p, o, list[0], filter, at.Child(list[0].key)))
			list = list[1:]
			continue
		case -1:
			n = len(list)
		}
		d := &builder.Definition{Kind: builder.Query, Table: tableName(o.table), Filter: filter, One: true, Path: at}
		d.Shape = c.numbers(d, o, o.name+"Aggregate", list[:n], nil)
		if len(d.Aggregate) == 0 { // __typename alone
			d.Aggregate = []builder.Aggregate{{Fn: "count", As: "n"}}
		}
		if f.open {
			f.literal(",")
		}
		f.put(pieceMembers, c.plan(p, d))
		f.open = true
		list = list[n:]
	}
	f.end()
	p.frame = f.done()
}

// numbers takes the aggregates that are selected into d, and answers how the
// object typ is made of them. by are the keys that a group may be asked for.
func (c *compiler) numbers(d *builder.Definition, o *object, typ string, list []selected, by map[string]string) []builder.Field {
	shape := []builder.Field{}
	for _, s := range list {
		switch name := s.field.Name; name {
		case "__typename":
			shape = append(shape, builder.Field{As: s.key, Literal: appendQuoted(nil, typ)})
		case "count":
			shape = append(shape, builder.Field{Name: c.number(d, "count", nil, false), As: s.key})
		case "key":
			shape = append(shape, builder.Field{As: s.key, Object: c.groupKey(o, s, by)})
		default:
			inner := []builder.Field{}
			for _, one := range c.collect(s.sets...) {
				if one.field.Name == "__typename" {
					inner = append(inner, builder.Field{As: one.key, Literal: appendQuoted(nil, o.name+pascal(name))})
					continue
				}
				col := o.fields[one.field.Name].column
				inner = append(inner, builder.Field{
					Name: c.number(d, aggregateFn(name), col, name == "countDistinct"), As: one.key, Labels: c.labelsOf(aggregateFn(name), col),
				})
			}
			shape = append(shape, builder.Field{As: s.key, Object: inner})
		}
	}
	return shape
}

// labelsOf are the labels of the smallest or largest value of an enum.
func (c *compiler) labelsOf(fn string, col *catalog.Column) map[string]string {
	if fn != "min" && fn != "max" {
		return nil
	}
	return c.s.labels(col)
}

// number is the output key of an aggregate of d, which it adds if it is not there.
func (c *compiler) number(d *builder.Definition, fn string, col *catalog.Column, distinct bool) string {
	a := builder.Aggregate{Fn: fn, Distinct: distinct}
	a.As = fn
	if col != nil {
		a.Field, a.As = col.Name, fn+" "+col.Name // no output of a column's own can be called so
	}
	if distinct {
		a.As = "distinct " + a.As
	}
	if !slices.ContainsFunc(d.Aggregate, func(b builder.Aggregate) bool { return b.As == a.As }) {
		d.Aggregate = append(d.Aggregate, a)
	}
	return a.As
}

// groups plans one field groups.
func (c *compiler) groups(p *rootPlan, o *object, sel selected, filter *builder.Filter, at builder.Path) int {
	d := &builder.Definition{Kind: builder.Query, Table: tableName(o.table), Filter: filter, Path: at}
	by := map[string]string{}
	i := 0
	for child := range c.v.children(c.v.argument(sel.field, "by")) {
		field, trunc := c.v.node(c.v.child(child, "field")).value, c.v.node(c.v.child(child, "trunc")).value
		place := at.Child("by").Index(i)
		i++
		if by[field] != "" {
			c.errorf(place, field+" is there already")
			continue
		}
		by[field] = "key " + field
		d.GroupBy = append(d.GroupBy, builder.GroupBy{
			Field: o.fields[field].column.Name, Trunc: strings.ToLower(trunc), As: by[field], Place: place,
		})
	}
	if len(d.GroupBy) == 0 {
		c.errorf(at.Child("by"), "names no field")
		return -1
	}
	d.Shape = c.numbers(d, o, o.name+"Group", c.collect(sel.sets...), by)
	if id := c.v.argument(sel.field, "having"); c.v.node(id).kind == nodeObject {
		d.Having = c.having(d, o, id, at.Child("having"))
	}
	i = 0
	for child := range c.v.children(c.v.argument(sel.field, "orderBy")) {
		c.groupOrder(d, o, child, by, at.Child("orderBy").Index(i))
		i++
	}
	d.Limit, d.LimitSlot = c.count(sel.field, "limit", at)
	d.Offset, d.OffsetSlot = c.count(sel.field, "offset", at)
	return c.plan(p, d)
}

func (c *compiler) groupKey(o *object, sel selected, by map[string]string) []builder.Field {
	fields := []builder.Field{}
	for _, s := range c.collect(sel.sets...) {
		name := s.field.Name
		if name == "__typename" {
			fields = append(fields, builder.Field{As: s.key, Literal: appendQuoted(nil, o.name+"GroupKey")})
			continue
		}
		if by[name] == "" {
			c.notGrouped(s.field)
			continue
		}
		fields = append(fields, builder.Field{Name: by[name], As: s.key, Labels: c.s.labels(o.fields[name].column)})
	}
	return fields
}

func (c *compiler) notGrouped(f *ast.Field) {
	c.errs.add(&Error{
		Message:   "the groups are not made by " + f.Name + ": name it in by, or leave it out",
		Locations: place(f), Path: []any{c.at.Alias}, Code: codeBadInput,
	})
}

// having is a condition on the numbers of groups; those that it looks at are
// added to d.
func (c *compiler) having(d *builder.Definition, o *object, id nodeID, at builder.Path) *builder.Filter {
	conds := []*builder.Filter{}
	empty := true
	for child := range c.v.children(id) {
		empty = false
		n := *c.v.node(child)
		place := at.Child(n.name)
		switch {
		case n.kind == nodeNull:
			c.errorf(place, "null is no condition; leave it out")
		case n.name == "and" || n.name == "or":
			list := []*builder.Filter{}
			for one := range c.v.children(child) {
				list = append(list, c.having(d, o, one, place.Index(len(list))))
			}
			if n.name == "and" {
				conds = append(conds, &builder.Filter{And: list, Place: place})
			} else {
				conds = append(conds, &builder.Filter{Or: list, Place: place})
			}
		case n.name == "not":
			conds = append(conds, &builder.Filter{Not: c.having(d, o, child, place), Place: place})
		case n.name == "count":
			conds = append(conds, c.havingNumber(o.name+"Having", "count", c.number(d, "count", nil, false), oidInt8, child, place))
		default:
			none := true
			for one := range c.v.children(child) {
				none = false
				name := c.v.node(one).name
				col, fn := o.fields[name].column, aggregateFn(n.name)
				typ := c.s.src.AggregateType(fn, col).OID()
				key := c.number(d, fn, col, n.name == "countDistinct")
				conds = append(conds, c.havingNumber(o.name+"Having"+pascal(n.name), name, key, typ, one, place.Child(name)))
			}
			if none {
				c.errorf(place, emptyCondition)
			}
		}
	}
	if empty {
		c.errorf(at, emptyCondition)
	}
	return &builder.Filter{And: conds, Place: at}
}

// havingNumber are the conditions on one number, which input.field takes.
func (c *compiler) havingNumber(input, field, key string, typ uint32, id nodeID, at builder.Path) *builder.Filter {
	filter := c.s.in.named(input).members().fields[field].named.name
	return c.conditions(filter, typ, id, at, func(op string, at builder.Path) *builder.Filter {
		return &builder.Filter{Field: key, Op: op, Place: at}
	})
}

// groupOrder adds the sort keys of one object of orderBy.
func (c *compiler) groupOrder(d *builder.Definition, o *object, id nodeID, by map[string]string, at builder.Path) {
	for child := range c.v.children(id) {
		n := *c.v.node(child)
		place := at.Child(n.name)
		switch {
		case n.kind == nodeNull:
		case n.name == "count":
			d.Sort = append(d.Sort, direction(builder.Sort{Field: c.number(d, "count", nil, false), Place: place}, n.value))
		case n.name == "key":
			for one := range c.v.children(child) {
				k := *c.v.node(one)
				if by[k.name] == "" {
					c.errorf(place.Child(k.name), "the groups are not made by it")
					continue
				}
				d.Sort = append(d.Sort, direction(builder.Sort{Field: by[k.name], Place: place.Child(k.name)}, k.value))
			}
		default:
			for one := range c.v.children(child) {
				k := *c.v.node(one)
				key := c.number(d, aggregateFn(n.name), o.fields[k.name].column, n.name == "countDistinct")
				d.Sort = append(d.Sort, direction(builder.Sort{Field: key, Place: place.Child(k.name)}, k.value))
			}
		}
	}
}
