package graphql

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
)

// coerce reads the variables of op from raw, a JSON object or nothing, by the
// rules of the spec (6.1.2 and 3.x "Input Coercion"), straight into nodes: a
// request whose shape is known needs nothing but its leaves. What is wrong is
// told with its path, all of it up to Limits.Errors, as BAD_USER_INPUT. raw must
// not change while v is in use: leaves point into it.
func (v *values) coerce(in *inputs, op *ast.OperationDefinition, raw json.RawMessage, l *Limits) Errors {
	v.reset()
	v.in, v.op, v.text = in, op, raw
	v.errs.max = l.Errors
	v.depth = l.InputDepth
	if v.depth < 0 {
		v.depth = 1 << 20 // the reader recurses: no bound would be a crash
	}
	if l.VariableSize > 0 && len(raw) > l.VariableSize {
		v.errs.add(&Error{Message: "the variables are larger than " + strconv.Itoa(l.VariableSize) + " bytes", Code: codeLimit})
		return v.errs.errors()
	}
	for range op.VariableDefinitions {
		v.starts = append(v.starts, -1)
	}
	if !utf8.Valid(raw) || !v.index() {
		v.broken = true
		v.errs = collector{}
		v.errs.add(&Error{Message: "the variables are not a JSON object, or nest too deep", Code: codeBadInput})
		return v.errs.errors()
	}
	for i, def := range op.VariableDefinitions {
		v.vars = append(v.vars, v.define(def, v.starts[i]))
	}
	return v.errs.errors()
}

// index finds where in text each variable begins. Variables that the operation
// does not have are passed over.
func (v *values) index() bool {
	c := v.peek()
	if c == 0 && v.at == len(v.text) {
		return true
	}
	if c == 'n' {
		return v.word("null") && v.peek() == 0 && v.at == len(v.text)
	}
	if !v.open('{') {
		return false
	}
	for first := true; !v.close('}', first); first = false {
		key, ok := v.key()
		if !ok {
			return false
		}
		v.peek()
		start := v.at
		if !v.skip(v.depth) {
			return false
		}
		for i, def := range v.op.VariableDefinitions {
			if string(key) != def.Variable {
				continue
			}
			if v.starts[i] >= 0 {
				v.path = append(v.path[:0], pathStep{name: def.Variable})
				v.fail("is given twice")
				v.path = v.path[:0]
			}
			v.starts[i] = start
		}
	}
	return !v.broken && v.peek() == 0 && v.at == len(v.text)
}

// define is the value of one variable that begins at start in text.
func (v *values) define(def *ast.VariableDefinition, start int) nodeID {
	v.path = append(v.path[:0], pathStep{name: def.Variable})
	v.shape = append(v.shape, '$')
	named := v.in.named(def.Type.Name())
	switch {
	case named == nil:
		v.fail("has no input type") // validation has refused it
		return 0
	case start >= 0:
		v.at = start
		return v.value(def.Type, named)
	case def.DefaultValue != nil:
		v.shape = append(v.shape, '~')
		return v.literal(def.DefaultValue, def.Type, named)
	case def.Type.NonNull:
		v.fail("is required but was not given")
		return 0
	}
	v.shape = append(v.shape, '-')
	return 0
}

// value reads one value of type t. Where it is wrong it says so, reads past it
// and answers 0. index has read the whole text, so that it is JSON and does not
// nest deeper than allowed.
func (v *values) value(t *ast.Type, named *inputType) nodeID {
	c := v.peek()
	if c == 'n' {
		v.word("null")
		if t.NonNull {
			v.fail("must not be null")
			return 0
		}
		v.shape = append(v.shape, 'n')
		return v.add(node{kind: nodeNull})
	}
	if t.Elem != nil {
		if named.kind == ast.Scalar {
			return v.scalars(t, named)
		}
		return v.list(t, named)
	}
	switch named.kind {
	case ast.Scalar:
		start := v.at
		kind := v.scalar(named)
		if kind == 0 {
			return 0
		}
		v.shape = append(v.shape, kind)
		return v.addLeaf(node{kind: nodeLeaf, json: kind}, v.text[start:v.at])
	case ast.Enum:
		return v.enum(named)
	default:
		return v.object(named)
	}
}

// list reads a list of enums, input objects or lists of them. A value that is no
// list is a list of one (spec, 3.11).
func (v *values) list(t *ast.Type, named *inputType) nodeID {
	id := v.add(node{kind: nodeList})
	v.shape = append(v.shape, '[')
	var all siblings
	if v.text[v.at] != '[' {
		v.shape = append(v.shape, ',')
		if one := v.value(t.Elem, named); one != 0 {
			all.add(v, one, "")
		}
	} else {
		v.open('[')
		index := 0
		for first := true; !v.close(']', first); first = false {
			v.shape = append(v.shape, ',')
			v.path = append(v.path, pathStep{index: index})
			if one := v.value(t.Elem, named); one != 0 {
				all.add(v, one, "")
			}
			v.path = v.path[:len(v.path)-1]
			index++
		}
	}
	v.shape = append(v.shape, ']')
	v.nodes[id].first = all.first
	return id
}

func (v *values) enum(named *inputType) nodeID {
	if v.text[v.at] != '"' {
		v.skip(v.depth)
		v.fail(named.name + " wants one of its values as a string")
		return 0
	}
	key, ok := v.string()
	if !ok {
		return 0
	}
	value, known := named.members().values[string(key)]
	if !known {
		v.fail("is no value of " + named.name + "." + hint(string(key), named.members().names))
		return 0
	}
	v.shape = append(append(v.shape, '='), value...)
	return v.add(node{kind: nodeEnum, value: value})
}

func (v *values) object(named *inputType) nodeID {
	if v.text[v.at] != '{' {
		v.skip(v.depth)
		v.fail(named.name + " wants an object")
		return 0
	}
	id := v.add(node{kind: nodeObject})
	v.shape = append(v.shape, '{')
	var all siblings
	v.open('{')
	for first := true; !v.close('}', first); first = false {
		key, ok := v.key()
		if !ok {
			return 0
		}
		field := named.members().fields[string(key)]
		if field == nil {
			v.skip(v.depth)
			v.fail("has no field " + quoteShort(string(key)) + " in " + named.name + "." + hint(string(key), named.members().names))
			continue
		}
		v.path = append(v.path, pathStep{name: field.name})
		if twice(v, all.first, field.name) {
			v.fail("is given twice")
		}
		v.shape = append(append(append(v.shape, ','), field.name...), ':')
		if one := v.value(field.typ, field.named); one != 0 {
			all.add(v, one, field.name)
		} else {
			all.add(v, v.add(node{}), field.name) // wrong, and told; but not missing
		}
		v.path = v.path[:len(v.path)-1]
	}
	v.shape = append(v.shape, '}')
	v.complete(&all, named)
	v.nodes[id].first = all.first
	return id
}

func twice(v *values, first nodeID, name string) bool {
	for c := first; c != 0; c = v.nodes[c].next {
		if v.nodes[c].name == name {
			return true
		}
	}
	return false
}

// complete adds the defaults of fields that were not given to an object, and
// refuses it where a required one is missing.
func (v *values) complete(all *siblings, named *inputType) {
	for _, field := range named.members().needed {
		if twice(v, all.first, field.name) {
			continue
		}
		v.path = append(v.path, pathStep{name: field.name})
		if field.def == nil {
			v.fail("is required but was not given")
		} else if id := v.literal(field.def, field.typ, field.named); id != 0 {
			all.add(v, id, field.name)
		}
		v.path = v.path[:len(v.path)-1]
	}
	if !named.oneOf {
		return
	}
	if one := all.first; one == 0 || v.nodes[one].next != 0 || v.nodes[one].kind == nodeNull {
		v.fail(named.name + " wants exactly one field, and that not null")
	}
}

// scalar reads one scalar and answers how it is written, or 0 where the type
// does not take that.
func (v *values) scalar(named *inputType) byte {
	start := v.at
	switch c := v.text[v.at]; c {
	case '"':
		if _, ok := v.string(); !ok {
			return 0
		}
		if named.takes&takesString != 0 {
			return 's'
		}
	case 't', 'f':
		if !v.word(boolWord(c)) {
			return 0
		}
		if named.takes&takesBoolean != 0 {
			return c
		}
	case '{', '[':
		if !v.skip(v.depth) {
			return 0
		}
		if named.takes&takesAny != 0 {
			return jsonKind(c)
		}
	case 'n': // an element of a list inside a scalar that takes anything
		v.word("null")
		return 'n'
	default:
		whole, ok := v.number()
		if !ok {
			return 0
		}
		if message := named.number(v.text[start:v.at], whole); message != "" {
			v.fail(message)
			return 0
		}
		return 'd'
	}
	v.fail(named.wants())
	return 0
}

func jsonKind(c byte) byte {
	if c == '{' {
		return 'o'
	}
	return 'a'
}

func boolWord(c byte) string {
	if c == 't' {
		return "true"
	}
	return "false"
}

// number says what is wrong with a number for this scalar.
func (t *inputType) number(digits []byte, whole bool) string {
	if whole && t.takes&takesInteger == 0 || !whole && t.takes&takesNumber == 0 {
		return t.wants()
	}
	if t.takes&takesInt32 != 0 {
		const longest = len("-2147483648")
		if len(digits) <= longest {
			if _, err := strconv.ParseInt(string(digits), 10, 32); err == nil {
				return ""
			}
		}
		return "Int is a whole number from -2147483648 to 2147483647"
	}
	if t.takes&takesFinite != 0 && (!whole || len(digits) > 300) {
		if _, err := strconv.ParseFloat(string(digits), 64); err != nil {
			return "Float is a number of double precision"
		}
	}
	return ""
}

// wants says what may be given for this scalar.
func (t *inputType) wants() string {
	switch {
	case t.takes&takesInt32 != 0:
		return "Int wants a whole number"
	case t.takes == takesString|takesInteger:
		return t.name + " wants a string or a whole number"
	case t.takes == takesString:
		return t.name + " wants a string"
	case t.takes == takesBoolean:
		return t.name + " wants true or false"
	case t.takes&takesFinite != 0:
		return "Float wants a number"
	case t.takes == takesString|takesInteger|takesNumber:
		return t.name + " wants a string or a number"
	}
	return t.name + " wants a string, a number or a boolean"
}

// scalars reads a list of scalars as one leaf.
func (v *values) scalars(t *ast.Type, named *inputType) nodeID {
	start := v.at
	n := node{kind: nodeLeaves, json: 'a'}
	v.rewrite = false
	errors, more := len(v.errs.list), v.errs.more
	v.elements(t, named, &n)
	if v.broken || len(v.errs.list) > errors || v.errs.more > more {
		return 0
	}
	raw := v.text[start:v.at]
	if v.rewrite {
		raw = v.brackets(nil, raw, t)
	}
	v.shape = append(v.shape, '*', '0'+n.flags())
	return v.addLeaf(n, raw)
}

func (n *node) flags() byte {
	var flags byte
	if n.empty {
		flags |= 1
	}
	if n.hasNull {
		flags |= 2
	}
	if n.nested {
		flags |= 4
	}
	return flags
}

// elements checks a list of scalars of type t, which has elements.
func (v *values) elements(t *ast.Type, named *inputType, n *node) {
	if v.text[v.at] != '[' {
		v.rewrite = true // a list of one
		if t.Elem.Elem != nil {
			n.nested = true
			v.elements(t.Elem, named, n)
			return
		}
		v.scalar(named)
		return
	}
	v.open('[')
	index := 0
	for first := true; !v.close(']', first); first = false {
		v.path = append(v.path, pathStep{index: index})
		switch c := v.peek(); {
		case c == 'n':
			v.word("null")
			if t.Elem.NonNull {
				v.fail("must not be null")
			}
			n.hasNull = true
		case t.Elem.Elem != nil:
			n.nested = true
			v.elements(t.Elem, named, n)
		default:
			v.scalar(named)
		}
		v.path = v.path[:len(v.path)-1]
		index++
	}
	n.empty = n.empty || index == 0
}

// brackets copies a list with the brackets that its type wants. The text was
// checked.
func (v *values) brackets(dst, raw []byte, t *ast.Type) []byte {
	sub := values{text: raw, depth: v.depth}
	return sub.bracketed(dst, t)
}

func (v *values) bracketed(dst []byte, t *ast.Type) []byte {
	c := v.peek()
	if t.Elem == nil || c == 'n' {
		start := v.at
		v.skip(v.depth)
		return append(dst, v.text[start:v.at]...)
	}
	dst = append(dst, '[')
	if c != '[' {
		return append(v.bracketed(dst, t.Elem), ']')
	}
	v.open('[')
	for first := true; !v.close(']', first); first = false {
		if !first {
			dst = append(dst, ',')
		}
		dst = v.bracketed(dst, t.Elem)
	}
	return append(dst, ']')
}

// fail tells that the value at path is wrong: "$filter.name.eq: …".
func (v *values) fail(message string) {
	if v.broken {
		return
	}
	if v.errs.max > 0 && len(v.errs.list) >= v.errs.max {
		v.errs.more++ // the text would be thrown away
		return
	}
	b := []byte{'$'}
	if v.place != nil {
		b = b[:0] // an argument of the document, not a variable
	}
	for i, step := range v.path {
		switch {
		case step.name == "":
			b = append(strconv.AppendInt(append(b, '['), int64(step.index), 10), ']')
		case i == 0:
			b = append(b, step.name...)
		default:
			b = append(append(b, '.'), step.name...)
		}
	}
	b = append(append(b, ": "...), message...)
	v.errs.add(&Error{Message: string(b), Locations: at(v.place), Code: codeBadInput})
}
