package builder

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// live is a database with its Schema, open on both backends.
type live struct {
	schema *Schema
	pools  map[string]*sql.DB
	bind   map[string]backend.Backend
}

// openLive opens dsn on both backends and loads its catalog.
func openLive(t testing.TB, dsn string) *live {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	l := &live{pools: map[string]*sql.DB{}, bind: map[string]backend.Backend{}}
	for _, b := range []backend.Backend{pq.New(), pgx.New()} {
		c, err := b.Connector(cfg)
		if err != nil {
			t.Fatal(err)
		}
		l.bind[b.Name()], l.pools[b.Name()] = b, sql.OpenDB(c)
		t.Cleanup(func() { _ = l.pools[b.Name()].Close() })
	}
	cat, err := catalog.Load(t.Context(), l.pools["pgx"])
	if err != nil {
		t.Fatal(err)
	}
	if l.schema, err = NewSchema(cat, SchemaOptions{}); err != nil {
		t.Fatal(err)
	}
	return l
}

// sampleOnce holds the Schema of the sample database: it is immutable, so all
// tests that need no rows share it.
var sampleOnce struct {
	sync.Mutex
	schema *Schema
}

func schemaOfSample(t testing.TB) *Schema {
	t.Helper()
	sampleOnce.Lock()
	defer sampleOnce.Unlock()
	if sampleOnce.schema == nil {
		cat, err := catalog.Load(context.Background(), pgtest.Open(t, pgtest.Sample(t)))
		if err != nil {
			t.Fatal(err)
		}
		if sampleOnce.schema, err = NewSchema(cat, SchemaOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return sampleOnce.schema
}

// table finds a table of the schema.
func (l *live) table(t testing.TB, name string) *catalog.Table {
	t.Helper()
	table, err := l.schema.cat.Table(name)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// filterSQL is the statement that lists column of the rows that f finds.
func filterSQL(s *Schema, table *catalog.Table, column string, f *Filter) (Statement, error) {
	probs := &problems{}
	sc := newScope(s, table, probs)
	c, _ := table.Column(column)
	where := sc.where(f)
	if err := probs.err(); err != nil {
		return Statement{}, err
	}
	q := squirrel.Select().Column(sc.column(c).sql()).From(sc.from()).Where(where).OrderBy("1")
	return finish("test", Read, q)
}

// parseFilter reads a filter as it stands in a definition.
func parseFilter(text string) (*Filter, error) {
	r := &reader{probs: &problems{}}
	if r.document = scan([]byte(text), Limits{}, r.probs); r.document == nil {
		return nil, r.probs.err()
	}
	f := r.optionalFilter(0, Path{"filters"})
	return f, r.probs.err()
}

// rows runs a statement on one backend; cells are text, NULL is "∅".
func (l *live) rows(t testing.TB, name string, s Statement) ([]string, error) {
	t.Helper()
	args := make([]any, len(s.Args))
	for i, a := range s.Args {
		var err error
		if args[i], err = l.bind[name].Bind(a); err != nil {
			return nil, fmt.Errorf("bind argument %d: %w", i+1, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	rows, err := l.pools[name].QueryContext(ctx, s.SQL, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var cell any
		if err := rows.Scan(&cell); err != nil {
			return nil, err
		}
		switch v := cell.(type) {
		case nil:
			out = append(out, "∅")
		case []byte:
			out = append(out, string(v))
		default:
			out = append(out, fmt.Sprint(v))
		}
	}
	return out, rows.Err()
}

// find runs a filter, given as JSON, on both backends, which have to agree.
func (l *live) find(t testing.TB, table, column, filter string) []string {
	t.Helper()
	out, err := l.tryFind(t, table, column, filter)
	if err != nil {
		t.Fatalf("filter %s: %v", filter, err)
	}
	return out
}

func (l *live) tryFind(t testing.TB, table, column, filter string) ([]string, error) {
	t.Helper()
	f, err := parseFilter(filter)
	if err != nil {
		return nil, err
	}
	s, err := filterSQL(l.schema, l.table(t, table), column, f)
	if err != nil {
		return nil, err
	}
	a, errA := l.rows(t, "pq", s)
	b, errB := l.rows(t, "pgx", s)
	if backend.CodeOf(errA) != backend.CodeOf(errB) || strings.Join(a, "\x00") != strings.Join(b, "\x00") {
		t.Errorf("filter %s: the backends differ\npq:  %q %v\npgx: %q %v\nSQL: %s %q", filter, a, errA, b, errB, s.SQL, s.Args)
	}
	if errB != nil {
		return nil, fmt.Errorf("%w\nSQL: %s\nargs: %q", errB, s.SQL, s.Args)
	}
	return b, nil
}
