package graphql

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// mergeWork bounds how many fields the merging of one document looks at. Fields
// of abstract types are looked at once for each object type beside them, at every
// depth again.
const mergeWork = 100_000

// merger checks that fields of one response name can be merged (spec, 5.3.2):
// where both may apply to one object they are the same field with the same
// arguments, and in any case they return the same shape. The fields of a name are
// compared with the first of them and merged into one set for the next level, so
// that the work grows with the number of fields and not with that of pairs.
type merger struct {
	schema *ast.Schema
	found  *problems
	left   int
}

// collect appends the fields of a selection set, fragments spread, each once.
func (m *merger) collect(dst []*ast.Field, set ast.SelectionSet, visited map[string]bool) []*ast.Field {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			dst = append(dst, s)
			m.left--
		case *ast.InlineFragment:
			dst = m.collect(dst, s.SelectionSet, visited)
		case *ast.FragmentSpread:
			if s.Definition != nil && !visited[s.Name] {
				visited[s.Name] = true
				dst = m.collect(dst, s.Definition.SelectionSet, visited)
			}
		}
	}
	return dst
}

// below are the fields of the selection sets of all fields of a list.
func (m *merger) below(fields []*ast.Field) []*ast.Field {
	var dst []*ast.Field
	visited := map[string]bool{}
	for _, f := range fields {
		dst = m.collect(dst, f.SelectionSet, visited)
	}
	return dst
}

// exhausted refuses a document that is too much work.
func (m *merger) exhausted() bool {
	if m.left >= 0 {
		return false
	}
	m.found.tell("the fields of the document are too many to be merged", nil)
	return true
}

// merge checks a set of fields and all levels below it.
func (m *merger) merge(fields []*ast.Field) {
	if m.exhausted() {
		return
	}
	for _, group := range byResponseName(fields) {
		if len(group) == 1 {
			if len(group[0].SelectionSet) > 0 {
				m.merge(m.below(group))
			}
			continue
		}
		partitions := byParent(group)
		if slices.ContainsFunc(partitions, func(same []*ast.Field) bool { return !m.sameField(same) }) || !m.sameShape(group) {
			continue
		}
		for _, same := range partitions {
			m.merge(m.below(same))
		}
		if len(partitions) > 1 {
			m.shapes(m.below(group))
		}
	}
}

// shapes checks that a set of fields has one shape for each name, at all levels.
func (m *merger) shapes(fields []*ast.Field) {
	if m.exhausted() {
		return
	}
	for _, group := range byResponseName(fields) {
		if m.sameShape(group) && group[0].SelectionSet != nil {
			m.shapes(m.below(group))
		}
	}
}

// byResponseName groups fields by the key of the answer, in the order in which
// the keys first come.
func byResponseName(fields []*ast.Field) [][]*ast.Field {
	var groups [][]*ast.Field
	place := make(map[string]int, len(fields))
	for _, f := range fields {
		i, known := place[f.Alias]
		if !known {
			i = len(groups)
			place[f.Alias] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}

// byParent groups fields that may apply to one object: those of each object type,
// with those of interfaces in every group.
func byParent(group []*ast.Field) [][]*ast.Field {
	parents := map[string]bool{}
	for _, f := range group {
		if f.ObjectDefinition.Kind == ast.Object {
			parents[f.ObjectDefinition.Name] = true
		}
	}
	if len(parents) <= 1 {
		return [][]*ast.Field{group}
	}
	out := make([][]*ast.Field, 0, len(parents))
	for _, f := range group {
		name := f.ObjectDefinition.Name
		if !parents[name] {
			continue
		}
		parents[name] = false
		var same []*ast.Field
		for _, g := range group {
			if g.ObjectDefinition.Kind != ast.Object || g.ObjectDefinition.Name == name {
				same = append(same, g)
			}
		}
		out = append(out, same)
	}
	return out
}

// sameField says whether all are one field with the same arguments.
func (m *merger) sameField(group []*ast.Field) bool {
	first := group[0]
	for _, f := range group[1:] {
		switch {
		case f == first:
			continue
		case f.Name != first.Name:
			m.conflict(first, f, quoteShort(first.Name)+" and "+quoteShort(f.Name)+" are different fields")
		case !sameArguments(first.Arguments, f.Arguments):
			m.conflict(first, f, "they have different arguments")
		default:
			continue
		}
		return false
	}
	return true
}

func (m *merger) sameShape(group []*ast.Field) bool {
	first := group[0]
	for _, f := range group[1:] {
		if f != first && !m.sameType(first.Definition.Type, f.Definition.Type) {
			m.conflict(first, f, "they return "+quoteShort(first.Definition.Type.String())+" and "+quoteShort(f.Definition.Type.String()))
			return false
		}
	}
	return true
}

// sameType says whether two types make JSON of one shape: lists and "!" alike, and
// the same scalar or enum, or both with fields.
func (m *merger) sameType(a, b *ast.Type) bool {
	if a.NonNull != b.NonNull || (a.Elem == nil) != (b.Elem == nil) {
		return false
	}
	if a.Elem != nil {
		return m.sameType(a.Elem, b.Elem)
	}
	if a.NamedType == b.NamedType {
		return true
	}
	x, y := m.schema.Types[a.NamedType], m.schema.Types[b.NamedType]
	return x != nil && y != nil && x.IsCompositeType() && y.IsCompositeType()
}

func (m *merger) conflict(a, b *ast.Field, why string) {
	m.found.tell("Fields "+quoteShort(a.Alias)+" conflict: "+why+". Give one of them an alias.", append(at(a.Position), at(b.Position)...))
}

func sameArguments(a, b ast.ArgumentList) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if y := b.ForName(x.Name); y == nil || !sameValue(x.Value, y.Value) {
			return false
		}
	}
	return true
}

// sameValue says whether two values are written alike; the order of an object's
// fields does not matter.
func sameValue(a, b *ast.Value) bool {
	if a.Kind != b.Kind || a.Raw != b.Raw || len(a.Children) != len(b.Children) {
		return false
	}
	x, y := a.Children, b.Children
	if a.Kind == ast.ObjectValue {
		byName := func(x, y *ast.ChildValue) int { return strings.Compare(x.Name, y.Name) }
		x, y = slices.Clone(x), slices.Clone(y)
		slices.SortStableFunc(x, byName)
		slices.SortStableFunc(y, byName)
	}
	for i := range x {
		if x[i].Name != y[i].Name || !sameValue(x[i].Value, y[i].Value) {
			return false
		}
	}
	return true
}
