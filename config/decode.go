package config

import (
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fraiseql/fraiseql-go/graphql"
)

// decode puts n into v as the YAML package would, but strictly and with messages
// for people: they name the key and what it may have, not the types of Go. It
// knows the kinds that graphql.Config is made of; types that contain themselves
// are not among them, which bounds what an alias can do.
func (r *reader) decode(n *yaml.Node, path string, v reflect.Value) {
	n = follow(n)
	switch v.Kind() {
	case reflect.Struct:
		r.structure(n, path, v)
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		r.mapping(n, path, func(key, value *yaml.Node) {
			member := reflect.New(v.Type().Elem()).Elem()
			r.decode(value, join(path, key.Value), member)
			m.SetMapIndex(reflect.ValueOf(key.Value), member)
		})
		if m.Len() > 0 {
			v.Set(m)
		}
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			r.addf(n, path, "want a list, not %s%s", kind(n), bracketed(n, v.Type()))
			return
		}
		list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, item := range n.Content {
			r.decode(item, path+"["+strconv.Itoa(i)+"]", list.Index(i))
		}
		v.Set(list)
	case reflect.Pointer:
		to := reflect.New(v.Type().Elem())
		r.decode(n, path, to.Elem())
		v.Set(to)
	default:
		r.scalar(n, path, v)
	}
}

// scalar decodes a single value. Nothing is converted: 5 is no text, "true" no
// switch.
func (r *reader) scalar(n *yaml.Node, path string, v reflect.Value) {
	tag := ""
	if n.Kind == yaml.ScalarNode {
		tag = n.ShortTag()
	}
	switch {
	case v.Kind() == reflect.String && tag == "!!str":
		v.SetString(n.Value)
	case v.Kind() == reflect.String && tag != "" && tag != "!!null":
		r.addf(n, path, "want a text, not %s; write it in quotes", kind(n))
	case v.Kind() == reflect.Bool && tag == "!!bool":
		v.SetBool(n.Value[0] == 't' || n.Value[0] == 'T')
	case v.Kind() == reflect.Int && tag == "!!int" && isDigits(n.Value):
		number, err := strconv.Atoi(n.Value)
		if err != nil {
			r.addf(n, path, "%s is too large", n.Value)
		}
		v.SetInt(int64(number))
	default:
		r.addf(n, path, "want %s, not %s", wanted(v.Type()), kind(n))
	}
}

// isDigits says that a number is written as people do: YAML has 0x10 and 1_0 too.
func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// limitsType is the one member of graphql.Config that a file cannot have. Limits
// are settings like any other: in two places, which of them wins could not be told
// by one rule.
var limitsType = reflect.TypeFor[graphql.Limits]()

// structure decodes a struct by the yaml tags of its fields.
func (r *reader) structure(n *yaml.Node, path string, v reflect.Value) {
	var names []string
	fields := map[string]int{}
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		fields[name] = i
		if v.Type().Field(i).Type != limitsType {
			names = append(names, name)
		}
	}
	r.mapping(n, path, func(key, value *yaml.Node) {
		i, ok := fields[key.Value]
		switch {
		case !ok:
			r.addf(key, path, "%s", unknownKey(key.Value, names))
		case v.Field(i).Type() == limitsType:
			r.addf(key, join(path, key.Value), "limits are settings; write limit-depth and the like below settings")
		default:
			r.decode(value, join(path, key.Value), v.Field(i))
		}
	})
}

// wanted names what a t takes. A test walks every type of graphql.Config: there
// are texts, switches and numbers.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	default:
		return "a text"
	}
}

// bracketed is the hint at how a single value is written as a list of type t.
func bracketed(n *yaml.Node, t reflect.Type) string {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		return ""
	}
	text := n.Value
	for ; t.Kind() == reflect.Slice; t = t.Elem() {
		text = "[" + text + "]"
	}
	return "; write " + text
}
