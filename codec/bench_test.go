package codec_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/codec"
)

// wireSamples are one realistic value of each type in both formats.
func wireSamples(s *server) map[string]struct {
	typ          *codec.Type
	text, binary []byte
} {
	out := map[string]struct {
		typ          *codec.Type
		text, binary []byte
	}{}
	reg, _ := s.registry(codec.Options{})
	for _, sample := range [][2]string{
		{"bool", "t"},
		{"int4", "123456"},
		{"int8", "-9007199254740993"},
		{"float4", "1.5"},
		{"float8", "3.141592653589793"},
		{"float8", "1e23"},
		{"numeric", "12345.678900"},
		{"text", "a plain text of usual length, nothing to escape"},
		{"citext", `a "quoted" text`},
		{"bytea", `\x00112233445566778899aabbccddeeff`},
		{"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"date", "2024-02-29"},
		{"time", "12:34:56.789"},
		{"timetz", "12:34:56.789+05:30"},
		{"timestamp", "2024-02-29 12:34:56.789"},
		{"timestamptz", "2024-02-29 12:34:56.789+00"},
		{"interval", "1 year 2 mons 3 days 04:05:06.7"},
		{"json", `{"a": [1, 2, {"b": null}]}`},
		{"jsonb", `{"a": [1, 2, {"b": null}]}`},
		{"inet", "2001:db8::1/64"},
		{"macaddr", "08:00:2b:01:02:03"},
		{"varbit", "10101010101"},
		{"money", "1234567.89"},
		{"point", "(1.5,-2.25)"},
		{"polygon", "((0,0),(1,1),(2,0))"},
		{"mood", "happy"},
		{"positive", "42"},
		{"int8[]", "{1,2,3,NULL,5}"},
		{"text[]", `{a,"b c","q\"uote",NULL}`},
		{"pair", `(1,"a ""b""")`},
		{"pair[]", `{"(1,a)","(2,\"b c\")"}`},
		{"int4range", "[1,5)"},
		{"tstzrange", "[2024-01-01 00:00+00,)"},
		{"int4multirange", "{[1,2),[5,6)}"},
		{"tsvector", "'a':1A,2 'b'"},
		{"hstore", `a=>1, "b c"=>NULL`},
		{"ltree", "Top.Science"},
		{"pg_lsn", "16/B374D848"},
		{"tid", "(1,2)"},
	} {
		name, value := sample[0], literal(sample[1], sample[0])
		oid := atoi(s.t, s.mustRows(codec.Text, "select '"+name+"'::regtype::oid")[0][0])
		if _, there := out[name]; there {
			name += " " + sample[1]
		}
		o := out[name]
		o.typ = reg.Type(oid)
		o.text = s.mustRows(codec.Text, "select "+value)[0][0]
		o.binary = s.mustRows(codec.Binary, "select "+value)[0][0]
		out[name] = o
	}
	return out
}

// TestNoAllocation: writing JSON allocates nothing but what dst grows by.
func TestNoAllocation(t *testing.T) {
	s := newServer(t, setup...)
	dst := make([]byte, 0, 4096)
	for name, o := range wireSamples(s) {
		for format, wire := range map[codec.Format][]byte{codec.Text: o.text, codec.Binary: o.binary} {
			if n := testing.AllocsPerRun(100, func() {
				if _, err := o.typ.AppendJSON(dst, wire, format); err != nil {
					t.Fatal(err)
				}
			}); n > 0 {
				t.Errorf("%s in format %d: %v allocations a value", name, format, n)
			}
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	s := newServer(b, setup...)
	dst := make([]byte, 0, 4096)
	for name, o := range wireSamples(s) {
		for format, wire := range map[string][]byte{"text": o.text, "binary": o.binary} {
			f := codec.Text
			if format == "binary" {
				f = codec.Binary
			}
			b.Run(name+"/"+format, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := o.typ.AppendJSON(dst, wire, f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkArgument(b *testing.B) {
	reg := codec.Builtin()
	for _, bb := range []struct {
		name string
		oid  uint32
		raw  string
	}{
		{"int4", 23, "123456"},
		{"text", 25, `"a plain text"`},
		{"timestamptz", 1184, `"2024-02-29T12:34:56.789+05:30"`},
		{"numeric", 1700, "12345.678900"},
		{"uuid", 2950, `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`},
		{"int4[]", 1007, "[1,2,3,4,5]"},
		{"jsonb", 3802, `{"a":[1,2,{"b":null}]}`},
	} {
		typ, raw := reg.Type(bb.oid), []byte(bb.raw)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := typ.Argument(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
