// Package codec knows PostgreSQL's types: one row per type says how a JSON
// argument becomes what a driver is given, how a wire value (text or binary)
// becomes JSON, and how it becomes PostgreSQL's own text.
//
// JSON out is byte for byte what the server's to_json says under the pinned
// session (TimeZone, DateStyle ISO, IntervalStyle postgres, bytea_output hex,
// extra_float_digits 1), from either wire format.
//
// Import direction: standard library only.
package codec

// Format is a wire format code of the PostgreSQL protocol.
type Format int16

// The two wire formats.
const (
	Text   Format = 0
	Binary Format = 1
)

// TypeInfo is what a catalog says of one type that is not built in (or of any).
type TypeInfo struct {
	OID     uint32
	Schema  string
	Name    string      // pg_type.typname
	Kind    byte        // pg_type.typtype: b base, c composite, d domain, e enum, p pseudo, r range, m multirange
	Elem    uint32      // element type of an array (pg_type.typelem where typcategory is A), else 0
	Base    uint32      // base type of a domain, subtype of a range, range of a multirange, else 0
	Delim   byte        // pg_type.typdelim; 0 means ','
	NotNull bool        // a domain that is not null
	Labels  []string    // of an enum, in order
	Fields  []FieldInfo // of a composite, in order
	// ByName leaves the schema out of SQLName: the search path in force finds the
	// type.
	ByName bool
}

// FieldInfo is one field of a composite type.
type FieldInfo struct {
	Name string
	OID  uint32
}
