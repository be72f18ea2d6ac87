package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
)

// upserts says whether an insert of o can be told what to do where a unique key
// is taken. Keys that only the configuration knows are none to PostgreSQL.
func (o *object) upserts() bool {
	t := o.table
	return t.CanUpdate && t.Updatable && t.CanSelect && (t.PrimaryKey != nil || len(t.Unique) > 0)
}

// upsertType is what became of an upsert.
func (m *maker) upsertType(o *object) {
	m.define(&ast.Definition{Kind: ast.Object, Name: o.name + "Upsert", Description: "What became of a row.", Fields: ast.FieldList{
		{Name: "record", Type: nonNull(o.name), Description: "The row as it is now."},
		{Name: "inserted", Type: nonNull("Boolean"), Description: "True where the row is new, false where one was updated."},
	}}, o.of("upsert of "))
}

// upsertFields adds upsertUser and upsertUsers.
func (m *maker) upsertFields(o *object) {
	m.postpone(o, upsertGroup)
	conflict := &ast.ArgumentDefinition{Name: "onConflict", Type: nonNull(o.name + "Conflict"), Description: "Which key may be taken, and what to do then."}
	m.addRoot(m.mutation, &ast.FieldDefinition{
		Name: "upsert" + o.name, Type: named(o.name + "Upsert"),
		Arguments:   ast.ArgumentDefinitionList{{Name: "input", Type: nonNull(o.name + "Input")}, conflict},
		Description: "Inserts a row or updates the one that has its key; null where that was left as it is.",
	}, &root{kind: rootUpsert, object: o})
	m.addRoot(m.mutation, &ast.FieldDefinition{
		Name: "upsert" + o.plural, Type: listOf(o.name + "Upsert"),
		Arguments:   ast.ArgumentDefinitionList{{Name: "inputs", Type: nonNullList(o.name + "Input")}, conflict},
		Description: "Inserts or updates each row, in one statement, in the order of inputs. Rows that were left as they are do not come back.",
	}, &root{kind: rootUpsertMany, object: o})
}

// upserted is what is selected of the outcome of an upsert.
func (c *compiler) upserted(o *object, sel selected) []builder.Field {
	list := c.collect(sel.sets...)
	fields := make([]builder.Field, 0, len(list))
	for _, s := range list {
		at := builder.Path{sel.key, s.key}
		f := builder.Field{As: s.key, Place: at}
		switch s.field.Name {
		case "__typename":
			f.Literal = appendQuoted(nil, o.name+"Upsert")
		case "inserted":
			f.System = builder.Inserted
		default:
			f.Object = c.fields(o, at, s.sets)
		}
		fields = append(fields, f)
	}
	return fields
}
