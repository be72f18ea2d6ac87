package builder

import (
	"slices"
	"strconv"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// output collects what a statement selects: the columns that the answer names,
// and those that only keys and sort orders need. The zero value is ready.
type output struct {
	exprs []expression
	cols  []Column
	// source is the table's column behind each, nil for an expression.
	source []*catalog.Column
	plain  map[string]int // expressions without arguments, by text
	fresh  int            // labels made so far
	calls  []int          // those of exprs that call a function
}

// add selects f and returns its index. A plain expression is selected once,
// however often it is asked for.
func (o *output) add(f field, t *catalog.Table) int {
	if i, ok := o.plain[f.expr]; ok && len(f.args) == 0 {
		return i
	}
	i := len(o.exprs)
	var label string
	if f.col != nil && len(f.args) == 0 {
		label = f.col.Name
	} else {
		label = o.label(t)
	}
	o.exprs = append(o.exprs, expression{f.expr, f.args})
	o.cols = append(o.cols, Column{Name: label, Type: f.typ, Source: f.col})
	if f.col == nil {
		f.col = f.of
	}
	o.source = append(o.source, f.col)
	if f.call {
		o.calls = append(o.calls, i)
	}
	if len(f.args) == 0 {
		if o.plain == nil {
			o.plain = make(map[string]int)
		}
		o.plain[f.expr] = i
	}
	return i
}

// label makes a name for an expression. It holds nothing of the request: names
// are cut at 63 bytes, where two long output keys could meet.
func (o *output) label(t *catalog.Table) string {
	for {
		o.fresh++
		name := "x" + strconv.Itoa(o.fresh)
		if t == nil {
			return name
		}
		if _, taken := t.Column(name); !taken {
			return name
		}
	}
}

// list is the select list. Columns keep their names; the rest is labelled.
func (o *output) list() squirrel.Sqlizer {
	parts := make([]squirrel.Sqlizer, len(o.exprs))
	for i, e := range o.exprs {
		if !plainColumn(e.sql, o.cols[i].Name) {
			e.sql += " AS " + ident(o.cols[i].Name)
		}
		parts[i] = e
	}
	return join(parts, ", ")
}

// plainColumn says whether sql is a column that PostgreSQL labels name by itself.
func plainColumn(sql, name string) bool {
	q := ident(name)
	return len(sql) > len(q) && sql[len(sql)-len(q)-1] == '.' && sql[len(sql)-len(q):] == q
}

// columns are the Columns of the statement.
func (o *output) columns() []Column { return slices.Clip(o.cols) }

// from reads the selected columns by label from a subquery. prefix is its alias
// with the dot.
func (o *output) from(prefix string) []squirrel.Sqlizer {
	parts := make([]squirrel.Sqlizer, len(o.cols))
	for i, c := range o.cols {
		parts[i] = expression{sql: prefix + ident(c.Name)}
	}
	return parts
}
