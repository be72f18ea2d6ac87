package graphql

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// program is an operation made ready to run: its root fields in order. It is
// immutable; bind gives another request's values to its plans.
type program struct {
	roots    []*rootPlan
	mutation bool
	reusable bool // for every request whose values have the same shape
}

// rootPlan is one root field: plans, and how their data become its value.
type rootPlan struct {
	key   string
	field *ast.Field
	text  []byte // the value, where no plan is needed: introspection
	plans []*builder.Plan
	frame []piece // nil: the data of the only plan
	// nested writes rows and related ones, in place of plans.
	nested *nestedWrite
}

// piece is a part of a root field's value: a text, and what comes behind it.
type piece struct {
	text string
	what pieceKind
	plan int // the plan that it is of

	other int // of pieceMoreOr
}

// pieceKind is what stands in a frame.
type pieceKind uint8

const (
	pieceText     pieceKind = iota // nothing but the text
	pieceData                      // the plan's data
	pieceMembers                   // the members of the object that is the plan's data
	pieceFirst                     // the cursor of the first row, or null
	pieceLast                      // the cursor of the last row, or null
	pieceMore                      // whether the plan has more rows than the page
	pieceAny                       // whether the plan has a row
	pieceMoreOr                    // pieceMore, or pieceAny of other
	pieceAffected                  // how many rows were affected
	pieceSuccess                   // whether any was
	pieceMessage                   // that in words
)

// compiler makes the program of one operation.
type compiler struct {
	s     *Schema
	v     *values
	errs  collector
	fixed bool       // a plan holds a value as it is
	at    *ast.Field // the root field at hand, for the place of errors
}

// compile plans op with the values v, which coerce has filled.
func (s *Schema) compile(op *ast.OperationDefinition, v *values) (*program, Errors) {
	c := &compiler{s: s, v: v}
	c.errs.max = s.limits.Errors
	p := &program{mutation: op.Operation == ast.Mutation}
	typ := "Query"
	roots := s.queries
	if p.mutation {
		typ, roots = "Mutation", s.mutations
	}
	for _, sel := range c.collect(op.SelectionSet) {
		c.at = sel.field
		r := &rootPlan{key: sel.key, field: sel.field}
		switch name := sel.field.Name; name {
		case "__typename":
			r.text = appendQuoted(nil, typ)
		case "__schema", "__type":
			r.text = c.introspect(sel)
			c.fixed = c.fixed || len(op.VariableDefinitions) > 0 // what a variable says is in the text
		case "_empty":
			r.text = []byte("null")
		default:
			c.root(r, roots[name], sel)
		}
		p.roots = append(p.roots, r)
	}
	for _, e := range v.errs.errors() {
		c.errs.add(e)
	}
	if errs := c.errs.errors(); len(errs) > 0 {
		return nil, errs
	}
	p.reusable = !c.fixed
	for _, r := range p.roots {
		for _, plan := range r.plans {
			p.reusable = p.reusable && plan.Reusable()
		}
	}
	return p, nil
}

// selected is one key of an answer object: its field, and what is selected in it
// at all the places where the key stands.
type selected struct {
	key   string
	field *ast.Field
	sets  []ast.SelectionSet
}

// collect is CollectFields (spec, 6.3.2): fragments dissolved, directives obeyed,
// the sets of one key merged. All types are objects, so that a fragment always
// applies.
func (c *compiler) collect(sets ...ast.SelectionSet) []selected {
	list := make([]selected, 0, len(sets[0]))
	index := map[string]int{}
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				if !c.included(sel.Directives) {
					continue
				}
				i, known := index[sel.Alias]
				if !known {
					i = len(list)
					index[sel.Alias] = i
					list = append(list, selected{key: sel.Alias, field: sel})
				}
				if len(sel.SelectionSet) > 0 {
					list[i].sets = append(list[i].sets, sel.SelectionSet)
				}
			case *ast.InlineFragment:
				if c.included(sel.Directives) {
					walk(sel.SelectionSet)
				}
			case *ast.FragmentSpread:
				if c.included(sel.Directives) {
					walk(sel.Definition.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		walk(set)
	}
	return list
}

// included obeys @skip and @include. What a variable says is part of the shape.
func (c *compiler) included(list ast.DirectiveList) bool {
	for _, d := range list {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		arg := d.Arguments.ForName("if")
		if arg == nil {
			continue
		}
		on := arg.Value.Raw == "true"
		if arg.Value.Kind == ast.Variable {
			on = c.v.node(c.v.variable(arg.Value.Raw)).json == 't'
		}
		if on == (d.Name == "skip") {
			return false
		}
	}
	return true
}

// root plans one root field.
func (c *compiler) root(p *rootPlan, r *root, sel selected) {
	switch r.kind {
	case rootOne:
		d := c.query(r.object, sel)
		d.Filter, d.One = c.key(r, sel), true
		r.vow(d)
		c.plan(p, d)
	case rootList:
		d := c.query(r.object, sel)
		c.list(d, r.object, sel)
		c.plan(p, d)
	case rootConnection:
		c.connection(p, r.object, sel)
	case rootAggregate:
		c.aggregate(p, r.object, sel)
	case rootCall, rootInvoke:
		c.function(p, r, sel)
	default:
		c.write(p, r, sel)
	}
}

// vow tells d of the key that only the configuration knows. It may be wrong there:
// a write of more than one row is none.
func (r *root) vow(d *builder.Definition) {
	if !slices.Contains(r.object.vowed, r.key) {
		return
	}
	d.Key = r.key.Columns
	if d.Kind == builder.Query {
		d.Trusted = true
		return
	}
	one := int64(1)
	d.MaxAffected = &one
}

// query is a definition that reads rows of o.
func (c *compiler) query(o *object, sel selected) *builder.Definition {
	return &builder.Definition{
		Kind: builder.Query, Table: tableName(o.table), Fields: c.fields(o, builder.Path{sel.key}, sel.sets), Path: builder.Path{sel.key}, Key: o.rowKey(),
	}
}

// rowKey are the columns by which the rows of a view are told apart; nil where the
// catalog knows, or nobody.
func (o *object) rowKey() []*catalog.Column {
	if len(o.vowed) == 0 {
		return nil
	}
	return o.vowed[0].Columns
}

// orNothing are fields, or what selects none: nil would be every column.
func orNothing(fields []builder.Field) []builder.Field {
	if len(fields) == 0 {
		return []builder.Field{{Nothing: true}}
	}
	return fields
}

func tableName(t *catalog.Table) string {
	return catalog.QuoteIdent(t.Schema) + "." + catalog.QuoteIdent(t.Name)
}

// plan builds d as a plan of p and answers its number, or -1 with errors told.
func (c *compiler) plan(p *rootPlan, d *builder.Definition) int {
	if len(c.errs.list) > 0 {
		return -1
	}
	plan, err := builder.Build(c.s.src, d)
	if err != nil {
		c.problems(err)
		return -1
	}
	p.plans = append(p.plans, plan)
	return len(p.plans) - 1
}

// problems tells what Build has found.
func (c *compiler) problems(err error) {
	for _, e := range problemErrors(err, c.at) {
		c.errs.add(e)
	}
}

// problemErrors are the errors of builder.Problems, at the place of a root field.
func problemErrors(err error, at *ast.Field) Errors {
	var list builder.Problems
	if !errors.As(err, &list) {
		return Errors{{Message: "the field can't be planned", Locations: place(at), Code: codeInternal}}
	}
	out := make(Errors, len(list))
	for i, p := range list {
		path := p.Path
		if len(path) == 2 { // an argument of the root field
			if word, ok := path[1].(string); ok && arguments[word] != "" {
				path = builder.Path{path[0], arguments[word]}
			}
		}
		e := &Error{Message: path.String() + ": " + inGraphQL.Replace(p.Message), Locations: place(at), Code: codeBadInput}
		if p.Limit {
			e.Code = codeLimit
		}
		if at != nil {
			e.Path = []any{at.Alias}
		}
		if len(p.Allowed) > 0 {
			e.Extensions = []Extension{{"allowed", p.Allowed}}
		}
		out[i] = e
	}
	return out
}

func place(f *ast.Field) []Location {
	if f == nil || f.Position == nil {
		return nil
	}
	return []Location{{Line: f.Position.Line, Column: f.Position.Column}}
}

// errorf tells what is wrong at a place in the arguments.
func (c *compiler) errorf(at builder.Path, message string) {
	c.errs.add(&Error{Message: at.String() + ": " + message, Locations: place(c.at), Path: []any{c.at.Alias}, Code: codeBadInput})
}

// fields are what is selected of a row of o at a place in the answer.
func (c *compiler) fields(o *object, within builder.Path, sets []ast.SelectionSet) []builder.Field {
	list := c.collect(sets...)
	fields := make([]builder.Field, 0, len(list))
	for _, sel := range list {
		if sel.field.Name == "__typename" {
			fields = append(fields, builder.Field{As: sel.key, Literal: appendQuoted(nil, o.name)})
			continue
		}
		f := o.fields[sel.field.Name]
		at := within.Child(sel.key)
		if f.kind == columnField && c.s.isComposite(f.column) {
			fields = append(fields, builder.Field{
				Name: f.column.Name, As: sel.key, Object: c.attributes(c.s.compositeOf(f.column.Type), at, f.column.Name, nil, sel.sets), Place: at,
			})
			continue
		}
		if f.kind == columnField {
			fields = append(fields, builder.Field{Name: f.column.Name, As: sel.key, Labels: c.s.labels(f.column), Place: at})
			continue
		}
		if f.kind == toldField {
			fields = append(fields, builder.Field{System: f.told, As: sel.key, Place: at})
			continue
		}
		if f.function != nil {
			fields = append(fields, c.computed(f, sel, at))
			continue
		}
		r := &builder.Relation{Key: sel.key, Link: f.link, Fields: c.fields(f.target, at, sel.sets), Place: at}
		if f.kind == manyField {
			r.Filter = c.filterArgument(f.target, sel.field, at)
			r.Sort = c.order(f.target, c.v.argument(sel.field, "orderBy"), at.Child("orderBy"))
			r.Limit, r.LimitSlot = c.count(sel.field, "limit", at)
			r.Offset, r.OffsetSlot = c.count(sel.field, "offset", at)
		}
		fields = append(fields, builder.Field{As: sel.key, Relation: r})
	}
	return orNothing(fields)
}

// list takes the arguments of a list of o.
func (c *compiler) list(d *builder.Definition, o *object, sel selected) {
	d.Filter = c.filterArgument(o, sel.field, d.Path)
	d.Sort = c.order(o, c.v.argument(sel.field, "orderBy"), d.Path.Child("orderBy"))
	d.Limit, d.LimitSlot = c.count(sel.field, "limit", d.Path)
	d.Offset, d.OffsetSlot = c.count(sel.field, "offset", d.Path)
}

// key is the filter of a field that finds a row by its key.
func (c *compiler) key(r *root, sel selected) *builder.Filter {
	conds := make([]*builder.Filter, len(r.args))
	for i, name := range r.args {
		col := r.key.Columns[i]
		at := builder.Path{sel.key, name}
		raw, slot := c.operand(c.v.argument(sel.field, name), col.Type)
		conds[i] = &builder.Filter{Field: col.Name, Op: "eq", Value: raw, Slot: slot, Place: at}
	}
	if len(conds) == 1 {
		return conds[0]
	}
	return &builder.Filter{And: conds}
}

// count is a whole number that is an argument of a field; nil where it is not
// given.
func (c *compiler) count(f *ast.Field, name string, at builder.Path) (*int64, builder.Slot) {
	n := c.v.node(c.v.argument(f, name))
	if n.kind != nodeLeaf {
		return nil, 0
	}
	i, err := strconv.ParseInt(string(n.raw), 10, 64)
	if err != nil || i < 0 {
		c.errorf(at.Child(name), "must be a whole number, not negative")
		return nil, 0
	}
	return &i, builder.Slot(n.leaf)
}

// operand is a value for a column of the type with OID typ, as JSON, and its slot.
func (c *compiler) operand(id nodeID, typ uint32) (json.RawMessage, builder.Slot) {
	n := c.v.node(id)
	switch n.kind {
	case nodeAbsent, nodeNull:
		return json.RawMessage("null"), 0
	case nodeLeaf, nodeLeaves:
		if n.first != 0 || n.raw == nil { // put together of several values
			break
		}
		return n.raw, builder.Slot(n.leaf)
	case nodeEnum:
		return appendQuoted(nil, c.s.label(typ, n.value)), 0
	case nodeList:
		return c.enumList(id, typ)
	case nodeObject:
		if o := c.s.compositeOf(typ); o != nil {
			return c.compositeJSON(o, id), 0
		}
	}
	c.fixed = true
	return c.v.appendJSON(nil, id), 0
}

// enumList is a list of enums as a list of labels.
func (c *compiler) enumList(id nodeID, typ uint32) (json.RawMessage, builder.Slot) {
	list := []byte{'['}
	for child := range c.v.children(id) {
		if len(list) > 1 {
			list = append(list, ',')
		}
		raw, slot := c.operand(child, typ)
		if slot != 0 {
			c.fixed = true
		}
		list = append(list, raw...)
	}
	return append(list, ']'), 0
}

// label is the label behind a value of an enum, which typ is or has as elements.
func (s *Schema) label(typ uint32, value string) string {
	if e := s.enumOf(typ); e != nil {
		return e.labels[value]
	}
	return value
}

func (s *Schema) enumOf(typ uint32) *enumNames {
	t := s.src.Types().Type(typ).Base()
	for t.Elem() != nil && s.enums[t.OID()] == nil {
		t = t.Elem().Base()
	}
	return s.enums[t.OID()]
}

// labels are the names of the values of a column whose enum has other ones than
// the labels; nil for every other column.
func (s *Schema) labels(col *catalog.Column) map[string]string {
	if e := s.enumOf(col.Type); e != nil {
		return e.values
	}
	return nil
}
