package cli_test

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/cli"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// held is a request that runs until its lock is let go.
type held struct {
	pool   *sql.DB
	lock   *sql.Tx
	answer chan string // "" where the connection broke
}

// hold has a mutation wait for a lock.
func (p *process) hold(t *testing.T, dsn string) *held {
	t.Helper()
	h := &held{pool: pgtest.Open(t, dsn), answer: make(chan string, 1)}
	var err error
	if h.lock, err = h.pool.BeginTx(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.lock.Rollback() }) // where the test has failed
	if _, err := h.lock.ExecContext(t.Context(), "select pg_advisory_xact_lock(7)"); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url(), strings.NewReader(`{"query":"mutation {note(text: \"held\")}"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	go func() {
		res, answer, err := send(req)
		if err != nil || res.StatusCode != http.StatusOK {
			answer = ""
		}
		h.answer <- answer
	}()
	eventually(t, "the request waits", func() bool { return says(t, h.pool, waiting) })
	return h
}

func (h *held) release(t *testing.T) {
	t.Helper()
	if err := h.lock.Rollback(); err != nil {
		t.Fatal(err)
	}
}

// stopping waits until new requests are refused, everywhere.
func (p *process) stopping(t *testing.T) {
	t.Helper()
	eventually(t, "new requests are refused", func() bool {
		status, _ := p.send(p.url(), countUsers)
		return status == http.StatusServiceUnavailable
	})
	for _, url := range []string{p.url(), strings.TrimSuffix(p.url(), "/graphql") + "/definitions", strings.TrimSuffix(p.url(), "/graphql") + "/healthz"} {
		res, answer := reply(t, request(t, url))
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !res.Close || !strings.Contains(answer, `"code":"SERVICE_UNAVAILABLE"`) {
			t.Errorf("%s while it ends: %s %v %s", url, res.Status, res.Header, answer)
		}
	}
	if res, answer := reply(t, request(t, p.admin()+"/readyz")); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(answer, `"stopping"`) {
		t.Errorf("readyz while it ends: %s %s", res.Status, answer)
	}
	if res, answer := reply(t, request(t, p.admin()+"/healthz")); res.StatusCode != http.StatusOK {
		t.Errorf("healthz while it ends: %s %s", res.Status, answer)
	}
}

func notesDB(t *testing.T) string {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table notes (text text primary key);
		create function note(text text) returns boolean volatile language plpgsql as $$
			begin perform pg_advisory_xact_lock(7); insert into notes values (text); return true; end $$`)
	return dsn
}

// The first signal refuses what is new and lets end what runs.
func testDrains(t *testing.T, file program) {
	t.Helper()
	for _, backend := range []string{"pgx", "pq"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			dsn := notesDB(t)
			p := file.serve(t, []string{"DATABASE_URL=" + dsn, "FRAISEQL_DB_BACKEND=" + backend}, "--admin-addr", "127.0.0.1:0")
			h := p.hold(t, dsn)
			for range 2 { // as timeout(1) does it
				if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			p.stopping(t)
			h.release(t)
			is(t, "what ran at the signal", <-h.answer, `{"data":{"note":true}}`)
			<-p.ended
			if p.code != 0 || p.rest != "" {
				t.Errorf("exit code %d, %q", p.code, p.rest)
			}
			if !says(t, h.pool, "select exists (select from notes)") {
				t.Error("it was answered and is not there")
			}
			eventually(t, "its connections are closed", func() bool {
				return says(t, h.pool, "select not exists (select from pg_stat_activity where datname = current_database() and application_name = 'fraiseql')")
			})
		})
	}
}

// The second signal ends it at once, whichever of the two it is.
func testKilled(t *testing.T, file program) {
	t.Helper()
	for name, signals := range map[string][2]syscall.Signal{
		"SIGTERM": {syscall.SIGTERM, syscall.SIGTERM}, "SIGINT": {syscall.SIGINT, syscall.SIGINT}, "SIGINT behind SIGTERM": {syscall.SIGTERM, syscall.SIGINT},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := notesDB(t)
			p := file.serve(t, []string{"DATABASE_URL=" + dsn}, "--admin-addr", "127.0.0.1:0", "--shutdown-timeout-ms", "600000")
			h := p.hold(t, dsn)
			if err := p.cmd.Process.Signal(signals[0]); err != nil {
				t.Fatal(err)
			}
			p.stopping(t)
			select {
			case <-p.ended:
				t.Fatalf("the first signal has ended it: %s", p.errs)
			default:
			}
			if err := p.cmd.Process.Signal(signals[1]); err != nil {
				t.Fatal(err)
			}
			<-p.ended
			if how, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !how.Signaled() || how.Signal() != signals[1] {
				t.Errorf("it ended with %v", p.cmd.ProcessState)
			}
			if answer := <-h.answer; answer != "" {
				t.Errorf("what ran was answered: %s", answer)
			}
		})
	}
}

// What runs longer than shutdown-timeout-ms is cut off, in the database too.
func testCutOff(t *testing.T, file program) {
	t.Helper()
	for _, backend := range []string{"pgx", "pq"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			dsn := notesDB(t)
			p := file.serve(t, []string{"DATABASE_URL=" + dsn, "FRAISEQL_DB_BACKEND=" + backend}, "--shutdown-timeout-ms", "500")
			h := p.hold(t, dsn)
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-p.ended
			if p.code != cli.ExitFailed || !strings.Contains(p.errs.String(), "1 requests were cut off after 500ms") {
				t.Errorf("exit code %d: %s", p.code, p.errs)
			}
			<-h.answer
			eventually(t, "its statement ends", func() bool { return !says(t, h.pool, waiting) })
			h.release(t)
			if says(t, h.pool, "select exists (select from notes)") {
				t.Error("what was cut off is there")
			}
		})
	}
}

// Killed while it serves the sample data, it leaves no server behind and no files.
func testKilledSample(t *testing.T, file program) {
	t.Helper()
	tmp, err := os.MkdirTemp("", "fraiseql-killed-") // t.TempDir is for this user alone, who may not be the one of the server
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	p := file.serve(t, []string{"TMPDIR=" + tmp}, "--drain-delay-ms", "300000", "--shutdown-timeout-ms", "600000", "--admin-addr", "127.0.0.1:0")
	left := func() []string {
		found, err := filepath.Glob(filepath.Join(tmp, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if len(left()) == 0 {
		t.Error("the throw-away server is not where it is looked for")
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.stopping(t)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	eventually(t, "nothing is left", func() bool { return len(left()) == 0 })
}
