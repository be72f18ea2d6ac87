package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/cli"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestScripts runs testdata/script/*.txtar. Each script has a sample database of
// its own behind $DATABASE_URL, and these commands:
//
//	fraiseql CODE [<FILE] ARGS…   run the command; it must exit with CODE
//	sql FILE                      run a script of SQL in the database
//	logged                        the log of a server of its own, see there
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			tb := e.T().(testing.TB)
			e.Values["t"] = tb
			dsn := pgtest.Sample(tb)
			e.Setenv("DATABASE_URL", dsn)
			other, err := url.Parse(dsn)
			if err != nil {
				return err
			}
			other.Path = "/postgres" // on every server
			e.Setenv("OTHER_URL", other.String())
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"fraiseql": fraiseql, "sql": runSQL, "logged": logged},
	})
}

func runSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sql FILE")
	}
	pgtest.Exec(ts.Value("t").(testing.TB), ts.Getenv("DATABASE_URL"), ts.ReadFile(args[0]))
}

func fraiseql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fraiseql CODE [<FILE] ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	args = args[1:]
	var in io.Reader = strings.NewReader("")
	if len(args) > 0 && strings.HasPrefix(args[0], "<") {
		in = strings.NewReader(ts.ReadFile(args[0][1:]))
		args = args[1:]
	}
	for i, a := range args {
		if name, ok := strings.CutPrefix(a, "@"); ok { // a file of the script
			args[i] = ts.MkAbs(name)
		}
	}
	// Only what a script sets is in the environment.
	var env []string
	names := []string{"DATABASE_URL", "FRAISEQL_DB_BACKND", "NO_COLOR"}
	for _, row := range flags.Table() {
		names = append(names, row.Env)
	}
	for _, name := range names {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	lookup := func(name string) (string, bool) {
		i := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if i < 0 {
			return "", false
		}
		return env[i][len(name)+1:], true
	}
	var out, errOut bytes.Buffer
	got := cli.Run(context.Background(), args, cli.Streams{In: in, Out: &out, Err: &errOut}, lookup, func() []string { return env })
	_, _ = ts.Stdout().Write(out.Bytes())
	_, _ = ts.Stderr().Write(errOut.Bytes())
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
