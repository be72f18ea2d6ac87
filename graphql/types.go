package graphql

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// A table has more than fifty types, and most documents have a few of a few tables.
// They are made when a document first has one; until then only their names are known
// to be taken. What many tables share is made at once, and so are the inputs of rows.

// group is a set of types of one table that are made together.
type group uint16

const (
	connectionGroup group = 1 << iota
	aggregateGroup
	upsertGroup
	updateGroup
	deleteGroup
	conflictGroup
	operationGroup
	nestedGroup
	rowGroup
	filterGroup
	orderGroup
	manyFilterGroup
)

// makeGroups makes the types of groups of o.
func (m *maker) makeGroups(o *object, g group) {
	for one := group(1); one <= g; one <<= 1 {
		switch g & one {
		case connectionGroup:
			m.connectionTypes(o)
		case aggregateGroup:
			m.aggregateTypes(o)
		case upsertGroup:
			m.upsertType(o)
		case updateGroup:
			m.updateType(o)
		case deleteGroup:
			m.deleteTypes(o)
		case conflictGroup:
			m.conflictTypes(o)
		case operationGroup:
			m.operationTypes(o)
		case nestedGroup:
			m.nestedTypes(o)
		case rowGroup:
			m.objectType(o)
		case filterGroup:
			m.filterType(o)
		case orderGroup:
			m.orderType(o)
		case manyFilterGroup:
			m.manyFilterType(o)
		}
	}
}

// postpone takes the names of the types of groups. What they share with other
// tables is made.
func (m *maker) postpone(o *object, g group) {
	o.later |= g
	before := m.naming
	m.naming = true
	if g&aggregateGroup != 0 { // less work than making them, and they are half of all
		m.aggregateNames(o)
		g &^= aggregateGroup
	}
	m.makeGroups(o, g)
	m.naming = before
}

// endings are what the names of types end in that are made later, by what they
// begin with: the table's name, or its plural.
var endings, pluralEndings = func() (named, plural map[string]group) {
	named = map[string]group{
		"Edge": connectionGroup, "Connection": connectionGroup, "Upsert": upsertGroup, "Delete": deleteGroup,
		"Aggregate": aggregateGroup, "Group": aggregateGroup, "GroupKey": aggregateGroup, "GroupOrder": aggregateGroup,
		"GroupOrderKey": aggregateGroup, "GroupColumn": aggregateGroup, "GroupBy": aggregateGroup, "Having": aggregateGroup,
		"": rowGroup, "Filter": filterGroup, "Order": orderGroup,
		"Conflict": conflictGroup, "Column": conflictGroup, "ByKey": nestedGroup, "PatchByKey": nestedGroup,
	}
	for _, op := range operations {
		named[pascal(op.name)] = operationGroup
	}
	for v := range verbDelete << 1 {
		for _, many := range []bool{false, true} {
			named[nestedKind{v, true, many}.ending()] = nestedGroup
			named[nestedKind{v & (verbCreate | verbConnect), false, many}.ending()] = nestedGroup
		}
	}
	for _, a := range aggregateFields {
		for _, of := range []string{"", "Having", "GroupOrder"} {
			named[of+a.pascal] = aggregateGroup
		}
	}
	return named, map[string]group{"Update": updateGroup, "Delete": deleteGroup, "Filter": manyFilterGroup}
}()

// definition is the type called name, or nil.
func (s *Schema) definition(name string) *ast.Definition {
	if d := s.ast.Types[name]; d != nil {
		return d
	}
	if d, ok := s.demanded.Load(name); ok {
		return d.(*ast.Definition) //nolint:forcetypeassert // nothing else is in it
	}
	if d := s.demand(name, endings, s.objects); d != nil {
		return d
	}
	if o := s.keyTypes[name]; o != nil {
		return s.demand(name, map[string]group{strings.TrimPrefix(name, o.name): nestedGroup}, s.objects)
	}
	return s.demand(name, pluralEndings, s.plurals)
}

// demand makes the type called name with those of its group, or answers nil. Two
// requests may do it at once: the first to be ready counts.
func (s *Schema) demand(name string, endings map[string]group, objects map[string]*object) *ast.Definition {
	for ending, g := range endings {
		begin, ok := strings.CutSuffix(name, ending)
		o := objects[begin]
		if !ok || o == nil || o.later&g == 0 {
			continue
		}
		list := s.made(o, g)
		if !slices.ContainsFunc(list, func(d *ast.Definition) bool { return d.Name == name }) {
			continue
		}
		for _, d := range list {
			s.demanded.LoadOrStore(d.Name, d)
		}
		d, _ := s.demanded.Load(name)
		return d.(*ast.Definition) //nolint:forcetypeassert // nothing else is in it
	}
	return nil
}

// made are the types of groups of o, new.
func (s *Schema) made(o *object, g group) []*ast.Definition {
	m := &maker{schema: s, src: s.src, types: s.ast.Types, filterByType: s.filterByType, demanded: true, made: map[madeOf]bool{}}
	m.makeGroups(o, g)
	for _, d := range m.list {
		settle(d)
	}
	return m.list
}

// whole is the schema with all of its types. It is made anew each time: of many
// tables it is large, and who asks for it does so once.
func (s *Schema) whole() *ast.Schema {
	all := *s.ast
	all.Types = maps.Clone(s.ast.Types)
	same := newSharer()
	for _, o := range s.objects {
		for _, d := range s.made(o, o.later) {
			same.share(d)
			all.Types[d.Name] = d
		}
	}
	return &all
}

// view is the schema as far as doc can see it, for who looks up types in a map.
func (s *Schema) view(doc *ast.QueryDocument) *ast.Schema {
	v := viewer{schema: s, seen: &ast.Schema{
		Query: s.ast.Query, Mutation: s.ast.Mutation, Directives: s.ast.Directives,
		Types: map[string]*ast.Definition{}, PossibleTypes: map[string][]*ast.Definition{},
	}}
	for _, op := range doc.Operations {
		root := s.ast.Query
		if op.Operation == ast.Mutation {
			root = s.ast.Mutation
		}
		for _, def := range op.VariableDefinitions {
			v.value(def.DefaultValue, v.definition(def.Type.Name()))
			v.directives(def.Directives)
		}
		v.directives(op.Directives)
		v.selections(root, op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		v.directives(f.Directives)
		v.selections(v.definition(f.TypeCondition), f.SelectionSet)
	}
	return v.seen
}

// viewer gathers the types that a document names, and those of the fields,
// arguments and values in it. Each fragment is looked at once: what it can see does
// not depend on who spreads it.
type viewer struct {
	schema *Schema
	seen   *ast.Schema
}

func (v *viewer) definition(name string) *ast.Definition {
	if d, ok := v.seen.Types[name]; ok {
		return d
	}
	d := v.schema.definition(name)
	if d == nil {
		return nil
	}
	v.seen.Types[name] = d
	if d.Kind == ast.Object {
		v.seen.PossibleTypes[name] = []*ast.Definition{d}
	}
	return d
}

func (v *viewer) selections(of *ast.Definition, set ast.SelectionSet) {
	if of != nil {
		v.definition(of.Name)
	}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			v.directives(s.Directives)
			v.field(of, s)
		case *ast.InlineFragment:
			v.directives(s.Directives)
			inner := of
			if s.TypeCondition != "" {
				inner = v.definition(s.TypeCondition)
			}
			v.selections(inner, s.SelectionSet)
		case *ast.FragmentSpread:
			v.directives(s.Directives)
		}
	}
}

func (v *viewer) field(of *ast.Definition, f *ast.Field) {
	var def *ast.FieldDefinition
	switch {
	case f.Name == "__typename":
		v.definition("String")
	case of != nil:
		def = of.Fields.ForName(f.Name)
	}
	if def == nil {
		v.selections(nil, f.SelectionSet)
		return
	}
	v.arguments(def.Arguments, f.Arguments)
	v.selections(v.definition(def.Type.Name()), f.SelectionSet)
}

func (v *viewer) directives(list ast.DirectiveList) {
	for _, d := range list {
		if def := v.seen.Directives[d.Name]; def != nil {
			v.arguments(def.Arguments, d.Arguments)
		}
	}
}

func (v *viewer) arguments(defs ast.ArgumentDefinitionList, args ast.ArgumentList) {
	for _, arg := range args {
		if def := defs.ForName(arg.Name); def != nil {
			v.value(arg.Value, v.definition(def.Type.Name()))
		}
	}
}

// value looks at the members of a literal of the type of, however deep in lists.
func (v *viewer) value(value *ast.Value, of *ast.Definition) {
	if value == nil || of == nil {
		return
	}
	for _, child := range value.Children {
		if value.Kind != ast.ObjectValue {
			v.value(child.Value, of)
		} else if def := of.Fields.ForName(child.Name); def != nil {
			v.value(child.Value, v.definition(def.Type.Name()))
		}
	}
}
