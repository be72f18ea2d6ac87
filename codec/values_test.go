package codec_test

import "strings"

// typeValues are texts of one type: 8 at least, the special ones among them.
type typeValues struct {
	typ    string   // name for a cast, as format_type prints it
	values []string // texts that the type's input function takes
}

var long = strings.Repeat("0123456789", 100)

// allValues covers every type that can have values; TestValuesCoverTypes sees to it.
var allValues = []typeValues{
	{typ: "boolean", values: []string{"t", "f", "true", "false", "1", "0", "yes", "off"}},
	{typ: "bytea", values: []string{"", `\x00`, `\xff`, `\x5c78`, "abc", `\x22`, `\xc3a9`, `\x0a0d`, `\x` + long}},
	{typ: `"char"`, values: []string{"", "a", `"`, `\`, "'", " ", `\377`, `\200`, "~"}},
	{typ: "name", values: []string{"", "a", "A b", `"q"`, `b\s`, "é", "日本", strings.Repeat("x", 63)}},
	{typ: "bigint", values: []string{"0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993", "42", "1000000000000"}},
	{typ: "smallint", values: []string{"0", "1", "-1", "32767", "-32768", "255", "256", "-129"}},
	{typ: "integer", values: []string{"0", "1", "-1", "2147483647", "-2147483648", "65536", "-65537", "1000000"}},
	{typ: "int2vector", values: []string{"", "0", "1", "1 2", "-1 32767", "-32768", "1 2 3 4 5", "0 0 0"}},
	{typ: "oidvector", values: []string{"", "0", "1", "1 2", "4294967295 1", "16384", "1 2 3 4 5", "0 0 0"}},
	{typ: "text", values: []string{
		"", " ", "null", "NULL", `"quoted"`, `back\slash`, "a,b", "{a}", "(a)", "tab\tnew\nline\rcr", "\b\f\v\x01\x1f\x7f",
		"é日本𝄞", "a/b", "  both  ", "'", "=>", "\\\"", "\u2028\u2029", "eight888", "seven77\"", "sixteen666666666\n", long,
	}},
	{typ: "character varying", values: []string{"", " ", "null", `"q"`, `b\s`, "a,b", "é", "line\nline"}},
	{typ: "character(5)", values: []string{"", "a", "ab", "abcde", "é", `"`, `\`, "a b"}},
	{typ: "bpchar", values: []string{"", "a", "ab  ", "abcde", "é", `"`, `\`, "a b"}},
	{typ: "oid", values: []string{"0", "1", "42", "16384", "2147483647", "2147483648", "4294967295", "100000"}},
	{typ: "xid", values: []string{"0", "1", "2", "3", "42", "2147483648", "4294967295", "1000"}},
	{typ: "cid", values: []string{"0", "1", "2", "3", "42", "2147483648", "4294967295", "1000"}},
	{typ: "xid8", values: []string{"0", "1", "3", "42", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615"}},
	{typ: "tid", values: []string{"(0,0)", "(0,1)", "(1,2)", "(4294967295,65535)", "(7,9)", "(100,1)", "(2147483648,3)", "(5,32768)"}},
	{typ: "regclass", values: []string{"pg_class", "pg_type", "0", "12345678", "pg_proc", "pg_index", "pg_namespace", "information_schema.tables"}},
	{typ: "regtype", values: []string{"integer", "text", "0", "12345678", "timestamp with time zone", "integer[]", `"char"`, "character varying"}},
	{typ: "regproc", values: []string{"now", "0", "12345678", "pg_catalog.version", "textin", "int4in", "byteain", "boolin"}},
	{typ: "regprocedure", values: []string{"now()", "0", "12345678", "abs(integer)", "lower(text)", "length(bytea)", "textin(cstring)", "version()"}},
	{typ: "regoper", values: []string{"||/", "|/", "0", "12345678", "*<>", "#-", "!!", "@?"}},
	{typ: "regoperator", values: []string{"+(integer,integer)", "0", "12345678", "*(integer,integer)", "||(text,text)", "=(text,text)", "-(none,integer)", "<(text,text)"}},
	{typ: "regconfig", values: []string{"english", "simple", "german", "french", "0", "12345678", "spanish", "italian"}},
	{typ: "regdictionary", values: []string{"simple", "english_stem", "german_stem", "french_stem", "0", "12345678", "spanish_stem", "danish_stem"}},
	{typ: "regnamespace", values: []string{"pg_catalog", "public", "information_schema", "pg_toast", "0", "12345678", "1", "99"}},
	{typ: "regrole", values: []string{"pg_monitor", "pg_read_all_data", "pg_write_all_data", "pg_signal_backend", "0", "12345678", "1", "99"}},
	{typ: "regcollation", values: []string{`"C"`, `"POSIX"`, `"default"`, "ucs_basic", "0", "12345678", "1", "99"}},
	{typ: "json", values: []string{
		"null", "true", `"a"`, "1.50", `{"a":1,"a":2}`, `  { "b" : [1, 2 ] }  `, "[]", "{}", `"\u0041\n"`, "9007199254740993", "1e400", `"\u0000"`, "{\"a\":\n\t1}",
		`"é\"\\"`,
	}},
	{typ: "jsonb", values: []string{
		"null", "true", `"a"`, "1.50", `{"b":1,"a":2}`, `[1,{"x":null}]`, "[]", "{}", `"\u0041\n"`, "9007199254740993", "1e40", `{"a_b":{"c_d":[{"e_f":1}]}}`,
		`"é\"\\\u0001"`, "-0", "1.000",
	}},
	{typ: "xml", values: []string{"<a/>", "<a>b</a>", "text", "", "<a b=\"c\"/>", "<?xml version=\"1.0\"?><a/>", "<é/>", "<a>\n&lt;</a>"}},
	{typ: "point", values: []string{"(0,0)", "(1.5,-2.25)", "(1e300,-1e-300)", "(NaN,Infinity)", "(-Infinity,0)", "(-0,0.1)", "(1e23,1e15)", "(123456789,1e-5)"}},
	{typ: "lseg", values: []string{"[(0,0),(1,1)]", "[(1.5,2),(3,4)]", "[(-1,-1),(0,0)]", "[(1e20,1),(1,1e-20)]", "[(0,0),(0,0)]", "[(NaN,1),(1,1)]", "[(Infinity,1),(1,-Infinity)]", "[(0.1,0.2),(0.3,0.4)]"}},
	{typ: "path", values: []string{"[(0,0)]", "((0,0))", "[(0,0),(1,1)]", "((0,0),(1,1),(2,0))", "[(1.5,2.5)]", "((1e20,1))", "[(NaN,0)]", "((-1,-1),(-2,-2))"}},
	{typ: "box", values: []string{"(1,1),(0,0)", "(0,0),(1,1)", "(1.5,2),(3,4)", "(1e20,1),(1,1)", "(-1,-1),(-2,-2)", "(0,0),(0,0)", "(Infinity,1),(0,0)", "(0.1,0.2),(0.3,0.4)"}},
	{typ: "polygon", values: []string{"((0,0))", "((0,0),(1,1))", "((0,0),(1,1),(2,0))", "((1.5,2.5),(3,4))", "((1e20,1))", "((-1,-1),(-2,-2))", "((0,0),(0,0),(0,0))", "((0.1,0.2),(0.3,0.4))"}},
	{typ: "line", values: []string{"{1,2,3}", "{0,1,0}", "{-1,0,2.5}", "{1e20,1,1}", "{0.1,0.2,0.3}", "{1,-1,0}", "{1,1,1}", "{-5,-6,-7}"}},
	{typ: "circle", values: []string{"<(0,0),0>", "<(1,2),3>", "<(1.5,2.5),3.5>", "<(-1,-1),1e20>", "<(0,0),Infinity>", "<(NaN,0),1>", "<(0.1,0.2),0.3>", "<(1e-7,0),1>"}},
	{typ: "cidr", values: []string{"10.0.0.0/8", "192.168.0.0/24", "1.2.3.4/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "::1/128", "::ffff:1.2.3.0/120"}},
	{typ: "inet", values: []string{
		"10.0.0.1", "10.0.0.1/8", "0.0.0.0", "255.255.255.255", "::", "::1", "::1.2.3.4", "::ffff:1.2.3.4", "2001:db8::1/64", "fe80::1:0:0:1",
		"1:0:0:2:0:0:0:3", "1:2:3:4:5:6:7:8", "1:0:3:4:5:6:7:8", "0:0:1::", "1::", "::ffff:0:0", "0:0:0:0:0:0:1:0",
	}},
	{typ: "macaddr", values: []string{"08:00:2b:01:02:03", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "08-00-2b-01-02-03", "08002b:010203", "0800.2b01.0203", "08002b010203", "aB:cD:eF:01:23:45"}},
	{typ: "macaddr8", values: []string{"08:00:2b:01:02:03:04:05", "00:00:00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff:ff:ff", "08002b0102030405", "08:00:2b:01:02:03", "0800.2b01.0203.0405", "08-00-2b-01-02-03-04-05", "aB:cD:eF:01:23:45:67:89"}},
	{typ: "real", values: []string{
		"0", "-0", "1.1", "NaN", "Infinity", "-Infinity", "3.4028235e38", "1.1754944e-38", "1e-45", "123456", "1e6", "1234567", "0.0001", "0.00001", "16777216", "16777217",
		"9.999999e9", "33554432", "8388608.5", "2.5e15",
	}},
	{typ: "double precision", values: []string{
		"0", "-0", "0.1", "NaN", "Infinity", "-Infinity", "1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "1e15", "999999999999999", "123456789012345.6",
		"0.0001", "0.00001", "1e23", "9007199254740993", "1e22", "-1.5e-7", "100", "1e21", "3.0000000000000004", "2e23", "1.2345678901234567e100",
	}},
	{typ: "money", values: []string{"0", "1", "-1", "1234.56", "-1234567.89", "92233720368547758.07", "-92233720368547758.08", "0.01", "-0.99", "999.99", "1000"}},
	{typ: "numeric", values: []string{
		"0", "0.00", "1", "-1.50", "NaN", "Infinity", "-Infinity", "12345678901234567890.12345678901234567890", "1e-10", "0.0001", "10000", "100000000", "1e100",
		"0.00000000000000000001", "9999.9999", "-0.5", "1000000000000000000000.000", long, "0." + long, "1e-16383", "1e131071", long + "." + long,
	}},
	{typ: "date", values: []string{
		"2024-02-29", "1970-01-01", "2000-01-01", "1999-12-31", "infinity", "-infinity", "0001-01-01", "0001-12-31 BC", "0044-03-15 BC", "4714-11-24 BC", "5874897-12-31", "10000-01-01",
		"0005-02-28 BC", "1582-10-10", "1900-02-28", "2100-03-01",
	}},
	{typ: "time without time zone", values: []string{"00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.7", "01:02:03.000001", "12:00", "00:00:00.1", "04:05:06.123456"}},
	{typ: "time with time zone", values: []string{"00:00:00+00", "23:59:59.999999-15:59", "24:00:00+05:30", "12:34:56.7+15:59:59", "01:02:03.000001-00:00:01", "12:00Z", "00:00-08", "04:05:06+13"}},
	{typ: "timestamp without time zone", values: []string{
		"2024-02-29 12:34:56.789", "1970-01-01", "2000-01-01 00:00:00.000001", "1999-12-31 23:59:59.999999", "infinity", "-infinity", "0044-03-15 01:02:03 BC",
		"4714-11-24 BC", "294276-12-31 23:59:59.999999", "10000-01-01", "0001-01-01", "2024-01-01 24:00:00",
	}},
	{typ: "timestamp with time zone", values: []string{
		"2024-02-29 12:34:56.789+05:30", "1970-01-01 00:00+00", "2000-01-01 00:00:00.000001+00", "1999-12-31 23:59:59.999999-08", "infinity", "-infinity", "0044-03-15 01:02:03+00 BC",
		"4714-11-24 00:00+00 BC", "294276-12-31 23:59:59.999999+00", "10000-01-01+00", "0001-01-01+00", "2024-01-01T01:02:03Z",
	}},
	{typ: "interval", values: []string{
		"0", "1 year", "-1 year", "1 mon", "2 mons -3 days", "-1 days +02:03:04", "1 day", "04:05:06.789", "-04:05:06.789", "1 year 2 mons 3 days 04:05:06.000001", "-1 year -2 mons +3 days -04:05:06",
		"178000000 years", "-178000000 years", "100000:00:00", "1 mon -00:00:01", "-0.000001 seconds", "11 mons", "-13 mons",
	}},
	{typ: "bit", values: []string{"0", "1", "01", "10101010", "111111111", "0000000000000000", long[:2] + "1", "1111111100000000"}},
	{typ: "bit varying", values: []string{"", "0", "1", "01", "10101010", "111111111", "0000000000000000", "1111111100000000"}},
	{typ: "uuid", values: []string{
		"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
		"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "12345678-90ab-cdef-1234-567890abcdef",
	}},
	{typ: "refcursor", values: []string{"", "a", "a b", `"q"`, `b\s`, "é", "null", "c1"}},
	{typ: "txid_snapshot", values: []string{"1:1:", "1:2:1", "10:20:10,14,15", "1:9223372036854775807:", "5:5:", "10:12:11", "3:9:4,5,6,7,8", "100:200:150"}},
	{typ: "pg_snapshot", values: []string{"1:1:", "1:2:1", "10:20:10,14,15", "1:9223372036854775807:", "5:5:", "10:12:11", "3:9:4,5,6,7,8", "100:200:150"}},
	{typ: "pg_lsn", values: []string{"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF", "0/1", "1/0", "a/b", "0/00000010", "12345678/9ABCDEF0"}},
	{typ: "aclitem", values: []string{"=r/pg_monitor", "=arwd/pg_monitor", "pg_monitor=r/pg_monitor", "pg_monitor=r*w/pg_monitor", "=U/pg_monitor", "=X/pg_monitor", "=c/pg_monitor", "=/pg_monitor"}},
	{typ: "tsvector", values: []string{"", "a", "a:1", "a:1A,2B,3C,4D b", "'it''s':1", `'back\\slash'`, "é:16383", "'a b':1 'c d'", `'"q"'`}},
	{typ: "tsquery", values: []string{"", "a", "a & b", "a | b & c", "!a", "a <-> b", "a <2> b", "'it''s':*A", "(a | b) & c"}},
	{typ: "jsonpath", values: []string{"$", "$.a", `$."a b"`, "$[*]", "strict $.a", "$.a ? (@ > 1)", `$ ? (@ like_regex "^a")`, "$.é"}},
	{typ: "int4range", values: []string{"empty", "(,)", "[1,5)", "[1,5]", "(,5)", "[1,)", "[-5,-1)", "[2147483646,2147483647)"}},
	{typ: "int8range", values: []string{"empty", "(,)", "[1,5)", "[1,5]", "(,5)", "[1,)", "[-5,-1)", "[9007199254740993,9223372036854775807)"}},
	{typ: "numrange", values: []string{"empty", "(,)", "[1.5,5)", "[1,5]", "(,5)", "[1,)", "[-5.50,-1)", "[NaN,]", "(-Infinity,Infinity)"}},
	{typ: "tsrange", values: []string{"empty", "(,)", "[2024-01-01,2024-01-02)", "[2024-01-01 01:02:03.4,infinity)", "(,2024-01-01]", "[2024-01-01,)", "[0044-03-15 BC,2024-01-01)", "[-infinity,infinity]"}},
	{typ: "tstzrange", values: []string{"empty", "(,)", "[2024-01-01 00:00+05:30,2024-01-02 00:00+00)", "[2024-01-01 01:02:03.4+00,infinity)", "(,2024-01-01 00:00+00]", "[2024-01-01 00:00+00,)", "[0044-03-15 00:00+00 BC,2024-01-01 00:00+00)", "[-infinity,infinity]"}},
	{typ: "daterange", values: []string{"empty", "(,)", "[2024-01-01,2024-01-02)", "[2024-01-01,infinity)", "(,2024-01-01]", "[2024-01-01,)", "[0044-03-15 BC,2024-01-01)", "[-infinity,infinity]"}},
	{typ: "int4multirange", values: []string{"{}", "{[1,2)}", "{[1,2),[5,6)}", "{(,)}", "{(,1),[5,)}", "{empty}", "{[1,5),[3,9)}", "{[-5,-1)}"}},
	{typ: "int8multirange", values: []string{"{}", "{[1,2)}", "{[1,2),[5,6)}", "{(,)}", "{(,1),[5,)}", "{empty}", "{[1,5),[3,9)}", "{[9007199254740993,9223372036854775807)}"}},
	{typ: "nummultirange", values: []string{"{}", "{[1,2)}", "{[1.50,2),[5,6)}", "{(,)}", "{(,1),[5,)}", "{empty}", "{[1,5),[3,9)}", "{[NaN,]}"}},
	{typ: "tsmultirange", values: []string{"{}", "{[2024-01-01,2024-01-02)}", "{(,2024-01-01),[2025-01-01,)}", "{(,)}", "{empty}", "{[2024-01-01 01:02:03.4,infinity)}", "{[0044-03-15 BC,2024-01-01)}", "{[2020-01-01,2021-01-01],[2022-01-01,2023-01-01]}"}},
	{typ: "tstzmultirange", values: []string{"{}", "{[2024-01-01 00:00+00,2024-01-02 00:00+00)}", "{(,2024-01-01 00:00+00),[2025-01-01 00:00+00,)}", "{(,)}", "{empty}", "{[2024-01-01 01:02:03.4+00,infinity)}", "{[0044-03-15 00:00+00 BC,2024-01-01 00:00+00)}", "{[2020-01-01 00:00+00,2021-01-01 00:00+00]}"}},
	{typ: "datemultirange", values: []string{"{}", "{[2024-01-01,2024-01-02)}", "{(,2024-01-01),[2025-01-01,)}", "{(,)}", "{empty}", "{[2024-01-01,infinity)}", "{[0044-03-15 BC,2024-01-01)}", "{[2020-01-01,2021-01-01],[2022-01-01,2023-01-01]}"}},

	// Extensions, and types of one's own (see setup).
	{typ: "citext", values: []string{"", "a", "A b", `"q"`, `b\s`, "é", "null", "line\nline"}},
	{typ: "hstore", values: []string{"", "a=>1", "a=>NULL", `"a b"=>"c d", e=>f`, `"q\"q"=>"b\\s"`, `"é"=>"日本"`, `""=>""`, `n=>"NULL", x=>"null"`, "\"t\t\"=>\"n\n\""}},
	{typ: "ltree", values: []string{"", "a", "Top.Science", "a.b.c.d.e", "A_1.b", "x.y", "1.2.3", "Top.Hobbies.Amateurs_Astronomy"}},
	{typ: "lquery", values: []string{"a", "Top.*", "*.a.*", "a|b", "!a", "*{2}", "a@", "Top.*{1,2}.x"}},
	{typ: "ltxtquery", values: []string{"a", "a & b", "a | b", "!a", "a@", "a*", "(a | b) & c", "Europe & Russia"}},
	{typ: "cube", values: []string{"(1)", "(1, 2)", "(1, 2),(3, 4)", "(0)", "(-1.5, 2e20)", "(1),(2)", "(1, 1, 1)", "(0, 0),(1, 1)"}},
	{typ: "seg", values: []string{"1", "1.5 .. 2", "1 ..", ".. 2", "~1", "<1", ">2.50", "-1 .. 1"}},
	{typ: "isbn", values: []string{"0-306-40615-2", "0-13-110362-8", "0-201-63361-2", "0-596-00027-8", "1-59327-220-0", "0-19-853453-1", "0-321-12521-5", "0-201-89683-4"}},
	{typ: "ean13", values: []string{"978-0-306-40615-7", "978-0-13-110362-7", "978-0-201-63361-0", "978-0-596-00027-1", "978-1-59327-220-3", "978-0-19-853453-2", "978-0-321-12521-7", "978-0-201-89683-1"}},
	{typ: "mood", values: []string{"sad", "ok", "happy", "very happy", `quo"te`, `back\slash`, "é", "null"}},
	{typ: "positive", values: []string{"1", "2", "3", "10", "100", "2147483647", "65536", "42"}},
	{typ: "email", values: []string{"a@b", "A@B", `"x y"@z`, "é@b", "a.b@c.d", "a+b@c", "a@b.co", "@"}},
	{typ: "pair", values: []string{"(,)", "(1,a)", `(-1,"")`, `(0,"a b")`, `(5,"q""q")`, `(5,"b\\s")`, `(7,"(x,y)")`, "(,é)", `(1,"a,b")`}},
	{typ: "nested", values: []string{"(,,)", `("(1,a)",,)`, `(,"{""(1,a)"",NULL}",)`, `(,"{}","{a=>1}")`, `("(,"" "")",,"{1,2}")`, `(,"{""(2,\\""b c\\"")""}",)`, `("(1,""q""""q"")",,)`, `("(1,""b\\\\s"")",,)`}},
	{typ: "floatrange", values: []string{"empty", "(,)", "[1.5,5)", "[1,5]", "(,5)", "[1,)", "[-5.5,-1)", "[NaN,NaN]"}},
	{typ: "textrange", values: []string{"empty", "(,)", `["a b",c)`, `[a,"b""c"]`, `("","z")`, `[a,)`, `["a,b","c\\d")`, `["(",")"]`}},
	{typ: "textmultirange", values: []string{"{}", `{["a b",c)}`, `{[a,"b""c"]}`, `{("","z")}`, `{[a,)}`, `{[a,b),[c,d)}`, `{["a,b","c\\d")}`, `{empty}`}},
}

// setup makes the extensions and types that allValues and others use.
var setup = []string{
	"create extension citext", "create extension hstore", "create extension ltree", "create extension cube", "create extension seg", "create extension isn",
	`create type mood as enum ('sad', 'ok', 'happy', 'very happy', 'quo"te', 'back\slash', 'é', 'null')`,
	"create domain positive as int check (value > 0)",
	"create domain email as citext not null check (value ~ '@')",
	"create type pair as (n int, s text)",
	`create type nested as (p pair, "l ist" pair[], "q""k" text)`,
	"create type floatrange as range (subtype = float8)",
	"create type textrange as range (subtype = text)",
}
