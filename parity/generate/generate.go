package generate

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Options of New. The zero value makes queries only.
type Options struct {
	// Writes is the share of mutations, from 0 to 1.
	Writes float64
	// Limit bounds the rows of a list. Default 50.
	Limit int
	// Depth bounds conditions and relations inside each other. Default 3.
	Depth int
}

// Generator makes definitions over the tables of a Schema. It is immutable and safe
// for concurrent use.
type Generator struct {
	schema *builder.Schema
	values Values
	o      Options
	tables []*catalog.Table
}

// New makes a Generator. values may be nil: then what is compared with is at the
// edges of the types, and conditions seldom find a row.
func New(s *builder.Schema, values Values, o Options) *Generator {
	if o.Limit <= 0 {
		o.Limit = 50
	}
	if o.Depth <= 0 {
		o.Depth = 3
	}
	g := &Generator{schema: s, values: values, o: o}
	for t := range s.Catalog().Tables() {
		if t.CanSelect && t.Extension == "" && t.Kind != catalog.RowType && slices.ContainsFunc(t.Columns, readable) {
			g.tables = append(g.tables, t)
		}
	}
	return g
}

// Tables is how many tables the operations are about.
func (g *Generator) Tables() int { return len(g.tables) }

// Example is the definition of a seed, as JSON. It panics where there are no tables.
func (g *Generator) Example(seed uint64) json.RawMessage {
	return g.Definition().Example(int(seed))
}

// Definition generates definitions, as JSON.
func (g *Generator) Definition() *rapid.Generator[json.RawMessage] {
	return rapid.Custom(func(t *rapid.T) json.RawMessage {
		d := &draw{T: t, g: g}
		table := pick(d, "table", g.tables)
		switch {
		case d.chance("write", g.o.Writes):
			return d.mutation(table)
		case d.chance("aggregate", 0.12):
			return d.aggregate(table)
		}
		return d.query(table)
	})
}

// draw is one definition in the making.
type draw struct {
	*rapid.T
	g *Generator
}

// pick draws one of list.
func pick[V any](d *draw, label string, list []V) V { return rapid.SampledFrom(list).Draw(d.T, label) }

// chance draws true with a probability of p.
func (d *draw) chance(label string, p float64) bool {
	return p > 0 && rapid.IntRange(0, 999).Draw(d.T, label) >= 1000-int(p*1000)
}

func (d *draw) number(label string, low, high int) int {
	return rapid.IntRange(low, high).Draw(d.T, label)
}

// some draws up to n different ones of list, in their order.
func some[V any](d *draw, label string, list []V, low, high int) []V {
	n := d.number(label, min(low, len(list)), min(high, len(list)))
	taken := map[int]bool{}
	var out []V
	for range n {
		i := d.number(label, 0, len(list)-1)
		if !taken[i] {
			taken[i] = true
			out = append(out, list[i])
		}
	}
	return out
}

func readable(c *catalog.Column) bool { return c.CanSelect }

func columnsOf(t *catalog.Table) []*catalog.Column {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(c *catalog.Column) bool { return !c.CanSelect })
}

// object writes a JSON object in the order in which its members are added.
type object struct{ b bytes.Buffer }

func (o *object) add(key string, value []byte) {
	if o.b.Len() == 0 {
		o.b.WriteByte('{')
	} else {
		o.b.WriteByte(',')
	}
	o.b.Write(text(key))
	o.b.WriteByte(':')
	o.b.Write(value)
}

func (o *object) json() json.RawMessage {
	if o.b.Len() == 0 {
		return json.RawMessage("{}")
	}
	return append(o.b.Bytes(), '}')
}

// text is a JSON string.
func text(s string) json.RawMessage {
	b, _ := json.Marshal(s) //nolint:errchkjson // a string always can
	return b
}

func list(values []json.RawMessage) json.RawMessage {
	return append(append([]byte{'['}, bytes.Join(values2(values), []byte{','})...), ']')
}

func values2(values []json.RawMessage) [][]byte {
	out := make([][]byte, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

func number(n int) json.RawMessage { return json.RawMessage(strconv.Itoa(n)) }

// tableName is a table as definitions name it.
func tableName(t *catalog.Table) json.RawMessage { return text(tableText(t)) }

// head begins a definition.
func head(operation string, t *catalog.Table) *object {
	o := &object{}
	o.add("operation", text(operation))
	o.add("table", tableName(t))
	return o
}

// query draws a list.
func (d *draw) query(t *catalog.Table) json.RawMessage {
	o := head("query", t)
	fields := some(d, "fields", columnsOf(t), 1, 8)
	distinct := d.chance("distinct", 0.05) && !slices.ContainsFunc(fields, func(c *catalog.Column) bool { return !d.g.schema.Sortable(c) })
	if distinct || !d.chance("all fields", 0.2) {
		o.add("fields", names(fields))
	}
	if d.chance("filter", 0.8) {
		o.add("filters", d.filter(t, d.g.o.Depth))
	}
	if distinct {
		o.add("distinct", json.RawMessage("true"))
	} else {
		d.sort(o, t)
		d.relations(o, t, d.g.o.Depth)
	}
	d.page(o)
	return o.json()
}

func names(columns []*catalog.Column) json.RawMessage {
	all := make([]json.RawMessage, len(columns))
	for i, c := range columns {
		all[i] = text(c.Name)
	}
	return list(all)
}

// sort draws sort keys, most of the time.
func (d *draw) sort(o *object, t *catalog.Table) {
	sortable := slices.DeleteFunc(columnsOf(t), func(c *catalog.Column) bool { return !d.g.schema.Sortable(c) })
	var keys []json.RawMessage
	for _, c := range some(d, "sort", sortable, 0, 3) {
		k := &object{}
		k.add("field", text(c.Name))
		k.add("direction", text(pick(d, "direction", []string{"ASC", "DESC"})))
		if d.chance("nulls", 0.3) {
			k.add("nulls", text(pick(d, "where nulls are", []string{"FIRST", "LAST"})))
		}
		keys = append(keys, k.json())
	}
	if keys != nil {
		o.add("sort", list(keys))
	}
}

// page always bounds the rows.
func (d *draw) page(o *object) {
	p := &object{}
	p.add("limit", number(d.number("limit", 0, d.g.o.Limit)))
	if d.chance("offset", 0.2) {
		p.add("offset", number(d.number("offset by", 0, 20)))
	}
	o.add("pagination", p.json())
}

// relations draws a relation or two.
func (d *draw) relations(o *object, t *catalog.Table, depth int) {
	links := d.links(t)
	if depth <= 1 || len(links) == 0 || !d.chance("relations", 0.25) {
		return
	}
	nested := &object{}
	for i, l := range some(d, "relation", links, 1, 2) {
		target := l.Target()
		r := &object{}
		r.add("relation", text(l.FK.Name))
		r.add("fields", names(some(d, "fields", columnsOf(target), 1, 4)))
		if d.chance("filter", 0.4) {
			r.add("filters", d.filter(target, depth-2))
		}
		if l.ToMany() {
			d.sort(r, target)
			d.page(r)
		}
		d.relations(r, target, depth-1)
		nested.add(freeName(t, "r"+strconv.Itoa(i)), r.json())
	}
	o.add("relations", nested.json())
}

// links are the relations of t that a definition can name by their constraint, and
// whose key columns JSON definitions take.
func (d *draw) links(t *catalog.Table) []builder.Link {
	return slices.DeleteFunc(d.g.schema.Links(t), func(l builder.Link) bool {
		self := l.FK.Table == l.FK.RefTable
		return l.Through != nil || l.Tree != builder.NoTree || self && l.Incoming || !slices.ContainsFunc(l.Target().Columns, readable)
	})
}

// freeName is name, or what begins so and is no column of t: keys of an answer meet.
func freeName(t *catalog.Table, name string) string {
	for {
		if _, taken := t.Column(name); !taken {
			return name
		}
		name += "x"
	}
}

func free(t *catalog.Table, name string) json.RawMessage { return text(freeName(t, name)) }

// aggregate draws an aggregate, most of the time of groups.
func (d *draw) aggregate(t *catalog.Table) json.RawMessage {
	o := head("query", t)
	groups := some(d, "group by", slices.DeleteFunc(columnsOf(t), func(c *catalog.Column) bool { return !d.g.schema.Sortable(c) }), 0, 2)
	if len(groups) > 0 {
		o.add("group_by", names(groups))
	}
	all := &object{}
	all.add("fn", text("count"))
	all.add("as", free(t, "n"))
	fns := []json.RawMessage{all.json()}
	for i, c := range some(d, "aggregated", columnsOf(t), 0, 3) {
		typ := d.g.schema.Types().Type(c.Type)
		of := []string{"count"}
		if d.g.schema.Extreme(c) {
			of = append(of, "min", "max")
		}
		if typ.Base().Kind().Has(codec.KindInt | codec.KindNumeric) { // sums of floats depend on the order of the rows
			of = append(of, "sum", "avg")
		}
		f := &object{}
		f.add("fn", text(pick(d, "function", of)))
		f.add("field", text(c.Name))
		f.add("as", free(t, "a"+strconv.Itoa(i)))
		fns = append(fns, f.json())
	}
	o.add("aggregate", list(fns))
	if d.chance("filter", 0.6) {
		o.add("filters", d.filter(t, d.g.o.Depth-1))
	}
	d.page(o)
	return o.json()
}
