package executor_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// modes is every backend in every wire mode.
func modes() []backend.Backend { return all.Modes(codec.HasBinary) }

// eachMode runs f once for every backend in every wire mode.
func eachMode(t *testing.T, f func(t *testing.T, b backend.Backend)) {
	t.Helper()
	for _, b := range modes() {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			f(t, b)
		})
	}
}

func config(t testing.TB, dsn string) backend.Config {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// open is a DB on dsn that the end of the test closes.
func open(t testing.TB, b backend.Backend, dsn string, o ...executor.Option) *executor.DB {
	t.Helper()
	db, err := executor.Open(t.Context(), b, config(t, dsn), o...)
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

func read(sql string, args ...any) *builder.Statement {
	return &builder.Statement{Name: "query test", SQL: sql, Args: args, Effect: builder.Read, Ordered: true}
}

func write(sql string, args ...any) *builder.Statement {
	return &builder.Statement{Name: "write test", SQL: sql, Args: args}
}

// column is a result column of a built-in type.
func column(name string, oid uint32) builder.Column {
	return builder.Column{Name: name, Type: codec.Builtin().Type(oid)}
}

const (
	oidInt8 = 20
	oidInt4 = 23
	oidText = 25
)

// value reads the one value that a statement returns, as text.
func value(t testing.TB, r executor.Runner, s *builder.Statement) string {
	t.Helper()
	rows, err := r.Query(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for row, err := range rows.All() {
		if err != nil {
			t.Fatal(err)
		}
		if got, err = row.AppendValue(got, 0); err != nil {
			t.Fatal(err)
		}
	}
	return string(got)
}
