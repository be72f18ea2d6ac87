package cli_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func hashOf(document string) string {
	hash := sha256.Sum256([]byte(document))
	return hex.EncodeToString(hash[:])
}

// persisted is the body of a persisted query; text "" leaves the document out.
func persisted(text, hash string) string {
	query := ""
	if text != "" {
		query = fmt.Sprintf(`"query":%q,`, text)
	}
	return fmt.Sprintf(`{%s"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, query, hash)
}

// sent is a request and what it gets: the status, and a part of the answer.
type sent struct {
	name, path, body string // path "": POST to GraphQL; else GET, with what follows the address
	status           int
	want             string
}

func (p *process) sends(t *testing.T, all []sent) {
	t.Helper()
	for _, c := range all {
		var status int
		var answer string
		if c.path != "" {
			res, text := reply(t, request(t, c.path))
			status, answer = res.StatusCode, text
		} else {
			status, answer = p.send(p.url(), c.body)
		}
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s: %d %.500s; want %d and %s", c.name, status, answer, c.status, c.want)
		}
	}
}

// With a file of documents the server answers these and nothing else, however the
// question is put.
func testTrusted(t *testing.T, file program) {
	t.Helper()
	const user, rename, old = `query User($id: BigInt!) { user(id: $id) { name } }`,
		`mutation Rename($id: BigInt!, $name: String!) { updateUser(id: $id, input: {name: $name}) { name } }`,
		`{ users { wasDropped } }`
	both := `query A { user(id: 1) { id } } query B { user(id: 2) { id } }`
	text, err := json.MarshalIndent(map[string]string{"user": user, "sha256:" + hashOf(rename): rename, "both": both, "old": old}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "documents.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, backend := range []string{"pgx", "pq"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			p := file.serve(t, []string{"DATABASE_URL=" + pgtest.Sample(t), "FRAISEQL_DB_BACKEND=" + backend, "FRAISEQL_BATCH_MAX=5"},
				"--trusted-documents", path, "--graphiql", "--admin-addr", "127.0.0.1:0")
			base := strings.TrimSuffix(p.url(), "/graphql")
			get := func(values ...string) string {
				q := url.Values{}
				for i := 0; i < len(values); i += 2 {
					q.Set(values[i], values[i+1])
				}
				return p.url() + "?" + q.Encode()
			}
			const ken, refused, unknown = `{"data":{"user":{"name":"Ken Gray"}}}`, `"code":"FORBIDDEN_QUERY"`, `"code":"DOCUMENT_NOT_FOUND"`
			stranger := "{ users { email } }"
			p.sends(t, []sent{
				{"by id", "", `{"documentId":"user","variables":{"id":42}}`, 200, ken},
				{"by GET", get("documentId", "user", "variables", `{"id":42}`), "", 200, ken},
				{"by hash, as Apollo sends it", "", strings.Replace(persisted("", hashOf(user)), "{", `{"variables":{"id":42},`, 1), 200, ken},
				{"by text", "", fmt.Sprintf(`{"query":%q,"variables":{"id":42}}`, user), 200, ken},
				{"one of two operations", "", `{"documentId":"both","operationName":"B"}`, 200, `{"data":{"user":{"id":2}}}`},
				{"a mutation", "", `{"documentId":"sha256:` + hashOf(rename) + `","variables":{"id":7,"name":"New"}}`, 200, `{"data":{"updateUser":{"name":"New"}}}`},
				{"a mutation by GET", get("documentId", "sha256:"+hashOf(rename), "variables", `{"id":7,"name":"x"}`), "", 405, ""},
				{"a list", "", `[{"documentId":"user","variables":{"id":42}},{"query":"{ users { email } }"}]`, 200, "[" + ken + `,{"errors":[`},
				{"a text", "", fmt.Sprintf(`{"query":%q}`, stranger), 403, refused},
				{"a text by GET", get("query", stranger), "", 403, refused},
				{"a text with a space more", "", fmt.Sprintf(`{"query":%q,"variables":{"id":42}}`, user+" "), 403, refused},
				{"introspection", "", `{"query":"{__schema{types{name}}}"}`, 403, refused},
				{"introspection, as a part", "", fmt.Sprintf(`{"query":%q,"variables":{"id":1}}`, strings.Replace(user, "{ name", "{ name __typename", 1)), 403, refused},
				{"a query to keep", "", persisted(stranger, hashOf(stranger)), 403, refused},
				{"which is not kept", "", persisted("", hashOf(stranger)), 200, unknown},
				{"another text by a hash of the file", "", persisted(stranger, hashOf(user)), 400, `"code":"PERSISTED_QUERY_MISMATCH"`},
				{"an id and a text", "", fmt.Sprintf(`{"documentId":"user","query":%q}`, stranger), 400, ""},
				{"an id that is none", "", `{"documentId":"users"}`, 200, unknown},
				{"nothing", "", `{}`, 400, ""},
				{"a document that is no more", "", `{"documentId":"old"}`, 200, `"code":"VALIDATION_ERROR"`},
				{"definitions are a way around", base + "/definitions", "", 404, ""},
				{"their description", base + "/openapi.json", "", 404, ""},
				{"operators are told", p.admin() + "/readyz", "", 200, `{"object":"trusted document old","reason":"1:11: Cannot query field \"wasDropped\" on type \"User\"."}`},
			})
			p.saw("trusted document old")
			if strings.Contains(p.errs.String(), "trusted document both") {
				t.Error("a document with several operations counts as broken")
			}
			p.end(syscall.SIGTERM)
		})
	}
}

// A file that cannot be used ends the command before it serves anything.
func testTrustedFiles(t *testing.T, file program) {
	t.Helper()
	dsn := "DATABASE_URL=" + pgtest.DB(t)
	for name, c := range map[string]struct{ text, want string }{
		"empty":     {"", "line 1: not a JSON object of documents by id"},
		"a list":    {`["{ users { id } }"]`, "not a JSON object of documents by id"},
		"nothing":   {`{}`, "there are no documents"},
		"comma":     {"{\n\"a\": \"{ users { id } }\",\n}", "line 3: invalid character '}'"},
		"twice":     {"{\"a\": \"{ x }\",\n\"a\": \"{ y }\"}", `line 2: document "a" comes twice`},
		"manifest":  {`{"version": 1, "operations": []}`, `line 1: document "version" is not a string`},
		"hash":      {`{"sha256:` + hashOf("{ x }") + `": "{ y }"}`, "has the SHA-256 " + hashOf("{ y }")},
		"not UTF-8": {"{\"a\": \"{ x(y: \\\"\xe9\\\") }\"}", "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "documents.json")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			p := file.serve(t, []string{dsn, "FRAISEQL_TRUSTED_DOCUMENTS=" + path})
			<-p.ended
			if p.code != 2 || p.line != "" {
				t.Errorf("exit code %d; it printed %q", p.code, p.line)
			}
			for _, want := range []string{path, c.want} {
				if !strings.Contains(p.errs.String(), want) {
					t.Errorf("no %q in %s", want, p.errs)
				}
			}
			if n := strings.Count(strings.TrimSpace(p.errs.String()), "\n"); n > 0 {
				t.Errorf("%d lines: %s", n+1, p.errs)
			}
		})
	}
}

// Automatic persisted queries: by default, and switched off.
func testPersisted(t *testing.T, file program) {
	t.Helper()
	dsn := pgtest.Sample(t)
	const query, wrong = "query Q { user(id: 42) { name } }", "{ nothing }"
	const ken, notFound = `{"data":{"user":{"name":"Ken Gray"}}}`, `"code":"PERSISTED_QUERY_NOT_FOUND"`
	p := file.serve(t, []string{"DATABASE_URL=" + dsn}, "--admin-addr", "127.0.0.1:0")
	byHash := p.url() + "?" + url.Values{"extensions": {`{"persistedQuery":{"version":1,"sha256Hash":"` + hashOf(query) + `"}}`}}.Encode()
	p.sends(t, []sent{
		{"not known", "", persisted("", hashOf(query)), 200, notFound},
		{"not known, by GET", byHash, "", 200, notFound},
		{"another text", "", persisted("{ users { id } }", hashOf(query)), 400, `"code":"PERSISTED_QUERY_MISMATCH"`},
		{"one that is not valid", "", persisted(wrong, hashOf(wrong)), 200, `"code":"VALIDATION_ERROR"`},
		{"which is not kept", "", persisted("", hashOf(wrong)), 200, notFound},
		{"with its text", "", persisted(query, hashOf(query)), 200, ken},
		{"known", "", persisted("", hashOf(query)), 200, ken},
		{"known, by GET", byHash, "", 200, ken},
		{"counted", p.admin() + "/metrics", "", 200, `fraiseql_apq_total{result="hit"} 2`},
	})
	p.end(syscall.SIGTERM)
	p = file.serve(t, []string{"DATABASE_URL=" + dsn}, "--apq-bytes", "0")
	p.sends(t, []sent{
		{"off, by hash", "", persisted("", hashOf(query)), 200, `"code":"PERSISTED_QUERY_NOT_SUPPORTED"`},
		{"off, with its text", "", persisted(query, hashOf(query)), 200, ken},
		{"off, again by hash", "", persisted("", hashOf(query)), 200, `"code":"PERSISTED_QUERY_NOT_SUPPORTED"`},
	})
	p.end(syscall.SIGTERM)
}
