package catalog_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// as makes a role, runs grants (in which ROLE stands for it) on dsn, and gives
// a connection of b that acts as the role.
func as(t *testing.T, b backend.Backend, dsn, grants string) *sql.Conn {
	t.Helper()
	// Roles belong to the whole cluster: the name must be this test's own.
	role := "catalog_" + strings.ToLower(rand.Text()[:12])
	db := open(t, b, dsn)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, q := range []string{"RESET ROLE", "DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := conn.ExecContext(context.Background(), q); err != nil {
				t.Errorf("%s: %v", q, err)
			}
		}
		_ = conn.Close()
	})
	// One by one: our backends take no scripts.
	todo := append([]string{"CREATE ROLE " + role}, strings.Split(strings.ReplaceAll(grants, "ROLE", role), ";")...)
	for _, q := range append(todo, "SET ROLE "+role) {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return conn
}

func TestPrivileges(t *testing.T) {
	t.Parallel()
	for _, b := range []backend.Backend{pq.New(), pgx.New()} {
		t.Run(b.Name(), func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, `
				CREATE SCHEMA a; CREATE SCHEMA closed;
				CREATE TABLE a.part (id int PRIMARY KEY, name text UNIQUE, salary int, note text, pal int REFERENCES a.part, FOREIGN KEY (salary) REFERENCES a.part);
				CREATE TABLE a.whole (id int PRIMARY KEY, part int REFERENCES a.part);
				CREATE TABLE a.only_delete (id int PRIMARY KEY);
				CREATE TABLE a.none (id int PRIMARY KEY, whole int REFERENCES a.whole);
				CREATE TABLE a.shadow (in_a int);
				CREATE TABLE public.shadow (in_public int);
				CREATE TABLE closed.open_table (id int);
				CREATE TYPE closed.kind AS ENUM ('x');
				CREATE TABLE a.foreign_type (k closed.kind, n a.none, ns a.none[]);
				CREATE FUNCTION a.yes() RETURNS int LANGUAGE sql AS 'SELECT 1';
				CREATE FUNCTION a.no() RETURNS int LANGUAGE sql AS 'SELECT 1';
				REVOKE EXECUTE ON FUNCTION a.no() FROM PUBLIC;
				REVOKE ALL ON SCHEMA public FROM PUBLIC`)
			conn := as(t, b, dsn, `
				GRANT USAGE ON SCHEMA a, public TO ROLE;
				GRANT SELECT (id, name), INSERT (note), UPDATE (name) ON a.part TO ROLE;
				GRANT SELECT, INSERT, UPDATE, DELETE ON a.whole TO ROLE;
				GRANT DELETE ON a.only_delete TO ROLE;
				GRANT SELECT ON a.foreign_type, public.shadow, closed.open_table TO ROLE;
				SET search_path = closed, a, public`)
			c := load(t, conn)

			if d := cmp.Diff([]string{"a", "public"}, c.SearchPath()); d != "" {
				t.Errorf("closed is not on the effective path:\n%s", d)
			}
			var got []string
			for tab := range c.Tables() {
				got = append(got, fmt.Sprintf("%s %v %v %v %v", tab, tab.CanSelect, tab.CanInsert, tab.CanUpdate, tab.CanDelete))
				for _, col := range tab.Columns {
					got = append(got, fmt.Sprintf("  %s %v %v %v", col.Name, col.CanSelect, col.CanInsert, col.CanUpdate))
				}
			}
			want := []string{
				"a.foreign_type true false false false",
				"  k true false false", "  n true false false", "  ns true false false",
				"a.only_delete false false false true",
				"a.part true true true false",
				"  id true false false", "  name true false true", "  note false true false",
				"a.whole true true true true",
				"  id true true true", "  part true true true",
				"public.shadow true false false false", "  in_public true false false",
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}

			part := table(t, c, "part")
			if len(part.ForeignKeys) != 0 {
				t.Error("a foreign key of a column that the role may not use")
			}
			if part.PrimaryKey == nil || len(part.Unique) != 1 || len(part.ReferencedBy) != 1 {
				t.Errorf("keys of visible columns: %+v", part)
			}
			if len(table(t, c, "whole").ReferencedBy) != 0 {
				t.Error("a.none gives itself away by its foreign key")
			}
			if table(t, c, "only_delete").PrimaryKey != nil {
				t.Error("a key without visible columns")
			}
			// PostgreSQL finds a.shadow first, and refuses it.
			if _, err := c.Table("shadow"); !errors.Is(err, catalog.ErrUnknownTable) {
				t.Errorf("shadow: %v", err)
			}
			for _, name := range []string{"none", "a.none", "a.shadow", "closed.open_table", `"shadow"`} {
				if _, err := c.Table(name); !errors.Is(err, catalog.ErrUnknownTable) {
					t.Errorf("%s: %v", name, err)
				}
			}
			// A value of a type can be read even where its name cannot be said.
			kind, ok := c.Type(column(t, table(t, c, "foreign_type"), "k").Type)
			if !ok || len(kind.Labels) != 1 {
				t.Errorf("type in a closed schema: %+v", kind)
			}
			none, ok := c.Type(column(t, table(t, c, "foreign_type"), "n").Type)
			if !ok || len(none.Fields) != 2 {
				t.Errorf("row type of a hidden table, needed to read its values: %+v", none)
			}
			if len(c.Function("yes")) != 1 || c.Function("no") != nil {
				t.Error("functions that the role may execute, and no others")
			}
			if _, err := catalog.Load(t.Context(), conn, catalog.WithSchemas("closed")); err == nil {
				t.Error("closed cannot be loaded")
			}
			j, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"salary", "open_table", "in_a", `"name":"none"`} {
				if strings.Contains(string(j), secret) {
					t.Errorf("JSON tells of %s", secret)
				}
			}
		})
	}
}

// A role without any privilege gets an empty Catalog, not an error.
func TestNoPrivileges(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE TABLE t (id int); REVOKE ALL ON SCHEMA public FROM PUBLIC`)
	c := load(t, as(t, pgx.New(), dsn, "SELECT 1"))
	for tab := range c.Tables() {
		t.Errorf("%s", tab)
	}
	if len(c.Schemas()) != 0 || len(c.SearchPath()) != 0 {
		t.Errorf("%v, %v", c.Schemas(), c.SearchPath())
	}
	if _, ok := c.Type(23); !ok {
		t.Error("system types are always there")
	}
}
