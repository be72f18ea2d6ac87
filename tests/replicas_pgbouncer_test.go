package tests

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestReplicasBehindPgBouncer: sessions read what they wrote where a PgBouncer in
// transaction mode stands before the primary and before each replica, one of which is
// late on purpose. Two connections of each PgBouncer serve all.
func TestReplicasBehindPgBouncer(t *testing.T) {
	t.Parallel()
	binary := pgbouncer(t)
	c := pgtest.NewCluster(t, nil, nil, []pgembed.Option{pgembed.WithSetting("recovery_min_apply_delay", "500ms")})
	pgtest.Exec(t, c.Primary.DSN(""), "create table counters (id text primary key, n int8 not null)")
	through := func(t *testing.T, s *pgembed.Server) backend.Config {
		cfg, err := backend.ParseDSN(s.DSN(""), func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		return startPgBouncer(t, binary, cfg, 2)
	}
	for _, b := range all.Modes(nil) {
		mode := backend.ModeOf(b)
		if mode != "pgx/exec" && mode != "pgx/simple_protocol" && mode != "pq/binary_parameters" {
			continue
		}
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			primary, replicas := through(t, c.Primary), through(t, c.Standbys[0])
			replicas.Hosts = append(replicas.Hosts, through(t, c.Standbys[1]).Hosts...)
			options := []executor.Option{executor.WithMinIdle(0), executor.WithMaxConns(8)}
			db, err := executor.Open(t.Context(), b, primary, options...)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			r, err := replica.Open(t.Context(), replica.Source{Primary: db, PrimaryConfig: primary, Config: replicas, Backend: b, Executor: options},
				replica.WithInterval(50*time.Millisecond), replica.WithLogger(slog.New(slog.DiscardHandler)))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			const workers, each = 6, 60
			var all sync.WaitGroup
			for w := range workers {
				all.Go(func() { readBack(t, r, fmt.Sprint(mode, w), each) })
			}
			all.Wait()
			s := r.Status()
			if s.Replicas[0].Reads < workers*each/2 {
				t.Errorf("%d reads on the replica that is in time of %d: this proves nothing", s.Replicas[0].Reads, workers*each)
			}
		})
	}
}

// readBack writes and reads n times in one session.
func readBack(t *testing.T, r executor.Runner, id string, n int) {
	ctx := replica.WithSession(t.Context(), replica.NewSession())
	upsert := &builder.Statement{Name: "write", SQL: "insert into counters values ($1, 1) on conflict (id) do update set n = counters.n + 1", Args: []any{id}}
	query := &builder.Statement{Name: "read", SQL: "select n::text from counters where id = $1", Args: []any{id}, Effect: builder.Read}
	one := func(ctx context.Context, r executor.Runner) (text string, err error) {
		rows, err := r.Query(ctx, query)
		if err != nil {
			return "", err
		}
		for rows.Next() {
			text = string(rows.Values()[0])
		}
		return text, rows.Close()
	}
	for i := range n {
		if _, err := r.Exec(ctx, upsert); err != nil {
			t.Errorf("write %d of %s: %v", i, id, err)
			return
		}
		if got, err := one(ctx, r); err != nil || got != strconv.Itoa(i+1) {
			t.Errorf("read %d of %s: %s, error %v", i, id, got, err)
			return
		}
	}
}
