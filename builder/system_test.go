package builder

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestInserted(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `
		CREATE TABLE stock (id int PRIMARY KEY, n int, inserted text);
		INSERT INTO stock VALUES (1, 10, 'x'), (3, 30, 'y');
		CREATE TABLE moves (id int PRIMARY KEY, n int REFERENCES stock);
		INSERT INTO moves VALUES (1, 1);
		CREATE FUNCTION changes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := NEW.n + 1; RETURN NEW; END';
		CREATE FUNCTION locks() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM 1 FROM traced WHERE id = NEW.id FOR UPDATE; RETURN NULL; END';
		CREATE TABLE traced (id int PRIMARY KEY, n int);
		INSERT INTO traced VALUES (1, 1);
		CREATE TRIGGER before BEFORE INSERT OR UPDATE ON traced FOR EACH ROW EXECUTE FUNCTION changes();
		CREATE TRIGGER after AFTER INSERT OR UPDATE ON traced FOR EACH ROW EXECUTE FUNCTION locks();
		CREATE TABLE parted (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);
		CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (100);
		INSERT INTO part VALUES (1, 1);
		CREATE VIEW seen AS SELECT * FROM stock`)
	l := openLive(t, dsn)
	def := func(table string, change ...func(*Definition)) *Definition {
		d := &Definition{
			Kind: Insert, Table: table, InputIsList: true, OnConflict: &OnConflict{Columns: []string{"id"}},
			Fields: []Field{{Name: "id"}, {System: Inserted, Place: Path{"fields", 1}}},
		}
		for _, id := range []string{"2", "1", "3"} {
			n := id
			if table == "moves" {
				n = "3"
			}
			d.Input = append(d.Input, Input{Sets: []Set{{Field: "id", Value: raw("%s", id)}, {Field: "n", Value: raw("%s", n)}}})
		}
		for _, c := range change {
			c(d)
		}
		return d
	}
	goldenCalls(t, l, "inserted", []callCase{
		{"rows in the order of the input", def("stock")},
		{"beside a column called so", def("stock", func(d *Definition) { d.Fields = append(d.Fields, Field{Name: "inserted", As: "mine"}) })},
		{"one row", def("stock", func(d *Definition) { d.Input, d.InputIsList = d.Input[1:2], false })},
		{"foreign key", def("moves")},
		{"triggers", def("traced")},
		{"a partition itself", def("part")},
		{"do nothing", def("stock", func(d *Definition) { d.OnConflict = &OnConflict{Columns: []string{"id"}, Nothing: true} })},
		{"update of some", def("stock", func(d *Definition) { d.OnConflict.Filter = &Filter{Field: "n", Op: "lt", Value: raw("20")} })},

		{"without on_conflict", def("stock", func(d *Definition) { d.OnConflict = nil })},
		{"update", &Definition{
			Kind: Update, Table: "stock", Fields: []Field{{System: Inserted}}, Filter: &Filter{Field: "id", Op: "eq", Value: raw("1")},
			Input: []Input{{Sets: []Set{{Field: "n", Value: raw("1")}}}},
		}},
		{"query", &Definition{Kind: Query, Table: "stock", Fields: []Field{{System: Inserted}}}},
		{"in a relation", def("moves", func(d *Definition) { d.Relations = []Relation{{Key: "stock", Fields: []Field{{System: Inserted}}}} })},
		{"partitioned table", def("parted")},
		{"view", def("seen", func(d *Definition) { d.OnConflict = &OnConflict{Nothing: true} })},
		{"unknown", def("stock", func(d *Definition) { d.Fields = []Field{{System: "insrted"}} })},
		{"and a column", def("stock", func(d *Definition) { d.Fields = []Field{{System: Inserted, Name: "id"}} })},
	})
	many := def("stock", func(d *Definition) {
		for i := range bulkRows {
			d.Input = append(d.Input, Input{Sets: []Set{{Field: "id", Value: raw("%d", 1000+i)}, {Field: "n", Value: raw("1")}}})
		}
		d.Fields = []Field{{System: Inserted}}
	})
	p, err := Build(l.schema, many)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"inserted":true},{"inserted":false},{"inserted":false}` + strings.Repeat(`,{"inserted":true}`, bulkRows) + "]"
	for name := range l.pools {
		l.onBackend(t, name, func(x *planRun) {
			got, err := x.answer(p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, strings.ReplaceAll(got, "\n", "")); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		})
	}
}
