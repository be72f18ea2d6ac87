// Package pgembed finds a PostgreSQL to work with, and starts a throw-away one
// where none is given.
//
// The order is: DATABASE_URL (Provide only); server binaries on this machine,
// newest first; binaries downloaded once and kept; one clear error that names
// these three ways out.
//
// A server that Start made dies with its owner, however the owner ends. A
// small supervising shell holds the reading end of a pipe whose writing end
// only the owner has; the kernel closes it on return, panic and SIGKILL alike,
// and the supervisor then stops the server and removes its directory. No
// signal handler is installed in the owner.
package pgembed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed supervise.sh
var supervise string

// Server is a PostgreSQL server: one that Start made, or one that was there
// already (Provide). Its methods are safe for concurrent use.
type Server struct {
	base  *url.URL // DSN without a database
	dir   string   // "" for a server that is not ours
	bin   Binaries
	port  int
	limit time.Duration
	// settings are those that Start was given, its defaults among them.
	settings map[string]string
	mu       sync.Mutex
	input    io.WriteCloser // the supervisor's standard input; nil once stopped
	holder   *os.File       // keeps the port, also while the server is halted; nil where it can't
	ended    chan struct{}  // closed when the supervisor has ended
	stopEr   error
}

// errPortTaken is a start that lost the race for its port.
var errPortTaken = errors.New("the port was taken meanwhile")

// Provide returns the server that FRAISEQL_DATABASE_URL, else DATABASE_URL,
// names, and else starts one. Stop leaves a server that was there running.
func Provide(ctx context.Context, getenv func(string) string, opts ...Option) (*Server, error) {
	for _, name := range []string{"FRAISEQL_DATABASE_URL", "DATABASE_URL"} {
		if dsn := getenv(name); dsn != "" {
			s, err := Adopt(dsn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return s, nil
		}
	}
	return Start(ctx, opts...)
}

// Adopt is the server that dsn names, which must be a postgres:// URL. It is
// not dialed. The error does not repeat dsn, which may hold a password.
func Adopt(dsn string) (*Server, error) {
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("want a URL such as postgres://user:password@host:5432/database")
	}
	return &Server{base: u}, nil
}

// Start starts a throw-away server on a free port of 127.0.0.1 and returns
// when it accepts connections, in about a second where binaries are at hand.
// The superuser is postgres, with a random password over TCP; the socket in
// Dir, which only the server's user and root can reach, asks for none.
//
// Binaries come from the machine (PATH, pg_config, the places where
// distributions and Homebrew put them; newest version first), else from a
// download that is kept for the next time. ctx bounds the start only. Call
// Stop; a program that ends without calling it leaves nothing behind either.
func Start(ctx context.Context, opts ...Option) (*Server, error) {
	c := newConfig(opts)
	as, err := serverAccount()
	if err != nil {
		return nil, fmt.Errorf("start a throw-away PostgreSQL: %w", err)
	}
	bin, err := c.binaries(ctx, as)
	if err != nil {
		return nil, err
	}
	return c.launches(ctx, bin, as)
}

// launches launches until a port is not taken. Where a port can't be kept (freePort),
// another process can win it before the server listens. That is rare, and trying again
// is enough.
func (c *config) launches(ctx context.Context, bin Binaries, as *account) (*Server, error) {
	for attempt := 1; ; attempt++ {
		s, err := c.launch(ctx, bin, as)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errPortTaken) || attempt == 5 {
			return nil, fmt.Errorf("start PostgreSQL %s from %s: %w", bin.Version, bin.Dir, err)
		}
	}
}

// launch launches on a free port.
func (c *config) launch(ctx context.Context, bin Binaries, as *account) (*Server, error) {
	port, holder, err := freePort()
	if err != nil {
		return nil, err
	}
	s, err := c.launchAt(ctx, port, bin, as)
	if err != nil {
		_ = holder.Close() // nil closes nothing
		return nil, err
	}
	s.holder = holder
	return s, nil
}

// launchAt makes the directory, starts the supervisor in it, and waits until the
// server is ready.
func (c *config) launchAt(ctx context.Context, port int, bin Binaries, as *account) (*Server, error) {
	secret, password := "pwfile", randomHex()
	content := password + "\n"
	if c.primary != nil {
		password, _ = c.primary.base.User.Password()
		secret, content = "primary", c.primary.service()
	}
	dir, err := as.makeDir()
	if err != nil {
		return nil, err
	}
	settings := maps.Clone(c.settings)
	settings["port"] = strconv.Itoa(port)
	settings["listen_addresses"] = "127.0.0.1"
	settings["unix_socket_directories"] = dir
	if len(filepath.Join(dir, ".s.PGSQL.65535")) > 100 { // sun_path holds 104 to 108 bytes
		settings["unix_socket_directories"] = ""
	}
	for name, text := range map[string]string{
		secret:          content,
		"settings.conf": configFile(settings),
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), as.own(path)); err != nil {
			return nil, errors.Join(fmt.Errorf("prepare %s: %w", dir, err), os.RemoveAll(dir))
		}
	}
	s := &Server{
		base:     &url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), RawQuery: "sslmode=disable"},
		dir:      dir,
		bin:      bin,
		port:     port,
		limit:    c.startTimeout,
		settings: maps.Clone(c.settings),
		ended:    make(chan struct{}),
	}
	// Not CommandContext: ctx bounds the start, and the supervisor must outlive it.
	cmd := exec.Command("/bin/sh", "-c", supervise, "supervise", dir, bin.Dir, c.backup) //nolint:noctx // see above
	cmd.Dir = dir
	as.apply(cmd)
	detach(cmd)
	// A pipe of our own and not StdinPipe, which Wait closes: both ends of this
	// one are closed on exec, so no other child of ours holds the writing end.
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a pipe: %w", err), os.RemoveAll(dir))
	}
	cmd.Stdin, s.input = reader, writer
	err = errors.Join(cmd.Start(), reader.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the supervisor: %w", err), writer.Close(), os.RemoveAll(dir))
	}
	go func() {
		s.stopEr = cmd.Wait()
		close(s.ended)
	}()
	if err := s.start(ctx); err != nil {
		log := s.Log()
		err = errors.Join(err, s.Stop())
		if strings.Contains(log, "could not bind") {
			return nil, fmt.Errorf("%w: %w", errPortTaken, err)
		}
		return nil, fmt.Errorf("%w\n%s", err, tail(log, 20))
	}
	return s, nil
}

// start tells the supervisor to start the server and waits until it is ready.
func (s *Server) start(ctx context.Context) error {
	if _, err := io.WriteString(s.input, "start\n"); err != nil {
		return fmt.Errorf("reach the supervisor: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w", context.Cause(ctx))
		case <-s.ended:
			return errors.New("the supervisor ended early")
		case <-tick.C:
		}
		if _, ready := s.postmaster(); ready {
			return nil
		}
		if s.exited() {
			return errors.New("the server ended while starting")
		}
	}
}

// postmaster reads postmaster.pid: the process id in line 1 and, in line 8,
// whether connections are accepted (PostgreSQL: src/include/utils/pidfile.h).
func (s *Server) postmaster() (pid int, ready bool) {
	text, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	lines := strings.Split(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return 0, false
	}
	return pid, len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
}

// exited reports whether the server has ended since it was last started.
func (s *Server) exited() bool {
	_, err := os.Stat(filepath.Join(s.dir, "exit"))
	return err == nil
}

// Stop ends the server at once, its clients with it, and removes its files. A
// second Stop does nothing. A server that was there already is left alone.
func (s *Server) Stop() error {
	if s.dir == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.input == nil {
		return nil
	}
	err := s.input.Close()
	s.input = nil
	defer s.holder.Close() //nolint:errcheck // nil closes nothing
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		return fmt.Errorf("stop PostgreSQL: the supervisor of %s does not end", s.dir)
	}
	if _, statErr := os.Stat(s.dir); statErr == nil {
		err = errors.Join(err, s.stopEr, os.RemoveAll(s.dir))
	}
	if err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// Keep lets the server outlive this process, for somebody to look at its data,
// and returns the shell command that ends it. The Server is of no use after it.
func (s *Server) Keep() (stopCommand string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.input == nil {
		return "", errors.New("keep PostgreSQL: not a running server of ours")
	}
	pid, _ := s.postmaster()
	_, err = io.WriteString(s.input, "keep\n")
	err = errors.Join(err, s.input.Close())
	s.input = nil
	_ = s.holder.Close() // nil closes nothing
	<-s.ended
	if err != nil {
		return "", fmt.Errorf("keep PostgreSQL: %w", err)
	}
	return fmt.Sprintf("kill -QUIT %d && sleep 1 && rm -rf %s", pid, s.dir), nil
}

// Halt sends sig to the server and waits until it and all its sessions have ended; its
// files stay, and on Linux its port stays its own. SIGKILL is a crash, SIGQUIT an
// immediate, SIGINT a fast and SIGTERM a smart shutdown (PostgreSQL documentation,
// "Shutting Down the Server").
func (s *Server) Halt(ctx context.Context, sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.input == nil {
		return errors.New("halt PostgreSQL: not a running server of ours")
	}
	if s.exited() {
		return nil
	}
	if pid, _ := s.postmaster(); pid == 0 {
		// It ends by itself right now: its last act is to remove the file.
		var cancel func()
		ctx, cancel = context.WithTimeoutCause(ctx, s.limit, errors.New("no process id, and no end"))
		defer cancel()
	} else if err := signalProcess(pid, sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("halt PostgreSQL: %w", err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !s.exited() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("halt PostgreSQL: %w", context.Cause(ctx))
		case <-s.ended:
			return errors.New("halt PostgreSQL: the supervisor ended")
		case <-tick.C:
		}
	}
	return nil
}

// Restart ends the server at once if it runs, and starts it again on the same
// port and data. What it has confirmed is kept, even where it was killed: only
// a crash of the machine could lose it, since nothing is synced to disk.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Halt(ctx, syscall.SIGQUIT); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.input == nil {
		return errors.New("restart PostgreSQL: stopped meanwhile")
	}
	for _, name := range []string{"exit", filepath.Join("data", "postmaster.pid")} {
		// After a crash the old pid file still says "ready".
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("restart PostgreSQL: %w", err)
		}
	}
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("restart PostgreSQL: %w\n%s", err, tail(s.Log(), 20))
	}
	return nil
}

// DSN is the URL of one database of the server. An empty name is the database
// that the server was given with, or "postgres".
func (s *Server) DSN(database string) string {
	u := *s.base
	switch {
	case database != "":
		u.Path = "/" + database
	case u.Path == "" || u.Path == "/":
		u.Path = "/postgres"
	}
	return u.String()
}

// Owned reports whether Start made the server, so that it can be halted,
// restarted and filled at will.
func (s *Server) Owned() bool { return s.dir != "" }

// Binaries says which server binaries run; zero if the server is not ours.
func (s *Server) Binaries() Binaries { return s.bin }

// Port is the TCP port on 127.0.0.1; 0 if the server is not ours.
func (s *Server) Port() int { return s.port }

// Dir holds the server's files, among them its log ("log"), its data ("data")
// and its Unix socket; "" if the server is not ours.
func (s *Server) Dir() string { return s.dir }

// Log is what the server and initdb have printed so far.
func (s *Server) Log() string {
	if s.dir == "" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	return string(text)
}

// configFile renders settings as lines of postgresql.conf, in a steady order.
func configFile(settings map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	return b.String()
}

// tail is the last n lines of text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
