package builder

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// maxListed bounds how many columns a problem lists as allowed.
const maxListed = 100

// field is something that a condition or a sort key can be about: a column, a
// value inside a json column, the output of an aggregate.
type field struct {
	// expr is SQL text with a question mark for each of args (squirrel's form).
	// A plain column has no args. Use sql() where expr is put into a statement.
	expr string
	args []any
	typ  *codec.Type
	// cast is the SQL name of the type for an argument that is compared with or
	// written to the field. For a domain it is the type under it: a filter by a
	// value that the domain refuses finds nothing, and is no error.
	cast string
	col  *catalog.Column // nil for what is not a column
	// loose says that NULL is possible whatever col says: the row comes from a
	// function.
	loose bool
	call  bool // what a function makes of the row
	// of is the column that an attribute belongs to.
	of *catalog.Column
}

// sql is the field's expression, to be put into a statement.
func (f field) sql() squirrel.Sqlizer { return expression{f.expr, f.args} }

// scope is where names are looked up: one table under one alias, or a set of
// named expressions. A scope belongs to the building of one definition and is
// not safe for concurrent use.
type scope struct {
	schema *Schema
	table  *catalog.Table // nil where only virtual names exist
	alias  string         // as it is, not quoted
	source *source        // nil: the rows are the table's own
	// virtual names come before the table's columns: the outputs of group_by
	// and aggregate, for HAVING.
	virtual map[string]field
	probs   *problems
	shared  *counters
	joined  string // what follows the table in FROM
}

// counters is what all scopes of one definition have in common.
type counters struct {
	aliases int
	filters int
	fixed   bool // see Plan.Reusable
	uses    []Use
}

// use takes note of how f is used, once for each way.
func (sc *scope) use(f field, how How, operator string) {
	u := Use{Column: f.col, Type: f.typ, How: how, Operator: operator}
	if !slices.Contains(sc.shared.uses, u) {
		sc.shared.uses = append(sc.shared.uses, u)
	}
}

// useWrite takes note that f is given the value raw.
func (sc *scope) useWrite(f field, raw json.RawMessage) {
	how := UseWrite
	if isNull(raw) {
		how = UseWriteNull
	}
	sc.use(f, how, "")
}

// newScope is the outermost scope of a definition, over t as t0.
func newScope(s *Schema, t *catalog.Table, probs *problems) *scope {
	sc := &scope{schema: s, table: t, probs: probs, shared: &counters{}}
	sc.alias = sc.nextAlias()
	return sc
}

// nextAlias makes the aliases of one definition: t0, t1, … They are ours and
// short, so the cut at 63 bytes can't make two of them meet.
func (sc *scope) nextAlias() string {
	a := "t" + strconv.Itoa(sc.shared.aliases)
	sc.shared.aliases++
	return a
}

// child is a scope over another table within the same definition.
// "" it takes the next free one.
func (sc *scope) child(t *catalog.Table) *scope {
	return &scope{schema: sc.schema, table: t, alias: sc.nextAlias(), probs: sc.probs, shared: sc.shared}
}

// from is the table and its alias, for FROM: "public"."users" AS "t0".
func (sc *scope) from() string {
	return sc.schema.nameIn(sc.table.Schema, sc.table.Name) + " AS " + ident(sc.alias) + sc.joined
}

// column is the expression of a column in this scope. alias "" leaves the
// qualification out, for the target lists of INSERT and UPDATE.
func (sc *scope) column(c *catalog.Column) field {
	typ := sc.schema.typeOf(c)
	f := field{typ: typ, cast: castName(typ), col: c, expr: sqlText(c.SQLName()), loose: sc.source != nil}
	if f.cast == "" { // a type that the catalog's query did not list
		f.cast = sqlText(c.TypeName)
	}
	if sc.alias != "" {
		f.expr = ident(sc.alias) + "." + f.expr
	}
	return f
}

// castName is the SQL name of the type under any domain, without a modifier.
func castName(t *codec.Type) string { return sqlText(t.Base().SQLName()) }

// field finds what name stands for. A name that does not exist and a column
// that the role may not read are the same problem, so that nothing can be
// learned of columns out of reach.
func (sc *scope) field(name string, at Path) (field, bool) {
	if f, ok := sc.virtual[name]; ok {
		return f, true
	}
	if sc.table != nil {
		if c, ok := sc.table.Column(name); ok && c.CanSelect {
			return sc.column(c), true
		}
	}
	if sc.table != nil && !sc.probs.full() {
		// Looked up quietly: only whether there is one matters here.
		if _, ok := sc.schema.relation(sc.table, name, at, &problems{}); ok {
			sc.probs.addf(at, quantNames, "%s is a relation, not a field; a condition on it needs a word such as exists", quoted(name))
			return field{}, false
		}
	}
	sc.probs.unknown(at, "field", name, sc.readable())
	return field{}, false
}

// readable lists the names that field would find, in the table's order.
func (sc *scope) readable() []string {
	names := sortedKeys(sc.virtual)
	if sc.table == nil {
		return names
	}
	for _, c := range sc.table.Columns {
		if len(names) == maxListed {
			return append(names, "…")
		}
		if c.CanSelect {
			names = append(names, c.JSONName)
		}
	}
	return names
}
