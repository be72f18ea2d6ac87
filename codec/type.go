package codec

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// Type is one PostgreSQL type: how its values leave as JSON and come in as
// arguments. A *Type comes from a Registry, is immutable and is safe for
// concurrent use.
type Type struct {
	oid     uint32
	schema  string
	name    string
	kind    Kind
	delim   byte // between array elements of this type
	builtin bool
	byName  bool // SQLName has no schema
	noBin   bool // a part of the type has no binary form
	state   linkState

	form form       // how the value becomes JSON
	bin  binaryText // binary wire value to the server's text; nil: no decoder
	arg  argument   // JSON to the server's text
	want string     // what Argument allows, for its errors

	elem    *Type           // array: element; range: subtype; multirange: range
	base    *Type           // domain: the type under it, never itself a domain
	labels  []string        // enum, in order
	isLabel map[string]bool // enum
	fields  []field
	reg     *Registry
}

// field is one field of a composite type.
type field struct {
	name string
	key  []byte // `"name":`, escaped
	typ  *Type
}

// form says how the server's text of a value becomes JSON, as to_json does it.
type form uint8

const (
	formQuote        form = iota // a string
	formPlain                    // a string that binary decoding never has to escape
	formHex                      // bytea
	formText                     // a string; the binary form is the text itself
	formNumber                   // a number where JSON has it, else a string (NaN)
	formNumberString             // a string always (Options.BigIntString)
	formBool
	formJSON      // the text as it is
	formJSONCamel // the text with its keys rewritten (Options.CamelKeys)
	formTimestamp // "2024-01-02 03:04:05+00" becomes "2024-01-02T03:04:05+00:00"
	formArray     // a list
	formVector    // a list; text separated by spaces (int2vector, oidvector)
	formComposite // an object
	formHStore    // an object, by hstore's own cast to json
)

// binaryText appends PostgreSQL's text of a binary wire value.
type binaryText func(t *Type, dst, wire []byte, depth int) ([]byte, error)

// maxDepth bounds recursion through arrays, composites and ranges. Types of the
// server are finite trees; the bound is for wire bytes and catalogs that lie.
const maxDepth = 64

var (
	errDepth    = errors.New("nested too deeply")
	errShort    = errors.New("value ends early")
	errTrailing = errors.New("bytes left over after the value")
	errNoBinary = errors.New("no binary decoder; ask for text")
	errFormat   = errors.New("unknown wire format")
)

// OID is the type's OID.
func (t *Type) OID() uint32 { return t.oid }

// Name is pg_type.typname, such as "int4" or "_text"; "" for an unknown OID.
func (t *Type) Name() string { return t.name }

// Schema is the schema of the type; "pg_catalog" for built-in types.
func (t *Type) Schema() string { return t.schema }

// Kind is the family of the type; of a domain, that of its base type.
func (t *Type) Kind() Kind { return t.kind }

// Elem is the element type of an array, the subtype of a range and the range
// type of a multirange; nil for other types. A domain answers for its base.
func (t *Type) Elem() *Type { return t.elem }

// Base is the type under a domain, through domains over domains; the type
// itself where it is no domain.
func (t *Type) Base() *Type {
	if t.base != nil {
		return t.base
	}
	return t
}

// Labels are the labels of an enum in order, else nil. Not to be changed.
func (t *Type) Labels() []string { return t.labels }

// HasBinary says whether binary wire values can be decoded. Where it is false,
// results of the type are asked for in text.
func (t *Type) HasBinary() bool { return t.bin != nil && !t.noBin }

// SQLName is the quoted name for a cast: `int4`, `"public"."mood"`. Built-in
// names come out so that no length modifier slips in: `$1::bit` would mean
// bit(1) and `$1::char` character(1), so these two are `"bit"` and `"char"`.
// For an unknown type it is "". A type ByName has no schema: "mood".
func (t *Type) SQLName() string {
	switch {
	case t.name == "":
		return ""
	case t.byName && t.kind == KindArray && t.elem != nil && t.elem.byName:
		return t.elem.SQLName() + "[]" // the array type's own name may differ
	case t.byName:
		return quoteIdent(t.name)
	case !t.builtin:
		return quoteIdent(t.schema) + "." + quoteIdent(t.name)
	case t.oid == oidBit || t.oid == oidChar || t.kind == KindArray:
		return `pg_catalog.` + quoteIdent(t.name)
	}
	return t.name
}

// String is the name for readers: as SQLName, but an array is its element with []
// (text[], `"public"."mood"[]`), and no built-in type has its schema; "type 12345" for
// an unknown type.
func (t *Type) String() string {
	switch {
	case t.name == "":
		return fmt.Sprintf("type %d", t.oid)
	case t.kind == KindArray && t.elem != nil && (!t.builtin || t.name[0] == '_'): // not int2vector
		return t.elem.String() + "[]"
	case t.builtin && t.oid == oidChar:
		return `"char"`
	case t.builtin:
		return t.name
	}
	return t.SQLName()
}

// AppendJSON appends the JSON of a wire value to dst: byte for byte what the
// server's to_json gives under the pinned session (see the package comment),
// but for the changes that Options ask for, and for what the wire does not tell:
// an anonymous record (its field names are not sent) and a type that this
// package does not know are their text as a string, and a cast to json that a
// database adds to a type of its own is not called (hstore's is known).
//
//	int4 5         5                 text a"b            "a\"b"
//	numeric 1.50   1.50              timestamptz …       "2024-02-29T12:34:56.789+00:00"
//	float8 NaN     "NaN"             int4[] {1,NULL}     [1,null]
//	bytea 0x00     "\\x00"           a composite (1,a)   {"n":1,"s":"a"}
//
// A nil wire is SQL NULL: null. dst grows as by append; nothing else is
// allocated. On an error dst is returned as it was.
func (t *Type) AppendJSON(dst, wire []byte, f Format) ([]byte, error) {
	if wire == nil {
		return append(dst, "null"...), nil
	}
	out, err := t.appendJSON(dst, wire, f, 0)
	if err != nil {
		return dst, t.decodeError(f, err)
	}
	return out, nil
}

// AppendText appends PostgreSQL's text of a wire value to dst: what its output
// function (value::text for nearly all types) gives under the pinned session.
// NULL has no text: a nil wire is an error. On an error dst is returned as it was.
func (t *Type) AppendText(dst, wire []byte, f Format) ([]byte, error) {
	if wire == nil {
		return dst, t.decodeError(f, errors.New("NULL has no text"))
	}
	out, err := t.appendText(dst, wire, f, 0)
	if err != nil {
		return dst, t.decodeError(f, err)
	}
	return out, nil
}

// AppendCanonical appends the form of a wire value that two observations are
// compared by: "n" for NULL, else "v" and the value's text (AppendText). So
// NULL ("n"), the empty string ("v"), the string n ("vn") and a jsonb null
// ("vnull") are four different things, and both wire formats of one value
// meet in the same bytes. Values of different types are not comparable.
func (t *Type) AppendCanonical(dst, wire []byte, f Format) ([]byte, error) {
	if wire == nil {
		return append(dst, 'n'), nil
	}
	out, err := t.appendText(append(dst, 'v'), wire, f, 0)
	if err != nil {
		return dst, t.decodeError(f, err)
	}
	return out, nil
}

// decodeError says what was decoded; the value itself is a row's and stays out of it.
func (t *Type) decodeError(f Format, err error) error {
	how := "text"
	if f == Binary {
		how = "binary"
	}
	return fmt.Errorf("decode %s value of %s: %w", how, t, err)
}

// appendText is AppendText inside a value: errors without the type's name.
func (t *Type) appendText(dst, wire []byte, f Format, depth int) ([]byte, error) {
	switch {
	case f == Text:
		return append(dst, wire...), nil
	case f != Binary:
		return dst, errFormat
	case t.bin == nil:
		return dst, errNoBinary
	case depth > maxDepth:
		return dst, errDepth
	}
	return t.bin(t, dst, wire, depth)
}

// appendJSON is AppendJSON inside a value.
func (t *Type) appendJSON(dst, wire []byte, f Format, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, errDepth
	}
	switch f {
	case Text:
		return t.jsonFromText(dst, wire, depth)
	case Binary:
		if t.bin == nil {
			return dst, errNoBinary
		}
		return t.jsonFromBinary(dst, wire, depth)
	}
	return dst, errFormat
}

// jsonFromText is the text side of AppendJSON.
func (t *Type) jsonFromText(dst, wire []byte, depth int) ([]byte, error) {
	switch t.form {
	case formNumber:
		return appendNumber(dst, wire), nil
	case formBool:
		return appendBoolText(dst, wire)
	case formJSON, formJSONCamel:
		return t.appendDocument(dst, wire)
	case formTimestamp:
		return appendTimestampText(dst, wire), nil
	case formArray:
		return t.arrayTextJSON(dst, wire, depth)
	case formVector:
		return t.vectorTextJSON(dst, wire, depth)
	case formComposite:
		return t.compositeTextJSON(dst, wire, depth)
	case formHStore:
		return hstoreTextJSON(dst, wire)
	default:
		return appendQuoted(dst, wire), nil
	}
}

// jsonFromBinary is the binary side of AppendJSON. Most forms let bin write the text
// into dst and put quotes around it there.
func (t *Type) jsonFromBinary(dst, wire []byte, depth int) ([]byte, error) {
	mark := len(dst)
	switch t.form {
	case formText:
		return appendQuoted(dst, wire), nil
	case formPlain, formNumberString:
		dst, err := t.bin(t, append(dst, '"'), wire, depth)
		return append(dst, '"'), err
	case formHex:
		dst = hex.AppendEncode(append(dst, `"\\x`...), wire)
		return append(dst, '"'), nil
	case formNumber:
		dst, err := t.bin(t, dst, wire, depth)
		return quoteUnlessNumber(dst, mark), err
	case formBool:
		return appendBoolBinary(dst, wire)
	case formJSON, formJSONCamel:
		doc, err := t.documentBinary(wire)
		if err != nil {
			return dst, err
		}
		return t.appendDocument(dst, doc)
	case formTimestamp:
		return t.timestampBinaryJSON(dst, wire)
	case formArray, formVector:
		return t.arrayBinaryJSON(dst, wire, depth)
	case formComposite:
		return t.compositeBinaryJSON(dst, wire, depth)
	case formHStore:
		return hstoreBinaryJSON(dst, wire)
	default:
		dst, err := t.bin(t, append(dst, '"'), wire, depth)
		if err != nil {
			return dst, err
		}
		return append(escapeTail(dst, mark+1), '"'), nil
	}
}
