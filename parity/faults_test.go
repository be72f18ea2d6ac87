package parity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// behind is a DB that reaches dsn through a proxy.
func behind(t *testing.T, b backend.Backend, dsn string) (*executor.DB, *faultproxy.Proxy) {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	h := cfg.Hosts[0]
	network, address := "tcp", fmt.Sprintf("%s:%d", h.Name, h.Port)
	if strings.HasPrefix(h.Name, "/") {
		network, address = "unix", fmt.Sprintf("%s/.s.PGSQL.%d", h.Name, h.Port)
	}
	proxy, err := faultproxy.Start(network, address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Hosts = []backend.Host{{Name: proxy.Host(), Port: uint16(proxy.Port()), Password: h.Password}}
	cfg.TLS = backend.TLS{Mode: "disable"}
	db, err := executor.Open(t.Context(), b, cfg, executor.WithMaxConns(4), executor.WithMinIdle(0), executor.WithQueryTimeout(700*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, proxy
}

// TestFaults: a broken network is never a mismatch, whichever side it breaks, and
// nothing is left behind (TestMain looks for goroutines).
func TestFaults(t *testing.T) {
	t.Parallel()
	strike := func(how faultproxy.Cut, kind byte, n int) func(*faultproxy.Proxy) {
		return func(p *faultproxy.Proxy) {
			p.Arm(faultproxy.Fault{When: faultproxy.AtNth(kind, n), How: how, Times: 1})
		}
	}
	for _, fault := range []struct {
		name string
		on   func(*faultproxy.Proxy)
		pass bool // it only takes longer
	}{
		{"latency", func(p *faultproxy.Proxy) { p.Delay(2 * time.Millisecond) }, true},
		{"bandwidth", func(p *faultproxy.Proxy) { p.Pace(2000, 10*time.Millisecond) }, true},
		{"slicer", func(p *faultproxy.Proxy) { p.Pace(3, 0) }, true},
		{"slow close", func(p *faultproxy.Proxy) { p.Linger(300 * time.Millisecond); strike(faultproxy.FIN, 'D', 20)(p) }, false},
		{"down", func(p *faultproxy.Proxy) { p.Cut(faultproxy.FIN) }, false},
		{"timeout", func(p *faultproxy.Proxy) {
			p.Arm(faultproxy.Fault{When: faultproxy.AtNth('D', 20), Hole: true})
		}, false},
		{"reset", strike(faultproxy.RST, 'D', 20), false},
		{"limit of data", strike(faultproxy.FIN, 'T', 2), false},
	} {
		for _, reverse := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reverse=%v", fault.name, reverse), func(t *testing.T) {
				t.Parallel()
				dsn := pgtest.DB(t)
				pgtest.Exec(t, dsn, `create table t (id int8 primary key, n int8)`, `insert into t select i, 0 from generate_series(1, 50) i`)
				for _, m := range []string{"pq/default", "pgx/cache_statement"} {
					b := newBench(t, dsn, mode(t, "pq/default"), mode(t, "pgx/exec"))
					db, proxy := behind(t, mode(t, m), dsn)
					var control, candidate parity.Backend = b.control, db
					if reverse {
						control, candidate = db, b.control
					}
					b.Runner = parity.NewRunner(b.harness, control, candidate)
					for _, s := range []*builder.Statement{
						statement("select id, n from t order by id", true),
						statement("select id, n from t", false),
						{Name: "update t", SQL: "update t set n = n + 1 returning id, n"},
					} {
						for range 3 {
							fault.on(proxy)
							ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
							err := drained(b.Query(ctx, s))
							cancel()
							proxy.Disarm()
							r := b.last(t)
							switch {
							case r.Verdict == parity.Mismatch || r.Verdict == parity.Noise || fault.pass && !r.Verdict.Pass():
								t.Errorf("%s, %s: %v (%s) %v (%v)", m, s.SQL, r.Verdict, r.Reason, r.Diffs, err)
							case err != nil && r.Verdict.Pass():
								t.Errorf("%s, %s: %v although it failed: %v", m, s.SQL, r.Verdict, err)
							case err != nil && !reverse:
								t.Errorf("%s, %s: the candidate's network is the caller's error: %v", m, s.SQL, err)
							}
						}
					}
					if err := b.Idle(); err != nil {
						t.Errorf("%s: %v", m, err)
					}
				}
			})
		}
	}
}

func drained(rows *executor.Rows, err error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
		continue
	}
	return rows.Close()
}
