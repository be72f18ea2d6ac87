package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/fraiseql/fraiseql-go"

// level puts every package of the module on a level. A package imports only
// packages of lower levels; what is more is in allowed, with its reason. The
// longest matching prefix counts. A package that is not here is an error.
var level = map[string]int{
	"backend": 0,
	"catalog": 0,
	"codec":   0,
	"flags":   0,

	"builder": 1,

	"executor":    2,
	"backend/pq":  2,
	"backend/pgx": 2,

	"graphql":             3,
	"server":              3,
	"parity":              3,
	"tracing":             3,
	"backend/all":         3,
	"backend/backendtest": 3,

	"":       4, // package fraiseql
	"config": 4,

	"cmd":          5,
	"internal/cli": 5,
	"tests":        5,
	"examples":     5,
	"docs":         5,
}

// internal packages stand beside the levels: each names what it may import.
var internal = map[string][]string{
	"backend/internal/gate":     {"backend"},
	"backend/internal/liveness": {"backend"},
	"backend/internal/defaults": {"backend"},
	"backend/internal/suite":    {"backend", "internal/pgtest"},
	"internal/archtest":         {},
	"parity/internal/sqltext":   {},
	"internal/browsertest":      {},
	"internal/faultproxy":       {},
	"internal/httpaudit":        {},
	"internal/pgembed":          {},
	"internal/sample":           {},
	"internal/pgtest":           {"backend", "backend/pgx", "internal/pgembed", "internal/sample"},
}

// allowed are imports that the levels forbid or do not speak of.
var allowed = []struct{ from, to, why string }{
	{"backend/pq", "backend/internal/gate", "what both backends do before a driver sees a statement is written once"},
	{"backend/pq", "backend/internal/liveness", "what both backends do on a socket is written once"},
	{"backend/pgx", "backend/internal/liveness", "what both backends do on a socket is written once"},
	{"backend/pq", "backend/internal/defaults", "what both backends ask of a session is written once"},
	{"backend/pgx", "backend/internal/defaults", "what both backends ask of a session is written once"},
	{"backend/pgx", "backend/internal/gate", "what both backends do before a driver sees a statement is written once"},
	{"cmd", "internal/cli", "main is a shell around it"},
	{"internal/cli", "internal/pgembed", "the demo starts a server"},
	{"internal/cli", "internal/sample", "the demo fills it"},
	{"examples", "internal/pgembed", "an example starts a server where there is none"},
	{"examples", "internal/sample", "an example shows the sample data"},
	{"tests", "internal/cli", "tests of what a user types"},
	{"parity", "parity/internal/sqltext", "what a statement's words say is read in one place"},
	{"parity/connector", "parity/internal/sqltext", "what a statement's words say is read in one place"},
	{"parity/corpus", "parity/internal/sqltext", "what a statement's words say is read in one place"},
	{"parity/reproduce", "parity/internal/sqltext", "what a statement's words say is read in one place"},
}

// testOnly may be imported by any test and by no product code.
var testOnly = []string{"internal/pgtest", "internal/pgembed", "internal/sample", "internal/faultproxy", "internal/httpaudit", "internal/browsertest", "backend/backendtest", "backend/internal/suite"}

// homes says where a dependency may be imported. Tests are held to it too,
// except where tests is true.
var homes = []struct {
	prefix string
	in     []string
	tests  bool // tests of any package may import it
	why    string
}{
	{"github.com/lib/pq", []string{"backend/pq", "examples/migration"}, false, "a driver has one home, so that an application can be built without it and nobody depends on its quirks"},
	{"github.com/jackc/pgx", []string{"backend/pgx", "tests/bench", "examples/migration"}, false, "a driver has one home, so that an application can be built without it and nobody depends on its quirks"},
	{"github.com/Masterminds/squirrel", []string{"builder"}, false, "SQL is made in one place, where every identifier is quoted and every value is an argument"},
	{"github.com/fergusstrange/embedded-postgres", []string{"internal/pgembed"}, false, "it links lib/pq and downloads programs; no application gets it by importing us"},
	{"go.yaml.in/yaml", []string{"config", "server"}, true, "a file of settings is read strictly, in one place"},
	{"github.com/spf13/cobra", []string{"internal/cli", "cmd"}, false, "a command line is no part of a library"},
	{"github.com/spf13/pflag", []string{"internal/cli", "cmd", "flags"}, true, "a command line is no part of a library; flags alone offers its settings to one"},
	{"github.com/google/go-cmp", []string{"parity", "backend/backendtest", "backend/internal/suite"}, true, "it panics on what it does not know; the product uses it for reports only"},
	{"pgregory.net/rapid", []string{"backend/backendtest", "parity/generate"}, true, "what is drawn at random is made in one place; the rest are tests"},
	{"go.uber.org/goleak", []string{"internal/pgtest", "backend/backendtest"}, true, "a test tool"},
	{"github.com/rogpeppe/go-internal", nil, true, "a test tool"},
	{"github.com/santhosh-tekuri/jsonschema", nil, true, "a test tool"},
	{"github.com/prometheus", []string{"server"}, true, "what is counted is named in one place"},
	{"go.opentelemetry.io/otel/sdk", []string{"internal/cli"}, true, "who embeds us has an exporter of their own, or none"},
	{"go.opentelemetry.io/otel/exporters", []string{"internal/cli"}, false, "who embeds us has an exporter of their own, or none"},
	{"go.opentelemetry.io/otel", []string{"tracing", "internal/cli", ""}, true, "what a span says is written in one place; the facade takes a provider"},
	{"github.com/open-feature/go-sdk", []string{"parity/shadow/shadowflags"}, true, "who has no flags need not link them"},
	{"github.com/vektah/gqlparser", []string{"graphql"}, true, "GraphQL is read in one place"},
	{"github.com/chromedp", []string{"internal/browsertest"}, false, "a test tool; how a page is used by a person is said in one place"},
	{"testing", []string{"backend/backendtest", "backend/internal/suite", "internal/pgtest", "internal/browsertest", "parity/paritytest", "examples/migration/notes/notestest"}, true, "it registers flags in every program that links it"},
}

// testExceptions are the tests that may reach past a home.
var testExceptions = []struct{ from, prefix, why string }{
	{"executor", "github.com/lib/pq", "benchmarks compare with the driver alone"},
	{"executor", "github.com/jackc/pgx/v5/stdlib", "benchmarks compare with the driver alone"},
	{"parity/connector", "github.com/lib/pq", "the connector stands between database/sql and the drivers themselves"},
	{"parity/connector", "github.com/jackc/pgx/v5/stdlib", "the connector stands between database/sql and the drivers themselves"},
	{"parity/connector", "github.com/jackc/pgx/v5", "the connector stands between database/sql and the drivers themselves"},
	{"parity/corpus", "github.com/lib/pq", "the log is written under the drivers themselves"},
	{"parity/corpus", "github.com/jackc/pgx/v5/stdlib", "the log is written under the drivers themselves"},
	{"codec", "github.com/jackc/pgx/v5/pgconn", "codec is proven on both wire formats of every value, below any backend, which would be above it"},
}

// pure packages import the standard library, and pflag where homes says so.
var pure = []string{"backend", "catalog", "codec", "flags"}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Standard     bool
}

// name is the path of p below the module.
func (p pkg) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func TestImports(t *testing.T) {
	t.Parallel()
	packages := list(t, "./...")
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages of this module", len(packages))
	}
	for _, p := range packages {
		for _, problem := range check(p) {
			t.Error(problem)
		}
	}
}

// check is what is wrong with the imports of p.
func check(p pkg) []string {
	var problems []string
	name := p.name()
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf("package %q ", name)+fmt.Sprintf(format, args...))
	}
	own, known := levelOf(name)
	if _, ok := internal[name]; !ok && !known {
		add("is on no level: add it to the table in archtest and to docs/architecture.md")
		return problems
	}
	for _, imp := range p.Imports {
		to, ours := strings.CutPrefix(imp, module)
		to = strings.TrimPrefix(to, "/")
		if ours {
			if reason := forbidden(name, own, to); reason != "" {
				add("imports %q: %s", to, reason)
			}
			continue
		}
		if slices.Contains(pure, name) && (name != "flags" || imp != "github.com/spf13/pflag") && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
			add("imports %s: it is of the lowest level, which everything else links, and takes the standard library alone", imp)
		}
		for _, h := range homes {
			if under(imp, h.prefix) && !slices.ContainsFunc(h.in, func(home string) bool { return under(name, home) }) {
				add("imports %s: %s (only %s may)", imp, h.why, strings.Join(h.in, ", "))
			}
		}
	}
	for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
		excepted := false
		for _, e := range testExceptions {
			excepted = excepted || (e.from == name && under(imp, e.prefix))
		}
		if excepted {
			continue
		}
		for _, h := range homes {
			if !h.tests && under(imp, h.prefix) && !slices.ContainsFunc(h.in, func(home string) bool { return under(name, home) }) {
				add("imports %s in a test: %s (only %s may)", imp, h.why, strings.Join(h.in, ", "))
			}
		}
	}
	return problems
}

// forbidden says why from, on level own, may not import to; "" if it may.
func forbidden(from string, own int, to string) string {
	for _, a := range allowed {
		if under(from, a.from) && a.to == to {
			return ""
		}
	}
	if may, ok := internal[from]; ok {
		if slices.Contains(may, to) {
			return ""
		}
		return "an internal package imports only what the table in archtest names for it"
	}
	if slices.Contains(testOnly, to) {
		if from == "backend/backendtest" || under(from, "tests") {
			return ""
		}
		return "it is for tests"
	}
	theirs, ok := levelOf(to)
	switch {
	case !ok:
		return "it is internal to others"
	case theirs > own:
		return fmt.Sprintf("level %d is above level %d, and nothing calls back up", theirs, own)
	case theirs == own && !sameTree(from, to):
		return fmt.Sprintf("both are on level %d, and what they share belongs below them", own)
	}
	return ""
}

// levelOf finds the level by the longest prefix of name in the table.
func levelOf(name string) (int, bool) {
	if strings.HasPrefix(name, "internal/") || strings.Contains(name, "/internal/") {
		l, ok := level[name]
		return l, ok
	}
	for at := name; ; at = path.Dir(at) {
		if at == "." {
			at = ""
		}
		if l, ok := level[at]; ok && (at != "" || name == "") {
			return l, true
		}
		if at == "" {
			return 0, false
		}
	}
}

// sameTree: a folder's packages may know each other (tests/..., cmd/...).
func sameTree(a, b string) bool {
	first := func(s string) string { head, _, _ := strings.Cut(s, "/"); return head }
	return first(a) == first(b) && first(a) != "backend"
}

// under reports whether name is prefix or below it, or another major version
// or module of it ("…/pgx" and "…/pgx/v5").
func under(name, prefix string) bool {
	return name == prefix || strings.HasPrefix(name, prefix+"/")
}

// TestCheck proves that the test above can fail.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		p    pkg
		want string // part of the only problem; "" for none
	}{
		{"down", pkg{ImportPath: module + "/executor", Imports: []string{"context", module + "/builder", module + "/codec"}}, ""},
		{"up", pkg{ImportPath: module + "/builder", Imports: []string{module + "/executor"}}, "nothing calls back up"},
		{"sideways", pkg{ImportPath: module + "/executor", Imports: []string{module + "/backend/pgx"}}, "both are on level 2"},
		{"driver", pkg{ImportPath: module + "/executor", Imports: []string{"github.com/lib/pq"}}, "a driver has one home"},
		{"driver, major version", pkg{ImportPath: module + "/internal/pgtest", Imports: []string{"github.com/jackc/pgx/v5/stdlib"}}, "a driver has one home"},
		{"driver in a test", pkg{ImportPath: module + "/parity", XTestImports: []string{"github.com/lib/pq"}}, "in a test: a driver has one home"},
		{"the other driver", pkg{ImportPath: module + "/backend/pgx", Imports: []string{"github.com/lib/pq/oid"}}, "only backend/pq, examples/migration may"},
		{"driver in an excepted test", pkg{ImportPath: module + "/codec", TestImports: []string{"github.com/jackc/pgx/v5/pgconn"}}, ""},
		{"squirrel", pkg{ImportPath: module, Imports: []string{"github.com/Masterminds/squirrel"}}, "only builder may"},
		{"lowest level", pkg{ImportPath: module + "/codec", Imports: []string{"golang.org/x/text/width"}}, "the standard library alone"},
		{"test tool in a test", pkg{ImportPath: module + "/codec", TestImports: []string{"pgregory.net/rapid"}}, ""},
		{"test tool in the product", pkg{ImportPath: module + "/parity", Imports: []string{"testing"}}, "registers flags"},
		{"test helper in the product", pkg{ImportPath: module, Imports: []string{module + "/internal/pgtest"}}, "it is for tests"},
		{"the demo's server", pkg{ImportPath: module + "/internal/cli", Imports: []string{module + "/internal/pgembed"}}, ""},
		{"internal package", pkg{ImportPath: module + "/internal/sample", Imports: []string{module + "/backend"}}, "imports only what"},
		{"unknown package", pkg{ImportPath: module + "/helpers"}, "on no level"},
		{"unknown internal package", pkg{ImportPath: module + "/internal/helpers"}, "on no level"},
		{"below a known one", pkg{ImportPath: module + "/examples/embed", Imports: []string{module}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			problems := check(tc.p)
			if tc.want == "" {
				if diff := cmp.Diff([]string(nil), problems); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				return
			}
			if len(problems) != 1 || !strings.Contains(problems[0], tc.want) {
				t.Errorf("problems %q, want one that says %q", problems, tc.want)
			}
		})
	}
}

// TestWhatIsLinked: importing one backend does not link the other's driver, and
// the library links no server, no command line and nothing that tests need.
func TestWhatIsLinked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, why string
		packages  []string
		never     []string
	}{
		{"pgx alone", "a migration ends with lib/pq gone", []string{"./backend/pgx", "./executor", "./builder", "./parity"}, []string{"github.com/lib/pq"}},
		{"pq alone", "and begins with pgx not there yet", []string{"./backend/pq", "./executor", "./builder", "./parity"}, []string{"github.com/jackc"}},
		{"the library", "an application gets what it needs and no more", []string{"."}, []string{"github.com/fergusstrange", "github.com/spf13/cobra", "pgregory.net", "go.uber.org/goleak", "go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", "google.golang.org/grpc", "testing", module + "/internal/pgembed", module + "/internal/pgtest"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range list(t, append([]string{"-deps"}, tc.packages...)...) {
				for _, never := range tc.never {
					if under(p.ImportPath, never) {
						t.Errorf("%v link %s: %s", tc.packages, p.ImportPath, tc.why)
					}
				}
			}
		})
	}
}

// TestTableIsCurrent: a row for a package that is gone misleads.
func TestTableIsCurrent(t *testing.T) {
	t.Parallel()
	root := rootDir(t)
	for name := range internal {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			t.Errorf("the table names %s: %v", name, err)
		}
	}
}

func rootDir(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-e", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,Standard"}, args...)...)
	cmd.Dir = rootDir(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, stderr.String())
	}
	var packages []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
