package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// member is one key of an object of the document.
type member struct {
	key   string
	value any
}

// object is a JSON object whose keys stay in their order, so that the document
// reads from the general to the particular and is the same every time.
type object []member

// obj is an object of keys and values in turns.
func obj(pairs ...any) object {
	o := make(object, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		o = append(o, member{pairs[i].(string), pairs[i+1]}) //nolint:forcetypeassert // written a line away
	}
	return o
}

// with is o and more; o stays as it is.
func (o object) with(pairs ...any) object {
	return append(slices.Clip(o), obj(pairs...)...)
}

// described is o with a description, if there is one.
func (o object) described(text string) object {
	if text == "" {
		return o
	}
	return o.with("description", text)
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(m.key); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.value); err != nil {
			return nil, fmt.Errorf("%s: %w", m.key, err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// The words of JSON Schema that the document is made of.

func typed(t string) object { return obj("type", t) }

func anyOf(list ...any) object { return obj("anyOf", list) }

func enum(words []string) object { return obj("type", "string", "enum", words) }

func listOf(items any) object { return obj("type", "array", "items", items) }

// someOf is a list of at least one.
func someOf(items any) object { return listOf(items).with("minItems", 1) }

// closed is an object that has no other keys than these.
func closed(properties object, required ...string) object {
	o := obj("type", "object")
	if len(required) > 0 {
		o = o.with("required", required)
	}
	return o.with("properties", properties, "additionalProperties", false)
}

// ref points to a component.
func ref(name string) object { return obj("$ref", "#/components/schemas/"+name) }

// nullable takes null too.
func nullable(schema object) object {
	switch {
	case len(schema) == 0:
		return schema
	case schema[0].key == "anyOf":
		if list, ok := schema[0].value.([]any); ok {
			return append(anyOf(append(slices.Clip(list), typed("null"))...), schema[1:]...)
		}
	case schema[0].key == "type":
		if t, ok := schema[0].value.(string); ok && schema.plain() {
			return append(obj("type", []string{t, "null"}), schema[1:]...)
		}
	}
	return anyOf(schema, typed("null"))
}

// plain says that a further type in "type" is all it takes to allow its values.
func (o object) plain() bool {
	for _, m := range o {
		if m.key == "enum" || m.key == "const" || m.key == "anyOf" {
			return false
		}
	}
	return true
}
