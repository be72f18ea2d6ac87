package executor

import (
	"encoding/binary"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
)

// keyset collects the distinct keys of parent rows for one child, in the order
// in which they were met, as PostgreSQL array literals, one per key column.
type keyset struct {
	columns []int
	types   []*codec.Type
	index   map[string]int32 // wire bytes of a key to its number
	last    []byte           // the key that was met last: lists often repeat one
	lastNum int32
	arrays  [][]byte
	n       int32
	current int32 // number of the current row's key; -1: it has a NULL in it
	scratch []byte
	text    []byte
}

func (k *keyset) attach(columns []int, rows *Rows) error {
	k.columns = columns
	k.types = make([]*codec.Type, len(columns))
	k.arrays = make([][]byte, len(columns))
	for i, c := range columns {
		if c >= len(rows.cols) {
			return backend.New("encode", backend.CodeInternal, errPlan)
		}
		k.types[i] = rows.cols[c].Type
	}
	k.index = make(map[string]int32)
	k.lastNum = -1
	return nil
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
	if k.lastNum >= 0 && string(k.scratch) == string(k.last) {
		k.current = k.lastNum
		return nil
	}
	num, ok := k.index[string(k.scratch)]
	if !ok {
		num = k.n
		for i, c := range k.columns {
			var err error
			if k.text, err = k.types[i].AppendText(k.text[:0], values[c], format[c]); err != nil {
				return backend.New("encode", backend.CodeInternal, fmt.Errorf("key column %d: %w", i+1, err))
			}
			if num == 0 {
				k.arrays[i] = append(k.arrays[i], '{')
			} else {
				k.arrays[i] = append(k.arrays[i], ',')
			}
			k.arrays[i] = appendElement(k.arrays[i], k.text)
		}
		k.index[string(k.scratch)] = num
		k.n++
	}
	k.last, k.lastNum, k.current = append(k.last[:0], k.scratch...), num, num
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
