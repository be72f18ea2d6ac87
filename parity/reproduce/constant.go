package reproduce

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

func (f *faker) remember(base, old, made string) {
	if f.made[base] == nil {
		f.made[base] = map[string]string{}
	}
	f.made[base][old] = made
}

// known is what stands for a value that is a row's.
func (f *faker) known(old string) (string, bool) {
	for _, base := range slices.Sorted(maps.Keys(f.made)) {
		if made, ok := f.made[base][old]; ok {
			return made, true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.enums)) {
		if made, ok := f.enums[name][old]; ok {
			return made, true
		}
	}
	return "", false
}

// constant is what stands for a constant of a statement.
func (f *faker) constant(old string, at place) string {
	if silent(old) || at.speaks(old) || at.setting() && f.spoken[strings.ToLower(old)] {
		return old
	}
	if made, ok := f.known(old); ok {
		return made
	}
	if made, ok := f.bound(old, at); ok {
		return made
	}
	if kept[old] || f.name(old) || f.reading.vague && vague(old) {
		return old
	}
	if at.call == "format" && at.arg == 0 {
		return outside(old, directive, func(s string) string { return letters(s, 0, 26) })
	}
	if len(old) >= 3 { // a key, or another part of a value
		for _, base := range slices.Sorted(maps.Keys(f.made)) {
			for _, whole := range slices.Sorted(maps.Keys(f.made[base])) {
				made := f.made[base][whole]
				if i := strings.Index(whole, old); i >= 0 && len(whole) == len(made) && made[i:i+len(old)] != old {
					return made[i : i+len(old)]
				}
			}
		}
	}
	return f.value(old, baseOf(old))
}

// baseOf is the type that a constant looks like one of.
func baseOf(v string) string {
	switch {
	case uuidForm.MatchString(v):
		return "uuid"
	case dayForm.MatchString(v):
		return "date"
	case momentForm.MatchString(v) && offsetForm.MatchString(v[10:]):
		return "timestamp with time zone"
	case momentForm.MatchString(v):
		return "timestamp without time zone"
	case decimalForm.MatchString(v):
		return "numeric"
	case (strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[")) && json.Valid([]byte(v)):
		return "jsonb"
	case strings.HasPrefix(v, "{") && strings.HasSuffix(v, "}"):
		return "text[]"
	}
	return "text"
}

// name says whether v is the name of something, with all that is before it: nextval and
// regclass take it in quotes.
func (f *faker) name(v string) bool {
	list := sqltext.Lex(v)
	for i, l := range list {
		if i%2 == 1 && l.Text != "." || i%2 == 0 && (l.Sort != sqltext.Word || !f.names()[l.Name()]) || l.Space != "" {
			return false
		}
	}
	return len(list)%2 == 1
}

// names are those of the world.
func (f *faker) names() map[string]bool {
	if f.named != nil {
		return f.named
	}
	f.named = map[string]bool{}
	for i := range f.before.tables {
		t := &f.before.tables[i]
		f.named[t.name], f.named[t.schema] = true, true
		for _, c := range t.columns {
			f.named[c.name], f.named[c.typ] = true, true
		}
	}
	for _, t := range f.before.types {
		f.named[t.name], f.named[t.schema] = true, true
	}
	for _, o := range f.before.objects {
		f.named[o.name], f.named[o.schema] = true, true
	}
	for _, s := range f.before.sequences {
		f.named[s] = true
	}
	delete(f.named, "")
	return f.named
}

// number is what stands for a number of a statement.
func (f *faker) number(old string, at place) string {
	x, ok := new(big.Rat).SetString(old)
	switch {
	case kept[old], at.count() && len(old) < 5:
		return old
	case !ok: // 0x12 or 1_000
		return "1"
	}
	if made, ok := f.bound(old, at); ok {
		return strings.TrimPrefix(made, "-")
	}
	if !at.scales() {
		for _, base := range slices.Sorted(maps.Keys(f.made)) {
			if !numTypes[base] {
				continue
			}
			for _, o := range slices.Sorted(maps.Keys(f.made[base])) {
				if y, ok := new(big.Rat).SetString(o); ok && x.Cmp(y) == 0 {
					return strings.TrimPrefix(respelled(f.made[base][o], old), "-") // the sign is another lexeme
				}
			}
		}
	}
	if made, ok := f.near(old); ok {
		return strings.TrimPrefix(made, "-")
	}
	if f.reading.small && len(old) < 3 && !at.compared() {
		return old
	}
	made := f.other(numbering, "numeric", old, 0)
	for rank := 1; rank <= 20 && f.taken[made]; rank++ { // two numbers stay two
		made = f.other(numbering, "numeric", old, rank)
	}
	f.taken[made] = true
	f.remember("numeric", old, made)
	return made
}

// bound is what stands for a constant that a column is greater or less than: the nearest
// value of a row, so that the same rows are.
func (f *faker) bound(old string, at place) (string, bool) {
	base := f.columnType(at.before[1])
	up := at.before[0] == "<" || at.before[0] == ">="
	if !up && at.before[0] != ">" && at.before[0] != "<=" || !numTypes[base] && !clockTypes[base] {
		return "", false
	}
	if made, ok := f.made[base][old]; ok {
		return made, true
	}
	list := f.values(base)
	i, _ := slices.BinarySearchFunc(list, old, order)
	if up && i < len(list) {
		return f.made[base][list[i]], true
	}
	if !up && i > 0 {
		return f.made[base][list[i-1]], true
	}
	return "", false
}

// near is the number of a row that is next to old, as the reading has it.
func (f *faker) near(old string) (made string, ok bool) {
	var nearest string
	for _, base := range f.bases() {
		if f.reading.near == 0 || !numTypes[base] {
			continue
		}
		for _, v := range f.values(base) {
			if order(v, old) == f.reading.near && (!ok || order(v, nearest) == -f.reading.near) {
				nearest, made, ok = v, f.made[base][v], true
			}
		}
	}
	return made, ok
}

func numbering(_, old string, rank int) (string, bool) { return numbers(old, rank), true }
