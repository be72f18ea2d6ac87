package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
)

func newConfig(a *app) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show every setting, its value and where that came from",
		Long: `Shows the settings as a command with the same flags would have them: of each its
value and whether that is the default or came from the file, the environment or a
flag. Secrets are hidden. Nothing is connected to.`,
		Example: `  fraiseql config
  fraiseql config --config other.yaml --json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.printConfig(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table, and what the file says of the GraphQL schema")
	return cmd
}

// settingJSON is one setting of `fraiseql config --json`.
type settingJSON struct {
	Name     string `json:"name"`
	Variable string `json:"variable"`
	Value    string `json:"value"`
	Origin   string `json:"origin"`
}

func (a *app) printConfig(asJSON bool) error {
	var list []settingJSON
	for _, r := range flags.Table() {
		list = append(list, settingJSON{Name: r.Flag, Variable: r.Env, Value: r.Value(a.settings), Origin: a.settings.Origin(r.Env)})
	}
	if asJSON {
		enc := json.NewEncoder(a.Out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			Settings []settingJSON  `json:"settings"`
			GraphQL  graphql.Config `json:"graphql"`
		}{list, a.file.GraphQL})
	}
	rows := make([][]string, len(list))
	for i, s := range list {
		rows[i] = []string{s.Name, orDash(s.Value), s.Origin}
	}
	if err := table(a.Out, []string{"setting", "value", "from"}, rows); err != nil {
		return err
	}
	if g := a.file.GraphQL; len(g.Tables)+len(g.Functions)+len(g.Enums) > 0 {
		fmt.Fprintf(a.Out, "\n%s changes the GraphQL schema: %d tables, %d functions, %d enums; --json shows how\n",
			a.file.Settings.Name, len(g.Tables), len(g.Functions), len(g.Enums))
	}
	return nil
}
