package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/codec"
)

// scalarNames are the GraphQL scalars of PostgreSQL's types that have no name made
// of their own.
var scalarNames = map[string]string{
	"bool": "Boolean", "int2": "Int", "int4": "Int", "int8": "BigInt", "float4": "Float", "float8": "Float",
	"numeric": "BigDecimal", "text": "String", "varchar": "String", "bpchar": "String", "char": "String", "name": "String",
	"citext": "String", "bytea": "Bytes", "date": "Date", "time": "Time", "timetz": "TimeTZ", "timestamp": "LocalDateTime",
	"timestamptz": "DateTime", "interval": "Interval", "uuid": "UUID", "json": "JSON", "jsonb": "JSON", "hstore": "JSON",
	"oid": "BigInt", "xid8": "BigInt", "xml": "XML", "inet": "Inet", "cidr": "CIDR", "macaddr": "MACAddress",
	"macaddr8": "MACAddress8", "bit": "BitString", "varbit": "BitString", "tsvector": "TSVector", "tsquery": "TSQuery",
	"pg_lsn": "LSN", "ltree": "LTree", "lquery": "LQuery", "ltxtquery": "LTxtQuery",
}

// scalarDocs describe the scalars that need it.
var scalarDocs = map[string]string{
	"BigInt":        "A whole number of up to 64 bits: a JSON number with all its digits. Strings of digits are taken too.",
	"BigDecimal":    "A decimal number of any size and precision, with all its digits. Strings are taken too; NaN and the infinities are strings.",
	"Bytes":         `Bytes as a string: \x and two hexadecimal digits for each.`,
	"Date":          "A date as in ISO 8601: 2024-02-29.",
	"Time":          "A time of day: 12:34:56.789.",
	"TimeTZ":        "A time of day with its offset from UTC: 12:34:56+02.",
	"DateTime":      "An instant as in ISO 8601 with its offset: 2024-02-29T12:34:56.789+00:00.",
	"LocalDateTime": "A date and time of no time zone: 2024-02-29T12:34:56.789.",
	"Interval":      "A span of time as PostgreSQL writes it: 1 year 2 mons 3 days 04:05:06.",
	"UUID":          "A UUID: 018f3c4e-7b1a-7000-8000-000000000000.",
	"JSON":          "Any JSON value, passed on as it is.",
}

// typeRef is the GraphQL type of a PostgreSQL type, without its outermost "!". It
// makes the definitions that it needs.
func (m *maker) typeRef(t *codec.Type, input bool) *ast.Type {
	return m.arrayRef(t, m.domainDims(t.OID()), input)
}

// fieldRef is the GraphQL type of a column.
func (m *maker) fieldRef(f *field, input bool) *ast.Type {
	return m.arrayRef(m.src.Types().Type(f.column.Type), f.dims, input)
}

// arrayRef is typeRef where an array has dims dimensions, or one. A value may have
// any number: the lists in lists are what was said of it, not what it is.
func (m *maker) arrayRef(t *codec.Type, dims int, input bool) *ast.Type {
	base := t.Base()
	switch base.Kind() {
	case codec.KindArray:
		elem := base.Elem()
		if elem == nil {
			return named(m.scalar(base))
		}
		var list *ast.Type                                       // an element may be NULL
		if !input && elem.Base().Kind() == codec.KindComposite { // what they are made of can't be selected
			m.json()
			list = listNullable("JSON")
		} else {
			list = ast.ListType(m.typeRef(elem, input), nil)
		}
		for range min(dims, maxDims) - 1 {
			list = ast.ListType(list, nil)
		}
		return list
	case codec.KindEnum:
		return named(m.enum(base))
	case codec.KindComposite:
		o := m.composite(base)
		switch {
		case o == nil:
			m.json()
			return named("JSON")
		case input:
			return named(m.compositeInput(o))
		}
		return named(o.name)
	default:
		return named(m.scalar(base))
	}
}

// scalar is the name of the scalar for t, which is defined if it is not yet.
func (m *maker) scalar(t *codec.Type) string {
	name := scalarNames[t.Name()]
	if name == "" || t.Schema() != "pg_catalog" && !extensionType(t.Name()) {
		if name = pascal(cleanName(t.Name())); t.Name() == "" {
			name = "Unknown"
		}
		switch name { // a type of the user's own must not take another's meaning
		case "Int", "Float", "String", "Boolean", "ID":
			name = "Pg" + name
		}
	}
	switch name {
	case "Int", "Float", "String", "Boolean", "ID":
		return name
	}
	if m.types[name] == nil {
		m.define(&ast.Definition{Kind: ast.Scalar, Name: name, Description: scalarDoc(name, t)}, ofType("type ", t))
		if t.Kind() == codec.KindComposite {
			m.composites = append(m.composites, name)
		}
	} else if m.types[name].Kind != ast.Scalar {
		m.collide("type", name, *m.origin[name], ofType("type ", t))
	}
	return name
}

func scalarDoc(name string, t *codec.Type) string {
	if doc := scalarDocs[name]; doc != "" {
		return doc
	}
	return "A value of PostgreSQL's type " + plainName(t) + ", as the server writes it."
}

func extensionType(name string) bool {
	switch name {
	case "citext", "hstore", "ltree", "lquery", "ltxtquery":
		return true
	}
	return false
}

func named(name string) *ast.Type        { return ast.NamedType(name, nil) }
func nonNull(name string) *ast.Type      { return ast.NonNullNamedType(name, nil) }
func listNullable(name string) *ast.Type { return ast.ListType(named(name), nil) }
func listOf(name string) *ast.Type       { return ast.ListType(nonNull(name), nil) }
func nonNullList(name string) *ast.Type  { return ast.NonNullListType(nonNull(name), nil) }
func required(t *ast.Type) *ast.Type     { c := *t; c.NonNull = true; return &c }
func maybe(t *ast.Type, not bool) *ast.Type {
	if not {
		return required(t)
	}
	return t
}
