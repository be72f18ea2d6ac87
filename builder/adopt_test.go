package builder

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/Masterminds/squirrel"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

type myInt int

func TestAdopt(t *testing.T) {
	t.Parallel()
	got, err := From("odd", Read, squirrel.Select("a").From("t").Where("b ?? ? AND c = ?", "k", 7))
	if err != nil {
		t.Fatal(err)
	}
	want := Statement{Name: "odd", SQL: "SELECT a FROM t WHERE b ? $1 AND c = $2", Args: []any{"k", "7"}, Effect: Read}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Statement{})); diff != "" {
		t.Error(diff)
	}
	bytes := []byte{1}
	got, err = Raw("raw", Write, "SELECT $1, '?'", nil, "x", bytes, []byte(nil), []byte{}, true, int8(-1), uint64(math.MaxUint64), float32(0.1), 1e300, math.Inf(-1))
	if err != nil {
		t.Fatal(err)
	}
	bytes[0] = 2 // the statement keeps its own copy
	want = Statement{Name: "raw", SQL: "SELECT $1, '?'", Args: []any{
		nil, "x", []byte{1}, nil, []byte{}, "true", "-1", "18446744073709551615", "0.1", "1e+300", "-Inf",
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Statement{})); diff != "" {
		t.Error(diff)
	}
}

func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	for name, adopt := range map[string]func() error{
		"Go type time.Time": func() error { _, err := Raw("x", Read, "SELECT $1", time.Time{}); return err },
		"myInt":             func() error { _, err := Raw("x", Read, "SELECT $1", myInt(1)); return err },
		"argument 2":        func() error { _, err := Raw("x", Read, "SELECT $1", 1, []int{1}); return err },
		"no statement":      func() error { _, err := Raw("x", Read, ""); return err },
		"65535":             func() error { _, err := Raw("x", Read, "SELECT 1", make([]any, 65536)...); return err },
		"adopt x: no stat":  func() error { _, err := From("x", Read, nil); return err },
		"map":               func() error { _, err := From("x", Read, squirrel.Expr("?", map[string]int{})); return err },
		"at least one":      func() error { _, err := From("x", Read, squirrel.Select()); return err },
		"placeholders":      func() error { _, err := From("x", Read, squirrel.Expr("? ?", "a")); return err },
	} {
		if err := adopt(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}
