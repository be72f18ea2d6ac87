package reproduce

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
)

// Signature is how an operation fails: what two runs have to share to be one bug.
type Signature struct {
	// Kind is what differs.
	Kind parity.Kind
	// Type is that of the column, where a value differs.
	Type string
	// Control and Candidate are how the sides ended, by SQLSTATE, where an error
	// differs.
	Control, Candidate string
}

// SignatureOf is that of the first difference of r; false where it is no mismatch.
func SignatureOf(r parity.Report) (Signature, bool) {
	if r.Verdict != parity.Mismatch || len(r.Diffs) == 0 {
		return Signature{}, false
	}
	return signature(r, r.Diffs[0]), true
}

func signature(r parity.Report, d parity.Diff) Signature {
	s := Signature{Kind: d.Kind}
	if len(d.Cells) > 0 {
		s.Type = d.Cells[0].Type
	}
	if d.Kind == parity.DiffError {
		s.Control, s.Candidate = state(r.Control), state(r.Candidate)
	}
	return s
}

func state(s parity.Side) string {
	if s.SQLState != "" || s.Code == backend.CodeOK {
		return s.SQLState
	}
	return s.Code.String()
}

// String is "value of numeric".
func (s Signature) String() string {
	if s.Type != "" {
		return string(s.Kind) + " of " + s.Type
	}
	if s.Control != s.Candidate {
		return fmt.Sprintf("%s (%s against %s)", s.Kind, or(s.Control), or(s.Candidate))
	}
	return string(s.Kind)
}

func or(state string) string {
	if state == "" {
		return "success"
	}
	return state
}

// plan is that of one definition.
func plan(schema *builder.Schema, definition []byte) (*builder.Plan, error) {
	request, err := schema.Parse(definition)
	if err != nil {
		return nil, err
	}
	if len(request.Definitions) != 1 || request.List || request.Transaction {
		return nil, errors.New("one definition is reproduced at a time")
	}
	return builder.Build(schema, &request.Definitions[0])
}

// trier runs worlds in the scratch database.
type trier struct {
	sides  Sides
	cfg    backend.Config
	admin  *executor.DB // for making what is in the database
	want   Signature
	left   int             // tries
	tries  int             // used
	schema *builder.Schema // of the source: what it refuses, every smaller world refuses too
	// renamed: labels of enums are others than those of the source.
	renamed bool
}

// errSpent ends the shrinking: what was found so far stands.
var errSpent = errors.New("no more tries")

// fails says whether w fails as it should. Only the end of tries or time is an
// error; a world that can't be made does not fail.
func (t *trier) fails(ctx context.Context, w *world) (bool, error) {
	op, err := w.encode()
	if err != nil {
		return false, err
	}
	if op.Lines == nil && !t.renamed {
		if _, err := plan(t.schema, op.Definition); err != nil {
			return false, nil //nolint:nilerr // no operation, and no try either
		}
	}
	if t.left--; t.left < 0 || ctx.Err() != nil {
		return false, errSpent
	}
	t.tries++
	if err := t.make(ctx, w.sql()); err != nil {
		return false, spent(ctx, nil)
	}
	reports, err := Run(ctx, t.cfg, t.sides, op)
	if err != nil {
		return false, spent(ctx, nil)
	}
	return t.wanted(reports), nil
}

// wanted says whether a difference is there that is looked for.
func (t *trier) wanted(reports []parity.Report) bool {
	for _, r := range reports {
		for _, d := range r.Diffs {
			if r.Verdict == parity.Mismatch && signature(r, d) == t.want {
				return true
			}
		}
	}
	return false
}

func spent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errSpent
	}
	return err
}

// make empties the database and runs statements in it, in one round trip.
func (t *trier) make(ctx context.Context, statements []string) error {
	script := "set search_path to default;\n" + emptying + ";\n" + strings.Join(statements, ";\n")
	return Script(ctx, t.admin, script)
}

// Script runs statements that semicolons divide, which the server does: a backend
// sends one at a time.
func Script(ctx context.Context, db *executor.DB, script string) error {
	tag := "$fraiseql$"
	for strings.Contains(script, tag) { // in a function, or in a value
		tag = tag[:len(tag)-1] + "q$"
	}
	_, err := db.Pool().ExecContext(ctx, "do "+tag+" begin execute "+literal(script)+"; end "+tag)
	return err
}

// emptying drops what a try has made: every schema but the server's own.
const emptying = `do $e$ declare s text; begin
	for s in select nspname from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
		execute pg_catalog.format('drop schema %I cascade', s);
	end loop;
	create schema public;
	if exists (select from pg_catalog.pg_db_role_setting where setdatabase = (select oid from pg_catalog.pg_database where datname = current_database())) then
		execute pg_catalog.format('alter database %I reset search_path', pg_catalog.current_database());
	end if;
end $e$`

// empty refuses a database that has something of somebody's.
func empty(ctx context.Context, db *executor.DB) error {
	var n int
	err := db.Pool().QueryRowContext(ctx, `with s as (select n.oid from pg_catalog.pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema')
		select (select count(*) from pg_catalog.pg_class c where c.relnamespace in (select oid from s))
			+ (select count(*) from pg_catalog.pg_proc p where p.pronamespace in (select oid from s))
			+ (select count(*) from pg_catalog.pg_type t where t.typnamespace in (select oid from s))
			+ (select count(*) from pg_catalog.pg_namespace n where n.oid in (select oid from s) and n.nspname <> 'public')`).Scan(&n)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("the scratch database is not empty: there are %d things in it (relations, functions, types, schemas), and it would be emptied", n)
	}
	return nil
}
