package graphql_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const (
	streamRows = 200_000
	streamText = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// streamSetup: many rows, many of which the last one fails, and rows that take
// their time.
const streamSetup = `
CREATE VIEW numbers AS SELECT g AS id, '` + streamText + `' || g AS text FROM generate_series(1, 200000) g;
CREATE VIEW failings AS SELECT g AS id, 1 / (200000 - g) AS one, '` + streamText + `' AS text FROM generate_series(1, 200000) g;
CREATE VIEW slows AS SELECT g AS id, pg_sleep(0.01)::text AS nothing FROM generate_series(1, 100000) g;`

// meter hashes what is written and looks at the memory meanwhile.
type meter struct {
	hash  hash.Hash
	bytes int
	first int // bytes of the first write
	heap  uint64
}

func (m *meter) Write(p []byte) (int, error) {
	if m.bytes == 0 {
		m.first = len(p)
	}
	if m.bytes>>22 != (m.bytes+len(p))>>22 { // every 4 MiB
		m.heap = max(m.heap, heap())
	}
	m.bytes += len(p)
	return m.hash.Write(p)
}

func heap() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// TestStream reads more rows than memory should hold: they come as they arrive, in
// a bounded heap, and are the bytes that they have to be. It is not parallel: the
// heap is the process's.
func TestStream(t *testing.T) {
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, streamSetup)
	want := sha256.New()
	_, _ = io.WriteString(want, `{"data":{"numbers":[`)
	for i := 1; i <= streamRows; i++ {
		if i > 1 {
			_, _ = io.WriteString(want, ",")
		}
		fmt.Fprintf(want, `{"id":%d,"text":"%s%d"}`, i, streamText, i)
	}
	_, _ = io.WriteString(want, `]}}`)
	for _, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		t.Run(f.backend, func(t *testing.T) {
			op, err := f.engine.Prepare(t.Context(), &graphql.Request{Query: `{ numbers { id text } }`})
			if err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			m, before := &meter{hash: sha256.New()}, heap()
			if err := op.Execute(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got := m.hash.Sum(nil); !bytes.Equal(got, want.Sum(nil)) {
				t.Errorf("%d bytes are not what they should be", m.bytes)
			}
			if m.first > 1<<20 {
				t.Errorf("the first %d bytes came at once", m.first)
			}
			const most = 24 << 20
			if m.heap > before+most {
				t.Errorf("the heap grew from %d to %d MiB while %d MiB passed", before>>20, m.heap>>20, m.bytes>>20)
			}
		})
	}
}

// TestLateError fails at the last row: the answer is cut, and says so.
func TestLateError(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, streamSetup)
	for _, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		for _, query := range []string{
			`{ failings { id one text } }`,
			`{ a: failings { id one text } b: numbers(limit: 1) { id } }`,
			`{ b: numbers(limit: 1) { id } a: failings { id one text } }`,
		} {
			op, err := f.engine.Prepare(t.Context(), &graphql.Request{Query: query})
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			err = op.Execute(t.Context(), &b)
			if !executor.Partial(err) || b.Len() < 1<<20 {
				t.Errorf("%s: %s: %v after %d bytes", f.backend, query, err, b.Len())
			}
			if tail := b.String()[max(0, b.Len()-100):]; strings.Contains(tail, "errors") || strings.HasSuffix(tail, "}}") {
				t.Errorf("%s: a cut answer ends like a whole one: %s", f.backend, tail)
			}
			// The connection is still good.
			if got := f.answer(t, `{ numbers(limit: 1) { id } }`); got != `{"data":{"numbers":[{"id":1}]}}` {
				t.Errorf("%s: afterwards: %s", f.backend, got)
			}
		}
		// Where nothing was written yet the field is null, and an error tells.
		if got := f.answer(t, `{ failings(filter: {id: {gte: 199999}}, orderBy: {id: ASC}) { id one } }`); got != `{"data":{"failings":null},"errors":[{"message":"a division by zero","locations":[{"line":1,"column":3}],"path":["failings"],"extensions":{"code":"BAD_USER_INPUT"}}]}` {
			t.Errorf("%s: an early error: %s", f.backend, got)
		}
	}
}

// TestCancel goes away while a statement runs: the server stops it at once. It takes
// a few milliseconds; the bound is for busy machines, and the best of several counts.
func TestCancel(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, streamSetup)
	look := pgtest.Open(t, dsn)
	running := func() bool {
		var n int
		if err := look.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%slows%'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	for _, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		best := time.Hour
		for range 5 {
			op, err := f.engine.Prepare(t.Context(), &graphql.Request{Query: `{ a: slows { id nothing } b: slows(limit: 900) { id nothing } }`})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- op.Execute(ctx, io.Discard) }()
			for until := time.Now().Add(5 * time.Second); !running() && time.Now().Before(until); { // seen, or gone by too fast
				runtime.Gosched()
			}
			start := time.Now()
			cancel()
			for running() && time.Since(start) < 10*time.Second {
				runtime.Gosched()
			}
			best = min(best, time.Since(start))
			if err := <-done; err == nil {
				t.Errorf("%s: a canceled answer is whole", f.backend)
			}
			if best < cancelBound {
				break
			}
		}
		if best > cancelBound {
			t.Errorf("%s: the statement went on for %v", f.backend, best)
		}
	}
}

// cancelBound is what a statement may go on for; without a cancel it is minutes.
const cancelBound = time.Second

// hungUp takes some bytes and then no more.
type hungUp struct{ left int }

var errHungUp = errors.New("the client has hung up")

func (h *hungUp) Write(p []byte) (int, error) {
	if h.left -= len(p); h.left < 0 {
		return 0, errHungUp
	}
	return len(p), nil
}

// TestHungUp writes to a client that is gone: in the middle, before anything, and
// while an error is told.
func TestHungUp(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, streamSetup)
	for _, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		for _, left := range []int{0, 10, 1 << 20} {
			for _, query := range []string{`{ numbers { id text } }`, `{ failings(filter: {id: {gte: 199999}}) { id one } }`, `{ __typename }`} {
				op, err := f.engine.Prepare(t.Context(), &graphql.Request{Query: query})
				if err != nil {
					t.Fatal(err)
				}
				err = op.Execute(t.Context(), &hungUp{left})
				if want := left < 1<<20 || strings.Contains(query, "numbers"); want && !errors.Is(err, errHungUp) {
					t.Errorf("%s: %s after %d bytes: %v", f.backend, query, left, err)
				}
			}
			if got := f.answer(t, `{ numbers(limit: 1) { id } }`); got != `{"data":{"numbers":[{"id":1}]}}` {
				t.Errorf("%s: afterwards: %s", f.backend, got)
			}
		}
	}
}
