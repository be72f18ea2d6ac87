package builder

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestKnownDefects holds a case for each defect of filters that the products
// before this one shipped, some of them several times. A case is refused with a
// message that contains want, or finds exactly the rows of the SQL condition
// want.
func TestKnownDefects(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE TABLE owners (id int PRIMARY KEY, name text);
		CREATE TABLE things (id int PRIMARY KEY, owner_id int REFERENCES owners, device_name text, price numeric, made date, made_at timestamptz, key uuid,
			host text, ip inet, net cidr, flag boolean, state text, ids int[], doc jsonb);
		INSERT INTO owners VALUES (1, 'Ann'), (2, 'Bob');
		INSERT INTO things VALUES
			(1, 1, '100%', 125.0, '2024-01-01', '2024-01-01 10:00+02', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'printer.local', '10.0.0.1', '10.0.0.0/8', true, 'open', '{1,2}', '{"n": 125.0, "f": true, "ip": "10.0.0.1"}'),
			(2, 2, '100x', 1234.53, '2024-02-01', '2024-01-01 09:00Z', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1', '10.0.0.1/24', '10.0.0.0/24', false, 'deleted', '{}', '{"n": "1234.53", "f": "true"}'),
			(3, NULL, 'a_b', 99.5, NULL, NULL, NULL, 'a.b.c', NULL, NULL, NULL, NULL, NULL, NULL),
			(4, 1, 'aXb', 1000, '2023-12-31', '2023-12-31 00:00Z', 'c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x', '::1', '::/0', true, 'archived', '{3}', '{"n": 99}')`)
	l := openLive(t, dsn)
	db := pgtest.Open(t, dsn)
	for _, tt := range []struct{ id, filter, want string }{
		// Dropped or widened.
		{"nested filter dropped", `{"owner":{"id":{"eq":1}}}`, "refused: is a relation, not a field"},
		{"nested filter", `{"owner":{"exists":{"id":{"eq":1}}}}`, "owner_id = 1"},
		{"conditions after a nested one", `{"owner":{"exists":{"id":{"eq":1}}},"price":{"gt":500}}`, "owner_id = 1 AND price > 500"},
		{"only the first condition", `{"price":{"gte":99.5,"lte":125},"id":{"neq":1}}`, "price BETWEEN 99.5 AND 125 AND id <> 1"},
		{"first operator wins", `{"id":{"gte":2,"lte":3}}`, "id IN (2, 3)"},
		{"null skips the condition", `{"owner_id":{"eq":null}}`, "owner_id IS NULL"},
		{"null for an operator", `{"owner_id":{"lt":null}}`, "refused: takes no null"},
		{"null for a field", `{"owner_id":null}`, "refused: null"},
		{"empty object", `{"owner_id":{}}`, "refused: has no operator"},
		{"not around and", `{"not":{"and":[{"id":{"gt":1}},{"id":{"lt":4}}]}}`, "NOT (id > 1 AND id < 4)"},
		{"not by text replacement", `{"device_name":{"not":{"in":["IN","NOT IN"]}}}`, "device_name NOT IN ('IN', 'NOT IN')"},
		{"nin without a cast", `{"id":{"nin":[1,2]}}`, "id NOT IN (1, 2)"},
		{"in without a cast", `{"key":{"in":["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]}}`, "id = 1"},
		{"unknown operator becomes =", `{"id":{"equals":1}}`, "refused: unknown operator"},
		// Silently empty.
		{"camelCase key", `{"deviceName":{"eq":"a_b"}}`, "id = 3"},
		{"camelCase in the long form", `{"field":"ownerId","operator":"eq","value":2}`, "id = 2"},
		{"unknown key", `{"devicename":{"eq":"a_b"}}`, `refused: unknown field "devicename"; did you mean "deviceName"?`},
		{"numbers as text", `{"price":{"gt":200}}`, "price > 200"},
		{"numbers as text in json", `{"doc":{"path":["n"],"gt":100}}`, "id = 1"},
		{"booleans as text in json", `{"doc":{"path":["f"],"eq":true}}`, "id = 1"},
		{"date range", `{"made":{"gte":"2024-01-01","lt":"2024-02-01"}}`, "id = 1"},
		{"timestamp range across offsets", `{"made_at":{"lt":"2024-01-01T09:00:00Z"}}`, "id IN (1, 4)"},
		{"uuid range", `{"key":{"gt":"b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}`, "id = 4"},
		{"uuid in capitals", `{"key":{"eq":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}}`, "id = 1"},
		{"inet equality", `{"ip":{"eq":"10.0.0.1"}}`, "id = 1"},
		{"inet equality counts the mask", `{"ip":{"eq":"10.0.0.1/24"}}`, "id = 2"},
		{"a network equals itself", `{"net":{"in_subnet":"10.0.0.0/8"}}`, "id IN (1, 2)"},
		{"is_private false", `{"ip":{"is_private":false}}`, "id = 4"},
		{"loopback of IPv6", `{"ip":{"is_loopback":true}}`, "id = 4"},
		{".local is no ltree", `{"host":{"eq":"printer.local"}}`, "id = 1"},
		{"dotted text is no ltree", `{"host":{"startswith":"a.b"}}`, "id = 3"},
		{"an address in text is text", `{"host":{"eq":"10.0.0.1"}}`, "id = 2"},
		{"an address in json is text", `{"doc":{"path":["ip"],"eq":"10.0.0.1"}}`, "id = 1"},
		{"percent in a needle", `{"device_name":{"contains":"100%"}}`, "id = 1"},
		{"underscore in a needle", `{"device_name":{"contains":"a_b"}}`, "id = 3"},
		{"percent in a value", `{"device_name":{"eq":"100%"}}`, "id = 1"},
		{"in of an array column", `{"ids":{"in":[[1,2]]}}`, "id = 1"},
		{"in nothing", `{"state":{"in":[]}}`, "FALSE"},
		{"nin nothing", `{"state":{"nin":[]}}`, "TRUE"},
		{"a list on an array", `{"ids":{"contains":[2]}}`, "id = 1"},
		{"boolean", `{"flag":{"eq":false}}`, "id = 2"},
		{"boolean as text", `{"flag":{"eq":"false"}}`, "refused: argument for bool"},
		{"logic within a field", `{"state":{"and":[{"ne":"deleted"},{"ne":"archived"}]}}`, "state NOT IN ('deleted', 'archived')"},
		{"nested or", `{"or":[{"or":[{"id":{"eq":1}}]},{"or":[{"id":{"eq":2}},{"id":{"eq":3}}]}]}`, "id < 4"},
		{"injection by operator", `{"id":{"= 1 OR 1":1}}`, "refused: unknown operator"},
		{"injection by field", `{"id\" OR 1=1 --":{"eq":1}}`, "refused: unknown field"},
	} {
		got, err := l.tryFind(t, "things", "id", tt.filter)
		if want, refuse := strings.CutPrefix(tt.want, "refused: "); refuse {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s: found %q, %v; want refusal %q", tt.id, tt.filter, got, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %s: %v", tt.id, tt.filter, err)
			continue
		}
		var want string
		q := fmt.Sprintf("SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM things WHERE %s", tt.want)
		if err := db.QueryRowContext(t.Context(), q).Scan(&want); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s found %q, want %q", tt.id, tt.filter, got, want)
		}
	}
}

// TestLongLists: more values than the protocol counts parameters are one array.
func TestLongLists(t *testing.T) {
	t.Parallel()
	l := openLive(t, pgtest.Sample(t))
	var b strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&b, ",%d", i)
	}
	ids := "[" + b.String()[1:] + "]"
	if got := l.find(t, "users", "id", `{"id":{"in":`+ids+`}}`); len(got) != 100 {
		t.Errorf("found %d of 100", len(got))
	}
	if got := l.find(t, "users", "id", `{"id":{"nin":`+ids+`}}`); len(got) != 0 {
		t.Errorf("found %d", len(got))
	}
	lists := strings.Repeat(`,["a"]`, 1001)
	if _, err := l.tryFind(t, "users", "id", `{"tags":{"in":[`+lists[1:]+`]}}`); err == nil || !strings.Contains(err.Error(), "at most 1000") {
		t.Error(err)
	}
	many := strings.Repeat(`,{"id":{"eq":1}}`, 20_000)
	if _, err := l.tryFind(t, "users", "id", `{"or":[`+many[1:]+`]}`); err == nil || !strings.Contains(err.Error(), "more than 10000 conditions") {
		t.Error(err)
	}
}
