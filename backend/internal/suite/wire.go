package suite

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
)

func wireValues(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	c := hold(t, db)
	for _, q := range []struct {
		name, sql string
		args      []any
		want      [][]string
	}{
		{"no row", "select 1 where false", nil, nil},
		{"no column", "select from generate_series(1, 2)", nil, [][]string{{}, {}}},
		{"null and empty", "select null::text, ''::text, $1::text, $2::text", []any{nil, ""}, [][]string{{"NULL", "", "NULL", ""}}},
		{"digits kept", "select $1::int8, 1.1::float4, 'NaN'::float8, '1.10'::numeric", []any{"9007199254740993"}, [][]string{{"9007199254740993", "1.1", "NaN", "1.10"}}},
		{
			"times as sent", "select '24:00:00'::time, '12345-01-01'::date, '0044-03-15 BC'::date, 'infinity'::timestamptz, '1850-01-01 00:00:00.5'::timestamptz", nil,
			[][]string{{"24:00:00", "12345-01-01", "0044-03-15 BC", "infinity", "1850-01-01 00:00:00.5+00"}},
		},
		{"bytea from bytes", "select $1::bytea, ''::bytea, $2::bytea", []any{[]byte("a\\101"), []byte{}}, [][]string{{`\x615c313031`, `\x`, `\x`}}},
		{"bool", "select true, false", nil, [][]string{{"t", "f"}}},
		{"uuid", "select $1::uuid", []any{"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}, [][]string{{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}},
		{"array", "select array[1,null,3], '[0:1]={1,2}'::int[], '{{1,2},{3,4}}'::int[]", nil, [][]string{{"{1,NULL,3}", "[0:1]={1,2}", "{{1,2},{3,4}}"}}},
		{"rows", "select g from generate_series(1, 3) g where g >= $1::int", []any{"2"}, [][]string{{"2"}, {"3"}}},
	} {
		for range 2 { // the second time from the statement cache
			got, err := texts(t.Context(), b, c, q.sql, q.args...)
			if err != nil {
				t.Fatalf("%s: %v", q.name, err)
			}
			if d := cmp.Diff(q.want, got); d != "" {
				t.Errorf("%s: %s", q.name, d)
			}
		}
	}
	if _, err := texts(t.Context(), b, c, "select $1::int", "5.5"); backend.CodeOf(err) != backend.CodeBadUserInput {
		t.Errorf("5.5 for an integer: %v", err)
	}
}

func wireColumns(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	exec(t, db, "create type mood as enum ('ok')", "create table t (id int generated always as identity, m mood)")
	c := hold(t, db)
	var oid uint32
	if err := db.QueryRowContext(t.Context(), "select 'mood'::regtype::oid::int8").Scan(&oid); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		rows, err := query(t.Context(), b, c, `select 1::int4 as "A b", 'ok'::mood as m, 'x'::text as m where false`)
		if err != nil {
			t.Fatal(err)
		}
		want := []backend.Column{{Name: "A b", OID: 23}, {Name: "m", OID: oid}, {Name: "m", OID: 25}}
		if d := cmp.Diff(want, rows.Columns()); d != "" {
			t.Error(d)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []struct {
		sql     string
		columns int
		rows    [][]string
	}{
		{"insert into t (m) values ('ok')", 0, nil},
		{"insert into t (m) values ('ok') returning id, m", 2, [][]string{{"2", "ok"}}},
		{"set local work_mem = '4MB'", 0, nil},
	} {
		rows, err := query(t.Context(), b, c, q.sql)
		if err != nil {
			t.Fatalf("%s: %v", q.sql, err)
		}
		if got := len(rows.Columns()); got != q.columns {
			t.Errorf("%s: %d columns, want %d", q.sql, got, q.columns)
		}
		var got [][]string
		for rows.Next() {
			var row []string
			for _, v := range rows.Values() {
				row = append(row, string(v))
			}
			got = append(got, row)
		}
		if err := errors.Join(rows.Close(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(q.rows, got); d != "" {
			t.Errorf("%s: %s", q.sql, d)
		}
	}
}

// wireLarge reads cells around the sizes of the buffers, followed by small ones.
func wireLarge(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	c := hold(t, db)
	for _, size := range []int{0, 500, 4090, 32<<10 - 5, 32 << 10, 32<<10 + 1, 100 << 10, 3 << 20} {
		rows, err := query(t.Context(), b, c,
			"select g::text, repeat(chr(96 + g), $1::int), g::text from generate_series(1, 3) g", fmt.Sprint(size))
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; rows.Next(); i++ {
			v := rows.Values()
			want := strings.Repeat(string(rune('`'+i)), size)
			if string(v[0]) != fmt.Sprint(i) || string(v[2]) != fmt.Sprint(i) || string(v[1]) != want {
				t.Fatalf("size %d, row %d: cells of %d, %d, %d bytes", size, i, len(v[0]), len(v[1]), len(v[2]))
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
	}
}

func wireLateError(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	c := hold(t, db)
	pid := one(t, c, "select pg_backend_pid()")
	rows, err := query(t.Context(), b, c, "select 10/(5-g) from generate_series(1, 9) g")
	n := 0
	if err == nil {
		for rows.Next() {
			n++
		}
		err = rows.Err()
		if e := rows.Close(); e != err {
			t.Errorf("Close: %v, Err: %v", e, err)
		}
	}
	if n != 4 || backend.SQLStateOf(err) != "22012" || backend.CodeOf(err) != backend.CodeBadUserInput {
		t.Errorf("%d rows, then %v", n, err)
	}
	if got := one(t, c, "select pg_backend_pid()"); got != pid {
		t.Error("the connection was not kept after an error of the server")
	}
}

func wireCloseEarly(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	db.SetMaxOpenConns(1)
	c := hold(t, db)
	pid := one(t, c, "select pg_backend_pid()")
	for range 3 {
		rows, err := query(t.Context(), b, c, "select g from generate_series(1, 1000) g")
		if err != nil || !rows.Next() || !bytes.Equal(rows.Values()[0], []byte("1")) {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil || rows.Next() {
			t.Fatalf("close: %v", err)
		}
	}
	if got := one(t, c, "select pg_backend_pid()"); got != pid {
		t.Error("a small result costs the connection")
	}
	rows, err := query(t.Context(), b, c, "select repeat('x', 1000) from generate_series(1, 20000000)")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	start := time.Now()
	if err := rows.Close(); err != nil {
		t.Errorf("cutting a large result: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("cutting a large result took %v", took)
	}
	_ = c.Close()
	if got := one(t, db, "select pg_backend_pid()"); got == pid {
		t.Error("the connection of a cut result was used again")
	}
}

func wireBusy(t *testing.T, b backend.Backend) {
	db, _ := fresh(t, b)
	c := hold(t, db)
	rows, err := query(t.Context(), b, c, "select g from generate_series(1, 1000) g")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	_, e1 := query(t.Context(), b, c, "select 1")
	_, e2 := c.ExecContext(t.Context(), "select 1")
	_, e3 := c.QueryContext(t.Context(), "select 1")
	_, e4 := c.BeginTx(t.Context(), nil)
	_, e5 := c.PrepareContext(t.Context(), "select 1")
	for i, err := range []error{e1, e2, e3, e4, e5, c.PingContext(t.Context())} {
		if err == nil || backend.CodeOf(backend.Wrap(b, "x", err)) != backend.CodeInternal {
			t.Errorf("use %d with open rows: %v", i+1, err)
		}
	}
	n := 1
	for rows.Next() {
		n++
	}
	if err := rows.Close(); err != nil || n != 1000 {
		t.Errorf("%d rows, %v", n, err)
	}
	if got := one(t, c, "select 'usable'"); got != "usable" {
		t.Error(got)
	}
}

// Allocations checks that a row of QueryWire costs none. It runs in no parallel
// test (testing.AllocsPerRun).
func Allocations(t *testing.T, b backend.Backend) {
	t.Helper()
	db, _ := fresh(t, b)
	c := hold(t, db)
	read := func(n string) func() {
		return func() {
			rows, err := query(t.Context(), b, c, "select g, repeat('x', 20), null from generate_series(1, $1::int) g", n)
			if err != nil {
				t.Error(err)
				return
			}
			for rows.Next() {
				_ = rows.Values()
			}
			if err := rows.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	few, many := testing.AllocsPerRun(20, read("10")), testing.AllocsPerRun(20, read("2010"))
	t.Logf("%v allocations per query", few)
	if per := (many - few) / 2000; per > 0.01 {
		t.Errorf("%v allocations per row (%v for 10 rows, %v for 2010)", per, few, many)
	}
}
