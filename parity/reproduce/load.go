package reproduce

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
)

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

// columnsSQL reads the columns of the relation $1, and what decides how values are made
// up: the type of an element, or what a domain is of.
const columnsSQL = `select a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), case when t.typname = 'citext' then t.typname::text else pg_catalog.format_type(a.atttypid, null) end,
	(a.attnotnull and a.attgenerated = '')::text, (a.attidentity <> '')::text, coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''), (a.attgenerated <> '')::text,
	a.atttypid::text, case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, null) else '' end
from pg_catalog.pg_attribute a
join pg_catalog.pg_type o on o.oid = a.atttypid
join pg_catalog.pg_type t on t.oid = case when o.typelem <> 0 and o.typlen = -1 then o.typelem else o.oid end
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = $1::text::pg_catalog.oid and a.attnum > 0 and not a.attisdropped order by a.attnum`

// table takes a table with its columns and keys, and no row yet.
func (f *finder) table(from *catalog.Table) error {
	t := table{schema: from.Schema, name: from.Name, from: from}
	columns, err := f.columns(from)
	if err != nil {
		return err
	}
	for _, c := range columns {
		if ok, err := f.typ(c.oid); err != nil {
			return err
		} else if !ok {
			continue // what needs it will not be reproduced
		}
		if c.mend(); f.flat {
			c.generated = ""
		}
		t.columns = append(t.columns, c.column)
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
		key := foreign{schema: k.RefTable.Schema, to: k.RefTable.Name}
		for i := range k.Columns {
			key.columns, key.keys = append(key.columns, k.Columns[i].Name), append(key.keys, k.RefColumns[i].Name)
		}
		t.foreign = append(t.foreign, key)
	}
	f.world.tables = append(f.world.tables, t)
	return nil
}

// typed is a column with the OID of its type.
type typed struct {
	column
	oid string
}

// columns are those of from that the role may read.
func (f *finder) columns(from *catalog.Table) ([]typed, error) {
	rows, err := f.rows(bare, columnsSQL, strconv.FormatUint(uint64(from.OID), 10))
	if err != nil {
		return nil, err
	}
	var list []typed
	for _, r := range rows {
		c := typed{column: column{name: r[0], typ: r[1], base: r[2], notNull: r[3] == "true", identity: r[4] == "true", fallback: r[5]}, oid: r[7]}
		if r[8] != "" {
			c.base = r[8]
		}
		if r[6] == "true" {
			c.generated, c.fallback = c.fallback, ""
		}
		if slices.ContainsFunc(from.Columns, func(k *catalog.Column) bool { return k.Name == c.name && k.CanSelect }) {
			list = append(list, c)
		}
	}
	return list, nil
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
