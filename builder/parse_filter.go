package builder

import "slices"

// quantifiers are the words for a condition on a relation.
var quantifiers = map[string]Quant{
	"exists": Exists, "some": Exists, "any": Exists, "none": None, "every": Every, "all": Every,
}

var (
	quantNames = []string{"exists", "none", "every"}
	logicNames = []string{"and", "or", "not"}
	// reserved are the keys of the form with "field" that are no operators.
	reserved = []string{"field", "operator", "value", "path", "type"}
)

// optionalFilter is a filter, or null for none.
func (r *reader) optionalFilter(n int32, at Path) *Filter {
	if r.kind(n) == jsonNull {
		return nil
	}
	return r.filter(n, at)
}

// filter reads one object of conditions, all of which hold. An empty object is
// refused: it would be every row, which is said by leaving the filter out.
// Filters nest no deeper than the scanner allows, so recursion is bounded.
func (r *reader) filter(n int32, at Path) *Filter {
	if r.kind(n) != jsonObject {
		r.wrong(n, at, "an object: a condition")
		return &Filter{Or: []*Filter{}, Place: at}
	}
	if r.has(n, "field") || r.has(n, "operator") {
		return r.fieldForm(n, at)
	}
	var conds []*Filter
	r.each(n, at, "", func(key string, v int32, at Path) {
		if slices.Contains(logicNames, key) {
			conds = append(conds, r.logic(key, v, at, r.filter))
			return
		}
		conds = append(conds, r.conditions(fieldName{name: key, at: at}, v, at))
	})
	return r.conjunction(conds, at, "the condition is empty; leave the filter out to mean every row")
}

// conjunction is all of conds at once; no cond at all is a problem.
func (r *reader) conjunction(conds []*Filter, at Path, empty string) *Filter {
	switch len(conds) {
	case 0:
		r.probs.addf(at, nil, "%s", empty)
		return &Filter{Or: []*Filter{}, Place: at}
	case 1:
		return conds[0]
	}
	return &Filter{And: conds, Place: at}
}

// logic reads the value of and, or, not. sub reads what they consist of.
func (r *reader) logic(word string, n int32, at Path, sub func(int32, Path) *Filter) *Filter {
	f := &Filter{Place: at}
	if word == "not" {
		f.Not = sub(n, at)
		return f
	}
	list := []*Filter{}
	r.list(n, at, "a list of conditions", func(e int32, at Path) { list = append(list, sub(e, at)) })
	if word == "and" {
		f.And = list
	} else {
		f.Or = list
	}
	return f
}

// fieldName is what a field's conditions have in common.
type fieldName struct {
	name   string
	at     Path
	attr   []string // of a composite: the attribute, and of that one the next
	attrAt []Path
	json   []string
	typ    string
}

// attribute is what the conditions on an attribute of f have in common.
func (f fieldName) attribute(name string, at Path) fieldName {
	f.attr, f.attrAt = append(slices.Clip(f.attr), name), append(slices.Clip(f.attrAt), at)
	return f
}

// conditions reads {"gt":1,"lt":9,"not":{"eq":5},"path":["a"]}: all that is
// said of one field.
func (r *reader) conditions(f fieldName, n int32, at Path) *Filter {
	if r.kind(n) != jsonObject {
		hint := ""
		if w := fold(f.name); slices.Contains(logicNames, w) {
			hint = "; did you mean " + quoted(w) + "?"
		}
		r.probs.addf(at, []string{`an object of operators, such as {"eq": …}`}, "%s can't stand here%s", kindWords[r.kind(n)], hint)
		return &Filter{Or: []*Filter{}, Place: at}
	}
	if v, ok := r.find(n, "path"); ok && r.kind(v) != jsonObject {
		f.json = r.path(v, at.key("path"))
	}
	if v, ok := r.find(n, "type"); ok && r.kind(v) != jsonObject {
		f.typ = r.text(v, at.key("type"))
		if f.json == nil {
			r.probs.addf(at.key("type"), nil, "type says how to read a value inside a json column and needs path")
		}
	}
	var conds []*Filter
	r.each(n, at, "", func(key string, v int32, at Path) {
		if key != "path" && key != "type" || r.kind(v) == jsonObject { // attributes may be called so
			conds = append(conds, r.oneCondition(f, key, v, at))
		}
	})
	return r.conjunction(conds, at, "the condition has no operator")
}

// oneCondition reads one key of a field's conditions. A word that is none of the
// grammar's, with an object behind it, is an attribute of a composite.
func (r *reader) oneCondition(f fieldName, key string, n int32, at Path) *Filter {
	switch {
	case slices.Contains(logicNames, key):
		return r.logic(key, n, at, func(n int32, at Path) *Filter { return r.conditions(f, n, at) })
	case key != "" && f.json == nil && quantifiers[key] == 0 && len(operatorIndex[key]) == 0 && r.kind(n) == jsonObject:
		return r.conditions(f.attribute(key, at), n, at)
	}
	return r.operand(f, key, at, n, at)
}

// operand is operator op on field f with the value at n.
func (r *reader) operand(f fieldName, op string, opAt Path, n int32, at Path) *Filter {
	if q, ok := quantifiers[op]; ok && f.attr == nil {
		if f.json != nil {
			r.probs.addf(opAt, nil, "a condition on a relation takes no path")
		}
		out := &Filter{Rel: f.name, Quant: q, Place: f.at}
		if r.kind(n) != jsonObject || r.nodes[n].after > n+1 || q == Every {
			out.Sub = r.filter(n, at)
		}
		return out
	}
	if op == "" {
		r.probs.addf(opAt, nil, "the operator is empty")
	}
	return &Filter{
		Field: f.name, Attr: f.attr, JSON: f.json, Type: f.typ, Op: op, Value: r.raw(n),
		Place: at, fieldAt: f.at, opAt: opAt, valueAt: at, attrAt: f.attrAt,
	}
}

// fieldForm reads {"field":f,"operator":op,"value":v} and {"field":f,"eq":v}.
func (r *reader) fieldForm(n int32, at Path) *Filter {
	bad := &Filter{Or: []*Filter{}, Place: at}
	name, ok := r.find(n, "field")
	if !ok {
		r.probs.addf(at, nil, `"field" is missing`)
		return bad
	}
	f := fieldName{at: at.key("field")}
	if f.name, ok = r.textOK(name, f.at); !ok || f.name == "" {
		if ok {
			r.probs.addf(f.at, nil, "the name is empty")
		}
		return bad
	}
	if v, ok := r.find(n, "path"); ok {
		f.json = r.path(v, at.key("path"))
	}
	if v, ok := r.find(n, "type"); ok {
		f.typ = r.text(v, at.key("type"))
		if f.json == nil {
			r.probs.addf(at.key("type"), nil, "type says how to read a value inside a json column and needs path")
		}
	}
	op, hasOp := r.find(n, "operator")
	value, hasValue := r.find(n, "value")
	var conds []*Filter
	if hasOp || hasValue {
		switch {
		case !hasOp:
			r.probs.addf(at, nil, `"operator" is missing beside "value"`)
		case !hasValue:
			r.probs.addf(at, nil, `"value" is missing beside "operator"`)
		default:
			if word, ok := r.textOK(op, at.key("operator")); ok {
				conds = append(conds, r.operand(f, word, at.key("operator"), value, at.key("value")))
			}
		}
		if len(conds) == 0 {
			conds = append(conds, bad)
		}
	}
	r.each(n, at, "", func(key string, v int32, at Path) {
		switch {
		case slices.Contains(reserved, key):
		case hasOp:
			r.probs.unknown(at, "key beside operator", key, reserved)
		case slices.Contains(logicNames, key):
			conds = append(conds, r.oneCondition(f, key, v, at))
		default: // an attribute is named by path here
			conds = append(conds, r.operand(f, key, at, v, at))
		}
	})
	return r.conjunction(conds, at, "the condition has no operator")
}
