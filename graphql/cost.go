package graphql

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// listSize is how many elements a list counts for where nothing in the request
// says how many there may be.
const listSize = 10

// checkCost holds an operation to Limits.Cost, with the values that v has read of
// its variables: a limit in a variable counts as one in the document. The cost is
// the number of times that something has to be looked up:
//
//   - a field without a selection costs 1, however many rows have it: a column
//     more is next to nothing;
//   - a field with a selection costs 1 for each element of the lists around it;
//   - a list has as many elements as its limit, first or last says, and 10 where
//     nothing does;
//   - introspection looks nothing up: its lists count for one element. How deep it
//     may go is a limit of its own.
//
// So users(limit: 100) { name posts(limit: 50) { title author { name } } } costs
// 1 + 1 + 100 + 1 + 100×50 + 1. A page counts by its own argument; edges and nodes
// inside it are the same rows.
func checkCost(op *ast.OperationDefinition, v *values, l *Limits) Errors {
	if l.Cost <= 0 {
		return nil
	}
	m := meter{v: v, limit: l.Cost}
	m.set(op.SelectionSet, 1, false)
	if m.cost <= l.Cost {
		return nil
	}
	return Errors{{Message: "the operation costs more than " + strconv.Itoa(l.Cost) + ": ask for fewer rows in lists that lie in lists", Code: codeCost}}
}

type meter struct {
	v     *values
	limit int
	cost  int
}

// set counts a selection set that is looked up times times. paged says that its
// lists are those of the page that it belongs to.
func (m *meter) set(set ast.SelectionSet, times int, paged bool) {
	for _, selection := range set {
		if m.cost > m.limit {
			return // enough is known, and the work is bounded by it
		}
		switch s := selection.(type) {
		case *ast.Field:
			m.field(s, times, paged)
		case *ast.InlineFragment:
			m.set(s.SelectionSet, times, paged)
		case *ast.FragmentSpread:
			if s.Definition != nil {
				m.set(s.Definition.SelectionSet, times, paged)
			}
		}
	}
}

func (m *meter) field(f *ast.Field, times int, paged bool) {
	if len(f.SelectionSet) == 0 || f.Definition == nil {
		m.cost++
		return
	}
	m.cost = min(most, m.cost+times)
	size, page := m.size(f)
	switch {
	case strings.HasPrefix(f.Definition.Type.Name(), "__"):
		size = 1
	case page:
	case f.Definition.Type.Elem == nil || paged:
		size = 1
	}
	m.set(f.SelectionSet, min(most, times*size), page && f.Definition.Type.Elem == nil || paged && f.Definition.Type.Elem == nil)
}

// size is how many elements f asks for; page says that it has an argument for it.
func (m *meter) size(f *ast.Field) (size int, page bool) {
	size = listSize
	for _, name := range [...]string{"limit", "first", "last"} {
		if f.Definition.Arguments.ForName(name) == nil {
			continue
		}
		page = true
		arg := f.Arguments.ForName(name)
		if arg == nil {
			continue
		}
		text := arg.Value.Raw
		if arg.Value.Kind == ast.Variable {
			text = string(m.v.nodes[m.v.variable(arg.Value.Raw)].raw)
		}
		if n, err := strconv.ParseInt(text, 10, 32); err == nil && n >= 0 {
			return max(1, int(n)), true
		}
	}
	return size, page
}
