package graphql

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// candidate is a function that may become a field.
type candidate struct {
	callable *builder.Callable
	conf     *functionConf
	on       *object // a computed field of it; nil for a root field
	mutation bool
	name     string
}

// label is what messages call the function.
func (c *candidate) label() string { return functionLabel(c.callable.Function, c.callable) }

func functionLabel(f *catalog.Function, k *builder.Callable) string {
	types := make([]string, len(k.Args))
	for i := range k.Args {
		types[i] = k.Args[i].Type.Name()
	}
	return "function " + f.Schema + "." + f.Name + "(" + strings.Join(types, ", ") + ")"
}

// candidates are the functions that can be told in GraphQL, those of a row with
// the table that they compute a field of. What belongs to extensions, triggers
// and types that no value of a request has is not among them.
func (m *maker) candidates() []*candidate {
	all := m.configureFunctions()
	var list []*candidate
	for f := range m.src.Catalog().Functions() {
		conf := all[f]
		k, err := m.src.Callable(f)
		switch {
		case conf.omitted(), !conf.named && m.constructs(f):
			continue
		case err != nil:
			if conf.named {
				m.broken("function "+f.Schema+"."+f.Name, "the configuration names it, but it can't be called: "+err.Error())
			}
			continue
		}
		if m.withoutAny(k) {
			m.broken(functionLabel(f, k), "it is of a type that is left out")
			continue
		}
		if c := m.candidate(k, conf); c != nil {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b *candidate) int { return cmp.Compare(a.name, b.name) })
	return list
}

// constructs says whether f makes values of a range type of its name, as PostgreSQL
// adds them with the type: nobody has written it to be called from outside.
func (m *maker) constructs(f *catalog.Function) bool {
	t, ok := m.src.Catalog().Type(f.Returns)
	return ok && (t.Kind == 'r' || t.Kind == 'm') && t.Name == f.Name && t.Schema == f.Schema
}

func (m *maker) candidate(k *builder.Callable, conf *functionConf) *candidate {
	c := &candidate{callable: k, conf: conf, name: firstOf(conf.Name, conf.tags.name, fieldName(k.Function.Name))}
	as := firstOf(conf.As, conf.tags.as)
	c.mutation = k.Effect != builder.Read || as == asMutation
	switch {
	case k.Of != nil:
		// A volatile one may be a trigger's helper; it is nobody's field.
		if c.on = m.schema.byTable[k.Of]; c.on == nil || !m.src.TakesRow(k) {
			return nil
		}
		c.mutation = false
		return c
	case as == asQuery && c.mutation:
		m.broken(c.label(), "it is volatile, so it may write and is no query: declare it STABLE or IMMUTABLE")
		return nil
	case k.Result == builder.NoResult && !c.mutation:
		return nil // a read that tells nothing
	}
	return c
}

// alone leaves out candidates that meet in one name, with each other or with
// what taken says is there.
func (m *maker) alone(list []*candidate, taken func(*candidate) bool) []*candidate {
	type place struct {
		on       *object
		mutation bool
		name     string
	}
	count := map[place]int{}
	for _, c := range list {
		count[place{c.on, c.mutation, c.name}]++
	}
	return slices.DeleteFunc(list, func(c *candidate) bool {
		switch {
		case c.name != validName(cleanName(c.name)):
			m.broken(c.label(), c.name+" is no name of GraphQL")
		case count[place{c.on, c.mutation, c.name}] > 1:
			m.broken(c.label(), "another function is the field "+c.name+" too: name one of them in the configuration, by its types, or by a comment that begins with @name")
		case taken(c):
			m.broken(c.label(), "there is a field "+c.name+" already: name the function in the configuration, or by a comment that begins with @name")
		default:
			return false
		}
		return true
	})
}

// functions adds the fields of Query and Mutation that are functions. Tables have
// theirs: a function gives way.
func (m *maker) functions(list []*candidate) {
	list = slices.DeleteFunc(slices.Clone(list), func(c *candidate) bool { return c.on != nil })
	for _, c := range m.alone(list, func(c *candidate) bool {
		if c.mutation {
			return m.schema.mutations[c.name] != nil
		}
		return m.schema.queries[c.name] != nil
	}) {
		fn, reason := m.function(c.callable, c.name, 0)
		if reason != "" {
			m.broken(c.label(), reason)
			continue
		}
		def := &ast.FieldDefinition{
			Name: c.name, Description: c.conf.tags.description, Type: m.result(fn), Arguments: m.functionArguments(fn),
			Directives: deprecated(c.conf.deprecated()),
		}
		r := &root{kind: rootCall, function: fn}
		if c.mutation {
			r.kind = rootInvoke
			m.addRoot(m.mutation, def, r)
			continue
		}
		if c.callable.Set {
			def.Arguments = append(def.Arguments, m.functionList(fn)...)
		}
		m.addRoot(m.query, def, r)
	}
}
