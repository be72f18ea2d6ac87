package graphql_test

import (
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const outcomeTables = `
CREATE TYPE class AS ENUM ('conflict', 'not_found');
CREATE TYPE response AS (succeeded bool, state_changed bool, error_class class, entity jsonb);
CREATE FUNCTION classed(a bool, b bool, c class DEFAULT NULL) RETURNS response LANGUAGE sql AS $$SELECT a, b, c, '{"id": 1}'::jsonb$$;
CREATE FUNCTION stated(s text) RETURNS TABLE (status text, message text, id int) LANGUAGE sql AS $$SELECT s, 'm', 1$$;
CREATE TYPE envelope AS (n int, inner_one response);
CREATE TABLE runs (id int PRIMARY KEY, parent_id int REFERENCES runs, result response, envelope envelope, every response[]);
INSERT INTO runs VALUES (1, NULL, (true, true, NULL, '{}'), (7, (false, false, 'conflict', NULL))), (2, 1, (false, false, 'not_found', NULL), NULL), (3, 1, NULL, (8, NULL));
CREATE FUNCTION last_result(r runs) RETURNS response STABLE LANGUAGE sql AS $$SELECT (r.result).*$$;
CREATE FUNCTION clash(s text) RETURNS TABLE (status text, message text, success text) LANGUAGE sql AS $$SELECT s, 'm', 'mine'$$;
`

// TestOutcomes: what a function tells by FraiseQL's conventions is there to be
// asked for, beside its columns.
func TestOutcomes(t *testing.T) { //nolint:paralleltest // the engines are one database's
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, outcomeTables)
	ask(t, dsn, "", fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}), []askCase{
		{"done", `mutation { classed(a: true, b: true) { success errorCode succeeded entity } }`, "", `{"data":{"classed":{"success":true,"errorCode":null,"succeeded":true,"entity":{"id": 1}}}}`},
		{"nothing to do", `mutation { classed(a: true, b: false) { success errorCode } }`, "", `{"data":{"classed":{"success":true,"errorCode":null}}}`},
		{"of a class", `mutation { classed(a: false, b: false, c: not_found) { code: errorCode success errorClass } }`, "", `{"data":{"classed":{"code":"NOT_FOUND","success":false,"errorClass":"not_found"}}}`},
		{"of no class", `mutation { classed(a: false, b: false) { success errorCode } }`, "", `"success":false,"errorCode":"INTERNAL`},
		{"status", `mutation { stated(s: "created") { success errorCode id } }`, "", `{"data":{"stated":[{"success":true,"errorCode":null,"id":1}]}}`},
		{"status with a reason", `mutation { stated(s: "noop:same") { success errorCode status } }`, "", `{"data":{"stated":[{"success":false,"errorCode":"NOOP","status":"noop:same"}]}}`},
		{"status of NULL", `mutation($s: String = "") { stated(s: $s) { success } }`, "", `{"data":{"stated":[{"success":false}]}}`},
		{
			"kept in a column", `{ runs(orderBy: [{id: ASC}]) { id result { success errorCode succeeded } } }`, "",
			`{"data":{"runs":[{"id":1,"result":{"success":true,"errorCode":null,"succeeded":true}},{"id":2,"result":{"success":false,"errorCode":"NOT_FOUND","succeeded":false}},{"id":3,"result":null}]}}`,
		},
		{
			"kept inside of a value", `{ runs(orderBy: [{id: ASC}]) { envelope { n inner: innerOne { errorCode } } } }`, "",
			`{"data":{"runs":[{"envelope":{"n":7,"inner":{"errorCode":"CONFLICT"}}},{"envelope":null},{"envelope":{"n":8,"inner":null}}]}}`,
		},
		{
			"below a relation", `{ run(id: 1) { result { success } runsByParent(orderBy: [{id: ASC}]) { result { errorCode success } } } }`, "",
			`{"data":{"run":{"result":{"success":true},"runsByParent":[{"result":{"errorCode":"NOT_FOUND","success":false}},{"result":null}]}}}`,
		},
		{
			"of a computed field", `{ runs(orderBy: [{id: ASC}]) { id lastResult { success errorCode } } }`, "",
			`{"data":{"runs":[{"id":1,"lastResult":{"success":true,"errorCode":null}},{"id":2,"lastResult":{"success":false,"errorCode":"NOT_FOUND"}},{"id":3,"lastResult":null}]}}`,
		},
		{"a column called so", `mutation { clash(s: "ok") { success errorCode } }`, "", `{"data":{"clash":[{"success":"mine","errorCode":null}]}}`},
	})
}

// TestDomainsAndEnums: what domains and comments of types say of fields.
func TestDomainsAndEnums(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE DOMAIN code AS text NOT NULL; COMMENT ON DOMAIN code IS 'A code.'; CREATE DOMAIN level AS int DEFAULT 1 NOT NULL;
		CREATE TYPE state AS ENUM ('in', 'in progress', 'done'); COMMENT ON TYPE state IS 'How far it is.
@deprecated in progress say in
@deprecated done';
		CREATE TABLE jobs (id int PRIMARY KEY, code code, level level, state state); COMMENT ON COLUMN jobs.level IS 'How high.';
		CREATE VIEW open_jobs AS SELECT id, code FROM jobs; INSERT INTO jobs VALUES (1, 'x', 2, 'in progress')`)
	fs := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})
	var b strings.Builder
	if err := fs[0].schema.WriteSDL(&b); err != nil {
		t.Fatal(err)
	}
	sdl := b.String()
	between := func(from string) string {
		_, rest, _ := strings.Cut(sdl, "\n"+from+" {")
		rest, _, _ = strings.Cut(rest, "\n}")
		return rest
	}
	for _, tc := range []struct{ in, part string }{
		{"type Job", "\"A code.\"\"\"\n  code: String!"},
		{"type Job", "\"How high.\"\"\"\n  level: Int!"},
		{"input JobInput", "  code: String!"},
		{"input JobInput", "  level: Int\n"},
		{"type OpenJob", "  code: String\n"},
		{"enum State", "  in\n"},
		{"enum State", `IN_PROGRESS @deprecated(reason: "say in")`},
		{"enum State", `done @deprecated`},
	} {
		if !strings.Contains(between(tc.in)+"\n", tc.part) {
			t.Errorf("%s lacks %q: %s", tc.in, tc.part, between(tc.in))
		}
	}
	ask(t, dsn, "", fs, []askCase{{"values", `{ jobs { code level state } }`, "", `{"data":{"jobs":[{"code":"x","level":2,"state":"IN_PROGRESS"}]}}`}})
}
