package graphql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const upsertTables = `
CREATE TABLE items (id int PRIMARY KEY, sku text UNIQUE, tenant int, slug text, qty int NOT NULL DEFAULT 0, gone bool NOT NULL DEFAULT false,
	CONSTRAINT items_place UNIQUE (tenant, slug));
CREATE UNIQUE INDEX items_live ON items (slug) WHERE NOT gone;
CREATE TABLE parts (id int PRIMARY KEY, item_id int REFERENCES items, note text) PARTITION BY LIST (id);
CREATE TABLE parts_all PARTITION OF parts DEFAULT;
CREATE VIEW live_items AS SELECT id, sku FROM items;
`

const upsertRows = `
INSERT INTO items VALUES (1, 'a', 1, 'one', 10), (2, 'b', 1, 'two', 20);
INSERT INTO parts VALUES (1, 1, 'p');
`

// TestUpsert: rows are inserted or updated, and each tells which.
func TestUpsert(t *testing.T) { //nolint:paralleltest // each case begins with the same rows
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, upsertTables)
	fs := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})
	for _, tc := range []struct{ name, query, variables, want string }{
		{
			"update by the key", `mutation { upsertItem(input: {id: 1, qty: 11}, onConflict: {columns: [id]}) { inserted record { id sku qty parts { note } } __typename } }`, "",
			`{"data":{"upsertItem":{"inserted":false,"record":{"id":1,"sku":"a","qty":11,"parts":[{"note":"p"}]},"__typename":"ItemUpsert"}}}`,
		},
		{
			"insert", `mutation { upsertItem(input: {id: 3, qty: 1}, onConflict: {columns: [id]}) { record { id } new: inserted } }`, "",
			`{"data":{"upsertItem":{"record":{"id":3},"new":true}}}`,
		},
		{
			"each row tells", `mutation($rows: [ItemInput!]!) { upsertItems(inputs: $rows, onConflict: {columns: [sku], update: [qty]}) { inserted record { id sku qty } } }`,
			`{"rows": [{"id": 8, "sku": "z", "qty": 1}, {"id": 9, "sku": "b", "qty": 2}]}`,
			`{"data":{"upsertItems":[{"inserted":true,"record":{"id":8,"sku":"z","qty":1}},{"inserted":false,"record":{"id":2,"sku":"b","qty":2}}]}}`,
		},
		{
			"by a constraint", `mutation { upsertItem(input: {id: 7, tenant: 1, slug: "two", qty: 5}, onConflict: {constraint: "items_place", update: [qty]}) { inserted record { id qty } } }`, "",
			`{"data":{"upsertItem":{"inserted":false,"record":{"id":2,"qty":5}}}}`,
		},
		{
			"by a partial index", `mutation { upsertItem(input: {id: 7, slug: "one", qty: 6}, onConflict: {columns: [slug], update: [qty]}) { inserted record { id qty } } }`, "",
			`{"data":{"upsertItem":{"inserted":false,"record":{"id":1,"qty":6}}}}`,
		},
		{
			"nothing", `mutation { upsertItem(input: {id: 1, qty: 99}, onConflict: {columns: [id], action: NOTHING}) { inserted record { qty } } }`, "",
			`{"data":{"upsertItem":null}}`,
		},
		{
			"nothing for one of two", `mutation { upsertItems(inputs: [{id: 1, qty: 99}, {id: 4, qty: 4}], onConflict: {columns: [id], action: NOTHING}) { inserted record { id } } }`, "",
			`{"data":{"upsertItems":[{"inserted":true,"record":{"id":4}}]}}`,
		},
		{
			"a filter that the row fails", `mutation { upsertItem(input: {id: 1, qty: 5}, onConflict: {columns: [id], filter: {qty: {lt: 5}}}) { inserted } }`, "",
			`{"data":{"upsertItem":null}}`,
		},
		{
			"a filter that the row meets", `mutation { upsertItem(input: {id: 1, qty: 5}, onConflict: {columns: [id], filter: {qty: {gt: 5}}}) { inserted record { qty } } }`, "",
			`{"data":{"upsertItem":{"inserted":false,"record":{"qty":5}}}}`,
		},
		{
			"a partitioned table", `mutation { upsertPart(input: {id: 1, note: "q"}, onConflict: {columns: [id]}) { record { note item { sku } } inserted } }`, "",
			`{"data":{"upsertPart":{"record":{"note":"q","item":{"sku":"a"}},"inserted":false}}}`,
		},
		{
			"rows of a partitioned table", `mutation { upsertParts(inputs: [{id: 3, note: "n"}, {id: 1, note: "q"}, {id: 2, note: "n"}], onConflict: {columns: [id], filter: {note: {neq: "x"}}}) { inserted record { id note } } }`, "",
			`{"data":{"upsertParts":[{"inserted":true,"record":{"id":3,"note":"n"}},{"inserted":false,"record":{"id":1,"note":"q"}},{"inserted":true,"record":{"id":2,"note":"n"}}]}}`,
		},
		{
			"no target", `mutation { upsertItem(input: {id: 1, qty: 5}, onConflict: {}) { inserted } }`, "",
			`an update on conflict needs columns or a constraint`,
		},
		{
			"no such key", `mutation { upsertItem(input: {id: 1, qty: 5}, onConflict: {columns: [qty]}) { inserted } }`, "",
			`no unique key has just these columns`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for i := range fs {
				pgtest.Exec(t, dsn, "TRUNCATE items, parts;"+upsertRows)
				got := fs[i].answer(t, tc.query, orNone(tc.variables))
				if strings.HasPrefix(tc.want, "{") {
					if diff := cmp.Diff(tc.want, got); diff != "" {
						t.Errorf("%s: %s", fs[i].backend, diff)
					}
				} else if !strings.Contains(got, tc.want) {
					t.Errorf("%s: %s, want %s", fs[i].backend, got, tc.want)
				}
			}
		})
	}
}

func orNone(variables string) string {
	if variables == "" {
		return "{}"
	}
	return variables
}

// TestUpsertSchema: what has no key has no upsert.
func TestUpsertSchema(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, upsertTables)
	f := fixtures(t, dsn, graphql.Config{Tables: map[string]graphql.TableConfig{"live_items": {Keys: [][]string{{"id"}}}}}, graphql.EngineOptions{})[0]
	var b strings.Builder
	if err := f.schema.WriteSDL(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "upsertLiveItem") {
		t.Error("a view has an upsert")
	}
}

// TestUpsertRace: a row that somebody else inserts while the upsert waits for it was
// updated, though no snapshot had it; one that is gone by then is new.
func TestUpsertRace(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, upsertTables)
	for i, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		for _, tc := range []struct{ name, before, meanwhile, want string }{
			{"inserted meanwhile", "", "INSERT INTO parts VALUES ($1, NULL, 'other')", `{"data":{"upsertPart":{"inserted":false}}}`},
			{"deleted meanwhile", "INSERT INTO parts VALUES ($1, NULL, 'old')", "DELETE FROM parts WHERE id = $1", `{"data":{"upsertPart":{"inserted":true}}}`},
		} {
			id := 10*i + len(tc.before)
			pool := pgtest.Open(t, dsn)
			do := func(e interface {
				ExecContext(ctx context.Context, sql string, args ...any) (sql.Result, error)
			}, text string,
			) {
				if _, err := e.ExecContext(t.Context(), text, id); text != "" && err != nil {
					t.Fatal(err)
				}
			}
			if tc.before != "" {
				do(pool, tc.before)
			}
			tx, err := pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			do(tx, tc.meanwhile)
			answers := make(chan string, 1)
			go func() {
				answers <- f.answer(t, fmt.Sprintf(`mutation { upsertPart(input: {id: %d, note: "n"}, onConflict: {columns: [id]}) { inserted } }`, id))
			}()
			for waits := false; !waits; {
				select {
				case got := <-answers:
					t.Fatalf("%s, %s: it did not wait: %s", f.backend, tc.name, got)
				case <-time.After(10 * time.Millisecond):
				}
				err := pool.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity
					WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO "public"."parts"%')`).Scan(&waits)
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, <-answers); d != "" {
				t.Errorf("%s, %s: %s", f.backend, tc.name, d)
			}
		}
	}
}
