package shadow

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// digest is what is kept of the rows of a statement, whatever their number: two
// keyed hashes of the rows as a sequence and two of them as a bag, of their
// canonical form.
type digest struct {
	rows     int64
	sequence [2]uint64
	bag      [2]uint64
	nulls    []bool // by column: NULL was there; nil: there was no row
}

// seeds are new in each process: no data can be made to collide.
var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// maxRow bounds what one row may take in canonical form.
const maxRow = 4 << 20

// digester adds rows to a digest.
type digester struct {
	digest
	columns []builder.Column
	formats []codec.Format
	scratch []byte
}

// add takes in one row. It keeps nothing of values. false: the row is too large.
func (d *digester) add(values [][]byte) (bool, error) {
	size := 0
	for _, v := range values {
		size += len(v)
	}
	if size > maxRow {
		return false, nil
	}
	b := d.scratch[:0]
	for i, v := range values {
		at := len(b)
		b = append(b, 0, 0, 0, 0)
		var err error
		if b, err = d.columns[i].Type.AppendCanonical(b, v, d.formats[i]); err != nil {
			return false, err
		}
		// Lengths stand before the cells: none can be shifted into another.
		binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-4)) // maxRow is less
	}
	d.scratch = b
	if d.rows++; d.nulls == nil {
		d.nulls = make([]bool, len(values))
	}
	for i, v := range values {
		d.nulls[i] = d.nulls[i] || v == nil
	}
	for i, seed := range seeds {
		key := maphash.Bytes(seed, b)
		d.bag[i] += key
		d.sequence[i] = bits.RotateLeft64(d.sequence[i], 23)*0x9e3779b97f4a7c15 + key
	}
	return true, nil
}

// agreement is how two digests compare.
type agreement uint8

const (
	different agreement = iota
	otherOrder
	same
)

// compare says how d and o agree; the order counts where it is fixed.
func (d *digest) compare(o *digest, ordered bool) agreement {
	switch {
	case d.rows != o.rows:
		return different
	case d.sequence == o.sequence:
		return same
	case !ordered && d.bag == o.bag:
		return otherOrder
	}
	return different
}
