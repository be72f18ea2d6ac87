// Command fraiseql answers GraphQL and JSON operations from PostgreSQL through
// lib/pq or pgx, and proves that both give the same answers.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/fraiseql/fraiseql-go/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an orderly end. From then on signals do what they do
	// to any program: the second one kills it.
	context.AfterFunc(ctx, stop)
	code := cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Hangups: hangups}, os.LookupEnv, os.Environ)
	stop()
	os.Exit(code)
}

// hangups takes SIGHUP, which otherwise ends the program.
func hangups() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}
