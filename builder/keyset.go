package builder

import (
	"bytes"
	"encoding/json"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// keyset adds the conditions of after and before to r, whose keys are a total
// order, and says whether the rows come in reverse.
//
// after alone: the rows behind the cursor, in order. before alone: those in
// front of it; with a limit the nearest ones, which is why the SQL reads
// backwards then. Both: the rows between, counted from the after side.
func (p *planner) keyset(r *rows) (reverse bool) {
	d := p.def
	if d.After == nil && d.Before == nil && d.Direction == FromCursor {
		return false
	}
	switch {
	case r.level.scope.source != nil:
		p.probs.addf(p.at("pagination"), nil, "no key tells the rows of a function apart, so a cursor can't name one; page by offset")
		return false
	case d.Distinct != nil:
		p.probs.addf(p.at("distinct"), nil, "a cursor names rows of the table; it can't be combined with distinct")
		return false
	case d.After != nil && d.Offset != nil, d.Before != nil && d.Offset != nil:
		p.probs.addf(p.at("pagination", "offset"), nil, "a cursor says where to start; it can't be combined with offset")
	case !r.total:
		at := p.at("pagination")
		if c := cursorOf(d); c != nil {
			at = c.Place
		}
		p.probs.addf(at, nil, "a cursor needs a primary key, or a unique key that is never null; the table has none that may be read")
		return false
	}
	for _, k := range r.keys {
		if len(k.args) > 0 && !k.call || k.col == nil && !positional(cursorOf(d)) {
			p.probs.addf(k.place, nil, "a cursor can't hold a value inside a json column; sort by plain columns")
			return false
		}
	}
	if d.After != nil {
		r.where(p.beyond(r.keys, d.After))
	}
	back := make([]sortKey, len(r.keys))
	for i, k := range r.keys {
		back[i] = k.reversed()
	}
	if d.Before != nil {
		r.where(p.beyond(back, d.Before))
	}
	switch {
	case d.Limit == nil, d.Direction == FromStart, d.Direction == FromCursor && (d.After != nil || d.Before == nil):
		return false
	}
	r.keys = back
	return true
}

// positional says whether the values of c stand in the order of the sort keys.
func positional(c *Cursor) bool {
	return c == nil || len(c.Values) > 0 && c.Values[0].Field == ""
}

func cursorOf(d *Definition) *Cursor {
	if d.After != nil {
		return d.After
	}
	return d.Before
}

// cursorValues finds the value of each key in c, which must name each exactly
// once: a cursor with a key left out would skip or repeat rows.
func (p *planner) cursorValues(keys []sortKey, c *Cursor) ([]CursorValue, bool) {
	if positional(c) {
		if len(c.Values) != len(keys) {
			p.probs.addf(c.Place, nil, "the cursor is not one of this list and order")
			return nil, false
		}
		return c.Values, true
	}
	values := make([]CursorValue, len(keys))
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.col.JSONName
	}
	ok := true
	for _, v := range c.Values {
		at := -1
		for i, k := range keys {
			if v.Field == k.col.Name || v.Field == k.col.JSONName {
				at = i
			}
		}
		switch {
		case at < 0:
			p.probs.unknown(v.Place, "cursor key", v.Field, names)
			ok = false
		case values[at].Value != nil:
			p.probs.addf(v.Place, nil, "cursor key %s is there twice", quoted(v.Field))
			ok = false
		case v.Value == nil:
			values[at].Value = json.RawMessage("null")
		default:
			values[at] = v
		}
	}
	for i := range values {
		if values[i].Value == nil && ok {
			p.probs.addf(c.Place, names, "the cursor must name every sort key; %s is missing", quoted(names[i]))
			ok = false
		}
	}
	return values, ok
}

// beyond is the condition for the rows that come behind the cursor in the order
// of keys.
func (p *planner) beyond(keys []sortKey, c *Cursor) squirrel.Sqlizer {
	values, ok := p.cursorValues(keys, c)
	if !ok {
		return nil
	}
	cond := p.beyondValues(keys, values)
	if c.Not {
		return splice("(?) IS NOT TRUE", cond)
	}
	return cond
}

// cursorArg is one value of a cursor as an argument. A NULL takes another
// condition, so it can't come from a slot that had none.
func (p *planner) cursorArg(f field, v *CursorValue) squirrel.Sqlizer {
	base, from := f.typ.Base(), v.From
	return slotArg(p.scope.argument(f.typ, v.Value, v.Place), f.cast, v.Slot, v.Place, func(leaf []byte) (any, error) {
		raw, err := leafValue(from, leaf)
		switch {
		case err != nil:
			return nil, err
		case isNull(raw):
			return nil, ErrRebuild
		}
		return base.Argument(raw)
	})
}

func (p *planner) beyondValues(keys []sortKey, values []CursorValue) squirrel.Sqlizer {
	args := make([]squirrel.Sqlizer, len(keys))
	same, nullable := true, false
	for i, k := range keys {
		args[i] = p.cursorArg(k.field, &values[i])
		if isNull(values[i].Value) {
			if !k.nullable() {
				p.probs.addf(values[i].Place, nil, "%s is never null", k.label())
			}
			args[i] = nil
			p.scope.fix(values[i].Slot)
		}
		same = same && k.desc == keys[0].desc
		nullable = nullable || k.nullable() || args[i] == nil
	}
	if same && !nullable && len(keys) > 1 {
		return rowBeyond(keys, args)
	}
	cond := stepBeyond(keys, args)
	// The first key bounds what can match, and an index on it can use the bound;
	// the planner does not find it inside the OR by itself.
	if first := keys[0]; len(keys) > 1 && args[0] != nil && (!first.nullable() || first.nullsFirst()) {
		op := " >= ?"
		if first.desc {
			op = " <= ?"
		}
		return splice("(? AND ?)", splice("?"+op, first.sql(), args[0]), cond)
	}
	return cond
}

// label is what k is called in a message.
func (k sortKey) label() string {
	if k.col == nil {
		return "a sort key"
	}
	return quoted(k.col.JSONName)
}

// rowBeyond compares all keys at once, which an index on them answers alone:
// ("name", "id") > ($1, $2). All directions are alike and no key is NULL.
func rowBeyond(keys []sortKey, args []squirrel.Sqlizer) expression {
	exprs := make([]squirrel.Sqlizer, len(keys))
	for i, k := range keys {
		exprs[i] = k.sql()
	}
	op := " > "
	if keys[0].desc {
		op = " < "
	}
	return splice("(?)"+op+"(?)", join(exprs, ", "), join(args, ", "))
}

// stepBeyond compares key by key: behind in the first, or equal in the first
// and behind in the rest. A nil arg is a NULL in the cursor.
func stepBeyond(keys []sortKey, args []squirrel.Sqlizer) expression {
	k, v := keys[0], args[0]
	if len(keys) == 1 {
		return keyBeyond(k, v)
	}
	return splice("(? OR (? AND ?))", keyBeyond(k, v), keyEqual(k, v), stepBeyond(keys[1:], args[1:]))
}

// keyBeyond is the condition that k alone is behind v.
func keyBeyond(k sortKey, v squirrel.Sqlizer) expression {
	if v == nil {
		if k.nullsFirst() {
			return splice("? IS NOT NULL", k.sql())
		}
		return never // nothing comes behind NULL where NULL is last
	}
	op := "? > ?"
	if k.desc {
		op = "? < ?"
	}
	if k.nullable() && !k.nullsFirst() {
		return splice("("+op+" OR ? IS NULL)", k.sql(), v, k.sql())
	}
	return splice(op, k.sql(), v)
}

func keyEqual(k sortKey, v squirrel.Sqlizer) expression {
	if v == nil {
		return splice("? IS NULL", k.sql())
	}
	return splice("? = ?", k.sql(), v)
}

// isNull says whether raw is the JSON null.
func isNull(raw json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(raw), []byte("null")) }

// sameColumns says whether a and b are the same set of columns.
func sameColumns(a, b []*catalog.Column) bool {
	if len(a) != len(b) {
		return false
	}
	for _, c := range a {
		found := false
		for _, d := range b {
			found = found || c == d
		}
		if !found {
			return false
		}
	}
	return true
}
