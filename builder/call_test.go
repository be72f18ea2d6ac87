package builder

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// callTables are functions of every shape over a few rows, some with names that
// need care: quotes, question marks, reserved words, a schema off the search path.
const callTables = `
CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL, boss int REFERENCES authors);
CREATE TABLE books (id int PRIMARY KEY, author_id int NOT NULL REFERENCES authors, title text NOT NULL, price numeric, t0 int, "a?b" text);
INSERT INTO authors VALUES (1, 'Ann', NULL), (2, 'Bob', 1), (3, 'Cid', 1);
INSERT INTO books VALUES (1, 1, 'One', 10.50, 7, 'q'), (2, 1, 'Two', NULL, NULL, NULL), (3, 2, 'Three', 3, 9, '?');
CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);

CREATE TYPE stats AS (books int, "to?tal" numeric);
COMMENT ON COLUMN stats.books IS 'How many.';
CREATE DOMAIN title AS text CHECK (length(VALUE) < 20);
CREATE DOMAIN must AS int NOT NULL;
CREATE SCHEMA "off ""path?";

CREATE FUNCTION books_by(author int, cheaper_than numeric DEFAULT NULL) RETURNS SETOF books STABLE LANGUAGE sql
  AS 'SELECT * FROM books WHERE author_id = author AND (cheaper_than IS NULL OR price < cheaper_than) ORDER BY id DESC';
CREATE FUNCTION first_book(author int) RETURNS books STABLE LANGUAGE sql AS 'SELECT * FROM books WHERE author_id = author ORDER BY id';
CREATE FUNCTION author_stats(author int) RETURNS stats STABLE LANGUAGE sql AS 'SELECT count(*), sum(price) FROM books WHERE author_id = author HAVING count(*) > 0';
CREATE FUNCTION price_list(floor numeric) RETURNS TABLE (book_title text, price numeric) STABLE LANGUAGE sql
  AS 'SELECT title, price FROM books WHERE price >= floor ORDER BY title';
CREATE FUNCTION bounds(OUT lo numeric, OUT numeric) IMMUTABLE LANGUAGE sql AS 'SELECT 1.5, 2.5';
CREATE FUNCTION one_out(OUT total bigint) STABLE LANGUAGE sql AS 'SELECT count(*) FROM books';
CREATE FUNCTION add(int, int DEFAULT 10) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION evens(upto int) RETURNS SETOF int IMMUTABLE LANGUAGE sql AS 'SELECT generate_series(0, upto, 2)';
CREATE FUNCTION strictly(a text) RETURNS text STRICT IMMUTABLE LANGUAGE sql AS 'SELECT upper(a)';
CREATE FUNCTION total_of(VARIADIC parts int[]) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT sum(p) FROM unnest(parts) p';
CREATE FUNCTION holes() RETURNS SETOF stats STABLE LANGUAGE sql AS 'VALUES (1, 2.0), (NULL, NULL)';
CREATE FUNCTION over(a text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'text'$$;
CREATE FUNCTION over(a title) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'title'$$;
CREATE FUNCTION over(a int, b int DEFAULT 1) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'two'$$;
CREATE FUNCTION over(a int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'one'$$;
CREATE FUNCTION swap(a int, b text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'int first'$$;
CREATE FUNCTION swap(b text, a int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'text first'$$;
CREATE FUNCTION needs(n must) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n::int';
CREATE FUNCTION mixed(a int, int, c int DEFAULT 0, d int DEFAULT 0) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT concat_ws(',', $1, $2, $3, $4)$$;
CREATE FUNCTION late(a int DEFAULT 1, int DEFAULT 2) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT concat_ws(',', $1, $2)$$;
CREATE FUNCTION "off ""path?"."gr?oup"("from" text, "say ""hi?""" text DEFAULT '?', "user_id" int DEFAULT 0)
  RETURNS TABLE ("w""hat?" text, "order" int) STABLE LANGUAGE sql AS $$SELECT "from" || '/' || "say ""hi?""", "user_id"$$;

CREATE FUNCTION add_book(author int, title title, OUT id int, OUT at text) LANGUAGE sql
  AS $$INSERT INTO books (id, author_id, title) SELECT max(b.id) + 1, add_book.author, add_book.title FROM books b RETURNING books.id, 'now'$$;
CREATE FUNCTION rename(author int, name text) RETURNS authors LANGUAGE sql
  AS 'UPDATE authors SET name = rename.name WHERE id = author RETURNING *';
CREATE FUNCTION rename_all(suffix text) RETURNS SETOF authors LANGUAGE sql AS 'UPDATE authors SET name = name || suffix RETURNING *';
CREATE FUNCTION note(what text) RETURNS void LANGUAGE sql AS 'INSERT INTO log (what) VALUES (what)';
CREATE FUNCTION next_number() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 42; END';
CREATE PROCEDURE do_note(what text) LANGUAGE sql AS 'INSERT INTO log (what) VALUES (what)';
CREATE PROCEDURE twice(INOUT n int, factor int DEFAULT 2) LANGUAGE plpgsql AS 'BEGIN n := n * factor; END';
CREATE PROCEDURE outs(a int, OUT "double?" int, OUT text) LANGUAGE plpgsql AS 'BEGIN "double?" := a * 2; $3 := a::text; END';
CREATE PROCEDURE commits() LANGUAGE plpgsql AS 'BEGIN COMMIT; END';

CREATE FUNCTION anything(x anyelement) RETURNS anyelement IMMUTABLE LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION any_row() RETURNS record STABLE LANGUAGE sql AS 'SELECT 1, 2';
CREATE FUNCTION meets(OUT user_id int, OUT "userId" int) STABLE LANGUAGE sql AS 'SELECT 1, 2';
CREATE FUNCTION gives_json() RETURNS jsonb STABLE LANGUAGE sql AS $$SELECT '{"a":{"b":[1,2]}}'::jsonb$$;
`

// function finds a function by name, and among overloads by the name of an
// argument's type.
func (l *live) function(t testing.TB, name string, types ...string) *catalog.Function {
	t.Helper()
	for _, f := range l.schema.cat.Function(name) {
		var got []string
		for _, a := range f.Args {
			if typ, ok := l.schema.cat.Type(a.Type); ok && a.Input() {
				got = append(got, typ.Name)
			}
		}
		if len(types) == 0 || strings.Join(types, " ") == strings.Join(got, " ") {
			return f
		}
	}
	t.Fatalf("no function %s %v", name, types)
	return nil
}

// args are a call's arguments, in pairs of a name and a JSON value.
func args(pairs ...string) []CallArg {
	var list []CallArg
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, CallArg{Name: pairs[i], Value: json.RawMessage(pairs[i+1]), Place: Path{"args", pairs[i]}})
	}
	return list
}

func fields(names ...string) []Field {
	list := make([]Field, len(names))
	for i, n := range names {
		list[i] = Field{Name: n, Place: Path{"fields", i}}
	}
	return list
}

// callCase is one definition of a golden file. Definitions with calls have no
// JSON, so they stand here.
type callCase struct {
	name string
	def  *Definition
}

// goldenCalls builds each definition, runs it on both backends, and compares
// with testdata/call/name.txtar.
func goldenCalls(t *testing.T, l *live, name string, cases []callCase) {
	t.Helper()
	file := "testdata/call/" + name + ".txtar"
	var want []byte
	if data, err := os.ReadFile(file); err == nil {
		want = data
	} else if !*update {
		t.Fatal(err)
	}
	got := &txtar.Archive{}
	add := func(name, data string) {
		got.Files = append(got.Files, txtar.File{Name: name, Data: append(bytes.TrimSpace([]byte(data)), '\n')})
	}
	for _, c := range cases {
		p, err := Build(l.schema, c.def)
		if err != nil {
			add(c.name+".refused", err.Error())
			continue
		}
		checkPlaceholders(t, &p.Root)
		add(c.name+".plan", showPlan(p))
		answers := map[string]string{}
		for backend := range l.pools {
			l.onBackend(t, backend, func(x *planRun) {
				a, err := x.answer(p)
				if err != nil {
					t.Errorf("%s on %s: %v", c.name, backend, err)
				}
				answers[backend] = a
			})
		}
		if diff := cmp.Diff(answers["pq"], answers["pgx"]); diff != "" {
			t.Errorf("%s: the backends disagree (-pq +pgx):\n%s", c.name, diff)
		}
		add(c.name+".answer", answers["pgx"])
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(txtar.Format(got))); diff != "" {
		t.Errorf("%s (-want +got; go test ./builder -update rewrites it):\n%s", file, diff)
	}
}

func callLive(t *testing.T) *live {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, callTables)
	return openLive(t, dsn)
}

// from is a definition over a function.
func from(kind Kind, f *catalog.Function, a []CallArg, change ...func(*Definition)) *Definition {
	d := &Definition{Kind: kind, From: &Call{Function: f, Args: a, Place: Path{"from"}}}
	for _, c := range change {
		c(d)
	}
	return d
}

func selecting(f []Field, r ...Relation) func(*Definition) {
	return func(d *Definition) { d.Fields, d.Relations = f, r }
}

func TestCallAsSource(t *testing.T) {
	t.Parallel()
	l := callLive(t)
	fn := func(name string, types ...string) *catalog.Function { return l.function(t, name, types...) }
	author := args("author", "1")
	hostileFn := fn(`"off ""path?"."gr?oup"`)
	page := func(limit, offset int64) func(*Definition) {
		return func(d *Definition) { d.Limit, d.Offset = &limit, &offset }
	}
	sorted := func(s ...Sort) func(*Definition) { return func(d *Definition) { d.Sort = s } }
	where := func(f *Filter) func(*Definition) { return func(d *Definition) { d.Filter = f } }
	goldenCalls(t, l, "source", []callCase{
		{"set of a table", from(Query, fn("books_by"), author)},
		{"page in the function's order", from(Query, fn("books_by"), author, page(1, 1))},
		{"sorted page", from(Query, fn("books_by"), author, page(5, 0), sorted(Sort{Field: "price", Nulls: NullsFirst}))},
		{"filter, argument and its default", from(Query, fn("books_by"), args("author", "1", "cheaperThan", "11"),
			where(&Filter{Field: "title", Op: "eq", Value: raw(`"One"`)}))},
		{"relations of a set", from(Query, fn("books_by"), author, selecting(fields("title"),
			Relation{Key: "author", Fields: fields("name")}))},
		{"distinct", from(Query, fn("books_by"), author, selecting(fields("authorId")), func(d *Definition) { d.Distinct = &Distinct{} })},
		{"distinct on", from(Query, fn("books_by"), author, selecting(fields("id")), func(d *Definition) { d.Distinct = &Distinct{On: []string{"authorId"}} })},
		{"aggregate", from(Query, fn("books_by"), author, func(d *Definition) {
			d.Aggregate, d.GroupBy = []Aggregate{{Fn: "count"}, {Fn: "sum", Field: "price"}}, []GroupBy{{Field: "authorId"}}
			d.Filter, d.Having = &Filter{Field: "id", Op: "gt", Value: raw("0")}, &Filter{Field: "count", Op: "gt", Value: raw("1")}
		})},
		{"one row", from(Query, fn("first_book"), author, selecting(fields("id", "a?b", "t0"), Relation{Key: "author", Fields: fields("name")}))},
		{"one row that is NULL", from(Query, fn("first_book"), args("author", "99"))},
		{"one row filtered away", from(Query, fn("first_book"), author, where(&Filter{Field: "id", Op: "eq", Value: raw("2")}))},
		{"composite", from(Query, fn("author_stats"), author)},
		{"composite that is NULL", from(Query, fn("author_stats"), args("author", "99"))},
		{"rows of NULLs stay in a set", from(Query, fn("holes"), nil)},
		{"table", from(Query, fn("price_list"), args("floor", "2"))},
		{"table sorted", from(Query, fn("price_list"), args("floor", "2"), page(2, 0), sorted(Sort{Field: "price", Desc: true}))},
		{"out arguments", from(Query, fn("bounds"), nil)},
		{"one out argument", from(Query, fn("one_out"), nil)},
		{"scalar", from(Query, fn("add"), args("arg1", "1", "arg2", "2"))},
		{"scalar with a default", from(Query, fn("add"), args("arg1", "1"))},
		{"scalar as", from(Query, fn("add"), args("arg1", "1"), selecting([]Field{{Name: "add", As: "sum"}}))},
		{"set of scalars", from(Query, fn("evens"), args("upto", "6"), where(&Filter{Field: "evens", Op: "gt", Value: raw("1")}))},
		{"null to a strict function", from(Query, fn("strictly"), args("a", "null"))},
		{"variadic", from(Query, fn("total_of"), args("parts", "[1,2,3]"))},
		{"variadic null", from(Query, fn("total_of"), args("parts", "null"))},
		{"overload by text", from(Query, fn("over", "text"), args("a", `"x"`))},
		{"overload by domain", from(Query, fn("over", "title"), args("a", `"x"`))},
		{"overload by number", from(Query, fn("over", "int4", "int4"), args("a", "1", "b", "2"))},
		{"overload without default", from(Query, fn("over", "int4"), args("a", "1"))},
		{"overload that a default would hide", from(Query, fn("over", "int4", "int4"), args("a", "1"))},
		{"overload by order", from(Query, fn("swap", "text", "int4"), args("a", "1", "b", `"x"`))},
		{"places before names", from(Query, fn("mixed"), args("a", "1", "arg2", "2", "d", "4"))},
		{"a gap before a place", from(Query, fn("late"), args("arg2", "5"))},
		{"hostile names", from(Query, hostileFn, args("from", `"a"`, "userId", "3"))},
		{"hostile values", from(Query, hostileFn, args("from", `"'; DROP TABLE books; -- $1 ?"`, `say "hi?"`, `"\" OR 1=1"`))},
		{"json path", from(Query, fn("gives_json"), nil, selecting([]Field{{Name: "gives_json", JSON: []string{"a", "b"}}}))},

		{"volatile", from(Query, fn("rename"), args("author", "1", "name", `"x"`))},
		{"void", from(Query, fn("note"), args("what", `"x"`))},
		{"pseudo-type", from(Query, fn("anything"), args("x", "1"))},
		{"record", from(Query, fn("any_row"), nil)},
		{"columns that meet", from(Query, fn("meets"), nil)},
		{"domain without null", from(Query, fn("needs"), args("n", "null"))},
		{"missing argument", from(Query, fn("books_by"), nil)},
		{"unknown argument", from(Query, fn("books_by"), args("author", "1", "cheeper_than", "3"))},
		{"argument twice", from(Query, fn("books_by"), args("cheaper_than", "1", "cheaperThan", "3", "author", "1"))},
		{"wrong type", from(Query, fn("books_by"), args("author", `"one"`))},
		{"not JSON", from(Query, fn("books_by"), args("author", `1;`))},
		{"cursor", from(Query, fn("books_by"), author, func(d *Definition) { d.After = &Cursor{Values: []CursorValue{{Field: "id", Value: raw("1")}}} })},
		{"from the end", from(Query, fn("books_by"), author, func(d *Definition) { d.Direction, d.Limit = FromEnd, new(int64(1)) })},
		{"cursor of a row", from(Query, fn("books_by"), author, selecting([]Field{{Name: "id"}, {As: "at", Cursor: true}}))},
		{"one of a set", from(Query, fn("books_by"), author, func(d *Definition) { d.One = true })},
		{"page of one row", from(Query, fn("first_book"), author, page(1, 0), sorted(Sort{Field: "id"}))},
		{"table and function", from(Query, fn("books_by"), author, func(d *Definition) { d.Table = "books" })},
		{"delete from a function", from(Delete, fn("books_by"), author)},
		{"unknown column", from(Query, fn("price_list"), args("floor", "1"), selecting(fields("title")))},
		{"relation of a virtual table", from(Query, fn("price_list"), args("floor", "1"), selecting(nil, Relation{Key: "author"}))},
		{"no function", from(Query, nil, nil)},
	})
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	l := callLive(t)
	fn := func(name string, types ...string) *catalog.Function { return l.function(t, name, types...) }
	none := func(d *Definition) { d.ReturnNone = true }
	goldenCalls(t, l, "invoke", []callCase{
		{"row of a table", from(Invoke, fn("rename"), args("author", "2", "name", `"Zoë"`), selecting(fields("name"),
			Relation{Key: "booksViaAuthorId", Fields: fields("title")}, Relation{Key: "authorsViaBoss", Fields: fields("name")}))},
		{"no row", from(Invoke, fn("rename"), args("author", "99", "name", `"x"`))},
		{"set", from(Invoke, fn("rename_all"), args("suffix", `"!"`), selecting(fields("id", "name"), Relation{Key: "boss", Name: "authors_boss_fkey", Fields: fields("name")}))},
		{"out arguments", from(Invoke, fn("add_book"), args("author", "2", "title", `"New"`))},
		{"scalar", from(Invoke, fn("next_number"), nil)},
		{"void", from(Invoke, fn("note"), args("what", `"x"`))},
		{"return none", from(Invoke, fn("rename_all"), args("suffix", `"!"`), none)},
		{"stable as a mutation", from(Invoke, fn("first_book"), args("author", "1"), selecting(fields("id")))},
		{"procedure", from(Invoke, fn("do_note"), args("what", `"x"`))},
		{"procedure with inout", from(Invoke, fn("twice"), args("n", "21"))},
		{"procedure with inout and all", from(Invoke, fn("twice"), args("n", "21", "factor", "3"), selecting([]Field{{Name: "n", As: "m"}}))},
		{"procedure with out", from(Invoke, fn("outs"), args("a", "4"), selecting(fields("column2", "double?")))},
		{"procedure without its result", from(Invoke, fn("outs"), args("a", "4"), none)},

		{"void with fields", from(Invoke, fn("note"), args("what", `"x"`), selecting(fields("id")))},
		{"filter", from(Invoke, fn("rename_all"), args("suffix", `"!"`), func(d *Definition) { d.Filter = &Filter{Field: "id", Op: "eq", Value: raw("1")} })},
		{"sort and page", from(Invoke, fn("rename_all"), args("suffix", `"!"`), func(d *Definition) { d.Sort, d.Limit = []Sort{{Field: "id"}}, new(int64(1)) })},
		{"nothing to call", &Definition{Kind: Invoke, Table: "books"}},
		{"input", from(Invoke, fn("note"), args("what", `"x"`), func(d *Definition) { d.Input, d.MaxAffected = []Input{{}}, new(int64(1)) })},
	})
}

// TestCallSlots: the arguments of a call can be bound again.
func TestCallSlots(t *testing.T) {
	t.Parallel()
	l := callLive(t)
	d := from(Query, l.function(t, "books_by"), args("author", "1"), selecting(fields("title")))
	d.From.Args[0].Slot = 1
	p, err := Build(l.schema, d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Bind([][]byte{[]byte("2")})
	if err != nil {
		t.Fatal(err)
	}
	l.onBackend(t, "pgx", func(x *planRun) {
		for plan, want := range map[*Plan]string{p: "[{\"title\":\"Two\"},\n{\"title\":\"One\"}]", again: "[{\"title\":\"Three\"}]"} {
			got, err := x.answer(plan)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	})
	if _, err := p.Bind([][]byte{[]byte(`"two"`)}); err == nil || !strings.Contains(err.Error(), "argument for int4") {
		t.Errorf("a text for a number: %v", err)
	}
}

// TestCallOfTenant: a function of the tenants' schema is found by the search path
// of the transaction, its types too; others keep their schema.
func TestCallOfTenant(t *testing.T) {
	t.Parallel()
	l := callLive(t)
	s, err := NewSchema(l.schema.cat, SchemaOptions{Tenant: "public"})
	if err != nil {
		t.Fatal(err)
	}
	for want, d := range map[string]*Definition{
		`SELECT "t0"."over" FROM "over"("a" => $1::"title") AS "t0" ("over")`: from(Query, l.function(t, "over", "title"), args("a", `"x"`)),
		`CALL "do_note"("what" => $1::text)`:                                  from(Invoke, l.function(t, "do_note"), args("what", `"x"`)),
		`SELECT "t0"."w""hat?", "t0"."order" FROM "off ""path?"."gr?oup"("from" => $1::text) AS "t0" ("w""hat?", "order")`: from(Query,
			l.function(t, `"off ""path?"."gr?oup"`), args("from", `"x"`)),
	} {
		p, err := Build(s, d)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, p.Root.Statement.SQL); diff != "" {
			t.Error(diff)
		}
		for name := range l.pools { // public is on the path here
			l.onBackend(t, name, func(x *planRun) {
				if _, err := x.answer(p); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestCallHostileText: a text comes back from a function as it was given, and
// never reaches the SQL.
func TestCallHostileText(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE FUNCTION echo("te""xt?" text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'`)
	l := openLive(t, dsn)
	f := l.function(t, "echo")
	for _, text := range hostile {
		value, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Build(l.schema, from(Query, f, []CallArg{{Name: `te"xt?`, Value: value}}))
		if err != nil {
			t.Fatal(err)
		}
		if want := `SELECT "t0"."echo" FROM "public"."echo"("te""xt?" => $1::text) AS "t0" ("echo")`; p.Root.Statement.SQL != want {
			t.Errorf("%q: %s", text, p.Root.Statement.SQL)
		}
		for name := range l.pools {
			l.onBackend(t, name, func(x *planRun) {
				got, err := x.answer(p)
				if err != nil {
					t.Fatal(err)
				}
				var back struct {
					Echo string `json:"echo"`
				}
				if err := json.Unmarshal([]byte(got), &back); err != nil || back.Echo != text {
					t.Errorf("%s: %q came back as %q: %v", name, text, back.Echo, err)
				}
			})
		}
		// As the name of an argument it is a problem, with any value.
		if text != `te"xt?` {
			if _, err := Build(l.schema, from(Query, f, []CallArg{{Name: text, Value: value}})); err == nil {
				t.Errorf("%q was taken for an argument", text)
			}
		}
	}
}
