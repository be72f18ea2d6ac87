package server_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/server"
)

func sha(query string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(query))) }

// persistedQuery is the body of an automatically persisted query, with its text
// unless that is "".
func persistedQuery(query, hash string) string {
	text := ""
	if query != "" {
		quoted, err := json.Marshal(query)
		if err != nil {
			panic(err)
		}
		text = `,"query":` + string(quoted)
	}
	return `{"extensions":{"other":{"x":[1]},"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}` + text + `}`
}

func TestPersistedQueries(t *testing.T) {
	t.Parallel()
	const query, other = "query A { hello }", "query B { hello }"
	m, metrics := newMemory(), server.NewMetrics()
	h := server.NewGraphQL(m, server.Options{Logger: silent, Metrics: metrics})
	get := func(extra string) string {
		return outcome(t, ask(h, "GET", "/graphql?extensions="+url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+sha(query)+`"}}`)+extra, "", "Accept", responseType))
	}
	steps := []struct {
		name string
		do   func() string
		want string
	}{
		{"not known yet", func() string { return outcome(t, post(h, persistedQuery("", sha(query)))) }, "400 PERSISTED_QUERY_NOT_FOUND"},
		{"not known yet, for an old client", func() string {
			return outcome(t, ask(h, "POST", "/", persistedQuery("", sha(query)), "Content-Type", jsonType))
		}, "200 PERSISTED_QUERY_NOT_FOUND"},
		{"not known yet, by GET", func() string { return get("") }, "400 PERSISTED_QUERY_NOT_FOUND"},
		{"of another text", func() string { return outcome(t, post(h, persistedQuery(other, sha(query)))) }, "400 PERSISTED_QUERY_MISMATCH"},
		{"the other text was not kept", func() string { return outcome(t, post(h, persistedQuery("", sha(query)))) }, "400 PERSISTED_QUERY_NOT_FOUND"},
		{"a document that is not valid", func() string { return outcome(t, post(h, persistedQuery("{nothing}", sha("{nothing}")))) }, "400 GRAPHQL_VALIDATION_FAILED"},
		{"which was not kept", func() string { return outcome(t, post(h, persistedQuery("", sha("{nothing}")))) }, "400 PERSISTED_QUERY_NOT_FOUND"},
		{"with its text", func() string { return outcome(t, post(h, persistedQuery(query, sha(query)))) }, "200"},
		{"known now", func() string { return outcome(t, post(h, persistedQuery("", sha(query)))) }, "200"},
		{"in capitals", func() string { return outcome(t, post(h, persistedQuery("", strings.ToUpper(sha(query))))) }, "200"},
		{"by GET", func() string { return get("") }, "200"},
		{"by GET, with variables", func() string { return get("&variables={}") }, "200"},
		{"by documentId", func() string { return outcome(t, post(h, `{"documentId":"sha256:`+sha(query)+`"}`)) }, "200"},
		{"by documentId, without its prefix", func() string { return outcome(t, post(h, `{"documentId":"`+sha(query)+`"}`)) }, "400 DOCUMENT_NOT_FOUND"},
		{"an unknown documentId", func() string { return outcome(t, post(h, `{"documentId":"sha256:`+sha(other)+`"}`)) }, "400 DOCUMENT_NOT_FOUND"},
		{"another version", func() string {
			return outcome(t, post(h, strings.Replace(persistedQuery("", sha(query)), `"version":1`, `"version":2`, 1)))
		}, "400 REQUEST_ERROR"},
		{"no version", func() string {
			return outcome(t, post(h, strings.Replace(persistedQuery("", sha(query)), `"version":1,`, "", 1)))
		}, "400 REQUEST_ERROR"},
		{"a short hash", func() string { return outcome(t, post(h, persistedQuery("", "ab"))) }, "400 REQUEST_ERROR"},
		{"a hash that is none", func() string { return outcome(t, post(h, persistedQuery("", strings.Repeat("zz", 32)))) }, "400 REQUEST_ERROR"},
		{"no object", func() string { return outcome(t, post(h, `{"extensions":{"persistedQuery":7}}`)) }, "400 REQUEST_ERROR"},
		{"null is nothing", func() string {
			return outcome(t, post(h, `{"query":"{hello}","extensions":{"persistedQuery":null}}`))
		}, "200"},
	}
	for _, s := range steps {
		if got := s.do(); got != s.want {
			t.Errorf("%s: got %s, want %s", s.name, got, s.want)
		}
	}
	if got := m.last.Load().Query; got != "{hello}" {
		t.Errorf("the engine was asked %q last", got)
	}
	text := scrape(t, metrics)
	for result, n := range map[string]int{"hit": 4, "miss": 5, "stored": 1, "mismatch": 1} {
		if got := series(text, `fraiseql_apq_total{result="`+result); len(got) != 1 || !strings.HasSuffix(got[0], fmt.Sprint(" ", n)) {
			t.Errorf("%s: %v, want %d", result, got, n)
		}
	}
}

func TestPersistedQueriesAreBounded(t *testing.T) {
	t.Parallel()
	h := server.NewGraphQL(newMemory(), server.Options{PersistBytes: 1000, Logger: silent})
	query := func(i int) string { return fmt.Sprintf("query Q%d { hello }%80s", i, "") }
	for i := range 50 {
		if got := outcome(t, post(h, persistedQuery(query(i), sha(query(i))))); got != "200" {
			t.Fatalf("query %d: %s", i, got)
		}
		post(h, persistedQuery("", sha(query(0)))) // the first is the most used one
	}
	var kept []int
	for i := range 50 {
		if outcome(t, post(h, persistedQuery("", sha(query(i))))) == "200" {
			kept = append(kept, i)
		}
	}
	if diff := cmp.Diff([]int{0, 48, 49}, kept); diff != "" {
		t.Errorf("what 1000 bytes hold (-want +got):\n%s", diff)
	}
	large := "query L { hello }" + strings.Repeat(" ", 1000)
	if got := outcome(t, post(h, persistedQuery(large, sha(large)))); got != "200" {
		t.Errorf("a query that is larger than all of it: %s", got)
	}
	if got := outcome(t, post(h, persistedQuery("", sha(query(49))))); got != "200" {
		t.Errorf("it drove the others out: %s", got)
	}
	off := server.NewGraphQL(newMemory(), server.Options{PersistBytes: -1, Logger: silent})
	if got := outcome(t, post(off, persistedQuery(query(1), sha(query(1))))); got != "200" {
		t.Errorf("off, with its text: %s", got)
	}
	if got := outcome(t, post(off, persistedQuery("", sha(query(1))))); got != "400 PERSISTED_QUERY_NOT_SUPPORTED" {
		t.Errorf("off: %s", got)
	}
}

func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	const users, change = "query Users { hello }", "mutation { change }"
	path := filepath.Join(t.TempDir(), "documents.json")
	text := fmt.Sprintf(`{"users":%q,"sha256:%s":%q,"%s":"query Reprinted{hello}"}`, users, sha(change), change, strings.Repeat("ab", 32))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	trusted, err := server.LoadTrustedDocuments(path)
	if err != nil {
		t.Fatal(err)
	}
	if trusted.Len() != 3 {
		t.Errorf("%d documents were read", trusted.Len())
	}
	m := newMemory()
	h := server.NewGraphQL(m, server.Options{Trusted: trusted, Logger: silent})
	for _, tc := range []struct{ name, body, want, query string }{
		{"by id", `{"documentId":"users"}`, "200", users},
		{"by its SHA-256 as an id", `{"documentId":"sha256:` + sha(users) + `"}`, "200", users},
		{"by the id that is its SHA-256", `{"documentId":"sha256:` + sha(change) + `"}`, "200", change},
		{"by its SHA-256, as a persisted query", persistedQuery("", sha(users)), "200", users},
		{"by its key, as a persisted query", persistedQuery("", strings.Repeat("ab", 32)), "200", "query Reprinted{hello}"},
		{"by its text", `{"query":"` + users + `"}`, "200", users},
		{"by its text, persisted", persistedQuery(users, sha(users)), "200", users},
		{"with an operation", `{"documentId":"users","operationName":"Users"}`, "200", users},
		{"another text", `{"query":"{hello}"}`, "403 FORBIDDEN_QUERY", ""},
		{"the text with a space more", `{"query":"` + users + ` "}`, "403 FORBIDDEN_QUERY", ""},
		{"another text, persisted", persistedQuery("{hello}", sha("{hello}")), "403 FORBIDDEN_QUERY", ""},
		{"which was not kept", persistedQuery("", sha("{hello}")), "400 DOCUMENT_NOT_FOUND", ""},
		{"another text under a known hash", persistedQuery("{hello}", sha(users)), "400 PERSISTED_QUERY_MISMATCH", ""},
		{"an unknown id", `{"documentId":"posts"}`, "400 DOCUMENT_NOT_FOUND", ""},
		{"an empty id", `{"documentId":""}`, "400 REQUEST_ERROR", ""},
		{"introspection", `{"query":"{__schema{types{name}}}"}`, "403 FORBIDDEN_QUERY", ""},
	} {
		before := m.prepared.Load()
		if got := outcome(t, post(h, tc.body)); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
		if tc.query == "" {
			if m.prepared.Load() != before {
				t.Errorf("%s: the engine was asked", tc.name)
			}
			continue
		}
		if diff := cmp.Diff(tc.query, m.last.Load().Query); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestTrustedDocumentsFile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"no JSON", `{"a":`, "EOF"},
		{"a list", `["{hello}"]`, "not a JSON object"},
		{"none", `{}`, "there are no documents"},
		{"a number", `{"a":1}`, `document "a" is not a string`},
		{"null", `{"a":null}`, `document "a" is not a string`},
		{"an id twice: which one is meant?", `{"a":"{x}","a":"{y}"}`, `document "a" comes twice`},
		{"an empty id", `{"":"{x}"}`, "empty id"},
		{"an empty document", `{"a":" "}`, `document "a" is empty`},
		{"a hash of another document", `{"sha256:` + sha("{x}") + `":"{y}"}`, "has the SHA-256 " + sha("{y}")},
		{"a hash that is none", `{"sha256:x":"{y}"}`, "has the SHA-256"},
		{"more than an object", `{"a":"{x}"}{}`, "there is more"},
		{"an empty file", "", "line 1: not a JSON object of documents by id: EOF"},
		{"a comma too many", "{\n\"a\":\"{x}\",\n}", "line 3: invalid character '}'"},
		{"a place", "{\n\"a\":\"{x}\",\n\"b\":[]}", `line 3: document "b" is not a string`},
		{"Latin-1", "{\"a\":\"{x(s:\\\"\xff\\\")}\"}", "not UTF-8"},
	} {
		_, err := server.ParseTrustedDocuments([]byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := server.LoadTrustedDocuments(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "none.json") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	m := newMemory()
	h := server.NewGraphQL(m, server.Options{Batching: true, MaxBatch: 3, Logger: silent})
	const hello = `{"query":"{hello}"}`
	for _, tc := range []struct{ name, body, want string }{
		{"one request alone", hello, `{"data":{"hello":null}}`},
		{"a list of one", "[" + hello + "]", `[{"data":{"hello":null}}]`},
		{
			"in order, each on its own",
			`[{"query":"{list}"},{"query":7},{"query":"mutation{change}"}]`,
			`[{"data":{"list":null}},{"errors":[{"message":"query must be a string","extensions":{"code":"REQUEST_ERROR"}}]},{"data":{"change":null}}]`,
		},
		{"a request that can't be prepared", `[{"query":"{hello}","operationName":"x"},` + hello + `]`, `[{"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"there is no such operation"}]},{"data":{"hello":null}}]`},
		{"at the limit", "[" + hello + "," + hello + "," + hello + "]", `[{"data":{"hello":null}},{"data":{"hello":null}},{"data":{"hello":null}}]`},
	} {
		w := post(h, tc.body)
		if w.Code != 200 {
			t.Errorf("%s: status %d", tc.name, w.Code)
		}
		if diff := cmp.Diff(tc.want, w.Body.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	executed := m.executed.Load()
	for _, tc := range []struct{ name, body, want string }{
		{"beyond the limit", "[" + hello + "," + hello + "," + hello + "," + hello + "]", "422 LIMIT_EXCEEDED"},
		{"none", "[]", "400 REQUEST_ERROR"},
		{"an element that is no request", "[" + hello + ",7]", "400 REQUEST_ERROR"},
		{"a list in the list", "[[" + hello + "]]", "400 REQUEST_ERROR"},
		{"cut", "[" + hello + ",", "400 REQUEST_ERROR"},
		{"no JSON later on", "[" + hello + `,{"query":x}]`, "400 REQUEST_ERROR"},
	} {
		if got := outcome(t, post(h, tc.body)); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
	if m.executed.Load() != executed {
		t.Error("a part of a refused list was executed")
	}
	byDefault := server.NewGraphQL(m, server.Options{Batching: true, Logger: silent})
	for n, want := range map[int]string{server.DefaultMaxBatch: "", server.DefaultMaxBatch + 1: "422 LIMIT_EXCEEDED"} {
		w := post(byDefault, "["+strings.Repeat(hello+",", n-1)+hello+"]")
		if want != "" && outcome(t, w) != want || want == "" && w.Code != 200 {
			t.Errorf("%d requests: got %d %s", n, w.Code, w.Body)
		}
	}
}
