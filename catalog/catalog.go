package catalog

import (
	"iter"
	"slices"
)

// Catalog is what one role saw of one database at one moment. It is immutable
// and safe for concurrent use.
type Catalog struct {
	version       string
	serverVersion int
	searchPath    []string
	schemas       []string

	tables []*Table // listed ones, by schema and name
	// byName has each spelling that needs no parsing: "users" as the search
	// path resolves it, and "schema.users". A nil Table is one that the search
	// path finds first but that the role may not use: it hides later ones, as
	// it does in PostgreSQL.
	byName   map[string]*Table
	byParts  map[qualified]*Table
	byOID    map[uint32]*Table
	types    map[uint32]*Type
	typeName map[qualified]*Type
	typeList []*Type

	functions  []*Function
	funcName   map[qualified][]*Function
	extensions []*Extension

	collisions []*CollisionError
}

// qualified is a schema and a name inside it.
type qualified struct{ schema, name string }

// Version is a hash of everything in the Catalog: two Catalogs with one Version
// are alike, OIDs and privileges included, so a cache of plans can key on it.
func (c *Catalog) Version() string { return c.version }

// ServerVersion is the server's version number, such as 150004 for 15.4.
func (c *Catalog) ServerVersion() int { return c.serverVersion }

// SearchPath is the effective search path: existing schemas that the role may
// use, without the implicit pg_catalog and without temporary schemas.
func (c *Catalog) SearchPath() []string { return slices.Clone(c.searchPath) }

// Schemas are the loaded schemas, sorted.
func (c *Catalog) Schemas() []string { return slices.Clone(c.schemas) }

// Collisions tell the columns that WithoutCollisions has left out: each the second
// of its Columns.
func (c *Catalog) Collisions() []*CollisionError { return slices.Clone(c.collisions) }

// Table finds a relation by name: "users" through the search path, or
// "schema.users". A part that has a dot or a quote in it is written in double
// quotes, doubled inside: `"my.schema"."say ""hi"""`. Letter case matters in
// both forms. Partitions are found too.
//
// The error is a *NameError and wraps ErrUnknownTable or ErrName. It never says
// whether a table exists that the role may not use.
func (c *Catalog) Table(name string) (*Table, error) {
	if t, ok := c.byName[name]; ok && t != nil {
		return t, nil
	}
	q, err := parseName(name)
	if err != nil {
		return nil, err
	}
	if q.schema != "" {
		if t := c.byParts[q]; t != nil {
			return t, nil
		}
		return nil, &NameError{Name: name, Err: ErrUnknownTable}
	}
	// A quoted "users" is the same search as users.
	for _, s := range c.searchPath {
		if t, ok := c.byParts[qualified{s, q.name}]; ok {
			if t == nil {
				break
			}
			return t, nil
		}
	}
	return nil, &NameError{Name: name, Err: ErrUnknownTable}
}

// TableByOID finds a relation by its OID, partitions included.
func (c *Catalog) TableByOID(oid uint32) (*Table, bool) {
	t, ok := c.byOID[oid]
	return t, ok
}

// Tables are all relations but partitions, by schema and name.
func (c *Catalog) Tables() iter.Seq[*Table] { return slices.Values(c.tables) }

// Type finds a type by its OID.
func (c *Catalog) Type(oid uint32) (*Type, bool) {
	t, ok := c.types[oid]
	return t, ok
}

// TypeByName finds a type by schema and pg_type.typname: ("pg_catalog", "int4").
// With schema "" it looks in pg_catalog, then along the search path.
func (c *Catalog) TypeByName(schema, name string) (*Type, bool) {
	if schema != "" {
		t, ok := c.typeName[qualified{schema, name}]
		return t, ok
	}
	if t, ok := c.typeName[qualified{systemSchema, name}]; ok {
		return t, true
	}
	for _, s := range c.searchPath {
		if t, ok := c.typeName[qualified{s, name}]; ok {
			return t, true
		}
	}
	return nil, false
}

// Types are all types, system types included, by schema and name.
func (c *Catalog) Types() iter.Seq[*Type] { return slices.Values(c.typeList) }

// BaseType unwraps every domain: the type of the values that are stored. A type
// that is no domain, or is not known, is its own base.
func (c *Catalog) BaseType(oid uint32) uint32 { return baseType(c.types, oid) }

// Functions are all functions and procedures of the loaded schemas that the
// role may execute, by schema, name and OID.
func (c *Catalog) Functions() iter.Seq[*Function] { return slices.Values(c.functions) }

// Function finds the overloads of a function, named as for Table. There is none
// where the name is unknown or badly written.
func (c *Catalog) Function(name string) []*Function {
	q, err := parseName(name)
	if err != nil {
		return nil
	}
	if q.schema != "" {
		return slices.Clone(c.funcName[q])
	}
	// Overloads may stand in several schemas; one in an earlier schema with the
	// same arguments wins, which the caller decides by Args.
	var all []*Function
	for _, s := range c.searchPath {
		all = append(all, c.funcName[qualified{s, q.name}]...)
	}
	return all
}

// Extensions are the installed extensions, by name.
func (c *Catalog) Extensions() iter.Seq[*Extension] { return slices.Values(c.extensions) }

// Extension finds an installed extension by name.
func (c *Catalog) Extension(name string) (*Extension, bool) {
	for _, e := range c.extensions {
		if e.Name == name {
			return e, true
		}
	}
	return nil, false
}
