package builder

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// rowTables are functions of a row over callTables. The table books has columns
// called as aliases are.
const rowTables = callTables + `
CREATE FUNCTION loud(b books) RETURNS text STABLE LANGUAGE sql AS 'SELECT upper(b.title)';
CREATE FUNCTION times(b books, factor int DEFAULT 2, less numeric DEFAULT 0) RETURNS numeric STABLE LANGUAGE sql AS 'SELECT b.price * factor - less';
CREATE FUNCTION about(b books) RETURNS jsonb STABLE LANGUAGE sql AS $$SELECT jsonb_build_object('n', length(b.title), 't0', b.t0)$$;
CREATE FUNCTION raw_bytes(b books, x bytea) RETURNS bytea STABLE LANGUAGE sql AS $$SELECT x || '\x00'$$;
CREATE FUNCTION siblings(b books, except_title text DEFAULT '') RETURNS SETOF books STABLE LANGUAGE sql
  AS 'SELECT * FROM books o WHERE o.author_id = b.author_id AND o.title <> except_title ORDER BY id DESC';
CREATE FUNCTION dearest(a authors) RETURNS books STABLE LANGUAGE sql AS 'SELECT * FROM books b WHERE b.author_id = a.id ORDER BY price DESC NULLS LAST LIMIT 1';
CREATE FUNCTION words(b books) RETURNS SETOF text STABLE LANGUAGE sql AS $$SELECT unnest(ARRAY['z', b.title, 'a'])$$;
CREATE FUNCTION sums(a authors) RETURNS stats STABLE LANGUAGE sql AS 'SELECT count(*), sum(price) FROM books b WHERE b.author_id = a.id HAVING count(*) > 0';
CREATE FUNCTION prices(a authors) RETURNS TABLE ("ti?tle" text, price numeric) STABLE LANGUAGE sql AS 'SELECT b.title, b.price FROM books b WHERE b.author_id = a.id ORDER BY 1 DESC';
CREATE FUNCTION "off ""path?"."of?row"(b books, "say ""?""" text) RETURNS text STABLE LANGUAGE sql AS $$SELECT "say ""?""" || b.id$$;
CREATE FUNCTION touch(b books) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION initial(a authors) RETURNS text STABLE LANGUAGE sql AS 'SELECT left(a.name, 1)';
CREATE TABLE keyless (n int);
INSERT INTO keyless VALUES (1), (2);
CREATE FUNCTION ups(k keyless) RETURNS SETOF int STABLE LANGUAGE sql AS 'SELECT k.n';
CREATE FUNCTION next_n(k keyless) RETURNS int STABLE LANGUAGE sql AS 'SELECT k.n + 1';
CREATE VIEW cheap AS SELECT id, title FROM books WHERE price < 5;
CREATE FUNCTION shout(c cheap) RETURNS text STABLE LANGUAGE sql AS 'SELECT c.title || ''!''';
`

func rowLive(t *testing.T) *live {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, rowTables)
	return openLive(t, dsn)
}

// on is a query of a table.
func on(table string, change ...func(*Definition)) *Definition {
	d := &Definition{Kind: Query, Table: table, Path: Path{}}
	for _, c := range change {
		c(d)
	}
	return d
}

func TestCallOfRow(t *testing.T) {
	t.Parallel()
	l := rowLive(t)
	call := func(name string, a ...string) *Call {
		return &Call{Function: l.function(t, name), Args: args(a...), Place: Path{name}}
	}
	field := func(name string, a ...string) Field { return Field{Call: call(name, a...), Place: Path{name}} }
	with := func(f ...Field) func(*Definition) {
		return func(d *Definition) { d.Fields = append(fields("id"), f...) }
	}
	where := func(op, value, name string, a ...string) func(*Definition) {
		return func(d *Definition) { d.Filter = &Filter{Call: call(name, a...), Op: op, Value: raw("%s", value)} }
	}
	sorted := func(desc bool, name string, a ...string) func(*Definition) {
		return func(d *Definition) { d.Sort = append(d.Sort, Sort{Call: call(name, a...), Desc: desc}) }
	}
	limit := func(d *Definition) { d.Limit = new(int64(2)) }
	write := func(kind Kind, input ...Set) func(*Definition) {
		return func(d *Definition) {
			d.Kind = kind
			if len(input) > 0 {
				d.Input = []Input{{Sets: input}}
			}
		}
	}
	byLink := Link{FK: l.table(t, "books").ForeignKeys[0], Incoming: true}
	goldenCalls(t, l, "row", []callCase{
		{"fields", on("books", with(field("loud"), field("times"), field("times", "factor", "3", "less", "0.5")), func(d *Definition) {
			d.Fields[2].As, d.Fields[3].As = "double", "triple"
		})},
		{"in an object", on("books", func(d *Definition) { d.Fields = []Field{{As: "o", Object: []Field{field("loud")}}} })},
		{"json path of a call", on("books", with(Field{Call: call("about"), JSON: []string{"t0"}, As: "x", Place: Path{"x"}}))},
		{"of a view", on("cheap", with(field("shout")))},
		{"of a table without a key", on("keyless", func(d *Definition) { d.Fields = []Field{field("next_n")} })},
		{"hostile names", on("books", with(field(`"off ""path?"."of?row"`, `say "?"`, `"'\"; $1 ?"`)))},
		{"bytes", on("books", with(field("raw_bytes", "x", `"\\x01"`)), func(d *Definition) {
			d.Distinct, d.Sort = &Distinct{}, []Sort{{Call: call("raw_bytes", "x", `"\\x01"`)}}
		})},
		{"filter", on("books", with(), where("gte", "20", "times"))},
		{"filter with an argument", on("books", with(), where("in", "[31.5, 9]", "times", "factor", "3"))},
		{"filter of a call's json", on("books", with(), func(d *Definition) {
			d.Filter = &Filter{Call: call("about"), JSON: []string{"n"}, Op: "gt", Value: raw("3")}
		})},
		{"filter in a relation", on("authors", with(), func(d *Definition) {
			d.Filter = &Filter{Rel: "books", Quant: Exists, Sub: &Filter{Call: call("loud"), Op: "eq", Value: raw(`"THREE"`)}}
		})},
		{"sort", on("books", with(), sorted(true, "times", "factor", "-1"), limit)},
		{"sort of a relation", on("authors", with(), func(d *Definition) {
			d.Relations = []Relation{{Key: "books", Fields: fields("id"), Sort: []Sort{{Call: call("times", "factor", "1")}}, Limit: new(int64(1))}}
		})},
		{"sort across a link", on("books", with(), func(d *Definition) {
			d.Sort = []Sort{{Links: []Link{{FK: l.table(t, "authors").ForeignKeys[0]}}, Field: "name"}}
			d.Table = "authors"
		})},
		{"sort by a function of a linked row", on("books", with(), func(d *Definition) {
			d.Sort = []Sort{{Links: []Link{{FK: byLink.FK}}, Call: call("initial"), Desc: true}, {Field: "id"}}
		})},
		{"sort by rows of a linked row", on("books", with(), func(d *Definition) {
			d.Sort = []Sort{{Links: []Link{{FK: byLink.FK}}, Call: call("dearest")}}
		})},
		{"page by cursor", on("books", with(Field{As: "at", Cursor: true}), sorted(false, "loud"), limit, func(d *Definition) {
			d.After = &Cursor{Values: []CursorValue{{Value: raw(`"ONE"`)}, {Value: raw("1")}}}
		})},
		{"page by cursor with an argument", on("books", with(), sorted(true, "times", "factor", "2"), limit, func(d *Definition) {
			d.After = &Cursor{Values: []CursorValue{{Value: raw("21")}, {Value: raw("1")}}}
		})},
		{"distinct and sorted by it", on("books", func(d *Definition) {
			d.Fields, d.Distinct, d.Sort = []Field{field("times", "factor", "0")}, &Distinct{}, []Sort{{Call: call("times", "factor", "0"), Desc: true}}
		})},
		{"distinct and sorted by another", on("books", with(), sorted(false, "loud"), func(d *Definition) { d.Distinct = &Distinct{} })},
		{"aggregate of a filter", on("books", func(d *Definition) {
			d.Aggregate = []Aggregate{{Fn: "count", Filter: &Filter{Call: call("loud"), Op: "like", Value: raw(`"T%%"`)}}}
		})},
		{"rows of a function", from(Query, l.function(t, "books_by"), args("author", "1"), with(field("loud")), sorted(false, "loud"),
			func(d *Definition) { d.Relations = []Relation{{Call: call("siblings"), Fields: fields("title")}} })},
		{"of one row", from(Query, l.function(t, "first_book"), args("author", "1"), with(field("loud")))},

		{"insert", on("books", write(Insert, Set{Field: "id", Value: raw("9")}, Set{Field: "author_id", Value: raw("3")}, Set{Field: "title", Value: raw(`"new"`)}),
			with(field("loud"), field("times")), func(d *Definition) { d.Relations = []Relation{{Call: call("siblings"), Fields: fields("title")}} })},
		{"update", on("books", write(Update, Set{Field: "title", Value: raw(`"changed"`)}), where("eq", `"ONE"`, "loud"), with(field("loud")))},
		{"delete", on("books", write(Delete), where("eq", `"ONE"`, "loud"), with(field("loud")))},
		{"delete of all in disguise", on("books", write(Delete), where("nin", `[]`, "loud"))},

		{"set of rows", on("books", with(), func(d *Definition) {
			d.Relations = []Relation{{Call: call("siblings"), Fields: append(fields("id"), field("loud"))}}
		})},
		{"set, its arguments, filter, sort and page", on("books", with(), func(d *Definition) {
			d.Relations = []Relation{{
				Key: "other", Call: call("siblings", "exceptTitle", `"Three"`), Fields: fields("id"), Limit: new(int64(1)), Offset: new(int64(0)),
				Filter: &Filter{Field: "id", Op: "gt", Value: raw("0")}, Sort: []Sort{{Field: "price"}},
			}}
		})},
		{"first of a set in its order", on("books", with(), func(d *Definition) {
			d.Relations = []Relation{{Call: call("siblings"), Fields: fields("id"), Limit: new(int64(1))}}
		})},
		{"distinct rows of a set", on("books", with(), func(d *Definition) {
			d.Relations = []Relation{{Call: call("siblings"), Fields: fields("authorId"), Distinct: &Distinct{}}}
		})},
		{"set of values", on("books", with(), func(d *Definition) { d.Relations = []Relation{{Call: call("words")}} })},
		{"one row", on("authors", with(), func(d *Definition) {
			d.Relations = []Relation{{Call: call("dearest"), Fields: fields("title", "t0"), Relations: []Relation{{Key: "author", Fields: fields("name")}}}}
		})},
		{"one composite", on("authors", with(), func(d *Definition) { d.Relations = []Relation{{Call: call("sums")}} })},
		{"table", on("authors", with(), func(d *Definition) { d.Relations = []Relation{{Call: call("prices")}} })},
		{"below a relation", on("authors", with(), func(d *Definition) {
			d.Relations = []Relation{{Key: "books", Fields: fields("id"), Relations: []Relation{{Call: call("siblings"), Fields: fields("id")}}}}
		})},

		{"field and call", on("books", with(Field{Name: "id", Call: call("loud")}))},
		{"filter of both", on("books", func(d *Definition) { d.Filter = &Filter{Field: "id", Call: call("loud"), Op: "eq", Value: raw("1")} })},
		{"another table's", on("authors", with(field("loud")))},
		{"volatile", on("books", with(field("touch")))},
		{"rows as a field", on("books", with(field("siblings")))},
		{"one row as a field", on("authors", with(field("dearest")))},
		{"value as a relation", on("books", with(), func(d *Definition) { d.Relations = []Relation{{Call: call("loud")}} })},
		{"relation and call", on("books", with(), func(d *Definition) { d.Relations = []Relation{{Name: "author", Call: call("siblings")}} })},
		{"page of one row", on("authors", with(), func(d *Definition) { d.Relations = []Relation{{Call: call("dearest"), Limit: new(int64(1))}} })},
		{"set of a table without a key", on("keyless", func(d *Definition) { d.Relations = []Relation{{Call: call("ups")}} })},
		{"the row as an argument", on("books", with(field("loud", "b", `{"id":1}`)))},
		{"having", on("books", func(d *Definition) {
			d.Aggregate, d.Having = []Aggregate{{Fn: "count"}}, &Filter{Call: call("loud"), Op: "eq", Value: raw(`"x"`)}
		})},
		{"no such operator", on("books", where("matches_lquery", `"x"`, "loud"))},
		{"output key twice", on("books", with(field("loud"), field("loud")))},
	})
}

// TestCallableOf tells what Callable knows of functions.
func TestCallableOf(t *testing.T) {
	t.Parallel()
	l := rowLive(t)
	type known struct {
		Args, Table, Of string
		Result          ResultKind
		Set             bool
		Effect          Effect
	}
	for name, want := range map[string]known{
		"books_by":     {"author cheaperThan?", "table public.books", "", RowResult, true, Read},
		"first_book":   {"author", "table public.books", "", RowResult, false, Read},
		"author_stats": {"author", "row type public.stats", "", RowResult, false, Read},
		"sums":         {"a", "row type public.stats", "authors", RowResult, false, Read},
		"price_list":   {"floor", "row type public.price_list", "", RowResult, true, Read},
		"add":          {"arg1 arg2?", "row type public.add", "", ScalarResult, false, Read},
		"evens":        {"upto", "row type public.evens", "", ScalarResult, true, Read},
		"loud":         {"b", "row type public.loud", "books", ScalarResult, false, Read},
		"times":        {"b factor? less?", "row type public.times", "books", ScalarResult, false, Read},
		"note":         {"what", "", "", NoResult, false, Write},
		"do_note":      {"what", "", "", NoResult, false, Write},
		"twice":        {"n factor?", "row type public.twice", "", RowResult, false, Write},
		"total_of":     {"parts...", "row type public.total_of", "", ScalarResult, false, Read},
	} {
		c, err := l.schema.Callable(l.function(t, name))
		if err != nil {
			t.Fatal(err)
		}
		got := known{Result: c.Result, Set: c.Set, Effect: c.Effect}
		var list []string
		for _, a := range c.Args {
			s := a.JSONName
			if a.Optional {
				s += "?"
			}
			if a.Variadic {
				s += "..."
			}
			list = append(list, s)
		}
		got.Args = strings.Join(list, " ")
		if c.Table != nil {
			got.Table = c.Table.Kind.String() + " " + c.Table.String()
		}
		if c.Of != nil {
			got.Of = c.Of.Name
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		again, err := l.schema.Callable(c.Function)
		if err != nil || again != c {
			t.Errorf("%s: another answer the second time: %v", name, err)
		}
	}
	a, errA := l.schema.Callable(l.function(t, "author_stats"))
	b, errB := l.schema.Callable(l.function(t, "sums"))
	if errA != nil || errB != nil || a.Table != b.Table {
		t.Error("one composite type, but two tables")
	}
	if c, _ := a.Table.Column("books"); c == nil || c.Comment != "How many." {
		t.Errorf("the field's comment is lost: %+v", c)
	}
	if add, err := l.schema.Callable(l.function(t, "add")); err != nil || add.Args[1].Default != "10" || add.Type == nil || add.Type.Name() != "int4" {
		t.Errorf("%+v: %v", add, err)
	}
}

// TestCallNeedsTheWholeRow: a role that may not read all columns of a table gives
// no function its row; and rows of a table that it may not read at all are none.
func TestCallNeedsTheWholeRow(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	role := "reader_" + strings.ToLower(rand.Text()[:12]) // of the whole cluster
	pgtest.Exec(t, dsn, rowTables, `CREATE ROLE `+role+`; GRANT SELECT (id, title) ON books TO `+role+`; GRANT INSERT ON authors TO `+role+`;
		GRANT SELECT ON cheap TO `+role+`;
		REVOKE EXECUTE ON FUNCTION books_by FROM PUBLIC`)
	db := pgtest.Open(t, dsn)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = tx.Rollback()
		for _, q := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := db.ExecContext(context.Background(), q); err != nil {
				t.Error(err)
			}
		}
	})
	if _, err := tx.ExecContext(t.Context(), "SET LOCAL ROLE "+role); err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(t.Context(), tx)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSchema(cat, SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	function := func(name string) *catalog.Function {
		if list := cat.Function(name); len(list) > 0 {
			return list[0]
		}
		return nil
	}
	if function("books_by") != nil {
		t.Error("a function that may not be executed is listed")
	}
	refused := func(d *Definition, want string) {
		t.Helper()
		if _, err := Build(s, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	const part = "needs the whole row"
	loud := &Call{Function: function("loud")}
	refused(on("books", func(d *Definition) { d.Fields = []Field{{Call: loud}} }), part)
	refused(on("books", func(d *Definition) { d.Filter = &Filter{Call: loud, Op: "eq", Value: json.RawMessage(`"x"`)} }), part)
	refused(on("books", func(d *Definition) { d.Relations = []Relation{{Call: &Call{Function: function("siblings")}}} }), part)
	refused(from(Invoke, function("rename"), args("author", "1", "name", `"x"`)), "a table that can't be read")
	if _, err := Build(s, on("cheap", func(d *Definition) { d.Fields = []Field{{Call: &Call{Function: function("shout")}}} })); err != nil {
		t.Error(err)
	}
	// Of the rows of a function only the columns that may be read are there.
	p, err := Build(s, from(Query, function("first_book"), args("author", "1")))
	if err != nil {
		t.Fatal(err)
	}
	if sql := p.Root.Statement.SQL; !strings.HasPrefix(sql, `SELECT "t0"."id", "t0"."title" FROM `) {
		t.Error(sql)
	}
}
