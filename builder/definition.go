package builder

import (
	"encoding/json"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// Definition is one operation, as JSON says it or as Go code builds it: the
// public contract of the product. Field names are in either spelling
// (created_at, createdAt). The zero value of each member means "not said".
//
// A Definition is checked in two steps: ParseDefinition checks the shape of the
// JSON (unknown keys, wrong types, duplicates), Build checks it against a
// Schema (unknown fields, operators that a type does not take, bad values).
// Both report every problem they find, each with its JSON path.
type Definition struct {
	Kind  Kind   // Query, Insert, Update, Delete, Invoke
	Table string // "users", or "schema.users"
	From  *Call  // the rows come from this function instead of Table; see Invoke

	// Fields are the selected columns, in answer order. nil: every column that
	// the role may read. An empty, non-nil list is refused.
	// For a mutation these are the return_fields.
	Fields    []Field
	Relations []Relation // nested selections, in answer order

	Filter   *Filter // nil: no filter
	AllRows  bool    // "all_rows": an update or delete of every row is meant
	Sort     []Sort
	Limit    *int64
	Offset   *int64
	After    *Cursor // keyset paging: rows after this key
	Before   *Cursor // keyset paging: rows before this key
	Distinct *Distinct

	// What follows has no spelling in JSON: it is for programs that make
	// definitions, such as graphql.

	// LimitSlot and OffsetSlot are the Slots of Limit and Offset.
	LimitSlot, OffsetSlot Slot
	// Direction says which end of the rows a Limit counts from.
	Direction Direction
	// Page reads one row more than Limit, to tell whether there are more; the
	// answer has Limit rows. See Plan.Page.
	Page bool
	// EdgeCursors fills Plan.Edges.
	EdgeCursors bool
	// Bare makes each row the value of its only field, and no object: a list of
	// values, or a value.
	Bare bool
	// One asks for an object: the filter must pin a unique key.
	One bool
	// Trusted: the filter pins one row by what the catalog does not know, a key of a
	// view. More than one row is an error then.
	Trusted bool
	// Key are columns of Table that tell its rows apart, which the catalog does not
	// know: the key of a view. Pages are in their order where Table has no key of
	// its own.
	Key []*catalog.Column
	// Shape arranges the outputs of aggregate and group_by, by their keys; nil:
	// all of them, flat.
	Shape []Field

	Aggregate []Aggregate
	GroupBy   []GroupBy
	Having    *Filter // over group_by and aggregate output keys

	Input       []Input // insert: one or more rows; update: exactly one
	InputIsList bool    // the JSON was a list: the answer is a list too
	OnConflict  *OnConflict
	ReturnNone  bool   // "return_fields": null
	MaxAffected *int64 // more affected rows than this: rolled back, CodeLimit

	Path Path // where in the request this definition stands; for error messages
}

// Kind is what a Definition does. The zero Kind is refused by Build.
type Kind uint8

// The kinds of Definition.
const (
	Query Kind = iota + 1
	Insert
	Update
	Delete
	// Invoke calls the function or procedure of From as a write, in a
	// transaction. Its fields and relations are those of the rows that come back;
	// it takes no filter, sort or page. A volatile function takes no other Kind.
	// A procedure gives one row of its INOUT and OUT arguments; one that ends
	// transactions itself (COMMIT) fails, with SQLSTATE 2D000.
	Invoke
)

// Direction is which end of the rows a limit counts from.
type Direction uint8

// The directions. By default it is the end that the cursor is at: the start,
// unless there is a Before and no After.
const (
	FromCursor Direction = iota
	FromStart
	FromEnd
)

// Slot numbers a value that may be another one when the Plan is used again: see
// Plan.Bind. 0 means that the value never changes.
type Slot int

// Field is one selected column: {"field":"name","as":"fullName"} or just "name".
//
// Go code can put other things in the place of a column, under the key As: a
// nested Relation, an Object of further fields of the same row, a Literal, the
// row's Cursor, a Call, or a System fact.
type Field struct {
	Relation *Relation
	Object   []Field
	Literal  json.RawMessage
	Cursor   bool // base64url of the JSON list of the row's sort keys
	Nothing  bool // no member at all: an object of which nothing is selected is {}
	// Labels are other names for the values of an enum, by label; nil: none.
	Labels map[string]string
	Call   *Call  // what a function makes of the row, as if it were a column
	System System // a fact that no column has, see Inserted

	Name string
	// Attr leads to an attribute of the composite column Name; with an Object
	// beside it or beside Name, the object is null where that is NULL.
	Attr  []string
	As    string   // output key; "" means the camelCase name
	JSON  []string // path inside a json/jsonb column: {"field":"data","path":["a","b"]}
	Type  string   // type of the value at JSON: "text", "numeric", ...; "" means json
	Place Path
}

// Relation is a nested selection over a foreign key.
type Relation struct {
	Key       string // output key; where Name is "", the name that is looked up, written in camelCase
	Name      string // relation's name: referenced/referencing table, column without _id, or constraint
	Fields    []Field
	Filter    *Filter
	Sort      []Sort
	Limit     *int64
	Offset    *int64
	Distinct  *Distinct
	Relations []Relation
	Place     Path

	// Link stands in place of Name.
	Link *Link
	// Call stands in place of Name: the rows are those that a function gives for
	// each row of the level above, in the function's order where no Sort says
	// another. The row is the stored one: it is found by its key, which the table
	// has to have.
	Call *Call
	// Bare makes each row the value of its only field, and no object.
	Bare bool
	// LimitSlot and OffsetSlot are the Slots of Limit and Offset.
	LimitSlot, OffsetSlot Slot
}

// Filter is one node of a condition tree. Exactly one of the groups is set:
// And, Or, Not; Field with Op and Value; or Rel with Quant and Sub.
type Filter struct {
	And []*Filter // non-nil, possibly empty (true)
	Or  []*Filter // non-nil, possibly empty (false)
	Not *Filter
	// Unknown finds the rows for which a condition is neither true nor false. There
	// is no word for it in JSON: it is for who checks that the three parts of a
	// table make the whole.
	Unknown *Filter

	Field string
	Attr  []string        // of a composite column: the attribute, and of that one the next
	JSON  []string        // path inside a json/jsonb column, or first to an attribute
	Type  string          // type to compare the value at JSON as; "" means by the JSON value
	Op    string          // name or alias of an operator, see Operators
	Value json.RawMessage // the operand as written; never nil for a field condition

	Slot Slot  // of Value
	Call *Call // in place of Field: what a function makes of the row

	Rel   string  // name of a relation, or
	Link  *Link   // the relation itself
	Quant Quant   // Exists, None, Every
	Sub   *Filter // over the related table; nil: every row

	Place Path

	// Where the parts of a field condition stand, if not all at Place.
	fieldAt, opAt, valueAt Path
	attrAt                 []Path // one for each of Attr
}

// Quant says how a filter over a relation counts rows.
type Quant uint8

// The quantifiers of a filter over a relation.
const (
	Exists Quant = iota + 1 // at least one related row matches ("some" is an alias)
	None                    // no related row matches
	Every                   // no related row fails to match
)

// Sort is one sort key: {"field":"name","direction":"DESC","nulls":"LAST"}.
type Sort struct {
	Field string
	JSON  []string
	Type  string
	Desc  bool
	Nulls Nulls
	Place Path  // of the field's name
	Call  *Call // in place of Field: what a function makes of the row
	// Links lead to the row that Field is of: each to one row, but for the last
	// where Field is "": then the key is how many rows it leads to.
	Links []Link
}

// Nulls says where NULL sorts. The zero value is PostgreSQL's default: last
// ascending, first descending.
type Nulls uint8

// The places for NULL.
const (
	NullsDefault Nulls = iota
	NullsFirst
	NullsLast
)

// Cursor holds one value per sort key, the primary key's columns included, by
// name. {"after":{"name":"Ann","id":7}}. A null value is a NULL key.
type Cursor struct {
	Values []CursorValue
	Place  Path
	// Not turns the condition round: the rows that are not behind (in front of)
	// the cursor, its own row among them.
	Not bool
}

// CursorValue is one key of a Cursor. Where no value names its Field, they stand
// in the order of the sort keys.
type CursorValue struct {
	Field string
	Value json.RawMessage
	Place Path
	// Slot is that of a text which From finds the Value in.
	Slot Slot
	From func(leaf []byte) (json.RawMessage, error)
}

// Distinct is true (whole rows) or a list of fields (DISTINCT ON).
type Distinct struct {
	On    []string
	Place Path
}

// Aggregate is one aggregate: {"fn":"sum","field":"amount","as":"total"}.
type Aggregate struct {
	Fn       string // count, sum, avg, min, max, stddev, variance, bool_and, bool_or, array_agg
	Field    string // "" only for count
	As       string // output key; "" means fn + Field in camelCase ("sumAmount", "count")
	Distinct bool
	Filter   *Filter // FILTER (WHERE ...)
	Place    Path
}

// GroupBy is one grouping key: "country" or {"field":"created_at","trunc":"month","as":"month"}.
type GroupBy struct {
	Field string
	Trunc string // date_trunc unit, "" for none
	As    string
	Place Path
}

// Input is one row to write, in the order of the JSON.
type Input struct {
	Sets  []Set
	Place Path
}

// Set is one column of an Input. {"views":{"increment":1}} has Op "increment";
// a plain value has Op "". Path is for jsonb_set ({"set_path":{"path":[..],"value":..}}).
type Set struct {
	Field string
	Op    string // "", increment, append, prepend, remove, set_path, delete_path, default
	Path  []string
	Value json.RawMessage
	Place Path
	Slot  Slot
}

// OnConflict is what an insert does when a unique key is taken.
type OnConflict struct {
	Columns    []string // conflict target by columns, or
	Constraint string   // by constraint name
	Nothing    bool     // "do":"nothing"; otherwise update
	Update     []string // columns set from the proposed row; nil: all given, keys excepted
	Filter     *Filter  // DO UPDATE ... WHERE
	Place      Path
}

// Path is a place in the request, outermost first: strings for object keys and
// ints for list positions. It prints as $.filters.and[1].value.
type Path []any
