package codec_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/codec"
)

// sqlGen makes SQL expressions of one type.
type sqlGen = *rapid.Generator[string]

// gen makes a generator whose values are what draw prints.
func gen(draw func(t *rapid.T) string) sqlGen { return rapid.Custom(draw) }

// of makes literals of typ from texts.
func of(typ string, texts sqlGen) sqlGen {
	return rapid.Map(texts, func(s string) string { return literal(s, typ) })
}

var (
	genText = rapid.Map(rapid.String(), func(s string) string {
		return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\\"), "?")
	})
	genFloat8 = rapid.OneOf(
		rapid.Map(rapid.Uint64(), func(b uint64) string {
			return strconv.FormatFloat(math.Float64frombits(b), 'g', 17, 64)
		}),
		genDecimal(17, 30),
	)
	genFloat4 = rapid.OneOf(
		rapid.Map(rapid.Uint32(), func(b uint32) string {
			return strconv.FormatFloat(float64(math.Float32frombits(b)), 'g', 9, 32)
		}),
		genDecimal(9, 18),
	)
	genInt = rapid.Map(rapid.Int64(), func(v int64) string { return strconv.FormatInt(v, 10) })
	// genNumber has only what every float reads: no overflow, no NaN.
	genNumber = rapid.Map(rapid.Float64Range(-1e100, 1e100), func(v float64) string { return fmt.Sprint(v) })
	genPoint  = gen(func(t *rapid.T) string {
		return "(" + genNumber.Draw(t, "x") + "," + genNumber.Draw(t, "y") + ")"
	})
	genNumeric = gen(func(t *rapid.T) string {
		digits := rapid.StringMatching(`-?[0-9]{1,40}(\.[0-9]{1,40})?`).Draw(t, "digits")
		if rapid.Bool().Draw(t, "exponent") {
			digits += "e" + strconv.Itoa(rapid.IntRange(-60, 60).Draw(t, "e"))
		}
		return digits
	})
	genJSON     = rapid.Deferred(func() sqlGen { return genDocument(3) })
	genDate     = dateExpr(-2_451_545, 2_145_031_948)
	genMoment   = momentExpr("timestamp")
	genMomentTZ = momentExpr("timestamptz")
	genInterval = gen(func(t *rapid.T) string {
		return fmt.Sprintf("%d months %d days %d microseconds", rapid.Int32().Draw(t, "months"), rapid.Int32().Draw(t, "days"),
			rapid.Int64Range(-9_000_000_000_000_000, 9_000_000_000_000_000).Draw(t, "microseconds"))
	})
)

// genDecimal makes short decimals, among them those that lie exactly half way
// between two floats.
func genDecimal(digits, exp int) sqlGen {
	return gen(func(t *rapid.T) string {
		return rapid.StringMatching(fmt.Sprintf(`-?[1-9][0-9]{0,%d}`, digits-1)).Draw(t, "digits") +
			"e" + strconv.Itoa(rapid.IntRange(-exp, exp).Draw(t, "e"))
	})
}

func dateExpr(from, to int) sqlGen {
	return gen(func(t *rapid.T) string {
		return fmt.Sprintf("('2000-01-01'::date + (%d))", rapid.IntRange(from, to).Draw(t, "day"))
	})
}

func momentExpr(typ string) sqlGen {
	return gen(func(t *rapid.T) string {
		return fmt.Sprintf("('2000-01-01'::%s + '%d days'::interval + '%d microseconds'::interval)", typ,
			rapid.IntRange(-2_451_000, 106_751_000).Draw(t, "days"), rapid.IntRange(0, 86_399_999_999).Draw(t, "microseconds"))
	})
}

func genClock(t *rapid.T) string {
	usec := rapid.IntRange(0, 86_400_000_000).Draw(t, "microseconds")
	return fmt.Sprintf("%02d:%02d:%02d.%06d", usec/3_600_000_000, usec/60_000_000%60, usec/1_000_000%60, usec%1_000_000)
}

func genHex(n int) sqlGen {
	return rapid.Map(rapid.SliceOfN(rapid.Byte(), n, n), hex.EncodeToString)
}

func genDocument(depth int) sqlGen {
	scalar := rapid.OneOf(rapid.SampledFrom([]string{"null", "true", "false", "[]", "{}", `"a_b"`, "1.0", "-0"}), genInt,
		rapid.Map(rapid.StringMatching(`[a-z_ é\n"\\]{0,8}`), jsonString))
	if depth == 0 {
		return scalar
	}
	inner := genDocument(depth - 1)
	return rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(s []string) string { return "[" + strings.Join(s, ", ") + "]" }),
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(s []string) string {
			for i := range s {
				s[i] = fmt.Sprintf(`"key_%d" :%s`, i, s[i])
			}
			return "{" + strings.Join(s, ",") + "}"
		}))
}

func jsonString(s string) string {
	return strings.NewReplacer("\n", `\n`).Replace(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`)
}

// between makes ranges and what has two ordered ends.
func between(fn, typ string, texts sqlGen) sqlGen {
	return gen(func(t *rapid.T) string {
		a, b := "null::"+typ, "null::"+typ
		if rapid.Bool().Draw(t, "lower") {
			a = literal(texts.Draw(t, "a"), typ)
		}
		if rapid.Bool().Draw(t, "upper") {
			b = literal(texts.Draw(t, "b"), typ)
		}
		order := "%[1]s(case when %[2]s > %[3]s then %[3]s else %[2]s end, case when %[2]s > %[3]s then %[2]s else %[3]s end, '%[4]s')"
		return fmt.Sprintf(order, fn, a, b, rapid.SampledFrom([]string{"[)", "[]", "()", "(]"}).Draw(t, "bounds"))
	})
}

func list(inner sqlGen, least int) *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(inner, least, 5), func(s []string) string { return "array[" + strings.Join(s, ",") + "]" })
}

// randoms has a generator for every type whose values are worth drawing: the
// others are names and syntaxes, or share the code of one that is here.
var randoms = []struct {
	typ string
	gen sqlGen
}{
	{"int2", of("int2", rapid.Map(rapid.Int16(), func(v int16) string { return strconv.Itoa(int(v)) }))},
	{"int4", of("int4", rapid.Map(rapid.Int32(), func(v int32) string { return strconv.Itoa(int(v)) }))},
	{"int8", of("int8", genInt)},
	{"oid", of("oid", rapid.Map(rapid.Uint32(), func(v uint32) string { return strconv.FormatUint(uint64(v), 10) }))},
	{"xid8", of("xid8", rapid.Map(rapid.Uint64(), func(v uint64) string { return strconv.FormatUint(v, 10) }))},
	{"float4", of("float4", genFloat4)},
	{"float8", of("float8", genFloat8)},
	{"numeric", of("numeric", genNumeric)},
	{"money", of("money", rapid.Map(rapid.Int64(), func(v int64) string {
		return strings.TrimSuffix(fmt.Sprintf("%d.%02d", v/100, max(v%100, -(v%100))), "")
	}))},
	{"text", of("text", genText)},
	{"citext", of("citext", genText)},
	{`"char"`, rapid.Map(rapid.Int8(), func(v int8) string { return fmt.Sprintf(`(%d)::"char"`, v) })},
	{"bytea", rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return `'\x` + hex.EncodeToString(b) + `'::bytea` })},
	{"uuid", of("uuid", genHex(16))},
	{"macaddr", of("macaddr", genHex(6))},
	{"macaddr8", of("macaddr8", genHex(8))},
	{"inet", of("inet", gen(func(t *rapid.T) string {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"0", "0", "0", "1", "ffff", "db8"}), 8, 8).Draw(t, "words")
		return strings.Join(words, ":") + "/" + strconv.Itoa(rapid.IntRange(0, 128).Draw(t, "mask"))
	}))},
	{"cidr", rapid.Map(rapid.SliceOfN(rapid.Byte(), 5, 5), func(b []byte) string {
		return fmt.Sprintf("network('%d.%d.%d.%d/%d'::inet)", b[0], b[1], b[2], b[3], b[4]%33)
	})},
	{"bit varying", of("varbit", rapid.StringMatching("[01]{0,70}"))},
	{"pg_lsn", of("pg_lsn", rapid.StringMatching("[0-9A-F]{1,8}/[0-9A-F]{1,8}"))},
	{"date", genDate},
	{"time", of("time", gen(genClock))},
	{"timetz", of("timetz", gen(func(t *rapid.T) string {
		return genClock(t) + rapid.StringMatching("[+-](0[0-9]|1[0-5]):[0-5][0-9]:[0-5][0-9]").Draw(t, "zone")
	}))},
	{"timestamp", genMoment},
	{"timestamptz", genMomentTZ},
	{"interval", of("interval", genInterval)},
	{"json", of("json", genJSON)},
	{"jsonb", of("jsonb", genJSON)},
	{"point", of("point", genPoint)},
	{"box", rapid.Map(rapid.SliceOfN(genPoint, 2, 2), func(p []string) string { return literal(strings.Join(p, ","), "box") })},
	{"polygon", rapid.Map(rapid.SliceOfN(genPoint, 1, 5), func(p []string) string { return literal("("+strings.Join(p, ",")+")", "polygon") })},
	{"path", rapid.Map(rapid.SliceOfN(genPoint, 1, 5), func(p []string) string { return literal("["+strings.Join(p, ",")+"]", "path") })},
	{"tsvector", gen(func(t *rapid.T) string {
		words := list(of("text", rapid.StringMatching(`[a-z'\\ é:]{1,8}`)), 1).Draw(t, "words")
		return fmt.Sprintf("(array_to_tsvector(%s) || setweight(to_tsvector('simple', %s), 'B'))", words, literal(genText.Draw(t, "text"), "text"))
	})},
	{"hstore", gen(func(t *rapid.T) string {
		n := rapid.IntRange(1, 4).Draw(t, "n")
		keys := rapid.SliceOfN(of("text", genText), n, n).Draw(t, "keys")
		values := rapid.SliceOfN(rapid.OneOf(of("text", genText), rapid.Just("null")), n, n).Draw(t, "values")
		return fmt.Sprintf("hstore(array[%s], array[%s]::text[])", strings.Join(keys, ","), strings.Join(values, ","))
	})},
	{"int4range", between("int4range", "int4", rapid.Map(rapid.Int16(), func(v int16) string { return strconv.Itoa(int(v)) }))},
	{"numrange", between("numrange", "numeric", genNumeric)},
	{"textrange", between("textrange", "text", genText)},
	{"int8multirange", rapid.Map(rapid.SliceOfN(between("int8range", "int8", rapid.Map(rapid.Int16(), func(v int16) string { return strconv.Itoa(int(v)) })), 1, 4),
		func(s []string) string { return "int8multirange(" + strings.Join(s, ",") + ")" })},
	{"tstzrange", gen(func(t *rapid.T) string {
		a := genMomentTZ.Draw(t, "a")
		return fmt.Sprintf("tstzrange(%s, %s + '1 hour'::interval, '(]')", a, a)
	})},
	{"int8[]", list(rapid.OneOf(of("int8", genInt), rapid.Just("null::int8")), 1)},
	{"text[]", list(rapid.OneOf(of("text", genText), rapid.Just("null::text")), 1)},
	{"timestamptz[]", list(genMomentTZ, 1)},
	{"json[]", list(of("json", genJSON), 1)},
	{"jsonb[]", list(of("jsonb", genJSON), 1)},
	{"box[]", list(of("box", rapid.Just("(1,1),(0,0)")), 1)},
	{"pair", gen(func(t *rapid.T) string {
		return fmt.Sprintf("row(%d, %s)::pair", rapid.Int32().Draw(t, "n"), literal(genText.Draw(t, "s"), "text"))
	})},
	{"pair[]", list(gen(func(t *rapid.T) string {
		return fmt.Sprintf("row(%d, %s)::pair", rapid.Int32().Draw(t, "n"), literal(genText.Draw(t, "s"), "text"))
	}), 1)},
	{"nested", gen(func(t *rapid.T) string {
		text := func(label string) string { return literal(genText.Draw(t, label), "text") }
		return fmt.Sprintf("row(row(1, %s)::pair, array[row(2, %s)::pair, null], %s)::nested", text("a"), text("b"), text("c"))
	})},
}

// TestRandomValues: whatever the value, both wire formats give the server's
// to_json, and that is an argument which gives the value back.
func TestRandomValues(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup...)
	reg, _ := s.registry(codec.Options{})
	for _, r := range randoms {
		t.Run(r.typ, func(t *testing.T) {
			typ := reg.Type(atoi(t, s.in(t).mustRows(codec.Text, "select '"+r.typ+"'::regtype::oid")[0][0]))
			values := rapid.SliceOfN(r.gen, 1, 30)
			rapid.Check(t, func(rt *rapid.T) {
				s := s.in(t)
				exprs := values.Draw(rt, "values")
				for i, o := range s.observe(typ, exprs) {
					check(rt, typ, exprs[i], o)
					roundTrip(rt, s, typ, exprs[i], o.json)
				}
			})
		})
	}
}
