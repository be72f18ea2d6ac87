package graphql

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

// assemble puts a schema together. It holds the types to the rules that this
// package could break, each in time that grows with their number: the library's own
// check compares every field of Query with every other, which takes an hour for
// ten thousand tables. The roots are said: a table called subscription is a type
// and no root. later says whether a type is made later, for an answer.
func assemble(doc *ast.SchemaDocument, list []*ast.Definition, query, mutation *ast.Definition, same *sharer, later func(name string) bool) (*ast.Schema, error) {
	s := &ast.Schema{
		Types: make(map[string]*ast.Definition, len(list)), Directives: map[string]*ast.DirectiveDefinition{}, Query: query,
	}
	if len(mutation.Fields) > 0 {
		s.Mutation = mutation
	}
	for _, d := range doc.Directives {
		s.Directives[d.Name] = d
	}
	for _, d := range slices.Concat(doc.Definitions, list) {
		if s.Types[d.Name] != nil {
			return nil, fmt.Errorf("type %s is there twice", d.Name)
		}
		s.Types[d.Name] = d
		d.Position = nowhere
	}
	for _, d := range list {
		if err := fits(s, d, later); err != nil {
			return nil, fmt.Errorf("type %s: %w", d.Name, err)
		}
		same.share(d)
	}
	query.Fields = append(query.Fields, validator.QueryIntrospectionFields()...)
	return s, nil
}

// settle gives the parts of a definition their positions.
func settle(d *ast.Definition) {
	d.Position = nowhere
	for _, f := range d.Fields {
		f.Position = nowhere
		for _, a := range f.Arguments {
			a.Position = nowhere
		}
	}
}

// isName says whether n may be a name of ours.
func isName(n string) bool { return validName(n) == n && isPlain(n) }

// sharer lets what is alike be one thing: a schema of many tables has half a million
// fields, of a few thousand types, and the same columns again in many inputs.
type sharer struct {
	types     map[typeKey]*ast.Type
	fields    map[fieldKey]*ast.FieldDefinition
	arguments map[fieldKey]*ast.ArgumentDefinition
}

type typeKey struct {
	name    string
	elem    *ast.Type
	nonNull bool
}

type fieldKey struct {
	name, doc string
	typ       *ast.Type
}

func newSharer() *sharer {
	return &sharer{map[typeKey]*ast.Type{}, map[fieldKey]*ast.FieldDefinition{}, map[fieldKey]*ast.ArgumentDefinition{}}
}

func (s *sharer) share(d *ast.Definition) {
	for i, f := range d.Fields {
		s.field(f)
		if len(f.Arguments) > 0 || f.DefaultValue != nil || len(f.Directives) > 0 {
			continue
		}
		key := fieldKey{f.Name, f.Description, f.Type}
		if kept := s.fields[key]; kept != nil {
			d.Fields[i] = kept
		} else {
			s.fields[key] = f
		}
	}
}

// field shares what f consists of.
func (s *sharer) field(f *ast.FieldDefinition) {
	f.Type = s.typ(f.Type)
	for i, a := range f.Arguments {
		a.Type = s.typ(a.Type)
		if a.DefaultValue != nil || len(a.Directives) > 0 {
			continue
		}
		key := fieldKey{a.Name, a.Description, a.Type}
		if kept := s.arguments[key]; kept != nil {
			f.Arguments[i] = kept
		} else {
			s.arguments[key] = a
		}
	}
}

func (s *sharer) typ(t *ast.Type) *ast.Type {
	key := typeKey{t.NamedType, t.Elem, t.NonNull}
	if t.Elem != nil {
		key.elem = s.typ(t.Elem)
	}
	if kept := s.types[key]; kept != nil {
		return kept
	}
	t.Elem = key.elem
	s.types[key] = t
	return t
}

// fits checks that the names of a type are valid and differ, and that the types of
// its fields and arguments are there and can stand where they do.
func fits(s *ast.Schema, d *ast.Definition, later func(name string) bool) error {
	known := func(t *ast.Type, input bool) error {
		to := s.Types[t.Name()]
		switch {
		case to == nil && later(t.Name()):
		case to == nil:
			return fmt.Errorf("there is no type %s", t.Name())
		case input && !to.IsInputType(), !input && to.Kind == ast.InputObject:
			return fmt.Errorf("%s can't stand there", t.Name())
		}
		return nil
	}
	names := make(map[string]bool, len(d.Fields)+len(d.EnumValues))
	name := func(n string) error {
		if names[n] {
			return fmt.Errorf("%s is there twice", n)
		}
		if !isName(n) {
			return fmt.Errorf("%q is no name", n)
		}
		names[n] = true
		return nil
	}
	if (d.Kind == ast.Object || d.Kind == ast.InputObject) && len(d.Fields) == 0 || d.Kind == ast.Enum && len(d.EnumValues) == 0 {
		return errors.New("it is empty")
	}
	for _, v := range d.EnumValues {
		if err := name(v.Name); err != nil {
			return err
		}
	}
	for _, f := range d.Fields {
		f.Position = nowhere
		if err := errors.Join(name(f.Name), known(f.Type, d.Kind == ast.InputObject)); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		for i, a := range f.Arguments {
			a.Position = nowhere
			if f.Arguments[:i].ForName(a.Name) != nil || !isName(a.Name) {
				return fmt.Errorf("field %s: argument %q is no name, or there twice", f.Name, a.Name)
			}
			if err := known(a.Type, true); err != nil {
				return fmt.Errorf("field %s: argument %s: %w", f.Name, a.Name, err)
			}
		}
	}
	return nil
}
