package builder

import (
	"slices"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// bulkRows is from how many rows on an insert sends one array for each column
// instead of one parameter for each value: one SQL text then serves every
// number of rows, and the protocol's 65,535 parameters are no bound.
const bulkRows = 100

// insertRow is one row of the input: the argument of each given column.
type insertRow map[*catalog.Column]squirrel.Sqlizer

// insert plans an insert. The rows are returned in the order of the input.
func (p *planner) insert() *Plan {
	rows, columns := p.insertRows()
	p.checkRequired(rows)
	r := p.returns()
	conflict := p.conflict(rows, columns)
	if p.probs.count() > 0 {
		return nil
	}
	stmt, ok := p.insertValues(rows, columns)
	if !ok {
		return nil
	}
	parts := []squirrel.Sqlizer{stmt}
	if conflict != nil {
		parts = append(parts, conflict)
	}
	if c := r.clause(); c != nil {
		parts = append(parts, c)
	}
	// A column counts as given where every row gives it.
	given := slices.DeleteFunc(slices.Clone(columns), func(c *catalog.Column) bool {
		return slices.ContainsFunc(rows, func(row insertRow) bool { return row[c] == nil })
	})
	plan := p.plan(join(parts, " "), r, p.unsettled(given, catalog.OnInsert, true), true)
	if plan != nil {
		plan.Single = !p.def.InputIsList && !plan.Result
	}
	return plan
}

// place is where the first of sets stands that is of c.
func (p *planner) place(sets []Set, c *catalog.Column) Path {
	for i := range sets {
		if of, _ := p.table.Column(sets[i].Field); of == c {
			return sets[i].Place
		}
	}
	return nil
}

// insertRows resolves the input. columns are those that any row gives, in the
// table's order, so that the order of the keys in the request changes no SQL.
func (p *planner) insertRows() (rows []insertRow, columns []*catalog.Column) {
	if len(p.def.Input) == 0 {
		p.probs.addf(p.at("input"), nil, "an insert needs a row at least; an empty object is a row of defaults")
	}
	used := map[*catalog.Column]bool{}
	for i := range p.def.Input {
		if len(p.def.Input) >= bulkRows { // these become arrays
			for _, set := range p.def.Input[i].Sets {
				p.scope.fix(set.Slot)
			}
		}
		row := insertRow{}
		for j := range p.def.Input[i].Sets {
			set := &p.def.Input[i].Sets[j]
			c, ok := p.target(set.Field, set.Place, catalog.OnInsert)
			switch {
			case !ok:
			case row[c] != nil:
				p.probs.addf(set.Place, nil, "column %s is set at %s already", quoted(set.Field), p.place(p.def.Input[i].Sets[:j], c))
			case set.Op == "default":
				row[c] = expression{sql: "DEFAULT"}
				used[c] = true
			case set.Op != "":
				p.probs.addf(set.Place, []string{"default"}, "%s needs a row that is there; it is for updates", quoted(set.Op))
			default:
				if !used[c] || isNull(set.Value) {
					p.scope.useWrite(p.scope.column(c), set.Value)
				}
				row[c] = p.scope.bindSlot(p.scope.column(c), set.Value, set.Slot, set.Place)
				used[c] = true
			}
		}
		for c, v := range row {
			if e, ok := v.(expression); ok && e.sql == "DEFAULT" {
				delete(row, c) // the same as not given
			}
		}
		rows = append(rows, row)
	}
	for _, c := range p.table.Columns {
		if used[c] {
			columns = append(columns, c)
		}
	}
	return rows, columns
}

// target finds a column to write. A column that the role may neither read nor
// write does not exist for it.
func (p *planner) target(name string, at Path, on catalog.Event) (*catalog.Column, bool) {
	c, ok := p.table.Column(name)
	verb := "inserted"
	may := ok && c.CanInsert
	if on == catalog.OnUpdate {
		verb, may = "updated", ok && c.CanUpdate
	}
	switch {
	case !ok || !may && !c.CanSelect:
		p.probs.unknown(at, "column", name, p.writable(on))
		return nil, false
	case c.Generated != 0:
		p.probs.addf(at, p.writable(on), "column %s is generated; it can't be %s", quoted(name), verb)
		return nil, false
	case c.Identity == 'a':
		p.probs.addf(at, p.writable(on), "column %s is an identity that is always generated; it can't be %s", quoted(name), verb)
		return nil, false
	case !may || c.ReadOnly:
		p.probs.addf(at, p.writable(on), "column %s can't be %s", quoted(name), verb)
		return nil, false
	}
	return c, true
}

// writable lists the columns that target would find.
func (p *planner) writable(on catalog.Event) []string {
	var names []string
	for _, c := range p.table.Columns {
		may := c.CanInsert
		if on == catalog.OnUpdate {
			may = c.CanUpdate
		}
		if !may || c.ReadOnly || c.Generated != 0 || c.Identity == 'a' {
			continue
		}
		if len(names) == maxListed {
			return append(names, "…")
		}
		names = append(names, c.JSONName)
	}
	return names
}

// checkRequired refuses a row without a value for a column that has to have
// one. It only judges where nothing can fill the column later: not a view, nor
// a table with triggers before the write or partitions that may have some.
func (p *planner) checkRequired(rows []insertRow) {
	t := p.table
	if t.Kind != catalog.OrdinaryTable || t.Triggers.Before&catalog.OnInsert != 0 {
		return
	}
	for i, row := range rows {
		for _, c := range t.Columns {
			if row[c] == nil && c.NotNull && !c.HasDefault && c.Identity == 0 && c.Generated == 0 && c.CanInsert {
				p.probs.addf(p.def.Input[i].Place, nil, "column %s is required", quoted(c.JSONName))
			}
		}
	}
}

// insertValues is the INSERT up to its rows.
func (p *planner) insertValues(rows []insertRow, columns []*catalog.Column) (squirrel.Sqlizer, bool) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = sqlText(c.SQLName())
	}
	switch {
	case len(columns) == 0 && len(rows) == 1:
		return expression{sql: "INSERT INTO " + p.scope.from() + " DEFAULT VALUES"}, true
	case len(columns) == 0:
		// DEFAULT VALUES makes one row only; a column's DEFAULT makes any number.
		columns = p.table.Columns[:1]
		names = []string{sqlText(columns[0].SQLName())}
	case len(rows) >= bulkRows && uniform(rows, columns):
		return p.insertArrays(rows, columns, names)
	}
	if len(rows)*len(columns) > maxArgs {
		p.probs.addf(p.at("input"), nil, "the rows of an insert of more than %d values must all give the same columns", maxArgs)
		return nil, false
	}
	ins := squirrel.Insert(p.scope.from()).Columns(names...)
	for _, row := range rows {
		values := make([]any, len(columns))
		for i, c := range columns {
			values[i] = expression{sql: "DEFAULT"}
			if v := row[c]; v != nil {
				values[i] = v
			}
		}
		ins = ins.Values(values...)
	}
	return ins, true
}

// uniform says whether every row can be said with one value for each column: a
// column that a row leaves out has no default, so that NULL is what it gets.
func uniform(rows []insertRow, columns []*catalog.Column) bool {
	for _, row := range rows {
		for _, c := range columns {
			if row[c] == nil && (c.HasDefault || c.Identity != 0 || c.NotNull) {
				return false
			}
		}
	}
	return true
}

// insertArrays is INSERT … SELECT FROM unnest($1::int8[], $2::text[]). Rows go in
// in the order of the arrays, and come back in it.
func (p *planner) insertArrays(rows []insertRow, columns []*catalog.Column, names []string) (squirrel.Sqlizer, bool) {
	arrays := make([]squirrel.Sqlizer, len(columns))
	items := make([]string, len(columns))
	aliases := make([]string, len(columns))
	for i, c := range columns {
		f := p.scope.column(c)
		values := make([]any, len(rows))
		for j, row := range rows {
			if row[c] == nil {
				continue
			}
			_, args, err := row[c].ToSql()
			if err != nil || len(args) != 1 {
				p.fail(err)
				return nil, false
			}
			values[j] = args[0]
			if s, ok := args[0].(*slotted); ok {
				values[j] = s.value
			}
		}
		aliases[i] = ident("c" + itoa(i+1))
		items[i] = `"k".` + aliases[i]
		cast, delim := f.cast, byte(',')
		if f.typ.Kind().Has(codec.KindArray | codec.KindComposite) {
			// unnest takes an array of arrays apart to its last element, and a row
			// into its fields.
			items[i] += "::" + cast
			cast = "text"
		} else if info, ok := p.schema.cat.Type(f.typ.Base().OID()); ok && info.Delim != 0 {
			delim = info.Delim
		}
		text, err := arrayLiteral(values, delim)
		if err != nil {
			p.fail(err)
			return nil, false
		}
		arrays[i] = arg(text, cast+"[]")
	}
	return splice("INSERT INTO "+p.scope.from()+" ("+strings.Join(names, ", ")+") SELECT "+strings.Join(items, ", ")+
		` FROM unnest(?) WITH ORDINALITY AS "k" (`+strings.Join(aliases, ", ")+`, "ord") ORDER BY "k"."ord"`,
		join(arrays, ", ")), true
}
