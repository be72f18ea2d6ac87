package generate

import (
	"encoding/json"
	"slices"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// mutation draws an insert, update or delete; a query where the role may not write.
func (d *draw) mutation(t *catalog.Table) json.RawMessage {
	var kinds []string
	if t.Insertable && t.CanInsert {
		kinds = append(kinds, "insert")
	}
	if t.Updatable && t.CanUpdate && len(d.settable(t)) > 0 {
		kinds = append(kinds, "update", "update")
	}
	if t.Deletable && t.CanDelete {
		kinds = append(kinds, "delete")
	}
	if len(kinds) == 0 || t.PrimaryKey == nil && t.Kind != catalog.View {
		return d.query(t)
	}
	kind := pick(d, "kind", kinds)
	o := &object{}
	o.add("operation", text("mutation"))
	o.add("type", text(kind))
	o.add("table", tableName(t))
	if kind != "delete" {
		input := d.row(t, kind == "insert")
		if string(input) == "{}" && kind == "update" {
			return d.query(t)
		}
		o.add("input", input)
	}
	if kind != "insert" {
		o.add("filters", d.filter(t, d.g.o.Depth-1))
	}
	if d.chance("nothing", 0.2) {
		o.add("return_fields", json.RawMessage("null"))
	} else {
		o.add("return_fields", names(some(d, "fields", columnsOf(t), 1, 6)))
	}
	if d.everyRow(o) {
		return d.query(t)
	}
	return o.json()
}

// everyRow says that the filter of a mutation holds for every row whatever it says, so
// that it is refused unless it asks for all rows: which one made up must never do.
func (d *draw) everyRow(o *object) bool {
	all := &object{}
	all.b.Write(o.b.Bytes())
	all.add("all_rows", json.RawMessage("true"))
	return !d.accepted(o.json()) && d.accepted(all.json())
}

// accepted says that SQL can be made of a definition.
func (d *draw) accepted(definition []byte) bool {
	request, err := d.g.schema.Parse(definition)
	if err != nil || len(request.Definitions) != 1 {
		return false
	}
	_, err = builder.Build(d.g.schema, &request.Definitions[0])
	return err == nil
}

// settable are the columns that may be given a value.
func (d *draw) settable(t *catalog.Table) []*catalog.Column {
	return slices.DeleteFunc(columnsOf(t), func(c *catalog.Column) bool {
		return c.Generated != 0 || c.Identity == 'a' || c.ReadOnly || !c.CanInsert || !c.CanUpdate
	})
}

// row draws values for some columns; with all for each that needs one.
func (d *draw) row(t *catalog.Table, all bool) json.RawMessage {
	o := &object{}
	for _, c := range d.settable(t) {
		needed := all && c.NotNull && !c.HasDefault && c.Identity == 0
		values := d.g.candidates(c)
		switch {
		case !needed && !d.chance("column "+c.Name, 0.3):
		case !c.NotNull && d.chance("null", 0.2):
			o.add(c.Name, json.RawMessage("null"))
		case len(values) > 0:
			o.add(c.Name, inSet(pick(d, "value", values), all))
		}
	}
	return o.json()
}

// inSet keeps a document from being taken for an operation of an update.
func inSet(v json.RawMessage, insert bool) json.RawMessage {
	if insert || len(v) == 0 || v[0] != '{' {
		return v
	}
	o := &object{}
	o.add("set", v)
	return o.json()
}
