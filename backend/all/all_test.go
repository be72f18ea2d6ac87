package all_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// open returns a pool of b on a database of its own.
func open(t *testing.T, b backend.Backend, dsn string, change ...func(*backend.Config)) *sql.DB {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := b.Connector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// held returns one connection of db.
func held(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// text reads all rows; NULL is "NULL".
func text(t *testing.T, b backend.Backend, c *sql.Conn, query string, args ...any) ([][]string, error) {
	t.Helper()
	rows, err := b.(backend.WireQuerier).QueryWire(t.Context(), c, query, args)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out [][]string
	for rows.Next() {
		var row []string
		for _, v := range rows.Values() {
			if v == nil {
				row = append(row, "NULL")
			} else {
				row = append(row, string(v))
			}
		}
		out = append(out, row)
	}
	return out, rows.Close()
}

// each runs f for every backend and mode.
func each(t *testing.T, f func(t *testing.T, b backend.Backend)) {
	t.Helper()
	for _, b := range all.Modes(nil) {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			f(t, b)
		})
	}
}

func TestWireRowsAreWhatTheServerSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend.Backend) {
		c := held(t, open(t, b, pgtest.DB(t)))
		for _, q := range []struct {
			name, sql string
			args      []any
			want      [][]string
		}{
			{"no row", "select 1 where false", nil, nil},
			{"null and empty", "select null::text, ''::text, $1::text, $2::text", []any{nil, ""}, [][]string{{"NULL", "", "NULL", ""}}},
			{"numbers", "select $1::int8, 1.1::float4, 'NaN'::float8, '1.10'::numeric", []any{"9007199254740993"}, [][]string{{"9007199254740993", "1.1", "NaN", "1.10"}}},
			{
				"times", "select '24:00:00'::time, '12345-01-01'::date, '0044-03-15 BC'::date, 'infinity'::timestamptz, '1850-01-01 00:00:00'::timestamptz", nil,
				[][]string{{"24:00:00", "12345-01-01", "0044-03-15 BC", "infinity", "1850-01-01 00:00:00+00"}},
			},
			{"bytes", "select $1::bytea, ''::bytea", []any{[]byte("a\\101")}, [][]string{{`\x615c313031`, `\x`}}},
			{"bool", "select true, false", nil, [][]string{{"t", "f"}}},
			{"many", "select g from generate_series(1,3) g where g >= $1::int", []any{"2"}, [][]string{{"2"}, {"3"}}},
		} {
			got, err := text(t, b, c, q.sql, q.args...)
			if err != nil {
				t.Fatalf("%s: %v", q.name, err)
			}
			if d := cmp.Diff(q.want, got); d != "" {
				t.Errorf("%s: %s", q.name, d)
			}
		}
	})
}
