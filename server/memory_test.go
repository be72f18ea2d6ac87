package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/server"
)

// memory is an Engine without a database: documents are parsed and validated as
// usual, and a field says what script makes of it.
type memory struct {
	schema   *ast.Schema
	script   func(ctx context.Context, field string, w io.Writer) error // nil: every field is null
	prepared atomic.Int64
	executed atomic.Int64
	last     atomic.Pointer[server.Request]
}

func newMemory() *memory {
	return &memory{schema: gqlparser.MustLoadSchema(&ast.Source{Input: `
		type Query { hello(name: String): String, list: [Int!] }
		type Mutation { change: Int }`})}
}

type requestError struct{ list gqlerror.List }

func (e *requestError) Error() string { return e.list.Error() }

func (e *requestError) AppendErrors(dst []byte) []byte {
	for i, one := range e.list {
		if i > 0 {
			dst = append(dst, ',')
		}
		text, err := json.Marshal(map[string]any{"message": one.Message, "extensions": map[string]string{"code": "GRAPHQL_VALIDATION_FAILED"}})
		if err != nil {
			panic(err)
		}
		dst = append(dst, text...)
	}
	return dst
}

func (m *memory) Prepare(_ context.Context, r *server.Request) (server.Operation, error) {
	m.prepared.Add(1)
	copied := *r
	m.last.Store(&copied)
	doc, errs := gqlparser.LoadQueryWithRules(m.schema, r.Query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, &requestError{errs}
	}
	op := doc.Operations.ForName(r.OperationName)
	if op == nil {
		return nil, &requestError{gqlerror.List{gqlerror.Errorf("there is no such operation")}}
	}
	var variables map[string]any
	if r.Variables != nil {
		if err := json.Unmarshal(r.Variables, &variables); err != nil {
			return nil, err
		}
	}
	if _, err := validator.VariableValues(m.schema, op, variables); err != nil {
		if one, ok := errors.AsType[*gqlerror.Error](err); ok {
			return nil, &requestError{gqlerror.List{one}}
		}
		return nil, err
	}
	field := op.SelectionSet[0].(*ast.Field)
	if r.NoIntrospection && strings.HasPrefix(field.Name, "__") && field.Name != "__typename" {
		return nil, &requestError{gqlerror.List{gqlerror.Errorf("introspection is off")}}
	}
	return &memoryOperation{m, op.Operation == ast.Mutation, field.Name}, nil
}

type memoryOperation struct {
	m        *memory
	mutation bool
	field    string
}

func (o *memoryOperation) Mutation() bool { return o.mutation }

// Name implements server.Operation.
func (o *memoryOperation) Name() string { return "" }

func (o *memoryOperation) Execute(ctx context.Context, w io.Writer, _ ...executor.ExecOption) error {
	o.m.executed.Add(1)
	if o.m.script != nil {
		return o.m.script(ctx, o.field, w)
	}
	_, err := io.WriteString(w, `{"data":{"`+o.field+`":null}}`)
	return err
}

// serve starts a server on the loopback that ends with the test.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}
