package parity_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// benchColumns are those of people: see benchPeople.
func benchColumns() []builder.Column {
	r := codec.Builtin()
	return []builder.Column{{Name: "id", Type: r.Type(20)}, {Name: "name", Type: r.Type(25)}, {Name: "email", Type: r.Type(25)}, {Name: "created_at", Type: r.Type(1184)}}
}

func benchPeople(tb testing.TB, n int) string {
	tb.Helper()
	dsn := pgtest.DB(tb)
	pgtest.Exec(tb, dsn, fmt.Sprintf(`create table people (id int8 primary key, name text not null, email text not null, created_at timestamptz not null);
		insert into people select i, 'Person ' || i, 'person' || i || '@example.com', timestamptz '2024-01-01 00:00+00' + i * interval '61.000123 s' from generate_series(1, %d) i`, n), `vacuum analyze people`)
	return dsn
}

// exhaust reads all rows.
func exhaust(tb testing.TB, rows *executor.Rows, err error) (n int) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	for rows.Next() {
		n++
	}
	if err := rows.Close(); err != nil {
		tb.Fatal(err)
	}
	return n
}

// BenchmarkCompared reads on each side alone and compared: the goal is at most 2.2
// times the slower side, and a millisecond for the snapshot.
func BenchmarkCompared(b *testing.B) {
	dsn := benchPeople(b, 10_000)
	for _, n := range []int{1, 100, 10_000} {
		s := &builder.Statement{
			Name: "query people", SQL: "select id, name, email, created_at from people where id <= $1::int8 order by id", Args: []any{strconv.Itoa(n)},
			Effect: builder.Read, Ordered: true, Columns: benchColumns(),
		}
		pq, pgx := open(b, mode(b, "pq/default"), dsn), open(b, mode(b, "pgx/cache_statement"), dsn)
		compared := parity.NewRunner(parity.NewHarness(), pq, pgx)
		for _, side := range []struct {
			name string
			r    executor.Runner
		}{{"pq", pq}, {"pgx", pgx}, {"compared", compared}} {
			b.Run(fmt.Sprintf("rows=%d/%s", n, side.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					rows, err := side.r.Query(b.Context(), s)
					if got := exhaust(b, rows, err); got != n {
						b.Fatalf("%d rows", got)
					}
				}
			})
		}
	}
}

// TestLargeResultInBoundedMemory compares about a gigabyte (a hundredth of it
// without FRAISEQL_TEST_LARGE) with at most 128 MiB above what was there before.
func TestLargeResultInBoundedMemory(t *testing.T) {
	rows := 10_000
	if os.Getenv("FRAISEQL_TEST_LARGE") != "" {
		rows = 1_000_000
	}
	dsn := pgtest.DB(t)
	pq, pgx := open(t, mode(t, "pq/default"), dsn), open(t, mode(t, "pgx/cache_statement"), dsn)
	for _, ordered := range []bool{true, false} {
		s := &builder.Statement{
			Name: "query large", SQL: fmt.Sprintf("select i::int8 as id, repeat(md5(i::text), 32) as a from generate_series(1, %d) i", rows), Effect: builder.Read, Ordered: ordered,
			Columns: []builder.Column{{Name: "id", Type: codec.Builtin().Type(20)}, {Name: "a", Type: codec.Builtin().Type(25)}},
		}
		h := parity.NewHarness()
		before := resident(t)
		answer, err := parity.NewRunner(h, pq, pgx).Query(t.Context(), s)
		if got := exhaust(t, answer, err); got != rows {
			t.Fatalf("%d rows", got)
		}
		if sum := h.Summary(); sum.Verdicts[parity.Equal] != 1 {
			t.Errorf("ordered %v: %v", ordered, sum.Verdicts)
		}
		if more := resident(t) - before; more > 128<<20 {
			t.Errorf("ordered %v: %d MiB more than before, want at most 128", ordered, more>>20)
		} else {
			t.Logf("ordered %v: %d rows, %d MiB more", ordered, rows, more>>20)
		}
	}
}

// resident is the largest resident memory so far, in bytes, and elsewhere than on
// Linux what the runtime has from the system.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err == nil {
		if _, rest, ok := bytes.Cut(text, []byte("VmHWM:")); ok {
			kb, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
			if n, err := strconv.ParseInt(string(kb), 10, 64); err == nil {
				return n << 10
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
