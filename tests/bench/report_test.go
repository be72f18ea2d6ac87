package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		rates          []float64
		low, mid, high float64
	}{
		{nil, 0, 0, 0},
		{[]float64{5}, 5, 5, 5},
		{[]float64{9, 1, 4}, 1, 4, 9},
		{[]float64{9, 1, 4, 6}, 1, 5, 9},
	} {
		one := cell{}
		for _, r := range c.rates {
			one.Rounds = append(one.Rounds, figures{Rate: r})
		}
		if low, mid, high := one.of(rate); low != c.low || mid != c.mid || high != c.high {
			t.Errorf("%v: %v, %v, %v", c.rates, low, mid, high)
		}
	}
}

// rounds are cells of a work, with one rate in each round.
func rounds(work string, conns int, server string, rates ...float64) cell {
	c := cell{Work: work, Title: "the " + work, Conns: conns, Server: server}
	for _, r := range rates {
		c.Rounds = append(c.Rounds, figures{Requests: 10, Rate: r, CPU: 100, Database: 50, Memory: 20})
	}
	return c
}

func example() *report {
	slow := rounds("key", 16, "slow")
	slow.Slow = "one answer takes 3s"
	return &report{Rounds: 3, Users: 10, Versions: map[string]string{"slow": "Slow 1.2"}, Cells: []cell{
		rounds("key", 1, "ceiling-rows", 90, 100, 110), rounds("key", 1, "fraiseql/pgx", 80, 90, 95), rounds("key", 1, "slow", 30, 30, 30), rounds("key", 1, "other", 45, 45, 45),
		rounds("key", 16, "ceiling-rows", 1000, 1000, 1000), rounds("key", 16, "fraiseql/pgx", 900, 900, 900), slow,
		rounds("top", 1, "ceiling-rows", 10, 10, 10), rounds("top", 1, "fraiseql/pgx", 12, 12, 12),
	}}
}

func TestSummary(t *testing.T) {
	want := strings.Join([]string{
		"| work | connections | ceiling-rows, requests/s | fraiseql/pgx | slow | other | pgx ÷ best of others |",
		"|---|---|---|---|---|---|---|",
		"| the key | 1 | 100 | 0.90 | 0.30 | 0.45 | 2.0 |",
		"| the key | 16 | 1,000 | 0.90 | – | | |",
		"| the top | 1 | 10.0 | 1.20 | | | |",
		"",
	}, "\n")
	if diff := cmp.Diff(want, example().summary()); diff != "" {
		t.Error(diff)
	}
}

func TestTables(t *testing.T) {
	got := example().tables()
	for _, want := range []string{
		"### key: the key\n",
		"### top: the top\n",
		"| 1 | fraiseql/pgx | 90.0 | 80.0–95.0 | 0.90 | 0.00 | 0.00 | 100 | 50.0 | 20.0 | 30 |\n",
		"| 16 | slow | not measured: one answer takes 3s | | | | | | | | |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestWrite: a later run of one work leaves the others of the same machine as they were,
// and nothing of another machine.
func TestWrite(t *testing.T) {
	o := &options{out: t.TempDir(), name: "x"}
	page := filepath.Join(o.out, "x.md")
	if err := os.WriteFile(page, []byte("<!-- machine -->\n<!-- /machine -->\n<!-- summary -->\n<!-- /summary -->\n<!-- cells -->\n<!-- /cells -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	works := []work{{name: "key"}, {name: "top"}}
	if err := example().write(o, works); err != nil {
		t.Fatal(err)
	}
	again := &report{Rounds: 3, Users: 10, Versions: example().Versions, Cells: []cell{rounds("top", 1, "ceiling-rows", 20, 20, 20)}}
	if err := again.write(o, works); err != nil {
		t.Fatal(err)
	}
	want := append(example().Cells[:7:7], rounds("top", 1, "ceiling-rows", 20, 20, 20))
	if diff := cmp.Diff(want, kept(t, o).Cells, cmpopts.IgnoreUnexported(cell{})); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"rate-1", "rate-16", "cpu", "memory"} {
		if text, err := os.ReadFile(filepath.Join(o.out, "x-"+name+".svg")); err != nil || !strings.Contains(string(text), "the key") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "| the key | 16 |") || !strings.Contains(string(text), "with 10 users") {
		t.Errorf("%v\n%s", err, text)
	}
	other := &report{Rounds: 3, Users: 100, Cells: again.Cells[7:]}
	if err := other.write(o, works); err != nil {
		t.Fatal(err)
	}
	if got := kept(t, o).Cells; len(got) != 1 {
		t.Errorf("%d cells, those of another database among them", len(got))
	}
}

func kept(t *testing.T, o *options) *report {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.out, o.name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &report{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNames(t *testing.T) {
	for _, o := range []options{{}, {only: "key"}, {only: "key,stream", servers: "fraiseql/pq"}, {servers: "prest", peers: "."}} {
		if err := o.check(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []options{{only: "keys"}, {only: "key,"}, {servers: "prest"}, {only: "a", servers: "b"}} {
		if err := o.check(); err == nil || !strings.Contains(err.Error(), "allowed: ") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
