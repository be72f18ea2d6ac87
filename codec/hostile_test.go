package codec_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/fraiseql/fraiseql-go/codec"
)

// TestHostileWire damages real wire values (cut, lengthened, bytes and lengths
// changed, given to another type) and checks what the fuzz targets check.
func TestHostileWire(t *testing.T) {
	t.Parallel()
	const seed = 20240229 // of the damage; a failure prints the value itself
	s := newServer(t, setup...)
	reg, _ := s.registry(codec.Options{})
	var types []*codec.Type
	var wires [][2][]byte
	for _, v := range allValues {
		typ := reg.Type(atoi(t, s.mustRows(codec.Text, "select '"+v.typ+"'::regtype::oid")[0][0]))
		exprs := make([]string, len(v.values))
		for i, text := range v.values {
			exprs[i] = literal(text, v.typ)
		}
		for _, o := range s.observe(typ, exprs) {
			types, wires = append(types, typ), append(wires, [2][]byte{o.text, o.binary})
		}
	}
	rnd := rand.New(rand.NewPCG(seed, seed))
	damage := func(wire []byte) []byte {
		wire = bytes.Clone(wire)
		for range 1 + rnd.IntN(3) {
			switch at := rnd.IntN(len(wire) + 1); rnd.IntN(5) {
			case 0:
				wire = wire[:at]
			case 1:
				wire = append(wire, byte(rnd.Uint32()))
			case 2:
				if at < len(wire) {
					wire[at] ^= 1 << rnd.IntN(8)
				}
			case 3: // a length, or a count
				if at+4 <= len(wire) {
					copy(wire[at:], [][]byte{{0xff, 0xff, 0xff, 0xff}, {0x7f, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}, {0, 0, 0, 1}}[rnd.IntN(4)])
				}
			case 4:
				if at < len(wire) {
					wire = append(wire[:at], wire[at+1:]...)
				}
			}
		}
		return wire
	}
	for range 20_000 {
		i := rnd.IntN(len(types))
		typ := types[i]
		if rnd.IntN(4) == 0 {
			typ = types[rnd.IntN(len(types))]
		}
		for f, wire := range wires[i] {
			if wire != nil {
				judge(t, typ, damage(wire), codec.Format(f))
			}
		}
	}
}
