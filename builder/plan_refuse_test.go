package builder

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestBuildRefusesWhatJSONCannotSay: a Definition made by Go code meets the
// same strictness as one that was parsed.
func TestBuildRefusesWhatJSONCannotSay(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	one, minus := int64(1), int64(-1)
	some := &Filter{Field: "id", Op: "eq", Value: json.RawMessage("1")}
	row := []Input{{Sets: []Set{{Field: "name", Value: json.RawMessage(`"x"`)}}}}
	for _, test := range []struct {
		name string
		def  Definition
		want string
	}{
		{"no kind", Definition{Table: "tags"}, "unknown operation"},
		{"kind out of range", Definition{Kind: 9, Table: "tags"}, "unknown operation"},
		{"query with input", Definition{Kind: Query, Table: "tags", Input: row}, "takes no input"},
		{"query without answer", Definition{Kind: Query, Table: "tags", ReturnNone: true}, "not return_fields"},
		{"query of all rows", Definition{Kind: Query, Table: "tags", AllRows: true}, "all_rows is for"},
		{"query with a guard", Definition{Kind: Query, Table: "tags", MaxAffected: &one}, "affects no row"},
		{"query on conflict", Definition{Kind: Query, Table: "tags", OnConflict: &OnConflict{}}, "for inserts"},
		{"having alone", Definition{Kind: Query, Table: "tags", Having: some}, "needs aggregate"},
		{"no fields", Definition{Kind: Query, Table: "tags", Fields: []Field{}}, "selects nothing"},
		{"aggregate with fields", Definition{Kind: Query, Table: "tags", Fields: []Field{{Name: "id"}}, Aggregate: []Aggregate{{Fn: "count"}}}, "into group_by"},
		{"aggregate with relations", Definition{Kind: Query, Table: "tags", Relations: []Relation{{Key: "postTags"}}, Aggregate: []Aggregate{{Fn: "count"}}}, "no rows to nest"},
		{"insert of all rows", Definition{Kind: Insert, Table: "tags", Input: row, AllRows: true}, "all_rows is for"},
		{"insert with filter", Definition{Kind: Insert, Table: "tags", Input: row, Filter: some}, "takes no filters"},
		{"insert of nothing", Definition{Kind: Insert, Table: "tags"}, "needs a row"},
		{"insert with sort", Definition{Kind: Insert, Table: "tags", Input: row, Sort: []Sort{{Field: "id"}}}, "takes no sort"},
		{"insert by operation", Definition{Kind: Insert, Table: "tags", Input: []Input{{Sets: []Set{{Field: "name", Op: "append", Value: json.RawMessage("1")}}}}}, "is for updates"},
		{"update of two rows", Definition{Kind: Update, Table: "tags", Input: append(row, row...), Filter: some}, "one object"},
		{"update of no row", Definition{Kind: Update, Table: "tags", Filter: some}, "one object"},
		{"update of no column", Definition{Kind: Update, Table: "tags", Input: []Input{{}}, Filter: some}, "sets nothing"},
		{"update by nothing known", Definition{Kind: Update, Table: "tags", Input: []Input{{Sets: []Set{{Field: "name", Op: "frobnicate"}}}}, Filter: some}, "can't be used"},
		{"set_path without path", Definition{Kind: Update, Table: "users", Input: []Input{{Sets: []Set{{Field: "profile", Op: "set_path"}}}}, Filter: some}, "needs a path"},
		{"set_path without value", Definition{Kind: Update, Table: "users", Input: []Input{{Sets: []Set{{Field: "profile", Op: "set_path", Path: []string{"a"}}}}}, Filter: some}, "needs a value"},
		{"delete with input", Definition{Kind: Delete, Table: "tags", Input: row, Filter: some}, "takes no input"},
		{"delete with limit", Definition{Kind: Delete, Table: "tags", Filter: some, Limit: &one}, "takes no pagination"},
		{"delete after", Definition{Kind: Delete, Table: "tags", Filter: some, After: &Cursor{}}, "takes no cursor"},
		{"delete distinct", Definition{Kind: Delete, Table: "tags", Filter: some, Distinct: &Distinct{}}, "takes no distinct"},
		{"delete with aggregate", Definition{Kind: Delete, Table: "tags", Filter: some, Aggregate: []Aggregate{{Fn: "count"}}}, "takes no aggregate"},
		{"delete with groups", Definition{Kind: Delete, Table: "tags", Filter: some, GroupBy: []GroupBy{{Field: "id"}}}, "takes no group_by"},
		{"delete having", Definition{Kind: Delete, Table: "tags", Filter: some, Having: some}, "takes no having"},
		{"nothing and something", Definition{Kind: Delete, Table: "tags", Filter: some, ReturnNone: true, Fields: []Field{{Name: "id"}}}, "nothing is returned"},
		{"negative guard", Definition{Kind: Delete, Table: "tags", Filter: some, MaxAffected: &minus}, "must not be negative"},
		{"empty filter node", Definition{Kind: Delete, Table: "tags", Filter: &Filter{}}, "true for every row"},
		{"distinct on nothing", Definition{Kind: Query, Table: "tags", Distinct: &Distinct{On: []string{}}}, "names no field"},
		{"type without path", Definition{Kind: Query, Table: "tags", Fields: []Field{{Name: "id", Type: "text"}}}, "needs a path"},
		{"sort type without path", Definition{Kind: Query, Table: "tags", Sort: []Sort{{Field: "id", Type: "text"}}}, "needs a path"},
		{"conflict both ways", Definition{Kind: Insert, Table: "tags", Input: row, OnConflict: &OnConflict{Columns: []string{"name"}, Constraint: "tags_name_key"}}, "not both"},
		{"conflict without target", Definition{Kind: Insert, Table: "tags", Input: row, OnConflict: &OnConflict{}}, "needs columns or a constraint"},
		{"conflict nothing, update", Definition{Kind: Insert, Table: "tags", Input: row, OnConflict: &OnConflict{Nothing: true, Update: []string{"name"}}}, "takes neither"},
		{"cursor key twice", Definition{Kind: Query, Table: "tags", After: &Cursor{Values: []CursorValue{{Field: "id", Value: json.RawMessage("1")}, {Field: "id", Value: json.RawMessage("2")}}}}, "twice"},
		{"cursor without value", Definition{Kind: Query, Table: "tags", Before: &Cursor{Values: []CursorValue{{Field: "id"}}}}, "never null"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, err := Build(s, &test.def)
			var list Problems
			if p != nil || !errors.As(err, &list) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := Build(nil, &Definition{}); err == nil {
		t.Error("a nil schema passed")
	}
	if _, err := Build(s, nil); err == nil {
		t.Error("a nil definition passed")
	}
}

// TestPlansKeepToPrivileges: a role sees, reads and writes what it was granted; the rest
// is unknown to it, in results, in refusals and in suggestions.
func TestPlansKeepToPrivileges(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	role := fmt.Sprintf("clerk_%d", os.Getpid()) // roles are the whole server's
	pgtest.Exec(t, dsn, `CREATE TABLE staff (id int PRIMARY KEY, name text, salary int, secret text, boss int REFERENCES staff);
CREATE TABLE pay (id int PRIMARY KEY, staff_id int REFERENCES staff, secret_id int REFERENCES staff);
CREATE ROLE `+role+`; GRANT SELECT (id, name), INSERT (id, name, salary), UPDATE (name) ON staff TO `+role+`;
GRANT SELECT (id, staff_id), DELETE ON pay TO `+role)
	defer pgtest.Exec(t, dsn, `DROP OWNED BY `+role+`; DROP ROLE `+role)
	pool := pgtest.Open(t, dsn)
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `SET ROLE `+role); err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSchema(cat, SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, def, sql, refused string }{
		{"default fields", `{"operation":"query","table":"staff"}`, `SELECT "t0"."id", "t0"."name" FROM "public"."staff" AS "t0"`, ""},
		{"unreadable field", `{"operation":"query","table":"staff","fields":["secret"]}`, "", `unknown field "secret"; allowed: id, name`},
		{"unreadable sort", `{"operation":"query","table":"staff","sort":[{"salary":"ASC"}]}`, "", `unknown field "salary"; allowed: id, name`},
		{"relation by an unreadable key", `{"operation":"query","table":"pay","relations":{"secret":{}}}`, "", `unknown relation "secret"; allowed: staff`},
		{
			"inserted but not read", `{"operation":"mutation","type":"insert","table":"staff","input":{"id":1,"salary":5}}`,
			`INSERT INTO "public"."staff" AS "t0" ("id","salary") VALUES ($1::int4,$2::int4) RETURNING "t0"."id", "t0"."name"`, "",
		},
		{"hidden column", `{"operation":"mutation","type":"insert","table":"staff","input":{"id":1,"secret":"x"}}`, "", `unknown column "secret"; allowed: id, name, salary`},
		{"read but not written", `{"operation":"mutation","type":"update","table":"staff","input":{"id":2},"filters":{"id":{"eq":1}}}`, "", `column "id" can't be updated; allowed: name`},
		{"table without the privilege", `{"operation":"mutation","type":"delete","table":"staff","filters":{"id":{"eq":1}}}`, "", `can't be deleted from`},
		{
			"delete", `{"operation":"mutation","type":"delete","table":"pay","filters":{"id":{"eq":1}},"return_fields":null}`,
			`DELETE FROM "public"."pay" AS "t0" WHERE "t0"."id" = $1::int4`, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			def, err := ParseDefinition([]byte(test.def))
			if err != nil {
				t.Fatal(err)
			}
			p, err := Build(s, def)
			switch {
			case test.refused != "":
				if err == nil || !strings.Contains(err.Error(), test.refused) || strings.Contains(test.refused, "allowed") && strings.Contains(err.Error(), "boss") {
					t.Errorf("got %v, want %s", err, test.refused)
				}
			case err != nil:
				t.Error(err)
			default:
				if p.Root.Statement.SQL != test.sql {
					t.Errorf("got  %s\nwant %s", p.Root.Statement.SQL, test.sql)
				}
				st, err := conn.PrepareContext(t.Context(), p.Root.Statement.SQL)
				if err != nil {
					t.Error(err)
					return
				}
				st.Close()
			}
		})
	}
}
