package backendtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

func poolerCases() []Case {
	return []Case{
		def("divergence/01-pgbouncer-other-answer", "behind PgBouncer in transaction mode some modes get the answer to another client's statement; every answer must be one's own, or the mode refused", func(x *test) {
			db := x.pooled()
			x.ownAnswers(db, func(s *session, worker, i int) error { return s.askOwn(worker, i) })
		}),
		def("pooler/own-answers-in-transactions", "the same inside transactions, which hold one server connection each", func(x *test) {
			db := x.pooled()
			x.ownAnswers(db, func(s *session, worker, i int) error {
				if _, err := s.execContext(s.x, "begin isolation level read committed read only"); err != nil {
					return err
				}
				for range 3 {
					if err := s.askOwn(worker, i); err != nil {
						return err
					}
				}
				return s.commit()
			})
		}),
		def("pooler/refuses-start-up-parameters", "a Config without Pooler must fail at a pooler, loudly: it asks for start-up parameters that no pooler can keep", func(x *test) {
			c := x.bouncer()
			c.Pooler = false
			db, err := x.Open(c)
			x.must("open", err)
			err = backend.Wrap(x.Backend, "connect", db.PingContext(x))
			if err == nil {
				x.failf("connected: extra_float_digits and others cannot have been set")
			}
		}),
		def("pooler/transaction-settings", "what the start-up could not carry holds in each transaction, whatever the role says", func(x *test) {
			role, err := x.Role(x, "extra_float_digits=0", "bytea_output=escape", "intervalstyle=iso_8601", "search_path=pg_catalog")
			x.must("create a role", err)
			old := x.Config
			x.Config.User, x.Config.Password = role.User, role.Password
			c := x.bouncer()
			x.Config = old
			db, err := x.Open(c)
			x.refusedOr("open", err)
			s := x.on(db)
			for range 3 {
				s.begin()
				normal, err := c.Normalize()
				x.must("normalize", err)
				for _, set := range normal.TransactionSettings() {
					s.value("select set_config($1::text, $2::text, true)", set.Name, set.Value)
				}
				for _, name := range []string{"client_encoding", "datestyle", "intervalstyle", "extra_float_digits", "bytea_output", "timezone", "search_path"} {
					want := normal.Session[name]
					x.same(name, s.value("select current_setting($1::text)", name), want)
				}
				x.must("commit", s.commit())
			}
		}),
		def("pooler/writes", "a transaction behind a pooler stores once what it was told to store", func(x *test) {
			x.prepare("create table t (id int4)")
			db := x.pooled()
			table := x.schema + ".t"
			x.ownAnswers(db, func(s *session, worker, i int) error {
				if _, err := s.execContext(s.x, "begin isolation level read committed read write"); err != nil {
					return err
				}
				if _, err := s.execContext(s.x, "insert into "+table+" values ($1::int4)", strconv.Itoa(worker*1000+i)); err != nil {
					return err
				}
				return s.commit()
			})
			x.same("rows, different rows", x.observe("select count(*)||','||count(distinct id) from t"), fmt.Sprintf("%d,%d", workers*rounds, workers*rounds))
		}),
	}
}

const workers, rounds = 6, 25

// refusedOr ends the case as a pass where the backend refuses to work behind a
// pooler in its mode, which is as good as working.
func (x *test) refusedOr(doing string, err error) {
	if err != nil && backend.CodeOf(err) == backend.CodeConfiguration {
		panic(stopped{nil})
	}
	x.must(doing, err)
}

// pooled is a pool behind PgBouncer.
func (x *test) pooled() *sql.DB {
	db, err := x.Open(x.bouncer())
	x.refusedOr("open", err)
	return db
}

// askOwn runs one of several statements whose answer only this worker can expect.
func (s *session) askOwn(worker, i int) error {
	want := strconv.Itoa(worker*1000 + i)
	readers := s.x.readers()
	query := fmt.Sprintf("select $1::text, 'worker %d'::text", worker)
	if i%2 == 1 {
		query = fmt.Sprintf("select 'worker %d'::text, 'more'::text, $1::text", worker)
	}
	rows, err := readers[i%len(readers)].read(s, query, want)
	if err != nil {
		return err
	}
	expect := fmt.Sprintf("%s|worker %d", want, worker)
	if i%2 == 1 {
		expect = fmt.Sprintf("worker %d|more|%s", worker, want)
	}
	if got := flat(rows); got != expect {
		return fmt.Errorf("worker %d is answered %q, want %q", worker, got, expect)
	}
	return nil
}

// ownAnswers runs work on many connections at once.
func (x *test) ownAnswers(db *sql.DB, work func(s *session, worker, i int) error) {
	var wg sync.WaitGroup
	errs := make(chan error, workers)
	for worker := range workers {
		wg.Go(func() {
			conn, err := db.Conn(x)
			if err != nil {
				errs <- fmt.Errorf("connect: %w", err)
				return
			}
			defer conn.Close()
			s := &session{&test{Context: x.Context, Env: x.Env}, conn}
			defer func() { // a check that fails ends its worker, not the process
				if v := recover(); v != nil {
					errs <- recovered(v)
				}
			}()
			for i := range rounds {
				if err := work(s, worker, i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	x.must("a worker", errors.Join(all...))
}

// bouncer starts a PgBouncer in transaction mode with few server connections, and
// returns a Config that leads through it.
func (x *test) bouncer() backend.Config {
	binary := ""
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			binary = path
			break
		}
	}
	if binary == "" {
		x.notRunf("no pgbouncer on this machine")
	}
	dir, err := os.MkdirTemp("", "backendtest-pgbouncer")
	x.must("make a directory", err)
	x.Cleanup(func() error { return os.RemoveAll(dir) })
	for range 5 {
		if c, ok := x.startBouncer(binary, dir); ok {
			return c
		}
	}
	x.failf("pgbouncer does not start")
	return backend.Config{}
}

// startBouncer tries one port; somebody may take it first.
func (x *test) startBouncer(binary, dir string) (backend.Config, bool) {
	port := x.nobody().Hosts[0].Port
	h := x.Config.Hosts[0]
	host := h.Name
	if h.Addr != "" {
		host = h.Addr
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ini := fmt.Sprintf(`[databases]
* = host=%s port=%d user=%s password='%s'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 100
log_connections = 0
log_disconnections = 0
`, host, h.Port, x.Config.User, string(password(x.Config)), port)
	path := filepath.Join(dir, "pgbouncer.ini")
	x.must("write pgbouncer.ini", os.WriteFile(path, []byte(ini), 0o600))
	args := []string{"-q"}
	if os.Geteuid() == 0 { // PgBouncer refuses to run as root
		for _, name := range []string{"postgres", "nobody"} {
			u, err := user.Lookup(name)
			if err != nil {
				continue
			}
			uid, _ := strconv.Atoi(u.Uid) // an account's numbers are numbers
			gid, _ := strconv.Atoi(u.Gid)
			x.must("give pgbouncer its files", errors.Join(os.Chown(dir, uid, gid), os.Chown(path, uid, gid)))
			args = append(args, "-u", name)
			break
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, append(args, path)...)
	var log logTail
	cmd.Stdout, cmd.Stderr = &log, &log
	x.must("start pgbouncer", cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop := func() error { cancel(); <-ended; return nil }
	x.Cleanup(stop)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return backend.Config{}, false
		case <-x.Done():
			x.failf("wait for pgbouncer: %w (%s)", x.Err(), log.String())
		case <-tick.C:
		}
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = conn.Close()
			break
		}
	}
	c := x.Config
	c.Pooler = true
	c.Hosts = []backend.Host{{Name: "127.0.0.1", Port: port}}
	c.TLS = backend.TLS{Mode: "disable"}
	return c, true
}

// logTail keeps the end of what a program prints.
type logTail struct {
	mu   sync.Mutex
	text []byte
}

func (l *logTail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if n := len(l.text); n > 4096 {
		l.text = append([]byte(nil), l.text[n-4096:]...)
	}
	return len(p), nil
}

func (l *logTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
