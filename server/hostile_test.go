package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/server"
)

const (
	jsonType     = "application/json"
	responseType = "application/graphql-response+json"
)

var silent = slog.New(slog.DiscardHandler)

// ask sends one request through h without a connection.
func ask(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// post asks as a modern client does.
func post(h http.Handler, body string) *httptest.ResponseRecorder {
	return ask(h, http.MethodPost, "/graphql", body, "Content-Type", jsonType, "Accept", responseType)
}

// outcome is the status and the code of the first error.
func outcome(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var answer struct {
		Errors []struct {
			Message    string `json:"message"`
			Extensions struct {
				Code string `json:"code"`
			} `json:"extensions"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("the answer is not JSON: %v\n%s", err, w.Body)
	}
	if len(answer.Errors) == 0 {
		return fmt.Sprint(w.Code)
	}
	if answer.Errors[0].Message == "" {
		t.Errorf("an error without a message: %s", w.Body)
	}
	return fmt.Sprint(w.Code, " ", answer.Errors[0].Extensions.Code)
}

func TestHostileBodies(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t" // must never come back
	m := newMemory()
	h := server.NewGraphQL(m, server.Options{MaxBody: 4096, Logger: silent})
	for _, tc := range []struct{ name, body, want string }{
		{"a query", `{"query":"{hello}"}`, "200"},
		{"keys that nobody knows", `{"query":"{hello}","s3cr3t":[{}],"id":7}`, "200"},
		{"spaces everywhere", " {\n\"query\" :\t\"{hello}\" \r\n} ", "200"},
		{"a key with escapes is the same key", `{"\u0071uery":"{hello}"}`, "200"},
		{"null is as good as nothing", `{"query":"{hello}","variables":null,"operationName":null,"extensions":null,"documentId":null}`, "200"},
		{"null for query", `{"query":null}`, "400 REQUEST_ERROR"},
		{"as large as allowed", `{"query":"{hello}"` + strings.Repeat(" ", 4096-19) + `}`, "200"},
		{"one byte larger", `{"query":"{hello}"` + strings.Repeat(" ", 4096-18) + `}`, "413 PAYLOAD_TOO_LARGE"},
		{"nothing", ``, "400 REQUEST_ERROR"},
		{"spaces", `  `, "400 REQUEST_ERROR"},
		{"null", `null`, "400 REQUEST_ERROR"},
		{"a text", `"s3cr3t"`, "400 REQUEST_ERROR"},
		{"a number", `7`, "400 REQUEST_ERROR"},
		{"a list, which is off", `[{"query":"{hello}"}]`, "400 REQUEST_ERROR"},
		{"cut in a text", `{"query":"{hello`, "400 REQUEST_ERROR"},
		{"cut after a key", `{"query":`, "400 REQUEST_ERROR"},
		{"two values", `{"query":"{hello}"}{}`, "400 REQUEST_ERROR"},
		{"two byte order marks: one may be ignored (RFC 8259, 8.1)", "\ufeff\ufeff" + `{"query":"{hello}"}`, "400 REQUEST_ERROR"},
		{"a NUL after the end", `{"query":"{hello}"}` + "\x00", "400 REQUEST_ERROR"},
		{"a query twice: two readers could see different ones", `{"query":"{hello}","query":"{s3cr3t}"}`, "400 REQUEST_ERROR"},
		{"a query twice, once in disguise", `{"query":"{hello}","quer\u0079":"{s3cr3t}"}`, "400 REQUEST_ERROR"},
		{"another letter case is another key", `{"Query":"{hello}"}`, "400 REQUEST_ERROR"},
		{"not UTF-8", "{\"query\":\"{hello} #\xff\"}", "400 REQUEST_ERROR"},
		{"UTF-16", "\xff\xfe{\x00\"\x00", "400 REQUEST_ERROR"},
		{"half of a surrogate pair", `{"query":"{hello} #\ud800"}`, "400 REQUEST_ERROR"},
		{"a control character in a text", "{\"query\":\"{hello}\n\"}", "400 REQUEST_ERROR"},
		{"deep lists", `{"query":"{hello}","variables":{"a":` + strings.Repeat("[", 1500) + strings.Repeat("]", 1500) + `}}`, "400 REQUEST_ERROR"},
		{"deep objects in a key that nobody knows", `{"x":` + strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500) + `,"query":"{hello}"}`, "400 REQUEST_ERROR"},
		{"an endless number", `{"query":"{hello}","x":` + strings.Repeat("9", 3000) + `}`, "200"},
		{"a number that no float holds", `{"query":"{hello}","x":1e999999999}`, "200"},
		{"not a number", `{"query":"{hello}","x":NaN}`, "400 REQUEST_ERROR"},
		{"a comment", `{"query":"{hello}"/* s3cr3t */}`, "400 REQUEST_ERROR"},
		{"a comma too many", `{"query":"{hello}",}`, "400 REQUEST_ERROR"},
		{"variables as a text, as some clients send them", `{"query":"{hello}","variables":"{}"}`, "400 REQUEST_ERROR"},
		{"a wrong type with a wrong value in it", `{"query":["{hello}",x]}`, "400 REQUEST_ERROR"},
		{"documentId and query", `{"query":"{hello}","documentId":"s3cr3t"}`, "400 REQUEST_ERROR"},
		{"a document that is not valid", `{"query":"{s3cr3t_field}"}`, "400 GRAPHQL_VALIDATION_FAILED"},
	} {
		w := post(h, tc.body)
		if got := outcome(t, w); got != tc.want {
			t.Errorf("%s: got %s, want %s\n%s", tc.name, got, tc.want, w.Body)
		}
		if strings.Contains(w.Body.String(), secret) && !strings.HasSuffix(tc.want, "VALIDATION_FAILED") { // those words are the engine's
			t.Errorf("%s: the request comes back: %s", tc.name, w.Body)
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	m := newMemory()
	h := server.NewGraphQL(m, server.Options{Logger: silent})
	const body = `{"query":"mutation{change}"}`
	query := "/graphql?query=" + url.QueryEscape("{hello}")
	for _, tc := range []struct {
		name, method, target string
		header               []string
		want, allow          string
	}{
		{"a form", "POST", "/graphql", []string{"Content-Type", "application/x-www-form-urlencoded"}, "415 UNSUPPORTED_MEDIA_TYPE", ""},
		{"multipart", "POST", "/graphql", []string{"Content-Type", "multipart/form-data; boundary=a"}, "415 UNSUPPORTED_MEDIA_TYPE", ""},
		{"plain text", "POST", "/graphql", []string{"Content-Type", "text/plain"}, "415 UNSUPPORTED_MEDIA_TYPE", ""},
		{"no type", "POST", "/graphql", nil, "415 UNSUPPORTED_MEDIA_TYPE", ""},
		{"a compressed body", "POST", "/graphql", []string{"Content-Type", jsonType, "Content-Encoding", "gzip"}, "415 UNSUPPORTED_MEDIA_TYPE", ""},
		{"another encoding of text", "POST", "/graphql", []string{"Content-Type", jsonType + "; charset=utf-7"}, "415 UNSUPPORTED_MEDIA_TYPE", ""},
		{"an answer nobody has", "POST", "/graphql", []string{"Content-Type", jsonType, "Accept", "text/html"}, "406 NOT_ACCEPTABLE", ""},
		{"PUT", "PUT", "/graphql", []string{"Content-Type", jsonType}, "405 METHOD_NOT_ALLOWED", "GET, POST, OPTIONS"},
		{"DELETE", "DELETE", "/graphql", nil, "405 METHOD_NOT_ALLOWED", "GET, POST, OPTIONS"},
		{"TRACE", "TRACE", "/graphql", nil, "405 METHOD_NOT_ALLOWED", "GET, POST, OPTIONS"},
		{"HEAD, which would run for nothing", "HEAD", query, nil, "405 METHOD_NOT_ALLOWED", "GET, POST, OPTIONS"},
		{"GET with a mutation", "GET", "/graphql?query=" + url.QueryEscape("mutation{change}"), nil, "405 METHOD_NOT_ALLOWED", "POST"},
		{"GET with a mutation by name", "GET", "/graphql?operationName=M&query=" + url.QueryEscape("query Q{hello} mutation M{change}"), nil, "405 METHOD_NOT_ALLOWED", "POST"},
		{"GET with a mutation in its body", "GET", "/graphql", []string{"Content-Type", jsonType}, "400 REQUEST_ERROR", ""},
		{"GET without anything", "GET", "/graphql", nil, "400 REQUEST_ERROR", ""},
		{"GET with two queries", "GET", query + "&query=x", nil, "400 REQUEST_ERROR", ""},
		{"GET with a bad escape", "GET", "/graphql?query=%zz", nil, "400 REQUEST_ERROR", ""},
		{"GET with a semicolon", "GET", query + ";variables={}", nil, "400 REQUEST_ERROR", ""},
		{"GET that is not UTF-8", "GET", "/graphql?query=%ff", nil, "400 REQUEST_ERROR", ""},
		{"GET with a list of variables", "GET", query + "&variables=[1]", nil, "400 REQUEST_ERROR", ""},
		{"GET with cut variables", "GET", query + "&variables={", nil, "400 REQUEST_ERROR", ""},
		{"GET with more than variables", "GET", query + "&variables={}{}", nil, "400 REQUEST_ERROR", ""},
		{"GET with an extension that is none", "GET", query + "&extensions=x", nil, "400 REQUEST_ERROR", ""},
		{"GET with null for variables", "GET", query + "&variables=null&extensions=%20null%20", nil, "200", ""},
		{"GET with empty values", "GET", query + "&variables=&operationName=&extensions=", nil, "200", ""},
		{"GET with the name null", "GET", query + "&operationName=null", nil, "400 GRAPHQL_VALIDATION_FAILED", ""},
		{"a form of another site", "GET", query, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, "403 FORBIDDEN", ""},
		{"an image of a neighbour", "GET", query, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, "403 FORBIDDEN", ""},
		{"a form, without fetch metadata", "GET", query, []string{"Accept", "text/html,*/*;q=0.8"}, "403 FORBIDDEN", ""},
		{"an image, without fetch metadata", "GET", query, []string{"Accept", "image/avif,image/webp,*/*"}, "403 FORBIDDEN", ""},
		{"fetch of another origin", "GET", query, []string{"Origin", "https://evil.example"}, "403 FORBIDDEN", ""},
		{"fetch of an origin that hides", "GET", query, []string{"Origin", "null"}, "403 FORBIDDEN", ""},
		{"fetch of our own pages", "GET", query, []string{"Sec-Fetch-Site", "same-origin"}, "200", ""},
		{"fetch of our own pages, without fetch metadata", "GET", query, []string{"Origin", "http://example.com"}, "200", ""},
		{"the address bar", "GET", query, []string{"Sec-Fetch-Site", "none", "Accept", "text/html,*/*"}, "200", ""},
		{"a header that needs a preflight", "GET", query, []string{"Sec-Fetch-Site", "cross-site", "GraphQL-Require-Preflight", "1"}, "200", ""},
		{"a token, which no browser adds", "GET", query, []string{"Sec-Fetch-Site", "cross-site", "Authorization", "Bearer x"}, "200", ""},
		{"a password, which browsers add", "GET", query, []string{"Sec-Fetch-Site", "cross-site", "Authorization", "Basic eDp5"}, "403 FORBIDDEN", ""},
		{"a type that needs a preflight", "GET", query, []string{"Sec-Fetch-Site", "cross-site", "Content-Type", jsonType}, "200", ""},
	} {
		header := append([]string{"Accept", responseType}, tc.header...)
		executed := m.executed.Load()
		w := ask(h, tc.method, tc.target, body, header...)
		if got := outcome(t, w); got != tc.want {
			t.Errorf("%s: got %s, want %s\n%s", tc.name, got, tc.want, w.Body)
		}
		if diff := cmp.Diff(tc.allow, w.Header().Get("Allow")); diff != "" {
			t.Errorf("%s: Allow (-want +got):\n%s", tc.name, diff)
		}
		if tc.want != "200" && m.executed.Load() != executed {
			t.Errorf("%s: something was executed", tc.name)
		}
		if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options is %q", tc.name, got)
		}
	}
	if w := ask(h, "OPTIONS", "/graphql", ""); w.Code != 204 || w.Header().Get("Allow") == "" || w.Body.Len() > 0 {
		t.Errorf("OPTIONS: got %d %v", w.Code, w.Header())
	}
}

// TestHostileFraming sends what no client library would.
func TestHostileFraming(t *testing.T) {
	t.Parallel()
	m := newMemory()
	s := serve(t, server.NewGraphQL(m, server.Options{MaxBody: 1000, Logger: silent}))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, `{"query":"{hello}"}`)
	_ = z.Close()
	const head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for _, tc := range []struct {
		name, request string
		want          int // 0: the connection is closed without an answer
	}{
		{"in chunks", head + "Transfer-Encoding: chunked\r\n\r\n13\r\n{\"query\":\"{hello}\"}\r\n0\r\n\r\n", 200},
		{"endless chunks", head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("64\r\n"+strings.Repeat(" ", 100)+"\r\n", 11), 413},
		{"a length that is a lie", head + "Content-Length: 900\r\n\r\n{\"query\":\"{hello}\"}", 400},
		{"a length beyond the limit", head + "Content-Length: 99999999999\r\n\r\n{", 413},
		{"two lengths", head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}", 400},
		{"a negative length", head + "Content-Length: -1\r\n\r\n{}", 400},
		{"a broken chunk", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", 400},
		{"compressed", head + "Content-Encoding: gzip\r\nContent-Length: " + fmt.Sprint(packed.Len()) + "\r\n\r\n" + packed.String(), 415},
	} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, tc.request)
		_ = c.(*net.TCPConn).CloseWrite()
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		_ = c.Close()
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if res.StatusCode != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, res.StatusCode, tc.want)
		}
	}
	if n := m.executed.Load(); n != 1 {
		t.Errorf("%d requests were executed", n)
	}
}
