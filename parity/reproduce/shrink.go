package reproduce

import (
	"context"
	"encoding/json"
	"slices"
)

// shrinker makes a world that fails smaller as long as it fails.
type shrinker struct {
	*trier
	ctx   context.Context //nolint:containedctx // of one shrinking
	world *world
}

// keep makes w the world, if it fails too.
func (s *shrinker) keep(w *world) (bool, error) {
	failed, err := s.fails(s.ctx, w)
	if failed {
		s.world = w
	}
	return failed, err
}

// all does every kind of step until nothing changes any more.
func (s *shrinker) all() error {
	for range 3 {
		before := s.size()
		for _, step := range []func() error{s.rows, s.objects, s.operation, s.tables, s.columns, s.rows} {
			if err := step(); err != nil {
				return err
			}
		}
		if s.size() == before {
			return nil
		}
	}
	return nil
}

// size is how much there is to drop.
func (s *shrinker) size() int {
	n := len(s.world.objects)
	if text, err := json.Marshal(s.world.definition); err == nil {
		n += len(text)
	}
	for _, l := range s.world.lines {
		n += 1 + len(l.SQL) + len(l.Args) + len(l.Settings)
	}
	for i := range s.world.tables {
		t := &s.world.tables[i]
		n += len(t.rows) + len(t.columns) + len(t.foreign)
	}
	return n
}

// rows drops rows of every table: halves, quarters, and so on to single ones.
func (s *shrinker) rows() error {
	for i := range s.world.tables {
		for chunk := len(s.world.tables[i].rows); chunk > 0; chunk /= 2 {
			for at := 0; at < len(s.world.tables[i].rows); {
				w := s.world.clone()
				rows := w.tables[i].rows
				w.tables[i].rows = slices.Delete(rows, at, min(at+chunk, len(rows)))
				gone, err := s.keep(w)
				if err != nil {
					return err
				}
				if !gone {
					at += chunk
				}
			}
		}
	}
	return nil
}

// tables drops tables that the operation does without.
func (s *shrinker) tables() error {
	for i := range slices.Backward(s.world.tables) {
		w := s.world.clone()
		gone := w.tables[i]
		w.tables = slices.Delete(w.tables, i, i+1)
		for j := range w.tables {
			w.tables[j].foreign = slices.DeleteFunc(w.tables[j].foreign, func(f foreign) bool { return f.schema == gone.schema && f.to == gone.name })
		}
		if _, err := s.keep(w); err != nil {
			return err
		}
	}
	return nil
}

// columns drops columns, at first all that the operation does not speak of, then
// one by one; and with them keys, and types that nothing needs.
func (s *shrinker) columns() error {
	said := map[string]bool{}
	spoken(s.world.definition, said)
	for _, text := range s.world.texts() {
		for _, word := range words(text) {
			said[word] = true
		}
	}
	w := s.world.clone()
	for i := range w.tables {
		for _, c := range slices.Clone(w.tables[i].columns) {
			if !said[c.name] && !said[camel(c.name)] && !w.keyed(i, c.name) {
				w.drop(i, c.name)
			}
		}
	}
	w.prune()
	if _, err := s.keep(w); err != nil {
		return err
	}
	for i := range s.world.tables {
		for _, f := range slices.Clone(s.world.tables[i].foreign) {
			w := s.world.clone()
			w.tables[i].foreign = slices.DeleteFunc(w.tables[i].foreign, func(g foreign) bool { return slices.Equal(f.columns, g.columns) && f.to == g.to })
			if _, err := s.keep(w); err != nil {
				return err
			}
		}
		for _, u := range slices.Clone(s.world.tables[i].unique) {
			w := s.world.clone()
			w.tables[i].unique = slices.DeleteFunc(w.tables[i].unique, func(v unique) bool { return v.name == u.name && slices.Equal(u.columns, v.columns) })
			if _, err := s.keep(w); err != nil {
				return err
			}
		}
		for _, c := range slices.Clone(s.world.tables[i].columns) {
			w := s.world.clone()
			w.drop(i, c.name)
			w.prune()
			if _, err := s.keep(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyed says whether the column is part of a key.
func (w *world) keyed(i int, name string) bool {
	t := &w.tables[i]
	if slices.Contains(t.key, name) {
		return true
	}
	return slices.ContainsFunc(t.foreign, func(f foreign) bool { return slices.Contains(f.columns, name) })
}

// drop takes a column out of table i, and every key that it is part of.
func (w *world) drop(i int, name string) {
	t := &w.tables[i]
	at := t.index(name)
	t.columns = slices.Delete(t.columns, at, at+1)
	rows := make([][]*string, len(t.rows))
	for j, row := range t.rows {
		rows[j] = slices.Delete(slices.Clone(row), at, at+1)
	}
	t.rows = rows
	if slices.Contains(t.key, name) {
		t.key = nil
	}
	t.unique = slices.DeleteFunc(t.unique, func(u unique) bool { return slices.Contains(u.columns, name) })
	for j := range w.tables {
		w.tables[j].foreign = slices.DeleteFunc(w.tables[j].foreign, func(f foreign) bool { return f.schema == t.schema && f.to == t.name && !w.has(f) })
	}
	t.foreign = slices.DeleteFunc(t.foreign, func(f foreign) bool { return slices.Contains(f.columns, name) })
}

// texts are the SQL in the world: of its lines, of its objects and of its columns.
func (w *world) texts() []string {
	var list []string
	for _, l := range w.lines {
		list = append(list, l.SQL)
	}
	for _, o := range w.objects {
		list = append(list, o.do)
	}
	for i := range w.tables {
		for _, c := range w.tables[i].columns {
			list = append(list, c.generated)
		}
	}
	return list
}

// prune drops types that nothing speaks of. An extension stays only where a type may be
// of it, which nobody can tell here: where it is not needed, a try without it fails
// the same way.
func (w *world) prune() {
	texts := w.texts()
	for _, t := range w.types {
		texts = append(texts, t.text, t.base)
	}
	w.types = slices.DeleteFunc(w.types, func(t typ) bool {
		if slices.ContainsFunc(texts, func(text string) bool { return mentions(text, t.name) && text != t.text }) {
			return false
		}
		for i := range w.tables {
			for _, c := range w.tables[i].columns {
				if mentions(c.typ, t.name) {
					return false
				}
			}
		}
		return true
	})
}

// operation drops members of the definition, from the outside to the inside.
func (s *shrinker) operation() error {
	if len(s.world.extensions) > 0 {
		for _, e := range slices.Clone(s.world.extensions) {
			w := s.world.clone()
			w.extensions = slices.DeleteFunc(w.extensions, func(x extension) bool { return x == e })
			if _, err := s.keep(w); err != nil {
				return err
			}
		}
	}
	if s.world.path != "" {
		w := s.world.clone()
		w.path = ""
		if _, err := s.keep(w); err != nil {
			return err
		}
	}
	if s.world.lines != nil {
		return s.program()
	}
	_, err := s.tree(s.world.definition, func(v any) any { return v })
	return err
}

// objects drops views, functions and the like: all at once, or one by one, those that
// need others first.
func (s *shrinker) objects() error {
	if len(s.world.objects) == 0 {
		return nil
	}
	w := s.world.clone()
	w.objects = nil
	if gone, err := s.keep(w); gone || err != nil {
		return err
	}
	for i := range slices.Backward(s.world.objects) {
		w := s.world.clone()
		w.objects = slices.Delete(w.objects, i, i+1)
		if _, err := s.keep(w); err != nil {
			return err
		}
	}
	return nil
}
