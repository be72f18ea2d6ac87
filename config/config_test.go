package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/config"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
)

const whole = `# everything that a file can say
settings:
  addr: 127.0.0.1:0
  max-rows: 10
  h2c: true
  parity-sample: 0.5
  cors-origins: [https://a.example, "https://b.example"]
  schemas: &list [app, public]
  search-path: *list
  jwt-claims:
    sub: app.user_id
    org: app.org
  timezone: >-
    Europe/Paris
graphql:
  tables:
    users:
      name: Person
      plural: People
      omit: [delete, upsert]
      keys: [[id], [a, b]]
      description: ""
      columns:
        password: {omit: true}
        old: {name: former, deprecated: "use new", description: text}
        grid: {dimensions: 2}
      relations:
        posts: {omit: false}
    empty:
  functions:
    app.publish: {name: publish, as: mutation}
  enums:
    status: {name: State, values: {a-b: A_B}}
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := config.Parse("f.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	empty, text := "", "text"
	want := config.File{
		Settings: flags.File{Name: "f.yaml", Values: []flags.FileValue{
			{Key: "addr", Line: 3, Text: "127.0.0.1:0"},
			{Key: "max-rows", Line: 4, Text: "10"},
			{Key: "h2c", Line: 5, Text: "true"},
			{Key: "parity-sample", Line: 6, Text: "0.5"},
			{Key: "cors-origins", Line: 7, Items: []string{"https://a.example", "https://b.example"}},
			{Key: "schemas", Line: 8, Items: []string{"app", "public"}},
			{Key: "search-path", Line: 9, Items: []string{"app", "public"}},
			{Key: "jwt-claims", Line: 10, Items: []string{"sub=app.user_id", "org=app.org"}},
			{Key: "timezone", Line: 13, Text: "Europe/Paris"},
		}},
		GraphQL: graphql.Config{
			Tables: map[string]graphql.TableConfig{
				"users": {
					Name: "Person", Plural: "People", Omit: []string{"delete", "upsert"}, Keys: [][]string{{"id"}, {"a", "b"}}, Description: &empty,
					Columns: map[string]graphql.ColumnConfig{
						"password": {Omit: true}, "old": {Name: "former", Deprecated: "use new", Description: &text}, "grid": {Dimensions: 2},
					},
					Relations: map[string]graphql.ColumnConfig{"posts": {}},
				},
				"empty": {},
			},
			Functions: map[string]graphql.FunctionConfig{"app.publish": {Name: "publish", As: "mutation"}},
			Enums:     map[string]graphql.EnumConfig{"status": {Name: "State", Values: map[string]string{"a-b": "A_B"}}},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "settings:\ngraphql:\n", "settings:\n  # addr: x\n", "{}", "---\n", "null"} {
		got, err := config.Parse("f", []byte(text))
		if d := cmp.Diff(config.File{Settings: flags.File{Name: "f"}}, got); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", text, err, d)
		}
	}
}

// Each problem names its line, the key, and what may be there.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"unknown section", "setting:\n  addr: x\n", "f:1: unknown key setting; did you mean settings?"},
		{"other section", "tables: {}\n", "f:1: unknown key tables; want settings or graphql"},
		{"setting at the top", "addr: :80\n", "f:1: unknown key addr; write it below settings"},
		{"no sections", "- a\n", "f:1: want keys with values below it, not a list"},
		{"text", "hello\n", `f:1: want keys with values below it, not "hello"`},
		{"twice", "settings:\n  addr: a\n  addr: b\n", "f:3: addr: is on line 2 already"},
		{"section twice", "settings: {}\nsettings: {}\n", "f:2: settings: is on line 1 already"},
		{"no value", "settings:\n  addr:\n", "f:2: addr: has no value; leave the line out for the default"},
		{"nested list", "settings:\n  schemas: [[a]]\n", "f:2: schemas: want single values in the list, not a list"},
		{"hole in a list", "settings:\n  schemas: [a, ~]\n", "f:2: schemas: want single values in the list, not nothing"},
		{"deep claims", "settings:\n  jwt-claims:\n    sub: [a]\n", "f:3: jwt-claims.sub: want a single value, not a list"},
		{"settings as a list", "settings: [addr]\n", "f:1: settings: want keys with values below it, not a list"},
		{"list as key", "settings:\n  ? [a]\n  : b\n", "f:2: settings: want a name as key, not a list"},
		{"unknown key", "graphql:\n  tabels: {}\n", "f:2: graphql: unknown key tabels; did you mean tables?"},
		{"unknown key, deep", "graphql:\n  tables:\n    users:\n      hide: true\n", "f:4: graphql.tables.users: unknown key hide; want name, plural, omit, keys, columns, relations or description"},
		{"table twice", "graphql: {tables: {a: {}, a: {}}}", "f:1: graphql.tables.a: is on line 1 already"},
		{"number for text", "graphql:\n  tables:\n    users: {name: 5}\n", "f:3: graphql.tables.users.name: want a text, not the number 5; write it in quotes"},
		{"switch for text", "graphql: {tables: {users: {name: true}}}", "f:1: graphql.tables.users.name: want a text, not true; write it in quotes"},
		{"text for list", "graphql: {tables: {users: {omit: all}}}", `f:1: graphql.tables.users.omit: want a list, not "all"; write [all]`},
		{"list of names for keys", "graphql: {tables: {users: {keys: [id]}}}", `f:1: graphql.tables.users.keys[0]: want a list, not "id"; write [id]`},
		{"name for keys", "graphql: {tables: {users: {keys: id}}}", `f:1: graphql.tables.users.keys: want a list, not "id"; write [[id]]`},
		{"text for switch", "graphql: {functions: {f: {omit: yes}}}", `f:1: graphql.functions.f.omit: want true or false, not "yes"`},
		{"nothing for switch", "graphql: {functions: {f: {omit: }}}", "f:1: graphql.functions.f.omit: want true or false, not nothing"},
		{"list for text", "graphql: {functions: {f: {name: [a]}}}", "f:1: graphql.functions.f.name: want a text, not a list"},
		{"text for number", "graphql: {tables: {t: {columns: {c: {dimensions: two}}}}}", `f:1: graphql.tables.t.columns.c.dimensions: want a whole number, not "two"`},
		{"number of another kind", "graphql: {tables: {t: {columns: {c: {dimensions: 0x2}}}}}", "f:1: graphql.tables.t.columns.c.dimensions: want a whole number, not the number 0x2"},
		{"number too large", "graphql: {tables: {t: {columns: {c: {dimensions: 18446744073709551615}}}}}", "f:1: graphql.tables.t.columns.c.dimensions: 18446744073709551615 is too large"},
		{"number beyond all", "graphql: {tables: {t: {columns: {c: {dimensions: 99999999999999999999}}}}}", "f:1: graphql.tables.t.columns.c.dimensions: want a whole number, not the number 99999999999999999999"},
		{"limits", "graphql:\n  limits: {depth: 3}\n", "f:2: graphql.limits: limits are settings; write limit-depth and the like below settings"},
		{"merge", "graphql:\n  tables:\n    a: &a {name: A}\n    b: {<<: *a}\n", "f:4: graphql.tables.b: unknown key <<; want name, plural, omit, keys, columns, relations or description"},
		{"two documents", "settings: {}\n---\nsettings: {}\n", "f:2: a second document; want one"},
		{"no YAML", "settings:\n\taddr: x\n", "f:2: not YAML: found character that cannot start any token"},
		{"unknown alias", "settings:\n  addr: *nowhere\n", "f: not YAML: unknown anchor 'nowhere' referenced"},
		{
			"all at once", "setting: {}\ngraphql: {table: {}}\nsettings: {a: }\n",
			"f:1: unknown key setting; did you mean settings?\nf:2: graphql: unknown key table; did you mean tables?\nf:3: a: has no value; leave the line out for the default",
		},
	} {
		_, err := config.Parse("f", []byte(c.text))
		if d := cmp.Diff(c.want, fmt.Sprint(err)); d != "" {
			t.Errorf("%s\n%s", c.name, d)
		}
	}
}

// The decoder knows every type that the configuration of the schema is made of.
func TestEveryType(t *testing.T) {
	t.Parallel()
	var walk func(path string, ty reflect.Type)
	walk = func(path string, ty reflect.Type) {
		switch ty.Kind() {
		case reflect.Struct:
			for f := range ty.Fields() {
				name := f.Tag.Get("yaml")
				if name == "" || strings.ContainsAny(name, ",- ") {
					t.Errorf("%s.%s: yaml name %q", path, f.Name, name)
				}
				if f.Type != reflect.TypeFor[graphql.Limits]() {
					walk(path+"."+name, f.Type)
				}
			}
		case reflect.Map:
			if ty.Key().Kind() != reflect.String {
				t.Errorf("%s: key %s", path, ty.Key())
			}
			walk(path+".*", ty.Elem())
		case reflect.Slice, reflect.Pointer:
			walk(path, ty.Elem())
		case reflect.String, reflect.Bool, reflect.Int:
		default:
			t.Errorf("%s: no decoder for %s", path, ty)
		}
	}
	walk("graphql", reflect.TypeFor[graphql.Config]())
}

// Settings and package graphql have the same limits under the same defaults.
func TestLimits(t *testing.T) {
	t.Parallel()
	want, got := graphql.DefaultLimits(), flags.Default().Limits
	if d := cmp.Diff(want, graphql.Limits{
		Bytes: got.Bytes, Tokens: got.Tokens, Depth: got.Depth, Aliases: got.Aliases, Roots: got.Roots, Directives: got.Directives,
		Fragments: got.Fragments, Cost: got.Cost, InputDepth: got.InputDepth, Errors: got.Errors,
		Introspect: got.IntrospectionDepth, VariableSize: got.VariableBytes,
	}); d != "" {
		t.Error(d)
	}
	if a, b := reflect.TypeOf(want).NumField(), reflect.TypeOf(got).NumField(); a != b {
		t.Errorf("%d limits in graphql, %d settings", a, b)
	}
}

func TestRead(t *testing.T) { // not parallel: it changes the working directory
	dir := t.TempDir()
	t.Chdir(dir)
	if f, err := config.Read(""); err != nil || f.Settings.Name != "" {
		t.Errorf("no file: %+v, %v", f, err)
	}
	_, err := config.Read("nowhere.yaml")
	if got, want := fmt.Sprint(err), "read the configuration: open nowhere.yaml: no such file or directory"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	write := func(name, text string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write(config.DefaultName, "settings: {bigint: string, max-rows: 5}\ngraphql: {tables: {a: {name: B}}}\n")
	t.Setenv("FRAISEQL_MAX_ROWS", "7")
	s, g, err := config.FromEnv()
	if err != nil || s.BigInt != "string" || s.MaxRows != 7 || g.Tables["a"].Name != "B" || s.Origin("FRAISEQL_BIGINT") != "fraiseql.yaml:1" {
		t.Errorf("%v, %v, %v", s, g, err)
	}
	t.Setenv("FRAISEQL_CONFIG", write("other.yaml", "settings: {bigint: number}\n"))
	if s, _, err = config.FromEnv(); err != nil || s.BigInt != "number" {
		t.Errorf("FRAISEQL_CONFIG: %v, %v", s, err)
	}
	t.Setenv("FRAISEQL_CONFIG", write("wrong.yaml", "settings: {bigint: 5}\n"))
	if _, _, err = config.FromEnv(); fmt.Sprint(err) != `wrong.yaml:1: bigint="5": want number or string` {
		t.Error(err)
	}
	t.Setenv("FRAISEQL_CONFIG", write("large.yaml", strings.Repeat("#\n", 3<<20)))
	if _, _, err = config.FromEnv(); fmt.Sprint(err) != "read the configuration: large.yaml is larger than 4194304 bytes" {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("a: &a [*a]")
	f.Add("settings: &a {x: *a}")
	f.Add("graphql: {tables: &a {b: *a}}")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = config.Parse("f", []byte(text)) // it must end, without a panic
	})
}

func ExampleParse() {
	_, err := config.Parse("fraiseql.yaml", []byte("settings:\n  adr: :8000\ngraphql:\n  tables:\n    users: {omit: all}\n"))
	fmt.Println(err)
	// What is right of a file can be read on.
	file, _ := config.Parse("fraiseql.yaml", []byte("settings:\n  adr: :8000\n"))
	_, err = flags.Parse(func(string) string { return "" }, flags.WithFile(file.Settings))
	fmt.Println(err)
	// Output:
	// fraiseql.yaml:5: graphql.tables.users.omit: want a list, not "all"; write [all]
	// fraiseql.yaml:2: adr: unknown setting; did you mean addr?
}
