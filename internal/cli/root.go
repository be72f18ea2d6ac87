package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fraiseql/fraiseql-go/config"
	"github.com/fraiseql/fraiseql-go/flags"
)

// global is what every command knows.
type global struct {
	settings *flags.Settings
	file     config.File // fraiseql.yaml, or nothing
}

const exitCodesHelp = ` 0  the answers agree, or there was nothing to compare
 1  the run itself failed: no server, or an operation was answered with an error
 2  wrong command line, setting or input file
 4  the two backends differ
 8  time ran out (--timeout)
16  less was compared than a gate asks for (--min-compared, --min-coverage, --ready)
They are bits: a run that differs and in which time ran out exits with 12.`

func newRoot(a *app) *cobra.Command {
	s := flags.Default()
	a.global = &global{settings: s}
	root := &cobra.Command{
		Use:   "fraiseql",
		Short: "GraphQL and JSON operations on PostgreSQL through lib/pq or pgx, with proof that both agree",
		Long: `fraiseql answers GraphQL and JSON operations from PostgreSQL, through lib/pq or pgx
behind one seam, and can run each on both to prove that the answers are the same.

Start with: fraiseql demo, or fraiseql serve --graphiql`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if !needsSettings(cmd) {
				return nil
			}
			return a.load()
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.In)
	root.SetOut(a.Out) // before the completion command is made, which keeps it
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(&cobra.Group{ID: "run", Title: "Commands:"}, &cobra.Group{ID: "look", Title: "Looking around:"})
	add := func(group string, list ...*cobra.Command) {
		for _, c := range list {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("run", newServe(a), newDemo(a), newExec(a), newParity(a))
	add("look", newDoctor(a), newSchema(a), newOperators(a), newConfig(a), newVersion(a))
	root.AddCommand(
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: "Exit codes:\n\n" + exitCodesHelp},
		&cobra.Command{Use: "settings", Short: "Every setting, its variable, flag, default and allowed values", Long: settingsHelp()},
	)
	s.Register(root.PersistentFlags())
	root.PersistentFlags().VisitAll(hideUncommon)
	root.SuggestionsMinimumDistance = 2
	root.SetHelpCommand(helpCommand(root))
	root.InitDefaultCompletionCmd()
	unknownCommand(root)
	return root
}

// load completes the settings, which have the flags' values, from the environment
// and the file. All problems are reported together.
func (a *app) load() error {
	path := a.settings.Config
	if path == "" {
		path = a.getenv("FRAISEQL_CONFIG")
	}
	file, fileErr := config.Read(path)
	a.file = file
	err := a.settings.Load(a.getenv, flags.WithEnviron(a.environ()), flags.WithFile(file.Settings))
	if err = errors.Join(fileErr, err); err != nil {
		return &exit{code: ExitUsage, err: err, hint: "`fraiseql help settings` lists every setting"}
	}
	return nil
}

// flagError is err of a command line, with a hint at the flag that was meant.
func flagError(cmd *cobra.Command, err error) error {
	if value, ok := errors.AsType[*flags.Error](err); ok {
		err = value // without pflag's words around it, which repeat the value, a secret one too
	}
	hint := "`" + cmd.CommandPath() + " --help` shows the flags"
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if takes, ok := valuesOf[invalid.GetFlag().Value.Type()]; ok {
			err = fmt.Errorf("--%s is %q; it takes %s", invalid.GetFlag().Name, invalid.GetValue(), takes)
		}
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && len(unknown.GetSpecifiedName()) > 1 {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := flags.Nearest(unknown.GetSpecifiedName(), names, 0); near != "" {
			hint = "did you mean --" + near + "?"
		}
	}
	return &exit{code: ExitUsage, err: err, hint: hint}
}

// valuesOf says what a flag takes, by its type: what the parsers of Go say is for
// programmers.
var valuesOf = map[string]string{
	"float64": "a number, such as 0.5", "int": "a whole number", "uint64": "a whole number that is not negative",
	"duration": "a time with its unit, such as 90s or 10m", "bool": "true or false",
}

// helpCommand is cobra's, but for an unknown topic, which is a usage error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command or topic",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return &exit{code: ExitUsage, err: fmt.Errorf("there is no command or topic %q", strings.Join(args, " ")), hint: "`fraiseql --help` lists them"}
			}
			return cmd.Help()
		},
	}
}

// needsSettings says whether cmd uses the settings: help and completion must work
// however the environment looks.
func needsSettings(cmd *cobra.Command) bool {
	if !cmd.HasParent() {
		return false // prints the help
	}
	for c := cmd; c != nil; c = c.Parent() {
		switch c.Name() {
		case "completion", "help", "version", "operators", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
			return false
		}
	}
	return true
}

// settingsHelp is the table of settings as text.
func settingsHelp() string {
	var b strings.Builder
	b.WriteString(`A flag wins over its variable, which wins over the file, which wins over the default.
The file is fraiseql.yaml in the working directory, or what --config names:

    settings:
      addr: 127.0.0.1:8000
      cors-origins: [https://app.example.com]

` + "`fraiseql config` shows what is set, and where.\n")
	for _, row := range flags.Table() {
		b.WriteString("\n" + row.Env)
		if row.Fallback != "" {
			b.WriteString(" (or " + row.Fallback + ")")
		}
		b.WriteString("  --" + row.Flag + "\n    " + row.Doc + "\n    allowed: " + row.Allowed)
		if row.Default != "" {
			b.WriteString("; default: " + row.Default)
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// common are the flags that every command's help shows; the others are listed by
// `fraiseql help settings` and work all the same.
var common = map[string]bool{"database-url": true, "backend": true, "config": true}

func hideUncommon(f *pflag.Flag) { f.Hidden = !common[f.Name] }

// unknownCommand makes a mistyped command a usage error that names it, with a
// suggestion where one is near.
func unknownCommand(root *cobra.Command) {
	root.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := "`" + cmd.CommandPath() + " --help` lists the commands"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return &exit{code: ExitUsage, err: fmt.Errorf("there is no command %q", strings.Join(append(strings.Fields(cmd.CommandPath())[1:], args[0]), " ")), hint: hint}
	}
}
