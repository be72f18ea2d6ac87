package executor

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// CodeOf says what a caller can do about err: backend.CodeOf, which does not
// know builder.Problems.
func CodeOf(err error) backend.Code {
	if problems, ok := problemsOf(err); ok && len(problems) > 0 {
		return backend.CodeBadUserInput
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
	dst = appendString(dst, clientMessage(err, code, problems))
	var at *definitionError
	if errors.As(err, &at) {
		dst = append(dst, `,"path":[`...)
		dst = append(strconv.AppendInt(dst, int64(at.index), 10), ']')
	}
	dst = append(dst, `,"extensions":{"code":`...)
	dst = appendString(dst, code.String())
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
		dst = appendString(dst, e.Constraint)
	}
	var columns []string
	var ce *constraintError
	switch {
	case errors.As(err, &ce):
		columns = ce.columns
	case e.Column != "":
		columns = []string{e.Column}
	}
	if len(columns) == 0 {
		return dst
	}
	dst = append(dst, `,"columns":`...)
	return appendStrings(dst, columns)
}

func appendProblem(dst []byte, p *builder.Problem) []byte {
	dst = append(dst, `{"path":`...)
	dst = appendString(dst, p.Path.String())
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, p.Message)
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
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

func problemsOf(err error) (builder.Problems, bool) {
	var p builder.Problems
	ok := errors.As(err, &p)
	return p, ok
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
	var told *tellable
	if errors.As(err, &told) {
		return told.text
	}
	if errors.Is(err, ErrSchemaChanged) {
		return "the database schema has changed; try again"
	}
	var e *backend.Error
	if errors.As(err, &e) {
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

// constraintError adds the columns of the violated constraint.
type constraintError struct {
	err     error
	columns []string
}

func (e *constraintError) Error() string { return e.err.Error() }

func (e *constraintError) Unwrap() error { return e.err }
