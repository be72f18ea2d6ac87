package backend_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
)

type stub struct {
	backend.Backend
	name string
}

func (s stub) Name() string { return s.name }

type state string

func (s state) Error() string    { return "server said " + string(s) }
func (s state) SQLState() string { return string(s) }

func TestCodeOfSQLState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state string
		want  backend.Code
		retry bool
	}{
		{"22P02", backend.CodeBadUserInput, false},
		{"21000", backend.CodeBadUserInput, false},
		{"23505", backend.CodeConstraintViolation, false},
		{"44000", backend.CodeConstraintViolation, false},
		{"42501", backend.CodeForbidden, false},
		{"25006", backend.CodeForbidden, false},
		{"57014", backend.CodeTimeout, false},
		{"40001", backend.CodeConflict, true},
		{"40P01", backend.CodeConflict, true},
		{"40002", backend.CodeConstraintViolation, false},
		{"40003", backend.CodeCommitUnknown, false},
		{"55P03", backend.CodeConflict, false},
		{"08006", backend.CodeServiceUnavailable, false},
		{"08P01", backend.CodeInternal, false},
		{"57P01", backend.CodeServiceUnavailable, false},
		{"53300", backend.CodeServiceUnavailable, false},
		{"28P01", backend.CodeConfiguration, false},
		{"54001", backend.CodeLimit, false},
		{"P0002", backend.CodeNotFound, false},
		{"P0001", backend.CodeInternal, false},
		{"42703", backend.CodeInternal, false},
		{"XX000", backend.CodeInternal, false},
		{"", backend.CodeInternal, false},
		{"22", backend.CodeInternal, false},
	} {
		if got := backend.CodeOfSQLState(c.state); got != c.want {
			t.Errorf("%s is %v, want %v", c.state, got, c.want)
		}
		err := backend.Wrap(nil, "x", state(c.state))
		if got := backend.Retryable(err); got != c.retry {
			t.Errorf("%s is retryable: %v", c.state, got)
		}
	}
}

func TestCodesAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for c := backend.CodeOK; c <= backend.CodeParityMismatch; c++ {
		if c.String() == "" || seen[c.String()] || c.HTTPStatus() < 200 || (c.Message() == "") != (c == backend.CodeOK) {
			t.Errorf("code %d: %q %d %q", c, c, c.HTTPStatus(), c.Message())
		}
		seen[c.String()] = true
	}
	if got := backend.Code(200).String(); got != "INTERNAL_ERROR" {
		t.Errorf("an unknown code is %q", got)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	b := stub{name: "b"}
	timeout, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	canceled, cancel2 := context.WithCancel(t.Context())
	cancel2()
	for _, c := range []struct {
		name  string
		err   error
		code  backend.Code
		state string
	}{
		{"server", state("23505"), backend.CodeConstraintViolation, "23505"},
		{"wrapped server", fmt.Errorf("x: %w", state("22012")), backend.CodeBadUserInput, "22012"},
		{"our cancel request", backend.WithContext(canceled, state("57014")), backend.CodeCanceled, ""},
		{"our deadline", backend.WithContext(timeout, state("57014")), backend.CodeTimeout, ""},
		{"deadline on the network", backend.WithContext(timeout, &net.OpError{Op: "read", Err: io.EOF}), backend.CodeTimeout, ""},
		{"another error under an ended context", backend.WithContext(canceled, state("23505")), backend.CodeConstraintViolation, "23505"},
		{"statement_timeout", backend.WithContext(t.Context(), state("57014")), backend.CodeTimeout, "57014"},
		{"bad connection", driver.ErrBadConn, backend.CodeServiceUnavailable, ""},
		{"lost", backend.ErrConnectionLost, backend.CodeServiceUnavailable, ""},
		{"network", &net.OpError{Op: "dial", Err: errors.New("refused")}, backend.CodeServiceUnavailable, ""},
		{"no TLS", backend.ErrTLSRefused, backend.CodeConfiguration, ""},
		{"stale", fmt.Errorf("%w: %w", backend.ErrStaleStatement, state("0A000")), backend.CodeConflict, "0A000"},
		{"anything", errors.New("x"), backend.CodeInternal, ""},
	} {
		err := backend.Wrap(b, "op", c.err)
		var e *backend.Error
		if !errors.As(err, &e) || !errors.Is(err, c.err) {
			t.Fatalf("%s: %v", c.name, err)
		}
		if e.Code != c.code || e.SQLState != c.state || e.Op != "op" || e.Backend != "b" {
			t.Errorf("%s: %v %q %q %q", c.name, e.Code, e.SQLState, e.Op, e.Backend)
		}
		if got := backend.CodeOf(c.err); got != c.code {
			t.Errorf("%s: unwrapped %v", c.name, got)
		}
		if again := backend.Wrap(b, "outer", err); again != err {
			t.Errorf("%s: wrapped twice", c.name)
		}
	}
	if backend.Wrap(b, "op", nil) != nil || backend.CodeOf(nil) != backend.CodeOK || backend.WithContext(canceled, nil) != nil {
		t.Error("nil became an error")
	}
	// One of our own gains what it lacks and keeps the rest.
	err := backend.Wrap(b, "op", &backend.Error{Code: backend.CodeLimit, Err: io.EOF})
	if d := cmp.Diff("b: op: EOF", err.Error()); d != "" || backend.CodeOf(err) != backend.CodeLimit {
		t.Error(d)
	}
	if got := (&backend.Error{Code: backend.CodeLimit}).Error(); got != "a limit was exceeded" {
		t.Error(got)
	}
	if !backend.Retryable(backend.Wrap(b, "op", backend.ErrStaleStatement)) {
		t.Error("a stale statement is not retryable")
	}
	if got := backend.CodeOf(backend.Wrap(b, "connect", state("42704"))); got != backend.CodeConfiguration {
		t.Errorf("a parameter refused at login: %v", got)
	}
}

func TestWrapCommit(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		err  error
		want backend.Code
	}{
		{"none", nil, backend.CodeOK},
		{"deferred constraint", state("23503"), backend.CodeConstraintViolation},
		{"serialization", state("40001"), backend.CodeConflict},
		{"shut down", state("57P01"), backend.CodeCommitUnknown},
		{"lost", backend.ErrConnectionLost, backend.CodeCommitUnknown},
		{"read error", io.ErrUnexpectedEOF, backend.CodeCommitUnknown},
		{"context ended while waiting", backend.WithContext(ended, io.EOF), backend.CodeCommitUnknown},
		{"context ended before", context.Canceled, backend.CodeCanceled},
		{"not sent", driver.ErrBadConn, backend.CodeServiceUnavailable},
		{"aborted", fmt.Errorf("%w", backend.ErrTxAborted), backend.CodeInternal},
	} {
		if got := backend.CodeOf(backend.WrapCommit(nil, c.err)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	s, err := backend.NewSet(stub{name: "a"}, stub{name: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a", "b"}, s.Names()); d != "" || len(s.All()) != 2 {
		t.Error(d)
	}
	if b, err := s.Lookup("b"); err != nil || b.Name() != "b" {
		t.Error(b, err)
	}
	if _, err := s.Lookup("c"); backend.CodeOf(err) != backend.CodeConfiguration || err.Error() != `look up backend: no backend is named "c"; there are a, b` {
		t.Error(err)
	}
	if _, err := (backend.Set{}).Lookup("a"); err == nil {
		t.Error("the empty set has a backend")
	}
	for name, list := range map[string][]backend.Backend{"twice": {stub{name: "a"}, stub{name: "a"}}, "nil": {nil}, "unnamed": {stub{}}} {
		if _, err := backend.NewSet(list...); backend.CodeOf(err) != backend.CodeConfiguration {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := backend.ModeOf(stub{name: "a"}); got != "a" {
		t.Error(got)
	}
}

// TestClientMessage: what a client is told is a sentence, and never what the
// server wrote.
func TestClientMessage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		e    backend.Error
		want string
	}{
		{"a reason that can be told", backend.Error{SQLState: "22003", Code: backend.CodeBadUserInput, Fields: backend.Fields{Message: "secret"}}, "a number is out of the range of its type"},
		{"one that can't", backend.Error{SQLState: "22P99", Code: backend.CodeBadUserInput, Fields: backend.Fields{Message: "secret"}}, "a value in the request is not valid"},
		{"a bug of ours is no input", backend.Error{SQLState: "22003", Code: backend.CodeInternal}, "internal error"},
		{"a constraint", backend.Error{SQLState: "23505", Code: backend.CodeConstraintViolation, Fields: backend.Fields{Constraint: "users_email_key", Detail: "secret"}}, "the change violates a constraint: users_email_key"},
		{"not null", backend.Error{SQLState: "23502", Code: backend.CodeConstraintViolation, Fields: backend.Fields{Column: "name"}}, "the change violates a constraint: name must not be null"},
	} {
		if got := tc.e.ClientMessage(); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
