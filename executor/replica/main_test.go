package replica_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// settings are options of a server, of names and values in turn.
func settings(list ...string) []pgembed.Option {
	var o []pgembed.Option
	for i := 0; i < len(list); i += 2 {
		o = append(o, pgembed.WithSetting(list[i], list[i+1]))
	}
	return o
}

func config(t testing.TB, dsn string) backend.Config {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// quiet logs nothing: going out and coming back is what the tests are about.
func quiet() replica.Option { return replica.WithLogger(slog.New(slog.DiscardHandler)) }

// onCluster is a Runner on c, which ends with the test.
func onCluster(t testing.TB, c *pgtest.Cluster, b backend.Backend, o ...replica.Option) *replica.Runner {
	t.Helper()
	return open(t, b, config(t, c.Primary.DSN("")), config(t, pgtest.HostsDSN(t, "", c.Standbys...)), o...)
}

func open(t testing.TB, b backend.Backend, primary, replicas backend.Config, o ...replica.Option) *replica.Runner {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	options := []executor.Option{executor.WithMinIdle(1), executor.WithMaxConns(8)}
	db, err := executor.Open(ctx, b, primary, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	r, err := replica.Open(ctx, replica.Source{Primary: db, PrimaryConfig: primary, Config: replicas, Backend: b, Executor: options},
		append([]replica.Option{quiet(), replica.WithInterval(50 * time.Millisecond)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// drivers are both backends, as they are by default.
func drivers(t testing.TB) []backend.Backend {
	t.Helper()
	set, err := all.Backends(all.WithBinary(codec.HasBinary))
	if err != nil {
		t.Fatal(err)
	}
	return set.All()
}

func read(sql string, args ...any) *builder.Statement {
	return &builder.Statement{Name: "query test", SQL: sql, Args: args, Effect: builder.Read, Ordered: true}
}

func write(sql string, args ...any) *builder.Statement {
	return &builder.Statement{Name: "write test", SQL: sql, Args: args}
}

// value is the only value of the only row, as text.
func value(ctx context.Context, r executor.Runner, s *builder.Statement) (string, error) {
	rows, err := r.Query(ctx, s)
	if err != nil {
		return "", err
	}
	var text string
	for rows.Next() {
		text = string(rows.Values()[0])
	}
	return text, rows.Close()
}

// port asks a server who it is.
const port = "select current_setting('port')"

// eventually fails the test unless ok is true in time.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in 20 s: %s", what)
		}
	}
}

// reasons are why the replicas are out, "" for one that is in.
func reasons(r *replica.Runner) []string {
	var list []string
	for _, p := range r.Status().Replicas {
		list = append(list, p.Reason)
	}
	return list
}
