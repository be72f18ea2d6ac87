package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/server"
)

// request makes a POST of {hello} that asks for an encoding, "" for none.
func request(t testing.TB, base, encoding string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base, strings.NewReader(`{"query":"{hello}"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Accept", responseType)
	if encoding == "" {
		encoding = "identity"
	}
	r.Header.Set("Accept-Encoding", encoding)
	return r
}

// decoded reads a body through its Content-Encoding.
func decoded(t testing.TB, res *http.Response) io.Reader {
	t.Helper()
	switch res.Header.Get("Content-Encoding") {
	case "":
		return res.Body
	case "gzip":
		z, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return z
	case "zstd":
		z, err := zstd.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(z.Close)
		return z
	}
	t.Fatalf("Content-Encoding is %q", res.Header.Get("Content-Encoding"))
	return nil
}

// cutError is an error of which executor.Partial is true, as the executor makes
// it: here because a writer failed.
func cutError(t testing.TB) error {
	t.Helper()
	schema, err := builder.NewSchema(&catalog.Catalog{}, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, gone := io.Pipe()
	_ = r.Close()
	request := builder.Request{List: true, Definitions: []builder.Definition{{Table: "nothing"}}}
	err = executor.ExecuteRequest(context.Background(), nil, schema, request, gone)
	if !executor.Partial(err) {
		t.Fatalf("%v is not partial", err)
	}
	return err
}

// chunk is 32 KiB that hardly compress away.
func chunk(i int) string {
	var b strings.Builder
	for n := 0; b.Len() < 32<<10; n++ {
		fmt.Fprintf(&b, `{"id":%d,"h":"%x"},`, i, (n+i)*2654435761)
	}
	return b.String()
}

var encodings = []string{"", "gzip", "zstd"}

// TestStreams: what the engine wrote is with the client before the engine goes on.
func TestStreams(t *testing.T) {
	t.Parallel()
	for _, encoding := range encodings {
		t.Run("as "+encoding, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			read := make(chan struct{})
			m.script = func(ctx context.Context, _ string, w io.Writer) error {
				if _, err := io.WriteString(w, `{"data":[`+chunk(0)); err != nil {
					return err
				}
				select {
				case <-read:
				case <-ctx.Done():
					return ctx.Err()
				}
				_, err := io.WriteString(w, chunk(1)+`{}]}`)
				return err
			}
			s := serve(t, server.NewGraphQL(m, server.Options{Logger: silent}))
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			res, err := s.Client().Do(request(t, s.URL, encoding).WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if got := res.Header.Get("Content-Encoding"); got != encoding {
				t.Errorf("Content-Encoding is %q", got)
			}
			body := decoded(t, res)
			first := make([]byte, 16<<10)
			if _, err := io.ReadFull(body, first); err != nil {
				t.Fatal(err)
			}
			close(read)
			rest, err := io.ReadAll(body)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(first)+string(rest), `{"data":[`+chunk(0)+chunk(1)+`{}]}`; got != want {
				t.Errorf("%d bytes arrived, not the %d that were sent", len(got), len(want))
			}
		})
	}
}

// TestCutAnswers: an answer that could not be finished can't be read as a whole
// one, whatever it was packed in, and the connection is not used again.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	for _, encoding := range encodings {
		for _, large := range []bool{false, true} {
			for _, panics := range []bool{false, true} {
				t.Run(fmt.Sprintf("as %s, streaming %t, panic %t", encoding, large, panics), func(t *testing.T) {
					t.Parallel()
					m, cut := newMemory(), cutError(t)
					m.script = func(_ context.Context, _ string, w io.Writer) error {
						n := 1
						if large {
							n = 20
						}
						_, _ = io.WriteString(w, `{"data":[`)
						for i := range n {
							_, _ = io.WriteString(w, chunk(i))
						}
						if panics {
							panic("half-way")
						}
						return cut
					}
					s := serve(t, server.NewGraphQL(m, server.Options{Logger: silent}))
					s.Config.ErrorLog = nil
					res, err := s.Client().Do(request(t, s.URL, encoding))
					if err != nil {
						return // cut before anything left: nobody takes that for an answer
					}
					defer res.Body.Close()
					raw, err := io.ReadAll(res.Body)
					if err == nil {
						t.Errorf("the body of %d bytes ended well", len(raw))
					}
					// What did arrive has no end of its own either.
					res.Body = io.NopCloser(bytes.NewReader(raw))
					if len(raw) > 0 {
						if _, err := io.ReadAll(decoded(t, res)); err == nil && encoding != "" {
							t.Error("the compressed stream is complete")
						}
					}
				})
			}
		}
	}
}

// TestCutStreamsHaveNoTrailer looks at what the compressor wrote, where net/http
// does not keep the last of it back by chance.
func TestCutStreamsHaveNoTrailer(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"gzip", "zstd"} {
		h := server.MiddlewareCompress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", jsonType)
			_, _ = io.WriteString(w, chunk(0))
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, chunk(1))
			panic(http.ErrAbortHandler)
		}))
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("as %s: the panic became %v", encoding, v)
				}
			}()
			h.ServeHTTP(w, request(t, "http://x/", encoding))
		}()
		got, err := io.ReadAll(decoded(t, w.Result()))
		if err == nil || len(got) < 32<<10 {
			t.Errorf("as %s: %d bytes can be read, and then %v", encoding, len(got), err)
		}
	}
}

// TestCutAnswersOfHTTP2: a stream is reset there, not ended.
func TestCutAnswersOfHTTP2(t *testing.T) {
	t.Parallel()
	for _, encoding := range encodings {
		m, cut := newMemory(), cutError(t)
		m.script = func(_ context.Context, _ string, w io.Writer) error {
			for i := range 5 {
				_, _ = io.WriteString(w, chunk(i))
			}
			return cut
		}
		s := httptest.NewUnstartedServer(server.NewGraphQL(m, server.Options{Logger: silent}))
		s.EnableHTTP2 = true
		s.StartTLS()
		t.Cleanup(s.Close)
		res, err := s.Client().Do(request(t, s.URL, encoding))
		if err != nil {
			continue // nothing arrived
		}
		if res.ProtoMajor != 2 {
			t.Errorf("the protocol is %s", res.Proto)
		}
		raw, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err == nil {
			t.Errorf("as %q: the body of %d bytes ended well", encoding, len(raw))
		}
	}
}

// TestSlowBodyOfARequest: the time is the server's to bound; what it cut off is answered.
func TestSlowBodyOfARequest(t *testing.T) {
	t.Parallel()
	m := newMemory()
	s := httptest.NewUnstartedServer(server.NewGraphQL(m, server.Options{Logger: silent}))
	s.Config.ReadTimeout = 50 * time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	body, never := io.Pipe()
	t.Cleanup(func() { _ = never.Close() })
	r := request(t, s.URL, "")
	r.Body, r.ContentLength = body, 100
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d", res.StatusCode)
	}
}

// TestFailures: an error before anything was written is an answer of its own.
func TestFailures(t *testing.T) {
	t.Parallel()
	const partial = `{"data":{"hello":null},"errors":[{"message":"x","extensions":{"code":"TIMEOUT"}}]}`
	for _, tc := range []struct {
		name    string
		err     error
		write   string
		options server.Options
		modern  string
		legacy  string
		retry   string
	}{
		{name: "the database is away", err: backend.New("dial", backend.CodeServiceUnavailable, errors.New("10.0.0.7 refused")), modern: "503 SERVICE_UNAVAILABLE", legacy: "200 SERVICE_UNAVAILABLE", retry: "1"},
		{name: "a timeout", err: backend.New("read", backend.CodeTimeout, errors.New("select 1")), modern: "504 TIMEOUT", legacy: "200 TIMEOUT"},
		{name: "an error that nobody knows", err: errors.New("select * from secrets"), modern: "500 INTERNAL_ERROR", legacy: "200 INTERNAL_ERROR"},
		{name: "a field failed", err: backend.New("read", backend.CodeTimeout, errors.New("select 1")), write: partial, modern: "200 TIMEOUT", legacy: "200 TIMEOUT"},
		{name: "a field failed, told by the status", err: backend.New("read", backend.CodeTimeout, errors.New("select 1")), write: partial, options: server.Options{PartialSuccess: true}, modern: "294 TIMEOUT", legacy: "200 TIMEOUT"},
	} {
		m := newMemory()
		m.script = func(_ context.Context, _ string, w io.Writer) error {
			_, _ = io.WriteString(w, tc.write)
			return tc.err
		}
		tc.options.Logger = silent
		h := server.NewGraphQL(m, tc.options)
		w := post(h, `{"query":"{hello}"}`)
		if got := outcome(t, w); got != tc.modern {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.modern)
		}
		if tc.write == "" && strings.Contains(w.Body.String(), `"data"`) {
			t.Errorf("%s: a request error has data: %s", tc.name, w.Body)
		}
		for _, secret := range []string{"select", "10.0.0.7"} {
			if strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s: %s", tc.name, w.Body)
			}
		}
		if diff := cmp.Diff(tc.retry, w.Header().Get("Retry-After")); diff != "" {
			t.Errorf("%s: Retry-After (-want +got):\n%s", tc.name, diff)
		}
		w = ask(h, "POST", "/", `{"query":"{hello}"}`, "Content-Type", jsonType)
		if got := outcome(t, w); got != tc.legacy {
			t.Errorf("%s, for an old client: got %s, want %s", tc.name, got, tc.legacy)
		}
	}
}

// TestClientGoesAway: the engine's context ends, in a stream and before.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	for _, large := range []bool{false, true} {
		m, cut := newMemory(), cutError(t)
		started, ended := make(chan struct{}), make(chan error, 1)
		m.script = func(ctx context.Context, _ string, w io.Writer) error {
			if large {
				_, _ = io.WriteString(w, chunk(0))
			}
			close(started)
			<-ctx.Done()
			ended <- ctx.Err()
			return cut
		}
		s := serve(t, server.NewGraphQL(m, server.Options{Logger: silent}))
		ctx, leave := context.WithCancel(t.Context())
		go func() {
			<-started
			leave()
		}()
		res, err := s.Client().Do(request(t, s.URL, "").WithContext(ctx))
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if err == nil {
			t.Error("the client got a whole answer")
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the engine's context ended with %v", err)
		}
	}
}

// TestLengths: small answers have a length and are not compressed.
func TestLengths(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		size    int
		accept  string
		length  bool
		encoded string
	}{
		{100, "gzip, zstd", true, ""},
		{1000, "gzip, zstd", true, ""},
		{1500, "gzip", false, "gzip"},
		{1500, "gzip, zstd", false, "gzip"},
		{1500, "gzip;q=0.9, zstd", false, "zstd"},
		{1500, "zstd;q=0.5, gzip", false, "gzip"},
		{1500, "gzip;q=0, zstd;q=0.1", false, "zstd"},
		{1500, "gzip;q=0", true, ""},
		{1500, "br", true, ""},
		{1500, "", true, ""},
		{15_000, "", true, ""},
		{17_000, "", false, ""},
		{200_000, "gzip", false, "gzip"},
	} {
		m := newMemory()
		want := `{"data":"` + strings.Repeat("x", tc.size-11) + `"}`
		m.script = func(_ context.Context, _ string, w io.Writer) error {
			_, err := io.WriteString(w, want)
			return err
		}
		s := serve(t, server.NewGraphQL(m, server.Options{}))
		res, err := s.Client().Do(request(t, s.URL, tc.accept))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(decoded(t, res))
		_ = res.Body.Close()
		if err != nil || string(got) != want {
			t.Errorf("%d bytes as %q: %d bytes came, %v", tc.size, tc.accept, len(got), err)
		}
		if tc.encoded != res.Header.Get("Content-Encoding") || tc.length != (res.ContentLength >= 0) && tc.encoded == "" {
			t.Errorf("%d bytes as %q: encoded %q, length %d", tc.size, tc.accept, res.Header.Get("Content-Encoding"), res.ContentLength)
		}
		if vary := strings.Join(res.Header.Values("Vary"), ", "); !strings.Contains(vary, "Accept-Encoding") || !strings.HasSuffix(vary, "Accept") {
			t.Errorf("Vary is %q", vary)
		}
	}
}

// TestCompressedOnce: middleware inside of middleware, and handlers that
// compress by themselves.
func TestCompressedOnce(t *testing.T) {
	t.Parallel()
	packed := bytes.Repeat([]byte("packed"), 1000)
	for _, encoding := range []string{"gzip", "zstd"} {
		plain := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", jsonType)
			_, _ = io.WriteString(w, chunk(0))
		})
		own := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = w.Write(packed)
		})
		w := httptest.NewRecorder()
		server.MiddlewareCompress(server.MiddlewareCompress(plain)).ServeHTTP(w, request(t, "http://x/", encoding))
		got, err := io.ReadAll(decoded(t, w.Result()))
		if err != nil || string(got) != chunk(0) {
			t.Errorf("as %s, twice around: %d bytes, %v", encoding, len(got), err)
		}
		w = httptest.NewRecorder()
		server.MiddlewareCompress(own).ServeHTTP(w, request(t, "http://x/", encoding))
		if got := w.Header()["Content-Encoding"]; !bytes.Equal(w.Body.Bytes(), packed) || len(got) != 1 || got[0] != "br" {
			t.Errorf("as %s: what was compressed is %v now", encoding, got)
		}
	}
}
