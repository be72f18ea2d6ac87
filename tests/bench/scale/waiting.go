package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/tests/bench/chart"
)

// clientSizes: those above 1,020 are more than there are connections and places in the
// line.
var clientSizes = []int{1, 10, 20, 50, 100, 300, 1_000, 2_000, 4_000}

const (
	poolSize = 20
	longest  = 1_000 // what FRAISEQL_DB_MAX_WAITING is by default
)

// waiting: what clients have of a pool of 20, against how many they are. One work takes
// processors, the other holds its connection for 10 ms and takes none.
func (b *bench) waiting(ctx context.Context) error {
	if err := b.items(ctx, "waiting"); err != nil {
		return err
	}
	rate := b.figure("waiting-rate", "Answers a second, a pool of 20", "clients", "answers/s")
	cpu := b.figure("waiting-cpu", "Processor time of the server", "clients", "µs for each answer")
	times := b.figure("waiting-times", "From request to answer, where each holds a connection for 10 ms", "clients", "ms")
	fair := b.figure("waiting-fair", "How much longer than the median an answer takes", "clients", "by the median")
	share := b.figure("waiting-share", "Answers of the client with the fewest, by the mean of all", "clients", "fewest ÷ mean")
	refused := b.figure("waiting-refused", "Until 503 with Retry-After is answered, beyond 1,020 clients", "clients", "ms, median")
	memory := b.figure("waiting-memory", "Peak resident memory of the server, all clients connected", "clients", "MB")
	for _, driver := range backends {
		for _, w := range []struct{ name, query string }{{"by key", `{item(id:42){id name}}`}, {"holds 10 ms", `{helds{id}}`}} {
			p, err := start(ctx, &order{DSN: b.server.DSN("waiting"), Backend: driver, Connections: poolSize, Waiting: longest})
			if err != nil {
				return err
			}
			for _, n := range clientSizes {
				p.reset()
				c, err := b.crowd(ctx, p, w.query, n)
				if err != nil {
					return errors.Join(fmt.Errorf("%s, %s, %d clients: %w", driver, w.name, n, err), p.stop())
				}
				name := driver + ", " + w.name
				rate.add(name, n, c.rate)
				cpu.add(name, n, c.cpu)
				memory.add(name, n, p.peak())
				fair.add(name+", 99 of 100", n, c.p99/c.p50)
				if w.name != "by key" {
					fair.add(name+", longest", n, c.longest/c.p50)
					times.add(driver+", median", n, c.p50)
					times.add(driver+", 99 of 100", n, c.p99)
				}
				if n > 1 && n <= poolSize+longest { // who is refused comes later, and may not find room then either
					share.add(name, n, c.fewest)
				}
				if c.refusals > 0 {
					refused.add(name, n, c.refused)
				}
				b.progressf("waiting: %s, %s clients: %.0f/s, median %.1f ms, longest %.1f ms, %d refused", name, chart.Thousands(n), c.rate, c.p50, c.longest, c.refusals)
			}
			if err := p.stop(); err != nil {
				return err
			}
		}
	}
	return nil
}

// crowd is what n clients had.
type crowd struct {
	rate, cpu         float64
	p50, p99, longest float64 // ms
	fewest            float64 // of a client, by the mean of all
	refusals          int
	refused           float64 // ms
}

// crowd lets n clients ask for a time. Who is refused comes again when told to.
func (b *bench) crowd(ctx context.Context, p *process, query string, n int) (crowd, error) {
	clients := make([]*client, n)
	for i := range clients {
		c, err := connect(p.addr, query)
		if err != nil {
			return crowd{}, err
		}
		defer c.conn.Close()
		clients[i] = c
	}
	// As long as each client needs for some answers.
	each := max(b.each, time.Duration(min(n, longest))*5*time.Millisecond)
	times, refusals, errs := make([][]time.Duration, n), make([][]time.Duration, n), make([]error, n)
	warm := time.Now().Add(each / 4)
	until := warm.Add(each)
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				if !began.Before(until) {
					return
				}
				_, after, err := c.ask()
				if err != nil {
					errs[i] = err
					return
				}
				end := time.Now()
				counted := end.After(warm) && end.Before(until)
				switch {
				case after > 0:
					if counted {
						refusals[i] = append(refusals[i], end.Sub(began))
					}
					wait(ctx, min(after, time.Until(until)))
				case counted:
					times[i] = append(times[i], end.Sub(began))
				}
			}
		})
	}
	wait(ctx, time.Until(warm))
	before := p.cpu()
	wait(ctx, time.Until(until))
	cpu := p.cpu() - before
	all.Wait()
	if err := errors.Join(errors.Join(errs...), ctx.Err()); err != nil {
		return crowd{}, err
	}
	fewest := len(times[0])
	for _, t := range times {
		fewest = min(fewest, len(t))
	}
	answers, turned := slices.Sorted(slices.Values(slices.Concat(times...))), slices.Sorted(slices.Values(slices.Concat(refusals...)))
	if len(answers) == 0 {
		return crowd{}, errors.New("nothing was answered")
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	c := crowd{
		rate: float64(len(answers)) / each.Seconds(), cpu: float64(cpu.Microseconds()) / float64(len(answers)),
		p50: ms(answers[len(answers)/2]), p99: ms(answers[len(answers)*99/100]), longest: ms(answers[len(answers)-1]),
		fewest: float64(fewest) * float64(n) / float64(len(answers)), refusals: len(turned),
	}
	if len(turned) > 0 {
		c.refused = ms(turned[len(turned)/2])
	}
	return c, nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
