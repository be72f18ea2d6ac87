package graphql

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// links adds the relations of o. Each has a short name, and a long one for where
// the short one is taken by a column or by another relation:
//
//	author      posts.author_id leads to one user      userByAuthorId
//	posts       many posts lead to a user              postsByAuthor
//	tags        through the join table post_tags       tagsByPostTags
//	ancestors   the tree above, by a self reference    ancestorsByManager
func (m *maker) links(o *object) {
	all := m.src.Links(o.table)
	for _, l := range all {
		if l.FK.Table == l.FK.RefTable && l.Through == nil && !l.Incoming {
			all = append(all, builder.Link{FK: l.FK, Tree: builder.Ancestors}, builder.Link{FK: l.FK, Tree: builder.Descendants})
		}
	}
	type choice struct {
		link        builder.Link
		short, long string
		target      *object
	}
	var choices []choice
	count := map[string]int{}
	for _, l := range all {
		target := m.schema.byTable[l.Target()]
		if target == nil || !target.readable() {
			continue
		}
		c := choice{link: l, target: target}
		c.short, c.long = linkNames(l, target)
		count[c.short]++
		choices = append(choices, c)
	}
	for _, c := range choices {
		name := c.short
		if count[name] > 1 || o.fields[name] != nil || name == "" {
			name = c.long
		}
		conf := o.conf.Relations[name]
		if conf.Omit {
			continue
		}
		link := c.link
		f := &field{name: firstOf(conf.Name, name), kind: oneField, link: &link, target: c.target, typ: named(c.target.name)}
		if link.ToMany() {
			f.kind, f.typ = manyField, nonNullList(c.target.name)
		}
		f.doc = linkDoc(&link, c.target)
		if conf.Description != nil {
			f.doc = *conf.Description
		}
		if conf.Deprecated != "" {
			f.gone = &conf.Deprecated
		}
		m.addField(o, f)
	}
	for name, conf := range o.conf.Relations {
		if conf.Dimensions != 0 {
			m.broken("relation "+name+" of "+o.table.String(), "only a column has dimensions")
		}
		known := false
		for _, c := range choices {
			known = known || c.short == name || c.long == name
		}
		if !known {
			m.broken("relation "+name+" of "+o.table.String(), "the configuration names it, but there is no such relation")
		}
	}
}

// linkNames are the short and the long name of a relation; short is "" where only
// the long one says enough.
func linkNames(l builder.Link, target *object) (short, long string) {
	by := keyWord(l.FK.Columns)
	switch {
	case l.Tree == builder.Ancestors:
		return "ancestors", "ancestorsBy" + by
	case l.Tree == builder.Descendants:
		return "descendants", "descendantsBy" + by
	case l.Through != nil:
		short = lowerFirst(target.plural)
		long = short + "By" + pascal(cleanName(l.FK.Table.Name))
		if l.FK.RefTable == l.Through.RefTable { // both ends are this table
			return "", long + keyWord(l.Through.Columns)
		}
		return short, long
	case l.Incoming:
		short = lowerFirst(target.plural)
		if l.FK.Unique {
			short = lowerFirst(target.name)
		}
		long = short + "By" + by
		if l.FK.Table == l.FK.RefTable {
			short = ""
		}
		return short, long
	}
	long = lowerFirst(target.name) + "By" + columnsWord(l.FK.Columns)
	if len(l.FK.Columns) > 1 {
		return lowerFirst(target.name), long
	}
	word := stripID(l.FK.Columns[0].Name)
	if word == "" {
		return "", long
	}
	return fieldName(word), long
}

// stripID is a column's name without _id or Id at its end, "" where it has none.
func stripID(name string) string {
	for _, suffix := range []string{"_id", "_ID", "Id", "ID"} {
		if rest, ok := strings.CutSuffix(name, suffix); ok && rest != "" {
			return rest
		}
	}
	return ""
}

// keyWord is what referencing columns are called in a name: Author for author_id.
func keyWord(columns []*catalog.Column) string {
	if len(columns) == 1 {
		if word := stripID(columns[0].Name); word != "" {
			return pascal(cleanName(word))
		}
	}
	return columnsWord(columns)
}

// keyWord is what a key is called in a name, by the fields of its columns:
// PostIdAndTagId.
func (o *object) keyWord(k *catalog.Key) string {
	words := make([]string, len(k.Columns))
	for i, c := range k.Columns {
		words[i] = pascal(o.column(c).name)
	}
	return strings.Join(words, "And")
}

func columnsWord(columns []*catalog.Column) string {
	words := make([]string, len(columns))
	for i, c := range columns {
		words[i] = pascal(cleanName(c.Name))
	}
	return strings.Join(words, "And")
}

func linkDoc(l *builder.Link, target *object) string {
	switch {
	case l.Tree == builder.Ancestors:
		return "All rows above in the tree of " + columnNames(l.FK.Columns) + ": the parent, its parent, and so on."
	case l.Tree == builder.Descendants:
		return "All rows below in the tree of " + columnNames(l.FK.Columns) + ": the children, theirs, and so on."
	case l.Through != nil:
		return "The " + target.plural + " that " + l.FK.Table.Name + " joins."
	case l.Incoming:
		return "What refers here by " + columnNames(l.FK.Columns) + "."
	}
	return "What " + columnNames(l.FK.Columns) + " refers to."
}

func columnNames(columns []*catalog.Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// objectType is the type of a table's rows.
func (m *maker) objectType(o *object) {
	if !o.readable() {
		return
	}
	d := &ast.Definition{Kind: ast.Object, Name: o.name, Description: o.tags.description}
	if o.conf.Description != nil {
		d.Description = *o.conf.Description
	}
	for _, f := range o.order {
		if f.kind == columnField && !f.column.CanSelect {
			continue
		}
		fd := &ast.FieldDefinition{Name: f.name, Description: f.doc, Type: f.typ, Directives: deprecated(f.gone)}
		switch f.kind {
		case columnField:
			// A view does not say what is never null.
			fd.Type = maybe(f.typ, f.column.NotNull && f.column.Generated == 0 && (o.stored() || !m.refusesNull(f.column.Type)) || o.inPrimaryKey(f.column))
		case manyField:
			fd.Arguments = f.target.listArguments()
		case computedField, computedRows:
			fd.Arguments = m.computedArguments(f)
		case oneField, toldField:
		}
		d.Fields = append(d.Fields, fd)
	}
	m.define(d, o.origin())
}

func (o *object) inPrimaryKey(c *catalog.Column) bool {
	return o.table.PrimaryKey != nil && slices.Contains(o.table.PrimaryKey.Columns, c)
}

// listArguments are what every list of o takes.
func (o *object) listArguments() ast.ArgumentDefinitionList {
	if o.arguments != nil { // every relation to it has the same
		return o.arguments
	}
	o.arguments = ast.ArgumentDefinitionList{
		{Name: "filter", Type: named(o.name + "Filter"), Description: "Which rows; left out: all."},
		{Name: "orderBy", Type: listOf(o.name + "Order"), Description: "The first key counts most. With a limit or an offset the primary key is added as the last."},
		{Name: "limit", Type: named("Int"), Description: "How many rows at most."},
		{Name: "offset", Type: named("Int"), Description: "How many rows to skip."},
	}
	return o.arguments
}

func deprecated(reason *string) ast.DirectiveList {
	if reason == nil {
		return nil
	}
	text := *reason
	if text == "" {
		text = "No longer supported"
	}
	return ast.DirectiveList{{
		Name: "deprecated", Position: nowhere, Location: ast.LocationFieldDefinition,
		Arguments: ast.ArgumentList{{Name: "reason", Position: nowhere, Value: &ast.Value{Kind: ast.StringValue, Raw: text, Position: nowhere}}},
	}}
}
