package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// figures are what one round of a cell gave.
type figures struct {
	Rate   float64 `json:"requests_per_s"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	CPU    float64 `json:"server_cpu_us"` // of the server, for each request
	Memory float64 `json:"peak_rss_mb"`
	Bytes  int64   `json:"bytes"` // of an answer
}

// cell is a work on a target, at a number of connections.
type cell struct {
	Work   string    `json:"work"`
	Conns  int       `json:"connections"`
	Target string    `json:"target"`
	Rounds []figures `json:"rounds"`
}

type report struct {
	Date  string `json:"date"`
	Go    string `json:"go"`
	CPUs  int    `json:"cpus"`
	Cells []cell `json:"cells"`

	Stream  []streamed `json:"stream"`
	Hostile []refused  `json:"hostile"`
}

// measure runs the rounds of a work, one target after the other in each.
func measure(ctx context.Context, o *options, targets []*target, w *work, conns int) ([]cell, error) {
	var cells []cell
	for _, t := range targets {
		if t.has(w.name) {
			cells = append(cells, cell{Work: w.name, Conns: conns, Target: t.name})
		}
	}
	var n atomic.Int64
	for round := -1; round < o.rounds; round++ {
		for i := range cells {
			c := &cells[(i+round+1)%len(cells)] // no target is always first
			t := targets[slices.IndexFunc(targets, func(t *target) bool { return t.name == c.Target })]
			each := o.each
			if round < 0 {
				each = min(each, time.Second) // warm
			}
			s, err := load(ctx, t, w, conns, each, &n)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", t.name, w.name, err)
			}
			if round >= 0 {
				c.Rounds = append(c.Rounds, s)
			}
		}
	}
	return cells, nil
}

// load sends requests on conns connections for a time.
func load(ctx context.Context, t *target, w *work, conns int, each time.Duration, n *atomic.Int64) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, each+time.Minute)
	defer cancel()
	before := t.proc.cpu()
	began := time.Now()
	times := make([][]time.Duration, conns)
	size := make([]int64, conns)
	errs := make([]error, conns)
	var wait sync.WaitGroup
	for i := range conns {
		wait.Go(func() {
			times[i], size[i], errs[i] = client(ctx, t, w, began.Add(each), n)
		})
	}
	wait.Wait()
	took := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		return figures{}, err
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	if len(all) == 0 {
		return figures{}, errors.New("no request ended in time")
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return figures{
		Rate: float64(len(all)) / took.Seconds(), P50: ms(all[len(all)/2]), P99: ms(all[len(all)*99/100]),
		CPU: float64((t.proc.cpu() - before).Microseconds()) / float64(len(all)), Memory: t.proc.peak(), Bytes: size[0],
	}, nil
}

// client is one connection. It is small, so that it takes little of the
// processors that the servers need: requests are bytes, and of an answer only the
// length is looked at.
func client(ctx context.Context, t *target, w *work, until time.Time, n *atomic.Int64) (times []time.Duration, size int64, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	var req []byte
	for time.Now().Before(until) && ctx.Err() == nil {
		body := w.body(t, int(n.Add(1)))
		req = fmt.Appendf(req[:0], "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s",
			t.path(w.name), len(body), body)
		start := time.Now()
		if _, err := conn.Write(req); err != nil {
			return nil, 0, err
		}
		if size, err = answer(r); err != nil {
			return nil, 0, err
		}
		times = append(times, time.Since(start))
	}
	return times, size, ctx.Err()
}

// answer reads one answer and gives the size of its body.
func answer(r *bufio.Reader) (int64, error) {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.Contains(status, []byte(" 200 ")) {
		return 0, fmt.Errorf("answered with %s", bytes.TrimSpace(status))
	}
	length, chunked := int64(-1), false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, err = strconv.ParseInt(string(v), 10, 64)
			if err != nil {
				return 0, err
			}
		}
		chunked = chunked || bytes.Equal(line, []byte("Transfer-Encoding: chunked"))
	}
	if !chunked {
		_, err := io.CopyN(io.Discard, r, length)
		return length, err
	}
	var total int64
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
		if err != nil {
			return 0, err
		}
		if _, err := io.CopyN(io.Discard, r, size+2); err != nil {
			return 0, err
		}
		if size == 0 {
			return total, nil
		}
		total += size
	}
}

// show prints a work's cells: medians, spread, and the ratio to ceiling-rows.
func show(cells []cell) {
	mid := func(c *cell, f func(figures) float64) float64 {
		v := make([]float64, len(c.Rounds))
		for i, s := range c.Rounds {
			v[i] = f(s)
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	rate := func(s figures) float64 { return s.Rate }
	base := mid(&cells[0], rate)
	for i := range cells {
		c := &cells[i]
		low, high := c.Rounds[0].Rate, c.Rounds[0].Rate
		for _, s := range c.Rounds {
			low, high = min(low, s.Rate), max(high, s.Rate)
		}
		fmt.Printf("%-7s %3d  %-13s %9.1f/s (%.0f–%.0f)  %5.2f  p50 %7.2f ms  p99 %8.2f ms  cpu %7.0f us  peak %4.0f MB\n",
			c.Work, c.Conns, c.Target, mid(c, rate), low, high, mid(c, rate)/base,
			mid(c, func(s figures) float64 { return s.P50 }), mid(c, func(s figures) float64 { return s.P99 }),
			mid(c, func(s figures) float64 { return s.CPU }), mid(c, func(s figures) float64 { return s.Memory }))
	}
}
