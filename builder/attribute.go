package builder

import (
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// attribute is the value of an attribute of a composite column, at the end of a
// path of attributes: ("t0"."address")."city". It is NULL where the composite is.
func (sc *scope) attribute(f field, path []string, at Path) (field, bool) {
	of := f.col
	if of == nil {
		of = f.of
	}
	expr := f.expr
	if f.col != nil || f.of == nil {
		expr = "(" + expr + ")"
	}
	for _, name := range path {
		info, ok := sc.composite(f.typ)
		if !ok {
			sc.probs.addf(at, nil, "there is no attribute %s in a value of type %s", quoted(name), typeLabel(f.typ))
			return field{}, false
		}
		a := slices.IndexFunc(info.Fields, func(a catalog.TypeField) bool { return a.Name == name })
		if a < 0 {
			sc.probs.unknown(at, "attribute", name, sc.attributeNames(f.typ))
			return field{}, false
		}
		expr += "." + ident(name)
		typ := sc.schema.types.Type(info.Fields[a].Type)
		f = field{expr: expr, args: f.args, typ: typ, cast: castName(typ), of: of, loose: f.loose}
	}
	return f, true
}

// composite is what the catalog knows of t, if that is a composite type.
func (sc *scope) composite(t *codec.Type) (*catalog.Type, bool) {
	info, ok := sc.schema.cat.Type(t.Base().OID())
	return info, ok && info.Kind == 'c'
}

// rowType is the composite type of a value, as the table that it would be; nil where
// it has none.
func (sc *scope) rowType(f field) *catalog.Table {
	info, ok := sc.composite(f.typ)
	if !ok {
		return nil
	}
	rows, _ := sc.schema.cat.NewRowType(info.Schema, info.Name, info.Fields) // nil on an error
	return rows
}

// attributeNames are the names of the attributes of t, nil where it has none.
func (sc *scope) attributeNames(t *codec.Type) []string {
	info, ok := sc.composite(t)
	if !ok {
		return nil
	}
	names := make([]string, len(info.Fields))
	for i, a := range info.Fields {
		names[i] = a.Name
	}
	return names
}

// attributes follows the attributes of a condition: those of Attr, and those
// that its path begins with. What is left of the path leads into json; nil is none.
func (sc *scope) attributes(fl field, f *Filter) (field, []string, bool) {
	ok, path := true, f.JSON
	for i, name := range f.Attr {
		place := f.Place
		if i < len(f.attrAt) {
			place = f.attrAt[i]
		}
		if _, leads := sc.composite(fl.typ); !leads {
			// A word with an object behind it: it was more likely meant as an operator.
			sc.probs.unknown(place, "operator", name, OperatorsFor(fl.typ, sc.hasExtension))
			return field{}, nil, false
		}
		if fl, ok = sc.attribute(fl, f.Attr[i:i+1], place); !ok {
			return field{}, nil, false
		}
	}
	for ok && len(path) > 0 {
		if _, leads := sc.composite(fl.typ); !leads {
			break
		}
		fl, ok = sc.attribute(fl, path[:1], f.Place)
		if path = path[1:]; len(path) == 0 {
			path = nil
		}
	}
	return fl, path, ok
}

// label is what a message calls the operand of a condition.
func (f *Filter) label() string {
	if f.Call != nil {
		return operandName(f.Field, f.Call)
	}
	return quoted(strings.Join(append([]string{f.Field}, f.Attr...), "."))
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
