package graphql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const functionTables = `
CREATE TYPE mood AS ENUM ('so so', 'fine');
CREATE TYPE stats AS (n bigint, total numeric);
CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL, boss int REFERENCES authors);
CREATE TABLE books (id int PRIMARY KEY, author_id int REFERENCES authors, title text NOT NULL, price numeric, mood mood);
CREATE TABLE secrets (id int PRIMARY KEY, word text);
CREATE TABLE keyless (n int);

CREATE FUNCTION add_up(a int, b int DEFAULT 10) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION add_raw(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION join_all(sep text, VARIADIC words text[]) RETURNS text STABLE LANGUAGE sql AS 'SELECT array_to_string(words, sep)';
CREATE FUNCTION opposite(m mood) RETURNS mood STABLE LANGUAGE sql AS $$SELECT CASE m WHEN 'fine' THEN 'so so' ELSE 'fine' END::mood$$;
CREATE FUNCTION nothing() RETURNS text STABLE LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION evens(upto int) RETURNS SETOF int STABLE LANGUAGE sql AS 'SELECT * FROM generate_series(2, upto, 2)';
CREATE FUNCTION moods() RETURNS SETOF mood STABLE LANGUAGE sql AS 'SELECT unnest(enum_range(NULL::mood))';
CREATE FUNCTION first_book(author int) RETURNS books STABLE LANGUAGE sql AS 'SELECT * FROM books WHERE author_id = author ORDER BY id LIMIT 1';
CREATE FUNCTION books_by(author int) RETURNS SETOF books STABLE LANGUAGE sql AS 'SELECT * FROM books WHERE author_id = author ORDER BY id DESC';
CREATE FUNCTION search_books("limit" int DEFAULT 1, filter text DEFAULT '') RETURNS SETOF books STABLE LANGUAGE sql
	AS 'SELECT * FROM books WHERE title ~ filter ORDER BY id LIMIT "limit"';
CREATE FUNCTION price_list(floor numeric) RETURNS TABLE (title text, price numeric) STABLE LANGUAGE sql
	AS 'SELECT title, price FROM books WHERE price >= floor ORDER BY id';
CREATE FUNCTION numbers() RETURNS stats STABLE LANGUAGE sql AS 'SELECT count(*), sum(price) FROM books';
CREATE FUNCTION split(v text, OUT head text, OUT tail text) STABLE LANGUAGE sql AS $$SELECT left(v, 1), substr(v, 2)$$;

CREATE FUNCTION rename_author(author int, name text) RETURNS authors LANGUAGE sql AS 'UPDATE authors SET name = $2 WHERE id = author RETURNING *';
CREATE FUNCTION rename_all(suffix text) RETURNS SETOF authors LANGUAGE sql AS 'UPDATE authors SET name = name || suffix RETURNING *';
CREATE FUNCTION forget(book int) RETURNS void LANGUAGE sql AS 'DELETE FROM books WHERE id = book';
CREATE PROCEDURE restock(book int, INOUT amount int) LANGUAGE sql AS 'SELECT amount * 2';
CREATE FUNCTION fails() RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO authors VALUES (99, 'x'); RAISE unique_violation; END$$;
CREATE FUNCTION peek() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
COMMENT ON FUNCTION peek() IS 'Looks.
@mutation
@name lookAt
@deprecated too slow';

CREATE FUNCTION over(a int) RETURNS text STABLE LANGUAGE sql AS $$SELECT 'int'$$;
CREATE FUNCTION over(a text) RETURNS text STABLE LANGUAGE sql AS $$SELECT 'text'$$;
CREATE FUNCTION over(a text[]) RETURNS text STABLE LANGUAGE sql AS $$SELECT 'texts'$$;
COMMENT ON FUNCTION over(text[]) IS '@name overTexts';
CREATE FUNCTION authors() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION hidden() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
COMMENT ON FUNCTION hidden() IS '@omit';
CREATE FUNCTION tells_secret() RETURNS SETOF secrets STABLE LANGUAGE sql AS 'SELECT * FROM secrets';
CREATE FUNCTION anything(x anyelement) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION on_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';

CREATE FUNCTION loud(b books) RETURNS text STABLE LANGUAGE sql AS 'SELECT upper(b.title)';
COMMENT ON FUNCTION loud(books) IS 'The title in capitals.';
CREATE FUNCTION times(b books, factor int DEFAULT 2, less numeric DEFAULT 0) RETURNS numeric STABLE LANGUAGE sql AS 'SELECT b.price * factor - less';
CREATE FUNCTION starts(b books, "with" text) RETURNS bool STABLE LANGUAGE sql AS 'SELECT starts_with(b.title, "with")';
CREATE FUNCTION feeling(b books) RETURNS mood STABLE LANGUAGE sql AS 'SELECT b.mood';
CREATE FUNCTION words(b books) RETURNS SETOF text STABLE LANGUAGE sql AS $$SELECT regexp_split_to_table(b.title, ' ')$$;
CREATE FUNCTION siblings(b books, except_title text DEFAULT '') RETURNS SETOF books STABLE LANGUAGE sql
	AS 'SELECT * FROM books o WHERE o.author_id = b.author_id AND o.id <> b.id AND o.title <> except_title ORDER BY id DESC';
CREATE FUNCTION dearest(a authors) RETURNS books STABLE LANGUAGE sql AS 'SELECT * FROM books b WHERE b.author_id = a.id ORDER BY price DESC NULLS LAST LIMIT 1';
CREATE FUNCTION prices(a authors) RETURNS TABLE (title text, price numeric) STABLE LANGUAGE sql AS 'SELECT title, price FROM books b WHERE b.author_id = a.id ORDER BY id';
CREATE FUNCTION title(b books) RETURNS text STABLE LANGUAGE sql AS 'SELECT b.title';
CREATE FUNCTION writes(b books) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION ups(k keyless) RETURNS SETOF int STABLE LANGUAGE sql AS 'SELECT k.n';
`

const functionRows = `
INSERT INTO authors VALUES (1, 'Ann', NULL), (2, 'Bob', 1);
INSERT INTO books VALUES (1, 1, 'One', 5, 'fine'), (2, 1, 'Two words', 7, 'so so'), (3, 2, 'Three', NULL, NULL);
`

// functionFixtures are engines on functionTables; secrets are left out.
func functionFixtures(t *testing.T) (string, []fixture) {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, functionTables+functionRows)
	return dsn, fixtures(t, dsn, graphql.Config{
		Tables: map[string]graphql.TableConfig{"secrets": {Omit: []string{"all"}}},
		Functions: map[string]graphql.FunctionConfig{
			"over(integer)": {Name: "overInt"}, "public.rename_all": {Deprecated: "use rename"}, "no_such": {Omit: true},
			"forget": {As: "query"},
		},
	}, graphql.EngineOptions{})
}

type askCase struct{ name, query, variables, want string }

// ask compares answers on both backends; a want that is no object is a part.
func ask(t *testing.T, dsn, reset string, fs []fixture, cases []askCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			for i := range fs {
				if reset != "" {
					pgtest.Exec(t, dsn, reset)
				}
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

func TestQueryFunctions(t *testing.T) { //nolint:paralleltest // the engines are one database's
	dsn, fs := functionFixtures(t)
	ask(t, dsn, "", fs, []askCase{
		{"default", `{ addUp(a: 1) b: addUp(a: 1, b: 2) }`, "", `{"data":{"addUp":11,"b":3}}`},
		{"variables", `query($a: Int!, $b: Int) { addUp(a: $a, b: $b) }`, `{"a": 5, "b": 6}`, `{"data":{"addUp":11}}`},
		{"the same plan, other values", `query($a: Int!, $b: Int) { addUp(a: $a, b: $b) }`, `{"a": 7, "b": 8}`, `{"data":{"addUp":15}}`},
		{"variable left out", `query($a: Int!, $b: Int) { addUp(a: $a, b: $b) }`, `{"a": 5}`, `{"data":{"addUp":15}}`},
		{"null", `{ addUp(a: 1, b: null) }`, "", `{"data":{"addUp":null}}`},
		{"missing", `{ addUp }`, "", `"code":"VALIDATION_ERROR"`},
		{"without names", `{ addRaw(arg1: 1, arg2: 2) }`, "", `{"data":{"addRaw":3}}`},
		{"variadic", `query($w: [String]!) { joinAll(sep: "-", words: $w) }`, `{"w": ["a", "b"]}`, `{"data":{"joinAll":"a-b"}}`},
		{"enum both ways", `query($m: Mood!) { opposite(m: $m) moods }`, `{"m": "fine"}`, `{"data":{"opposite":"SO_SO","moods":["SO_SO","fine"]}}`},
		{"enum of another name", `{ opposite(m: SO_SO) }`, "", `{"data":{"opposite":"fine"}}`},
		{"no value", `{ nothing }`, "", `{"data":{"nothing":null}}`},
		{"set of values", `{ evens(upto: 8) }`, "", `{"data":{"evens":[2,4,6,8]}}`},
		{"empty set", `{ evens(upto: 0) }`, "", `{"data":{"evens":[]}}`},
		{"page of values", `{ evens(upto: 20, filter: {gt: 4}, orderBy: DESC, limit: 2, offset: 1) }`, "", `{"data":{"evens":[18,16]}}`},
		{"row of a table", `{ firstBook(author: 1) { id title loud author { name } __typename } none: firstBook(author: 9) { id } }`, "", `{"data":{"firstBook":{"id":1,"title":"One","loud":"ONE","author":{"name":"Ann"},"__typename":"Book"},"none":null}}`},
		{"rows in the function's order", `{ booksBy(author: 1) { id } }`, "", `{"data":{"booksBy":[{"id":2},{"id":1}]}}`},
		{"page of rows", `query($f: BookFilter) { booksBy(author: 1, filter: $f, orderBy: [{title: DESC}], limit: 1) { id author { name } } }`, `{"f": {"price": {"gt": 1}}}`, `{"data":{"booksBy":[{"id":2,"author":{"name":"Ann"}}]}}`},
		{"arguments named as a list's", `{ searchBooks(filter: "T", limit: 5, orderBy: {id: DESC}, offset: 1) { id } }`, "", `{"data":{"searchBooks":[{"id":2}]}}`},
		{"columns", `{ priceList(floor: 1, filter: {price: {gt: 5}}, orderBy: {title: ASC}) { title price __typename } }`, "", `{"data":{"priceList":[{"title":"Two words","price":7,"__typename":"PriceListRow"}]}}`},
		{"composite", `{ numbers { n total } }`, "", `{"data":{"numbers":{"n":3,"total":12}}}`},
		{"out arguments", `{ split(v: "abc") { head tail } }`, "", `{"data":{"split":{"head":"a","tail":"bc"}}}`},
		{"overloads", `{ overInt(a: 1) over(a: "x") overTexts(a: ["x"]) }`, "", `{"data":{"overInt":"int","over":"text","overTexts":"texts"}}`},
		{"omitted", `{ hidden }`, "", `Cannot query field`},
		{"of a hidden table", `{ tellsSecret { word } }`, "", `Cannot query field`},
	})
}

func TestMutationFunctions(t *testing.T) { //nolint:paralleltest // each case begins with the same rows
	dsn, fs := functionFixtures(t)
	ask(t, dsn, "TRUNCATE authors, books;"+functionRows, fs, []askCase{
		{"row", `mutation { renameAuthor(author: 2, name: "Zoë") { id name books { title } authorByBoss { name } __typename } }`, "", `{"data":{"renameAuthor":{"id":2,"name":"Zoë","books":[{"title":"Three"}],"authorByBoss":{"name":"Ann"},"__typename":"Author"}}}`},
		{"no row", `mutation { renameAuthor(author: 9, name: "x") { id } }`, "", `{"data":{"renameAuthor":null}}`},
		{"rows", `mutation { renameAll(suffix: "!") { name } }`, "", `{"data":{"renameAll":[{"name":"Ann!"},{"name":"Bob!"}]}}`},
		{"in order", `mutation { a: renameAuthor(author: 1, name: "A") { name } b: renameAll(suffix: "!") { name } }`, "", `{"data":{"a":{"name":"A"},"b":[{"name":"Bob!"},{"name":"A!"}]}}`},
		{"procedure", `mutation { restock(book: 1, amount: 4) { amount } }`, "", `{"data":{"restock":{"amount":8}}}`},
		{"a stable one by its comment", `mutation { lookAt }`, "", `{"data":{"lookAt":1}}`},
		{"failure", `mutation { fails }`, "", `"path":["fails"]`},
		{"no query", `{ renameAll(suffix: "") { id } }`, "", `Cannot query field`},
	})
	for i := range fs { // what failed has left nothing
		if got, want := fs[i].answer(t, `{ author(id: 99) { id } }`), `{"data":{"author":null}}`; got != want {
			t.Errorf("%s: %s", fs[i].backend, got)
		}
	}
}

// TestVoidFunction: what tells nothing is true.
func TestVoidFunction(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, functionTables+functionRows)
	fs := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})
	for i := range fs {
		if got, want := fs[i].answer(t, `mutation { forget(book: 1) } `), `{"data":{"forget":true}}`; got != want {
			t.Errorf("%s: %s", fs[i].backend, got)
		}
		if got, want := fs[i].answer(t, `{ book(id: 1) { id } }`), `{"data":{"book":null}}`; got != want {
			t.Errorf("%s: %s", fs[i].backend, got)
		}
	}
}

func TestComputedFields(t *testing.T) { //nolint:paralleltest // the engines are one database's
	dsn, fs := functionFixtures(t)
	ask(t, dsn, "", fs, []askCase{
		{"values", `{ books(orderBy: {id: ASC}) { loud feeling times t: times(factor: 3, less: 1.5) } }`, "", `{"data":{"books":[{"loud":"ONE","feeling":"fine","times":10,"t":13.5},{"loud":"TWO WORDS","feeling":"SO_SO","times":14,"t":19.5},{"loud":"THREE","feeling":null,"times":null,"t":null}]}}`},
		{"variables", `query($f: Int) { book(id: 1) { times(factor: $f) } }`, `{"f": 4}`, `{"data":{"book":{"times":20}}}`},
		{"filter", `{ books(filter: {loud: {eq: "ONE"}}) { id } }`, "", `{"data":{"books":[{"id":1}]}}`},
		{"filter by an enum", `{ books(filter: {feeling: {eq: SO_SO}}) { id } }`, "", `{"data":{"books":[{"id":2}]}}`},
		{"filter with arguments", `query($s: String!) { books(filter: {starts: {args: {with: $s}, eq: true}}) { id } }`, `{"s": "T"}`, `{"data":{"books":[{"id":2},{"id":3}]}}`},
		{"filter with the arguments' defaults", `{ books(filter: {times: {gt: 10}}) { id } }`, "", `{"data":{"books":[{"id":2}]}}`},
		{"filter in a variable", `query($f: BookFilter) { books(filter: $f) { id } }`, `{"f": {"times": {"args": {"factor": 10}, "lte": 50}}}`, `{"data":{"books":[{"id":1}]}}`},
		{"filter needs its argument", `{ books(filter: {starts: {eq: true}}) { id } }`, "", `"code":"VALIDATION_ERROR"`},
		{"no condition", `{ books(filter: {times: {args: {factor: 1}}}) { id } }`, "", `the condition is empty`},
		{"filter through a relation", `{ authors(filter: {books: {some: {loud: {startswith: "TH"}}}}) { name } }`, "", `{"data":{"authors":[{"name":"Bob"}]}}`},
		{"order", `{ books(orderBy: {loud: DESC}, limit: 2) { id } }`, "", `{"data":{"books":[{"id":2},{"id":3}]}}`},
		{"order with arguments", `{ books(orderBy: [{times: {args: {factor: -1}, direction: ASC_NULLS_FIRST}}]) { id } }`, "", `{"data":{"books":[{"id":3},{"id":2},{"id":1}]}}`},
		{"connection", `{ booksConnection(orderBy: {loud: ASC}, first: 1) { edges { node { loud words } } pageInfo { hasNextPage } } }`, "", `{"data":{"booksConnection":{"edges":[{"node":{"loud":"ONE","words":["One"]}}],"pageInfo":{"hasNextPage":true}}}}`},
		{"set of values", `{ books(orderBy: {id: ASC}) { words w: words(filter: {neq: "Two"}, orderBy: DESC, limit: 1) } }`, "", `{"data":{"books":[{"words":["One"],"w":["One"]},{"words":["Two","words"],"w":["words"]},{"words":["Three"],"w":["Three"]}]}}`},
		{"rows", `{ books(orderBy: {id: ASC}) { siblings { id author { name } } none: siblings(exceptTitle: "One") { id } page: siblings(filter: {price: {lt: 6}}, limit: 1) { id } } }`, "", `{"data":{"books":[{"siblings":[{"id":2,"author":{"name":"Ann"}}],"none":[{"id":2}],"page":[]},{"siblings":[{"id":1,"author":{"name":"Ann"}}],"none":[],"page":[{"id":1}]},{"siblings":[],"none":[],"page":[]}]}}`},
		{"a row", `{ authors(orderBy: {id: ASC}) { dearest { title loud } } }`, "", `{"data":{"authors":[{"dearest":{"title":"Two words","loud":"TWO WORDS"}},{"dearest":{"title":"Three","loud":"THREE"}}]}}`},
		{"columns", `{ authors(orderBy: {id: ASC}) { prices(filter: {price: {gt: 5}}) { title price __typename } } }`, "", `{"data":{"authors":[{"prices":[{"title":"Two words","price":7,"__typename":"AuthorPricesRow"}]},{"prices":[]}]}}`},
		{"of written rows", `mutation { updateBook(id: 1, input: {price: 6}) { times words } }`, "", `{"data":{"updateBook":{"times":12,"words":["One"]}}}`},
		{"one that may write", `{ books { writes } }`, "", `Cannot query field`},
	})
}

// TestFunctionSchema: what is left out is told where somebody can do something
// about it.
func TestFunctionSchema(t *testing.T) {
	t.Parallel()
	_, fs := functionFixtures(t)
	want := []graphql.Broken{
		{Object: "function no_such", Reason: "the configuration names it, but there is no such function that the role may call"},
		{Object: "function public.authors()", Reason: "there is a field authors already: name the function in the configuration, or by a comment that begins with @name"},
		{Object: "function public.forget(int4)", Reason: "it is volatile, so it may write and is no query: declare it STABLE or IMMUTABLE"},
		{Object: "function public.tells_secret()", Reason: "it returns rows of public.secrets, which is left out"},
		{Object: "function public.title(books)", Reason: "there is a field title already: name the function in the configuration, or by a comment that begins with @name"},
		{Object: "function public.ups(keyless)", Reason: "its rows are found by the key of public.keyless, which has none"},
	}
	if diff := cmp.Diff(want, fs[0].schema.Broken()); diff != "" {
		t.Error(diff)
	}
	var b strings.Builder
	if err := fs[0].schema.WriteSDL(&b); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`lookAt: Int @deprecated(reason: "too slow")`, "\"Looks.\"", "\"The title in capitals.\"", `renameAll(suffix: String!): [Author!] @deprecated(reason: "use rename")`,
		"words: [String]!", "): [Int]", "restock(book: Int!, amount: Int!): RestockRow",
	} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("the schema lacks %s", part)
		}
	}
}

// TestOverloads: what two functions are called nothing is called.
func TestOverloads(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE FUNCTION f(a int) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
		CREATE FUNCTION f(a text) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION g() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'`)
	f := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})[0]
	if n := len(f.schema.Broken()); n != 2 {
		t.Errorf("%d are broken: %v", n, f.schema.Broken())
	}
	if got, want := f.answer(t, `{ g }`), `{"data":{"g":1}}`; got != want {
		t.Error(got)
	}
}

// TestSampleFunctions: the sample database has one of each.
func TestSampleFunctions(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Sample(t)
	fs := fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{})
	ask(t, dsn, "", fs, []askCase{
		{"computed", `{ post(id: 1) { id postWordCount } posts(filter: {postWordCount: {gte: 1}}, orderBy: {postWordCount: DESC}, limit: 1) { __typename } }`, "", `{"data":{"post":{"id":1,"postWordCount":34},"posts":[{"__typename":"Post"}]}}`},
		{"mutation", `mutation { publishPost(postId: 1) { id status } }`, "", `{"data":{"publishPost":{"id":1,"status":"published"}}}`},
	})
}
