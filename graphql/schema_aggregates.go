package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// aggregateFields are the fields of an aggregate that have a field for each
// column, by the function behind them.
var aggregateFields = []struct{ name, fn string }{
	{"countDistinct", "count"},
	{"sum", "sum"},
	{"avg", "avg"},
	{"stddev", "stddev"},
	{"variance", "variance"},
	{"min", "min"},
	{"max", "max"},
	{"boolAnd", "bool_and"},
	{"boolOr", "bool_or"},
}

// aggregateFn is the function of a field of an aggregate, or "".
func aggregateFn(name string) string {
	for _, a := range aggregateFields {
		if a.name == name {
			return a.fn
		}
	}
	return ""
}

// aggregateTypes are the types of usersAggregate.
func (m *maker) aggregateTypes(o *object) {
	m.bigInt()
	from := o.of("aggregates of ")
	count := &ast.FieldDefinition{Name: "count", Type: nonNull("BigInt"), Description: "How many rows."}
	all := &ast.Definition{Kind: ast.Object, Name: o.name + "Aggregate", Description: "Numbers about " + o.plural + ".", Fields: ast.FieldList{count}}
	group := &ast.Definition{Kind: ast.Object, Name: o.name + "Group", Description: "A group of " + o.plural + ".", Fields: ast.FieldList{count}}
	having := &ast.Definition{Kind: ast.InputObject, Name: o.name + "Having", Description: "Which groups.", Fields: ast.FieldList{
		{Name: "and", Type: listOf(o.name + "Having")},
		{Name: "or", Type: listOf(o.name + "Having")},
		{Name: "not", Type: named(o.name + "Having")},
		{Name: "count", Type: named(m.scalarFilter(m.src.Types().Type(oidInt8)))},
	}}
	order := &ast.Definition{Kind: ast.InputObject, Name: o.name + "GroupOrder", Description: "Sort keys, in the order in which they are written.", Fields: ast.FieldList{
		{Name: "count", Type: named("OrderDirection")},
	}}
	for _, a := range aggregateFields {
		d := &ast.Definition{Kind: ast.Object, Name: o.name + pascal(a.name)}
		h := &ast.Definition{Kind: ast.InputObject, Name: o.name + "Having" + pascal(a.name)}
		s := &ast.Definition{Kind: ast.InputObject, Name: o.name + "GroupOrder" + pascal(a.name)}
		for _, f := range o.order {
			if f.kind != columnField || !f.column.CanSelect {
				continue
			}
			t := m.aggregateType(a.name, a.fn, f.column)
			if t == nil {
				continue
			}
			typ := m.arrayRef(t, f.dims, false)
			d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: maybe(typ, a.fn == "count")})
			if filter := m.filterOn(operandType{t, f.dims}); filter != "" {
				h.Fields = append(h.Fields, &ast.FieldDefinition{Name: f.name, Type: named(filter)})
			}
			s.Fields = append(s.Fields, &ast.FieldDefinition{Name: f.name, Type: named("OrderDirection")})
		}
		if len(d.Fields) == 0 {
			continue
		}
		m.define(d, from)
		field := &ast.FieldDefinition{Name: a.name, Type: nonNull(d.Name)}
		all.Fields, group.Fields = append(all.Fields, field), append(group.Fields, field)
		if len(h.Fields) > 0 {
			m.define(h, from)
			having.Fields = append(having.Fields, &ast.FieldDefinition{Name: a.name, Type: named(h.Name)})
		}
		m.define(s, from)
		order.Fields = append(order.Fields, &ast.FieldDefinition{Name: a.name, Type: named(s.Name)})
	}
	if m.groupKeys(o, group, order, from) {
		m.define(group, from)
		m.define(having, from)
		m.define(order, from)
		all.Fields = append(all.Fields, &ast.FieldDefinition{
			Name: "groups", Type: nonNullList(group.Name), Description: "The same numbers for each group.",
			Arguments: ast.ArgumentDefinitionList{
				{Name: "by", Type: nonNullList(o.name + "GroupBy"), Description: "What rows of one group have in common."},
				{Name: "having", Type: named(having.Name)},
				{Name: "orderBy", Type: listOf(order.Name)},
				{Name: "limit", Type: named("Int")},
				{Name: "offset", Type: named("Int")},
			},
		})
	}
	m.define(all, from)
}

// oidInt8 is the OID of int8, the type of counts.
const oidInt8 = 20

// aggregateType is the type of an aggregate over c, or nil where it takes none.
func (m *maker) aggregateType(name, fn string, c *catalog.Column) *codec.Type {
	if name == "countDistinct" && !m.src.Sortable(c) {
		return nil
	}
	return m.src.AggregateType(fn, c)
}

// groupKeys adds what groups can be made by; false where nothing can be.
func (m *maker) groupKeys(o *object, group, order *ast.Definition, from origin) bool {
	keys := &ast.Definition{Kind: ast.Object, Name: o.name + "GroupKey", Description: "What the rows of a group have in common; only what by names may be asked for."}
	sorts := &ast.Definition{Kind: ast.InputObject, Name: o.name + "GroupOrderKey"}
	columns := &ast.Definition{Kind: ast.Enum, Name: o.name + "GroupColumn"}
	for _, f := range o.order {
		if f.kind != columnField || !f.column.CanSelect || !m.src.Sortable(f.column) || m.schema.isComposite(f.column) || !validEnumValue(f.name) {
			continue
		}
		keys.Fields = append(keys.Fields, &ast.FieldDefinition{Name: f.name, Type: f.typ})
		sorts.Fields = append(sorts.Fields, &ast.FieldDefinition{Name: f.name, Type: named("OrderDirection")})
		columns.EnumValues = append(columns.EnumValues, &ast.EnumValueDefinition{Name: f.name})
	}
	if len(keys.Fields) == 0 {
		return false
	}
	m.truncUnits()
	for _, d := range []*ast.Definition{keys, sorts, columns, {
		Kind: ast.InputObject, Name: o.name + "GroupBy", Fields: ast.FieldList{
			{Name: "field", Type: nonNull(columns.Name)},
			{Name: "trunc", Type: named("DateTrunc"), Description: "Cut a date or time to this unit; an instant in UTC."},
		},
	}} {
		m.define(d, from)
	}
	group.Fields = append(ast.FieldList{{Name: "key", Type: nonNull(keys.Name)}}, group.Fields...)
	order.Fields = append(ast.FieldList{{Name: "key", Type: named(sorts.Name)}}, order.Fields...)
	return true
}

func (m *maker) truncUnits() {
	if !m.shared("DateTrunc", "units of time") {
		return
	}
	d := &ast.Definition{Kind: ast.Enum, Name: "DateTrunc", Description: "Units of time."}
	for _, unit := range builder.TruncUnits() {
		d.EnumValues = append(d.EnumValues, &ast.EnumValueDefinition{Name: constantCase(unit)})
	}
	m.define(d, origin{text: "units of time"})
}
