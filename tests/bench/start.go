package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver that loads the sample data

	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/sample"
)

// poolSize is the number of connections of every server.
const poolSize = 10

// database is dsn, or a server of its own with the sample data.
func database(ctx context.Context, dsn string) (string, func(), error) {
	if dsn != "" {
		return dsn, func() {}, nil
	}
	server, err := pgembed.Start(ctx, pgembed.WithProgress(os.Stderr))
	if err != nil {
		return "", nil, err
	}
	stop := func() { _ = server.Stop() }
	db, err := sql.Open("pgx", server.DSN(""))
	if err == nil {
		fmt.Fprintln(os.Stderr, "loading 10,000 users, 100,000 posts, 300,000 comments")
		err = errors.Join(sample.Load(ctx, db, sample.Bench), db.Close())
	}
	if err != nil {
		stop()
		return "", nil, err
	}
	return server.DSN(""), stop, nil
}

// process is a server that runs.
type process struct{ cmd *exec.Cmd }

// cpu is the processor time that it has used.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

// peak is its largest resident memory so far, in MB.
func (p *process) peak() float64 { return p.status("VmHWM:") }

// status is a line of /proc/PID/status, in MB.
func (p *process) status(name string) float64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, name); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// start starts every server and waits until it answers.
func start(ctx context.Context, dsn string, o *options) (targets []*target, end func(), err error) {
	binary := o.binary
	dir, err := os.MkdirTemp("", "fraiseql-bench-*")
	if err != nil {
		return nil, nil, err
	}
	end = func() {
		for _, t := range targets {
			_ = t.proc.cmd.Process.Signal(os.Interrupt)
			_ = t.proc.cmd.Wait()
		}
		_ = os.RemoveAll(dir)
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	if binary == "" {
		binary = filepath.Join(dir, "fraiseql")
		err = build(ctx, binary)
	}
	if err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	own := func(work string) string { return "/" + work }
	all := func(string) bool { return true }
	none := func(string) bool { return false }
	reads := func(work string) bool { return work != "insert" && work != "update" }
	graphql := func(string) string { return "/graphql" }
	for _, t := range []struct {
		target
		command []string
		env     []string
	}{
		{target{name: "ceiling-rows", path: own, has: all}, []string{self, "ceiling", "rows", dsn}, nil},
		{target{name: "ceiling-json", path: own, has: reads}, []string{self, "ceiling", "json", dsn}, nil},
		{target{name: "fraiseql/pgx", path: graphql, has: all}, []string{binary, "serve"}, []string{"FRAISEQL_DB_BACKEND=pgx"}},
		{target{name: "fraiseql/pq", path: graphql, has: all}, []string{binary, "serve"}, []string{"FRAISEQL_DB_BACKEND=pq"}},
		{target{name: "fraiseql/strict", path: graphql, has: none}, []string{binary, "serve"}, []string{"FRAISEQL_DB_BACKEND=pgx", "FRAISEQL_LIMIT_COST="}},
	} {
		cmd := exec.CommandContext(ctx, t.command[0], t.command[1:]...)
		cmd.Env = append(os.Environ(), append([]string{
			"FRAISEQL_DATABASE_URL=" + dsn, "FRAISEQL_ADDR=127.0.0.1:0",
			"FRAISEQL_DB_MAX_CONNECTIONS=" + strconv.Itoa(poolSize), "FRAISEQL_LIMIT_COST=0", // the works are all allowed
		}, t.env...)...)
		if o.verbose {
			cmd.Stderr = os.Stderr
		}
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = 10 * time.Second
		out, err := cmd.StdoutPipe()
		if err != nil {
			return targets, end, err
		}
		if err := cmd.Start(); err != nil {
			return targets, end, err
		}
		one := t.target
		one.proc = &process{cmd}
		targets = append(targets, &one)
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			return targets, end, fmt.Errorf("%s did not start (-v shows why): %w", t.name, err)
		}
		_, rest, _ := strings.Cut(strings.TrimSpace(line), "http://")
		one.addr, _, _ = strings.Cut(rest, "/")
		targets[len(targets)-1].addr = one.addr
	}
	if o.postgraphile != "" {
		t, err := startPeer(ctx, dsn, o)
		if t != nil {
			targets = append(targets, t)
		}
		if err != nil {
			return targets, end, err
		}
	}
	return targets, end, nil
}

// startPeer starts PostGraphile, with a pool as large as that of the others and
// what its manual says of production, and waits until it answers.
func startPeer(ctx context.Context, dsn string, o *options) (*target, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	if err := l.Close(); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, o.postgraphile, "-c", dsn, "-s", "public", "-n", "127.0.0.1", "-p", port,
		"--disable-query-log", "--max-pool-size", strconv.Itoa(poolSize), "--dynamic-json", "--no-setof-functions-contain-nulls")
	cmd.Env = append(os.Environ(), "NODE_ENV=production")
	if o.verbose {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	peers := map[string]bool{}
	for i := range works {
		peers[works[i].name] = works[i].peer != ""
	}
	t := &target{name: "postgraphile 4", addr: addr, path: func(string) string { return "/graphql" }, has: func(w string) bool { return peers[w] }, proc: &process{cmd}, peer: true}
	for range 300 {
		if _, err = once(ctx, t, &works[0]); err == nil {
			return t, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return t, fmt.Errorf("postgraphile did not answer (-v shows why): %w", err)
}

func build(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/fraiseql") // as releases are
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// serveCeiling is the process of a ceiling.
func serveCeiling(kind, dsn string) error {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return err
	}
	cfg.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	h := ceilingRows(pool)
	if kind == "json" {
		h = ceilingJSON(pool)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("ready http://%s/\n", l.Addr())
	time.AfterFunc(2*time.Hour, func() { os.Exit(1) }) // whoever started it is gone
	return (&http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}).Serve(l)
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(into)
	if err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
	}
	return err == nil
}

func failed(w http.ResponseWriter, err error) bool {
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
	}
	return err != nil
}

func header(w http.ResponseWriter) { w.Header()["Content-Type"] = []string{"application/json"} }

func reply(w http.ResponseWriter, b []byte) {
	header(w)
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(b))}
	_, _ = w.Write(b)
}
