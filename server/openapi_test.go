package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/server"
)

var updateOpenAPI = flag.Bool("update-openapi", false, "rewrite testdata/openapi.json")

func openAPI(t *testing.T, sch *builder.Schema, o server.OpenAPIOptions) []byte {
	t.Helper()
	text, err := server.OpenAPI(sch, o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sampleTables keep the golden document apart from what the server's version or
// its extensions add.
const sampleTables = `drop table all_types cascade; drop type mood, pair, float_range cascade; drop domain percentage, short_texts`

// TestOpenAPIGolden: the document of the sample database is the one that a person
// has read.
func TestOpenAPIGolden(t *testing.T) {
	t.Parallel()
	const golden = "testdata/openapi.json"
	dsn := pgtest.Sample(t)
	pgtest.Exec(t, dsn, sampleTables)
	text := openAPI(t, openDB(t, dsn, flags.BackendPGX).Schema(), server.OpenAPIOptions{Version: "1", Bearer: true})
	got := string(pretty(t, nil, bytes.TrimSpace(text), "\n")) + "\n"
	if *updateOpenAPI {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("-golden +got (go test ./server -run OpenAPI -update-openapi):\n%s", diff)
	}
}

// pretty writes JSON with what fits on a line on one.
func pretty(t *testing.T, dst []byte, raw json.RawMessage, newline string) []byte {
	t.Helper()
	if len(raw)+len(newline) <= 140 || raw[0] != '{' && raw[0] != '[' {
		return append(dst, raw...)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	dst = append(dst, raw[0])
	for i := 0; dec.More(); i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, newline...), ' ')
		if raw[0] == '{' {
			key, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			dst = append(strconv.AppendQuote(dst, key.(string)), ": "...)
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		dst = pretty(t, dst, v, newline+" ")
	}
	return append(append(dst, newline...), raw[0]+2) // '{' + 2 is '}', '[' + 2 is ']'
}

// keywords are those of JSON Schema 2020-12 that the document may use. The
// vocabulary ignores what it does not know, so a slip would pass in silence.
var keywords = []string{
	"$ref", "additionalProperties", "allOf", "anyOf", "const", "description", "enum", "format", "items", "maxItems", "maxProperties",
	"maximum", "minItems", "minLength", "minProperties", "minimum", "not", "pattern", "properties", "required", "type",
}

// TestOpenAPIStructure: the document has the form that the specification asks for.
// Every reference leads somewhere and no component is for nothing.
func TestOpenAPIStructure(t *testing.T) {
	t.Parallel()
	db := openDB(t, pgtest.Sample(t), flags.BackendPGX)
	text := openAPI(t, db.Schema(), server.OpenAPIOptions{})
	if again := openAPI(t, db.Schema(), server.OpenAPIOptions{}); !bytes.Equal(text, again) {
		t.Error("two documents of one schema differ")
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"openapi", "info", "servers", "security", "paths", "components"} {
		if doc[key] == nil {
			t.Errorf("no %s", key)
		}
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	used := map[string]bool{}
	refs(doc, func(ref string) {
		name, ok := strings.CutPrefix(ref, "#/components/schemas/")
		if _, there := schemas[name]; !ok || !there {
			t.Errorf("%s leads nowhere", ref)
		}
		used[name] = true
	})
	for name, s := range schemas {
		if !used[name] {
			t.Errorf("component %s is not used", name)
		}
		walk(t, name, s)
	}
	responses := doc["paths"].(map[string]any)["/definitions"].(map[string]any)["post"].(map[string]any)["responses"].(map[string]any)
	var statuses []string
	for status, r := range responses {
		statuses = append(statuses, status)
		if r.(map[string]any)["description"] == "" {
			t.Errorf("response %s has no description", status)
		}
	}
	slices.Sort(statuses)
	if diff := cmp.Diff([]string{"200", "400", "403", "404", "405", "408", "409", "413", "415", "422", "500", "503", "504"}, statuses); diff != "" {
		t.Errorf("statuses: -want +got:\n%s", diff)
	}
	failure := compile(t, text, "Failure")
	for status, r := range responses {
		examples, _ := r.(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["examples"].(map[string]any)
		for code, example := range examples {
			if err := failure.Validate(example.(map[string]any)["value"]); err != nil {
				t.Errorf("example of %s %s: %v", status, code, err)
			}
		}
	}
}

// refs calls f for every reference in v.
func refs(v any, f func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for key, sub := range v {
			if s, ok := sub.(string); ok && key == "$ref" {
				f(s)
			}
			refs(sub, f)
		}
	case []any:
		for _, sub := range v {
			refs(sub, f)
		}
	}
}

// walk checks the keywords of a schema and of those within it.
func walk(t *testing.T, at string, schema any) {
	t.Helper()
	s, ok := schema.(map[string]any)
	if _, isBool := schema.(bool); !ok && !isBool {
		t.Errorf("%s is no schema: %v", at, schema)
	}
	for key, v := range s {
		if !slices.Contains(keywords, key) {
			t.Errorf("%s has the keyword %s", at, key)
		}
		switch key {
		case "properties":
			for name, sub := range v.(map[string]any) {
				walk(t, at+"/"+name, sub)
			}
		case "items", "additionalProperties", "not":
			walk(t, at+"/"+key, v)
		case "anyOf", "allOf":
			for _, sub := range v.([]any) {
				walk(t, at+"/"+key, sub)
			}
		}
	}
}

// compile makes a validator of one component; it checks the document against the
// vocabulary of JSON Schema 2020-12 on the way.
func compile(t *testing.T, text []byte, component string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("https://test/openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://test/openapi.json#/components/schemas/" + component)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instance(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// TestOpenAPICorpus: what the builder takes of the corpus, the document takes, and
// the answers are as it says.
func TestOpenAPICorpus(t *testing.T) {
	t.Parallel()
	db := openDB(t, pgtest.Sample(t), flags.BackendPGX)
	text := openAPI(t, db.Schema(), server.OpenAPIOptions{})
	request, response, failure := compile(t, text, "Request"), compile(t, text, "Response"), compile(t, text, "Failure")
	h := server.NewDefinitions(db, server.DefinitionOptions{Logger: quiet, AllowSession: true})
	f, err := os.Open("../tests/testdata/operations.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n, takes := 0, 0
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var o struct {
			Title      string          `json:"title"`
			Definition json.RawMessage `json:"definition"`
		}
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatal(err)
		}
		n++
		if builds(t, db, o.Definition) {
			takes++
			if err := request.Validate(instance(t, o.Definition)); err != nil {
				t.Errorf("%s: the builder takes it, the document does not: %s\n%v", o.Title, o.Definition, err)
			}
		}
		w := answerOf(t, h, definitionRequest(string(o.Definition)))
		expected := response
		if w.Code != http.StatusOK {
			expected = failure
		}
		if err := expected.Validate(instance(t, w.Body.Bytes())); err != nil {
			t.Errorf("%s: answered %d %s\n%v", o.Title, w.Code, w.Body, err)
		}
	}
	if err := lines.Err(); err != nil || takes < 50 {
		t.Fatalf("%d of %d definitions, %v", takes, n, err)
	}
}

// builds says whether the builder takes all of a request.
func builds(t *testing.T, db *fraiseql.DB, text []byte) bool {
	t.Helper()
	r, err := db.Schema().Parse(text)
	for i := range r.Definitions {
		if err == nil {
			_, err = builder.Build(db.Schema(), &r.Definitions[i])
		}
	}
	return err == nil
}

// TestOpenAPIJudges: the document takes what the grammar allows and refuses what
// it does not, as the builder does.
func TestOpenAPIJudges(t *testing.T) {
	t.Parallel()
	db := openDB(t, pgtest.Sample(t), flags.BackendPGX)
	request := compile(t, openAPI(t, db.Schema(), server.OpenAPIOptions{MaxDefinitions: 2}), "Request")
	query := func(rest string) string { return `{"operation":"query","table":"users"` + rest + `}` }
	filter := func(f string) string { return query(`,"filters":` + f) }
	for _, tc := range []struct {
		name, request string
		want          bool
	}{
		{"all of a table", query(``), true},
		{"with its schema", `{"operation":"query","table":"public.users"}`, true},
		{"no table", `{"operation":"query"}`, false},
		{"unknown table", `{"operation":"query","table":"nowhere"}`, false},
		{"unknown key", query(`,"limit":1`), false},
		{"letter case", query(`,"Fields":["id"]`), false},
		{"both spellings", query(`,"fields":["created_at","managerId"]`), true},
		{"unknown field", query(`,"fields":["nope"]`), false},
		{"no field", query(`,"fields":[]`), false},
		{"inside json", query(`,"fields":[{"field":"profile","path":["a",0],"type":"text","as":"x"}]`), true},
		{"no filter", filter(`null`), true},
		{"empty filter", filter(`{}`), false},
		{"bare value", filter(`{"id":1}`), false},
		{"operators", filter(`{"id":{"gte":1,"lt":9,"not":{"in":[3]}}}`), true},
		{"field form", filter(`{"field":"id","operator":"eq","value":1}`), true},
		{"field form with operators", filter(`{"field":"id","gte":1}`), true},
		{"field form, unknown operator", filter(`{"field":"id","operator":"equals","value":1}`), false},
		{"unknown operator", filter(`{"id":{"equals":1}}`), false},
		{"operator of another type", filter(`{"id":{"startswith":"1"}}`), false},
		{"camelCase operator", filter(`{"managerId":{"isNull":true}}`), true},
		{"fraction for an integer", filter(`{"id":{"eq":5.5}}`), false},
		{"text for an integer", filter(`{"id":{"eq":"five"}}`), false},
		{"digits as text", filter(`{"id":{"eq":"5"}}`), true},
		{"number for a text", filter(`{"name":{"eq":5}}`), false},
		{"null", filter(`{"managerId":{"eq":null}}`), true},
		{"null that an operator refuses", filter(`{"managerId":{"gt":null}}`), false},
		{"enum", filter(`{"role":{"in":["admin","guest"]}}`), true},
		{"no label", filter(`{"role":{"eq":"king"}}`), false},
		{"logic", filter(`{"and":[{"id":{"eq":1}},{"or":[]},{"not":{"role":{"eq":"admin"}}}]}`), true},
		{"logic of a field", filter(`{"id":{"or":[{"eq":1},{"gt":90}]}}`), true},
		{"json path", filter(`{"profile":{"path":["address","city"],"eq":"Oslo"}}`), true},
		{"relation", filter(`{"posts":{"exists":{"status":{"eq":"published"}},"none":{}}}`), true},
		{"relation, unknown word", filter(`{"posts":{"most":{"status":{"eq":"published"}}}}`), false},
		{"sort", query(`,"sort":[{"field":"name","direction":"DESC","nulls":"LAST"},{"id":"asc"}]`), true},
		{"two keys in one", query(`,"sort":[{"id":"ASC","name":"ASC"}]`), false},
		{"pages", query(`,"sort":[{"id":"ASC"}],"after":{"id":5},"pagination":{"limit":5}`), true},
		{"negative limit", query(`,"pagination":{"limit":-1}`), false},
		{"aggregate", query(`,"group_by":["role",{"field":"createdAt","trunc":"year","as":"y"}],"aggregate":[{"fn":"count"}],"having":{"count":{"gt":1}}`), true},
		{"relations", query(`,"relations":{"posts":{"fields":["title"],"pagination":{"limit":2}}}`), true},
		{"insert", `{"type":"insert","table":"users","input":{"name":"a","email":"a@example.com"}}`, true},
		{"insert, list", `{"operation":"mutation","type":"insert","table":"users","input":[{"name":"a","email":"a@example.com"}],"return_fields":null}`, true},
		{"insert, what is required", `{"type":"insert","table":"users","input":{"name":"a"}}`, false},
		{"insert, unknown column", `{"type":"insert","table":"users","input":{"name":"a","email":"a@example.com","x":1}}`, false},
		{"insert, on conflict", `{"type":"insert","table":"users","input":{"name":"a","email":"a@example.com"},"on_conflict":{"columns":["email"],"do":"update"}}`, true},
		{"insert, all rows", `{"type":"insert","table":"users","input":{"name":"a","email":"a@example.com"},"all_rows":true}`, false},
		{"update", `{"type":"update","table":"users","filters":{"id":{"eq":1}},"input":{"balance":{"increment":1},"name":"b"}}`, true},
		{"update, two operations", `{"type":"update","table":"users","filters":{"id":{"eq":1}},"input":{"balance":{"increment":1,"set":2}}}`, false},
		{"update, nothing", `{"type":"update","table":"users","filters":{"id":{"eq":1}},"input":{}}`, false},
		{"delete", `{"type":"delete","table":"posts","filters":{"id":{"eq":1}},"return_fields":["id"]}`, true},
		{"delete with input", `{"type":"delete","table":"posts","filters":{"id":{"eq":1}},"input":{}}`, false},
		{"write to a view that takes none", `{"type":"delete","table":"author_stats","filters":{"id":{"eq":1}}}`, false},
		{"list", `[` + query(``) + `]`, true},
		{"empty list", `[]`, false},
		{"transaction", `{"transaction":[` + query(``) + `],"isolation":"serializable","read_only":true}`, true},
		{"transaction, unknown level", `{"transaction":[` + query(``) + `],"isolation":"chaos"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := request.Validate(instance(t, []byte(tc.request)))
			if (err == nil) != tc.want {
				t.Errorf("%s: %v", tc.request, err)
			}
			if builds(t, db, []byte(tc.request)) != tc.want {
				t.Errorf("%s: the builder says otherwise", tc.request)
			}
		})
	}
	if request.Validate(instance(t, []byte(`[`+strings.Repeat(query(``)+",", 2)+query(``)+`]`))) == nil {
		t.Error("a list beyond the limit is taken")
	}
}

// TestOpenAPINames: names that OpenAPI can't have, or that meet, stay apart.
func TestOpenAPINames(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create type "a?b" as enum ('x'); create table "a b" (id int primary key, "$ref" "a?b"); create table "a/b" (id int);
		create table "a.b" (id int); create table "größe" (id int); create table nothing ()`)
	db := openDB(t, dsn, flags.BackendPGX)
	text := openAPI(t, db.Schema(), server.OpenAPIOptions{})
	request := compile(t, text, "Request")
	for table, want := range map[string]bool{
		"a b": true, "a/b": true, `\"a.b\"`: true, "größe": true, "public.a b": true, "a_b": false, "nothing": false,
	} {
		definition := []byte(`{"operation":"query","table":"` + table + `"}`)
		if err := request.Validate(instance(t, definition)); (err == nil) != want {
			t.Errorf("%s: %v", table, err)
		}
	}
	if compile(t, text, "Response") == nil {
		t.Error("no schema")
	}
}

// TestOpenAPIEmpty: a database without tables has a valid document.
func TestOpenAPIEmpty(t *testing.T) {
	t.Parallel()
	text := openAPI(t, openDB(t, pgtest.DB(t), flags.BackendPGX).Schema(), server.OpenAPIOptions{})
	if compile(t, text, "Request").Validate(instance(t, []byte(`{"operation":"query","table":"users"}`))) == nil {
		t.Error("there is a table")
	}
}

// TestOpenAPIHandler: the document is cached by its tag, follows the schema, and is
// there as YAML with the same content.
func TestOpenAPIHandler(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table a (id int primary key)`)
	db := openDB(t, dsn, flags.BackendPGX)
	h := server.NewOpenAPI(db.Schema, server.OpenAPIOptions{}, nil)
	first := answerOf(t, h, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	if first.Code != http.StatusOK || first.Header().Get("Content-Type") != "application/json" || !strings.Contains(first.Body.String(), "public.a.query") {
		t.Fatalf("%d %v", first.Code, first.Header())
	}
	again := httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
	again.Header.Set("If-None-Match", first.Header().Get("ETag"))
	if w := answerOf(t, h, again); w.Code != http.StatusNotModified || w.Header().Get("Cache-Control") != "no-cache" || w.Body.Len() > 0 {
		t.Errorf("with its tag: %d %v", w.Code, w.Header())
	}
	block := answerOf(t, h, httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil))
	var fromJSON, fromYAML any
	if err := json.Unmarshal(first.Body.Bytes(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(block.Body.Bytes(), &fromYAML); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(fromJSON)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(asJSON)); diff != "" || strings.HasPrefix(block.Body.String(), "{") {
		t.Errorf("YAML differs:\n%s", diff)
	}
	pgtest.Exec(t, dsn, `create table b (id int)`)
	if err := db.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := answerOf(t, h, again); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "public.b.query") {
		t.Errorf("after a reload: %d", w.Code)
	}
	if w := answerOf(t, h, httptest.NewRequest(http.MethodPost, "/openapi.json", nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
	private := server.NewOpenAPI(db.Schema, server.OpenAPIOptions{}, refuseWrong{}) // who is not proven is not Authenticated
	if w := answerOf(t, private, httptest.NewRequest(http.MethodGet, "/openapi.json", nil)); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("anonymous: %d %v", w.Code, w.Header())
	}
}
