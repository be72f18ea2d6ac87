package graphql

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// off says whether the configuration or the comment leaves out what.
func (o *object) off(what string) bool {
	return omits(o.conf.Omit, what) || omits(o.tags.omit, what)
}

// rootFields adds what can be asked of o, and done to it.
func (m *maker) rootFields(o *object) {
	if o.table.CanSelect {
		m.queryFields(o)
	}
	t := o.table
	if t.Insertable && t.CanInsert {
		m.insertFields(o)
	}
	if t.Updatable && t.CanUpdate {
		m.updateFields(o)
	}
	if t.Deletable && t.CanDelete {
		m.deleteFields(o)
	}
}

func (m *maker) queryFields(o *object) {
	if !o.off("query") {
		for i, k := range o.keys {
			name, args, names := o.byKey(lowerFirst(o.name), i, k)
			m.addRoot(m.query, &ast.FieldDefinition{
				Name: name, Type: named(o.name), Arguments: args,
				Description: "One of the " + o.plural + " by its " + strings.Join(names, ", ") + "; null where there is none.",
			}, &root{kind: rootOne, object: o, key: k, args: names})
		}
		m.addRoot(m.query, &ast.FieldDefinition{
			Name: o.listName(), Type: listOf(o.name), Arguments: o.listArguments(), Description: o.tags.description,
		}, &root{kind: rootList, object: o})
	}
	if !o.off("connection") && (m.src.Paged(o.table) || len(o.vowed) > 0) {
		m.postpone(o, connectionGroup)
		m.addRoot(m.query, &ast.FieldDefinition{
			Name: lowerFirst(o.plural) + "Connection", Type: named(o.name + "Connection"),
			Description: "The " + o.plural + " in pages, by cursors.",
			Arguments: ast.ArgumentDefinitionList{
				{Name: "filter", Type: named(o.name + "Filter")},
				{Name: "orderBy", Type: listOf(o.name + "Order"), Description: "The primary key is added as the last key."},
				{Name: "first", Type: named("Int"), Description: "How many from the start, or behind after."},
				{Name: "after", Type: named("String"), Description: "A cursor: what comes behind it."},
				{Name: "last", Type: named("Int"), Description: "How many from the end, or in front of before."},
				{Name: "before", Type: named("String"), Description: "A cursor: what comes in front of it."},
			},
		}, &root{kind: rootConnection, object: o})
	}
	if !o.off("aggregate") {
		m.postpone(o, aggregateGroup)
		m.addRoot(m.query, &ast.FieldDefinition{
			Name: lowerFirst(o.plural) + "Aggregate", Type: named(o.name + "Aggregate"),
			Description: "Numbers about the " + o.plural + ", of all or by groups.",
			Arguments:   ast.ArgumentDefinitionList{{Name: "filter", Type: named(o.name + "Filter")}},
		}, &root{kind: rootAggregate, object: o})
	}
}

// listName is the root field of the list: users, and newsList where singular and
// plural are one word.
func (o *object) listName() string { return lowerFirst(o.plural) }

// byKey is a field that finds a row by key i: user(id:), userByEmail(email:).
func (o *object) byKey(base string, i int, k *catalog.Key) (name string, args ast.ArgumentDefinitionList, names []string) {
	name = base
	for _, c := range k.Columns {
		f := o.column(c)
		names = append(names, f.name)
		args = append(args, &ast.ArgumentDefinition{Name: f.name, Type: required(f.typ), Description: f.doc})
	}
	if i > 0 || !k.Primary && o.table.PrimaryKey != nil {
		name += "By" + o.keyWord(k)
	}
	return name, args, names
}

func (m *maker) connectionTypes(o *object) {
	if m.shared("PageInfo", "pages") {
		m.define(&ast.Definition{Kind: ast.Object, Name: "PageInfo", Description: "Where a page stands.", Fields: ast.FieldList{
			{Name: "hasNextPage", Type: nonNull("Boolean")},
			{Name: "hasPreviousPage", Type: nonNull("Boolean")},
			{Name: "startCursor", Type: named("String"), Description: "The cursor of the first row; null where there is none."},
			{Name: "endCursor", Type: named("String"), Description: "The cursor of the last row; null where there is none."},
		}}, origin{text: "pages"})
	}
	from := o.of("connection of ")
	m.bigInt()
	m.define(&ast.Definition{Kind: ast.Object, Name: o.name + "Edge", Fields: ast.FieldList{
		{Name: "cursor", Type: nonNull("String")},
		{Name: "node", Type: nonNull(o.name)},
	}}, from)
	m.define(&ast.Definition{Kind: ast.Object, Name: o.name + "Connection", Fields: ast.FieldList{
		{Name: "edges", Type: nonNullList(o.name + "Edge")},
		{Name: "nodes", Type: nonNullList(o.name), Description: "The rows without their cursors."},
		{Name: "pageInfo", Type: nonNull("PageInfo")},
		{Name: "totalCount", Type: nonNull("BigInt"), Description: "How many rows there are on all pages."},
	}}, from)
}

func (m *maker) bigInt() {
	if m.shared("BigInt", "type bigint") {
		m.define(&ast.Definition{Kind: ast.Scalar, Name: "BigInt", Description: scalarDocs["BigInt"]}, origin{text: "type bigint"})
	}
}

// insertFields adds createUser, createUsers, upsertUser and upsertUsers.
func (m *maker) insertFields(o *object) {
	if o.off("create") && o.off("upsert") {
		return
	}
	m.inputType(o)
	input := &ast.ArgumentDefinition{Name: "input", Type: nonNull(o.name + "Input")}
	inputs := &ast.ArgumentDefinition{Name: "inputs", Type: nonNullList(o.name + "Input")}
	conflict := &ast.ArgumentDefinition{Name: "onConflict", Type: named(o.name + "Conflict"), Description: "What to do where a unique key is taken; left out: an error."}
	upserts := o.upserts()
	if upserts {
		m.postpone(o, conflictGroup)
	}
	if !o.off("create") && o.table.CanSelect {
		m.addRoot(m.mutation, &ast.FieldDefinition{Name: "create" + o.name, Type: named(o.name), Arguments: ast.ArgumentDefinitionList{input}},
			&root{kind: rootCreate, object: o})
		args := ast.ArgumentDefinitionList{inputs}
		if upserts {
			args = append(args, conflict)
		}
		m.addRoot(m.mutation, &ast.FieldDefinition{
			Name: "create" + o.plural, Type: listOf(o.name), Arguments: args,
			Description: "All of them or none, in one statement; the rows come in the order of inputs.",
		}, &root{kind: rootCreateMany, object: o})
	}
	if !o.off("upsert") && upserts {
		m.upsertFields(o)
	}
}

// conflictTypes are what an insert does when a key is taken.
func (m *maker) conflictTypes(o *object) {
	m.columnEnum(o)
	if m.shared("ConflictAction", "conflicts") {
		m.define(&ast.Definition{Kind: ast.Enum, Name: "ConflictAction", EnumValues: ast.EnumValueList{
			{Name: "UPDATE", Description: "Set the columns of update."}, {Name: "NOTHING", Description: "Leave the row as it is."},
		}}, origin{text: "conflicts"})
	}
	m.define(&ast.Definition{
		Kind: ast.InputObject, Name: o.name + "Conflict", Description: "What to do where a unique key is taken.",
		Fields: ast.FieldList{
			{Name: "columns", Type: listOf(o.name + "Column"), Description: "The columns of the unique key; those of a partial index too."},
			{Name: "constraint", Type: named("String"), Description: "Or the name of the unique constraint."},
			{Name: "action", Type: nonNull("ConflictAction"), DefaultValue: &ast.Value{Kind: ast.EnumValue, Raw: "UPDATE", Position: nowhere}},
			{Name: "update", Type: listOf(o.name + "Column"), Description: "Columns that take the value of the input; left out: all that it gives, but for the key."},
			{Name: "filter", Type: named(o.name + "Filter"), Description: "Only rows that meet this are updated."},
		},
	}, o.of("conflicts of "))
}

func (m *maker) columnEnum(o *object) {
	d := &ast.Definition{Kind: ast.Enum, Name: o.name + "Column"}
	for _, f := range o.order {
		if f.kind == columnField && validEnumValue(f.name) {
			d.EnumValues = append(d.EnumValues, &ast.EnumValueDefinition{Name: f.name})
		}
	}
	m.define(d, o.of("columns of "))
}

// inputType is a row to insert.
func (m *maker) inputType(o *object) {
	d := &ast.Definition{Kind: ast.InputObject, Name: o.name + "Input", Description: "A new row. What is left out gets its default."}
	for _, f := range o.order {
		if f.kind != columnField || !insertable(f.column) {
			continue
		}
		d.Fields = append(d.Fields, &ast.FieldDefinition{
			Name: f.name, Description: f.doc, Directives: inputDeprecated(f),
			Type: maybe(m.fieldRef(f, true), m.mustGive(o, f.column)),
		})
	}
	if len(d.Fields) == 0 {
		d.Fields = ast.FieldList{{Name: "_default", Type: named("Boolean"), Description: "Nothing can be said of a new row."}}
	}
	m.define(d, o.of("input of "))
}

func insertable(c *catalog.Column) bool {
	return c.CanInsert && !c.ReadOnly && c.Generated == 0 && c.Identity != 'a'
}

func updatable(c *catalog.Column) bool {
	return c.CanUpdate && !c.ReadOnly && c.Generated == 0 && c.Identity != 'a'
}

// mustGive says whether an insert without c is refused: not where a trigger may
// fill it, and not where a nested row may be what it refers to.
func (m *maker) mustGive(o *object, c *catalog.Column) bool {
	t := o.table
	if t.Kind != catalog.OrdinaryTable || t.Triggers.Before&catalog.OnInsert != 0 || !c.NotNull || c.HasDefault || c.Identity != 0 {
		return false
	}
	for _, f := range o.order {
		if f.kind != columnField && f.link != nil && !f.link.Incoming && f.link.Through == nil && slices.Contains(f.link.FK.Columns, c) {
			return false
		}
	}
	return true
}

func inputDeprecated(f *field) ast.DirectiveList {
	list := deprecated(f.gone)
	for _, d := range list {
		d.Location = ast.LocationInputFieldDefinition
	}
	return list
}
