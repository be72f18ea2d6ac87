package backendtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/codec"
)

// typeRow is one PostgreSQL type with values in the server's own input syntax.
type typeRow struct {
	name   string // as in a cast
	values []string
	needs  string // the extension that has it; "" for none
}

var digits1000 = strings.Repeat("1234567890", 100)

// typeRows are the types that are read and bound, each with its special values.
var typeRows = []typeRow{
	{name: "bool", values: []string{"t", "f"}},
	{name: "int2", values: []string{"0", "1", "-1", "32767", "-32768"}},
	{name: "int4", values: []string{"0", "1", "-1", "2147483647", "-2147483648"}},
	{name: "int8", values: []string{"0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808"}},
	{name: "float4", values: []string{"0", "-0", "1.1", "0.1", "16777217", "3.4028235e38", "1e-45", "NaN", "Infinity", "-Infinity", "1e15", "1e-5"}},
	{name: "float8", values: []string{"0", "-0", "0.1", "1.1", "123456789.125", "1.7976931348623157e308", "5e-324", "NaN", "Infinity", "-Infinity", "1e15", "1e16", "1e-5"}},
	{name: "numeric", values: []string{"0", "0.00", "1.10", "-1.5", "100000", "10000.0001", "0.0001", "1e-20", "NaN", "Infinity", "-Infinity", digits1000, "-0." + digits1000, digits1000 + "." + digits1000}},
	{name: "money", values: []string{"0", "1.5", "-1234567.89", "92233720368547758.07"}},
	{name: "text", values: []string{"", " ", "abc", "é", "日本", "😀", `a"b\c`, "line\nbreak\ttab", "\x01\x1f\x7f", "NULL", "null", "<&>", "\u2028"}},
	{name: "varchar", values: []string{"", "abc", "é 😀", "'"}},
	{name: "bpchar", values: []string{"", "abc  ", "x"}},
	{name: `"char"`, values: []string{"", "x", "~"}},
	{name: "name", values: []string{"", "pg_class", "Ünïcode"}},
	{name: "bytea", values: []string{"", `\x00`, `\x6162`, `\xdeadbeef00ff`, `\x5c78`}},
	{name: "date", values: []string{"2024-02-29", "0001-01-01", "1999-12-31", "infinity", "-infinity", "0005-02-28 BC", "0005-02-29 BC", "4713-01-01 BC", "12345-06-07", "5874897-12-31"}},
	{name: "time", values: []string{"00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.7"}},
	{name: "timetz", values: []string{"00:00:00+00", "24:00:00-15:59", "12:34:56.789+05:30", "01:02:03-00:00:01"}},
	{name: "timestamp", values: []string{"2024-02-29 12:34:56", "2024-01-01 00:00:00.000001", "infinity", "-infinity", "0001-01-01 00:00:00", "4713-01-01 00:00:00 BC", "0044-03-15 12:00:00 BC", "12345-01-01 00:00:00", "294276-12-31 23:59:59.999999"}},
	{name: "timestamptz", values: []string{"2024-02-29 12:34:56+00", "2024-02-29 01:30:00+05:30", "1850-01-01 00:00:00+00", "infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "12345-01-01 00:00:00+00", "294276-12-31 23:59:59.999999+00"}},
	{name: "interval", values: []string{"0", "1 year 2 mons 3 days 04:05:06.789", "-1 day +02:03:04", "100000 hours", "-0.000001 s", "178000000 years"}},
	{name: "uuid", values: []string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"}},
	{name: "json", values: []string{"null", "1.10", `"x"`, `{"b": 1,  "a": 2, "b": 3}`, "[]", "9007199254740993", `{"é":"\u00e9\n"}`}},
	{name: "jsonb", values: []string{"null", "1.10", `"x"`, `{"b": 1,  "a": 2, "b": 3}`, "[]", "9007199254740993", `{"é":"\u00e9\n"}`, "1e3"}},
	{name: "jsonpath", values: []string{"$", "$.a[*] ? (@ > 1)"}},
	{name: "xml", values: []string{"<a/>", "<a>é</a>", "text"}},
	{name: "inet", values: []string{"192.168.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "::ffff:1.2.3.4"}},
	{name: "cidr", values: []string{"10.0.0.0/8", "2001:db8::/32", "192.168.1.1/32"}},
	{name: "macaddr", values: []string{"08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"}},
	{name: "macaddr8", values: []string{"08:00:2b:01:02:03:04:05"}},
	{name: "bit(4)", values: []string{"0000", "1010", "1111"}},
	{name: "varbit", values: []string{"", "1", "101", strings.Repeat("10", 40)}},
	{name: "point", values: []string{"(0,0)", "(1.5,-2)", "(NaN,Infinity)"}},
	{name: "line", values: []string{"{1,-1,0}"}},
	{name: "lseg", values: []string{"[(0,0),(1,1)]"}},
	{name: "box", values: []string{"(1,1),(0,0)"}},
	{name: "path", values: []string{"[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"}},
	{name: "polygon", values: []string{"((0,0),(1,1),(2,0))"}},
	{name: "circle", values: []string{"<(0,0),1.5>"}},
	{name: "tsvector", values: []string{"", "'a':1A 'fat':2,4 'cat'", "'it''s'"}},
	{name: "tsquery", values: []string{"'a' & ( 'b' | !'c' )", "'fat' <2> 'rat'"}},
	{name: "oid", values: []string{"0", "4294967295"}},
	{name: "xid", values: []string{"3", "4294967295"}},
	{name: "xid8", values: []string{"3", "18446744073709551615"}},
	{name: "cid", values: []string{"0", "7"}},
	{name: "tid", values: []string{"(0,1)", "(4294967295,65535)"}},
	{name: "pg_lsn", values: []string{"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"}},
	{name: "pg_snapshot", values: []string{"10:20:10,14,15", "10:10:"}},
	{name: "regclass", values: []string{"pg_class", "pg_type"}},
	{name: "regtype", values: []string{"integer", "text[]"}},
	{name: "regproc", values: []string{"now"}},
	{name: "int2vector", values: []string{"", "1 2 3"}},
	{name: "oidvector", values: []string{"", "1 2 3"}},
	{name: "int4range", values: []string{"empty", "[1,5)", "(,)", "[1,)", "(,5)"}},
	{name: "int8range", values: []string{"empty", "[1,9223372036854775807)"}},
	{name: "numrange", values: []string{"empty", "[1.10,2.0]", "(1,NaN)"}},
	{name: "daterange", values: []string{"[2024-01-01,2024-02-01)", "[-infinity,infinity)", "empty"}},
	{name: "tsrange", values: []string{`["2024-01-01 00:00:00","2024-01-02 00:00:00")`, "empty", "(,)"}},
	{name: "tstzrange", values: []string{`["2024-01-01 00:00:00+00","2024-01-02 00:00:00+00")`, "empty"}},
	{name: "int4multirange", values: []string{"{}", "{[1,3),[5,8)}", "{(,)}"}},
	{name: "nummultirange", values: []string{"{}", "{[1.1,3),[5,8]}"}},
	{name: "datemultirange", values: []string{"{[2024-01-01,2024-02-01),[2024-03-01,2024-04-01)}"}},
	{name: "tstzmultirange", values: []string{`{["2024-01-01 00:00:00+00","2024-01-02 00:00:00+00")}`}},
	{name: "mood", values: []string{"sad", "ok", `it's "fine"`}},
	{name: "positive", values: []string{"1", "2147483647"}},
	{name: "label", values: []string{"", "x", "é"}},
	{name: "pair", values: []string{"(1,a)", "(,)", `(2,"a,""b"" ")`}},
	{name: "citext", needs: "citext", values: []string{"", "AbC", "é"}},
	{name: "hstore", needs: "hstore", values: []string{"", `"a"=>"1", "b"=>NULL`, `"é"=>"\"q\""`}},
	{name: "ltree", needs: "ltree", values: []string{"Top.Science", "a"}},

	{name: "int4[]", values: []string{"{}", "{1,2,3}", "{NULL}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}", "[-1:0][2:3]={{1,2},{3,4}}"}},
	{name: "int8[]", values: []string{"{}", "{9223372036854775807,NULL}"}},
	{name: "text[]", values: []string{"{}", `{""}`, `{NULL,"NULL",null}`, `{"a,b","c\"d","e\\f","{}"," "}`, `{{a,b},{c,d}}`, "{é,😀}"}},
	{name: "bool[]", values: []string{"{t,f,NULL}"}},
	{name: "numeric[]", values: []string{"{1.10,NaN,Infinity,NULL}"}},
	{name: "float8[]", values: []string{"{0.1,NaN,-Infinity,NULL}"}},
	{name: "uuid[]", values: []string{"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}"}},
	{name: "bytea[]", values: []string{`{"\\x00","\\x6162",NULL,"\\x"}`}},
	{name: "date[]", values: []string{`{2024-02-29,infinity,NULL,"0044-03-15 BC"}`}},
	{name: "timestamptz[]", values: []string{`{"2024-02-29 12:34:56+00",infinity,NULL}`}},
	{name: "jsonb[]", values: []string{`{"{\"a\": 1}",NULL,"[null]"}`}},
	{name: "box[]", values: []string{`{(1,1),(0,0);(2,2),(1,1)}`}},
	{name: "mood[]", values: []string{`{sad,NULL,"it's \"fine\""}`}},
	{name: "pair[]", values: []string{`{"(1,a)",NULL,"(,)"}`}},
	{name: "int4range[]", values: []string{`{"[1,5)",empty,NULL}`}},
}

// typeCases are three cases for each type: read through database/sql, read in
// wire form, and bound.
func typeCases() []Case {
	var list []Case
	for _, row := range typeRows {
		id := strings.NewReplacer(`"char"`, "internal-char", "[]", "-array", "(4)", "", "_", "-").Replace(row.name)
		list = append(list,
			def("types/"+id+"/read",
				"a value of this type read as text through database/sql must become the JSON that the server itself would print",
				func(x *test) { x.readType(row, (*session).query) }),
			def("types/"+id+"/wire",
				"a value of this type taken from the wire, in the format the backend chose, must become the JSON that the server itself would print",
				func(x *test) { x.readType(row, nil) }),
			def("types/"+id+"/bind",
				"an argument of this type must reach the server as the value that was written in the request, in every wire mode",
				func(x *test) { x.bindType(row) }))
	}
	return list
}

// literals lists the values of a row as rows of SQL.
func (row typeRow) literals() string {
	list := make([]string, len(row.values))
	for i, v := range row.values {
		list[i] = "(" + strconv.Itoa(i) + ", " + quoteLiteral(v) + "::" + row.name + ")"
	}
	return "(values " + strings.Join(list, ", ") + ", (" + strconv.Itoa(len(list)) + ", null::" + row.name + ")) t (i, v)"
}

func quoteLiteral(s string) string {
	return " E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// readType compares the codec's JSON of each value with the server's to_json. In
// text, through database/sql, where read is given, else in wire form.
func (x *test) readType(row typeRow, read func(*session, string, ...any) ([][]string, error)) {
	s, typ := x.typed(row)
	want, err := s.query("select to_json(v)::text from " + row.literals() + " order by i")
	x.must("ask the server for JSON", err)
	query := "select v from " + row.literals() + " order by i"
	var got [][]string
	if read != nil {
		// format writes what the type's output function gives; a cast to text
		// changes bool, inet and char(n).
		query = "select case when num_nulls(v) = 0 then format('%s', v) end from " + row.literals() + " order by i"
		texts, err := read(s, query)
		x.must(query, err)
		for _, r := range texts {
			if r[0] == null {
				got = append(got, r)
				continue
			}
			j, err := typ.AppendJSON(nil, []byte(r[0]), codec.Text)
			x.must("decode "+r[0], err)
			got = append(got, []string{string(j)})
		}
	} else {
		got, err = s.wireAs(x, query, nil, func(t *codec.Type, cell []byte, f codec.Format) ([]byte, error) {
			if t.Name() == "" { // not built in: the wire says its OID, the suite knows the type
				t = typ
			}
			return t.AppendJSON(nil, cell, f)
		})
		x.must(query, err)
	}
	x.same("number of rows", strconv.Itoa(len(got)), strconv.Itoa(len(want)))
	for i := range want {
		x.same("JSON of "+value(row, i), got[i][0], want[i][0])
	}
}

func value(row typeRow, i int) string {
	if i == len(row.values) {
		return "NULL"
	}
	return short(row.values[i]) + "::" + row.name
}

// bindType sends each value as the server itself prints it in JSON, and asks for
// the text that the server made of it.
func (x *test) bindType(row typeRow) {
	s, typ := x.typed(row)
	want, err := s.query("select to_json(v)::text, v::text from " + row.literals() + " order by i")
	x.must("ask the server for JSON", err)
	for i, w := range want[:len(row.values)] {
		want := boundText(row.name, w[1])
		if w[0] == "null" {
			want = null // JSON's null and SQL's are one thing in an argument
		}
		arg, err := typ.Argument([]byte(w[0]))
		x.must("make an argument of "+w[0], err)
		for _, r := range x.readers() {
			got, err := r.read(s, "select ($1::"+row.name+")::text", arg)
			x.must("bind "+value(row, i)+" on "+r.name, err)
			x.same("on "+r.name+", "+value(row, i)+" as an argument", flat(got), want)
		}
	}
	got, err := s.query("select ($1::"+row.name+") is null", nil)
	x.must("bind NULL", err)
	x.same("$1 is null for a NULL argument", flat(got), "true")
}

// boundText is what the server prints for a value that went through JSON: json
// keeps its own spelling except where JSON cannot tell, the lower bounds of arrays.
func boundText(name, text string) string {
	if strings.HasSuffix(name, "[]") && strings.HasPrefix(text, "[") {
		_, text, _ = strings.Cut(text, "=")
	}
	return text
}

// typed connects and finds the codec's type for a row.
func (x *test) typed(row typeRow) (*session, *codec.Type) {
	if row.needs != "" && !x.s.has[row.needs] {
		x.notRunf("the server has no extension %s", row.needs)
	}
	s := x.borrow()
	name, _, _ := strings.Cut(row.name, "(")
	oid, err := strconv.ParseUint(s.value("select '"+name+"'::regtype::oid::text"), 10, 32)
	x.must("find the type's OID", err)
	registry, err := x.s.types()
	x.must("load types", err)
	typ := registry.Type(uint32(oid))
	if typ.Name() == "" {
		x.failf("the codec does not know type %s (OID %d)", row.name, oid)
	}
	return s, typ
}

// loadTypes reads the types of schema public, enough for the codec.
func loadTypes(ctx context.Context, db *sql.DB) (*codec.Registry, error) {
	rows, err := db.QueryContext(ctx, `
select t.oid::text, t.typname::text, t.typtype::text, case when t.typcategory = 'A' then t.typelem else 0 end::text,
  t.typbasetype::text,
  coalesce((select string_agg(e.enumlabel, E'\x01' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid), '')::text,
  coalesce((select string_agg(a.attname || E'\x02' || a.atttypid::text, E'\x01' order by a.attnum)
    from pg_attribute a where a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0), '')::text
from pg_type t where t.typnamespace = 'public'::regnamespace`)
	if err != nil {
		return nil, fmt.Errorf("load types: %w", err)
	}
	defer rows.Close()
	var infos []codec.TypeInfo
	for rows.Next() {
		var oid, name, kind, elem, base, labels, fields string
		if err := rows.Scan(&oid, &name, &kind, &elem, &base, &labels, &fields); err != nil {
			return nil, fmt.Errorf("load types: %w", err)
		}
		info := codec.TypeInfo{OID: number(oid), Schema: "public", Name: name, Kind: kind[0], Elem: number(elem), Base: number(base)}
		if labels != "" {
			info.Labels = strings.Split(labels, "\x01")
		}
		if fields != "" {
			for f := range strings.SplitSeq(fields, "\x01") {
				name, typ, _ := strings.Cut(f, "\x02")
				info.Fields = append(info.Fields, codec.FieldInfo{Name: name, OID: number(typ)})
			}
		}
		infos = append(infos, info)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("load types: %w", err)
	}
	return codec.NewRegistry(infos, codec.Options{})
}

// number reads an OID that the server printed.
func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32) // an OID by its type
	return uint32(n)
}
