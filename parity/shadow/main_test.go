package shadow_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// mode is the backend called name, such as "pgx/exec".
func mode(t testing.TB, name string) backend.Backend {
	t.Helper()
	for _, b := range all.Modes(codec.HasBinary) {
		if backend.ModeOf(b) == name {
			return b
		}
	}
	t.Fatalf("no backend %q", name)
	return nil
}

const (
	onPQ  = "pq/default"
	onPGX = "pgx/cache_statement"
)

// directions are both ways of a migration.
var directions = [][2]string{{onPQ, onPGX}, {onPGX, onPQ}}

// bothWays runs f with either backend as the control.
func bothWays(t *testing.T, f func(t *testing.T, control, candidate backend.Backend)) {
	t.Helper()
	for _, d := range directions {
		t.Run(strings.ReplaceAll(d[0]+" to "+d[1], "/", "-"), func(t *testing.T) {
			t.Parallel()
			f(t, mode(t, d[0]), mode(t, d[1]))
		})
	}
}

func config(t testing.TB, dsn string) backend.Config {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	cfg.ApplicationName = "app"
	return cfg
}

// stage is a shadow on a database, and what came of it.
type stage struct {
	*shadow.Shadow
	control *executor.DB
	harness *parity.Harness
	log     *lockedWriter

	mu      sync.Mutex
	reports []parity.Report
}

// calm never opens by itself.
var calm = shadow.Breaker{Errors: -1, Drops: -1, Slow: -1, CPU: -1}

func newStage(t testing.TB, dsn string, control, candidate backend.Backend, o ...shadow.Option) *stage {
	t.Helper()
	s := &stage{log: &lockedWriter{}}
	db, err := executor.Open(t.Context(), control, config(t, dsn), executor.WithMinIdle(0))
	if err != nil {
		t.Fatal(err)
	}
	s.control = db
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s.harness = parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reports = append(s.reports, r)
	})))
	options := append([]shadow.Option{
		shadow.WithStage(shadow.StageShadow), shadow.WithBreaker(calm), shadow.WithMaxAge(time.Minute),
		shadow.WithLog(slog.New(slog.NewTextHandler(s.log, nil))),
	}, o...)
	s.Shadow, err = shadow.New(t.Context(), db, shadow.Source{Config: config(t, dsn), Candidate: candidate}, s.harness, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && backend.CodeOf(err) != backend.CodeTimeout {
			t.Error(err)
		}
	})
	return s
}

type lockedWriter struct {
	mu sync.Mutex
	w  bytes.Buffer
}

// logged is what s has logged so far.
func logged(s *stage) string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.w.String()
}

func itoa(n int) string { return strconv.Itoa(n) }

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// soon waits for what happens beside the callers.
func soon(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, within)
		}
	}
}

// await is the first n reports.
func (s *stage) await(t testing.TB, n int) []parity.Report {
	t.Helper()
	var got []parity.Report
	soon(t, 20*time.Second, fmt.Sprintf("%d reports", n), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		got = slices.Clone(s.reports)
		return len(got) >= n
	})
	return got
}

func read(query string, args ...any) *builder.Statement {
	return &builder.Statement{Name: "test", SQL: query, Args: args, Effect: builder.Read, Ordered: true}
}

func write(query string, args ...any) *builder.Statement {
	return &builder.Statement{Name: "test write", SQL: query, Args: args}
}

// text is all that a caller sees of a statement.
func text(ctx context.Context, r executor.Runner, s *builder.Statement) (string, error) {
	rows, err := r.Query(ctx, s)
	if err != nil {
		return "", err
	}
	var b []byte
	for row, err := range rows.All() {
		if err != nil {
			return string(b), err
		}
		if b, err = row.AppendJSON(b); err != nil {
			return string(b), err
		}
	}
	return string(b), nil
}

func mustText(t testing.TB, r executor.Runner, s *builder.Statement) string {
	t.Helper()
	got, err := text(t.Context(), r, s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// rogue is a candidate that does as it is told by the test instead of by the query.
type rogue struct {
	backend.Backend
	// before runs before each query of the operation itself: what it returns is what
	// becomes of it.
	before func(ctx context.Context, query string) (string, error)
	lie    func(row [][]byte) [][]byte
	asked  atomic.Int64
}

func (r *rogue) Mode() string { return "rogue" }

func (r *rogue) QueryWire(ctx context.Context, conn *sql.Conn, query string, args []any) (backend.WireRows, error) {
	if strings.Contains(query, "pg_catalog.") { // the product's own statements are left alone
		return r.Backend.(backend.WireQuerier).QueryWire(ctx, conn, query, args)
	}
	r.asked.Add(1)
	if r.before != nil {
		var err error
		if query, err = r.before(ctx, query); err != nil {
			return nil, err
		}
	}
	rows, err := r.Backend.(backend.WireQuerier).QueryWire(ctx, conn, query, args)
	if err != nil || r.lie == nil {
		return rows, err
	}
	return &liedRows{rows, r.lie}, nil
}

func (r *rogue) Describe(ctx context.Context, conn *sql.Conn, query string) (backend.Description, error) {
	return r.Backend.(backend.Describer).Describe(ctx, conn, query)
}

type liedRows struct {
	backend.WireRows
	lie func([][]byte) [][]byte
}

func (r *liedRows) Values() [][]byte {
	row := make([][]byte, len(r.WireRows.Values()))
	for i, v := range r.WireRows.Values() {
		row[i] = bytes.Clone(v)
	}
	return r.lie(row)
}
