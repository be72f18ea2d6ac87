package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/tests/bench/proc"
)

// What is measured beside rates: the memory of a large answer, and the time that
// hostile documents take.

// streamed is an answer of a million rows from one server.
type streamed struct {
	Target  string  `json:"target"`
	Rows    int     `json:"rows"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	First   float64 `json:"first_byte_ms"`
	Idle    float64 `json:"idle_rss_mb"` // before it
	Peak    float64 `json:"peak_rss_mb"` // while it
}

// refused is what a kind of hostile document got.
type refused struct {
	Kind  string  `json:"kind"`
	N     int     `json:"requests"`
	Bytes int     `json:"bytes"` // of the largest document
	Code  string  `json:"code"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
	CPU   float64 `json:"server_cpu_us"` // for each request
}

const millionRows = 1_000_000

// addMillion adds the table of the large answer; it has the seven columns of the
// goal.
func addMillion(ctx context.Context, dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, `create table if not exists bench_million (id int8 primary key, name text not null, amount numeric(12,2) not null,
		n int4 not null, ok bool not null, at timestamptz not null, doc jsonb not null)`)
	if err == nil {
		_, err = db.ExecContext(ctx, `insert into bench_million select i, 'name ' || i, i / 7.0, i % 1000, i % 2 = 0, timestamptz '2026-01-01' + i * interval '1 s',
			jsonb_build_object('a', i) from generate_series(1, 1000000) i where not exists (select from bench_million)`)
	}
	return err
}

// stream reads a million rows from every fraiseql.
func stream(ctx context.Context, servers []*server) ([]streamed, error) {
	var list []streamed
	for _, t := range servers {
		if !strings.HasPrefix(t.name, "fraiseql/") || t.idle {
			continue
		}
		s := streamed{Target: t.name, Rows: millionRows, Idle: proc.Resident(t.pid())}
		proc.ForgetPeak(t.pid())
		start := time.Now()
		err := post(ctx, t, `{"query":"{ benchMillions { id name amount n ok at doc } }"}`, func(r io.Reader) error {
			var tail []byte
			buf := make([]byte, 64<<10)
			for {
				n, err := r.Read(buf)
				if s.Bytes == 0 {
					s.First = float64(time.Since(start).Microseconds()) / 1000
				}
				s.Bytes += int64(n)
				tail = append(tail[:0], buf[max(0, n-32):n]...)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return err
				}
			}
			if s.Bytes < 50*millionRows {
				return fmt.Errorf("%s: %d bytes are not a million rows: …%s", t.name, s.Bytes, tail)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		s.Seconds = time.Since(start).Seconds()
		s.Peak = proc.Peak(t.pid())
		fmt.Printf("stream      %-13s %d rows, %d bytes, %.2f s, first byte %.1f ms, resident %.1f MB idle, %.1f MB peak: %.1f MB above\n",
			s.Target, s.Rows, s.Bytes, s.Seconds, s.First, s.Idle, s.Peak, s.Peak-s.Idle)
		list = append(list, s)
	}
	return list, nil
}

func post(ctx context.Context, t *server, body string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.addr+"/graphql", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return read(res.Body)
}

// hostile documents, by kind; n makes each a different one, so that none is known.
var hostileKinds = []struct {
	name string
	make func(n int) string
}{
	{"depth", func(n int) string {
		return fmt.Sprintf("query d%d { users ", n) + strings.Repeat("{ manager ", 2000+n) + "{ id " + strings.Repeat("}", 2002+n)
	}},
	{"aliases", func(n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "query a%d {", n)
		for i := range 3000 {
			fmt.Fprintf(&b, " a%d: user(id: %d) { id }", i, i)
		}
		return b.String() + " }"
	}},
	{"fragment bomb", func(n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "query b%d { users { ...f0 ...f0 } }", n)
		for i := range 30 {
			fmt.Fprintf(&b, " fragment f%d on User { manager { ...f%d ...f%d } }", i, i+1, i+1)
		}
		return b.String() + " fragment f30 on User { id }"
	}},
	{"fragment cycle", func(n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "query c%d { users { ...f0 } }", n)
		for i := range 200 {
			fmt.Fprintf(&b, " fragment f%d on User { id ...f%d }", i, (i+1)%200)
		}
		return b.String()
	}},
	{"same field, conflicting", func(n int) string {
		return fmt.Sprintf("query m%d { users {", n) + strings.Repeat(" x: id x: name", 2000) + " } }"
	}},
	{"tokens", func(n int) string {
		return fmt.Sprintf("query t%d { users { ", n) + strings.Repeat("id ", 60_000) + "} }"
	}},
	{"directives", func(n int) string {
		return fmt.Sprintf("query r%d { users { id ", n) + strings.Repeat("@skip(if: false) ", 3000) + "} }"
	}},
	{"lists in lists", func(n int) string {
		return fmt.Sprintf("query l%d { users(filter: ", n) + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + ") { id } }"
	}},
	{"filters in filters", func(n int) string {
		return fmt.Sprintf("query f%d { users(filter: ", n) + strings.Repeat("{not: ", 2000) + "{}" + strings.Repeat("}", 2000) + ") { id } }"
	}},
	{"cost", func(n int) string {
		return fmt.Sprintf("query k%d { users(limit: 100000) { posts(limit: 100000) { comments(limit: 100000) { id } } } }", n)
	}},
}

// hostile sends a hundred of each kind to the server on pgx; each has to be
// refused.
func hostile(ctx context.Context, servers []*server) ([]refused, error) {
	t := servers[slices.IndexFunc(servers, func(t *server) bool { return t.name == "fraiseql/strict" })]
	var list []refused
	for _, k := range hostileKinds {
		const warm, n = 5, 100
		r := refused{Kind: k.name, N: n}
		var times []time.Duration
		before := proc.CPU(t.pid())
		for i := range warm + n {
			doc := k.make(i)
			r.Bytes = max(r.Bytes, len(doc))
			text, err := json.Marshal(doc)
			if err != nil {
				return nil, err
			}
			start := time.Now()
			err = post(ctx, t, `{"query":`+string(text)+`}`, func(body io.Reader) error {
				answer, err := io.ReadAll(bufio.NewReader(body))
				if err == nil && (!bytes.HasPrefix(answer, []byte(`{"errors":`)) || bytes.Contains(answer, []byte(`"data"`))) {
					err = fmt.Errorf("%s: it was not refused: %.200s", k.name, answer)
				}
				_, code, _ := bytes.Cut(answer, []byte(`"code":"`))
				code, _, _ = bytes.Cut(code, []byte(`"`))
				r.Code = string(code)
				return err
			})
			if err != nil {
				return nil, err
			}
			if i >= warm {
				times = append(times, time.Since(start))
			}
		}
		slices.Sort(times)
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		r.P50, r.P99, r.Max = ms(times[n/2]), ms(times[(n-1)*99/100]), ms(times[n-1])
		r.CPU = float64((proc.CPU(t.pid()) - before).Microseconds()) / (warm + n)
		fmt.Printf("hostile     %-24s %-28s p50 %6.2f ms  p99 %6.2f ms  max %6.2f ms  cpu %6.0f us  %d bytes\n", r.Kind, r.Code, r.P50, r.P99, r.Max, r.CPU, r.Bytes)
		list = append(list, r)
	}
	return list, nil
}
