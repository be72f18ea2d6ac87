package builder

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// FuzzParseDefinition: no input panics; what is accepted is JSON by
// encoding/json's rules too, and what is refused says why.
func FuzzParseDefinition(f *testing.F) {
	for _, seed := range []string{
		`{"operation":"query","table":"users","fields":["id"],"filters":{"and":[{"field":"a","eq":1},{"b":{"in":[1,null]}}]},"sort":[{"a":"DESC"}]}`,
		`{"type":"update","table":"t","input":{"a":{"set_path":{"path":["x",1],"value":null}}},"filters":{"id":{"eq":1}}}`,
		`{"type":"insert","table":"t","input":[{"a":"\ud83d\ude00"}],"on_conflict":{"columns":["a"],"do":"nothing"}}`,
		`{"transaction":[],"session":{"a.b":"c"}}`, `[[[[`, `{"a":1,"a":2}`, "\"\xff\"", `{"operation":"query","table":"t","relations":{"a":{"relations":{"b":{}}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kept := bytes.Clone(data)
		req, err := Parse(data)
		if !bytes.Equal(kept, data) {
			t.Fatal("the input was changed")
		}
		var probs Problems
		switch {
		case err == nil:
			if !json.Valid(data) || len(req.Definitions) == 0 {
				t.Fatalf("accepted %q as %+v", data, req)
			}
			for _, def := range req.Definitions {
				if def.Kind == 0 || def.Table == "" {
					t.Fatalf("accepted %q as %+v", data, def)
				}
			}
		case !errors.As(err, &probs) || len(probs) == 0 || len(probs) > maxProblems+1:
			t.Fatalf("%T with %d problems", err, len(probs))
		}
	})
}

// FuzzFilter: a filter that is accepted has placeholders 1..n and repeats
// nothing of the request in its SQL.
func FuzzFilter(f *testing.F) {
	files, _ := filepath.Glob("testdata/filters/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range a.Files {
			if strings.HasSuffix(part.Name, ".json") {
				f.Add(string(part.Data))
			}
		}
	}
	schema := schemaOfSample(f)
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := parseFilter(text)
		if err != nil {
			return
		}
		for _, name := range []string{"users", "posts", "all_types"} {
			table, err := schema.cat.Table(name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := filterSQL(schema, table, "id", filter)
			if err != nil {
				if _, ok := errors.AsType[Problems](err); !ok {
					t.Fatalf("%q: %T %v", text, err, err)
				}
				continue
			}
			for i, a := range s.Args {
				if v, ok := a.(string); ok && len(v) > 12 && strings.ContainsAny(v, " ;'") && strings.Contains(s.SQL, v) {
					t.Fatalf("argument %d is in the SQL: %s", i+1, s.SQL)
				}
			}
			again, _ := filterSQL(schema, table, "id", filter)
			if again.SQL != s.SQL {
				t.Fatalf("two renderings differ: %s\n%s", s.SQL, again.SQL)
			}
		}
	})
}
