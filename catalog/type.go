package catalog

// Type is one row of pg_type. The row types of the loaded schemas' tables are
// among them, with all their columns, because a value of such a type has them
// all whatever the role's privileges on the table are: what is shown to a user
// comes from Table, not from here. Row types of system tables are left out.
type Type struct {
	OID    uint32
	Schema string
	Name   string // pg_type.typname
	// Kind is pg_type.typtype: b base, c composite, d domain, e enum,
	// m multirange, p pseudo, r range.
	Kind byte
	// Category is pg_type.typcategory, such as 'N' numeric or 'S' string.
	Category byte
	// Elem is the element type of an array, else 0.
	Elem uint32
	// Array is the array type of this type, else 0.
	Array uint32
	// Base is the base type of a domain (one level), the subtype of a range or
	// the range of a multirange, else 0.
	Base uint32
	// BaseTypeMod is the type modifier that a domain puts on Base; -1 for none.
	BaseTypeMod int
	// Dims is how many dimensions a domain over an array, or one that it is over, was
	// declared with; else 0. See Column.Dims.
	Dims int
	// Delim separates array elements: ',' for all but box.
	Delim byte
	// NotNull says that a domain, or one it is over, refuses NULL.
	NotNull bool
	// Labels are an enum's labels in their order.
	Labels []string
	// Fields are a composite's fields in their order, without dropped ones.
	Fields []TypeField
	// Default is a domain's default expression, or "".
	Default string
	// VolatileDefault says that Default calls something not immutable.
	VolatileDefault bool
	// SQLName is the name for a cast under any search_path, without modifier.
	SQLName string
	Comment string
	// Extension is the name of the extension that the type belongs to, or "".
	Extension string
	// Table is the OID of the table or view whose row type this is, else 0.
	Table uint32
}

// TypeField is one field of a composite type.
type TypeField struct {
	Name    string
	Type    uint32
	Dims    int // see Column.Dims
	Comment string
}

// Function is one function or procedure that the role may execute. Aggregates,
// window functions and trigger functions are left out.
type Function struct {
	OID    uint32
	Schema string
	Name   string
	// Procedure says that it is run by CALL.
	Procedure bool
	// Args are all arguments in declared order, OUT and TABLE columns too.
	Args []Arg
	// Returns is the OID of the return type; 0 for a procedure without one.
	Returns uint32
	// ReturnsSet says that it returns a set of rows.
	ReturnsSet bool
	// Volatility is 'i' immutable, 's' stable or 'v' volatile.
	Volatility byte
	// Strict functions return NULL when an argument is NULL.
	Strict bool
	// SecurityDefiner functions run with the privileges of their owner.
	SecurityDefiner bool
	Comment         string
	// Extension is the name of the extension that the function belongs to, or "".
	Extension string

	sqlName string
}

// SQLName is the schema-qualified name, both parts quoted.
func (f *Function) SQLName() string { return f.sqlName }

// Arg is one argument of a Function.
type Arg struct {
	Name string // "" where it has none
	Type uint32
	// Mode is 'i' in, 'o' out, 'b' inout, 'v' variadic or 't' table column.
	Mode byte
	// HasDefault says that a call may leave the argument out.
	HasDefault bool
	// Default is the text of the default, for people; "" where there is none.
	Default string
}

// Input says that a call gives the argument: in, inout or variadic.
func (a *Arg) Input() bool { return a.Mode == 'i' || a.Mode == 'b' || a.Mode == 'v' }

// Output says that the argument is a column of the result: out, inout or table.
func (a *Arg) Output() bool { return a.Mode == 'o' || a.Mode == 'b' || a.Mode == 't' }

// Extension is one installed extension.
type Extension struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Schema  string `json:"schema"`
}
