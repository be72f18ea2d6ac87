package backend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
)

// Error is every failure that leaves a backend or what is built on one. It
// unwraps to the driver's error. Error's text is for logs: a client is shown
// ClientMessage and Code only.
type Error struct {
	Op       string // what was attempted: "query", "exec", "begin", "commit", "connect", …
	Backend  string // Backend.Name; "" where no backend was involved
	SQLState string // five characters from the server; "" where the server did not say
	Code     Code   // what a caller can do about it
	Err      error  // the driver's error, or the cause

	// Fields are what the server said about the error; the zero value where it
	// said nothing.
	Fields
}

// Fields are the parts of a PostgreSQL ErrorResponse that are kept. Message,
// Detail, Hint and Where may hold values of rows: they are for logs.
type Fields struct {
	Severity   string
	Message    string
	Detail     string
	Hint       string
	Where      string
	Schema     string
	Table      string
	Column     string
	DataType   string
	Constraint string
	Position   int // in characters from 1 into the statement; 0: none
}

// FieldReader is the optional ability of a Backend to read its driver's error
// type. Fallback: the SQLSTATE alone, through interface{ SQLState() string }.
type FieldReader interface {
	// ErrorFields reads the driver's error in err's chain; false if there is none.
	ErrorFields(err error) (state string, f Fields, ok bool)
}

// ErrStaleStatement marks a failure of a cached prepared statement that the
// schema (or a pooler) has outdated, met inside a transaction, where it could not
// be repeated. The cache entry is gone: the whole transaction may be run again.
var ErrStaleStatement = errors.New("cached prepared statement is stale")

// ErrTxAborted marks a COMMIT that the server turned into a rollback, because an
// earlier statement of the transaction had failed. Nothing was stored.
var ErrTxAborted = errors.New("transaction was aborted and is rolled back")

// ErrConnectionLost is a connection that broke after a statement may have been
// sent. It takes the place of driver.ErrBadConn, which database/sql would answer by
// sending the statement again, also one that the server has committed.
var ErrConnectionLost = errors.New("the connection was lost; the statement may have run")

// Error is the text for logs: operation, backend, and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Backend != "" {
		b.WriteString(e.Backend + ": ")
	}
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(e.Code.Message())
	}
	return b.String()
}

// Unwrap returns the driver's error.
func (e *Error) Unwrap() error { return e.Err }

// ClientMessage is what a client may be told: Code's sentence, with the table's
// constraint or column where one was violated; never a value, SQL text, host or DSN.
func (e *Error) ClientMessage() string {
	m := e.Code.Message()
	if text, ok := sentences[e.SQLState]; ok && (e.Code == CodeBadUserInput || e.Code == CodeConflict) {
		return text
	}
	if e.Code == CodeConstraintViolation {
		switch {
		case e.Constraint != "":
			return m + ": " + e.Constraint
		case e.SQLState == "23514" && e.Table != "": // every check but that of a partition has a name
			return m + ": the row fits no partition of " + e.Table
		case e.Column != "":
			return m + ": " + e.Column + " must not be null"
		}
	}
	return m
}

// New returns an Error of our own making.
func New(op string, code Code, err error) *Error { return &Error{Op: op, Code: code, Err: err} }

// Wrap turns err, met by b (which may be nil) while attempting op, into an
// *Error. A nil err stays nil, and an *Error already in the chain keeps its
// fields and gains op and backend where it has none.
func Wrap(b Backend, op string, err error) error {
	if err == nil {
		return nil
	}
	name := ""
	if b != nil {
		name = b.Name()
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Op != "" && (e.Backend != "" || name == "") {
			return err
		}
		c := *e
		if c.Op == "" {
			c.Op = op
		}
		if c.Backend == "" {
			c.Backend = name
		}
		return &c
	}
	e = &Error{Op: op, Backend: name, Err: err}
	ok := false
	if fr, can := b.(FieldReader); can {
		e.SQLState, e.Fields, ok = fr.ErrorFields(err)
	}
	if !ok {
		e.SQLState = sqlState(err)
	}
	e.Code = codeOf(err, e.SQLState)
	if op == "connect" && e.SQLState != "" && e.Code != CodeServiceUnavailable && e.Code != CodeTimeout && e.Code != CodeCanceled {
		e.Code = CodeConfiguration // whatever the server refuses at login is the operator's to mend
	}
	// A context that ended decides on both backends: whether the server's 57014
	// arrived before the socket was given up is chance.
	if e.Code == CodeCanceled || (e.Code == CodeTimeout && errors.Is(err, context.DeadlineExceeded)) {
		e.SQLState, e.Fields = "", Fields{}
	}
	return e
}

// WrapCommit is Wrap for the error of a COMMIT: a failure after which nobody
// can say whether the server stored the transaction becomes CodeCommitUnknown. Where
// COMMIT was surely not sent, the code stays: driver.ErrBadConn from these backends,
// and what database/sql says of itself (the bare error of a context that had ended).
func WrapCommit(b Backend, err error) error {
	bare := err == context.Canceled || err == context.DeadlineExceeded //nolint:errorlint // wrapped means sent
	if bare || errors.Is(err, sql.ErrTxDone) || errors.Is(err, driver.ErrBadConn) {
		return Wrap(b, "commit", err)
	}
	err = Wrap(b, "commit", err)
	var e *Error
	if !errors.As(err, &e) || errors.Is(err, ErrTxAborted) {
		return err
	}
	// A server that could still send an ERROR has rolled back. A lost connection,
	// an ended context or a FATAL leaves it open.
	unknown := e.SQLState == "" && (e.Code == CodeServiceUnavailable || e.Code == CodeCanceled || e.Code == CodeTimeout)
	if unknown || e.Severity == "FATAL" || e.Severity == "PANIC" || strings.HasPrefix(e.SQLState, "57P0") || strings.HasPrefix(e.SQLState, "08") {
		c := *e
		c.Code = CodeCommitUnknown
		return &c
	}
	return err
}

// CodeOf says what a caller can do about err; CodeOK for nil. An error that is
// no *Error is judged by its SQLSTATE, its context or its network cause.
func CodeOf(err error) Code {
	if err == nil {
		return CodeOK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return codeOf(err, sqlState(err))
}

// SQLStateOf is the SQLSTATE in err's chain, or "".
func SQLStateOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.SQLState
	}
	return sqlState(err)
}

// Retryable reports whether the server surely rolled back and the whole
// transaction may be run again: 40001, 40P01, a stale cached statement.
func Retryable(err error) bool {
	return CodeOf(err) == CodeConflict && (retrySQLStates[SQLStateOf(err)] || errors.Is(err, ErrStaleStatement))
}

func sqlState(err error) string {
	var s interface{ SQLState() string }
	if errors.As(err, &s) {
		return s.SQLState()
	}
	return ""
}

// codeOf decides. The server's word comes first, except that 57014 is also what
// our own cancel request brings about: then the context is the cause.
func codeOf(err error, state string) Code {
	if errors.Is(err, ErrStaleStatement) {
		return CodeConflict
	}
	if state == "" || state == "57014" || CodeOfSQLState(state) == CodeServiceUnavailable {
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return CodeTimeout
		case errors.Is(err, context.Canceled):
			return CodeCanceled
		}
	}
	if state != "" {
		return CodeOfSQLState(state)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return CodeNotFound
	}
	if tlsProblem(err) {
		return CodeConfiguration
	}
	if lostConnection(err) {
		return CodeServiceUnavailable
	}
	return CodeInternal
}

// lostConnection recognizes what a broken or refused connection looks like when
// the server had no chance to say so.
func lostConnection(err error) bool {
	for _, target := range []error{
		driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, ErrNotPreferred, ErrConnectionLost,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	var ne net.Error
	return errors.As(err, &ne)
}

func tlsProblem(err error) bool {
	var (
		verify *tls.CertificateVerificationError
		header tls.RecordHeaderError
		ca     x509.UnknownAuthorityError
		host   x509.HostnameError
	)
	return errors.As(err, &verify) || errors.As(err, &header) || errors.As(err, &ca) || errors.As(err, &host) ||
		errors.Is(err, ErrTLSRefused)
}
