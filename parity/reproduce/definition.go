package reproduce

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
)

// fromDefinition is begin for a definition.
func (t *trier) fromDefinition(ctx context.Context, from Source, f *finder, text []byte) (*world, error) {
	def, err := builder.ParseDefinition(text)
	if err != nil {
		return nil, err
	}
	if def.From != nil {
		return nil, fmt.Errorf("the operation calls a function: %w", ErrNotSeen)
	}
	root, err := from.Catalog.Table(def.Table)
	if err != nil {
		return nil, err
	}
	f.writes = def.Kind != builder.Query
	list := around(root, depth(def.Relations))
	return t.begun(f, func() (*world, []func(*world) error, error) {
		for _, table := range list {
			if err := f.relation(strconv.FormatUint(uint64(table.OID), 10)); err != nil {
				return nil, nil, err
			}
		}
		w := f.done()
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&w.definition); err != nil {
			return nil, nil, err
		}
		isTable := w.lead(root)
		expand(w, def, root, isTable)
		if !isTable {
			return w, seeking(ctx, from.DB.Pool(), answer(ctx, from, def, root)), nil
		}
		var fills []func(*world) error
		for _, where := range t.selections(ctx, from, w, def, root) {
			fills = append(fills, func(w *world) error { return w.fill(ctx, from.DB.Pool(), where, nil, 250) })
		}
		return w, fills, nil
	})
}

// lead puts the table of the operation before the others; false where it is none.
func (w *world) lead(root *catalog.Table) bool {
	i := slices.IndexFunc(w.tables, func(t table) bool { return t.schema == root.Schema && t.name == root.Name })
	if i > 0 {
		t := w.tables[i]
		w.tables = slices.Insert(slices.Delete(w.tables, i, i+1), 0, t)
	}
	return i >= 0
}

// depth is how deep relations nest.
func depth(list []builder.Relation) int {
	d := 0
	for i := range list {
		d = max(d, 1+depth(list[i].Relations))
	}
	return d
}

// around are root and the tables that at most n foreign keys are between; one more
// for what a filter over a relation reads.
func around(root *catalog.Table, n int) []*catalog.Table {
	list := []*catalog.Table{root}
	for range n + 1 {
		for _, t := range slices.Clone(list) {
			for _, k := range t.ForeignKeys {
				if k.RefTable != nil && !slices.Contains(list, k.RefTable) {
					list = append(list, k.RefTable)
				}
			}
			for _, k := range t.ReferencedBy {
				if k.Table != nil && !slices.Contains(list, k.Table) {
					list = append(list, k.Table)
				}
			}
		}
	}
	return list
}

// expand spells out the fields of a definition that leaves them to the table, so
// that they can be dropped one by one.
func expand(w *world, def *builder.Definition, root *catalog.Table, isTable bool) {
	m, ok := w.definition.(map[string]any)
	if !ok || def.Fields != nil || len(def.Aggregate) > 0 || def.ReturnNone {
		return
	}
	var names []any
	for _, c := range root.Columns {
		if c.CanSelect && (!isTable || w.tables[0].index(c.Name) >= 0) {
			names = append(names, c.Name)
		}
	}
	if def.Kind == builder.Query {
		m["fields"] = names
	} else {
		m["return_fields"] = names
	}
}

// selections are conditions for the rows of the root table to begin with.
func (t *trier) selections(ctx context.Context, from Source, w *world, def *builder.Definition, root *catalog.Table) []string {
	if def.Kind == builder.Insert {
		return []string{"false", "true"}
	}
	if list := keys(ctx, from, w, def, root); len(list) > 0 {
		return append(list, "true")
	}
	return []string{"true"}
}

const (
	perSelection = 200
	mostKeys     = 4000
)

// keys are conditions for the rows that the operation itself chooses, some hundred a
// condition. None where the table has no key or the operation tells no rows apart.
func keys(ctx context.Context, from Source, w *world, def *builder.Definition, root *catalog.Table) []string {
	if root.PrimaryKey == nil || len(w.tables[0].key) == 0 || len(def.Aggregate) > 0 || def.Distinct != nil {
		return nil
	}
	var list []string
	data := ask(ctx, from, def, root.PrimaryKey.Columns)
	for chunk := range slices.Chunk(data[:min(len(data), mostKeys)], perSelection) {
		var tuples []string
		for _, row := range chunk {
			var cells []string
			for _, name := range w.tables[0].key {
				cells = append(cells, literal(fmt.Sprint(row[name]))+"::"+w.tables[0].columns[w.tables[0].index(name)].typ)
			}
			tuples = append(tuples, "("+strings.Join(cells, ", ")+")")
		}
		list = append(list, fmt.Sprintf("(%s) in (%s)", quoteAll(w.tables[0].key), strings.Join(tuples, ", ")))
	}
	return list
}

// ask is what the columns of the rows are that the operation chooses; nil where that
// can't be told.
func ask(ctx context.Context, from Source, def *builder.Definition, columns []*catalog.Column) []map[string]any {
	of := *def
	of.Kind, of.Fields, of.Relations = builder.Query, nil, nil
	of.Input, of.OnConflict, of.ReturnNone, of.AllRows, of.MaxAffected = nil, nil, false, false, nil
	for _, c := range columns {
		of.Fields = append(of.Fields, builder.Field{Name: c.Name, As: c.Name})
	}
	plan, err := builder.Build(from.Schema, &of)
	if err != nil {
		return nil
	}
	var answer struct {
		Data []map[string]any `json:"data"`
	}
	var b bytes.Buffer
	if err := executor.ExecutePlan(ctx, from.DB, plan, &b); err != nil {
		return nil
	}
	dec := json.NewDecoder(&b)
	dec.UseNumber()
	if dec.Decode(&answer) != nil {
		return nil
	}
	return answer.Data
}

// answer is what an operation on a view finds.
func answer(ctx context.Context, from Source, def *builder.Definition, root *catalog.Table) sought {
	var s sought
	if len(def.Aggregate) > 0 || def.Distinct != nil || def.Kind == builder.Insert {
		return s
	}
	var columns []*catalog.Column
	for _, c := range root.Columns {
		if c.CanSelect {
			columns, s.columns = append(columns, c), append(s.columns, c.Name)
		}
	}
	data := ask(ctx, from, def, columns)
	for _, object := range data[:min(len(data), maxSought)] {
		row := make([]*string, len(columns))
		for i, c := range columns {
			row[i] = scalar(object[c.Name])
		}
		s.rows = append(s.rows, row)
	}
	return s
}

// scalar is the text of a JSON value that is a string, a number or a boolean.
func scalar(v any) *string {
	switch v := v.(type) {
	case string:
		return &v
	case json.Number, bool:
		text := fmt.Sprint(v)
		return &text
	}
	return nil
}
