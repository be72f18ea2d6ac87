package executor_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// An operand in a language of its own that the server can't parse is the
// caller's fault, in every mode: the SQLSTATE alone says syntax error.
func TestOperandSyntax(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table docs (id int8 primary key, body tsvector, query tsquery, data jsonb, way jsonpath)",
		"insert into docs values (1, 'a b', 'a', '{}', '$')")
	for _, b := range modes() {
		db := open(t, b, dsn, executor.WithMinIdle(0))
		s := schema(t, db)
		for _, request := range []string{
			`{"operation":"query","table":"docs","fields":["id"],"filters":{"body":{"matches":"a b c"}}}`,
			`{"operation":"query","table":"docs","fields":["id"],"filters":{"body":{"matches":{"query":"a","config":"klingon"}}}}`,
			`{"operation":"query","table":"docs","fields":["id"],"filters":{"query":{"eq":"a b"}}}`,
			`{"operation":"query","table":"docs","fields":["id"],"filters":{"data":{"path_exists":"a b $"}}}`,
			`{"type":"insert","table":"docs","input":{"id":2,"way":"a b $"}}`,
			`{"transaction":[{"type":"insert","table":"docs","input":{"id":2,"query":"a b"}}]}`,
		} {
			got, err := answer(t.Context(), db, s, request)
			if backend.CodeOf(err) != backend.CodeBadUserInput || !strings.Contains(got, `"code":"BAD_USER_INPUT"`) {
				t.Errorf("%s: %s: %s (%v)", b.Name(), request, got, err)
			}
		}
	}
}

// What has gone since the catalog was read is no internal error.
func TestDroppedSinceTheCatalogWasRead(t *testing.T) {
	t.Parallel()
	for _, b := range modes() {
		for _, ddl := range []string{"alter table shops drop column name", "alter table items rename to goods"} {
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, itemTables)
			db := open(t, b, dsn, executor.WithMinIdle(0))
			s := schema(t, db)
			const request = `{"operation":"query","table":"shops","fields":["name"],"relations":{"items":{"fields":["label"]}}}`
			if _, err := answer(t.Context(), db, s, request); err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, dsn, ddl)
			got, _ := answer(t.Context(), db, s, request)
			want := `{"data":null,"errors":[{"message":"the database schema has changed; try again","extensions":{"code":"CONFLICT"}}]}`
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s: %s", b.Name(), ddl, diff)
			}
		}
	}
}

// A violated constraint is told with its columns on every way: also at the
// commit of a transaction, and for a plan that is run without its schema.
func TestConstraintColumns(t *testing.T) {
	t.Parallel()
	for _, b := range []backend.Backend{modes()[0], modes()[5]} {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, itemTables, "alter table items alter constraint items_shop_id_fkey deferrable initially deferred")
		db := open(t, b, dsn, executor.WithMinIdle(0))
		s := schema(t, db)
		const insert = `{"type":"insert","table":"items","input":{"shop_id":9,"label":"x"},"return_fields":null}`
		const want = `"extensions":{"code":"CONSTRAINT_VIOLATION","constraint":"items_shop_id_fkey","columns":["shop_id"]}}]}`
		for _, request := range []string{insert, "[" + insert + "]", `{"transaction":[` + insert + `]}`} {
			if got, _ := answer(t.Context(), db, s, request); !strings.Contains(got, want) {
				t.Errorf("%s: %s: %s", b.Name(), request, got)
			}
		}
		req, err := builder.Parse([]byte(insert))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := builder.Build(s, &req.Definitions[0])
		if err != nil {
			t.Fatal(err)
		}
		var w bytes.Buffer
		err = executor.ExecutePlan(t.Context(), db, plan, &w)
		if got := string(executor.AppendError(nil, err)); !strings.Contains(got, want) {
			t.Errorf("%s: ExecutePlan: %s", b.Name(), got)
		}
	}
}

// TestDomainColumns: of a domain that refuses a value the server names no column;
// those of the input that are of it are told, in each kind of request.
func TestDomainColumns(t *testing.T) {
	t.Parallel()
	for _, b := range []backend.Backend{modes()[0], modes()[5]} {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create domain small as int check (value < 10)",
			"create table d (id int primary key, a small, b int constraint small_check check (b <> 3))", "insert into d values (1)")
		db := open(t, b, dsn, executor.WithMinIdle(0))
		s := schema(t, db)
		const insert = `{"type":"insert","table":"d","input":{"id":2,"a":11,"b":1},"return_fields":null}`
		const update = `{"type":"update","table":"d","input":{"a":11},"filters":{"id":{"eq":1}},"return_fields":null}`
		const want = `"extensions":{"code":"CONSTRAINT_VIOLATION","constraint":"small_check","columns":["a"]}}]}`
		for _, request := range []string{insert, update, "[" + insert + "]", `{"transaction":[` + insert + `]}`} {
			got, err := answer(t.Context(), db, s, request)
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s: %s", b.Name(), request, got)
			}
			if text := err.Error(); strings.Count(text, "small_check") != 1 || !strings.Contains(text, b.Name()+": ") {
				t.Errorf("%s: the log would have %s", b.Name(), text)
			}
		}
	}
}
