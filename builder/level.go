package builder

import (
	"slices"

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
	fixed   bool // rows are distinct by what is selected
}

// nestedLevel is a relation whose keys are selected and whose own statement is
// planned once the level's columns are known.
type nestedLevel struct {
	rel  relation
	def  *Relation
	keys []int
	call *Callable // in place of rel
}

func newLevel(p *planner, sc *scope, depth int) *level {
	return &level{p: p, scope: sc, depth: depth, taken: map[string]bool{}}
}

// selectAll selects fields (nil: every readable column) and the keys of the
// relations. fixed says that the rows are distinct by what is selected, so that
// nothing may be added to it.
func (l *level) selectAll(fields []Field, relations []Relation, at Path, fixed bool) {
	l.fixed = fixed
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
	switch {
	case def.Nothing:
		return
	case def.Relation != nil:
		l.selectRelation(def.Relation, l.fixed)
		return
	case def.Literal != nil || def.Object != nil || def.Cursor:
		l.selectMade(def)
		return
	case def.System != "":
		l.selectSystem(def)
		return
	}
	f, ok := l.scope.operand(def.Name, def.Call, def.Place)
	if !ok {
		return
	}
	key := def.As
	switch {
	case key != "":
	case def.Call != nil:
		key = catalog.CamelCase(def.Call.Function.Name)
	default:
		key = catalog.CamelCase(f.col.Name)
	}
	if len(def.Attr) > 0 {
		if f, ok = l.scope.attribute(f, def.Attr, def.Place); !ok {
			return
		}
		if def.As == "" {
			key = catalog.CamelCase(def.Attr[len(def.Attr)-1])
		}
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
	if n := len(l.members); n > 0 && def.Labels != nil {
		l.members[n-1].Labels = def.Labels
	}
}

// selectMade selects what is no column: a literal, an object, a cursor.
func (l *level) selectMade(def *Field) {
	if !l.free(def.As, def.Place, "as") {
		return
	}
	m := Member{Key: def.As, Column: -1, Child: -1, Literal: def.Literal}
	switch {
	case def.Cursor:
		m.Cursor = []int{}
	case def.Object != nil:
		members, taken := l.members, l.taken
		l.members, l.taken = []Member{}, map[string]bool{}
		for i := range def.Object {
			l.selectField(&def.Object[i])
		}
		m.Object, l.members, l.taken = l.members, members, taken
		if def.Name != "" {
			l.selectColumnObject(def, &m)
		}
	}
	l.members = append(l.members, m)
}

// cursor gives the members that are cursors the columns of the sort keys, and with
// edges answers them. Rows that are read backwards have the same keys.
func (l *level) cursor(keys []sortKey, edges bool) []int {
	var columns []int
	ready := func() []int {
		for len(columns) < len(keys) {
			columns = append(columns, l.out.add(keys[len(columns)].field, l.scope.table))
		}
		return slices.Clone(columns)
	}
	eachMember(l.members, func(m *Member) {
		if m.Cursor == nil {
			return
		}
		m.Cursor = ready()
	})
	if !edges {
		return nil
	}
	return ready()
}

// eachMember calls f for each member, those inside of objects too.
func eachMember(members []Member, f func(*Member)) {
	for i := range members {
		f(&members[i])
		eachMember(members[i].Object, f)
	}
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
		if l.nested[i].call != nil {
			list[i] = l.callChild(&l.nested[i])
			continue
		}
		list[i] = l.child(&l.nested[i])
	}
	return list
}

// node is the level as a Node. shift is how many columns the statement has in
// front of those that the level selected.
func (l *level) node(st Statement, children []Child, shift int) Node {
	eachMember(l.members, func(m *Member) {
		if m.Column >= 0 {
			m.Column += shift
		}
		for i := range m.Cursor {
			m.Cursor[i] += shift
		}
		if m.Told != nil {
			for i := range m.Told.Columns {
				m.Told.Columns[i] += shift
			}
		}
	})
	for _, c := range children {
		for i := range c.Keys {
			c.Keys[i] += shift
		}
	}
	return Node{Statement: st, Members: l.members, Children: children}
}
