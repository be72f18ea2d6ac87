// Command bench measures the server over HTTP beside hand-written ceilings and servers of
// others, on one database and in one run: rounds are interleaved, and answers are compared
// before anything is timed. It ends by itself, and so does what it starts.
//
//	go run ./tests/bench -rounds 5 -each 3s
//	go run ./tests/bench -peers tests/bench/peers -name peers -out docs/bench
//
// Without -dsn it starts a PostgreSQL of its own with the sample data.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "ceiling" {
		if err := serveCeiling(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	o := options{conns: []int{1, 16}}
	flag.StringVar(&o.dsn, "dsn", "", "a database with the sample data, which is written to; empty: a PostgreSQL of its own")
	flag.IntVar(&o.times, "times", 1, "a database of its own has so many times 10,000 users, 100,000 posts and 300,000 comments")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each cell")
	flag.DurationVar(&o.each, "each", 3*time.Second, "time of a cell in a round")
	flag.DurationVar(&o.limit, "limit", time.Hour, "time of it all; what was measured until then is kept")
	flag.Func("connections", "numbers of connections, with commas (default 1,16)", o.setConns)
	flag.StringVar(&o.out, "out", "", "a folder for NAME.json, NAME-*.svg and the tables in NAME.md")
	flag.StringVar(&o.name, "name", "http", "what the files in -out are called")
	flag.StringVar(&o.binary, "binary", "", "the fraiseql command; empty: it is built")
	flag.StringVar(&o.only, "only", "", "names of works, hostile and stream among them, with commas; empty: all")
	flag.StringVar(&o.servers, "servers", "", "names of servers, with commas; empty: all. ceiling-rows is always there")
	flag.StringVar(&o.peers, "peers", "", "the folder tests/bench/peers, to measure the servers of others in it too")
	flag.BoolVar(&o.verbose, "v", false, "show what the servers log")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, errors.New("-limit is over"))
	err := run(ctx, &o)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	dsn, out, name, only, servers, binary, peers string

	verbose       bool
	times, rounds int
	conns         []int
	each, limit   time.Duration
}

func (o *options) setConns(list string) error {
	o.conns = nil
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("%q: want whole numbers from 1, with commas", text)
		}
		o.conns = append(o.conns, n)
	}
	return nil
}

// check refuses names that nothing has.
func (o *options) check() error {
	names := []string{"hostile", "stream"}
	for _, w := range worksOf(1, "") {
		names = append(names, w.name)
	}
	servers := []string{"ceiling-rows", "ceiling-json", "fraiseql/pgx", "fraiseql/pq"}
	if o.peers != "" {
		for _, p := range peers {
			servers = append(servers, p.name)
		}
	}
	return errors.Join(check("only", o.only, names), check("servers", o.servers, servers))
}

func run(ctx context.Context, o *options) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	db, err := database(ctx, o)
	if err != nil {
		return err
	}
	defer db.stop()
	if wants(o.only, "stream") && o.peers == "" {
		if err := addMillion(ctx, db.dsn); err != nil {
			return err
		}
	}
	works := worksOf(db.users, db.name)
	servers, left, end, err := startAll(ctx, db.dsn, o, &works[0])
	if err != nil {
		return err
	}
	defer end()
	for _, why := range left {
		fmt.Fprintln(os.Stderr, "left out:", why)
	}
	b := &bench{o: o, db: db, servers: servers, report: newReport(o, db, servers, left)}
	err = b.measure(ctx, works)
	if err == nil && o.peers == "" {
		err = b.aside(ctx)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if o.out == "" {
		return err
	}
	return errors.Join(err, b.report.write(o, works))
}

// aside is what is measured beside rates.
func (b *bench) aside(ctx context.Context) (err error) {
	if wants(b.o.only, "hostile") {
		if b.report.Hostile, err = hostile(ctx, b.servers); err != nil {
			return err
		}
	}
	if wants(b.o.only, "stream") {
		b.report.Stream, err = stream(ctx, b.servers)
	}
	return err
}
