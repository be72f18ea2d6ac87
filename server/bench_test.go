package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/server"
)

// ready is an Engine that has prepared everything: what a benchmark measures is
// HTTP alone.
type ready struct{ answer []byte }

func (e *ready) Prepare(context.Context, *server.Request) (server.Operation, error) { return e, nil }

func (e *ready) Mutation() bool { return false }
func (e *ready) Name() string   { return "" }

func (e *ready) Execute(_ context.Context, w io.Writer, _ ...executor.ExecOption) error {
	_, err := w.Write(e.answer)
	return err
}

// nowhere is a ResponseWriter that keeps nothing.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(int)             {}
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkHandler is the handler without net/http, with all that is around it.
func BenchmarkHandler(b *testing.B) {
	const body = `{"query":"query User($id: ID!) {\n  user(id: $id) { id name email }\n}","operationName":"User","variables":{"id":"42"}}`
	for _, bc := range []struct {
		name   string
		size   int
		header []string
	}{
		{"small", 120, nil},
		{"small, encoding offered", 120, []string{"Accept-Encoding", "gzip, deflate, br, zstd"}},
		{"4 kB", 4000, nil},
		{"4 kB as gzip", 4000, []string{"Accept-Encoding", "gzip"}},
		{"4 kB as zstd", 4000, []string{"Accept-Encoding", "gzip, zstd"}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			answer := `{"data":{"user":{"id":42,"name":"` + strings.Repeat("Alice ", bc.size/6) + `"}}}`
			h := server.NewGraphQL(&ready{[]byte(answer)}, server.Options{Logger: silent})
			r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("Accept", responseType)
			for i := 0; i < len(bc.header); i += 2 {
				r.Header.Set(bc.header[i], bc.header[i+1])
			}
			r.ContentLength = int64(len(body))
			w := &nowhere{http.Header{}}
			text := strings.NewReader(body)
			r.Body = io.NopCloser(text)
			b.ReportAllocs()
			for b.Loop() {
				text.Reset(body)
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkLoopback is one connection that is kept open, through net/http: the
// handler beside one that writes the same answer and does nothing else.
func BenchmarkLoopback(b *testing.B) {
	answer := []byte(`{"data":{"user":{"id":42,"name":"Alice","email":"alice@example.com"}}}`)
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(err)
		}
		w.Header()["Content-Type"] = []string{jsonType}
		_, _ = w.Write(answer)
	})
	const body = `{"query":"query User($id: ID!) { user(id: $id) { id name email } }","variables":{"id":"42"}}`
	request := []byte(fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: application/graphql-response+json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	for _, bc := range []struct {
		name string
		h    http.Handler
	}{{"bare", bare}, {"graphql", server.NewGraphQL(&ready{answer}, server.Options{Logger: silent})}} {
		b.Run(bc.name, func(b *testing.B) {
			s := serve(b, bc.h)
			c, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", s.Listener.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			buf := make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(request); err != nil {
					b.Fatal(err)
				}
				for n := 0; !bytes.HasSuffix(buf[:n], []byte("}}}")); {
					m, err := c.Read(buf[n:])
					if err != nil {
						b.Fatal(err)
					}
					n += m
				}
			}
		})
	}
}
