// Command fraiseql runs JSON operations on PostgreSQL through lib/pq or pgx, and
// proves that both give the same answers.
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
	code := cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.LookupEnv, os.Environ)
	stop()
	os.Exit(code)
}
