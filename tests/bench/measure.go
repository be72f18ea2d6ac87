package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// figures are what one round of a cell gave.
type figures struct {
	Requests int     `json:"requests"`
	Rate     float64 `json:"requests_per_s"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	CPU      float64 `json:"server_cpu_us"`   // for each request
	Database float64 `json:"database_cpu_us"` // for each request
	Memory   float64 `json:"peak_rss_mb"`     // of the server, in this round
	Bytes    int64   `json:"bytes"`           // of an answer
}

// cell is a work on a server, at a number of connections.
type cell struct {
	Work   string    `json:"work"`
	Title  string    `json:"title"`
	Conns  int       `json:"connections"`
	Server string    `json:"server"`
	Slow   string    `json:"slow,omitempty"` // why there are no rounds
	Rounds []figures `json:"rounds,omitempty"`

	server *server
}

// bench is a run.
type bench struct {
	o       *options
	db      *data
	servers []*server
	report  *report
	n       atomic.Int64 // requests so far
}

// tooSlow is how long all answers to one request of each connection may take: what takes
// longer is said, and not measured.
const tooSlow = 10 * time.Second

// measure measures all works that are wanted.
func (b *bench) measure(ctx context.Context, works []work) error {
	for i := range works {
		w := &works[i]
		if !wants(b.o.only, w.name) {
			continue
		}
		takes, err := b.same(ctx, w)
		if err != nil {
			return err
		}
		for _, conns := range b.o.conns {
			cells, err := b.cells(ctx, w, conns, takes)
			if err != nil {
				return err
			}
			b.report.Cells = append(b.report.Cells, cells...)
			show(cells)
			if w.writes {
				if err := b.db.forget(ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cells runs the rounds of a work, one server after the other in each.
func (b *bench) cells(ctx context.Context, w *work, conns int, takes map[*server]time.Duration) ([]cell, error) {
	var cells []cell
	var timed []int
	for _, s := range b.servers {
		if !s.can(w) {
			continue
		}
		c := cell{Work: w.name, Title: w.title, Conns: conns, Server: s.name, server: s}
		if all := takes[s] * time.Duration(conns); all > tooSlow {
			c.Slow = fmt.Sprintf("one answer takes %v", takes[s].Round(time.Millisecond))
		} else {
			timed = append(timed, len(cells))
		}
		cells = append(cells, c)
	}
	first := -1
	if w.large && conns != b.o.conns[0] {
		first = 0 // they are warm, and a round takes long
	}
	for round := first; round < b.o.rounds; round++ {
		for i := range timed {
			c := &cells[timed[(i+round+1)%len(timed)]] // none is always first
			each := b.o.each
			if round < 0 {
				each = min(each, time.Second) // warm
			}
			f, err := b.load(ctx, c.server, w, conns, each)
			if err != nil {
				return nil, fmt.Errorf("%s: %s, %d connections: %w", c.Server, w.name, conns, err)
			}
			if round >= 0 {
				c.Rounds = append(c.Rounds, f)
			}
		}
	}
	return cells, nil
}

// same asks each server, and gives how long an answer takes: answers must be equal before
// they are timed.
func (b *bench) same(ctx context.Context, w *work) (map[*server]time.Duration, error) {
	const asked = 4
	takes := map[*server]time.Duration{}
	for k := range asked {
		first := ""
		for _, s := range b.servers {
			if !s.can(w) {
				continue
			}
			n := 3 + k*17
			if w.writes {
				n = int(b.n.Add(1)) // each writes another row
			}
			got, took, err := s.ask(ctx, w.request(s, n))
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", s.name, w.name, err)
			}
			if takes[s] == 0 || took < takes[s] {
				takes[s] = took // with warm caches
			}
			if w.writes {
				if err := b.written(ctx, w, n, &got); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", s.name, w.name, err)
				}
				continue
			}
			text := got.text
			if w.large {
				text = got.unordered()
			}
			if first == "" {
				first = text
			}
			if text != first {
				return nil, fmt.Errorf("%s: %s: its answer is not that of the others:\n%.300s\n%.300s", s.name, w.name, first, text)
			}
		}
	}
	return takes, nil
}

// written checks that the answer to write n says what was sent, and that the row is so.
func (b *bench) written(ctx context.Context, w *work, n int, got *canonical) error {
	if w.name == "mixed" {
		return nil // of works that were checked
	}
	row, _ := got.value.(map[string]any)
	var sent struct {
		Variables struct{ ID, Name, Email string }
	}
	if err := json.Unmarshal([]byte(w.asks[ours](n).body), &sent); err != nil {
		return err
	}
	var name, email string
	if err := b.db.pool.QueryRowContext(ctx, "select name, email from users where id = $1", row["id"]).Scan(&name, &email); err != nil {
		return err
	}
	v := sent.Variables
	if row["name"] != v.Name || name != v.Name || row["email"] != email || v.Email != "" && email != v.Email || v.ID != "" && row["id"] != v.ID {
		return fmt.Errorf("asked for %+v, it answered %s, the row is %s, %s", v, got.text, name, email)
	}
	return nil
}

// ask is one answer, and how long it takes to come.
func (s *server) ask(ctx context.Context, r request) (canonical, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+s.addr+r.path, bytes.NewReader([]byte(r.body)))
	if err != nil {
		return canonical{}, 0, err
	}
	req.Header.Set("Accept", "application/json")
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	start := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return canonical{}, 0, err
	}
	body, err := io.ReadAll(res.Body)
	took := time.Since(start)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return canonical{}, 0, err
	}
	if res.StatusCode/100 != 2 {
		return canonical{}, 0, fmt.Errorf("%s: %.300s", res.Status, body)
	}
	answer, err := canonicalOf(&r, body)
	return answer, took, err
}
