package graphql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const compositeTables = `
CREATE TYPE color AS ENUM ('light blue', 'red');
CREATE TYPE point3 AS (x float8, y float8, "Z Axis" int);
CREATE TYPE place AS (street text, city text, color color, at point3, tags text[]);
COMMENT ON TYPE place IS 'Where something is.';
COMMENT ON COLUMN place.street IS 'With its number.';
CREATE DOMAIN home AS place;
CREATE TABLE firms (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE shops (id int PRIMARY KEY, firm_id int REFERENCES firms, place place, old home, corners point3[], owner firms);
CREATE FUNCTION center(s shops) RETURNS point3 STABLE LANGUAGE sql AS 'SELECT (s.place).at';
CREATE FUNCTION origin() RETURNS point3 STABLE LANGUAGE sql AS 'SELECT (0, 0, 0)::point3';
CREATE FUNCTION corners(a point3, b point3) RETURNS SETOF point3 STABLE LANGUAGE sql AS 'VALUES (a), (b)';
`

const compositeRows = `
INSERT INTO firms VALUES (1, 'F');
INSERT INTO shops VALUES
	(1, 1, ('Main 1', 'Lisbon', 'light blue', (1.5, 2, 3), '{a,b}'), ('Old 1', NULL, NULL, NULL, NULL), ARRAY[(1,2,3), NULL]::point3[], (1, 'F')),
	(2, 1, NULL, NULL, NULL, NULL),
	(3, 1, (NULL, NULL, NULL, NULL, NULL), NULL, '{}', NULL);
`

func TestComposites(t *testing.T) { //nolint:paralleltest // each case begins with the same rows
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, compositeTables)
	fs := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})
	for i := range fs {
		if b := fs[i].schema.Broken(); len(b) > 0 {
			t.Error(b)
		}
	}
	ask(t, dsn, "TRUNCATE firms, shops;"+compositeRows, fs, []askCase{
		{
			"null is null, a row of nulls is none", `{ shops(orderBy: {id: ASC}) { place { city c: color at { x ZAxis __typename } __typename } id } }`, "",
			`{"data":{"shops":[{"place":{"city":"Lisbon","c":"LIGHT_BLUE","at":{"x":1.5,"ZAxis":3,"__typename":"Point3"},"__typename":"Place"},"id":1},{"place":null,"id":2},{"place":{"city":null,"c":null,"at":null,"__typename":"Place"},"id":3}]}}`,
		},
		{
			"nothing but a literal", `{ shops(orderBy: {id: ASC}) { place { __typename } } }`, "",
			`{"data":{"shops":[{"place":{"__typename":"Place"}},{"place":null},{"place":{"__typename":"Place"}}]}}`,
		},
		{
			"nested, beside a relation", `{ firms { shops(orderBy: {id: ASC}) { place { street } firm { name } o: old { street city } } } }`, "",
			`{"data":{"firms":[{"shops":[{"place":{"street":"Main 1"},"firm":{"name":"F"},"o":{"street":"Old 1","city":null}},{"place":null,"firm":{"name":"F"},"o":null},{"place":{"street":null},"firm":{"name":"F"},"o":null}]}]}}`,
		},
		{
			"twice", `{ shop(id: 1) { place { city } place { street } other: place { tags } } }`, "",
			`{"data":{"shop":{"place":{"city":"Lisbon","street":"Main 1"},"other":{"tags":["a","b"]}}}}`,
		},
		{
			"arrays and rows of tables are JSON", `{ shop(id: 1) { corners owner } }`, "",
			`{"data":{"shop":{"corners":[{"x":1,"y":2,"Z Axis":3},null],"owner":{"id":1,"name":"F"}}}}`,
		},
		{
			"connection", `{ shopsConnection(orderBy: {id: ASC}, first: 1, filter: {place: {isNull: true}}) { edges { node { id place { city } } } totalCount } }`, "",
			`{"data":{"shopsConnection":{"edges":[{"node":{"id":2,"place":null}}],"totalCount":1}}}`,
		},
		{
			"insert", `mutation { createShop(input: {id: 9, place: {city: "Rome", color: LIGHT_BLUE, at: {ZAxis: 7}, tags: ["x"]}, corners: [{x: 1}, null]}) { place { city color tags at { x ZAxis } } corners } }`, "",
			`{"data":{"createShop":{"place":{"city":"Rome","color":"LIGHT_BLUE","tags":["x"],"at":{"x":null,"ZAxis":7}},"corners":[{"x":1,"y":null,"Z Axis":null},null]}}}`,
		},
		{
			"update by a variable", `mutation($p: PlaceInput) { updateShop(id: 1, input: {place: $p}) { place { city at { x } } } }`, `{"p": {"city": "Oslo", "at": {"x": 1e3}}}`,
			`{"data":{"updateShop":{"place":{"city":"Oslo","at":{"x":1000}}}}}`,
		},
		{
			"the same shape, other values", `mutation($p: PlaceInput) { updateShop(id: 1, input: {place: $p}) { place { city at { x } } } }`, `{"p": {"city": "Bonn", "at": {"x": 2}}}`,
			`{"data":{"updateShop":{"place":{"city":"Bonn","at":{"x":2}}}}}`,
		},
		{
			"a part in a variable", `mutation($c: String) { updateShop(id: 1, input: {place: {city: $c}}) { place { city street } } }`, `{"c": "Graz"}`,
			`{"data":{"updateShop":{"place":{"city":"Graz","street":null}}}}`,
		},
		{
			"set null", `mutation { updateShop(id: 1, input: {place: null}) { place { city } } }`, "",
			`{"data":{"updateShop":{"place":null}}}`,
		},
		{
			"functions", `{ origin { x ZAxis __typename } corners(a: {x: 1}, b: {y: 2}, orderBy: {y: DESC_NULLS_LAST}) { x y } shops(orderBy: {id: ASC}) { center { x } } }`, "",
			`{"data":{"origin":{"x":0,"ZAxis":0,"__typename":"Point3"},"corners":[{"x":null,"y":2},{"x":1,"y":null}],"shops":[{"center":{"x":1.5}},{"center":null},{"center":null}]}}`,
		},
		{"a field that is not there", `mutation { updateShop(id: 1, input: {place: {town: "x"}}) { id } }`, "", `PlaceInput`},
		{"without a selection", `{ shop(id: 1) { place } }`, "", `VALIDATION_ERROR`},
	})
}

// TestCompositeSchema: comments of types and their fields are there, and no group
// is made by an object.
func TestCompositeSchema(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, compositeTables)
	f := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})[0]
	var b strings.Builder
	if err := f.schema.WriteSDL(&b); err != nil {
		t.Fatal(err)
	}
	sdl := b.String()
	for _, part := range []string{"Where something is.", "\"With its number.\"", "place: PlaceInput", "old: Place\n", "corners: [JSON]", "corners: [Point3Input]"} {
		if !strings.Contains(sdl, part) {
			t.Errorf("the schema lacks %s", part)
		}
	}
	_, filter, _ := strings.Cut(sdl, "input PlaceInputFilter {")
	filter, _, _ = strings.Cut(filter, "}")
	for _, part := range []string{"city: StringFilter", "at: Point3InputFilter", "color: ColorFilter", "tags: StringListFilter", "isNull: Boolean", "With its number."} {
		if !strings.Contains(filter, part) {
			t.Errorf("the conditions lack %s", part)
		}
	}
	_, group, _ := strings.Cut(sdl, "enum ShopGroupColumn {")
	if group, _, _ = strings.Cut(group, "}"); strings.Contains(group, "place") {
		t.Errorf("groups by objects: %s", group)
	}
}

// TestCompositeWords: an attribute that is called as an operator has no conditions,
// and is told.
func TestCompositeWords(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "CREATE TYPE odd AS (is_null int, path text); CREATE TABLE rows (id int PRIMARY KEY, odd odd)")
	f := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})[0]
	want := []graphql.Broken{{Object: "conditions on is_null of public.odd", Reason: "its name is that of an operator: name it by a comment that begins with @name"}}
	if d := cmp.Diff(want, f.schema.Broken()); d != "" {
		t.Error(d)
	}
	if got := f.answer(t, `{ rows(filter: {odd: {isNull: false, path: {eq: "x"}}}) { id } }`); got != `{"data":{"rows":[]}}` {
		t.Error(got)
	}
}
