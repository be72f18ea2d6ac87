package graphql

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// verbs are what can be done to the rows of a relation inside a create or an
// update, in the order of their fields.
type verbs uint8

const (
	verbCreate verbs = 1 << iota
	verbConnect
	verbDisconnect
	verbUpdate
	verbDelete
)

var verbNames = []string{"create", "connect", "disconnect", "update", "delete"}

// nestedFields adds the relations of o to the inputs of its rows, each with the
// verbs that the database and the role allow. The row that comes back is found by
// its primary key, so a table without one has none.
func (m *maker) nestedFields(o *object) {
	if len(o.keys) == 0 || !o.keys[0].Primary || !legible(o.keys[0]) {
		return
	}
	for _, f := range o.order {
		if f.kind == columnField || f.link == nil || f.link.Tree != builder.NoTree {
			continue
		}
		for _, on := range []struct {
			input  string
			update bool
			doc    string
		}{
			{o.name + "Input", false, "Rows to make, or to take, together with this one; not with onConflict."},
			{o.name + "Patch", true, "What to do to the related rows, in an update of one row."},
		} {
			into := m.types[on.input]
			v := m.verbs(f, on.update)
			if into == nil || v == 0 {
				continue
			}
			into.Fields = append(into.Fields, &ast.FieldDefinition{
				Name: f.name, Description: on.doc, Directives: inputDeprecated(f), Type: named(m.nestedType(f, v, on.update)),
			})
		}
	}
}

// verbs are those of a relation: what needs a privilege that the role has not, or
// what the configuration leaves out, is not there.
func (m *maker) verbs(f *field, update bool) verbs {
	l, target := f.link, f.target
	t := target.table
	keyed := slices.ContainsFunc(target.keys, legible)
	found := keyed || f.kind == oneField
	settable := insertable
	if update {
		settable = updatable
	}
	creates := m.types[target.name+"Input"] != nil && !target.off("create")
	patches := m.types[target.name+"Patch"] != nil && t.CanSelect
	deletes := t.Deletable && t.CanDelete && !target.off("delete") && t.CanSelect
	var v verbs
	allow := func(verb verbs, may bool) {
		if may {
			v |= verb
		}
	}
	switch {
	case l.Through != nil:
		join := m.joins(l)
		allow(verbCreate, creates && join&verbCreate != 0)
		allow(verbConnect, keyed && join&verbCreate != 0)
		allow(verbDisconnect, keyed && join&verbDelete != 0)
		allow(verbUpdate, keyed && patches)
		allow(verbDelete, keyed && deletes && join&verbDelete != 0)
	case l.Incoming:
		moves := patches && all(l.FK.Columns, updatable)
		allow(verbCreate, creates && all(l.FK.Columns, insertable))
		allow(verbConnect, keyed && moves)
		allow(verbDisconnect, found && patches && clearable(l.FK))
		allow(verbUpdate, found && patches)
		allow(verbDelete, found && deletes)
	default:
		sets := all(l.FK.Columns, settable)
		allow(verbCreate, creates && sets)
		allow(verbConnect, keyed && sets)
		allow(verbDisconnect, clearable(l.FK))
		allow(verbUpdate, patches)
		allow(verbDelete, deletes && clearable(l.FK))
	}
	if !update {
		v &= verbCreate | verbConnect
	}
	return v
}

// joins says whether rows of a join table can be made of its keys alone, and
// deleted.
func (m *maker) joins(l *builder.Link) (v verbs) {
	t := l.FK.Table
	join := m.schema.byTable[t]
	if join == nil {
		return 0
	}
	keys := slices.Concat(l.FK.Columns, l.Through.Columns)
	makes := t.Insertable && t.CanInsert && !join.off("create") && all(keys, insertable)
	for _, c := range t.Columns {
		if !slices.Contains(keys, c) && c.NotNull && !c.HasDefault && c.Identity == 0 && c.Generated == 0 && t.Triggers.Before&catalog.OnInsert == 0 {
			makes = false
		}
	}
	if makes {
		v |= verbCreate
	}
	if t.Deletable && t.CanDelete && !join.off("delete") {
		v |= verbDelete
	}
	return v
}

func all(columns []*catalog.Column, may func(*catalog.Column) bool) bool {
	return !slices.ContainsFunc(columns, func(c *catalog.Column) bool { return !may(c) })
}

// legible says whether rows can be told apart by k: a key may be of columns that
// the role may only write.
func legible(k *catalog.Key) bool {
	return all(k.Columns, func(c *catalog.Column) bool { return c.CanSelect })
}

// clearable says whether a reference can be taken away.
func clearable(fk *catalog.ForeignKey) bool { return !fk.NotNull && all(nullable(fk), updatable) }

// nullable are the columns of fk that take NULL: one of them that is NULL is
// enough for no reference.
func nullable(fk *catalog.ForeignKey) []*catalog.Column {
	return slices.DeleteFunc(slices.Clone(fk.Columns), func(c *catalog.Column) bool { return c.NotNull })
}

// nestedKind is what the inputs of relations to one table differ in.
type nestedKind struct {
	verbs        verbs
	update, many bool
}

// ending is what its name has behind that of the table: CreateMany, and
// UpdateManyWithoutDisconnect where a verb is missing.
func (k nestedKind) ending() string {
	most, name := verbCreate|verbConnect, "Create"
	if k.update {
		most, name = most|verbDisconnect|verbUpdate|verbDelete, "Update"
	}
	if k.many {
		name += "Many"
	} else {
		name += "One"
	}
	var missing []string
	for i, verb := range verbNames {
		if most&^k.verbs&(1<<i) != 0 {
			missing = append(missing, pascal(verb))
		}
	}
	if len(missing) > 0 {
		name += "Without" + strings.Join(missing, "Or")
	}
	return name
}

// nestedType is the name of the input of a relation to f's target with the verbs
// v. One type serves every relation that has the same.
func (m *maker) nestedType(f *field, v verbs, update bool) string {
	t, kind := f.target, nestedKind{v, update, f.kind == manyField}
	if !slices.Contains(t.nested, kind) {
		t.nested = append(t.nested, kind)
	}
	return t.name + kind.ending()
}

// nestedTypes are the inputs of the relations to t, with what they consist of.
func (m *maker) nestedTypes(t *object) {
	for _, kind := range t.nested {
		d := &ast.Definition{Kind: ast.InputObject, Name: t.name + kind.ending(), Description: "Rows of " + t.table.Name + " that belong to the row around."}
		key := func() string { return m.keyType(t) }
		for i, verb := range verbNames {
			if kind.verbs&(1<<i) != 0 {
				d.Fields = append(d.Fields, m.verbField(t, verb, kind.many, key))
			}
		}
		m.define(d, t.of("writes of related "))
	}
}

// verbField is one field of a nestedType.
func (m *maker) verbField(t *object, verb string, many bool, key func() string) *ast.FieldDefinition {
	f := &ast.FieldDefinition{Name: verb}
	wrap := named
	if many {
		wrap = listOf
	}
	switch verb {
	case "create":
		f.Type, f.Description = wrap(t.name+"Input"), "Insert; the columns that refer to the row around are filled."
	case "connect":
		f.Type, f.Description = wrap(key()), "Take what is there; an error where it is not."
	case "disconnect":
		f.Type, f.Description = named("Boolean"), "Leave the row, without the reference."
		if many {
			f.Type, f.Description = listOf(key()), "Leave the rows, without the reference; an error where one belongs elsewhere."
		}
	case "delete":
		f.Type, f.Description = named("Boolean"), "Delete the row; an error where there is none."
		if many {
			f.Type, f.Description = listOf(key()), "Delete; an error where a row belongs elsewhere."
		}
	default:
		f.Type, f.Description = named(t.name+"Patch"), "Change the row; an error where there is none."
		if many {
			f.Type, f.Description = listOf(m.patchByKey(t, key())), "Change; an error where a row belongs elsewhere."
		}
	}
	return f
}

func (m *maker) patchByKey(t *object, key string) string {
	name := t.name + "PatchByKey"
	if m.once(name, t) {
		m.define(&ast.Definition{Kind: ast.InputObject, Name: name, Description: "A row and what to change of it.", Fields: ast.FieldList{
			{Name: "key", Type: nonNull(key)}, {Name: "input", Type: nonNull(t.name + "Patch")},
		}}, t.of("writes of related "))
	}
	return name
}

// keyType is the name of the input that says which row is meant, by any of its
// keys: {id: 1}, or {postIdAndTagId: {postId: 1, tagId: 2}}.
func (m *maker) keyType(t *object) string {
	name := t.name + "ByKey"
	if !m.once(name, t) {
		return name
	}
	from := t.of("keys of ")
	d := &ast.Definition{Kind: ast.InputObject, Name: name, Description: "Which row, by one of its keys.", Directives: ast.DirectiveList{
		{Name: "oneOf", Position: nowhere, Location: ast.LocationInputObject},
	}}
	for field, k := range t.keyFields {
		if len(k.Columns) == 1 {
			f := t.column(k.Columns[0])
			d.Fields = append(d.Fields, &ast.FieldDefinition{Name: field, Type: f.typ, Description: f.doc})
			continue
		}
		inner := &ast.Definition{Kind: ast.InputObject, Name: t.name + "By" + t.keyWord(k)}
		for _, c := range k.Columns {
			f := t.column(c)
			inner.Fields = append(inner.Fields, &ast.FieldDefinition{Name: f.name, Type: required(f.typ), Description: f.doc})
		}
		if m.define(inner, from) && !m.demanded {
			m.schema.keyTypes[inner.Name] = t
		}
		d.Fields = append(d.Fields, &ast.FieldDefinition{Name: field, Type: named(inner.Name)})
	}
	m.define(d, from)
	return name
}

// keyOf is the key of o by its field in keyType, or nil.
func (o *object) keyOf(name string) *catalog.Key {
	for field, k := range o.keyFields {
		if field == name {
			return k
		}
	}
	return nil
}

// keyFields are the keys of o by their fields in keyType.
func (o *object) keyFields(yield func(field string, k *catalog.Key) bool) {
	seen := map[string]bool{}
	for _, k := range o.keys {
		field := o.keyField(k)
		if seen[field] || !legible(k) {
			continue
		}
		if seen[field] = true; !yield(field, k) {
			return
		}
	}
}

// keyField is the name of a key in keyType.
func (o *object) keyField(k *catalog.Key) string {
	if len(k.Columns) == 1 {
		return o.column(k.Columns[0]).name
	}
	return lowerFirst(o.keyWord(k))
}
