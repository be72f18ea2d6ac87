package reproduce

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// madeUp replaces every value of the world by a made-up one, as long as that fails
// the same way. It is an error where no made-up values do.
func (s *shrinker) madeUp() error {
	f := &faker{before: s.world, how: map[string]maker{}}
	if f.labels(); len(f.enums) > 0 {
		s.renamed = true
	}
	ways := readings
	switch {
	case s.world.lines == nil && len(s.world.objects) == 0 && !slices.ContainsFunc(s.world.tables, isGenerating):
		ways = ways[:1] // there is no SQL to read
	default:
		if err := s.ask(f); err != nil {
			return err
		}
	}
	for _, f.reading = range ways {
		if ok, err := s.fake(f); ok || err != nil {
			return err
		}
	}
	return ErrValues
}

// ask has f know the server's words, and the types of the lines' arguments.
func (s *shrinker) ask(f *faker) (err error) {
	f.parameters = map[string][]string{}
	if err := s.make(s.ctx, s.world.sql()); err != nil {
		return spent(s.ctx, ErrNotSeen) // and not what the server says, which has values in it
	}
	a, err := newAsker(s.ctx, s.trier, s.world.lines)
	if err != nil {
		return spent(s.ctx, err)
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if f.spoken, err = a.spoken(); err != nil {
		return spent(s.ctx, err)
	}
	for _, l := range s.world.lines {
		if len(l.Args) > 0 {
			f.parameters[l.SQL] = a.parameters(l.SQL)
		}
	}
	return nil
}

// fake tries the makers. Most differences are in one value: for all others the simplest
// will do.
func (s *shrinker) fake(f *faker) (bool, error) {
	for i := range makers {
		for _, base := range f.bases() {
			f.how[base] = makers[i]
		}
		if ok, err := s.attempt(f); ok || err != nil {
			return ok, err
		}
	}
	if f.reading.vague {
		return false, nil // unlikely enough to leave it at that
	}
	for _, base := range f.bases() {
		f.how[base] = plain
		if ok, err := s.attempt(f); ok || err != nil {
			return ok, err
		}
		f.how[base] = shaped
	}
	return false, nil
}

// ErrValues says that the difference is in the values themselves: it was not seen any
// more with others of the same type and class, and what has the real ones is never
// written.
var ErrValues = errors.New("the difference is not seen with made-up values of the same type and class")

func (s *shrinker) attempt(f *faker) (bool, error) {
	w, err := f.offer()
	if w == nil || err != nil {
		return false, err
	}
	return s.keep(w)
}

// offer is the world with made-up values; nil where it can't be made without the real ones.
func (f *faker) offer() (*world, error) {
	w, ok := f.world()
	if !ok || f.stuck {
		return nil, nil //nolint:nilnil // there is none
	}
	text, err := w.said()
	if err != nil || f.leaks(strings.Join(w.sql(), "\n")+"\n"+text) {
		return nil, err
	}
	return w, nil
}

// faker makes worlds with made-up values.
type faker struct {
	before *world
	how    map[string]maker // by base type
	enums  map[string]map[string]string

	made map[string]map[string]string // of the world that is made: old to new, by base type

	// Of SQL: see fakesql.go.
	reading    reading
	parameters map[string][]string // types, by statement
	stuck      bool                // a constant has no other that could stand for it
	named      map[string]bool     // see names
	spoken     map[string]bool     // words of the server
	renamed    map[string]string   // see statement
	taken      map[string]bool     // numbers that were made up for constants
}

// labels gives every label of an enum another name. Types of one name in two schemas
// share theirs.
func (f *faker) labels() {
	f.enums = map[string]map[string]string{}
	for _, t := range f.before.types {
		if len(t.labels) == 0 {
			continue
		}
		m := f.enums[t.name]
		if m == nil {
			m = map[string]string{}
			f.enums[t.name] = m
		}
		for _, l := range t.labels {
			if m[l] == "" {
				m[l] = fmt.Sprintf("label_%d", len(m)+1)
			}
		}
	}
}

// enum are the labels of the type, or of what it is an array of; nil where it is no enum.
func (f *faker) enum(base string) map[string]string { return f.enums[ownName(base)] }

// ownName is the name of a type that is not the server's, without the schema that is
// always before it, and the brackets of an array; "" of others.
func ownName(typ string) string {
	list := sqltext.Lex(strings.TrimSuffix(typ, "[]"))
	if len(list) != 3 || list[1].Text != "." || list[2].Sort != sqltext.Word {
		return ""
	}
	return list[2].Name()
}

// bases are the types of columns, and those that JSON knows.
func (f *faker) bases() []string {
	set := map[string]bool{"text": true, "numeric": true}
	for i := range f.before.tables {
		for _, c := range f.before.tables[i].columns {
			if f.enum(c.base) == nil {
				set[c.base] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// world is the world with made-up values; false where a type has none.
func (f *faker) world() (*world, bool) {
	f.made, f.renamed, f.stuck = map[string]map[string]string{}, map[string]string{}, false
	f.taken = map[string]bool{}
	w := f.before.clone()
	for base, how := range f.how {
		f.made[base] = map[string]string{}
		for rank, v := range f.values(base) {
			made, ok := how(base, v, rank)
			if !ok { // no simple value of this type
				how = shaped
				if made, ok = how(base, v, rank); !ok {
					return nil, false
				}
			}
			if made == v {
				made = f.other(how, base, v, rank)
			}
			f.made[base][v] = made
		}
	}
	for i := range w.types {
		if m := f.enums[w.types[i].name]; m != nil && w.types[i].base == "" {
			labels := make([]string, len(w.types[i].labels))
			for j, l := range w.types[i].labels {
				labels[j] = m[l]
			}
			w.types[i].labels = labels
		}
	}
	for i := range w.tables {
		t := &w.tables[i]
		for j := range t.columns {
			t.columns[j].generated = f.text(t.columns[j].generated, true)
		}
		for k, row := range t.rows {
			row = slices.Clone(row)
			for j, v := range row {
				if v != nil {
					made := f.cell(t.columns[j].base, *v)
					row[j] = &made
				}
			}
			t.rows[k] = row
		}
	}
	for i := range w.objects {
		w.objects[i].do = f.text(w.objects[i].do, true)
	}
	if w.lines != nil {
		w.lines = f.program(w.lines)
		return w, true
	}
	w.definition = f.definition(w.definition, "", false)
	return w, true
}

// other is what how makes of old, with another rank where it is the same by chance and
// has something to say.
func (f *faker) other(how maker, base, old string, rank int) string {
	made, ok := how(base, old, rank)
	telling := 0
	for _, c := range old {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			telling++
		}
	}
	for n := 1; telling >= 3 && ok && made == old && n <= 5; n++ {
		made, ok = how(base, old, rank+n)
	}
	return made
}

// values are those of columns of one type, sorted: what was smaller gets a smaller
// rank.
func (f *faker) values(base string) []string {
	set := map[string]bool{}
	for i := range f.before.tables {
		t := &f.before.tables[i]
		for j, c := range t.columns {
			for _, row := range t.rows {
				if c.base == base && row[j] != nil && !keeps(base, *row[j]) {
					set[*row[j]] = true
				}
			}
		}
	}
	list := slices.Collect(maps.Keys(set))
	slices.SortFunc(list, order)
	return list
}

// order is that of two values: by number, or by text.
func order(a, b string) int {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	if okX && okY {
		return x.Cmp(y)
	}
	return strings.Compare(a, b)
}

var labelForm = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[^{},"]+`)

func (f *faker) cell(base, old string) string {
	if m := f.enum(base); m != nil {
		if made, ok := m[old]; ok {
			return made
		}
		return labelForm.ReplaceAllStringFunc(old, func(l string) string {
			switch made, ok := m[strings.Trim(l, `"`)]; {
			case ok:
				return made
			case l == "NULL":
				return l
			}
			return "label_1" // there is no such label: a filter may ask for one
		})
	}
	if made, ok := f.made[base][old]; ok || keeps(base, old) {
		if !ok {
			return old
		}
		return made
	}
	return f.leaf(old, base, "text")
}

// leaks says whether a value that was replaced stands in text all the same. Short
// ones may stand there by chance, and the names of things are no values.
func (f *faker) leaks(text string) bool {
	names := f.names()
	for _, made := range f.made {
		for old, is := range made {
			if len(old) >= 5 && old != is && !names[old] && strings.Contains(text, old) {
				return true
			}
		}
	}
	return false
}
