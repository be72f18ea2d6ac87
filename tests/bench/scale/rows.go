package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"

	"github.com/fraiseql/fraiseql-go/tests/bench/chart"
)

// items is what every part but that of tables reads: seven columns, a million rows.
const items = `create table items as select i::int8 id, 'Item ' || i as name, (i * 0.25)::numeric(12,2) amount, (i % 1000)::int4 quantity,
	i % 3 = 0 active, timestamptz '2024-01-01 00:00+00' + i * interval '61 s' created_at, jsonb_build_object('n', i, 'tag', 't' || i % 7) doc
	from generate_series(1, 1000000) i`

var rowSizes = []int{10, 100, 1_000, 10_000, 100_000, 1_000_000}

// rows: what a row of an answer costs, against how many there are.
func (b *bench) rows(ctx context.Context) error {
	b.progressf("rows: loading 1,000,000")
	if err := b.items(ctx, "rows"); err != nil {
		return err
	}
	exec := b.figure("rows-time", "Time for each row of a list", "rows", "µs for each row")
	bytes := b.figure("rows-bytes", "Allocated for each row, executor to JSON", "rows", "bytes for each row")
	memory := b.figure("rows-memory", "Peak resident memory of the server, a list at a time", "rows", "MB")
	for _, driver := range backends {
		if err := b.rowsExecuted(ctx, driver, exec, bytes); err != nil {
			return err
		}
		if err := b.rowsServed(ctx, driver, exec, memory); err != nil {
			return err
		}
	}
	return nil
}

// items makes a database with the table.
func (b *bench) items(ctx context.Context, database string) error {
	if err := b.statements(ctx, "", "create database "+database); err != nil {
		return err
	}
	return b.statements(ctx, database, items, "alter table items add primary key (id)", "create view held as select 1 as id from pg_sleep(0.01)", "vacuum analyze items")
}

// plan is what a definition comes to.
func plan(db *fraiseql.DB, definition string) (*builder.Plan, error) {
	req, err := db.Schema().Parse([]byte(definition))
	if err != nil {
		return nil, err
	}
	return builder.Build(db.Schema(), &req.Definitions[0])
}

func (b *bench) rowsExecuted(ctx context.Context, driver string, took, bytes *figure) (err error) {
	db, err := b.open(ctx, "rows", settings(driver, nil))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	plans := map[int]*builder.Plan{}
	for _, n := range rowSizes {
		plans[n], err = plan(db, fmt.Sprintf(`{"operation":"query","table":"items","sort":[{"field":"id","direction":"ASC"}],"pagination":{"limit":%d}}`, n))
		if err != nil {
			return err
		}
	}
	times, err := b.asks(rowSizes, func(n int) error { return executor.ExecutePlan(ctx, db.Runner(), plans[n], io.Discard) })
	if err != nil {
		return err
	}
	for _, n := range rowSizes {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		each, err := b.repeat(func() error { return executor.ExecutePlan(ctx, db.Runner(), plans[n], io.Discard) })
		if err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		b.perRow(took, driver+", executor", n, times[n])
		bytes.add(driver, n, float64(after.TotalAlloc-before.TotalAlloc)/float64(each.runs)/float64(n))
	}
	return nil
}

// perRow adds what each of n rows took.
func (b *bench) perRow(f *figure, name string, n int, times []float64) {
	for i := range times {
		times[i] /= float64(n)
	}
	f.add(name, n, times...)
	b.progressf("rows: %s, %s: %s µs for each", name, chart.Thousands(n), chart.Short(median(times)))
}

func (b *bench) rowsServed(ctx context.Context, driver string, took, memory *figure) (err error) {
	p, err := start(ctx, &order{DSN: b.server.DSN("rows"), Backend: driver, Connections: 20})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	clients := map[int]*client{}
	ask := func(n int) error {
		size, _, err := clients[n].ask()
		if err == nil && size < int64(n)*20 {
			err = fmt.Errorf("%d bytes for %d rows", size, n)
		}
		return err
	}
	for _, n := range rowSizes { // the larger later: memory that was had is not always given back
		c, err := connect(p.addr, fmt.Sprintf("{items(limit:%d,orderBy:[{id:ASC}]){id name amount quantity active createdAt doc}}", n))
		if err != nil {
			return err
		}
		defer c.conn.Close()
		clients[n] = c
		p.reset()
		if _, err := b.repeat(func() error { return ask(n) }); err != nil {
			return err
		}
		memory.add(driver, n, p.peak())
	}
	times, err := b.asks(rowSizes, ask)
	for _, n := range rowSizes {
		if err == nil {
			b.perRow(took, driver+", GraphQL over HTTP", n, times[n])
		}
	}
	return err
}

// repeated is what repeat did.
type repeated struct {
	time time.Duration // for each run
	runs int
}

// repeat runs f for a third of each, once at least.
func (b *bench) repeat(f func() error) (repeated, error) {
	began := time.Now()
	for n := 1; ; n++ {
		if err := f(); err != nil {
			return repeated{}, err
		}
		if d := time.Since(began); d > b.each/3 {
			return repeated{d / time.Duration(n), n}, nil
		}
	}
}
