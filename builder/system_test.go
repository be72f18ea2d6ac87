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
		CREATE TABLE other (gone int, n int, id int NOT NULL);
		ALTER TABLE other DROP COLUMN gone;
		ALTER TABLE parted ATTACH PARTITION other FOR VALUES FROM (100) TO (10000);
		INSERT INTO parted VALUES (1, 1), (103, 1);
		CREATE TABLE odd ("i?d" numeric, id int, n int, UNIQUE ("i?d")) PARTITION BY RANGE ("i?d");
		CREATE TABLE odds PARTITION OF odd DEFAULT;
		INSERT INTO odd VALUES (1.0, 10, 1), (3.00, 30, 1);
		CREATE TABLE kept (id int, n int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
		CREATE TABLE keeps PARTITION OF kept DEFAULT;
		CREATE FUNCTION keeps_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER before BEFORE UPDATE ON kept FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION keeps_row();
		INSERT INTO kept VALUES (1, 1), (3, 1);
		CREATE VIEW seen AS SELECT * FROM stock`)
	l := openLive(t, dsn)
	def := func(table string, change ...func(*Definition)) *Definition {
		d := &Definition{
			Kind: Insert, Table: table, InputIsList: true, OnConflict: &OnConflict{Columns: []string{"id"}},
			Fields: []Field{{Name: "id"}, {System: Inserted, Place: Path{"fields", 1}}},
		}
		for _, id := range []string{"2", "1", "3"} {
			n := id
			switch {
			case table == "moves":
				n = "3"
			case table == "parted" && id == "3":
				id = "103"
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
		{"partitioned", def("parted")},
		{"partitioned, update of some", def("parted", func(d *Definition) {
			d.OnConflict.Filter = &Filter{Or: []*Filter{{Field: "id", Op: "eq", Value: raw("103")}, {Field: "n", Op: "gt", Value: raw("9")}}}
		})},
		{"partitioned, do nothing", def("parted", func(d *Definition) { d.OnConflict.Nothing = true })},
		{"partitioned, the key is set too, and reads otherwise", def("odd", func(d *Definition) {
			d.OnConflict = &OnConflict{Columns: []string{"i?d"}, Update: []string{"i?d", "n"}}
			for i := range d.Input {
				d.Input[i].Sets = append(d.Input[i].Sets, Set{Field: "i?d", Value: raw("%d.000", i)})
			}
		})},
		{"partitioned, a row that a trigger keeps", def("kept", func(d *Definition) { d.Input[0], d.Input[1] = d.Input[1], d.Input[0] })},
		{"view, do nothing", def("seen", func(d *Definition) { d.OnConflict = &OnConflict{Nothing: true} })},
		{"view", def("seen", func(d *Definition) { d.OnConflict = &OnConflict{} })},
		{"unknown", def("stock", func(d *Definition) { d.Fields = []Field{{System: "insrted"}} })},
		{"and a column", def("stock", func(d *Definition) { d.Fields = []Field{{System: Inserted, Name: "id"}} })},
	})
	for _, table := range []string{"stock", "parted"} {
		insertMany(t, l, def(table))
	}
}

// insertMany inserts bulkRows more than d does.
func insertMany(t *testing.T, l *live, d *Definition) {
	t.Helper()
	for i := range bulkRows {
		d.Input = append(d.Input, Input{Sets: []Set{{Field: "id", Value: raw("%d", 1000+i)}, {Field: "n", Value: raw("1")}}})
	}
	d.Fields = []Field{{System: Inserted}}
	p, err := Build(l.schema, d)
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
