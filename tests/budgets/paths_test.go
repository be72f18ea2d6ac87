package budgets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// place is where the paths run: the whole product on one backend, over the sample
// data, with its default settings.
type place struct {
	testing.TB
	dsn     string
	b       backend.Backend
	other   bool // not the mode that is the default of the backend
	db      *fraiseql.DB
	handler http.Handler
}

// fatal ends the test where there is an error.
func (p *place) fatal(err error) {
	if err != nil {
		p.Helper()
		p.Fatal(err)
	}
}

func noEnv(string) string { return "" }

// settings are the defaults for p's backend.
func (p *place) settings() *flags.Settings {
	s := flags.Default()
	s.Backend = p.b.Name()
	return s
}

// open is the facade on p's database.
func (p *place) open(s *flags.Settings, o ...fraiseql.Option) *fraiseql.DB {
	p.Helper()
	db, err := fraiseql.Open(p.Context(), p.dsn, s, append(o, fraiseql.WithEnv(noEnv))...)
	p.fatal(err)
	p.Cleanup(func() {
		if err := db.Close(); err != nil {
			p.Error(err)
		}
	})
	return db
}

// product is the facade of p, opened once.
func (p *place) product() *fraiseql.DB {
	if p.db == nil {
		p.Helper()
		p.db = p.open(p.settings())
	}
	return p.db
}

// control is an executor on p's backend with what the settings say and nothing
// in front of it: what the product is when it compares nothing.
func (p *place) control() *executor.DB {
	p.Helper()
	cfg, err := fraiseql.Config(p.dsn, p.settings(), noEnv)
	p.fatal(err)
	db, err := executor.Open(p.Context(), p.b, cfg, fraiseql.ExecutorOptions(p.settings())...)
	p.fatal(err)
	p.Cleanup(func() {
		if err := db.Close(); err != nil {
			p.Error(err)
		}
	})
	return db
}

// plan is what builder makes of a JSON definition.
func (p *place) plan(definition string) *builder.Plan {
	p.Helper()
	req, err := p.product().Schema().Parse([]byte(definition))
	p.fatal(err)
	plan, err := builder.Build(p.product().Schema(), &req.Definitions[0])
	p.fatal(err)
	return plan
}

const (
	userByKey = `{"operation":"query","table":"users","fields":["id","name","email","created_at"],"filters":{"field":"id","eq":42}}`
	// anyTypes has a column of each type whose encoding is not that of another.
	anyTypes = `create table wide as select i::int8 id, i::int2 small, (i % 2 = 0) ok, 'Person "' || i as name, i * 1.25 amount, i / 3.0::float8 share,
		timestamptz '2024-01-01 00:00+00' + i * interval '61.000123 s' as at, date '2024-01-01' + i as day, md5(i::text)::uuid uid, jsonb_build_object('n', i) doc,
		array[i, null, i] list, decode(md5(i::text), 'hex') raw, interval '1 day' * i took, null::text nothing from generate_series(1, 2010) i; alter table wide add primary key (id)`
)

// run is a path that executes plan on r.
func (p *place) run(r executor.Runner, plan *builder.Plan) func() {
	return func() {
		if err := executor.ExecutePlan(p.Context(), r, plan, io.Discard); err != nil {
			p.Fatal(err)
		}
	}
}

// planCacheHit is what a document costs before anything is sent, where it is known.
func planCacheHit(p *place) func() {
	engine, err := p.product().GraphQL()
	p.fatal(err)
	r := &graphql.Request{Query: graphqlByKey, Variables: json.RawMessage(`{"id":"42"}`)}
	return func() {
		if _, err := engine.Prepare(p.Context(), r); err != nil {
			p.Fatal(err)
		}
	}
}

// executorByKey is one row by key, planned already.
func executorByKey(p *place) func() { return p.run(p.product().Runner(), p.plan(userByKey)) }

// definitionByKey is the same from the text of the definition on.
func definitionByKey(p *place) func() {
	text := []byte(userByKey)
	return func() {
		if err := p.product().ExecuteJSON(p.Context(), text, io.Discard); err != nil {
			p.Fatal(err)
		}
	}
}

// wideRows are n rows with a column of every encoding.
func wideRows(n int) func(p *place) func() {
	return func(p *place) func() {
		return p.run(p.control(), p.plan(fmt.Sprintf(`{"operation":"query","table":"wide","filters":{"field":"id","lte":%d},"sort":[{"field":"id","direction":"ASC"}]}`, n)))
	}
}

// controlByKey is executorByKey with nothing of the product around the executor.
func controlByKey(p *place) func() { return p.run(p.control(), p.plan(userByKey)) }

// shadowByKey is executorByKey with a shadow in front, which takes nothing.
func shadowByKey(stage string) func(p *place) func() {
	return func(p *place) func() {
		s := p.settings()
		s.ParityTesting, s.ParityMode, s.Shadow.Stage, s.Shadow.Share = true, flags.ParityShadow, stage, 0
		return p.run(p.open(s).Runner(), p.plan(userByKey))
	}
}

const (
	graphqlByKey  = `query ($id: BigInt!) { user(id: $id) { id name email createdAt } }`
	graphqlFilter = `query ($upTo: BigInt!, $mail: String!) { users(filter: {or: [{id: {lte: $upTo}}, {name: {eq: "nobody"}}], email: {contains: $mail}}, orderBy: [{id: ASC}], limit: 50) { id name email createdAt } }`
	graphqlNested = `{ users(orderBy: [{id: ASC}], limit: 20) { id name posts(orderBy: [{id: ASC}], limit: 5) { id title comments(orderBy: [{id: ASC}], limit: 3) { id body } } } }`
	graphqlInsert = `mutation ($name: String!, $email: String!) { createUser(input: {name: $name, email: $email}) { id name email createdAt } }`
	graphqlUpdate = `mutation ($id: BigInt!, $name: String!) { updateUser(id: $id, input: {name: $name}) { id name email createdAt } }`
)

// served is a document through the handler of the product, metrics and all, with
// the variables that vars appends for run n; answer is what the first has to begin
// with.
func served(query, answer string, vars func(dst []byte, n int) []byte) func(p *place) func() {
	return func(p *place) func() {
		if p.handler == nil {
			h, err := p.product().Handler()
			p.fatal(err)
			p.handler = h
		}
		head := []byte(`{"query":` + strconv.Quote(query) + `,"variables":`)
		var text []byte
		body := bytes.NewReader(nil)
		r := httptest.NewRequestWithContext(p.Context(), http.MethodPost, "/graphql", nil)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/graphql-response+json")
		r.Body = io.NopCloser(body)
		serve := func(w http.ResponseWriter) {
			serial++
			text = append(vars(append(text[:0], head...), serial), '}')
			body.Reset(text)
			r.ContentLength = int64(len(text))
			p.handler.ServeHTTP(w, r)
		}
		first := httptest.NewRecorder()
		serve(first)
		if got := first.Body.String(); first.Code != http.StatusOK || !strings.HasPrefix(got, answer) {
			p.Fatalf("%d %.300s, want %s…", first.Code, got, answer)
		}
		w := &nowhere{header: http.Header{}}
		return func() {
			clear(w.header)
			w.status = http.StatusOK
			if serve(w); w.status != http.StatusOK {
				p.Fatal(w.status)
			}
		}
	}
}

// serial numbers the requests, so that no two insert the same.
var serial = 1_000_000

// nowhere is a ResponseWriter that keeps nothing but the status.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(status int)      { w.status = status }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }

func byKeyVars(dst []byte, _ int) []byte { return append(dst, `{"id":"42"}`...) }

func noVars(dst []byte, _ int) []byte { return append(dst, `{}`...) }

func filterVars(dst []byte, _ int) []byte { return append(dst, `{"upTo":"50","mail":"@"}`...) }

func insertVars(dst []byte, n int) []byte {
	dst = append(dst, `{"name":"Budget","email":"budget-`...)
	return append(strconv.AppendInt(dst, int64(n), 10), `@example.com"}`...)
}

func updateVars(dst []byte, n int) []byte {
	dst = append(dst, `{"id":"42","name":"Budget `...)
	return append(strconv.AppendInt(dst, int64(n), 10), `"}`...)
}

// places are every backend in every wire mode.
func places(t testing.TB) []*place {
	t.Helper()
	dsn := pgtest.Sample(t)
	pgtest.Exec(t, dsn, anyTypes)
	var list []*place
	for _, b := range all.Modes(codec.HasBinary) {
		other := slices.ContainsFunc(list, func(p *place) bool { return p.b.Name() == b.Name() })
		list = append(list, &place{TB: t, dsn: dsn, b: b, other: other})
	}
	return list
}
