package builder

import (
	"strconv"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// Link is a relation said by its foreign keys instead of by a name.
type Link struct {
	// FK is the foreign key. The relation is seen from its table, or from the
	// referenced one where Incoming.
	FK       *catalog.ForeignKey
	Incoming bool
	// Through makes it many-to-many: FK and Through are two foreign keys of one
	// join table. The relation leads from FK's referenced table to Through's.
	Through *catalog.ForeignKey
	// Tree makes it all rows above or below in the tree that FK, a reference of a
	// table to itself, makes.
	Tree Tree
}

// Tree is a direction in a tree.
type Tree uint8

// The directions. Neither holds the row itself, unless the references make a ring.
const (
	NoTree      Tree = iota
	Ancestors        // the parent, its parent, and so on
	Descendants      // the children, theirs, and so on
)

// ToMany says whether the link may lead to several rows.
func (l *Link) ToMany() bool {
	return l.Through != nil || l.Tree != NoTree || l.Incoming && !l.FK.Unique
}

// Target is the table that the link leads to.
func (l *Link) Target() *catalog.Table {
	switch {
	case l.Through != nil:
		return l.Through.RefTable
	case l.Incoming:
		return l.FK.Table
	}
	return l.FK.RefTable
}

// Links are the relations of t whose ends the role may read: outgoing ones first,
// then incoming, then many-to-many through join tables. A join table is one whose
// primary key is made of just two foreign keys.
func (s *Schema) Links(t *catalog.Table) []Link {
	var list []Link
	for _, r := range s.relations(t) {
		list = append(list, Link{FK: r.fk, Incoming: r.incoming})
	}
	for _, fk := range t.ReferencedBy {
		join := fk.Table
		if join.PrimaryKey == nil || !readable(fk.Columns) || !readable(fk.RefColumns) {
			continue
		}
		for _, other := range join.ForeignKeys {
			if other == fk || !readable(other.Columns) || !readable(other.RefColumns) {
				continue
			}
			if sameColumns(append(append([]*catalog.Column{}, fk.Columns...), other.Columns...), join.PrimaryKey.Columns) {
				list = append(list, Link{FK: fk, Incoming: true, Through: other})
			}
		}
	}
	return list
}

// relationOf is the relation of t that l says, or else the one called name.
func (s *Schema) relationOf(t *catalog.Table, name string, l *Link, at Path, probs *problems) (relation, bool) {
	if l == nil {
		return s.relation(t, name, at, probs)
	}
	r := relation{fk: l.FK, through: l.Through, tree: l.Tree, incoming: l.Incoming, toMany: l.ToMany(), target: l.Target(), loose: l.Target().Name}
	r.local, r.remote = l.FK.Columns, l.FK.RefColumns
	if l.Incoming || l.Through != nil || l.Tree == Descendants {
		r.local, r.remote = r.remote, r.local
	}
	if l.Through != nil {
		r.remote = l.Through.RefColumns
	}
	if len(r.local) == 0 || r.local[0].Table != t {
		probs.addf(at, nil, "the relation is not one of the table %s", quoted(t.Name))
		return relation{}, false
	}
	return r, true
}

// localIn are the columns of sc that r starts from.
func (r relation) localIn(sc *scope) []expression {
	list := make([]expression, len(r.local))
	for i, c := range r.local {
		list[i] = expression{sql: sc.column(c).expr}
	}
	return list
}

// conditions join the rows of sub, r's target, to the values local. A tree adds to
// what sub is read from.
func (r relation) conditions(sub *scope, local []expression) []squirrel.Sqlizer {
	switch {
	case r.through != nil:
		return []squirrel.Sqlizer{r.throughJoin(sub, local)}
	case r.tree != NoTree:
		r.treeJoin(sub, local)
		return nil
	}
	return equalAll(sub, r.remote, local)
}

// equalAll compares columns of sc with values.
func equalAll(sc *scope, columns []*catalog.Column, values []expression) []squirrel.Sqlizer {
	conds := make([]squirrel.Sqlizer, len(columns))
	for i, c := range columns {
		f := sc.column(c)
		conds[i] = splice("? "+sc.schema.equals(f.typ)+" ?", f.sql(), values[i])
	}
	return conds
}

// throughJoin is a semijoin with the join table, so that no row comes twice:
//
//	("t1"."id") IN (SELECT "t2"."tag_id" FROM "post_tags" AS "t2" WHERE "t2"."post_id" = …)
func (r relation) throughJoin(sub *scope, local []expression) squirrel.Sqlizer {
	join := sub.child(r.fk.Table)
	return splice("(?) IN (SELECT ? FROM "+join.from()+" WHERE ?)",
		columnList(sub, r.remote), columnList(join, r.through.Columns),
		join2(equalAll(join, r.fk.Columns, local)))
}

// treeJoin reads sub together with the keys of a tree. UNION forgets what it has
// met, so that a ring ends:
//
//	"users" AS "t1" JOIN (WITH RECURSIVE "t2" (k1, p1) AS (SELECT … UNION SELECT …) SELECT DISTINCT k1 …) AS "t3" ON …
func (r relation) treeJoin(sub *scope, local []expression) {
	seed, step := sub.child(r.target), sub.child(r.target)
	ring, keys := ident(sub.nextAlias()), ident(sub.nextAlias())
	n := len(r.fk.RefColumns)
	k, up := make([]expression, n), make([]expression, n)
	for i := range n {
		k[i], up[i] = expression{sql: ident("k" + strconv.Itoa(i+1))}, expression{sql: ident("p" + strconv.Itoa(i+1))}
	}
	// The referenced columns are a row's own key; the referencing ones lead up.
	start, next, by := r.fk.RefColumns, r.fk.RefColumns, up
	if r.tree == Descendants {
		start, next, by = r.fk.Columns, r.fk.Columns, k
	}
	prefixed := make([]expression, n)
	on := make([]expression, n)
	for i := range n {
		prefixed[i] = expression{sql: ring + "." + by[i].sql}
		on[i] = expression{sql: keys + "." + k[i].sql}
	}
	sub.joined = splice(" JOIN (WITH RECURSIVE "+ring+" ("+sqlList(k)+", "+sqlList(up)+") AS (SELECT ?, ? FROM "+seed.from()+" WHERE ?"+
		" UNION SELECT ?, ? FROM "+step.from()+" JOIN "+ring+" ON ?) SELECT DISTINCT "+sqlList(k)+" FROM "+ring+") AS "+keys+" ON ?",
		columnList(seed, r.fk.RefColumns), columnList(seed, r.fk.Columns), join2(equalAll(seed, start, local)),
		columnList(step, r.fk.RefColumns), columnList(step, r.fk.Columns), join2(equalAll(step, next, prefixed)),
		join2(equalAll(sub, r.fk.RefColumns, on))).sql // columns only: there are no arguments
}

func join2(conds []squirrel.Sqlizer) expression { return join(conds, " AND ") }

func columnList(sc *scope, columns []*catalog.Column) expression {
	parts := make([]squirrel.Sqlizer, len(columns))
	for i, c := range columns {
		parts[i] = expression{sql: sc.column(c).expr}
	}
	return join(parts, ", ")
}

func sqlList(parts []expression) string {
	text := make([]string, len(parts))
	for i, p := range parts {
		text[i] = p.sql
	}
	return strings.Join(text, ", ")
}

// linked is the sort key at the end of links: a value of the one row that they
// lead to, or how many rows the last one leads to.
func (p *planner) linked(sc *scope, d *Sort) (field, bool) {
	// Each link is a subquery inside the one before it.
	var build func(sc *scope, links []Link) (field, bool)
	build = func(sc *scope, links []Link) (field, bool) {
		if len(links) == 0 {
			return sc.operand(d.Field, d.Call, d.Place)
		}
		counted := len(links) == 1 && d.Field == "" && d.Call == nil
		rel, ok := p.schema.relationOf(sc.table, "", &links[0], d.Place, p.probs)
		switch {
		case !ok:
			return field{}, false
		case rel.toMany && !counted:
			p.probs.addf(d.Place, nil, "can't be sorted by a relation that may lead to many rows, but by their number")
			return field{}, false
		}
		sub := sc.child(rel.target)
		conds := rel.conditions(sub, rel.localIn(sc))
		if len(conds) == 0 {
			conds = []squirrel.Sqlizer{always}
		}
		f := field{typ: p.schema.types.Type(oidInt8), cast: "int8", expr: "count(*)"}
		if !counted {
			if f, ok = build(sub, links[1:]); !ok {
				return field{}, false
			}
		}
		if len(f.args) > 0 {
			p.probs.addf(d.Place, nil, "can't be sorted by a value with arguments, or inside a json column, of a relation")
			return field{}, false
		}
		e := splice("(SELECT "+f.expr+" FROM "+sub.from()+" WHERE ?)", join2(conds))
		return field{expr: e.sql, args: e.args, typ: f.typ, cast: f.cast}, true
	}
	return build(sc, d.Links)
}
