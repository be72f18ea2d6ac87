package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// patience bounds every wait: a machine may be slow, a hang must end.
const patience = 2 * time.Minute

// TestServe runs the command as a user has it: signals and exit codes are those of
// a process.
func TestServe(t *testing.T) {
	t.Parallel()
	file := program(filepath.Join(t.TempDir(), "fraiseql"))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", string(file), "github.com/fraiseql/fraiseql-go/cmd/fraiseql").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		name string
		run  func(*testing.T, program)
	}{
		{"answers", testAnswers},
		{"reload", testReload},
		{"collisions", testCollisions},
		{"settings", testSettings},
		{"sample", testSample},
		{"tracing", testTracing},
		{"refused", testRefused},
		{"trusted documents", testTrusted},
		{"broken documents", testTrustedFiles},
		{"persisted queries", testPersisted},
		{"TLS", testTLS},
		{"HTTP/2 in cleartext", testH2C},
		{"TLS that is refused", testTLSRefused},
		{"keys of a file", testKeyFile},
		{"keys of a URL", testKeyURL},
		{"functions", testFunctions},
		{"definitions", testDefinitions},
		{"drains", testDrains},
		{"is killed", testKilled},
		{"cuts off", testCutOff},
		{"is killed with its sample data", testKilledSample},
		{"views", testViews},
		{"watch", testWatch},
		{"watch by a role", testWatchByRole},
		{"shadow status", testShadowStatus},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, file)
		})
	}
}

// program is the file of the command.
type program string

// process is a running command.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   *bufio.Reader
	errs  *lines
	line  string        // the one of standard output
	ended chan struct{} // once rest and code are known
	rest  string        // what it printed after that
	code  int
}

// lines keeps what was written and says when a text is in it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serve starts `fraiseql serve` with nothing but env in its environment.
func (file program) serve(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	p := &process{t: t, errs: &lines{more: make(chan struct{}, 1)}, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, string(file), append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + t.TempDir()}, env...)
	p.cmd.Stderr = p.errs
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(stdout)
	t.Cleanup(func() {
		cancel()
		<-p.ended
		if t.Failed() {
			t.Logf("standard error of %q:\n%s", args, p.errs)
		}
	})
	p.line, err = p.out.ReadString('\n')
	go func() {
		defer close(p.ended)
		rest, _ := io.ReadAll(p.out)
		_ = p.cmd.Wait()
		p.rest, p.code = string(rest), p.cmd.ProcessState.ExitCode()
	}()
	if err != nil {
		p.line = "" // it has ended without one
	}
	return p
}

// url is the address of GraphQL in the line.
func (p *process) url() string {
	p.t.Helper()
	url, ok := strings.CutPrefix(strings.TrimSpace(p.line), "fraiseql serving ")
	if !ok {
		p.t.Fatalf("the line is %q", p.line)
	}
	return url
}

// saw waits for text on standard error.
func (p *process) saw(text string) {
	p.t.Helper()
	timeout := time.After(patience)
	for !strings.Contains(p.errs.String(), text) {
		select {
		case <-p.errs.more:
		case <-p.ended:
			p.t.Fatalf("it ended without %q", text)
		case <-timeout:
			p.t.Fatalf("no %q", text)
		}
	}
}

// end sends sig and checks that the end is orderly.
func (p *process) end(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
	if p.code != 0 || p.rest != "" {
		p.t.Errorf("%v: exit code %d; after the first line %q", sig, p.code, p.rest)
	}
}

// post sends a body of JSON and returns the answer.
func (p *process) post(url string, body any) string {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	_, answer := p.send(url, string(text))
	return answer
}

// send posts a text that says it is JSON; header is names and values.
func (p *process) send(url, text string, header ...string) (status int, answer string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, answer := reply(p.t, req)
	return res.StatusCode, answer
}

func (p *process) query(text string) string {
	p.t.Helper()
	return p.post(p.url(), map[string]string{"query": text})
}

// admin is the address for operators.
func (p *process) admin() string {
	p.t.Helper()
	p.saw("for operators: ")
	_, admin, _ := strings.Cut(p.errs.String(), "for operators: ")
	admin, _, _ = strings.Cut(admin, "/ ") // a line is written at once
	return admin
}

func do(t *testing.T, req *http.Request) string {
	t.Helper()
	_, answer := reply(t, req)
	return answer
}

// reply is the response with its body, which is read and closed.
func reply(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, answer, err := send(req)
	if err != nil {
		t.Fatal(err)
	}
	return res, answer
}

func send(req *http.Request) (*http.Response, string, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res, strings.TrimSpace(string(answer)), err
}

func get(t *testing.T, url string) string {
	t.Helper()
	return do(t, request(t, url))
}

// request is a GET.
func request(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func is(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// The same answers on either backend, and with both compared.
func testAnswers(t *testing.T, file program) {
	t.Helper()
	for _, c := range []struct{ name, env string }{
		{"pgx", "FRAISEQL_DB_BACKEND=pgx"},
		{"pq", "FRAISEQL_DB_BACKEND=pq"},
		{"parity", "FRAISEQL_PARITY_TESTING=true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := file.serve(t, []string{"DATABASE_URL=" + pgtest.Sample(t), c.env}, "--graphiql", "--admin-addr", "127.0.0.1:0")
			is(t, "query", p.query(`{user(id: 42) {id name}}`), `{"data":{"user":{"id":42,"name":"Ken Gray"}}}`)
			is(t, "mutation", p.query(`mutation {updateUser(id: 42, input: {name: "K"}) {name}}`), `{"data":{"updateUser":{"name":"K"}}}`)
			base := strings.TrimSuffix(p.url(), "/graphql")
			is(t, "definitions", p.post(base+"/definitions", map[string]any{
				"operation": "query", "table": "users", "fields": []string{"name"}, "filters": map[string]any{"id": map[string]int{"eq": 42}},
			}), `{"data":[{"name":"K"}],"errors":null}`)
			if page := get(t, base+"/"); !strings.Contains(page, "<html") {
				t.Errorf("GraphiQL: %.200s", page)
			}
			if ready := get(t, p.admin()+"/readyz"); !strings.Contains(ready, `"status":"healthy"`) {
				t.Errorf("readyz: %s", ready)
			}
			p.end(syscall.SIGTERM)
		})
	}
}

// SIGHUP reads the schema again; meanwhile the old one answers.
func testReload(t *testing.T, file program) {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table one (id int primary key)")
	p := file.serve(t, []string{"DATABASE_URL=" + dsn})
	pgtest.Exec(t, dsn, "create table two (id int primary key)")
	if before := p.query("{twos {id}}"); !strings.Contains(before, `"errors"`) {
		t.Errorf("a table of later is there: %s", before)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.saw("reading the schema again: ready")
	is(t, "after", p.query("{twos {id}}"), `{"data":{"twos":[]}}`)
	p.end(syscall.SIGINT)
}

// Two tables that meet in one name are no reason not to start.
func testCollisions(t *testing.T, file program) {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table "user" (id int primary key)`, `create table users (id int primary key)`, `create table query (a_b int, "aB" int, id int primary key)`)
	p := file.serve(t, []string{"DATABASE_URL=" + dsn}, "--admin-addr", "127.0.0.1:0")
	p.saw("left out: table public.query: the query type and table public.query are both the type Query")
	p.saw("left out: table public.users: table public.user and table public.users are both the type User")
	p.saw("left out: column aB of public.query: ")
	is(t, "the rest", p.query("{users {id}}"), `{"data":{"users":[]}}`)
	_, admin, _ := strings.Cut(p.errs.String(), "for operators: ")
	admin, _, _ = strings.Cut(admin, "/ ")
	if ready := get(t, admin+"/readyz"); !strings.Contains(ready, `"status":"degraded"`) || !strings.Contains(ready, `"object":"table public.users"`) {
		t.Errorf("readyz: %s", ready)
	}
	pgtest.Exec(t, dsn, "create table mutation (id int)")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.saw("public.mutation")
	p.end(syscall.SIGINT)
}

// The file, the environment and the flags reach the server, in that order.
func testSettings(t *testing.T, file program) {
	t.Helper()
	yaml := filepath.Join(t.TempDir(), "other.yaml")
	err := os.WriteFile(yaml, []byte(`settings:
  graphql-path: /api
  introspection: "off"
  batch-max: 2
graphql:
  tables:
    users: {name: Person, plural: People}
    nowhere: {omit: [all]}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p := file.serve(t, []string{"DATABASE_URL=" + pgtest.Sample(t), "FRAISEQL_GRAPHQL_PATH=/v1", "FRAISEQL_CONFIG=" + yaml}, "--definitions=false")
	p.saw("left out: ")
	if !strings.HasSuffix(p.url(), "/v1") {
		t.Errorf("path of %s", p.url())
	}
	is(t, "name of the file", p.query("{person(id: 1) {id}}"), `{"data":{"person":{"id":1}}}`)
	if answer := p.query("{__schema {queryType {name}}}"); !strings.Contains(answer, `"errors"`) {
		t.Errorf("introspection is off: %s", answer)
	}
	is(t, "batch", p.post(p.url(), []any{map[string]string{"query": "{__typename}"}}), `[{"data":{"__typename":"Query"}}]`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimSuffix(p.url(), "/v1")+"/definitions", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if answer := do(t, req); !strings.Contains(answer, "NOT_FOUND") {
		t.Errorf("definitions are off: %s", answer)
	}
	p.end(syscall.SIGTERM)
}

// Without a database there are the sample data; nothing stays behind.
func testSample(t *testing.T, file program) {
	t.Helper()
	p := file.serve(t, nil)
	is(t, "count", p.query("{usersAggregate {count}}"), `{"data":{"usersAggregate":{"count":1000}}}`)
	p.end(syscall.SIGINT)
	if strings.Contains(p.errs.String(), "close ") {
		t.Error("the end was not clean")
	}
}

// Spans are at the collector when the command has ended; nothing is sent where no
// collector is named, and who names one that is not spoken to is told.
func testTracing(t *testing.T, file program) {
	t.Helper()
	var mu sync.Mutex
	var paths []string
	var sent bytes.Buffer
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.URL.Path)
		_, _ = sent.ReadFrom(r.Body)
	}))
	defer collector.Close()
	dsn := "DATABASE_URL=" + pgtest.Sample(t)
	p := file.serve(t, []string{dsn, "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_SERVICE_NAME=shop"})
	is(t, "query", p.query("query Keys {user(id: 1) {id}}"), `{"data":{"user":{"id":1}}}`)
	p.end(syscall.SIGTERM)
	mu.Lock()
	if len(paths) == 0 || paths[0] != "/v1/traces" {
		t.Errorf("the collector was asked for %q", paths)
	}
	for _, want := range []string{"POST /graphql", "query users", "Keys", "shop"} {
		if !bytes.Contains(sent.Bytes(), []byte(want)) {
			t.Errorf("the collector has no %q", want)
		}
	}
	paths = nil
	mu.Unlock()
	p = file.serve(t, []string{dsn, "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "FRAISEQL_TRACING=off"})
	is(t, "query", p.query("{user(id: 1) {id}}"), `{"data":{"user":{"id":1}}}`)
	p.end(syscall.SIGTERM)
	mu.Lock()
	if len(paths) > 0 {
		t.Errorf("off: the collector was asked for %q", paths)
	}
	mu.Unlock()
}

func testRefused(t *testing.T, file program) {
	t.Helper()
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() }) // after the subtests, which are parallel
	dsn := "DATABASE_URL=" + pgtest.Sample(t)
	for _, c := range []struct {
		name string
		env  string
		args []string
		code int
		want []string
	}{
		{"address that is taken", dsn, []string{"--addr", socket.Addr().String()}, 1, []string{
			"fraiseql: listen for requests: listen tcp " + socket.Addr().String() + ": bind: address already in use\n",
			"hint: another program has that port; --addr 127.0.0.1:0 picks a free one\n",
		}},
		{"setting", dsn, []string{"--limit-depth", "deep"}, 2, []string{`fraiseql: --limit-depth="deep": want a whole number from 0 to `}},
		{"protocol of spans", dsn + " OTEL_EXPORTER_OTLP_PROTOCOL=grpc", []string{"--tracing", "otlp"}, 2, []string{`fraiseql: OTEL_EXPORTER_OTLP_PROTOCOL="grpc": want http/protobuf`, "hint: "}},
		{"collector that is no URL", dsn + " OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", nil, 2, []string{"fraiseql: OTEL_EXPORTER_OTLP_ENDPOINT: want a URL such as http://localhost:4318"}},
		{"key that is no key", dsn, []string{"--jwt-public-key-file", "nowhere.pem"}, 2, []string{"nowhere.pem"}},
		{"documents that are not there", dsn, []string{"--trusted-documents", "nowhere.json"}, 2, []string{"nowhere.json"}},
		{"certificate that is none", dsn, []string{"--tls-cert-file", "no.pem", "--tls-key-file", "no.key"}, 2, []string{"no.pem"}},
		{"database that is not there", "DATABASE_URL=postgres://nobody@127.0.0.1:1/none?sslmode=disable", nil, 1, []string{"fraiseql: "}},
		{"surplus", dsn, []string{"now"}, 2, []string{"takes no argument"}},
		{"json alone", dsn, []string{"--json"}, 2, []string{"--json goes with --print-config"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := file.serve(t, strings.Fields(c.env), c.args...)
			<-p.ended
			if p.code != c.code || p.line != "" {
				t.Errorf("exit code %d, want %d; it printed %q", p.code, c.code, p.line)
			}
			for _, want := range c.want {
				if !strings.Contains(p.errs.String(), want) {
					t.Errorf("no %q in %s", want, p.errs)
				}
			}
		})
	}
}
