package builder

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/codec"
)

// maxFilterDepth bounds the nesting of a filter that Go code has built; the
// parser's own bound on JSON is the same.
const maxFilterDepth = 64

// where is f as a condition in this scope that can stand beside others with
// AND; nil is TRUE. What is not understood
// is a problem and FALSE: even a caller that forgot to look at the problems
// could not be led to more rows by a positive condition. Build returns no
// Statement where there is a problem at all.
func (sc *scope) where(f *Filter) squirrel.Sqlizer {
	if f == nil {
		return always
	}
	return sc.filter(f, 0)
}

func (sc *scope) filter(f *Filter, depth int) squirrel.Sqlizer {
	sc.shared.filters++
	if sc.shared.filters >= sc.schema.opts.MaxFilters {
		if sc.shared.filters == sc.schema.opts.MaxFilters {
			sc.probs.limitf(f.Place, "more than %d conditions; a long list of values is one condition with in", sc.schema.opts.MaxFilters)
		}
		return never
	}
	if depth > maxFilterDepth {
		sc.probs.limitf(f.Place, "conditions are nested deeper than %d levels", maxFilterDepth)
		return never
	}
	if n := f.groups(); n != 1 {
		sc.probs.addf(f.Place, []string{"and", "or", "not", "field", "relation"}, "a condition says exactly one thing; this one says %d", n)
		return never
	}
	switch {
	case f.And != nil:
		return sc.all(f.And, " AND ", always, depth)
	case f.Or != nil:
		return sc.all(f.Or, " OR ", never, depth)
	case f.Not != nil:
		return splice("NOT ?", paren(sc.filter(f.Not, depth+1)))
	case f.Unknown != nil:
		return splice("? IS NULL", paren(sc.filter(f.Unknown, depth+1)))
	case f.Rel != "" || f.Link != nil:
		return sc.related(f, depth)
	}
	return sc.condition(f)
}

// groups counts what f says; 1 in a filter that makes sense.
func (f *Filter) groups() int {
	n := 0
	for _, said := range []bool{f.And != nil, f.Or != nil, f.Not != nil, f.Unknown != nil, f.Field != "", f.Call != nil, f.Rel != "" || f.Link != nil} {
		if said {
			n++
		}
	}
	return n
}

// all joins the conditions of a list by AND or OR; empty is what no condition
// means. A disjunction is always in parentheses, so that whatever a caller puts
// beside a filter with AND can't be widened by it.
func (sc *scope) all(list []*Filter, sep string, empty expression, depth int) squirrel.Sqlizer {
	if len(list) == 0 {
		return empty
	}
	parts := make([]squirrel.Sqlizer, len(list))
	for i, sub := range list {
		if sub == nil {
			sc.probs.addf(nil, nil, "a condition is nil")
			return never
		}
		parts[i] = sc.filter(sub, depth+1)
		if len(list) > 1 && len(sub.Or) < 2 { // not in parentheses yet
			parts[i] = paren(parts[i])
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	if sep == " OR " {
		return paren(join(parts, sep))
	}
	return join(parts, sep)
}

// paren puts a condition in parentheses.
func paren(s squirrel.Sqlizer) expression { return splice("(?)", s) }

// related is a condition on the rows of a related table. "every" holds where
// no related row fails, and a condition that is NULL has failed: hence IS NOT
// TRUE.
func (sc *scope) related(f *Filter, depth int) squirrel.Sqlizer {
	if sc.table == nil {
		sc.probs.addf(f.Place, nil, "a condition on a relation can't stand here")
		return never
	}
	rel, ok := sc.schema.relationOf(sc.table, f.Rel, f.Link, f.Place, sc.probs)
	if !ok {
		return never
	}
	sub := sc.child(rel.target)
	conds := rel.conditions(sub, rel.localIn(sc))
	format := "EXISTS (SELECT 1 FROM "
	switch f.Quant {
	case Exists:
	case None, Every:
		format = "NOT EXISTS (SELECT 1 FROM "
	default:
		sc.probs.addf(f.Place, quantNames, "the condition on the relation has no quantifier")
		return never
	}
	if f.Quant == Every && f.Sub == nil {
		sc.probs.addf(f.Place, nil, "every needs a condition; without one it is true of all rows")
		return never
	}
	if f.Sub != nil {
		cond := paren(sub.filter(f.Sub, depth+1))
		if f.Quant == Every {
			cond = splice("? IS NOT TRUE", cond)
		}
		conds = append(conds, cond)
	}
	if len(conds) == 0 { // a tree joins by what it reads from
		conds = append(conds, always)
	}
	return splice(format+sub.from()+" WHERE ?)", join(conds, " AND "))
}

// opPlace and valuePlace are where the operator and the operand stand.
func (f *Filter) opPlace() Path {
	if f.opAt != nil {
		return f.opAt
	}
	return f.Place
}

func (f *Filter) valuePlace() Path {
	if f.valueAt != nil {
		return f.valueAt
	}
	return f.Place
}

func (f *Filter) fieldPlace() Path {
	if f.fieldAt != nil {
		return f.fieldAt
	}
	return f.Place
}

// condition is one operator on one field.
func (sc *scope) condition(f *Filter) squirrel.Sqlizer {
	if len(f.Value) == 0 || !json.Valid(f.Value) {
		sc.probs.addf(f.valuePlace(), nil, "the operand is missing or not JSON")
		return never
	}
	fl, ok := sc.operand(f.Field, f.Call, f.fieldPlace())
	if !ok {
		return never
	}
	candidates := operatorIndex[f.Op]
	fl, path, ok := sc.attributes(fl, f)
	switch {
	case !ok:
		return never
	case path != nil:
		if fl, ok = sc.jsonOperand(fl, path, f, candidates); !ok {
			return never
		}
	case f.Type != "":
		sc.probs.addf(f.Place, nil, "type says how to read a value inside a json column and needs path")
		return never
	}
	op := sc.operator(f, fl, candidates)
	if op == nil {
		return never
	}
	sc.use(fl, UseFilter, op.Name)
	return sc.apply(op, fl, f.Value, f.Slot, f.valuePlace())
}

// operator picks the row of the table for the field's type.
func (sc *scope) operator(f *Filter, fl field, candidates []*Operator) *Operator {
	for _, op := range candidates {
		if op.Takes(fl.typ) && sc.installed(op) {
			return op
		}
	}
	names := OperatorsFor(fl.typ, sc.hasExtension)
	switch {
	case len(candidates) == 0 && f.JSON == nil && slices.Contains(sc.attributeNames(fl.typ), f.Op):
		sc.probs.addf(f.opPlace(), nil, `%s is an attribute; say {%s: {%[1]s: {"eq": …}}}`, quoted(f.Op), quoted(f.Field))
		return nil
	case len(candidates) == 0:
		sc.probs.unknown(f.opPlace(), "operator", f.Op, names)
		return nil
	}
	hint := ""
	if fl.typ.Kind() == codec.KindLTree {
		hint = " (an ltree is matched by matches_lquery)"
	}
	sc.probs.addf(f.opPlace(), names, "operator %s does not take the type %s of field %s%s", quoted(f.Op), typeLabel(fl.typ), f.label(), hint)
	return nil
}

// installed says whether the extension that op needs is there.
func (sc *scope) installed(op *Operator) bool {
	return op.Extension == "" || sc.hasExtension(op.Extension)
}

func (sc *scope) hasExtension(name string) bool {
	_, ok := sc.schema.cat.Extension(name)
	return ok
}

// typeLabel names a type for a message: text, int4[], mood.
func typeLabel(t *codec.Type) string {
	if t.Base().Kind() == codec.KindArray && t.Base().Elem() != nil {
		return typeLabel(t.Base().Elem()) + "[]"
	}
	if t.Name() == "" {
		return "unknown"
	}
	return t.Name()
}

// apply is op on fl with the operand raw, which stands at at and comes from slot.
func (sc *scope) apply(op *Operator, fl field, raw json.RawMessage, slot Slot, at Path) squirrel.Sqlizer {
	raw = trimSpace(raw)
	if string(raw) == "null" {
		switch op.Name {
		case "eq", "is_not_distinct_from":
			return splice("? IS NULL", fl.sql())
		case "neq", "is_distinct_from":
			return splice("? IS NOT NULL", fl.sql())
		}
		sc.probs.addf(at, nil, "operator %s takes no null; is_null finds NULL", quoted(op.Name))
		return never
	}
	x := fl.sql()
	if fl.typ.Kind() == codec.KindJSON && op.Family == "jsonb" {
		x = splice("(?)::jsonb", x)
		fl.typ, fl.cast = sc.schema.types.Type(oidJSONB), "jsonb"
	}
	before := sc.probs.count()
	o := &operandReader{sc: sc, op: op, field: fl, slot: slot, parts: map[string]expression{"x": splice("?", x)}}
	o.read(raw, at)
	if sc.probs.count() != before {
		return never
	}
	if o.constant != nil {
		return *o.constant
	}
	cond := expand(sc.template(op, fl.typ), o.parts)
	if o.negated {
		return splice("NOT (?)", cond)
	}
	return cond
}

// expand puts parts in place of the names in braces; a question mark of the
// template is an operator of PostgreSQL, and a brace without a known name
// stands for itself ('{10.0.0.0/8}').
func expand(template string, parts map[string]expression) expression {
	var sql strings.Builder
	var args []any
	for template != "" {
		i := strings.IndexByte(template, '{')
		if i < 0 {
			sql.WriteString(sqlText(template))
			break
		}
		name, rest, _ := strings.Cut(template[i+1:], "}")
		part, ok := parts[name]
		if !ok {
			sql.WriteString(sqlText(template[:i+1]))
			template = template[i+1:]
			continue
		}
		sql.WriteString(sqlText(template[:i]))
		sql.WriteString(part.sql)
		args = append(args, part.args...)
		template = rest
	}
	return expression{sql.String(), args}
}

// trimSpace removes the white space that JSON allows around a value.
func trimSpace(raw json.RawMessage) json.RawMessage {
	return json.RawMessage(strings.Trim(string(raw), " \t\r\n"))
}
