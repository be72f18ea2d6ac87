package builder

import (
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// relation is one direction of a foreign key, seen from a table.
type relation struct {
	fk       *catalog.ForeignKey
	through  *catalog.ForeignKey // see Link
	tree     Tree
	incoming bool
	toMany   bool // several rows of target may belong to one row
	target   *catalog.Table
	// local[i] = remote[i] joins a row to its related rows. local are columns
	// of the table that the relation is seen from, remote of target.
	local, remote []*catalog.Column
	// exact are the names that only this relation should have; loose is the
	// related table's name, which several relations may share.
	exact []string
	loose string
}

// relations are all relations of t whose two ends the role may read: outgoing
// ones first, each direction in the catalog's order.
func (s *Schema) relations(t *catalog.Table) []relation {
	var list []relation
	for _, fk := range t.ForeignKeys {
		if !readable(fk.Columns) || !readable(fk.RefColumns) {
			continue
		}
		r := relation{fk: fk, target: fk.RefTable, local: fk.Columns, remote: fk.RefColumns, loose: fk.RefTable.Name}
		r.exact = []string{fk.Name}
		if len(fk.Columns) == 1 {
			if name, ok := strings.CutSuffix(fk.Columns[0].Name, "_id"); ok && name != "" {
				r.exact = []string{name, fk.Name}
			}
		}
		list = append(list, r)
	}
	for _, fk := range t.ReferencedBy {
		if !readable(fk.Columns) || !readable(fk.RefColumns) {
			continue
		}
		r := relation{
			fk: fk, incoming: true, toMany: !fk.Unique, target: fk.Table, local: fk.RefColumns, remote: fk.Columns, loose: fk.Table.Name,
		}
		names := make([]string, len(fk.Columns))
		for i, c := range fk.Columns {
			names[i] = c.Name
		}
		r.exact = []string{fk.Table.Name + "_via_" + strings.Join(names, "_")}
		if fk.Table != t { // a self reference's constraint name means its outgoing end
			r.exact = append(r.exact, fk.Name)
		}
		list = append(list, r)
	}
	return list
}

// readable says whether the role may read all of cols.
func readable(cols []*catalog.Column) bool {
	return !slices.ContainsFunc(cols, func(c *catalog.Column) bool { return !c.CanSelect })
}

// named says whether name, in either spelling, is one of names.
func named(name string, names ...string) bool {
	for _, n := range names {
		if n == name || catalog.CamelCase(n) == name {
			return true
		}
	}
	return false
}

// relation finds a relation of t by name, in either spelling:
//
//   - its column without _id (author for author_id), outgoing only;
//   - the referencing table and columns (posts_via_author_id), incoming only;
//   - the foreign key's constraint name, either way;
//   - the related table's name (users, posts), where one relation alone has it
//     and none has it by the rules above.
//
// So a relation found by one of the first three keeps its name when tables are
// added. A name that fits none, or several, is a problem that lists the choices.
func (s *Schema) relation(t *catalog.Table, name string, at Path, probs *problems) (relation, bool) {
	all := s.relations(t)
	var exact, loose []relation
	for _, r := range all {
		switch {
		case named(name, r.exact...):
			exact = append(exact, r)
		case named(name, r.loose, r.target.Schema+"."+r.loose):
			loose = append(loose, r)
		}
	}
	found := exact
	if len(found) == 0 {
		found = loose
	}
	switch len(found) {
	case 1:
		return found[0], true
	case 0:
		if len(all) == 0 {
			probs.addf(at, nil, "unknown relation %s: the table has none", quoted(name))
			return relation{}, false
		}
		probs.unknown(at, "relation", name, relationNames(all))
	default:
		probs.addf(at, relationNames(found), "relation %s is ambiguous: %d foreign keys fit", quoted(name), len(found))
	}
	return relation{}, false
}

// relationNames is the name of each relation that tells it from the others.
func relationNames(list []relation) []string {
	names := make([]string, 0, len(list))
	for i, r := range list {
		if i == maxListed {
			return append(names, "…")
		}
		name := r.fk.Name
		for _, candidate := range append([]string{r.loose}, r.exact...) {
			if sole(candidate, r, list) {
				name = catalog.CamelCase(candidate)
				break
			}
		}
		names = append(names, name)
	}
	return names
}

// sole says whether no other relation of list answers to name.
func sole(name string, r relation, list []relation) bool {
	for _, other := range list {
		if (other.fk != r.fk || other.toMany != r.toMany || other.local[0] != r.local[0]) &&
			named(name, append([]string{other.loose}, other.exact...)...) {
			return false
		}
	}
	return true
}
