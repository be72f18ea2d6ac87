package reproduce

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// world is a small database and an operation on it.
type world struct {
	extensions []extension
	types      []typ
	tables     []table
	objects    []object
	sequences  []string // names of those that come with a table
	path       string   // the search_path, where it is not that of every database
	operation
}

// operation is a definition, decoded from JSON with its numbers as json.Number, or the
// lines of a program. One of them is nil.
type operation struct {
	definition any
	lines      []corpus.Line
}

type extension struct{ schema, name string }

// typ is an enum (labels), a domain (base), or what text makes.
type typ struct {
	schema, name string
	labels       []string
	base, text   string
}

// object is a view, a function or the like: what makes it, taken over as it is, and
// what undoes that. They are in an order in which they can be made, after the tables.
type object struct {
	schema, name string
	do, undo     string
}

type table struct {
	schema, name string
	from         *catalog.Table
	columns      []column
	key          []string // of the primary key
	unique       []unique
	foreign      []foreign
	rows         [][]*string // in the order of columns; nil is NULL
}

type column struct {
	name, typ string
	base      string // what decides how values are made up: the type, without its modifier
	notNull   bool
	identity  bool
	fallback  string // the default, where it says nothing of a row
	generated string // the expression that makes it
}

type unique struct {
	name    string // of a constraint: ON CONFLICT takes it
	columns []string
}

type foreign struct {
	columns    []string
	schema, to string
	keys       []string
}

// clone is a copy that shares no slice which a shrinking step changes.
func (w *world) clone() *world {
	c := *w
	c.types, c.tables, c.objects = slices.Clone(w.types), slices.Clone(w.tables), slices.Clone(w.objects)
	c.extensions, c.lines = slices.Clone(w.extensions), slices.Clone(w.lines)
	for i := range c.tables {
		t := &c.tables[i]
		t.columns, t.rows, t.foreign, t.unique = slices.Clone(t.columns), slices.Clone(t.rows), slices.Clone(t.foreign), slices.Clone(t.unique)
	}
	return &c
}

func (t *table) named() string {
	return catalog.QuoteIdent(t.schema) + "." + catalog.QuoteIdent(t.name)
}

func (t *table) index(name string) int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
}

// schemas are those of tables, types, extensions and objects, sorted.
func (w *world) schemas() []string {
	set := map[string]bool{}
	for _, o := range w.objects {
		if o.schema != "" {
			set[o.schema] = true
		}
	}
	for _, e := range w.extensions {
		set[e.schema] = true
	}
	for i := range w.tables {
		set[w.tables[i].schema] = true
	}
	for _, t := range w.types {
		set[t.schema] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func quoteAll(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = catalog.QuoteIdent(n)
	}
	return strings.Join(list, ", ")
}

// literal is s as an SQL literal, whatever standard_conforming_strings is.
func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// step is a statement, and the one that undoes it: "" where another's does.
type step struct{ do, undo string }

// sql are the statements that make the world in an empty database.
func (w *world) sql() []string {
	var list []string
	for _, s := range w.steps() {
		list = append(list, s.do)
	}
	return list
}

func (w *world) steps() []step {
	var list []step
	for _, s := range w.schemas() {
		if name := catalog.QuoteIdent(s); s != "public" {
			list = append(list, step{"create schema " + name, "drop schema " + name})
		}
	}
	if w.path != "" {
		const of = "do $do$ begin execute pg_catalog.format('alter database %%I %s', pg_catalog.current_database()); end $do$"
		list = append(list,
			step{fmt.Sprintf(of, "set search_path = "+strings.ReplaceAll(strings.ReplaceAll(w.path, "'", "''"), "%", "%%")), fmt.Sprintf(of, "reset search_path")},
			step{"set search_path = " + w.path, "reset search_path"}) // here too: SQL functions are read when they are made
	}
	for _, e := range w.extensions {
		list = append(list, step{
			"create extension if not exists " + catalog.QuoteIdent(e.name) + " with schema " + catalog.QuoteIdent(e.schema), "drop extension if exists " + catalog.QuoteIdent(e.name),
		})
	}
	for _, t := range w.types {
		name := catalog.QuoteIdent(t.schema) + "." + catalog.QuoteIdent(t.name)
		switch {
		case t.base != "":
			list = append(list, step{fmt.Sprintf("create domain %s as %s", name, t.base), "drop domain " + name})
			continue
		case t.text != "":
			list = append(list, step{t.text, "drop type " + name})
			continue
		}
		labels := make([]string, len(t.labels))
		for i, l := range t.labels {
			labels[i] = literal(l)
		}
		list = append(list, step{fmt.Sprintf("create type %s as enum (%s)", name, strings.Join(labels, ", ")), "drop type " + name})
	}
	for i := range w.tables {
		t := &w.tables[i]
		list = append(list, step{t.create(), "drop table " + t.named() + " cascade"})
		if insert := t.insert(); insert != "" {
			list = append(list, step{do: insert})
		}
	}
	for i := range w.tables {
		t := &w.tables[i]
		for _, f := range t.foreign {
			list = append(list, step{do: fmt.Sprintf("alter table %s add foreign key (%s) references %s.%s (%s) not valid",
				t.named(), quoteAll(f.columns), catalog.QuoteIdent(f.schema), catalog.QuoteIdent(f.to), quoteAll(f.keys))})
		}
	}
	for _, o := range w.objects {
		list = append(list, step{o.do, o.undo})
	}
	return list
}

func (t *table) create() string {
	var parts []string
	for _, c := range t.columns {
		s := catalog.QuoteIdent(c.name) + " " + c.typ
		switch {
		case c.identity:
			s += " generated by default as identity" + t.start(c.name)
		case c.generated != "":
			s += " generated always as (" + c.generated + ") stored"
		case c.fallback != "":
			s += " default " + c.fallback
		}
		if c.notNull {
			s += " not null"
		}
		parts = append(parts, s)
	}
	if len(t.key) > 0 {
		parts = append(parts, "primary key ("+quoteAll(t.key)+")")
	}
	for _, u := range t.unique {
		s := "unique (" + quoteAll(u.columns) + ")"
		if u.name != "" {
			s = "constraint " + catalog.QuoteIdent(u.name) + " " + s
		}
		parts = append(parts, s)
	}
	return fmt.Sprintf("create table %s (\n\t%s\n)", t.named(), strings.Join(parts, ",\n\t"))
}

// start has the identity go on behind the rows that are there.
func (t *table) start(name string) string {
	next := int64(1)
	for _, row := range t.rows {
		if v := row[t.index(name)]; v != nil {
			if n, err := strconv.ParseInt(*v, 10, 64); err == nil && n < math.MaxInt32 {
				next = max(next, n+1)
			}
		}
	}
	if next == 1 {
		return ""
	}
	return fmt.Sprintf(" (start with %d)", next)
}

func (t *table) insert() string {
	if len(t.rows) == 0 || len(t.columns) == 0 {
		return ""
	}
	var names []string
	for _, c := range t.columns {
		if c.generated == "" {
			names = append(names, c.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	rows := make([]string, len(t.rows))
	for i, row := range t.rows {
		var cells []string
		for j, v := range row {
			switch {
			case t.columns[j].generated != "":
			case v == nil:
				cells = append(cells, "null")
			default:
				cells = append(cells, literal(*v))
			}
		}
		rows[i] = "\t(" + strings.Join(cells, ", ") + ")"
	}
	return fmt.Sprintf("insert into %s (%s) values\n%s", t.named(), quoteAll(names), strings.Join(rows, ",\n"))
}
