package tests

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// errorEntry is a code on docs/reference/errors.md, with one answer that has it.
type errorEntry struct {
	code, when, do string
	server         string // which of errorServers answers
	method         string // POST where it is ""
	query          string // a document; sent as JSON, by GET as a parameter
	body           string // or the whole body of a POST
	header         [2]string
	status         int    // sent again until it is answered with this; 0: sent once
	shown          string // what the page says of the request where it does not show it
}

// errorServers are the command lines that the entries need.
var errorServers = map[string]string{
	"":        "fraiseql serve --db-query-timeout-ms 2000",
	"strict":  "fraiseql serve --introspection off --apq-bytes 0 --jwt-secret 0123456789abcdef0123456789abcdef",
	"trusted": "fraiseql serve --trusted-documents trusted.json",
	"limited": "fraiseql serve --rate-limit 1 --rate-burst 1",
}

const errorFixtures = `
CREATE FUNCTION nap() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1 FROM pg_sleep(60)';
CREATE FUNCTION book_seat(seat int) RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE serialization_failure; END$$;
CREATE FUNCTION the_user(name text) RETURNS users STABLE LANGUAGE plpgsql AS $$
DECLARE u users; BEGIN SELECT * INTO STRICT u FROM users x WHERE x.name = the_user.name; RETURN u; END$$;
CREATE FUNCTION audit() RETURNS int LANGUAGE plpgsql SECURITY INVOKER AS $$BEGIN RAISE insufficient_privilege; END$$;
`

// Entries without a request are about what no test can bring about at will: their
// answer is made of the code alone, by the same function.
var errorEntries = []errorEntry{
	// Of the document.
	{code: "PARSE_ERROR", when: "The text is not a GraphQL document.", do: "Look at the place in `locations`.", query: "{ users { name }"},
	{code: "VALIDATION_ERROR", when: "The document does not fit the schema: a field, argument or type that is not there, a value of another type, a variable that is not declared.", do: "Follow the hint; regenerate clients whose schema is older than the server's.", query: "{ users { nam } }"},
	{code: "BAD_USER_INPUT", when: "A value can't be what it stands for, or a filter, a page or a write says something that can never be meant. Nothing was sent to the database, or it refused a value.", do: "The message begins with the place in the arguments, and `allowed` lists what may stand there.", query: `{ users(filter: {birthDate: {eq: "2026-02-30"}}) { id } }`},
	{code: "LIMIT_EXCEEDED", when: "A limit of documents was passed (depth, aliases, root fields, tokens, directives, fragments, bytes), or of definitions (depth and number of conditions, depth of relations), or one of the data: `maxAffected`, `FRAISEQL_MAX_ROWS`.", do: "Ask for less at a time; [settings](settings.md#limits-of-a-document) move the limits.", query: `mutation { updateUsers(allRows: true, input: {isActive: true}, maxAffected: 5) { updatedCount } }`},
	{code: "OPERATION_COST_EXCEEDED", when: "Lists inside lists could have more rows than `FRAISEQL_LIMIT_COST` allows.", do: "Say smaller `limit`, `first` or `last`; see [Limits](graphql.md#limits).", query: "{ users(limit: 1000) { posts(limit: 100) { author { name } } } }"},
	{code: "INTROSPECTION_DISABLED", when: "`__schema` and `__type` are not open to whoever asks (`FRAISEQL_INTROSPECTION`).", do: "Send credentials where it is `authenticated`; else take the schema from `fraiseql schema --sdl`.", query: "{ __schema { queryType { name } } }", server: "strict"},
	// Of the data.
	{code: "CONSTRAINT_VIOLATION", when: "The change breaks a unique, foreign, check, exclusion or not-null constraint.", do: "`constraint`, `table` and `fields` say which; the values are not repeated.", query: `mutation { updateUser(id: 2, input: {email: "alan.turing3@mail.example"}) { id } }`},
	{code: "NOT_FOUND", when: "Something that is named is not there: a row to connect or to change, or a row that a function demands (SELECT INTO STRICT).", do: "Check the key. Reads of a key that is not there give null, not this.", query: `{ theUser(name: "Nobody") { id } }`},
	{code: "FORBIDDEN", when: "The role may not do it (privilege, row-level security, read-only transaction), or a browser sent a GET for another site.", do: "Grant what is missing, or look at the policies; for browsers see [GraphQL over HTTP](graphql-over-http.md).", query: "mutation { audit }"},
	{code: "CONFLICT", when: "The transaction met another one (serialization failure, deadlock, lock not available) and went wrong each time it was repeated (`FRAISEQL_DB_MAX_RETRIES`).", do: "Send it again.", query: "mutation { bookSeat(seat: 4) }"},
	{code: "TIMEOUT", when: "A statement or the request took longer than `FRAISEQL_DB_QUERY_TIMEOUT_MS` or `FRAISEQL_REQUEST_TIMEOUT_MS`.", do: "Ask for less, or give the database an index; `FRAISEQL_LOG_PERFORMANCE` names slow statements.", query: "{ nap }"},
	{code: "CANCELED", when: "The client went away. Its statement was cancelled; the code is in the log and the metrics.", do: "Nothing."},
	{code: "SERVICE_UNAVAILABLE", when: "No connection to the database could be had in time, as many operations wait for one as may (`FRAISEQL_DB_MAX_WAITING`), the server is ending, or it has as many requests as it takes (`FRAISEQL_MAX_IN_FLIGHT`). HTTP status 503 has `Retry-After`.", do: "Send it again later. Look at `/readyz` and the pool's metrics."},
	{code: "COMMIT_UNKNOWN", when: "COMMIT was sent, and the connection broke before its answer came.", do: "Read what became of it before you send it again: it may be stored. It is never repeated by the server."},
	{code: "CONFIGURATION", when: "The settings, the credentials or the catalog do not let the server work. Mostly it is told at the start, with exit code 2; later where a key of a view that only the configuration knows does not hold, or a materialized view was never filled.", do: "The log has the reason; `fraiseql config` shows where each setting came from."},
	{code: "PARITY_MISMATCH", when: "With `FRAISEQL_PARITY_TESTING=true`: the two drivers answered differently.", do: "Read the report in the log; see [What parity compares](../explanation/parity.md)."},
	{code: "INTERNAL_ERROR", when: "A bug of the server, or an error of the database that is not for clients, such as a RAISE of a function.", do: "Find the request's id (`X-Request-Id`) in the log. Let a RAISE that is meant for people through with `FRAISEQL_ERROR_SQLSTATES`."},
	// Of HTTP.
	{code: "REQUEST_ERROR", when: "The body or the URL is not a GraphQL request.", do: "The message names the parameter.", body: `{"query": ["{ users { id } }"]}`},
	{code: "UNAUTHENTICATED", when: "The credentials are not accepted.", do: "Get a new token; `WWW-Authenticate` says what is wrong with this one.", query: "{ users { id } }", server: "strict", header: [2]string{"Authorization", "Bearer abc"}},
	{code: "FORBIDDEN_QUERY", when: "The server answers trusted documents only, and this is none.", do: "Add the document to the file of `FRAISEQL_TRUSTED_DOCUMENTS`.", query: "{ users { id } }", server: "trusted"},
	{code: "DOCUMENT_NOT_FOUND", when: "No trusted document has the id.", do: "Publish the documents before the client that uses them.", body: `{"documentId": "users-2"}`, server: "trusted"},
	{code: "METHOD_NOT_ALLOWED", when: "Another method than POST and GET, or a mutation by GET.", do: "See `Allow`.", method: http.MethodGet, query: "mutation { deleteUser(id: 1) { success } }"},
	{code: "NOT_ACCEPTABLE", when: "`Accept` has neither media type.", do: "Accept `application/graphql-response+json` or `application/json`.", query: "{ users { id } }", header: [2]string{"Accept", "text/csv"}},
	{code: "UNSUPPORTED_MEDIA_TYPE", when: "The body is not `application/json` in UTF-8, or it is compressed.", do: "Send it so.", query: "{ users { id } }", header: [2]string{"Content-Type", "application/x-www-form-urlencoded"}},
	{code: "PAYLOAD_TOO_LARGE", when: "The body is larger than `FRAISEQL_BODY_LIMIT`.", do: "Send less, or a persisted query.", body: strings.Repeat(" ", 1<<20+1), shown: "1,048,577 bytes"},
	{code: "RATE_LIMIT_EXCEEDED", when: "The client has sent more requests than `FRAISEQL_RATE_LIMIT` and `FRAISEQL_RATE_BURST` let through.", do: "Wait for as many seconds as `Retry-After` says.", query: "{ users(limit: 1) { id } }", server: "limited", status: http.StatusTooManyRequests},
	{code: "REQUEST_TIMEOUT", when: "The body came more slowly than `FRAISEQL_READ_TIMEOUT_MS` allows.", do: "Send it again."},
	{code: "PERSISTED_QUERY_NOT_FOUND", when: "The hash of an automatically persisted query is not known, or not any more.", do: "Send the query with its hash; clients do that by themselves.", body: `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + strings.Repeat("0", 64) + `"}}}`},
	{code: "PERSISTED_QUERY_MISMATCH", when: "The hash is not that of the query.", do: "Hash the text that is sent, as UTF-8.", body: `{"query": "{ users { id } }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + strings.Repeat("0", 64) + `"}}}`},
	{code: "PERSISTED_QUERY_NOT_SUPPORTED", when: "Automatically persisted queries are off (`FRAISEQL_APQ_BYTES=0`).", do: "Send the query.", body: `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + strings.Repeat("0", 64) + `"}}}`, server: "strict"},
}

// ask sends the request of e and returns what the page shows: status and answer.
func (e *errorEntry) ask(t *testing.T, addr string) (status int, answer string) {
	t.Helper()
	for range 100 {
		status, answer = e.send(t, addr)
		if e.status == 0 || status == e.status {
			break
		}
	}
	return status, answer
}

func (e *errorEntry) send(t *testing.T, addr string) (status int, answer string) {
	t.Helper()
	if e.query == "" && e.body == "" {
		for c := range backend.Codes() {
			if c.String() == e.code {
				return c.HTTPStatus(), string(executor.AppendError(nil, backend.New("execute", c, errors.New("x"))))
			}
		}
		return http.StatusRequestTimeout, `{"errors":[{"message":"the request took too long to arrive","extensions":{"code":"` + e.code + `"}}]}`
	}
	target, body, method := "http://"+addr+"/graphql", e.body, http.MethodPost
	if body == "" {
		body = fmt.Sprintf(`{"query": %q}`, e.query)
	}
	if e.method == http.MethodGet {
		target, body, method = target+"?query="+url.QueryEscape(e.query), "", e.method
	}
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/graphql-response+json")
	r.Header.Set("Content-Type", "application/json")
	if e.header[0] != "" {
		r.Header.Set(e.header[0], e.header[1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// request is what the page shows of it.
func (e *errorEntry) request() string {
	switch {
	case e.shown != "":
		return "```\n" + e.shown + "\n```\n\n"
	case e.query == "" && e.body == "":
		return ""
	case e.header[0] != "":
		return "```\n" + e.header[0] + ": " + e.header[1] + "\n\n" + e.query + "\n```\n\n"
	case e.body != "":
		return "```json\n" + e.body + "\n```\n\n"
	case e.method != "":
		return "```\n" + e.method + " /graphql?query=" + e.query + "\n```\n\n"
	}
	return "```graphql\n" + e.query + "\n```\n\n"
}

const errorsHead = `<!-- Made by: go test ./tests -run TestErrorsPage -update -->
# Errors

Every error of an answer has a code in ` + "`extensions.code`" + `. Decide by the code; the message is for people and may change. An error of one
root field has its ` + "`path`" + `, and the others are answered. What the
database says in words, and values of rows, are not told.

Each answer below is what a server gives to the request above it, with ` + "`Accept: application/graphql-response+json`" + `. An answer without a
request can't be brought about at will. The functions ` + "`nap`, `theUser`, `audit` and `bookSeat`" + ` are there to fail. With ` + "`application/json`" + ` the status is 200 where the request was well-formed, whatever became of it.

`

// The page of errors is fresh: every answer is asked for again.
func TestErrorsPage(t *testing.T) {
	t.Parallel()
	p := newPage(t, true)
	defer p.stop()
	pgtest.Exec(t, p.dsn, errorFixtures)
	if err := os.WriteFile(filepath.Join(p.dir, "trusted.json"), []byte(`{"users-1": "{ users { name } }"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for name, line := range errorServers {
		p.serve(line)
		for i := range errorEntries {
			e := &errorEntries[i]
			if e.server != name {
				continue
			}
			status, answer := e.ask(t, p.addr["127.0.0.1:8000"])
			if !strings.Contains(answer, `"code":"`+e.code+`"`) {
				t.Errorf("%s: %d %s", e.code, status, answer)
			}
			answers[e.code] = fmt.Sprintf("HTTP status %d:\n\n```json\n%s```\n", status, pretty("json", answer))
		}
	}
	var b strings.Builder
	b.WriteString(errorsHead)
	for i := range errorEntries {
		e := &errorEntries[i]
		fmt.Fprintf(&b, "## %s\n\n%s\n\n**What to do:** %s\n\n%s%s", e.code, e.when, e.do, e.request(), answers[e.code])
		if i < len(errorEntries)-1 {
			b.WriteString("\n")
		}
	}
	file := filepath.Join("..", "docs", "reference", "errors.md")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), b.String()); diff != "" {
		t.Errorf("the page is old, make it anew with -update:\n%s", diff)
	}
}

// codeSources are the files that have codes of their own.
var codeSources = []string{"graphql/errors.go", "graphql/fielderror.go", "server/errors.go", "server/definitions_failure.go"}

var codeForm = regexp.MustCompile(`"([A-Z]+_[A-Z_]*[A-Z]|FORBIDDEN|UNAUTHENTICATED)"`)

// Every code of the product has an entry, and there is no entry more.
func TestEveryCodeIsDocumented(t *testing.T) {
	t.Parallel()
	var want, have []string
	for c := range backend.Codes() {
		if c != backend.CodeOK {
			want = append(want, c.String())
		}
	}
	for _, path := range codeSources {
		text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		found := codeForm.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s: no code is recognized", path)
		}
		for _, m := range found {
			want = append(want, m[1])
		}
	}
	for i := range errorEntries {
		have = append(have, errorEntries[i].code)
	}
	slices.Sort(want)
	slices.Sort(have)
	if diff := cmp.Diff(slices.Compact(want), have); diff != "" {
		t.Error(diff)
	}
}
