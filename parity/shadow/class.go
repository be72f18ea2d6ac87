package shadow

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/parity"
)

// class is operations that differ in their values only: those that begin with the
// same SQL.
type class struct {
	sql       string
	operation string
	read      bool
	sticky    float64      // where KeyClass has it in the sample, 0 to 1
	next      atomic.Int64 // when the floor wants the next one, in Unix nanoseconds

	compared, mismatches atomic.Uint64
}

// name is parity.Report.Class of an operation of one statement.
func (c *class) name() string {
	if c.sql == "" {
		return ""
	}
	return parity.ClassOf(c.sql)
}

// maxClasses bounds the classes that are told apart; further ones are one.
const maxClasses = 2_048

// classes finds them without a lock and without an allocation.
type classes struct {
	known atomic.Pointer[map[uint64]*class]
	mu    sync.Mutex
}

// of is the class of what begins with s; nil is a transaction of which nothing is
// known yet.
func (c *classes) of(s *builder.Statement) *class {
	var key uint64
	if s != nil {
		key = maphash.String(seeds[0], s.SQL)
	}
	if m := c.known.Load(); m != nil {
		if found := (*m)[key]; found != nil {
			return found
		}
	}
	return c.add(key, s)
}

func (c *classes) add(key uint64, s *builder.Statement) *class {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.known.Load()
	m := make(map[uint64]*class)
	if old != nil {
		if len(*old) >= maxClasses {
			key, s = 1, &builder.Statement{Name: "other operations"}
		}
		if found := (*old)[key]; found != nil {
			return found
		}
		maps.Copy(m, *old)
	}
	made := &class{operation: "transaction"}
	if s != nil {
		made = &class{sql: s.SQL, operation: s.Name, read: s.Effect == builder.Read, sticky: place(s.SQL)}
	}
	m[key] = made
	c.known.Store(&m)
	return made
}

// all are the classes so far.
func (c *classes) all() []*class {
	var list []*class
	if m := c.known.Load(); m != nil {
		for _, v := range *m {
			list = append(list, v)
		}
	}
	return list
}

// due says whether the floor of n an hour wants an operation of c now, and takes
// note that it gets it.
func (c *class) due(n int) bool {
	if n <= 0 {
		return false
	}
	now, next := time.Now().UnixNano(), c.next.Load()
	return now >= next && c.next.CompareAndSwap(next, now+int64(time.Hour)/int64(n))
}

// place is where a key stands between 0 and 1, the same in every process.
func place(key string) float64 {
	h := uint64(14695981039346656037) // FNV-1a, then a finish that spreads it
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h ^= h >> 33
	return float64(h>>11) / (1 << 53)
}
