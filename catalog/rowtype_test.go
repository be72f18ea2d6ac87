package catalog_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestFunctionDefaultsAndFieldComments(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `
		CREATE TYPE pair AS (a int, b text);
		COMMENT ON COLUMN pair.b IS 'the "other" one';
		CREATE FUNCTION f(OUT x int, a int, INOUT b text DEFAULT 'it''s', OUT y int, c timestamptz DEFAULT now(), VARIADIC d int[] DEFAULT '{}')
			LANGUAGE sql AS 'SELECT 1, ''x'', 2';
		CREATE FUNCTION plain(a int) RETURNS TABLE (b int, "c d" text) LANGUAGE sql AS 'SELECT 1, ''x'''`)
	c := load(t, open(t, pgx.New(), dsn))
	type arg struct {
		Name, Default string
		Mode          byte
		In, Out       bool
	}
	for name, want := range map[string][]arg{
		"f": {
			{"x", "", 'o', false, true},
			{"a", "", 'i', true, false},
			{"b", "'it''s'::text", 'b', true, true},
			{"y", "", 'o', false, true},
			{"c", "now()", 'i', true, false},
			{"d", "'{}'::integer[]", 'v', true, false},
		},
		"plain": {{"a", "", 'i', true, false}, {"b", "", 't', false, true}, {"c d", "", 't', false, true}},
	} {
		var got []arg
		for _, a := range c.Function(name)[0].Args {
			got = append(got, arg{a.Name, a.Default, a.Mode, a.Input(), a.Output()})
			if a.HasDefault != (a.Default != "") {
				t.Errorf("%s %s: a default %t, its text %q", name, a.Name, a.HasDefault, a.Default)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	pair, ok := c.TypeByName("public", "pair")
	if !ok {
		t.Fatal("no type pair")
	}
	if diff := cmp.Diff([]catalog.TypeField{{Name: "a", Type: 23}, {Name: "b", Type: 25, Comment: `the "other" one`}}, pair.Fields); diff != "" {
		t.Error(diff)
	}
}

func TestNewRowType(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE DOMAIN positive AS int CHECK (VALUE > 0)`)
	c := load(t, open(t, pgx.New(), dsn))
	positive, ok := c.TypeByName("public", "positive")
	if !ok {
		t.Fatal("no domain")
	}
	row, err := c.NewRowType("public", `say "hi"`, []catalog.TypeField{{Name: "user_id", Type: 23}, {Name: `a"b`, Type: positive.OID, Comment: "C"}})
	if err != nil {
		t.Fatal(err)
	}
	if row.Kind.String() != "row type" || !row.CanSelect || row.CanInsert || row.CanDelete || row.PrimaryKey != nil || row.SQLName() != `"public"."say ""hi"""` {
		t.Errorf("%+v", row)
	}
	for name, want := range map[string]string{"user_id": `"user_id"`, "userId": `"user_id"`, `a"b`: `"a""b"`} {
		col, ok := row.Column(name)
		if !ok || col.SQLName() != want || col.NotNull || !col.ReadOnly || !col.CanSelect || col.CanUpdate || col.Table != row {
			t.Errorf("%s: %+v", name, col)
		}
	}
	if col, _ := row.Column(`a"b`); col.BaseType != 23 || col.Type != positive.OID || col.Comment != "C" {
		t.Errorf("%+v", col)
	}
	var meet *catalog.CollisionError
	if _, err := c.NewRowType("s", "f", []catalog.TypeField{{Name: "user_id", Type: 23}, {Name: "userId", Type: 23}}); !errors.As(err, &meet) {
		t.Errorf("one name for two columns: %v", err)
	}
	for _, oid := range []uint32{2249, 2283, 4_000_000} { // record, anyelement, nothing
		if _, err := c.NewRowType("s", "f", []catalog.TypeField{{Name: "x", Type: oid}}); err == nil {
			t.Errorf("a column of type %d", oid)
		}
	}
}
