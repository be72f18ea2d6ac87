package catalog

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
)

// finish ties the rows together into a Catalog. leaveOut: columns that meet in one
// name are no error, but those behind the first are left out.
func (l *loader) finish(leaveOut bool) (*Catalog, error) {
	l.finishTypes()
	for _, r := range l.order {
		l.finishTable(r)
	}
	if !leaveOut && len(l.cat.collisions) > 0 {
		errs := make([]error, len(l.cat.collisions))
		for i, c := range l.cat.collisions {
			errs[i] = c
		}
		return nil, errors.Join(errs...)
	}
	for _, r := range l.order {
		l.finishKeys(r)
	}
	for i := range l.foreign {
		l.finishForeignKey(&l.foreign[i])
	}
	for i := range l.checks {
		l.finishCheck(&l.checks[i])
	}
	l.finishLists()
	return l.cat, nil
}

// finishTypes names types for casts and carries NOT NULL and dimensions up from
// domain to domain.
func (l *loader) finishTypes() {
	types := l.cat.types
	for _, t := range l.cat.typeList {
		if t.SQLName == "" && t.Elem == 0 {
			t.SQLName = QuoteIdent(t.Schema) + "." + QuoteIdent(t.Name)
		}
	}
	for _, t := range l.cat.typeList {
		if t.SQLName == "" {
			t.SQLName = QuoteIdent(t.Schema) + "." + QuoteIdent(t.Name)
			if e := types[t.Elem]; e != nil && e.Array == t.OID && e.SQLName != "" {
				t.SQLName = e.SQLName + "[]"
			}
		}
		for d := t; d != nil && d.Kind == 'd'; d = types[d.Base] {
			if d.NotNull {
				t.NotNull = true
			}
			t.Dims = cmp.Or(t.Dims, d.Dims)
		}
	}
	slices.SortFunc(l.cat.typeList, func(a, b *Type) int {
		return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Name, b.Name))
	})
}

// finishTable gives columns their types, drops what the role may not use, and
// makes the table known by its names. Of columns that meet in one name the first
// stays.
func (l *loader) finishTable(r *tableRow) {
	t := r.table
	t.CanSelect, t.CanInsert, t.CanUpdate = r.allSelect, r.allIns, r.allU
	visible := make([]*Column, 0, len(r.all))
	r.byNum = make(map[int]*Column, len(r.all))
	t.byName = make(map[string]*Column, 2*len(r.all))
	for _, c := range r.all {
		t.CanSelect, t.CanInsert, t.CanUpdate = t.CanSelect || c.CanSelect, t.CanInsert || c.CanInsert, t.CanUpdate || c.CanUpdate
		if !c.CanSelect && !c.CanInsert && !c.CanUpdate {
			continue
		}
		// A camelCase name is its own camelCase name, so this also meets a
		// column whose name in the database is another's camelCase name.
		if other := t.byName[c.JSONName]; other != nil {
			if !t.IsPartition { // its parent has the same
				l.cat.collisions = append(l.cat.collisions, &CollisionError{t.Schema, t.Name, c.JSONName, [2]string{other.Name, c.Name}})
			}
			continue
		}
		l.finishColumn(c)
		visible = append(visible, c)
		r.byNum[c.Num] = c
		t.byName[c.JSONName] = c
	}
	t.Columns = visible
	for _, c := range visible {
		t.byName[c.Name] = c
	}
	name := qualified{t.Schema, t.Name}
	if !t.CanSelect && !t.CanInsert && !t.CanUpdate && !t.CanDelete {
		l.cat.byParts[name] = nil
		return
	}
	l.cat.byParts[name] = t
	l.cat.byOID[t.OID] = t
	if !t.IsPartition {
		l.cat.tables = append(l.cat.tables, t)
	}
	if p := l.tables[r.parent]; p != nil {
		t.Parent = p.table
	}
}

// finishColumn adds what only the type knows.
func (l *loader) finishColumn(c *Column) {
	plain := c.TypeName // as format_type wrote it; "" where there is no modifier
	t := l.cat.types[c.Type]
	if t == nil {
		// The row type of a system table, or a type dropped meanwhile.
		c.TypeName, c.BaseType = "", c.Type
		return
	}
	c.TypeName = t.SQLName
	c.BaseType = l.cat.BaseType(c.Type)
	switch {
	case plain == "":
		c.Declared = t.SQLName
	case t.Schema != systemSchema:
		c.Declared = l.once(declaredName(t.SQLName, c.Declared, plain))
	default:
		c.Declared = l.once(c.Declared)
	}
	if t.Kind == 'd' {
		c.NotNull, c.Dims = c.NotNull || t.NotNull, t.Dims
		if !c.HasDefault && c.Generated == 0 && t.Default != "" {
			c.HasDefault, c.Default, c.VolatileDefault = true, t.Default, t.VolatileDefault
		}
	}
}

// declaredName puts the modifier of format_type's answer behind the qualified
// name: ("public"."vector"[], vector(3)[], vector[]) → "public"."vector"(3)[].
func declaredName(sqlName, declared, plain string) string {
	name, isArray := strings.CutSuffix(sqlName, "[]")
	modifier := strings.TrimSuffix(declared, "[]")[len(strings.TrimSuffix(plain, "[]")):]
	if isArray {
		return name + modifier + "[]"
	}
	return name + modifier
}

// columns finds columns by number; false where the role may not use one.
func (r *tableRow) columns(nums []int) ([]*Column, bool) {
	found := make([]*Column, 0, len(nums))
	for _, n := range nums {
		c := r.byNum[n]
		if c == nil {
			return nil, false
		}
		found = append(found, c)
	}
	return found, true
}

func (l *loader) finishKeys(r *tableRow) {
	for _, raw := range l.keys[r.table.OID] {
		k := raw.Key
		plain := slices.DeleteFunc(slices.Clone(raw.nums), func(n int) bool { return n == 0 })
		var ok bool
		if k.Columns, ok = r.columns(plain); !ok {
			continue
		}
		if k.Primary {
			r.table.PrimaryKey = &k
		} else {
			r.table.Unique = append(r.table.Unique, &k)
		}
	}
	slices.SortFunc(r.table.Unique, func(a, b *Key) int { return strings.Compare(a.Name, b.Name) })
}

func (l *loader) finishForeignKey(raw *rawForeignKey) {
	from, to := l.tables[raw.from], l.tables[raw.to]
	if from == nil || to == nil || l.cat.byOID[raw.from] == nil || l.cat.byOID[raw.to] == nil {
		return
	}
	k := raw.ForeignKey
	var ok, refOK bool
	k.Columns, ok = from.columns(raw.nums)
	k.RefColumns, refOK = to.columns(raw.refNums)
	if !ok || !refOK {
		return
	}
	k.Table, k.RefTable = from.table, to.table
	k.OnDelete, k.OnUpdate = actions[raw.onDelete], actions[raw.onUpdt]
	k.NotNull = !slices.ContainsFunc(k.Columns, func(c *Column) bool { return !c.NotNull })
	// From the raw keys: a key that the role may not see keeps rows unique too.
	k.Unique = slices.ContainsFunc(l.keys[raw.from], func(u rawKey) bool {
		return u.Total() && !slices.ContainsFunc(u.nums, func(n int) bool { return !slices.Contains(raw.nums, n) })
	})
	k.Table.ForeignKeys = append(k.Table.ForeignKeys, &k)
	if !k.Table.IsPartition {
		k.RefTable.ReferencedBy = append(k.RefTable.ReferencedBy, &k)
	}
}

// finishCheck gives a table a constraint whose columns the role may use.
func (l *loader) finishCheck(raw *rawCheck) {
	r := l.tables[raw.table]
	if r == nil {
		return
	}
	plain := slices.DeleteFunc(slices.Clone(raw.nums), func(n int) bool { return n == 0 }) // of an expression
	if columns, ok := r.columns(plain); ok && len(columns) > 0 {
		r.table.Checks = append(r.table.Checks, Check{raw.name, columns})
	}
}

// actions are the letters of pg_constraint.confdeltype and confupdtype.
var actions = map[string]Action{"a": NoAction, "r": Restrict, "c": Cascade, "n": SetNull, "d": SetDefault}

// finishLists sorts, and fills the name tables.
func (l *loader) finishLists() {
	c := l.cat
	byName := func(a, b *Table) int {
		return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Name, b.Name))
	}
	slices.SortFunc(c.tables, byName)
	for _, t := range c.byOID {
		slices.SortFunc(t.ForeignKeys, func(a, b *ForeignKey) int { return strings.Compare(a.Name, b.Name) })
		slices.SortFunc(t.ReferencedBy, func(a, b *ForeignKey) int {
			return cmp.Or(byName(a.Table, b.Table), strings.Compare(a.Name, b.Name))
		})
		if t.Parent != nil && c.byOID[t.Parent.OID] == nil {
			t.Parent = nil
		}
	}
	plain := func(s string) bool { return s != "" && !strings.ContainsAny(s, `."`) }
	for q, t := range c.byParts {
		if plain(q.schema) && plain(q.name) && t != nil {
			c.byName[q.schema+"."+q.name] = t
		}
	}
	for _, s := range slices.Backward(c.searchPath) {
		for q, t := range c.byParts {
			if q.schema == s && plain(q.name) {
				c.byName[q.name] = t
			}
		}
	}
	slices.SortFunc(c.functions, func(a, b *Function) int {
		return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Name, b.Name), cmp.Compare(a.OID, b.OID))
	})
	for _, f := range c.functions {
		q := qualified{f.Schema, f.Name}
		c.funcName[q] = append(c.funcName[q], f)
	}
	slices.SortFunc(c.extensions, func(a, b *Extension) int { return strings.Compare(a.Name, b.Name) })
	maps.DeleteFunc(c.byName, func(_ string, t *Table) bool { return t == nil })
}

// baseType follows domains down. A chain cannot be a ring: a domain is made
// over a type that is there already.
func baseType(types map[uint32]*Type, oid uint32) uint32 {
	for {
		t, ok := types[oid]
		if !ok || t.Kind != 'd' || t.Base == 0 {
			return oid
		}
		oid = t.Base
	}
}
