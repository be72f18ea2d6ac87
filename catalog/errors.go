package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// What a *NameError wraps.
var (
	// ErrUnknownTable says that the role can use no table of that name.
	ErrUnknownTable = errors.New("unknown table")
	// ErrName says that a name is not well formed.
	ErrName = errors.New(`badly formed name; want name, schema.name or "quoted"."parts"`)
)

// NameError is a name that could not be resolved. It wraps ErrUnknownTable or
// ErrName.
type NameError struct {
	Name string
	Err  error
}

// Error names the table as it was asked for, cut to a length that fits a log line.
func (e *NameError) Error() string {
	// A PostgreSQL name has at most 63 bytes; two of them, quoted and with each
	// character doubled, need no more than this.
	const most = 260
	name := e.Name
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return fmt.Sprintf("%v: %q", e.Err, name)
}

// Unwrap gives ErrUnknownTable or ErrName.
func (e *NameError) Unwrap() error { return e.Err }

// CollisionError says that two columns of a table have one camelCase name.
// Load joins one for each such pair.
type CollisionError struct {
	Schema, Table string
	JSONName      string    // the name they share
	Columns       [2]string // as the database has them, in the table's order
}

// Error names the table and both columns.
func (e *CollisionError) Error() string {
	return fmt.Sprintf("table %s.%s: columns %q and %q have one JSON name %q: rename one of them",
		e.Schema, e.Table, e.Columns[0], e.Columns[1], e.JSONName)
}

// UnknownSchemaError names the schemas asked for by WithSchemas that are not
// there, or that the role has no USAGE privilege on.
type UnknownSchemaError struct{ Schemas []string }

// Error lists the schemas.
func (e *UnknownSchemaError) Error() string {
	return "unknown schema, or no USAGE privilege: " + strings.Join(e.Schemas, ", ")
}
