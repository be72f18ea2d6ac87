package graphql_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"

	"github.com/fraiseql/fraiseql-go/backend"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// fixture is an engine on a database, on one backend.
type fixture struct {
	backend string
	db      *executor.DB
	engine  *graphql.Engine
	schema  *graphql.Schema
}

// fixtures are an engine for each backend on one database.
func fixtures(t testing.TB, dsn string, conf graphql.Config, o graphql.EngineOptions) []fixture {
	t.Helper()
	backends, err := all.Backends(all.WithBinary(codec.HasBinary))
	if err != nil {
		t.Fatal(err)
	}
	var list []fixture
	for _, b := range backends.All() {
		cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		db, err := executor.Open(t.Context(), b, cfg, executor.WithMaxConns(8))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		cat, err := catalog.Load(t.Context(), db.Pool())
		if err != nil {
			t.Fatal(err)
		}
		src, err := builder.NewSchema(cat, builder.SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		schema, err := graphql.NewSchema(src, conf)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fixture{b.Name(), db, graphql.NewEngine(schema, db, o), schema})
	}
	return list
}

// answer is the answer to a request, errors of the request included.
func (f *fixture) answer(t testing.TB, query string, variables ...string) string {
	t.Helper()
	r := &graphql.Request{Query: query}
	if len(variables) > 0 {
		r.Variables = json.RawMessage(variables[0])
	}
	return f.do(t.Context(), r)
}

func (f *fixture) do(ctx context.Context, r *graphql.Request, o ...executor.ExecOption) string {
	op, err := f.engine.Prepare(ctx, r)
	if err != nil {
		var errs graphql.Errors
		errs, _ = err.(graphql.Errors)
		return `{"errors":[` + string(errs.AppendErrors(nil)) + `]}`
	}
	var b bytes.Buffer
	if err := op.Execute(ctx, &b, o...); err != nil && executor.Partial(err) {
		return b.String() + " CUT: " + err.Error()
	}
	return b.String()
}
