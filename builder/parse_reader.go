package builder

import (
	"slices"
	"strconv"
)

// reader turns a document into definitions. Each of its methods takes the node
// of a value and the value's place, records what is wrong, and returns the zero
// value then, so that everything that is wrong is found in one go.
type reader struct {
	*document
	probs *problems
}

// kindWords name the kinds of nodes for messages.
var kindWords = [...]string{"null", "a boolean", "a number", "a string", "an object", "a list"}

func (r *reader) kind(n int32) byte { return r.nodes[n].kind }

// wrong records that the value at n is not what belongs there.
func (r *reader) wrong(n int32, at Path, want string) {
	if r.kind(n) == jsonNull {
		r.probs.addf(at, []string{want}, "null can't stand here; leave the key out")
		return
	}
	r.probs.addf(at, []string{want}, "%s can't stand here", kindWords[r.kind(n)])
}

// each calls fn for every member of an object, in the order of the text.
func (r *reader) each(n int32, at Path, want string, fn func(key string, n int32, at Path)) {
	if r.kind(n) != jsonObject {
		r.wrong(n, at, want)
		return
	}
	for k := n + 1; k < r.nodes[n].after; k = r.nodes[k+1].after {
		key := r.str(k)
		fn(key, k+1, at.key(key))
	}
}

// object calls fn for the members of an object that are among keys; any other
// is a problem. It returns which keys there were.
func (r *reader) object(n int32, at Path, what string, keys []string, fn func(key string, n int32, at Path)) map[string]bool {
	seen := make(map[string]bool, len(keys))
	r.each(n, at, "an object", func(key string, n int32, at Path) {
		if !slices.Contains(keys, key) {
			r.probs.unknown(at, "key of a "+what, key, keys)
			return
		}
		seen[key] = true
		fn(key, n, at)
	})
	return seen
}

// list calls fn for every element of a list.
func (r *reader) list(n int32, at Path, want string, fn func(n int32, at Path)) {
	if r.kind(n) != jsonList {
		r.wrong(n, at, want)
		return
	}
	i := 0
	for e := n + 1; e < r.nodes[n].after; e = r.nodes[e].after {
		fn(e, at.index(i))
		i++
	}
}

// find is the value of a key of the object at n.
func (r *reader) find(n int32, key string) (int32, bool) {
	if r.kind(n) != jsonObject {
		return 0, false
	}
	for k := n + 1; k < r.nodes[n].after; k = r.nodes[k+1].after {
		if r.str(k) == key {
			return k + 1, true
		}
	}
	return 0, false
}

// has says whether the object at n has one of keys.
func (r *reader) has(n int32, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { _, ok := r.find(n, key); return ok })
}

// textOK is a string, and whether there is one.
func (r *reader) textOK(n int32, at Path) (string, bool) {
	if r.kind(n) != jsonString {
		r.wrong(n, at, "a string")
		return "", false
	}
	return r.str(n), true
}

// text is a name: a string that is not empty.
func (r *reader) text(n int32, at Path) string {
	s, ok := r.textOK(n, at)
	if ok && s == "" {
		r.probs.addf(at, nil, "the name is empty")
	}
	return s
}

// texts is a list of at least one name.
func (r *reader) texts(n int32, at Path) []string {
	list := []string{}
	r.list(n, at, "a list of names", func(e int32, at Path) { list = append(list, r.text(e, at)) })
	if r.kind(n) == jsonList && len(list) == 0 {
		r.probs.addf(at, nil, "the list is empty")
	}
	return list
}

func (r *reader) boolean(n int32, at Path) bool {
	if r.kind(n) != jsonBool {
		r.wrong(n, at, "true or false")
		return false
	}
	return r.text0(n) == "true"
}

// text0 is the text of the value at n as it stands in the JSON.
func (r *reader) text0(n int32) string { return string(r.raw(n)) }

// count is a whole number that is not negative, written without a fraction or
// an exponent.
func (r *reader) count(n int32, at Path) *int64 {
	const want = "a whole number from 0"
	if r.kind(n) != jsonNumber {
		r.wrong(n, at, want)
		return nil
	}
	v, err := strconv.ParseInt(r.text0(n), 10, 64)
	if err != nil || v < 0 {
		r.probs.addf(at, []string{want}, "%s can't stand here", cutNumber(r.text0(n)))
		return nil
	}
	return &v
}

// cutNumber bounds the digits that a message repeats.
func cutNumber(s string) string {
	if len(s) > echoMax {
		return s[:echoMax] + "…"
	}
	return s
}

// path is the way inside a json value: keys, or positions as numbers.
func (r *reader) path(n int32, at Path) []string {
	steps := []string{}
	r.list(n, at, `a list of keys and positions, such as ["address","city"]`, func(e int32, at Path) {
		switch r.kind(e) {
		case jsonString:
			steps = append(steps, r.str(e))
		case jsonNumber:
			if _, err := strconv.ParseInt(r.text0(e), 10, 32); err != nil {
				r.probs.addf(at, nil, "%s is not a position in a list", cutNumber(r.text0(e)))
			}
			steps = append(steps, r.text0(e))
		default:
			r.wrong(e, at, "a key or a position")
		}
	})
	if r.kind(n) == jsonList && len(steps) == 0 {
		r.probs.addf(at, nil, "the path is empty")
	}
	return steps
}
