package builder

import (
	"slices"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// returning is what a write answers: columns of RETURNING and nested levels.
// The statements of the nested levels run after the write, in its transaction,
// and see what it left: rows that a delete has taken along are gone.
type returning struct {
	level    *level // nil: nothing is returned
	children []Child
}

// returns resolves the definition's return_fields. Left out, they are every
// column that the role may read; a role that may read none gets the result only.
func (p *planner) returns() returning {
	d := p.def
	if d.ReturnNone || d.Fields == nil && d.Relations == nil && !p.table.CanSelect {
		return returning{}
	}
	l := newLevel(p, p.scope, 0)
	l.selectAll(d.Fields, d.Relations, p.fieldsAt(), false)
	children := l.children()
	if len(l.out.exprs) == 0 { // RETURNING takes no empty list, as SELECT does
		l.out.add(field{expr: "1", typ: p.schema.types.Type(oidInt4)}, p.table)
	}
	return returning{level: l, children: children}
}

// clause is RETURNING …, or nil.
func (r returning) clause() squirrel.Sqlizer {
	if r.level == nil {
		return nil
	}
	return splice("RETURNING ?", r.level.out.list())
}

// plan is the Plan of a write. unsettled says which columns another run of the
// statement may fill differently; ordered that the rows come in a fixed
// order; the row that a pinned key leaves is in order by itself.
func (p *planner) plan(s squirrel.Sqlizer, r returning, unsettled func(*catalog.Column) bool, ordered bool) *Plan {
	st, err := finish(p.name(), Write, s)
	if err != nil {
		p.fail(err)
		return nil
	}
	plan := &Plan{MaxAffected: -1, Result: r.level == nil}
	if p.def.MaxAffected != nil {
		plan.MaxAffected = *p.def.MaxAffected
	}
	st.Columns, st.Ordered = []Column{}, ordered || p.pinsKey(p.def.Filter)
	if r.level == nil {
		plan.Root = Node{Statement: st}
		return plan
	}
	st.Columns = r.level.out.columns()
	for i, c := range r.level.out.source {
		st.Columns[i].Volatile = c != nil && unsettled(c)
	}
	for _, i := range r.level.out.calls { // a function of the row sees all of it
		st.Columns[i].Volatile = slices.ContainsFunc(p.table.Columns, unsettled)
	}
	plan.Root = r.level.node(st, r.children, 0)
	return plan
}

// unsettled says which columns of a write may get another value when it is run
// again: those that were not given one, where a trigger may fill them or, with
// defaults, where their default is volatile; and those of moments although they were
// given one, where a trigger may set them to that of the change.
func (p *planner) unsettled(given []*catalog.Column, on catalog.Event, defaults bool) func(*catalog.Column) bool {
	t := p.table
	triggers := (t.Triggers.Before|t.Triggers.InsteadOf)&on != 0
	volatile := func(c *catalog.Column) bool {
		if slices.Contains(given, c) {
			return triggers && p.schema.typeOf(c).Base().Kind().Has(codec.KindTimestamp)
		}
		return triggers || defaults && c.VolatileDefault
	}
	return func(c *catalog.Column) bool {
		if c.Generated == 0 {
			return volatile(c)
		}
		// A generated column is as settled as the columns that its expression
		// names. A name may be found by chance inside another: that errs on the
		// side of unsettled.
		return slices.ContainsFunc(t.Columns, func(from *catalog.Column) bool {
			return from != c && volatile(from) && strings.Contains(c.Default, from.Name)
		})
	}
}
