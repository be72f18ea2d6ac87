package executor

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// CodeOf says what a caller can do about err: backend.CodeOf, which does not
// know builder.Problems.
func CodeOf(err error) backend.Code {
	if problems, ok := problemsOf(err); ok && len(problems) > 0 {
		return problems.Code()
	}
	return backend.CodeOf(err)
}

// WriteError writes the answer to an operation that failed:
//
//	{"data":null,"errors":[{"message":"…","extensions":{"code":"BAD_USER_INPUT"}}]}
//
// Only what a client may see is in it: the code with its sentence, the
// constraint and columns that a change violates, and, for a request that is
// wrong, its problems with their places. SQL, DSN, host and values are for the
// log.
func WriteError(w io.Writer, err error) error {
	_, werr := w.Write(AppendError(nil, err))
	return werr
}

// AppendError appends what WriteError writes.
func AppendError(dst []byte, err error) []byte {
	dst = append(dst, `{"data":null,"errors":[`...)
	return append(AppendErrorObject(dst, err), "]}"...)
}

// AppendErrorObject appends one element of the list of errors.
func AppendErrorObject(dst []byte, err error) []byte {
	code := CodeOf(err)
	problems, _ := problemsOf(err)
	dst = append(dst, `{"message":`...)
	dst = codec.AppendString(dst, clientMessage(err, code, problems))
	if at, ok := errors.AsType[*definitionError](err); ok {
		dst = append(dst, `,"path":[`...)
		dst = append(strconv.AppendInt(dst, int64(at.index), 10), ']')
	}
	dst = append(dst, `,"extensions":{"code":`...)
	dst = codec.AppendString(dst, code.String())
	var e *backend.Error
	if code == backend.CodeConstraintViolation && errors.As(err, &e) {
		dst = appendConstraint(dst, err, e)
	}
	if len(problems) > 0 {
		dst = append(dst, `,"problems":[`...)
		for i := range problems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendProblem(dst, &problems[i])
		}
		dst = append(dst, ']')
	}
	return append(dst, "}}"...)
}

func appendConstraint(dst []byte, err error, e *backend.Error) []byte {
	if e.Constraint != "" {
		dst = append(dst, `,"constraint":`...)
		dst = codec.AppendString(dst, e.Constraint)
	}
	columns := ConstraintColumns(err)
	if len(columns) == 0 {
		return dst
	}
	dst = append(dst, `,"columns":`...)
	return appendStrings(dst, columns)
}

func appendProblem(dst []byte, p *builder.Problem) []byte {
	dst = append(dst, `{"path":`...)
	dst = codec.AppendString(dst, p.Path.String())
	dst = append(dst, `,"message":`...)
	dst = codec.AppendString(dst, p.Message)
	if len(p.Allowed) > 0 {
		dst = append(dst, `,"allowed":`...)
		dst = appendStrings(dst, p.Allowed)
	}
	return append(dst, '}')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = codec.AppendString(dst, s)
	}
	return append(dst, ']')
}

func problemsOf(err error) (builder.Problems, bool) {
	var p builder.Problems
	ok := errors.As(err, &p)
	return p, ok
}

// Message is the sentence of err that a client may see; see WriteError.
func Message(err error) string {
	problems, _ := problemsOf(err)
	return clientMessage(err, CodeOf(err), problems)
}

// ConstraintColumns are the columns of the violated constraint in err, as far as
// they are known.
func ConstraintColumns(err error) []string {
	if ce, ok := errors.AsType[*constraintError](err); ok {
		return ce.columns
	}
	if e, ok := errors.AsType[*backend.Error](err); ok && e.Code == backend.CodeConstraintViolation && e.Column != "" {
		return []string{e.Column}
	}
	return nil
}

// clientMessage is the sentence for a client.
func clientMessage(err error, code backend.Code, problems builder.Problems) string {
	if len(problems) > 0 {
		m := problems[0].Path.String() + ": " + problems[0].Message
		if n := len(problems) - 1; n > 0 {
			m += " (and " + strconv.Itoa(n) + " more)"
		}
		return m
	}
	if told, ok := errors.AsType[*tellable](err); ok {
		return told.text
	}
	if errors.Is(err, ErrSchemaChanged) {
		return "the database schema has changed; try again"
	}
	if e, ok := errors.AsType[*backend.Error](err); ok {
		return e.ClientMessage()
	}
	return code.Message()
}

// tellable is an error of this package whose text a client may see: it is made
// of numbers and of the request's own words.
type tellable struct{ text string }

func (e *tellable) Error() string { return e.text }

func tell(format string, args ...any) error { return &tellable{fmt.Sprintf(format, args...)} }

// definitionError says which definition of a transaction failed.
type definitionError struct {
	index int
	err   error
}

func (e *definitionError) Error() string {
	return "definition " + strconv.Itoa(e.index) + ": " + e.err.Error()
}

func (e *definitionError) Unwrap() error { return e.err }

// judged gives a refusal by the server the code that fits a statement of p,
// where the SQLSTATE alone does not tell. The statement was made by the builder,
// from names that the catalog has: it is never malformed, so what can't be
// parsed is an operand that the server reads as a language of its own, and what
// does not exist has gone since the catalog was read.
func judged(p *builder.Plan, err error) error {
	state := backend.SQLStateOf(err)
	var e *backend.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Code == backend.CodeConstraintViolation && e.DataType != "" && e.Table == "":
		return ofDomain(p, e, err)
	case e.Code != backend.CodeInternal:
		return err
	}
	c := again(e, err)
	switch state {
	case "42601", "42704": // syntax_error; undefined_object: a text search configuration
		if !asks(&p.Root, languages) {
			return err
		}
		c.Code = backend.CodeBadUserInput
	case "42P01", "42703", "42883", "3F000": // table, column, function, schema
		c.Code, c.Err = backend.CodeConflict, fmt.Errorf("%w: %w", ErrSchemaChanged, err)
	case "55000": // object_not_in_prerequisite_state
		if p.Kind != builder.Query {
			return err
		}
		c.Code = backend.CodeConfiguration // a materialized view that was never filled
	default:
		return err
	}
	return c
}

// again is e to be changed, and err, which e is of, behind it.
func again(e *backend.Error, err error) *backend.Error {
	c := *e
	c.Op, c.Backend, c.Err = "", "", err
	return &c
}

// languages are the types whose text the server parses with errors of a syntax.
var languages = []string{"tsquery", "tsvector", "jsonpath", "regconfig", "ltree", "lquery", "ltxtquery", "query_int"}

// asks says whether a statement of n, or below it, has a value of types.
func asks(n *builder.Node, types []string) bool {
	return slices.ContainsFunc(types, func(name string) bool { return strings.Contains(n.Statement.SQL, name) }) ||
		slices.ContainsFunc(n.Children, func(c builder.Child) bool { return asks(&c.Node, types) })
}
