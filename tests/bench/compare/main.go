// Compare measures the hot paths (BenchmarkHot of tests/budgets) and fails where they
// have become worse than what they are compared with:
//
//	go run ./tests/bench/compare -benchstat PATH             the kept docs/bench/baseline.txt
//	go run ./tests/bench/compare -benchstat PATH -rev main   another revision, measured in turn with this tree
//	go run ./tests/bench/compare -keep                       nothing: what is measured becomes the baseline
//
// More allocations are a failure, and so are more bytes or more time than -worse
// percent, where benchstat says that it is no noise (p < 0.05) and a second look says
// the same. Time is judged against
// another revision, or against a baseline of the same processor; even then the hour
// counts, so that -rev is what to trust. It exits with 1 where something is worse, and
// with 2 where nothing could be compared.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

type options struct {
	base, rev, out, benchstat string
	rounds                    int
	each                      time.Duration
	worse                     float64
	keep                      bool
}

func main() {
	var o options
	flag.StringVar(&o.base, "base", "docs/bench/baseline.txt", "results to compare with")
	flag.StringVar(&o.rev, "rev", "", "compare with this revision of the repository instead")
	flag.StringVar(&o.out, "out", "docs/bench/latest.txt", "where the new results go")
	flag.StringVar(&o.benchstat, "benchstat", "benchstat", "the program of golang.org/x/perf/cmd/benchstat")
	flag.IntVar(&o.rounds, "rounds", 10, "how often each path is measured; benchstat needs 6 to be sure of anything")
	flag.DurationVar(&o.each, "each", 150*time.Millisecond, "how long, each time")
	flag.Float64Var(&o.worse, "worse", 10, "percent of time or bytes that are no failure yet")
	flag.BoolVar(&o.keep, "keep", false, "write the results to -base and compare nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	worse, err := run(ctx, &o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	}
	if worse {
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options, w io.Writer) (worse bool, err error) {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	now, err := build(ctx, ".", filepath.Join(dir, "new.test"))
	if err != nil {
		return false, err
	}
	if o.keep {
		o.out = o.base
	}
	sides := []*side{{program: now, file: o.out}}
	base := o.base
	if o.rev != "" && !o.keep {
		old, clean, err := buildRevision(ctx, o.rev, dir)
		defer clean()
		if err != nil {
			return false, err
		}
		base = filepath.Join(dir, "base.txt")
		sides = append(sides, &side{program: old, file: base})
	}
	if o.keep {
		return false, measure(ctx, o, sides, w)
	}
	first, err := look(ctx, o, sides, base, w)
	if err != nil || len(first.worse) == 0 {
		return false, err
	}
	fmt.Fprintf(w, "%d worse. A second look, since another hour or another process may be to blame:\n", len(first.worse))
	second, err := look(ctx, o, sides, base, w)
	if err != nil {
		return false, err
	}
	return second.confirm(first, w), nil
}

// look measures, and judges what was measured.
func look(ctx context.Context, o *options, sides []*side, base string, w io.Writer) (*verdict, error) {
	if err := measure(ctx, o, sides, w); err != nil {
		return nil, err
	}
	table, err := output(exec.CommandContext(ctx, o.benchstat, "-ignore", "cpu,goos,goarch,pkg", "-format", "csv", base, o.out))
	if err != nil {
		return nil, err
	}
	rows, err := parse(table)
	if err != nil {
		return nil, err
	}
	withTime := o.rev != ""
	if !withTime {
		was, is := processor(base), processor(o.out)
		if withTime = was == is; !withTime {
			fmt.Fprintf(w, "The baseline is from another processor (%s; here: %s): time is not judged. Say REV=main to measure that revision here.\n", was, is)
		}
	}
	return judge(rows, o.worse, withTime, w)
}

// side is one of the two that are compared.
type side struct {
	program string // a test binary of tests/budgets
	file    string // where its results go
	results bytes.Buffer
}

// build compiles the benchmarks of the repository at dir.
func build(ctx context.Context, dir, program string) (string, error) {
	c := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./tests/budgets")
	c.Dir = dir
	_, err := output(c)
	return program, err
}

// buildRevision is build of another revision, checked out beside this one; clean takes
// it away again.
func buildRevision(ctx context.Context, rev, dir string) (program string, clean func(), err error) {
	tree := filepath.Join(dir, "tree")
	if _, err := output(exec.CommandContext(ctx, "git", "worktree", "add", "--detach", tree, rev)); err != nil {
		return "", func() {}, err
	}
	clean = func() {
		_, _ = output(exec.Command("git", "worktree", "remove", "--force", tree))
	}
	if _, err := os.Stat(filepath.Join(tree, "tests", "budgets")); err != nil {
		return "", clean, fmt.Errorf("%s has no tests/budgets yet: it can't be compared with", rev)
	}
	program, err = build(ctx, tree, filepath.Join(dir, "old.test"))
	return program, clean, err
}

// measure runs the rounds, one side after the other in each, so that what else the
// machine does meets both.
func measure(ctx context.Context, o *options, sides []*side, w io.Writer) error {
	for round := range o.rounds {
		fmt.Fprintf(w, "\rround %d of %d", round+1, o.rounds)
		for i := range sides {
			s := sides[(i+round)%len(sides)]
			c := exec.CommandContext(ctx, s.program, "-test.run", "^$", "-test.bench", "^BenchmarkHot$", "-test.benchmem", "-test.benchtime", o.each.String())
			c.Dir = filepath.Join("tests", "budgets")
			text, err := output(c)
			if err != nil {
				return err
			}
			s.results.WriteString(text)
		}
	}
	fmt.Fprintln(w)
	for _, s := range sides {
		defer s.results.Reset()
		if err := os.WriteFile(s.file, s.results.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// output is what c prints; the error has what it says on stderr.
func output(c *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(c.Args, " "), err, out, stderr.String())
	}
	return string(out), nil
}

// processor is the cpu line of a file of results; "" where it has none.
func processor(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "\ncpu: ")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}
