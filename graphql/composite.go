package graphql

import (
	"encoding/json"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// composite is the object of a composite type, or nil where it is none that can
// be one: the row type of a table has columns that may not be for everybody.
func (m *maker) composite(t *codec.Type) *object {
	info, ok := m.src.Catalog().Type(t.Base().OID())
	if !ok || info.Kind != 'c' || info.Table != 0 || len(info.Fields) == 0 {
		return nil
	}
	if o, known := m.schema.composites[info.OID]; known {
		return o
	}
	m.schema.composites[info.OID] = nil
	table, err := m.src.Catalog().NewRowType(info.Schema, info.Name, info.Fields)
	if err != nil {
		return nil // it is JSON
	}
	o := &object{table: table, composite: t.Base(), tags: parseTags(info.Comment), fields: map[string]*field{}}
	o.name = firstOf(o.tags.name, pascal(cleanName(info.Name)))
	o.plural = plural(o.name)
	for _, c := range table.Columns {
		m.column(o, c)
	}
	if len(o.order) == 0 {
		return nil
	}
	m.schema.composites[info.OID] = o
	m.objectType(o)
	return o
}

// compositeInput is the input of values of o.
func (m *maker) compositeInput(o *object) string {
	name := o.name + "Input"
	if !m.once(name, o) {
		return name
	}
	d := &ast.Definition{Kind: ast.InputObject, Name: name, Description: o.tags.description}
	if !m.define(d, o.of("input of ")) {
		return name
	}
	for _, f := range o.order {
		if f.kind != columnField {
			continue
		}
		d.Fields = append(d.Fields, &ast.FieldDefinition{
			Name: f.name, Description: f.doc, Directives: inputDeprecated(f), Type: m.fieldRef(f, true),
		})
	}
	return name
}

// attributeFilters are the conditions on the attributes of a composite type, and
// adds them to operators.
func (m *maker) attributeFilters(t *codec.Type, operators map[string]*operator) ast.FieldList {
	o := m.composite(t)
	if o == nil {
		return nil
	}
	var list ast.FieldList
	for _, f := range o.order {
		if f.kind != columnField {
			continue // told of a function's outcome, by none of its columns
		}
		filter := m.columnFilter(f)
		switch {
		case filter == "":
		case operators[f.name] != nil:
			m.broken("conditions on "+f.column.Name+" of "+o.table.String(), "its name is that of an operator: name it by a comment that begins with @name")
		default:
			operators[f.name] = &operator{attr: f.column}
			list = append(list, &ast.FieldDefinition{Name: f.name, Type: named(filter), Description: f.doc})
		}
	}
	return list
}

// compositeOf is the object of a composite type, which typ is or has as elements.
func (s *Schema) compositeOf(typ uint32) *object {
	t := s.src.Types().Type(typ).Base()
	for t.Elem() != nil {
		t = t.Elem().Base()
	}
	return s.composites[t.OID()]
}

// isComposite says whether the values of a column are objects.
func (s *Schema) isComposite(c *catalog.Column) bool {
	return s.composites[s.src.Types().Type(c.Type).Base().OID()] != nil
}

// attributes are what is selected of a composite column, or of the attribute of
// it that path leads to.
func (c *compiler) attributes(o *object, within builder.Path, column string, path []string, sets []ast.SelectionSet) []builder.Field {
	list := c.collect(sets...)
	fields := make([]builder.Field, 0, len(list))
	for _, sel := range list {
		if sel.field.Name == "__typename" {
			fields = append(fields, builder.Field{As: sel.key, Literal: appendQuoted(nil, o.name)})
			continue
		}
		f, at := o.fields[sel.field.Name], within.Child(sel.key)
		if f.kind == toldField {
			fields = append(fields, builder.Field{System: f.told, Name: column, Attr: path, As: sel.key, Place: at})
			continue
		}
		attr := f.column
		field := builder.Field{Name: column, Attr: append(slices.Clip(path), attr.Name), As: sel.key, Place: at}
		if c.s.isComposite(attr) {
			field.Object = c.attributes(c.s.compositeOf(attr.Type), at, column, field.Attr, sel.sets)
		} else {
			field.Labels = c.s.labels(attr)
		}
		fields = append(fields, field)
	}
	return fields
}

// compositeJSON is an input object as a value of a composite type, with the names
// that the database has.
func (c *compiler) compositeJSON(o *object, id nodeID) json.RawMessage {
	raw := []byte{'{'}
	for child := range c.v.children(id) {
		attr := o.fields[c.v.node(child).name].column
		if len(raw) > 1 {
			raw = append(raw, ',')
		}
		value, slot := c.operand(child, attr.Type)
		c.fixed = c.fixed || slot != 0
		raw = append(append(appendQuoted(raw, attr.Name), ':'), value...)
	}
	return append(raw, '}')
}
