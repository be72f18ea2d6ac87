package graphql

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// filterType is the input that selects rows of o.
func (m *maker) filterType(o *object) {
	name := o.name + "Filter"
	d := &ast.Definition{
		Kind: ast.InputObject, Name: name,
		Description: "Which " + o.plural + ": everything in one object holds at once. An empty object is refused.",
		Fields: ast.FieldList{
			{Name: "and", Type: listOf(name), Description: "All of these; an empty list is true."},
			{Name: "or", Type: listOf(name), Description: "At least one of these; an empty list is false."},
			{Name: "not", Type: named(name), Description: "Not this."},
		},
	}
	for _, f := range o.order {
		if f.name == "and" || f.name == "or" || f.name == "not" {
			m.lackf("condition on "+f.from()+" of "+o.table.String(), "%s: a field can't be called %s, a word of filters: name it in the configuration", o.table, f.name)
			continue
		}
		switch f.kind {
		case columnField:
			if !f.column.CanSelect {
				continue
			}
			if filter := m.columnFilter(f); filter != "" {
				d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: named(filter)})
			}
		case oneField:
			d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: named(f.target.name + "Filter"), Description: "There is such a row, and it meets this."})
		case manyField:
			d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: named(m.manyFilter(f.target))})
		case computedField:
			if typ := m.computedFilter(o, f); typ != nil {
				d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: typ, Description: f.doc})
			}
		case computedRows, toldField:
		}
	}
	m.define(d, o.of("filter of "))
}

// manyFilter is the name of the input for a relation to many rows of o.
func (m *maker) manyFilter(o *object) string {
	name := o.plural + "Filter"
	if !m.demanded && m.once(name, o) {
		m.postpone(o, manyFilterGroup)
	}
	return name
}

func (m *maker) manyFilterType(o *object) {
	one := named(o.name + "Filter")
	m.define(&ast.Definition{Kind: ast.InputObject, Name: o.plural + "Filter", Fields: ast.FieldList{
		{Name: "some", Type: one, Description: "At least one related row meets this."},
		{Name: "none", Type: one, Description: "No related row meets this."},
		{Name: "every", Type: one, Description: "No related row fails this; true where there is none."},
		{Name: "exists", Type: named("Boolean"), Description: "Whether there is a related row."},
	}}, o.of("filter of relations to "))
}

// operandType is what conditions are about: a type, and of an array the number of
// its dimensions, 0 where it is not said.
type operandType struct {
	*codec.Type
	dims int
}

// columnFilter is the input of conditions on a column, or "" where it takes none.
func (m *maker) columnFilter(f *field) string {
	return m.filterOn(operandType{m.src.Types().Type(f.column.Type), f.dims})
}

// scalarFilter is the input of conditions on a value of type t, or "" where it
// takes none.
func (m *maker) scalarFilter(t *codec.Type) string {
	return m.filterOn(operandType{t, m.domainDims(t.OID())})
}

// filterOn derives the input of conditions from the operator table.
func (m *maker) filterOn(t operandType) string {
	name, known := m.filterByType[t]
	if !known {
		name = m.makeFilter(t)
		m.filterByType[t] = name
	}
	return name
}

// makeFilter is filterOn for a type that is met for the first time.
func (m *maker) makeFilter(t operandType) string {
	name := m.arrayRef(t.Type, 1, true).Name()
	if t.Base().Kind() == codec.KindArray {
		name += strings.Repeat("List", max(1, t.dims))
	}
	operators := map[string]*operator{}
	var fields ast.FieldList
	var signature strings.Builder
	for op := range builder.Operators() {
		field := catalog.CamelCase(op.Name)
		if operators[field] != nil || !op.Takes(t.Type) || op.Extension != "" && !m.installed(op.Extension) {
			continue
		}
		operators[field] = &operator{op: op.Name, operand: op.Operand}
		typ := m.conditionOperand(t, op.Operand)
		fields = append(fields, &ast.FieldDefinition{Name: field, Type: typ, Description: inGraphQL.Replace(op.Doc)})
		signature.WriteString(field + ":" + typ.String() + " ")
	}
	if t.Base().Kind().Has(codec.KindJSON | codec.KindJSONB) {
		m.jsonFilter()
		operators["at"] = &operator{at: true}
		fields = append(fields, &ast.FieldDefinition{
			Name: "at", Type: listOf(jsonAt), Description: "Conditions on values inside the document; all of them hold.",
		})
		signature.WriteString("at")
	}
	if t.Base().Kind() == codec.KindComposite {
		list := m.attributeFilters(t.Type, operators)
		fields = append(list, fields...)
		for _, f := range list {
			signature.WriteString(f.Name + ":" + f.Type.String() + " ")
		}
	}
	if len(fields) == 0 {
		return ""
	}
	name += "Filter"
	if known, ok := m.filterOf[name]; ok && known != signature.String() { // citext beside text
		name = pascal(cleanName(t.Base().Name())) + "TypeFilter"
	}
	if known, ok := m.filterOf[name]; ok {
		if known != signature.String() {
			m.errorf(ofType("", t.Type), "type %s: its conditions are not those of another type that is called %s too", t, name)
		}
		return name
	}
	m.filterOf[name] = signature.String()
	m.schema.filters[name] = operators
	m.define(&ast.Definition{Kind: ast.InputObject, Name: name, Description: "Conditions on a value; all of them hold.", Fields: fields}, ofType("conditions on ", t.Type))
	return name
}

func (m *maker) installed(extension string) bool {
	_, ok := m.src.Catalog().Extension(extension)
	return ok
}

// conditionOperand is what an operator on t takes.
func (m *maker) conditionOperand(t operandType, o builder.Operand) *ast.Type {
	switch o {
	case builder.Flag:
		return named("Boolean")
	case builder.List, builder.Pair:
		return ast.ListType(required(m.arrayRef(t.Type, t.dims, true)), nil)
	case builder.Element:
		if e := elementType(t.Type); e != nil {
			return m.typeRef(e, true)
		}
		return named("String")
	case builder.Text, builder.Literal:
		return named("String")
	case builder.TextList:
		return listOf("String")
	case builder.Integer:
		return named("Int")
	case builder.Search:
		return named(m.searchType("TextSearch", false))
	case builder.Rank:
		return named(m.searchType("TextRank", true))
	case builder.Distance:
		return named(m.distanceType())
	default:
		return m.arrayRef(t.Type, t.dims, true)
	}
}

// elementType is what arrays, ranges and multiranges consist of.
func elementType(t *codec.Type) *codec.Type {
	t = t.Base()
	e := t.Elem()
	for e != nil && (t.Kind() == codec.KindArray && e.Base().Kind() == codec.KindArray ||
		t.Kind() == codec.KindMultirange && e.Base().Kind() == codec.KindRange) {
		e = e.Base().Elem()
	}
	return e
}

func (m *maker) searchType(name string, ranked bool) string {
	if m.shared(name, "operand of full text search") {
		d := &ast.Definition{Kind: ast.InputObject, Name: name, Description: "A full text query.", Fields: ast.FieldList{
			{Name: "query", Type: nonNull("String")},
			{Name: "config", Type: named("String"), Description: "The text search configuration, such as english; left out: the server's default."},
		}}
		if ranked {
			d.Fields = append(d.Fields, &ast.FieldDefinition{Name: "threshold", Type: nonNull("Float"), Description: "What the rank is compared with."})
		}
		m.define(d, origin{text: "operand of full text search"})
	}
	return name
}

func (m *maker) distanceType() string {
	m.json()
	if m.shared("Distance", "operand of distances") {
		m.define(&ast.Definition{Kind: ast.InputObject, Name: "Distance", Fields: ast.FieldList{
			{Name: "to", Type: nonNull("JSON"), Description: "The other value."},
			{Name: "threshold", Type: nonNull("Float")},
			{Name: "comparison", Type: named("String"), Description: "lt, lte, gt or gte; left out: lte."},
		}}, origin{text: "operand of distances"})
	}
	return "Distance"
}

func (m *maker) json() {
	if m.shared("JSON", "type jsonb") {
		m.define(&ast.Definition{Kind: ast.Scalar, Name: "JSON", Description: scalarDocs["JSON"]}, origin{text: "type jsonb"})
	}
}

// jsonOperators are the conditions on a value inside a json document.
var jsonOperators = []struct {
	name, typ string
	operand   builder.Operand
}{
	{"eq", "JSON", builder.Same},
	{"neq", "JSON", builder.Same},
	{"gt", "JSON", builder.Same},
	{"gte", "JSON", builder.Same},
	{"lt", "JSON", builder.Same},
	{"lte", "JSON", builder.Same},
	{"in", "[JSON!]", builder.List},
	{"nin", "[JSON!]", builder.List},
	{"is_null", "Boolean", builder.Flag},
	{"contains", "JSON", builder.Same},
	{"icontains", "String", builder.Literal},
	{"startswith", "String", builder.Literal},
	{"endswith", "String", builder.Literal},
	{"like", "String", builder.Text},
	{"ilike", "String", builder.Text},
	{"regex", "String", builder.Text},
	{"has_key", "String", builder.Text},
}

// jsonAt is the input of conditions inside json.
const jsonAt = "JSONAt"

// jsonFilter defines the input of conditions on a value inside a json document.
func (m *maker) jsonFilter() {
	const name = jsonAt
	m.json()
	if !m.shared(name, "conditions inside json") {
		return
	}
	m.jsonTypes()
	d := &ast.Definition{Kind: ast.InputObject, Name: name, Description: "A condition on the value at a path inside a JSON document.", Fields: ast.FieldList{
		{Name: "path", Type: nonNullList("String"), Description: "Object keys, and positions in lists as digits."},
		{Name: "type", Type: named("JSONType"), Description: "How the value is read; left out: as the operand is."},
	}}
	operators := map[string]*operator{}
	for _, op := range jsonOperators {
		field := catalog.CamelCase(op.name)
		operators[field] = &operator{op: op.name, operand: op.operand}
		typ := named(op.typ)
		if strings.HasPrefix(op.typ, "[") {
			typ = listOf(strings.Trim(op.typ, "[]!"))
		}
		d.Fields = append(d.Fields, &ast.FieldDefinition{Name: field, Type: typ})
	}
	m.schema.filters[name] = operators
	m.define(d, origin{text: "conditions inside json"})
}

// jsonTypes is the enum of the types that a value inside JSON can be read as.
func (m *maker) jsonTypes() {
	if !m.shared("JSONType", "types inside json") {
		return
	}
	d := &ast.Definition{Kind: ast.Enum, Name: "JSONType", Description: "How a value inside a JSON document is read."}
	for _, t := range []string{"text", "numeric", "float", "boolean", "date", "time", "timestamp", "timestamptz", "interval", "uuid", "json"} {
		d.EnumValues = append(d.EnumValues, &ast.EnumValueDefinition{Name: strings.ToUpper(t)})
	}
	m.define(d, origin{text: "types inside json"})
}

// orderType is the input that sorts rows of o.
func (m *maker) orderType(o *object) {
	m.direction()
	d := &ast.Definition{Kind: ast.InputObject, Name: o.name + "Order", Description: "Sort keys, in the order in which they are written."}
	for _, f := range o.order {
		switch f.kind {
		case columnField:
			switch {
			case !f.column.CanSelect:
			case m.src.Types().Type(f.column.Type).Base().Kind().Has(codec.KindJSON | codec.KindJSONB):
				d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: named(m.jsonOrder()), Description: "By a value inside the document."})
			case m.src.Sortable(f.column):
				d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: named("OrderDirection")})
			}
		case oneField:
			d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: named(f.target.name + "Order"), Description: "By the related row."})
		case manyField:
			if f.link.Tree == builder.NoTree && o.fields[f.name+"Count"] == nil {
				d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name + "Count", Type: named("OrderDirection"), Description: "By how many related rows there are."})
			}
		case computedField:
			if typ := m.computedOrder(o, f); typ != nil {
				d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: typ, Description: f.doc})
			}
		case computedRows, toldField:
		}
	}
	if len(d.Fields) == 0 { // a view of json columns only
		d.Fields = ast.FieldList{{Name: "_none", Type: named("OrderDirection"), Description: "No column has an order."}}
	}
	m.define(d, o.of("order of "))
}

// jsonOrder is the input of a sort by a value inside a json document.
func (m *maker) jsonOrder() string {
	if m.shared("JSONOrder", "order inside json") {
		m.jsonTypes()
		m.define(&ast.Definition{Kind: ast.InputObject, Name: "JSONOrder", Description: "A sort by the value at a path inside a JSON document.", Fields: ast.FieldList{
			{Name: "path", Type: nonNullList("String"), Description: "Object keys, and positions in lists as digits."},
			{Name: "type", Type: named("JSONType"), Description: "How the value is read; left out: as text."},
			{Name: "direction", Type: nonNull("OrderDirection"), DefaultValue: &ast.Value{Kind: ast.EnumValue, Raw: "ASC", Position: nowhere}},
		}}, origin{text: "order inside json"})
	}
	return "JSONOrder"
}

// directions are the values of OrderDirection.
var directions = map[string]builder.Sort{
	"ASC": {}, "DESC": {Desc: true},
	"ASC_NULLS_FIRST": {Nulls: builder.NullsFirst}, "ASC_NULLS_LAST": {Nulls: builder.NullsLast},
	"DESC_NULLS_FIRST": {Desc: true, Nulls: builder.NullsFirst}, "DESC_NULLS_LAST": {Desc: true, Nulls: builder.NullsLast},
}

func (m *maker) direction() {
	if !m.shared("OrderDirection", "directions") {
		return
	}
	d := &ast.Definition{Kind: ast.Enum, Name: "OrderDirection", Description: "ASC puts nulls last and DESC puts them first, unless said otherwise."}
	for _, v := range []string{"ASC", "DESC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_FIRST", "DESC_NULLS_LAST"} {
		d.EnumValues = append(d.EnumValues, &ast.EnumValueDefinition{Name: v})
	}
	m.define(d, origin{text: "directions"})
}
