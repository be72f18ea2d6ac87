package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// inputs are the input types of a schema, made ready for coercion: fields are
// found by name, and those that need a look when they are missing stand apart.
// It never changes and is safe for concurrent use.
type inputs struct {
	types map[string]*inputType
}

// inputType is a scalar, an enum or an input object.
type inputType struct {
	name   string
	kind   ast.DefinitionKind
	takes  jsonKinds              // scalar: what it may be written as
	values map[string]string      // enum: the names, each under itself
	fields map[string]*inputField // input object
	needed []*inputField          // fields that are required or have a default
	names  []string               // of values or fields in the schema's order, for hints
	oneOf  bool
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

// newInputs makes the input types of schema ready.
func newInputs(schema *ast.Schema) *inputs {
	in := &inputs{types: make(map[string]*inputType, len(schema.Types))}
	for name, def := range schema.Types {
		if !def.IsInputType() {
			continue
		}
		t := &inputType{name: name, kind: def.Kind}
		switch def.Kind {
		case ast.Scalar:
			t.takes = takesScalar
			if kinds, known := scalarKinds[name]; known {
				t.takes = kinds
			}
		case ast.Enum:
			t.values = make(map[string]string, len(def.EnumValues))
			for _, value := range def.EnumValues {
				t.values[value.Name] = value.Name
				t.names = append(t.names, value.Name)
			}
		default:
			t.oneOf = def.Directives.ForName("oneOf") != nil
		}
		in.types[name] = t
	}
	for name, t := range in.types {
		if t.kind == ast.InputObject {
			t.addFields(in, schema.Types[name].Fields)
		}
	}
	return in
}

func (t *inputType) addFields(in *inputs, fields ast.FieldList) {
	t.fields = make(map[string]*inputField, len(fields))
	for _, f := range fields {
		field := &inputField{name: f.Name, typ: f.Type, named: in.types[f.Type.Name()], def: f.DefaultValue}
		t.fields[f.Name] = field
		t.names = append(t.names, f.Name)
		if f.DefaultValue != nil || f.Type.NonNull {
			t.needed = append(t.needed, field)
		}
	}
}
