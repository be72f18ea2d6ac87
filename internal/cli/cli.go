// Package cli is the fraiseql command. Nothing in it exits the process, reads a
// global, or touches the environment other than through what Run is given.
//
// Rules of the interface: data goes to standard output; everything else
// (progress, errors, hints) to standard error. An error is one line that starts
// with "fraiseql: ", in lower case and without a full stop, with a "hint: " line
// below it where there is something that the user can do. Exit codes are in the
// constants below and in `fraiseql help exit-codes`.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// Exit codes. They are bits: a run that differs and in which time ran out exits
// with 12.
const (
	ExitOK       = 0  // the answers agree, or there was nothing to compare
	ExitFailed   = 1  // the run itself failed: no server, an operation with an error
	ExitUsage    = 2  // wrong command line, configuration or input file
	ExitMismatch = 4  // the two backends differ
	ExitTimeout  = 8  // time ran out
	ExitCoverage = 16 // less was compared than asked for
)

// Streams are the command's input and outputs, and what comes to it while it runs.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Hangups begins to take SIGHUP and gives a channel of them; nil where there are
	// none. `fraiseql serve` alone asks for it: to any other command a hangup is the
	// end.
	Hangups func() <-chan os.Signal
}

// exit is an error that has decided on an exit code.
type exit struct {
	code int
	err  error
	hint string
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exit{code: ExitUsage, err: fmt.Errorf(format, args...)}
}

// errSilent ends a command whose answer has said already what went wrong.
var errSilent = errors.New("")

// app is what commands share.
type app struct {
	Streams
	lookupEnv func(string) (string, bool)
	environ   func() []string
	tty       bool // Err is a terminal
	color     bool
	*global
}

func (a *app) getenv(name string) string {
	v, _ := a.lookupEnv(name)
	return v
}

// Run runs the command line args (without the program's name) and returns the
// exit code. ctx ends the run; lookupEnv and environ are the environment.
func Run(ctx context.Context, args []string, s Streams, lookupEnv func(string) (string, bool), environ func() []string) int {
	a := &app{Streams: s, lookupEnv: lookupEnv, environ: environ}
	a.tty = isTerminal(s.Err)
	a.color = a.tty && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
	root := newRoot(a) //nolint:contextcheck // commands get ctx from cobra
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return a.finish(ctx, err)
}

// finish prints err and chooses the exit code.
func (a *app) finish(ctx context.Context, err error) int {
	if err == nil {
		return ExitOK
	}
	code, hint := ExitFailed, ""
	var e *exit
	switch {
	case errors.As(err, &e):
		code, hint = e.code, e.hint
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	case backend.CodeOf(err) == backend.CodeConfiguration:
		code = ExitUsage
	case backend.CodeOf(err) == backend.CodeParityMismatch:
		code = ExitMismatch
	case unknownSchema(err):
		code, hint = ExitUsage, "`fraiseql config` shows where FRAISEQL_SCHEMAS was set"
	}
	if !errors.Is(err, errSilent) {
		fmt.Fprintf(a.Err, "fraiseql: %s\n", strings.TrimSpace(err.Error()))
		if hint != "" {
			fmt.Fprintf(a.Err, "hint: %s\n", hint)
		}
	}
	return code
}

func unknownSchema(err error) bool {
	_, ok := errors.AsType[*catalog.UnknownSchemaError](err)
	return ok
}

// noArgs refuses positional arguments by name.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no argument, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}
