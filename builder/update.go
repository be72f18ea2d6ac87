package builder

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// update plans an update.
func (p *planner) update() *Plan {
	d := p.def
	p.guard()
	upd := squirrel.Update(p.scope.from())
	var set []*catalog.Column
	switch {
	case len(d.Input) != 1 || d.InputIsList:
		p.probs.addf(p.at("input"), nil, "an update takes one object")
	case len(d.Input[0].Sets) == 0:
		p.probs.addf(p.at("input"), p.writable(catalog.OnUpdate), "sets nothing")
	default:
		for i := range d.Input[0].Sets {
			s := &d.Input[0].Sets[i]
			c, ok := p.target(s.Field, s.Place, catalog.OnUpdate)
			if !ok {
				continue
			}
			if slices.Contains(set, c) {
				p.probs.addf(s.Place, nil, "column %s is set at %s already", quoted(s.Field), p.place(d.Input[0].Sets[:i], c))
				continue
			}
			set = append(set, c)
			if v := p.setValue(c, s); v != nil {
				upd = upd.Set(sqlText(c.SQLName()), v)
			}
		}
	}
	if w := condition(p.scope, d.Filter); w != nil {
		upd = upd.Where(w)
	}
	r := p.returns()
	if p.probs.count() > 0 {
		return nil
	}
	if c := r.clause(); c != nil {
		upd = upd.SuffixExpr(c)
	}
	settled := set
	for i := range d.Input[0].Sets {
		if d.Input[0].Sets[i].Op == "default" {
			settled = slices.DeleteFunc(slices.Clone(settled), func(c *catalog.Column) bool { return c == set[i] })
		}
	}
	plan := p.plan(upd, r, p.resettled(set, settled), false)
	return p.pin(plan)
}

// resettled says which columns of an update may differ when it is run again:
// those set to a volatile default, and all that were not set where a trigger
// may change them.
func (p *planner) resettled(set, settled []*catalog.Column) func(*catalog.Column) bool {
	triggers := p.unsettled(settled, catalog.OnUpdate, false)
	return func(c *catalog.Column) bool {
		return triggers(c) || slices.Contains(set, c) && !slices.Contains(settled, c) && c.VolatileDefault
	}
}

// pin says in plan whether the filter pins a unique key.
func (p *planner) pin(plan *Plan) *Plan {
	if plan != nil {
		plan.UniqueKey = p.pinsKey(p.def.Filter)
		plan.AtMostOne = plan.UniqueKey && !p.table.Inherited &&
			(p.table.Kind == catalog.OrdinaryTable || p.table.Kind == catalog.PartitionedTable)
		plan.Single = plan.UniqueKey && !plan.Result
	}
	return plan
}

// opsFor are the operations of an update by the kind of column, in the order of
// the reference.
func opsFor(k codec.Kind) []string {
	ops := []string{}
	switch {
	case k.Has(incrementKinds):
		ops = append(ops, "increment")
	case k == codec.KindArray:
		ops = append(ops, "append", "prepend", "remove")
	case k == codec.KindJSONB:
		ops = append(ops, "append", "prepend", "remove", "set_path", "delete_path")
	}
	return append(ops, "default")
}

const incrementKinds = numberKinds | codec.KindMoney | codec.KindInterval

// setValue is the new value of a column, or nil with a problem.
func (p *planner) setValue(c *catalog.Column, s *Set) squirrel.Sqlizer {
	f := p.scope.column(c)
	kind := f.typ.Kind()
	if s.Op != "" && !slices.Contains(opsFor(kind), s.Op) {
		p.probs.addf(s.Place, opsFor(kind), "%s can't be used on %s: its type is %s", quoted(s.Op), quoted(s.Field), typeLabel(f.typ))
		return nil
	}
	p.scope.useWrite(f, s.Value)
	switch {
	case s.Op == "":
		return p.scope.bindSlot(f, s.Value, s.Slot, s.Place)
	case s.Op == "increment" && !isNull(s.Value):
		at := s.Place.key(s.Op)
		return splice("? + ?", f.sql(), p.scope.bindSlot(f, s.Value, s.Slot, at))
	}
	p.scope.fix(s.Slot)
	switch s.Op {
	case "default":
		return expression{sql: "DEFAULT"}
	case "delete_path", "set_path":
		return p.setPath(f, s)
	}
	if isNull(s.Value) {
		p.probs.addf(s.Place.key(s.Op), nil, "%s needs a value", s.Op)
		return nil
	}
	if kind == codec.KindArray {
		return p.setArray(f, s)
	}
	return p.setJSON(f, s)
}

// setArray appends, prepends or removes: one element, or for the first two a
// list of them.
func (p *planner) setArray(f field, s *Set) squirrel.Sqlizer {
	at := s.Place.key(s.Op)
	list := bytes.HasPrefix(bytes.TrimSpace(s.Value), []byte("["))
	elem := f.typ.Base().Elem()
	if elem == nil {
		p.probs.addf(at, nil, "type %s has no elements", typeLabel(f.typ))
		return nil
	}
	one := field{typ: elem, cast: castName(elem)}
	switch {
	case s.Op == "remove" && list:
		p.probs.addf(at, nil, "remove takes one element")
		return nil
	case s.Op == "remove" && !p.sortable(elem):
		p.probs.addf(at, nil, "remove needs equality, which type %s has not", typeLabel(elem))
		return nil
	case s.Op == "remove":
		return splice("array_remove(?, ?)", f.sql(), p.scope.bind(one, s.Value, at))
	case list && s.Op == "append":
		return splice("array_cat(?, ?)", f.sql(), p.scope.bind(f, s.Value, at))
	case list:
		return splice("array_cat(?, ?)", p.scope.bind(f, s.Value, at), f.sql())
	case s.Op == "append":
		return splice("array_append(?, ?)", f.sql(), p.scope.bind(one, s.Value, at))
	}
	return splice("array_prepend(?, ?)", p.scope.bind(one, s.Value, at), f.sql())
}

// setJSON changes a jsonb column as a whole: append and prepend join lists,
// merge objects (the later one wins) and make lists of other values; remove
// takes away keys or a list's element. A NULL column counts as absent: it
// becomes the value, or stays NULL.
func (p *planner) setJSON(f field, s *Set) squirrel.Sqlizer {
	at := s.Place.key(s.Op)
	switch s.Op {
	case "append":
		v := p.scope.bind(f, s.Value, at)
		return splice("coalesce(? || ?, ?)", f.sql(), v, v)
	case "prepend":
		v := p.scope.bind(f, s.Value, at)
		return splice("coalesce(? || ?, ?)", v, f.sql(), v)
	}
	var one string
	var several []string
	var index int32
	switch {
	case json.Unmarshal(s.Value, &one) == nil:
		return splice("? - ?", f.sql(), arg(one, "text"))
	case json.Unmarshal(s.Value, &index) == nil:
		return splice("? - ?", f.sql(), arg(itoa(int(index)), "int4"))
	case json.Unmarshal(s.Value, &several) == nil && !hasNull(s.Value):
		return splice("? - ?", f.sql(), textArray(several))
	}
	p.probs.addf(at, []string{"a key", "a list of keys", "an index"}, "can't be removed")
	return nil
}

// setPath sets or deletes the value at a path inside a jsonb column. Setting
// makes the last key of the path, not those before it: see jsonb_set.
func (p *planner) setPath(f field, s *Set) squirrel.Sqlizer {
	if len(s.Path) == 0 {
		p.probs.addf(s.Place.key(s.Op), nil, "needs a path: a list of keys and list positions")
		return nil
	}
	if s.Op == "delete_path" {
		return splice("? #- ?", f.sql(), textArray(s.Path))
	}
	if len(s.Value) == 0 {
		p.probs.addf(s.Place.key(s.Op), nil, "needs a value")
		return nil
	}
	value := squirrel.Sqlizer(arg("null", "jsonb")) // a JSON null, not an absent value
	if !isNull(s.Value) {
		value = p.scope.bind(f, s.Value, s.Place.key(s.Op).key("value"))
	}
	return splice("jsonb_set(coalesce(?, '{}'::jsonb), ?, ?)", f.sql(), textArray(s.Path), value)
}

// textArray is list as one text[] argument.
func textArray(list []string) squirrel.Sqlizer {
	elems := make([]any, len(list))
	for i, s := range list {
		elems[i] = s
	}
	text, _ := arrayLiteral(elems, ',') // strings are what it takes
	return arg(text, "text[]")
}

// hasNull says whether a JSON list has a null in it.
func hasNull(raw json.RawMessage) bool {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return false
	}
	return slices.ContainsFunc(list, isNull)
}
