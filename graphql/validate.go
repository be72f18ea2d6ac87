package graphql

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// specRules are the rules of the spec, section 5, that the library has. Those
// that are not here are ours: fields, arguments and values (whose hints compare
// an unknown name with every name of the schema there, and which take literals
// that the spec refuses), the merging of fields (which compares each pair), and
// fragments (which are walked through from each other again).
var specRules = []core.Rule{
	rules.KnownDirectivesRule,
	rules.KnownFragmentNamesRule,
	rules.KnownRootTypeRule,
	rules.KnownTypeNamesRuleWithoutSuggestions,
	rules.LoneAnonymousOperationRule,
	rules.MaxIntrospectionDepth,
	rules.NoUndefinedVariablesRule,
	rules.NoUnusedVariablesRule,
	rules.PossibleFragmentSpreadsRule,
	rules.ProvidedRequiredArgumentsRule,
	rules.ScalarLeafsRule,
	rules.UniqueArgumentNamesRule,
	rules.UniqueDirectivesPerLocationRule,
	rules.UniqueInputFieldNamesRule,
	rules.UniqueOperationNamesRule,
	rules.UniqueVariableNamesRule,
	rules.VariablesAreInputTypesRule,
	rules.VariablesInAllowedPositionRule,
}

// validate holds a document to the schema, by all rules of the spec, section 5.
// It sets the definitions in doc. checkLimits must have accepted it: fragments do
// not spread themselves and nothing is larger than the limits.
func validate(schema *ast.Schema, in *inputs, doc *ast.QueryDocument, l *Limits) Errors {
	found := problems{collector: collector{max: l.Errors}, seen: map[problem]bool{}}
	events := &core.Events{}
	for _, rule := range specRules {
		rule.RuleFunc(events, found.addOptions)
	}
	found.ourRules(events, in)
	unused := found.fragments(schema, doc)
	// The walker goes through each fragment where an operation reaches it. It would
	// then go through each again by itself, and from there through all that it
	// reaches: the square of the text. Nothing is left to be found there.
	walked := *doc
	events.OnOperation(func(_ *core.Walker, op *ast.OperationDefinition) {
		if op == doc.Operations[len(doc.Operations)-1] {
			walked.Fragments = nil
		}
	})
	events.OnFragmentSpread(func(_ *core.Walker, s *ast.FragmentSpread) { delete(unused, s.Name) })
	core.Walk(schema, &walked, events)
	for _, f := range doc.Fragments {
		if unused[f.Name] {
			found.tell("Fragment "+quoteShort(f.Name)+" is never used.", at(f.Position))
		}
	}
	if len(found.list) == 0 { // it needs all definitions
		m := merger{schema: schema, found: &found, left: mergeWork}
		for _, op := range doc.Operations {
			m.merge(m.collect(nil, op.SelectionSet, map[string]bool{}))
		}
	}
	return found.errors()
}

// problems gathers what is wrong. Fragments are walked once for each place that
// spreads them, so the same may be found many times.
type problems struct {
	collector
	seen map[problem]bool
}

type problem struct {
	message string
	place   Location
}

func (p *problems) addOptions(options ...core.ErrorOption) {
	if p.max > 0 && len(p.list) >= p.max {
		p.more++
		return
	}
	var e gqlerror.Error
	for _, option := range options {
		option(&e)
	}
	p.tell(e.Message, locations(e.Locations))
}

func (p *problems) tell(message string, places []Location) {
	if p.max > 0 && len(p.list) >= p.max {
		p.more++ // perhaps of one that was told before: it is a number, not a list
		return
	}
	e := &Error{Message: shorten(message), Locations: places, Code: codeValidation}
	key := problem{message: e.Message}
	if len(places) > 0 {
		key.place = places[0]
	}
	if p.seen[key] {
		return
	}
	p.seen[key] = true
	p.add(e)
}

func (p *problems) ourRules(events *core.Events, in *inputs) {
	events.OnField(func(_ *core.Walker, field *ast.Field) {
		if field.ObjectDefinition == nil || !field.ObjectDefinition.IsCompositeType() {
			return // told by a rule about what is around it
		}
		if field.Definition == nil {
			p.tell("Cannot query field "+quoteShort(field.Name)+" on type "+quoteShort(field.ObjectDefinition.Name)+"."+
				hintOf(field.Name, field.ObjectDefinition.Fields, func(f *ast.FieldDefinition) string { return f.Name }), at(field.Position))
			return
		}
		p.arguments(in, field.Arguments, field.Definition.Arguments, "field "+quoteShort(field.ObjectDefinition.Name+"."+field.Name))
	})
	events.OnDirective(func(_ *core.Walker, d *ast.Directive) {
		if d.Definition != nil {
			p.arguments(in, d.Arguments, d.Definition.Arguments, "directive "+quoteShort("@"+d.Name))
		}
	})
	events.OnInlineFragment(func(w *core.Walker, f *ast.InlineFragment) {
		if def := w.Schema.Types[f.TypeCondition]; def != nil { // unknown: told by another rule
			p.condition(def, f.TypeCondition, f.Position)
		}
	})
	events.OnVariable(func(_ *core.Walker, v *ast.VariableDefinition) {
		if named := in.named(v.Type.Name()); v.DefaultValue != nil && named != nil {
			p.value(v.DefaultValue, v.Type, named, "$"+v.Variable)
		}
	})
}

// fragments checks what is said of fragments where they are defined, and answers
// the names of all (spec, 5.5.1).
func (p *problems) fragments(schema *ast.Schema, doc *ast.QueryDocument) map[string]bool {
	names := make(map[string]bool, len(doc.Fragments))
	for _, f := range doc.Fragments {
		if names[f.Name] {
			p.tell("There can be only one fragment named "+quoteShort(f.Name)+".", at(f.Position))
		}
		names[f.Name] = true
		f.Definition = schema.Types[f.TypeCondition]
		p.condition(f.Definition, f.TypeCondition, f.Position)
	}
	return names
}

func (p *problems) condition(def *ast.Definition, name string, position *ast.Position) {
	switch {
	case def == nil:
		p.tell("Unknown type "+quoteShort(name)+".", at(position))
	case !def.IsCompositeType():
		p.tell("Fragment cannot condition on non composite type "+quoteShort(name)+".", at(position))
	}
}

func (p *problems) arguments(in *inputs, args ast.ArgumentList, defs ast.ArgumentDefinitionList, of string) {
	for _, arg := range args {
		def := defs.ForName(arg.Name)
		if def == nil {
			p.tell("Unknown argument "+quoteShort(arg.Name)+" on "+of+"."+
				hintOf(arg.Name, defs, func(d *ast.ArgumentDefinition) string { return d.Name }), at(arg.Position))
			continue
		}
		if named := in.named(def.Type.Name()); named != nil {
			p.value(arg.Value, def.Type, named, arg.Name)
		}
	}
}

// value holds a literal to its type (spec, 5.6). Variables inside have a rule of
// their own.
func (p *problems) value(value *ast.Value, t *ast.Type, named *inputType, path string) {
	wrong := func(message string) { p.tell(path+": "+message, at(value.Position)) }
	switch {
	case value.Kind == ast.Variable:
	case value.Kind == ast.NullValue:
		if t.NonNull {
			wrong("must not be null")
		}
	case t.Elem != nil:
		if value.Kind != ast.ListValue {
			p.value(value, t.Elem, named, path)
			return
		}
		for _, child := range value.Children {
			p.value(child.Value, t.Elem, named, path)
		}
	case named.kind == ast.Scalar:
		if message := named.literal(value); message != "" {
			wrong(message)
		}
	case named.kind == ast.Enum:
		if value.Kind != ast.EnumValue {
			wrong("wants a value of " + named.name)
		} else if _, known := named.members().values[value.Raw]; !known {
			wrong(quoteShort(value.Raw) + " is no value of " + named.name + "." + hint(value.Raw, named.members().names))
		}
	case value.Kind != ast.ObjectValue:
		wrong(named.name + " wants an object")
	default:
		p.object(value, named, path)
	}
}

func (p *problems) object(value *ast.Value, named *inputType, path string) {
	given := make(map[string]bool, len(value.Children))
	for _, child := range value.Children {
		given[child.Name] = true
		field := named.members().fields[child.Name]
		if field == nil {
			p.tell(path+": has no field "+quoteShort(child.Name)+" in "+named.name+"."+hint(child.Name, named.members().names), at(child.Position))
			continue
		}
		if len(path) < longest {
			path := path + "." + child.Name
			p.value(child.Value, field.typ, field.named, path)
		} else {
			p.value(child.Value, field.typ, field.named, path)
		}
	}
	for _, field := range named.members().needed {
		if field.def == nil && !given[field.name] {
			p.tell(path+"."+field.name+": is required but was not given", at(value.Position))
		}
	}
	if named.oneOf && (len(value.Children) != 1 || value.Children[0].Value.Kind == ast.NullValue) {
		p.tell(path+": "+named.name+" wants exactly one field, and that not null", at(value.Position))
	}
}

// literal says what is wrong with a literal for this scalar.
func (t *inputType) literal(value *ast.Value) string {
	takes := takesAny
	switch value.Kind {
	case ast.IntValue, ast.FloatValue:
		return t.number([]byte(value.Raw), value.Kind == ast.IntValue)
	case ast.StringValue, ast.BlockValue:
		takes = takesString
	case ast.BooleanValue:
		takes = takesBoolean
	default: // a list, an object, an enum
	}
	if t.takes&takes == 0 {
		return t.wants()
	}
	return ""
}

// hintOf is hint for a list of definitions.
func hintOf[T any](name string, list []T, nameOf func(T) string) string {
	if len(name) > hintName {
		return ""
	}
	names := make([]string, 0, min(len(list), hintCandidates))
	for _, one := range list[:min(len(list), hintCandidates)] {
		if n := nameOf(one); !strings.HasPrefix(n, "__") {
			names = append(names, n)
		}
	}
	return hint(name, names)
}
