package backendtest_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend/backendtest"
)

// TestCases checks the list itself: enough of it, stable and unique IDs, a reason
// for each, and every area that the suite promises.
func TestCases(t *testing.T) {
	t.Parallel()
	var (
		pattern = regexp.MustCompile(`^[a-z]+/[0-9A-Za-z]+(-[0-9A-Za-z]+)*(/[a-z]+)?$`)
		seen    = map[string]bool{}
		areas   = map[string]int{}
		states  = map[string]bool{}
		n       int
	)
	for c := range backendtest.Cases() {
		n++
		if !pattern.MatchString(c.ID) {
			t.Errorf("case ID %q: want area/words-with-hyphens", c.ID)
		}
		if seen[c.ID] {
			t.Errorf("case ID %q is there twice", c.ID)
		}
		seen[c.ID] = true
		if len(strings.Fields(c.Why)) < 4 {
			t.Errorf("%s: why is %q: want a sentence", c.ID, c.Why)
		}
		if c.Run == nil {
			t.Errorf("%s cannot be run", c.ID)
		}
		areas[c.Area()]++
		if c.Area() == "errors" {
			if state := regexp.MustCompile(`^errors/([0-9A-Z]{5})-`).FindStringSubmatch(c.ID); state != nil {
				states[state[1]] = true
			}
		}
	}
	if n < 120 {
		t.Errorf("%d cases, want at least 120", n)
	}
	if len(states) < 40 {
		t.Errorf("%d SQLSTATEs, want at least 40", len(states))
	}
	for _, area := range []string{"types", "nulls", "args", "params", "errors", "context", "connection", "affected", "tx", "notices", "dsn", "tls", "statements", "results", "divergence", "pooler"} {
		if areas[area] == 0 {
			t.Errorf("no case in area %s", area)
		}
	}
	t.Logf("%d cases, %d SQLSTATEs, %v", n, len(states), areas)
}

// TestDivergencesAreCovered: each of the 30 catalogued silent or destructive
// differences (and 4a, 4b) has a case of its own.
func TestDivergencesAreCovered(t *testing.T) {
	t.Parallel()
	want := []string{"04a", "04b"}
	for i := 1; i <= 30; i++ {
		want = append(want, fmt.Sprintf("%02d", i))
	}
	for c := range backendtest.Cases() {
		if c.Area() != "divergence" {
			continue
		}
		row, _, _ := strings.Cut(strings.TrimPrefix(c.ID, "divergence/"), "-")
		if !slices.Contains(want, row) && len(row) > 0 && !isRow(row) {
			t.Errorf("%s: %q is no row of the catalogue", c.ID, row)
		}
		want = slices.DeleteFunc(want, func(s string) bool { return s == row })
	}
	if len(want) > 0 {
		t.Errorf("rows without a case: %v", want)
	}
}

func isRow(s string) bool { return regexp.MustCompile(`^(0[1-9]|[12][0-9]|30|04[ab])$`).MatchString(s) }
