package builder

import (
	"slices"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// attribute is the value of an attribute of a composite column, at the end of a
// path of attributes: ("t0"."address")."city". It is NULL where the composite is.
func (sc *scope) attribute(f field, path []string, at Path) (field, bool) {
	of := f.col
	expr := "(" + f.expr + ")"
	for _, name := range path {
		info, ok := sc.schema.cat.Type(f.typ.Base().OID())
		if !ok || info.Kind != 'c' {
			sc.probs.addf(at, nil, "%s has no attribute %s: it is of type %s", expr, quoted(name), typeLabel(f.typ))
			return field{}, false
		}
		i := slices.IndexFunc(info.Fields, func(a catalog.TypeField) bool { return a.Name == name })
		if i < 0 {
			names := make([]string, len(info.Fields))
			for j, a := range info.Fields {
				names[j] = a.Name
			}
			sc.probs.unknown(at, "attribute", name, names)
			return field{}, false
		}
		expr += "." + ident(name)
		typ := sc.schema.types.Type(info.Fields[i].Type)
		f = field{expr: expr, args: f.args, typ: typ, cast: castName(typ), of: of, loose: f.loose}
	}
	return f, true
}

// selectColumnObject selects an object of the attributes of a composite column.
// The object is null where the composite is NULL: it is a row of NULLs that has
// an object of nulls.
func (l *level) selectColumnObject(def *Field, m *Member) {
	f, ok := l.scope.field(def.Name, def.Place)
	if ok && len(def.Attr) > 0 {
		f, ok = l.scope.attribute(f, def.Attr, def.Place)
	}
	switch {
	case !ok:
	case f.col == nil && f.of == nil:
		l.p.probs.addf(def.Place, nil, "%s is no column", quoted(def.Name))
	default:
		of := f.col
		if of == nil {
			of = f.of
		}
		m.Column = l.out.add(field{
			expr: "nullif(" + f.expr + " IS DISTINCT FROM NULL, FALSE)", args: f.args, typ: l.p.schema.types.Type(oidBool), cast: "bool", of: of,
		}, l.scope.table)
	}
}
