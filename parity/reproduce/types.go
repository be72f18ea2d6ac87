package reproduce

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// typeSQL is a type, with what makes it where that is one statement. typrelid is that of
// a table or a view, whose row the type is.
const typeSQL = `select t.typtype::text, n.nspname::text, t.typname::text, case when t.typelem <> 0 and t.typlen = -1 then t.typelem::text else '' end,
	case when coalesce(c.relkind, 'c') <> 'c' then t.typrelid::text else '' end,
	case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) else '' end, t.typbasetype::text,
	coalesce((select pg_catalog.string_agg(e.enumlabel, E'\x01' order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid), ''),
	coalesce((select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname::text) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
		from pg_catalog.pg_attribute a where a.attrelid = c.oid and c.relkind = 'c' and not a.attisdropped), ''),
	coalesce((select pg_catalog.string_agg(a.atttypid::text, ' ' order by a.attnum) from pg_catalog.pg_attribute a where a.attrelid = c.oid and c.relkind = 'c' and not a.attisdropped), ''),
	coalesce((select pg_catalog.format_type(r.rngsubtype, null) from pg_catalog.pg_range r where r.rngtypid = t.oid), '')
from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace left join pg_catalog.pg_class c on c.oid = t.typrelid
where t.oid = $1::text::pg_catalog.oid`

// typ finds a type and what it is made of. false: it can't be made.
func (f *finder) typ(oid string) (ok bool, err error) {
	if n, err := strconv.ParseUint(oid, 10, 32); err != nil || n < 16384 {
		return err == nil, err
	}
	if !f.first("pg_type", oid) {
		return !f.strange[oid], nil
	}
	defer func() { f.strange[oid] = !ok }()
	if of, err := f.extension("pg_type", oid); of || err != nil {
		return of, err
	}
	list, err := f.rows(bare, typeSQL, oid)
	if err != nil || len(list) == 0 {
		return false, err
	}
	kind, schema, name, element, relation, base, baseType := list[0][0], list[0][1], list[0][2], list[0][3], list[0][4], list[0][5], list[0][6]
	labels, members, of, subtype := list[0][7], list[0][8], list[0][9], list[0][10]
	made := typ{schema: schema, name: name}
	switch {
	case element != "":
		return f.typ(element)
	case relation != "":
		return true, f.relation(relation)
	case kind == "e":
		made.labels = strings.Split(labels, "\x01")
	case kind == "d":
		if ok, err := f.typ(baseType); !ok || err != nil {
			return false, err
		}
		made.base = base
	case members != "":
		for m := range strings.FieldsSeq(of) {
			if ok, err := f.typ(m); !ok || err != nil {
				return false, err
			}
		}
		made.text = fmt.Sprintf("create type %s.%s as (%s)", catalog.QuoteIdent(schema), catalog.QuoteIdent(name), members)
	case subtype != "" && kind == "r":
		made.text = fmt.Sprintf("create type %s.%s as range (subtype = %s)", catalog.QuoteIdent(schema), catalog.QuoteIdent(name), subtype)
	default:
		return false, nil
	}
	f.world.types = append(f.world.types, made)
	return true, nil
}
