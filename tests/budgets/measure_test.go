package budgets

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

// cost is what one run of a path allocates.
type cost struct{ allocations, bytes int64 }

func (c cost) String() string { return fmt.Sprintf("%d allocations, %d bytes", c.allocations, c.bytes) }

const tries = 5

// still makes allocations exact: the collector empties pools, and what other
// goroutines do on other processors would be counted too. It is over with the test.
func still(t testing.TB) {
	t.Helper()
	procs, percent := runtime.GOMAXPROCS(1), debug.SetGCPercent(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(procs)
		debug.SetGCPercent(percent)
	})
}

// measure is what f allocates in one run: the least of several tries, since what
// goes on beside it (a pool that ends a connection, a timer) can only add. A try has
// so many runs that what one of them allocates now and then is lost in the rounding.
// As many come before anything is counted: caches, pools and buffers fill.
func measure(runs int64, f func()) cost {
	for range runs {
		f()
	}
	least := cost{math.MaxInt64, math.MaxInt64}
	var before, after runtime.MemStats
	for range tries {
		runtime.ReadMemStats(&before)
		for range runs {
			f()
		}
		runtime.ReadMemStats(&after)
		least.allocations = min(least.allocations, int64(after.Mallocs-before.Mallocs)/runs)
		least.bytes = min(least.bytes, int64(after.TotalAlloc-before.TotalAlloc)/runs)
	}
	return least
}
