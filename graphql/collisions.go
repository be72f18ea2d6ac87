package graphql

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// SchemaOption changes how NewSchema works.
type SchemaOption interface{ apply(*schemaOptions) }

type schemaOptions struct{ leaveOut bool }

type schemaOptionFunc func(*schemaOptions)

func (f schemaOptionFunc) apply(o *schemaOptions) { f(o) }

// WithoutCollisions makes a schema without one of two things that meet in one name;
// Schema.Broken lists it with the other's name. A table gives way to what is shared
// by all, to a type of the database, to a table that the configuration names, and
// else to the one whose schema and name come first; a field gives way to those
// before it; where a type gives way, so do the columns and functions that have it.
// Default: NewSchema fails.
func WithoutCollisions() SchemaOption {
	return schemaOptionFunc(func(o *schemaOptions) { o.leaveOut = true })
}

// origin is what a name was made of. Its zero table and typ say that it is no
// object of the database, which can't be left out.
type origin struct {
	text  string // for messages: filter of public.users
	table *catalog.Table
	typ   *codec.Type
}

// of is the origin of what is made of o: "filter of ".
func (o *object) of(what string) origin {
	if o.composite != nil {
		return origin{text: what + o.table.String(), typ: o.composite}
	}
	return origin{text: what + o.table.String(), table: o.table}
}

// origin is that of the type of o itself.
func (o *object) origin() origin { return o.of(o.table.Kind.String() + " ") }

// ofType is the origin of what is made of t: "enum ".
func ofType(what string, t *codec.Type) origin {
	o := origin{text: what + plainName(t)}
	if t.Schema() != "pg_catalog" {
		o.typ = t
	}
	return o
}

// plainName is the name of t as tables have theirs.
func plainName(t *codec.Type) string { return strings.ReplaceAll(t.String(), `"`, "") }

// later is the one of two that gives way to the other.
func (m *maker) later(a, b origin) origin {
	rank := func(o origin) int {
		switch {
		case o.table != nil:
			if _, named := m.tableConf[o.table]; named {
				return 2
			}
			return 3
		case o.typ != nil:
			return 1
		}
		return 0
	}
	name := func(o origin) string {
		switch {
		case o.table != nil:
			return o.table.Schema + "\x00" + o.table.Name
		case o.typ != nil:
			return o.typ.Schema() + "\x00" + o.typ.Name()
		}
		return ""
	}
	if cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(name(a), name(b))) > 0 {
		return a
	}
	return b
}

// fault is an error, and what can be left out to be rid of it.
type fault struct {
	err error
	out origin
}

// errorf tells of a fault, unless what can be left out is left out already.
func (m *maker) errorf(out origin, format string, args ...any) {
	if out.table != nil && m.left.tables[out.table] != "" {
		return
	}
	m.faults = append(m.faults, fault{fmt.Errorf(format, args...), out})
}

func (m *maker) collide(what, name string, one, other origin) {
	m.errorf(m.later(one, other), "%s and %s are both the %s %s: name one of them in the configuration, or by a comment that begins with @name", one.text, other.text, what, name)
}

// lackf is errorf for a field, which the rest of the schema can do without: object
// is what will not be there.
func (m *maker) lackf(object, format string, args ...any) {
	if m.opts.leaveOut {
		m.broken(object, fmt.Sprintf(format, args...)+"; it is left out")
		return
	}
	m.errorf(origin{}, format, args...)
}

// errors are those of the faults, each once.
func (m *maker) errors() error {
	var errs []error
	told := map[string]bool{}
	for _, f := range m.faults {
		if !told[f.err.Error()] {
			told[f.err.Error()] = true
			errs = append(errs, f.err)
		}
	}
	return errors.Join(errs...)
}

// leftOut is what a schema is made without, with the reasons.
type leftOut struct {
	tables map[*catalog.Table]string
	types  map[uint32]string // by OID
}

// add says whether everything that is at fault can be left out and was not yet, and
// does it.
func (l *leftOut) add(faults []fault) bool {
	before := len(l.tables) + len(l.types)
	for _, f := range faults {
		switch {
		case f.out.table != nil:
			if l.tables[f.out.table] == "" {
				l.tables[f.out.table] = f.err.Error()
			}
		case f.out.typ != nil:
			if l.types[f.out.typ.OID()] == "" {
				l.types[f.out.typ.OID()] = f.err.Error()
			}
		default:
			return false
		}
	}
	return len(l.tables)+len(l.types) > before
}

// tellTypes lists the types that are left out.
func (m *maker) tellTypes() {
	for _, oid := range slices.Sorted(maps.Keys(m.left.types)) {
		m.broken("type "+plainName(m.src.Types().Type(oid)), m.left.types[oid]+"; columns and functions of the type are left out")
	}
}

// without says whether values of t are left out, because of t or of what t is made
// of.
func (m *maker) without(t *codec.Type) bool {
	for ; len(m.left.types) > 0 && t != nil; t = t.Base().Elem() {
		if m.left.types[t.OID()] != "" || m.left.types[t.Base().OID()] != "" {
			return true
		}
	}
	return false
}

// withoutAny says whether k takes or gives a type that is left out.
func (m *maker) withoutAny(k *builder.Callable) bool {
	for i := range k.Args {
		if m.without(m.src.Types().Type(k.Args[i].Type.OID())) {
			return true
		}
	}
	return m.without(m.src.Types().Type(k.Function.Returns))
}

// Displaced lists the tables that s leaves out because of their names and that
// before has: what clients would miss who are served before now.
func (s *Schema) Displaced(before *Schema) []Broken {
	served := map[string]bool{}
	for t := range before.byTable {
		served["table "+t.String()] = true
	}
	return slices.DeleteFunc(slices.Clone(s.displaced), func(b Broken) bool { return !served[b.Object] })
}

// define adds a type; from says what it is made of.
func (m *maker) define(d *ast.Definition, from origin) bool {
	if m.demanded { // its name was taken when the schema was made
		if m.types[d.Name] != nil {
			return false
		}
		m.list = append(m.list, d)
		return true
	}
	if !m.name(d.Name, from) {
		return false
	}
	if !m.naming || from.table == nil {
		m.types[d.Name] = d
		m.list = append(m.list, d)
		m.same.share(d)
	}
	return true
}

// name takes the name of a type.
func (m *maker) name(name string, from origin) bool {
	if other := m.origin[name]; other != nil {
		m.collide("type", name, *other, from)
		return false
	}
	if !isName(name) {
		m.errorf(from, "%s: %q is no name of GraphQL", from.text, name)
		return false
	}
	if m.from == nil || *m.from != from { // types of one origin come one after the other
		m.from = &from
	}
	m.origin[name] = m.from
	return true
}

// taken says whether there is a type called name, made or to be made later.
func (m *maker) taken(name string) bool {
	return m.origin[name] != nil
}

// shared says whether the type name, one for everybody, is yet to be defined; from
// says what it is.
func (m *maker) shared(name, from string) bool {
	o := m.origin[name]
	switch {
	case m.demanded:
		return false
	case o == nil:
		return true
	}
	if o.table != nil || o.typ != nil {
		m.collide("type", name, *o, origin{text: from})
	}
	return false
}

// madeOf is an input that several fields of an object have, by its name.
type madeOf struct {
	name string
	of   *object
}

// once says whether the input name of o is yet to be defined.
func (m *maker) once(name string, o *object) bool {
	key := madeOf{name, o}
	if m.made[key] {
		return false
	}
	m.made[key] = true
	return true
}

// reserve keeps the names that no table's type can have.
func (m *maker) reserve() {
	for _, d := range prelude().Definitions {
		m.types[d.Name], m.origin[d.Name] = d, &origin{text: "GraphQL itself"}
	}
	m.types[m.mutation.Name], m.origin[m.mutation.Name] = m.mutation, &origin{text: "the mutation type"}
}

// addRoot adds a field to Query or Mutation.
func (m *maker) addRoot(to *ast.Definition, f *ast.FieldDefinition, r *root) {
	roots := m.schema.queries
	if to == m.mutation {
		roots = m.schema.mutations
	}
	if other := roots[f.Name]; other != nil {
		if other.object == r.object && other.key != nil && r.key != nil && slices.Equal(other.key.Columns, r.key.Columns) {
			return // two indexes of the same columns
		}
		m.collide("field", to.Name+"."+f.Name, other.object.of("table "), r.object.of("table "))
		return
	}
	roots[f.Name] = r
	m.same.field(f)
	to.Fields = append(to.Fields, f)
}
