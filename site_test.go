package fraiseql_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// post sends a body to a path of h and gives back status and answer.
func post(t *testing.T, h http.Handler, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestLogHasNoValues: what goes wrong is in the log, with names and types, and
// without the values that the request has given.
func TestLogHasNoValues(t *testing.T) { //nolint:paralleltest // the log is the program's
	const secret = "sesame"
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	for _, backend := range []string{flags.BackendPGX, flags.BackendPQ} {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, `create domain em as text check (value ~ '@')`, `create type mood as enum ('ok')`,
			`create table t (id int primary key, a text check (a <> 'sesame-no'), b varchar(5), n numeric(3), u text unique, d date, i int2,
				e xml, j jsonb, v tsvector, x int not null default 0, m em, o mood)`,
			`insert into t (id, u) values (1, 'sesame')`,
			`create function f(a text) returns int language plpgsql as $$ begin return a::int; end $$`)
		db := open(t, dsn, func(s *flags.Settings) {
			s.Backend, s.LogPerformance, s.GraphQL.Definitions = backend, true, "true"
		})
		site, err := db.Site()
		if err != nil {
			t.Fatal(err)
		}
		defer site.Close()
		for query, want := range map[string]string{ // what is to be in the log
			`mutation {createT(input: {id: 2, u: "sesame"}) {id}}`:                               `t_u_key`,
			`mutation {createT(input: {id: 2, a: "sesame-no"}) {id}}`:                            `t_a_check`,
			`mutation {createT(input: {id: 2, b: "sesamesesame"}) {id}}`:                         `character varying(5)`,
			`mutation {createT(input: {id: 2, m: "sesame"}) {id}}`:                               `em_check`,
			`mutation {createT(input: {id: 2, e: "<sesame"}) {id}}`:                              `XML`,
			`mutation {createT(input: {id: 2, v: "'sesame"}) {id}}`:                              `syntax error in tsvector: \"…\"`,
			`mutation {createT(input: {id: 2, n: "9999"}) {id}}`:                                 `numeric field overflow`,
			`mutation {updateT(id: 1, input: {x: null, a: "sesame"}) {u}}`:                       `null value in column \"x\"`,
			`mutation {createT(input: {id: 2, d: "sesame"}) {id}}`:                               `the string … is not a date`,
			`mutation {createT(input: {id: 2, d: "sesame \"sesame"}) {id}}`:                      `the string … is not a date`,
			`mutation {createT(input: {id: 2, d: "` + strings.Repeat("sesame", 20) + `"}) {id}}`: `the string … is not a date`,
			`mutation {createT(input: {id: 2, o: "sesame"}) {id}}`:                               `o: `,
			`mutation {createT(input: {id: 2, o: sesame}) {id}}`:                                 `… is no value of Mood`,
			`mutation {f(a: "sesame")}`:                                                          `invalid input syntax for type integer: \"…\"`,
			`mutation {f(a: "a\"sesame\"b sesame")}`:                                             `invalid input syntax for type integer: \"…\"`,
			`{ts(filter: {i: {eq: 99999}}) {id}}`:                                                `the number … is out of range`,
			`{ts(filter: {a: {regex: "sesame("}}) {id}}`:                                         `invalid regular expression`,
			`{ts(filter: {v: {matches: {query: "sesame &"}}}) {id}}`:                             `no operand in tsquery: \"…\"`,
			`{ts(limit: "sesame") {id}}`:                                                         `limit`,
			`{ts "sesame"}`:                                                                      `PARSE_ERROR`,
			`{ts(filter: {a: {in: ["sesame", 5]}}) {id}}`:                                        `filter.a.in`,
			`{tsConnection(after: "sesame") {nodes {id}}}`:                                       `after: is no cursor`,
		} {
			log.Reset()
			body, err := json.Marshal(map[string]string{"query": query})
			if err != nil {
				t.Fatal(err)
			}
			post(t, site.Public, "/graphql", string(body))
			looks(t, query, log.String(), want, secret, "99999")
		}
		for request, want := range map[string]string{
			`{"operation":"mutation","type":"insert","table":"t","input":{"id":3,"u":"sesame"}}`:       `t_u_key`,
			`{"operation":"mutation","type":"insert","table":"t","input":{"id":3,"d":"sesame"}}`:       `the string … is not a date`,
			`{"operation":"query","table":"t","filters":{"i":{"eq":"sesame"}}}`:                        `filters.i.eq`,
			`{"operation":"query","table":"t","filters":{"v":{"matches":{"query":"sesame &"}}}}`:       `no operand in tsquery: \"…\"`,
			`{"operation":"query","table":"t","pagination":{"limit":"sesame"}}`:                        `pagination.limit`,
			`{"operation":"query","table":"t","filters":{"id":{"eq":1},"a":{"in":"sesame"}}} "sesame"`: `code=BAD_USER_INPUT`,
		} {
			log.Reset()
			post(t, site.Public, "/definitions", request)
			looks(t, request, log.String(), want, secret)
		}
	}
}

// looks checks the lines that a request has logged.
func looks(t *testing.T, request, log, want string, never ...string) {
	t.Helper()
	if !strings.Contains(log, want) {
		t.Errorf("%s: logged %s\nwant in it: %s", request, log, want)
	}
	for _, value := range never {
		if strings.Contains(log, value) {
			t.Errorf("%s: logged a value: %s", request, log)
		}
	}
}

// TestNothingThere: who looks in the wrong place is told where to look.
func TestNothingThere(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for _, c := range []struct {
		change func(*flags.Settings)
		path   string
		status int
		want   string
	}{
		{nil, "/", 404, `{"data":null,"errors":[{"message":"nothing is here; GraphQL is at /graphql, JSON definitions are at /definitions","extensions":{"code":"NOT_FOUND"}}]}`},
		{func(s *flags.Settings) { s.GraphQL.Path, s.GraphQL.Definitions = "/api", "false" }, "/graphql", 404, `nothing is here; GraphQL is at /api"`},
		{func(s *flags.Settings) { s.GraphQL.Path = "/" }, "/", 200, `{"data":{"__typename":"Query"}}`},
		{nil, "/graphql", 200, `{"data":{"__typename":"Query"}}`},
	} {
		site, err := open(t, dsn, c.change).Site()
		if err != nil {
			t.Fatal(err)
		}
		defer site.Close()
		status, got := post(t, site.Public, c.path, "\ufeff"+`{"query":"{__typename}"}`)
		if status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.path, status, got, c.status, c.want)
		}
	}
}

// TestByteOrderMark: a body may begin with one.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int primary key)`, `insert into t values (1)`)
	site, err := open(t, dsn, nil).Site()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	for _, c := range []struct{ path, body, want string }{
		{"/graphql", `{"query":"{ts{id}}"}`, `{"data":{"ts":[{"id":1}]}}`},
		{"/definitions", `{"operation":"query","table":"t"}`, `{"data":[{"id":1}],"errors":null}`},
	} {
		if _, got := post(t, site.Public, c.path, "\ufeff"+c.body); got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
		if status, got := post(t, site.Public, c.path, "\ufeff\ufeff"+c.body); status != 400 {
			t.Errorf("%s with two: %d %s", c.path, status, got)
		}
	}
}
