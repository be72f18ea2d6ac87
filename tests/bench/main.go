// Command bench measures the server over HTTP beside two hand-written ceilings, on
// one database and in one run: rounds are interleaved, and answers are compared
// before anything is timed. It ends by itself, and so does what it starts.
//
//	go run ./tests/bench -rounds 5 -each 3s
//
// Without -dsn it starts a PostgreSQL of its own with the sample data.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "ceiling" {
		if err := serveCeiling(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.dsn, "dsn", "", "a database with the sample data; empty: a PostgreSQL of its own")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each cell")
	flag.DurationVar(&o.each, "each", 3*time.Second, "time of a cell in a round")
	flag.StringVar(&o.out, "out", "", "a file for the JSON of all samples")
	flag.StringVar(&o.binary, "binary", "", "the fraiseql command; empty: it is built")
	flag.StringVar(&o.only, "only", "", "names of works, hostile and stream among them, with commas; empty: all")
	flag.StringVar(&o.postgraphile, "postgraphile", "", "the program of PostGraphile 4, as npm installs it (node_modules/.bin/postgraphile), to measure it too")
	flag.BoolVar(&o.verbose, "v", false, "show what the servers log")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, &o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	dsn, out, only, binary string
	postgraphile           string
	verbose                bool
	rounds                 int
	each                   time.Duration
}

func (o *options) wants(name string) bool {
	return o.only == "" || strings.Contains(","+o.only+",", ","+name+",")
}

// work is a kind of request.
type work struct {
	name  string
	query string
	peer  string // the same for PostGraphile; "" where it has nothing like it
	// variables of request n
	variables func(n int) string
	conns     []int
	writes    bool // answers differ from one to the next
}

var works = []work{
	{"key", `query ($id: BigInt!) { user(id: $id) { id name email createdAt } }`, `query ($id: BigInt!) { userById(id: $id) { id name email createdAt } }`, func(n int) string { return fmt.Sprintf(`{"id":%d}`, 1+n*7919%10000) }, []int{1, 16}, false},
	{
		"top", `{ users(orderBy: [{name: ASC}], limit: 10) { id name email createdAt } }`, `{ allUsers(orderBy: [NAME_ASC], first: 10) { nodes { id name email createdAt } } }`,
		func(int) string { return `{}` },
		[]int{16},
		false,
	},
	{
		"filter", `query ($balance: BigDecimal!, $name: String!) { users(filter: {isActive: {eq: true}, balance: {gt: $balance}, name: {startswith: $name}}, orderBy: [{id: ASC}], limit: 50) { id name email createdAt } }`, "",
		func(n int) string { return fmt.Sprintf(`{"balance":"%d","name":"%c"}`, n%50, 'A'+n%4) },
		[]int{16},
		false,
	},
	{
		"nested", `{ users(orderBy: [{id: ASC}], limit: 20) { id name posts(orderBy: [{id: ASC}], limit: 5) { id title comments(orderBy: [{id: ASC}], limit: 3) { id body } } } }`,
		`{ allUsers(orderBy: [ID_ASC], first: 20) { nodes { id name postsByAuthorId(orderBy: [ID_ASC], first: 5) { nodes { id title commentsByPostId(orderBy: [ID_ASC], first: 3) { nodes { id body } } } } } } }`,
		func(int) string { return `{}` },
		[]int{16},
		false,
	},
	{"large", `{ users { id name email createdAt } }`, `{ allUsers { nodes { id name email createdAt } } }`, func(int) string { return `{}` }, []int{1, 16}, false},
	{
		"insert", `mutation ($name: String!, $email: String!) { createUser(input: {name: $name, email: $email}) { id name email createdAt } }`,
		"", // its input has types of its own
		func(n int) string {
			return fmt.Sprintf(`{"name":"Bench","email":"bench-%d-%d@example.com"}`, os.Getpid(), n)
		},
		[]int{16},
		true,
	},
	{
		"update", `mutation ($id: BigInt!, $name: String!) { updateUser(id: $id, input: {name: $name}) { id name email createdAt } }`,
		`mutation ($id: BigInt!, $name: String!) { updateUserById(input: {id: $id, userPatch: {name: $name}}) { user { id name email createdAt } } }`,
		func(n int) string { return fmt.Sprintf(`{"id":"%d","name":"Bench %d"}`, 1+n*7919%10000, n) },
		[]int{16},
		true,
	},
}

// body is request n.
func (w *work) body(t *target, n int) []byte {
	query := w.query
	if t.peer {
		query = w.peer
	}
	return []byte(`{"query":` + strconv.Quote(query) + `,"variables":` + w.variables(n) + `}`)
}

// target is a server under test.
type target struct {
	name string
	addr string
	path func(work string) string
	proc *process
	has  func(work string) bool
	peer bool // answers in a shape of its own
}

func run(ctx context.Context, o *options) error {
	dsn, stop, err := database(ctx, o.dsn)
	if err != nil {
		return err
	}
	defer stop()
	if o.wants("stream") {
		if err := addMillion(ctx, dsn); err != nil {
			return err
		}
	}
	targets, end, err := start(ctx, dsn, o)
	if err != nil {
		return err
	}
	defer end()
	report := report{Date: time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(), CPUs: runtime.NumCPU()}
	for i := range works {
		w := &works[i]
		if !o.wants(w.name) {
			continue
		}
		if err := same(ctx, targets, w); err != nil {
			return err
		}
		for _, conns := range w.conns {
			cells, err := measure(ctx, o, targets, w, conns)
			if err != nil {
				return err
			}
			report.Cells = append(report.Cells, cells...)
			show(cells)
		}
	}
	if o.wants("hostile") {
		if report.Hostile, err = hostile(ctx, targets); err != nil {
			return err
		}
	}
	if o.wants("stream") {
		if report.Stream, err = stream(ctx, targets); err != nil {
			return err
		}
	}
	if o.out == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.out, append(text, '\n'), 0o644)
}

// same asks each server once: answers must be equal before they are timed.
func same(ctx context.Context, targets []*target, w *work) error {
	if w.writes {
		return nil
	}
	var first string
	for _, t := range targets {
		if !t.has(w.name) {
			continue
		}
		got, err := once(ctx, t, w)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", t.name, w.name, err)
		}
		switch {
		case t.peer:
		case first == "":
			first = got
		case first != got:
			return fmt.Errorf("%s: %s: its answer is not that of the others:\n%.300s\n%.300s", t.name, w.name, first, got)
		}
	}
	return nil
}

// once is one answer as canonical JSON.
func once(ctx context.Context, t *target, w *work) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.addr+t.path(w.name), bytes.NewReader(w.body(t, 3)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		return "", err
	}
	if v["errors"] != nil {
		return "", fmt.Errorf("errors: %v", v["errors"])
	}
	data, err := json.Marshal(v["data"])
	if err == nil && len(data) < 10 {
		err = errors.New("no data")
	}
	return string(data), err
}
