package backendtest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
)

// Bench measures b as sub-benchmarks of tb: taking a connection from the pool, one
// row by key, 100 and 10,000 rows, an insert and an update. Rows have the seven
// columns of an ordinary table and are read in wire form where the backend can,
// else as bytes through database/sql; their values are not decoded. The DSN is as
// for Run.
//
// Reads report rows/op, so that backends can be compared by time per row too.
func Bench(tb *testing.B, b backend.Backend, dsn string) {
	tb.Helper()
	ctx := tb.Context()
	s, err := open(ctx, b, dsn, newConfig(nil))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.close(); err != nil {
			tb.Error(err)
		}
	})
	for _, q := range []string{
		`create table bench (id int8 primary key, name text not null, price numeric(12,2) not null, stock int4 not null,
			active bool not null, created timestamptz not null, attributes jsonb not null)`,
		`insert into bench select g, 'name of ' || g, g * 1.01, g % 1000, g % 3 = 0, timestamptz '2024-01-01' + g * interval '1 minute',
			jsonb_build_object('color', g % 7, 'size', 'L') from generate_series(1, 20000) g`,
		"create sequence bench_id start 1000000",
		"analyze bench",
	} {
		if _, err := s.side.ExecContext(ctx, q); err != nil {
			tb.Fatalf("prepare the benchmark: %v", err)
		}
	}
	tb.Run("pool-acquire", func(tb *testing.B) {
		if err := s.shared.PingContext(ctx); err != nil { // the login is not what is measured
			tb.Fatal(err)
		}
		for tb.Loop() {
			conn, err := s.shared.Conn(ctx)
			if err != nil {
				tb.Fatal(err)
			}
			if err := conn.Close(); err != nil {
				tb.Fatal(err)
			}
		}
	})
	for _, r := range []struct {
		name, query, arg string
		rows             int
	}{
		{"one-row-by-key", "select * from bench where id = $1::int8", "4711", 1},
		{"rows-100", "select * from bench where id <= $1::int8", "100", 100},
		{"rows-10000", "select * from bench where id <= $1::int8", "10000", 10000},
	} {
		tb.Run(r.name, func(tb *testing.B) {
			conn := s.benchConn(tb)
			arg := benchBind(tb, b, r.arg)
			tb.ReportAllocs()
			for tb.Loop() {
				if n := readAll(ctx, tb, b, conn, r.query, arg); n != r.rows {
					tb.Fatalf("%d rows, want %d", n, r.rows)
				}
			}
			tb.ReportMetric(float64(r.rows), "rows/op")
		})
	}
	for _, w := range []struct{ name, query string }{
		{"insert", `insert into bench values (nextval('bench_id'), $1::text, 1.5, 1, true, now(), '{}')`},
		{"update", `update bench set name = $1::text, stock = stock + 1 where id = 4711`},
	} {
		tb.Run(w.name, func(tb *testing.B) {
			conn := s.benchConn(tb)
			arg := benchBind(tb, b, "a new name")
			tb.ReportAllocs()
			for tb.Loop() {
				// As the product writes: an explicit transaction on a held connection.
				for _, q := range []string{"begin isolation level read committed read write", w.query, "commit"} {
					var args []any
					if q == w.query {
						args = []any{arg}
					}
					if _, err := conn.ExecContext(ctx, q, args...); err != nil {
						tb.Fatal(err)
					}
				}
			}
		})
	}
}

func (s *suite) benchConn(tb *testing.B) *sql.Conn {
	tb.Helper()
	conn, err := s.shared.Conn(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() }) // given back to the pool, which is closed next
	return conn
}

func benchBind(tb *testing.B, b backend.Backend, v any) any {
	tb.Helper()
	arg, err := b.Bind(v)
	if err != nil {
		tb.Fatal(err)
	}
	return arg
}

// readAll reads every cell once and counts the rows.
func readAll(ctx context.Context, tb *testing.B, b backend.Backend, conn *sql.Conn, query string, args ...any) (n int) {
	tb.Helper()
	if w, ok := b.(backend.WireQuerier); ok {
		rows, err := w.QueryWire(ctx, conn, query, args)
		if err != nil {
			tb.Fatal(err)
		}
		for rows.Next() {
			_ = rows.Values()
			n++
		}
		if err := rows.Close(); err != nil {
			tb.Fatal(err)
		}
		return n
	}
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	var cells [7]sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&cells[0], &cells[1], &cells[2], &cells[3], &cells[4], &cells[5], &cells[6]); err != nil {
			tb.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return n
}
