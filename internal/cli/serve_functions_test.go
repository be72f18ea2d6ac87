package cli_test

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// conventions are functions as FraiseQL's projects have them: those of 1.x answer
// by a status, those of 2 by app.mutation_response.
const conventions = `
create schema app;
create type app.mutation_response as (succeeded boolean, state_changed boolean, error_class text, status_detail text, http_status smallint,
    message text, entity_id uuid, entity_type text, entity jsonb, updated_fields text[], cascade jsonb, error_detail jsonb, metadata jsonb);
create type app.mutation_result as (id uuid, updated_fields text[], status text, message text, object_data jsonb, extra_metadata jsonb);
create table app.tb_user (id uuid primary key default gen_random_uuid(), email text not null unique, name text);
create function app.create_user(input jsonb) returns app.mutation_response language plpgsql as $$
declare u app.tb_user;
begin
    insert into app.tb_user (email, name) values (input->>'email', input->>'name') returning * into u;
    return (true, true, null, 'created', 201::smallint, 'User created', u.id, 'User', to_jsonb(u) - 'id', array['email', 'name'],
        '{"updated": []}'::jsonb, null, '{"large": 9007199254740993}'::jsonb)::app.mutation_response;
exception when unique_violation then
    return (false, false, 'conflict', 'duplicate', 409::smallint, 'There is one already', null, 'User', null, null, null,
        '{"field": "email"}'::jsonb, null)::app.mutation_response;
end $$;
create function app.classed(s boolean, c boolean, e text default null) returns app.mutation_response language sql volatile as
    $$select (s, c, e, null, null, null, null, null, null, null, null, null, null)::app.mutation_response$$;
create function app.stated(s text) returns app.mutation_result language sql volatile as $$select (null, null, s, 'm', null, null)::app.mutation_result$$;
create function app.nothing() returns app.mutation_response language sql volatile as $$select null::app.mutation_response$$;
create function app.many() returns setof app.mutation_response language sql volatile as
    $$select (x, x, 'conflict', null, null, null, null, null, null, null, null, null, null)::app.mutation_response from (values (true), (false)) v (x)$$;
create function app.raises(input jsonb) returns app.mutation_response language plpgsql as $$
begin
    insert into app.tb_user (email) values (input->>'email');
    raise exception 'too late for %', input->>'email' using errcode = 'UX001';
end $$;
create function app.refuses(input jsonb) returns app.mutation_response language plpgsql as $$
begin
    insert into app.tb_user (email) values (input->>'email');
    return (false, false, 'validation', 'kept', 422::smallint, 'refused', null, null, null, null, null, null, null)::app.mutation_response;
end $$;
create function app.look() returns app.mutation_response language sql stable as
    $$select (true, false, null, null, null, null, null, null, null, null, null, null, null)::app.mutation_response$$;
`

// Functions that answer by FraiseQL's conventions, over HTTP: what they tell is data,
// the outcome is beside it, and only what they RAISE is an error that undoes.
func testFunctions(t *testing.T, file program) {
	t.Helper()
	for _, backend := range []string{"pgx", "pq"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, conventions)
			p := file.serve(t, []string{"DATABASE_URL=" + dsn, "FRAISEQL_DB_BACKEND=" + backend, "FRAISEQL_ERROR_SQLSTATES=UX001"})
			asked := func(name, query, want string) {
				t.Helper()
				is(t, name, p.query(query), want)
			}
			asked("created", `mutation { createUser(input: {email: "a@x", name: "A"}) { __typename success errorCode succeeded stateChanged errorClass statusDetail httpStatus message entityType entity updatedFields cascade errorDetail metadata } }`,
				`{"data":{"createUser":{"__typename":"MutationResponse","success":true,"errorCode":null,"succeeded":true,"stateChanged":true,"errorClass":null,"statusDetail":"created","httpStatus":201,"message":"User created","entityType":"User","entity":{"name": "A", "email": "a@x"},"updatedFields":["email","name"],"cascade":{"updated": []},"errorDetail":null,"metadata":{"large": 9007199254740993}}}}`)
			asked("conflict", `mutation { createUser(input: {email: "a@x"}) { success errorCode message entity errorDetail } }`,
				`{"data":{"createUser":{"success":false,"errorCode":"CONFLICT","message":"There is one already","entity":null,"errorDetail":{"field": "email"}}}}`)
			asked("only what is selected", `mutation { createUser(input: {email: "b@x"}) { errorCode } }`, `{"data":{"createUser":{"errorCode":null}}}`)
			asked("NULL", `mutation { nothing { success errorCode } }`, `{"data":{"nothing":null}}`)
			asked("several", `mutation { many { success errorCode } }`, `{"data":{"many":[{"success":true,"errorCode":null},{"success":false,"errorCode":"CONFLICT"}]}}`)
			asked("of a query", `{ look { success errorCode stateChanged } }`, `{"data":{"look":{"success":true,"errorCode":null,"stateChanged":false}}}`)
			asked("one after the other", `mutation { a: refuses(input: {email: "c@x"}) { success errorCode } b: raises(input: {email: "d@x"}) { success } c: createUser(input: {email: "e@x"}) { success } }`,
				`{"data":{"a":{"success":false,"errorCode":"BAD_USER_INPUT"},"b":null,"c":{"success":true}},"errors":[{"message":"too late for d@x","locations":[{"line":1,"column":68}],"path":["b"],"extensions":{"code":"BAD_USER_INPUT","sqlState":"UX001"}}]}`)
			asked("what stays", `{ tbUsers(orderBy: [{email: ASC}]) { email } }`, `{"data":{"tbUsers":[{"email":"a@x"},{"email":"b@x"},{"email":"c@x"},{"email":"e@x"}]}}`)
			for status, code := range map[string]string{
				"success": "", "completed": "", "ok": "", "done": "", "new": "", "existing": "", "updated": "", "deleted": "", "synced": "", "created": "",
				"cancelled": "", "Created": "", "noop:same": "NOOP", "blocked:children": "BLOCKED", "skipped:x": "SKIPPED", "ignored:x": "IGNORED",
				"not_found:user": "NOT_FOUND", "unauthorized:x": "UNAUTHENTICATED", "forbidden:x": "FORBIDDEN", "conflict:x": "CONFLICT", "timeout:x": "TIMEOUT",
				"failed:x": "INTERNAL_ERROR", "error": "INTERNAL_ERROR", "never heard of": "INTERNAL_ERROR", "": "INTERNAL_ERROR",
			} {
				asked("status "+status, fmt.Sprintf(`mutation { stated(s: %q) { success errorCode status } }`, status),
					`{"data":{"stated":{`+outcome(code)+fmt.Sprintf(`,"status":%q}}}`, status))
			}
			for class, code := range map[string]string{
				"validation": "BAD_USER_INPUT", "conflict": "CONFLICT", "not_found": "NOT_FOUND", "unauthorized": "UNAUTHENTICATED", "forbidden": "FORBIDDEN",
				"internal": "INTERNAL_ERROR", "transaction_failed": "INTERNAL_ERROR", "timeout": "TIMEOUT", "rate_limited": "RATE_LIMITED",
				"service_unavailable": "SERVICE_UNAVAILABLE", "never heard of": "INTERNAL_ERROR",
			} {
				asked("class "+class, fmt.Sprintf(`mutation { classed(s: false, c: false, e: %q) { success errorCode } }`, class), `{"data":{"classed":{`+outcome(code)+`}}}`)
			}
			asked("no class", `mutation { classed(s: false, c: true) { success errorCode } }`, `{"data":{"classed":{`+outcome("INTERNAL_ERROR")+`}}}`)
			asked("nothing changed", `mutation { classed(s: true, c: false) { success errorCode } }`, `{"data":{"classed":{`+outcome("")+`}}}`)
			p.end(syscall.SIGTERM)
		})
	}
}

func outcome(code string) string {
	if code == "" {
		return `"success":true,"errorCode":null`
	}
	return `"success":false,"errorCode":"` + code + `"`
}
