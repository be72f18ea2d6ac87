package builder

import (
	"slices"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// System is a fact about a row that is in none of its columns.
type System string

// Inserted says of a row that an insert with on_conflict returns whether it is
// new: true, or false where a row that was there has been updated. A row that
// was left alone (DO NOTHING, or DO UPDATE with a filter) is not returned.
//
// Of a table it is xmax = 0: PostgreSQL locks the row that it updates on conflict,
// and the lock stays in xmax of the new version, where a new row has 0. RETURNING
// comes before any AFTER trigger, which could lock it too. A partitioned table has
// no xmax that could be relied on ("cannot retrieve a system column in this
// context", where the row is stored by a partition of just its form); there the
// update leaves a mark, see planner.mark. With DO NOTHING what comes back is new
// in any relation; nothing else can be done on conflict in a view.
const Inserted System = "inserted"

// What the row of a function tells of a mutation by one of the conventions, see
// Callable.Response: whether it succeeded, and the code that says what else became
// of it, NULL where it did.
const (
	Success   System = "success"
	ErrorCode System = "errorCode"
)

// Told is a Member that an outcome is: these columns, read by OutcomeOfStatus or
// OutcomeOfClass.
type Told struct {
	Shape   ResponseShape
	Columns []int
	Code    bool // the code, or null; otherwise true where there is none
}

// selectTold selects Success or ErrorCode, of the rows of a function or, with a
// Name, of a composite column that has been kept of one.
func (l *level) selectTold(def *Field) {
	rows, value := l.scope.table, field{}
	if def.Name != "" {
		var ok bool
		if value, ok = l.scope.field(def.Name, def.Place); ok && len(def.Attr) > 0 {
			value, ok = l.scope.attribute(value, def.Attr, def.Place)
		}
		if !ok {
			return
		}
		rows = l.scope.rowType(value)
	}
	told := &Told{Shape: l.p.schema.responseShape(rows), Code: def.System == ErrorCode}
	var names []string
	switch told.Shape {
	case NoResponse:
		l.p.probs.addf(def.Place, nil, "%s is told by a function that answers by a convention for mutations", quoted(string(def.System)))
		return
	case StatusResponse:
		names = []string{"status"}
	case ClassResponse:
		names = []string{"succeeded", "state_changed", "error_class"}
	}
	for _, name := range names { // responseShape has seen each
		var f field
		if def.Name == "" {
			c, _ := rows.Column(name)
			f = l.scope.column(c)
		} else {
			f, _ = l.scope.attribute(value, []string{name}, def.Place)
		}
		told.Columns = append(told.Columns, l.out.add(f, l.scope.table))
	}
	key := def.As
	if key == "" {
		key = string(def.System)
	}
	if l.free(key, def.Place, "as") {
		l.members = append(l.members, Member{Key: key, Column: -1, Child: -1, Told: told})
	}
}

// selectSystem selects def.System.
func (l *level) selectSystem(def *Field) {
	p := l.p
	switch {
	case def.System == Success || def.System == ErrorCode:
		l.selectTold(def)
	case def.System != Inserted:
		p.probs.unknown(def.Place, "system field", string(def.System), []string{string(Inserted), string(Success), string(ErrorCode)})
	case def.Name != "" || def.Call != nil || def.JSON != nil || def.Type != "":
		p.probs.addf(def.Place, nil, "is a system field and something else; it can't be both")
	case l.depth > 0 || p.def.Kind != Insert || p.def.OnConflict == nil:
		p.probs.addf(def.Place, nil, "%s is returned by an insert with on_conflict only", quoted(string(def.System)))
	default:
		key := def.As
		if key == "" {
			key = string(def.System)
		}
		f := field{expr: p.inserted(), typ: p.schema.types.Type(oidBool), cast: "bool"}
		l.member(key, l.out.add(f, l.scope.table), def.Place)
	}
}

// inserted is the expression of Inserted.
func (p *planner) inserted() string {
	switch {
	case p.def.OnConflict.Nothing:
		return "TRUE"
	case p.table.Kind == catalog.OrdinaryTable:
		return "(" + ident(p.scope.alias) + ".xmax = 0)"
	}
	p.marks = true
	return "(CASE current_setting('" + updatedMark + "', true) WHEN " + p.marked(nil) +
		" THEN set_config('" + updatedMark + "', '', true) IS NULL ELSE TRUE END)"
}

// updatedMark is the setting that says which row an insert has just updated. It is
// of the transaction, and its prefix lets any role set it.
const updatedMark = "fraiseql.updated"

// mark is where, the condition of an update on conflict that sets columns, and leaves
// a mark for each row that meets it. The server does one row after the other: it
// looks at the condition, updates the row and makes what it returns, which takes
// the mark away. A trigger may keep a row from being updated; its mark stays, so
// that a mark says whose it is: the statement's and the row's, by all of its keys.
func (p *planner) mark(where squirrel.Sqlizer, columns []*catalog.Column) squirrel.Sqlizer {
	set := expression{sql: "set_config('" + updatedMark + "', " + p.marked(columns) + ", true) IS NOT NULL"}
	if where == nil {
		return set
	}
	return splice("CASE WHEN ? THEN ? ELSE FALSE END", where, set) // AND has no order
}

// marked is what the mark of a row consists of. Where columns are set the row is
// not what it is going to be.
func (p *planner) marked(columns []*catalog.Column) string {
	list := []string{"statement_timestamp()"}
	seen := map[*catalog.Column]bool{}
	for _, k := range allKeys(p.table) {
		for _, c := range k.Columns {
			of := ident(p.scope.alias)
			if slices.Contains(columns, c) {
				of = "EXCLUDED"
			}
			if !seen[c] && c.CanSelect {
				list = append(list, of+"."+sqlText(c.SQLName()))
			}
			seen[c] = true
		}
	}
	return "ROW(" + strings.Join(list, ", ") + ")::text"
}
