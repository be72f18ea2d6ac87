package tests

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestDeployment does what docs/how-to/deploy.md says of systemd and of a container,
// with the program that the container's own line builds.
func TestDeployment(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the page is about Linux")
	}
	blocks := map[string]string{}
	for _, m := range fenceForm.FindAllStringSubmatch(pages(t)["docs/how-to/deploy.md"], -1) {
		blocks[m[1]] = m[2]
	}
	c := newContainer(t, blocks["dockerfile"])
	t.Run("container", func(t *testing.T) {
		t.Parallel()
		c.test(t)
	})
	t.Run("systemd", func(t *testing.T) {
		t.Parallel()
		testUnit(t, blocks["ini"], blocks["yaml"], c.binary)
	})
}

// deployed is a program as the page starts it.
type deployed struct {
	t    *testing.T
	cmd  *exec.Cmd
	errs string // the file of standard error
	line string
}

// deploy starts a program with nothing but env, and waits for its line.
func deploy(t *testing.T, env []string, command ...string) *deployed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	d := &deployed{t: t, cmd: exec.CommandContext(ctx, command[0], command[1:]...), errs: filepath.Join(t.TempDir(), "stderr")}
	file, err := os.Create(d.errs)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // the program has it
	d.cmd.Dir, d.cmd.Env, d.cmd.Stderr = t.TempDir(), env, file
	out, err := d.cmd.StdoutPipe()
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	d.line, _ = bufio.NewReader(out).ReadString('\n') // "": it has ended
	return d
}

func (d *deployed) said() string {
	d.t.Helper()
	text, err := os.ReadFile(d.errs)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// end sends a signal, if there is one, and returns the exit code.
func (d *deployed) end(sig os.Signal) int {
	d.t.Helper()
	if sig != nil {
		if err := d.cmd.Process.Signal(sig); err != nil {
			d.t.Fatal(err)
		}
	}
	_ = d.cmd.Wait() // the code says it
	return d.cmd.ProcessState.ExitCode()
}

func (d *deployed) get(url string) (status int, answer string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// answers asks for GraphQL at the address of the line.
func (d *deployed) answers() {
	d.t.Helper()
	url, ok := strings.CutPrefix(strings.TrimSpace(d.line), "fraiseql serving ")
	if !ok {
		d.t.Fatalf("the line is %q\n%s", d.line, d.said())
	}
	if status, answer := d.get(url + "?query=%7B__typename%7D"); status != http.StatusOK || answer != `{"data":{"__typename":"Query"}}` {
		d.t.Errorf("%d %s", status, answer)
	}
}

var assetForm = regexp.MustCompile(`(?:src|href)="([^":]+)"`)

// showsGraphiQL is whether the program has its page with it, and all that it loads.
func (d *deployed) showsGraphiQL() {
	d.t.Helper()
	base := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(d.line), "fraiseql serving "), "graphql")
	status, page := d.get(base)
	assets := assetForm.FindAllStringSubmatch(page, -1)
	if status != http.StatusOK || len(assets) < 2 {
		d.t.Errorf("GraphiQL: %d %.500s", status, page)
	}
	for _, m := range assets {
		if status, text := d.get(base + strings.TrimPrefix(m[1], "/")); status != http.StatusOK || len(text) == 0 {
			d.t.Errorf("GraphiQL: %s: %d", m[1], status)
		}
	}
}

// container is a Dockerfile, with what it builds.
type container struct {
	env        []string
	ports      []string
	entrypoint []string // below root
	binary     string
}

// newContainer reads the lines and runs those that build, for the tree of this test
// in place of the version that they name.
func newContainer(t *testing.T, text string) *container {
	t.Helper()
	c := &container{}
	root, built := t.TempDir(), t.TempDir()
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "":
		case "FROM":
			if version, golang := strings.CutPrefix(strings.Fields(rest)[0], "golang:"); golang {
				c.knows(t, version)
			}
		case "RUN":
			cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.Replace(rest, "@latest", "", 1))
			cmd.Dir, cmd.Env = "..", append(os.Environ(), "GOBIN="+built)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		case "COPY":
			f := strings.Fields(rest)
			program, err := os.ReadFile(filepath.Join(built, filepath.Base(f[1])))
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			c.binary = filepath.Join(root, f[2])
			if err := os.WriteFile(c.binary, program, 0o700); err != nil {
				t.Fatal(err)
			}
		case "ENV":
			c.env = append(c.env, strings.Fields(rest)...)
		case "EXPOSE":
			c.ports = strings.Fields(rest)
		case "ENTRYPOINT":
			if err := json.Unmarshal([]byte(rest), &c.entrypoint); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			c.entrypoint[0] = filepath.Join(root, c.entrypoint[0])
		default:
			t.Errorf("the test does not know %q", line)
		}
	}
	return c
}

// knows is whether that version of Go can build the module.
func (c *container) knows(t *testing.T, version string) {
	t.Helper()
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod); want == nil || string(want[1]) != version {
		t.Errorf("the image has Go %s, go.mod says %s", version, want)
	}
}

func (c *container) test(t *testing.T) {
	t.Helper()
	file, err := elf.Open(c.binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the program needs a loader, which a static image has not")
	}
	var env, ports []string
	for _, e := range c.env {
		name, value, _ := strings.Cut(e, "=")
		ports = append(ports, strings.TrimPrefix(value, ":"))
		env = append(env, name+"=:0") // any address of the machine, as there
	}
	if !slices.Equal(ports, c.ports) {
		t.Errorf("it listens at %q and exposes %q", ports, c.ports)
	}
	d := deploy(t, append(env, "DATABASE_URL="+pgtest.Sample(t), "FRAISEQL_GRAPHIQL=true"), c.entrypoint...)
	d.answers()
	d.showsGraphiQL()
	_, admin, _ := strings.Cut(d.said(), "for operators: ")
	admin, _, _ = strings.Cut(admin, "/ ")
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, answer := d.get(admin + path); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	if code := d.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, d.said())
	}
}

// unit is a file of systemd: values by section and key.
type unit map[string]map[string]string

func parseUnit(t *testing.T, text string) unit {
	t.Helper()
	u, section := unit{}, ""
	for line := range strings.SplitSeq(text, "\n") {
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = line
			u[section] = map[string]string{}
		case !ok || u[section] == nil || u[section][key] != "" || value != strings.TrimSpace(value):
			t.Errorf("systemd would not read %q", line)
		default:
			u[section][key] = value
		}
	}
	return u
}

func testUnit(t *testing.T, text, yaml, binary string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("fraiseql.yaml", regexp.MustCompile(`addr: .*`).ReplaceAllString(yaml, "addr: 127.0.0.1:0"))
	write("env", "DATABASE_URL="+pgtest.Sample(t)+"\n")
	text = strings.NewReplacer("/usr/local/bin/fraiseql", binary, "/etc/fraiseql", dir).Replace(text)
	write("fraiseql.service", text)
	if verify, err := exec.LookPath("systemd-analyze"); err == nil {
		out, err := exec.CommandContext(t.Context(), verify, "verify", filepath.Join(dir, "fraiseql.service")).CombinedOutput()
		if err != nil || len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("systemd-analyze: %v\n%s", err, out)
		}
	}
	service := parseUnit(t, text)["[Service]"]
	stop, err := strconv.Atoi(service["TimeoutStopSec"])
	if most := flags.Default().Server.ShutdownTimeout; err != nil || time.Duration(stop)*time.Second <= most {
		t.Errorf("TimeoutStopSec=%s; the end may take %v", service["TimeoutStopSec"], most)
	}
	environment, err := os.ReadFile(service["EnvironmentFile"])
	if err != nil {
		t.Fatal(err)
	}
	start := strings.Fields(service["ExecStart"])
	d := deploy(t, strings.Fields(string(environment)), start...)
	d.answers()
	reload := strings.ReplaceAll(service["ExecReload"], "$MAINPID", strconv.Itoa(d.cmd.Process.Pid))
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", reload).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", reload, err, out)
	}
	for end := time.Now().Add(time.Minute); !strings.Contains(d.said(), "reading the schema again: ready\n"); {
		if time.Now().After(end) {
			t.Fatalf("%s: nothing was read\n%s", reload, d.said())
		}
		time.Sleep(20 * time.Millisecond) //nolint:forbidigo // another process tells
	}
	if code := d.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, and it would be started again\n%s", code, d.said())
	}
	// What can't be helped by a start anew is not tried, what can is.
	wrong := deploy(t, []string{"DATABASE_URL=postgres://127.0.0.1:1/none", "FRAISEQL_LIMIT_DEPTH=deep"}, start...)
	if code := wrong.end(nil); strconv.Itoa(code) != service["RestartPreventExitStatus"] {
		t.Errorf("a wrong setting: exit code %d\n%s", code, wrong.said())
	}
	early := deploy(t, []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/none?sslmode=disable"}, start...)
	if code := early.end(nil); code == 0 || strconv.Itoa(code) == service["RestartPreventExitStatus"] {
		t.Errorf("a database that is not there: exit code %d\n%s", code, early.said())
	}
}
