package backendtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
)

// The divergence cases are the silent or destructive differences that were
// measured between lib/pq and pgx through database/sql, one or more cases a row,
// numbered as in the catalogue. Each is made equal by the seam or refused by it.

// argument makes what the product binds for a JSON value of a built-in type.
func (x *test) argument(s *session, typ, value string) any {
	arg, err := codec.Builtin().Type(number(s.value("select '" + typ + "'::regtype::oid::text"))).Argument([]byte(value))
	x.must("make an argument of "+value+" for "+typ, err)
	return arg
}

// stores binds a JSON value for a type and wants the server's text of it, on
// every path.
func (x *test) stores(s *session, typ, value, want string) {
	s.everyReader(want, "select ($1::"+typ+")::text", x.argument(s, typ, value))
}

// bindRefuses wants Bind to refuse each value.
func (x *test) bindRefuses(values ...any) {
	for _, v := range values {
		if got, err := x.Backend.Bind(v); err == nil {
			x.failf("Bind(%T %v) gives %T %v, want an error", v, v, got, got)
		}
	}
}

func divergenceArgumentCases() []Case {
	kolkata := time.FixedZone("", 5*3600+1800)
	return []Case{
		def("divergence/04-bytes-as-hex-text", "[]byte for a text lands as the text \\x6162 in some modes; an argument for anything but bytea must be a string, and land as its letters", func(x *test) {
			s := x.borrow()
			for _, typ := range []string{"text", "varchar", "name", "xml", "json", "label"} {
				value, want := `"ab"`, "ab"
				if typ == "json" {
					want = `"ab"`
				}
				arg := any(want)
				if typ != "label" {
					arg = x.argument(s, typ, value)
				}
				if _, ok := arg.(string); !ok {
					x.failf("the argument for %s is a %T, want a string", typ, arg)
				}
				s.everyReader(want, "select ($1::"+typ+")::text", arg)
			}
			if x.s.has["citext"] {
				s.everyReader("ab", "select ($1::citext)::text", "ab")
			}
			s.everyReader("ok", "select ($1::mood)::text", "ok")
		}),
		def("divergence/04a-float-cut-to-integer", "2.5 for an integer, a LIMIT or an int[] is stored as 2 by some modes, NaN as the smallest int8; the seam refuses the float and the server refuses the text", func(x *test) {
			x.bindRefuses(2.5, float32(2.5))
			for _, typ := range []string{"int2", "int4", "int8", "oid"} {
				x.codecRefusesOn(x.connectOnce(), typ, "2.5")
				x.refusedOn(x.connectOnce(), "22P02", "select ($1::"+typ+")::text", "2.5")
				x.refusedOn(x.connectOnce(), "22P02", "select ($1::"+typ+")::text", "NaN")
			}
			x.refusedOn(x.connectOnce(), "22P02", "select 1::text limit $1::int8", "2.5")
			x.refusedOn(x.connectOnce(), "22P02", "select (10 / $1::int4)::text", "2.5")
			x.refusedOn(x.connectOnce(), "22P02", "select ($1::int4[])::text", "{2.5}")
		}),
		def("divergence/04b-bytes-as-binary-format", "[]byte is read as the binary format by one mode: the text 42 becomes the int2 13362; only bytea may be given bytes", func(x *test) {
			s := x.borrow()
			for typ, value := range map[string]string{"int2": "42", "int4": "1234", "int8": "12345678", "float4": "1.5", "float8": "12345678", "date": `"2024-01-02"`, "jsonb": `{"a": 1}`, "money": `"$1.50"`} {
				arg := x.argument(s, typ, value)
				if _, ok := arg.(string); !ok {
					x.failf("the argument for %s is a %T, want a string", typ, arg)
				}
				x.stores(s, typ, value, strings.Trim(value, `"`))
			}
			x.stores(s, "bytea", `"\\x3432"`, `\x3432`)
		}),
		def("divergence/05-uuid-from-text-bytes", "36 bytes of a uuid's text become the 16 first of them; the seam binds the text", func(x *test) {
			s := x.borrow()
			x.stores(s, "uuid", `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
			x.refusedOn(s, "22P02", "select ($1::uuid)::text", "a0eebc9")
			x.bindRefuses([16]byte{0xa0, 0xee})
		}),
		def("divergence/06-array-from-bytes", "the bytes of {1,2} become an array of five numbers, and = any($1) finds nothing; the seam binds the text", func(x *test) {
			s := x.borrow()
			x.stores(s, "int4[]", "[1,2]", "{1,2}")
			x.stores(s, "numeric[]", "[1.50,null]", "{1.50,NULL}")
			s.everyReader("1; 2", "select g::text from generate_series(1, 3) g where g = any($1::int4[]) order by g", x.argument(s, "int4[]", "[1,2]"))
			x.bindRefuses([]int64{1, 2}, [][]byte{[]byte("1")})
		}),
		def("divergence/07-two-dimensions", "a two-dimensional array is flattened and its bounds are lost where a driver parses the text again", func(x *test) {
			s := x.borrow()
			x.stores(s, "int4[]", "[[1,2],[3,4]]", "{{1,2},{3,4}}")
			s.everyReader("[0:1]={5,6}|[0:1]", "select ($1::int4[])::text, array_dims($1::int4[])", "[0:1]={5,6}")
			x.bindRefuses([][]int64{{1, 2}, {3, 4}})
		}),
		def("divergence/08-time-with-a-zone", "01:30+05:30 is stored as the day before by some modes; a time.Time is refused, and text means what the server reads in it", func(x *test) {
			x.bindRefuses(time.Date(2024, 2, 29, 1, 30, 0, 0, kolkata))
			s := x.borrow()
			s.everyReader("2024-02-29|2024-02-29 01:30:00|2024-02-28 20:00:00+00",
				"select ($1::date)::text, ($2::timestamp)::text, ($3::timestamptz)::text", "2024-02-29 01:30:00+05:30", "2024-02-29 01:30:00+05:30", "2024-02-29 01:30:00+05:30")
			s.everyReader("01:30:00+05:30", "select ($1::timetz)::text", "01:30:00+05:30")
		}),
		def("divergence/09-duration", "one second is stored as 277,777 hours by one driver; a time.Duration is refused, an interval is text", func(x *test) {
			x.bindRefuses(time.Second)
			x.borrow().everyReader("00:00:01|48:00:00", "select ($1::interval)::text, ($2::interval)::text", "1 second", "48 hours")
		}),
		def("divergence/10-below-a-microsecond", "one driver rounds 23:59:59.9999999 into next year, the other cuts it; the codec refuses it, and text is rounded by the server alone", func(x *test) {
			s := x.borrow()
			x.codecRefusesOn(s, "timestamptz", `"2024-12-31T23:59:59.9999999+00:00"`)
			s.everyReader("2025-01-01 00:00:00+00", "select ($1::timestamptz)::text", "2024-12-31 23:59:59.9999999+00")
			x.bindRefuses(time.Date(2024, 12, 31, 23, 59, 59, 999999900, time.UTC))
		}),
		def("divergence/11-stringer", "time.February is stored as 2 or as February; a type with methods is refused", func(x *test) {
			x.bindRefuses(time.February, enumLike(1), new(enumLike))
			x.borrow().everyReader("2", "select $1::text", "2")
		}),
		def("divergence/12-string-for-bytea", `the string \x4142 is six bytes for one driver and two for the other; the seam binds bytes`, func(x *test) {
			s := x.borrow()
			arg := x.argument(s, "bytea", `"\\x4142"`)
			if b, ok := arg.([]byte); !ok || string(b) != "AB" {
				x.failf("the argument for bytea is %T %v, want the bytes AB", arg, arg)
			}
			s.everyReader(`\x4142|2`, "select ($1::bytea)::text, length($1::bytea)::text", arg)
		}),
		def("divergence/21-string-slice-for-json", "an empty []string is {} for one driver and [] for the other; the seam refuses it, an empty list is []", func(x *test) {
			x.bindRefuses([]string{})
			s := x.borrow()
			x.stores(s, "jsonb", "[]", "[]")
			x.stores(s, "json", "[]", "[]")
			x.stores(s, "text[]", "[]", "{}")
		}),
		def("divergence/22-bool-for-text", "true is stored as true or as t, or refused; the seam and the codec refuse it for a text", func(x *test) {
			x.bindRefuses(true)
			s := x.borrow()
			x.codecRefusesOn(s, "text", "true")
			x.stores(s, "bool", "true", "true")
			x.stores(s, "text", `"true"`, "true")
		}),
		def("divergence/28-leap-day-bc", "29 February 5 BC is stored as 1 March by one driver; as text it is the day that it is", func(x *test) {
			s := x.borrow()
			x.stores(s, "date", `"0005-02-29 BC"`, "0005-02-29 BC")
			x.bindRefuses(time.Date(-4, 2, 29, 0, 0, 0, 0, time.UTC))
		}),
		def("divergence/30-garbage-for-bits", "abc for a varbit is stored as 000 by some modes; as text the server refuses it", func(x *test) {
			s := x.borrow()
			x.refusedOn(s, "22P02", "select ($1::varbit)::text", "abc")
			x.refusedOn(s, "22P02", "select ($1::point)::text", "(1,2)x")
			x.stores(s, "varbit", `"101"`, "101")
			x.codecRefusesOn(s, "varbit", `"abc"`)
		}),
	}
}

// codecRefusesOn is codecRefuses on a session that is there.
func (x *test) codecRefusesOn(s *session, name, value string) {
	oid := number(s.value("select '" + name + "'::regtype::oid::text"))
	if got, err := codec.Builtin().Type(oid).Argument([]byte(value)); err == nil {
		x.failf("the argument %s for %s becomes %v, want an error", value, name, got)
	}
}

// refusedOn is refusedByServer on a session that is there.
func (x *test) refusedOn(s *session, state, query string, args ...any) {
	for _, r := range x.readers() {
		got, err := r.read(s, query, args...)
		if err == nil {
			x.failf("%s: %s with %q gives %s, want SQLSTATE %s", r.name, query, args, short(flat(got)), state)
		}
		x.hasState(r.name+": "+query, err, state)
	}
}

// anyCell is a Scanner that takes a value as whatever a driver made of it.
type anyCell struct{ v any }

// Scan keeps a copy: bytes are the driver's until the next row.
func (c *anyCell) Scan(v any) error {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	c.v = v
	return nil
}

// awkward are values that the drivers hand to database/sql as different Go types.
var awkward = []string{
	"1.10::numeric", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "'ok'::mood", "'{1,NULL}'::int4[]", "'{a,\"b c\"}'::text[]",
	"'10.0.0.1'::inet", "'1 day'::interval", "'[1,5)'::int4range", "'(1,2)'::point", "'101'::varbit",
}

func divergenceResultCases() []Case {
	return []Case{
		def("divergence/16-merge-rows-affected", "MERGE reports 0 rows on one driver: a max_affected guard would never strike", func(x *test) {
			x.prepare(affectedSetup...)
			s := x.borrow()
			n, err := s.exec("merge into t using m on t.id = m.id when matched then update set n = m.n when not matched then insert values (m.id, m.n)")
			x.must("merge", err)
			x.same("rows affected", fmt.Sprint(n), "2")
			n, err = s.exec("merge into t using (select $1::int4 id) s on t.id = s.id when matched then delete", "1")
			x.must("merge with an argument", err)
			x.same("rows affected", fmt.Sprint(n), "1")
		}),
		def("divergence/20-several-results", "of several statements in one string some modes return the first result, some the last, some none; the seam refuses them and runs nothing", func(x *test) {
			x.prepare("create table t (id int4)")
			s := x.borrow()
			for _, q := range []string{"select 1::text; select 2::text", "insert into t values (1); select 'x'::text", "create table made (id int4); insert into made values (1); select id::text from made"} {
				for _, v := range x.verbs() {
					x.hasState(v.name+": "+q, v.run(s, x, q), "42601")
				}
			}
			x.same("rows stored", x.observe("select count(*)::text from t"), "0")
			x.same("tables made", x.observe("select count(*)::text from pg_class where relname = 'made'"), "0")
		}),
		def("divergence/23-float4-widened", "1.1 as real is 1.100000023841858 through one driver; the codec writes what the server prints", func(x *test) {
			x.readType(typeRow{name: "float4", values: []string{"1.1", "0.1", "3.3", "16777216", "1e-45"}}, nil)
			x.readType(typeRow{name: "float4", values: []string{"1.1", "0.1", "3.3", "16777216", "1e-45"}}, (*session).query)
		}),
		def("divergence/25-empty-value", "an empty value that is not NULL reads as NULL through sql.RawBytes; wire cells tell them apart for every type", func(x *test) {
			s := x.borrow()
			columns := "''::text, ''::varchar, ''::bytea, ''::varbit, ''::tsvector, ''::xml"
			if x.s.has["hstore"] {
				columns += ", ''::hstore"
			}
			got, err := s.wireAs(x, "select "+columns, nil, func(t *codec.Type, cell []byte, f codec.Format) ([]byte, error) {
				if f == codec.Text && t.Name() != "bytea" && len(cell) != 0 {
					return nil, fmt.Errorf("%s is %q, want nothing", t, cell)
				}
				return []byte("there"), nil
			})
			x.must("read", err)
			if flat := flat(got); strings.Contains(flat, null) {
				x.failf("an empty value reads as NULL: %s", flat)
			}
		}),
		def("divergence/26-scanner-of-bytes", "a Scanner that expects []byte panics on one driver for a numeric, uuid, enum or array, and QueryRow then hangs; in wire form every cell is bytes, and one Scanner that takes both reads every type", func(x *test) {
			s := x.borrow()
			for _, v := range awkward {
				want := s.value("select format('%s', " + v + ")")
				var cell anyCell
				x.must("scan "+v, s.conn.QueryRowContext(x, "select "+v).Scan(&cell))
				x.same(v+" through a Scanner", fmt.Sprint(cell.v), want)
				if _, ok := x.Backend.(backend.WireQuerier); ok {
					rows, err := s.wireAs(x, "select "+v, nil, func(t *codec.Type, cell []byte, f codec.Format) ([]byte, error) { return t.AppendText(nil, cell, f) })
					x.must("read "+v, err)
					x.same(v+" in wire form", flat(rows), want)
				}
			}
		}),
		def("divergence/27-base64-in-json", "values scanned into any come out of json.Marshal as base64 on one driver; the codec writes what to_json says", func(x *test) {
			s := x.borrow()
			for _, v := range awkward {
				want := s.value("select to_json(" + v + ")::text")
				rows, err := s.wireAs(x, "select "+v, nil, func(t *codec.Type, cell []byte, f codec.Format) ([]byte, error) {
					return t.AppendJSON(nil, cell, f)
				})
				x.must("read "+v, err)
				x.same("JSON of "+v, flat(rows), want)
				if !json.Valid([]byte(rows[0][0])) {
					x.failf("%s is no JSON: %s", v, rows[0][0])
				}
			}
		}),
	}
}
