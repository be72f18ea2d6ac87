package connector_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"sync"
	"testing"

	jackpgx "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	libpq "github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// plain is a driver as an application uses it.
func plain(t testing.TB, name, dsn string) driver.Connector {
	t.Helper()
	if name == "pq" {
		c, err := libpq.NewConnector(dsn)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	cfg, err := jackpgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if name == "pgx/exec" {
		cfg.DefaultQueryExecMode = jackpgx.QueryExecModeExec
	}
	return stdlib.GetConnector(*cfg)
}

// directions are both ways to put one driver under the other.
var directions = [][2]string{{"pq", "pgx"}, {"pgx", "pq"}}

// bench is a database under a connector, and the reports that came of it.
type bench struct {
	*sql.DB
	h *parity.Harness

	mu      sync.Mutex
	reports []parity.Report
}

func newBench(t testing.TB, control, candidate driver.Connector, o ...connector.Option) *bench {
	t.Helper()
	b := &bench{}
	b.h = parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.reports = append(b.reports, r)
	})))
	b.DB = sql.OpenDB(connector.New(control, candidate, b.h, o...))
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// take is the reports since the last take.
func (b *bench) take() []parity.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.reports
	b.reports = nil
	return r
}

// last is the last report.
func (b *bench) last(t testing.TB) parity.Report {
	t.Helper()
	r := b.take()
	if len(r) == 0 {
		t.Fatal("nothing was reported")
	}
	return r[len(r)-1]
}

// want fails for every report with another verdict.
func (b *bench) want(t testing.TB, verdicts ...parity.Verdict) {
	t.Helper()
	for _, r := range b.take() {
		if !slices.Contains(verdicts, r.Verdict) {
			t.Errorf("%s: %v, %s, rules %v, diffs %v", r.Operation, r.Verdict, r.Reason, r.Rules, r.Diffs)
		}
	}
}

func (b *bench) exec(t testing.TB, query string, args ...any) sql.Result {
	t.Helper()
	res, err := b.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return res
}

// readAll reads a query's rows into any.
func readAll(t testing.TB, q interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, query string, args ...any,
) ([][]any, error) {
	t.Helper()
	rows, err := q.QueryContext(t.Context(), query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var list [][]any
	for rows.Next() {
		row, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// twins are two databases with the same contents.
func twins(t testing.TB, scripts ...string) (control, candidate string) {
	t.Helper()
	control, candidate = pgtest.DB(t), pgtest.DB(t)
	for _, dsn := range []string{control, candidate} {
		pgtest.Exec(t, dsn, scripts...)
	}
	return control, candidate
}
