package builder

import (
	"github.com/fraiseql/fraiseql-go/catalog"
)

// level is one level of the answer while it is planned: what a table's rows
// become, and the relations below.
type level struct {
	p       *planner
	scope   *scope
	depth   int // relations above this level
	out     output
	members []Member
	taken   map[string]bool // output keys
	nested  []nestedLevel
}

// nestedLevel is a relation whose keys are selected and whose own statement is
// planned once the level's columns are known.
type nestedLevel struct {
	rel  relation
	def  *Relation
	keys []int
}

func newLevel(p *planner, sc *scope, depth int) *level {
	return &level{p: p, scope: sc, depth: depth, taken: map[string]bool{}}
}

// selectAll selects fields (nil: every readable column) and the keys of the
// relations. fixed says that the rows are distinct by what is selected, so that
// nothing may be added to it.
func (l *level) selectAll(fields []Field, relations []Relation, at Path, fixed bool) {
	switch {
	case fields == nil:
		l.selectReadable(at)
	case len(fields) == 0 && len(relations) == 0:
		l.p.probs.addf(at, nil, "selects nothing; leave it out for every column")
	}
	for i := range fields {
		l.selectField(&fields[i])
	}
	for i := range relations {
		l.selectRelation(&relations[i], fixed)
	}
}

// selectReadable selects every column that the role may read.
func (l *level) selectReadable(at Path) {
	for _, c := range l.scope.table.Columns {
		if c.CanSelect {
			l.member(c.JSONName, l.out.add(l.scope.column(c), l.scope.table), at)
		}
	}
	if len(l.members) == 0 {
		l.p.probs.addf(at, nil, "no column of the table may be read")
	}
}

func (l *level) selectField(def *Field) {
	f, ok := l.scope.field(def.Name, def.Place)
	if !ok {
		return
	}
	key := def.As
	if key == "" {
		key = catalog.CamelCase(f.col.Name)
	}
	if len(def.JSON) > 0 {
		if f, ok = l.scope.jsonField(f, def.JSON, def.Type, def.Place); !ok {
			return
		}
		if def.As == "" {
			key = def.JSON[len(def.JSON)-1]
		}
	} else if def.Type != "" {
		l.p.probs.addf(def.Place, nil, "type needs a path inside a json column")
		return
	}
	l.member(key, l.out.add(f, l.scope.table), def.Place)
}

// member adds one key to the answer's objects.
func (l *level) member(key string, column int, at Path) {
	if l.free(key, at, "as") {
		l.members = append(l.members, Member{Key: key, Column: column, Child: -1})
	}
}

// free takes key, or says that it is taken: an object never has one key twice.
// word is what chooses another.
func (l *level) free(key string, at Path, word string) bool {
	if l.taken[key] {
		l.p.probs.addf(at, nil, "output key %s is there already; choose another with %s", quoted(key), quoted(word))
		return false
	}
	l.taken[key] = true
	return true
}

// children plans the nested levels. It comes after selectAll.
func (l *level) children() []Child {
	list := make([]Child, len(l.nested))
	for i := range l.nested {
		list[i] = l.child(&l.nested[i])
	}
	return list
}

// node is the level as a Node. shift is how many columns the statement has in
// front of those that the level selected.
func (l *level) node(st Statement, children []Child, shift int) Node {
	for i := range l.members {
		if l.members[i].Child < 0 {
			l.members[i].Column += shift
		}
	}
	for _, c := range children {
		for i := range c.Keys {
			c.Keys[i] += shift
		}
	}
	return Node{Statement: st, Members: l.members, Children: children}
}
