package builder

import "strings"

var (
	fieldKeys      = []string{"field", "as", "path", "type"}
	relationKeys   = []string{"relation", "fields", "filters", "sort", "pagination", "distinct", "relations"}
	sortKeys       = []string{"field", "path", "type", "direction", "nulls"}
	paginationKeys = []string{"limit", "offset"}
	aggregateKeys  = []string{"fn", "field", "as", "distinct", "filters"}
	groupKeys      = []string{"field", "trunc", "as"}
)

// need records that an object lacks a key.
func (r *reader) need(seen map[string]bool, at Path, key string) {
	if !seen[key] {
		r.probs.addf(at, nil, "%s is missing", quoted(key))
	}
}

// fields reads ["id", {"field":"data","path":["a"],"type":"text","as":"a"}].
func (r *reader) fields(n int32, at Path) []Field {
	list := []Field{}
	r.list(n, at, "a list of fields", func(e int32, at Path) {
		f := Field{Place: at}
		if r.kind(e) == jsonString {
			f.Name = r.text(e, at)
			list = append(list, f)
			return
		}
		if r.kind(e) != jsonObject {
			r.wrong(e, at, `a name or {"field":…}`)
			return
		}
		seen := r.object(e, at, "field", fieldKeys, func(key string, n int32, at Path) {
			switch key {
			case "field":
				f.Name = r.text(n, at)
			case "as":
				f.As = r.text(n, at)
			case "path":
				f.JSON = r.path(n, at)
			case "type":
				f.Type = r.text(n, at)
			}
		})
		r.need(seen, at, "field")
		if seen["type"] && !seen["path"] {
			r.probs.addf(at.key("type"), nil, "type says how to read a value inside a json column and needs path")
		}
		list = append(list, f)
	})
	if r.kind(n) == jsonList && len(list) == 0 {
		r.probs.addf(at, nil, "the list of fields is empty; leave the key out for every field")
	}
	return list
}

// relations reads {"posts":{"fields":[…],"relations":{…}}}.
func (r *reader) relations(n int32, at Path) []Relation {
	var list []Relation
	r.each(n, at, "an object: relations by their output keys", func(key string, n int32, at Path) {
		rel := Relation{Key: key, Place: at}
		if key == "" {
			r.probs.addf(at, nil, "the output key is empty")
		}
		r.object(n, at, "relation", relationKeys, func(key string, n int32, at Path) {
			switch key {
			case "relation":
				rel.Name = r.text(n, at)
			case "fields":
				rel.Fields = r.fields(n, at)
			case "filters":
				rel.Filter = r.optionalFilter(n, at)
			case "sort":
				rel.Sort = r.sort(n, at)
			case "pagination":
				rel.Limit, rel.Offset = r.pagination(n, at)
			case "distinct":
				rel.Distinct = r.distinct(n, at)
			case "relations":
				rel.Relations = r.relations(n, at)
			}
		})
		list = append(list, rel)
	})
	return list
}

// sort reads [{"field":"name","direction":"DESC","nulls":"LAST"}, {"id":"ASC"}].
// An object with the key "field" is of the first form, whatever else it has.
func (r *reader) sort(n int32, at Path) []Sort {
	list := []Sort{}
	r.list(n, at, "a list of sort keys", func(e int32, at Path) {
		if r.kind(e) != jsonObject {
			r.wrong(e, at, `{"field":"name","direction":"ASC"} or {"name":"ASC"}`)
			return
		}
		if r.has(e, "field") {
			list = append(list, r.sortKey(e, at))
			return
		}
		keys := 0
		r.each(e, at, "", func(name string, n int32, at Path) {
			if keys++; keys > 1 {
				r.probs.addf(at, nil, "one sort key an object: the order of keys in JSON means nothing")
				return
			}
			list = append(list, Sort{Field: name, Desc: r.word(n, at, "DESC", "ASC"), Place: at})
		})
		if keys == 0 {
			r.probs.addf(at, nil, "the sort key is empty")
		}
	})
	return list
}

func (r *reader) sortKey(n int32, at Path) Sort {
	s := Sort{Place: at}
	seen := r.object(n, at, "sort key", sortKeys, func(key string, n int32, at Path) {
		switch key {
		case "field":
			s.Field, s.Place = r.text(n, at), at
		case "path":
			s.JSON = r.path(n, at)
		case "type":
			s.Type = r.text(n, at)
		case "direction":
			s.Desc = r.word(n, at, "DESC", "ASC")
		case "nulls":
			s.Nulls = NullsLast
			if r.word(n, at, "FIRST", "LAST") {
				s.Nulls = NullsFirst
			}
		}
	})
	if seen["type"] && !seen["path"] {
		r.probs.addf(at.key("type"), nil, "type says how to read a value inside a json column and needs path")
	}
	return s
}

// word is true for the word yes and false for no, in capitals or small letters.
func (r *reader) word(n int32, at Path, yes, no string) bool {
	s, ok := r.textOK(n, at)
	switch {
	case s == yes || s == strings.ToLower(yes):
		return true
	case ok && s != no && s != strings.ToLower(no):
		r.probs.unknown(at, "word", s, []string{no, yes})
	}
	return false
}

// pagination reads {"limit":10,"offset":0}.
func (r *reader) pagination(n int32, at Path) (limit, offset *int64) {
	r.object(n, at, "pagination", paginationKeys, func(key string, n int32, at Path) {
		if key == "limit" {
			limit = r.count(n, at)
		} else {
			offset = r.count(n, at)
		}
	})
	return limit, offset
}

// cursor reads {"name":"Ann","id":7}.
func (r *reader) cursor(n int32, at Path) *Cursor {
	c := &Cursor{Place: at}
	r.each(n, at, "an object: one value for each sort key", func(name string, n int32, at Path) {
		c.Values = append(c.Values, CursorValue{Field: name, Value: r.raw(n), Place: at})
	})
	if r.kind(n) == jsonObject && len(c.Values) == 0 {
		r.probs.addf(at, nil, "the cursor is empty")
	}
	return c
}

// distinct reads true, false, or a list of fields.
func (r *reader) distinct(n int32, at Path) *Distinct {
	switch r.kind(n) {
	case jsonBool:
		if !r.boolean(n, at) {
			return nil
		}
		return &Distinct{Place: at}
	case jsonList:
		return &Distinct{On: r.texts(n, at), Place: at}
	}
	r.wrong(n, at, "true or a list of fields")
	return nil
}

// aggregates reads [{"fn":"sum","field":"amount","as":"total"}].
func (r *reader) aggregates(n int32, at Path) []Aggregate {
	list := []Aggregate{}
	r.list(n, at, `a list of aggregates, such as {"fn":"count"}`, func(e int32, at Path) {
		a := Aggregate{Place: at}
		seen := r.object(e, at, "aggregate", aggregateKeys, func(key string, n int32, at Path) {
			switch key {
			case "fn":
				a.Fn = r.text(n, at)
			case "field":
				a.Field = r.text(n, at)
			case "as":
				a.As = r.text(n, at)
			case "distinct":
				a.Distinct = r.boolean(n, at)
			case "filters":
				a.Filter = r.optionalFilter(n, at)
			}
		})
		if r.kind(e) == jsonObject {
			r.need(seen, at, "fn")
		}
		list = append(list, a)
	})
	if r.kind(n) == jsonList && len(list) == 0 {
		r.probs.addf(at, nil, "the list of aggregates is empty")
	}
	return list
}

// groupBy reads ["country", {"field":"created_at","trunc":"month"}].
func (r *reader) groupBy(n int32, at Path) []GroupBy {
	list := []GroupBy{}
	r.list(n, at, "a list of fields", func(e int32, at Path) {
		g := GroupBy{Place: at}
		switch r.kind(e) {
		case jsonString:
			g.Field = r.text(e, at)
		case jsonObject:
			seen := r.object(e, at, "grouping", groupKeys, func(key string, n int32, at Path) {
				switch key {
				case "field":
					g.Field = r.text(n, at)
				case "trunc":
					g.Trunc = r.text(n, at)
				case "as":
					g.As = r.text(n, at)
				}
			})
			r.need(seen, at, "field")
		default:
			r.wrong(e, at, `a name or {"field":…}`)
		}
		list = append(list, g)
	})
	if r.kind(n) == jsonList && len(list) == 0 {
		r.probs.addf(at, nil, "the list is empty; leave group_by out to aggregate all rows")
	}
	return list
}
