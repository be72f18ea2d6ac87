package server

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Values of types as JSON Schema. What goes in may be said in more ways than it
// comes out. "format" is a note for people and generators; it asserts nothing, so
// infinity may stand in a date.

const (
	wholePattern   = `^-?[0-9]+$`
	decimalPattern = `^(-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity)$`
	moneyPattern   = `^[-+$0-9.,()]+$`
	byteaPattern   = `^\\x([0-9a-fA-F]{2})*$`
)

var textual = typed("string")

// notNumbers are the values of floats and numerics that JSON has no number for.
var notNumbers = enum([]string{"NaN", "Infinity", "-Infinity"})

// whole is an integer type with its bounds.
func whole(bits int) object {
	if bits == 64 {
		return obj("type", "integer", "format", "int64")
	}
	limit := int64(1) << (bits - 1)
	return obj("type", "integer", "minimum", -limit, "maximum", limit-1)
}

// in is a value as an argument of t.
func (d *document) in(t *codec.Type) object {
	t = t.Base()
	switch t.Kind() {
	case codec.KindBool:
		return typed("boolean")
	case codec.KindInt:
		switch t.Name() {
		case "int2":
			return whole(16)
		case "int4":
			return whole(32)
		}
		return anyOf(whole(64), textual.with("pattern", wholePattern))
	case codec.KindFloat:
		return anyOf(typed("number"), notNumbers)
	case codec.KindNumeric:
		return anyOf(typed("number"), textual.with("pattern", decimalPattern))
	case codec.KindMoney:
		return anyOf(typed("number"), textual.with("pattern", moneyPattern))
	case codec.KindBytes:
		return textual.with("pattern", byteaPattern)
	case codec.KindJSON, codec.KindJSONB, codec.KindVector, codec.KindOther:
		return object{}
	case codec.KindEnum:
		return d.named(t)
	case codec.KindArray:
		return d.array(t, d.in)
	case codec.KindRange:
		bound := nullable(d.in(t.Elem()))
		return anyOf(textual, closed(obj("lower", bound, "upper", bound, "bounds", enum([]string{"[]", "[)", "(]", "()"}))),
			closed(obj("empty", typed("boolean"))))
	case codec.KindMultirange:
		return anyOf(textual, listOf(object{}))
	case codec.KindComposite:
		return typed("object")
	case codec.KindHStore:
		return obj("type", "object", "additionalProperties", obj("type", []string{"string", "null"}))
	case codec.KindOID:
		return anyOf(obj("type", "integer", "minimum", 0), textual)
	default:
		return formatted(t)
	}
}

// out is a value of t in an answer.
func (d *document) out(t *codec.Type) object {
	base := t.Base()
	switch base.Kind() {
	case codec.KindBool:
		return typed("boolean")
	case codec.KindInt:
		if quotesNumbers(base) {
			return textual.with("pattern", wholePattern)
		}
		bits, _ := strconv.Atoi(strings.TrimPrefix(base.Name(), "int")) // int2, int4 or int8
		return whole(8 * bits)
	case codec.KindFloat:
		return anyOf(typed("number"), notNumbers)
	case codec.KindNumeric:
		if quotesNumbers(base) {
			return textual.with("pattern", decimalPattern)
		}
		return anyOf(typed("number"), notNumbers)
	case codec.KindBytes:
		return textual.with("pattern", byteaPattern)
	case codec.KindJSON, codec.KindJSONB, codec.KindOther:
		return object{}
	case codec.KindEnum:
		return d.named(base)
	case codec.KindArray:
		return d.array(base, d.out)
	case codec.KindComposite:
		return d.named(base)
	case codec.KindHStore:
		return obj("type", "object", "additionalProperties", obj("type", []string{"string", "null"}))
	default:
		return formatted(base)
	}
}

// formatted is a string with a note on what stands in it.
func formatted(t *codec.Type) object {
	formats := map[string]string{"date": "date", "timestamptz": "date-time", "uuid": "uuid"}
	if f, ok := formats[t.Name()]; ok {
		return textual.with("format", f)
	}
	return textual
}

// quotesNumbers says that numbers of t are answered as strings, as the schema's
// options may want for JavaScript.
func quotesNumbers(t *codec.Type) bool {
	text, err := t.AppendJSON(nil, []byte("1"), codec.Text)
	return err == nil && string(text) == `"1"`
}

// array is a list of elements or of lists of them: PostgreSQL's types do not say
// how many dimensions a value has.
func (d *document) array(t *codec.Type, element func(*codec.Type) object) object {
	if t.Elem() == nil { // int2vector, oidvector
		return listOf(object{})
	}
	e := element(t.Elem())
	if len(e) == 0 {
		return listOf(object{})
	}
	return listOf(anyOf(nullable(e), typed("array")))
}

// named is an enum or a composite type: a component of its own.
func (d *document) named(t *codec.Type) object {
	if name, ok := d.types[t.OID()]; ok {
		return ref(name)
	}
	name := d.component("type", t.Schema(), t.Name())
	d.types[t.OID()] = name
	if t.Kind() == codec.KindEnum {
		d.define(name, enum(t.Labels()))
		return ref(name)
	}
	at := d.define(name, object{}) // a row type may hold a list of itself
	fields := object{}
	if c, ok := d.sch.Catalog().Type(t.OID()); ok {
		for _, f := range c.Fields {
			fields = append(fields, member{f.Name, nullable(d.out(d.sch.Types().Type(f.Type)))})
		}
	}
	d.schemas[at].value = obj("type", "object", "properties", fields)
	return ref(name)
}

// conditions are the operators of a column of type t: a component of its own.
func (d *document) conditions(t *codec.Type) object {
	t = t.Base()
	if name, ok := d.filters[t.OID()]; ok {
		return ref(name)
	}
	var operators object
	for op := range builder.Operators() {
		if !op.Takes(t) || op.Extension != "" && !d.installed(op.Extension) {
			continue
		}
		operand := d.operand(&op, t)
		for i, word := range op.Spellings() {
			if i == 0 {
				operators = append(operators, member{word, operand.described(op.Doc)})
			} else {
				operators = append(operators, member{word, operand})
			}
		}
	}
	operators = append(operators, d.attributes(t)...)
	// text and varchar are the same to a filter; a component is enough for both.
	signature := fmt.Sprint(t.Kind(), operators)
	name, ok := d.alike[signature]
	if !ok {
		schema := t.Schema()
		if schema == "pg_catalog" {
			schema = ""
		}
		name = d.component("filter", schema, t.Name())
		d.alike[signature] = name
		schemaOf := closed(append(logic(ref(name)), operators...)).with("minProperties", 1)
		switch {
		case t.Kind().Has(codec.KindJSON | codec.KindJSONB):
			schemaOf = anyOf(schemaOf, ref("Operators"))
		case t.Kind() == codec.KindComposite: // what the path leads to takes any of them
			schemaOf = anyOf(schemaOf, obj("allOf", []any{ref("Operators"), obj("required", []string{"path"})}))
		}
		d.define(name, schemaOf)
	}
	d.filters[t.OID()] = name
	return ref(name)
}

// attributes are the conditions on the attributes of a composite type. One that is
// called as a word of conditions is named by path.
func (d *document) attributes(t *codec.Type) object {
	c, ok := d.sch.Catalog().Type(t.OID())
	if !ok || c.Kind != 'c' {
		return nil
	}
	taken := map[string]bool{"and": true, "or": true, "not": true}
	for op := range builder.Operators() {
		for _, word := range op.Spellings() {
			taken[word] = true
		}
	}
	for _, q := range quantifiers {
		taken[q] = true
	}
	var list object
	for _, f := range c.Fields {
		if !taken[f.Name] {
			list = append(list, member{f.Name, d.conditions(d.sch.Types().Type(f.Type))})
		}
	}
	return list
}

func (d *document) installed(extension string) bool {
	_, ok := d.sch.Catalog().Extension(extension)
	return ok
}

// logic are the words that join conditions of one kind.
func logic(sub object) object { return obj("and", listOf(sub), "or", listOf(sub), "not", sub) }

// nullOperators take null: it finds NULL, or what is not.
var nullOperators = map[string]bool{"eq": true, "neq": true, "is_distinct_from": true, "is_not_distinct_from": true}

// operand is the value of op on a field of type t.
func (d *document) operand(op *builder.Operator, t *codec.Type) object {
	value := d.in(t)
	switch op.Operand {
	case builder.Same:
		if nullOperators[op.Name] {
			return nullable(value)
		}
		return value
	case builder.Flag:
		return typed("boolean")
	case builder.List:
		return listOf(value)
	case builder.Pair:
		return listOf(value).with("minItems", 2, "maxItems", 2)
	case builder.Text, builder.Literal:
		return textual
	case builder.TextList:
		return listOf(textual)
	case builder.Integer:
		return typed("integer")
	case builder.Search:
		return d.once("Search", anyOf(textual, closed(obj("query", textual, "config", textual), "query")))
	case builder.Rank:
		return d.once("Rank", closed(obj("query", textual, "threshold", typed("number"), "config", textual), "query", "threshold"))
	case builder.Distance:
		return d.once("Distance", closed(obj(
			"to", object{}, "threshold", typed("number"), "comparison", enum([]string{"lt", "lte", "gt", "gte"}),
		), "to", "threshold"))
	default: // Element
		return object{}
	}
}
