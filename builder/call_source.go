package builder

import "github.com/Masterminds/squirrel"

// source is a call that stands in FROM: the rows of a scope come from it and not
// from the scope's table, which says only what they look like. So no key of the
// table tells them apart, and any column may be NULL.
type source struct {
	callable *Callable
	sql      expression
}

// fromItem is FROM's item as an expression.
func (sc *scope) fromItem() squirrel.Sqlizer {
	if sc.source == nil {
		return expression{sql: sc.from()}
	}
	tail := " AS " + ident(sc.alias)
	if sc.source.callable.columns != "" {
		tail += " (" + sc.source.callable.columns + ")"
	}
	return splice("?"+tail+sc.joined, sc.source.sql)
}

// selectFrom begins a SELECT. squirrel takes no arguments in FROM: it is put
// behind the list, where it is the same text.
func (sc *scope) selectFrom(list squirrel.Sqlizer) squirrel.SelectBuilder {
	if sc.source == nil {
		return squirrel.Select().Column(list).From(sc.from())
	}
	return squirrel.Select().Column(splice("? FROM ?", list, sc.fromItem()))
}

// row is the whole row of the scope, as an argument. The star makes it the row
// also where the table has a column called as the alias is.
func (sc *scope) row() expression { return expression{sql: ident(sc.alias) + ".*"} }

// present is the condition that a function of one row has given one: a NULL row
// is no row. To PostgreSQL a row whose columns are all NULL is a NULL row too.
// Among the rows of a set such a row stays, as an object of nulls.
func (sc *scope) present() squirrel.Sqlizer {
	if sc.source == nil || sc.source.callable.Set || sc.source.callable.Result != RowResult {
		return nil
	}
	return splice("NOT (? IS NULL)", sc.row())
}

// calls resolves Definition.From: the table, and the scope over the call.
func (p *planner) calls() bool {
	d := p.def
	at := p.at("from")
	switch {
	case d.From == nil:
		p.probs.addf(at, nil, "an invocation needs a function")
		return false
	case d.Table != "":
		p.probs.addf(p.at("table"), nil, "the rows come from a function; a table can't be named as well")
		return false
	}
	sc := &scope{schema: p.schema, probs: p.probs, shared: &counters{}}
	sc.alias = sc.nextAlias()
	k, ok := sc.callable(d.From)
	if !ok {
		return false
	}
	p.table, p.scope, p.callable, sc.table = k.Table, sc, k, k.Table
	switch name := quoted(k.Function.Name); {
	case d.Kind != Query && d.Kind != Invoke:
		p.probs.addf(at, nil, "only a query or an invocation takes its rows from a function")
	case d.Kind == Query && k.Effect != Read:
		p.probs.addf(at, nil, "function %s is volatile: it may write, so it is no query", name)
	case d.Kind == Query && k.Result == NoResult:
		p.probs.addf(at, nil, "function %s returns nothing", name)
	default:
		e, ok := sc.call(d.From, k, nil)
		sc.source = &source{k, e}
		return ok
	}
	return false
}

// single says that the rows come from a function that gives one.
func (p *planner) single() bool { return p.callable != nil && !p.callable.Set }

// checkSource refuses what means nothing of a function that gives one row.
func (p *planner) checkSource(l *level) {
	d := p.def
	if p.callable != nil && l != nil {
		p.noCursors(l)
	}
	if !p.single() {
		return
	}
	for _, m := range []struct {
		given bool
		key   string
	}{
		{len(d.Sort) > 0, "sort"},
		{d.Limit != nil || d.Offset != nil, "pagination"},
		{d.Distinct != nil, "distinct"},
		{len(d.Aggregate) > 0, "aggregate"},
		{len(d.GroupBy) > 0, "group_by"},
	} {
		if m.given {
			p.probs.addf(p.at(m.key), []string{"fields", "filters", "relations"}, "the function gives one row at most")
		}
	}
}

// noCursors refuses the cursor of a row that no key tells from others.
func (p *planner) noCursors(l *level) {
	eachMember(l.members, func(m *Member) {
		if m.Cursor != nil {
			p.probs.addf(p.fieldsAt(), nil, "%s: no key tells the rows of a function apart, so there is no cursor", quoted(m.Key))
		}
	})
}

// invoke plans a call that may write. A function stands in FROM, so that it
// runs once and to its end whatever is selected of its rows; a procedure is
// called, and its columns are what they are.
func (p *planner) invoke() *Plan {
	k, d := p.callable, p.def
	if k.Result == NoResult || d.ReturnNone {
		return p.invokeOnly()
	}
	l := newLevel(p, p.scope, 0)
	if k.Function.Procedure {
		for _, c := range k.Table.Columns {
			l.out.add(l.scope.column(c), k.Table)
		}
	}
	l.selectAll(d.Fields, d.Relations, p.fieldsAt(), false)
	p.noCursors(l)
	children := l.children()
	if k.Function.Procedure && len(l.out.cols) > len(k.Table.Columns) {
		p.probs.addf(p.fieldsAt(), nil, "a procedure gives its columns as they are")
	}
	if p.probs.count() > 0 {
		return nil
	}
	call := squirrel.Sqlizer(splice("CALL ?", p.scope.source.sql))
	if !k.Function.Procedure {
		sel := p.scope.selectFrom(l.out.list())
		if w := p.scope.present(); w != nil {
			sel = sel.Where(w)
		}
		call = sel
	}
	st, err := finish(p.name(), Write, call)
	if err != nil {
		p.fail(err)
		return nil
	}
	st.Columns, st.Ordered = l.out.columns(), !k.Set
	for i := range st.Columns { // only the function knows what it makes of a second call
		st.Columns[i].Volatile = k.Effect != Read
	}
	return &Plan{Root: l.node(st, children, 0), Single: !k.Set, MaxAffected: -1}
}

// invokeOnly is an invocation that answers nothing of what comes back.
func (p *planner) invokeOnly() *Plan {
	if len(p.def.Fields) > 0 || len(p.def.Relations) > 0 {
		p.probs.addf(p.fieldsAt(), nil, "the function returns nothing, so nothing can be selected")
	}
	if p.probs.count() > 0 {
		return nil
	}
	call := splice("CALL ?", p.scope.source.sql)
	if !p.callable.Function.Procedure {
		call = splice("SELECT FROM ?", p.scope.fromItem())
	}
	st, err := finish(p.name(), Write, call)
	if err != nil {
		p.fail(err)
		return nil
	}
	st.Columns, st.Ordered = []Column{}, true
	return &Plan{Root: Node{Statement: st}, Result: true, MaxAffected: -1}
}
