package graphql

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// computed adds the fields that functions make of a table's rows.
func (m *maker) computed(list []*candidate) {
	list = slices.DeleteFunc(slices.Clone(list), func(c *candidate) bool { return c.on == nil })
	for _, c := range m.alone(list, func(c *candidate) bool { return c.on.fields[c.name] != nil }) {
		k := c.callable
		if (k.Set || k.Result == builder.RowResult) && !hasRowKey(k.Of) {
			m.broken(c.label(), "its rows are found by the key of "+k.Of.String()+", which has none")
			continue
		}
		fn, reason := m.function(k, lowerFirst(c.on.name)+pascal(c.name), 1)
		if reason != "" {
			m.broken(c.label(), reason)
			continue
		}
		f := &field{name: c.name, kind: computedField, function: fn, target: fn.rows, doc: c.conf.tags.description, gone: c.conf.deprecated(), typ: m.result(fn)}
		if k.Set || k.Result == builder.RowResult {
			f.kind = computedRows
		}
		m.addField(c.on, f)
	}
}

// hasRowKey says whether a row of t can be found again.
func hasRowKey(t *catalog.Table) bool {
	for k := range t.Keys() {
		if k.Primary || !slices.ContainsFunc(k.Columns, func(c *catalog.Column) bool { return !c.NotNull }) {
			return true
		}
	}
	return false
}

// computedArguments are the arguments of a computed field.
func (m *maker) computedArguments(f *field) ast.ArgumentDefinitionList {
	list := m.functionArguments(f.function)
	if f.function.callable.Set {
		list = append(list, m.functionList(f.function)...)
	}
	return list
}

// computedFilter is the input of conditions on a computed field, or nil. With
// arguments it has the field args.
func (m *maker) computedFilter(o *object, f *field) *ast.Type {
	filter := m.scalarFilter(f.function.codecType())
	if filter == "" || len(f.function.args) == 0 {
		if filter == "" {
			return nil
		}
		return named(filter)
	}
	d := &ast.Definition{
		Kind: ast.InputObject, Name: o.name + pascal(f.name) + "Filter",
		Description: "Conditions on what the function makes of the arguments; all of them hold.", Fields: ast.FieldList{m.argsField(o, f)},
	}
	for _, field := range m.types[filter].Fields {
		if field.Name != "args" {
			d.Fields = append(d.Fields, field)
		}
	}
	if m.taken(d.Name) || !m.define(d, origin{text: f.from()}) {
		return nil
	}
	m.schema.filters[d.Name] = m.schema.filters[filter]
	return named(d.Name)
}

// computedOrder is the sort key of a computed field, or nil.
func (m *maker) computedOrder(o *object, f *field) *ast.Type {
	if !m.src.SortableType(f.function.codecType()) {
		return nil
	}
	if len(f.function.args) == 0 {
		return named("OrderDirection")
	}
	d := &ast.Definition{Kind: ast.InputObject, Name: o.name + pascal(f.name) + "Order", Fields: ast.FieldList{
		m.argsField(o, f), {Name: "direction", Type: nonNull("OrderDirection")},
	}}
	if m.taken(d.Name) || !m.define(d, origin{text: f.from()}) {
		return nil
	}
	return named(d.Name)
}

// argsField is the member args of an input about a computed field.
func (m *maker) argsField(o *object, f *field) *ast.FieldDefinition {
	name := o.name + pascal(f.name) + "Args"
	needed := false
	d := &ast.Definition{Kind: ast.InputObject, Name: name, Description: "Arguments of " + f.name + "."}
	for _, a := range m.functionArguments(f.function) {
		d.Fields = append(d.Fields, &ast.FieldDefinition{Name: a.Name, Type: a.Type, Description: a.Description})
		needed = needed || a.Type.NonNull
	}
	if m.shared(name, f.from()) {
		m.define(d, origin{text: f.from()})
	}
	return &ast.FieldDefinition{Name: "args", Type: maybe(named(name), needed)}
}
