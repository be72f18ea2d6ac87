package builder

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// truth is what is known of a condition without looking at a row.
type truth int8

const (
	sometimes truth = iota
	everyRow
	noRow
)

func (t truth) not() truth {
	switch t {
	case everyRow:
		return noRow
	case noRow:
		return everyRow
	default:
		return sometimes
	}
}

// guard refuses an update or delete that would touch every row unless all_rows
// says so, and all_rows beside a filter that says otherwise: one of the two is
// then a mistake, and the wrong guess costs a table.
func (p *planner) guard() {
	all := p.truthOf(p.table, p.def.Filter) == everyRow
	switch {
	case all && !p.def.AllRows && p.def.Filter == nil:
		p.probs.addf(p.at("filters"), nil, `without filters every row would change; say "all_rows": true if that is meant`)
	case all && !p.def.AllRows:
		p.probs.addf(p.at("filters"), nil, `the filter is true for every row; say "all_rows": true if that is meant`)
	case !all && p.def.AllRows:
		p.probs.addf(p.at("all_rows"), nil, "all_rows and a filter that selects rows contradict each other; leave one out")
	}
}

// truthOf is the truth of f over rows of t (nil: not known). It finds what is
// decided by the shape of the tree and by columns that are never NULL; a
// condition that happens to hold for all data of today is not its business.
func (p *planner) truthOf(t *catalog.Table, f *Filter) truth {
	switch {
	case f == nil:
		return everyRow
	case f.And != nil:
		return p.truthOfList(t, f.And, noRow)
	case f.Or != nil:
		return p.truthOfList(t, f.Or, everyRow)
	case f.Not != nil:
		return p.truthOf(t, f.Not).not()
	case f.Unknown != nil:
		return sometimes
	case f.Rel != "" || f.Link != nil:
		return p.truthOfRelation(t, f)
	case f.Call != nil:
		return truthOfField(nil, f)
	case f.Field != "":
		if matchesAllKnows(operatorName(f.Op)) {
			p.scope.fix(f.Slot) // whether a pattern fits every text depends on it
		}
		return truthOfField(t, f)
	}
	return everyRow // an empty object
}

// truthOfList combines a list: one stop decides it; all of the opposite decide
// it the other way. An empty "and" is true, an empty "or" is false.
func (p *planner) truthOfList(t *catalog.Table, list []*Filter, stop truth) truth {
	result := stop.not()
	for _, f := range list {
		switch p.truthOf(t, f) {
		case stop:
			return stop
		case sometimes:
			result = sometimes
		default: // the opposite: the others decide
		}
	}
	return result
}

func (p *planner) truthOfRelation(t *catalog.Table, f *Filter) truth {
	var target *catalog.Table
	if t != nil {
		// Problems of the name are reported where the condition is made.
		if rel, ok := p.schema.relationOf(t, f.Rel, f.Link, f.Place, &problems{}); ok {
			target = rel.target
		}
	}
	sub := p.truthOf(target, f.Sub)
	switch {
	case f.Quant == Every && sub == everyRow, f.Quant == None && sub == noRow:
		return everyRow
	case f.Quant == Exists && sub == noRow:
		return noRow
	}
	return sometimes
}

// truthOfField knows the conditions whose operand alone decides them.
func truthOfField(t *catalog.Table, f *Filter) truth {
	op := operatorName(f.Op)
	if (op == "in" || op == "nin") && emptyList(f.Value) {
		if op == "in" {
			return noRow
		}
		return everyRow
	}
	if len(f.JSON) > 0 || len(f.Attr) > 0 || t == nil {
		return sometimes
	}
	c, ok := t.Column(f.Field)
	if !ok || !c.NotNull {
		return sometimes
	}
	// From here on the column is never NULL.
	opposite := false
	switch op {
	case "is_null":
		return flagTruth(f.Value).not()
	case "is_not_null":
		return flagTruth(f.Value)
	case "eq", "is_not_distinct_from":
		if isNull(f.Value) {
			return noRow
		}
	case "neq", "is_distinct_from":
		if isNull(f.Value) {
			return everyRow
		}
	}
	if positive, ok := strings.CutPrefix(op, "n"); ok && slices.Contains(allMatchers, positive) {
		op, opposite = positive, true
	}
	switch {
	case !slices.Contains(allMatchers, op) || !matchesAll(op, f.Value):
	case opposite:
		return noRow
	default:
		return everyRow
	}
	return sometimes
}

// flagTruth is the truth of a flag operand; a null flag counts as true.
func flagTruth(raw json.RawMessage) truth {
	if strings.TrimSpace(string(raw)) == "false" {
		return noRow
	}
	return everyRow
}

func emptyObject(raw json.RawMessage) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(raw, &members) == nil && members != nil && len(members) == 0
}

func emptyList(raw json.RawMessage) bool {
	var list []json.RawMessage
	return json.Unmarshal(raw, &list) == nil && list != nil && len(list) == 0
}

// allMatchers are the operators of which matchesAll knows; most have a negation that
// begins with n.
var allMatchers = []string{
	"like", "ilike", "similar", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex", "has_all_keys",
}

// matchesAllKnows says whether matchesAll looks at the operand of op.
func matchesAllKnows(op string) bool {
	return slices.Contains(allMatchers, op) || slices.Contains(allMatchers, strings.TrimPrefix(op, "n"))
}

// matchesAll says whether a pattern fits every text, or a value is in every array or
// document.
func matchesAll(op string, raw json.RawMessage) bool {
	switch op {
	case "has_all_keys":
		return emptyList(raw)
	case "contains":
		if emptyList(raw) || emptyObject(raw) {
			return true
		}
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return false
	}
	switch op {
	case "like", "ilike", "similar":
		return *s != "" && strings.Trim(*s, "%") == ""
	case "regex", "iregex":
		return slices.Contains([]string{"", ".*", "^", "$", "^.*$", "^.*", ".*$"}, *s)
	}
	return *s == ""
}

// operatorName is the canonical name of an operator as written, or "".
func operatorName(spelling string) string {
	if ops := operatorIndex[spelling]; len(ops) > 0 {
		return ops[0].Name
	}
	return ""
}

// pinsKey says whether f holds for at most one row because it compares all
// columns of a unique key by eq: {"id":{"eq":7}}, also inside and.
func (p *planner) pinsKey(f *Filter) bool {
	if p.scope.source != nil {
		return false // no key holds for what a function returns
	}
	pinned := map[*catalog.Column]bool{}
	p.pinned(f, pinned)
	all := func(columns []*catalog.Column) bool {
		return !slices.ContainsFunc(columns, func(c *catalog.Column) bool { return !pinned[c] })
	}
	for k := range p.table.Keys() {
		if all(k.Columns) {
			return true
		}
	}
	return len(p.def.Key) > 0 && all(p.def.Key)
}

func (p *planner) pinned(f *Filter, into map[*catalog.Column]bool) {
	switch {
	case f == nil:
	case f.And != nil:
		for _, sub := range f.And {
			p.pinned(sub, into)
		}
	case f.Field != "" && len(f.JSON) == 0 && len(f.Attr) == 0 && operatorName(f.Op) == "eq" && !isNull(f.Value):
		if c, ok := p.table.Column(f.Field); ok {
			into[c] = true
		}
	}
}
