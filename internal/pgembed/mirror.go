package pgembed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// mirror stands on the loopback between embedded-postgres and the repository.
// The library downloads through http.DefaultClient: it cannot be cancelled,
// has no time limit and reports no progress. The mirror adds all three.
type mirror struct {
	url      string
	upstream string
	progress io.Writer
	server   *http.Server
	done     chan struct{}

	mu  sync.Mutex
	err error
}

// stallLimit ends a download that receives nothing for so long.
const stallLimit = 30 * time.Second

// startMirror serves upstream until close, or until ctx ends.
func startMirror(ctx context.Context, upstream string, progress io.Writer) (*mirror, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the download: %w", err)
	}
	m := &mirror{url: "http://" + l.Addr().String(), upstream: strings.TrimRight(upstream, "/"), progress: progress, done: make(chan struct{})}
	m.server = &http.Server{
		Handler:           http.HandlerFunc(m.serve),
		ReadHeaderTimeout: stallLimit,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go func() {
		defer close(m.done)
		_ = m.server.Serve(l) // always http.ErrServerClosed, from close
	}()
	return m, nil
}

func (m *mirror) close() {
	_ = m.server.Close() // the download is over; nobody waits for the rest
	<-m.done
	http.DefaultClient.CloseIdleConnections() // the library keeps one to the mirror
}

// failure is the first thing that went wrong with the repository, or nil.
func (m *mirror) failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *mirror) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = err
	}
}

// serve passes one file on.
func (m *mirror) serve(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	stall := time.AfterFunc(stallLimit, func() { cancel(fmt.Errorf("nothing received for %s", stallLimit)) })
	defer stall.Stop()

	source := m.upstream + r.URL.Path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, http.NoBody) //nolint:gosec // see below
	if err != nil {
		m.fail(fmt.Errorf("download %s: %w", source, err))
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // the host is the repository; the library in this process alone asks for paths of it
	if err != nil {
		m.fail(fmt.Errorf("download %s: %w", source, cause(ctx, err)))
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		m.fail(fmt.Errorf("download %s: the repository answers %s", source, resp.Status))
		w.WriteHeader(resp.StatusCode)
		return
	}
	if resp.ContentLength >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	var body io.Reader = &watched{r: resp.Body, read: func(int) { stall.Reset(stallLimit) }}
	if !strings.HasSuffix(source, ".sha256") {
		bar := newBar(m.progress, "downloading PostgreSQL "+string(downloadVersion), resp.ContentLength)
		defer bar.end()
		body = &watched{r: body, read: bar.add}
	}
	if _, err := io.Copy(w, body); err != nil {
		m.fail(fmt.Errorf("download %s: %w", source, cause(ctx, err)))
		panic(http.ErrAbortHandler) // cut the answer, so that nobody takes it for whole
	}
}

// cause prefers the reason why ctx was cancelled to "context canceled", and
// drops the URL that net/http repeats.
func cause(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if c := context.Cause(ctx); c != nil && errors.Is(err, context.Canceled) {
		return c
	}
	return err
}

// watched tells read how many bytes came, on every read.
type watched struct {
	r    io.Reader
	read func(n int)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.read(n)
	return n, err
}

// bar reports the progress of one download.
type bar struct {
	w        io.Writer
	title    string
	total    int64 // -1: unknown
	done     int64
	every    time.Duration
	next     time.Time
	terminal bool
}

func newBar(w io.Writer, title string, total int64) *bar {
	b := &bar{w: w, title: title, total: total, every: 3 * time.Second}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b.terminal, b.every = true, 100*time.Millisecond
	}
	return b
}

func (b *bar) add(n int) {
	b.done += int64(n)
	if now := time.Now(); now.After(b.next) {
		b.next = now.Add(b.every)
		b.print()
	}
}

func (b *bar) end() {
	b.print()
	if b.terminal {
		fmt.Fprintln(b.w)
	}
}

// barWidth is in columns; with title and numbers a line stays under 80.
const barWidth = 30

func (b *bar) print() {
	const mib = 1 << 20
	text := fmt.Sprintf("%s: %.1f MiB", b.title, float64(b.done)/mib)
	if b.total > 0 {
		filled := int(barWidth * b.done / b.total)
		text = fmt.Sprintf("%s [%s%s] %3d%% of %.1f MiB", b.title, strings.Repeat("#", filled),
			strings.Repeat(".", barWidth-filled), 100*b.done/b.total, float64(b.total)/mib)
	}
	if b.terminal {
		fmt.Fprintf(b.w, "\r%s", text)
		return
	}
	fmt.Fprintln(b.w, text)
}
