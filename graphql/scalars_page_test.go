package graphql

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table of scalars in the reference is made of what the code says of them.
func TestScalarsPage(t *testing.T) {
	t.Parallel()
	types := map[string][]string{}
	for pg, scalar := range scalarNames {
		types[scalar] = append(types[scalar], pg)
	}
	var names []string
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("| scalar | of PostgreSQL's | a value |\n|---|---|---|\n")
	for _, name := range names {
		slices.Sort(types[name])
		doc := scalarDocs[name]
		if doc == "" {
			doc = plainScalars[name]
		}
		if doc == "" {
			doc = "As the server writes it."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, strings.Join(types[name], ", "), doc)
	}
	const from, to = "-update -->\n", "<!-- /scalars -->"
	file := filepath.Join("..", "docs", "reference", "graphql.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), from)
	have, tail, closed := strings.Cut(rest, to)
	if !ok || !closed {
		t.Fatal("the page has lost its marks")
	}
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(file, []byte(head+from+b.String()+to+tail), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(b.String(), have); diff != "" {
		t.Errorf("the page is old, make it anew with -update:\n%s", diff)
	}
}

// plainScalars are those of GraphQL itself, which no description is made for.
var plainScalars = map[string]string{
	"Boolean": "`true` or `false`.", "Int": "A whole number of 32 bits.", "Float": "A number. What is none comes back as a string, `NaN`, `Infinity` or `-Infinity`, and can't be given: [ADR 0027](../adr/0027-no-strings-for-float.md).", "String": "Text.",
}
