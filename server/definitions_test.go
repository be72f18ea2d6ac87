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
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/server"
)

var quiet = slog.New(slog.DiscardHandler)

// eachDB runs f on the sample database with each backend.
func eachDB(t *testing.T, f func(t *testing.T, d server.Definitions)) {
	t.Helper()
	for _, b := range []string{flags.BackendPGX, flags.BackendPQ} {
		t.Run(b, func(t *testing.T) {
			t.Parallel()
			f(t, openDB(t, pgtest.Sample(t), b))
		})
	}
}

func definitionRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/definitions", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

const oneUser = `{"operation":"query","table":"users","fields":["id","name"],"filters":{"id":{"eq":1}}}`

// TestDefinitions: a request of each form is answered as the executor does, with
// the status of its code.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, d server.Definitions) {
		h := server.NewDefinitions(d, server.DefinitionOptions{MaxRows: 100, MaxDefinitions: 3, Logger: quiet})
		for _, tc := range []struct {
			name, body string
			status     int
			want       string
		}{
			{"one", oneUser, 200, `{"data":[{"id":1,"name":"Ada Lovelace"}],"errors":null}`},
			{"no row", `{"operation":"query","table":"users","fields":["id"],"filters":{"id":{"eq":-1}}}`, 200, `{"data":[],"errors":null}`},
			{
				"list, one fails", `[` + oneUser + `,{"operation":"query","table":"nowhere"}]`, 200,
				`[{"data":[{"id":1,"name":"Ada Lovelace"}],"errors":null},{"data":null,"errors":[{"message":"`,
			},
			{
				"transaction", `{"transaction":[{"type":"update","table":"users","filters":{"id":{"eq":1}},"input":{"name":"Ada"},"return_fields":["name"]},` + oneUser + `],"isolation":"serializable"}`, 200,
				`{"data":[{"name":"Ada"},[{"id":1,"name":"Ada"}]],"errors":null}`,
			},
			{"not JSON", `{`, 400, `{"data":null,"errors":[{"message":"`},
			{"nothing", ``, 400, `{"data":null,"errors":[{"message":"`},
			{"unknown table", `{"operation":"query","table":"nowhere"}`, 400, `{"data":null,"errors":[{"message":"`},
			{
				"constraint", `{"type":"insert","table":"users","input":{"name":"x","email":"x@example.com","manager_id":-5}}`, 409,
				`{"data":null,"errors":[{"message":"`,
			},
			{"rows at the limit", `{"operation":"query","table":"users","fields":["id"],"sort":[{"id":"ASC"}]}`, 200, `{"data":[{"id":1}`},
			{"rows beyond the limit", `{"operation":"query","table":"posts","fields":["id"],"pagination":{"limit":101}}`, 422, `{"data":null,"errors":[{"message":"the answer has more than 100 rows"`},
			{"definitions at the limit", `[` + strings.Repeat(oneUser+",", 2) + oneUser + `]`, 200, `[{"data":[{"id":1`},
			{
				"definitions beyond the limit", `[` + strings.Repeat(oneUser+",", 3) + oneUser + `]`, 422,
				`{"data":null,"errors":[{"message":"a request has at most 3 definitions","extensions":{"code":"LIMIT_EXCEEDED"}}]}`,
			},
			{
				"a transaction beyond the limit", `{"transaction":[` + strings.Repeat(oneUser+",", 3) + oneUser + `]}`, 422,
				`{"data":null,"errors":[{"message":"a request has at most 3 definitions"`,
			},
			{
				"session", `{"transaction":[` + oneUser + `],"session":{"app.admin":"true"}}`, 403,
				`{"data":null,"errors":[{"message":"session variables can't be set by a request","extensions":{"code":"FORBIDDEN"}}]}`,
			},
			{"session in disguise", `{"transaction":[` + oneUser + `],"sess\u0069on":{"app.admin":"true"}}`, 403, `{"data":null,"errors":[{"message":"session`},
			{"a value that says session", `{"operation":"query","table":"users","fields":["id"],"filters":{"name":{"eq":"session"}}}`, 200, `{"data":[]`},
		} {
			t.Run(tc.name, func(t *testing.T) {
				w := answerOf(t, h, definitionRequest(tc.body))
				if w.Code != tc.status || !strings.HasPrefix(w.Body.String(), tc.want) {
					t.Errorf("%d %s\nwant %d %s", w.Code, w.Body, tc.status, tc.want)
				}
				if !json.Valid(w.Body.Bytes()) {
					t.Errorf("not JSON: %s", w.Body)
				}
				if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
					t.Errorf("Content-Type %q", got)
				}
			})
		}
	})
}

// TestDefinitionsHTTP: what is wrong with the request itself is refused before it
// is read, and nothing of it is run.
func TestDefinitionsHTTP(t *testing.T) {
	t.Parallel()
	const limit = 1000
	fits := oneUser + strings.Repeat(" ", limit-len(oneUser))
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		body   string
		status int
		code   string
		header [2]string
	}{
		{"body at the limit", nil, fits, 200, "", [2]string{}},
		{"body beyond the limit", nil, fits + " ", 413, "PAYLOAD_TOO_LARGE", [2]string{"Connection", "close"}},
		{"body beyond the limit, length not told", func(r *http.Request) { r.ContentLength = -1 }, fits + " ", 413, "PAYLOAD_TOO_LARGE", [2]string{}},
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, "", 405, "METHOD_NOT_ALLOWED", [2]string{"Allow", "POST"}},
		{"PUT", func(r *http.Request) { r.Method = http.MethodPut }, oneUser, 405, "METHOD_NOT_ALLOWED", [2]string{"Allow", "POST"}},
		{"form", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, oneUser, 415, "UNSUPPORTED_MEDIA_TYPE", [2]string{"Accept", "application/json"}},
		{"no content type", func(r *http.Request) { r.Header.Del("Content-Type") }, oneUser, 415, "UNSUPPORTED_MEDIA_TYPE", [2]string{}},
		{"two content types", func(r *http.Request) { r.Header.Set("Content-Type", "application/json, text/plain") }, oneUser, 415, "UNSUPPORTED_MEDIA_TYPE", [2]string{}},
		{"UTF-8 by name", func(r *http.Request) { r.Header.Set("Content-Type", "Application/JSON; charset=UTF-8") }, oneUser, 200, "", [2]string{}},
		{"another charset", func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=latin1") }, oneUser, 415, "UNSUPPORTED_MEDIA_TYPE", [2]string{}},
		{"compressed", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, oneUser, 415, "UNSUPPORTED_MEDIA_TYPE", [2]string{}},
		{"nobody", func(r *http.Request) { r.Header.Set("Authorization", "wrong") }, oneUser, 401, "UNAUTHENTICATED", [2]string{"WWW-Authenticate", `Bearer error="invalid_token"`}},
		{"nobody can say", func(r *http.Request) { r.Header.Set("Authorization", "down") }, oneUser, 503, "SERVICE_UNAVAILABLE", [2]string{"Retry-After", "1"}},
		{"the body ends early", func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), errorReader{io.ErrUnexpectedEOF}))
		}, "", 400, "BAD_USER_INPUT", [2]string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ran := false
			d := definitions(func(_ context.Context, request []byte, w io.Writer, _ ...executor.ExecOption) error {
				ran = true
				if string(request) != tc.body {
					t.Errorf("request %q", request)
				}
				_, err := io.WriteString(w, `{"data":null,"errors":null}`)
				return err
			})
			h := server.NewDefinitions(d, server.DefinitionOptions{MaxBody: limit, Authenticator: refuseWrong{}, Logger: quiet})
			r := definitionRequest(tc.body)
			if tc.change != nil {
				tc.change(r)
			}
			w := answerOf(t, h, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.code) || ran != (tc.status == 200) {
				t.Errorf("%d %s, ran %t; want %d %s", w.Code, w.Body, ran, tc.status, tc.code)
			}
			if tc.header[0] != "" && w.Header().Get(tc.header[0]) != tc.header[1] {
				t.Errorf("header %v, want %v", w.Header(), tc.header)
			}
		})
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// refuseWrong knows everybody but who says that they are wrong.
type refuseWrong struct{}

func (refuseWrong) Authenticate(r *http.Request) (server.Identity, error) {
	if r.Header.Get("Authorization") == "wrong" {
		return server.Identity{}, errors.New("the token is a secret")
	}
	if r.Header.Get("Authorization") == "down" {
		return server.Identity{}, backend.New("fetch keys", backend.CodeServiceUnavailable, errors.New("a secret host"))
	}
	return server.Identity{Session: map[string]string{"app.user": r.Header.Get("X-User")}}, nil
}

type definitions func(ctx context.Context, request []byte, w io.Writer, o ...executor.ExecOption) error

func (f definitions) ExecuteJSON(ctx context.Context, request []byte, w io.Writer, o ...executor.ExecOption) error {
	return f(ctx, request, w, o...)
}

// TestDefinitionsIdentity: row-level security sees who asks, for a read outside
// of a transaction too, and a request can't say otherwise.
func TestDefinitionsIdentity(t *testing.T) {
	t.Parallel()
	for _, b := range []string{flags.BackendPGX, flags.BackendPQ} {
		t.Run(b, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, `create view me as select current_setting('app.user', true) as name`)
			d := openDB(t, dsn, b)
			h := server.NewDefinitions(d, server.DefinitionOptions{Authenticator: refuseWrong{}, AllowSession: true, Logger: quiet})
			for body, want := range map[string]string{
				`{"operation":"query","table":"me"}`:                                                `{"data":[{"name":"ann"}],"errors":null}`,
				`{"transaction":[{"operation":"query","table":"me"}],"session":{"app.other":"x"}}`:  `{"data":[[{"name":"ann"}]],"errors":null}`,
				`{"transaction":[{"operation":"query","table":"me"}],"session":{"APP.user":"bob"}}`: `{"data":null,"errors":[{"message":"session variable \"APP.user\" can't be set by a request","extensions":{"code":"FORBIDDEN"}}]}`,
			} {
				r := definitionRequest(body)
				r.Header.Set("X-User", "ann")
				if diff := cmp.Diff(want, answerOf(t, h, r).Body.String()); diff != "" {
					t.Errorf("%s: -want +got:\n%s", body, diff)
				}
			}
		})
	}
}

// TestDefinitionsStream: a large answer leaves in pieces, before its end is known.
func TestDefinitionsStream(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, d server.Definitions) {
		h := server.NewDefinitions(d, server.DefinitionOptions{Logger: quiet})
		w := &flushes{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, definitionRequest(`{"operation":"query","table":"posts","sort":[{"id":"ASC"}]}`))
		var answer struct {
			Data []json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Body.Len() < 128<<10 {
			t.Fatalf("%d bytes, %v: too few to stream", w.Body.Len(), err)
		}
		if w.n < 2 {
			t.Errorf("%d bytes left in %d pieces", w.Body.Len(), w.n+1)
		}
	})
}

type flushes struct {
	*httptest.ResponseRecorder
	n int
}

func (f *flushes) Flush() { f.n++ }

// TestDefinitionsFail: each end that an execution can come to.
func TestDefinitionsFail(t *testing.T) {
	t.Parallel()
	unavailable := backend.New("connect", backend.CodeServiceUnavailable, errors.New("dial db.internal"))
	for _, tc := range []struct {
		name   string
		run    func(w io.Writer) error
		status int
		want   string
		header [2]string
	}{
		{"unavailable", func(w io.Writer) error { return errors.Join(unavailable, executor.WriteError(w, unavailable)) }, 503, `"SERVICE_UNAVAILABLE"`, [2]string{"Retry-After", "1"}},
		{"nothing written", func(io.Writer) error { return unavailable }, 503, `"SERVICE_UNAVAILABLE"`, [2]string{"Retry-After", "1"}},
		{"a large error", func(w io.Writer) error {
			err := backend.New("x", backend.CodeForbidden, nil)
			io.WriteString(w, `{"data":null,"errors":[`)
			io.WriteString(w, strings.Repeat(" ", 100<<10)+"]}")
			return err
		}, 403, `{"data":null`, [2]string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := definitions(func(_ context.Context, _ []byte, w io.Writer, _ ...executor.ExecOption) error { return tc.run(w) })
			s := start(t, server.NewDefinitions(d, server.DefinitionOptions{Logger: quiet}), nil, server.ListenOptions{})
			res, err := client(t, nil).Post("http://"+s.addr+"/definitions", "application/json", strings.NewReader(oneUser))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != tc.status || !bytes.Contains(body, []byte(tc.want)) || bytes.Contains(body, []byte("db.internal")) {
				t.Errorf("%d %v %.200s", res.StatusCode, err, body)
			}
			if tc.header[0] != "" && res.Header.Get(tc.header[0]) != tc.header[1] {
				t.Errorf("header %v", res.Header)
			}
		})
	}
}

// TestDefinitionsLate: a statement that fails behind its first rows cuts the
// answer on a real database.
func TestDefinitionsLate(t *testing.T) {
	t.Parallel()
	for _, b := range []string{flags.BackendPGX, flags.BackendPQ} {
		t.Run(b, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, `create view late as select n, repeat('x', 1000) as pad, 1 / (`+strconv.Itoa(2000)+` - n) as q from generate_series(1, 5000) n`)
			d := openDB(t, dsn, b)
			m := server.NewMetrics()
			s := start(t, m.Instrument("definitions", server.NewDefinitions(d, server.DefinitionOptions{Metrics: m, Logger: quiet})), nil, server.ListenOptions{})
			res, err := client(t, nil).Post("http://"+s.addr+"/definitions", "application/json", strings.NewReader(`{"operation":"query","table":"late"}`))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err == nil || len(body) < 64<<10 || json.Valid(body) {
				t.Errorf("%d bytes, %v", len(body), err)
			}
			want := []string{`fraiseql_definitions_total{code="BAD_USER_INPUT"} 1`}
			if diff := cmp.Diff(want, series(scrape(t, m), "fraiseql_definitions_total")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
