package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestTypes(t *testing.T) {
	t.Parallel()
	c := loadShop(t)
	named := func(schema, name string) *catalog.Type {
		t.Helper()
		typ, ok := c.TypeByName(schema, name)
		if !ok {
			t.Fatalf("no type %s.%s", schema, name)
		}
		if by, ok := c.Type(typ.OID); !ok || by != typ {
			t.Errorf("Type(%d) is not %s", typ.OID, name)
		}
		return typ
	}
	mood := named("shop", "mood")
	if d := cmp.Diff([]string{"first", "ok", `it's "fine"`, "ünïcödé", ""}, mood.Labels); d != "" || mood.Kind != 'e' || mood.Comment != "how one feels" {
		t.Errorf("mood: %+v\n%s", mood, d)
	}
	array, ok := c.Type(mood.Array)
	if !ok || array.Elem != mood.OID || array.SQLName != `"shop"."mood"[]` || array.Delim != ',' {
		t.Errorf("array of mood: %+v", array)
	}
	text, varchar, date := named("", "text"), named("pg_catalog", "varchar"), named("", "date")
	work, email := named("shop", "work_email"), named("shop", "email")
	if work.Kind != 'd' || work.Base != email.OID || email.Base != varchar.OID || email.BaseTypeMod != 104 || c.BaseType(work.OID) != varchar.OID || !work.NotNull {
		t.Errorf("domains: %+v, %+v", work, email)
	}
	if labels := named("shop", "tags"); c.BaseType(labels.OID) != text.Array || labels.Elem != 0 {
		t.Errorf("domain over an array: %+v", labels)
	}
	if c.BaseType(text.OID) != text.OID || c.BaseType(4294967295) != 4294967295 {
		t.Error("what is no domain is its own base")
	}
	point := named("shop", "point3")
	if d := cmp.Diff([]catalog.TypeField{{Name: "x", Type: 701}, {Name: "Z.z", Type: 23}}, point.Fields); d != "" || point.Kind != 'c' {
		t.Error(d)
	}
	span, spans := named("shop", "span"), named("shop", "spans")
	if span.Kind != 'r' || span.Base != date.OID || spans.Kind != 'm' || spans.Base != span.OID {
		t.Errorf("ranges: %+v, %+v", span, spans)
	}
	row := named("shop", "tree")
	if d := cmp.Diff([]catalog.TypeField{{Name: "a", Type: 23}, {Name: "b", Type: 23}, {Name: "up_a", Type: 23}, {Name: "up_b", Type: 23}}, row.Fields); d != "" || row.Table != table(t, c, "shop.tree").OID {
		t.Error(d)
	}
	if _, ok := c.TypeByName("pg_catalog", "pg_class"); ok {
		t.Error("row types of system tables are of no use")
	}
	if _, ok := c.TypeByName("", "mood"); ok {
		t.Error("shop is not on the search path")
	}
	if named("", "box").Delim != ';' {
		t.Error("the delimiter of box is a semicolon")
	}
	list := slices.Collect(c.Types())
	if !slices.IsSortedFunc(list, func(a, b *catalog.Type) int { return strings.Compare(a.Schema+"\x00"+a.Name, b.Schema+"\x00"+b.Name) }) {
		t.Error("types are not sorted")
	}
}

// TestDims: what was declared is known, of domains and attributes too; what PostgreSQL
// does not keep is 0.
func TestDims(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `
		CREATE DOMAIN grid AS int[][]; CREATE DOMAIN small_grid AS grid CHECK (cardinality(value) < 9);
		CREATE TYPE sheet AS (cells int[][], grid small_grid, n int);
		CREATE TABLE t (n int, a int[], b int[][], c text[3][4][5], d grid, e small_grid, f small_grid[]);
		CREATE VIEW v AS SELECT b, d FROM t`)
	c := load(t, open(t, pq.New(), dsn))
	dims := func(name string) map[string]int {
		m := map[string]int{}
		for _, col := range table(t, c, name).Columns {
			m[col.Name] = col.Dims
		}
		return m
	}
	if d := cmp.Diff(map[string]int{"n": 0, "a": 1, "b": 2, "c": 3, "d": 2, "e": 2, "f": 1}, dims("t")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"b": 0, "d": 2}, dims("v")); d != "" {
		t.Error(d)
	}
	sheet, _ := c.TypeByName("public", "sheet")
	row, err := c.NewRowType("public", "sheet", sheet.Fields)
	if err != nil {
		t.Fatal(err)
	}
	if got := [3]int{row.Columns[0].Dims, row.Columns[1].Dims, row.Columns[2].Dims}; got != [3]int{2, 2, 0} {
		t.Error(got)
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	c := loadShop(t)
	var got []string
	for f := range c.Functions() {
		if f.Extension != "" {
			continue
		}
		var args []string
		for _, a := range f.Args {
			typ, _ := c.Type(a.Type)
			text := fmt.Sprintf("%c %s %s", a.Mode, a.Name, typ.SQLName)
			if a.HasDefault {
				text += " ="
			}
			args = append(args, text)
		}
		returns := "nothing"
		if typ, ok := c.Type(f.Returns); ok {
			returns = typ.SQLName
		}
		got = append(got, fmt.Sprintf("%s(%s) %s set=%v %c strict=%v definer=%v procedure=%v %s", f.SQLName(), strings.Join(args, ", "),
			returns, f.ReturnsSet, f.Volatility, f.Strict, f.SecurityDefiner, f.Procedure, f.Comment))
	}
	want := []string{
		`"shop"."fixed"() integer set=false i strict=false definer=false procedure=false `,
		`"shop"."pair"(i a integer, i b integer =, i c integer =, t x integer, t y text) record set=true v strict=false definer=true procedure=false `,
		`"shop"."pair"(i a text) integer set=false i strict=false definer=false procedure=false half a pair`,
		`"shop"."search"(i term text, v more integer[]) "shop"."account" set=true s strict=true definer=false procedure=false `,
		`"shop"."tick"() integer set=false v strict=false definer=false procedure=false `,
		`"shop"."work"(i n integer) nothing set=false v strict=false definer=false procedure=true `,
	}
	// Ranges and multiranges bring their constructors.
	got = slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, `"span`) })
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := len(c.Function("shop.pair")); n != 2 {
		t.Errorf("%d overloads of shop.pair", n)
	}
	if c.Function("pair") != nil || c.Function("") != nil || c.Function("shop.nothing") != nil {
		t.Error("found what is not there, or not on the search path")
	}
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE TABLE t (a ext.citext, b ext.citext[])`)
	c := load(t, open(t, pq.New(), dsn))
	e, ok := c.Extension("citext")
	if !ok || e.Schema != "ext" || e.Version == "" {
		t.Errorf("citext: %+v", e)
	}
	if _, ok := c.Extension("nothing"); ok {
		t.Error("an extension that is not there")
	}
	if n := len(slices.Collect(c.Extensions())); n != 2 {
		t.Errorf("%d extensions, want citext and plpgsql", n)
	}
	if got := column(t, table(t, c, "t"), "b").TypeName; got != `"ext"."citext"[]` {
		t.Error(got)
	}
	typ, _ := c.TypeByName("ext", "citext")
	fn := c.Function("ext.citext_eq")
	if typ.Extension != "citext" || len(fn) != 1 || fn[0].Extension != "citext" {
		t.Errorf("owned by: %+v, %+v", typ, fn)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, shop)
	db := open(t, pgx.New(), dsn)
	db.SetMaxOpenConns(1)
	with := func(path string) *catalog.Catalog {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), `SET search_path = `+path); err != nil {
			t.Fatal(err)
		}
		return load(t, db)
	}
	c := with(`shop, public, nowhere`)
	if d := cmp.Diff([]string{"shop", "public"}, c.SearchPath()); d != "" {
		t.Error(d)
	}
	for name, want := range map[string]string{
		"same":                              `"shop"."same"`,
		`"same"`:                            `"shop"."same"`,
		"public.same":                       `"public"."same"`,
		"profile":                           `"public"."profile"`,
		`"odd.schema ""x"""."ta.ble ""q"""`: `"odd.schema ""x"""."ta.ble ""q"""`,
		"event_2024":                        `"shop"."event_2024"`,
		"no_columns":                        `"public"."no_columns"`,
	} {
		if got := table(t, c, name).SQLName(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"Same", "nothing", "secret", "nowhere.same", "pg_class", "pg_catalog.pg_class", "SHOP.same"} {
		_, err := c.Table(name)
		var e *catalog.NameError
		if !errors.Is(err, catalog.ErrUnknownTable) || !errors.As(err, &e) || e.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Table("a.b.c"); !errors.Is(err, catalog.ErrName) {
		t.Errorf("a.b.c: %v", err)
	}
	if typ, ok := c.TypeByName("", "mood"); !ok || typ.Schema != "shop" {
		t.Error("mood is on the search path now")
	}
	if len(c.Function("pair")) != 2 {
		t.Error("pair is on the search path now")
	}
	other := with(`public, shop`)
	if got := table(t, other, "same").Schema; got != "public" {
		t.Errorf("same is in %s", got)
	}
	if other.Version() == c.Version() {
		t.Error("another search path, but the same version")
	}
	if back := with(`shop, public, nowhere`); back.Version() != c.Version() {
		t.Error("the same database, but another version")
	}
	if c.ServerVersion() < 120000 {
		t.Errorf("server version %d", c.ServerVersion())
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, shop)
	db := open(t, pq.New(), dsn)
	c := load(t, db, catalog.WithSchemas("public", "shop"))
	if d := cmp.Diff([]string{"public", "shop"}, c.Schemas()); d != "" {
		t.Error(d)
	}
	if fks := table(t, c, "points_at_secret").ForeignKeys; len(fks) != 0 {
		t.Errorf("a foreign key to a schema that is not loaded: %v", fks)
	}
	if _, err := c.Table("hidden.secret"); err == nil {
		t.Error("hidden.secret was not asked for")
	}
	if sys := load(t, db, catalog.WithSchemas("pg_catalog")); table(t, sys, "pg_catalog.pg_class").PrimaryKey == nil {
		t.Error("a system schema that is asked for is loaded")
	}
	_, err := catalog.Load(t.Context(), db, catalog.WithSchemas("public", "nope", "absent"))
	var e *catalog.UnknownSchemaError
	if !errors.As(err, &e) || !slices.Equal(e.Schemas, []string{"absent", "nope"}) {
		t.Errorf("unknown schemas: %v", err)
	}
}

// A wrapper without a handler cannot say what is writable; PostgreSQL raises an
// error even for a view over such a table.
func TestBrokenForeignDataWrapper(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `
		CREATE FOREIGN DATA WRAPPER nothing;
		CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
		CREATE FOREIGN TABLE f (id int) SERVER nowhere;
		CREATE VIEW v AS SELECT id FROM f`)
	for _, b := range []backend.Backend{pq.New(), pgx.New()} {
		c := load(t, open(t, b, dsn))
		if f := table(t, c, "f"); f.Kind != catalog.ForeignTable || !f.Insertable || column(t, table(t, c, "v"), "id").ReadOnly {
			t.Errorf("%s: %+v", b.Name(), f)
		}
	}
}
