// Command serving starts `fraiseql serve` on the sample data, runs a command with
// the URL of its GraphQL endpoint as the last argument, and stops the server:
//
//	go run ./tests/serving node tests/clients/run.mjs
//
// The exit status is the command's; 3 where the server did not start. With -url the
// server is somebody else's. It ends after -timeout whatever happens.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	url := flag.String("url", "", "the endpoint of a server that runs already")
	timeout := flag.Duration("timeout", 10*time.Minute, "time for all of it")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "serving: name a command to run")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	status := run(ctx, *url, flag.Args())
	cancel()
	stop()
	os.Exit(status)
}

func run(ctx context.Context, url string, command []string) int {
	if url == "" {
		started, end, err := serve(ctx)
		if err != nil {
			fmt.Fprintln(os.Stderr, "serving:", err)
			return 3
		}
		defer end()
		url = started
	}
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], url)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "serving:", err)
	return 3
}

// serve starts the server and waits for its line.
func serve(ctx context.Context) (url string, end func(), err error) {
	dir, err := os.MkdirTemp("", "fraiseql-serving-*")
	if err != nil {
		return "", nil, err
	}
	clean := func() { _ = os.RemoveAll(dir) }
	binary := filepath.Join(dir, "fraiseql")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/fraiseql").CombinedOutput(); err != nil {
		clean()
		return "", nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, binary, "serve", "--addr", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		clean()
		return "", nil, err
	}
	end = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		clean()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		end()
		return "", nil, fmt.Errorf("the server did not start: %w", err)
	}
	fields := strings.Fields(line)
	return fields[len(fields)-1], end, nil
}
