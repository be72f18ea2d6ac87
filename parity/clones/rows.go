package clones

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/parity"
)

// cell is one value as text; nil is NULL.
type cell = *string

// entry is a row that has no equal on the other side yet.
type entry struct {
	cells []cell
	n     int64 // its place in the order of the key, from 1
}

// reading is a table whose checksums differ, and its rows without an equal.
type reading struct {
	table *catalog.Table
	kinds []kind // of its columns
	open  [2][]entry
}

// kind says how a column may differ although nothing is wrong.
type kind uint8

const (
	exact  kind = iota
	made        // each database made the value: a random key, or a number from a sequence
	refers      // it is a made value of another row
	moment      // each database took it from its clock
)

// table compares the checksums and, where they differ, the rows. It returns what
// is left over; nil where nothing is.
func (d *differ) table(ctx context.Context, t *catalog.Table) (*reading, error) {
	var sums [2]string
	for i, db := range d.sides {
		err := db.QueryRowContext(ctx, checksum(t)).Scan(&sums[i])
		if err != nil {
			return nil, err
		}
	}
	if sums[0] == sums[1] {
		return nil, nil //nolint:nilnil // nothing is left over
	}
	r := &reading{table: t, kinds: kindsOf(t)}
	full, err := d.read(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case full:
		d.state.Left[nameOf(t)] = "more rows differ than may be held in memory"
		return nil, nil //nolint:nilnil // State.Left says why
	case len(r.open[0])+len(r.open[1]) == 0:
		return nil, nil //nolint:nilnil // the rows are equal, whatever the checksums of another order said
	}
	return r, nil
}

// checksum counts the rows and adds up a hash of each, whatever their order.
func checksum(t *catalog.Table) string {
	return "select count(*)::text || ' ' || coalesce(sum(pg_catalog.hashtextextended(row(" + texts(t) +
		")::text, 0)::numeric), 0)::text from " + quote(t.Schema) + "." + quote(t.Name)
}

// texts lists all columns of t as text.
func texts(t *catalog.Table) string {
	list := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = quote(c.Name) + "::text"
	}
	return strings.Join(list, ", ")
}

// read reads the table on both sides in step, in the order of its key, and keeps
// what has no equal. full says that it was too much.
func (d *differ) read(ctx context.Context, r *reading) (full bool, err error) {
	order := make([]string, 0, len(r.table.Columns))
	if r.table.PrimaryKey != nil {
		for _, c := range r.table.PrimaryKey.Columns {
			order = append(order, quote(c.Name))
		}
	} else {
		for _, c := range r.table.Columns {
			order = append(order, quote(c.Name)+`::text collate "C"`)
		}
	}
	query := "select " + texts(r.table) + " from " + quote(r.table.Schema) + "." + quote(r.table.Name) + " order by " + strings.Join(order, ", ") //nolint:gosec // every name is quoted
	var rows [2]*sql.Rows
	for i, db := range d.sides {
		if rows[i], err = db.QueryContext(ctx, query); err != nil { //nolint:rowserrcheck,sqlclosecheck // both below
			return false, err
		}
		defer func() { _ = rows[i].Close() }() // its error is that of rows.Err
	}
	// A row that has no equal waits here; one that comes later on the other side ends that.
	var waiting [2]map[string][]entry
	waiting[0], waiting[1] = make(map[string][]entry), make(map[string][]entry)
	var bytes int64
	for n, more := int64(1), true; more; n++ {
		more = false
		for side := range rows {
			if !rows[side].Next() {
				continue
			}
			more = true
			cells, err := scan(rows[side], len(r.table.Columns))
			if err != nil {
				return false, err
			}
			if side == 0 {
				d.state.Rows++
			}
			key := join(cells)
			if list := waiting[1-side][key]; len(list) > 0 {
				waiting[1-side][key] = list[1:]
				if len(list) == 1 {
					delete(waiting[1-side], key)
				}
				bytes -= int64(len(key)) + entryBytes
				continue
			}
			waiting[side][key] = append(waiting[side][key], entry{cells, n})
			if bytes += int64(len(key)) + entryBytes; bytes > d.opt.maxBytes {
				return true, nil
			}
		}
	}
	for side := range rows {
		if err := rows[side].Err(); err != nil {
			return false, err
		}
		for _, list := range waiting[side] {
			r.open[side] = append(r.open[side], list...)
		}
		slices.SortFunc(r.open[side], func(a, b entry) int { return int(a.n - b.n) })
	}
	return false, nil
}

// entryBytes is about what an entry takes beside its text.
const entryBytes = 160

func scan(rows *sql.Rows, n int) ([]cell, error) {
	cells := make([]cell, n)
	to := make([]any, n)
	for i := range cells {
		to[i] = &cells[i]
	}
	return cells, rows.Scan(to...)
}

// join is a text that only equal rows share.
func join(cells []cell) string {
	var b strings.Builder
	for _, c := range cells {
		appendCell(&b, c)
	}
	return b.String()
}

// kindsOf says of each column how it may differ. A moment comes from the clock by its
// default, by a trigger, or by a statement that says now().
func kindsOf(t *catalog.Table) []kind {
	kinds := make([]kind, len(t.Columns))
	for i, c := range t.Columns {
		switch {
		case isMoment(c):
			kinds[i] = moment
		case c.VolatileDefault, parity.IsOwn(c.BaseType):
			kinds[i] = made
		case refersToMade(c, nil):
			kinds[i] = refers
		}
	}
	return kinds
}

// refersToMade says that a column refers to one whose values each database makes,
// by way of others or not.
func refersToMade(c *catalog.Column, seen []*catalog.Column) bool {
	if slices.Contains(seen, c) {
		return false
	}
	for _, k := range c.Table.ForeignKeys {
		for i, own := range k.Columns {
			if own == c && (k.RefColumns[i].VolatileDefault || refersToMade(k.RefColumns[i], append(seen, c))) {
				return true
			}
		}
	}
	return false
}

func isMoment(c *catalog.Column) bool {
	switch c.BaseType {
	case 1082, 1114, 1184: // date, timestamp, timestamptz
		return true
	}
	return false
}
