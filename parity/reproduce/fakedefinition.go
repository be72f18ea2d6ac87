package reproduce

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// structure are the members of a definition that hold no value of a row.
var structure = map[string]bool{
	"operation": true, "type": true, "table": true, "fields": true, "return_fields": true, "sort": true, "pagination": true, "limit": true, "offset": true,
	"group_by": true, "field": true, "operator": true, "op": true, "direction": true, "nulls": true, "as": true, "fn": true, "distinct": true, "constraint": true, "do": true,
}

// definition replaces the values in a definition. base is the type of the column that
// the place is about, "" where it is about none; input says that it is a value to
// write, which may be an object.
func (f *faker) definition(v any, base string, input bool) any {
	switch v := v.(type) {
	case map[string]any:
		if (base == "json" || base == "jsonb") && input {
			return f.json(v, base)
		}
		out := make(map[string]any, len(v))
		own := base
		if name, ok := v["field"].(string); ok {
			own = f.columnType(name)
		}
		for k, x := range v {
			switch t := f.columnType(k); {
			case k == "input":
				out[k] = f.definition(x, "", true)
			case k == "path":
				out[k] = f.path(x)
			case structure[k]:
				out[k] = x
			case t != "":
				out[k] = f.definition(x, t, input)
			default:
				out[k] = f.definition(x, own, input)
			}
		}
		return out
	case []any:
		if (base == "json" || base == "jsonb") && input {
			return f.json(v, base)
		}
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = f.definition(x, base, input)
		}
		return out
	case string:
		return f.leaf(v, base, "text")
	case json.Number:
		made := f.leaf(v.String(), base, "numeric")
		if json.Valid([]byte(made)) && made[0] != '"' {
			return json.Number(made)
		}
		return made
	}
	return v
}

// path replaces the keys in a path as they are replaced in the documents.
func (f *faker) path(v any) any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = x
		if key, is := x.(string); is {
			out[i] = f.key(key)
		}
	}
	if !ok {
		return out[0]
	}
	return out
}

func (f *faker) key(old string) string {
	for _, base := range []string{"json", "jsonb"} {
		for _, whole := range slices.Sorted(maps.Keys(f.made[base])) {
			made := f.made[base][whole]
			if i := strings.Index(whole, `"`+old+`"`); i >= 0 && len(whole) == len(made) {
				return made[i+1 : i+1+len(old)]
			}
		}
	}
	return letters(old, 0, 26)
}

// json is a whole JSON value of a column.
func (f *faker) json(v any, base string) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	made, _ := shaped(base, string(text), 0)
	var out any
	if json.Unmarshal([]byte(made), &out) != nil {
		return nil
	}
	return out
}

// leaf is what stands for a value of a definition: what stands for it in the rows,
// where it is in one, or for the row's value that it is a part of.
func (f *faker) leaf(old, base, kind string) string {
	if keeps(base, old) {
		return old
	}
	if base == "" {
		base = kind
	}
	if m := f.enum(base); m != nil {
		return f.cell(base, old)
	}
	for _, b := range append([]string{base}, slices.Sorted(maps.Keys(f.made))...) {
		if made, ok := f.made[b][old]; ok {
			return made
		}
		if x, ok := new(big.Rat).SetString(old); ok {
			for o, made := range f.made[b] {
				if y, ok := new(big.Rat).SetString(o); ok && x.Cmp(y) == 0 {
					return respelled(made, old)
				}
			}
		}
	}
	for o, made := range f.made[base] {
		if at := strings.Index(o, old); at >= 0 && len(o) == len(made) && made[at:at+len(old)] != old {
			return made[at : at+len(old)]
		}
	}
	how := f.how[base]
	if how == nil {
		how = shaped
	}
	if _, ok := how(base, old, 0); !ok {
		how = shaped
	}
	made := f.other(how, base, old, len(f.made[base]))
	if f.made[base] == nil {
		f.made[base] = map[string]string{}
	}
	f.made[base][old] = made
	return made
}

// respelled is the number made with as many decimals as old, where it has zeros to lose:
// 2.5 in a filter finds 2.500 in a row, and how it is spelled may be what matters.
func respelled(made, old string) string {
	_, decimals, _ := strings.Cut(old, ".")
	whole, part, ok := strings.Cut(made, ".")
	switch {
	case !ok || len(part) <= len(decimals) || strings.Trim(part[len(decimals):], "0") != "":
		return made
	case decimals == "":
		return whole
	}
	return whole + "." + part[:len(decimals)]
}

// columnType is the type of the column of that name, in either spelling.
func (f *faker) columnType(name string) string {
	for i := range f.before.tables {
		for _, c := range f.before.tables[i].columns {
			if c.name == name || camel(c.name) == name {
				return c.base
			}
		}
	}
	return ""
}
