package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/fraiseql/fraiseql-go/executor"
)

// Engine answers GraphQL documents. The facade makes one of package graphql,
// which is on the same level as this package and knows nothing of HTTP.
type Engine interface {
	// Prepare parses, validates and plans r without sending anything to the
	// database. Its error is a request error: the answer has no data.
	Prepare(ctx context.Context, r *Request) (Operation, error)
}

// Request is one GraphQL request, whatever way it came.
type Request struct {
	Query         string
	OperationName string          // "" where none was named
	Variables     json.RawMessage // a JSON object, or nil
	// NoIntrospection refuses __schema and __type.
	NoIntrospection bool
}

// Operation is a Request that may be executed once.
type Operation interface {
	// Mutation says that it may change data: GET must refuse it.
	Mutation() bool
	// Name is the operation's own, for observers; "" where it has none.
	Name() string
	// Execute runs it and writes the whole answer, {"data":…}, errors of fields
	// included. The error is for the log (its code for the metrics); where
	// executor.Partial says so the answer was cut and the connection must be
	// broken off. Where nothing was written although there is an error, the
	// caller answers with executor.WriteError.
	Execute(ctx context.Context, w io.Writer, o ...executor.ExecOption) error
}

// RequestError is the error of Prepare, told to the client.
type RequestError interface {
	error
	// AppendErrors appends the elements of the list of errors, with commas
	// between them: {"message":…,"locations":…,"extensions":{"code":…}}.
	AppendErrors(dst []byte) []byte
}

// Definitions answers the JSON definitions of POST /definitions; *fraiseql.DB is
// one.
type Definitions interface {
	// ExecuteJSON answers request as executor.ExecuteRequest does and always
	// writes an answer; see fraiseql.DB.ExecuteJSON.
	ExecuteJSON(ctx context.Context, request []byte, w io.Writer, o ...executor.ExecOption) error
}

// Identity is who asks: what the transaction of each statement is told.
type Identity struct {
	// Session are settings of the transaction, set with set_config(name, value,
	// true) before the statement, for reads too. Names with a dot are variables for
	// row-level security; "role" switches the role, "search_path" the tenant.
	Session map[string]string
	// Authenticated says that the request proved who it is from.
	Authenticated bool
	// Subject names who asks, for the log.
	Subject string
}

// Authenticator finds out who sent a request. The error is told as 401
// UNAUTHENTICATED; its text goes to the log only.
type Authenticator interface {
	Authenticate(r *http.Request) (Identity, error)
}
