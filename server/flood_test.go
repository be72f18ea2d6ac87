package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
)

func TestFlood(t *testing.T) {
	var f flood
	now := time.Unix(1_800_000_000, 0)
	step := func(status int, after time.Duration, ok bool, skipped int64) {
		t.Helper()
		now = now.Add(after)
		attrs, got := f.pass(status, now)
		var n int64
		for _, a := range attrs {
			if a.Key == "alike_not_logged" && a.Value.Kind() == slog.KindInt64 {
				n = a.Value.Int64()
			}
		}
		if got != ok || n != skipped {
			t.Errorf("at %v: %v, %d skipped, want %v, %d", now, got, n, ok, skipped)
		}
	}
	step(http.StatusServiceUnavailable, 0, true, 0)
	step(http.StatusServiceUnavailable, time.Millisecond, false, 0)
	step(http.StatusInternalServerError, 0, true, 0) // not alike
	step(http.StatusServiceUnavailable, floodEvery/2, false, 0)
	step(http.StatusServiceUnavailable, floodEvery, true, 2)
	step(http.StatusServiceUnavailable, floodEvery, true, 0)
}

// TestFloodCountsAll: of many at a time none is lost from the count.
func TestFloodCountsAll(t *testing.T) {
	var f flood
	var passed atomic.Int64
	var all sync.WaitGroup
	now := time.Unix(1_800_000_000, 0)
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if _, ok := f.pass(http.StatusServiceUnavailable, now); ok {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	attrs, ok := f.pass(http.StatusServiceUnavailable, now.Add(floodEvery))
	if !ok || passed.Load() != 1 || len(attrs) != 1 || attrs[0].Value.Int64() != 7999 {
		t.Errorf("%d passed, then %v %v", passed.Load(), attrs, ok)
	}
}

// TestFloodOfLines: both endpoints hold back lines about 503, and only those.
func TestFloodOfLines(t *testing.T) {
	var lines bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&lines, nil))
	count := func(of string) int {
		defer lines.Reset()
		return strings.Count(lines.String(), of)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	g := &graphQL{o: Options{Logger: logger}}
	for range 20 {
		x := newExchange(g, httptest.NewRecorder(), r)
		x.tell(result{status: http.StatusServiceUnavailable, server: true, code: "SERVICE_UNAVAILABLE"}, 0, time.Microsecond)
	}
	if n := count("graphql request failed"); n != 1 {
		t.Errorf("%d lines of 20 requests", n)
	}
	for range 3 {
		x := newExchange(g, httptest.NewRecorder(), r)
		x.tell(result{status: http.StatusInternalServerError, server: true, code: "INTERNAL_ERROR"}, 0, time.Microsecond)
	}
	if n := count("graphql request failed"); n != 3 {
		t.Errorf("%d lines of 3 failures", n)
	}
	h := &definitions{Definitions: exhausted{}, o: DefinitionOptions{Logger: logger}}
	for range 20 {
		h.execute(httptest.NewRecorder(), r, &Identity{}, nil, []byte("{}"))
	}
	if n := count("msg=definitions"); n != 1 {
		t.Errorf("%d lines of 20 definitions", n)
	}
}

// exhausted has no connection left.
type exhausted struct{ Definitions }

func (exhausted) ExecuteJSON(context.Context, []byte, io.Writer, ...executor.ExecOption) error {
	return backend.New("acquire connection", backend.CodeServiceUnavailable, executor.ErrPoolExhausted)
}
