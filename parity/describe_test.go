package parity_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// teller is a backend that says something else of statements.
type teller struct {
	backend.Backend
	tell func(d *backend.Description) error
}

func (t *teller) Mode() string { return "teller" }

func (t *teller) Describe(ctx context.Context, conn *sql.Conn, query string) (backend.Description, error) {
	d, err := t.Backend.(backend.Describer).Describe(ctx, conn, query)
	if err == nil {
		err = t.tell(&d)
	}
	return d, err
}

// TestDescribe: every mode against the two defaults, both ways; nothing runs.
func TestDescribe(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table t (id int primary key, body text)")
	insert := &builder.Statement{Name: "insert", SQL: "insert into t values ($1, $2) returning id, body", Args: []any{1, "x"}}
	for _, m := range all.Modes(codec.HasBinary) {
		for _, other := range []string{"pq/default", "pgx/cache_statement"} {
			for _, pair := range [][2]backend.Backend{{m, mode(t, other)}, {mode(t, other), m}} {
				b := newBench(t, dsn, pair[0], pair[1])
				err := b.Describe(t.Context(), "two", insert, &builder.Statement{Name: "delete", SQL: "delete from t"})
				r := b.last(t)
				if err != nil || r.Verdict != parity.Equal || r.Class == "" || r.Reason != "described, not executed" {
					t.Errorf("%s against %s: %v, %+v", r.Control.Backend, r.Candidate.Backend, err, r)
				}
				err = b.Describe(t.Context(), "refused", insert, &builder.Statement{Name: "nowhere", SQL: "delete from nowhere"}, insert)
				if r = b.last(t); backend.SQLStateOf(err) != "42P01" || r.Verdict != parity.NotCompared || r.Reason != "both refuse to describe it (42P01)" {
					t.Errorf("%s against %s: %v, %+v", r.Control.Backend, r.Candidate.Backend, err, r)
				}
				if n := b.count(t, "select count(*) from t"); n != "0" {
					t.Fatalf("%s rows: something ran", n)
				}
				if err := b.Idle(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestDescribeDiffers: each thing that may be said differently, by either side.
func TestDescribeDiffers(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table t (id int primary key, body text)")
	insert := &builder.Statement{Name: "insert", SQL: "insert into t values ($1, $2) returning id, body", Args: []any{1, "x"}}
	for kind, tell := range map[parity.Kind]func(*backend.Description) error{
		parity.DiffStatement: func(d *backend.Description) error { d.Params[1] = 1043; return nil },
		parity.DiffColumns:   func(d *backend.Description) error { d.Columns[0].OID = 20; return nil },
		parity.DiffError: func(*backend.Description) error {
			return backend.New("describe", backend.CodeConflict, errors.New("no"))
		},
	} {
		for _, names := range [][2]string{{"pq/default", "pgx/exec"}, {"pgx/exec", "pq/default"}} {
			for side := range 2 {
				pair := [2]backend.Backend{mode(t, names[0]), mode(t, names[1])}
				pair[side] = &teller{pair[side], tell}
				b := newBench(t, dsn, pair[0], pair[1])
				err := b.Describe(t.Context(), "insert", insert)
				r := b.last(t)
				if backend.CodeOf(err) != backend.CodeParityMismatch || r.Verdict != parity.Mismatch || len(r.Diffs) != 1 || r.Diffs[0].Kind != kind || r.Diffs[0].Statement != "insert" {
					t.Errorf("%s by side %d of %v: %v, %+v", kind, side, names, err, r)
				}
			}
		}
	}
}
