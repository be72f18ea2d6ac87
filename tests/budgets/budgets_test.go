package budgets

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// budget is what one run of a hot path may allocate on each backend.
type budget struct {
	name string
	path func(*place) func()
	// less is a path whose cost is taken off, and per is what the rest is divided by:
	// 2,010 rows less 10 rows, per 20, is what 100 rows cost. nil and 0: all of it.
	less func(*place) func()
	per  int64
	runs int64 // of a try; 0 is 40
	// modes: every mode of both backends is held to it, not the default ones alone.
	modes   bool
	pgx, pq cost
}

// budgets are exact: one allocation more is red, and so is a budget that is so far
// above what is measured that a loss would pass unseen. Whoever has a reason for a
// higher one changes the number here, in the commit that needs it, and says there
// what is had for it.
var budgets = []budget{
	{name: "plan cache hit", path: planCacheHit, pgx: cost{6, 480}, pq: cost{6, 480}},
	{name: "executor: 2,000 rows more, per 100", path: wideRows(2010), less: wideRows(10), per: 20, runs: 4, modes: true, pgx: cost{0, 0}, pq: cost{0, 0}},
	{name: "executor: a row by key", path: executorByKey, pgx: cost{14, 1072}, pq: cost{28, 1776}},
	{name: "definition: a row by key", path: definitionByKey, pgx: cost{278, 14600}, pq: cost{292, 15320}},
	{name: "parity off, more than without", path: executorByKey, less: controlByKey, pgx: cost{0, 0}, pq: cost{0, 0}},
	{name: "shadow stage off, more than without", path: shadowByKey("off"), less: controlByKey, pgx: cost{0, 0}, pq: cost{0, 0}},
	{name: "shadow not sampled, more than without", path: shadowByKey("shadow"), less: controlByKey, pgx: cost{0, 0}, pq: cost{0, 0}},
	{name: "graphql over http: a row by key", path: served(graphqlByKey, `{"data":{"user":{"id":42,"name":"`, byKeyVars), pgx: cost{31, 2472}, pq: cost{45, 3176}},
	{name: "graphql over http: filter of 50", path: served(graphqlFilter, `{"data":{"users":[{"id":1,"name":"`, filterVars), pgx: cost{40, 3152}, pq: cost{57, 4000}},
	{name: "graphql over http: nested 20 x 5 x 3", path: served(graphqlNested, `{"data":{"users":[{"id":1,"name":"`, noVars), pgx: cost{59, 4816}, pq: cost{146, 9576}},
	{name: "graphql over http: insert", path: served(graphqlInsert, `{"data":{"createUser":{"id":`, insertVars), pgx: cost{40, 3056}, pq: cost{56, 3944}},
	{name: "graphql over http: update", path: served(graphqlUpdate, `{"data":{"updateUser":{"id":42,"name":"Budget 1`, updateVars), pgx: cost{40, 3008}, pq: cost{56, 3840}},
}

func TestBudgets(t *testing.T) { //nolint:paralleltest // others' allocations would be counted
	if raced {
		t.Skip("the race detector allocates")
	}
	still(t)
	for _, p := range places(t) {
		for _, b := range budgets {
			if p.other && !b.modes {
				continue
			}
			mode := backend.ModeOf(p.b)
			want := b.on(p.b.Name())
			got := b.measured(p)
			t.Logf("%s, %s: %s", mode, b.name, got)
			if why := judge(want, got); why != "" {
				t.Errorf("%s on %s: %s", b.name, mode, why)
			}
		}
	}
	if t.Failed() {
		t.Error(advice)
	}
}

// on is the budget of a backend.
func (b *budget) on(name string) cost { return map[string]cost{"pgx": b.pgx, "pq": b.pq}[name] }

// measured is what b's path takes at p.
func (b *budget) measured(p *place) cost {
	runs := cmp.Or(b.runs, 40)
	got := measure(runs, b.path(p))
	if b.less != nil {
		base := measure(runs, b.less(p))
		got.allocations, got.bytes = got.allocations-base.allocations, got.bytes-base.bytes
	}
	if b.per > 0 {
		got.allocations, got.bytes = got.allocations/b.per, got.bytes/b.per
	}
	return got
}

// slack is what may be rounded, in bytes: less than anything that is allocated for
// each run and counts.
const slack = 32

// judge says what is wrong where got is not what want allows; "" is nothing. What is
// far below a budget is wrong too: the next loss would pass unseen.
func judge(want, got cost) string {
	switch {
	case got.allocations > want.allocations || got.bytes > want.bytes+want.bytes/50+slack:
		return fmt.Sprintf("it takes %v, more than its budget: %v", got, want)
	case got.allocations < want.allocations-want.allocations/10-1 || got.bytes < want.bytes-want.bytes/10-slack:
		return fmt.Sprintf("it takes only %v, far less than its budget: %v", got, want)
	}
	return ""
}

// advice is what to do about it.
const advice = `What to do:
- More than its budget: find what allocates and take it out.
  go test ./tests/budgets -run TestBudgets -v                                                 prints what each path takes
  go test ./tests/budgets -run '^$' -bench 'Hot/NAME' -memprofile mem.out -memprofilerate 1   shows who allocates (go tool pprof -sample_index=alloc_objects mem.out)
- More, and it is worth what it costs: raise the number in the table of tests/budgets/budgets_test.go in the same commit, and say there what is had for it.
- Less than its budget: good. Lower the number in the table in the same commit, so that it stays so.`

// TestJudge: what is above a budget is told, and so is what is far below.
func TestJudge(t *testing.T) {
	t.Parallel()
	want := cost{40, 3000}
	for _, tc := range []struct {
		got  cost
		tell string // "": nothing
	}{
		{cost{40, 3000}, ""},
		{cost{40, 3090}, ""},
		{cost{39, 2900}, ""},
		{cost{41, 3000}, "more than its budget"},
		{cost{40, 3100}, "more than its budget"},
		{cost{1, 3200}, "more than its budget"},
		{cost{34, 3000}, "far less than its budget"},
		{cost{40, 2600}, "far less than its budget"},
	} {
		if got := judge(want, tc.got); !strings.Contains(got, tc.tell) || (got == "") != (tc.tell == "") {
			t.Errorf("%v: %q, want %q", tc.got, got, tc.tell)
		}
	}
}

// BenchmarkHot are the same paths on both backends, for make bench-compare.
func BenchmarkHot(b *testing.B) {
	for _, p := range places(b) {
		for i := range budgets {
			budget := &budgets[i]
			if p.other || budget.less != nil && budget.per == 0 { // those are nothing by themselves
				continue
			}
			b.Run(budget.name+"/"+p.b.Name(), func(b *testing.B) {
				run := budget.path(p)
				run()
				b.ReportAllocs()
				for b.Loop() {
					run()
				}
			})
		}
	}
}
