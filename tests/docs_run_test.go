package tests

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/cli"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/internal/sample"
)

// asCommand is the variable that has the test binary be the command.
const asCommand = "FRAISEQL_TEST_COMMAND"

func runCommand() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.LookupEnv, os.Environ)
	stop()
	os.Exit(code)
}

// Pages whose commands are run, in their order, as a reader would: a block of sh
// with the block below it as its output, a block of sql in the database of the
// page, a block of graphql as a request, a block whose first line is "# NAME" as that
// file. `fraiseql serve` stays until the next one or the end.
var runPages = []struct {
	page    string
	sampled bool // with the sample data, which the command brings along
}{
	{"README.md", true},
	{"docs/tutorial-graphql.md", false},
	{"docs/tutorial.md", false},
	{"docs/how-to/pagination.md", true},
	{"docs/how-to/functions.md", false},
	{"docs/how-to/graphql-customize.md", false},
	{"docs/how-to/deploy.md", true},
	{"docs/how-to/shadow.md", true},
	{"docs/how-to/parity-report.md", true},
	{"docs/reference/graphql.md", true},
}

func TestPagesOfDocs(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	for _, c := range runPages {
		t.Run(strings.TrimSuffix(filepath.Base(c.page), ".md"), func(t *testing.T) {
			t.Parallel()
			p := newPage(t, c.sampled)
			defer p.stop()
			file := filepath.Join("..", c.page)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out := p.run(string(text))
			if p.compared == 0 {
				t.Error("nothing of the page was compared")
			}
			if *update && out != string(text) {
				if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// page is a reader at work.
type page struct {
	t        *testing.T
	dir      string
	env      []string
	dsn      string
	addr     map[string]string // where a server really listens, by what the page says
	server   *exec.Cmd
	log      string // the server's standard error, a file
	compared int
}

func newPage(t *testing.T, sampled bool) *page {
	t.Helper()
	bin := t.TempDir()
	p := &page{t: t, dir: t.TempDir(), addr: map[string]string{}, log: filepath.Join(bin, "log")}
	p.dsn = pgtest.DB(t)
	if sampled { // as much as the command has
		if err := sample.Load(t.Context(), pgtest.Open(t, p.dsn), sample.Demo); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shim := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asCommand, self)
	if err := os.WriteFile(filepath.Join(bin, "fraiseql"), []byte(shim), 0o700); err != nil {
		t.Fatal(err)
	}
	p.env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + p.dir, "DATABASE_URL=" + p.dsn}
	return p
}

// blockForm is a block of sh with the block of its output right below it, if there
// is one, or a block of another language.
var blockForm = regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n(\n```(json|)\n(.*?)^```\n)?|^```(\\w*)\n(.*?)^```\n")

// run does what text says, and returns it with the outputs as they are.
func (p *page) run(text string) string {
	p.t.Helper()
	return blockForm.ReplaceAllStringFunc(text, func(block string) string {
		m := blockForm.FindStringSubmatch(block)
		script, shown, form, want, lang, body := m[1], m[2] != "", m[3], m[4], m[5], m[6]
		var got string
		switch {
		case lang == "sql":
			pgtest.Exec(p.t, p.dsn, body)
		case lang == "graphql":
			p.document(body)
		case lang != "" && strings.HasPrefix(body, "# "):
			p.write(body)
		case serveForm.MatchString(script):
			got = p.serve(script[strings.Index(script, "fraiseql serve"):])
		case shown:
			got = p.shell(script)
		}
		if !shown {
			return block
		}
		p.compared++
		if same(form, want, got) {
			return block
		}
		if *update {
			return "```sh\n" + script + "```\n\n```" + form + "\n" + pretty(form, got) + "```\n"
		}
		p.t.Errorf("%s\n%s", script, cmp.Diff(want, pretty(form, got)))
		return block
	})
}

// document asks the server, and expects no error.
func (p *page) document(text string) {
	p.t.Helper()
	if p.server == nil {
		p.serve("fraiseql serve")
	}
	p.compared++
	e := errorEntry{query: text}
	if status, answer := e.ask(p.t, p.addr["127.0.0.1:8000"]); status != http.StatusOK || strings.Contains(answer, `"errors":`) {
		p.t.Errorf("%s\n%d %.1000s", text, status, answer)
	}
}

// same compares an output with what the page shows, where … stands for anything;
// JSON without regard to white space.
func same(form, want, got string) bool {
	if form == "json" {
		want, got = compact(want), compact(got)
	}
	want, got = strings.TrimRight(want, "\n"), strings.TrimRight(got, "\n")
	if want == got {
		return true
	}
	parts := strings.Split(want, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".*") + "$").MatchString(got)
}

func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}

// pretty writes JSON so that people can read it: what fits into a line stands in
// one.
func pretty(form, text string) string {
	if form != "json" || !json.Valid([]byte(text)) {
		return strings.TrimSuffix(text, "\n") + "\n"
	}
	return fold(json.RawMessage(compact(text)), "") + "\n"
}

// lineWidth is how long a line of JSON may be, in bytes.
const lineWidth = 110

func fold(text json.RawMessage, indent string) string {
	if len(text)+len(indent) <= lineWidth || text[0] != '{' && text[0] != '[' {
		return string(text)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	_, _ = d.Token() // it is valid
	var lines []string
	for d.More() {
		line := indent + "  "
		if text[0] == '{' {
			key, _ := d.Token()
			line += strconv.Quote(fmt.Sprint(key)) + ":"
		}
		var value json.RawMessage
		_ = d.Decode(&value)
		lines = append(lines, line+fold(value, indent+"  "))
	}
	return string(text[0]) + "\n" + strings.Join(lines, ",\n") + "\n" + indent + string(text[len(text)-1])
}

// write makes the file that the first line of text names.
func (p *page) write(text string) {
	p.t.Helper()
	name, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
	if err := os.WriteFile(filepath.Join(p.dir, filepath.Base(name)), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// Lines of the pages that make and fill a database, which the test has done.
var setupForm = regexp.MustCompile(`^(createdb|psql|export DATABASE_URL=|go install) ?`)

func (p *page) shell(text string) string {
	p.t.Helper()
	lines := slices.DeleteFunc(strings.SplitAfter(text, "\n"), setupForm.MatchString)
	script := strings.Join(lines, "")
	for said, is := range p.addr {
		script = strings.ReplaceAll(script, said, is)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, &out, &errs
	if err := cmd.Run(); err != nil && errs.Len() == 0 {
		p.t.Errorf("%s: %v", text, err)
	}
	got := out.String()
	for said, is := range p.addr {
		got = strings.ReplaceAll(got, is, said)
	}
	return got + errs.String()
}

// serveForm is a script that starts the server, and does not go on after that.
var serveForm = regexp.MustCompile(`(?m)\A(?:go install .*\n)?fraiseql serve\b[^\n]*\n\z`)

var addrForm = regexp.MustCompile(`--(addr|admin-addr)[ =](\S+)`)

// serve starts the server that line asks for at free ports, and returns what it
// prints when it is ready.
func (p *page) serve(line string) string {
	p.t.Helper()
	p.stop()
	said := map[string]string{"addr": "127.0.0.1:8000"}
	for _, m := range addrForm.FindAllStringSubmatch(line, -1) {
		said[m[1]] = m[2]
	}
	line = strings.TrimSuffix(strings.TrimSpace(addrForm.ReplaceAllString(line, "")), "&")
	args := append(words(strings.ReplaceAll(line, "\\\n", ""))[1:], "--addr=127.0.0.1:0")
	if said["admin-addr"] != "" {
		args = append(args, "--admin-addr=127.0.0.1:0")
	}
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	log, err := os.Create(p.log) // a file has all that was written before the line below
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close() // the server has it
	cmd := exec.CommandContext(p.t.Context(), self, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = p.dir, append(slices.Clone(p.env), asCommand+"=1"), log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.server = cmd
	ready, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.stop()
		p.t.Fatalf("%s: not ready: %v\n%s", line, err, p.logged())
	}
	return p.listens(ready, said)
}

var urlForm = regexp.MustCompile(`https?://(127\.0\.0\.1:\d+)`)

// listens learns the addresses, and returns the line as the page has it.
func (p *page) listens(ready string, said map[string]string) string {
	p.addr = map[string]string{}
	for name, text := range map[string]string{"addr": ready, "admin-addr": p.logged()} {
		for _, m := range urlForm.FindAllStringSubmatch(text, -1) {
			if is := m[1]; !strings.Contains(ready, is) || name == "addr" {
				_, port, _ := strings.Cut(said[name], ":")
				p.addr["localhost:"+port] = is
				p.addr["127.0.0.1:"+port] = is
			}
		}
	}
	for text, is := range p.addr {
		if strings.HasPrefix(text, "127.") {
			ready = strings.ReplaceAll(ready, is, text)
		}
	}
	return ready
}

func (p *page) stop() {
	p.t.Helper()
	if p.server == nil {
		return
	}
	_ = p.server.Process.Signal(os.Interrupt)
	if err := p.server.Wait(); err != nil {
		p.t.Errorf("the server ended with %v\n%s", err, p.logged())
	}
	p.server = nil
}

// logged is what the server has written to standard error.
func (p *page) logged() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Error(err)
	}
	return string(text)
}
