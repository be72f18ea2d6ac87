package backendtest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

// wireRows opens rows in wire form.
func (s *session) wireRows(ctx context.Context, query string, args ...any) backend.WireRows {
	w, ok := s.x.Backend.(backend.WireQuerier)
	if !ok {
		s.x.notRunf("the backend is no WireQuerier")
	}
	bound, err := s.x.bind(args)
	s.x.must("bind", err)
	rows, err := w.QueryWire(ctx, s.conn, query, bound)
	s.x.must(query, err)
	return rows
}

func resultCases() []Case {
	return []Case{
		def("results/column-names", "a column keeps the name that the statement gave it: duplicates, folding, quotes and all", func(x *test) {
			s := x.borrow()
			query := `select 1 a, 2 a, 3 "A b", 4 as ABC, 5 "é""x", 6, 7 as "` + strings.Repeat("n", 70) + `", count(*) from (select 1) q`
			want := `[a a A b abc é"x ?column? ` + strings.Repeat("n", 63) + ` count]`
			rows, err := s.conn.QueryContext(x, query)
			x.must("query", err)
			names, err := rows.Columns()
			x.must("columns", err)
			x.must("close", rows.Close())
			x.same("database/sql", fmt.Sprint(names), want)
			wire := s.wireRows(x, query)
			names = names[:0]
			for _, c := range wire.Columns() {
				names = append(names, c.Name)
			}
			x.must("close", wire.Close())
			x.same("QueryWire", fmt.Sprint(names), want)
		}),
		def("results/column-types", "a column says its type by OID: by it the value is decoded", func(x *test) {
			rows := x.borrow().wireRows(x, "select 1::int2, 1::int8, 'x'::text, '{}'::int4[], null::uuid, now(), 'x'::varchar(3), 1.5")
			var oids []string
			for _, c := range rows.Columns() {
				oids = append(oids, strconv.Itoa(int(c.OID)))
			}
			x.must("close", rows.Close())
			x.same("OIDs", strings.Join(oids, " "), "21 20 25 1007 2950 1184 1043 1700")
		}),
		def("results/columns-before-rows", "columns are known before the first row, and where there is no row", func(x *test) {
			s := x.borrow()
			rows := s.wireRows(x, "select 1 a, 'x' b where false")
			x.same("columns", strconv.Itoa(len(rows.Columns())), "2")
			if rows.Next() {
				x.failf("there is a row")
			}
			x.must("rows", rows.Err())
			x.same("columns afterwards", strconv.Itoa(len(rows.Columns())), "2")
			x.must("close", rows.Close())
		}),
		def("results/no-columns", "a statement without a result has no columns and no rows, and has run", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			rows := s.wireRows(x, "insert into t values (1)")
			x.same("columns", strconv.Itoa(len(rows.Columns())), "0")
			if rows.Next() {
				x.failf("there is a row")
			}
			x.must("close", rows.Close())
			x.same("rows stored", x.observe("select count(*)::text from t"), "1")
		}),
		def("results/insert-returning", "RETURNING gives its rows on every path", func(x *test) {
			x.prepare("create table t (id int4 generated always as identity, v text)")
			s := x.borrow()
			for i, r := range x.readers() {
				rows, err := r.read(s, "insert into t (v) values ($1::text), ('b') returning id::text, v", "a")
				x.must(r.name, err)
				x.same(r.name, flat(rows), fmt.Sprintf("%d|a; %d|b", 2*i+1, 2*i+2))
			}
		}),
		def("results/close-early-small", "rows left in the middle leave a usable connection", func(x *test) {
			s := x.borrow()
			rows := s.wireRows(x, "select g::text from generate_series(1, 100) g")
			rows.Next()
			x.must("close", rows.Close())
			s.everyReader("next", "select 'next'::text")
		}),
		def("results/close-early-big", "a big result may be left without reading it to its end, and the pool goes on", func(x *test) {
			s := x.connect()
			rows := s.wireRows(x, "select repeat('x', 1000) from generate_series(1, 2000000)") // 2 GB
			rows.Next()
			x.must("close", rows.Close())
			x.idle("the end of the statement on the server")
			_ = s.conn.Close()
			x.connect().everyReader("next", "select 'next'::text")
		}),
		def("results/close-early-sql", "the same through database/sql", func(x *test) {
			s := x.borrow()
			rows, err := s.conn.QueryContext(x, "select repeat('x', 1000) from generate_series(1, 20000)")
			x.must("query", err)
			rows.Next()
			x.must("close", rows.Close())
			_ = s.conn.Close()
			x.borrow().everyReader("next", "select 'next'::text")
		}),
		def("results/close-before-next", "rows may be closed before the first Next", func(x *test) {
			s := x.borrow()
			x.must("close", s.wireRows(x, "select g from generate_series(1, 10) g").Close())
			s.everyReader("next", "select 'next'::text")
		}),
		def("results/close-twice", "a second Close does nothing, and Next after Close is false", func(x *test) {
			s := x.borrow()
			rows := s.wireRows(x, "select g from generate_series(1, 10) g")
			rows.Next()
			x.must("close", rows.Close())
			x.must("close again", rows.Close())
			if rows.Next() {
				x.failf("Next after Close is true")
			}
			s.everyReader("next", "select 'next'::text")
		}),
		def("results/next-after-end", "Next stays false at the end", func(x *test) {
			s := x.borrow()
			rows := s.wireRows(x, "select 1")
			if !rows.Next() || rows.Next() || rows.Next() {
				x.failf("one row is not true, false, false")
			}
			x.must("rows", rows.Err())
			x.must("close", rows.Close())
		}),
		def("results/error-after-rows", "an error in the middle comes after the rows before it, and is not lost", func(x *test) {
			s := x.borrow()
			for _, r := range x.readers() {
				rows, err := r.read(s, "select (1000 / (1000 - g))::text from generate_series(1, 1000) g")
				x.isError(r.name, err, wants{input, "22012"})
				if len(rows) >= 1000 {
					x.failf("%s: %d rows", r.name, len(rows))
				}
			}
			s.everyReader("next", "select 'next'::text")
		}),
		def("results/error-at-the-end", "an error after the last row is an error of the rows", func(x *test) {
			x.prepare("create table p (id int4 primary key)", "create table t (p int4 references p deferrable initially immediate)")
			s := x.borrow()
			for _, r := range x.readers() {
				_, err := r.read(s, "insert into t values (7) returning p::text")
				x.isError(r.name, err, wants{constraint, "23503"})
			}
		}),
		def("results/ten-thousand", "10,000 rows come in order and whole", func(x *test) {
			s := x.borrow()
			for _, r := range x.readers() {
				rows, err := r.read(s, "select v::text, md5(v::text) from generate_series(1, 10000) t (v) order by t.v")
				x.must(r.name, err)
				x.same(r.name+": rows", strconv.Itoa(len(rows)), "10000")
				for i, row := range rows {
					if row[0] != strconv.Itoa(i+1) || len(row[1]) != 32 {
						x.failf("%s: row %d is %q", r.name, i, row)
					}
				}
			}
		}),
		def("results/wide", "1,664 columns, the most that there can be", func(x *test) {
			s := x.borrow()
			for _, r := range x.readers() {
				rows, err := r.read(s, "select "+strings.TrimSuffix(strings.Repeat("'x'::text,", 1664), ","))
				x.must(r.name, err)
				x.same(r.name+": columns", strconv.Itoa(len(rows[0])), "1664")
			}
		}),
		def("results/large-value", "a value of 4 MB arrives whole", func(x *test) {
			s := x.borrow()
			for _, r := range x.readers() {
				rows, err := r.read(s, "select repeat('é', 2097152)")
				x.must(r.name, err)
				if want := strings.Repeat("é", 2097152); rows[0][0] != want {
					x.failf("%s: %d bytes, want %d equal ones", r.name, len(rows[0][0]), len(want))
				}
			}
		}),
		def("results/values-stay-until-next", "Values are valid until the next call: a row must not change under its reader", func(x *test) {
			rows := x.borrow().wireRows(x, "select repeat(chr(64 + g), 100), g::text from generate_series(1, 26) g")
			for n := 1; rows.Next(); n++ {
				first := rows.Values()
				kept := bytes.Clone(first[0])
				_ = rows.Columns()
				again := rows.Values()
				if !bytes.Equal(again[0], kept) || !bytes.Equal(first[0], kept) || string(kept) != strings.Repeat(string(rune(64+n)), 100) {
					x.failf("row %d is %q and then %q", n, kept, again[0])
				}
			}
			x.must("rows", rows.Err())
			x.must("close", rows.Close())
		}),
		def("results/streams", "a row must be handed over while the server still works on later ones: a result is never collected first", func(x *test) {
			s := x.connect()
			ctx, cancel := context.WithCancel(x)
			defer cancel()
			rows := s.wireRows(ctx, "select repeat('x', 1000) from generate_series(1, 100) union all select pg_sleep(60)::text")
			if !rows.Next() {
				x.failf("no first row: %w", orNil(rows.Err()))
			}
			x.sleeping()
			cancel()
			_ = x.within(5*time.Second, "leaving the rows", rows.Close)
			x.idle("the end of the statement on the server")
		}),
	}
}
