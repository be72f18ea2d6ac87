package builder

import (
	"errors"
	"fmt"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// Build turns a Definition into a Plan: it checks every name, operator and
// value against the Schema and makes the statements. It does no I/O, the same
// definition gives the same SQL, and def is not changed.
//
// The error is a Problems that lists everything that is wrong (code
// BAD_USER_INPUT). Nothing that is not understood is ever left out silently.
func Build(sch *Schema, def *Definition) (*Plan, error) {
	if sch == nil || def == nil {
		return nil, errors.New("build plan: the schema and the definition must not be nil")
	}
	p := &planner{schema: sch, def: def, probs: &problems{}}
	plan, err := p.build()
	if bad := p.probs.err(); bad != nil {
		return nil, bad
	}
	if err != nil {
		return nil, fmt.Errorf("build plan: %w", err)
	}
	plan.catalog = sch.cat
	return plan, nil
}

// planner is the making of one Plan. Problems are collected; err is for what
// the request can't be blamed for.
type planner struct {
	schema *Schema
	def    *Definition
	probs  *problems
	table  *catalog.Table
	scope  *scope
	// callable is the function that the rows come from, or nil.
	callable *Callable
	// marks says that an update on conflict is to leave a mark for each row.
	marks bool
	err   error
}

func (p *planner) build() (*Plan, error) {
	def := p.def
	if def.Kind < Query || def.Kind > Invoke {
		p.probs.addf(p.at("operation"), []string{"query", "mutation"}, "unknown operation")
		return nil, nil
	}
	switch t, err := p.schema.cat.Table(def.Table); {
	case def.From != nil || def.Kind == Invoke:
		if !p.calls() {
			return nil, nil
		}
	case err != nil:
		p.probs.addf(p.at("table"), nil, "unknown table %s", quoted(def.Table))
		return nil, nil //nolint:nilerr // it stands among the problems
	default:
		p.table = t
		p.scope = newScope(p.schema, t, p.probs)
	}
	if !p.permitted() {
		return nil, nil
	}
	p.checkMembers()
	var plan *Plan
	switch {
	case def.Kind == Insert:
		plan = p.insert()
	case def.Kind == Update:
		plan = p.update()
	case def.Kind == Delete:
		plan = p.delete()
	case def.Kind == Invoke:
		plan = p.invoke()
	case len(def.Aggregate) > 0 || len(def.GroupBy) > 0:
		plan = p.aggregate()
	default:
		plan = p.query()
	}
	if plan != nil {
		plan.Kind = def.Kind
		if def.Bare {
			p.bare(&plan.Root, p.fieldsAt())
		}
		plan.fixed = p.scope.shared.fixed
		plan.bound = plan.Root.bound()
		plan.Root.Statement.Uses = p.scope.shared.uses
	}
	return plan, p.err
}

// bare makes the rows of n values.
func (p *planner) bare(n *Node, at Path) {
	if len(n.Members) != 1 || n.Members[0].Object != nil || n.Members[0].Literal != nil {
		p.probs.addf(at, nil, "a row that is a value has one field")
		return
	}
	n.Bare = true
}

// at is the path of a member of the definition.
func (p *planner) at(keys ...string) Path {
	path := p.def.Path
	for _, k := range keys {
		path = path.key(k)
	}
	return path
}

// permitted says whether the relation takes such statements from the role.
func (p *planner) permitted() bool {
	t, ok, verb := p.table, true, ""
	switch p.def.Kind {
	case Query:
		ok, verb = t.CanSelect, "read"
	case Insert:
		ok, verb = t.Insertable && t.CanInsert, "inserted into"
	case Update:
		ok, verb = t.Updatable && t.CanUpdate, "updated"
	case Delete:
		ok, verb = t.Deletable && t.CanDelete, "deleted from"
	case Invoke: // whether the function may be called the catalog has said
	}
	if !ok {
		p.probs.addf(p.at("table"), nil, "%s %s can't be %s", t.Kind, quoted(p.def.Table), verb)
	}
	return ok
}

// checkMembers refuses members that the kind of definition does not take. A
// Definition made by Go code meets the same strictness as JSON does.
func (p *planner) checkMembers() {
	d := p.def
	write, query := d.Kind != Query, d.Kind == Query
	for _, m := range []struct {
		given bool
		at    Path
		why   string
	}{
		{query && len(d.Input) > 0, p.at("input"), "a query takes no input"},
		{query && d.ReturnNone, p.at("return_fields"), "a query takes fields, not return_fields"},
		{query && d.AllRows, p.at("all_rows"), "all_rows is for updates and deletes"},
		{query && d.MaxAffected != nil, p.at("max_affected"), "a query affects no row"},
		{d.Kind == Insert && d.AllRows, p.at("all_rows"), "all_rows is for updates and deletes"},
		{d.Kind == Insert && d.Filter != nil, p.at("filters"), "an insert takes no filters; on_conflict has a filter of its own"},
		{d.Kind == Delete && len(d.Input) > 0, p.at("input"), "a delete takes no input"},
		{d.Kind != Insert && d.OnConflict != nil, p.at("on_conflict"), "on_conflict is for inserts"},
		{write && len(d.Sort) > 0, p.at("sort"), "a mutation takes no sort"},
		{write && (d.Limit != nil || d.Offset != nil), p.at("pagination"), "a mutation takes no pagination; max_affected bounds it"},
		{write && (d.After != nil || d.Before != nil), p.at("pagination"), "a mutation takes no cursor"},
		{write && d.Distinct != nil, p.at("distinct"), "a mutation takes no distinct"},
		{write && len(d.Aggregate) > 0, p.at("aggregate"), "a mutation takes no aggregate"},
		{write && len(d.GroupBy) > 0, p.at("group_by"), "a mutation takes no group_by"},
		{write && d.Having != nil, p.at("having"), "a mutation takes no having"},
		{query && d.Having != nil && len(d.Aggregate) == 0 && len(d.GroupBy) == 0, p.at("having"), "having needs aggregate or group_by"},
		{d.Kind == Invoke && len(d.Input) > 0, p.at("input"), "a function takes arguments, not input"},
		{d.Kind == Invoke && d.Filter != nil, p.at("filters"), "an invocation takes no filters: the function has run before they could be looked at"},
		{d.Kind == Invoke && (d.AllRows || d.MaxAffected != nil), p.at("max_affected"), "what a function writes can't be counted"},
		{d.ReturnNone && (len(d.Fields) > 0 || len(d.Relations) > 0), p.at("return_fields"), "nothing is returned, so nothing can be selected"},
	} {
		if m.given {
			p.probs.addf(m.at, nil, "%s", m.why)
		}
	}
	if d.MaxAffected != nil && *d.MaxAffected < 0 {
		p.probs.addf(p.at("max_affected"), nil, "must not be negative")
	}
}

// fieldsAt is where the selected fields stand.
func (p *planner) fieldsAt() Path {
	if p.def.Kind == Query {
		return p.at("fields")
	}
	return p.at("return_fields")
}

// name labels the definition's statements.
func (p *planner) name() string {
	var verb string
	switch p.def.Kind {
	case Insert:
		verb = "insert "
	case Update:
		verb = "update "
	case Delete:
		verb = "delete "
	case Invoke:
		verb = "invoke "
	default:
		verb = "query "
	}
	if p.callable != nil {
		return verb + p.callable.Function.Name
	}
	return verb + p.table.Name
}

// fail keeps the first error that the request can't be blamed for.
func (p *planner) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}
