//go:build unix

package pgembed_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// ownerVar makes the test binary play the owner of a server that TestOwnerDies
// then ends in the way that the value names.
const ownerVar = "PGEMBED_TEST_OWNER"

func TestMain(m *testing.M) {
	if how := os.Getenv(ownerVar); how != "" {
		playOwner(how)
	}
	goleak.VerifyTestMain(m)
}

// playOwner starts a server, prints its process id and directory, and ends.
func playOwner(how string) {
	if how == "early" {
		// The parent kills us while initdb runs; it learns the directory from
		// TMPDIR, which it chose.
		fmt.Println("0 starting")
	}
	s, err := pgembed.Start(context.Background())
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	pid, err := os.ReadFile(filepath.Join(s.Dir(), "data", "postmaster.pid"))
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	fmt.Println(first, s.Dir())
	switch how {
	case "panic":
		panic("on purpose")
	case "exit":
		os.Exit(0)
	default:
		_, _ = io.Copy(io.Discard, os.Stdin) // until a signal comes
		time.Sleep(time.Minute)
	}
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	before := time.Now()
	s := start(t)
	t.Logf("started PostgreSQL %s in %s", s.Binaries().Version, time.Since(before).Round(time.Millisecond))

	u, err := url.Parse(s.DSN("some db"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Path, "/some db"; got != want {
		t.Errorf("DSN path %q, want %q", got, want)
	}
	if got, want := u.Hostname(), "127.0.0.1"; got != want {
		t.Errorf("DSN host %q, want %q", got, want)
	}
	if password, _ := u.User.Password(); len(password) != 32 {
		t.Errorf("DSN password %q, want 32 hex digits", password)
	}
	if u, _ = url.Parse(s.DSN("")); u.Path != "/postgres" {
		t.Errorf("DSN of no database has path %q, want /postgres", u.Path)
	}
	if !s.Owned() || s.Port() == 0 || s.Binaries().Major < pgembed.MinMajor {
		t.Errorf("owned %t, port %d, binaries %+v", s.Owned(), s.Port(), s.Binaries())
	}
	if !accepts(s) {
		t.Error("the server does not accept connections")
	}
	info, err := os.Stat(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory %v, want 0700: its socket asks for no password", info.Mode())
	}
	if _, err := os.Stat(filepath.Join(s.Dir(), "pwfile")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the password file is still there: %v", err)
	}

	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if accepts(s) {
		t.Error("the server still accepts connections")
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	for what, err := range map[string]error{
		"Halt":    s.Halt(t.Context(), syscall.SIGINT),
		"Restart": s.Restart(t.Context()),
	} {
		if err == nil {
			t.Errorf("%s after Stop: no error", what)
		}
	}
	if _, err := s.Keep(); err == nil {
		t.Error("Keep after Stop: no error")
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := start(t,
		pgembed.WithSetting("wal_level", "logical"), pgembed.WithSetting("max_wal_senders", "2"),
		pgembed.WithSetting("search_path", `"it's", public`), pgembed.Durable())
	want := map[string]string{
		"wal_level":           "logical",
		"search_path":         `"it's", public`,
		"fsync":               "on",
		"server_encoding":     "UTF8",
		"TimeZone":            "UTC",
		"password_encryption": "scram-sha-256",
	}
	for name, value := range want {
		if got := query(t, s, "SHOW "+name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	hba := query(t, s, "SELECT DISTINCT auth_method FROM pg_hba_file_rules WHERE type = 'host'")
	if hba != "scram-sha-256" {
		t.Errorf("over TCP the server asks for %q, want scram-sha-256 alone", hba)
	}
}

func TestHaltAndRestart(t *testing.T) {
	t.Parallel()
	s := start(t)
	pgtest.Exec(t, s.DSN("postgres"), "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGINT, syscall.SIGTERM} {
		if err := s.Halt(t.Context(), sig); err != nil {
			t.Fatalf("halt by %v: %v", sig, err)
		}
		if accepts(s) {
			t.Errorf("after %v the server still accepts connections", sig)
		}
		if err := s.Halt(t.Context(), sig); err != nil {
			t.Errorf("halt a halted server by %v: %v", sig, err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatalf("restart after %v: %v", sig, err)
		}
		if got := query(t, s, "SELECT n::text FROM kept"); got != "7" {
			t.Errorf("after %v the row reads %q, want 7", sig, got)
		}
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Errorf("restart a running server: %v", err)
	}
}

// TestHaltEndsSessions: a session that is at work does not see that its server is gone, keeps
// its memory, and a server can't start beside it. A crash takes it along.
func TestHaltEndsSessions(t *testing.T) {
	t.Parallel()
	s := start(t)
	pgtest.Exec(t, s.DSN("postgres"), "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
	for _, tc := range []struct {
		name, why string
		halt      func() error
	}{
		{"by Halt", "SIGKILL leaves the sessions alone", func() error { return s.Halt(t.Context(), syscall.SIGKILL) }},
		{"by itself", "the kernel may kill a server for its memory", func() error { return kill(t, s) }},
	} {
		ended := make(chan error, 1)
		db := pgtest.Open(t, s.DSN("postgres"))
		go func() {
			_, err := db.ExecContext(t.Context(), "DO $$ BEGIN LOOP END LOOP; END $$")
			ended <- err
		}()
		waitFor(t, "the session to be at work", func() bool {
			return query(t, s, "SELECT count(*)::text FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'") == "1"
		})
		if err := tc.halt(); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatalf("restart after a halt %s: %v", tc.name, err)
		}
		if err := <-ended; err == nil {
			t.Errorf("%s: a loop without end ended well", tc.name)
		}
		if got := query(t, s, "SELECT n::text FROM kept"); got != "7" {
			t.Errorf("after a halt %s the row reads %q, want 7", tc.name, got)
		}
	}
}

// TestHaltKeepsPort: nobody who asks for any free port gets that of a server that is halted.
func TestHaltKeepsPort(t *testing.T) {
	t.Parallel()
	s := start(t)
	if err := s.Halt(t.Context(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if accepts(s) {
		t.Error("the port accepts connections")
	}
	if err := bindAlone(s.Port()); runtime.GOOS == "linux" && !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("bind the port of a halted server: %v, want address in use", err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if err := bindAlone(s.Port()); err != nil {
		t.Errorf("bind the port of a stopped server: %v", err)
	}
}

// bindAlone binds a port of 127.0.0.1 as one who does not share it, and lets it go.
func bindAlone(port int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}), syscall.Close(fd))
}

// kill kills the server behind Halt's back.
func kill(t *testing.T, s *pgembed.Server) error {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir(), "data", "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

func TestHaltEndsWithContext(t *testing.T) {
	t.Parallel()
	s := start(t)
	// A smart shutdown waits for the clients, and this one stays.
	db := pgtest.Open(t, s.DSN("postgres"))
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Halt(ctx, syscall.SIGTERM); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("halt with a client connected: %v, want deadline exceeded", err)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	s := start(t)
	stop, err := s.Keep()
	if err != nil {
		t.Fatal(err)
	}
	if !accepts(s) {
		t.Error("a kept server does not accept connections")
	}
	if err := s.Stop(); err != nil {
		t.Errorf("Stop after Keep: %v", err)
	}
	if !accepts(s) {
		t.Error("Stop ended a kept server")
	}
	if out, err := exec.Command("/bin/sh", "-c", stop).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", stop, err, out)
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after %q the directory is still there: %v", stop, err)
	}
}

// TestOwnerDies is the reason why the package exists: however the owner ends,
// nothing is left.
func TestOwnerDies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, why string
		end       func(t *testing.T, owner *exec.Cmd)
	}{
		{"interrupt", "Ctrl-C", signalGroup(syscall.SIGINT)},
		{"terminate", "kill, systemd, docker stop", signalGroup(syscall.SIGTERM)},
		{"hangup", "the terminal closes", signalGroup(syscall.SIGHUP)},
		{"kill", "nothing in the owner can run any more", signalGroup(syscall.SIGKILL)},
		{"panic", "a test panics outside of its own recover", nil},
		{"exit", "os.Exit, log.Fatal", nil},
		{"early", "killed while initdb runs", signalGroup(syscall.SIGKILL)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tmp := openTempDir(t)
			owner := exec.Command(os.Args[0])
			owner.Env = append(os.Environ(), ownerVar+"="+tc.name, "TMPDIR="+tmp)
			// As a shell would start it: a group of its own, so that the whole
			// group gets the signal.
			owner.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := owner.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			in, err := owner.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if err := owner.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid, dir, ok := strings.Cut(strings.TrimSpace(line), " ")
			if !ok || pid == "error:" {
				t.Fatalf("the owner says %q", line)
			}
			if tc.name == "early" {
				waitFor(t, "initdb to start", func() bool {
					found, _ := filepath.Glob(filepath.Join(tmp, "fraiseql-pg-*", "data", "*"))
					return len(found) > 0
				})
			}
			if tc.end != nil {
				tc.end(t, owner)
			}
			if err := owner.Wait(); err == nil && tc.name != "exit" {
				t.Errorf("the owner ended well, want it to have been killed")
			}
			waitFor(t, "every file to be removed", func() bool {
				left, err := os.ReadDir(tmp)
				return err == nil && len(left) == 0
			})
			if n, _ := strconv.Atoi(pid); n > 0 {
				waitFor(t, "the server to end", func() bool { return errors.Is(syscall.Kill(n, 0), syscall.ESRCH) })
				if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s is still there: %v", dir, err)
				}
			}
		})
	}
}

func signalGroup(sig syscall.Signal) func(*testing.T, *exec.Cmd) {
	return func(t *testing.T, owner *exec.Cmd) {
		t.Helper()
		if err := syscall.Kill(-owner.Process.Pid, sig); err != nil {
			t.Error(err)
		}
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	tmp := openTempDir(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name, why string
		ctx       context.Context
		opts      []pgembed.Option
		want      string
	}{
		{"bad setting", "the log is the only place that says why", t.Context(), []pgembed.Option{pgembed.WithSetting("shared_buffers", "many")}, `invalid value for parameter "shared_buffers"`},
		{"too little time", "initdb alone takes longer", t.Context(), []pgembed.Option{pgembed.WithStartTimeout(time.Millisecond)}, "deadline exceeded"},
		{"cancelled", "the caller gave up", cancelled, []pgembed.Option{pgembed.WithBinDir(binDir(t))}, "canceled"},
		{"no binaries there", "the caller named a wrong directory", t.Context(), []pgembed.Option{pgembed.WithBinDir(tmp)}, "use the PostgreSQL in " + tmp},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := pgembed.Start(tc.ctx, tc.opts...)
			if err == nil {
				_ = s.Stop()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q, want it to say %q", err, tc.want)
			}
		})
	}
}

func TestProvide(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, why string
		env       map[string]string
		database  string
		want      string // DSN, or what the error says
		fails     bool
	}{
		{"DATABASE_URL", "a server of the user's goes above everything", map[string]string{"DATABASE_URL": "postgres://me:pw@db:5433/app?sslmode=require"}, "", "postgres://me:pw@db:5433/app?sslmode=require", false},
		{"another database", "tests make databases of their own there", map[string]string{"DATABASE_URL": "postgresql://me@db/app"}, "other", "postgresql://me@db/other", false},
		{"no database", "postgres is on every server", map[string]string{"DATABASE_URL": "postgres://db"}, "", "postgres://db/postgres", false},
		{"both", "the name with our prefix is the more specific", map[string]string{"FRAISEQL_DATABASE_URL": "postgres://one/a", "DATABASE_URL": "postgres://two/b"}, "", "postgres://one/a", false},
		{"not a URL", "and the error must not show the password", map[string]string{"DATABASE_URL": "host=db password=secret"}, "", "DATABASE_URL: want a URL", true},
		{"other scheme", "nothing else is spoken", map[string]string{"FRAISEQL_DATABASE_URL": "mysql://db/app"}, "", "FRAISEQL_DATABASE_URL: want a URL", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := pgembed.Provide(t.Context(), func(name string) string { return tc.env[name] })
			if tc.fails {
				if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
					t.Fatalf("error %v, want %q without the value", err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := s.DSN(tc.database); got != tc.want {
				t.Errorf("DSN %q, want %q", got, tc.want)
			}
			if s.Owned() || s.Log() != "" {
				t.Errorf("owned %t, log %q of a server that was there", s.Owned(), s.Log())
			}
			if err := s.Stop(); err != nil {
				t.Errorf("Stop: %v", err)
			}
		})
	}
}

func start(t *testing.T, opts ...pgembed.Option) *pgembed.Server {
	t.Helper()
	s, err := pgembed.Start(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// binDir is where the server binaries of this machine are.
func binDir(t *testing.T) string {
	t.Helper()
	return start(t).Binaries().Dir
}

// openTempDir is a temporary directory that any user may write to, as /tmp is,
// so that a server of another user fits in when the tests run as root.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgembed-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return dir
}

func accepts(s *pgembed.Server) bool {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port())), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// query returns the one value of a query. (psql would not
// do: downloaded binaries come without it.)
func query(t *testing.T, s *pgembed.Server, query string) string {
	t.Helper()
	db := pgtest.Open(t, s.DSN("postgres"))
	defer db.Close()
	var value string
	if err := db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}
