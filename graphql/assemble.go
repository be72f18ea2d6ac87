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
func assemble(doc *ast.SchemaDocument, list []*ast.Definition, query, mutation *ast.Definition, later func(name string) bool) (*ast.Schema, error) {
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
	same := map[string]*ast.Type{}
	for _, d := range list {
		if err := fits(s, d, later); err != nil {
			return nil, fmt.Errorf("type %s: %w", d.Name, err)
		}
		share(d, same)
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

// share lets fields and arguments of one type have one ast.Type: a schema of many
// tables has a few thousand of them and half a million fields.
func share(d *ast.Definition, same map[string]*ast.Type) {
	one := func(t *ast.Type) *ast.Type {
		if t.Elem == nil && !t.NonNull && same[t.NamedType] != nil { // without making a text of it
			return same[t.NamedType]
		}
		text := t.String()
		if same[text] == nil {
			same[text] = t
		}
		return same[text]
	}
	for _, f := range d.Fields {
		f.Type = one(f.Type)
		for _, a := range f.Arguments {
			a.Type = one(a.Type)
		}
	}
}

// fits checks that the names of a type are valid and differ, and that the types of
// its fields and arguments are there and can stand where they do.
func fits(s *ast.Schema, d *ast.Definition, later func(name string) bool) error {
	known := func(t *ast.Type, input bool) error {
		to := s.Types[t.Name()]
		switch {
		case to == nil && !input && later(t.Name()):
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
