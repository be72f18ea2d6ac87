package corpus

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// Describe prepares a line's SQL on two pools, never runs it, and reports to h
// whether both take it, or refuse it with one SQLSTATE. It is for WithDescribe.
func Describe(ctx context.Context, h *parity.Harness, control, candidate *sql.DB, l Line) error {
	t := sqltext.Parse(l.SQL)
	r := parity.Report{Operation: "describe " + t.Name, Class: t.Class, Verdict: parity.Equal, Control: parity.Side{Backend: "control"}, Candidate: parity.Side{Backend: "candidate"}}
	a, b := prepare(ctx, control, l.SQL), prepare(ctx, candidate, l.SQL)
	for _, side := range []struct {
		s   *parity.Side
		err error
	}{{&r.Control, a}, {&r.Candidate, b}} {
		if side.err != nil {
			side.s.Code, side.s.SQLState = backend.CodeOf(side.err), backend.SQLStateOf(side.err)
		}
	}
	switch {
	case r.Control.Code == backend.CodeServiceUnavailable || r.Candidate.Code == backend.CodeServiceUnavailable:
		r.Verdict, r.Reason = parity.Inconclusive, "a connection failed"
	case (a == nil) != (b == nil) || r.Control.SQLState != r.Candidate.SQLState:
		r.Verdict = parity.Mismatch
		r.Diffs = []parity.Diff{{Kind: parity.DiffError, Statement: t.Name, Detail: fmt.Sprintf("- %v\n+ %v", a, b)}}
	}
	r = h.Publish(ctx, r)
	if r.Verdict == parity.Mismatch {
		return backend.New("describe", backend.CodeParityMismatch, &parity.MismatchError{Report: r})
	}
	return a
}

func prepare(ctx context.Context, db *sql.DB, query string) (err error) {
	st, err := db.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = st.Close() }()
	return nil
}
