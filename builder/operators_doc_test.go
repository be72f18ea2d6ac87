package builder

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/codec"
)

// TestOperatorsReference writes docs/reference/operators.md from the table.
func TestOperatorsReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Operators\n\n<!-- Made from builder/operators*.go by `go test ./builder -update`. Do not edit. -->\n\n" +
		"Every operator that a filter can use. `{x}` is the field and `{v}` the operand, which is always a parameter.\n" +
		"Each name is understood in camelCase as well (`is_null`, `isNull`). An operator that a type does not take is refused,\n" +
		"and the message lists those it takes. How conditions are put together: [definitions](definitions.md#filters).\n\n" +
		"`eq` and `is_not_distinct_from` with null find NULL, `neq` and `is_distinct_from` with null find what is not NULL; every\n" +
		"other operator refuses null. An operator that takes true or false finds the opposite with false.\n")
	var families []string
	for op := range Operators() {
		if !slices.Contains(families, op.Family) {
			families = append(families, op.Family)
		}
	}
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	for _, family := range families {
		fmt.Fprintf(&b, "\n## %s\n\n| operator | also | types | operand | SQL | |\n|---|---|---|---|---|---|\n", strings.ToUpper(family[:1])+family[1:])
		for op := range Operators() {
			if op.Family != family {
				continue
			}
			types := strings.ReplaceAll(op.Accepts.String(), "|", ", ")
			switch {
			case op.only != nil:
				types = strings.Join(op.only, ", ")
			case op.Accepts == anyKind&^codec.KindComposite:
				types = "every type but composites"
			case op.Accepts == equalKinds:
				types = "every type with equality"
			case op.Accepts == orderKinds:
				types = "every ordered type"
			}
			doc := op.Doc
			if op.Extension != "" {
				doc += " Needs the extension " + op.Extension + "."
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` | %s E.g. `%s` |\n", op.Name, strings.Join(op.Spellings()[1:], ", "), types,
				cell(op.Operand.String()), cell(op.SQL), cell(doc), cell(op.Example))
		}
	}
	golden(t, "../docs/reference/operators.md", []byte(b.String()))
}

// TestReferenceExamples: every JSON block of definitions.md is what it says it
// is, a definition, a request or a filter, and parses.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	for i, block := range jsonBlocks(t, "../docs/reference/definitions.md") {
		_, err := Parse([]byte(block))
		if strings.HasPrefix(strings.TrimSpace(block), `{"filters"`) {
			inner := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(block), `{"filters":`), "}")
			_, err = parseFilter(inner)
		}
		if err != nil {
			t.Errorf("block %d: %v\n%s", i+1, err, block)
		}
	}
}

// jsonBlocks are the fenced json blocks of a Markdown file.
func jsonBlocks(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, part := range strings.Split(string(text), "```json\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no examples", file)
	}
	return blocks
}
