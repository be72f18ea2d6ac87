// Package libraries runs well-known database/sql libraries, each in its own ordinary
// use, through the connector in mirror mode: lib/pq against pgx and the reverse, on
// two databases. Nothing may differ but what ledger.txt explains.
package libraries

import (
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

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
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
			c := connector.New(connect(t, d[0], pgtest.DB(t)), connect(t, d[1], pgtest.DB(t)), h, connector.WithWrites(connector.MirrorWrites), connector.WithNames(d[0], d[1]))
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
		})
	}
}
