package server_test

import (
	"context"
	"io"
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
