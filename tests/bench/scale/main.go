// Command scale measures whether what a request costs stays the same as things grow:
// rows of an answer, tables of the catalog, clients that wait for a connection, and
// documents whose plans are kept. On both backends, against a PostgreSQL of its own:
//
//	go run ./tests/bench/scale -each 1s -out docs/bench
//
// It prints tables, writes scale.json, a plot for each figure, and the tables into
// scale.md; it stops all that it started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
)

type options struct {
	out   string
	only  string
	each  time.Duration
	times int // rounds
	most  int
}

// bench is what the parts share.
type bench struct {
	*options
	server  *pgembed.Server
	figures []*figure
}

var backends = []string{flags.BackendPGX, flags.BackendPQ}

// parts are the dimensions, in the order in which they are measured.
var parts = []struct {
	name string
	run  func(*bench, context.Context) error
}{
	{"rows", (*bench).rows}, {"tables", (*bench).tables}, {"waiting", (*bench).waiting}, {"plans", (*bench).plans},
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "scale: serve:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.out, "out", "", "the directory of scale.json, scale.md and the plots; empty: nothing is written")
	flag.StringVar(&o.only, "only", "", "parts, with commas: rows, tables, waiting, plans; empty: all")
	flag.DurationVar(&o.each, "each", time.Second, "how long one size is measured in a round")
	flag.IntVar(&o.times, "rounds", 3, "rounds of each size; the median is shown")
	flag.IntVar(&o.most, "most", 10_000, "the largest number of tables")
	limit := flag.Duration("limit", 10*time.Minute, "when to give up")
	flag.Parse()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, *limit)
	err := run(ctx, &o)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) (err error) {
	for name := range strings.SplitSeq(o.only, ",") {
		if !known(name) {
			return fmt.Errorf("-only %q: want some of rows, tables, waiting, plans", name)
		}
	}
	// 10,000 tables in one transaction are as many locks.
	server, err := pgembed.Start(ctx, pgembed.WithSetting("max_locks_per_transaction", "2048"), pgembed.WithSetting("max_connections", "100"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	b := &bench{options: o, server: server}
	began := time.Now()
	for _, p := range parts {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+p.name+",") {
			continue
		}
		from := len(b.figures)
		if err := p.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Println()
		for _, f := range b.figures[from:] {
			fmt.Println(f.markdown())
		}
	}
	b.progressf("all of it took %v", time.Since(began).Round(time.Second))
	if o.out == "" {
		return nil
	}
	return b.write()
}

func known(name string) bool {
	for _, p := range parts {
		if p.name == name {
			return true
		}
	}
	return name == ""
}

// progressf tells the terminal what goes on.
func (b *bench) progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
