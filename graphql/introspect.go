package graphql

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// appendIntrospection appends the value of a field __schema or __type (spec,
// section 4): what is selected, in the order of the selection. v holds the
// variables; the document was validated.
func appendIntrospection(dst []byte, types types, field *ast.Field, v *values) []byte {
	i := introspector{types: types, v: v}
	if field.Name == "__type" {
		name := i.argument(field, "name")
		var text string
		if name.kind == nodeLeaf {
			text = unquote(name.raw)
		}
		def := types.definition(text)
		if def == nil {
			return append(dst, "null"...)
		}
		return i.named(dst, def, i.plan(field.SelectionSet))
	}
	return i.wholeSchema(dst, i.plan(field.SelectionSet))
}

// types are those of a schema: one by its name, or all of them.
type types interface {
	definition(name string) *ast.Definition
	whole() *ast.Schema
}

type introspector struct {
	types  types
	schema *ast.Schema // where the whole is asked for
	v      *values
}

// definition is the type called name, or nil.
func (i *introspector) definition(name string) *ast.Definition {
	if i.schema != nil {
		return i.schema.Types[name]
	}
	return i.types.definition(name)
}

// asked is a field of a selection set, with its fragments spread and fields of
// one key merged. The types of introspection are all objects, so that one plan
// serves every object of a type.
type asked struct {
	name       string
	key        []byte // "alias":
	deprecated bool   // includeDeprecated
	fields     []asked
}

func (i *introspector) plan(sets ...ast.SelectionSet) []asked {
	var list []asked
	var below [][]ast.SelectionSet
	place := map[string]int{}
	var collect func(set ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch s := selection.(type) {
			case *ast.Field:
				if !i.included(s.Directives) {
					continue
				}
				n, known := place[s.Alias]
				if !known {
					n = len(list)
					place[s.Alias] = n
					include := i.argument(s, "includeDeprecated")
					list = append(list, asked{
						name: s.Name, key: append(appendQuoted(nil, s.Alias), ':'), deprecated: include.kind == nodeLeaf && include.json == 't',
					})
					below = append(below, nil)
				}
				below[n] = append(below[n], s.SelectionSet)
			case *ast.InlineFragment:
				if i.included(s.Directives) {
					collect(s.SelectionSet)
				}
			case *ast.FragmentSpread:
				if s.Definition != nil && i.included(s.Directives) {
					collect(s.Definition.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		collect(set)
	}
	for n := range list {
		list[n].fields = i.plan(below[n]...)
	}
	return list
}

func (i *introspector) argument(f *ast.Field, name string) node {
	if f.Definition == nil {
		return node{}
	}
	return i.v.nodes[i.v.argument(f, name)]
}

// included obeys @skip and @include.
func (i *introspector) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		if d.Definition == nil || d.Name != "skip" && d.Name != "include" {
			continue
		}
		on := i.v.nodes[i.v.argumentOf(d.Definition.Arguments, d.Arguments, "if")].json == 't'
		if on == (d.Name == "skip") {
			return false
		}
	}
	return true
}

// appendObject appends an object of the fields asked for; value appends one value.
func appendObject(dst []byte, typename string, fields []asked, value func(dst []byte, f *asked) []byte) []byte {
	dst = append(dst, '{')
	for n := range fields {
		if n > 0 {
			dst = append(dst, ',')
		}
		f := &fields[n]
		dst = append(dst, f.key...)
		if f.name == "__typename" {
			dst = append(append(append(dst, '"'), typename...), '"')
			continue
		}
		dst = value(dst, f)
	}
	return append(dst, '}')
}

// appendList appends a list of all, each by value.
func appendList[T any](dst []byte, all []T, value func(dst []byte, one T) []byte) []byte {
	dst = append(dst, '[')
	for n, one := range all {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = value(dst, one)
	}
	return append(dst, ']')
}

func appendNull(dst []byte) []byte { return append(dst, "null"...) }

// appendOptional appends a text, or null where there is none.
func appendOptional(dst []byte, s string) []byte {
	if s == "" {
		return appendNull(dst)
	}
	return appendQuoted(dst, s)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

func (i *introspector) wholeSchema(dst []byte, fields []asked) []byte {
	i.schema = i.types.whole()
	return appendObject(dst, "__Schema", fields, func(dst []byte, f *asked) []byte {
		switch f.name {
		case "description":
			return appendOptional(dst, i.schema.Description)
		case "types":
			return appendList(dst, sortedTypes(i.schema), func(dst []byte, def *ast.Definition) []byte { return i.named(dst, def, f.fields) })
		case "queryType":
			return i.named(dst, i.schema.Query, f.fields)
		case "mutationType":
			return i.named(dst, i.schema.Mutation, f.fields)
		case "subscriptionType":
			return i.named(dst, i.schema.Subscription, f.fields)
		case "directives":
			return appendList(dst, sortedDirectives(i.schema), func(dst []byte, d *ast.DirectiveDefinition) []byte { return i.directive(dst, d, f.fields) })
		}
		return appendNull(dst)
	})
}

// sortedTypes are the types of a schema by name.
func sortedTypes(schema *ast.Schema) []*ast.Definition {
	all := make([]*ast.Definition, 0, len(schema.Types))
	for _, def := range schema.Types {
		all = append(all, def)
	}
	slices.SortFunc(all, byName)
	return all
}

func sortedDirectives(schema *ast.Schema) []*ast.DirectiveDefinition {
	all := make([]*ast.DirectiveDefinition, 0, len(schema.Directives))
	for _, def := range schema.Directives {
		all = append(all, def)
	}
	slices.SortFunc(all, func(a, b *ast.DirectiveDefinition) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// reference appends the __Type of a reference to a type.
func (i *introspector) reference(dst []byte, t *ast.Type, fields []asked) []byte {
	kind, inner := "LIST", t.Elem
	switch {
	case t.NonNull:
		bare := *t
		bare.NonNull = false
		kind, inner = "NON_NULL", &bare
	case t.Elem == nil:
		return i.named(dst, i.definition(t.NamedType), fields)
	}
	return appendObject(dst, "__Type", fields, func(dst []byte, f *asked) []byte {
		switch f.name {
		case "kind":
			return appendQuoted(dst, kind)
		case "ofType":
			return i.reference(dst, inner, f.fields)
		}
		return appendNull(dst)
	})
}

// named appends the __Type of a definition, or null.
func (i *introspector) named(dst []byte, def *ast.Definition, fields []asked) []byte {
	if def == nil {
		return appendNull(dst)
	}
	return appendObject(dst, "__Type", fields, func(dst []byte, f *asked) []byte {
		switch f.name {
		case "kind":
			return appendQuoted(dst, string(def.Kind))
		case "name":
			return appendQuoted(dst, def.Name)
		case "description":
			return appendOptional(dst, def.Description)
		case "specifiedByURL":
			return appendOptional(dst, directiveText(def.Directives, "specifiedBy", "url", ""))
		case "fields":
			if def.Kind == ast.Object || def.Kind == ast.Interface {
				return appendList(dst, visibleFields(def, f.deprecated), func(dst []byte, d *ast.FieldDefinition) []byte { return i.field(dst, d, f.fields) })
			}
		case "interfaces":
			if def.Kind == ast.Object || def.Kind == ast.Interface {
				return appendList(dst, def.Interfaces, func(dst []byte, name string) []byte { return i.named(dst, i.definition(name), f.fields) })
			}
		case "possibleTypes":
			if def.IsAbstractType() {
				return appendList(dst, i.possible(def), func(dst []byte, d *ast.Definition) []byte { return i.named(dst, d, f.fields) })
			}
		case "enumValues":
			if def.Kind == ast.Enum {
				values := visible(def.EnumValues, f.deprecated, func(d *ast.EnumValueDefinition) ast.DirectiveList { return d.Directives })
				return appendList(dst, values, func(dst []byte, d *ast.EnumValueDefinition) []byte { return i.enumValue(dst, d, f.fields) })
			}
		case "inputFields":
			if def.Kind == ast.InputObject {
				return appendList(dst, visibleFields(def, f.deprecated), func(dst []byte, d *ast.FieldDefinition) []byte {
					return i.input(dst, d.Name, d.Description, d.Type, d.DefaultValue, d.Directives, f.fields)
				})
			}
		case "isOneOf":
			if def.Kind == ast.InputObject {
				return appendBool(dst, def.Directives.ForName("oneOf") != nil)
			}
		}
		return appendNull(dst) // ofType, and what this kind does not have
	})
}

// possible are the object types of a union in its order, or of an interface by
// name.
func (i *introspector) possible(def *ast.Definition) []*ast.Definition {
	var all []*ast.Definition
	for _, name := range def.Types {
		all = append(all, i.definition(name))
	}
	if def.Kind == ast.Union {
		return all
	}
	for _, p := range i.types.whole().GetPossibleTypes(def) {
		if p.Kind == ast.Object && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

func byName(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) }

// visible are the definitions that are not deprecated, or all.
func visible[T any](all []T, deprecated bool, directives func(T) ast.DirectiveList) []T {
	out := make([]T, 0, len(all))
	for _, one := range all {
		if deprecated || directives(one).ForName("deprecated") == nil {
			out = append(out, one)
		}
	}
	return out
}

// visibleFields are the fields of a definition without __schema and __type.
func visibleFields(def *ast.Definition, deprecated bool) []*ast.FieldDefinition {
	all := visible(def.Fields, deprecated, func(f *ast.FieldDefinition) ast.DirectiveList { return f.Directives })
	return slices.DeleteFunc(all, func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "__") })
}

func (i *introspector) field(dst []byte, d *ast.FieldDefinition, fields []asked) []byte {
	return appendObject(dst, "__Field", fields, func(dst []byte, f *asked) []byte {
		switch f.name {
		case "name":
			return appendQuoted(dst, d.Name)
		case "description":
			return appendOptional(dst, d.Description)
		case "args":
			return i.arguments(dst, d.Arguments, f)
		case "type":
			return i.reference(dst, d.Type, f.fields)
		}
		return deprecation(dst, d.Directives, f)
	})
}

func (i *introspector) arguments(dst []byte, args ast.ArgumentDefinitionList, f *asked) []byte {
	all := visible(args, f.deprecated, func(a *ast.ArgumentDefinition) ast.DirectiveList { return a.Directives })
	return appendList(dst, all, func(dst []byte, a *ast.ArgumentDefinition) []byte {
		return i.input(dst, a.Name, a.Description, a.Type, a.DefaultValue, a.Directives, f.fields)
	})
}

func (i *introspector) input(dst []byte, name, description string, t *ast.Type, def *ast.Value, directives ast.DirectiveList, fields []asked) []byte {
	return appendObject(dst, "__InputValue", fields, func(dst []byte, f *asked) []byte {
		switch f.name {
		case "name":
			return appendQuoted(dst, name)
		case "description":
			return appendOptional(dst, description)
		case "type":
			return i.reference(dst, t, f.fields)
		case "defaultValue":
			if def == nil {
				return appendNull(dst)
			}
			return appendQuoted(dst, string(appendLiteral(nil, def)))
		}
		return deprecation(dst, directives, f)
	})
}

func (i *introspector) enumValue(dst []byte, d *ast.EnumValueDefinition, fields []asked) []byte {
	return appendObject(dst, "__EnumValue", fields, func(dst []byte, f *asked) []byte {
		switch f.name {
		case "name":
			return appendQuoted(dst, d.Name)
		case "description":
			return appendOptional(dst, d.Description)
		}
		return deprecation(dst, d.Directives, f)
	})
}

func (i *introspector) directive(dst []byte, d *ast.DirectiveDefinition, fields []asked) []byte {
	return appendObject(dst, "__Directive", fields, func(dst []byte, f *asked) []byte {
		switch f.name {
		case "name":
			return appendQuoted(dst, d.Name)
		case "description":
			return appendOptional(dst, d.Description)
		case "isRepeatable":
			return appendBool(dst, d.IsRepeatable)
		case "locations":
			return appendList(dst, d.Locations, func(dst []byte, l ast.DirectiveLocation) []byte { return appendQuoted(dst, string(l)) })
		case "args":
			return i.arguments(dst, d.Arguments, f)
		}
		return appendNull(dst)
	})
}

// deprecation is isDeprecated or deprecationReason.
func deprecation(dst []byte, directives ast.DirectiveList, f *asked) []byte {
	is := directives.ForName("deprecated") != nil
	switch {
	case f.name == "isDeprecated":
		return appendBool(dst, is)
	case f.name == "deprecationReason" && is:
		return appendQuoted(dst, directiveText(directives, "deprecated", "reason", noReason))
	}
	return appendNull(dst)
}

// noReason is the default of @deprecated(reason:) (spec, 3.13.3).
const noReason = "No longer supported"

// directiveText is the text of an argument of a directive, or otherwise.
func directiveText(directives ast.DirectiveList, name, argument, otherwise string) string {
	if d := directives.ForName(name); d != nil {
		if arg := d.Arguments.ForName(argument); arg != nil && arg.Value != nil {
			return arg.Value.Raw
		}
	}
	return otherwise
}

// appendLiteral appends a value as a document has it.
func appendLiteral(dst []byte, value *ast.Value) []byte {
	switch value.Kind {
	case ast.ListValue:
		dst = append(dst, '[')
		for n, child := range value.Children {
			if n > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendLiteral(dst, child.Value)
		}
		return append(dst, ']')
	case ast.ObjectValue:
		dst = append(dst, '{')
		for n, child := range value.Children {
			if n > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(append(dst, child.Name...), ": "...)
			dst = appendLiteral(dst, child.Value)
		}
		return append(dst, '}')
	case ast.StringValue, ast.BlockValue:
		return appendQuoted(dst, value.Raw)
	case ast.NullValue:
		return appendNull(dst)
	default:
		return append(dst, value.Raw...)
	}
}
