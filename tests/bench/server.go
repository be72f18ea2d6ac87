package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fraiseql/fraiseql-go/tests/bench/proc"
)

// poolSize is the number of connections of every server.
const poolSize = 10

// server is one under test.
type server struct {
	name    string
	version string // of what it is made of
	speaks  dialect
	paths   bool // it has a path for each work
	idle    bool // it isn't timed

	command []string
	env     []string
	dir     string // in which it runs; empty: here
	addr    string
	cmd     *exec.Cmd
	done    chan struct{} // it has ended
}

// can says whether s does w.
func (s *server) can(w *work) bool { return !s.idle && w.asks[s.speaks] != nil }

func (s *server) pid() int { return s.cmd.Process.Pid }

// product are ours and the ceilings.
func product(binary, dsn string) ([]*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// The works are all allowed; what is refused has a server of its own.
	env := []string{"FRAISEQL_DATABASE_URL=" + dsn, "FRAISEQL_DB_MAX_CONNECTIONS=" + strconv.Itoa(poolSize)}
	open := slices.Concat(env, []string{"FRAISEQL_LIMIT_COST=0"})
	return []*server{
		{name: "ceiling-rows", speaks: ours, paths: true, command: []string{self, "ceiling", "rows", dsn}},
		{name: "ceiling-json", speaks: ours, paths: true, command: []string{self, "ceiling", "json", dsn}},
		{name: "fraiseql/pgx", speaks: ours, command: []string{binary, "serve"}, env: append(slices.Clone(open), "FRAISEQL_DB_BACKEND=pgx")},
		{name: "fraiseql/pq", speaks: ours, command: []string{binary, "serve"}, env: append(slices.Clone(open), "FRAISEQL_DB_BACKEND=pq")},
		{name: "fraiseql/strict", speaks: ours, idle: true, command: []string{binary, "serve"}, env: append(slices.Clone(env), "FRAISEQL_DB_BACKEND=pgx")},
	}, nil
}

// start starts s and waits until it answers ready.
func (s *server) start(ctx context.Context, verbose bool, ready *work) error {
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	s.addr = addr
	host, port, _ := net.SplitHostPort(addr)
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	for i, arg := range cmd.Args {
		if arg == "$PORT" {
			cmd.Args[i] = port
		}
	}
	cmd.Env = slices.Concat(os.Environ(), []string{"HOST=" + host, "PORT=" + port, "ADDR=" + addr, "FRAISEQL_ADDR=" + addr, "PREST_HTTP_PORT=" + port}, s.env)
	cmd.Dir = s.dir
	if verbose {
		cmd.Stderr, cmd.Stdout = os.Stderr, os.Stderr
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.cmd, s.done = cmd, make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(s.done)
	}()
	for range 300 {
		if _, _, err = s.ask(ctx, ready.request(s, 1)); err == nil {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("%s has ended (-v shows why): %v", s.name, cmd.ProcessState)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not answer (-v shows why): %w", s.name, err)
}

// end ends s and all that it has started.
func (s *server) end() {
	if s.cmd == nil {
		return
	}
	tree := proc.Tree(s.pid())
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	for _, pid := range tree[1:] {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // it has ended with its parent, or does now
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// build makes the command as releases are made.
func build(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/fraiseql")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// startAll starts all that o wants, and says what can't be had. The first is the ceiling
// that the others are measured by.
func startAll(ctx context.Context, dsn string, o *options, ready *work) (servers []*server, left []string, end func(), err error) {
	dir, err := os.MkdirTemp("", "fraiseql-bench-*")
	if err != nil {
		return nil, nil, nil, err
	}
	end = func() {
		for _, s := range servers {
			s.end()
		}
		_ = os.RemoveAll(dir)
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	binary := o.binary
	if binary == "" {
		binary = filepath.Join(dir, "fraiseql")
		if err := build(ctx, binary); err != nil {
			return nil, nil, end, err
		}
	}
	list, err := product(binary, dsn)
	if err != nil {
		return nil, nil, end, err
	}
	if o.peers != "" {
		for _, p := range peers {
			found, err := p.find(ctx, o.peers, dsn)
			if err != nil {
				left = append(left, p.name+": "+err.Error())
				continue
			}
			list = append(list, found)
		}
	}
	for _, s := range list {
		if s.name != "ceiling-rows" && !s.idle && !wants(o.servers, s.name) {
			continue
		}
		servers = append(servers, s)
		if err := s.start(ctx, o.verbose, ready); err != nil {
			return servers, left, end, err
		}
	}
	return servers, left, end, nil
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
	l, err := net.Listen("tcp", os.Getenv("ADDR"))
	if err != nil {
		return err
	}
	time.AfterFunc(2*time.Hour, func() { os.Exit(1) }) // whoever started it is gone
	err = (&http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}).Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
