package graphql

import (
	"maps"
	"slices"
	"strings"
)

// Example is a query that works on the schema, for who sees it for the first time;
// "" where there is no table to ask. It takes the table that has most relations.
func (s *Schema) Example() string {
	var best *object
	name := ""
	for _, field := range slices.Sorted(maps.Keys(s.queries)) {
		r := s.queries[field]
		if r.kind == rootList && (best == nil || len(r.object.order) > len(best.order)) {
			best, name = r.object, field
		}
	}
	if best == nil {
		return ""
	}
	var fields []string
	for _, f := range best.order {
		if f.kind == columnField && f.column.CanSelect && len(fields) < 3 {
			fields = append(fields, f.name)
		}
	}
	if len(fields) == 0 {
		return ""
	}
	return "{\n  " + name + "(limit: 3) {\n    " + strings.Join(fields, "\n    ") + "\n  }\n}"
}
