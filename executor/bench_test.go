package executor_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// benchBackends are both backends in their default modes.
func benchBackends(b *testing.B) []backend.Backend {
	b.Helper()
	set, err := all.Backends(all.WithBinary(codec.HasBinary))
	if err != nil {
		b.Fatal(err)
	}
	return set.All()
}

// people makes n rows of the shape that PERFORMANCE goals are about, and 100 of
// them in few.
func people(b *testing.B, n int) string {
	b.Helper()
	dsn := pgtest.DB(b)
	pgtest.Exec(b, dsn, fmt.Sprintf(`
		create table people (id int8 primary key, name text not null, email text not null, created_at timestamptz not null);
		insert into people select i, 'Person ' || i, 'person' || i || '@example.com', timestamptz '2024-01-01 00:00+00' + i * interval '61.000123 s'
		from generate_series(1, %d) i`, n))
	pgtest.Exec(b, dsn, "vacuum analyze people")
	return dsn
}

const oidTimestamptz = 1184

var peopleColumns = []builder.Column{
	column("id", oidInt8), column("name", oidText), column("email", oidText), column("created_at", oidTimestamptz),
}

// BenchmarkQueries compares executor.ExecutePlan with its floors: the same rows
// as the backend hands them over, dropped; and as plain database/sql gives them.
func BenchmarkQueries(b *testing.B) {
	dsn := people(b, 10_000)
	plain := plainPools(b, dsn)
	for _, shape := range []struct {
		name, sql string
		args      []any
	}{
		{"one", "select id, name, email, created_at from people where id = $1", []any{"77"}},
		{"100", "select id, name, email, created_at from people where id <= $1 order by id", []any{"100"}},
		{"10000", "select id, name, email, created_at from people order by id", nil},
	} {
		for _, be := range benchBackends(b) {
			db := open(b, be, dsn)
			plan := flatPlan(shape.sql, peopleColumns, shape.args...)
			b.Run(fmt.Sprintf("%s/%s/execute", shape.name, be.Name()), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := executor.ExecutePlan(b.Context(), db, plan, io.Discard); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s/%s/floor", shape.name, be.Name()), func(b *testing.B) {
				b.ReportAllocs()
				conn, err := db.Pool().Conn(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				for b.Loop() {
					if err := drop(b.Context(), be.(backend.WireQuerier), conn, shape.sql, shape.args); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s/%s/database-sql", shape.name, be.Name()), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := dropRaw(b.Context(), db.Pool(), shape.sql, shape.args); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		for _, name := range []string{"plain-pgx", "plain-pq"} {
			b.Run(shape.name+"/"+name+"/database-sql", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := dropRaw(b.Context(), plain[name], shape.sql, shape.args); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func drop(ctx context.Context, q backend.WireQuerier, conn *sql.Conn, query string, args []any) error {
	rows, err := q.QueryWire(ctx, conn, query, args)
	if err != nil {
		return err
	}
	for rows.Next() {
		_ = rows.Values()
	}
	return rows.Close()
}

func dropRaw(ctx context.Context, db *sql.DB, query string, args []any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var id, name, email, at sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&id, &name, &email, &at); err != nil {
			return err
		}
	}
	return rows.Err()
}

// loose is a Runner without a transaction around several statements: what the
// shared snapshot of nested levels costs is the difference.
type loose struct{ *executor.DB }

func (l loose) InTx(ctx context.Context, _ *executor.TxOptions, fn func(context.Context, executor.Runner) error) error {
	return fn(ctx, l)
}

// BenchmarkQueriesNested is 20 users, 30 posts and their comments.
func BenchmarkQueriesNested(b *testing.B) {
	dsn := blog(b, 10_000)
	for _, be := range benchBackends(b) {
		db := open(b, be, dsn)
		for name, r := range map[string]executor.Runner{"snapshot": db, "loose": loose{db}, "cursor": db} {
			b.Run(be.Name()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				plan := blogPlan(name == "cursor", "id <= 20")
				var w bytes.Buffer
				for b.Loop() {
					w.Reset()
					if err := executor.ExecutePlan(b.Context(), r, plan, &w); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkMutations is one insert and one update by key, with what a pool would
// do at the least beside it: one statement in autocommit, which repeats a write
// whose answer is lost.
func BenchmarkMutations(b *testing.B) {
	for _, be := range benchBackends(b) {
		db := open(b, be, people(b, 10_000))
		columns := peopleColumns[:2]
		insert := flatPlan("insert into people select coalesce(max(id), 0) + 1, $1, $2, now() from people returning id, name", columns, "Ann", "ann@example.com")
		insert.Kind, insert.Root.Statement.Effect = builder.Insert, builder.Write
		update := flatPlan("update people set name = $2 where id = $1::int8 returning id, name", columns, "77", "Eve")
		update.Kind, update.Root.Statement.Effect = builder.Update, builder.Write
		for name, plan := range map[string]*builder.Plan{"insert": insert, "update": update} {
			b.Run(be.Name()+"/"+name+"/execute", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := executor.ExecutePlan(b.Context(), db, plan, io.Discard); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(be.Name()+"/"+name+"/floor", func(b *testing.B) {
				b.ReportAllocs()
				conn, err := db.Pool().Conn(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				for b.Loop() {
					if err := drop(b.Context(), be.(backend.WireQuerier), conn, plan.Root.Statement.SQL, plan.Root.Statement.Args); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkPool is one row by key from many goroutines over few connections.
func BenchmarkPool(b *testing.B) {
	dsn := people(b, 10_000)
	for _, be := range benchBackends(b) {
		for _, conns := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%s/conns=%d", be.Name(), conns), func(b *testing.B) {
				db := open(b, be, dsn, executor.WithMaxConns(conns), executor.WithMinIdle(conns))
				plan := flatPlan("select id, name, email, created_at from people where id = $1", peopleColumns, "77")
				b.ReportAllocs()
				b.SetParallelism(16)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := executor.ExecutePlan(b.Context(), db, plan, io.Discard); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkStreaming is 100,000 rows of 7 columns; TestStreamingMemory does ten
// times as many in a process of its own.
func BenchmarkStreaming(b *testing.B) {
	dsn := pgtest.DB(b)
	for _, be := range benchBackends(b) {
		db := open(b, be, dsn)
		plan := wide(100_000)
		b.Run(be.Name()+"/execute", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := executor.ExecutePlan(b.Context(), db, plan, io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(be.Name()+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			conn, err := db.Pool().Conn(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			for b.Loop() {
				if err := drop(b.Context(), be.(backend.WireQuerier), conn, plan.Root.Statement.SQL, plan.Root.Statement.Args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
