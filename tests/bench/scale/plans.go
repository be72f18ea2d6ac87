package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/tests/bench/chart"
)

var planSizes = []int{1, 10, 100, 300, 1_000, 3_000, 10_000}

// facts has a row to find by its key, and 14 columns to choose from: each subset is
// another document and another statement.
const factColumns = 14

// document is the one of number i, of 2^14-1.
func document(i int) string {
	var w strings.Builder
	w.WriteString("query($id:BigInt!){fact(id:$id){")
	for c := range factColumns {
		if (i+1)>>c&1 == 1 {
			fmt.Fprintf(&w, "c%d ", c)
		}
	}
	w.WriteString("}}")
	return w.String()
}

// plans: what a request costs, against how many documents come in turn.
func (b *bench) plans(ctx context.Context) error {
	if err := b.statements(ctx, "", "create database plans"); err != nil {
		return err
	}
	var columns strings.Builder
	for c := range factColumns {
		fmt.Fprintf(&columns, ", i + %d as c%d", c, c)
	}
	if err := b.statements(ctx, "plans", "create table facts as select i::int8 id"+columns.String()+" from generate_series(1, 1000) i", "alter table facts add primary key (id)", "vacuum analyze facts"); err != nil {
		return err
	}
	hit := b.figure("plans-hit", "Finding a plan that is kept", "documents, all kept", "µs")
	kept := b.figure("plans-memory", "Memory for each plan that is kept", "documents, all kept", "KB")
	request := b.figure("plans-request", "A row by key, documents drawn by chance, one connection", "documents", "µs")
	if err := b.planHits(ctx, hit, kept); err != nil {
		return err
	}
	for _, driver := range backends {
		for _, s := range []struct {
			name   string
			change func(*flags.Settings)
		}{
			{"1,000 plans, 100 statements (default)", nil},
			{"20,000 of both", func(s *flags.Settings) { s.GraphQL.PlanCacheSize, s.StatementCacheSize = 20_000, 20_000 }},
		} {
			if err := b.planned(ctx, driver, s.name, s.change, request); err != nil {
				return err
			}
		}
	}
	return nil
}

// asks runs f for each size in turn, round by round, so that what else the machine
// does meets all sizes alike. The result has the µs of each round.
func (b *bench) asks(sizes []int, f func(size int) error) (map[int][]float64, error) {
	times := map[int][]float64{}
	for range b.times {
		for _, n := range sizes {
			each, err := b.repeat(func() error { return f(n) })
			if err != nil {
				return nil, fmt.Errorf("%d: %w", n, err)
			}
			times[n] = append(times[n], float64(each.time.Nanoseconds())/1000)
		}
	}
	return times, nil
}

func variables() []byte { return []byte(`{"id":42}`) }

// planHits is Prepare alone, on an engine for each size: nothing is sent.
func (b *bench) planHits(ctx context.Context, hit, kept *figure) (err error) {
	db, err := b.open(ctx, "plans", settings(flags.BackendPGX, nil))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	main, err := db.GraphQL()
	if err != nil {
		return err
	}
	requests := make([]*graphql.Request, planSizes[len(planSizes)-1])
	for i := range requests {
		requests[i] = &graphql.Request{Query: document(i), Variables: variables()}
	}
	engines := map[int]*graphql.Engine{}
	for _, n := range planSizes {
		before := heap()
		engines[n] = graphql.NewEngine(main.Schema(), db.Runner(), graphql.EngineOptions{Plans: 20_000})
		for i := range n {
			if _, err := engines[n].Prepare(ctx, requests[i]); err != nil {
				return err
			}
		}
		if n >= 10 { // less than what else moves
			kept.add("each", n, (heap()-before)/1024/float64(n))
		}
	}
	times, err := b.asks(planSizes, func(n int) error {
		_, err := engines[n].Prepare(ctx, requests[rand.IntN(n)])
		return err
	})
	for _, n := range planSizes {
		if err == nil {
			hit.add("a hit", n, times[n]...)
			b.progressf("plans: %s kept: %s µs", chart.Thousands(n), chart.Short(median(times[n])))
		}
	}
	return err
}

// planned is whole requests, for each size on an engine and a connection of its own.
func (b *bench) planned(ctx context.Context, driver, name string, change func(*flags.Settings), request *figure) (err error) {
	asks := map[int]func(i int) error{}
	for _, n := range planSizes {
		s := settings(driver, change)
		s.MaxConnections, s.MinIdle = 1, 1
		db, err := b.open(ctx, "plans", s)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		engine, err := db.GraphQL()
		if err != nil {
			return err
		}
		asks[n] = func(i int) error {
			op, err := engine.Prepare(ctx, &graphql.Request{Query: document(i), Variables: variables()})
			if err != nil {
				return err
			}
			return op.Execute(ctx, io.Discard)
		}
		for i := range n { // each is known from here on, if there is room
			if err := asks[n](i); err != nil {
				return err
			}
		}
	}
	times, err := b.asks(planSizes, func(n int) error { return asks[n](rand.IntN(n)) })
	for _, n := range planSizes {
		if err == nil {
			request.add(driver+", "+name, n, times[n]...)
			b.progressf("plans: %s, %s, %s documents: %s µs", driver, name, chart.Thousands(n), chart.Short(median(times[n])))
		}
	}
	return err
}
