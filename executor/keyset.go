package executor

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
)

// keyset collects the distinct keys of parent rows for one child, in the order
// in which they were met, as PostgreSQL array literals, one per key column.
type keyset struct {
	columns []int
	types   []*codec.Type
	// The keys' wire bytes, one after the other, where each ends, and a hash table of
	// their numbers, from 1: a map of strings would make a string of each key.
	keys    []byte
	ends    []int32
	table   []int32
	last    int32 // the number of the key that was met last: lists often repeat one
	arrays  [][]byte
	n       int32
	current int32 // number of the current row's key; -1: it has a NULL in it
	scratch []byte
	text    []byte
}

// reset empties k and keeps its memory.
func (k *keyset) reset() {
	clear(k.table)
	*k = keyset{
		types: k.types[:0], keys: k.keys[:0], ends: k.ends[:0], table: k.table, arrays: k.arrays[:0],
		scratch: k.scratch[:0], text: k.text[:0],
	}
}

// attach begins with an empty k.
func (k *keyset) attach(columns []int, rows *Rows) error {
	k.columns, k.last = columns, -1
	for _, c := range columns {
		if c >= len(rows.cols) {
			return backend.New("encode", backend.CodeInternal, errPlan)
		}
		k.types = append(k.types, rows.cols[c].Type)
		if n := len(k.arrays); n < cap(k.arrays) { // with the memory that it had before
			k.arrays = k.arrays[:n+1]
			k.arrays[n] = k.arrays[n][:0]
		} else {
			k.arrays = append(k.arrays, nil)
		}
	}
	return nil
}

// key is the wire bytes of the key of that number.
func (k *keyset) key(num int32) []byte {
	from := int32(0)
	if num > 0 {
		from = k.ends[num-1]
	}
	return k.keys[from:k.ends[num]]
}

var keySeed = maphash.MakeSeed()

// find is the number of the key in scratch; a new one gets the next.
func (k *keyset) find() (num int32, found bool) {
	if 2*len(k.ends) >= len(k.table) {
		k.grow()
	}
	mask := uint64(len(k.table) - 1) // a power of two
	at := maphash.Bytes(keySeed, k.scratch) & mask
	for ; k.table[at] != 0; at = (at + 1) & mask {
		if num := k.table[at] - 1; string(k.key(num)) == string(k.scratch) {
			return num, true
		}
	}
	k.keys = append(k.keys, k.scratch...)
	k.ends = append(k.ends, int32(len(k.keys)))
	k.table[at] = int32(len(k.ends))
	return k.table[at] - 1, false
}

// grow doubles the table, so that it is half empty at least.
func (k *keyset) grow() {
	size := max(64, 2*len(k.table))
	if cap(k.table) >= size {
		k.table = k.table[:size]
		clear(k.table)
	} else {
		k.table = make([]int32, size)
	}
	mask := uint64(size - 1)
	for num := range k.ends {
		at := maphash.Bytes(keySeed, k.key(int32(num))) & mask
		for k.table[at] != 0 {
			at = (at + 1) & mask
		}
		k.table[at] = int32(num) + 1
	}
}

// add finds or makes the number of the row's key.
func (k *keyset) add(values [][]byte, format []codec.Format) error {
	k.scratch = k.scratch[:0]
	for _, c := range k.columns {
		v := values[c]
		if v == nil {
			k.current = -1
			return nil
		}
		// With its length before it no value can run into the next one.
		k.scratch = binary.BigEndian.AppendUint32(k.scratch, uint32(len(v))) // a value has at most 1 GiB
		k.scratch = append(k.scratch, v...)
	}
	if k.last >= 0 && string(k.scratch) == string(k.key(k.last)) {
		k.current = k.last
		return nil
	}
	if len(k.keys)+len(k.scratch) > math.MaxInt32 {
		return backend.New("read rows", backend.CodeLimit, tell("the keys of nested rows take more than 2 GiB"))
	}
	num, found := k.find()
	if !found {
		for i, c := range k.columns {
			var err error
			if k.text, err = k.types[i].AppendText(k.text[:0], values[c], format[c]); err != nil {
				return backend.New("encode", backend.CodeInternal, fmt.Errorf("key column %d: %w", i+1, err))
			}
			separator := byte(',')
			if num == 0 {
				separator = '{'
			}
			k.arrays[i] = appendElement(append(k.arrays[i], separator), k.text)
		}
		k.n++
	}
	k.last, k.current = num, num
	return nil
}

// args are the finished array literals.
func (k *keyset) args() []any {
	args := make([]any, len(k.arrays))
	for i, a := range k.arrays {
		args[i] = string(append(a, '}'))
	}
	return args
}

// appendElement appends one element of an array literal. Digits stand as they
// are; everything else is quoted, so that neither a delimiter nor the word NULL
// can mean something (PostgreSQL documentation, "Array Input and Output Syntax").
func appendElement(dst, text []byte) []byte {
	plain := len(text) > 0
	for _, c := range text {
		if (c < '0' || c > '9') && c != '-' {
			plain = false
			break
		}
	}
	if plain {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}
