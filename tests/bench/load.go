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

	"github.com/fraiseql/fraiseql-go/tests/bench/proc"
)

// load sends requests on conns connections for a time.
func (b *bench) load(ctx context.Context, s *server, w *work, conns int, each time.Duration) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, each+time.Minute)
	defer cancel()
	proc.ForgetPeak(s.pid())
	before, database := proc.CPU(s.pid()), proc.CPU(b.db.postmaster)
	began := time.Now()
	times := make([][]time.Duration, conns)
	size := make([]int64, conns)
	errs := make([]error, conns)
	var wait sync.WaitGroup
	for i := range conns {
		wait.Go(func() {
			times[i], size[i], errs[i] = client(ctx, s, w, began.Add(each), &b.n)
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
	each1 := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(len(all)) }
	f := figures{
		Requests: len(all), Rate: float64(len(all)) / took.Seconds(), P50: ms(all[len(all)/2]), P99: ms(all[len(all)*99/100]),
		CPU: each1(proc.CPU(s.pid()) - before), Memory: proc.Peak(s.pid()), Bytes: size[0],
	}
	if b.db.postmaster > 0 {
		f.Database = each1(proc.CPU(b.db.postmaster) - database)
	}
	return f, nil
}

// client is one connection. It is small, so that it takes little of the
// processors that the servers need: requests are bytes, and of an answer only the
// length is looked at.
func client(ctx context.Context, s *server, w *work, until time.Time, n *atomic.Int64) (times []time.Duration, size int64, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	r := bufio.NewReaderSize(conn, 64<<10)
	var text []byte
	for time.Now().Before(until) && ctx.Err() == nil {
		req := w.request(s, int(n.Add(1)))
		text = req.append(text[:0])
		start := time.Now()
		if _, err := conn.Write(text); err != nil {
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
	if !bytes.Contains(status, []byte(" 200 ")) && !bytes.Contains(status, []byte(" 201 ")) {
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
		name, v, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.ParseInt(string(bytes.TrimSpace(v)), 10, 64)
			if err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
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
