package codec

import "strings"

// Kind is a family of types, as a bit, so that a set of families is a plain OR:
// an operator that takes numbers accepts KindInt|KindFloat|KindNumeric. A domain
// has the Kind of its base type. The zero Kind is the empty set.
type Kind uint64

// The families. A Type has exactly one of them.
const (
	KindBool       Kind = 1 << iota
	KindInt             // int2, int4, int8
	KindFloat           // float4, float8
	KindNumeric         // numeric
	KindMoney           // money
	KindText            // text, varchar, bpchar, "char", name, citext
	KindBytes           // bytea
	KindDate            // date
	KindTime            // time, timetz
	KindTimestamp       // timestamp, timestamptz
	KindInterval        // interval
	KindUUID            // uuid
	KindJSON            // json
	KindJSONB           // jsonb
	KindEnum            // enums
	KindArray           // arrays, int2vector, oidvector
	KindRange           // ranges
	KindMultirange      // multiranges
	KindComposite       // row types, record
	KindInet            // inet, cidr
	KindMAC             // macaddr, macaddr8
	KindBit             // bit, varbit
	KindGeometric       // point, line, lseg, box, path, polygon, circle
	KindTSVector        // tsvector
	KindTSQuery         // tsquery
	KindLTree           // ltree
	KindHStore          // hstore
	KindCube            // cube, earth
	KindVector          // vector, halfvec, sparsevec
	KindXML             // xml
	KindOID             // oid, xid, cid, xid8, reg*
	KindLSN             // pg_lsn
	KindOther           // everything else, unknown types included
)

// kindNames stands in the order of the constants.
var kindNames = [...]string{
	"bool", "int", "float", "numeric", "money", "text", "bytes", "date", "time", "timestamp", "interval",
	"uuid", "json", "jsonb", "enum", "array", "range", "multirange", "composite", "inet", "mac", "bit",
	"geometric", "tsvector", "tsquery", "ltree", "hstore", "cube", "vector", "xml", "oid", "lsn", "other",
}

// Has says whether k and set share a family.
func (k Kind) Has(set Kind) bool { return k&set != 0 }

// String lists the families of k: "int", "int|float", "none".
func (k Kind) String() string {
	if k == 0 {
		return "none"
	}
	var names []string
	for i, name := range kindNames {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}
