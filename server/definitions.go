package server

import (
	"bytes"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// DefinitionOptions bound what a request may ask for. A zero member stands for
// its default.
type DefinitionOptions struct {
	// Authenticator finds out who asks. nil: everybody is anonymous, without
	// settings of the transaction.
	Authenticator Authenticator
	// MaxBody bounds a request, in bytes. Default 1 MiB.
	MaxBody int64
	// MaxDefinitions bounds the definitions of a list or a transaction. Default 100.
	MaxDefinitions int
	// MaxRows refuses an answer of more rows, nested ones included. 0: no bound.
	MaxRows int64
	// AllowSession lets the "session" of a transaction through. Row-level security
	// that reads a variable which the Identity does not set would believe the client
	// then, so the default is to refuse it.
	AllowSession bool
	// RateLimit bounds the requests of each client; it may be that of Options. nil:
	// there is no bound.
	RateLimit *RateLimiter
	// Sessions let a client read what it has written; they may be those of Options.
	// nil: there are none.
	Sessions *Sessions
	// Metrics count the requests. nil: nothing is counted.
	Metrics *Metrics
	// Logger is told why requests fail. Default: slog.Default().
	Logger *slog.Logger
}

// NewDefinitions answers POST requests with JSON definitions: one, a list, or
// {"transaction":[…]}, as `fraiseql exec` does.
//
//	200  {"data":…,"errors":null}; for a list [{…},…], errors in their places
//	4xx, 5xx  {"data":null,"errors":[{"message":…,"extensions":{"code":…}}]}
//
// The status is that of the code (backend.Code.HTTPStatus). An answer streams; one
// that fails after its first bytes have left is cut off, so that no client takes
// it for whole: the chunked body has no end, the HTTP/2 stream is reset.
func NewDefinitions(d Definitions, o DefinitionOptions) http.Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = 1 << 20
	}
	if o.MaxDefinitions <= 0 {
		o.MaxDefinitions = 100
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &definitions{Definitions: d, o: o}
}

type definitions struct {
	Definitions

	o     DefinitionOptions
	flood flood
}

func (h *definitions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := checkDefinitions(r); f != nil {
		f.write(w)
		return
	}
	var identity Identity
	var err error
	if h.o.Authenticator != nil {
		identity, err = h.o.Authenticator.Authenticate(r)
	}
	if wait := h.o.RateLimit.Allow(r, &identity, 1); wait > 0 { // tokens that are guessed count for the address
		w.Header().Set("Retry-After", retryAfter(wait))
		failRate.write(w)
		return
	}
	if err != nil {
		h.o.Logger.InfoContext(r.Context(), "who asks is not known", "error", err)
		unauthenticated(r, err).write(w)
		return
	}
	var token func() string
	if h.o.Sessions != nil {
		if r, token, err = h.o.Sessions.open(r); err != nil {
			failToken.write(w)
			return
		}
	}
	body := bodies.Get().(*bytes.Buffer) //nolint:forcetypeassert // nothing else is in it
	defer freeBody(body)
	if f := readBody(w, r, body, h.o.MaxBody); f != nil {
		f.write(w)
		return
	}
	request := withoutMark(body.Bytes())
	if f := h.refused(request); f != nil {
		f.write(w)
		return
	}
	h.execute(w, r, &identity, token, request)
}

// execute answers a request whose frame is in order. token is that of the session, nil
// where there is none.
func (h *definitions) execute(w http.ResponseWriter, r *http.Request, identity *Identity, token func() string, request []byte) {
	var options []executor.ExecOption
	if len(identity.Session) > 0 {
		options = append(options, executor.WithSession(identity.Session))
	}
	if h.o.MaxRows > 0 {
		options = append(options, executor.WithMaxRows(h.o.MaxRows))
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	out := answer{w: w}
	if token != nil { // what writes is held back until all is written: see executor.ExecuteRequest
		out.first = func() { h.o.Sessions.tell(header, r, token()) }
	}
	err := h.ExecuteJSON(r.Context(), request, &out, options...)
	code := executor.CodeOf(err)
	h.o.Metrics.Definitions(code)
	if err != nil {
		level := slog.LevelInfo
		if code.HTTPStatus() >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		if left, ok := h.flood.pass(code.HTTPStatus(), time.Now()); ok {
			h.o.Logger.LogAttrs(r.Context(), level, "definitions",
				append(left, slog.String("code", code.String()), slog.String("subject", identity.Subject), slog.String("error", executor.LogText(err)))...)
		}
	}
	if executor.Partial(err) {
		panic(http.ErrAbortHandler)
	}
	if out.held == nil && (out.begun || err == nil) {
		return
	}
	if out.held == nil {
		out.held = executor.AppendError(nil, err)
	}
	status := code.HTTPStatus()
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "1")
	}
	out.head()
	w.WriteHeader(status)
	_, _ = w.Write(out.held) // an error: the client has gone
}

// answer sends what the executor writes. The answer of a request that failed as a
// whole is held back until its status is known.
type answer struct {
	w     http.ResponseWriter
	first func() // completes the head; nil: it is complete
	begun bool
	held  []byte
}

// head completes the head, before it leaves.
func (a *answer) head() {
	if a.first != nil {
		a.first()
		a.first = nil
	}
}

// flushBytes is the length from which on a write is a chunk of a stream: it goes
// out at once. Shorter ones wait for the end, which comes soon.
const flushBytes = 32 << 10

// failed is how executor.AppendError begins. An answer with data has a null there
// at the most when "errors":null follows.
var failed = []byte(`{"data":null,"errors":[`)

// Write implements io.Writer.
func (a *answer) Write(p []byte) (int, error) {
	if a.held != nil || !a.begun && bytes.HasPrefix(p, failed) {
		a.held = append(a.held, p...)
		return len(p), nil
	}
	a.begun = true
	a.head()
	n, err := a.w.Write(p)
	if err == nil && len(p) >= flushBytes {
		err = http.NewResponseController(a.w).Flush()
		if errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
	}
	return n, err
}

// checkDefinitions looks at the head of a request.
func checkDefinitions(r *http.Request) *failure {
	if r.Method != http.MethodPost {
		return failMethod
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset, ok := params["charset"]; err != nil || kind != "application/json" || ok && !strings.EqualFold(charset, "utf-8") {
		return failMediaType
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return failEncoding
	}
	return nil
}

// bodies are kept for later requests.
var bodies = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 4<<10)) }}

func freeBody(b *bytes.Buffer) {
	if b.Cap() <= 64<<10 {
		b.Reset()
		bodies.Put(b)
	}
}

// readBody reads a request of at most limit bytes. Memory grows as bytes come,
// whatever length the client has announced.
func readBody(w http.ResponseWriter, r *http.Request, body *bytes.Buffer, limit int64) *failure {
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // rather than to read what is refused
		return failTooLarge(limit)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return failTooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return failSlow
	}
	return failBody
}

// refused bounds the number of definitions and looks for session variables.
// Most requests are cleared by a look at their bytes: each definition has a brace
// of its own, and a key is written as it is unless there is an escape.
func (h *definitions) refused(request []byte) *failure {
	many := bytes.Count(request, []byte("{")) > h.o.MaxDefinitions
	session := !h.o.AllowSession && (bytes.Contains(request, []byte(`"session"`)) || bytes.Contains(request, []byte(`\u`)))
	if !many && !session {
		return nil
	}
	parsed, err := builder.Parse(request)
	switch {
	case err != nil: // ExecuteJSON says it
		return nil
	case len(parsed.Definitions) > h.o.MaxDefinitions:
		return &failure{
			status: backend.CodeLimit.HTTPStatus(), code: backend.CodeLimit.String(),
			message: "a request has at most " + strconv.Itoa(h.o.MaxDefinitions) + " definitions",
		}
	case len(parsed.Session) > 0 && !h.o.AllowSession:
		return failSession
	}
	return nil
}
