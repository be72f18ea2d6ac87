package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/executor"
)

const (
	// holdBytes of an answer are held back until more comes: one that ends before
	// is sent in one piece, with its length, and may still become an error.
	holdBytes = 16 << 10
	// sizedBytes is what net/http measures by itself.
	sizedBytes = 2 << 10
	// flushEvery bounds how often a stream is flushed: the first time at once, then
	// with the first chunk after this time. The tail of a chunk that came sooner
	// leaves with the next one.
	flushEvery = 10 * time.Millisecond
	// keepBytes bounds the buffers that are kept for later requests.
	keepBytes = 64 << 10
)

// exchange is one HTTP request and its answer. It is the writer that the engine
// writes to, and belongs to one goroutine at a time.
type exchange struct {
	g     *graphQL
	w     http.ResponseWriter
	r     *http.Request
	began time.Time
	media media

	identity Identity
	body     []byte
	list     []params
	cause    error // of a refusal, for the log

	token   func() string // of the session, for the head; nil: there is none
	whole   bool          // nothing is sent before the end: the head tells of all
	held    []byte        // of an answer that is not sent yet
	scratch []byte
	status  int   // of the answer; 0 is 200
	sent    bool  // the header has left, and what follows goes straight on
	total   int64 // bytes of the answer
	err     error // of the connection
	flushed time.Time
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func newExchange(g *graphQL, w http.ResponseWriter, r *http.Request) *exchange {
	x := exchanges.Get().(*exchange) //nolint:forcetypeassert // nothing else is in it
	x.g, x.w, x.r, x.began = g, w, r, time.Now()
	return x
}

// free gives x back without anything of the request.
func (x *exchange) free() {
	if cap(x.body) > keepBytes {
		x.body = nil
	}
	if cap(x.scratch) > keepBytes {
		x.scratch = nil
	}
	if cap(x.held) > keepBytes {
		x.held = nil
	}
	clear(x.list[:cap(x.list)])
	*x = exchange{body: x.body[:0], held: x.held[:0], scratch: x.scratch[:0], list: x.list[:0]}
	exchanges.Put(x)
}

// readBody reads the body whole, so that a connection of the database is asked
// for only after the client has said everything, and the server can notice that
// it went away.
func (x *exchange) readBody() *refusal {
	limit := x.g.o.MaxBody
	if x.r.ContentLength > limit {
		return errTooLarge
	}
	buf := bytes.NewBuffer(x.body[:0])
	if n := x.r.ContentLength; n > 0 { // a length is a claim: memory for more comes with the bytes
		buf.Grow(int(min(n, keepBytes)) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(innermost(x.w), x.r.Body, limit))
	x.body = buf.Bytes()
	if err == nil {
		return nil
	}
	x.cause = err
	_, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case large:
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	}
	return errCut
}

// Write takes a part of the answer.
func (x *exchange) Write(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	x.total += int64(len(p))
	if !x.sent {
		if x.whole || len(x.held)+len(p) <= holdBytes {
			x.held = append(x.held, p...)
			return len(p), nil
		}
		x.send()
	}
	n, err := x.w.Write(p)
	if err == nil && time.Since(x.flushed) >= flushEvery {
		if err = http.NewResponseController(x.w).Flush(); errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
		x.flushed = time.Now()
	}
	x.err = err
	return n, err
}

// write is Write where the error is looked at later.
func (x *exchange) write(p []byte) { _, _ = x.Write(p) }

// send sends the header and what is held.
func (x *exchange) send() {
	x.sent = true
	h := x.w.Header()
	h["Content-Type"] = contentTypes[x.media]
	h["X-Content-Type-Options"] = noSniff
	if x.token != nil {
		x.g.o.Sessions.tell(h, x.r, x.token())
	}
	if x.status != 0 && x.status != http.StatusOK {
		x.w.WriteHeader(x.status)
	}
	if len(x.held) > 0 {
		_, x.err = x.w.Write(x.held)
	}
}

// finish sends what is still here. The answer is whole then.
func (x *exchange) finish() {
	if x.sent {
		return
	}
	if n := len(x.held); n > sizedBytes && x.status != http.StatusNotModified {
		x.w.Header()["Content-Length"] = []string{strconv.Itoa(n)}
	}
	x.send()
}

// single answers a request that is alone.
func (x *exchange) single(p *params) {
	res := x.run(p)
	x.status = res.status
	if x.r.Method == http.MethodGet && res.code == "" && !x.sent {
		x.cache()
	}
	x.finish()
	x.tell(res, x.total, time.Since(x.began))
}

// batch answers a list of requests one after the other. Its status is 200 what
// ever becomes of them (GraphQL over HTTP, appendix Request Batching).
func (x *exchange) batch(list []params) {
	x.list = list
	x.whole = x.token != nil // the last one may write
	for i := range list {
		began, before := time.Now(), x.total
		separator := ","
		if i == 0 {
			separator = "["
		}
		x.write([]byte(separator))
		res := x.run(&list[i])
		if gone := x.r.Context().Err(); x.err != nil || errors.Is(gone, context.Canceled) {
			res.err = errors.Join(res.err, x.err, gone)
			x.abort(res) // nobody waits for the rest
		}
		x.tell(res, x.total-before, time.Since(began))
	}
	x.write([]byte("]"))
	x.finish()
}

// refuse answers with refused, before there was a GraphQL request.
func (x *exchange) refuse(refused *refusal) {
	res := x.failed(refused)
	res.server = refused.status >= http.StatusInternalServerError
	if x.cause != nil {
		res.err = x.cause
	}
	x.status = res.status
	x.finish()
	x.tell(res, x.total, time.Since(x.began))
}

// abort breaks the connection off, so that what has left can't be taken for the
// whole. It does not return.
func (x *exchange) abort(res result) {
	x.tell(res, x.total, time.Since(x.began))
	panic(http.ErrAbortHandler)
}

// tell tells the observer and the log.
func (x *exchange) tell(res result, total int64, took time.Duration) {
	status := res.status
	if status == 0 {
		status = http.StatusOK
	}
	o := &x.g.o
	outcome := Outcome{Name: res.name, Method: x.r.Method, Kind: res.kind, Code: res.code, Status: status, Duration: took, Bytes: total}
	o.Metrics.Observe(outcome)
	if o.Observe != nil {
		o.Observe(x.r.Context(), outcome)
	}
	level, text := slog.LevelInfo, "graphql request failed"
	switch {
	case res.server:
		level = slog.LevelError
	case res.code == "" && !o.LogRequests:
		return
	case res.code == "":
		text = "graphql request"
	}
	ctx := x.r.Context()
	if !o.Logger.Enabled(ctx, level) {
		return
	}
	left, ok := x.g.flood.pass(status, x.began.Add(took))
	if !ok {
		return
	}
	attrs := append(make([]slog.Attr, 0, 10), left...)
	attrs = append(attrs, slog.String("request_id", RequestID(ctx)), slog.String("method", x.r.Method), slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", total))
	for _, a := range [...]slog.Attr{slog.String("kind", res.kind), slog.String("subject", x.identity.Subject), slog.String("code", res.code)} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if res.err != nil {
		attrs = append(attrs, slog.String("error", executor.LogText(res.err)))
	}
	o.Logger.LogAttrs(ctx, level, text, slices.Clip(attrs)...)
}
