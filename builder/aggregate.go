package builder

import (
	"slices"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// OIDs beside those of filter_operand.go (PostgreSQL's pg_type.dat; they never
// change).
const (
	oidChar    = 18
	oidName    = 19
	oidInt2    = 21
	oidOID     = 26
	oidCidr    = 650
	oidFloat4  = 700
	oidVarchar = 1043
	oidXID8    = 5069
)

// aggregates is the table of aggregate functions: which types each takes, and
// what comes out, as pg_proc has it. result is nil where the type stays.
var aggregates = map[string]struct {
	takes  codec.Kind
	result func(oid uint32) uint32
}{
	"count":       {anyKind, constant(oidInt8)},
	"sum":         {numberKinds | codec.KindMoney | codec.KindInterval, sumType},
	"avg":         {numberKinds | codec.KindInterval, averageType},
	"min":         {extremeKinds, extremeType},
	"max":         {extremeKinds, extremeType},
	"stddev":      {numberKinds, spreadType},
	"stddev_pop":  {numberKinds, spreadType},
	"stddev_samp": {numberKinds, spreadType},
	"variance":    {numberKinds, spreadType},
	"var_pop":     {numberKinds, spreadType},
	"var_samp":    {numberKinds, spreadType},
	"bool_and":    {codec.KindBool, constant(oidBool)},
	"bool_or":     {codec.KindBool, constant(oidBool)},
	"bit_and":     {codec.KindInt, nil},
	"bit_or":      {codec.KindInt, nil},
	"array_agg":   {anyKind &^ codec.KindArray, nil}, // see arrayOf
}

const (
	numberKinds  = codec.KindInt | codec.KindFloat | codec.KindNumeric
	extremeKinds = numberKinds | codec.KindMoney | codec.KindText | codec.KindDate | codec.KindTime | codec.KindTimestamp |
		codec.KindInterval | codec.KindEnum | codec.KindArray | codec.KindInet | codec.KindLSN | codec.KindOID
)

func constant(oid uint32) func(uint32) uint32 { return func(uint32) uint32 { return oid } }

func sumType(oid uint32) uint32 {
	switch oid {
	case oidInt2, oidInt4:
		return oidInt8
	case oidInt8:
		return oidNumeric
	}
	return oid
}

func averageType(oid uint32) uint32 {
	switch oid {
	case oidInt2, oidInt4, oidInt8:
		return oidNumeric
	case oidFloat4:
		return oidFloat8
	}
	return oid
}

// spreadType is the result of the statistical aggregates.
func spreadType(oid uint32) uint32 {
	if oid == oidFloat4 || oid == oidFloat8 {
		return oidFloat8
	}
	return oidNumeric
}

// extremeType is the result of min and max: types without a function of their
// own are taken by that of the type that they convert to.
func extremeType(oid uint32) uint32 {
	switch oid {
	case oidVarchar, oidName, oidChar:
		return oidText
	case oidCidr:
		return oidInet
	}
	return oid
}

// truncUnits are the units of date_trunc, finest first.
var truncUnits = []string{
	"microseconds", "milliseconds", "second", "minute", "hour",
	"day", "week", "month", "quarter", "year", "decade", "century", "millennium",
}

// aggregate plans a definition with aggregate or group_by. Without group_by
// there is one row, also over no rows.
func (p *planner) aggregate() *Plan {
	d := p.def
	p.checkAggregate()
	l := newLevel(p, p.scope, 0)
	groups := make([]string, 0, len(d.GroupBy))
	outputs := map[string]field{} // by output key, for sort and having
	spellings := map[string]string{}
	for i := range d.GroupBy {
		g := &d.GroupBy[i]
		f, key, ok := p.groupKey(g)
		if ok {
			groups = append(groups, sortKey{output: len(l.out.exprs) + 1}.sql().sql)
			p.addOutput(l, outputs, f, key, g.Place)
			if g.As == "" { // either spelling of a column's name will do
				spellings[f.col.Name] = key
			}
		}
	}
	for i := range d.Aggregate {
		a := &d.Aggregate[i]
		if f, key, ok := p.aggregateOf(a); ok {
			p.addOutput(l, outputs, f, key, a.Place)
		}
	}
	for name, key := range spellings {
		if _, taken := outputs[name]; !taken {
			outputs[name] = outputs[key]
		}
	}
	where := condition(p.scope, d.Filter)
	p.checkSource(nil)
	over := &scope{schema: p.schema, virtual: outputs, probs: p.probs, shared: p.scope.shared, alias: p.scope.alias}
	having := condition(over, d.Having)
	keys := p.sortGroups(l, over, len(groups))
	p.checkPage(d.Limit, d.Offset, p.at("pagination"))
	if p.probs.count() > 0 {
		return nil
	}
	sel := p.scope.selectFrom(l.out.list()).GroupBy(groups...)
	if where != nil {
		sel = sel.Where(where)
	}
	if having != nil {
		// Outputs have names here, so that the condition needs neither their
		// text nor their arguments again. PostgreSQL pushes it down to HAVING,
		// and a condition on keys further to WHERE.
		sel = squirrel.Select().Column(join(l.out.from(groupAlias), ", ")).FromSelect(sel, ident("g")).Where(having)
	}
	if len(keys) > 0 {
		sel = sel.OrderByClause(orderBy(keys))
	}
	return p.aggregatePlan(l, sel, keys, len(groups))
}

// groupAlias is the subquery that HAVING looks at.
const groupAlias = `"g".`

func (p *planner) aggregatePlan(l *level, sel squirrel.SelectBuilder, keys []sortKey, groups int) *Plan {
	most := p.schema.opts.MaxRows
	st, err := finish(strings.Replace(p.name(), "query", "aggregate", 1), Read, p.page().of(sel))
	if err != nil {
		p.fail(err)
		return nil
	}
	st.Columns = l.out.columns()
	sorted := 0
	for _, k := range keys {
		if k.output <= groups {
			sorted++
		}
	}
	st.Ordered = sorted == groups // no group_by: one row
	if p.def.Shape != nil {
		l.members = p.shaped(l.members, p.def.Shape)
		if p.probs.count() > 0 {
			return nil
		}
	}
	return &Plan{Root: l.node(st, nil, 0), MaxAffected: -1, MaxRows: most, Single: p.def.One, limitSlot: p.def.LimitSlot}
}

// shaped arranges the outputs as the definition's Shape says, each by its key.
func (p *planner) shaped(outputs []Member, shape []Field) []Member {
	list := make([]Member, 0, len(shape))
	for i := range shape {
		d := &shape[i]
		switch {
		case d.Literal != nil:
			list = append(list, Member{Key: d.As, Column: -1, Child: -1, Literal: d.Literal})
			continue
		case d.Object != nil:
			list = append(list, Member{Key: d.As, Column: -1, Child: -1, Object: p.shaped(outputs, d.Object)})
			continue
		}
		n := slices.IndexFunc(outputs, func(m Member) bool { return m.Key == d.Name })
		if n < 0 {
			p.probs.addf(d.Place, nil, "%s is no output of the aggregate", quoted(d.Name))
			continue
		}
		m := outputs[n]
		if d.As != "" {
			m.Key = d.As
		}
		m.Labels = d.Labels
		list = append(list, m)
	}
	return list
}

// addOutput selects f under key.
func (p *planner) addOutput(l *level, outputs map[string]field, f field, key string, at Path) {
	if !l.free(key, at, "as") {
		return
	}
	i := len(l.out.exprs)
	l.out.plain = nil // each output is a column of its own: two may be alike
	l.out.add(field{expr: f.expr, args: f.args, typ: f.typ}, p.table)
	l.members = append(l.members, Member{Key: key, Column: i, Child: -1})
	outputs[key] = field{expr: groupAlias + ident(l.out.cols[i].Name), typ: f.typ, cast: castName(f.typ)}
}

// checkAggregate refuses what has no meaning beside aggregates.
func (p *planner) checkAggregate() {
	d := p.def
	for _, m := range []struct {
		given bool
		key   string
		why   string
	}{
		{d.Fields != nil, "fields", "an aggregate answers group_by and aggregate keys; put fields into group_by"},
		{len(d.Relations) > 0, "relations", "an aggregate has no rows to nest relations in"},
		{d.Distinct != nil, "distinct", "groups are distinct already; an aggregate has a distinct of its own"},
		{d.After != nil || d.Before != nil, "pagination", "an aggregate is paged by limit and offset"},
	} {
		if m.given {
			p.probs.addf(p.at(m.key), nil, "%s", m.why)
		}
	}
}

// groupKey resolves one grouping key.
func (p *planner) groupKey(g *GroupBy) (f field, key string, ok bool) {
	f, ok = p.scope.field(g.Field, g.Place)
	if !ok {
		return f, "", false
	}
	if key = g.As; key == "" {
		key = catalog.CamelCase(f.col.Name)
	}
	if g.Trunc != "" {
		f, ok = p.truncated(f, g)
		return f, key, ok
	}
	if !p.sortable(f.typ) {
		p.probs.addf(g.Place, nil, "%s can't be grouped by: type %s has no equality", quoted(g.Field), typeLabel(f.typ))
		return f, key, false
	}
	return f, key, true
}

// truncated is f cut to a unit of time: in UTC for an instant, as it stands for
// a date or a timestamp without zone.
func (p *planner) truncated(f field, g *GroupBy) (field, bool) {
	unit := slices.Index(truncUnits, g.Trunc)
	if unit < 0 {
		p.probs.unknown(g.Place.key("trunc"), "unit", g.Trunc, truncUnits)
		return f, false
	}
	// The unit is text of ours from here on.
	head := "date_trunc('" + truncUnits[unit] + "', " + f.expr
	switch f.typ.Base().OID() {
	case oidTimestampTZ:
		f.expr = head + ", 'UTC')"
	case oidTimestamp:
		f.expr = head + ")"
	case oidDate:
		if unit < slices.Index(truncUnits, "day") {
			p.probs.addf(g.Place.key("trunc"), truncUnits[slices.Index(truncUnits, "day"):], "a date has no %s", truncUnits[unit])
			return f, false
		}
		f.expr = head + "::timestamp)::date"
	default:
		p.probs.addf(g.Place.key("trunc"), []string{"date", "timestamp", "timestamptz"}, "type %s can't be truncated", typeLabel(f.typ))
		return f, false
	}
	f.typ = f.typ.Base()
	return f, true
}

// aggregateOf resolves one aggregate.
func (p *planner) aggregateOf(a *Aggregate) (f field, key string, ok bool) {
	row, known := aggregates[a.Fn]
	if !known {
		p.probs.unknown(a.Place.key("fn"), "aggregate", a.Fn, sortedKeys(aggregates))
		return f, "", false
	}
	filter := condition(p.scope, a.Filter)
	operand := "*"
	key = catalog.CamelCase(a.Fn)
	f.typ = p.schema.types.Type(oidInt8)
	switch {
	case a.Field != "":
		in, found := p.scope.field(a.Field, a.Place)
		if !found {
			return f, "", false
		}
		if f.typ, ok = p.aggregateType(a, in, row.takes, row.result); !ok {
			return f, "", false
		}
		operand = p.operand(a, in)
		key = catalog.CamelCase(a.Fn + "_" + in.col.Name)
	case a.Fn != "count":
		p.probs.addf(a.Place, nil, "%s needs a field", a.Fn)
		return f, "", false
	case a.Distinct:
		p.probs.addf(a.Place, nil, "a distinct count needs a field")
		return f, "", false
	}
	if a.As != "" {
		key = a.As
	}
	f.expr = a.Fn + "(" + operand + ")" // a.Fn is a key of the table
	if filter != nil {
		e := splice(f.expr+" FILTER (WHERE ?)", filter)
		f.expr, f.args = e.sql, e.args
	}
	return f, key, true
}

// operand is what stands in the parentheses. Members of an array come in the
// order of their values (of the table's key where these have none): without one
// two runs of one query could differ.
func (p *planner) operand(a *Aggregate, in field) string {
	s := in.expr
	if a.Distinct {
		s = "DISTINCT " + s
	}
	if a.Fn != "array_agg" {
		return s
	}
	var order []string
	if p.sortable(in.typ) {
		order = append(order, in.expr)
	} else if k := rowKey(p.table); k != nil {
		for _, c := range k.Columns {
			order = append(order, p.scope.column(c).expr)
		}
	}
	if len(order) > 0 {
		s += " ORDER BY " + strings.Join(order, ", ")
	}
	return s
}

// aggregateType is the type of the result, or a problem where the aggregate
// does not take the field.
func (p *planner) aggregateType(a *Aggregate, in field, takes codec.Kind, result func(uint32) uint32) (*codec.Type, bool) {
	base := in.typ.Base()
	fits := base.Kind().Has(takes)
	if a.Fn == "min" || a.Fn == "max" {
		// "xid" has no order, and pg_catalog's reg types have no min.
		fits = fits && p.sortable(base) && (base.Kind() != codec.KindOID || base.OID() == oidOID || base.OID() == oidXID8)
	}
	switch {
	case !fits:
		p.probs.addf(a.Place, fitting(p, base), "%s does not take %s: its type is %s", a.Fn, quoted(a.Field), typeLabel(in.typ))
		return nil, false
	case a.Distinct && !p.sortable(base):
		p.probs.addf(a.Place, nil, "distinct does not take %s: type %s has no equality", quoted(a.Field), typeLabel(in.typ))
		return nil, false
	case a.Fn == "array_agg":
		info, ok := p.schema.cat.Type(in.typ.OID()) // of a domain the domain's own
		if !ok || info.Array == 0 {
			p.probs.addf(a.Place, nil, "array_agg does not take %s: type %s has no array type", quoted(a.Field), typeLabel(in.typ))
			return nil, false
		}
		return p.schema.types.Type(info.Array), true
	case result == nil:
		return base, true
	}
	return p.schema.types.Type(result(base.OID())), true
}

// fitting lists the aggregates that take t.
func fitting(p *planner, t *codec.Type) []string {
	var names []string
	for _, name := range sortedKeys(aggregates) {
		if t.Kind().Has(aggregates[name].takes) && (name != "min" && name != "max" || p.sortable(t)) {
			names = append(names, name)
		}
	}
	return names
}

// sortGroups resolves the sort, which names output keys, and appends all group
// keys where there is a limit or an offset: together they are the groups' key.
func (p *planner) sortGroups(l *level, over *scope, groups int) []sortKey {
	d := p.def
	var keys []sortKey
	for _, s := range d.Sort {
		f, ok := over.field(s.Field, s.Place)
		if !ok {
			continue
		}
		if len(s.JSON) > 0 || s.Type != "" {
			p.probs.addf(s.Place, nil, "an aggregate is sorted by its output keys")
			continue
		}
		i := slices.IndexFunc(l.members, func(m Member) bool { return over.virtual[m.Key].expr == f.expr })
		k := sortKey{field: f, desc: s.Desc, nulls: s.Nulls, output: i + 1}
		switch {
		case !p.sortable(f.typ):
			p.probs.addf(s.Place, nil, "%s can't be sorted by: type %s has no order", quoted(s.Field), typeLabel(f.typ))
		case sameSort(keys, f):
			p.probs.addf(s.Place, nil, "%s is a sort key already", quoted(s.Field))
		default:
			keys = append(keys, k)
		}
	}
	if d.Limit == nil && d.Offset == nil {
		return keys
	}
	for i := range groups {
		f := over.virtual[l.members[i].Key]
		if !sameSort(keys, f) {
			keys = append(keys, sortKey{field: f, output: i + 1})
		}
	}
	return keys
}

// TruncUnits are the units that a grouping key can be cut to, finest first.
func TruncUnits() []string { return slices.Clone(truncUnits) }
