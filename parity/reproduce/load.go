package reproduce

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// loader reads the part of a database that an operation may need.
type loader struct {
	db      *sql.DB
	catalog *catalog.Catalog
	world   *world
	known   map[string]bool // types
}

// load makes the world of tables: their columns, keys and rows, but no row yet.
func load(ctx context.Context, db *sql.DB, cat *catalog.Catalog, tables []*catalog.Table) (*world, error) {
	l := &loader{db: db, catalog: cat, world: &world{}, known: map[string]bool{}}
	for _, t := range tables {
		if err := l.table(ctx, t); err != nil {
			return nil, err
		}
	}
	for i := range l.world.tables {
		t := &l.world.tables[i]
		t.foreign = slices.DeleteFunc(t.foreign, func(f foreign) bool { return !l.world.has(f) || !t.hasAll(f.columns) })
		if !t.hasAll(t.key) {
			t.key = nil
		}
		t.unique = slices.DeleteFunc(t.unique, func(u unique) bool { return !t.hasAll(u.columns) })
	}
	return l.world, nil
}

// has says whether what f refers to is there.
func (w *world) has(f foreign) bool {
	for i := range w.tables {
		if t := &w.tables[i]; t.schema == f.schema && t.name == f.to {
			return t.hasAll(f.keys) && slices.ContainsFunc(append(slices.Clone(t.unique), unique{columns: t.key}), func(u unique) bool {
				return slices.Equal(slices.Sorted(slices.Values(u.columns)), slices.Sorted(slices.Values(f.keys)))
			})
		}
	}
	return false
}

func (t *table) hasAll(names []string) bool {
	for _, n := range names {
		if t.index(n) < 0 {
			return false
		}
	}
	return true
}

// columnsSQL reads the columns of the relation $1, with the types that have to be
// made for them.
const columnsSQL = `select a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.format_type(a.atttypid, null),
	a.attnotnull and a.attgenerated = '', a.attidentity <> '', case when a.attgenerated = '' then coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') else '' end,
	t.typtype::text, n.nspname::text, t.typname::text, coalesce(x.extname::text, ''),
	case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) else '' end,
	coalesce((select pg_catalog.string_agg(e.enumlabel, E'\x01' order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid), ''),
	coalesce((select b.typnamespace = 'pg_catalog'::regnamespace from pg_catalog.pg_type b where t.typtype = 'd' and b.oid = t.typbasetype), true)
from pg_catalog.pg_attribute a
join pg_catalog.pg_type o on o.oid = a.atttypid
join pg_catalog.pg_type t on t.oid = case when o.typelem <> 0 and o.typlen = -1 then o.typelem else o.oid end
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join pg_catalog.pg_depend p on p.classid = 'pg_catalog.pg_type'::regclass and p.objid = t.oid and p.refclassid = 'pg_catalog.pg_extension'::regclass and p.deptype = 'e'
left join pg_catalog.pg_extension x on x.oid = p.refobjid
where a.attrelid = $1::text::pg_catalog.oid and a.attnum > 0 and not a.attisdropped order by a.attnum`

// modifier is the "(12,2)" of a type.
var modifier = regexp.MustCompile(`\([^)]*\)`)

func (l *loader) table(ctx context.Context, from *catalog.Table) (err error) {
	t := table{schema: from.Schema, name: from.Name}
	rows, err := l.db.QueryContext(ctx, columnsSQL, strconv.FormatUint(uint64(from.OID), 10))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c column
		var kind, schema, name, extension, base, labels string
		var builtin bool
		if err := rows.Scan(&c.name, &c.typ, &c.base, &c.notNull, &c.identity, &c.fallback, &kind, &schema, &name, &extension, &base, &labels, &builtin); err != nil {
			return err
		}
		if !slices.ContainsFunc(from.Columns, func(f *catalog.Column) bool { return f.Name == c.name && f.CanSelect }) || !l.can(&c, kind, schema, name, extension, base, labels, builtin) {
			continue // what needs it will not be reproduced
		}
		c.mend()
		t.columns = append(t.columns, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if from.PrimaryKey != nil {
		for _, c := range from.PrimaryKey.Columns {
			t.key = append(t.key, c.Name)
		}
	}
	for _, k := range from.Unique {
		if !k.Total() || k.Deferrable {
			continue
		}
		var u unique
		if k.Constraint {
			u.name = k.Name
		}
		for _, c := range k.Columns {
			u.columns = append(u.columns, c.Name)
		}
		t.unique = append(t.unique, u)
	}
	for _, k := range from.ForeignKeys {
		f := foreign{schema: k.RefTable.Schema, to: k.RefTable.Name}
		for i := range k.Columns {
			f.columns, f.keys = append(f.columns, k.Columns[i].Name), append(f.keys, k.RefColumns[i].Name)
		}
		t.foreign = append(t.foreign, f)
	}
	l.world.tables = append(l.world.tables, t)
	return nil
}

// can says whether the type of c can be made, and adds it to the world.
func (l *loader) can(c *column, kind, schema, name, extension, base, labels string, builtin bool) bool {
	switch {
	case extension != "":
		if !slices.Contains(l.world.extensions, extension) {
			l.world.extensions = append(l.world.extensions, extension)
		}
		return true
	case schema == "pg_catalog":
		return true
	case kind == "d" && !builtin, kind != "e" && kind != "d":
		return false
	}
	if kind == "d" {
		c.base = modifier.ReplaceAllString(base, "")
	}
	if at := schema + "." + name; !l.known[at] {
		l.known[at] = true
		made := typ{schema: schema, name: name, base: base}
		if kind == "e" {
			made.labels = strings.Split(labels, "\x01")
		}
		l.world.types = append(l.world.types, made)
	}
	return true
}

// constant is a default that is a literal, perhaps with a cast.
var constant = regexp.MustCompile(`^'?([^']*)'?(?:::.*)?$`)

// mend keeps a default only where it needs nothing that is not there and says nothing
// of a row. Without one, a column that had one may be left out of a write as before.
func (c *column) mend() {
	switch {
	case c.fallback == "":
	case strings.HasPrefix(c.fallback, "nextval("):
		c.identity, c.fallback = true, ""
	case c.fallback == "now()", c.fallback == "CURRENT_TIMESTAMP", c.fallback == "CURRENT_DATE", c.fallback == "gen_random_uuid()":
	case c.base == "uuid":
		c.fallback = "gen_random_uuid()"
	default:
		// It may name a function, or hold a value.
		if m := constant.FindStringSubmatch(c.fallback); m != nil && kept[m[1]] {
			c.fallback = literal(m[1])
		} else {
			c.fallback, c.notNull = "", false
		}
	}
}

// fill reads at most limit rows of every table: of the first those that where
// selects, of the others those that belong to rows which are there already.
func (w *world) fill(ctx context.Context, db *sql.DB, where string, args []any, limit int) error {
	for i := range w.tables {
		w.tables[i].rows = nil
	}
	filled := map[int]bool{}
	if err := w.tables[0].read(ctx, db, where, args, limit); err != nil {
		return err
	}
	filled[0] = true
	for range w.tables {
		for i := range w.tables {
			if filled[i] {
				continue
			}
			condition := w.related(i, filled)
			if condition == "" {
				continue
			}
			if err := w.tables[i].read(ctx, db, condition, nil, limit); err != nil {
				return err
			}
			filled[i] = true
		}
	}
	return nil
}

// related is the condition for rows of table i that belong to rows of a table that
// is filled; "" where there is none.
func (w *world) related(i int, filled map[int]bool) string {
	t := &w.tables[i]
	var parts []string
	for j := range w.tables {
		if !filled[j] {
			continue
		}
		o := &w.tables[j]
		for _, f := range t.foreign {
			if f.schema == o.schema && f.to == o.name {
				parts = append(parts, in(t, f.columns, o, f.keys))
			}
		}
		for _, f := range o.foreign {
			if f.schema == t.schema && f.to == t.name {
				parts = append(parts, in(t, f.keys, o, f.columns))
			}
		}
	}
	return strings.Join(parts, " or ")
}

// in is the condition that columns of t are those of a row of o.
func in(t *table, columns []string, o *table, of []string) string {
	var tuples []string
	for _, row := range o.rows {
		var cells []string
		for k, name := range of {
			v := row[o.index(name)]
			if v == nil {
				break
			}
			cells = append(cells, literal(*v)+"::"+t.columns[t.index(columns[k])].typ)
		}
		if len(cells) == len(of) {
			tuples = append(tuples, "("+strings.Join(cells, ", ")+")")
		}
	}
	if len(tuples) == 0 {
		return "false"
	}
	return fmt.Sprintf("(%s) in (%s)", quoteAll(columns), strings.Join(tuples, ", "))
}

// read reads rows of t as text.
func (t *table) read(ctx context.Context, db *sql.DB, where string, args []any, limit int) (err error) {
	if limit == 0 || len(t.columns) == 0 {
		return nil
	}
	cells := make([]string, len(t.columns))
	for i, c := range t.columns {
		cells[i] = catalog.QuoteIdent(c.name) + "::text"
	}
	query := fmt.Sprintf("select %s from %s where %s", strings.Join(cells, ", "), t.named(), where)
	if len(t.key) > 0 {
		query += " order by " + quoteAll(t.key)
	}
	rows, err := db.QueryContext(ctx, fmt.Sprintf("%s limit %d", query, limit), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		row, to := make([]*string, len(t.columns)), make([]any, len(t.columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		t.rows = append(t.rows, row)
	}
	return rows.Err()
}
