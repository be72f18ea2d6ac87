package generate

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// filter draws a condition on the rows of t, at most depth levels deep.
func (d *draw) filter(t *catalog.Table, depth int) json.RawMessage {
	if depth > 1 {
		o := &object{}
		switch d.number("shape", 0, 11) {
		case 0, 1:
			o.add("and", list([]json.RawMessage{d.filter(t, depth-1), d.filter(t, depth-1)}))
			return o.json()
		case 2, 3:
			o.add("or", list([]json.RawMessage{d.filter(t, depth-1), d.filter(t, depth-1)}))
			return o.json()
		case 4:
			o.add("not", d.filter(t, depth-1))
			return o.json()
		case 5:
			if links := d.links(t); len(links) > 0 {
				l := pick(d, "relation", links)
				word := &object{}
				word.add(pick(d, "quantifier", []string{"exists", "none", "every"}), d.filter(l.Target(), depth-1))
				o.add(l.FK.Name, word.json())
				return o.json()
			}
		}
	}
	return d.condition(t)
}

// condition draws one operator on one column.
func (d *draw) condition(t *catalog.Table) json.RawMessage {
	c := pick(d, "column", columnsOf(t))
	typ := d.g.schema.Types().Type(c.Type)
	values := d.g.candidates(c)
	ops := slices.DeleteFunc(d.operators(typ), func(op builder.Operator) bool {
		return d.g.takes(op, typ) == nil || (op.Operand == builder.Pair || op.Operand == builder.Same) && len(values) == 0
	})
	o := &object{}
	o.add("field", text(c.Name))
	if len(ops) == 0 {
		o.add("is_null", json.RawMessage("false"))
		return o.json()
	}
	op := pick(d, "operator", ops)
	o.add("operator", text(op.Name))
	o.add("value", d.operand(op, typ, values))
	return o.json()
}

// operators are the rows of the table that take typ.
func (d *draw) operators(typ *codec.Type) []builder.Operator {
	var list []builder.Operator
	for op := range builder.Operators() {
		if !op.Takes(typ) {
			continue
		}
		if _, ok := d.g.schema.Catalog().Extension(op.Extension); op.Extension == "" || ok {
			list = append(list, op)
		}
	}
	return list
}

// candidates are values that c may be compared with or given: those of its rows
// and those at the edges of its type.
func (g *Generator) candidates(c *catalog.Column) []json.RawMessage {
	return slices.Concat(g.values[c], edgesOf(g.schema.Types().Type(c.Type)))
}

// takes says whether operands of op can be drawn for typ, and for an Element which:
// nil is no. The words of a search or a pattern of another language are not made up.
func (g *Generator) takes(op builder.Operator, typ *codec.Type) []json.RawMessage {
	some := []json.RawMessage{}
	switch op.Operand {
	case builder.Flag, builder.Integer, builder.Literal:
		return some
	case builder.Text:
		if op.Family == "text" {
			return some
		}
		return nil
	case builder.Element:
		e := typ.Base().Elem()
		if e != nil && typ.Base().Kind().Has(codec.KindMultirange) {
			e = e.Base().Elem() // a value, not a range
		}
		if e == nil {
			return nil
		}
		return edgesOf(e)
	case builder.Same, builder.List, builder.Pair:
		if len(edgesOf(typ)) > 0 || typ.Base().Kind().Has(codec.KindEnum|codec.KindInet|codec.KindMAC|codec.KindMoney|codec.KindBit|codec.KindLTree) {
			return some
		}
		return nil
	case builder.TextList, builder.Search, builder.Rank, builder.Distance:
	}
	return nil
}

// operand draws the value of op.
func (d *draw) operand(op builder.Operator, typ *codec.Type, values []json.RawMessage) json.RawMessage {
	value := func() json.RawMessage {
		if len(values) == 0 {
			return json.RawMessage("null")
		}
		return pick(d, "value", values)
	}
	switch op.Operand {
	case builder.Flag:
		return json.RawMessage(strconv.FormatBool(d.chance("flag", 0.5)))
	case builder.Integer:
		return number(d.number("integer", 0, 5))
	case builder.List:
		var all []json.RawMessage
		for range d.number("length", 0, 4) {
			if v := value(); string(v) != "null" {
				all = append(all, v)
			}
		}
		return list(all)
	case builder.Pair:
		return list([]json.RawMessage{value(), value()})
	case builder.Element:
		return pick(d, "element", d.g.takes(op, typ))
	case builder.Text, builder.Literal:
		return text(d.pattern(op, values))
	case builder.Same, builder.TextList, builder.Search, builder.Rank, builder.Distance:
	}
	return value()
}

// pattern draws a text to look for: a part of one that is there, or a pattern.
func (d *draw) pattern(op builder.Operator, values []json.RawMessage) string {
	s := "a"
	if len(values) > 0 {
		if json.Unmarshal(pick(d, "value", values), &s) != nil {
			s = "1"
		}
	}
	runes := []rune(s)
	from := d.number("from", 0, len(runes))
	s = string(runes[from:d.number("to", from, min(len(runes), from+6))])
	switch {
	case op.Operand == builder.Literal:
		return s
	case strings.Contains(op.Name, "like"):
		return pick(d, "wildcard", []string{"%", "_", ""}) + strings.ReplaceAll(s, `\`, `\\`) + "%"
	}
	return pick(d, "expression", []string{"^[a-m]", "o+", "[0-9]", "e.?$", "."})
}
