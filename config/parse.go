package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fraiseql/fraiseql-go/flags"
)

// Parse reads data; messages call it name. The error joins one *flags.Error for
// each problem; the File has what is right, so that the rest can be checked too.
func Parse(name string, data []byte) (File, error) {
	file := File{Settings: flags.File{Name: name}}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) { // empty, or comments alone
		return file, nil
	}
	if err != nil {
		return File{}, syntax(name, err)
	}
	if err := dec.Decode(&second); err == nil {
		return File{}, &flags.Error{Name: fmt.Sprintf("%s:%d", name, second.Line), Problem: "a second document; want one"}
	} else if !errors.Is(err, io.EOF) {
		return File{}, syntax(name, err)
	}
	r := reader{file: name}
	r.mapping(doc.Content[0], "", func(key, value *yaml.Node) {
		switch key.Value {
		case "settings":
			file.Settings.Values = r.settings(value)
		case "graphql":
			r.decode(value, "graphql", reflect.ValueOf(&file.GraphQL).Elem())
		default:
			hint := unknownKey(key.Value, []string{"settings", "graphql"})
			if slices.ContainsFunc(flags.Table(), func(s flags.Setting) bool { return s.Flag == key.Value }) {
				hint = "unknown key " + key.Value + "; write it below settings"
			}
			r.addf(key, "", "%s", hint)
		}
	})
	return file, errors.Join(r.problems...)
}

// yamlError is what the YAML package says of a text that is no YAML.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func syntax(name string, err error) error {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	if m := yamlError.FindStringSubmatch(text); m != nil {
		text = m[2]
		if m[1] != "" {
			name += ":" + m[1]
		}
	}
	return &flags.Error{Name: name, Problem: "not YAML: " + text}
}

// reader walks the nodes of a file and collects what is wrong.
type reader struct {
	file     string
	problems []error
}

// addf says what is wrong at n, which is at path.
func (r *reader) addf(n *yaml.Node, path, format string, args ...any) {
	name := fmt.Sprintf("%s:%d", r.file, n.Line)
	if path != "" {
		name += ": " + path
	}
	r.problems = append(r.problems, &flags.Error{Name: name, Problem: fmt.Sprintf(format, args...)})
}

// mapping calls f for each member of n. An empty value (every line below it is a
// comment) is an empty mapping.
func (r *reader) mapping(n *yaml.Node, path string, f func(key, value *yaml.Node)) {
	n = follow(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.addf(n, path, "want keys with values below it, not %s", kind(n))
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := follow(n.Content[i]), n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.addf(key, path, "want a name as key, not %s", kind(key))
			continue
		}
		if line := lines[key.Value]; line > 0 {
			r.addf(key, strings.TrimPrefix(join(path, key.Value), "settings."), "is on line %d already", line)
			continue
		}
		lines[key.Value] = key.Line
		f(key, value)
	}
}

// settings are the values that package flags will check.
func (r *reader) settings(n *yaml.Node) (list []flags.FileValue) {
	r.mapping(n, "settings", func(key, value *yaml.Node) {
		v := flags.FileValue{Key: key.Value, Line: key.Line}
		switch value = follow(value); {
		case isNull(value):
			r.addf(key, key.Value, "has no value; leave the line out for the default")
			return
		case value.Kind == yaml.ScalarNode:
			v.Text = value.Value
		case value.Kind == yaml.SequenceNode:
			v.Items = []string{}
			for _, item := range value.Content {
				if item = follow(item); item.Kind != yaml.ScalarNode || isNull(item) {
					r.addf(item, key.Value, "want single values in the list, not %s", kind(item))
					return
				}
				v.Items = append(v.Items, item.Value)
			}
		default: // sub: app.user_id is sub=app.user_id
			before := len(r.problems)
			v.Items = []string{}
			r.mapping(value, key.Value, func(k, item *yaml.Node) {
				if item = follow(item); item.Kind != yaml.ScalarNode || isNull(item) {
					r.addf(k, join(key.Value, k.Value), "want a single value, not %s", kind(item))
					return
				}
				v.Items = append(v.Items, k.Value+"="+item.Value)
			})
			if len(r.problems) > before {
				return
			}
		}
		list = append(list, v)
	})
	return list
}

// follow is what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// kind names what n is, for messages.
func kind(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return "keys with values"
	}
	if n.Kind == yaml.SequenceNode {
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return n.Value
	case "!!int", "!!float":
		return "the number " + n.Value
	}
	return fmt.Sprintf("%q", n.Value)
}

// unknownKey says that key is none of names.
func unknownKey(key string, names []string) string {
	if near := flags.Nearest(key, names, 0); near != "" {
		return "unknown key " + key + "; did you mean " + near + "?"
	}
	return "unknown key " + key + "; want " + oneOf(names)
}

// oneOf says "a, b or c".
func oneOf(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
