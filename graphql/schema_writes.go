package graphql

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/codec"
)

// updateFields adds updateUser and updateUsers.
func (m *maker) updateFields(o *object) {
	if o.off("update") || !m.patchType(o) {
		return
	}
	sets := ast.ArgumentDefinitionList{{Name: "input", Type: named(o.name + "Patch"), Description: "Columns to set; null sets NULL."}}
	sets = append(sets, m.updateOperations(o)...)
	for i, k := range o.keys {
		if !o.table.CanSelect {
			break
		}
		name, args, names := o.byKey("update"+o.name, i, k)
		m.addRoot(m.mutation, &ast.FieldDefinition{
			Name: name, Type: named(o.name), Arguments: append(args, prefixed(args, sets)...),
			Description: "Updates one row by its " + strings.Join(names, ", ") + "; null where there is none.",
		}, &root{kind: rootUpdate, object: o, key: k, args: names})
	}
	m.postpone(o, updateGroup)
	m.addRoot(m.mutation, &ast.FieldDefinition{
		Name: "update" + o.plural, Type: named(o.plural + "Update"), Arguments: append(o.manyArguments(), sets...),
	}, &root{kind: rootUpdateMany, object: o})
}

// updateType is what became of an update of many rows.
func (m *maker) updateType(o *object) {
	m.define(&ast.Definition{Kind: ast.Object, Name: o.plural + "Update", Fields: append(ast.FieldList{
		{Name: "success", Type: nonNull("Boolean")},
		{Name: "updatedCount", Type: nonNull("Int"), Description: "How many rows were updated."},
	}, o.records("The rows as they are now.")...)}, o.of("updates of "))
}

// prefixed is sets, without what args name already: a key column called input.
func prefixed(args, sets ast.ArgumentDefinitionList) ast.ArgumentDefinitionList {
	var list ast.ArgumentDefinitionList
	for _, s := range sets {
		if args.ForName(s.Name) == nil {
			list = append(list, s)
		}
	}
	return list
}

func (o *object) records(doc string) ast.FieldList {
	if !o.table.CanSelect {
		return nil
	}
	return ast.FieldList{{Name: "records", Type: nonNullList(o.name), Description: doc}}
}

// manyArguments are what a write of many rows takes to say which.
func (o *object) manyArguments() ast.ArgumentDefinitionList {
	return ast.ArgumentDefinitionList{
		{Name: "filter", Type: named(o.name + "Filter"), Description: "Which rows. Without it, or where it is true for every row, nothing is done unless allRows says so."},
		{Name: "allRows", Type: named("Boolean"), Description: "Every row is meant."},
		{Name: "maxAffected", Type: named("Int"), Description: "More rows than this: an error, and nothing is done."},
	}
}

// patchType is what an update may set; false where that is nothing.
func (m *maker) patchType(o *object) bool {
	d := &ast.Definition{Kind: ast.InputObject, Name: o.name + "Patch", Description: "Columns to set. What is left out stays as it is."}
	for _, f := range o.order {
		if f.kind == columnField && updatable(f.column) {
			d.Fields = append(d.Fields, &ast.FieldDefinition{
				Name: f.name, Description: f.doc, Directives: inputDeprecated(f), Type: m.fieldRef(f, true),
			})
		}
	}
	return len(d.Fields) > 0 && m.define(d, o.of("patch of "))
}

// operations are the arguments of updates that change a value by what it is.
var operations = []struct {
	name, doc string
	kinds     codec.Kind
}{
	{"increment", "Add to numbers.", codec.KindInt | codec.KindFloat | codec.KindNumeric | codec.KindMoney | codec.KindInterval},
	{"append", "Put at the end of an array, or merge into a JSON document.", codec.KindArray | codec.KindJSONB},
	{"prepend", "Put at the start of an array, or under a JSON document.", codec.KindArray | codec.KindJSONB},
	{"remove", "Take out of an array what is equal, or a key out of a JSON document.", codec.KindArray | codec.KindJSONB},
}

// updateOperations are the arguments for those of operations that some column takes.
func (m *maker) updateOperations(o *object) ast.ArgumentDefinitionList {
	m.postpone(o, operationGroup)
	var list ast.ArgumentDefinitionList
	for _, op := range operations {
		if slices.ContainsFunc(o.order, func(f *field) bool { return m.operand(op.name, op.kinds, f) != nil }) {
			list = append(list, &ast.ArgumentDefinition{Name: op.name, Type: named(o.name + pascal(op.name)), Description: op.doc})
		}
	}
	return list
}

// operationTypes are the inputs of updateOperations.
func (m *maker) operationTypes(o *object) {
	for _, op := range operations {
		d := &ast.Definition{Kind: ast.InputObject, Name: o.name + pascal(op.name), Description: op.doc}
		for _, f := range o.order {
			if typ := m.operand(op.name, op.kinds, f); typ != nil {
				d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: typ})
			}
		}
		if len(d.Fields) > 0 {
			m.define(d, o.of(op.name+" of "))
		}
	}
}

// operand is what an operation on a column takes, nil where there is none.
func (m *maker) operand(op string, kinds codec.Kind, f *field) *ast.Type {
	if f.kind != columnField || !updatable(f.column) {
		return nil
	}
	t := m.src.Types().Type(f.column.Type).Base()
	switch {
	case !t.Kind().Has(kinds):
		return nil
	case op == "remove" && t.Kind() == codec.KindJSONB:
		m.json()
		return named("JSON")
	case op == "remove" && f.dims > 1: // array_remove takes one dimension
		return nil
	}
	typ := m.fieldRef(f, true)
	switch {
	case op == "remove":
		return typ.Elem
	case typ.Elem == nil && t.Kind() == codec.KindArray: // of what has no element type
		return nil
	}
	return typ
}

// deleteFields adds deleteUser and deleteUsers.
func (m *maker) deleteFields(o *object) {
	if o.off("delete") {
		return
	}
	m.postpone(o, deleteGroup)
	if o.table.CanSelect {
		for i, k := range o.keys {
			name, args, names := o.byKey("delete"+o.name, i, k)
			m.addRoot(m.mutation, &ast.FieldDefinition{Name: name, Type: named(o.name + "Delete"), Arguments: args},
				&root{kind: rootDelete, object: o, key: k, args: names})
		}
	}
	m.addRoot(m.mutation, &ast.FieldDefinition{
		Name: "delete" + o.plural, Type: named(o.plural + "Delete"), Arguments: o.manyArguments(),
	}, &root{kind: rootDeleteMany, object: o})
}

// deleteTypes are what became of deletes.
func (m *maker) deleteTypes(o *object) {
	from := o.of("deletes of ")
	if o.table.CanSelect {
		m.define(&ast.Definition{Kind: ast.Object, Name: o.name + "Delete", Fields: ast.FieldList{
			{Name: "success", Type: nonNull("Boolean"), Description: "False where no row has the key."},
			{Name: "message", Type: nonNull("String")},
			{Name: "record", Type: named(o.name), Description: "The row as it was."},
		}}, from)
	}
	m.define(&ast.Definition{Kind: ast.Object, Name: o.plural + "Delete", Fields: append(ast.FieldList{
		{Name: "success", Type: nonNull("Boolean")},
		{Name: "deletedCount", Type: nonNull("Int"), Description: "How many rows were deleted."},
	}, o.records("The rows as they were.")...)}, from)
}
