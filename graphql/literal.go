package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// argument is the value of the argument called name of a field of the document:
// what is written there, or the default of the schema, or absent (spec, 6.4.1).
// The definition is field.Definition, which validation sets. An error is in
// v.errs, at the place in the document.
func (v *values) argument(field *ast.Field, name string) nodeID {
	v.place = field.Position
	return v.argumentOf(field.Definition.Arguments, field.Arguments, name)
}

func (v *values) argumentOf(defs ast.ArgumentDefinitionList, args ast.ArgumentList, name string) nodeID {
	def := defs.ForName(name)
	if def == nil {
		return 0
	}
	v.path = append(v.path[:0], pathStep{name: name})
	named := v.in.named(def.Type.Name())
	if arg := args.ForName(name); arg != nil {
		v.place = arg.Position
		if arg.Value.Kind != ast.Variable || v.variable(arg.Value.Raw) != 0 {
			return v.literal(arg.Value, def.Type, named)
		}
	}
	if def.DefaultValue != nil {
		return v.literal(def.DefaultValue, def.Type, named)
	}
	if def.Type.NonNull {
		v.fail("is required but was not given")
	}
	return 0
}

// literal is a value of the document, or a default of the schema, as a node.
// Variables in it become copies of their nodes: those alone have leaves. It
// answers 0 for a variable that has no value, and where something is wrong.
func (v *values) literal(value *ast.Value, t *ast.Type, named *inputType) nodeID {
	switch {
	case value.Kind == ast.Variable:
		return v.reference(value.Raw, t)
	case value.Kind == ast.NullValue:
		if t.NonNull {
			v.fail("must not be null")
			return 0
		}
		return v.add(node{kind: nodeNull})
	case t.Elem != nil && named.kind == ast.Scalar && constant(value):
		n := node{kind: nodeLeaves, json: 'a'}
		n.raw = v.constantList(nil, value, t, named, &n)
		return v.add(n)
	case t.Elem != nil:
		return v.literalList(value, t, named)
	case named.kind == ast.Scalar:
		return v.literalScalar(value, named)
	case named.kind == ast.Enum:
		name, known := named.members().values[value.Raw]
		if value.Kind != ast.EnumValue || !known {
			v.fail("is no value of " + named.name)
			return 0
		}
		return v.add(node{kind: nodeEnum, value: name})
	}
	return v.literalObject(value, named)
}

// reference is a copy of a variable's node, so that it can stand in a chain.
func (v *values) reference(name string, t *ast.Type) nodeID {
	id := v.variable(name)
	if id == 0 {
		return 0
	}
	n := v.nodes[id]
	if n.kind == nodeNull && t.NonNull {
		v.fail("must not be null") // $x: Int in a place of type Int! that has a default
		return 0
	}
	n.next, n.name = 0, ""
	return v.add(n)
}

// constant says that no variable is in a value.
func constant(value *ast.Value) bool {
	if value.Kind == ast.Variable {
		return false
	}
	for _, child := range value.Children {
		if !constant(child.Value) {
			return false
		}
	}
	return true
}

// literalList is a list, or the list of one that a value stands for.
func (v *values) literalList(value *ast.Value, t *ast.Type, named *inputType) nodeID {
	var all siblings
	n := node{kind: nodeList}
	if named.kind == ast.Scalar {
		n = node{kind: nodeLeaves, json: 'a'}
	}
	n.nested = t.Elem.Elem != nil && named.kind == ast.Scalar
	element := func(value *ast.Value, index int) {
		v.path = append(v.path, pathStep{index: index})
		one := v.literal(value, t.Elem, named)
		if one == 0 && value.Kind == ast.Variable {
			if t.Elem.NonNull {
				v.fail("must not be null")
			} else {
				one = v.add(node{kind: nodeNull}) // spec, 3.11: absent in a list is null
			}
		}
		if one != 0 {
			n.hasNull = n.hasNull || v.nodes[one].kind == nodeNull || v.nodes[one].hasNull
			all.add(v, one, "")
		}
		v.path = v.path[:len(v.path)-1]
	}
	if value.Kind == ast.ListValue {
		for i, child := range value.Children {
			element(child.Value, i)
		}
	} else {
		element(value, 0)
	}
	n.first, n.empty = all.first, all.first == 0
	if n.kind == nodeLeaves && n.empty {
		n.raw = []byte("[]")
	}
	return v.add(n)
}

func (v *values) literalObject(value *ast.Value, named *inputType) nodeID {
	if value.Kind != ast.ObjectValue {
		v.fail(named.name + " wants an object")
		return 0
	}
	var all siblings
	for _, child := range value.Children {
		field := named.members().fields[child.Name]
		if field == nil {
			v.fail("has no field " + quoteShort(child.Name) + " in " + named.name + "." + hint(child.Name, named.members().names))
			continue
		}
		v.path = append(v.path, pathStep{name: child.Name})
		if one := v.literal(child.Value, field.typ, field.named); one != 0 {
			all.add(v, one, child.Name)
		}
		v.path = v.path[:len(v.path)-1]
	}
	v.complete(&all, named)
	return v.add(node{kind: nodeObject, first: all.first})
}

func (v *values) literalScalar(value *ast.Value, named *inputType) nodeID {
	if !constant(value) {
		// JSON with variables in it: put together at each request.
		kind := byte('a')
		if value.Kind == ast.ObjectValue {
			kind = 'o'
		}
		return v.add(node{kind: nodeLeaf, json: kind, first: v.literalJSON(value)})
	}
	raw, kind := v.constantScalar(nil, value, named)
	if kind == 0 {
		return 0
	}
	return v.add(node{kind: nodeLeaf, json: kind, raw: raw})
}

// anyJSON is the type of what stands inside a literal of a JSON scalar.
var anyJSON = &inputType{name: "JSON", kind: ast.Scalar, takes: takesScalar | takesAny}

func (v *values) literalJSON(value *ast.Value) nodeID {
	var all siblings
	switch value.Kind {
	case ast.Variable:
		return v.reference(value.Raw, &ast.Type{})
	case ast.ListValue, ast.ObjectValue:
		n := node{kind: nodeList}
		if value.Kind == ast.ObjectValue {
			n.kind = nodeObject
		}
		for _, child := range value.Children {
			one := v.literalJSON(child.Value)
			if one == 0 && n.kind == nodeList {
				one = v.add(node{kind: nodeNull})
			}
			if one != 0 {
				all.add(v, one, child.Name)
			}
		}
		n.first = all.first
		return v.add(n)
	default:
		raw, kind := v.constantScalar(nil, value, anyJSON)
		return v.add(node{kind: nodeLeaf, json: kind, raw: raw})
	}
}

// constantList appends a list of scalars without variables as JSON.
func (v *values) constantList(dst []byte, value *ast.Value, t *ast.Type, named *inputType, n *node) []byte {
	if value.Kind == ast.NullValue {
		if t.NonNull {
			v.fail("must not be null")
		}
		n.hasNull = true
		return append(dst, "null"...)
	}
	if t.Elem == nil {
		dst, _ = v.constantScalar(dst, value, named)
		return dst
	}
	n.nested = n.nested || t.Elem.Elem != nil
	dst = append(dst, '[')
	if value.Kind != ast.ListValue {
		return append(v.constantList(dst, value, t.Elem, named, n), ']')
	}
	n.empty = n.empty || len(value.Children) == 0
	for i, child := range value.Children {
		if i > 0 {
			dst = append(dst, ',')
		}
		v.path = append(v.path, pathStep{index: i})
		dst = v.constantList(dst, child.Value, t.Elem, named, n)
		v.path = v.path[:len(v.path)-1]
	}
	return append(dst, ']')
}

// constantScalar appends a scalar without variables as JSON and says how it is
// written; 0 where the type does not take that.
func (v *values) constantScalar(dst []byte, value *ast.Value, named *inputType) ([]byte, byte) {
	switch value.Kind {
	case ast.IntValue, ast.FloatValue:
		if message := named.number([]byte(value.Raw), value.Kind == ast.IntValue); message != "" {
			v.fail(message)
			return dst, 0
		}
		return append(dst, value.Raw...), 'd'
	case ast.StringValue, ast.BlockValue:
		if named.takes&takesString != 0 {
			return appendQuoted(dst, value.Raw), 's'
		}
	case ast.BooleanValue:
		if named.takes&takesBoolean != 0 {
			return append(dst, value.Raw...), value.Raw[0]
		}
	case ast.NullValue: // inside JSON
		return append(dst, "null"...), 'n'
	case ast.EnumValue:
		if named.takes&takesAny != 0 {
			return appendQuoted(dst, value.Raw), 's'
		}
	case ast.ListValue:
		if named.takes&takesAny != 0 {
			return v.constantMembers(dst, value, '['), 'a'
		}
	case ast.ObjectValue:
		if named.takes&takesAny != 0 {
			return v.constantMembers(dst, value, '{'), 'o'
		}
	case ast.Variable: // constant has said that there is none
	}
	v.fail(named.wants())
	return dst, 0
}

func (v *values) constantMembers(dst []byte, value *ast.Value, open byte) []byte {
	dst = append(dst, open)
	for i, child := range value.Children {
		if i > 0 {
			dst = append(dst, ',')
		}
		if open == '{' {
			dst = append(appendQuoted(dst, child.Name), ':')
		}
		dst, _ = v.constantScalar(dst, child.Value, anyJSON)
	}
	return append(dst, open+2)
}
