package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
)

// Operation says what a report is of, beyond what parity knows.
type Operation struct {
	// Title is what the source of the operation calls it. It is shown as it is.
	Title string
	// Line is that of the source; 0 where there is none.
	Line int
	// Shape is the operation without its values; "" leaves its class to the SQL. See
	// Shape.
	Shape string
	// Replay is a command that runs the operation again.
	Replay string
}

type operationKey struct{}

// WithOperation has the reports of what runs under the context be of o.
func WithOperation(ctx context.Context, o Operation) context.Context {
	return context.WithValue(ctx, operationKey{}, o)
}

// Fingerprint is the hash of a shape: 16 hexadecimal digits.
func Fingerprint(shape string) string {
	sum := sha256.Sum256([]byte(shape))
	return hex.EncodeToString(sum[:8])
}

// Shape is d without its values: definitions that differ in values only, in the
// length of a list, or in the order of conditions have the same.
func Shape(d *builder.Definition) string {
	var s shape
	s.definition(d)
	return strings.Join(s.words, " ")
}

// ShapeOfSQL is SQL text without the values in it.
func ShapeOfSQL(sql string) string { return name(sql) }

type shape struct{ words []string }

var kinds = map[builder.Kind]string{builder.Query: "query", builder.Insert: "insert", builder.Update: "update", builder.Delete: "delete", builder.Invoke: "invoke"}

func (s *shape) add(words ...string) { s.words = append(s.words, words...) }

// group adds word(list), unless list is empty.
func (s *shape) group(word string, list []string) {
	if len(list) > 0 {
		s.add(word + "(" + strings.Join(list, ", ") + ")")
	}
}

func (s *shape) definition(d *builder.Definition) {
	s.add(kinds[d.Kind], source(d.Table, d.From))
	var input []string
	for _, row := range d.Input {
		for _, set := range row.Sets {
			word := set.Field
			if set.Op != "" {
				word += " " + set.Op
			}
			if !slices.Contains(input, word) {
				input = append(input, word)
			}
		}
	}
	slices.Sort(input)
	s.group("input", input)
	s.group("fields", append(fields(d.Fields), relations(d.Relations)...))
	var aggregates []string
	for _, a := range d.Aggregate {
		word := a.Fn + " " + a.Field
		if a.Distinct {
			word += " distinct"
		}
		aggregates = append(aggregates, strings.TrimSpace(word+filter(" where ", a.Filter)))
	}
	s.group("aggregate", aggregates)
	var by []string
	for _, g := range d.GroupBy {
		by = append(by, strings.TrimSpace(g.Field+" "+g.Trunc))
	}
	s.group("group_by", by)
	s.conditions(d)
	if c := d.OnConflict; c != nil {
		s.add("on_conflict(" + strings.Join(append(slices.Clone(c.Columns), c.Update...), ", ") + ")")
	}
	if d.ReturnNone {
		s.add("return_nothing")
	}
}

// conditions are the parts that choose rows and order them.
func (s *shape) conditions(d *builder.Definition) {
	if w := filter("where ", d.Filter); w != "" {
		s.add(w)
	}
	if h := filter("having ", d.Having); h != "" {
		s.add(h)
	}
	s.group("sort", sorts(d.Sort))
	for _, p := range []struct {
		word  string
		there bool
	}{{"limit", d.Limit != nil}, {"offset", d.Offset != nil}, {"after", d.After != nil}, {"before", d.Before != nil}, {"distinct", d.Distinct != nil}, {"all_rows", d.AllRows}} {
		if p.there {
			s.add(p.word)
		}
	}
}

func source(table string, call *builder.Call) string {
	if call != nil {
		return callName(call) + "()"
	}
	return table
}

func fields(list []builder.Field) []string {
	var names []string
	for i := range list {
		f := &list[i]
		word := f.Name
		switch {
		case f.Relation != nil:
			word = relation(f.Relation)
		case f.Call != nil:
			word = callName(f.Call) + "()"
		case word == "" && len(f.Object) > 0:
			word = "{" + strings.Join(fields(f.Object), ", ") + "}"
		case word == "":
			continue
		}
		if len(f.JSON) > 0 {
			word += "->" + strings.Join(f.JSON, "->")
		}
		names = append(names, word)
	}
	return names
}

func relations(list []builder.Relation) []string {
	var names []string
	for i := range list {
		names = append(names, relation(&list[i]))
	}
	return names
}

func relation(r *builder.Relation) string {
	word := r.Name
	if word == "" {
		word = r.Key
	}
	parts := append(fields(r.Fields), relations(r.Relations)...)
	if w := filter("where ", r.Filter); w != "" {
		parts = append(parts, w)
	}
	if k := sorts(r.Sort); len(k) > 0 {
		parts = append(parts, "sort("+strings.Join(k, ", ")+")")
	}
	if r.Limit != nil {
		parts = append(parts, "limit")
	}
	return word + " {" + strings.Join(parts, ", ") + "}"
}

func sorts(list []builder.Sort) []string {
	var keys []string
	for _, k := range list {
		word := k.Field
		if k.Desc {
			word += " desc"
		}
		keys = append(keys, word)
	}
	return keys
}

// filter is a condition behind word; "" where there is none. Members of and and or
// are sorted, and those that are alike stand once.
func filter(word string, f *builder.Filter) string {
	switch {
	case f == nil:
		return ""
	case f.And != nil:
		return word + all("and", f.And)
	case f.Or != nil:
		return word + all("or", f.Or)
	case f.Not != nil:
		return word + filter("not ", f.Not)
	case f.Rel != "" || f.Link != nil:
		return word + strings.TrimSpace(f.Rel+" has "+filter("", f.Sub))
	}
	left := f.Field
	if f.Call != nil {
		left = callName(f.Call) + "()"
	}
	if len(f.JSON) > 0 {
		left += "->" + strings.Join(f.JSON, "->")
	}
	if string(f.Value) == "null" { // eq null is another condition
		return word + left + " " + f.Op + " null"
	}
	return word + left + " " + f.Op + " ?"
}

func all(word string, list []*builder.Filter) string {
	var parts []string
	for _, f := range list {
		if p := filter("", f); !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	slices.Sort(parts)
	if len(parts) == 1 && len(list) == 1 {
		return parts[0]
	}
	return word + "(" + strings.Join(parts, ", ") + ")"
}

func callName(c *builder.Call) string {
	if c.Function == nil {
		return "?"
	}
	return c.Function.Name
}
