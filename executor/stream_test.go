package executor_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// wide is n rows of 7 columns that the server makes one by one.
func wide(n int) *builder.Plan {
	typ := func(name, typ string) builder.Column {
		oid := map[string]uint32{"int8": 20, "text": 25, "numeric": 1700, "int4": 23, "bool": 16, "timestamptz": 1184, "jsonb": 3802}[typ]
		return builder.Column{Name: name, Type: codec.Builtin().Type(oid)}
	}
	return flatPlan(`select (a * 1000 + b)::int8 as id, 'name ' || b as name, (b * 1.25)::numeric as price, b::int4 as n, b % 2 = 0 as ok,
			timestamptz '2024-01-01 00:00+00' + b * interval '1.000001 s' as at, jsonb_build_object('k', b) as data
		from generate_series(0, $1::int / 1000 - 1) a, generate_series(1, 1000) b`,
		[]builder.Column{
			typ("id", "int8"), typ("name", "text"), typ("price", "numeric"), typ("n", "int4"), typ("ok", "bool"),
			typ("at", "timestamptz"), typ("data", "jsonb"),
		}, strconv.Itoa(n))
}

// A child process streams a million rows; its peak resident memory is what the
// kernel says at its end.
func TestStreamingMemory(t *testing.T) {
	const rows, limit = 1_000_000, 64 << 20
	if dsn := os.Getenv("FRAISEQL_TEST_STREAM"); dsn != "" {
		streamChild(t, dsn, rows)
		return
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Logf("no peak resident memory on this system: only streaming is checked: %v", err)
	}
	dsn := pgtest.DB(t)
	for _, b := range []backend.Backend{modes()[0], modes()[5]} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStreamingMemory$", "-test.v")
		cmd.Env = append(os.Environ(), "FRAISEQL_TEST_STREAM="+dsn, "FRAISEQL_TEST_BACKEND="+b.Name())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", b.Name(), err, out)
		}
		var peak, first, total, bytes int64
		for line := range strings.Lines(string(out)) {
			if _, result, ok := strings.Cut(line, "streamed: "); ok {
				if _, err := fmt.Sscan(result, &peak, &first, &total, &bytes); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Logf("%s: %d rows, %d MB of JSON in %v, first bytes after %v, peak memory %.1f MiB",
			b.Name(), rows, bytes>>20, time.Duration(total), time.Duration(first), float64(peak)/(1<<20))
		if bytes < 100*rows || peak > limit || first > total/2 {
			t.Errorf("%s: %d bytes, peak %d of at most %d, first byte after %d of %d ns", b.Name(), bytes, peak, limit, first, total)
		}
	}
}

func streamChild(t *testing.T, dsn string, rows int) {
	var b backend.Backend
	for _, m := range modes() {
		if m.Name() == os.Getenv("FRAISEQL_TEST_BACKEND") && b == nil {
			b = m
		}
	}
	db := open(t, b, dsn, executor.WithQueryTimeout(-1))
	debug.FreeOSMemory()
	var first time.Duration
	var bytes int64
	began := time.Now()
	w := writerFunc(func(p []byte) (int, error) {
		if bytes == 0 {
			first = time.Since(began)
		}
		bytes += int64(len(p))
		return len(p), nil
	})
	if err := executor.ExecutePlan(t.Context(), db, wide(rows), w); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("streamed: %d %d %d %d\n", peakMemory(), first, time.Since(began), bytes)
}

// peakMemory is the process's largest resident size so far, in bytes; 0 where the
// system does not say.
func peakMemory() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if kb, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}
