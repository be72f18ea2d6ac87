package builder

import "slices"

var (
	conflictKeys = []string{"columns", "constraint", "do", "update", "filters"}
	setPathKeys  = []string{"path", "value"}
	// setOps are the operations on a column of an update. "set" is the plain
	// value, for a json document that looks like an operation.
	setOps = []string{"set", "increment", "append", "prepend", "remove", "set_path", "delete_path", "default"}
)

// input reads the rows of an insert or the one of an update.
func (r *reader) input(n int32, at Path, kind Kind) (rows []Input, isList bool) {
	switch {
	case r.kind(n) == jsonObject:
		return []Input{r.row(n, at, kind)}, false
	case r.kind(n) == jsonList && kind == Update:
		r.wrong(n, at, "an object: the columns to set")
	case r.kind(n) == jsonList:
		r.list(n, at, "", func(e int32, at Path) {
			if r.kind(e) != jsonObject {
				r.wrong(e, at, "an object: a row")
				return
			}
			rows = append(rows, r.row(e, at, kind))
		})
		if len(rows) == 0 && r.nodes[n].after == n+1 {
			r.probs.addf(at, nil, "the list of rows is empty")
		}
	default:
		r.wrong(n, at, "an object or a list of objects")
	}
	return rows, true
}

// row reads one object of columns and values.
func (r *reader) row(n int32, at Path, kind Kind) Input {
	in := Input{Place: at}
	r.each(n, at, "an object", func(name string, n int32, at Path) {
		set := Set{Field: name, Value: r.raw(n), Place: at}
		if kind == Update && r.kind(n) == jsonObject {
			r.operationOn(&set, n, at)
		}
		in.Sets = append(in.Sets, set)
	})
	if len(in.Sets) == 0 && kind == Update {
		r.probs.addf(at, nil, "nothing to set: the object is empty")
	}
	return in
}

// operationOn reads {"increment":1}: an object with one key that names an
// operation. Any other object is a plain value. In an insert every object is.
func (r *reader) operationOn(set *Set, n int32, at Path) {
	if r.nodes[n].after == n+1 || r.nodes[n+2].after != r.nodes[n].after {
		return // no member, or more than one
	}
	op := r.str(n + 1)
	if !slices.Contains(setOps, op) {
		return
	}
	v, at := n+2, at.key(op)
	set.Op, set.Value = op, r.raw(v)
	switch op {
	case "set":
		set.Op = ""
	case "default":
		if r.kind(v) != jsonBool || !r.boolean(v, at) {
			r.wrong(v, at, "true")
		}
	case "delete_path":
		set.Path = r.path(v, at)
	case "set_path":
		seen := r.object(v, at, "set_path", setPathKeys, func(key string, n int32, at Path) {
			if key == "path" {
				set.Path = r.path(n, at)
			} else {
				set.Value = r.raw(n)
			}
		})
		if r.kind(v) == jsonObject {
			r.need(seen, at, "path")
			r.need(seen, at, "value")
		}
	}
}

// onConflict reads {"columns":["email"],"do":"update","update":["name"],"filters":…}.
func (r *reader) onConflict(n int32, at Path) *OnConflict {
	c := &OnConflict{Place: at}
	do := ""
	seen := r.object(n, at, "on_conflict", conflictKeys, func(key string, n int32, at Path) {
		switch key {
		case "columns":
			c.Columns = r.texts(n, at)
		case "constraint":
			c.Constraint = r.text(n, at)
		case "do":
			do, _ = r.textOK(n, at)
			if r.kind(n) == jsonString && do != "nothing" && do != "update" {
				r.probs.unknown(at, "action", do, []string{"nothing", "update"})
			}
		case "update":
			c.Update = r.texts(n, at)
		case "filters":
			c.Filter = r.optionalFilter(n, at)
		}
	})
	if r.kind(n) != jsonObject {
		return c
	}
	c.Nothing = do == "nothing"
	if !seen["do"] {
		r.probs.addf(at, []string{"nothing", "update"}, `"do" is missing`)
	}
	if seen["columns"] && seen["constraint"] {
		r.probs.addf(at, nil, "columns and constraint exclude each other")
	}
	if do == "update" && !seen["columns"] && !seen["constraint"] {
		r.probs.addf(at, []string{"columns", "constraint"}, "an update on conflict has to name the key that is in conflict")
	}
	if c.Nothing && (seen["update"] || c.Filter != nil) {
		r.probs.addf(at, nil, "update and filters have no meaning where nothing is done")
	}
	return c
}
