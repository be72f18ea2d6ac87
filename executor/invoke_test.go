package executor_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const invokeSchema = `
create table items (id int primary key, label text not null, parent int references items);
create function relabel(id int, label text) returns items language sql as 'update items set label = relabel.label where id = relabel.id returning *';
create function relabel_all(suffix text) returns setof items language sql as 'update items set label = label || suffix returning *';
create function fails(id int) returns int language plpgsql as 'begin delete from items where items.id = fails.id; raise unique_violation; end';
create function forget(id int) returns void language sql as 'delete from items where id = forget.id';
create procedure doubled(a int, out twice int, inout b text) language plpgsql as 'begin insert into items values (a, b); twice := a * 2; end';
create procedure bare(a int) language sql as 'insert into items values (a, ''bare'')';
create procedure commits() language plpgsql as 'begin commit; end';
create function children_of(parent int) returns setof items stable language sql as 'select * from items where parent = children_of.parent order by id desc';
create function shout(i items, suffix text default '!') returns text stable language sql as 'select upper(i.label) || suffix';
create function below(i items) returns setof items stable language sql as 'select * from items c where c.parent = i.id order by c.id desc';
create function top(i items) returns items stable language sql as 'select * from items c where c.id = i.parent';
create function writes_in_secret(id int) returns int stable language plpgsql as 'begin delete from items where items.id = 1; return 1; end'`

const invokeRows = `truncate items; insert into items values (1, 'one', null), (2, 'two', 1), (3, 'three', 1)`

// TestInvoke calls functions and procedures of each shape in every mode, and
// looks at what is stored afterwards: a call that fails leaves nothing.
func TestInvoke(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		t.Helper()
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, invokeSchema)
		db := open(t, b, dsn, executor.WithMinIdle(0))
		s := schema(t, db)
		for _, c := range []struct {
			name, function string
			args           []string
			change         func(*builder.Definition)
			want           string
			code           backend.Code
			stored         string
		}{
			{
				"row", "relabel",
				[]string{"id", "2", "label", `"zwei"`},
				nil,
				`{"id":2,"label":"zwei","parent":1}`, 0, "one zwei three",
			},
			{
				"row and what is nested in it, as it is after the call", "relabel",
				[]string{"id", "1", "label", `"eins"`},
				func(d *builder.Definition) {
					d.Fields = []builder.Field{{Name: "label"}}
					d.Relations = []builder.Relation{{Key: "items", Name: "items_via_parent", Fields: []builder.Field{{Name: "id"}}}}
				},
				`{"label":"eins","items":[{"id":2},{"id":3}]}`, 0, "eins two three",
			},
			{"no row", "relabel", []string{"id", "9", "label", `"x"`}, nil, "null", 0, "one two three"},
			{
				"set", "relabel_all",
				[]string{"suffix", `"!"`},
				func(d *builder.Definition) { d.Fields = []builder.Field{{Name: "label"}} },
				`[{"label":"one!"},{"label":"two!"},{"label":"three!"}]`, 0, "one! two! three!",
			},
			{"void", "forget", []string{"id", "3"}, nil, `{"success":true,"message":"called"}`, 0, "one two"},
			{
				"return none", "relabel_all",
				[]string{"suffix", `"!"`},
				func(d *builder.Definition) { d.ReturnNone = true },
				`{"success":true,"message":"called"}`, 0, "one! two! three!",
			},
			{"procedure", "bare", []string{"a", "4"}, nil, `{"success":true,"message":"called"}`, 0, "one two three bare"},
			{"procedure with out", "doubled", []string{"a", "4", "b", `"vier"`}, nil, `{"twice":8,"b":"vier"}`, 0, "one two three vier"},
			{"raised", "fails", []string{"id", "3"}, nil, "", backend.CodeConstraintViolation, "one two three"},
			{"transaction control", "commits", nil, nil, "", backend.CodeInternal, "one two three"},
			{
				"query", "children_of",
				[]string{"parent", "1"},
				func(d *builder.Definition) { d.Kind = builder.Query },
				`[{"id":3,"label":"three","parent":1},{"id":2,"label":"two","parent":1}]`, 0, "one two three",
			},
			{
				"query of one that writes though it is declared stable", "writes_in_secret",
				[]string{"id", "1"},
				func(d *builder.Definition) { d.Kind = builder.Query }, "", backend.CodeInternal, "one two three",
			},
		} {
			t.Run(c.name, func(t *testing.T) { //nolint:paralleltest // one after the other on the same rows
				pgtest.Exec(t, dsn, invokeRows)
				def := &builder.Definition{Kind: builder.Invoke, From: &builder.Call{Function: s.Catalog().Function(c.function)[0]}}
				for i := 0; i < len(c.args); i += 2 {
					def.From.Args = append(def.From.Args, builder.CallArg{Name: c.args[i], Value: json.RawMessage(c.args[i+1])})
				}
				if c.change != nil {
					c.change(def)
				}
				var w bytes.Buffer
				err := executor.Execute(t.Context(), db, s, def, &w)
				if got := backend.CodeOf(err); got != c.code {
					t.Fatalf("code %s, want %s: %v", got, c.code, err)
				}
				want := c.want
				if c.code == backend.CodeOK {
					want = `{"data":` + want + `,"errors":null}`
				}
				if diff := cmp.Diff(want, w.String()); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(c.stored, serverText(t, dsn, "select string_agg(label, ' ' order by id) from items")); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// TestFunctionsOfRows reads what functions make of rows, values and rows, and
// writes with them, in every mode.
func TestFunctionsOfRows(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		t.Helper()
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, invokeSchema, invokeRows)
		db := open(t, b, dsn, executor.WithMinIdle(0))
		s := schema(t, db)
		call := func(name string, args ...builder.CallArg) *builder.Call {
			return &builder.Call{Function: s.Catalog().Function(name)[0], Args: args}
		}
		id, shout := builder.Field{Name: "id"}, builder.Field{Call: call("shout", builder.CallArg{Name: "suffix", Value: json.RawMessage(`"?"`)})}
		def := &builder.Definition{
			Kind: builder.Query, Table: "items", Fields: []builder.Field{id, shout}, Sort: []builder.Sort{{Call: call("shout"), Desc: true}},
			Relations: []builder.Relation{
				{Call: call("below"), Fields: []builder.Field{id, shout}},
				{Call: call("top"), Fields: []builder.Field{id}},
			},
		}
		want := `[{"id":2,"shout":"TWO?","below":[],"top":{"id":1}},{"id":3,"shout":"THREE?","below":[],"top":{"id":1}},` +
			`{"id":1,"shout":"ONE?","below":[{"id":3,"shout":"THREE?"},{"id":2,"shout":"TWO?"}],"top":null}]`
		var w bytes.Buffer
		if err := executor.Execute(t.Context(), db, s, def, &w); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(`{"data":`+want+`,"errors":null}`, w.String()); diff != "" {
			t.Error(diff)
		}
		update := &builder.Definition{
			Kind: builder.Update, Table: "items", Fields: []builder.Field{shout}, Relations: def.Relations,
			Filter: &builder.Filter{Call: call("shout"), Op: "eq", Value: json.RawMessage(`"ONE!"`)},
			Input:  []builder.Input{{Sets: []builder.Set{{Field: "label", Value: json.RawMessage(`"uno"`)}}}},
		}
		w.Reset()
		if err := executor.Execute(t.Context(), db, s, update, &w); err != nil {
			t.Fatal(err)
		}
		want = `{"data":[{"shout":"UNO?","below":[{"id":3,"shout":"THREE?"},{"id":2,"shout":"TWO?"}],"top":null}],"errors":null}`
		if diff := cmp.Diff(want, w.String()); diff != "" {
			t.Error(diff)
		}
	})
}
