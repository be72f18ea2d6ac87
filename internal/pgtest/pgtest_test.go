package pgtest_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// playVar makes the test binary run one of the Play tests, which fail or leak
// on purpose.
const playVar = "PGTEST_TEST_PLAY"

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	one, two := pgtest.DB(t), pgtest.DB(t)
	if one == two {
		t.Fatalf("both databases are %s", one)
	}
	pgtest.Exec(t, one, "CREATE TABLE a (n int); INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (2)")
	if got := value(t, one, "SELECT count(*)::text FROM a"); got != "2" {
		t.Errorf("%s rows, want 2", got)
	}
	if got := value(t, two, "SELECT count(*)::text FROM pg_class WHERE relname = 'a'"); got != "0" {
		t.Error("a table of one database is in the other")
	}
	if got := value(t, one, "SHOW server_encoding"); got != "UTF8" {
		t.Errorf("encoding %s, want UTF8", got)
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("inner", func(t *testing.T) {
		dsn := pgtest.DB(t)
		name = value(t, dsn, "SELECT current_database()::text")
		// A session that a test forgot must not keep the database.
		if err := pgtest.Open(t, dsn).PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	left := value(t, pgtest.Server(t).DSN(""), "SELECT count(*)::text FROM pg_database WHERE datname = '"+name+"'")
	if left != "0" {
		t.Errorf("database %s is still there", name)
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	if got := value(t, pgtest.Sample(t), "SELECT name FROM users WHERE id = 1"); got != "Ada Lovelace" {
		t.Errorf("user 1 is %q", got)
	}
}

// BenchmarkDB is the promise of at most 60 ms a database. It is not a test: a
// busy machine says nothing about the code.
func BenchmarkDB(b *testing.B) {
	pgtest.DB(b)
	for b.Loop() {
		pgtest.DB(b)
	}
}

func TestDedicated(t *testing.T) {
	t.Parallel()
	s := pgtest.Dedicated(t, pgembed.WithSetting("application_name", "mine"))
	if err := s.Halt(t.Context(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s.DSN(""), "SELECT setting FROM pg_file_settings WHERE name = 'application_name'"); got != "mine" {
		t.Errorf("setting %q, want mine", got)
	}
}

// TestPlay is what TestMainTells runs in a process of its own.
func TestPlay(t *testing.T) {
	switch os.Getenv(playVar) {
	case "fail":
		t.Logf("dsn %s", pgtest.DB(t))
		t.Error("on purpose")
	case "leak":
		go func() { select {} }()
	}
}

func TestMainTells(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, why string
		play      string
		args      []string
		fails     bool
		want      []string
	}{
		{"well", "", "", nil, false, []string{"PASS"}},
		{"leak", "a goroutine that a test left behind", "leak", nil, true, []string{"found unexpected goroutines"}},
		{"leak allowed", "for a run that looks at something else", "leak", []string{"-leaks=false"}, false, []string{"PASS"}},
		{"failed", "its database is of no use to anybody", "fail", nil, true, []string{"on purpose"}},
		{"failed and kept", "somebody wants to look at it", "fail", []string{"-keep"}, true, []string{"pgtest: kept postgres", "end it with: kill -QUIT"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-test.run=^TestPlay$", "-test.v"}, tc.args...)...)
			cmd.Env = append(os.Environ(), playVar+"="+tc.play)
			if tc.play == "fail" {
				// On a server that stays nothing would be stopped or kept alive.
				cmd.Env = append(cmd.Env, "DATABASE_URL=", "FRAISEQL_DATABASE_URL=")
			}
			bytes, err := cmd.CombinedOutput()
			out := string(bytes)
			if (err != nil) != tc.fails {
				t.Errorf("ended with %v, want failure %t\n%s", err, tc.fails, out)
			}
			for _, want := range tc.want {
				if !strings.Contains(out, want) {
					t.Errorf("output does not say %q:\n%s", want, out)
				}
			}
			if _, stop, kept := strings.Cut(out, "end it with: "); kept {
				_, rest, _ := strings.Cut(out, "kept ")
				dsn, _, _ := strings.Cut(rest, "\n")
				if got := value(t, dsn, "SELECT 'there'"); got != "there" {
					t.Errorf("the kept database answers %q", got)
				}
				stop, _, _ = strings.Cut(stop, "\n")
				if out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", stop).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", stop, err, out)
				}
			}
		})
	}
}

// TestOnAServerThatIsThere runs a test binary with DATABASE_URL set: it must
// start nothing and leave no database behind.
func TestOnAServerThatIsThere(t *testing.T) {
	t.Parallel()
	s := pgtest.Dedicated(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^(TestSample|TestDatabasesAreApart|TestDatabaseIsDropped)$", "-test.v")
	cmd.Env = append(os.Environ(), "DATABASE_URL="+s.DSN("postgres"), "FRAISEQL_DATABASE_URL=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := value(t, s.DSN(""), "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"); got != "postgres template0 template1" {
		t.Errorf("databases left: %s", got)
	}
}

func value(t *testing.T, dsn, query string) string {
	t.Helper()
	db := pgtest.Open(t, dsn)
	defer db.Close()
	var v string
	if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// TestStandby: a standby has what its primary has, follows it, refuses writes, and
// can be promoted and halted like any server.
func TestStandby(t *testing.T) {
	t.Parallel()
	primary := pgtest.Dedicated(t, pgembed.Replicating())
	pgtest.Exec(t, primary.DSN(""), "create table before (n int)")
	standby := pgtest.Standby(t, primary, pgembed.WithSetting("recovery_min_apply_delay", "0"))
	pgtest.Exec(t, primary.DSN(""), "create table after (n int)")
	db := pgtest.Open(t, standby.DSN(""))
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var recovery bool
		var tables int
		err := db.QueryRowContext(t.Context(),
			"select pg_is_in_recovery(), count(*) from pg_tables where tablename in ('before', 'after')").Scan(&recovery, &tables)
		if err != nil || !recovery {
			t.Fatalf("in recovery %t, error %v", recovery, err)
		}
		if tables == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d tables, want 2", tables)
		}
	}
	if _, err := db.ExecContext(t.Context(), "create table own (n int)"); backend.SQLStateOf(err) != "25006" {
		t.Errorf("a write on the standby: %v, want 25006", err)
	}
	if err := primary.Halt(t.Context(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, standby.DSN(""), "select pg_promote()", "create table own (n int)")
}
