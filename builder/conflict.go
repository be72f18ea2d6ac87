package builder

import (
	"slices"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// conflict is ON CONFLICT …, or nil. given are the columns of the input.
func (p *planner) conflict(rows []insertRow, given []*catalog.Column) squirrel.Sqlizer {
	d := p.def.OnConflict
	if d == nil {
		return nil
	}
	target, key, ok := p.conflictTarget(d)
	if !ok {
		return nil
	}
	if d.Nothing {
		if d.Update != nil || d.Filter != nil {
			p.probs.addf(d.Place, nil, `"do": "nothing" takes neither update nor filters`)
		}
		return expression{sql: "ON CONFLICT" + target + " DO NOTHING"}
	}
	if key == nil {
		p.probs.addf(d.Place, conflictTargets(p.table), "an update on conflict needs columns or a constraint")
		return nil
	}
	cols := p.conflictSets(d, key, rows, given)
	sets := make([]string, len(cols))
	for i, c := range cols {
		name := sqlText(c.SQLName())
		sets[i] = name + " = EXCLUDED." + name
	}
	where := condition(p.scope, d.Filter)
	if p.marks {
		where = p.mark(where, cols)
	}
	clause := "ON CONFLICT" + target + " DO UPDATE SET " + strings.Join(sets, ", ")
	if where == nil {
		return expression{sql: clause}
	}
	return splice(clause+" WHERE ?", where)
}

// conflictTarget resolves the target: columns that are those of a unique key, a
// constraint's name, or neither.
func (p *planner) conflictTarget(d *OnConflict) (sql string, key *catalog.Key, ok bool) {
	t := p.table
	switch {
	case len(d.Columns) > 0 && d.Constraint != "":
		p.probs.addf(d.Place, nil, "give columns or a constraint, not both")
		return "", nil, false
	case d.Constraint != "":
		for _, k := range allKeys(t) {
			if k.Name == d.Constraint && k.Constraint && !k.Deferrable {
				return " ON CONSTRAINT " + ident(k.Name), k, true
			}
		}
		p.probs.unknown(d.Place.key("constraint"), "unique constraint", d.Constraint, constraintNames(t))
		return "", nil, false
	case len(d.Columns) == 0:
		return "", nil, true
	}
	cols, ok := p.conflictColumns(d)
	if !ok {
		return "", nil, false
	}
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = sqlText(c.SQLName())
	}
	sql = " (" + strings.Join(names, ", ") + ")"
	var partial *catalog.Key
	for _, k := range allKeys(t) {
		switch {
		case k.Deferrable || k.Expressions != "" || !sameColumns(k.Columns, cols):
		case k.Predicate == "":
			return sql, k, true
		case partial == nil:
			partial = k
		}
	}
	if partial != nil {
		// A partial index is found by its predicate, in the catalog's own words.
		return sql + " WHERE " + sqlText(partial.Predicate), partial, true
	}
	p.probs.addf(d.Place.key("columns"), conflictTargets(t), "no unique key has just these columns")
	return "", nil, false
}

func (p *planner) conflictColumns(d *OnConflict) ([]*catalog.Column, bool) {
	var cols []*catalog.Column
	ok := true
	for i, name := range d.Columns {
		at := d.Place.key("columns").index(i)
		c, found := p.table.Column(name)
		switch {
		case !found:
			p.probs.unknown(at, "column", name, p.writable(catalog.OnInsert))
			ok = false
		case slices.Contains(cols, c):
			p.probs.addf(at, nil, "column %s is there already", quoted(name))
			ok = false
		default:
			cols = append(cols, c)
		}
	}
	return cols, ok
}

// conflictSets are the columns of the SET list: each takes the proposed row's
// value. An update may only be of columns that every row of the input gives: a
// proposed row has defaults for the others, and these would overwrite what is
// stored.
func (p *planner) conflictSets(d *OnConflict, key *catalog.Key, rows []insertRow, given []*catalog.Column) []*catalog.Column {
	var cols []*catalog.Column
	if d.Update == nil {
		for _, c := range given {
			if !slices.Contains(key.Columns, c) && c.CanUpdate {
				cols = append(cols, c)
			}
		}
	}
	for i, name := range d.Update {
		at := d.Place.key("update").index(i)
		c, ok := p.target(name, at, catalog.OnUpdate)
		switch {
		case !ok:
		case !slices.Contains(given, c):
			p.probs.addf(at, nil, "column %s is not in the input", quoted(name))
		case slices.Contains(cols, c):
			p.probs.addf(at, nil, "column %s is there already", quoted(name))
		default:
			cols = append(cols, c)
		}
	}
	if len(cols) == 0 && p.probs.count() == 0 {
		p.probs.addf(d.Place, nil, `nothing is left to update; say "do": "nothing" if that is meant`)
	}
	for i, row := range rows {
		for _, c := range cols {
			if row[c] == nil {
				p.probs.addf(p.def.Input[i].Place, nil, "column %s is updated on conflict, so every row must give it", quoted(c.JSONName))
			}
		}
	}
	return cols
}

// allKeys are the keys of t, partial ones and those over expressions too.
func allKeys(t *catalog.Table) []*catalog.Key {
	if t.PrimaryKey == nil {
		return t.Unique
	}
	return append([]*catalog.Key{t.PrimaryKey}, t.Unique...)
}

// conflictTargets lists what columns may be: "id", "(tenantId, slug)".
func conflictTargets(t *catalog.Table) []string {
	var list []string
	for _, k := range allKeys(t) {
		if k.Deferrable || k.Expressions != "" || !readable(k.Columns) {
			continue
		}
		names := make([]string, len(k.Columns))
		for i, c := range k.Columns {
			names[i] = c.JSONName
		}
		s := strings.Join(names, ", ")
		if len(names) > 1 {
			s = "(" + s + ")"
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func constraintNames(t *catalog.Table) []string {
	var names []string
	for _, k := range allKeys(t) {
		if k.Constraint && !k.Deferrable {
			names = append(names, k.Name)
		}
	}
	return names
}
