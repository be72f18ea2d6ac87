package server

import (
	"slices"

	"github.com/fraiseql/fraiseql-go/builder"
)

// shared adds the components that all tables use.
func (d *document) shared() {
	name := textual.with("minLength", 1)
	path := someOf(anyOf(textual, typed("integer"))).described("The way into a json value: keys, and positions as numbers.")
	as := enum([]string{
		"text", "numeric", "float", "boolean", "date", "time", "timestamp", "timestamptz", "interval", "uuid", "json",
	}).described("How to read the value at the path.")
	direction := enum([]string{"ASC", "DESC", "asc", "desc"})

	d.define("Count", obj("type", "integer", "minimum", 0))
	d.define("Field", closed(obj("field", name, "as", name, "path", path, "type", as), "field"))
	d.define("Fields", someOf(anyOf(name, ref("Field"))))
	d.define("Relations", obj("type", "object", "additionalProperties", ref("Relation")).described("Relations by their output keys."))
	d.define("Relation", closed(obj(
		"relation", name, "fields", ref("Fields"), "filters", nullable(ref("Filter")), "sort", ref("Sort"), "pagination", ref("Pagination"),
		"distinct", ref("Distinct"), "relations", ref("Relations"),
	)))
	d.define("Sort", listOf(anyOf(
		closed(obj("field", name, "path", path, "type", as, "direction", direction, "nulls", enum([]string{"FIRST", "LAST", "first", "last"})), "field"),
		obj("type", "object", "minProperties", 1, "maxProperties", 1, "additionalProperties", direction),
	)))
	d.define("Pagination", closed(obj("limit", ref("Count"), "offset", ref("Count"))))
	d.define("Cursor", obj("type", "object", "minProperties", 1).described("One value for each sort key."))
	d.define("Distinct", anyOf(typed("boolean"), someOf(name)))
	d.define("Aggregate", closed(obj(
		"fn", name, "field", name, "as", name, "distinct", typed("boolean"), "filters", nullable(ref("Filter")),
	), "fn"))
	d.define("Group", anyOf(name, closed(obj("field", name, "trunc", name, "as", name), "field")))
	d.anyFilter(path, as)
	d.define("Change", obj("type", "object", "minProperties", 1, "maxProperties", 1).with("properties", obj(
		"set", object{}, "increment", object{}, "append", object{}, "prepend", object{}, "remove", object{},
		"set_path", closed(obj("path", path, "value", object{}), "path", "value"), "delete_path", path, "default", obj("const", true),
	), "additionalProperties", false).described("What an update does to a column instead of setting it."))
	d.define("Result", closed(obj("success", typed("boolean"), "message", textual, "affected", typed("integer")), "success", "message", "affected").
		described("The answer to a mutation with return_fields null."))
	d.define("Error", obj("type", "object", "required", []string{"message", "extensions"}, "properties", obj(
		"message", textual,
		"path", listOf(typed("integer")).described("The number of the definition of a transaction that failed."),
		"extensions", obj("type", "object", "required", []string{"code"}, "properties", obj(
			"code", textual, "constraint", textual, "columns", listOf(textual),
			"problems", listOf(closed(obj("path", textual, "message", textual, "allowed", listOf(textual)), "path", "message")),
		)),
	)))
	d.define("Failure", closed(obj("data", typed("null"), "errors", someOf(ref("Error"))), "data", "errors"))
}

// quantifiers are the words of conditions on related rows.
var quantifiers = []string{"exists", "some", "any", "none", "every", "all"}

// anyFilter adds conditions on what no table is known of: relations, aggregates and
// values inside json.
func (d *document) anyFilter(path, as object) {
	var words []string
	var operators object
	for op := range builder.Operators() {
		for _, word := range op.Spellings() {
			if !slices.Contains(words, word) {
				words = append(words, word)
				operators = append(operators, member{word, object{}})
			}
		}
	}
	related := object{}
	for _, q := range quantifiers {
		related = append(related, member{q, anyOf(ref("Filter"), obj("type", "object", "maxProperties", 0))})
	}
	inField := logic(ref("Operators")).with("path", path, "type", as)
	d.define("Operators", closed(append(inField, operators...)).with("minProperties", 1).described("Conditions on one value."))
	d.define("RelationFilter", closed(append(logic(ref("RelationFilter")), related...)).with("minProperties", 1).described("Conditions on related rows."))
	both := anyOf(ref("Operators"), ref("RelationFilter"))
	d.define("FieldFilter", closed(slices.Concat(
		obj("field", textual.with("minLength", 1), "operator", enum(slices.Concat(words, quantifiers)), "value", object{}),
		logic(both).with("path", path, "type", as), operators, related,
	), "field").with("minProperties", 2).described("A condition that names its field."))
	d.define("Filter", anyOf(
		ref("FieldFilter"),
		obj("type", "object", "minProperties", 1, "properties", logic(ref("Filter")), "additionalProperties", both),
	))
}
