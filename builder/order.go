package builder

import (
	"slices"
	"strconv"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// sortKey is one resolved sort key.
type sortKey struct {
	field
	desc  bool
	nulls Nulls // as said; see nullsFirst
	place Path
	// output is the 1-based output column that stands for the key in ORDER BY,
	// or 0: then the expression does.
	output int
}

// nullsFirst says where NULL sorts: PostgreSQL's default is last ascending and
// first descending ("Sorting Rows").
func (k sortKey) nullsFirst() bool {
	if k.nulls == NullsDefault {
		return k.desc
	}
	return k.nulls == NullsFirst
}

// reversed is the key of the opposite order, NULLs included.
func (k sortKey) reversed() sortKey {
	first := k.nullsFirst()
	k.desc = !k.desc
	k.nulls = NullsFirst
	if first {
		k.nulls = NullsLast
	}
	return k
}

// nullable says whether the key can be NULL.
func (k sortKey) nullable() bool { return k.col == nil || !k.col.NotNull || k.loose || len(k.args) > 0 }

// sql is what stands for the key in ORDER BY, without its direction.
func (k sortKey) sql() expression {
	if k.output > 0 {
		return expression{sql: strconv.Itoa(k.output)}
	}
	return expression{k.expr, k.args}
}

// suffix is what follows the expression in ORDER BY. NULLS is left out where it
// says what is so anyway, and where there are none: an index in the default
// order is found either way, but the SQL stays readable.
func (k sortKey) suffix() string {
	s := ""
	if k.desc {
		s = " DESC"
	}
	if first := k.nullsFirst(); first != k.desc && k.nullable() {
		if first {
			return s + " NULLS FIRST"
		}
		return s + " NULLS LAST"
	}
	return s
}

// sorts resolves sort keys in sc.
func (p *planner) sorts(sc *scope, defs []Sort) []sortKey {
	keys := make([]sortKey, 0, len(defs)+1)
	for i := range defs {
		d := &defs[i]
		var f field
		var ok bool
		if len(d.Links) > 0 {
			f, ok = p.linked(sc, d)
		} else {
			f, ok = sc.operand(d.Field, d.Call, d.Place)
		}
		if !ok {
			continue
		}
		if len(d.JSON) > 0 {
			if f, ok = sc.jsonField(f, d.JSON, d.Type, d.Place); !ok {
				continue
			}
		} else if d.Type != "" {
			p.probs.addf(d.Place, nil, "type needs a path inside a json column")
			continue
		}
		if !p.sortable(f.typ) {
			p.probs.addf(d.Place, nil, "%s can't be sorted by: type %s has no order", operandName(d.Field, d.Call), typeLabel(f.typ))
			continue
		}
		if sameSort(keys, f) {
			p.probs.addf(d.Place, nil, "%s is a sort key already", operandName(d.Field, d.Call))
			continue
		}
		sc.use(f, UseSort, "")
		keys = append(keys, sortKey{field: f, desc: d.Desc, nulls: d.Nulls, place: d.Place})
	}
	return keys
}

// sameSort says whether keys have f already.
func sameSort(keys []sortKey, f field) bool {
	return slices.ContainsFunc(keys, func(k sortKey) bool {
		return k.expr == f.expr && sameArgs(k.args, f.args)
	})
}

// byColumns is a sort by cols, ascending, without those that keys have.
func byColumns(sc *scope, keys []sortKey, cols []*catalog.Column) []sortKey {
	for _, c := range cols {
		if f := sc.column(c); !sameSort(keys, f) {
			keys = append(keys, sortKey{field: f})
		}
	}
	return keys
}

// totalOrder appends the columns of the table's key to keys, so that no two
// rows are equal in all of them: pages never overlap, and two runs of one query
// agree. total is false where that can't be had.
//
// The key is the primary key, else the first unique key that never is NULL. A
// relation without either (most views) is sorted by all its columns that sort,
// which leaves only rows undecided that are equal in all of these.
func (p *planner) totalOrder(sc *scope, keys []sortKey) (all []sortKey, total bool) {
	if k := rowKey(sc.table); k != nil {
		return byColumns(sc, keys, k.Columns), sc.source == nil
	}
	if len(p.def.Key) > 0 && sc == p.scope && readable(p.def.Key) {
		return byColumns(sc, keys, p.def.Key), true
	}
	var cols []*catalog.Column
	for _, c := range sc.table.Columns {
		if c.CanSelect && p.sortable(p.schema.typeOf(c)) {
			cols = append(cols, c)
		}
	}
	return byColumns(sc, keys, cols), false
}

// rowKey is the key that tells every row of t from every other, or nil. The
// role may read all its columns.
func rowKey(t *catalog.Table) *catalog.Key {
	for k := range t.Keys() {
		if readable(k.Columns) && neverNull(k) {
			return k
		}
	}
	return nil
}

// Paged says whether the rows of t can be paged by cursors: a key that the role may
// read tells each from every other. See Definition.Key for others.
func (s *Schema) Paged(t *catalog.Table) bool { return rowKey(t) != nil }

// neverNull says that no two rows are equal in k: a unique key allows any
// number of NULLs, unless they count as equal.
func neverNull(k *catalog.Key) bool {
	return k.Primary || k.NullsNotDistinct ||
		!slices.ContainsFunc(k.Columns, func(c *catalog.Column) bool { return !c.NotNull })
}

// isTotal says whether keys alone decide the order of t's rows.
func isTotal(t *catalog.Table, keys []sortKey) bool {
	for k := range t.Keys() {
		if neverNull(k) && !slices.ContainsFunc(k.Columns, func(c *catalog.Column) bool { return !hasColumn(keys, c) }) {
			return true
		}
	}
	return false
}

func hasColumn(keys []sortKey, c *catalog.Column) bool {
	return slices.ContainsFunc(keys, func(k sortKey) bool { return k.col == c && len(k.args) == 0 })
}

// orderBy is the list behind ORDER BY.
func orderBy(keys []sortKey) squirrel.Sqlizer {
	parts := make([]squirrel.Sqlizer, len(keys))
	for i, k := range keys {
		parts[i] = expression{k.sql().sql + k.suffix(), k.sql().args}
	}
	return join(parts, ", ")
}

// noExtensionOrder are types of PostgreSQL's own extensions that nothing can be
// sorted by.
var noExtensionOrder = []string{"lquery", "ltxtquery", "query_int"}

// Sortable says whether rows can be sorted by c: its type has an order.
func (s *Schema) Sortable(c *catalog.Column) bool { return s.sortable(s.typeOf(c)) }

// SortableType says whether values of type t have an order.
func (s *Schema) SortableType(t *codec.Type) bool { return s.sortable(t) }

// Extreme says whether min and max take c.
func (s *Schema) Extreme(c *catalog.Column) bool {
	base := s.typeOf(c).Base()
	return base.Kind().Has(extremeKinds) && s.sortable(base) &&
		(base.Kind() != codec.KindOID || base.OID() == oidOID || base.OID() == oidXID8)
}

// AggregateType is the type of the result of an aggregate over c, or nil where it
// does not take it.
func (s *Schema) AggregateType(fn string, c *catalog.Column) *codec.Type {
	row, known := aggregates[fn]
	base := s.typeOf(c).Base()
	switch {
	case !known || !base.Kind().Has(row.takes), (fn == "min" || fn == "max") && !s.Extreme(c):
		return nil
	case row.result == nil:
		return base
	}
	return s.types.Type(row.result(base.OID()))
}

func (p *planner) sortable(t *codec.Type) bool { return p.schema.sortable(t) }

// sortable says whether PostgreSQL has an order for t: a default btree operator
// class. The same types have the equality that DISTINCT and GROUP BY need.
func (s *Schema) sortable(t *codec.Type) bool {
	switch t.Kind() {
	case codec.KindJSON, codec.KindXML, codec.KindGeometric:
		return false
	case codec.KindArray:
		return t.Elem() == nil || s.sortable(t.Elem())
	case codec.KindComposite:
		info, ok := s.cat.Type(t.Base().OID())
		return ok && !slices.ContainsFunc(info.Fields, func(f catalog.TypeField) bool {
			return !s.sortable(s.types.Type(f.Type))
		})
	case codec.KindOID:
		return t.Base().Name() != "xid" && t.Base().Name() != "cid"
	case codec.KindOther, codec.KindLTree: // an extension's type is the server's to judge, but for known ones
		return t.Base().Name() != "" && t.Base().Schema() != "pg_catalog" && !slices.Contains(noExtensionOrder, t.Base().Name())
	default:
		return true
	}
}
