package tests

import (
	"bytes"
	"context"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/cli"
)

// pages are the documents that users read, by their path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	read := func(path string) {
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		found[path] = string(text)
	}
	for _, path := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		read(path)
	}
	err := fs.WalkDir(os.DirFS(".."), "docs", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			read(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	linkForm     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenceForm    = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	inlineForm   = regexp.MustCompile("`(fraiseql [a-z-][^`]*)`")
	commandForm  = regexp.MustCompile(`(?s)(?:^|\n|\||[A-Z_]+=\S+ )[ \t]*(fraiseql [a-z-](?:'[^']*'|"[^"]*"|[^\n|>#'"])*)`)
	variableForm = regexp.MustCompile(`\bFRAISEQL_[A-Z0-9_]*[A-Z0-9]`)
	headingForm  = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// anchor is the fragment that a heading is reached by on GitHub.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// Every relative link leads to a file of the project, and every fragment to a
// heading.
func TestLinksOfDocs(t *testing.T) {
	t.Parallel()
	texts := pages(t)
	links := 0
	for path, text := range texts {
		for _, m := range linkForm.FindAllStringSubmatch(fenceForm.ReplaceAllString(text, ""), -1) {
			u, err := url.Parse(m[1])
			if err != nil || u.IsAbs() {
				continue // other sites are not ours to check
			}
			links++
			target := path
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(path), u.Path)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s: link to %s: %v", path, m[1], err)
				continue
			}
			headings := headingForm.FindAllStringSubmatch(texts[target], -1)
			if u.Fragment != "" && !slices.ContainsFunc(headings, func(h []string) bool { return anchor(h[1]) == u.Fragment }) {
				t.Errorf("%s: no heading for %s", path, m[1])
			}
		}
	}
	if links < 20 {
		t.Errorf("%d links found: are they still recognized?", links)
	}
}

// words splits a command line the way a shell does, as far as the documents
// need it: single and double quotes.
func words(line string) (list []string) {
	var word strings.Builder
	var quote rune
	open := false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, open = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if open || word.Len() > 0 {
				list = append(list, word.String())
			}
			open = false
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	return list
}

// commands are the fraiseql command lines of a page: in its shell blocks and in
// its sentences.
func commands(text string) (list []string) {
	for _, m := range fenceForm.FindAllStringSubmatch(text, -1) {
		if m[1] != "sh" {
			continue
		}
		for _, c := range commandForm.FindAllStringSubmatch(m[2], -1) {
			list = append(list, strings.TrimSpace(c[1]))
		}
	}
	for _, m := range inlineForm.FindAllStringSubmatch(fenceForm.ReplaceAllString(text, ""), -1) {
		list = append(list, m[1])
	}
	return list
}

// Every command line parses: the help flag behind it has cobra read the command,
// its flags and their values, and run nothing.
func TestCommandsOfDocs(t *testing.T) {
	t.Parallel()
	total := 0
	for path, text := range pages(t) {
		for _, line := range commands(text) {
			total++
			if err := parses(t, words(line)[1:]); err != "" {
				t.Errorf("%s: %s: %s", path, line, err)
			}
		}
	}
	if total < 20 {
		t.Errorf("%d commands found: are they still recognized?", total)
	}
	for _, bad := range []string{"fraiseql exce", "fraiseql exec --bth", "fraiseql exec --backend=odbc", "fraiseql help setings"} {
		if parses(t, words(bad)[1:]) == "" {
			t.Errorf("%q passes", bad)
		}
	}
}

// parses says what is wrong with a command line, or "".
func parses(t *testing.T, args []string) string {
	t.Helper()
	want := "fraiseql " + args[0] // in the usage line
	if args[0] == "help" {
		want = "" // a topic may have no usage line
	} else {
		args = append(slices.Clone(args), "--help")
	}
	out, problem := command(args)
	top, _ := command([]string{"--help"})
	if problem == "" && (out == top || !strings.Contains(out, want)) {
		problem = "there is no such command or topic"
	}
	return problem
}

// command runs a command line without an environment and returns what it prints,
// and what is wrong with it.
func command(args []string) (out, problem string) {
	var stdout, stderr bytes.Buffer
	code := cli.Run(context.Background(), args, cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr},
		func(string) (string, bool) { return "", false }, func() []string { return nil })
	if code != cli.ExitOK && stderr.Len() == 0 {
		return "", "it fails without a word"
	}
	return stdout.String(), strings.TrimSpace(stderr.String())
}

// Every variable that a page names is a setting.
func TestVariablesOfDocs(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, row := range flags.Table() {
		known[row.Env], known[row.Fallback] = true, true
	}
	named := map[string]bool{}
	for path, text := range pages(t) {
		for _, name := range variableForm.FindAllString(text, -1) {
			named[name] = true
			if !known[name] && name != "FRAISEQL_TEST" && !strings.HasPrefix(name, "FRAISEQL_TEST_") {
				t.Errorf("%s: %s is no setting", path, name)
			}
		}
	}
	for _, row := range flags.Table() {
		if !named[row.Env] {
			t.Errorf("no page names %s", row.Env)
		}
	}
}

// The whole programs of the pages compile, and the one at the end of a migration
// is free of lib/pq.
func TestProgramsOfDocs(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]bool{"docs/tutorial.md": true, "docs/how-to/migrate-from-lib-pq.md": false} {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "main.go")
			for _, m := range fenceForm.FindAllStringSubmatch(pages(t)[page], -1) {
				if m[1] == "go" && strings.HasPrefix(m[2], "package main") {
					if err := os.WriteFile(file, []byte(m[2]), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			// Run from the root, so that the file's imports are this module's packages.
			run := func(args ...string) string {
				cmd := exec.CommandContext(t.Context(), "go", args...)
				cmd.Dir = ".."
				var errs bytes.Buffer
				cmd.Stderr = &errs
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, errs.String())
				}
				return string(out)
			}
			run("build", "-o", os.DevNull, file)
			packages := strings.Fields(run("list", "-deps", file))
			if got := slices.Contains(packages, "github.com/lib/pq"); got != want {
				t.Errorf("links lib/pq: %v, want %v", got, want)
			}
			if !slices.Contains(packages, "github.com/jackc/pgx/v5") {
				t.Error("pgx is not in the list: is it the list of the program?")
			}
		})
	}
}
