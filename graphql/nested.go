package graphql

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
)

// A nested write runs in one transaction. What a row refers to is written first,
// then the row, then what refers to it; the rows of one relation that stand at one
// level go in one statement, whichever rows around they belong to. Every statement
// gives back the keys that the next ones need, so that defaults and triggers have
// their say. At the end the selection is read by the primary key.

// run writes w inside a transaction and appends the data of the selection.
func (w *nestedWrite) run(ctx context.Context, a *executor.Answer, r executor.Runner) error {
	aside := executor.NewAnswer(io.Discard) // keys are no rows of the answer
	defer aside.Free()
	defer aside.Hold()()
	n := &nestedRun{schema: w.schema, rows: func(p *builder.Plan) ([]map[string]json.RawMessage, error) {
		aside.SetBuffer(aside.Buffer()[:0])
		if _, err := aside.DataIn(ctx, r, p); err != nil {
			return nil, err
		}
		return keyRows(aside.Buffer(), p)
	}}
	keys, err := n.write(w)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		a.Text("null")
		return nil
	}
	from := len(a.Buffer())
	if w.kind == rootCreateMany {
		a.Text("[")
	}
	for some := range slices.Chunk(keys, mostKeys) {
		plan, err := builder.Build(w.schema.src, w.selection(some))
		if err != nil {
			return err
		}
		at := len(a.Buffer())
		if _, err := a.DataIn(ctx, r, plan); err != nil || w.kind != rootCreateMany {
			return err
		}
		data, err := inOrder(a.Buffer()[at:], some, w.object.table.PrimaryKey.Columns, at == from+1)
		if err != nil {
			return err
		}
		a.SetBuffer(append(a.Buffer()[:at], data...))
	}
	a.Text("]")
	return nil
}

// keyRow are the values of some columns of a row, as JSON.
type keyRow map[*catalog.Column]json.RawMessage

// nestedRun is one run of a nestedWrite. Without rows it is a rehearsal: each
// definition is built, and answered as if all had gone well.
type nestedRun struct {
	schema *Schema
	rows   func(p *builder.Plan) ([]map[string]json.RawMessage, error)
	refuse func(error) // of a rehearsal: takes the builder's problems
}

// byKey is the place of values that the database has given: it is never told.
const byKey = "\x00key"

// do runs d and answers the columns of its rows. expect is how many a rehearsal
// takes it to have.
func (n *nestedRun) do(d *builder.Definition, columns []*catalog.Column, expect int) ([]keyRow, error) {
	d.Fields, d.ReturnNone = nil, len(columns) == 0
	for i, c := range columns {
		d.Fields = append(d.Fields, builder.Field{Name: c.Name, As: keyName(i)})
	}
	plan, err := builder.Build(n.schema.src, d)
	if n.rows == nil {
		if err = withoutKeys(err); err != nil {
			n.refuse(err)
		}
		return slices.Repeat([]keyRow{{}}, expect), nil
	}
	var rows []map[string]json.RawMessage
	if err == nil {
		rows, err = n.rows(plan)
	}
	if err != nil {
		return nil, &nestedError{d.Path, err}
	}
	list := make([]keyRow, len(rows))
	for i, row := range rows {
		list[i] = make(keyRow, len(columns))
		for j, c := range columns {
			list[i][c] = row[keyName(j)]
		}
	}
	return list, nil
}

func keyName(i int) string {
	return "k" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
}

// keyRows reads the data of a plan.
func keyRows(data []byte, p *builder.Plan) (rows []map[string]json.RawMessage, err error) {
	switch {
	case p.Result:
		return nil, nil
	case p.Single:
		var one map[string]json.RawMessage
		if err = json.Unmarshal(data, &one); one != nil {
			rows = append(rows, one)
		}
	default:
		err = json.Unmarshal(data, &rows)
	}
	return rows, err
}

// withoutKeys is err without the problems of values that a rehearsal has not.
func withoutKeys(err error) error {
	var list builder.Problems
	if !errors.As(err, &list) {
		return err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(p builder.Problem) bool { return len(p.Path) > 0 && p.Path[0] == any(byKey) })
	if len(list) == 0 {
		return nil
	}
	return list
}

// write writes the rows of w and answers their primary keys; none where the row to
// update is not there.
func (n *nestedRun) write(w *nestedWrite) ([]keyRow, error) {
	key := w.object.table.PrimaryKey.Columns
	if w.kind != rootUpdate {
		return n.insert(w.object, w.rows, make([][]columnValue, len(w.rows)), key, w.at)
	}
	row, err := n.update(w.rows[0], w.find, key)
	if row == nil || err != nil {
		return nil, err
	}
	return []keyRow{row}, nil
}

// columnValue fills a column.
type columnValue struct {
	column *catalog.Column
	value  json.RawMessage
}

// insert writes rows, and what is related to them. fill are values for each of
// them; want are the columns to answer.
func (n *nestedRun) insert(o *object, rows []*nestedRow, fill [][]columnValue, want []*catalog.Column, at builder.Path) ([]keyRow, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	d := &builder.Definition{Kind: builder.Insert, Table: tableName(o.table), InputIsList: true, Path: at}
	for i, row := range rows {
		d.Input = append(d.Input, builder.Input{Sets: slices.Clone(row.sets), Place: row.at})
		for _, v := range fill[i] {
			if err := n.give(&d.Input[i], v); err != nil {
				return nil, err
			}
		}
	}
	rels := relationsOf(o, rows)
	for _, f := range rels {
		if f.outgoing() {
			if err := n.ahead(f, rows, d.Input); err != nil {
				return nil, err
			}
		}
	}
	want = union(want, behind(rels))
	keys, err := n.do(d, want, len(rows))
	switch {
	case err != nil || len(want) == 0:
		return nil, err
	case len(keys) != len(rows):
		return nil, wrong(at, backend.CodeConflict, "the database has left out a row, so that nothing can be related to it")
	}
	for _, f := range rels {
		if !f.outgoing() {
			if err := n.related(f, rows, keys); err != nil {
				return nil, err
			}
		}
	}
	return keys, nil
}

// relationsOf are the relations that any of rows has something for, in the order
// of o's fields.
func relationsOf(o *object, rows []*nestedRow) []*field {
	used := map[*field]bool{}
	for _, row := range rows {
		for _, rel := range row.rels {
			used[rel.field] = true
		}
	}
	var list []*field
	for _, f := range o.order {
		if used[f] {
			list = append(list, f)
		}
	}
	return list
}

// behind are the columns that rows written later refer to.
func behind(rels []*field) (columns []*catalog.Column) {
	for _, f := range rels {
		if !f.outgoing() {
			columns = union(columns, f.link.FK.RefColumns)
		}
	}
	return columns
}

func union(a, b []*catalog.Column) []*catalog.Column {
	a = slices.Clip(a)
	for _, c := range b {
		if !slices.Contains(a, c) {
			a = append(a, c)
		}
	}
	return a
}

// rel is what row has for f, or nil.
func (row *nestedRow) rel(f *field) *nestedRel {
	for _, rel := range row.rels {
		if rel.field == f {
			return rel
		}
	}
	return nil
}

// give fills a column of in. Two relations may share a column, and then mean the
// same.
func (n *nestedRun) give(in *builder.Input, v columnValue) error {
	for _, s := range in.Sets {
		if c, _ := v.column.Table.Column(s.Field); c != v.column {
			continue
		}
		if n.rows == nil || s.Op == "" && sameKey(s.Value, v.value) {
			return nil
		}
		return wrong(in.Place, backend.CodeBadUserInput, "says two things of "+v.column.JSONName)
	}
	in.Sets = append(in.Sets, builder.Set{Field: v.column.Name, Value: orJSONNull(v.value), Place: builder.Path{byKey}})
	return nil
}

func orJSONNull(v json.RawMessage) json.RawMessage {
	if v == nil {
		return json.RawMessage("null")
	}
	return v
}

// ahead writes what rows refer to by f, or finds it, and puts its key into inputs.
func (n *nestedRun) ahead(f *field, rows []*nestedRow, inputs []builder.Input) error {
	fk := f.link.FK
	var children []*nestedRow
	var found []*rowKey
	var at builder.Path
	for _, row := range rows {
		if rel := row.rel(f); rel != nil {
			children, found = append(children, rel.create...), append(found, rel.connect...)
			if len(rel.create) > 0 && at == nil {
				at = rel.at.Child("create")
			}
		}
	}
	made, err := n.insert(f.target, children, make([][]columnValue, len(children)), fk.RefColumns, at)
	if err != nil {
		return err
	}
	taken, err := n.find(f.target, found, fk.RefColumns)
	if err != nil {
		return err
	}
	for i := range inputs {
		in, rel := &inputs[i], rows[i].rel(f)
		var key keyRow
		switch {
		case rel == nil:
			continue
		case len(rel.create) > 0:
			key, made = made[0], made[1:]
		case len(rel.connect) > 0:
			key, taken = taken[0], taken[1:]
		case rel.clear || rel.drop:
			for _, c := range nullable(fk) {
				if err := n.give(in, columnValue{c, nil}); err != nil {
					return err
				}
			}
			continue
		default:
			continue
		}
		if err := n.refer(in, fk.Columns, key, fk.RefColumns, rel.at); err != nil {
			return err
		}
	}
	return nil
}

// refer fills columns of in with what key has of from.
func (n *nestedRun) refer(in *builder.Input, columns []*catalog.Column, key keyRow, from []*catalog.Column, at builder.Path) error {
	if err := n.known(key, from, at); err != nil {
		return err
	}
	for _, v := range reference(columns, key, from) {
		if err := n.give(in, v); err != nil {
			return err
		}
	}
	return nil
}

// known refuses a row whose key has a NULL: what would refer to it would refer to
// nothing.
func (n *nestedRun) known(key keyRow, columns []*catalog.Column, at builder.Path) error {
	for _, c := range columns {
		if n.lacks(key, []*catalog.Column{c}) {
			return wrong(at, backend.CodeBadUserInput, "the row to refer to has no "+c.JSONName)
		}
	}
	return nil
}

func reference(columns []*catalog.Column, key keyRow, from []*catalog.Column) []columnValue {
	list := make([]columnValue, len(columns))
	for i, c := range columns {
		list[i] = columnValue{c, key[from[i]]}
	}
	return list
}
