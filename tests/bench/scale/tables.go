package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/tests/bench/chart"
)

var tableSizes = []int{10, 100, 1_000, 10_000}

func wideName(n int) string { return fmt.Sprintf("tables_%d", n) }

// wide makes the database of size i from the one before it: tables of eight columns,
// each with two foreign keys to those before it.
func (b *bench) wide(ctx context.Context, sizes []int, i int) error {
	b.progressf("tables: making %s", chart.Thousands(sizes[i]))
	name, from, to := wideName(sizes[i]), 1, sizes[i]
	create := "create database " + name
	if i > 0 {
		create, from = create+" template "+wideName(sizes[i-1]), sizes[i-1]+1
	}
	if err := b.statements(ctx, "", create); err != nil {
		return err
	}
	const batch = 250
	for at := from; at <= to; at += batch {
		var sql strings.Builder
		for i := at; i < min(at+batch, to+1); i++ {
			fmt.Fprintf(&sql, `create table thing_%d (id int8 primary key, name text not null, email text, amount numeric(12,2), active bool not null default true, created_at timestamptz not null default now(), left_id int8 references thing_%d, right_id int8 references thing_%d);`,
				i, max(1, i/2), max(1, i/3))
		}
		if err := b.statements(ctx, name, "do $do$ begin "+sql.String()+" end $do$"); err != nil {
			return err
		}
	}
	if i == 0 {
		if err := b.statements(ctx, name, "insert into thing_1 select i, 'Thing ' || i, 'thing' || i || '@example.com', i, true, now(), 1, 1 from generate_series(1, 1000) i"); err != nil {
			return err
		}
	}
	return b.statements(ctx, name, "vacuum analyze")
}

// tables: what a request by key costs, against how many tables the catalog has, and
// what the catalog costs itself.
func (b *bench) tables(ctx context.Context) error {
	request := b.figure("tables-request", "A request by key, GraphQL over HTTP, one client", "tables", "µs")
	cpu := b.figure("tables-cpu", "Processor time of the server for a request by key, collector and all", "tables", "µs")
	allocated := b.figure("tables-bytes", "Allocated for a request by key", "tables", "bytes")
	first := b.figure("tables-first", "The first request for a table", "tables", "µs")
	load := b.figure("tables-load", "Reading the catalog, making the schema of GraphQL", "tables", "ms for each table")
	kept := b.figure("tables-memory", "Memory kept for the catalog and the schema of GraphQL", "tables", "KB for each table")
	sizes := slices.DeleteFunc(slices.Clone(tableSizes), func(n int) bool { return n > b.most })
	for i, n := range sizes {
		if err := b.wide(ctx, sizes, i); err != nil {
			return fmt.Errorf("make %d tables: %w", n, err)
		}
		for _, driver := range backends {
			m, err := b.overTables(ctx, driver, n)
			if err != nil {
				return fmt.Errorf("%s, %d tables: %w", driver, n, err)
			}
			allocated.add(driver, n, m.bytes)
			first.add(driver, n, m.first...)
			load.add(driver+", start", n, m.start)
			load.add(driver+", reload", n, m.reload)
			kept.add(driver, n, m.kept)
			b.progressf("tables: %s, %s: %s ms a table to start, %s KB kept", driver, chart.Thousands(n), chart.Short(m.start), chart.Short(m.kept))
		}
	}
	for _, driver := range backends {
		if err := b.tablesServed(ctx, driver, sizes, request, cpu); err != nil {
			return err
		}
	}
	return nil
}

// tablesServed has a process for each size, all at once.
func (b *bench) tablesServed(ctx context.Context, driver string, sizes []int, request, cpu *figure) (err error) {
	processes, clients := map[int]*process{}, map[int]*client{}
	for _, n := range sizes {
		p, err := start(ctx, &order{DSN: b.server.DSN(wideName(n)), Backend: driver, Connections: 1})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		processes[n] = p
	}
	for _, n := range sizes { // a client that says nothing for long is sent away
		c, err := connect(processes[n].addr, byKey)
		if err != nil {
			return err
		}
		defer c.conn.Close()
		clients[n] = c
	}
	used, asked := map[int]time.Duration{}, map[int]int{}
	for _, n := range sizes {
		used[n] -= processes[n].cpu()
	}
	times, err := b.asks(sizes, func(n int) error {
		asked[n]++
		_, _, err := clients[n].ask()
		return err
	})
	if err != nil {
		return err
	}
	for _, n := range sizes {
		used[n] += processes[n].cpu()
		request.add(driver, n, times[n]...)
		cpu.add(driver, n, float64(used[n].Microseconds())/float64(asked[n]))
		b.progressf("tables: %s, %s: %s µs a request", driver, chart.Thousands(n), chart.Short(median(times[n])))
	}
	return nil
}

const byKey = `{thing1(id:5){id name email createdAt}}`

func median(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

type overTables struct {
	first                      []float64
	bytes, start, reload, kept float64
}

// heap is what is live.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools kept
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func (b *bench) overTables(ctx context.Context, driver string, n int) (m overTables, err error) {
	before, began := heap(), time.Now()
	db, err := b.open(ctx, wideName(n), settings(driver, nil))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	handler, err := db.Handler()
	if err != nil {
		return m, err
	}
	perTable := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(n) }
	m.start = perTable(time.Since(began))
	m.kept = (heap() - before) / 1024 / float64(n)
	ask := func(query string) error { return asked(ctx, handler, query) }
	for i := range 9 { // the first pays for its connection
		began := time.Now()
		if err := ask(fmt.Sprintf(`{thing%d(id:5){id name email createdAt}}`, 2+i)); err != nil {
			return m, err
		}
		if i > 0 {
			m.first = append(m.first, float64(time.Since(began).Nanoseconds())/1000)
		}
	}
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	each, err := b.repeat(func() error { return ask(byKey) })
	if err != nil {
		return m, err
	}
	runtime.ReadMemStats(&end)
	m.bytes = float64(end.TotalAlloc-start.TotalAlloc) / float64(each.runs)
	// A table more: without a change there is nothing to make.
	if err := b.statements(ctx, wideName(n), "create table another (id int8 primary key)"); err != nil {
		return m, err
	}
	began = time.Now()
	if err := db.Reload(ctx); err != nil {
		return m, err
	}
	m.reload = perTable(time.Since(began))
	return m, b.statements(ctx, wideName(n), "drop table another")
}

// nowhere is a ResponseWriter that keeps the status and the beginning.
type nowhere struct {
	header http.Header
	status int
	text   [256]byte
	n      int
}

func (w *nowhere) Header() http.Header    { return w.header }
func (w *nowhere) WriteHeader(status int) { w.status = status }
func (w *nowhere) Write(p []byte) (int, error) {
	w.n += copy(w.text[w.n:], p)
	return len(p), nil
}

// asked is one request to a handler.
func asked(ctx context.Context, h http.Handler, query string) error {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(`{"query":"`+query+`"}`))
	r.Header.Set("Content-Type", "application/json")
	w := &nowhere{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, r)
	if text := string(w.text[:w.n]); w.status != http.StatusOK || strings.Contains(text, "errors") {
		return fmt.Errorf("%s: %d %s", query, w.status, text)
	}
	return nil
}
