package backendtest

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
)

// nullCases tell NULL, the empty value and the word apart.
func nullCases() []Case {
	return []Case{
		def("nulls/empty-string-is-not-null", "a backend that reads '' as NULL loses data without an error",
			func(x *test) {
				x.borrow().everyReader("|∅|f|t", "select ''::text, null::text, (''::text is null)::text::char(1)::text, (null::text is null)::text::char(1)::text")
			}),
		def("nulls/empty-bytea-is-not-null", "an empty bytea is a value; lib/pq has read it as NULL",
			func(x *test) { x.borrow().everyReader(`\x|∅`, "select ''::bytea::text, null::bytea::text") }),
		def("nulls/empty-wire-cell", "a wire cell of no bytes must not be nil: nil means NULL",
			func(x *test) {
				s := x.borrow()
				got, err := s.wireAs(x, "select ''::text, ''::bytea, null::text, null::int4, '{}'::text[]", nil,
					func(_ *codec.Type, cell []byte, _ codec.Format) ([]byte, error) {
						return fmt.Appendf(nil, "%t", cell != nil), nil
					})
				x.must("read", err)
				x.same("cells that are there", flat(got), "true|true|∅|∅|true")
			}),
		def("nulls/argument-nil", "nil must be NULL whatever the type of the parameter",
			func(x *test) {
				x.borrow().everyReader("t|t|t", "select ($1::int4 is null)::text::char(1)::text, ($2::text is null)::text::char(1)::text, ($3::bytea is null)::text::char(1)::text", nil, nil, nil)
			}),
		def("nulls/argument-empty-string", "'' as an argument must be stored as '', not as NULL",
			func(x *test) { x.borrow().everyReader("|0", "select $1::text, length($1::text)::text", "") }),
		def("nulls/argument-empty-bytes", "an empty []byte must be stored as an empty bytea, not as NULL",
			func(x *test) {
				x.borrow().everyReader(`\x|f`, `select ($1::bytea)::text, ($1::bytea is null)::text::char(1)::text`, []byte{})
			}),
		def("nulls/argument-nil-bytes", "a nil []byte must be one thing on every backend: NULL",
			func(x *test) {
				x.borrow().everyReader(`t`, `select ($1::bytea is null)::text::char(1)::text`, []byte(nil))
			}),
		def("nulls/word-null", "the text NULL is four letters",
			func(x *test) {
				x.borrow().everyReader("NULL|f", "select $1::text, ($1::text is null)::text::char(1)::text", "NULL")
			}),
		def("nulls/array-members", "a NULL member and the word \"NULL\" are two things inside an array too",
			func(x *test) {
				x.borrow().everyReader(`∅|NULL|`, "select a[1], a[2], a[3] from (select ($1::text[]) a) q", `{NULL,"NULL",""}`)
			}),
		def("nulls/whole-row", "a row of NULLs must come out with all its columns",
			func(x *test) {
				x.borrow().everyReader("∅|∅|∅; 1|∅|x", "select * from (values (null::int4::text, null::text, null::text), ('1', null, 'x')) t")
			}),
		def("nulls/no-columns", "select without columns has rows, and no cells",
			func(x *test) { x.borrow().everyReader("; ", "select from generate_series(1, 2)") }),
		def("nulls/no-rows", "no rows is an empty result with its columns, not an error",
			func(x *test) { x.borrow().everyReader("", "select 1::text where false") }),
	}
}

// goValue is a Go value that Bind must refuse.
type goValue struct {
	id    string
	value any
	harm  string
}

type enumLike int

func (enumLike) String() string { return "active" }

// refused are the Go types that the drivers disagree about. None of them is
// canonical (nil, string, []byte), so none may pass.
func refused() []goValue {
	n, zone := 42, time.FixedZone("", 5*3600+1800)
	return []goValue{
		{"int", 42, "text by one driver, a client error or a binary integer by another"},
		{"int64", int64(42), "text by one driver, a client error or a binary integer by another"},
		{"uint64", uint64(math.MaxUint64), "beyond int64 each driver does something else"},
		{"float", 5.5, "pgx cuts 5.5 to 5 for an integer without a word"},
		{"float32", float32(1.1), "widened to 1.100000023841858 by one driver"},
		{"nan", math.NaN(), "pgx stores -9223372036854775808 for an int8"},
		{"bool", true, "'true', 't' or a client error for a text"},
		{"time", time.Date(2024, 3, 1, 1, 30, 0, 0, zone), "another day, by the wire mode"},
		{"duration", time.Second, "one driver stores 277777 hours for a second"},
		{"stringer", time.February, "'2' by one driver and 'February' by another"},
		{"enum-like", enumLike(1), "'1' by one driver and 'active' by another"},
		{"named-string", json.Number("1"), "a named type may carry methods that one driver calls"},
		{"raw-message", json.RawMessage(`{}`), "bytes by one driver, JSON text by another, an error by a third mode"},
		{"string-slice", []string{"a"}, "'{}' for a json by one driver, '[]' by another"},
		{"any-slice", []any{1, "a"}, "an array or a client error"},
		{"int-slice", []int64{1, 2}, "an array or a client error"},
		{"bytes-slice", [][]byte{nil}, "'\\x' or NULL for a nil member"},
		{"map", map[string]any{"a": 1}, "JSON by one driver, an error by the other"},
		{"struct", struct{ A int }{1}, "JSON by one driver, an error by the other"},
		{"pointer", &n, "followed by one driver, encoded by another"},
		{"nil-pointer", (*string)(nil), "NULL or an error"},
		{"uuid-bytes", [16]byte{1}, "a uuid by one driver, an error by the other"},
		{"valuer", sql.NullString{String: "x", Valid: true}, "one driver parses what Value returns again"},
		{"null-valuer", sql.NullInt64{}, "the caller of the seam says NULL with nil"},
		{"named", sql.Named("a", "x"), "the name is dropped by both drivers"},
		{"ip", net.ParseIP("192.168.0.1"), "stored as an IPv6 value by one driver"},
		{"netip", netip.MustParseAddr("192.168.0.1"), "stored or refused"},
		{"big", big.NewInt(1), "stored or refused"},
		{"url", &url.URL{Host: "x"}, "stored or refused"},
		{"error", fmt.Errorf("x"), "its text by one driver"},
		{"function", func() {}, "nothing can come of it"},
		{"rune", 'x', "a rune is an int32: '120'"},
	}
}

// argumentCases bind values the right way, and see that Bind refuses the others.
func argumentCases() []Case {
	list := []Case{
		def("args/string-is-text", "a string is the one Go type that no driver reinterprets: it must arrive letter by letter",
			func(x *test) {
				for _, v := range []string{"x", "42", "true", "null", `\x6162`, "{1,2}", "é😀", "'; drop table t --", `a\b"c`, " ", "$1", "?", "%s"} {
					x.connectOnce().everyReader(v, "select $1::text", v)
				}
			}),
		def("args/bytes-are-bytea", "[]byte is a bytea and nothing else, with every value of a byte",
			func(x *test) {
				all := make([]byte, 256)
				for i := range all {
					all[i] = byte(i)
				}
				x.borrow().everyReader(fmt.Sprintf(`\x%x`, all), "select ($1::bytea)::text", all)
			}),
		def("args/bytes-with-hex-prefix", "bytes that look like hex input are bytes: a driver that parses them stores half",
			func(x *test) { x.borrow().everyReader(`\x5c7836313632`, "select ($1::bytea)::text", []byte(`\x6162`)) }),
		def("args/bytes-with-backslashes", "bytes that look like escape input are bytes",
			func(x *test) {
				x.borrow().everyReader(`\x615c3130315c5c`, "select ($1::bytea)::text", []byte(`a\101\\`))
			}),
		def("args/large-text", "an argument of 2 MB arrives whole",
			func(x *test) {
				x.borrow().everyReader("2097152", "select length($1::text)::text where $1::text = repeat('ab', 1048576)", strings.Repeat("ab", 1<<20))
			}),
		def("args/large-bytes", "2 MB of bytes arrive whole",
			func(x *test) {
				x.borrow().everyReader("2097152", "select length($1::bytea)::text where $1::bytea = decode(repeat('00ff', 1048576), 'hex')", []byte(strings.Repeat("\x00\xff", 1<<20)))
			}),
		def("args/bind-keeps-its-input", "Bind must not change the caller's bytes",
			func(x *test) {
				b := []byte(`\x61`)
				_, err := x.bind([]any{b})
				x.must("bind", err)
				x.same("the caller's bytes", string(b), `\x61`)
			}),
		def("args/numeric-text-in-int", "'42' with a cast is the integer 42 in every mode; binary modes read the two bytes as 13362",
			func(x *test) {
				x.borrow().everyReader("42|43", "select ($1::int2)::text, ($2::int4 + 1)::text", "42", "42")
			}),
		def("args/fraction-for-int", "5.5 for an integer is refused by the server, never cut",
			func(x *test) { x.refusedByServer("22P02", "select ($1::int4)::text", "5.5") }),
		def("args/fraction-for-int-array", "{1,2.5} for int4[] is refused, never cut",
			func(x *test) { x.refusedByServer("22P02", "select ($1::int4[])::text", "{1,2.5}") }),
		def("args/nan-for-int8", "NaN for an int8 is refused; one driver stores the smallest integer",
			func(x *test) { x.refusedByServer("22P02", "select ($1::int8)::text", "NaN") }),
		def("args/int-overflow", "a number beyond int4 is refused, never wrapped",
			func(x *test) { x.refusedByServer("22003", "select ($1::int4)::text", "2147483648") }),
		def("args/limit-fraction", "LIMIT 10.5 is refused, never cut to 10",
			func(x *test) { x.refusedByServer("22P02", "select 1::text limit $1::int8", "10.5") }),
		def("args/limit-text", "LIMIT takes a bound number",
			func(x *test) {
				x.borrow().everyReader("1; 2", "select g::text from generate_series(1, 9) g limit $1::int8", "2")
			}),
		def("args/offset", "OFFSET takes a bound number",
			func(x *test) {
				x.borrow().everyReader("8; 9", "select g::text from generate_series(1, 9) g offset $1::int8", "7")
			}),
		def("args/number-for-text", "the codec refuses a JSON number for a text on every backend; the drivers would differ",
			func(x *test) { x.codecRefuses("text", "42") }),
		def("args/bool-for-text", "the codec refuses true for a text",
			func(x *test) { x.codecRefuses("text", "true") }),
		def("args/float-for-int", "the codec refuses 5.5 for an int4 before any driver sees it",
			func(x *test) { x.codecRefuses("int4", "5.5") }),
		def("args/number-for-bool", "the codec refuses 1 for a bool; one driver would store true",
			func(x *test) { x.codecRefuses("bool", "1") }),
		def("args/hex-string-for-bytea", `"\x6162" for a bytea is the two bytes ab on every backend, never six`,
			func(x *test) {
				arg, err := codec.Builtin().Type(17).Argument([]byte(`"\\x6162"`))
				x.must("make an argument", err)
				x.borrow().everyReader(`\x6162|2`, "select ($1::bytea)::text, length($1::bytea)::text", arg)
			}),
		def("args/nul-byte", "a NUL byte in a text is refused on every backend: PostgreSQL cannot store it",
			func(x *test) {
				s := x.borrow()
				for _, r := range x.readers() {
					_, err := r.read(s, "select $1::text", "a\x00b")
					if code := backend.CodeOf(err); code != backend.CodeBadUserInput {
						x.failf("%s: a NUL byte: code is %v, want %v (%w)", r.name, code, backend.CodeBadUserInput, orNil(err))
					}
				}
				x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
			}),
		def("args/invalid-utf8", "text that is no UTF-8 is refused with one SQLSTATE on every backend",
			func(x *test) { x.refusedByServer("22021", "select $1::text", "a\xffb") }),
		def("args/surrogate-utf8", "an encoded surrogate is no UTF-8",
			func(x *test) { x.refusedByServer("22021", "select $1::text", "\xed\xa0\x80") }),
		def("args/array-with-quotes", "quotes, commas and backslashes inside an array literal arrive as they are",
			func(x *test) {
				x.borrow().everyReader(`a,b|c"d|e\f`, "select a[1], a[2], a[3] from (select $1::text[] a) q", `{"a,b","c\"d","e\\f"}`)
			}),
		def("args/any-array", "= any($1) over an array argument finds its members",
			func(x *test) {
				x.borrow().everyReader("2; 3", "select g::text from generate_series(1, 5) g where g = any($1::int4[]) order by g", "{2,3}")
			}),
		def("args/array-of-65536", "one array parameter carries more members than there may be parameters",
			func(x *test) {
				members := make([]string, 65536)
				for i := range members {
					members[i] = strconv.Itoa(i)
				}
				x.borrow().everyReader("65536", "select count(*)::text from unnest($1::int4[])", "{"+strings.Join(members, ",")+"}")
			}),
	}
	for _, v := range refused() {
		list = append(list, def("args/refuse-"+v.id, "Bind must refuse this Go type: "+v.harm,
			func(x *test) {
				if got, err := x.Backend.Bind(v.value); err == nil {
					x.failf("Bind(%T) gives %T %v, want an error", v.value, got, got)
				} else if code := backend.CodeOf(err); code != backend.CodeInternal && code != backend.CodeBadUserInput {
					x.failf("Bind(%T): code is %v, want %v or %v", v.value, code, backend.CodeInternal, backend.CodeBadUserInput)
				}
			}))
	}
	return list
}

// orNil makes a nil error printable with %w.
func orNil(err error) error {
	if err == nil {
		return fmt.Errorf("no error")
	}
	return err
}

// connectOnce is the case's one connection, for loops.
func (x *test) connectOnce() *session {
	if x.once == nil {
		x.once = x.borrow()
	}
	return x.once
}

// refusedByServer wants the SQLSTATE on every path, and the connection alive after it.
func (x *test) refusedByServer(state, query string, args ...any) {
	s := x.borrow()
	for _, r := range x.readers() {
		got, err := r.read(s, query, args...)
		if err == nil {
			x.failf("%s: %s gives %s, want SQLSTATE %s", r.name, query, short(flat(got)), state)
		}
		x.hasState(r.name+": "+query, err, state)
	}
	_, err := s.exec(query, args...)
	x.hasState("exec: "+query, err, state)
	x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
}

// codecRefuses wants the codec to refuse a JSON value for a built-in type.
func (x *test) codecRefuses(name, value string) {
	s := x.borrow()
	oid := number(s.value("select '" + name + "'::regtype::oid::text"))
	if got, err := codec.Builtin().Type(oid).Argument([]byte(value)); err == nil {
		x.failf("the argument %s for %s becomes %v, want an error", value, name, got)
	}
}

// parameterCases are about placeholders.
func parameterCases() []Case {
	return []Case{
		def("params/two-types", "one parameter used as two types works with a cast at each place, or is refused by the server; it is never converted on the client",
			func(x *test) {
				s := x.borrow()
				s.everyReader("42|42", "select ($1::text::int4)::text, $1::text", "42")
			}),
		def("params/two-types-without-cast", "a parameter that two places read as different types gets the server's answer, one and the same in every mode",
			func(x *test) { x.borrow().everyReader("43|42", "select ($1::int4 + 1)::text, $1::int4::text", "42") }),
		def("params/repeated", "a parameter may be used many times",
			func(x *test) {
				x.borrow().everyReader("a|a|b|a", "select $1::text, $1::text, $2::text, $1::text", "a", "b")
			}),
		def("params/out-of-order", "parameters go by number, not by place",
			func(x *test) { x.borrow().everyReader("b|a", "select $2::text, $1::text", "a", "b") }),
		def("params/twelve", "$1 is not the beginning of $12",
			func(x *test) {
				x.borrow().everyReader("l|a", "select $12::text, $1::text where ($2::text||$3::text||$4::text||$5::text||$6::text||$7::text||$8::text||$9::text||$10::text||$11::text) <> ''",
					"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
			}),
		def("params/in-literals", "placeholders inside literals, comments and dollar quotes are not parameters",
			func(x *test) {
				x.borrow().everyReader("$1|$2|$3|a", "select '$1'::text, $q$$2$q$::text, E'$3'::text, $1::text /* $4 */ -- $5", "a")
			}),
		def("params/jsonb-question-mark", "? is an operator of jsonb, not a placeholder",
			func(x *test) { x.borrow().everyReader("true", `select (($1::jsonb) ? 'a')::text`, `{"a":1}`) }),
		def("params/precedence", "a bound negative number keeps its own sign: no mode may paste it into the text",
			func(x *test) {
				x.borrow().everyReader("15|-5", "select (10-$1::int4)::text, (-$2::int4)::text", "-5", "5")
			}),
		def("params/injection", "text of an argument never becomes SQL, in the simple protocol either",
			func(x *test) {
				x.borrow().everyReader(`\'; select 1 --|$tag$ $1 $tag$`, `select $1::text, $2::text`, `\'; select 1 --`, "$tag$ $1 $tag$")
			}),
		def("params/too-few-arguments", "a missing argument is an error, and the connection stays usable",
			func(x *test) {
				s := x.borrow()
				if _, err := s.query("select $1::text, $2::text", "a"); err == nil {
					x.failf("one argument for two placeholders is accepted")
				}
				x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
			}),
		def("params/too-many-arguments", "an argument without a placeholder is an error, and the connection stays usable",
			func(x *test) {
				s := x.borrow()
				if got, err := s.query("select $1::text", "a", "b"); err == nil {
					x.failf("two arguments for one placeholder are accepted: %s", flat(got))
				}
				x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
			}),
		def("params/placeholder-without-arguments", "a placeholder without any argument is an error on every path",
			func(x *test) {
				s := x.borrow()
				for _, r := range x.readers() {
					if got, err := r.read(s, "select $1::text"); err == nil {
						x.failf("%s: no argument for $1 is accepted: %s", r.name, flat(got))
					}
				}
				x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
			}),
		def("params/65535", "the protocol's 65,535 parameters can all be used",
			func(x *test) {
				s := x.borrow()
				for _, r := range x.readers() {
					got, err := r.read(s, many(65535), manyArgs(65535)...)
					x.must(r.name+": 65,535 parameters", err)
					x.same(r.name+": count", flat(got), "65535")
				}
			}),
		def("params/65536", "one parameter more than the protocol can count is an error in every mode, never cut or wrapped",
			func(x *test) {
				s := x.borrow()
				for _, r := range x.readers() {
					if got, err := r.read(s, many(65536), manyArgs(65536)...); err == nil {
						x.failf("%s: 65,536 parameters are accepted: %s", r.name, flat(got))
					} else if code := backend.CodeOf(err); code != backend.CodeLimit {
						x.failf("%s: 65,536 parameters: code is %v, want %v (%w)", r.name, code, backend.CodeLimit, err)
					}
				}
				x.same("the connection afterwards", s.value("select 'alive'::text"), "alive")
			}),
		def("params/type-cannot-be-inferred", "a parameter without a type is refused by the server in every mode: 42P18",
			func(x *test) { x.refusedByServer("42P18", "select pg_typeof($1) is null", "x") }),
		def("params/set-refused", "SET takes no parameters; a mode that pastes them would accept it",
			func(x *test) { x.refusedByServer("42601", "set application_name = $1", "x") }),
		def("params/in-utility-statement", "DDL takes no parameters",
			func(x *test) { x.refusedByServer("42601", "create role $1", "x") }),
		def("params/order-by-constant", "order by $1 sorts by a constant: accepted and without effect, in every mode",
			func(x *test) {
				x.borrow().everyReader("2; 1", "select v::text from (values (2), (1)) t (v) order by $1::text", "v")
			}),
	}
}

func many(n int) string {
	var b strings.Builder
	b.WriteString("select cardinality(array[")
	for i := 1; i <= n; i++ {
		if i > 1 {
			b.WriteByte(',')
		}
		b.WriteString("$" + strconv.Itoa(i))
	}
	return b.String() + "]::text[])::text"
}

func manyArgs(n int) []any {
	args := make([]any, n)
	for i := range args {
		args[i] = "x"
	}
	return args
}
