package graphql

import (
	"cmp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// domainDoc is what the comment of a domain says of the fields that are of it, or
// of the next domain under it that has one.
func (m *maker) domainDoc(oid uint32) string {
	for {
		t, ok := m.src.Catalog().Type(oid)
		if !ok || t.Kind != 'd' {
			return ""
		}
		if doc := parseTags(t.Comment).description; doc != "" {
			return doc
		}
		oid = t.Base
	}
}

// refusesNull says whether a type is a domain that refuses NULL.
func (m *maker) refusesNull(oid uint32) bool {
	t, ok := m.src.Catalog().Type(oid)
	return ok && t.Kind == 'd' && t.NotNull
}

// domainDims is how many dimensions a domain says that its arrays have, or 0.
func (m *maker) domainDims(oid uint32) int {
	if t, ok := m.src.Catalog().Type(oid); ok {
		return t.Dims
	}
	return 0
}

// maxDims is how many dimensions PostgreSQL's arrays may have. Declarations may
// have more.
const maxDims = 6

// dims is how many dimensions the arrays of a column have: what the configuration
// or its comment says, else what it was declared with. 0 is what is no array.
func (m *maker) dims(o *object, c *catalog.Column, said int) int {
	array := m.src.Types().Type(c.Type).Base().Kind() == codec.KindArray
	if said != 0 && (!array || said < 0 || said > maxDims) {
		m.broken("dimensions of "+c.Name+" of "+o.table.String(), "only an array has any, 1 to 6")
		said = 0
	}
	switch {
	case !array:
		return 0
	case m.takesLists(c): // a list in a list may be a value, and is taken for one
		return 1
	}
	return max(1, min(cmp.Or(said, c.Dims), maxDims))
}

// takesLists says whether a list may be one element of the arrays of c.
func (m *maker) takesLists(c *catalog.Column) bool {
	e := m.src.Types().Type(c.Type).Base().Elem()
	return e == nil || e.Kind().Has(codec.KindJSON|codec.KindJSONB|codec.KindVector|codec.KindArray|codec.KindMultirange)
}

// stored says whether rows of o are stored: only then has a domain looked at each
// of their values. An outer join in a view gives NULL for any type.
func (o *object) stored() bool {
	return o.table.Kind == catalog.OrdinaryTable || o.table.Kind == catalog.PartitionedTable
}

// valueDeprecated is the directive of a label of an enum, which the comment of the
// type names: "@deprecated label reason".
func valueDeprecated(label string, labels, lines []string) ast.DirectiveList {
	for _, line := range lines {
		longest := ""
		for _, l := range labels { // of "in" and "in progress" the second
			if (line == l || strings.HasPrefix(line, l+" ")) && len(l) > len(longest) {
				longest = l
			}
		}
		if longest != label {
			continue
		}
		reason := strings.TrimSpace(line[len(label):])
		list := deprecated(&reason)
		for _, d := range list {
			d.Location = ast.LocationEnumValue
		}
		return list
	}
	return nil
}
