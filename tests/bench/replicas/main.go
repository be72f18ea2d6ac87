// Command replicas measures reads against a primary alone, and with one and two
// streaming replicas, all on this machine: what it shows is how much of the work
// leaves the primary, not what more machines would give.
//
//	go run ./tests/bench/replicas -each 5s -rounds 3 -out docs/bench/replicas.json
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/sample"
	"github.com/fraiseql/fraiseql-go/tests/bench/proc"
)

type options struct {
	each    time.Duration
	rounds  int
	clients int
	out     string
}

// cell is one work against a number of replicas.
type cell struct {
	Backend  string  `json:"backend"`
	Work     string  `json:"work"`
	Replicas int     `json:"replicas"`
	Rounds   []round `json:"rounds"`
}

// round is what one run gave. Shares are of 1.
type round struct {
	Rate         float64 `json:"operations_per_s"`
	PrimaryReads float64 `json:"primary_share_of_reads"`
	PrimaryCPU   float64 `json:"primary_cpu_us"` // for each operation
	ReplicaCPU   float64 `json:"replica_cpu_us"` // of all replicas, replay of the log with it
	Waited       float64 `json:"share_of_reads_that_waited"`
}

func main() {
	var o options
	flag.DurationVar(&o.each, "each", 5*time.Second, "how long one round lasts")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each cell")
	flag.IntVar(&o.clients, "clients", 16, "clients at a time")
	flag.StringVar(&o.out, "out", "", "file for the figures as JSON")
	flag.Parse()
	slog.SetLogLoggerLevel(slog.LevelWarn)
	if err := run(context.Background(), &o); err != nil {
		fmt.Fprintln(os.Stderr, "replicas:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) (err error) {
	primary, err := pgembed.Start(ctx, pgembed.Replicating())
	if err != nil {
		return err
	}
	servers := []*pgembed.Server{primary}
	defer func() {
		for _, s := range slices.Backward(servers) {
			err = errors.Join(err, s.Stop())
		}
	}()
	if err := fill(ctx, primary.DSN("")); err != nil {
		return err
	}
	for range 2 {
		s, err := primary.Standby(ctx)
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	var cells []cell
	for _, driver := range []string{flags.BackendPGX, flags.BackendPQ} {
		for _, work := range []string{"read", "mixed"} {
			group := []cell{{driver, work, 0, nil}, {driver, work, 1, nil}, {driver, work, 2, nil}}
			for n := range o.rounds {
				for i := range group {
					c := &group[(i+n)%len(group)] // none is always first
					r, err := measure(ctx, o, c, servers)
					if err != nil {
						return fmt.Errorf("%s, %s, %d replicas: %w", c.Backend, c.Work, c.Replicas, err)
					}
					c.Rounds = append(c.Rounds, r)
				}
			}
			show(group)
			cells = append(cells, group...)
		}
	}
	if o.out == "" {
		return nil
	}
	text, err := json.MarshalIndent(map[string]any{
		"date": time.Now().UTC().Format(time.DateOnly), "go": runtime.Version(), "cpus": runtime.NumCPU(),
		"postgresql": primary.Binaries().Version, "clients": o.clients, "each_s": o.each.Seconds(), "cells": cells,
	}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.out, append(text, '\n'), 0o644)
}

// fill loads the sample data.
func fill(ctx context.Context, dsn string) error {
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		return err
	}
	c, err := pgx.New().Connector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(c)
	return errors.Join(sample.Load(ctx, db, sample.Size{Users: 1_000, Posts: 10_000, Comments: 30_000}), db.Close())
}

// hosts names all of servers in one URL.
func hosts(servers []*pgembed.Server) (string, error) {
	var u *url.URL
	var names []string
	for _, s := range servers {
		one, err := url.Parse(s.DSN(""))
		if err != nil {
			return "", err
		}
		names, u = append(names, one.Host), one
	}
	u.Host = strings.Join(names, ",")
	return u.String(), nil
}

// measure runs one round.
func measure(ctx context.Context, o *options, c *cell, servers []*pgembed.Server) (round, error) {
	s := flags.Default()
	s.Backend, s.DatabaseURL, s.MaxConnections = c.Backend, servers[0].DSN(""), 20
	if c.Replicas > 0 {
		var err error
		if s.DatabaseReadURL, err = hosts(servers[1 : 1+c.Replicas]); err != nil {
			return round{}, err
		}
	}
	db, err := fraiseql.Open(ctx, "", s)
	if err != nil {
		return round{}, err
	}
	defer db.Close()
	if _, _, err := load(ctx, o, db, c.Work, time.Second); err != nil { // warm, and the replicas are in
		return round{}, err
	}
	before, cpu := status(db), make([]time.Duration, len(servers))
	for i, s := range servers {
		cpu[i] = proc.CPU(proc.Postmaster(filepath.Join(s.Dir(), "data")))
	}
	n, took, err := load(ctx, o, db, c.Work, o.each)
	if err != nil {
		return round{}, err
	}
	for i, s := range servers {
		cpu[i] = proc.CPU(proc.Postmaster(filepath.Join(s.Dir(), "data"))) - cpu[i]
	}
	after := status(db)
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	r := round{Rate: float64(n) / took.Seconds(), PrimaryReads: 1, PrimaryCPU: each(cpu[0]), ReplicaCPU: each(cpu[1] + cpu[2])}
	if c.Replicas > 0 {
		var replicas uint64
		for i := range after.Replicas {
			replicas += after.Replicas[i].Reads - before.Replicas[i].Reads
		}
		reads := float64(replicas + after.PrimaryReads - before.PrimaryReads)
		r.PrimaryReads, r.Waited = float64(after.PrimaryReads-before.PrimaryReads)/reads, float64(after.Waited-before.Waited)/reads
	}
	return r, nil
}

func status(db *fraiseql.DB) replica.Status {
	if r := db.Replicas(); r != nil {
		return r.Status()
	}
	return replica.Status{}
}

const (
	listOfTen = `{"operation":"query","table":"posts","fields":["id","title"],"filters":{"author_id":{"eq":%d}},"sort":[{"field":"id","direction":"DESC"}],"pagination":{"limit":10}}`
	update    = `{"operation":"mutation","type":"update","table":"users","filters":{"id":{"eq":%d}},"input":{"name":"u%d"},"return_fields":null}`
)

// load runs operations until each is over. Of mixed every tenth is an update of the
// client's session, whose reads must not miss it.
func load(ctx context.Context, o *options, db *fraiseql.DB, work string, each time.Duration) (int64, time.Duration, error) {
	var n atomic.Int64
	errs := make([]error, o.clients)
	began := time.Now()
	var all sync.WaitGroup
	for client := range o.clients {
		all.Go(func() {
			ctx := replica.WithSession(ctx, replica.NewSession())
			for i := 0; time.Since(began) < each && errs[client] == nil; i++ {
				text := fmt.Sprintf(listOfTen, 1+(client*131+i)%1000)
				if work == "mixed" && i%10 == 0 {
					text = fmt.Sprintf(update, 1+client, i)
				}
				errs[client] = db.ExecuteJSON(ctx, []byte(text), io.Discard)
				n.Add(1)
			}
		})
	}
	all.Wait()
	return n.Load(), time.Since(began), errors.Join(errs...)
}

// show prints medians.
func show(cells []cell) {
	for _, c := range cells {
		mid := func(f func(round) float64) float64 {
			v := make([]float64, len(c.Rounds))
			for i, r := range c.Rounds {
				v[i] = f(r)
			}
			slices.Sort(v)
			return v[len(v)/2]
		}
		fmt.Printf("| %s | %s | %d | %.0f | %.0f %% | %.0f | %.0f | %.1f %% |\n", c.Backend, c.Work, c.Replicas, mid(func(r round) float64 { return r.Rate }),
			100*mid(func(r round) float64 { return r.PrimaryReads }), mid(func(r round) float64 { return r.PrimaryCPU }),
			mid(func(r round) float64 { return r.ReplicaCPU }), 100*mid(func(r round) float64 { return r.Waited }))
	}
}
