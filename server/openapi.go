package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// OpenAPIOptions are what the document says beside the schema. The zero value is
// the default of each.
type OpenAPIOptions struct {
	Title   string // default "FraiseQL"
	Version string // of the API; default the version of the schema
	Server  string // URL that paths are below; default "/"
	Path    string // of the definitions endpoint; default "/definitions"
	// Bearer says that requests carry a token.
	Bearer bool
	// RateLimited says that there is a RateLimiter.
	RateLimited bool
	// MaxDefinitions and MaxBody are those of DefinitionOptions, with their defaults.
	MaxDefinitions int
	MaxBody        int64
}

// OpenAPI describes the endpoint of NewDefinitions for one schema, as an OpenAPI
// 3.1 document in JSON: which definitions there are, for each table what may be
// read and written with the JSON type of every column, the operators of every
// type, and the answers with their codes.
//
// The same schema gives the same bytes. A definition that the document refuses
// is refused by the server too, except where a table's name is in quotes that it
// does not need; not the other way round: the server knows more rules. Names and
// comments of everything that the schema's role may use are in it.
func OpenAPI(sch *builder.Schema, o OpenAPIOptions) ([]byte, error) {
	o = o.withDefaults(sch)
	d := &document{sch: sch, taken: make(map[string]bool), types: make(map[uint32]string), filters: make(map[uint32]string), alike: make(map[string]string)}
	d.shared()
	for t := range sch.Catalog().Tables() {
		d.table(t)
	}
	d.request(o)
	root := obj(
		"openapi", "3.1.0",
		"info", obj("title", o.Title, "version", o.Version, "description",
			"JSON definitions: queries and mutations on the tables of one PostgreSQL database. One request is a definition, a list of independent "+
				"definitions, or a transaction."),
		"servers", []any{obj("url", o.Server)},
	)
	components := obj("schemas", d.schemas)
	if o.Bearer {
		components = components.with("securitySchemes", obj("bearer", obj("type", "http", "scheme", "bearer")))
		root = root.with("security", []any{obj("bearer", []string{})})
	} else {
		root = root.with("security", []any{})
	}
	root = root.with("paths", obj(o.Path, obj("post", d.operation(o))), "components", components)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("describe the definitions: %w", err)
	}
	return b.Bytes(), nil
}

func (o OpenAPIOptions) withDefaults(sch *builder.Schema) OpenAPIOptions {
	if o.Title == "" {
		o.Title = "FraiseQL"
	}
	if o.Version == "" {
		o.Version = sch.Catalog().Version()
	}
	if o.Server == "" {
		o.Server = "/"
	}
	if o.Path == "" {
		o.Path = "/definitions"
	}
	if o.MaxDefinitions <= 0 {
		o.MaxDefinitions = 100
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 1 << 20
	}
	return o
}

// document is an OpenAPI document in the making.
type document struct {
	sch         *builder.Schema
	schemas     object
	taken       map[string]bool
	types       map[uint32]string // components of enums and composites by OID
	filters     map[uint32]string // components of conditions by OID
	alike       map[string]string // components of conditions by what is in them
	definitions []any             // references to what may be asked
	rows        []any             // references to what may be answered
}

// component is the name of a component, made of parts; what a name may not have
// (OpenAPI 3.1, 4.8.7) is replaced, and a number keeps it apart from others.
func (d *document) component(parts ...string) string {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p == "" })
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, strings.Join(parts, "."))
	unique := name
	for i := 2; d.taken[unique]; i++ {
		unique = name + "-" + strconv.Itoa(i)
	}
	d.taken[unique] = true
	return unique
}

// define adds a component and returns its place.
func (d *document) define(name string, schema object) int {
	d.taken[name] = true
	d.schemas = append(d.schemas, member{name, schema})
	return len(d.schemas) - 1
}

// once is a component that is there where it is used.
func (d *document) once(name string, schema object) object {
	if !d.taken[name] {
		d.define(name, schema)
	}
	return ref(name)
}

// request adds what an endpoint takes and answers.
func (d *document) request(o OpenAPIOptions) {
	if len(d.definitions) == 0 {
		d.define("Definition", obj("not", object{})) // the role may do nothing
	} else {
		d.define("Definition", anyOf(d.definitions...))
	}
	list := someOf(ref("Definition")).with("maxItems", o.MaxDefinitions)
	d.define("Transaction", closed(obj(
		"transaction", list.described("Run in order; all or none."),
		"isolation", enum([]string{"read committed", "repeatable read", "serializable", "read_committed", "repeatable_read"}),
		"read_only", typed("boolean").described("Every write is refused."),
		"deferrable", typed("boolean").described("Wait for a safe snapshot; only with serializable and read_only."),
		"session", obj("type", "object", "additionalProperties", textual).described("Settings for the time of the transaction, where the server allows any."),
	), "transaction"))
	d.define("Request", anyOf(ref("Definition"), list.described("Independent definitions, each in a transaction of its own."), ref("Transaction")))
	rows := append(slices.Clone(d.rows), typed("object").described("Aggregates and renamed fields."))
	d.define("Row", anyOf(rows...))
	d.define("Data", anyOf(listOf(ref("Row")), ref("Row"), ref("Result"), typed("null")).described(
		"A list for a query. For a mutation: an object for an object input or where the filter pins a unique key, else a list; or a Result."))
	d.define("Answer", closed(obj("data", ref("Data"), "errors", typed("null")), "data", "errors"))
	d.define("Response", anyOf(
		ref("Answer"),
		listOf(anyOf(ref("Answer"), ref("Failure"))).described("For a list, in its order."),
		closed(obj("data", listOf(ref("Data")), "errors", typed("null")), "data", "errors").described("For a transaction."),
	))
}

// operation is the endpoint itself.
func (d *document) operation(o OpenAPIOptions) object {
	content := obj("schema", ref("Request"))
	for t := range d.sch.Catalog().Tables() {
		if !t.CanSelect {
			continue
		}
		example := obj("operation", "query", "table", d.spellings(t)[0], "pagination", obj("limit", 10))
		content = content.with("examples", obj(
			"query", obj("summary", "One definition", "value", example),
			"list", obj("summary", "Independent definitions", "value", []any{example, example}),
			"transaction", obj("summary", "All or none", "value", obj("transaction", []any{example}, "isolation", "repeatable read")),
		))
		break
	}
	return obj(
		"operationId", "executeDefinitions",
		"summary", "Run definitions",
		"description", "The status is that of the error's code. A list is answered with 200, with errors in their places. An answer that fails after its "+
			"first bytes were sent is cut off. At most "+strconv.FormatInt(o.MaxBody, 10)+" bytes.",
		"requestBody", obj("required", true, "content", obj("application/json", content)),
		"responses", responses(o),
	)
}

// responses are the answers by status, each with an example of every code.
func responses(o OpenAPIOptions) object {
	type failed struct {
		code string
		text []byte
	}
	byStatus := make(map[int][]failed)
	for c := range backend.Codes() {
		if status := c.HTTPStatus(); c != backend.CodeOK && c != backend.CodeCanceled { // nobody is there to see that one
			byStatus[status] = append(byStatus[status], failed{c.String(), executor.AppendError(nil, exampleError(c))})
		}
	}
	for _, f := range []*failure{failMethod, failMediaType, failUnauthenticated, failRate, failSlow, failTooLarge(o.MaxBody)} {
		if (f != failUnauthenticated || o.Bearer) && (f != failRate || o.RateLimited) {
			byStatus[f.status] = append(byStatus[f.status], failed{f.code, f.append(nil)})
		}
	}
	all := obj("200", obj("description", "Run, and answered to the end.", "content", obj("application/json", obj("schema", ref("Response")))))
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		var codes []string
		var examples object
		for _, f := range byStatus[status] {
			codes = append(codes, f.code)
			examples = append(examples, member{f.code, obj("value", json.RawMessage(f.text))})
		}
		response := obj("description", http.StatusText(status)+": "+strings.Join(codes, ", ")+".")
		if status == http.StatusServiceUnavailable {
			response = response.with("headers", obj("Retry-After", obj("description", "Seconds.", "schema", typed("integer"))))
		}
		all = all.with(strconv.Itoa(status), response.with("content", obj("application/json", obj("schema", ref("Failure"), "examples", examples))))
	}
	return all
}

// exampleError is an error of code c as it may come from a database.
func exampleError(c backend.Code) error {
	switch c {
	case backend.CodeBadUserInput:
		return builder.Problems{{Path: builder.Path{"filters", "age", "equals"}, Message: `unknown operator "equals"`, Allowed: []string{"eq", "neq"}}}
	case backend.CodeConstraintViolation:
		e := backend.New("insert", c, nil)
		e.Constraint, e.Column = "users_email_key", "email"
		return e
	default:
		return backend.New("execute", c, nil)
	}
}
