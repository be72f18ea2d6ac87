package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/executor"
)

// TestRowLevelSecurityBehindPgBouncer is the load of
// TestRowLevelSecurityUnderLoad from many connections to a PgBouncer in
// transaction mode, which has two to the server: every statement may be on another
// one than the last. The modes are those that FRAISEQL_DB_POOLER=transaction takes.
func TestRowLevelSecurityBehindPgBouncer(t *testing.T) {
	t.Parallel()
	binary := pgbouncer(t)
	for _, b := range all.Modes(nil) {
		if m := backend.ModeOf(b); m != "pgx/exec" && m != "pgx/simple_protocol" && m != "pq/binary_parameters" {
			continue
		}
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			dsn, role := rlsDatabase(t)
			cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			const conns = 16
			db, err := executor.Open(t.Context(), b, startPgBouncer(t, binary, cfg, 2), executor.WithMinIdle(0), executor.WithMaxConns(conns))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			l := &rlsLoad{t: t, db: db, role: role}
			l.run(rlsWorkers/4, rounds(t, rlsRounds))
			// One after the other: more than two at a time would wait for each other.
			for range conns {
				c, err := db.Pool().Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				l.clean(c)
				_ = c.Close()
			}
		})
	}
}

// pgbouncer is where the program is. A test skips for want of it, unlike for want
// of PostgreSQL, which is always there.
func pgbouncer(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no pgbouncer on this machine")
	return ""
}

// startPgBouncer starts one before the server of cfg, with so many connections to it, and
// returns the way through. It ends with the test.
func startPgBouncer(t *testing.T, binary string, cfg backend.Config, pool int) backend.Config {
	t.Helper()
	for range 5 { // somebody may take the port first
		if c, ok := tryPgBouncer(t, binary, cfg, pool); ok {
			return c
		}
	}
	t.Fatal("pgbouncer does not start")
	return cfg
}

func tryPgBouncer(t *testing.T, binary string, cfg backend.Config, pool int) (backend.Config, bool) {
	t.Helper()
	norm, err := cfg.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = free.Close()
	dir, err := os.MkdirTemp("", "tests-pgbouncer") // t.TempDir is below what only root may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	host := norm.Hosts[0]
	ini := fmt.Sprintf(`[databases]
* = host=%s port=%d user=%s password='%s'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 100
query_wait_timeout = 60
`, host.Name, host.Port, norm.User, string(norm.Password), port, pool)
	path := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(path, []byte(ini), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-q"}
	if os.Geteuid() == 0 { // PgBouncer refuses to run as root
		for _, name := range []string{"postgres", "nobody"} {
			u, err := user.Lookup(name)
			if err != nil {
				continue
			}
			uid, _ := strconv.Atoi(u.Uid) // an account's numbers are numbers
			gid, _ := strconv.Atoi(u.Gid)
			if err := errors.Join(os.Chown(dir, uid, gid), os.Chown(path, uid, gid)); err != nil {
				t.Fatal(err)
			}
			args = append(args, "-u", name)
			break
		}
	}
	ctx, cancel := context.WithCancel(context.Background()) // t.Context is over before Cleanup is
	cmd := exec.CommandContext(ctx, binary, append(args, path)...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			t.Log(log.String())
			return cfg, false
		case <-tick.C:
		}
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = conn.Close()
			break
		}
	}
	number, _ := strconv.ParseUint(port, 10, 16) // a port is one
	cfg.Pooler, cfg.TLS = true, backend.TLS{Mode: "disable"}
	cfg.Hosts = []backend.Host{{Name: "127.0.0.1", Port: uint16(number)}}
	return cfg, true
}
