package parity_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// TestWrongNumberOfArguments: some modes count the arguments themselves, and others ask the
// server. It is one error, of one code, and no mismatch in any pair of modes.
func TestWrongNumberOfArguments(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table t (id int8)")
	for _, control := range all.Modes(codec.HasBinary) {
		for _, candidate := range all.Modes(codec.HasBinary) {
			t.Run(backend.ModeOf(control)+" "+backend.ModeOf(candidate), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, dsn, control, candidate)
				for _, tc := range []struct {
					name, sql string
					args      []any
				}{
					{"too few", "select $1::int8 + $2::int8", []any{"1"}},
					{"too many", "select $1::int8 + $2::int8", []any{"1", "2", "3"}},
					{"none", "select $1::int8", nil},
					{"one for none", "select 1, '$1'", []any{"1"}},
				} {
					for way, err := range map[string]func() error{
						"read": func() error { _, err := drain(b.Query(t.Context(), statement(tc.sql, true, tc.args...))); return err },
						"write": func() error {
							return b.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
								_, err := tx.Exec(ctx, &builder.Statement{Name: "test", SQL: "insert into t " + tc.sql, Args: tc.args})
								return err
							})
						},
					} {
						if way == "write" && tc.name == "one for none" {
							continue // two columns into one
						}
						if got := backend.CodeOf(err()); got != backend.CodeInternal {
							t.Errorf("%s, %s: code %v, want %v", tc.name, way, got, backend.CodeInternal)
						}
						if r := b.last(t); !r.Verdict.Pass() {
							t.Errorf("%s, %s: %v (%s), %v", tc.name, way, r.Verdict, r.Reason, r.Diffs)
						}
					}
				}
			})
		}
	}
}

// TestOtherErrorsOfDriversDiffer: what a driver says by itself is explained where the number
// of arguments is wrong, and nowhere else.
func TestOtherErrorsOfDriversDiffer(t *testing.T) {
	t.Parallel()
	same := func(_ int, row [][]byte) [][][]byte { return [][][]byte{row} }
	b := newBench(t, pgtest.DB(t),
		&liar{mode(t, "pgx/exec"), same, violationError("the server does not follow")},
		&liar{mode(t, "pgx/exec"), same, errors.New("the driver does not know")})
	_, _ = drain(b.Query(t.Context(), statement("select $1::int8 + $2::int8", true, "1", "2")))
	if r := b.last(t); r.Verdict != parity.Mismatch || r.Control.SQLState != "08P01" || r.Candidate.SQLState != "" || r.Control.Code != r.Candidate.Code {
		t.Errorf("%v (%s), rules %v; control %+v, candidate %+v; want a mismatch", r.Verdict, r.Reason, r.Rules, r.Control, r.Candidate)
	}
}

// violationError is an error with that SQLSTATE.
type violationError string

func (e violationError) Error() string  { return string(e) }
func (violationError) SQLState() string { return "08P01" }
