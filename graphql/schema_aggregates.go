package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// aggregateFields are the fields of an aggregate that have a field for each
// column, by the function behind them.
var aggregateFields = []struct{ name, fn, pascal string }{
	{"countDistinct", "count", "CountDistinct"},
	{"sum", "sum", "Sum"},
	{"avg", "avg", "Avg"},
	{"stddev", "stddev", "Stddev"},
	{"variance", "variance", "Variance"},
	{"min", "min", "Min"},
	{"max", "max", "Max"},
	{"boolAnd", "bool_and", "BoolAnd"},
	{"boolOr", "bool_or", "BoolOr"},
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

// number is an aggregate over a column: its type, nil where there is none, and the
// conditions on it.
type number struct {
	typ    *ast.Type
	filter string
}

// numbers are the aggregates over a column, in the order of aggregateFields. Columns
// of one type have the same.
func (m *maker) numbers(f *field) []number {
	t := operandType{m.src.Types().Type(f.column.Type), f.dims}
	if list, known := m.schema.numbers[t]; known {
		return list
	}
	list := make([]number, len(aggregateFields))
	for i, a := range aggregateFields {
		if t := m.aggregateType(a.name, a.fn, f.column); t != nil {
			list[i] = number{maybe(m.arrayRef(t, f.dims, false), a.fn == "count"), m.filterOn(operandType{t, f.dims})}
		}
	}
	m.schema.numbers[t] = list
	return list
}

// aggregated are the columns of o that aggregates may be over.
func (o *object) aggregated(yield func(*field) bool) {
	for _, f := range o.order {
		if f.kind == columnField && f.column.CanSelect && !yield(f) {
			return
		}
	}
}

// grouped says whether rows can be grouped by a column.
func (m *maker) grouped(f *field) bool {
	return m.src.Sortable(f.column) && !m.schema.isComposite(f.column) && validEnumValue(f.name)
}

// aggregateNames takes the names of aggregateTypes, and makes what they share.
func (m *maker) aggregateNames(o *object) {
	m.bigInt()
	m.direction()
	m.scalarFilter(m.src.Types().Type(oidInt8))
	from := o.of("aggregates of ")
	m.name(o.name+"Aggregate", from)
	for i, a := range aggregateFields {
		var takes, filters bool
		for f := range o.aggregated {
			n := m.numbers(f)[i]
			takes, filters = takes || n.typ != nil, filters || n.filter != ""
		}
		if takes {
			m.name(o.name+a.pascal, from)
			m.name(o.name+"GroupOrder"+a.pascal, from)
		}
		if filters {
			m.name(o.name+"Having"+a.pascal, from)
		}
	}
	for f := range o.aggregated {
		if !m.grouped(f) {
			continue
		}
		m.truncUnits()
		for _, ending := range []string{"Group", "GroupKey", "GroupColumn", "GroupBy", "GroupOrder", "GroupOrderKey", "Having"} {
			m.name(o.name+ending, from)
		}
		break
	}
}

// aggregateTypes are the types of usersAggregate.
func (m *maker) aggregateTypes(o *object) {
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
	for i, a := range aggregateFields {
		d := &ast.Definition{Kind: ast.Object, Name: o.name + a.pascal}
		h := &ast.Definition{Kind: ast.InputObject, Name: o.name + "Having" + a.pascal}
		s := &ast.Definition{Kind: ast.InputObject, Name: o.name + "GroupOrder" + a.pascal}
		for f := range o.aggregated {
			n := m.numbers(f)[i]
			if n.typ == nil {
				continue
			}
			d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: n.typ})
			if n.filter != "" {
				h.Fields = append(h.Fields, &ast.FieldDefinition{Name: f.name, Type: named(n.filter)})
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
	for f := range o.aggregated {
		if !m.grouped(f) {
			continue
		}
		keys.Fields = append(keys.Fields, &ast.FieldDefinition{Name: f.name, Type: f.typ})
		sorts.Fields = append(sorts.Fields, &ast.FieldDefinition{Name: f.name, Type: named("OrderDirection")})
		columns.EnumValues = append(columns.EnumValues, &ast.EnumValueDefinition{Name: f.name})
	}
	if len(keys.Fields) == 0 {
		return false
	}
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
