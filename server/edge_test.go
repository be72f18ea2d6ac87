package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/server"
)

// callers knows who has which bearer token.
type callers map[string]server.Identity

func (c callers) Authenticate(r *http.Request) (server.Identity, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok:
		return server.Identity{Session: map[string]string{"role": "anonymous"}}, nil
	case token == "later":
		return server.Identity{}, backend.New("fetch keys", backend.CodeServiceUnavailable, errors.New("10.0.0.7 refused"))
	}
	id, ok := c[token]
	if !ok {
		return id, errors.New("token " + token + " is forged")
	}
	return id, nil
}

// sessions is an Engine that remembers how many options Execute got.
type sessions struct {
	memory

	options int
}

func (e *sessions) Prepare(ctx context.Context, r *server.Request) (server.Operation, error) {
	op, err := e.memory.Prepare(ctx, r)
	return &sessionOperation{op, e}, err
}

type sessionOperation struct {
	server.Operation

	e *sessions
}

func (o *sessionOperation) Execute(ctx context.Context, w io.Writer, opts ...executor.ExecOption) error {
	o.e.options = len(opts)
	return o.Operation.Execute(ctx, w, opts...)
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	e := &sessions{memory: memory{schema: newMemory().schema}}
	h := server.NewGraphQL(e, server.Options{Logger: silent, Authenticator: callers{
		"alice": {Session: map[string]string{"app.tenant": "1"}, Authenticated: true, Subject: "alice"},
		"bare":  {Authenticated: true},
	}})
	for _, tc := range []struct {
		name, authorization, want, challenge, retry string
		options                                     int
	}{
		{"nobody", "", "200", "", "", 1},
		{"somebody", "Bearer alice", "200", "", "", 1},
		{"somebody without a session", "Bearer bare", "200", "", "", 0},
		{"a forger", "Bearer mallory", "401 UNAUTHENTICATED", `Bearer error="invalid_token"`, "", -1},
		{"the keys are away", "Bearer later", "503 SERVICE_UNAVAILABLE", "", "1", -1},
	} {
		e.options = -1
		header := []string{"Content-Type", jsonType, "Accept", responseType}
		if tc.authorization != "" {
			header = append(header, "Authorization", tc.authorization)
		}
		w := ask(h, "POST", "/graphql", `{"query":"{hello}"}`, header...)
		if got := outcome(t, w); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
		if strings.Contains(w.Body.String(), "forged") || strings.Contains(w.Body.String(), "10.0") {
			t.Errorf("%s: the reason is told: %s", tc.name, w.Body)
		}
		got := []any{e.options, w.Header().Get("WWW-Authenticate"), w.Header().Get("Retry-After")}
		if diff := cmp.Diff([]any{tc.options, tc.challenge, tc.retry}, got); diff != "" {
			t.Errorf("%s: options, challenge, retry (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	who := callers{"alice": {Authenticated: true}}
	for _, tc := range []struct {
		name     string
		policy   server.Introspection
		known    bool
		refused  bool
		nobody   bool // no Authenticator at all
		inDetail string
	}{
		{name: "public", policy: server.IntrospectionPublic},
		{name: "for who is known, who is not", policy: server.IntrospectionAuthenticated, refused: true},
		{name: "for who is known, who is", policy: server.IntrospectionAuthenticated, known: true},
		{name: "for who is known, where nobody can be", policy: server.IntrospectionAuthenticated, nobody: true, refused: true},
		{name: "off", policy: server.IntrospectionOff, known: true, refused: true},
		{name: "a policy that is none", policy: 77, known: true, refused: true},
	} {
		m := newMemory()
		o := server.Options{Introspection: tc.policy, Authenticator: who, Logger: silent}
		if tc.nobody {
			o.Authenticator = nil
		}
		header := []string{"Content-Type", jsonType, "Accept", responseType}
		if tc.known {
			header = append(header, "Authorization", "Bearer alice")
		}
		w := ask(server.NewGraphQL(m, o), "POST", "/graphql", `{"query":"{__schema{queryType{name}}}"}`, header...)
		if got := m.last.Load().NoIntrospection; got != tc.refused || (w.Code != 200) != tc.refused {
			t.Errorf("%s: NoIntrospection is %t, status %d", tc.name, got, w.Code)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	h := server.NewGraphQL(newMemory(), server.Options{Logger: silent, CORS: server.CORS{
		Origins: []string{"https://app.example.com", "https://*.dev.example.com"}, Headers: []string{"X-Tenant"}, Credentials: true,
	}})
	closed := server.NewGraphQL(newMemory(), server.Options{Logger: silent})
	for _, tc := range []struct {
		name, origin string
		h            http.Handler
		want         string
	}{
		{"an origin by name", "https://app.example.com", h, "https://app.example.com"},
		{"an origin by pattern", "https://a.dev.example.com", h, "https://a.dev.example.com"},
		{"another origin", "https://evil.example", h, ""},
		{"an origin that looks like ours", "https://app.example.com.evil.example", h, ""},
		{"nothing is allowed by default", "https://app.example.com", closed, ""},
	} {
		w := ask(tc.h, "OPTIONS", "/graphql", "", "Origin", tc.origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-tenant")
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != tc.want {
			t.Errorf("%s: preflight allows %q", tc.name, got)
		}
		if got := w.Header().Get("Access-Control-Allow-Headers"); (got != "") != (tc.want != "") {
			t.Errorf("%s: preflight allows the headers %q", tc.name, got)
		}
		w = ask(tc.h, "POST", "/graphql", `{"query":"{hello}"}`, "Origin", tc.origin, "Content-Type", jsonType)
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != tc.want {
			t.Errorf("%s: POST allows %q", tc.name, got)
		}
		w = ask(tc.h, "GET", "/graphql?query={hello}", "", "Origin", tc.origin, "Sec-Fetch-Site", "cross-site")
		if got := w.Code; (got == 200) != (tc.want != "") {
			t.Errorf("%s: GET has the status %d", tc.name, got)
		}
	}
	for _, tc := range []struct {
		name string
		c    server.CORS
		ok   bool
	}{
		{"none", server.CORS{}, true},
		{"everybody", server.CORS{Origins: []string{"*"}}, true},
		{"everybody with cookies", server.CORS{Origins: []string{"*"}, Credentials: true}, false},
		{"by name", server.CORS{Origins: []string{"https://a.example", "http://localhost:3000", "https://*.b.example"}, Credentials: true}, true},
		{"with a path", server.CORS{Origins: []string{"https://a.example/"}}, false},
		{"without a scheme", server.CORS{Origins: []string{"a.example"}}, false},
		{"two patterns", server.CORS{Origins: []string{"https://*.*.example"}}, false},
	} {
		if err := tc.c.Validate(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// records is what a handler logs, one JSON object a line.
type records struct{ bytes.Buffer }

func (r *records) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(&r.Buffer, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (r *records) lines(t *testing.T) []map[string]any {
	t.Helper()
	var list []map[string]any
	for d := json.NewDecoder(&r.Buffer); ; {
		var one map[string]any
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, one)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	const good, unknown, form = `{"query":"{hello}"}`, `{"query":"{nothing}"}`, "form"
	for _, tc := range []struct {
		name, body string
		all        bool
		script     error
		want       []string // level and code of each line
		outcome    server.Outcome
	}{
		{"what went well", good, false, nil, nil, server.Outcome{Method: "POST", Kind: "query", Status: 200, Bytes: 23}},
		{"what went well, if wanted", good, true, nil, []string{"INFO "}, server.Outcome{Method: "POST", Kind: "query", Status: 200, Bytes: 23}},
		{"a document that is wrong", unknown, false, nil, []string{"INFO GRAPHQL_VALIDATION_FAILED"}, server.Outcome{Method: "POST", Status: 400, Code: "GRAPHQL_VALIDATION_FAILED"}},
		{"what is refused", form, false, nil, []string{"INFO REQUEST_ERROR"}, server.Outcome{Method: "POST", Status: 400, Code: "REQUEST_ERROR"}},
		{"the database is away", good, false, backend.New("dial", backend.CodeServiceUnavailable, errors.New("refused")), []string{"ERROR SERVICE_UNAVAILABLE"}, server.Outcome{Method: "POST", Kind: "query", Status: 503, Code: "SERVICE_UNAVAILABLE"}},
		{"the role may not", good, false, backend.New("read", backend.CodeForbidden, errors.New("denied")), []string{"INFO FORBIDDEN"}, server.Outcome{Method: "POST", Kind: "query", Status: 403, Code: "FORBIDDEN"}},
	} {
		m := newMemory()
		if tc.script != nil {
			m.script = func(context.Context, string, io.Writer) error { return tc.script }
		}
		var log records
		var observed []server.Outcome
		h := server.NewGraphQL(m, server.Options{Logger: log.logger(), LogRequests: tc.all, Observe: func(_ context.Context, o server.Outcome) {
			if o.Duration = 0; o.Code != "" {
				o.Bytes = 0
			}
			observed = append(observed, o)
		}})
		w := post(h, tc.body)
		var got []string
		for _, line := range log.lines(t) {
			code, _ := line["code"].(string)
			got = append(got, line["level"].(string)+" "+code)
			if line["request_id"] != w.Header().Get("X-Request-ID") {
				t.Errorf("%s: request id %v, the answer has %q", tc.name, line["request_id"], w.Header().Get("X-Request-ID"))
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: lines of the log (-want +got):\n%s", tc.name, diff)
		}
		if diff := cmp.Diff([]server.Outcome{tc.outcome}, observed); diff != "" {
			t.Errorf("%s: observed (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	var log records
	inner := slog.New(server.LogRequestID(slog.NewJSONHandler(&log.Buffer, nil))).With("a", 1)
	h := server.MiddlewareRequestID(server.MiddlewareRequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.InfoContext(r.Context(), "below")
		_, _ = io.WriteString(w, server.RequestID(r.Context()))
	})))
	for _, tc := range []struct {
		name, sent string
		kept       bool
	}{
		{"one of ours", "0123456789abcdef01234567", true},
		{"a UUID", "7f8d4c1e-5b7a-4f4e-9d93-0b5e1f0c6a55", true},
		{"as long as allowed", strings.Repeat("x", 64), true},
		{"longer", strings.Repeat("x", 65), false},
		{"none", "", false},
		{"with spaces", "a b", false},
		{"a forged line", "a\nlevel=ERROR", false},
		{"not ASCII", "é", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		if tc.sent != "" {
			r.Header["X-Request-Id"] = []string{tc.sent}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header().Get("X-Request-ID")
		if (got == tc.sent) != tc.kept || got != w.Body.String() || !tc.kept && len(got) != 24 {
			t.Errorf("%s: got %q, in the context %q", tc.name, got, w.Body)
		}
		if lines := log.lines(t); len(lines) != 1 || lines[0]["request_id"] != got {
			t.Errorf("%s: logged %v", tc.name, lines)
		}
	}
	inner.InfoContext(t.Context(), "no request")
	inner.With("request_id", "mine").InfoContext(t.Context(), "another's")
	if lines := log.lines(t); lines[0]["request_id"] != nil || lines[1]["request_id"] != "mine" {
		t.Errorf("outside of a request: %v", lines)
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"", "gzip", "zstd"} {
		m := newMemory()
		m.script = func(_ context.Context, _ string, w io.Writer) error {
			_, _ = io.WriteString(w, `{"data":`) // held back, and never sent
			panic("select * from secrets")
		}
		var log records
		s := serve(t, server.NewGraphQL(m, server.Options{Logger: log.logger()}))
		res, err := s.Client().Do(request(t, s.URL, encoding))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Error(err)
		}
		const want = `{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL_ERROR"}}]}`
		if diff := cmp.Diff(want, string(body)); diff != "" || res.StatusCode != http.StatusInternalServerError {
			t.Errorf("as %q: status %d (-want +got):\n%s", encoding, res.StatusCode, diff)
		}
		if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, responseType) {
			t.Errorf("as %q: Content-Type is %q", encoding, got)
		}
		lines := log.lines(t)
		if len(lines) != 1 || lines[0]["panic"] != "select * from secrets" || lines[0]["request_id"] != res.Header.Get("X-Request-ID") || lines[0]["stack"] == "" {
			t.Errorf("as %q: logged %v", encoding, lines)
		}
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	m := newMemory()
	h := server.NewGraphQL(m, server.Options{GetCacheControl: "public, max-age=60", Logger: silent, Authenticator: callers{"alice": {Authenticated: true}}})
	plain := server.NewGraphQL(m, server.Options{Logger: silent})
	hello := "/graphql?query=" + url.QueryEscape("{hello}")
	first := ask(plain, "GET", hello, "")
	if got := first.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("by default: %q", got)
	}
	anonymous := server.NewGraphQL(m, server.Options{GetCacheControl: "public, max-age=60", Logger: silent})
	tag := ask(anonymous, "GET", hello, "").Header().Get("ETag")
	for _, tc := range []struct {
		name   string
		h      http.Handler
		target string
		header []string
		status int
		want   string
	}{
		{"a query", anonymous, hello, nil, 200, "public, max-age=60"},
		{"the same again", anonymous, hello, []string{"If-None-Match", `"x", ` + tag}, 304, "public, max-age=60"},
		{"the same again, after compression", anonymous, hello, []string{"If-None-Match", strings.TrimPrefix(tag, "W/")}, 304, "public, max-age=60"},
		{"something else again", anonymous, hello, []string{"If-None-Match", `W/"x"`}, 200, "public, max-age=60"},
		{"an error that has status 200", anonymous, "/graphql?query=" + url.QueryEscape("{nothing}"), nil, 200, "no-store"},
		{"with a cookie", anonymous, hello, []string{"Cookie", "a=b"}, 200, "no-store"},
		{"with a token", h, hello, []string{"Authorization", "Bearer alice"}, 200, "no-store"},
		{"with settings of the session", h, hello, nil, 200, "no-store"},
		{"a mutation", anonymous, "/graphql?query=" + url.QueryEscape("mutation{change}"), nil, 405, "no-store"},
	} {
		w := ask(tc.h, "GET", tc.target, "", tc.header...)
		if got := w.Header().Get("Cache-Control"); w.Code != tc.status || got != tc.want {
			t.Errorf("%s: got %d %q, want %d %q", tc.name, w.Code, got, tc.status, tc.want)
		}
		if w.Code == 304 && (w.Body.Len() > 0 || w.Header().Get("Content-Length") != "") {
			t.Errorf("%s: 304 has a body", tc.name)
		}
		if tc.want != "no-store" && !strings.Contains(strings.Join(w.Header()["Vary"], ","), "Authorization") {
			t.Errorf("%s: Vary is %q", tc.name, w.Header()["Vary"])
		}
	}
	if w := post(anonymous, `{"query":"{hello}"}`); w.Header().Get("Cache-Control") != "" || w.Header().Get("ETag") != "" {
		t.Errorf("POST: %v", w.Header())
	}
}
