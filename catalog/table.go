package catalog

import "iter"

// TableKind is the kind of a relation: pg_class.relkind.
type TableKind byte

// The kinds of relation that a Catalog holds.
const (
	OrdinaryTable    TableKind = 'r'
	PartitionedTable TableKind = 'p'
	View             TableKind = 'v'
	MaterializedView TableKind = 'm'
	ForeignTable     TableKind = 'f'
	// RowType is no relation but the rows of a function; see NewRowType.
	RowType TableKind = 'c'
)

// String is the kind in words: "table", "partitioned table", "view",
// "materialized view", "foreign table" or "row type".
func (k TableKind) String() string {
	switch k {
	case OrdinaryTable:
		return "table"
	case PartitionedTable:
		return "partitioned table"
	case View:
		return "view"
	case MaterializedView:
		return "materialized view"
	case ForeignTable:
		return "foreign table"
	case RowType:
		return "row type"
	}
	return "unknown relation kind"
}

// Table is a table, partitioned table, view, materialized view or foreign
// table, as far as the loading role may use it.
type Table struct {
	OID    uint32
	Schema string
	Name   string
	Kind   TableKind

	// Columns are in the table's own order, without dropped ones and without
	// those on which the role has no privilege at all.
	Columns []*Column
	// PrimaryKey is nil where there is none, or where the role may not use one
	// of its columns.
	PrimaryKey *Key
	// Unique are the unique constraints and unique indexes other than the
	// primary key, by name. Some pin no row by their columns alone (see
	// Key.Total): use Keys to get those that do.
	Unique []*Key
	// ForeignKeys are the outgoing foreign keys, by name.
	ForeignKeys []*ForeignKey
	// ReferencedBy are the incoming foreign keys, by schema, table and name.
	// Those that partitions inherit from their parent are not repeated.
	ReferencedBy []*ForeignKey

	// Checks are the check and exclusion constraints that are about columns.
	Checks []Check

	Comment string
	// Extension is the name of the extension that the table belongs to, or "".
	Extension string

	// CanSelect, CanInsert and CanUpdate say that the role has the privilege on
	// the whole table or on at least one column; the columns say which.
	CanSelect, CanInsert, CanUpdate bool
	// CanDelete says that the role has the DELETE privilege.
	CanDelete bool

	// Insertable, Updatable and Deletable say that the relation takes such
	// statements at all, whoever runs them: always for a table, for a view
	// where it is simple enough or has INSTEAD OF triggers or rules, for a
	// foreign table where its wrapper says so, never for a materialized view.
	// Where a broken wrapper cannot say, views and foreign tables count as true.
	Insertable, Updatable, Deletable bool

	// RowSecurity and ForceRowSecurity are the table's row-level security
	// switches. Force makes the policies hold for the owner too.
	RowSecurity, ForceRowSecurity bool

	// Inherited says that other tables may INHERIT from this one (partitions are
	// something else): a unique key holds within each of them, not over all the rows
	// that a statement on this one sees.
	Inherited bool

	// IsPartition says that the table is a partition. Partitions are found by
	// name, but are not listed by Catalog.Tables.
	IsPartition bool
	// Parent is the table that this one is a partition of, or nil, also where
	// the role may not use the parent.
	Parent *Table

	// Triggers are the enabled triggers made by users; those that enforce
	// foreign keys are not counted.
	Triggers Triggers

	byName  map[string]*Column // DB names and camelCase names
	sqlName string
}

// Column finds a column by its name in the database or by its camelCase name.
// Load has made sure that no name means two columns.
func (t *Table) Column(name string) (*Column, bool) {
	c, ok := t.byName[name]
	return c, ok
}

// SQLName is the schema-qualified name, both parts quoted: "public"."users".
func (t *Table) SQLName() string { return t.sqlName }

// String is the name for messages: public.users.
func (t *Table) String() string { return t.Schema + "." + t.Name }

// Keys are the keys that pin at most one row by equality on their columns, the
// primary key first.
func (t *Table) Keys() iter.Seq[*Key] {
	return func(yield func(*Key) bool) {
		if t.PrimaryKey != nil && !yield(t.PrimaryKey) {
			return
		}
		for _, k := range t.Unique {
			if k.Total() && !yield(k) {
				return
			}
		}
	}
}

// HasBeforeTriggers says that an enabled BEFORE trigger may change the values
// of a write.
func (t *Table) HasBeforeTriggers() bool { return t.Triggers.Before != 0 }

// Triggers says on which events a table's enabled user triggers fire.
type Triggers struct {
	Before, After, InsteadOf Event
}

// Event is a set of statement kinds on which a trigger fires.
type Event uint8

// The members of an Event set, in the order of pg_trigger.tgtype.
const (
	OnInsert Event = 1 << iota
	OnDelete
	OnUpdate
	OnTruncate
)

// Column is one column of a Table.
type Column struct {
	Table *Table
	// Num is pg_attribute.attnum. Numbers have gaps where columns were dropped.
	Num  int
	Name string
	// JSONName is the camelCase name (see CamelCase).
	JSONName string

	// Type is the OID of the declared type: a domain's own OID.
	Type uint32
	// TypeMod is pg_attribute.atttypmod; -1 for none.
	TypeMod int
	// TypeName is the SQL name of Type without its modifier, for a cast
	// $1::TYPE under any search_path: "int4range", "public"."email", "bpchar".
	// The modifier is left out on purpose: an explicit cast to varchar(3) cuts
	// a longer value without an error, where an assignment refuses it.
	TypeName string
	// Declared is the type as declared, for people: "character varying(3)".
	Declared string
	// BaseType is Type with every domain unwrapped; Type where it is none.
	BaseType uint32
	// Dims is how many dimensions an array was declared with, by the column or by
	// its domain: 2 for int[][]. It is what was once written and no more: a value may have
	// any number, and it is 0 in views and tables that were made of a query.
	Dims int

	// NotNull says that NULL is refused, by the column or by its domain.
	NotNull bool
	// HasDefault says that an insert may leave the column out and gets a value
	// other than NULL: a default of the column or of its domain, or identity.
	// It is false for a generated column.
	HasDefault bool
	// Default is the text of the default, or of the expression of a generated
	// column; "" for identity.
	Default string
	// VolatileDefault says that the default calls something not immutable, such
	// as now() or nextval(): two inserts may get two values. Identity counts.
	VolatileDefault bool
	// Identity is 'a' (GENERATED ALWAYS), 'd' (BY DEFAULT) or 0.
	Identity byte
	// Generated is 's' (stored), 'v' (virtual) or 0.
	Generated byte
	// ReadOnly says that no statement may set the column: it is generated, or
	// it is a column of a view that cannot be written through.
	ReadOnly bool

	Comment string
	// CanSelect, CanInsert and CanUpdate are the role's privileges, given on
	// the column or on the whole table.
	CanSelect, CanInsert, CanUpdate bool
	// Collation is the schema-qualified quoted name of a collation other than
	// the type's default, or "".
	Collation string

	sqlName string
}

// SQLName is the quoted name: "created_at".
func (c *Column) SQLName() string { return c.sqlName }

// Key is a primary key, unique constraint or unique index.
type Key struct {
	Name string
	// Columns are the key's columns in index order, without INCLUDE columns and
	// without expressions.
	Columns []*Column
	// Primary says that this is the primary key.
	Primary bool
	// Constraint says that a constraint, not only an index, carries the name:
	// ON CONFLICT ON CONSTRAINT takes it.
	Constraint bool
	// NullsNotDistinct says that two NULLs count as equal (PostgreSQL 15).
	NullsNotDistinct bool
	// Deferrable keys may be broken inside a transaction, and are refused by
	// ON CONFLICT.
	Deferrable, InitiallyDeferred bool
	// Predicate is the WHERE of a partial index, or "".
	Predicate string
	// Expressions is the text of the index's expressions, or "".
	Expressions string
}

// Total says that equality on all Columns pins at most one row: the key is
// neither partial nor over expressions.
func (k *Key) Total() bool { return k.Predicate == "" && k.Expressions == "" }

// Check is a check or exclusion constraint, as far as it names columns that the role
// may use.
type Check struct {
	Name    string
	Columns []*Column
}

// Action is what a foreign key does when the referenced row goes or changes.
type Action string

// The actions of a foreign key.
const (
	NoAction   Action = "NO ACTION"
	Restrict   Action = "RESTRICT"
	Cascade    Action = "CASCADE"
	SetNull    Action = "SET NULL"
	SetDefault Action = "SET DEFAULT"
)

// ForeignKey is a foreign key between two tables, both usable by the role.
type ForeignKey struct {
	Name string
	// Table has the referencing Columns; RefTable the referenced RefColumns.
	// Columns[i] references RefColumns[i].
	Table      *Table
	RefTable   *Table
	Columns    []*Column
	RefColumns []*Column

	OnDelete, OnUpdate            Action
	Deferrable, InitiallyDeferred bool
	// Unique says that the referencing columns hold a total key: at most one
	// row references each referenced row.
	Unique bool
	// NotNull says that no referencing column takes NULL: each row has its
	// referenced row (once a deferred check is done).
	NotNull bool
}
