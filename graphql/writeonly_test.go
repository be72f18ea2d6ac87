package graphql_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestWriteOnly: a table that the role may write to and not read, as one of an
// audit, is no reason to serve nothing.
func TestWriteOnly(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table users (id int primary key, secret text)`,
		`create table audits (id int primary key, user_id int references users, what text)`,
		`create table trash (id int primary key, what text)`,
		`create function latest() returns setof audits language sql stable security definer as 'select * from audits'`,
		`insert into trash values (1, 'a'), (2, 'b')`,
		`create role audit_writer`, `grant select, insert (id) on users to audit_writer`, `grant insert on audits to audit_writer`, `grant update, delete on trash to audit_writer`)
	defer pgtest.Exec(t, dsn, `drop owned by audit_writer`, `drop role audit_writer`)
	for _, f := range fixtures(t, dsn+"&options=-c%20role%3Daudit_writer", graphql.Config{}, graphql.EngineOptions{}) {
		for _, h := range []string{"Query.users", "User.id", "Mutation.createUser", "Mutation.deleteTrashes"} {
			if !has(f.schema, h) {
				t.Errorf("%s is not there", h)
			}
		}
		for _, h := range []string{"Query.audits", "User.audits", "Audit.id", "Query.trashes", "Query.latest"} {
			if has(f.schema, h) {
				t.Errorf("%s is there", h)
			}
		}
		is(t, f.answer(t, `mutation {deleteTrashes(allRows: true, maxAffected: 1) {deletedCount}}`),
			`{"data":{"deleteTrashes":null},"errors":[{"message":"2 rows would be affected; maxAffected is 1","locations":[{"line":1,"column":11}],"path":["deleteTrashes"],"extensions":{"code":"LIMIT_EXCEEDED"}}]}`)
	}
	src := source(t, dsn+"&options=-c%20role%3Daudit_writer")
	s, err := graphql.NewSchema(src, graphql.Config{Tables: map[string]graphql.TableConfig{"users": {Columns: map[string]graphql.ColumnConfig{"id": {Omit: true}, "secret": {Omit: true}}}}})
	if err != nil || has(s, "Query.users") {
		t.Errorf("a table of which everything is left out: %v", err)
	}
}
