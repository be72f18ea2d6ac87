package codec_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/codec"
)

// TestGrids walks through what random values rarely meet: every power of two
// and ten with its neighbours, every day around calendar turns, every byte.
func TestGrids(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, tt := range []struct {
		name, typ, series string
		why               string
	}{
		{"float8 powers of two", "float8", "select power(2::float8, n) from generate_series(-1074, 1023) n", "the neighbour below is half as far"},
		{"float8 powers of ten", "float8", "select (m || 'e' || n)::float8 from generate_series(-300, 300) n, generate_series(1, 9) m", "plain and exponent notation meet; half-way cases"},
		{"float4 powers of two", "float4", "select power(2::float8, n)::float4 from generate_series(-149, 127) n", "the neighbour below is half as far"},
		{"float4 integers", "float4", "select (n * 9973 + 16777216)::float4 from generate_series(1, 3000) n", "half-way cases are integers here"},
		{"float4 short binary fractions", "float4", "select (m * power(2::float8, -n))::float4 from generate_series(1, 40) n, generate_series(1, 255, 2) m", "half way between two texts"},
		{"float8 short binary fractions", "float8", "select m * power(2::float8, -n) from generate_series(1, 90) n, generate_series(1, 255, 2) m", "half way between two texts"},
		{"float8 large", "float8", "select m * power(5::float8, n) * power(2::float8, k) from generate_series(10, 22) n, generate_series(0, 20) k, generate_series(1, 15, 2) m", "half-way cases of either kind"},
		{"float4 large", "float4", "select (m * power(5::float8, n) * power(2::float8, k))::float4 from generate_series(4, 10) n, generate_series(0, 20) k, generate_series(1, 63, 2) m", "half-way cases of either kind"},
		{"float4 powers of ten", "float4", "select (m || 'e' || n)::float4 from generate_series(-37, 37) n, generate_series(1, 9) m", "as for float8"},
		{"dates", "date", "select '0001-01-01'::date + n from generate_series(-1500, 1500) n", "BC and AD meet, leap years of both"},
		{"centuries", "date", "select make_date(y, m, 28) + 1 from generate_series(1600, 2400, 100) y, generate_series(1, 12) m", "leap centuries"},
		{"numeric scales", "numeric", "select round(12345678.87654321::numeric * 10::numeric ^ e, s) from generate_series(-12, 12) e, generate_series(0, 12) s", "groups of four digits"},
		{"text bytes", "text", "select chr(n) || 'tail' from generate_series(1, 300) n", "every escape"},
		{"text places", "text", `select repeat('x', n) || '"' || repeat('é', 9 - n) from generate_series(0, 9) n`, "an escape at every place of eight bytes"},
		{"money", "money", "select (n::numeric * 37 / 100)::money from generate_series(-30000, 30000, 991) n", "groups of three digits"},
		{"intervals", "interval", "select make_interval(0, m, 0, d, 0, 0, s) from generate_series(-13, 13) m, generate_series(-1, 1) d, generate_series(-1, 1) s", "signs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := s.in(t)
			typ := codec.Builtin().Type(atoi(t, s.mustRows(codec.Text, "select '"+tt.typ+"'::regtype::oid")[0][0]))
			texts := s.mustRows(codec.Text, "select to_json(v)::text, v from ("+tt.series+") x(v)")
			binaries := s.mustRows(codec.Binary, "select v from ("+tt.series+") x(v)")
			for i, r := range texts {
				check(t, typ, string(r[1]), observation{json: string(r[0]), text: r[1], binary: binaries[i][0]})
			}
		})
	}
}
