// Command fraiseql answers GraphQL and JSON operations from PostgreSQL through
// lib/pq or pgx, and proves that both give the same answers.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fraiseql/fraiseql-go/internal/cli"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		time.Sleep(burst)
		signal.Stop(signals)
		cancel() // last: whoever sees that the first signal has come can send the second
	}()
	code := cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Hangups: hangups}, os.LookupEnv, os.Environ)
	cancel()
	os.Exit(code)
}

// The first signal asks for an orderly end. From then on signals do what they do to any
// program: the second one kills it. What comes within a burst is one: timeout(1) sends its
// signal to the program and to its group.
const burst = 20 * time.Millisecond

// hangups takes SIGHUP, which otherwise ends the program.
func hangups() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}
