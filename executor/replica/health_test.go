package replica_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// in waits until every replica of r is.
func in(t testing.TB, r *replica.Runner) {
	t.Helper()
	eventually(t, "every replica is in", func() bool { return strings.Join(reasons(r), "") == "" })
}

// TestLagLimit: a replica that stops replaying goes out beyond the limit, is measured
// by our clock alone, and comes back by itself.
func TestLagLimit(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, nil, nil)
	pgtest.Exec(t, c.Primary.DSN(""), "create table words (word text)")
	late := pgtest.Open(t, c.Standbys[0].DSN(""))
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			r := onCluster(t, c, b, replica.WithMaxLag(300*time.Millisecond))
			in(t, r)
			if _, err := late.ExecContext(t.Context(), "select pg_wal_replay_pause()"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is out", func() bool {
				if _, err := r.Exec(t.Context(), write("insert into words values ('')")); err != nil {
					t.Fatal(err)
				}
				return reasons(r)[0] != ""
			})
			s := r.Status().Replicas
			if want := "it is more than 300ms behind"; s[0].Reason != want {
				t.Errorf("it is out because %q, want %q", s[0].Reason, want)
			}
			if s[0].Lag < 300*time.Millisecond || s[0].Lag > 5*time.Second || !s[0].LagKnown {
				t.Errorf("its lag is %v, known %t", s[0].Lag, s[0].LagKnown)
			}
			if s[1].Reason != "" {
				t.Errorf("the other one is out: %s", s[1].Reason)
			}
			before := r.Status().Replicas[0].Reads
			for range 10 {
				if got, err := value(t.Context(), r, read(port)); err != nil || got != fmt.Sprint(c.Standbys[1].Port()) {
					t.Fatalf("a read on port %s, error %v", got, err)
				}
			}
			if after := r.Status().Replicas[0].Reads; after != before {
				t.Errorf("%d reads on the one that is out", after-before)
			}
			if _, err := late.ExecContext(t.Context(), "select pg_wal_replay_resume()"); err != nil {
				t.Fatal(err)
			}
			in(t, r)
		})
	}
}

// TestReplicaDies: reads go on, on the other one, on the primary when all are gone,
// and on the first one again when it is back.
func TestReplicaDies(t *testing.T) {
	t.Parallel()
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			t.Parallel()
			c := pgtest.NewCluster(t, nil, nil, nil)
			r := onCluster(t, c, b)
			in(t, r)
			reads := func(n int) {
				t.Helper()
				for range n {
					if _, err := value(t.Context(), r, read(port)); err != nil {
						t.Fatal(err)
					}
					err := r.InTx(t.Context(), &executor.TxOptions{ReadOnly: true}, func(ctx context.Context, tx executor.Runner) error {
						_, err := value(ctx, tx, read(port))
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			reads(10)
			if err := c.Standbys[0].Halt(t.Context(), syscall.SIGQUIT); err != nil {
				t.Fatal(err)
			}
			reads(10)
			eventually(t, "the dead one is out", func() bool { return reasons(r)[0] != "" && reasons(r)[1] == "" })
			if text := reasons(r)[0]; strings.Contains(text, "password") {
				t.Errorf("the reason tells too much: %s", text)
			}
			if err := c.Standbys[1].Halt(t.Context(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			reads(10)
			// Its sessions outlive the killed postmaster by a moment, and answer as long.
			eventually(t, "the primary answers", func() bool {
				got, err := value(t.Context(), r, read(port))
				if err != nil {
					t.Error(err)
				}
				return got == fmt.Sprint(c.Primary.Port())
			})
			if err := c.Standbys[0].Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is back", func() bool { return reasons(r)[0] == "" })
			reads(2)
			if got, err := value(t.Context(), r, read(port)); err != nil || got != fmt.Sprint(c.Standbys[0].Port()) {
				t.Errorf("a read on port %s, error %v, want that of the replica", got, err)
			}
		})
	}
}

// TestStartsWithoutReplicas: one that is not there yet is out until it is.
func TestStartsWithoutReplicas(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, nil)
	if err := c.Standbys[0].Halt(t.Context(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var runners []*replica.Runner
	for _, b := range drivers(t) {
		r := onCluster(t, c, b)
		if got, err := value(t.Context(), r, read(port)); err != nil || got != fmt.Sprint(c.Primary.Port()) {
			t.Errorf("a read on port %s, error %v, want that of the primary", got, err)
		}
		runners = append(runners, r)
	}
	if err := c.Standbys[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range runners {
		in(t, r)
	}
}

// TestRestartedReplica: what was known of a server's position is not known of the
// next run of it, not even while nobody has looked again.
func TestRestartedReplica(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, nil)
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			in(t, onCluster(t, c, b))
			r := onCluster(t, c, b, replica.WithInterval(time.Hour)) // nobody looks but where asked
			in(t, r)
			if err := c.Standbys[0].Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, err := value(t.Context(), r, read(port)); err != nil || got != fmt.Sprint(c.Primary.Port()) {
				t.Errorf("a read on port %s, error %v, want that of the primary", got, err)
			}
			in(t, r) // the failure has asked for a look
			if got, err := value(t.Context(), r, read(port)); err != nil || got != fmt.Sprint(c.Standbys[0].Port()) {
				t.Errorf("a read on port %s, error %v, want that of the replica", got, err)
			}
		})
	}
}

// TestRefused: what can never work is an error at once, without a password in it.
func TestRefused(t *testing.T) {
	t.Parallel()
	c, other := pgtest.NewCluster(t, nil, nil), pgtest.Dedicated(t)
	good := pgtest.HostsDSN(t, "", c.Standbys...)
	pgtest.Exec(t, c.Primary.DSN(""), "create database second")
	for _, tc := range []struct{ name, dsn, want string }{
		{"another cluster", other.DSN(""), "it is no replica of the primary: its system identifier"},
		{"another database", pgtest.HostsDSN(t, "second", c.Standbys...), "it is no replica of the primary: its database"},
		{"wrong password", strings.Replace(good, "//postgres:", "//postgres:wrong", 1), "password authentication failed"},
		{"asks for a primary", good + "&target_session_attrs=read-write", "replicas take no writes"},
		{"twice", pgtest.HostsDSN(t, "", c.Standbys[0], c.Standbys[0]), "is named twice"},
	} {
		for _, b := range drivers(t) {
			t.Run(tc.name+" "+b.Name(), func(t *testing.T) {
				t.Parallel()
				primary := config(t, c.Primary.DSN(""))
				db, err := executor.Open(t.Context(), b, primary)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				cfg := config(t, tc.dsn)
				eventually(t, "the database is there", func() bool {
					_, err = replica.Open(t.Context(), replica.Source{Primary: db, PrimaryConfig: primary, Config: cfg, Backend: b}, quiet())
					return backend.SQLStateOf(err) != "3D000"
				})
				if backend.CodeOf(err) != backend.CodeConfiguration || !strings.Contains(fmt.Sprint(err), tc.want) {
					t.Errorf("error %v (%v), want one of the configuration that says %q", err, backend.CodeOf(err), tc.want)
				}
				if strings.Contains(fmt.Sprint(err), string(cfg.Password)) {
					t.Errorf("the error shows the password: %v", err)
				}
			})
		}
	}
}

// TestPrimaryAsReplica: a server that is not in recovery is out, and says so.
func TestPrimaryAsReplica(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil)
	for _, b := range drivers(t) {
		cfg := config(t, c.Primary.DSN(""))
		r := open(t, b, cfg, cfg)
		if got := reasons(r)[0]; got != "it is not in recovery: a primary, or promoted" {
			t.Errorf("it is out because %q", got)
		}
		if _, err := value(t.Context(), r, read(port)); err != nil {
			t.Error(err)
		}
	}
}
