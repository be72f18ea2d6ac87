package builder

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestOutcomeOfStatus(t *testing.T) {
	t.Parallel()
	ok := MutationOutcome{Succeeded, 200, ""}
	for status, want := range map[string]MutationOutcome{
		"success": ok, "completed": ok, "ok": ok, "done": ok, "new": ok, "existing": ok, "updated": ok, "deleted": ok, "synced": ok,
		"created": ok, "cancelled": ok, " SUCCESS ": ok, "Created": ok, "new:first": ok,
		"noop": {Unchanged, 422, "NOOP"}, "noop:nothing_to_do": {Unchanged, 422, "NOOP"}, "blocked:children": {Unchanged, 422, "BLOCKED"},
		"skipped:x": {Unchanged, 422, "SKIPPED"}, "ignored:x": {Unchanged, 422, "IGNORED"},
		"not_found:user": {Failed, 404, "NOT_FOUND"}, "not_found": {Failed, 404, "NOT_FOUND"}, "unauthorized:x": {Failed, 401, "UNAUTHENTICATED"},
		"forbidden:x": {Failed, 403, "FORBIDDEN"}, "conflict:dup": {Failed, 409, "CONFLICT"}, "timeout:x": {Failed, 408, "TIMEOUT"},
		"failed:validation": {Failed, 500, "INTERNAL_ERROR"}, "error": {Failed, 500, "INTERNAL_ERROR"},
		// A failure of a kind that nobody has listed is no success.
		"": {Failed, 500, "INTERNAL_ERROR"}, "exploded": {Failed, 500, "INTERNAL_ERROR"}, "successful": {Failed, 500, "INTERNAL_ERROR"},
		":success": {Failed, 500, "INTERNAL_ERROR"},
	} {
		if diff := cmp.Diff(want, OutcomeOfStatus(status)); diff != "" {
			t.Errorf("%q: %s", status, diff)
		}
	}
}

func TestOutcomeOfClass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		succeeded, changed bool
		class              string
		want               MutationOutcome
	}{
		{true, true, "", MutationOutcome{Succeeded, 200, ""}},
		{true, false, "", MutationOutcome{Unchanged, 200, ""}},
		{true, true, "conflict", MutationOutcome{Succeeded, 200, ""}},
		{false, false, "validation", MutationOutcome{Failed, 422, "BAD_USER_INPUT"}},
		{false, false, "Conflict", MutationOutcome{Failed, 409, "CONFLICT"}},
		{false, false, "not_found", MutationOutcome{Failed, 404, "NOT_FOUND"}},
		{false, false, "unauthorized", MutationOutcome{Failed, 401, "UNAUTHENTICATED"}},
		{false, false, "forbidden", MutationOutcome{Failed, 403, "FORBIDDEN"}},
		{false, false, "internal", MutationOutcome{Failed, 500, "INTERNAL_ERROR"}},
		{false, false, "transaction_failed", MutationOutcome{Failed, 500, "INTERNAL_ERROR"}},
		{false, false, "timeout", MutationOutcome{Failed, 504, "TIMEOUT"}},
		{false, false, "rate_limited", MutationOutcome{Failed, 429, "RATE_LIMITED"}},
		{false, false, "service_unavailable", MutationOutcome{Failed, 503, "SERVICE_UNAVAILABLE"}},
		{false, true, "", MutationOutcome{Failed, 500, "INTERNAL_ERROR"}},
		{false, false, "unheard_of", MutationOutcome{Failed, 500, "INTERNAL_ERROR"}},
	} {
		if diff := cmp.Diff(c.want, OutcomeOfClass(c.succeeded, c.changed, c.class)); diff != "" {
			t.Errorf("%t %t %q: %s", c.succeeded, c.changed, c.class, diff)
		}
	}
}

// TestResponseShape: a convention is recognised by names and types, of a
// composite type or of OUT arguments, never of a table's rows.
func TestResponseShape(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `
		CREATE TYPE error_class AS ENUM ('validation', 'conflict');
		CREATE TYPE mutation_response AS (succeeded boolean, state_changed boolean, error_class error_class, status_detail text,
			http_status smallint, message text, entity_id uuid, entity jsonb);
		CREATE TABLE jobs (id int PRIMARY KEY, status text, message text);
		CREATE FUNCTION by_class() RETURNS mutation_response LANGUAGE sql AS 'SELECT NULL::mutation_response';
		CREATE FUNCTION by_status(OUT status text, OUT message text, OUT entity jsonb) LANGUAGE sql AS 'SELECT ''new'', ''done'', NULL::jsonb';
		CREATE FUNCTION of_table() RETURNS jobs LANGUAGE sql AS 'SELECT * FROM jobs';
		CREATE FUNCTION other_types(OUT status int, OUT message text) LANGUAGE sql AS 'SELECT 1, ''x''';
		CREATE FUNCTION status() RETURNS text LANGUAGE sql AS 'SELECT ''x''';
		CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS 'SELECT'`)
	l := openLive(t, dsn)
	for name, want := range map[string]ResponseShape{
		"by_class": ClassResponse, "by_status": StatusResponse, "of_table": NoResponse, "other_types": NoResponse, "status": NoResponse, "nothing": NoResponse,
	} {
		c, err := l.schema.Callable(l.function(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if c.Response != want {
			t.Errorf("%s: %d, want %d", name, c.Response, want)
		}
	}
}
