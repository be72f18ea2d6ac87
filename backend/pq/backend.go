// Package pq is the backend over lib/pq (github.com/lib/pq). What is said here was
// read in, and is tested against, lib/pq 1.12.3.
//
// lib/pq speaks the protocol: it logs in, parses, binds, executes, keeps the
// transaction status. This package wraps its connection and stands on its network
// side, between lib/pq and the server, inside TLS. What that gives beyond the
// driver:
//
//   - Configuration comes from backend.Config alone; hosts, TLS and dialing are the
//     code that the pgx backend uses.
//   - A statement is sent once: driver.ErrBadConn after something was sent is
//     replaced, since database/sql answers it by sending the statement again (three
//     times, also after the server committed: lib/pq#939).
//   - A FATAL that lib/pq hides behind driver.ErrBadConn is told with its SQLSTATE.
//   - A context ends a call on a dead network too (lib/pq#620): the server is asked
//     to cancel, and after two seconds the socket's deadline passes.
//   - Prepared statements are cached by their text, survive DDL, and save one of
//     lib/pq's two round trips.
//   - QueryWire hands over rows as the server sent them: lib/pq is given empty rows
//     in their place, so no value is parsed, copied or boxed.
//   - BEGIN does not say READ WRITE, so default_transaction_read_only holds; MERGE
//     reports its rows (lib/pq#1382).
package pq

import (
	"errors"
	"fmt"
	"strconv"

	libpq "github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/backend"
)

// Backend is the lib/pq backend. Make one with New. It is immutable and safe for
// concurrent use.
type Backend struct{ binaryParameters bool }

var (
	_ backend.Backend     = (*Backend)(nil)
	_ backend.Moded       = (*Backend)(nil)
	_ backend.WireQuerier = (*Backend)(nil)
	_ backend.FieldReader = (*Backend)(nil)
	_ backend.TxQuerier   = (*Backend)(nil)
)

// Option sets up a Backend.
type Option func(*Backend)

// WithBinaryParameters makes lib/pq send Parse, Bind and Execute in one flight,
// with no named statement and no cache: what a pooler in transaction mode needs
// (lib/pq's default there returns other clients' rows). The default is off, except
// where Config.Pooler is set.
func WithBinaryParameters(on bool) Option { return func(b *Backend) { b.binaryParameters = on } }

// New returns a Backend.
func New(opts ...Option) *Backend {
	b := &Backend{}
	for _, o := range opts {
		o(b)
	}
	return b
}

// Name is "pq".
func (*Backend) Name() string { return "pq" }

// Mode is "binary_parameters" or "default".
func (b *Backend) Mode() string {
	if b.binaryParameters {
		return "binary_parameters"
	}
	return "default"
}

// Bind passes nil, string and []byte (for bytea, and nothing else) and refuses
// every other Go type: binary_parameters sends []byte in PostgreSQL's binary format,
// which stores 13362 for "42" in an int2.
func (*Backend) Bind(arg any) (any, error) {
	switch v := arg.(type) {
	case nil, string:
		return arg, nil // v would be a copy
	case []byte:
		if v == nil {
			return nil, nil
		}
		return arg, nil
	}
	return nil, &backend.Error{
		Op: "bind", Backend: "pq", Code: backend.CodeInternal,
		Err: fmt.Errorf("an argument of type %T: want nil, string, or []byte for bytea", arg),
	}
}

// ErrorFields reads a *pq.Error.
func (*Backend) ErrorFields(err error) (string, backend.Fields, bool) {
	var e *libpq.Error
	if !errors.As(err, &e) {
		return "", backend.Fields{}, false
	}
	return string(e.Code), fields(e), true
}

func fields(e *libpq.Error) backend.Fields {
	position, _ := strconv.Atoi(e.Position) // "" is none
	return backend.Fields{
		Severity: e.Severity, Message: e.Message, Detail: e.Detail, Hint: e.Hint, Where: e.Where,
		Schema: e.Schema, Table: e.Table, Column: e.Column, DataType: e.DataTypeName,
		Constraint: e.Constraint, Position: position,
	}
}
