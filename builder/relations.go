package builder

import (
	"strconv"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// defaultNesting is SchemaOptions.MaxDepth where it is 0.
const defaultNesting = 15

// Parts of a nested level's statement: k has the parents' keys and their 1-based
// positions, c the related rows. Tables are t0, t1, …, so none can meet them.
const (
	keysAlias  = `"k".`
	childAlias = `"c".`
	ordColumn  = `"k"."ord"`
)

// selectRelation takes the output key of a relation and selects its key columns
// in the parent. fixed: nothing may be added to what is selected.
func (l *level) selectRelation(def *Relation, fixed bool) {
	name := def.Name
	if name == "" && def.Link == nil {
		name = def.Key
	}
	most := l.p.schema.opts.MaxDepth
	if most == 0 {
		most = defaultNesting
	}
	if most > 0 && l.depth >= most {
		l.p.probs.limitf(def.Place, "relations are nested deeper than %d", most)
		return
	}
	if def.Call != nil {
		l.selectCall(def, fixed)
		return
	}
	rel, ok := l.p.schema.relationOf(l.scope.table, name, def.Link, def.Place, l.p.probs)
	if !ok {
		return
	}
	key := def.Key // the caller's own word, unless it is the relation's name
	if def.Link == nil && (def.Name == "" || key == "") {
		key = catalog.CamelCase(name)
	}
	if !l.free(key, def.Place, "relation") {
		return
	}
	keys, ok := l.selectKeys(rel.local, def.Place, fixed)
	if !ok {
		return
	}
	l.members = append(l.members, Member{Key: key, Column: -1, Child: len(l.nested)})
	l.nested = append(l.nested, nestedLevel{rel: rel, def: def, keys: keys})
}

// selectKeys selects the columns that the rows of a nested level are found by.
func (l *level) selectKeys(columns []*catalog.Column, at Path, fixed bool) ([]int, bool) {
	var keys []int
	for _, c := range columns {
		f := l.scope.column(c)
		if f.typ.Kind().Has(codec.KindArray | codec.KindComposite) {
			l.p.probs.addf(at, nil, "a relation by a column of type %s can't be selected", typeLabel(f.typ))
			return nil, false
		}
		before := len(l.out.cols)
		i := l.out.add(f, l.scope.table)
		if fixed && i == before {
			l.p.probs.addf(at, nil, "distinct rows need %s among the fields for this relation", quoted(c.JSONName))
			return nil, false
		}
		keys = append(keys, i)
	}
	return keys, true
}

// child plans a nested level: one statement for all parents.
//
//	SELECT k.ord, c.id, c.title
//	FROM unnest($1::int8[]) WITH ORDINALITY AS k (k1, ord)
//	JOIN LATERAL (SELECT … FROM posts AS t1 WHERE t1.user_id = k.k1 …) AS c ON TRUE
//	ORDER BY k.ord, c.id
//
// The keys are typed arrays, so the planner sees a plain join by the child's
// index; a LATERAL without LIMIT or DISTINCT is pulled up into one (docs/adr).
// To-many rows always have a total order: they are sorted by ord anyway.
func (l *level) child(n *nestedLevel) Child {
	p, d, r := l.p, n.def, n.rel
	sub := newLevel(p, l.scope.child(r.target), l.depth+1)
	if !r.toMany {
		p.checkToOne(d)
	}
	p.checkPage(d.Limit, d.Offset, d.Place.key("pagination"))
	rows := p.rowsOf(sub, rowsDef{
		fields: d.Fields, relations: d.Relations, fieldsAt: d.Place.key("fields"),
		sort: d.Sort, distinct: d.Distinct, total: r.toMany,
	})
	keys := make([]expression, len(r.local))
	for i := range r.local {
		keys[i] = parentKey(i)
	}
	for _, c := range r.conditions(sub.scope, keys) {
		rows.where(c)
	}
	rows.where(condition(sub.scope, d.Filter))
	children := sub.children()
	if p.probs.count() > 0 {
		return Child{}
	}
	return l.nest(&nest{def: d, sub: sub, rows: rows, local: r.local, keys: n.keys, children: children, many: r.toMany})
}

// parentKey is the ith column of a parent's key.
func parentKey(i int) expression { return expression{sql: keysAlias + ident("k"+strconv.Itoa(i+1))} }

// nest is a nested level whose rows are planned.
type nest struct {
	def      *Relation
	sub      *level
	rows     *rows
	local    []*catalog.Column // the parent's key, and
	keys     []int             // where the parent has selected it
	join     expression        // what stands between the keys and the rows, if anything
	scanned  bool              // the rows come in the order of rows.keys by themselves
	children []Child
	many     bool
}

// nest makes the statement of n.
func (l *level) nest(n *nest) Child {
	p, d, sub, rows := l.p, n.def, n.sub, n.rows
	arrays := make([]squirrel.Sqlizer, len(n.local))
	names := make([]string, len(n.local)) // of the arrays' elements
	for i, c := range n.local {
		names[i] = ident("k" + strconv.Itoa(i+1))
		arrays[i] = arg(nil, l.scope.column(c).cast+"[]")
	}
	// The first column is ord; what the order needs has to come out of the
	// LATERAL too, for no order is kept through a join.
	list := append([]squirrel.Sqlizer{expression{sql: ordColumn}}, sub.out.from(childAlias)...)
	columns := append([]Column{{Name: "ord", Type: p.schema.types.Type(oidInt8)}}, sub.out.columns()...)
	order := []squirrel.Sqlizer{expression{sql: ordColumn}}
	for _, k := range rows.keys {
		i := k.output - 1
		if i < 0 {
			i = sub.out.add(k.field, sub.scope.table)
		}
		order = append(order, expression{sql: childAlias + ident(sub.out.cols[i].Name) + k.suffix()})
	}
	if n.scanned || d.Limit == nil && d.Offset == nil && d.Distinct == nil {
		rows.keys = nil
	}
	st, err := finish(p.name()+" > "+sub.scope.table.Name, Read, splice(
		"SELECT ? FROM unnest(?) WITH ORDINALITY AS "+ident("k")+" ("+strings.Join(names, ", ")+", "+ident("ord")+
			")? JOIN LATERAL (?) AS "+ident("c")+" ON TRUE ORDER BY ?",
		join(list, ", "), join(arrays, ", "), n.join, rows.statement(d.page()), join(order, ", ")))
	if err != nil {
		p.fail(err)
	}
	st.Columns, st.Ordered = columns, rows.total || !n.many
	node := sub.node(st, n.children, 1)
	if d.Bare {
		p.bare(&node, d.Place.key("fields"))
	}
	return Child{Node: node, Keys: n.keys, Many: n.many}
}

// page is LIMIT and OFFSET of a nested level.
func (d *Relation) page() page {
	return page{limit: d.Limit, offset: d.Offset, limitSlot: d.LimitSlot, offsetSlot: d.OffsetSlot, at: d.Place.key("pagination")}
}

// checkToOne refuses what can't mean anything for one row.
func (p *planner) checkToOne(d *Relation) {
	for _, m := range []struct {
		given bool
		key   string
	}{
		{len(d.Sort) > 0, "sort"},
		{d.Limit != nil || d.Offset != nil, "pagination"},
		{d.Distinct != nil, "distinct"},
	} {
		if m.given {
			p.probs.addf(d.Place.key(m.key), []string{"fields", "filters", "relations"},
				"the relation leads to one row at most")
		}
	}
}
