package graphql

import (
	"encoding/json"
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// update changes the row that filter finds, and what is related to it. It answers
// the columns want of the row, nil where there is none.
func (n *nestedRun) update(row *nestedRow, filter *builder.Filter, want []*catalog.Column) (keyRow, error) {
	o := row.object
	rels := relationsOf(o, []*nestedRow{row})
	want = union(want, behind(rels))
	first := len(row.sets) == 0 // else the row has to be there before it is changed
	for _, rel := range row.rels {
		if rel.outgoing() {
			want = union(want, rel.link.FK.Columns)
			first = first || rel.sets()
		}
	}
	want = union(want, o.identity())
	var before keyRow
	if first {
		rows, err := n.do(n.on(builder.Query, o, row.at, filter), want, 1)
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		before = rows[0]
		filter = equalTo(o.table.PrimaryKey.Columns, before, o.table.PrimaryKey.Columns)
	}
	inputs := []builder.Input{{Sets: slices.Clone(row.sets), Place: row.at}}
	for _, f := range rels {
		if f.outgoing() {
			if err := n.ahead(f, []*nestedRow{row}, inputs); err != nil {
				return nil, err
			}
		}
	}
	now := before
	if len(inputs[0].Sets) > 0 {
		d := n.on(builder.Update, o, row.at, filter)
		d.Input = inputs
		rows, err := n.do(d, want, 1)
		switch {
		case err != nil:
			return nil, err
		case len(rows) == 0 && first:
			return nil, wrong(row.at, backend.CodeConflict, goneAway)
		case len(rows) == 0:
			return nil, nil
		}
		now = rows[0]
	}
	for _, rel := range row.rels {
		if err := n.changed(rel, before, now); err != nil {
			return nil, err
		}
	}
	return now, nil
}

// identity are columns that say that there is a row: those of a key where there is
// one.
func (o *object) identity() []*catalog.Column {
	for _, k := range o.keys {
		if legible(k) {
			return k.Columns
		}
	}
	for _, f := range o.order {
		if f.kind == columnField && f.column.CanSelect {
			return []*catalog.Column{f.column}
		}
	}
	return nil // then nothing of it is read, nor written through a relation
}

// changed does what rel says of the rows related to a row that is written: as it
// was before, and as it is now.
func (n *nestedRun) changed(rel *nestedRel, before, now keyRow) error {
	if rel.outgoing() {
		return n.referred(rel, before, now)
	}
	if err := n.known(now, rel.link.FK.RefColumns, rel.at); err != nil {
		return err
	}
	switch {
	case rel.link.Through != nil:
		if err := n.disjoin(rel, now); err != nil {
			return err
		}
	default:
		if err := n.detach(rel, now); err != nil {
			return err
		}
	}
	mine := n.mine(rel.field, now)
	for _, u := range rel.update {
		filter, at, why := mine, rel.at.Child("update"), noOther
		if u.key != nil {
			filter, at, why = both(equal(u.key.columns, u.key.values, u.key.at), mine), u.key.at, notHere
		}
		if err := n.updateOne(u.row, filter, at, why); err != nil {
			return err
		}
	}
	around := &nestedRow{rels: []*nestedRel{rel}}
	return n.related(rel.field, []*nestedRow{around}, []keyRow{now})
}

func (n *nestedRun) updateOne(row *nestedRow, filter *builder.Filter, at builder.Path, why string) error {
	found, err := n.update(row, filter, nil)
	if err == nil && found == nil {
		return wrong(at, backend.CodeNotFound, why)
	}
	return err
}

// mine is true of the rows that belong to a row by f.
func (n *nestedRun) mine(f *field, row keyRow) *builder.Filter {
	l := f.link
	if l.Through == nil {
		return equalTo(l.FK.Columns, row, l.FK.RefColumns)
	}
	back := &builder.Link{FK: l.Through, Incoming: true, Through: l.FK}
	return &builder.Filter{Link: back, Quant: builder.Exists, Sub: equalTo(l.FK.RefColumns, row, l.FK.RefColumns), Place: builder.Path{byKey}}
}

// referred changes or deletes the row that rel's row refers to, or did.
func (n *nestedRun) referred(rel *nestedRel, before, now keyRow) error {
	fk := rel.link.FK
	if rel.drop {
		if n.lacks(before, fk.Columns) {
			return wrong(rel.at.Child("delete"), backend.CodeNotFound, noOther)
		}
		d := n.on(builder.Delete, rel.target, rel.at.Child("delete"), equalTo(fk.RefColumns, before, fk.Columns))
		return n.some(d, fk.RefColumns)
	}
	for _, u := range rel.update {
		if n.lacks(now, fk.Columns) {
			return wrong(rel.at.Child("update"), backend.CodeNotFound, noOther)
		}
		if err := n.updateOne(u.row, equalTo(fk.RefColumns, now, fk.Columns), rel.at.Child("update"), noOther); err != nil {
			return err
		}
	}
	return nil
}

// lacks says whether one of columns is NULL.
func (n *nestedRun) lacks(row keyRow, columns []*catalog.Column) bool {
	return n.rows != nil && slices.ContainsFunc(columns, func(c *catalog.Column) bool { return string(row[c]) == "null" })
}

// some runs d and refuses that it found no row.
func (n *nestedRun) some(d *builder.Definition, columns []*catalog.Column) error {
	rows, err := n.do(d, columns, 1)
	if err == nil && len(rows) == 0 {
		return wrong(d.Path, backend.CodeNotFound, noOther)
	}
	return err
}

// detach takes the reference from rows that belong to row, or deletes them.
func (n *nestedRun) detach(rel *nestedRel, row keyRow) error {
	fk, t, mine := rel.link.FK, rel.target, n.mine(rel.field, row)
	away := func(at builder.Path, filter *builder.Filter) *builder.Definition {
		d := n.on(builder.Update, t, at, filter)
		d.Input = []builder.Input{{Place: at}}
		for _, c := range nullable(fk) {
			d.Input[0].Sets = append(d.Input[0].Sets, builder.Set{Field: c.Name, Value: json.RawMessage("null"), Place: at})
		}
		return d
	}
	switch at := rel.at.Child("delete"); {
	case rel.clear:
		_, err := n.do(away(rel.at.Child("disconnect"), mine), fk.Columns, 1)
		return err
	case rel.drop:
		return n.some(n.on(builder.Delete, t, at, mine), fk.Columns)
	}
	for _, group := range n.groups(rel.disconnect) {
		if err := n.each(away(rel.at.Child("disconnect"), both(keysFilter(group), mine)), group, notHere); err != nil {
			return err
		}
	}
	for _, group := range n.groups(rel.delete) {
		if err := n.each(n.on(builder.Delete, t, rel.at.Child("delete"), keysFilter(group), mine), group, notHere); err != nil {
			return err
		}
	}
	return nil
}

// disjoin deletes rows of the join table, and with delete what they led to.
func (n *nestedRun) disjoin(rel *nestedRel, row keyRow) error {
	l := rel.link
	mine := equalTo(l.FK.Columns, row, l.FK.RefColumns)
	for _, keys := range [][]*rowKey{rel.disconnect, rel.delete} {
		if len(keys) == 0 {
			continue
		}
		at := keys[0].at[:len(keys[0].at)-1]
		ends, err := n.ends(rel, keys)
		if err != nil {
			return err
		}
		for _, group := range n.groups(ends) {
			d := &builder.Definition{Kind: builder.Delete, Table: tableName(l.FK.Table), Path: at, Filter: both(keysFilter(group), mine)}
			if err := n.each(d, group, notHere); err != nil {
				return err
			}
		}
	}
	for _, group := range n.groups(rel.delete) {
		if err := n.each(n.on(builder.Delete, rel.target, rel.at.Child("delete"), keysFilter(group)), group, noRow); err != nil {
			return err
		}
	}
	return nil
}

// ends are keys of the target as what the join table has for them.
func (n *nestedRun) ends(rel *nestedRel, keys []*rowKey) ([]*rowKey, error) {
	l := rel.link
	found := make([]keyRow, len(keys))
	var lookup []*rowKey
	for i, k := range keys {
		if !slices.Equal(k.columns, l.Through.RefColumns) {
			lookup = append(lookup, k)
			continue
		}
		found[i] = keyRow{}
		for j, c := range k.columns {
			found[i][c] = k.values[j]
		}
	}
	rows, err := n.find(rel.target, lookup, l.Through.RefColumns)
	if err != nil {
		return nil, err
	}
	ends := make([]*rowKey, 0, len(keys))
	for i, k := range keys {
		if found[i] == nil {
			found[i], rows = rows[0], rows[1:]
			if n.rows == nil { // it has no value
				continue
			}
		}
		end := &rowKey{columns: l.Through.Columns, at: k.at}
		for _, c := range l.Through.RefColumns {
			end.values = append(end.values, orJSONNull(found[i][c]))
		}
		ends = append(ends, end)
	}
	return ends, nil
}
