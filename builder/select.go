package builder

import (
	"slices"
	"strings"

	"github.com/Masterminds/squirrel"
)

// smallPage is how many root rows are few enough to be held in memory while
// their nested levels are read.
const smallPage = 1000

// query plans a definition that reads rows.
func (p *planner) query() *Plan {
	d := p.def
	l := newLevel(p, p.scope, 0)
	paged := d.Limit != nil || d.Offset != nil || d.After != nil || d.Before != nil || d.Direction != FromCursor
	rows := p.rowsOf(l, rowsDef{
		fields: d.Fields, relations: d.Relations, fieldsAt: p.fieldsAt(),
		sort: d.Sort, distinct: d.Distinct, total: paged,
	})
	rows.where(p.scope.present())
	rows.where(condition(p.scope, d.Filter))
	p.checkSource(l)
	reverse := p.keyset(rows)
	edges := l.cursor(rows.keys, d.EdgeCursors)
	children := l.children()
	p.checkPage(d.Limit, d.Offset, p.at("pagination"))
	pinned := p.single() || p.pinsKey(d.Filter)
	if d.One && !pinned && !d.Trusted {
		p.probs.addf(p.at("filters"), nil, "one row is asked for, but the filter pins no unique key")
	}
	if p.probs.count() > 0 {
		return nil
	}
	st, err := finish(p.name(), Read, rows.statement(p.page()))
	if err != nil {
		p.fail(err)
		return nil
	}
	st.Columns, st.Ordered = l.out.columns(), rows.total || pinned
	plan := &Plan{
		Root: l.node(st, children, 0), MaxAffected: -1, MaxRows: p.schema.opts.MaxRows, Reverse: reverse, Single: d.One || p.single(), Vowed: d.Trusted,
		Unbounded: (d.Limit == nil || *d.Limit > smallPage) && !pinned, limitSlot: d.LimitSlot, pinned: pinned, Edges: edges,
	}
	if d.Page && d.Limit != nil {
		plan.Paged, plan.Page = true, *d.Limit
	}
	return plan
}

// page is LIMIT and OFFSET of the outermost level: one row more than was asked
// for tells whether there are more, or too many.
func (p *planner) page() page {
	d := p.def
	pg := page{limit: d.Limit, offset: d.Offset, limitSlot: d.LimitSlot, offsetSlot: d.OffsetSlot, at: p.at("pagination")}
	if d.Page {
		pg.more = 1
	}
	if most := p.schema.opts.MaxRows; most > 0 {
		pg.most = most + 1
	}
	return pg
}

// page is LIMIT and OFFSET of a statement.
type page struct {
	limit, offset         *int64
	limitSlot, offsetSlot Slot
	more, most            int64 // added to the limit; what it is at most, 0: no bound
	at                    Path
}

// rowsDef is what the rows of a level are asked to be.
type rowsDef struct {
	fields    []Field
	relations []Relation
	fieldsAt  Path
	sort      []Sort
	distinct  *Distinct
	total     bool // the order has to be total
}

// rows is the SELECT of one level while it is made.
type rows struct {
	level   *level
	keys    []sortKey // ORDER BY
	total   bool      // keys decide the order completely
	on      []expression
	unique  bool // SELECT DISTINCT
	filters []squirrel.Sqlizer
}

// rowsOf resolves a level's selection, sort and distinct.
func (p *planner) rowsOf(l *level, d rowsDef) *rows {
	r := &rows{level: l, unique: d.distinct != nil && d.distinct.On == nil}
	l.selectAll(d.fields, d.relations, d.fieldsAt, r.unique)
	r.keys = p.sorts(l.scope, d.sort)
	switch {
	case r.unique:
		p.distinctRows(r, d)
		return r
	case d.distinct != nil:
		p.distinctOn(r, d.distinct)
		d.total = true // which row stands for the others must not be left to chance
	}
	switch called := l.scope.source != nil; {
	case called && len(r.keys) == 0:
		// The function's own order is kept, of pages too.
	case d.total:
		r.keys, r.total = p.totalOrder(l.scope, r.keys)
	default:
		r.total = !called && isTotal(l.scope.table, r.keys)
	}
	return r
}

// distinctRows is SELECT DISTINCT: every selected value needs equality, and the
// sort keys must be among them. Rows are told apart by what is selected, so that
// is what makes a total order.
func (p *planner) distinctRows(r *rows, d rowsDef) {
	out := &r.level.out
	for _, c := range out.cols {
		if !p.sortable(c.Type) {
			p.probs.addf(d.distinct.Place, nil, "distinct rows can't have %s: type %s has no equality", quoted(c.Name), typeLabel(c.Type))
		}
	}
	for i := range r.keys {
		k := &r.keys[i]
		k.output = 1 + slices.IndexFunc(out.exprs, func(e expression) bool {
			return e.sql == k.expr && sameArgs(e.args, k.args)
		})
		if k.output == 0 {
			p.probs.addf(k.place, nil, "distinct rows are sorted by selected fields only")
		}
	}
	if d.total {
		for i, e := range out.exprs {
			if f := (field{expr: e.sql, args: e.args, typ: out.cols[i].Type, col: out.source[i]}); !sameSort(r.keys, f) {
				r.keys = append(r.keys, sortKey{field: f, output: i + 1})
			}
		}
	}
	r.total = len(r.keys) == len(out.exprs)
}

// distinctOn is SELECT DISTINCT ON: of the rows that are equal in its fields
// the first by the sort is kept. PostgreSQL wants these fields first in ORDER
// BY, so they are put there where the sort does not name them; a sort that
// names one of them behind another field asks for two orders at once.
func (p *planner) distinctOn(r *rows, d *Distinct) {
	var on []sortKey
	for i, name := range d.On {
		at := d.Place.index(i)
		f, ok := r.level.scope.field(name, at)
		switch {
		case !ok:
		case !p.sortable(f.typ):
			p.probs.addf(at, nil, "distinct can't be by %s: type %s has no equality", quoted(name), typeLabel(f.typ))
		case sameSort(on, f):
			p.probs.addf(at, nil, "%s is there already", quoted(name))
		default:
			on = append(on, sortKey{field: f})
			r.on = append(r.on, expression{f.expr, f.args})
		}
	}
	if len(d.On) == 0 {
		p.probs.addf(d.Place, nil, "names no field; use true for distinct rows")
	}
	lead := 0
	for lead < len(r.keys) && sameSort(on, r.keys[lead].field) {
		lead++
	}
	for _, k := range r.keys[lead:] {
		if sameSort(on, k.field) {
			p.probs.addf(k.place, nil, "a sort by a distinct field must come before the other sort keys")
		}
	}
	keys := slices.Clone(r.keys[:lead])
	for _, k := range on {
		if !sameSort(keys, k.field) {
			keys = append(keys, k)
		}
	}
	r.keys = append(keys, r.keys[lead:]...)
}

// where adds a condition; nil is none.
func (r *rows) where(s squirrel.Sqlizer) {
	if s != nil {
		r.filters = append(r.filters, s)
	}
}

// condition is f in sc, or nil where there is none.
func condition(sc *scope, f *Filter) squirrel.Sqlizer {
	if f == nil {
		return nil
	}
	return sc.where(f)
}

// statement is the SELECT.
func (r *rows) statement(pg page) squirrel.SelectBuilder {
	sel := r.level.scope.selectFrom(r.level.out.list())
	if r.unique {
		sel = sel.Distinct()
	}
	if len(r.on) > 0 {
		on := make([]string, len(r.on))
		for i, e := range r.on { // plain columns: they have no arguments
			on[i] = e.sql
		}
		sel = sel.Options("DISTINCT ON (" + strings.Join(on, ", ") + ")")
	}
	switch len(r.filters) {
	case 0:
	case 1:
		sel = sel.Where(r.filters[0])
	default: // squirrel puts nothing around the conditions that it joins
		all := make([]squirrel.Sqlizer, len(r.filters))
		for i, f := range r.filters {
			all[i] = paren(f)
		}
		sel = sel.Where(join(all, " AND "))
	}
	if len(r.keys) > 0 {
		sel = sel.OrderByClause(orderBy(r.keys))
	}
	return pg.of(sel)
}

// of adds LIMIT and OFFSET, as arguments: one SQL text serves all pages.
func (pg page) of(sel squirrel.SelectBuilder) squirrel.SelectBuilder {
	switch {
	case pg.limit != nil:
		sel = sel.SuffixExpr(splice("LIMIT ?", number(*pg.limit, pg.limitSlot, pg.at.key("limit"), pg.more, pg.most)))
	case pg.most > 0:
		sel = sel.SuffixExpr(splice("LIMIT ?", number(pg.most, 0, nil, 0, 0)))
	}
	if pg.offset != nil {
		sel = sel.SuffixExpr(splice("OFFSET ?", number(*pg.offset, pg.offsetSlot, pg.at.key("offset"), 0, 0)))
	}
	return sel
}

// checkPage refuses negative numbers.
func (p *planner) checkPage(limit, offset *int64, at Path) {
	if limit != nil && *limit < 0 {
		p.probs.addf(at.key("limit"), nil, "must not be negative")
	}
	if offset != nil && *offset < 0 {
		p.probs.addf(at.key("offset"), nil, "must not be negative")
	}
}
