package builder

import (
	"encoding/json"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Statement is one finished SQL statement with its arguments. It is never
// edited after it is made and is safe for concurrent use.
type Statement struct {
	// Name labels the statement in logs and reports: "query users".
	Name string
	// SQL has placeholders $1..$n, and no text of the request.
	SQL string
	// Args are canonical: nil, string, or []byte for bytea.
	Args []any
	// Effect says whether data may change. The zero Effect counts as a write.
	Effect Effect
	// Ordered says that the SQL fixes the order of the rows completely.
	Ordered bool
	// Columns describes the rows; empty for a statement without rows. nil for
	// adopted SQL whose columns are learned from the server.
	Columns []Column

	// Uses says how the definition uses columns beyond reading them; of the root's
	// Statement only, for all levels together. Columns says what is read.
	Uses []Use

	binds []bind // arguments that Plan.Bind replaces
}

// Use is one use of a column, or of a type where an expression is used.
type Use struct {
	Column   *catalog.Column // nil: an expression
	Type     *codec.Type
	How      How
	Operator string // of Filter: its name in the operator table
}

// How a column is used.
type How uint8

// The uses. UseReadNull is what only the answer shows.
const (
	UseRead      How = iota // its value was read
	UseReadNull             // NULL was read
	UseFilter               // it was compared in a condition
	UseSort                 // rows were sorted by it
	UseWrite                // it was given a value
	UseWriteNull            // it was given NULL
)

// Effect is what a Statement may do to data.
type Effect uint8

// The effects. The zero Effect is Write: what is not known to read is a write.
const (
	Write Effect = iota
	Read
)

// Column is one column of a Statement's rows.
type Column struct {
	Name string      // label in the SQL
	Type *codec.Type // how its values become JSON
	// Volatile says that two executions of the statement may give the column
	// different values although nothing is wrong: a returned column that was not
	// given a value and whose default is volatile (identity, nextval, now(),
	// random), or any returned column that was not given a value in a table with
	// row triggers that fire before the write. Parity renames such values.
	Volatile bool
	// Source is the table's column that is read, nil for an expression.
	Source *catalog.Column
}

// Plan is a Definition turned into statements and the shape of their answer.
// It is immutable and safe for concurrent use.
type Plan struct {
	Kind Kind
	Root Node
	// Single: the answer is one object (or null), not a list.
	Single bool
	// Vowed: it is so by a key that the catalog does not know, and that may not hold.
	Vowed bool
	// Result: the answer is {"success","message","affected"}: a write with
	// "return_fields": null. Root.Statement has no columns then and is run by Exec.
	Result bool
	// UniqueKey: the filter pins a unique key by eq (success is false when no row matched).
	UniqueKey bool
	// AtMostOne: the server makes sure that the key is unique among all rows that the
	// filter can meet, so an update or delete has one row or none.
	AtMostOne bool
	// MaxAffected: -1 for no guard. More rows: roll back with CodeLimit.
	MaxAffected int64
	// Reverse: rows come in reverse of the asked order (keyset paging "before"
	// with a limit: the limit bounds what has to be turned round).
	Reverse bool
	// Unbounded: no small LIMIT is known, so nested selections need a cursor to
	// keep memory constant.
	Unbounded bool
	// MaxRows is how many rows the root level may have; 0 for no bound. The SQL
	// stops at one more, so that a larger result is seen, and refused with
	// CodeLimit, without being read. Nested levels are not counted.
	MaxRows int64
	// Paged: the statement reads one row more than the answer may have, Page, to
	// tell whether there are further ones.
	Paged bool
	Page  int64
	// Edges are the columns of the root's sort keys: the answer's Info tells the
	// cursors of its first and last row. nil: nobody asks.
	Edges []int

	catalog   *catalog.Catalog
	limitSlot Slot
	pinned    bool // the filter pins a unique key
	fixed     bool // made for its values: Bind can't replace them
	bound     bool // a statement has binds
}

// Catalog is what the plan was built on: it knows the columns of the constraints
// that a write can violate. Nil for a Plan that Build has not made.
func (p *Plan) Catalog() *catalog.Catalog { return p.catalog }

// Statements are those of all levels, outermost first. Those of children have no keys
// among their arguments yet.
func (p *Plan) Statements() []*Statement {
	var list []*Statement
	var walk func(n *Node)
	walk = func(n *Node) {
		list = append(list, &n.Statement)
		for i := range n.Children {
			walk(&n.Children[i].Node)
		}
	}
	walk(&p.Root)
	return list
}

// Node is one level of the answer: a statement, how its columns become the
// members of each object, and the nested levels below.
type Node struct {
	Statement Statement
	// Members of each object, in answer order. Two may name one column, and a
	// column that no member names is there for the keys of a child.
	Members []Member
	// Bare: a row is the value of its only member, and no object.
	Bare bool
	// Children are the nested levels. Child statements take the keys of their
	// parents as arrays, one per key column, in place of the first arguments.
	Children []Child
}

// Member is one key of an answer object: a column (Child < 0) or a nested level,
// unless one of the last three says something else.
type Member struct {
	Key    string // output key, already in its final spelling
	Column int    // index into Statement.Columns when Child < 0
	Child  int    // index into Node.Children, or -1

	Literal json.RawMessage // this text
	// Object of values of the same row. With a Column it is null where that is.
	Object []Member
	Cursor []int // base64url of the JSON list of these columns' values
	Told   *Told // the outcome of a mutation
	// Labels are other names for the labels of the column's enum; nil: none.
	Labels map[string]string
}

// Child is a nested level. Its statement's first len(Keys) arguments are left
// nil by Build; the executor fills each with a PostgreSQL array literal (text)
// of the distinct parent keys, all of the same length. The first column of the
// child's rows is the 1-based position (int8) of the parent key that the row
// belongs to; rows come ordered by it, then by the child's own order. Members
// never name that first column.
type Child struct {
	Node Node
	Keys []int // indexes into the parent's Statement.Columns, one per key column
	Many bool  // a list; otherwise an object or null
}
