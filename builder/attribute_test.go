package builder

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// attributeTables have a composite in a composite, attributes that are called as
// words of the grammar, and columns that must not be taken for their attributes.
const attributeTables = `
CREATE TYPE color AS ENUM ('light blue', 'red');
CREATE TYPE spot AS (x float8, "z ?" int);
CREATE TYPE address AS (city text, "type" text, "eq" text, color color, spot spot, tags text[], meta jsonb, during int4range);
CREATE DOMAIN home AS address;
CREATE TABLE firms (id int PRIMARY KEY, address address NOT NULL, old home, city text NOT NULL);
CREATE TABLE staff (id int PRIMARY KEY, firm_id int NOT NULL REFERENCES firms, firm firms);
CREATE TABLE keyed (at spot PRIMARY KEY, id int);
INSERT INTO keyed VALUES ((1, 1), 1), ((1, 2), 2);
INSERT INTO firms VALUES
	(1, ('Lisbon', 't', 'e', 'light blue', (1.5, 3), '{a,b}', '{"k": {"n": 5}}', '[1,5)'), ('Porto', NULL, NULL, NULL, NULL, NULL, NULL, NULL), 'x'),
	(2, ('Rome', NULL, NULL, 'red', (2, NULL), '{}', '{}', NULL), NULL, 'x'),
	(3, (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), NULL, 'Lisbon');
INSERT INTO staff VALUES (1, 1, NULL), (2, 2, (2, NULL, NULL, 'Rome'));
`

// TestAttributes: conditions on attributes of composites have the operators of
// their types, on both backends.
func TestAttributes(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, attributeTables)
	l := openLive(t, dsn)
	def := func(table, filters string) *Definition {
		d, err := ParseDefinition(raw(`{"operation":"query","table":%q,"fields":["id"],"sort":[{"id":"ASC"}],"filters":%s}`, table, filters))
		if err != nil {
			t.Fatalf("%s: %v", filters, err)
		}
		return d
	}
	write := func(text string) *Definition {
		d, err := ParseDefinition(raw("%s", text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return d
	}
	goldenCalls(t, l, "attributes", []callCase{
		{"one", def("firms", `{"address":{"city":{"eq":"Lisbon"}}}`)},
		{"several, and another column of the name", def("firms", `{"address":{"city":{"startswith":"R","ilike":"%M%"},"color":{"in":["red"]}},"city":{"eq":"x"}}`)},
		{"deeper", def("firms", `{"address":{"spot":{"x":{"between":[1,2]},"z ?":{"is_null":true}}}}`)},
		{"of a domain", def("firms", `{"old":{"city":{"neq":"Lisbon"}}}`)},
		{"an array, json and a range", def("firms", `{"address":{"tags":{"contains":["a"]},"meta":{"path":["k","n"],"gt":4},"during":{"overlaps":"[2,3)"}}}`)},
		{"not and or", def("firms", `{"address":{"or":[{"city":{"eq":"Rome"}},{"not":{"city":{"is_null":false}}}]}}`)},
		{"null finds null", def("firms", `{"address":{"spot":{"z ?":{"eq":null}}}}`)},
		{"the composite itself", def("firms", `{"address":{"spot":{"is_null":true},"is_null":false}}`)},
		{"called as a word", def("firms", `{"address":{"type":{"eq":"t"}}}`)},
		{"called as an operator, by path", def("firms", `{"address":{"path":["eq"],"eq":"e"}}`)},
		{"by path, into json", def("firms", `{"field":"address","path":["meta","k","n"],"operator":"eq","value":5}`)},
		{"by path, as text", def("firms", `{"field":"address","path":["meta","k"],"type":"text","contains":"5"}`)},
		{"with field", def("firms", `{"field":"address","path":["city"],"endswith":"e"}`)},
		{"of a related row", def("staff", `{"firm_id":{"gt":0},"firms":{"exists":{"address":{"city":{"eq":"Rome"}}}}}`)},
		{"of a row", def("staff", `{"firm":{"city":{"eq":"Rome"},"address":{"is_null":true}}}`)},
		{"no key is pinned, and the column's NOT NULL is not the attribute's", write(
			`{"operation":"mutation","type":"update","table":"firms","filters":{"address":{"city":{"is_null":false}}},"input":{"city":"y"},"return_fields":["id"]}`)},
		{"an attribute of a key is no key", write(
			`{"operation":"mutation","type":"delete","table":"keyed","filters":{"at":{"x":{"eq":1}}},"return_fields":["id"]}`)},

		{"no such attribute", def("firms", `{"address":{"ctiy":{"eq":"x"}}}`)},
		{"no such attribute of an attribute", def("firms", `{"or":[{"address":{"spot":{"y":{"eq":1}}}}]}`)},
		{"no such operator", def("firms", `{"address":{"city":{"containz":"x"}}}`)},
		{"an operator of another type", def("firms", `{"address":{"spot":{"x":{"like":"1"}}}}`)},
		{"a value of another type", def("firms", `{"address":{"spot":{"z ?":{"in":[1,2.5]}}}}`)},
		{"with field, in the other form", def("firms", `{"field":"address","city":{"endswith":"e"}}`)},
		{"no operator", def("firms", `{"address":{"city":"x"}}`)},
		{"a comparison of the whole", def("firms", `{"address":{"eq":{"city":"x"}}}`)},
		{"no composite", def("firms", `{"city":{"containz":{"x":1}}}`)},
		{"no composite either", def("firms", `{"address":{"city":{"town":{"eq":1}}}}`)},
		{"a path into text", def("firms", `{"address":{"path":["city","x"],"eq":1}}`)},
		{"a path to nowhere", def("firms", `{"address":{"path":["town"],"eq":1}}`)},
		{"a type without json", def("firms", `{"address":{"path":["city"],"type":"text","eq":"x"}}`)},
	})
}
