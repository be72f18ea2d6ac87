package server

import (
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// table adds the components of one table: its rows, its conditions, what it takes
// in, and a definition for each thing that may be done to it.
func (d *document) table(t *catalog.Table) {
	name := func(part string) string { return d.component(t.Schema, t.Name, part) }
	spelled := enum(d.spellings(t))
	var readable, writable, changeable []*catalog.Column
	for _, c := range t.Columns {
		if c.CanSelect {
			readable = append(readable, c)
		}
		if c.ReadOnly || c.Identity == 'a' {
			continue
		}
		if c.CanInsert {
			writable = append(writable, c)
		}
		if c.CanUpdate {
			changeable = append(changeable, c)
		}
	}
	selects := len(readable) > 0
	filters, fields := ref("Filter"), ref("Fields")
	if selects {
		row, filter, field := name("row"), name("filter"), name("field")
		d.row(row, t, readable)
		filters, fields = d.filter(filter, field, readable), someOf(anyOf(ref(field), ref("Field")))
		d.define(field, enum(columnSpellings(readable)))
		d.rows = append(d.rows, ref(row))
		d.definition(name("query"), t, "Read rows of "+t.String()+".", closed(obj(
			"operation", obj("const", "query"), "table", spelled,
			"fields", fields.described("Left out: every column that the role may read."),
			"relations", ref("Relations"), "filters", nullable(filters), "sort", ref("Sort"), "pagination", ref("Pagination"),
			"after", ref("Cursor"), "before", ref("Cursor"), "distinct", ref("Distinct"),
			"aggregate", someOf(ref("Aggregate")), "group_by", someOf(ref("Group")), "having", ref("Filter"),
		), "operation", "table"))
	}
	returned := obj("return_fields", nullable(fields), "relations", ref("Relations"), "max_affected", ref("Count"))
	if t.Insertable && t.CanInsert && len(writable) > 0 {
		input := name("input")
		d.define(input, d.input(t, writable))
		d.definition(name("insert"), t, "Insert into "+t.String()+".", closed(append(obj(
			"operation", obj("const", "mutation"), "type", obj("const", "insert"), "table", spelled,
			"input", anyOf(ref(input), someOf(ref(input))), "on_conflict", d.onConflict(t, filters), "filters", typed("null"),
		), returned...), "type", "table", "input"))
	}
	which := append(obj("filters", nullable(filters), "all_rows", typed("boolean")), returned...)
	if t.Updatable && t.CanUpdate && len(changeable) > 0 {
		changes := name("changes")
		d.define(changes, d.changes(changeable))
		d.definition(name("update"), t, "Update rows of "+t.String()+".", closed(append(obj(
			"operation", obj("const", "mutation"), "type", obj("const", "update"), "table", spelled, "input", ref(changes),
		), which...), "type", "table", "input"))
	}
	if t.Deletable && t.CanDelete {
		d.definition(name("delete"), t, "Delete rows of "+t.String()+".", closed(append(obj(
			"operation", obj("const", "mutation"), "type", obj("const", "delete"), "table", spelled,
		), which...), "type", "table"))
	}
}

// definition adds one kind of definition.
func (d *document) definition(name string, t *catalog.Table, what string, schema object) {
	if t.Comment != "" {
		what += " " + t.Comment
	}
	d.define(name, schema.described(what))
	d.definitions = append(d.definitions, ref(name))
}

// spellings are the names of t as a definition may have them: with its schema,
// and without where that finds it.
func (d *document) spellings(t *catalog.Table) []string {
	list := []string{quotedPart(t.Schema) + "." + quotedPart(t.Name)}
	if found, err := d.sch.Catalog().Table(quotedPart(t.Name)); err == nil && found == t {
		list = append([]string{quotedPart(t.Name)}, list...)
	}
	return list
}

// quotedPart is part of a table's name; only a dot or a quote needs quotes.
func quotedPart(s string) string {
	if !strings.ContainsAny(s, `."`) {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// columnSpellings are the names of columns, each as in the database and in camelCase.
func columnSpellings(columns []*catalog.Column) []string {
	var names []string
	for _, c := range columns {
		for _, n := range []string{c.Name, c.JSONName} {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

// each makes properties of columns in both spellings.
func each(columns []*catalog.Column, schema func(*catalog.Column) object) object {
	var o object
	for _, c := range columns {
		s := schema(c)
		o = append(o, member{c.Name, s})
		if c.JSONName != c.Name {
			o = append(o, member{c.JSONName, s})
		}
	}
	return o
}

// row is a row as it is answered. What was not asked for is not there; relations
// and renamed fields are beside the columns.
func (d *document) row(name string, t *catalog.Table, columns []*catalog.Column) {
	var properties object
	for _, c := range columns {
		s := d.out(d.sch.Types().Type(c.Type))
		if !c.NotNull {
			s = nullable(s)
		}
		properties = append(properties, member{c.JSONName, s.described(c.Comment)})
	}
	d.define(name, obj("type", "object", "properties", properties).described(t.Comment))
}

// filter is a condition on rows. What is no column is a relation.
func (d *document) filter(name, field string, columns []*catalog.Column) object {
	properties := each(columns, func(c *catalog.Column) object { return d.conditions(d.sch.Types().Type(c.Type)) })
	d.define(name, anyOf(
		obj("type", "object", "minProperties", 1, "properties", append(properties, logic(ref(name))...), "additionalProperties", ref("RelationFilter")),
		obj("allOf", []any{ref("FieldFilter"), obj("properties", obj("field", anyOf(ref(field), textual.described("a relation"))))}),
	))
	return ref(name)
}

// input is a row to be inserted.
func (d *document) input(t *catalog.Table, columns []*catalog.Column) object {
	o := closed(each(columns, func(c *catalog.Column) object { return d.value(c) }))
	if t.Kind != catalog.OrdinaryTable || t.Triggers.Before&catalog.OnInsert != 0 {
		return o // something else may fill in what is missing
	}
	var required []string
	var either []any
	for _, c := range columns {
		switch {
		case !c.NotNull || c.HasDefault:
		case c.Name == c.JSONName:
			required = append(required, c.Name)
		default:
			either = append(either, anyOf(obj("required", []string{c.Name}), obj("required", []string{c.JSONName})))
		}
	}
	if len(required) > 0 {
		o = o.with("required", required)
	}
	if len(either) > 0 {
		o = o.with("allOf", either)
	}
	return o
}

// value is what a column takes.
func (d *document) value(c *catalog.Column) object {
	s := d.in(d.sch.Types().Type(c.Type))
	if !c.NotNull {
		s = nullable(s)
	}
	return s.described(c.Comment)
}

// changes are the columns of an update with their new values, or what is to be
// done to them.
func (d *document) changes(columns []*catalog.Column) object {
	return closed(each(columns, func(c *catalog.Column) object {
		s := d.value(c)
		if len(s) == 0 || s[0].key == "description" {
			return s // any JSON, an operation too
		}
		return anyOf(s, ref("Change"))
	})).with("minProperties", 1)
}

// onConflict is what an insert does where a key is there already.
func (d *document) onConflict(t *catalog.Table, filters object) object {
	columns := someOf(textual)
	properties := obj("columns", columns, "do", enum([]string{"nothing", "update"}), "update", columns, "filters", nullable(filters))
	var names []string
	for _, k := range slices.Concat([]*catalog.Key{t.PrimaryKey}, t.Unique) {
		if k != nil && k.Constraint {
			names = append(names, k.Name)
		}
	}
	if len(names) > 0 {
		properties = properties.with("constraint", enum(names))
	}
	return closed(properties, "do")
}
