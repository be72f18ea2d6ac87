// Package pgx is the backend over jackc/pgx, through its database/sql driver
// (github.com/jackc/pgx/v5/stdlib). What is said here was read in, and is tested
// against, pgx 5.12.0.
//
// What it guarantees beyond the driver:
//
//   - Configuration comes from backend.Config alone. pgx reads no environment
//     variable, service or password file for it, and dials, retries hosts and uses TLS
//     as the pq backend does, with the same code.
//   - A statement is sent once. pgx since 5.9 reports "safe to retry" for an
//     answer that was lost (MultiResultReader.NextResult drops the error of
//     peekMessage), which makes database/sql repeat a committed write; here such an
//     error never becomes driver.ErrBadConn.
//   - Cached statements survive DDL: outside a transaction a statement that the
//     server finds stale is prepared and run again, once; inside one the error carries
//     backend.ErrStaleStatement and every cached statement is dropped.
//   - QueryWire hands over pgx's own row buffers without copying them.
//
// When a context ends, the connection is given up: the call returns at once, and pgx
// sends a cancel request and closes the socket behind it.
package pgx

import (
	"errors"
	"fmt"
	"strings"

	jackpgx "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fraiseql/fraiseql-go/backend"
)

// Mode is how pgx sends a statement (pgx.QueryExecMode).
type Mode string

// The five modes. CacheStatement is the default and the fastest; Exec is the one
// for a pooler in transaction mode.
const (
	CacheStatement Mode = "cache_statement"
	CacheDescribe  Mode = "cache_describe"
	DescribeExec   Mode = "describe_exec"
	Exec           Mode = "exec"
	SimpleProtocol Mode = "simple_protocol"
)

var modes = map[Mode]jackpgx.QueryExecMode{
	CacheStatement: jackpgx.QueryExecModeCacheStatement,
	CacheDescribe:  jackpgx.QueryExecModeCacheDescribe,
	DescribeExec:   jackpgx.QueryExecModeDescribeExec,
	Exec:           jackpgx.QueryExecModeExec,
	SimpleProtocol: jackpgx.QueryExecModeSimpleProtocol,
}

// Modes are the five modes, the default first.
func Modes() []Mode {
	return []Mode{CacheStatement, CacheDescribe, DescribeExec, Exec, SimpleProtocol}
}

// Backend is the pgx backend. Make one with New. It is immutable and safe for
// concurrent use.
type Backend struct {
	mode   Mode // "": CacheStatement, or Exec behind a pooler
	binary func(oid uint32) bool
}

var (
	_ backend.Backend     = (*Backend)(nil)
	_ backend.Moded       = (*Backend)(nil)
	_ backend.TxQuerier   = (*Backend)(nil)
	_ backend.WireQuerier = (*Backend)(nil)
	_ backend.FieldReader = (*Backend)(nil)
)

// Option sets up a Backend.
type Option func(*Backend)

// WithMode chooses the mode. The default is CacheStatement, or Exec where
// Config.Pooler is set.
func WithMode(m Mode) Option { return func(b *Backend) { b.mode = m } }

// WithBinary says for which built-in types QueryWire asks the server for binary
// values: those that the caller can decode. The default is none, all text. The
// exec and simple_protocol modes are text whatever it says.
func WithBinary(can func(oid uint32) bool) Option { return func(b *Backend) { b.binary = can } }

// New returns a Backend; an unknown mode is an error of Connector.
func New(opts ...Option) *Backend {
	b := &Backend{}
	for _, o := range opts {
		o(b)
	}
	return b
}

// Name is "pgx".
func (*Backend) Name() string { return "pgx" }

// Mode is the mode that was chosen, "cache_statement" if none was.
func (b *Backend) Mode() string {
	if b.mode == "" {
		return string(CacheStatement)
	}
	return string(b.mode)
}

// Bind passes nil, string and []byte (for bytea, and nothing else) and refuses
// every other Go type: pgx encodes a value by the column's type where the server
// told it, which cuts 2.5 to 2 for an integer and takes the first 16 characters of
// a uuid's text for its bytes.
//
// In simple_protocol, where a NUL would damage the message, it is refused with the
// SQLSTATE that the server gives in the other modes.
func (b *Backend) Bind(arg any) (any, error) {
	switch v := arg.(type) {
	case nil:
		return nil, nil
	case string:
		if b.mode == SimpleProtocol && strings.IndexByte(v, 0) >= 0 {
			return nil, &backend.Error{
				Op: "bind", Backend: "pgx", SQLState: "22021", Code: backend.CodeBadUserInput,
				Err: errors.New("a NUL byte in a text"),
			}
		}
		return arg, nil // v would be a copy
	case []byte:
		if v == nil {
			return nil, nil
		}
		return arg, nil
	}
	return nil, &backend.Error{
		Op: "bind", Backend: "pgx", Code: backend.CodeInternal,
		Err: fmt.Errorf("an argument of type %T: want nil, string, or []byte for bytea", arg),
	}
}

// ErrorFields reads a *pgconn.PgError.
func (*Backend) ErrorFields(err error) (string, backend.Fields, bool) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return "", backend.Fields{}, false
	}
	return e.Code, fields(e), true
}

func fields(e *pgconn.PgError) backend.Fields {
	return backend.Fields{
		Severity: e.Severity, Message: e.Message, Detail: e.Detail, Hint: e.Hint, Where: e.Where,
		Schema: e.SchemaName, Table: e.TableName, Column: e.ColumnName, DataType: e.DataTypeName,
		Constraint: e.ConstraintName, Position: int(e.Position),
	}
}
