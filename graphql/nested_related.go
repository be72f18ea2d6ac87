package graphql

import (
	"encoding/json"
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// related makes and takes the rows that belong to rows by f, which is not
// outgoing. keys are those of rows.
func (n *nestedRun) related(f *field, rows []*nestedRow, keys []keyRow) error {
	if f.link.Through != nil {
		return n.joined(f, rows, keys)
	}
	fk := f.link.FK
	var children []*nestedRow
	var fill [][]columnValue
	var at builder.Path
	for i, row := range rows {
		rel := row.rel(f)
		if rel == nil {
			continue
		}
		if err := n.known(keys[i], fk.RefColumns, rel.at); err != nil {
			return err
		}
		refer := reference(fk.Columns, keys[i], fk.RefColumns)
		if err := n.attach(rel, refer); err != nil {
			return err
		}
		for _, child := range rel.create {
			children, fill = append(children, child), append(fill, refer)
			if at == nil {
				at = rel.at.Child("create")
			}
		}
	}
	_, err := n.insert(f.target, children, fill, nil, at)
	return err
}

// attach makes the rows that rel connects refer to a row.
func (n *nestedRun) attach(rel *nestedRel, refer []columnValue) error {
	for _, group := range n.groups(rel.connect) {
		d := n.on(builder.Update, rel.target, rel.at.Child("connect"), keysFilter(group))
		d.Input = []builder.Input{{Place: d.Path}}
		for _, v := range refer {
			if err := n.give(&d.Input[0], v); err != nil {
				return err
			}
		}
		if err := n.each(d, group, noRow); err != nil {
			return err
		}
	}
	return nil
}

// on is a definition about some rows of o.
func (n *nestedRun) on(kind builder.Kind, o *object, at builder.Path, filter ...*builder.Filter) *builder.Definition {
	return &builder.Definition{Kind: kind, Table: tableName(o.table), Path: at, Filter: both(filter...)}
}

func both(list ...*builder.Filter) *builder.Filter {
	if len(list) == 1 {
		return list[0]
	}
	return &builder.Filter{And: list}
}

const (
	noRow    = "there is no such row"
	notHere  = "there is no such row here"
	noOther  = "there is no row here"
	goneAway = "the row can't be updated, or is no longer there"
)

// each runs d, which is about the rows of keys, and refuses that one of them was
// not there.
func (n *nestedRun) each(d *builder.Definition, keys []*rowKey, why string) error {
	rows, err := n.do(d, keys[0].columns, len(keys))
	if err != nil || len(rows) >= len(keys) {
		return err
	}
	there := make(map[string]bool, len(rows))
	for _, row := range rows {
		there[row.text(keys[0].columns)] = true
	}
	for _, k := range keys {
		if !there[k.text()] {
			return wrong(k.at, backend.CodeNotFound, why)
		}
	}
	return nil // one was named twice
}

// text is the same for a key and for a row that has it, unless the server writes a
// value in another way than the request. Quotes do not count: a bigint may be a
// number or a string.
func (k *rowKey) text() string {
	var b []byte
	for _, v := range k.values {
		b = append(append(b, plainKey(v)...), 0)
	}
	return string(b)
}

func (row keyRow) text(columns []*catalog.Column) string {
	var b []byte
	for _, c := range columns {
		b = append(append(b, plainKey(row[c])...), 0)
	}
	return string(b)
}

func sameKey(a, b json.RawMessage) bool { return plainKey(a) == plainKey(b) }

func plainKey(v json.RawMessage) string {
	var s string
	if len(v) > 0 && v[0] == '"' && json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

const (
	aloneKeys = 100  // so many are rehearsed one by one, for the place of each
	mostKeys  = 1000 // so many of several columns go into one condition
)

// groups divides keys by what they consist of, in the order of the first of each.
// A rehearsal looks at each alone, so that what is wrong with it has its place.
func (n *nestedRun) groups(keys []*rowKey) (groups [][]*rowKey) {
	for _, k := range keys {
		i := slices.IndexFunc(groups, func(g []*rowKey) bool {
			return (len(k.columns) == 1 || len(g) < mostKeys) && slices.Equal(g[0].columns, k.columns)
		})
		if n.rows == nil && len(keys) <= aloneKeys {
			i = -1
		}
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], k)
	}
	return groups
}

// keysFilter is true of the rows of keys, which have the same columns.
func keysFilter(keys []*rowKey) *builder.Filter {
	if len(keys) == 1 || len(keys[0].columns) > 1 {
		alternatives := make([]*builder.Filter, len(keys))
		for i, k := range keys {
			alternatives[i] = equal(k.columns, k.values, k.at)
		}
		if len(keys) == 1 {
			return alternatives[0]
		}
		return &builder.Filter{Or: alternatives}
	}
	list := []byte{'['}
	for i, k := range keys {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, k.values[0]...)
	}
	at := keys[0].at
	if _, element := at[len(at)-1].(int); element {
		at = at[:len(at)-1] // the builder adds the position
	}
	return &builder.Filter{Field: keys[0].columns[0].Name, Op: "in", Value: append(list, ']'), Place: at}
}

// equal compares columns with values.
func equal(columns []*catalog.Column, values []json.RawMessage, at builder.Path) *builder.Filter {
	list := make([]*builder.Filter, len(columns))
	for i, c := range columns {
		list[i] = &builder.Filter{Field: c.Name, Op: "eq", Value: orJSONNull(values[i]), Place: at}
	}
	return both(list...)
}

// equalTo compares columns with what key has of from.
func equalTo(columns []*catalog.Column, key keyRow, from []*catalog.Column) *builder.Filter {
	values := make([]json.RawMessage, len(from))
	for i, c := range from {
		values[i] = key[c]
	}
	return equal(columns, values, builder.Path{byKey})
}

// find reads columns of the rows of keys, in their order.
func (n *nestedRun) find(o *object, keys []*rowKey, columns []*catalog.Column) ([]keyRow, error) {
	found := make(map[*rowKey]keyRow, len(keys))
	for _, group := range n.groups(keys) {
		rows, err := n.do(n.on(builder.Query, o, group[0].at, keysFilter(group)), union(columns, group[0].columns), len(group))
		if err != nil {
			return nil, err
		}
		have := make(map[string]keyRow, len(rows))
		for _, row := range rows {
			have[row.text(group[0].columns)] = row
		}
		for i, k := range group {
			switch row := have[k.text()]; {
			case n.rows == nil:
				found[k] = rows[i]
			case row != nil:
				found[k] = row
			case len(group) == 1 && len(rows) == 1:
				found[k] = rows[0]
			case len(group) == 1:
				return nil, wrong(k.at, backend.CodeNotFound, noRow)
			default: // written in another way than the server does, or not there
				one, err := n.find(o, []*rowKey{k}, columns)
				if err != nil {
					return nil, err
				}
				found[k] = one[0]
			}
		}
	}
	list := make([]keyRow, len(keys))
	for i, k := range keys {
		list[i] = found[k]
	}
	return list, nil
}

// joined makes and takes rows of f's target, and joins them to rows by the join
// table. What is joined already stays so.
func (n *nestedRun) joined(f *field, rows []*nestedRow, keys []keyRow) error {
	l := f.link
	var children []*nestedRow
	var found []*rowKey
	var at builder.Path
	for _, row := range rows {
		if rel := row.rel(f); rel != nil {
			children, found = append(children, rel.create...), append(found, rel.connect...)
			if at == nil && len(rel.create) > 0 {
				at = rel.at.Child("create")
			}
		}
	}
	made, err := n.insert(f.target, children, make([][]columnValue, len(children)), l.Through.RefColumns, at)
	if err != nil {
		return err
	}
	taken, err := n.find(f.target, found, l.Through.RefColumns)
	if err != nil {
		return err
	}
	d := &builder.Definition{Kind: builder.Insert, Table: tableName(l.FK.Table), InputIsList: true}
	join := func(rel *nestedRel, row, other keyRow) error {
		in := builder.Input{Place: rel.at}
		if d.Path == nil {
			d.Path = rel.at
		}
		if err := n.refer(&in, l.FK.Columns, row, l.FK.RefColumns, rel.at); err != nil {
			return err
		}
		if err := n.refer(&in, l.Through.Columns, other, l.Through.RefColumns, rel.at); err != nil {
			return err
		}
		d.Input = append(d.Input, in)
		return nil
	}
	for i, row := range rows {
		rel := row.rel(f)
		if rel == nil {
			continue
		}
		for range rel.create {
			if err := join(rel, keys[i], made[0]); err != nil {
				return err
			}
			made = made[1:]
		}
		for range rel.connect {
			if err := join(rel, keys[i], taken[0]); err != nil {
				return err
			}
			taken = taken[1:]
		}
	}
	if len(d.Input) == 0 {
		return nil
	}
	if key := l.FK.Table.PrimaryKey; len(found) > 0 && !key.Deferrable {
		d.OnConflict = &builder.OnConflict{Nothing: true, Place: d.Path}
		for _, c := range key.Columns {
			d.OnConflict.Columns = append(d.OnConflict.Columns, c.Name)
		}
	}
	_, err = n.do(d, nil, 0)
	return err
}
