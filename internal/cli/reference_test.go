package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite docs/reference/cli.md")

const reference = "../../docs/reference/cli.md"

// The reference page is made from the commands.
func TestReference(t *testing.T) {
	t.Parallel()
	want := page()
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("%s is not what the commands say; run go test ./internal/cli -run TestReference -update\n%s", reference, d)
	}
}

func page() string {
	root := newRoot(&app{})
	var b strings.Builder
	fmt.Fprintf(&b, `<!-- Made from the commands by: go test ./internal/cli -run TestReference -update -->
# Command line

Data goes to standard output; progress, errors and hints go to standard error. An error begins with %s and has a
line that begins with %s below it where there is something to do about it.

Each setting has a flag that works with every command: see [Settings](settings.md). These are the ones that every help text shows:

%s
## Exit codes

%s`, "`fraiseql:`", "`hint:`", fence("", root.PersistentFlags().FlagUsages()), fence("", exitCodesHelp))
	for _, c := range root.Commands() {
		if !c.IsAvailableCommand() || c.Name() == "completion" || c.Name() == "help" || c.Run == nil && c.RunE == nil {
			continue
		}
		b.WriteString("\n" + section(c))
		for _, sub := range c.Commands() {
			b.WriteString("\n" + section(sub))
		}
	}
	return b.String()
}

// section is one command.
func section(c *cobra.Command) string {
	var b strings.Builder
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(&b, "## %s\n\n%s\n%s\n", c.CommandPath(), fence("", c.UseLine()), strings.TrimSpace(text))
	if flags := c.LocalNonPersistentFlags().FlagUsages(); flags != "" {
		b.WriteString("\n" + fence("", flags))
	}
	if c.Example != "" {
		b.WriteString("\n" + fence("sh", c.Example))
	}
	return b.String()
}

func fence(language, text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	return "```" + language + "\n" + strings.Join(lines, "\n") + "\n```\n"
}
