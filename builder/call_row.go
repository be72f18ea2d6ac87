package builder

import (
	"bytes"
	"slices"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// operand is the column called name, or what call makes of the row.
func (sc *scope) operand(name string, call *Call, at Path) (field, bool) {
	switch {
	case call == nil:
		return sc.field(name, at)
	case name != "":
		sc.probs.addf(at, nil, "names a field and calls a function; it can't do both")
		return field{}, false
	}
	return sc.computed(call)
}

// operandName is what a message calls an operand.
func operandName(name string, call *Call) string {
	if call != nil && call.Function != nil {
		return quoted(call.Function.Name)
	}
	return quoted(name)
}

// computed is the value that a function makes of the scope's row.
func (sc *scope) computed(c *Call) (field, bool) {
	k, ok := sc.ofRow(c)
	switch {
	case !ok:
		return field{}, false
	case k.Set || k.Result != ScalarResult:
		sc.probs.addf(c.Place, nil, "function %s gives rows, not a value; they are a relation", quoted(k.Function.Name))
		return field{}, false
	}
	e, ok := sc.call(c, k, sc.row())
	return field{expr: e.sql, args: e.args, typ: k.Type, cast: castName(k.Type), call: true}, ok
}

// ofRow is what is known of a function whose first argument is a row of the
// scope's table. It must not write: it stands where reading is meant, and how
// often it runs nobody can say. The whole row is given to it, so the role must
// be able to read all of it, as PostgreSQL asks too.
func (sc *scope) ofRow(c *Call) (*Callable, bool) {
	k, ok := sc.callable(c)
	if !ok {
		return nil, false
	}
	switch name := quoted(k.Function.Name); {
	case sc.table == nil:
		sc.probs.addf(c.Place, nil, "a function of a row can't stand here")
	case k.Of == nil || k.Of != sc.table:
		sc.probs.addf(c.Place, nil, "the first argument of function %s is no row of %s", name, quoted(sc.table.Name))
	case k.Effect != Read:
		sc.probs.addf(c.Place, nil, "function %s is volatile: it may write, so it can't stand here", name)
	case !sc.schema.TakesRow(k):
		sc.probs.addf(c.Place, nil, "function %s needs the whole row, and not every column of it may be read", name)
	default:
		return k, true
	}
	return nil, false
}

// TakesRow says whether k can be called as a function of a row, see Callable.Of:
// the role may read every column of the row.
func (s *Schema) TakesRow(k *Callable) bool {
	if k.Of == nil || k.Effect != Read {
		return false
	}
	row, ok := s.cat.Type(k.Args[0].Type.OID())
	return ok && !slices.ContainsFunc(row.Fields, func(f catalog.TypeField) bool {
		c, ok := k.Of.Column(f.Name)
		return !ok || c.Name != f.Name || !c.CanSelect
	})
}

// selectCall takes the output key of a relation that a function makes, and
// selects the key that finds the row again in the parent.
func (l *level) selectCall(def *Relation, fixed bool) {
	p, c := l.p, def.Call
	if def.Name != "" || def.Link != nil {
		p.probs.addf(def.Place, nil, "names a relation and calls a function; it can't do both")
		return
	}
	k, ok := l.scope.ofRow(c)
	if !ok {
		return
	}
	if !k.Set && k.Result != RowResult {
		p.probs.addf(def.Place, nil, "function %s gives a value, not rows; it is a field", quoted(k.Function.Name))
		return
	}
	row := rowKey(l.scope.table)
	if row == nil {
		p.probs.addf(def.Place, nil, "the rows of a function are found by the key of %s, which has none that may be read", quoted(l.scope.table.Name))
		return
	}
	key := def.Key
	if key == "" {
		key = catalog.CamelCase(k.Function.Name)
	}
	if !l.free(key, def.Place, "relation") {
		return
	}
	keys, ok := l.selectKeys(row.Columns, def.Place, fixed)
	if !ok {
		return
	}
	l.members = append(l.members, Member{Key: key, Column: -1, Child: len(l.nested)})
	l.nested = append(l.nested, nestedLevel{def: def, keys: keys, call: k})
}

// callChild plans the rows that a function gives for each parent: the parent is
// read again, for it is the function's argument.
//
//	SELECT k.ord, c.id
//	FROM unnest($1::int8[]) WITH ORDINALITY AS k (k1, ord)
//	JOIN posts AS t1 ON t1.id = k.k1
//	JOIN LATERAL (SELECT …, row_number() OVER () AS x1 FROM related(t1.*, …) AS t2 …) AS c ON TRUE
//	ORDER BY k.ord, c.x1
//
// The number of the row keeps the function's own order through the join.
func (l *level) callChild(n *nestedLevel) Child {
	p, d, k := l.p, n.def, n.call
	parent := l.scope.child(l.scope.table)
	sub := newLevel(p, parent.child(k.Table), l.depth+1)
	e, ok := parent.call(d.Call, k, parent.row())
	if !ok {
		return Child{}
	}
	sub.scope.source = &source{k, e}
	if !k.Set {
		p.checkToOne(d)
	}
	p.checkPage(d.Limit, d.Offset, d.Place.key("pagination"))
	rows := p.rowsOf(sub, rowsDef{
		fields: d.Fields, relations: d.Relations, fieldsAt: d.Place.key("fields"),
		sort: d.Sort, distinct: d.Distinct, total: k.Set,
	})
	scanned := k.Set && len(rows.keys) == 0 && d.Distinct == nil
	if scanned {
		rows.keys = []sortKey{{field: field{expr: "row_number() OVER ()", typ: p.schema.types.Type(oidInt8)}}}
	}
	rows.where(sub.scope.present())
	rows.where(condition(sub.scope, d.Filter))
	children := sub.children()
	if p.probs.count() > 0 {
		return Child{}
	}
	row := rowKey(l.scope.table)
	values := make([]expression, len(row.Columns))
	for i := range row.Columns {
		values[i] = parentKey(i)
	}
	return l.nest(&nest{
		def: d, sub: sub, rows: rows, local: row.Columns, keys: n.keys, scanned: scanned, children: children, many: k.Set,
		join: splice(" JOIN "+parent.from()+" ON ?", join2(equalAll(parent, row.Columns, values))),
	})
}

// sameArgs says whether two expressions have the same arguments. Those that Bind
// replaces are the same where they come from one slot.
func sameArgs(a, b []any) bool {
	return slices.EqualFunc(a, b, func(x, y any) bool {
		p, ok := x.(*slotted)
		q, also := y.(*slotted)
		if ok && also {
			return p.slot == q.slot && sameArg(p.value, q.value)
		}
		return sameArg(x, y)
	})
}

func sameArg(x, y any) bool {
	a, ok := x.([]byte) // can't be compared by ==
	b, also := y.([]byte)
	if ok && also {
		return bytes.Equal(a, b)
	}
	return x == y
}
