package main

import (
	"io"
	"strings"
	"testing"
)

const table = `,base.txt,,latest.txt
,sec/op,CI,sec/op,CI,vs base,P
Hot/same/pgx-2,1e-05,3%,1.05e-05,3%,~,p=0.300 n=10
Hot/slow/pgx-2,1e-05,3%,1.2e-05,3%,+20.00%,p=0.000 n=10
Hot/loud/pgx-2,1e-05,30%,1.5e-05,30%,~,p=0.080 n=10
Hot/fast/pgx-2,1e-05,3%,5e-06,3%,-50.00%,p=0.000 n=10
Hot/gone/pgx-2,1e-05,3%
Hot/new/pgx-2,,,1e-05,3%
geomean,1e-05,,1e-05,,+1.00%

,base.txt,,latest.txt
,B/op,CI,B/op,CI,vs base,P
Hot/same/pgx-2,480,0%,500,0%,+4.17%,p=0.000 n=10
Hot/slow/pgx-2,480,0%,600,0%,+25.00%,p=0.000 n=10

,base.txt,,latest.txt
,allocs/op,CI,allocs/op,CI,vs base,P
Hot/same/pgx-2,6,0%,6,0%,~,p=1.000 n=10
Hot/slow/pgx-2,60,0%,61,0%,+1.67%,p=0.000 n=10
Hot/gone/pgx-2,61,0%
Hot/new/pgx-2,,,61,0%
`

func TestJudge(t *testing.T) {
	t.Parallel()
	rows, err := parse(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name     string
		withTime bool
		want     []string
	}{
		{"with time", true, []string{
			"Hot/slow/pgx-2: 61 allocations, it was 60", "Hot/slow/pgx-2: 600 bytes allocated, it was 480 (25 % more, p=0.000)", "Hot/slow/pgx-2: 12.0 µs, it was 10.0 (20 % more, p=0.000)",
		}},
		{"another processor", false, []string{"Hot/slow/pgx-2: 61 allocations, it was 60", "Hot/slow/pgx-2: 600 bytes allocated, it was 480 (25 % more, p=0.000)"}},
	} {
		var told strings.Builder
		v, err := judge(rows, 10, tc.withTime, &told)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range v.worse {
			got = append(got, r.words())
		}
		if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		if tc.withTime != strings.Contains(told.String(), "better: Hot/fast/pgx-2: 5.0 µs, it was 10.0 (50 % less, p=0.000)") {
			t.Errorf("%s: %s", tc.name, &told)
		}
		for _, want := range []string{"not compared: Hot/new/pgx-2 was measured now only", "not compared: Hot/gone/pgx-2 was measured before only"} {
			if !strings.Contains(told.String(), want) {
				t.Errorf("%s: %s", tc.name, &told)
			}
		}
	}
}

// TestConfirm: what only one of two looks found is chance.
func TestConfirm(t *testing.T) {
	t.Parallel()
	a, b := row{name: "a", unit: "sec/op", was: 1, is: 2}, row{name: "b", unit: "sec/op", was: 1, is: 2}
	for _, tc := range []struct {
		first, second []row
		want          bool
	}{
		{[]row{a}, []row{a, b}, true},
		{[]row{a}, []row{b}, false},
		{[]row{a}, nil, false},
	} {
		if got := (&verdict{tc.second}).confirm(&verdict{tc.first}, io.Discard); got != tc.want {
			t.Errorf("%v, %v: %v", tc.first, tc.second, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "goos: linux\n", ",sec/op,CI,sec/op,CI,vs base,P\nHot/x,a,0%,1,0%,~,p=1 n=1\n", ",sec/op,CI,sec/op,CI,vs base,P\nHot/x,1,0%,1,0%,~,p=x n=1\n"} {
		if rows, err := parse(text); err == nil {
			t.Errorf("%q: %v", text, rows)
		}
	}
}
