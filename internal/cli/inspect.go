package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"

	fraiseql "github.com/fraiseql/fraiseql-go"
)

func newOperators(a *app) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "operators [NAME]",
		Short: "List the filter operators, or show one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return a.operators(name, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return cmd
}

// operatorJSON is one row of `fraiseql operators --json`.
type operatorJSON struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
	Accepts []string `json:"accepts"`
	Operand string   `json:"operand"`
	Doc     string   `json:"doc"`
	Example string   `json:"example"`
}

func (a *app) operators(name string, asJSON bool) error {
	list := []operatorJSON{}
	for op := range builder.Operators() {
		if name != "" && !slices.Contains(op.Spellings(), name) {
			continue
		}
		list = append(list, operatorJSON{
			Name: op.Name, Aliases: append([]string{}, op.Aliases...), Accepts: strings.Split(op.Accepts.String(), "|"),
			Operand: op.Operand.String(), Doc: op.Doc, Example: op.Example,
		})
	}
	if len(list) == 0 {
		return &exit{code: ExitUsage, err: fmt.Errorf("there is no operator %q", name), hint: "`fraiseql operators` lists them all"}
	}
	if asJSON {
		enc := json.NewEncoder(a.Out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(list)
	}
	if name != "" {
		for i, op := range list {
			if i > 0 {
				fmt.Fprintln(a.Out)
			}
			fmt.Fprintf(a.Out, "%s\n  %s\n  aliases  %s\n  columns  %s\n  value    %s\n  example  %s\n",
				a.paint(bold, op.Name), op.Doc, orDash(strings.Join(op.Aliases, ", ")), strings.Join(op.Accepts, ", "), op.Operand, op.Example)
		}
		return nil
	}
	rows := make([][]string, len(list))
	for i, op := range list {
		rows[i] = []string{op.Name, orDash(strings.Join(op.Aliases, ", ")), shorten(strings.Join(op.Accepts, ", "), 40), op.Operand, op.Doc}
	}
	return table(a.Out, []string{"operator", "aliases", "columns of kind", "value", "meaning"}, rows)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func newSchema(a *app) *cobra.Command {
	sdl, introspection := false, false
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the catalog of the database, or the GraphQL schema made of it",
		Long: `Prints what the database says of itself, as far as the role may use it: tables,
views, columns, keys, foreign keys, types and functions, as one JSON object.

With --sdl it prints the GraphQL schema that fraiseql serve would serve, and with
--introspection the same as tools ask for it. What the schema lacks, because the
database and the configuration do not fit, is listed on standard error.`,
		Example: `  fraiseql schema --sdl > schema.graphql
  fraiseql schema --introspection > schema.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case sdl && introspection:
				return usage("--sdl and --introspection can't be used together")
			case sdl:
				return a.graphqlSchema(cmd.Context(), func(_ context.Context, db *fraiseql.DB) error { return db.WriteSDL(a.Out) })
			case introspection:
				return a.graphqlSchema(cmd.Context(), a.introspect)
			}
			return a.schema(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&sdl, "sdl", false, "print the GraphQL schema in the schema definition language")
	cmd.Flags().BoolVar(&introspection, "introspection", false, "print the answer to the introspection query, as JSON")
	return cmd
}

func (a *app) schema(ctx context.Context) (err error) {
	b, err := a.selectedBackend(a.settings)
	if err != nil {
		return err
	}
	db, err := a.pool(b, a.settings.DatabaseURL, a.settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	cat, err := catalog.Load(ctx, db, fraiseql.CatalogOptions(a.settings)...)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(a.Out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(cat)
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of fraiseql and of the drivers in it",
		Args:  noArgs,
		RunE:  func(*cobra.Command, []string) error { return a.version() },
	}
}

func (a *app) version() error {
	version, revision, drivers := "unknown", "", []string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				revision = " (" + s.Value[:12] + ")"
			}
		}
		for _, dep := range info.Deps {
			if dep.Path == "github.com/lib/pq" || dep.Path == "github.com/jackc/pgx/v5" {
				drivers = append(drivers, dep.Path+" "+dep.Version)
			}
		}
	}
	fmt.Fprintf(a.Out, "fraiseql %s%s, %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, d := range drivers {
		fmt.Fprintln(a.Out, d)
	}
	return nil
}
