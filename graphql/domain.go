package graphql

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/catalog"
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
