package reproduce

import (
	"maps"
	"slices"
)

// fixed members of a definition are never left out: without them it is none, or it
// speaks of more and not of less.
var fixed = map[string]bool{"operation": true, "type": true, "table": true, "fields": true, "return_fields": true}

// tree makes v smaller, which stands in the place of the definition that put fills.
func (s *shrinker) tree(v any, put func(any) any) (any, error) {
	attempt := func(smaller any) (bool, error) {
		w := s.world.clone()
		w.definition = put(smaller)
		return s.keep(w)
	}
	switch v := v.(type) {
	case map[string]any:
		return s.object(v, put, attempt)
	case []any:
		return s.list(v, put, attempt)
	}
	return v, nil
}

func (s *shrinker) object(v map[string]any, put func(any) any, attempt func(any) (bool, error)) (any, error) {
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if fixed[key] {
			continue
		}
		smaller := maps.Clone(v)
		delete(smaller, key)
		gone, err := attempt(smaller)
		if err != nil {
			return v, err
		}
		if gone {
			v = smaller
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v)) {
		base := v
		part, err := s.tree(v[key], func(x any) any {
			c := maps.Clone(base)
			c[key] = x
			return put(c)
		})
		v = maps.Clone(v)
		v[key] = part
		if err != nil {
			return v, err
		}
	}
	return v, nil
}

func (s *shrinker) list(v []any, put func(any) any, attempt func(any) (bool, error)) (any, error) {
	for chunk := len(v) / 2; chunk > 0; chunk /= 2 {
		for at := 0; at < len(v); {
			smaller := slices.Delete(slices.Clone(v), at, min(at+chunk, len(v)))
			gone, err := attempt(smaller)
			if err != nil {
				return v, err
			}
			if gone {
				v = smaller
			} else {
				at += chunk
			}
		}
	}
	for i := range v {
		base := v
		part, err := s.tree(v[i], func(x any) any {
			c := slices.Clone(base)
			c[i] = x
			return put(c)
		})
		v = slices.Clone(v)
		v[i] = part
		if err != nil {
			return v, err
		}
	}
	return v, nil
}

// spoken collects every string of a definition, keys too.
func spoken(v any, words map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			words[k] = true
			spoken(x, words)
		}
	case []any:
		for _, x := range v {
			spoken(x, words)
		}
	case string:
		words[v] = true
	}
}
