// Package libraries runs well-known database/sql libraries, each in its own ordinary
// use, through the connector in mirror mode: lib/pq against pgx and the reverse, on
// two databases. Nothing may differ but what ledger.txt explains.
package libraries

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// row is a line of the ledger: what may differ, in which library, and why.
type row struct {
	library, operation, kind, source, reason string
	used                                     bool
}

var ledger = sync.OnceValues(func() ([]*row, error) {
	data, err := os.ReadFile("ledger.txt")
	if err != nil {
		return nil, err
	}
	var list []*row
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "|")
		for j := range f {
			f[j] = strings.TrimSpace(f[j])
		}
		if len(f) != 5 || slices.Contains(f, "") {
			return nil, fmt.Errorf("ledger.txt:%d: want library | operation | kind | source | reason", i+1)
		}
		list = append(list, &row{library: f[0], operation: f[1], kind: f[2], source: f[3], reason: f[4]})
	}
	return list, nil
})

// explained finds the row for a report.
func explained(t *testing.T, library string, r parity.Report) *row {
	t.Helper()
	rows, err := ledger()
	if err != nil {
		t.Fatal(err)
	}
	kind := r.Verdict.String()
	if len(r.Diffs) > 0 {
		kind = string(r.Diffs[0].Kind)
	}
	for _, l := range rows {
		if l.library == library && strings.HasPrefix(r.Operation, l.operation) && l.kind == kind {
			return l
		}
	}
	return nil
}

func connect(t *testing.T, name, dsn string) driver.Connector {
	t.Helper()
	if name == "pq" {
		c, err := pq.NewConnector(dsn)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return stdlib.GetConnector(*cfg)
}

// file is a record in memory.
type file struct{ bytes.Buffer }

func (*file) Close() error { return nil }

// replay runs a record again on two empty databases, one behind each backend of this
// library, where both commit. Nothing may differ or go unseen but what ledger.txt explains.
func replay(t *testing.T, library, record string) {
	t.Helper()
	var reports []parity.Report
	h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) { reports = append(reports, r) })))
	r := parity.NewSeparateRunner(h, seam(t, "pq/default"), seam(t, "pgx/cache_statement"))
	out, err := corpus.NewReplayer(r).Replay(t.Context(), corpus.NewReader(strings.NewReader(record)))
	if err != nil || len(out.Lost) > 0 {
		t.Errorf("%+v, %v", out, err)
	}
	for why := range out.Unusable {
		reports = append(reports, parity.Report{Operation: why, Verdict: parity.NotCompared})
	}
	for _, r := range reports {
		if r.Verdict.Pass() {
			continue
		}
		if l := explained(t, library+", replayed", r); l != nil {
			l.used = true
			continue
		}
		t.Errorf("replayed: %s: %v, %s\n%v", r.Operation, r.Verdict, r.Reason, r.Diffs)
	}
	t.Logf("replayed: %d lines, %d ran, %d operations", out.Lines, out.Ran, len(reports))
}

// seam opens a backend of this library on a database of its own.
func seam(t *testing.T, mode string) *executor.DB {
	t.Helper()
	for _, b := range all.Modes(codec.HasBinary) {
		if backend.ModeOf(b) != mode {
			continue
		}
		cfg, err := backend.ParseDSN(pgtest.DB(t), func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		db, err := executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	t.Fatalf("no mode %s", mode)
	return nil
}

// both runs use with each driver as the control of the other, and judges the
// reports. control is the name of the driver that use sees.
func both(t *testing.T, library string, use func(t *testing.T, db *sql.DB, control string)) {
	t.Helper()
	for _, d := range [][2]string{{"pq", "pgx"}, {"pgx", "pq"}} {
		t.Run(d[0]+" against "+d[1], func(t *testing.T) {
			var mu sync.Mutex
			var reports []parity.Report
			h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
				mu.Lock()
				defer mu.Unlock()
				reports = append(reports, r)
			})))
			var record file
			c := connector.New(connect(t, d[0], pgtest.DB(t)), connect(t, d[1], pgtest.DB(t)), h, connector.WithWrites(connector.MirrorWrites), connector.WithNames(d[0], d[1]), connector.WithRecord(&record, 100_000))
			db := sql.OpenDB(c)
			db.SetMaxOpenConns(1) // one order on both databases
			use(t, db, d[0])
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			counts := make(map[parity.Verdict]int)
			rules := make(map[string]int)
			for _, r := range reports {
				counts[r.Verdict]++
				for rule, n := range r.Rules {
					rules[rule] += n
				}
				if r.Verdict.Pass() {
					continue
				}
				if l := explained(t, library, r); l != nil {
					l.used = true
					continue
				}
				t.Errorf("%s: %v, %s\n%v\nSQL class %s", r.Operation, r.Verdict, r.Reason, r.Diffs, r.Class)
			}
			if len(reports) < 10 {
				t.Errorf("%d statements only: the library has not been used", len(reports))
			}
			t.Logf("%d statements: %v; rules %v", len(reports), counts, rules)
			replay(t, library, record.String())
		})
	}
}
