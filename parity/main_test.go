package parity_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
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

func open(t testing.TB, b backend.Backend, dsn string) *executor.DB {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	db, err := executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// bench is one database under a parity runner, and the reports that came of it.
type bench struct {
	*parity.Runner
	harness            *parity.Harness
	control, candidate *executor.DB
	schema             *builder.Schema

	mu      sync.Mutex
	reports []parity.Report
}

func newBench(t testing.TB, dsn string, control, candidate backend.Backend, o ...parity.Option) *bench {
	t.Helper()
	b := &bench{control: open(t, control, dsn), candidate: open(t, candidate, dsn)}
	o = append(o, parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.reports = append(b.reports, r)
	})))
	b.harness = parity.NewHarness(o...)
	b.Runner = parity.NewRunner(b.harness, b.control, b.candidate)
	return b
}

// load reads the catalog, for definitions.
func (b *bench) load(t testing.TB) {
	t.Helper()
	cat, err := catalog.Load(t.Context(), b.control.Pool())
	if err != nil {
		t.Fatal(err)
	}
	if b.schema, err = builder.NewSchema(cat, builder.SchemaOptions{}); err != nil {
		t.Fatal(err)
	}
}

// last is the report of the last operation.
func (b *bench) last(t testing.TB) parity.Report {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.reports) == 0 {
		t.Fatal("nothing was reported")
	}
	return b.reports[len(b.reports)-1]
}

// liar is a backend that changes rows on their way out.
type liar struct {
	backend.Backend
	lie func(n int, row [][]byte) (rows [][][]byte)
	end error // instead of the end of the rows
}

func (l *liar) Mode() string { return "liar" }

func (l *liar) QueryWire(ctx context.Context, conn *sql.Conn, query string, args []any) (backend.WireRows, error) {
	rows, err := l.Backend.(backend.WireQuerier).QueryWire(ctx, conn, query, args)
	if err != nil || strings.Contains(query, "pg_catalog.") { // the product's own statements are left alone
		return rows, err
	}
	return &lyingRows{WireRows: rows, liar: l}, nil
}

type lyingRows struct {
	backend.WireRows
	liar    *liar
	n       int
	pending [][][]byte
	row     [][]byte
	err     error
}

func (r *lyingRows) Next() bool {
	for len(r.pending) == 0 {
		if !r.WireRows.Next() {
			r.err = r.liar.end
			return false
		}
		r.n++
		row := make([][]byte, len(r.WireRows.Values()))
		for i, v := range r.WireRows.Values() {
			if v != nil {
				row[i] = append([]byte{}, v...)
			}
		}
		r.pending = r.liar.lie(r.n, row)
	}
	r.row, r.pending = r.pending[0], r.pending[1:]
	return true
}

func (r *lyingRows) Values() [][]byte { return r.row }

func (r *lyingRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.WireRows.Err()
}

func (r *lyingRows) Close() error {
	err := r.WireRows.Close()
	if r.err != nil {
		return r.err
	}
	return err
}

func statement(query string, ordered bool, args ...any) *builder.Statement {
	return &builder.Statement{Name: "test", SQL: query, Args: args, Effect: builder.Read, Ordered: ordered}
}

// drain reads rows to the end and returns the first column, and the error.
func drain(rows *executor.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	var values []string
	for rows.Next() {
		text, err := rows.Columns()[0].Type.AppendText(nil, rows.Values()[0], rows.Formats()[0])
		if err != nil {
			return nil, err
		}
		values = append(values, string(text))
	}
	return values, rows.Close()
}

// column is an int8 column.
func column(name string) builder.Column {
	return builder.Column{Name: name, Type: codec.Builtin().Type(20)}
}

func typeOf(oid uint32) *codec.Type { return codec.Builtin().Type(oid) }
