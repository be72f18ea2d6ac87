package graphql

import (
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
)

// inputs are the input types of a schema, each made ready for coercion when a
// request first needs it: of a schema of many tables most are never used. It is
// safe for concurrent use.
type inputs struct {
	def  func(name string) *ast.Definition // nil: there is no such type
	any  map[string]bool                   // scalars that take objects and lists too
	made sync.Map                          // *inputType by name
}

// newInputs are the input types that def knows.
func newInputs(def func(name string) *ast.Definition, takesAny ...string) *inputs {
	in := &inputs{def: def, any: make(map[string]bool, len(takesAny))}
	for _, name := range takesAny {
		in.any[name] = true
	}
	return in
}

// named is the input type called name, or nil.
func (in *inputs) named(name string) *inputType {
	if t, ok := in.made.Load(name); ok {
		return t.(*inputType) //nolint:forcetypeassert // nothing else is in it
	}
	def := in.def(name)
	if def == nil || !def.IsInputType() {
		return nil
	}
	t := &inputType{name: name, kind: def.Kind, def: def, in: in}
	switch def.Kind {
	case ast.Scalar:
		t.takes = takesScalar
		if kinds, known := scalarKinds[name]; known {
			t.takes = kinds
		}
		if in.any[name] {
			t.takes |= takesAny
		}
	case ast.InputObject:
		t.oneOf = def.Directives.ForName("oneOf") != nil
	default: // an enum
	}
	kept, _ := in.made.LoadOrStore(name, t)
	return kept.(*inputType) //nolint:forcetypeassert // nothing else is in it
}

// inputType is a scalar, an enum or an input object.
type inputType struct {
	name  string
	kind  ast.DefinitionKind
	takes jsonKinds // scalar: what it may be written as
	oneOf bool

	def  *ast.Definition
	in   *inputs
	once sync.Once
	all  inputMembers
}

// inputMembers are what an enum or an input object consists of. Fields are found by
// name, and those that need a look when they are missing stand apart.
type inputMembers struct {
	values map[string]string      // enum: the names, each under itself
	fields map[string]*inputField // input object
	needed []*inputField          // fields that are required or have a default
	names  []string               // of values or fields in the schema's order, for hints
}

// members are those of t, made when they are first needed.
func (t *inputType) members() *inputMembers {
	t.once.Do(t.make)
	return &t.all
}

type inputField struct {
	name  string
	typ   *ast.Type
	named *inputType
	def   *ast.Value // the default, or nil
}

// jsonKinds are the ways in which a scalar may be written in JSON.
type jsonKinds uint8

const (
	takesString jsonKinds = 1 << iota
	takesInteger
	takesNumber // with a fraction or an exponent
	takesBoolean
	takesAny // objects and lists too
	takesInt32
	takesFinite
)

const takesScalar = takesString | takesInteger | takesNumber | takesBoolean

// scalarKinds says how each scalar may be written. One that is not here takes
// any string, number or boolean, and a composite an object too: the column's type
// decides (codec).
var scalarKinds = map[string]jsonKinds{
	"Int":        takesInteger | takesInt32,
	"Float":      takesInteger | takesNumber | takesFinite,
	"String":     takesString,
	"Boolean":    takesBoolean,
	"ID":         takesString | takesInteger,
	"BigInt":     takesString | takesInteger,
	"BigDecimal": takesString | takesInteger | takesNumber,
	"DateTime":   takesString,
	"Date":       takesString,
	"Time":       takesString,
	"UUID":       takesString,
	"Bytes":      takesString,
	"JSON":       takesScalar | takesAny,
}

func (t *inputType) make() {
	if t.kind == ast.Enum {
		t.all.values = make(map[string]string, len(t.def.EnumValues))
		for _, value := range t.def.EnumValues {
			t.all.values[value.Name] = value.Name
			t.all.names = append(t.all.names, value.Name)
		}
		return
	}
	t.all.fields = make(map[string]*inputField, len(t.def.Fields))
	for _, f := range t.def.Fields {
		field := &inputField{name: f.Name, typ: f.Type, named: t.in.named(f.Type.Name()), def: f.DefaultValue}
		t.all.fields[f.Name] = field
		t.all.names = append(t.all.names, f.Name)
		if f.DefaultValue != nil || f.Type.NonNull {
			t.all.needed = append(t.all.needed, field)
		}
	}
}
